//! The equation language, from text to what can be evaluated and differentiated at many points.
//!
//! - [`parse_expression`] and [`parse_equation`] turn text such as `u_t + u*u_x = nu*u_xx` into an
//!   [`Expression`] or an [`Equation`], trees with source spans that know nothing of what their names
//!   mean.
//! - A [`Scope`] says what names mean, and lowers trees into a graph. An [`ExprError`] says what is
//!   wrong, where in the text, and what to do.
//! - A [`Graph`] holds expressions in a canonical form, in which equal expressions are one. It gives
//!   their derivatives ([`Graph::derivative`], [`Graph::partial`]) and rewrites them:
//!   [`Graph::hoist`] takes out what is the same at every step, [`Graph::collapse`] finds the
//!   derivatives that are needed only in one combination.
//! - A [`Program`] evaluates expressions at many points, and their adjoint.
//!
//! It knows nothing of networks or of training: fields are numbers that someone else provides.

mod derivative;
mod error;
mod function;
mod graph;
mod lexer;
mod parser;
mod program;
mod scope;
mod span;
mod syntax;
mod transform;

pub use derivative::DerivativeError;
pub use error::ExprError;
pub use function::Function;
pub use graph::{Graph, Id, Symbol};
pub use parser::{parse_equation, parse_expression};
pub use program::{Evaluated, Program, ProgramError, Scratch};
pub use scope::{CoordinateKind, Scope, nearest};
pub use span::Span;
pub use syntax::{BinaryOperator, Equation, Expression, Node};
pub use transform::{Collapsed, Hoisted};
