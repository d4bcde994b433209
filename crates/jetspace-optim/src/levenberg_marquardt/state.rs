//! What the method of Levenberg and Marquardt keeps between calls: no matrix, as it can make that anew.

/// Everything that [`LevenbergMarquardt`](super::LevenbergMarquardt) remembers: save it with the
/// parameters, and [resume](super::LevenbergMarquardt::resume) from it.
#[derive(Clone, Debug, PartialEq)]
pub struct LevenbergMarquardtState {
    /// λ of the step on trial, or of the next one; `None` before the first.
    pub damping: Option<f64>,
    /// By how much λ grows if that step fails.
    pub growth: f64,
    /// Where the iteration under way began; `None` if none is.
    pub origin: Option<LevenbergMarquardtOrigin>,
}

/// Where an iteration began.
#[derive(Clone, Debug, PartialEq)]
pub struct LevenbergMarquardtOrigin {
    /// The parameters,
    pub parameters: Vec<f64>,
    /// and the loss there.
    pub loss: f64,
}
