//! Optimisers on a flat vector of parameters.
//!
//! An optimiser owns its state and changes the caller's parameters in place, given their gradient.
//! It knows nothing of networks or equations: the vector may parametrise anything. State is open
//! for reading and for starting from, so that a run continues where it was stopped, to the bit.
//!
//! - [`Adam`]: first order, with moments of the gradient (Kingma & Ba 2015).
//! - [`Soap`]: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2025).
//! - [`Lbfgs`]: L-BFGS with steps of fixed length, as PyTorch takes them.
//! - [`QuasiNewton`]: L-BFGS, BFGS and self-scaled Broyden methods with a line search.
//! - [`LevenbergMarquardt`]: sums of squares whose residuals are known one by one.
//! - [`LineSearch`]: how far to go along a direction.
//! - [`Schedule`]: how the rate of either changes during a run.

mod adam;
mod blocks;
mod error;
mod float;
mod lbfgs;
mod levenberg_marquardt;
mod line_search;
mod quasi_newton;
mod schedule;
mod soap;

pub use adam::{Adam, AdamSettings, AdamState};
pub use error::OptimError;
pub use float::Float;
pub use lbfgs::{EpochEnd, Lbfgs, LbfgsSettings, LbfgsState, LbfgsStep};
pub use levenberg_marquardt::{
    FactoredBlock, LeastSquares, LevenbergMarquardt, LevenbergMarquardtOrigin,
    LevenbergMarquardtSettings, LevenbergMarquardtState, LevenbergMarquardtStep,
    LevenbergMarquardtStop, LinearSolver, Linearisation,
};
pub use line_search::{
    LineSearch, LineSearchSettings, LineSearchState, LineSearchStep, SearchFailure, Trial,
};
pub use quasi_newton::{
    Breakdown, DenseUpdate, InverseHessian, InverseHessianState, QuasiNewton, QuasiNewtonPhase,
    QuasiNewtonProgress, QuasiNewtonSettings, QuasiNewtonState, QuasiNewtonStep, Stop,
};
pub use schedule::Schedule;
pub use soap::{Soap, SoapSettings, SoapState, WeightMatrix};
