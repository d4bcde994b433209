//! Every function, in both types and every instruction set of this machine, against `libm`.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI};

use pulp::{Simd, WithSimd};

use crate::Real;
use crate::kernels::elementary;
use crate::kernels::lanes::{Lanes, lane_count};

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    ExpM1,
    Tanh,
    Sigmoid,
    SigmoidOfPair,
    Complement,
    Softplus,
    Sin,
    Cos,
    Distribution,
    Density,
}

use Function::{
    Complement, Cos, Density, Distribution, Exp, ExpM1, Sigmoid, SigmoidOfPair, Sin, Softplus, Tanh,
};

const ALL: [Function; 11] = [
    Exp,
    ExpM1,
    Tanh,
    Sigmoid,
    SigmoidOfPair,
    Complement,
    Softplus,
    Sin,
    Cos,
    Distribution,
    Density,
];

impl Function {
    #[inline(always)]
    fn evaluate<S: Simd, T: Real>(self, x: Lanes<S, T>) -> Lanes<S, T> {
        match self {
            Exp => elementary::exp(x),
            ExpM1 => elementary::exp_m1(x),
            Tanh => elementary::tanh(x),
            Sigmoid => elementary::sigmoid(x),
            SigmoidOfPair => elementary::sigmoid_pair(x).0,
            Complement => elementary::softplus_and_sigmoid_pair(x).2,
            Softplus => elementary::softplus(x),
            Sin => elementary::sin_cos(x).0,
            Cos => elementary::sin_cos(x).1,
            Distribution => elementary::normal(x).0,
            Density => elementary::normal(x).1,
        }
    }

    /// The value, with a relative error of a few 2⁻⁵³ at most.
    fn reference(self, x: f64) -> f64 {
        match self {
            Exp => libm::exp(x),
            ExpM1 => libm::expm1(x),
            Tanh => libm::tanh(x),
            Sigmoid | SigmoidOfPair if x < 0.0 => libm::exp(x) / (1.0 + libm::exp(x)),
            Sigmoid | SigmoidOfPair => 1.0 / (1.0 + libm::exp(-x)),
            Complement => Sigmoid.reference(-x),
            Softplus => libm::log1p(libm::exp(-x.abs())) + if x < 0.0 { 0.0 } else { x },
            Sin => libm::sin(x),
            Cos => libm::cos(x),
            Distribution => {
                // erfc amplifies the rounding error of its argument; add it back, to first order.
                let y = -x * FRAC_1_SQRT_2;
                let missed = libm::fma(-x, FRAC_1_SQRT_2, -y) + x * 4.833_646_656_726_457e-17;
                let slope = -2.0 / PI.sqrt() * libm::exp(-y * y);
                let correction = if slope == 0.0 { 0.0 } else { slope * missed };
                0.5 * (libm::erfc(y) + correction)
            }
            Density => {
                // Likewise for the rounding error of the square.
                let square = x * x;
                let density = libm::exp(-0.5 * square) / (2.0 * PI).sqrt();
                if density == 0.0 {
                    return density;
                }
                density * (1.0 - 0.5 * libm::fma(x, x, -square))
            }
        }
    }

    /// The documented error bounds of `f32` and `f64`, in units in the last place. For `f64`, the
    /// reference's own error comes on top.
    fn bounds(self) -> (f64, f64) {
        let (single, double, reference) = match self {
            Exp => (1.1, 1.1, 1.0),
            ExpM1 => (1.7, 2.2, 1.0),
            Tanh => (1.8, 1.8, 1.5),
            Sigmoid | SigmoidOfPair | Complement => (2.5, 2.5, 2.0),
            Softplus => (3.0, 3.0, 2.0),
            Sin | Cos => (2.0, 2.0, 1.0),
            Distribution => (4.3, 4.3, 3.0),
            Density => (1.3, 1.3, 2.5),
        };
        (single, double + reference)
    }

    /// Where the function is neither constant nor zero nor infinite.
    fn interval(self) -> (f64, f64) {
        match self {
            Exp | ExpM1 => (-750.0, 712.0),
            Tanh => (-20.0, 20.0),
            Sigmoid | SigmoidOfPair | Complement | Softplus => (-750.0, 750.0),
            Sin | Cos => (-1000.0, 1000.0),
            Distribution | Density => (-40.0, 40.0),
        }
    }
}

/// y[i] = f(x[i]).
struct Map<'a, T> {
    function: Function,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Real> WithSimd for Map<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = lane_count::<S, T>();
        for (x, y) in self.x.chunks(lanes).zip(self.y.chunks_mut(lanes)) {
            let mut register = Lanes::<S, T>::splat(simd, T::ONE);
            register.as_mut_slice()[..x.len()].copy_from_slice(x);
            let mut value = self.function.evaluate(register);
            y.copy_from_slice(&value.as_mut_slice()[..x.len()]);
        }
    }
}

/// The values by every instruction set of this machine.
fn values<T: Real>(function: Function, x: &[T]) -> Vec<(&'static str, Vec<T>)> {
    fn run<S: Simd, T: Real>(simd: S, function: Function, x: &[T]) -> Vec<T> {
        let mut y = vec![T::ZERO; x.len()];
        simd.vectorize(Map { function, x, y: &mut y });
        y
    }
    let mut all = vec![("scalar", run(pulp::Scalar::new(), function, x))];
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V3::try_new() {
            all.push(("AVX2", run(simd, function, x)));
        }
        if let Some(simd) = pulp::x86::V4::try_new() {
            all.push(("AVX-512", run(simd, function, x)));
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = pulp::aarch64::Neon::try_new() {
        all.push(("NEON", run(simd, function, x)));
    }
    all
}

/// Distance from `exact` to the next number of the type away from zero.
fn unit_in_last_place<T: Real>(exact: f64) -> f64 {
    let digits = if T::NAME == "f32" { 24 } else { 53 };
    let smallest = 1 - T::MAX_EXPONENT;
    let (_, exponent) = libm::frexp(exact);
    libm::ldexp(1.0, exponent.max(smallest + 1) - digits)
}

fn assert_close<T: Real>(function: Function, x: &[T]) {
    let (single, double) = function.bounds();
    let bound = if T::NAME == "f32" { single } else { double };
    for (set, values) in values(function, x) {
        for (&x, &value) in x.iter().zip(&values) {
            let exact = function.reference(x.to_f64());
            let close = if exact.is_nan() {
                value.to_f64().is_nan()
            } else if T::from_f64(exact).is_finite() {
                (value.to_f64() - exact).abs() <= bound * unit_in_last_place::<T>(exact)
            } else {
                value == T::from_f64(exact)
            };
            assert!(close, "{function:?}({x:e}) = {value:e}, not {exact:e} ({set}, {})", T::NAME);
        }
    }
}

/// Numbers of every magnitude and sign, denormal, infinite and NaN.
fn of_every_magnitude<T: Real>() -> Vec<T> {
    let specials = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN];
    let mut all: Vec<T> = specials.into_iter().map(T::from_f64).collect();
    // Odd strides through the bit patterns, with changing trailing digits.
    for i in 0..1_u64 << 16 {
        let bits = (i << 48).wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17);
        let bytes = if T::NAME == "f32" { (bits >> 32) << 32 } else { bits }.to_ne_bytes();
        let single = u32::try_from(bits >> 32).expect("32 bits").to_ne_bytes();
        let bytes = if T::NAME == "f32" { &single[..] } else { &bytes[..] };
        all.push(bytemuck::pod_read_unaligned(bytes));
    }
    all
}

/// Numbers inside the function's interval, and as many near zero.
#[allow(clippy::cast_precision_loss)] // Small counts.
fn inside<T: Real>(function: Function) -> Vec<T> {
    const COUNT: usize = 1 << 15;
    let (low, high) = function.interval();
    let shrink = if T::NAME == "f32" { 7.0 } else { 1.0 };
    let uniform = |low: f64, high: f64| {
        // Multiples of the golden ratio, modulo 1, are evenly spread.
        (1..=COUNT).map(move |i| low + (high - low) * (i as f64 * 0.618_033_988_749_894_9).fract())
    };
    uniform(low / shrink, high / shrink).chain(uniform(-3.0, 3.0)).map(T::from_f64).collect()
}

#[test]
fn values_are_close_to_the_reference() {
    for function in ALL {
        assert_close(function, &of_every_magnitude::<f32>());
        assert_close(function, &of_every_magnitude::<f64>());
        assert_close(function, &inside::<f32>(function));
        assert_close(function, &inside::<f64>(function));
    }
}

#[test]
fn sine_and_cosine_are_close_at_their_zeros() {
    #[allow(clippy::cast_possible_truncation)] // The nearest f32 is the purpose.
    let single: Vec<f32> = (1..2000).map(|k| (f64::from(k) * FRAC_PI_2) as f32).collect();
    let double: Vec<f64> = (1..70_000).map(|k| f64::from(k) * FRAC_PI_2).collect();
    for function in [Sin, Cos] {
        assert_close(function, &single);
        assert_close(function, &double);
    }
}

#[test]
fn sine_and_cosine_of_large_numbers_are_those_of_libm_in_just_those_lanes() {
    let x = [1e22, 0.5, -1e300, f64::MAX, -0.25, 100_001.0, 3.0, 1e6];
    for (_, values) in values(Sin, &x) {
        for (i, &x) in x.iter().enumerate().filter(|(_, x)| x.abs() > 1e5) {
            assert_eq!(values[i].to_bits(), libm::sin(x).to_bits());
        }
    }
    assert_close(Cos, &x);
}

#[test]
fn odd_functions_keep_the_sign_of_zero_and_tiny_numbers() {
    for function in [ExpM1, Tanh, Sin] {
        let x = [0.0, -0.0, 5e-324, -5e-324, 2.3e-308, -1e-310, 1e-30, -1e-30];
        for (set, values) in values(function, &x) {
            assert_eq!(values.map_bits(), x.to_vec().map_bits(), "{function:?}, {set}");
        }
    }
}

#[test]
fn values_at_zero_are_exact() {
    let exact = [(Exp, 1.0), (Cos, 1.0), (Sigmoid, 0.5), (Complement, 0.5), (Distribution, 0.5)];
    for (function, exact) in exact {
        for (set, values) in values(function, &[0.0_f64, -0.0]) {
            assert_eq!(values, [exact, exact], "{function:?}, {set}");
        }
    }
}

#[test]
fn bounded_functions_keep_their_bounds() {
    for function in [Tanh, Sin, Cos, Sigmoid, Distribution] {
        for x in [of_every_magnitude::<f32>(), inside(function)] {
            for (set, values) in values(function, &x) {
                let outside = values.iter().find(|v| v.abs() > 1.0);
                assert_eq!(outside, None, "{function:?}, {set}");
            }
        }
    }
}

/// The bits of every number: equality that tells the signs of zero apart.
trait MapBits {
    fn map_bits(self) -> Vec<u64>;
}

impl MapBits for Vec<f64> {
    fn map_bits(self) -> Vec<u64> {
        self.into_iter().map(f64::to_bits).collect()
    }
}
