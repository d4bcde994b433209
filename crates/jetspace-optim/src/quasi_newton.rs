//! Quasi-Newton methods with a line search: L-BFGS, BFGS, and the self-scaled methods of Broyden's
//! family, which learn the inverse Hessian from steps and changes of the gradient.
//!
//! J. Nocedal, S. J. Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithms 6.1 and 7.5. Here is
//! the iteration; how long a step is says `line_search.rs`, and what is learnt `memory.rs`.

mod broyden;
#[cfg(test)]
mod dense_algebra;
mod matrix;
mod memory;
mod outcome;
mod progress;
mod state;

use pulp::{Arch, Simd, WithSimd};

pub use self::broyden::DenseUpdate;
use self::memory::{Memory, Pair};
pub use self::outcome::{Breakdown, QuasiNewtonStep, Stop};
pub use self::progress::QuasiNewtonProgress;
pub use self::state::{InverseHessianState, QuasiNewtonPhase, QuasiNewtonState};
use crate::blocks::{Block, dot, load, norm_1, norm_max, numbers, subtract_from, walk, zeros};
use crate::error::{check_finite, check_length, check_setting};
use crate::{Float, LineSearch, LineSearchSettings, LineSearchStep, OptimError, SearchFailure};

/// How a [`QuasiNewton`] method remembers the inverse Hessian H.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InverseHessian {
    /// L-BFGS: as the latest pairs of steps and changes of the gradient. Memory and time of a step
    /// grow with the number of parameters times that of pairs.
    Limited {
        /// Most pairs, at least 1.
        pairs: usize,
    },
    /// As a matrix, of which half is kept: n²/2 numbers for n parameters, which an iteration reads
    /// twice and writes once. For some thousands of parameters.
    Dense {
        /// How it learns.
        update: DenseUpdate,
        /// Whether the first update scales the unit matrix from which it starts
        /// ([`DenseUpdate`]).
        initial_scaling: bool,
    },
}

/// What [`QuasiNewton`] may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuasiNewtonSettings {
    /// How the inverse Hessian is remembered; default: a matrix with self-scaled Broyden updates and
    /// initial scaling.
    pub hessian: InverseHessian,
    /// It stops where ‖g‖_∞ is at most this; default 0: where rounding ends all progress.
    pub tolerance_gradient: f64,
    /// It stops when so many iterations in a row have lowered neither the lowest loss nor the lowest
    /// ‖g‖_∞, at least 1; default 50.
    pub patience: u64,
    /// The conditions that end a line search.
    pub search: LineSearchSettings,
}

impl Default for QuasiNewtonSettings {
    fn default() -> Self {
        Self {
            hessian: InverseHessian::Dense {
                update: DenseUpdate::SelfScaledBroyden,
                initial_scaling: true,
            },
            tolerance_gradient: 0.0,
            patience: 50,
            search: LineSearchSettings::default(),
        }
    }
}

impl QuasiNewtonSettings {
    fn check(&self) -> Result<(), OptimError> {
        if let InverseHessian::Limited { pairs } = self.hessian {
            check_setting("the number of pairs", "at least 1", pairs as f64, pairs >= 1)?;
        }
        let tolerance = self.tolerance_gradient;
        let fits = tolerance.is_finite() && tolerance >= 0.0;
        check_setting("the gradient's tolerance", "finite and not negative", tolerance, fits)?;
        let patience = self.patience;
        check_setting("the patience", "at least 1", patience as f64, patience >= 1)?;
        self.search.check()
    }
}

/// A quasi-Newton method on a flat vector of parameters θ. With the gradient g,
///
/// θ ← θ + α d,  d = −H g,
///
/// where α satisfies the strong Wolfe conditions ([`LineSearch`]), and H is what steps s and changes y
/// of the gradient say of the inverse Hessian ([`InverseHessian`], [`DenseUpdate`]). The search tries
/// α = min(1, 2.02 Δf / f′(0)) first, where Δf < 0 is the change of the loss by the iteration before
/// (Nocedal & Wright, equation 3.60), and min(1, 1/‖g‖₁) if there was none, at the start and after a
/// reset.
///
/// It never stops without saying why ([`Stop`]). Where a line search fails, or the curvature along a
/// step is not positive, it goes to the best point of that search, forgets what it has learnt, and
/// begins anew with the steepest descent. It ends if not even that lowers the loss, where the
/// gradient is within its tolerance, or when nothing has got any smaller for long.
///
/// # Calls
///
/// The caller evaluates the loss and its gradient at the present parameters and hands them to
/// [`advance`], which moves the parameters to the next point to evaluate. The end of an iteration
/// does not move them: the next call begins the next iteration from there, with the same loss and
/// gradient, or with new ones if the objective has changed in between (resampled points). *During* a
/// search the objective must stay the same.
///
/// # Good values
///
/// `f64`. For up to some thousands of parameters a dense H with [`DenseUpdate::SelfScaledBroyden`],
/// beyond that [`InverseHessian::Limited`] with 10 to 100 pairs; after some thousand steps of Adam if
/// the start is random. The defaults of the line search.
///
/// [`advance`]: QuasiNewton::advance
///
/// ```
/// use jetspace_optim::{QuasiNewton, QuasiNewtonSettings};
/// // Rosenbrock's function, from its usual start.
/// let mut parameters = [-1.2_f64, 1.0];
/// let mut optimiser = QuasiNewton::new(QuasiNewtonSettings::default(), 2)?;
/// let (mut iterations, mut loss) = (0, f64::INFINITY);
/// while iterations < 100 && loss > 1e-20 {
///     let [x, y] = parameters;
///     loss = 100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2);
///     let gradient = [-400.0 * x * (y - x * x) - 2.0 * (1.0 - x), 200.0 * (y - x * x)];
///     let step = optimiser.advance(&mut parameters, loss, &gradient)?;
///     if let Some(why) = step.stop() {
///         println!("{why}");
///         break;
///     }
///     iterations += u64::from(step.ends_iteration());
/// }
/// assert!(loss <= 1e-20);
/// # Ok::<(), jetspace_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct QuasiNewton<T> {
    settings: QuasiNewtonSettings,
    parameters: usize,
    phase: Phase,
    progress: QuasiNewtonProgress,
    memory: Memory<T>,
    /// During a search where it began, then s.
    origin: Vec<Block<T>>,
    /// During a search the gradient at its origin, then y.
    gradient: Vec<Block<T>>,
    /// d.
    direction: Vec<Block<T>>,
    /// The gradient that is handed in.
    new_gradient: Vec<Block<T>>,
    arch: Arch,
}

/// [`QuasiNewtonPhase`] without its vectors.
#[derive(Clone, Debug)]
enum Phase {
    Start,
    Learn { predicted: f64, decrease: f64 },
    Search(LineSearch),
}

impl<T: Float> QuasiNewton<T> {
    /// The method at its start, for this many parameters.
    ///
    /// # Errors
    /// A setting outside its range, or no memory for a dense matrix.
    pub fn new(settings: QuasiNewtonSettings, parameters: usize) -> Result<Self, OptimError> {
        settings.check()?;
        let memory = Memory::new(settings.hessian, parameters)?;
        let zeros = zeros(parameters);
        Ok(Self {
            settings,
            parameters,
            phase: Phase::Start,
            progress: QuasiNewtonProgress::default(),
            memory,
            origin: zeros.clone(),
            gradient: zeros.clone(),
            direction: zeros.clone(),
            new_gradient: zeros,
            arch: Arch::new(),
        })
    }

    /// The method for this many parameters as it was when `state` was saved. Where the settings allow
    /// fewer pairs than before, it keeps the newest.
    ///
    /// # Errors
    /// A setting outside its range, no memory for a dense matrix, a state of limited memory where the
    /// settings ask for a matrix or the reverse, or vectors of other lengths than `parameters`.
    pub fn resume(
        settings: QuasiNewtonSettings,
        parameters: usize,
        state: &QuasiNewtonState<T>,
    ) -> Result<Self, OptimError> {
        let mut method = Self::new(settings, parameters)?;
        method.memory.load(parameters, &state.hessian)?;
        method.progress = state.progress;
        let load = |what, vector: &mut [Block<T>], numbers: &[T]| {
            check_length(what, parameters, numbers.len())?;
            load(vector, numbers);
            Ok(())
        };
        method.phase = match &state.phase {
            QuasiNewtonPhase::Start => Phase::Start,
            QuasiNewtonPhase::Learn { step, change, predicted, decrease } => {
                load("the step", &mut method.origin, step)?;
                load("the gradient's change", &mut method.gradient, change)?;
                Phase::Learn { predicted: *predicted, decrease: *decrease }
            }
            QuasiNewtonPhase::Search { origin, gradient, direction, search } => {
                load("the search's origin", &mut method.origin, origin)?;
                load("the gradient at the search's origin", &mut method.gradient, gradient)?;
                load("the direction", &mut method.direction, direction)?;
                Phase::Search(LineSearch::resume(settings.search, search)?)
            }
        };
        Ok(method)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> QuasiNewtonSettings {
        self.settings
    }

    /// During a line search the step α along the direction at which the parameters are, for the next
    /// call to be told of.
    #[must_use]
    pub fn trial(&self) -> Option<f64> {
        if let Phase::Search(search) = &self.phase { Some(search.step()) } else { None }
    }

    /// A copy of what it remembers.
    #[must_use]
    pub fn state(&self) -> QuasiNewtonState<T> {
        let flat = |vector: &[Block<T>]| numbers(vector, self.parameters).collect();
        let phase = match &self.phase {
            Phase::Start => QuasiNewtonPhase::Start,
            Phase::Learn { predicted, decrease } => QuasiNewtonPhase::Learn {
                step: flat(&self.origin),
                change: flat(&self.gradient),
                predicted: *predicted,
                decrease: *decrease,
            },
            Phase::Search(search) => QuasiNewtonPhase::Search {
                origin: flat(&self.origin),
                gradient: flat(&self.gradient),
                direction: flat(&self.direction),
                search: search.state(),
            },
        };
        let hessian = self.memory.state(self.parameters);
        QuasiNewtonState { phase, progress: self.progress, hessian }
    }

    /// Takes the loss and its gradient at `parameters`, and moves these to where the next evaluation
    /// is wanted. During a line search neither loss nor gradient needs to be finite: such a step is
    /// too long.
    ///
    /// # Errors
    /// Not one number per parameter, or a loss or ‖g‖₁ that is not finite where an iteration begins;
    /// then nothing has changed.
    pub fn advance(
        &mut self,
        parameters: &mut [T],
        loss: f64,
        gradient: &[T],
    ) -> Result<QuasiNewtonStep, OptimError> {
        check_length("the parameters", self.parameters, parameters.len())?;
        check_length("the gradient", self.parameters, gradient.len())?;
        self.arch.dispatch(Advance { method: self, parameters, loss, gradient })
    }
}

/// A call of [`QuasiNewton::advance`] with vectors of the right length, compiled for each instruction
/// set.
struct Advance<'a, T> {
    method: &'a mut QuasiNewton<T>,
    parameters: &'a mut [T],
    loss: f64,
    gradient: &'a [T],
}

impl<T: Float> WithSimd for Advance<'_, T> {
    type Output = Result<QuasiNewtonStep, OptimError>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let Self { method, parameters, loss, gradient } = self;
        load(&mut method.new_gradient, gradient);
        match &mut method.phase {
            Phase::Start | Phase::Learn { .. } => method.begin(parameters, loss),
            Phase::Search(search) => {
                let slope = dot(&method.new_gradient, &method.direction);
                Ok(match search.tell(loss, slope) {
                    LineSearchStep::Try(step) => method.go(parameters, step),
                    LineSearchStep::Accepted => method.accept(parameters, loss),
                    LineSearchStep::Failed(failure) => method.give_up(parameters, failure),
                })
            }
        }
    }
}

/// The parts of an iteration, in their order.
impl<T: Float> QuasiNewton<T> {
    /// Learns from the iteration before, if there was one, and takes the first step of the next.
    #[inline(always)]
    fn begin(&mut self, parameters: &mut [T], loss: f64) -> Result<QuasiNewtonStep, OptimError> {
        check_finite("the loss", loss)?;
        let gradient_norm = norm_1(&self.new_gradient);
        check_finite("the gradient's 1-norm", gradient_norm)?;
        let largest = norm_max(&self.new_gradient);
        if largest <= self.settings.tolerance_gradient {
            return Ok(QuasiNewtonStep::Stopped(Stop::Gradient));
        }
        self.progress.observe(loss, largest);
        if self.progress.idle >= self.settings.patience {
            return Ok(QuasiNewtonStep::Stopped(Stop::Stagnation));
        }
        let Some(slope) = self.next_direction() else {
            return Ok(self.break_down(Breakdown::Curvature, false));
        };
        let is_descent = slope.is_finite() && slope < 0.0;
        if !is_descent {
            return Ok(self.break_down(Breakdown::Direction, false));
        }
        let search = self.settings.search;
        let first = match self.phase {
            Phase::Learn { decrease, .. } if decrease > search.noise * loss.abs() => {
                (-2.02 * decrease / slope).clamp(f64::MIN_POSITIVE, 1.0)
            }
            Phase::Learn { .. } => 1.0,
            _ => f64::min(1.0, 1.0 / gradient_norm),
        };
        self.phase = Phase::Search(LineSearch::new(search, loss, slope, first)?);
        load(&mut self.origin, parameters);
        Ok(self.go(parameters, first))
    }

    /// Learns what there is to learn, takes over the new gradient, and turns `direction` into −H g;
    /// the slope along it, or `None` if the latest step was of no use.
    #[inline(always)]
    fn next_direction(&mut self) -> Option<f64> {
        let Self { phase, memory, origin, gradient, direction, new_gradient, .. } = self;
        let pair = match *phase {
            Phase::Learn { predicted, .. } => {
                Some(Pair { step: origin, change: gradient, predicted })
            }
            _ => None,
        };
        let slope = memory.direction(pair, new_gradient, direction);
        std::mem::swap(gradient, new_gradient);
        slope
    }

    /// Moves the parameters to a trial of the search.
    #[inline(always)]
    fn go(&mut self, parameters: &mut [T], step: f64) -> QuasiNewtonStep {
        if walk(parameters, &self.origin, T::from_f64(step), &self.direction) {
            QuasiNewtonStep::Searching
        } else {
            self.give_up(parameters, SearchFailure::Resolution)
        }
    }

    /// Ends a search at `parameters`, and keeps what there is to learn from it.
    #[inline(always)]
    fn accept(&mut self, parameters: &[T], loss: f64) -> QuasiNewtonStep {
        subtract_from(&self.new_gradient, &mut self.gradient);
        // The step as it is after rounding, so that it fits the change of the gradient.
        load(&mut self.direction, parameters);
        subtract_from(&self.direction, &mut self.origin);
        if let Phase::Search(search) = &self.phase {
            let (step, start) = (search.step(), search.state().start);
            let decrease = start.loss - loss;
            self.phase = Phase::Learn { predicted: -step * step * start.slope, decrease };
        }
        self.progress.loss = loss;
        QuasiNewtonStep::Iterated
    }

    /// Ends a search that failed, at the best point that it found.
    #[inline(always)]
    fn give_up(&mut self, parameters: &mut [T], failure: SearchFailure) -> QuasiNewtonStep {
        let mut is_lower = false;
        if let Phase::Search(search) = &self.phase {
            let best = search.best();
            is_lower = walk(parameters, &self.origin, T::from_f64(best.step), &self.direction);
            self.progress.loss = best.loss;
        }
        self.break_down(Breakdown::Search(failure), is_lower)
    }

    /// Ends an iteration that found no step. Whether the loss is lower all the same decides whether
    /// to go on.
    #[inline(always)]
    fn break_down(&mut self, why: Breakdown, is_lower: bool) -> QuasiNewtonStep {
        self.phase = Phase::Start;
        if self.memory.is_empty() && !is_lower {
            return QuasiNewtonStep::Stopped(Stop::Breakdown(why));
        }
        self.memory.reset();
        QuasiNewtonStep::Reset(why)
    }
}

#[cfg(test)]
mod tests;
