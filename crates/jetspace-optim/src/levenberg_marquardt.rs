//! The method of Levenberg and Marquardt with geodesic acceleration, for sums of squares whose
//! residuals are known one by one.
//!
//! K. Levenberg, Quart. Appl. Math. 2, 1944; D. W. Marquardt, J. SIAM 11, 1963. Here is the iteration;
//! `linearisation.rs` holds the residuals with their Jacobian and solves for steps, and where there is
//! no room for its matrices, `conjugate_gradients.rs` solves for them.

mod conjugate_gradients;
mod factored_rows;
mod linearisation;
mod outcome;
mod settings;
mod state;
mod symmetric_product;

use self::conjugate_gradients::{ConjugateGradients, Solution};
pub use self::factored_rows::FactoredBlock;
pub use self::linearisation::Linearisation;
use self::linearisation::{MOST_NUMBERS, Sizes};
pub use self::outcome::{LevenbergMarquardtStep, LevenbergMarquardtStop};
pub use self::settings::{LevenbergMarquardtSettings, LinearSolver};
pub use self::state::{LevenbergMarquardtOrigin, LevenbergMarquardtState};
use crate::OptimError;
use crate::error::{check_finite, check_length};

/// By how much λ grows where a step fails for the first time, and the least factor by which it
/// shrinks where one does not (Nielsen).
const GROWTH: f64 = 2.0;
const SHRINKAGE: f64 = 1.0 / 3.0;

/// A sum of squares ‖r(θ)‖² of n residuals r with the Jacobian J = ∂r/∂θ, as [`LevenbergMarquardt`] asks
/// for it. The same parameters must give the same numbers.
pub trait LeastSquares {
    /// What can go wrong.
    type Error: From<OptimError>;

    /// n. It may change from one iteration to the next.
    ///
    /// # Errors
    /// The problem's own.
    fn residual_count(&self) -> Result<usize, Self::Error>;

    /// r at these parameters. It need not be finite.
    ///
    /// # Errors
    /// The problem's own.
    fn residuals(&mut self, parameters: &[f64], residuals: &mut [f64]) -> Result<(), Self::Error>;

    /// How many numbers are in the factors of all rows, where [`linearise`](Self::linearise)
    /// [pushes factors](Linearisation::push_factors); those of whole rows unless given.
    ///
    /// # Errors
    /// The problem's own.
    fn factor_count(&self, parameters: usize) -> Result<usize, Self::Error> {
        Ok(self.residual_count()?.saturating_mul(parameters.saturating_add(1)))
    }

    /// [Pushes](Linearisation::push) each residual and its row of J at these parameters, or the row's
    /// [factors](Linearisation::push_factors).
    ///
    /// # Errors
    /// The problem's own, and those of pushing.
    fn linearise(
        &mut self,
        parameters: &[f64],
        rows: &mut Linearisation,
    ) -> Result<(), Self::Error>;

    /// Jv with J at these parameters, and a number of v for each, which need not be finite.
    ///
    /// # Errors
    /// The problem's own.
    fn push_forward(
        &mut self,
        parameters: &[f64],
        vector: &[f64],
        product: &mut [f64],
    ) -> Result<(), Self::Error>;

    /// Jᵀw with J at these parameters, and n numbers w, which need not be finite.
    ///
    /// # Errors
    /// The problem's own.
    fn pull_back(
        &mut self,
        parameters: &[f64],
        vector: &[f64],
        product: &mut [f64],
    ) -> Result<(), Self::Error>;
}

/// The method of Levenberg and Marquardt on a flat vector of parameters θ. It minimises ‖r(θ)‖² for n
/// residuals r with the Jacobian J = ∂r/∂θ by
///
/// θ ← θ + δ + ½ a,  (JᵀJ + λ) δ = −Jᵀr,  (JᵀJ + λ) a = −Jᵀ r_δδ,
///
/// where r_δδ is the second derivative of r along δ. The acceleration a follows the valley where it
/// bends (M. K. Transtrum, J. P. Sethna, *Improvements to the Levenberg–Marquardt algorithm for
/// nonlinear least-squares minimization*, arXiv 1201.5885, 2012): networks take ten times as many
/// iterations without. It costs no Jacobian. With r_δδ ≈ 2 (r(θ + δ) − r − Jδ) and JᵀJδ = −Jᵀr − λδ,
///
/// (JᵀJ + λ) ½ a = −Jᵀ r(θ + δ) − λδ.
///
/// (The paper takes the difference after a tenth of δ, where rounding counts a hundred times as much;
/// trainings of networks end no better.) An acceleration that is too long for a correction, ‖a‖ > α ‖δ‖,
/// is left out.
///
/// A step is taken if it lowers the loss; if not, a larger λ is tried from the same J. The damping
/// follows H. B. Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05: with the ratio ρ
/// of the decrease and what the linear model promised, λ ← λ max(⅓, 1 − (2ρ − 1)³) after a step, and
/// λ ← 2λ, 4 · 2λ, … after failures. It never falls below the rounding error of JᵀJ. All parameters are
/// damped alike: Marquardt's scaling by JᵀJ's diagonal, which does not depend on units, made trainings
/// of networks fail.
///
/// With more parameters than residuals it works with JJᵀ instead ([`Linearisation`]), and where neither
/// matrix fits into memory, with products Jv and Jᵀw ([`LinearSolver`]). It never stops without saying
/// why ([`LevenbergMarquardtStop`]).
///
/// For residuals of a linear equation, JᵀJ is the Gram matrix of energy natural gradients (J. Müller,
/// M. Zeinhofer, *Achieving high accuracy with PINNs via energy natural gradients*, arXiv 2302.13163):
/// with little damping δ is their direction. Other metrics are rows of other residuals.
///
/// # Calls
///
/// The caller evaluates the loss ‖r‖² at the present parameters and hands it to [`advance`], which
/// moves the parameters to the next point to evaluate; what else it needs to know it asks the problem
/// ([`LeastSquares`]). The end of an iteration does not move the parameters: the next call begins the
/// next iteration from there, with the same loss, or with a new one if the objective has changed in
/// between (resampled points). *During* an iteration the objective must stay the same.
///
/// # Good values
///
/// The defaults. An iteration costs n p² + p³/3 operations for p ≤ n, and n² p + n³/3 for p > n, or less with
/// [factors](FactoredBlock): up to some thousands of the smaller number. Beyond that it takes hundreds of
/// evaluations of the gradient.
///
/// [`advance`]: LevenbergMarquardt::advance
///
/// ```
/// use jetspace_optim::{
///     LeastSquares, LevenbergMarquardt, LevenbergMarquardtSettings, Linearisation, OptimError,
/// };
///
/// /// Rosenbrock's function.
/// struct Rosenbrock;
///
/// impl LeastSquares for Rosenbrock {
///     type Error = OptimError;
///     fn residual_count(&self) -> Result<usize, OptimError> {
///         Ok(2)
///     }
///     fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) -> Result<(), OptimError> {
///         residuals.copy_from_slice(&[10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]]);
///         Ok(())
///     }
///     fn linearise(&mut self, x: &[f64], rows: &mut Linearisation) -> Result<(), OptimError> {
///         rows.push(10.0 * (x[1] - x[0] * x[0]))?.copy_from_slice(&[-20.0 * x[0], 10.0]);
///         rows.push(1.0 - x[0])?.copy_from_slice(&[-1.0, 0.0]);
///         Ok(())
///     }
///     fn push_forward(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), OptimError> {
///         product.copy_from_slice(&[10.0 * v[1] - 20.0 * x[0] * v[0], -v[0]]);
///         Ok(())
///     }
///     fn pull_back(&mut self, x: &[f64], w: &[f64], product: &mut [f64]) -> Result<(), OptimError> {
///         product.copy_from_slice(&[-20.0 * x[0] * w[0] - w[1], 10.0 * w[0]]);
///         Ok(())
///     }
/// }
///
/// let mut x = [-1.2_f64, 1.0];
/// let mut method = LevenbergMarquardt::new(LevenbergMarquardtSettings::default(), 2)?;
/// let why = loop {
///     let loss = 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
///     if let Some(why) = method.advance(&mut x, loss, &mut Rosenbrock)?.stop() {
///         break why;
///     }
/// };
/// println!("{why}");
/// assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-12));
/// # Ok::<(), OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LevenbergMarquardt {
    settings: LevenbergMarquardtSettings,
    /// Whether an iteration is under way: a step is on trial.
    is_trying: bool,
    linearisation: Linearisation,
    /// λ.
    damping: Option<f64>,
    growth: f64,
    /// Where the iteration began.
    origin: Vec<f64>,
    /// The loss there.
    loss: f64,
    /// By how much the linear model falls along δ.
    predicted: f64,
}

impl LevenbergMarquardt {
    /// The method at its start, for this many parameters.
    ///
    /// # Errors
    /// A setting outside its range.
    pub fn new(
        settings: LevenbergMarquardtSettings,
        parameters: usize,
    ) -> Result<Self, OptimError> {
        settings.check()?;
        Ok(Self {
            settings,
            is_trying: false,
            linearisation: Linearisation::new(settings.solver, parameters, settings.threads),
            damping: None,
            growth: GROWTH,
            origin: vec![0.0; parameters],
            loss: 0.0,
            predicted: 0.0,
        })
    }

    /// Whether memory suffices for these numbers of residuals, of parameters, and in the
    /// [factors](LeastSquares::factor_count) of all rows: to know it before the first iteration does.
    ///
    /// # Errors
    /// The matrices of [`LinearSolver::Dense`] would take more than 2 GiB.
    pub fn check_size(
        solver: LinearSolver,
        residuals: usize,
        parameters: usize,
        factors: usize,
    ) -> Result<(), OptimError> {
        Sizes::new(solver, residuals, parameters, factors, MOST_NUMBERS).map(|_| ())
    }

    /// The method as it was when `state` was saved. If a step was on trial, it solves for that once
    /// more, and moves the parameters there: to the same bits.
    ///
    /// # Errors
    /// A setting outside its range, another number of parameters than the state has, and those of
    /// [`advance`](Self::advance).
    pub fn resume<P: LeastSquares + ?Sized>(
        settings: LevenbergMarquardtSettings,
        parameters: &mut [f64],
        state: &LevenbergMarquardtState,
        problem: &mut P,
    ) -> Result<Self, P::Error> {
        let mut method = Self::new(settings, parameters.len())?;
        (method.damping, method.growth) = (state.damping, state.growth);
        if let Some(origin) = &state.origin {
            check_length("the iteration's origin", parameters.len(), origin.parameters.len())?;
            parameters.copy_from_slice(&origin.parameters);
            method.begin(parameters, origin.loss, problem)?;
        }
        Ok(method)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> LevenbergMarquardtSettings {
        self.settings
    }

    /// A copy of what it remembers.
    #[must_use]
    pub fn state(&self) -> LevenbergMarquardtState {
        let (parameters, loss) = (self.origin.clone(), self.loss);
        LevenbergMarquardtState {
            damping: self.damping,
            growth: self.growth,
            origin: self.is_trying.then_some(LevenbergMarquardtOrigin { parameters, loss }),
        }
    }

    /// λ of the step on trial, if one is: the loss at the parameters need not be finite then.
    #[must_use]
    pub fn trial(&self) -> Option<f64> {
        self.damping.filter(|_| self.is_trying)
    }

    /// Takes the loss at `parameters`, and moves these to where it is wanted next. While a step is on
    /// trial, the loss need not be finite.
    ///
    /// # Errors
    /// Not one number per parameter; a loss, Jᵀr or J that is not finite where an iteration begins;
    /// not one row for each residual; no memory for the matrices; or the problem's. The parameters have
    /// not changed then.
    pub fn advance<P: LeastSquares + ?Sized>(
        &mut self,
        parameters: &mut [f64],
        loss: f64,
        problem: &mut P,
    ) -> Result<LevenbergMarquardtStep, P::Error> {
        check_length("the parameters", self.origin.len(), parameters.len())?;
        if !self.is_trying {
            return self.begin(parameters, loss, problem);
        }
        let decrease = self.loss - loss;
        let is_lower = decrease.is_finite() && decrease > 0.0;
        if !is_lower {
            self.damping = self.damping.map(|damping| self.grown(damping));
            return self.attempt(parameters, problem);
        }
        let ratio = decrease / self.predicted;
        let factor = f64::max(SHRINKAGE, 1.0 - (2.0 * ratio - 1.0).powi(3));
        self.damping = self.damping.map(|damping| damping * factor);
        self.growth = GROWTH;
        self.is_trying = false;
        Ok(LevenbergMarquardtStep::Iterated)
    }

    /// Begins an iteration at `parameters`.
    fn begin<P: LeastSquares + ?Sized>(
        &mut self,
        parameters: &mut [f64],
        loss: f64,
        problem: &mut P,
    ) -> Result<LevenbergMarquardtStep, P::Error> {
        check_finite("the loss", loss)?;
        let factors = problem.factor_count(parameters.len())?;
        self.linearisation.begin(problem.residual_count()?, factors)?;
        problem.linearise(parameters, &mut self.linearisation)?;
        self.linearisation.complete()?;
        self.origin.copy_from_slice(parameters);
        self.loss = loss;
        let largest = self.linearisation.gradient().iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        if largest <= self.settings.tolerance_gradient {
            return Ok(self.stop(parameters, LevenbergMarquardtStop::Gradient));
        }
        self.attempt(parameters, problem)
    }

    /// Solves for a step from the origin, with a larger damping if need be, and moves the parameters to
    /// where the loss is wanted.
    fn attempt<P: LeastSquares + ?Sized>(
        &mut self,
        parameters: &mut [f64],
        problem: &mut P,
    ) -> Result<LevenbergMarquardtStep, P::Error> {
        let squares = self.linearisation.squared_norm();
        let first = self.settings.damping * squares / self.origin.len().max(1) as f64;
        let mut damping = self.damping.unwrap_or(first).max(f64::EPSILON * squares);
        let mut step = loop {
            if let Some(step) = self.step(damping, problem)? {
                break step;
            }
            damping = self.grown(damping);
            if !damping.is_finite() {
                return Ok(self.stop(parameters, LevenbergMarquardtStop::NoDecrease));
            }
        };
        if let Some(most) = self.settings.acceleration {
            let half = self.half_acceleration(damping, &step, problem)?;
            if 2.0 * norm(&half) <= most * norm(&step) {
                step.iter_mut().zip(half).for_each(|(step, half)| *step += half);
            }
        }
        let trial = self.after(&step);
        if trial == self.origin || self.predicted <= f64::EPSILON * self.loss {
            let is_first = !self.is_trying;
            let (rounding, failed) =
                (LevenbergMarquardtStop::Rounding, LevenbergMarquardtStop::NoDecrease);
            return Ok(self.stop(parameters, if is_first { rounding } else { failed }));
        }
        parameters.copy_from_slice(&trial);
        (self.damping, self.is_trying) = (Some(damping), true);
        Ok(LevenbergMarquardtStep::Trying)
    }

    /// δ, if it is finite. By how much the linear model falls along it is
    /// ‖r‖² − ‖r + Jδ‖² = λ‖δ‖² − δ·Jᵀr + δ·ρ with what the step leaves of its equations,
    /// ρ = −Jᵀr − (JᵀJ + λ) δ.
    fn step<P: LeastSquares + ?Sized>(
        &mut self,
        damping: f64,
        problem: &mut P,
    ) -> Result<Option<Vec<f64>>, P::Error> {
        let (step, left) = if !self.linearisation.has_matrix() {
            let residuals = self.linearisation.values().to_vec();
            let Solution { step, residual } =
                self.conjugate_gradients(damping, problem).solve(residuals)?;
            let left = dot(&step, &residual);
            (step, left)
        } else if self.linearisation.factorise(damping) {
            (self.linearisation.step(), 0.0)
        } else {
            return Ok(None);
        };
        let slope = dot(&step, self.linearisation.gradient());
        self.predicted = damping * dot(&step, &step) - slope + left;
        Ok(self.predicted.is_finite().then_some(step))
    }

    /// ½ a.
    fn half_acceleration<P: LeastSquares + ?Sized>(
        &self,
        damping: f64,
        step: &[f64],
        problem: &mut P,
    ) -> Result<Vec<f64>, P::Error> {
        let mut residuals = vec![0.0; self.linearisation.residuals()];
        problem.residuals(&self.after(step), &mut residuals)?;
        if !self.linearisation.has_matrix() {
            // As δ need not solve its equations to the last digit, here is r_δδ itself.
            let mut linear = vec![0.0; residuals.len()];
            problem.push_forward(&self.origin, step, &mut linear)?;
            let parts = self.linearisation.values().iter().zip(linear);
            residuals.iter_mut().zip(parts).for_each(|(after, (r, linear))| *after -= r + linear);
            return Ok(self.conjugate_gradients(damping, problem).solve(residuals)?.step);
        }
        if self.linearisation.is_of_residuals() {
            return Ok(self.linearisation.correction(&residuals));
        }
        let mut product = vec![0.0; step.len()];
        problem.pull_back(&self.origin, &residuals, &mut product)?;
        let right_side = product.iter().zip(step).map(|(product, step)| -product - damping * step);
        Ok(self.linearisation.solve(right_side.collect()))
    }

    fn conjugate_gradients<'a, P: LeastSquares + ?Sized>(
        &'a self,
        damping: f64,
        problem: &'a mut P,
    ) -> ConjugateGradients<'a, P> {
        ConjugateGradients::new(&self.linearisation, &self.origin, damping, problem)
    }

    /// The damping after a failure.
    fn grown(&mut self, damping: f64) -> f64 {
        let growth = self.growth;
        self.growth *= GROWTH;
        damping * growth
    }

    /// The parameters after a step.
    fn after(&self, step: &[f64]) -> Vec<f64> {
        self.origin.iter().zip(step).map(|(origin, step)| origin + step).collect()
    }

    /// Ends at the origin; should anyone go on, damping begins anew.
    fn stop(
        &mut self,
        parameters: &mut [f64],
        why: LevenbergMarquardtStop,
    ) -> LevenbergMarquardtStep {
        parameters.copy_from_slice(&self.origin);
        (self.damping, self.growth, self.is_trying) = (None, GROWTH, false);
        LevenbergMarquardtStep::Stopped(why)
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests;
