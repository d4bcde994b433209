//! Line search for the strong Wolfe conditions: how far to go along a direction of descent.
//!
//! J. Nocedal, S. J. Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithms 3.5 and 3.6, here as
//! one loop; safeguards of J. J. Moré, D. J. Thuente, *Line search algorithms with guaranteed
//! sufficient decrease*, ACM Trans. Math. Software 20, 1994; approximate conditions of W. W. Hager,
//! H. Zhang, *A new conjugate gradient method with guaranteed descent and an efficient line search*,
//! SIAM J. Optim. 16, 2005, §4. It relies on nothing but numbers: the caller evaluates.

use std::fmt;

use crate::OptimError;
use crate::error::{check_finite, check_setting};

/// What [`LineSearch`] may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineSearchSettings {
    /// c₁ of the condition of sufficient decrease, in (0, ½); default 10⁻⁴.
    pub sufficient_decrease: f64,
    /// c₂ of the condition on the slope, in (c₁, 1); default 0.9. Smaller values search the minimum
    /// along the line more exactly.
    pub curvature: f64,
    /// ε: losses that differ from the first one by at most ε times its size are taken for equal, and
    /// slopes decide; default 10⁻⁶, as Hager and Zhang have it.
    pub noise: f64,
    /// Most evaluations of one search, at least 1; default 25.
    pub evaluations: u64,
}

impl Default for LineSearchSettings {
    fn default() -> Self {
        Self { sufficient_decrease: 1e-4, curvature: 0.9, noise: 1e-6, evaluations: 25 }
    }
}

impl LineSearchSettings {
    pub(crate) fn check(&self) -> Result<(), OptimError> {
        let Self { sufficient_decrease: c1, curvature: c2, noise, evaluations } = *self;
        check_setting(
            "the constant of sufficient decrease",
            "in (0, ½)",
            c1,
            c1 > 0.0 && c1 < 0.5,
        )?;
        let name = "the constant of the slope";
        check_setting(name, "between that of sufficient decrease and 1", c2, c2 > c1 && c2 < 1.0)?;
        let not_negative = noise.is_finite() && noise >= 0.0;
        check_setting("the loss's noise", "finite and not negative", noise, not_negative)?;
        let name = "the number of evaluations of a line search";
        check_setting(name, "at least 1", evaluations as f64, evaluations >= 1)
    }
}

/// What is known at one step along the direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// α.
    pub step: f64,
    /// f(α).
    pub loss: f64,
    /// f′(α), the gradient times the direction.
    pub slope: f64,
}

impl Trial {
    /// A step at which the loss is as bad as it can be, and about which no more is known.
    fn barrier(step: f64) -> Self {
        Self { step, loss: f64::INFINITY, slope: f64::INFINITY }
    }

    fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.slope.is_finite()
    }
}

/// Everything that a [`LineSearch`] remembers between trials: save it, and [`LineSearch::resume`]
/// from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineSearchState {
    /// Where the search began, at α = 0.
    pub start: Trial,
    /// The end of the bracket with the lowest loss so far.
    pub low: Trial,
    /// Its other end: at α = ∞ as long as the loss falls, and with an infinite loss where it was
    /// not finite.
    pub high: Trial,
    /// The step to try next.
    pub step: f64,
    /// Widths of the bracket before the two latest trials, the older first.
    pub widths: [f64; 2],
    /// Trials so far.
    pub evaluations: u64,
}

/// What follows from a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LineSearchStep {
    /// Evaluate at this step α next.
    Try(f64),
    /// The conditions hold at the step just tried.
    Accepted,
    /// There will be no step for which they hold.
    Failed(SearchFailure),
}

/// Why a line search found no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchFailure {
    /// It has used all of its evaluations.
    Evaluations,
    /// The steps that are left differ by less than rounding.
    Resolution,
    /// The loss falls as far as one can go: it has no minimum along the direction.
    Unbounded,
}

impl fmt::Display for SearchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evaluations => "the line search used all of its evaluations",
            Self::Resolution => "steps shorter than rounding are left",
            Self::Unbounded => "the loss falls without bound along the direction",
        })
    }
}

/// The interval must shrink to this fraction in two trials, else it is halved (Moré and Thuente).
const SHRINKAGE: f64 = 0.66;
/// Trials keep this fraction of the interval away from its ends.
const MARGIN: f64 = 0.1;
/// As long as the loss falls, the next trial is further by these multiples of the latest advance, at
/// least and at most (Moré and Thuente).
const GROWTH: (f64, f64) = (1.1, 4.0);
/// Steps beyond this are taken for infinite.
const LONGEST: f64 = 1e20;

/// A search along the line θ + α d for a step α > 0 that satisfies the strong Wolfe conditions
///
/// f(α) ≤ f(0) + c₁ α f′(0)  and  |f′(α)| ≤ c₂ |f′(0)|,
///
/// where f(α) is the loss and f′(α) = g(θ + α d)·d its slope. Near a minimum f(α) − f(0) drowns in
/// rounding, while the slope does not. So where |f(α) − f(0)| ≤ ε |f(0)| the first condition is
/// replaced by that for the derivative of the quadratic through f(0), f′(0) and f′(α) (Hager and
/// Zhang's approximate Wolfe condition, their equation 4.1),
///
/// f′(α) ≤ (2 c₁ − 1) f′(0),
///
/// and the bracket is updated and interpolated by slopes alone.
///
/// The search is a machine that is handed one trial after the other: [`step`] says where to evaluate,
/// and [`tell`] takes the result and says what follows. Bounds of the minimum come closer from trial
/// to trial: by the minimum of a cubic, kept away from the ends, or by halving if that is slow.
/// Losses that are not finite are bounds too.
///
/// Good values: the defaults for quasi-Newton directions; c₂ = 0.1 for conjugate gradients.
///
/// [`step`]: LineSearch::step
/// [`tell`]: LineSearch::tell
///
/// ```
/// use jetspace_optim::{LineSearch, LineSearchSettings, LineSearchStep};
/// // f(α) = α − log α, from α = 0.1: the minimum is at α = 1.
/// let evaluate = |step: f64| { let x = 0.1 + step; (x - x.ln(), 1.0 - 1.0 / x) };
/// let (loss, slope) = evaluate(0.0);
/// let mut search = LineSearch::new(LineSearchSettings::default(), loss, slope, 1e-3)?;
/// let accepted = loop {
///     let (loss, slope) = evaluate(search.step());
///     match search.tell(loss, slope) {
///         LineSearchStep::Try(_) => {}
///         LineSearchStep::Accepted => break search.step(),
///         LineSearchStep::Failed(why) => panic!("{why}"),
///     }
/// };
/// assert!(evaluate(accepted).1.abs() <= 0.9 * slope.abs());
/// # Ok::<(), jetspace_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineSearch {
    settings: LineSearchSettings,
    state: LineSearchState,
}

impl LineSearch {
    /// A search that will try `first` first, from a point with this loss and this slope along the
    /// direction.
    ///
    /// # Errors
    /// A setting outside its range, a loss that is not finite, a slope that is not negative, or a
    /// first step that is not positive.
    pub fn new(
        settings: LineSearchSettings,
        loss: f64,
        slope: f64,
        first: f64,
    ) -> Result<Self, OptimError> {
        settings.check()?;
        check_finite("the loss", loss)?;
        let is_descent = slope.is_finite() && slope < 0.0;
        check_setting("the slope along the direction", "negative and finite", slope, is_descent)?;
        let is_step = first > 0.0 && first <= LONGEST;
        check_setting("the first step", "positive and at most 10²⁰", first, is_step)?;
        let start = Trial { step: 0.0, loss, slope };
        let state = LineSearchState {
            start,
            low: start,
            high: Trial::barrier(f64::INFINITY),
            step: first,
            widths: [f64::INFINITY; 2],
            evaluations: 0,
        };
        Ok(Self { settings, state })
    }

    /// A search as it was when `state` was saved.
    ///
    /// # Errors
    /// A setting outside its range.
    pub fn resume(
        settings: LineSearchSettings,
        state: &LineSearchState,
    ) -> Result<Self, OptimError> {
        settings.check()?;
        Ok(Self { settings, state: *state })
    }

    /// What it remembers of the trials so far.
    #[must_use]
    pub fn state(&self) -> LineSearchState {
        self.state
    }

    /// The step α to evaluate next; after the end, the one that was accepted or tried last.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.state.step
    }

    /// The trial with the lowest loss among those that lowered it sufficiently; the start if none did.
    /// Of use after a failure.
    #[must_use]
    pub fn best(&self) -> Trial {
        let LineSearchState { start, low, .. } = self.state;
        if low.loss < start.loss { low } else { start }
    }

    /// Takes the loss and the slope at [`step`](Self::step), and says what follows. Neither needs to
    /// be finite.
    pub fn tell(&mut self, loss: f64, slope: f64) -> LineSearchStep {
        let state = &mut self.state;
        let trial = Trial { step: state.step, loss, slope };
        state.evaluations += 1;
        let next = if !trial.is_finite() {
            state.high = Trial::barrier(trial.step);
            state.low.step + MARGIN * (trial.step - state.low.step)
        } else if self.holds_at(&trial) {
            return LineSearchStep::Accepted;
        } else {
            self.bracket(trial)
        };
        let state = &mut self.state;
        let width = (state.high.step - state.low.step).abs();
        let failure = if next.abs() > LONGEST {
            Some(SearchFailure::Unbounded)
        } else if width < f64::EPSILON * state.low.step.max(state.high.step) || next == trial.step {
            Some(SearchFailure::Resolution)
        } else if state.evaluations >= self.settings.evaluations {
            Some(SearchFailure::Evaluations)
        } else {
            None
        };
        if let Some(why) = failure {
            return LineSearchStep::Failed(why);
        }
        state.step = next;
        LineSearchStep::Try(next)
    }

    /// Whether the losses differ by no more than rounding may explain.
    fn are_equal(&self, loss: f64, other: f64) -> bool {
        (loss - other).abs() <= self.settings.noise * self.state.start.loss.abs()
    }

    /// Whether the strong Wolfe conditions hold, or the approximate ones.
    fn holds_at(&self, trial: &Trial) -> bool {
        let LineSearchSettings { sufficient_decrease: c1, curvature: c2, .. } = self.settings;
        let start = self.state.start;
        let decreases = trial.loss <= start.loss + c1 * trial.step * start.slope
            || self.are_equal(trial.loss, start.loss)
                && trial.slope <= (2.0 * c1 - 1.0) * start.slope;
        decreases && trial.slope.abs() <= c2 * start.slope.abs()
    }

    /// Makes a finite trial one of the ends of the bracket; the step to try next. Nocedal and
    /// Wright's two algorithms are the same rule for the ends, with one of them infinite at first.
    fn bracket(&mut self, trial: Trial) -> f64 {
        let LineSearchState { start, low, high, .. } = self.state;
        let line = start.loss + self.settings.sufficient_decrease * trial.step * start.slope;
        let is_high = !self.are_equal(trial.loss, start.loss)
            && (trial.loss > line || trial.loss >= low.loss);
        if is_high {
            self.state.high = trial;
        } else {
            let rises_to_high = trial.slope * (high.step - low.step).signum() >= 0.0;
            if rises_to_high {
                self.state.high = low;
            }
            self.state.low = trial;
        }
        if self.state.high.is_finite() { self.interpolate() } else { self.extrapolate(&low) }
    }

    /// A step inside the bracket.
    fn interpolate(&mut self) -> f64 {
        let LineSearchState { low, high, widths, .. } = self.state;
        let width = high.step - low.step;
        self.state.widths = [widths[1], width.abs()];
        let fraction = (self.minimiser(&low, &high) - low.step) / width;
        // Not so if it is NaN: the interpolation has no minimum.
        let is_inside = (0.0..=1.0).contains(&fraction);
        let shrinks = width.abs() <= SHRINKAGE * widths[0];
        let fraction = if is_inside && shrinks { fraction } else { 0.5 };
        low.step + fraction.clamp(MARGIN, 1.0 - MARGIN) * width
    }

    /// A step beyond the present `low`, which came after `previous`; halfway to where the loss is
    /// not finite at most.
    fn extrapolate(&self, previous: &Trial) -> f64 {
        let LineSearchState { low, high, .. } = self.state;
        let advance = low.step - previous.step;
        let multiple = (self.minimiser(previous, &low) - low.step) / advance;
        // Behind or nowhere: the slope does not flatten.
        let multiple = if multiple > 0.0 { multiple.clamp(GROWTH.0, GROWTH.1) } else { GROWTH.1 };
        let room = 0.5 * (high.step - low.step);
        low.step + room.signum() * (multiple * advance).abs().min(room.abs())
    }

    /// The minimiser of the cubic through two trials (Nocedal and Wright, equation 3.59), or, where
    /// their losses are equal but for rounding, of a quadratic with their slopes. NaN if none.
    fn minimiser(&self, a: &Trial, b: &Trial) -> f64 {
        let width = b.step - a.step;
        if self.are_equal(a.loss, b.loss) {
            return a.step - a.slope * width / (b.slope - a.slope);
        }
        let d1 = a.slope + b.slope - 3.0 * (b.loss - a.loss) / width;
        let d2 = width.signum() * (d1 * d1 - a.slope * b.slope).sqrt();
        b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
    }
}

#[cfg(test)]
mod tests;
