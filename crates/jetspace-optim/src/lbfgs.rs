//! L-BFGS with steps of fixed length, as PyTorch takes them without a line search.
//!
//! The method: D. C. Liu, J. Nocedal, *On the limited memory BFGS method for large scale
//! optimization*, Math. Programming 45, 1989. The rule of steps and stops: `torch.optim.LBFGS`
//! (PyTorch 2), with which many results of the field were made.

pub(crate) mod history;

use std::fmt;

use pulp::{Arch, Simd, WithSimd};

use self::history::History;
use crate::blocks::{Block, add_to, load, norm_1, norm_max, numbers, scale, subtract_from, zeros};
use crate::error::{check_finite, check_length, check_setting};
use crate::{Float, OptimError};

/// A pair is remembered if y·s is larger than this, as in PyTorch.
const MIN_CURVATURE: f64 = 1e-10;

/// What [`Lbfgs`] may be told. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LbfgsSettings {
    /// Step length η as a fraction of the quasi-Newton step; default 1.
    pub rate: f64,
    /// Number of pairs (s, y) to remember, at least 1; default 100.
    pub history: usize,
    /// Most updates of one epoch, at least 1; default 20. PyTorch's `max_iter`.
    pub inner_iterations: usize,
    /// An epoch ends where ‖g‖_∞ is at most this; default 10⁻⁷.
    pub tolerance_gradient: f64,
    /// An epoch ends where the change of the loss is smaller than this, the step's ‖s‖_∞ at most
    /// this, or the slope g·d above its negative; default 10⁻⁹.
    pub tolerance_change: f64,
}

impl Default for LbfgsSettings {
    fn default() -> Self {
        Self {
            rate: 1.0,
            history: 100,
            inner_iterations: 20,
            tolerance_gradient: 1e-7,
            tolerance_change: 1e-9,
        }
    }
}

impl LbfgsSettings {
    fn check(&self) -> Result<(), OptimError> {
        let positive =
            |name, value: usize| check_setting(name, "at least 1", value as f64, value >= 1);
        let not_negative = |name, value: f64| {
            check_setting(name, "finite and not negative", value, value.is_finite() && value >= 0.0)
        };
        not_negative("the rate", self.rate)?;
        positive("the history", self.history)?;
        positive("the number of inner iterations", self.inner_iterations)?;
        not_negative("the gradient's tolerance", self.tolerance_gradient)?;
        not_negative("the tolerance of changes", self.tolerance_change)
    }
}

/// What one call of [`Lbfgs::advance`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LbfgsStep {
    /// The parameters have moved, and the epoch goes on.
    Moved,
    /// The epoch has ended. The parameters have moved in the case of
    /// [`EpochEnd::InnerIterations`] alone.
    Ended(EpochEnd),
}

impl LbfgsStep {
    /// Whether the parameters have moved. If not, an objective that has not changed need not be
    /// evaluated again.
    #[must_use]
    pub fn moved(self) -> bool {
        matches!(self, Self::Moved | Self::Ended(EpochEnd::InnerIterations))
    }
}

/// Why an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd {
    /// The parameters have moved for the last time in this epoch.
    InnerIterations,
    /// ‖g‖_∞ ≤ the gradient's tolerance.
    Gradient,
    /// ‖s‖_∞ ≤ the tolerance of changes, for the latest step s.
    Step,
    /// The loss changed by less than the tolerance of changes.
    Loss,
    /// g·d > −(the tolerance of changes): the loss falls too little, or rises, along the direction.
    Slope,
}

impl fmt::Display for EpochEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InnerIterations => "the epoch has all of its iterations",
            Self::Gradient => "the gradient is within its tolerance",
            Self::Step => "the step is within the tolerance of changes",
            Self::Loss => "the loss changed by less than the tolerance of changes",
            Self::Slope => "the slope along the direction is within the tolerance of changes",
        })
    }
}

impl EpochEnd {
    /// Whether all later epochs end here too, as long as the objective stays the same: there is no
    /// use in going on.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Gradient | Self::Slope)
    }
}

/// Everything that [`Lbfgs`] remembers between calls: save it, and [`Lbfgs::resume`] from it.
#[derive(Clone, Debug, PartialEq)]
pub struct LbfgsState<T> {
    /// Number of directions computed so far.
    pub iterations: u64,
    /// Those of the present epoch.
    pub inner_iterations: usize,
    /// The loss where the latest direction was computed; 0 before the first.
    pub loss: f64,
    /// The gradient there; 0 before the first.
    pub gradient: Vec<T>,
    /// The step from there; 0 before the first.
    pub step: Vec<T>,
    /// The remembered steps s, one after the other, the oldest first.
    pub history_steps: Vec<T>,
    /// The changes y of the gradient along them.
    pub history_changes: Vec<T>,
}

/// L-BFGS on a flat vector of parameters θ, with steps of fixed length. With the gradient g,
///
/// θ ← θ + t d,  d = −H g,  t = η, but η min(1, 1/‖g‖₁) at the very first step,
///
/// where H is the inverse Hessian that the latest pairs of s = t d and y = g_new − g imply, starting
/// from (y·s / y·y) 1 of the newest pair. Pairs are remembered if y·s > 10⁻¹⁰. With 100 pairs an
/// update costs about 800 operations per parameter, and reading the pairs twice.
///
/// # PyTorch's epochs
///
/// One `step(closure)` of `torch.optim.LBFGS` is one *epoch*: at most [`inner_iterations`] updates,
/// fewer if one of the tolerances ends it ([`EpochEnd`]); the next epoch goes on with all that is
/// remembered. Here **one call of [`advance`] is one call of PyTorch's closure**: the caller
/// evaluates loss and gradient at the present parameters and hands them in; `step` returns where
/// `advance` says [`Ended`]. So a published run of k epochs is a loop that evaluates and advances
/// until k epochs have ended.
///
/// - An epoch that ended with its last update moved the parameters: the next evaluation is the next
///   epoch's first, as in PyTorch.
/// - An epoch that a tolerance ended did not move them any more. PyTorch evaluates at the same point
///   again. If the objective is still the same, so is the result, and the same loss and gradient may
///   be handed in again ([`LbfgsStep::moved`]).
/// - After [`EpochEnd::is_final`] PyTorch would spend its remaining epochs at the same point.
///
/// PyTorch's limit of evaluations, 5/4 of `max_iter`, has no effect but for 2 or 3 inner iterations,
/// where it ends epochs one update earlier than here.
///
/// Good values: `f64`; a rate of 1 from a start that Adam has prepared, else 0.1.
///
/// [`inner_iterations`]: LbfgsSettings::inner_iterations
/// [`advance`]: Lbfgs::advance
/// [`Ended`]: LbfgsStep::Ended
///
/// ```
/// use jetspace_optim::{Lbfgs, LbfgsSettings, LbfgsStep};
/// // The minimum of (x − 1)² + 10 (y + 2)², in at most ten epochs.
/// let mut parameters = [0.0_f64, 0.0];
/// let mut lbfgs = Lbfgs::new(LbfgsSettings::default(), 2)?;
/// let mut epochs = 0;
/// while epochs < 10 {
///     let [x, y] = parameters;
///     let loss = (x - 1.0).powi(2) + 10.0 * (y + 2.0).powi(2);
///     let gradient = [2.0 * (x - 1.0), 20.0 * (y + 2.0)];
///     match lbfgs.advance(&mut parameters, loss, &gradient)? {
///         LbfgsStep::Moved => {}
///         LbfgsStep::Ended(end) if end.is_final() => break,
///         LbfgsStep::Ended(_) => epochs += 1,
///     }
/// }
/// assert!((parameters[0] - 1.0).abs() < 1e-5 && (parameters[1] + 2.0).abs() < 1e-5);
/// # Ok::<(), jetspace_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lbfgs<T> {
    settings: LbfgsSettings,
    parameters: usize,
    iterations: u64,
    inner_iterations: usize,
    loss: f64,
    gradient: Vec<Block<T>>,
    step: Vec<Block<T>>,
    history: History<T>,
    /// The gradient that is handed in, until it is known to be of use.
    new_gradient: Vec<Block<T>>,
    arch: Arch,
}

impl<T: Float> Lbfgs<T> {
    /// L-BFGS at its first step, for this many parameters.
    ///
    /// # Errors
    /// A setting outside its range.
    pub fn new(settings: LbfgsSettings, parameters: usize) -> Result<Self, OptimError> {
        settings.check()?;
        let gradient = zeros(parameters);
        Ok(Self {
            settings,
            parameters,
            iterations: 0,
            inner_iterations: 0,
            loss: 0.0,
            step: gradient.clone(),
            history: History::new(settings.history, gradient.len()),
            new_gradient: gradient.clone(),
            gradient,
            arch: Arch::new(),
        })
    }

    /// L-BFGS as it was when `state` was saved. Where the settings' history is shorter than before,
    /// it keeps the newest pairs.
    ///
    /// # Errors
    /// A setting outside its range, or vectors whose lengths do not belong together.
    pub fn resume(settings: LbfgsSettings, state: &LbfgsState<T>) -> Result<Self, OptimError> {
        let parameters = state.gradient.len();
        let mut lbfgs = Self::new(settings, parameters)?;
        let (steps, changes) = (&state.history_steps, &state.history_changes);
        let pairs = steps.len() / parameters.max(1);
        check_length("the step", parameters, state.step.len())?;
        check_length("the history's steps", pairs * parameters, steps.len())?;
        check_length("the history's changes", steps.len(), changes.len())?;
        lbfgs.iterations = state.iterations;
        lbfgs.inner_iterations = state.inner_iterations;
        lbfgs.loss = state.loss;
        load(&mut lbfgs.gradient, &state.gradient);
        load(&mut lbfgs.step, &state.step);
        let (mut step, mut change) = (zeros(parameters), zeros(parameters));
        let vectors = |of_all| <[T]>::chunks_exact(of_all, parameters.max(1));
        for (s, y) in vectors(steps).zip(vectors(changes)) {
            load(&mut step, s);
            load(&mut change, y);
            lbfgs.history.push(&step, &change, MIN_CURVATURE);
        }
        Ok(lbfgs)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> LbfgsSettings {
        self.settings
    }

    /// A copy of what it remembers of the steps so far.
    #[must_use]
    pub fn state(&self) -> LbfgsState<T> {
        let flat = |vector: &[Block<T>]| numbers(vector, self.parameters).collect::<Vec<T>>();
        LbfgsState {
            iterations: self.iterations,
            inner_iterations: self.inner_iterations,
            loss: self.loss,
            gradient: flat(&self.gradient),
            step: flat(&self.step),
            history_steps: self.history.steps().flat_map(flat).collect(),
            history_changes: self.history.changes().flat_map(flat).collect(),
        }
    }

    /// Changes the step length η, for schedules.
    ///
    /// # Errors
    /// The rate is negative or not finite.
    pub fn set_rate(&mut self, rate: f64) -> Result<(), OptimError> {
        let settings = LbfgsSettings { rate, ..self.settings };
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// One update from `parameters`, given the loss and its gradient there, or the end of an epoch.
    ///
    /// # Errors
    /// Not one number per parameter, or a loss or ‖g‖₁ that is not finite; then nothing has changed.
    /// Or a direction that is not finite; then the parameters have not moved, but what is remembered
    /// is of no use any more.
    pub fn advance(
        &mut self,
        parameters: &mut [T],
        loss: f64,
        gradient: &[T],
    ) -> Result<LbfgsStep, OptimError> {
        check_length("the parameters", self.parameters, parameters.len())?;
        check_length("the gradient", self.parameters, gradient.len())?;
        check_finite("the loss", loss)?;
        self.arch.dispatch(Advance { lbfgs: self, parameters, loss, gradient })
    }
}

/// A call of [`Lbfgs::advance`] with checked arguments, compiled for each instruction set.
struct Advance<'a, T> {
    lbfgs: &'a mut Lbfgs<T>,
    parameters: &'a mut [T],
    loss: f64,
    gradient: &'a [T],
}

impl<T: Float> WithSimd for Advance<'_, T> {
    type Output = Result<LbfgsStep, OptimError>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let Self { lbfgs, parameters, loss, gradient } = self;
        load(&mut lbfgs.new_gradient, gradient);
        let gradient_norm = norm_1(&lbfgs.new_gradient);
        check_finite("the gradient's 1-norm", gradient_norm)?;
        if let Some(end) = lbfgs.end_before(loss) {
            lbfgs.inner_iterations = 0;
            return Ok(LbfgsStep::Ended(end));
        }
        let slope = lbfgs.next_direction(loss);
        check_finite("the slope along the direction", slope)?;
        let LbfgsSettings { rate, inner_iterations, tolerance_change, .. } = lbfgs.settings;
        let length = if lbfgs.iterations == 0 { f64::min(1.0, 1.0 / gradient_norm) } else { 1.0 };
        scale(&mut lbfgs.step, T::from_f64(length * rate));
        lbfgs.iterations += 1;
        lbfgs.inner_iterations += 1;
        let end = if slope > -tolerance_change {
            Some(EpochEnd::Slope)
        } else {
            add_to(parameters, &lbfgs.step);
            (lbfgs.inner_iterations >= inner_iterations).then_some(EpochEnd::InnerIterations)
        };
        if end.is_some() {
            lbfgs.inner_iterations = 0;
        }
        Ok(end.map_or(LbfgsStep::Moved, LbfgsStep::Ended))
    }
}

/// The parts of an update, in their order.
impl<T: Float> Lbfgs<T> {
    /// Why the epoch ends at this evaluation, if it does, in the order of PyTorch's checks.
    #[inline(always)]
    fn end_before(&self, loss: f64) -> Option<EpochEnd> {
        let LbfgsSettings { tolerance_gradient, tolerance_change, .. } = self.settings;
        if norm_max(&self.new_gradient) <= tolerance_gradient {
            return Some(EpochEnd::Gradient);
        }
        if self.inner_iterations == 0 {
            return None; // Nothing has changed in this epoch yet.
        }
        if norm_max(&self.step) <= tolerance_change {
            return Some(EpochEnd::Step);
        }
        ((loss - self.loss).abs() < tolerance_change).then_some(EpochEnd::Loss)
    }

    /// Takes over the new loss and gradient, and turns `step` into the direction; the slope along it.
    #[inline(always)]
    fn next_direction(&mut self, loss: f64) -> f64 {
        let Self { gradient, new_gradient, step, history, .. } = self;
        self.loss = loss;
        // The old gradient makes place for the change y. At the very first call, and after a
        // refused step, y·s = 0: no pair.
        subtract_from(new_gradient, gradient);
        history.push(step, gradient, MIN_CURVATURE);
        std::mem::swap(gradient, new_gradient);
        history.direction(gradient, step)
    }
}

#[cfg(test)]
mod tests;
