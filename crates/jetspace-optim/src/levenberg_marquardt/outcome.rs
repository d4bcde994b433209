//! What a call of the method of Levenberg and Marquardt did, and why it went no further.

use std::fmt;

/// What one call of [`LevenbergMarquardt::advance`](super::LevenbergMarquardt::advance) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevenbergMarquardtStep {
    /// The parameters have moved to where a step would lead that is on trial.
    Trying,
    /// The step was good: an iteration has ended, and the parameters stay where they are.
    Iterated,
    /// There is no use in going on, as long as the objective stays the same. The parameters are where
    /// the latest iteration ended.
    Stopped(LevenbergMarquardtStop),
}

impl LevenbergMarquardtStep {
    /// Whether the parameters may have moved. If not, an objective that has not changed need not be
    /// evaluated again.
    #[must_use]
    pub fn moved(self) -> bool {
        matches!(self, Self::Trying | Self::Stopped(LevenbergMarquardtStop::NoDecrease))
    }

    /// Why there is no use in going on, if there is none.
    #[must_use]
    pub fn stop(self) -> Option<LevenbergMarquardtStop> {
        if let Self::Stopped(stop) = self { Some(stop) } else { None }
    }
}

/// Why there is no use in going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevenbergMarquardtStop {
    /// ‖Jᵀr‖_∞ ≤ the gradient's tolerance.
    Gradient,
    /// The first step of an iteration promises no decrease of the loss, or moves no parameter, by more
    /// than rounding.
    Rounding,
    /// No step that is longer than rounding lowers the loss.
    NoDecrease,
}

impl fmt::Display for LevenbergMarquardtStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gradient => "the gradient is within its tolerance",
            Self::Rounding => "no step promises a decrease that is larger than rounding",
            Self::NoDecrease => "no step lowers the loss, however short",
        })
    }
}
