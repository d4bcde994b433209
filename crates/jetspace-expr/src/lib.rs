//! The equation language: `u_t + u*u_x - nu*u_xx = 0`.
//!
//! - [`parse_expression`] and [`parse_equation`] turn text into an [`Expression`] or an
//!   [`Equation`], trees with source spans that know nothing of what their names mean.
//! - A [`Graph`] holds expressions in a canonical form, in which equal expressions are one, and
//!   differentiates them.
//! - A [`Scope`] says what names mean, and lowers trees into a graph.
//! - An [`ExprError`] says what is wrong, where in the text, and what to do.
//!
//! It knows nothing of networks or training.

mod derivative;
mod error;
mod function;
mod graph;
mod lexer;
mod parser;
mod scope;
mod span;
mod syntax;

pub use derivative::DerivativeError;
pub use error::ExprError;
pub use function::Function;
pub use graph::{Graph, Id, Symbol};
pub use parser::{parse_equation, parse_expression};
pub use scope::{CoordinateKind, Scope};
pub use span::Span;
pub use syntax::{BinaryOperator, Equation, Expression, Node};
