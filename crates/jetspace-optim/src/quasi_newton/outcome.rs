//! What a call of a quasi-Newton method did, and why it went no further.

use std::fmt;

use crate::SearchFailure;

/// What one call of [`QuasiNewton::advance`](super::QuasiNewton::advance) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuasiNewtonStep {
    /// The parameters have moved to the next trial of a line search.
    Searching,
    /// An iteration has ended, and the parameters stay where they are: here the search's conditions
    /// hold.
    Iterated,
    /// An iteration has ended for want of a step that the conditions allow. The parameters are at the
    /// best point of the search, and all that was learnt is forgotten: the next iteration begins
    /// with the steepest descent.
    Reset(Breakdown),
    /// There is no use in going on, as long as the objective stays the same: all later calls would
    /// end so too. The parameters are where the latest iteration ended.
    Stopped(Stop),
}

impl QuasiNewtonStep {
    /// Whether the parameters may have moved. If not, an objective that has not changed need not be
    /// evaluated again.
    #[must_use]
    pub fn moved(self) -> bool {
        !matches!(self, Self::Iterated | Self::Stopped(Stop::Gradient | Stop::Stagnation))
    }

    /// Whether this call ended an iteration.
    #[must_use]
    pub fn ends_iteration(self) -> bool {
        matches!(self, Self::Iterated | Self::Reset(_))
    }

    /// Why there is no use in going on, if there is none.
    #[must_use]
    pub fn stop(self) -> Option<Stop> {
        if let Self::Stopped(stop) = self { Some(stop) } else { None }
    }
}

/// What can keep a quasi-Newton iteration from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// y·s is not positive, or too small to divide by: rounding has the upper hand.
    Curvature,
    /// g·d is not negative, or not finite: the loss does not fall along the direction.
    Direction,
    /// The line search failed.
    Search(SearchFailure),
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Curvature => f.write_str("the gradient does not grow along the step"),
            Self::Direction => f.write_str("the loss does not fall along the direction"),
            Self::Search(failure) => failure.fmt(f),
        }
    }
}

/// Why there is no use in going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// ‖g‖_∞ ≤ the gradient's tolerance.
    Gradient,
    /// The patience is at its end: rounding hides whether there is a lower loss.
    Stagnation,
    /// Not even along the steepest descent was there a step that lowers the loss.
    Breakdown(Breakdown),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gradient => f.write_str("the gradient is within its tolerance"),
            Self::Stagnation => f.write_str("neither the loss nor the gradient gets any smaller"),
            Self::Breakdown(why) => write!(f, "no lower loss along the steepest descent: {why}"),
        }
    }
}
