//! Adam: steps scaled by running moments of the gradient.
//!
//! D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, Algorithm 1; with
//! decay of the weights, I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019,
//! Algorithm 2 (AdamW).

use pulp::{Arch, Simd, WithSimd};

use crate::error::{check_length, check_setting};
use crate::{Float, OptimError};

/// What [`Adam`] may be told. The defaults are the paper's, and PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Step size η; default 10⁻³.
    pub rate: f64,
    /// Decay rates (β₁, β₂) of the moments, each in [0, 1); default (0.9, 0.999).
    pub betas: (f64, f64),
    /// ε, added to √v̂; default 10⁻⁸.
    pub epsilon: f64,
    /// λ, the decay of the parameters towards 0; default 0. AdamW's, in PyTorch by default 0.01.
    pub weight_decay: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self { rate: 1e-3, betas: (0.9, 0.999), epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl AdamSettings {
    fn check(&self) -> Result<(), OptimError> {
        let Self { rate, betas, epsilon, weight_decay } = *self;
        check_setting("the rate", "finite", rate, rate.is_finite())?;
        check_setting("β₁", "in [0, 1)", betas.0, (0.0..1.0).contains(&betas.0))?;
        check_setting("β₂", "in [0, 1)", betas.1, (0.0..1.0).contains(&betas.1))?;
        let not_negative = |name, value: f64| {
            check_setting(name, "finite and not negative", value, value.is_finite() && value >= 0.0)
        };
        not_negative("ε", epsilon)?;
        not_negative("the weight decay", weight_decay)
    }
}

/// Everything that [`Adam`] remembers between steps: save it, and [`Adam::resume`] from it.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamState<T> {
    /// m, the running mean of the gradient.
    pub first_moment: Vec<T>,
    /// v, the running mean of its squares.
    pub second_moment: Vec<T>,
    /// (β₁ᵗ, β₂ᵗ) after t steps.
    pub beta_powers: (f64, f64),
}

/// Adam on a flat vector of parameters θ. With the gradient g of step t,
///
/// m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
///
/// θ ← (1 − η λ) θ − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ).
///
/// The bias corrections are applied as factors of η and ε, which is the same with fewer
/// operations (end of the paper's §2).
///
/// Good values: the defaults, and a rate that decays to a hundredth of its start where the last
/// digits matter ([`Adam::set_rate`]).
///
/// ```
/// use jetspace_optim::{Adam, AdamSettings};
/// // The minimum of (x − 1)² + 10 (y + 2)².
/// let mut parameters = [0.0_f64, 0.0];
/// let mut adam = Adam::new(AdamSettings { rate: 0.05, ..Default::default() }, 2)?;
/// for _ in 0..2000 {
///     let [x, y] = parameters;
///     adam.step(&mut parameters, &[2.0 * (x - 1.0), 20.0 * (y + 2.0)])?;
/// }
/// assert!((parameters[0] - 1.0).abs() < 1e-6 && (parameters[1] + 2.0).abs() < 1e-6);
/// # Ok::<(), jetspace_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam<T> {
    settings: AdamSettings,
    parameters: usize,
    moments: Vec<Moments<T>>,
    beta_powers: (f64, f64),
    arch: Arch,
}

const BLOCK: usize = 16;

/// m and v of [`BLOCK`] parameters, on cache lines of their own: stores that straddle two lines
/// make a step take twice as long.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Moments<T> {
    first: [T; BLOCK],
    second: [T; BLOCK],
}

impl<T: Float> Adam<T> {
    /// Adam at its first step, for this many parameters.
    ///
    /// # Errors
    /// A setting outside its range.
    pub fn new(settings: AdamSettings, parameters: usize) -> Result<Self, OptimError> {
        settings.check()?;
        let moments = vec![Moments::default(); parameters.div_ceil(BLOCK)];
        Ok(Self { settings, parameters, moments, beta_powers: (1.0, 1.0), arch: Arch::new() })
    }

    /// Adam as it was when `state` was saved.
    ///
    /// # Errors
    /// A setting outside its range, or moments of different lengths.
    pub fn resume(settings: AdamSettings, state: &AdamState<T>) -> Result<Self, OptimError> {
        let (first, second) = (&state.first_moment, &state.second_moment);
        check_length("the second moment", first.len(), second.len())?;
        let mut adam = Self::new(settings, first.len())?;
        let saved = first.chunks(BLOCK).zip(second.chunks(BLOCK));
        for (moments, (first, second)) in adam.moments.iter_mut().zip(saved) {
            moments.first[..first.len()].copy_from_slice(first);
            moments.second[..second.len()].copy_from_slice(second);
        }
        adam.beta_powers = state.beta_powers;
        Ok(adam)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> AdamSettings {
        self.settings
    }

    /// A copy of what it remembers of the steps so far.
    #[must_use]
    pub fn state(&self) -> AdamState<T> {
        let flat = |moment: fn(&Moments<T>) -> &[T; BLOCK]| {
            self.moments.iter().flat_map(moment).copied().take(self.parameters).collect()
        };
        AdamState {
            first_moment: flat(|moments| &moments.first),
            second_moment: flat(|moments| &moments.second),
            beta_powers: self.beta_powers,
        }
    }

    /// Changes the step size η, for schedules.
    ///
    /// # Errors
    /// The rate is not finite.
    pub fn set_rate(&mut self, rate: f64) -> Result<(), OptimError> {
        let settings = AdamSettings { rate, ..self.settings };
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// One step from `parameters` with the gradient there.
    ///
    /// # Errors
    /// Not one number per parameter; then nothing has changed.
    pub fn step(&mut self, parameters: &mut [T], gradient: &[T]) -> Result<(), OptimError> {
        check_length("the parameters", self.parameters, parameters.len())?;
        check_length("the gradient", self.parameters, gradient.len())?;
        let AdamSettings { rate, betas, epsilon, weight_decay } = self.settings;
        let powers = &mut self.beta_powers;
        *powers = (powers.0 * betas.0, powers.1 * betas.1);
        let correction = (1.0 - powers.1).sqrt();
        let update = Update {
            keep: (T::from_f64(betas.0), T::from_f64(betas.1)),
            take: (T::from_f64(1.0 - betas.0), T::from_f64(1.0 - betas.1)),
            rate: T::from_f64(rate * correction / (1.0 - powers.0)),
            epsilon: T::from_f64(epsilon * correction),
            shrink: T::from_f64(1.0 - rate * weight_decay),
        };
        self.arch.dispatch(Step { update, parameters, gradient, moments: &mut self.moments });
        Ok(())
    }
}

/// The numbers of one step that are the same for all parameters.
#[derive(Clone, Copy)]
struct Update<T> {
    keep: (T, T),
    take: (T, T),
    rate: T,
    epsilon: T,
    shrink: T,
}

impl<T: Float> Update<T> {
    #[inline(always)]
    fn apply(self, block: &mut [T; BLOCK], gradient: &[T; BLOCK], moments: &mut Moments<T>) {
        for i in 0..BLOCK {
            let (g, m, v) = (gradient[i], &mut moments.first[i], &mut moments.second[i]);
            *m = self.keep.0 * *m + self.take.0 * g;
            *v = self.keep.1 * *v + self.take.1 * (g * g);
            block[i] = self.shrink * block[i] - self.rate * *m / (v.sqrt() + self.epsilon);
        }
    }
}

/// An update of all parameters: plain loops, compiled for each instruction set.
struct Step<'a, T> {
    update: Update<T>,
    parameters: &'a mut [T],
    gradient: &'a [T],
    moments: &'a mut [Moments<T>],
}

impl<T: Float> WithSimd for Step<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (blocks, rest) = self.parameters.as_chunks_mut::<BLOCK>();
        let (gradients, rest_gradient) = self.gradient.as_chunks::<BLOCK>();
        let (whole, last) = self.moments.split_at_mut(blocks.len());
        for ((block, gradient), moments) in blocks.iter_mut().zip(gradients).zip(whole) {
            self.update.apply(block, gradient, moments);
        }
        if let Some(moments) = last.first_mut() {
            let (mut block, mut gradient) = ([T::default(); BLOCK], [T::default(); BLOCK]);
            block[..rest.len()].copy_from_slice(rest);
            gradient[..rest.len()].copy_from_slice(rest_gradient);
            self.update.apply(&mut block, &gradient, moments);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector of gradients without any pattern: fractional parts of multiples of √2.
    fn gradient(step: usize, count: usize) -> Vec<f64> {
        let part = |i: usize| ((i as f64 + 1.0) * std::f64::consts::SQRT_2).fract() - 0.5;
        (0..count).map(|i| part(i + 31 * step) * 10_f64.powf(8.0 * part(i))).collect()
    }

    /// The formula as PyTorch's `torch.optim.Adam` evaluates it, one parameter at a time.
    fn reference(settings: AdamSettings, start: f64, gradients: &[f64]) -> f64 {
        let (mut theta, mut m, mut v) = (start, 0.0, 0.0);
        let (b1, b2) = settings.betas;
        for (t, g) in (1..).zip(gradients) {
            m = b1 * m + (1.0 - b1) * g;
            v = b2 * v + (1.0 - b2) * g * g;
            let denominator = f64::sqrt(v) / (1.0 - b2.powi(t)).sqrt() + settings.epsilon;
            theta -= settings.rate / (1.0 - b1.powi(t)) * (m / denominator);
        }
        theta
    }

    #[test]
    fn follows_the_formula() {
        let (count, steps) = (1003, 20);
        let settings = AdamSettings { rate: 0.01, ..Default::default() };
        let start: Vec<f64> = gradient(100, count).iter().map(|g| 3.0 + g.fract()).collect();
        let gradients: Vec<Vec<f64>> = (0..steps).map(|t| gradient(t, count)).collect();
        let mut double = start.clone();
        let mut single: Vec<f32> = start.iter().map(|&p| f32::from_f64(p)).collect();
        let mut adam = Adam::new(settings, count).unwrap();
        let mut adam_single = Adam::new(settings, count).unwrap();
        for g in &gradients {
            adam.step(&mut double, g).unwrap();
            let g: Vec<f32> = g.iter().map(|&g| f32::from_f64(g)).collect();
            adam_single.step(&mut single, &g).unwrap();
        }
        for i in 0..count {
            let of_one: Vec<f64> = gradients.iter().map(|g| g[i]).collect();
            let expected = reference(settings, start[i], &of_one);
            assert!((double[i] - expected).abs() <= 1e-15 * expected.abs(), "parameter {i}");
            let error = (f64::from(single[i]) - expected).abs();
            assert!(error <= 2e-6 * expected.abs().max(0.1), "parameter {i}: {error}");
        }
    }

    #[test]
    fn first_steps_are_those_worked_out_by_hand() {
        // ε = 0, β = (½, ¼), gradients 1, 1, −2. By hand: m = ½, ¾, −⅝; 1 − β₁ᵗ = ½, ¾, ⅞, so
        // m̂ = 1, 1, −5/7; v = ¾, 15/16, 207/64; 1 − β₂ᵗ = ¾, 15/16, 63/64, so v̂ = 1, 1, 23/7.
        let settings =
            AdamSettings { rate: 0.125, betas: (0.5, 0.25), epsilon: 0.0, ..Default::default() };
        let mut adam = Adam::new(settings, 1).unwrap();
        let mut p = [3.0_f64];
        let third = 2.75 + 0.125 * (5.0 / 7.0) / f64::sqrt(23.0 / 7.0);
        for (g, expected) in [(1.0, 2.875), (1.0, 2.75), (-2.0, third)] {
            adam.step(&mut p, &[g]).unwrap();
            assert!((p[0] - expected).abs() < 1e-15, "{} is not {expected}", p[0]);
        }
        assert_eq!(adam.state().beta_powers, (0.125, 0.015_625));
        assert_eq!(adam.state().first_moment, [-0.625]);
        assert_eq!(adam.state().second_moment, [207.0 / 64.0]);
    }

    #[test]
    fn agrees_with_pytorch() {
        // Parameters after five steps of torch.optim.Adam and AdamW (2.15, f64) with the gradients
        // below.
        let decay = AdamSettings { weight_decay: 0.1, ..Default::default() };
        let other =
            AdamSettings { rate: 0.05, betas: (0.8, 0.9), epsilon: 1e-3, ..Default::default() };
        let other_decay = AdamSettings { weight_decay: 0.01, ..other };
        for (settings, expected) in [
            (
                AdamSettings::default(),
                [0.995_598_539_163_406_1, -1.998_565_198_247_536_3, 0.501_683_179_227_503_6],
            ),
            (other, [0.782_102_336_087_284_3, -1.993_902_457_286_404_1, 0.569_831_540_382_161_2]),
            (decay, [0.9950995754661862, -1.9975658442272026, 0.5014324684747321]),
            (other_decay, [0.7798375715148969, -1.9889170935953326, 0.5683991528657155]),
        ] {
            let mut adam = Adam::new(settings, 3).unwrap();
            let mut p = [1.0, -2.0, 0.5];
            for t in 1..=5_i32 {
                let time = f64::from(t);
                let gradient = [1.0 / time, (-1.0_f64).powi(t) * 1e-4, time * time - 7.0];
                adam.step(&mut p, &gradient).unwrap();
            }
            for (found, expected) in p.iter().zip(expected) {
                assert!((found - expected).abs() <= 2e-15, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn first_step_is_the_rate_and_epsilon_stands_outside_the_root() {
        // m̂ = g and v̂ = g²: the step is η g / (|g| + ε), half of η for g = ε.
        let settings = AdamSettings { epsilon: 1e-3, ..Default::default() };
        let mut adam = Adam::new(settings, 2).unwrap();
        let mut p = [0.0_f64; 2];
        adam.step(&mut p, &[1e-3, -1e9]).unwrap();
        assert!((p[0] + 5e-4).abs() < 1e-18 && (p[1] - 1e-3).abs() < 1e-14, "{p:?}");
    }

    #[test]
    fn converges_on_a_quadratic() {
        let curvature = |i: usize| 10_f64.powf((i % 4) as f64);
        let mut p = vec![1.0; 40];
        let mut adam = Adam::new(AdamSettings { rate: 0.01, ..Default::default() }, 40).unwrap();
        for _ in 0..4000 {
            let g: Vec<f64> = p.iter().enumerate().map(|(i, x)| curvature(i) * x).collect();
            adam.step(&mut p, &g).unwrap();
        }
        assert!(p.iter().all(|x| x.abs() < 1e-6), "{p:?}");
    }

    #[test]
    fn a_resumed_run_has_the_same_bits() {
        let mut whole = vec![0.5; 17];
        let mut adam = Adam::new(AdamSettings::default(), 17).unwrap();
        for t in 0..10 {
            adam.step(&mut whole, &gradient(t, 17)).unwrap();
        }
        let mut parts = vec![0.5; 17];
        let mut adam = Adam::new(AdamSettings::default(), 17).unwrap();
        for t in 0..10 {
            if t == 6 {
                adam = Adam::resume(adam.settings(), &adam.state()).unwrap();
            }
            adam.step(&mut parts, &gradient(t, 17)).unwrap();
        }
        assert_eq!(whole, parts);
    }

    #[test]
    fn wrong_arguments_are_errors() {
        let with = |change: fn(&mut AdamSettings)| {
            let mut settings = AdamSettings::default();
            change(&mut settings);
            Adam::<f64>::new(settings, 1).map(|_| ())
        };
        assert!(with(|_| ()).is_ok());
        assert!(with(|s| s.rate = f64::NAN).is_err());
        assert!(with(|s| s.betas.0 = 1.0).is_err());
        assert!(with(|s| s.betas.1 = -0.1).is_err());
        assert!(with(|s| s.epsilon = f64::INFINITY).is_err());
        assert!(with(|s| s.weight_decay = -1e-3).is_err());
        let mut adam = Adam::<f32>::new(AdamSettings::default(), 2).unwrap();
        assert!(adam.set_rate(f64::NAN).is_err());
        let error = adam.step(&mut [0.0; 2], &[0.0; 3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the gradient: expected 2 numbers, one per parameter, found 3"
        );
        assert!(adam.step(&mut [0.0; 1], &[0.0; 2]).is_err());
        assert_eq!(adam.state().beta_powers, (1.0, 1.0), "a refused step changes nothing");
    }

    #[test]
    fn no_parameters_and_non_finite_gradients_do_not_panic() {
        Adam::<f64>::new(AdamSettings::default(), 0).unwrap().step(&mut [], &[]).unwrap();
        let mut p = [0.0_f32; 2];
        let mut adam = Adam::new(AdamSettings::default(), 2).unwrap();
        adam.step(&mut p, &[f32::NAN, 1.0]).unwrap();
        assert!(p[0].is_nan() && p[1] < 0.0);
    }
}
