//! Activations and their derivatives, one row of a panel at a time.
//!
//! [`evaluate`] computes σ(z + b) and what makes its derivatives cheap (the *auxiliary* values, e.g.
//! the cosine of a sine); [`derive`] recomputes the derivatives σ′ … σ^(5) from those during the
//! reverse sweep. Both leave the derivatives in a scratch row, where the composition rule reads
//! them: rules and activations need not know each other.

use pulp::{Simd, WithSimd};

use super::elementary;
use super::group_lanes;
use super::lanes::{Lanes, lane_count};
use crate::Real;
use crate::network::Activation;

/// Highest derivative of an activation: order 4 forward, and one more in the reverse sweep.
pub const DERIVATIVES: usize = 5;

/// Values kept per lane besides σ(z).
pub const AUXILIARIES: usize = 2;

/// The rows that an activation works on. Lengths (in groups): `z`, `a` with `components` lines a
/// group, `auxiliary` with [`AUXILIARIES`] (or empty, if not [`needs_auxiliary`]), `derivatives`
/// with [`DERIVATIVES`].
pub struct Rows<'a, T> {
    pub activation: Activation,
    pub components: usize,
    /// Derivatives wanted in `derivatives`.
    pub order: usize,
    /// Added to z; 0 when deriving.
    pub bias: T,
    pub z: &'a mut [T],
    pub a: &'a mut [T],
    pub auxiliary: &'a mut [T],
    pub derivatives: &'a mut [T],
}

/// Whether the activation keeps auxiliary values.
pub fn needs_auxiliary(activation: Activation) -> bool {
    !matches!(activation, Activation::Tanh | Activation::Identity)
}

/// σ(z + bias) into component 0 of `a`, and the derivatives up to `order`.
#[inline(always)]
pub fn evaluate<S: Simd, T: Real>(simd: S, rows: Rows<'_, T>) {
    simd.vectorize(Pass::<T, true>(rows));
}

/// The derivatives up to `order`, from what [`evaluate`] left.
#[inline(always)]
pub fn derive<S: Simd, T: Real>(simd: S, rows: Rows<'_, T>) {
    simd.vectorize(Pass::<T, false>(rows));
}

struct Pass<'a, T, const EVALUATE: bool>(Rows<'a, T>);

impl<T: Real, const EVALUATE: bool> WithSimd for Pass<'_, T, EVALUATE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.0.activation {
            Activation::Tanh => self.run(simd, &Tanh),
            Activation::Sine { frequency } => self.run(simd, &Sine(T::from_f64(frequency))),
            Activation::Cosine { frequency } => self.run(simd, &Cosine(T::from_f64(frequency))),
            Activation::Sigmoid => self.run(simd, &Sigmoid),
            Activation::Softplus { beta } => self.run(simd, &Softplus(T::from_f64(beta))),
            Activation::Silu => self.run(simd, &Silu),
            Activation::Gelu => self.run(simd, &Gelu),
            Activation::Identity => self.run(simd, &Identity),
        }
    }
}

impl<T: Real, const EVALUATE: bool> Pass<'_, T, EVALUATE> {
    #[inline(always)]
    fn run<S: Simd, A: Sigma<T>>(self, simd: S, sigma: &A) {
        let Rows { components, order, bias, z, a, auxiliary, derivatives, .. } = self.0;
        let line = group_lanes::<T>();
        let lanes = lane_count::<S, T>();
        let group = components * line;
        let groups = z.len() / group;
        assert!(order <= DERIVATIVES && a.len() == z.len() && z.len() == groups * group);
        assert!(derivatives.len() == groups * DERIVATIVES * line || order == 0);
        let keeps = A::KEEPS > 0;
        assert!(!keeps || auxiliary.len() == groups * AUXILIARIES * line);
        let bias = Lanes::splat(simd, bias);
        for g in 0..groups {
            for lane in (0..line).step_by(lanes) {
                // SAFETY: with g < groups and lane + lanes ≤ line, all offsets stay inside the
                // lengths asserted above; `auxiliary` and `derivatives` are only touched when
                // their lengths were asserted.
                unsafe {
                    let z = z.as_mut_ptr().add(g * group + lane);
                    let a = a.as_mut_ptr().add(g * group + lane);
                    let kept = auxiliary.as_mut_ptr().wrapping_add(g * AUXILIARIES * line + lane);
                    let mut state = State::new(simd);
                    state.z = Lanes::load(simd, z);
                    if EVALUATE {
                        state.z = state.z + bias;
                        sigma.value(&mut state);
                        if A::NEEDS_Z {
                            state.z.store(z);
                        }
                        state.value.store(a);
                        for i in 0..A::KEEPS {
                            state.kept[i].store(kept.wrapping_add(i * line));
                        }
                    } else {
                        state.value = Lanes::load(simd, a);
                        for i in 0..A::KEEPS {
                            state.kept[i] = Lanes::load(simd, kept.wrapping_add(i * line));
                        }
                    }
                    let out = derivatives.as_mut_ptr().wrapping_add(g * DERIVATIVES * line + lane);
                    sigma.derivatives(&state, order, |k, value| {
                        value.store(out.wrapping_add((k - 1) * line));
                    });
                }
            }
        }
    }
}

/// What is known of σ at one register of points.
struct State<S: Simd, T: Real> {
    z: Lanes<S, T>,
    value: Lanes<S, T>,
    kept: [Lanes<S, T>; AUXILIARIES],
}

impl<S: Simd, T: Real> State<S, T> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        let zero = Lanes::splat(simd, T::ZERO);
        Self { z: zero, value: zero, kept: [zero; AUXILIARIES] }
    }

    #[inline(always)]
    fn constant(&self, value: f64) -> Lanes<S, T> {
        Lanes::constant(self.z.simd(), value)
    }
}

/// An activation: its value, and its derivatives from the value and what was kept with it.
trait Sigma<T: Real> {
    /// How many auxiliary values it keeps.
    const KEEPS: usize;
    /// Whether derivatives need z itself.
    const NEEDS_Z: bool;
    /// Fills `value` and `kept` from `z`.
    fn value<S: Simd>(&self, state: &mut State<S, T>);
    /// Calls `put(k, σ^(k))` for k = 1 … order.
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        put: impl FnMut(usize, Lanes<S, T>),
    );
}

/// σ^(k) as polynomials in a = tanh z: σ′ = 1 − a², and each further one by d/dz = (1 − a²) d/da.
struct Tanh;

impl<T: Real> Sigma<T> for Tanh {
    const KEEPS: usize = 0;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        state.value = elementary::tanh(state.z);
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        let sigma = tanh_derivatives(state.value, order);
        for k in 1..=order.min(DERIVATIVES) {
            put(k, sigma[k]);
        }
    }
}

/// [`Tanh`]'s derivatives from a = tanh z, indexed by their order up to `order`; the rest is zero.
#[inline(always)]
pub fn tanh_derivatives<S: Simd, T: Real>(
    a: Lanes<S, T>,
    order: usize,
) -> [Lanes<S, T>; DERIVATIVES + 1] {
    let c = |x| Lanes::constant(a.simd(), x);
    let mut sigma = [c(0.0); DERIVATIVES + 1];
    let square = a * a;
    sigma[1] = c(1.0) - square;
    if order >= 2 {
        sigma[2] = c(-2.0) * a * sigma[1];
    }
    if order >= 3 {
        sigma[3] = sigma[1] * square.mul_add(c(6.0), c(-2.0));
    }
    if order >= 4 {
        sigma[4] = sigma[1] * a * square.mul_add(c(-24.0), c(16.0));
    }
    if order >= 5 {
        sigma[5] = sigma[1] * square.mul_add(square.mul_add(c(120.0), c(-120.0)), c(16.0));
    }
    sigma
}

struct Sine<T>(T);

impl<T: Real> Sigma<T> for Sine<T> {
    const KEEPS: usize = 1;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        let argument = state.z * Lanes::splat(state.z.simd(), self.0);
        (state.value, state.kept[0]) = elementary::sin_cos(argument);
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        let frequency = Lanes::splat(state.z.simd(), self.0);
        // d/dz (s, c) = ω (c, −s): the pair turns by a quarter with every derivative.
        let (mut value, mut turned) = (state.value, state.kept[0]);
        for k in 1..=order {
            (value, turned) = (frequency * turned, -(frequency * value));
            put(k, value);
        }
    }
}

struct Cosine<T>(T);

impl<T: Real> Sigma<T> for Cosine<T> {
    const KEEPS: usize = 1;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        let argument = state.z * Lanes::splat(state.z.simd(), self.0);
        let (sine, cosine) = elementary::sin_cos(argument);
        // Kept so that the pair turns as the sine's does: (c, −s).
        (state.value, state.kept[0]) = (cosine, -sine);
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        put: impl FnMut(usize, Lanes<S, T>),
    ) {
        Sine(self.0).derivatives(state, order, put);
    }
}

/// Derivatives of the sigmoid from p = σ(z) and q = 1 − p = σ(−z), with w = p q:
/// σ′ = w, σ″ = w (q − p), σ‴ = w (1 − 6w), σ⁗ = w (q − p)(1 − 12w), σ⁽⁵⁾ = w (1 − 30w + 120w²).
#[inline(always)]
fn sigmoid_derivative<S: Simd, T: Real>(
    state: &State<S, T>,
    p: Lanes<S, T>,
    q: Lanes<S, T>,
    k: usize,
) -> Lanes<S, T> {
    let (w, c) = (p * q, |x| state.constant(x));
    match k {
        0 => p,
        1 => w,
        2 => w * (q - p),
        3 => w * w.mul_add(c(-6.0), c(1.0)),
        4 => w * (q - p) * w.mul_add(c(-12.0), c(1.0)),
        _ => w * w.mul_add(w.mul_add(c(120.0), c(-30.0)), c(1.0)),
    }
}

struct Sigmoid;

impl<T: Real> Sigma<T> for Sigmoid {
    const KEEPS: usize = 1;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        (state.value, state.kept[0]) = elementary::sigmoid_pair(state.z);
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        for k in 1..=order {
            put(k, sigmoid_derivative(state, state.value, state.kept[0], k));
        }
    }
}

struct Softplus<T>(T);

impl<T: Real> Sigma<T> for Softplus<T> {
    const KEEPS: usize = 2;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        let beta = Lanes::splat(state.z.simd(), self.0);
        let argument = state.z * beta;
        let (value, sigmoid, complement) = elementary::softplus_and_sigmoid_pair(argument);
        state.value = value / beta;
        state.kept = [sigmoid, complement];
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        let beta = Lanes::splat(state.z.simd(), self.0);
        let mut power = state.constant(1.0);
        for k in 1..=order {
            put(k, power * sigmoid_derivative(state, state.kept[0], state.kept[1], k - 1));
            power = power * beta;
        }
    }
}

struct Silu;

impl<T: Real> Sigma<T> for Silu {
    const KEEPS: usize = 2;
    const NEEDS_Z: bool = true;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        (state.kept[0], state.kept[1]) = elementary::sigmoid_pair(state.z);
        state.value = state.z * state.kept[0];
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        // Leibniz: (z σ)^(k) = z σ^(k) + k σ^(k−1).
        let mut previous = state.kept[0];
        let mut factor = state.constant(1.0);
        for k in 1..=order {
            let next = sigmoid_derivative(state, state.kept[0], state.kept[1], k);
            put(k, state.z.mul_add(next, factor * previous));
            factor = factor + state.constant(1.0);
            previous = next;
        }
    }
}

/// (zΦ)′ = Φ + zφ, and from φ′ = −zφ: (zΦ)″ = (2 − z²)φ, then polynomials p φ with p ↦ p′ − z p.
struct Gelu;

impl<T: Real> Sigma<T> for Gelu {
    const KEEPS: usize = 2;
    const NEEDS_Z: bool = true;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        (state.kept[0], state.kept[1]) = elementary::normal(state.z);
        state.value = state.z * state.kept[0];
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        let (z, [distribution, density], c) = (state.z, state.kept, |x| state.constant(x));
        let square = z * z;
        if order >= 1 {
            put(1, z.mul_add(density, distribution));
        }
        if order >= 2 {
            put(2, density * (c(2.0) - square));
        }
        if order >= 3 {
            put(3, density * z * (square - c(4.0)));
        }
        if order >= 4 {
            put(4, density * (square.mul_add(c(7.0) - square, c(-4.0))));
        }
        if order >= 5 {
            put(5, density * z * (square.mul_add(square - c(11.0), c(18.0))));
        }
    }
}

struct Identity;

impl<T: Real> Sigma<T> for Identity {
    const KEEPS: usize = 0;
    const NEEDS_Z: bool = false;

    #[inline(always)]
    fn value<S: Simd>(&self, state: &mut State<S, T>) {
        state.value = state.z;
    }

    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        state: &State<S, T>,
        order: usize,
        mut put: impl FnMut(usize, Lanes<S, T>),
    ) {
        for k in 1..=order {
            put(k, state.constant(if k == 1 { 1.0 } else { 0.0 }));
        }
    }
}
