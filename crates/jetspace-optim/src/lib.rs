//! Optimisers on a flat vector of parameters.
//!
//! An optimiser owns its state and changes the caller's parameters in place, given their gradient.
//! It knows nothing of networks or equations: the vector may parametrise anything. State is open
//! for reading and for starting from, so that a run continues where it was stopped, to the bit.
//!
//! - [`Adam`]: first order, with moments of the gradient (Kingma & Ba 2015).

mod adam;
mod error;
mod float;

pub use adam::{Adam, AdamSettings, AdamState};
pub use error::OptimError;
pub use float::Float;
