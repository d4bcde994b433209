//! What a quasi-Newton method remembers, as plain vectors and numbers to save.

use super::QuasiNewtonProgress;
use crate::LineSearchState;

/// Everything that [`QuasiNewton`](super::QuasiNewton) remembers between calls: save it, and [`QuasiNewton::resume`](super::QuasiNewton::resume) from
/// it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuasiNewtonState<T> {
    /// What the latest call left to do.
    pub phase: QuasiNewtonPhase<T>,
    /// How far it has come.
    pub progress: QuasiNewtonProgress,
    /// What has been learnt of the inverse Hessian.
    pub hessian: InverseHessianState<T>,
}

/// What the latest call of [`QuasiNewton::advance`](super::QuasiNewton::advance) left to do.
#[derive(Clone, Debug, PartialEq)]
pub enum QuasiNewtonPhase<T> {
    /// To begin an iteration.
    Start,
    /// To learn from the latest iteration, and begin the next.
    Learn {
        /// s.
        step: Vec<T>,
        /// y, the change of the gradient along it.
        change: Vec<T>,
        /// −α² f′(0), which is sᵀBs: the y·s that the inverse Hessian B⁻¹ predicted.
        predicted: f64,
        /// By how much the loss fell along it.
        decrease: f64,
    },
    /// To go on with a line search.
    Search {
        /// Where it began.
        origin: Vec<T>,
        /// The gradient there.
        gradient: Vec<T>,
        /// d.
        direction: Vec<T>,
        /// How far it has come.
        search: LineSearchState,
    },
}

/// A saved [`InverseHessian`](super::InverseHessian).
#[derive(Clone, Debug, PartialEq)]
pub enum InverseHessianState<T> {
    /// The pairs, one after the other, the oldest first.
    Limited {
        /// Their steps s.
        steps: Vec<T>,
        /// The changes y of the gradient along them.
        changes: Vec<T>,
    },
    /// A matrix from which nothing has been learnt yet.
    Identity,
    /// A matrix.
    Dense {
        /// Its lower triangle with the diagonal, row by row: n(n + 1)/2 numbers.
        lower_triangle: Vec<T>,
    },
}
