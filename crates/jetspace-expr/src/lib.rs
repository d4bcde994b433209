//! Expressions in coordinates, fields' derivatives, parameters and data.
//!
//! A [`Graph`] holds expressions in a canonical form, in which equal expressions are one. It gives
//! their derivatives ([`Graph::derivative`], [`Graph::partial`]) and rewrites them: [`Graph::hoist`]
//! takes out what is the same at every step, [`Graph::collapse`] finds the derivatives that are
//! needed only in one combination. A [`Program`] evaluates expressions at many points, and their
//! adjoint.
//!
//! It knows nothing of networks or of training: fields are numbers that someone else provides.

mod derivative;
mod function;
mod graph;
mod program;
mod transform;

pub use derivative::DerivativeError;
pub use function::Function;
pub use graph::{Graph, Id, Symbol};
pub use program::{Evaluated, Program, ProgramError, Scratch};
pub use transform::{Collapsed, Hoisted};
