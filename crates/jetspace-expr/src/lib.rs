//! Expressions in coordinates, fields' derivatives, parameters and data.
//!
//! A [`Graph`] holds expressions in a canonical form, in which equal expressions are one.

mod function;
mod graph;

pub use function::Function;
pub use graph::{Graph, Id, Symbol};
