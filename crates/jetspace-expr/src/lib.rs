//! Expressions in coordinates, fields' derivatives, parameters and data.
//!
//! A [`Graph`] holds expressions in a canonical form, in which equal expressions are one.

mod derivative;
mod function;
mod graph;

pub use derivative::DerivativeError;
pub use function::Function;
pub use graph::{Graph, Id, Symbol};
