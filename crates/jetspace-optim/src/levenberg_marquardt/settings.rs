//! What the method of Levenberg and Marquardt may be told.

use crate::OptimError;
use crate::error::check_setting;

/// What [`LevenbergMarquardt`](super::LevenbergMarquardt) may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevenbergMarquardtSettings {
    /// The first damping λ as a multiple of the mean of JᵀJ's diagonal, at least 0; default 10⁻³.
    pub damping: f64,
    /// α, the longest acceleration as a multiple of the step, ‖a‖ ≤ α ‖δ‖: positive, or `None` for no
    /// acceleration; default 0.75. Longer ones are left out.
    pub acceleration: Option<f64>,
    /// It stops where ‖Jᵀr‖_∞ is at most this; default 0: where rounding ends all progress.
    pub tolerance_gradient: f64,
    /// How the equations of a step are solved; default [`LinearSolver::Auto`].
    pub solver: LinearSolver,
    /// Threads for products of matrices, the caller's among them; default 1. They change no bit.
    pub threads: usize,
}

impl Default for LevenbergMarquardtSettings {
    fn default() -> Self {
        Self {
            damping: 1e-3,
            acceleration: Some(0.75),
            tolerance_gradient: 0.0,
            solver: LinearSolver::Auto,
            threads: 1,
        }
    }
}

impl LevenbergMarquardtSettings {
    pub(super) fn check(&self) -> Result<(), OptimError> {
        let not_negative = |value: f64| value.is_finite() && value >= 0.0;
        let (damping, tolerance) = (self.damping, self.tolerance_gradient);
        let range = "finite and not negative";
        check_setting("the first damping", range, damping, not_negative(damping))?;
        check_setting("the gradient's tolerance", range, tolerance, not_negative(tolerance))?;
        let most = self.acceleration.unwrap_or(1.0);
        check_setting("the longest acceleration", "positive", most, most > 0.0)
    }
}

/// How the equations (JᵀJ + λ) δ = −Jᵀr are solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinearSolver {
    /// [`Dense`](Self::Dense) where the matrices fit into 2 GiB, else
    /// [`ConjugateGradients`](Self::ConjugateGradients).
    #[default]
    Auto,
    /// By a Cholesky factor of JᵀJ + λ or of JJᵀ + λ, whichever is smaller.
    Dense,
    /// By conjugate gradients on products Jv and Jᵀw, with some vectors of n and of p numbers and no
    /// matrix: to some digits, which later steps correct.
    ConjugateGradients,
}
