//! The length of steps, from estimates of their errors.

/// The control of the length of steps, which looks at the last two errors (a PI controller).
///
/// E. Hairer, S. P. Nørsett and G. Wanner, "Solving Ordinary Differential Equations I", 2nd edition,
/// section II.4, with the constants of their program DOPRI5.
#[derive(Clone, Copy)]
pub(crate) struct Control {
    /// The error of the last step that was accepted.
    last: f64,
    /// Whether the attempt before was rejected.
    was_rejected: bool,
}

impl Default for Control {
    fn default() -> Self {
        Self { last: 1e-4, was_rejected: false }
    }
}

impl Control {
    const SAFETY: f64 = 0.9;
    /// Of the last error.
    const INTEGRAL: f64 = 0.2 - 0.75 * Self::PROPORTIONAL;
    /// Of the one before.
    const PROPORTIONAL: f64 = 0.04;
    const RANGE: (f64, f64) = (0.2, 10.0);

    /// Whether a step with this error, in units of the tolerance, is accepted, and how many times as
    /// long the next one is to be.
    pub(crate) fn judge(&mut self, error: f64) -> (bool, f64) {
        let (least, most) = Self::RANGE;
        // Neither NaN nor infinity is below 1.
        let is_accepted = error <= 1.0;
        let base = Self::SAFETY * error.powf(-Self::INTEGRAL);
        let factor = if is_accepted {
            let most = if self.was_rejected { 1.0 } else { most };
            let factor = (base * self.last.powf(Self::PROPORTIONAL)).clamp(least, most);
            self.last = error.max(1e-4);
            factor
        } else {
            // With NaN, the smaller.
            base.max(least).min(1.0)
        };
        self.was_rejected = !is_accepted;
        (is_accepted, factor)
    }
}
