//! Whether iterations still lead anywhere. Where rounding hides all differences of the loss, searches
//! go by slopes, and could do so for ever.

/// The best values so far, as long as the objective is the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuasiNewtonProgress {
    /// The loss where the latest iteration began or ended; ∞ before the first.
    pub loss: f64,
    /// The lowest loss at the beginning of an iteration.
    pub lowest_loss: f64,
    /// The lowest ‖g‖_∞ there.
    pub lowest_gradient: f64,
    /// Iterations since one of them was lowered.
    pub idle: u64,
}

impl Default for QuasiNewtonProgress {
    fn default() -> Self {
        Self {
            loss: f64::INFINITY,
            lowest_loss: f64::INFINITY,
            lowest_gradient: f64::INFINITY,
            idle: 0,
        }
    }
}

impl QuasiNewtonProgress {
    /// Takes note of the beginning of an iteration. Another loss than the latest iteration ended
    /// with is one of another objective, for which all begins anew.
    pub(super) fn observe(&mut self, loss: f64, gradient: f64) {
        if loss != self.loss {
            *self = Self { loss, ..Self::default() };
        }
        let is_idle = loss >= self.lowest_loss && gradient >= self.lowest_gradient;
        self.idle = if is_idle { self.idle + 1 } else { 0 };
        self.lowest_loss = self.lowest_loss.min(loss);
        self.lowest_gradient = self.lowest_gradient.min(gradient);
    }
}
