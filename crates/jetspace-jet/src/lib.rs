//! Derivatives of neural networks at the speed of the hardware.
//!
//! A *jet* is the value of a function together with the derivatives that some work needs. This crate
//! evaluates jets of fully connected networks at many points, and differentiates functions of those
//! jets with respect to the network's parameters and inputs: what training on derivatives, on
//! equations, or on both comes down to.
//!
//! - [`JetSet`] says which derivatives; [`Network`] which network; [`Plan`] compiles the two.
//! - [`Engine`] evaluates ([`Engine::jets`]), differentiates a loss ([`Engine::gradient`]), and
//!   gives Jacobians for Gauss–Newton methods ([`Engine::jacobian`], [`Engine::jacobian_times`], and in
//!   factors [`Engine::jacobian_factors`]).
//!
//! Forward jets follow Taylor-mode differentiation (Griewank & Walther, *Evaluating Derivatives*,
//! 2008, ch. 13) with mixed derivatives carried directly; see [`plan`](Plan) for when an adjoint
//! channel is cheaper. It knows nothing of equations or of training.

mod compiled;
mod composition;
mod elementary;
mod embedding;
mod engine;
mod error;
mod factors;
mod initialisation;
mod instruction_set;
mod jet_set;
mod kernels;
mod multi_index;
mod network;
mod ordered_sum;
mod parameter_map;
mod plan;
mod points;
mod real;
mod threads;
mod tile;
mod tiling;

pub use elementary::{Elementary, apply};
pub use embedding::Embedding;
pub use engine::{Batch, Engine, TileLinearisation, TileLoss};
pub use error::JetError;
pub use factors::FactoredLayer;
pub use initialisation::Initialisation;
pub use instruction_set::InstructionSet;
pub use jet_set::{Component, JetSet};
pub use multi_index::{MAX_ORDER, MAX_VARIABLES, MultiIndex};
pub use network::{Activation, Layer, Network};
pub use parameter_map::ParameterMap;
pub use plan::{MAX_COMPONENTS, Plan, Strategy};
pub use points::{CotangentTile, JetTile, Points};
pub use real::Real;
pub use threads::Threads;
