//! The exponential function and the functions made of it: eˣ − 1, tanh, sigmoid, softplus.
//!
//! All start with x = n·ln 2 + r, |r| ≤ ½ ln 2 (Cody and Waite, *Software Manual for the Elementary
//! Functions*, 1980).

use std::f64::consts::{LN_2, LOG2_E};

use pulp::Simd;

use super::{per_type, polynomial};
use crate::Real;
use crate::kernels::lanes::Lanes;

/// ln 2 as a sum; n times the first term is exact for every exponent n of the type.
pub(super) const LN_2_SINGLE: [f64; 2] = [0.693_145_751_953_125, 1.428_606_765_330_187e-6];
pub(super) const LN_2_DOUBLE: [f64; 2] = [0.693_147_180_559_890_3, 5.497_923_018_708_371e-14];

/// (eʳ − 1 − r)/r² for |r| ≤ ½ ln 2; minimax for the relative error of eʳ − 1 (2⁻²⁶ and 2⁻⁵⁵) with
/// the first coefficient fixed.
const EXP_SINGLE: [f64; 5] = [
    0.5,
    0.166_665_473_520_683_62,
    0.041_666_856_443_605_516,
    0.008_366_229_258_944_336,
    0.001_389_827_348_583_037_6,
];
const EXP_DOUBLE: [f64; 10] = [
    0.5,
    0.166_666_666_666_666,
    0.041_666_666_666_618_91,
    0.008_333_333_333_389_672,
    0.001_388_888_892_105_278_3,
    0.000_198_412_697_070_441_08,
    2.480_151_553_594_745_7e-5,
    2.755_742_629_164_375_7e-6,
    2.762_259_781_570_03e-7,
    2.504_587_156_898_841e-8,
];

/// eʳ = (Q + r·P)/(Q − r·P) with polynomials P, Q in r², |r| ≤ ½ ln 2: from the fraction for
/// tanh(r/2) that meets it in Chebyshev points; relative error of eʳ 2⁻³¹ and 2⁻⁵⁸. Scaled by
/// 215/256 so that the two terms lie in [1.41, 2), where rounding hurts least.
const FRACTION_P_SINGLE: [f64; 2] = [0.839_843_75, 0.013_982_306_931_753_197];
const FRACTION_Q_SINGLE: [f64; 2] = [1.679_687_5, 0.167_938_496_291_046_49];
const FRACTION_P_DOUBLE: [f64; 3] =
    [0.839_843_75, 0.023_326_704_407_473_895, 5.550_710_211_014_272e-5];
const FRACTION_Q_DOUBLE: [f64; 3] =
    [1.679_687_5, 0.186_627_367_148_279_88, 0.001_665_898_966_715_024_7];

/// tanh y = y + y³·P/Q with polynomials P, Q in y², |y| ≤ 0.55; minimax, relative error 2⁻²⁹ and
/// 2⁻⁶².
const TANH_P_SINGLE: [f64; 2] = [-0.333_333_213_538_611_06, -0.001_551_628_856_279_747_2];
const TANH_Q_SINGLE: [f64; 2] = [1.0, 0.404_647_375_683_594_6];
const TANH_P_DOUBLE: [f64; 3] =
    [-0.333_333_333_333_333_3, -0.020_500_114_979_333_312, -0.000_199_236_356_969_164_18];
const TANH_Q_DOUBLE: [f64; 4] =
    [1.0, 0.461_500_344_937_995_2, 0.023_293_085_141_445_46, 0.000_206_596_197_872_226_12];

/// (artanh w / w − 1)/w² in powers of w², 0 ≤ w ≤ ⅓; Chebyshev, relative error of artanh 2⁻³¹ and
/// 2⁻⁵⁷.
const ARTANH_SINGLE: [f64; 5] = [
    0.333_333_336_619_875,
    0.199_998_525_395_043_26,
    0.142_962_130_373_341_32,
    0.108_527_135_364_192_83,
    0.116_151_278_034_481_79,
];
const ARTANH_DOUBLE: [f64; 10] = [
    0.333_333_333_333_333_3,
    0.200_000_000_000_073_62,
    0.142_857_142_835_358_33,
    0.111_111_113_605_891_11,
    0.090_908_946_237_957_69,
    0.076_927_876_777_579_19,
    0.066_570_287_400_614_31,
    0.060_009_487_603_518_86,
    0.043_982_635_133_370_286,
    0.080_864_868_825_824_36,
];

/// (n, r) with x = n·ln 2 + r, n integral and |r| ≤ ½ ln 2.
#[inline(always)]
fn reduce<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let c = |value| Lanes::constant(x.simd(), value);
    let [high, low] = per_type::<T, _>(LN_2_SINGLE, LN_2_DOUBLE);
    let n = (x * c(LOG2_E)).round();
    (n, n.mul_add(c(-low), n.mul_add(c(-high), x)))
}

/// eʳ − 1 for |r| ≤ ½ ln 2.
#[inline(always)]
pub(super) fn exp_m1_reduced<S: Simd, T: Real>(r: Lanes<S, T>) -> Lanes<S, T> {
    let q = polynomial(r, per_type::<T, &[f64]>(&EXP_SINGLE, &EXP_DOUBLE));
    (r * r).mul_add(q, r)
}

/// 2ⁿ as a product of two normal numbers, for −2000 < n ≤ 0 (`f64`) or −200 < n ≤ 0 (`f32`); the
/// second is 1 unless 2ⁿ is near or below the smallest normal number.
#[inline(always)]
pub(super) fn split_scale<S: Simd, T: Real>(n: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let first = n.at_least(Lanes::constant(n.simd(), per_type::<T, _>(-100.0, -1000.0)));
    (first.exp2_integral(), (n - first).exp2_integral())
}

/// eˣ = 2ⁿ·eʳ. Largest error seen: 1.1 units in the last place.
#[inline(always)]
pub fn exp<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let c = |value| Lanes::constant(x.simd(), value);
    let [lowest, highest] = per_type::<T, _>([-104.0, 89.0], [-746.0, 710.0]);
    let (n, r) = reduce(x.at_least(c(lowest)).at_most(c(highest)));
    // In two steps, because the scale alone may overflow or underflow before the result does.
    let half = (n * c(0.5)).round();
    (exp_m1_reduced(r) + c(1.0)) * half.exp2_integral() * (n - half).exp2_integral()
}

/// eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1). Largest error seen: 1.7 (`f32`) and 2.2 (`f64`) units in the
/// last place.
#[inline(always)]
pub fn exp_m1<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let c = |value| Lanes::constant(x.simd(), value);
    let [lowest, highest] = per_type::<T, _>([-18.0, 89.0], [-40.0, 710.0]);
    let (n, r) = reduce(x.at_least(c(lowest)).at_most(c(highest)));
    // The largest results need 2¹⁰²⁴ (2¹²⁸), which is not a number, so the scale is a product.
    let first = n.at_most(c(f64::from(T::MAX_EXPONENT)));
    let scale = first.exp2_integral();
    let value = scale.mul_add(exp_m1_reduced(r), scale - c(1.0));
    (value * (n - first).exp2_integral()).copy_sign(x)
}

/// tanh x. Largest error seen: 1.8 units in the last place; never outside [−1, 1].
///
/// With |x| = n·ln 2 + y, and tanh y = p/q:
///
/// - n = 0, that is |x| < 0.55: tanh |x| = |x| + (p − q·y)/q, the second term at most a tenth;
/// - else: tanh |x| = 1 − 2/(e^{2|x|} + 1) with e^{2|x|} = 4ⁿ·(q + p)/(q − p).
///
/// Both are a base plus twice a quotient, and for n = 0 the denominators agree: one division,
/// and rounding errors in it count little.
#[inline(always)]
pub fn tanh<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let c = |value| Lanes::constant(x.simd(), value);
    let (half, one) = (c(0.5), c(1.0));
    // Beyond this limit the result rounds to 1.
    let a = x.abs().at_most(c(per_type::<T, _>(10.0, 20.0)));
    let n = a.mul_add(c(LOG2_E), c(0.5 - 0.55 * LOG2_E)).round();
    let y = n.mul_add(c(-LN_2), a);
    let z = y * y;
    let p_coefficients = per_type::<T, &[f64]>(&TANH_P_SINGLE, &TANH_P_DOUBLE);
    let q = polynomial(z, per_type::<T, &[f64]>(&TANH_Q_SINGLE, &TANH_Q_DOUBLE));
    let small = y * z * polynomial(z, p_coefficients);
    let p = y.mul_add(q, small);
    let minus_v = p - q;
    let numerator = n.if_less(half, small, minus_v);
    let denominator = (n + n).exp2_integral().mul_add(q + p, -minus_v);
    let base = n.if_less(half, a, one);
    (numerator / denominator).mul_add(c(2.0), base).copy_sign(x)
}

/// (u, v) with eʳ = u/v for |r| ≤ ½ ln 2.
#[inline(always)]
fn exp_fraction<S: Simd, T: Real>(r: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let z = r * r;
    let p = polynomial(z, per_type::<T, &[f64]>(&FRACTION_P_SINGLE, &FRACTION_P_DOUBLE));
    let q = polynomial(z, per_type::<T, &[f64]>(&FRACTION_Q_SINGLE, &FRACTION_Q_DOUBLE));
    (r.mul_add(p, q), (-r).mul_add(p, q))
}

/// 1/(1 + e⁻ˣ) = 2ⁿu/(2ⁿu + v) with eʳ = u/v. Largest error seen: 2.5 units in the last place.
#[inline(always)]
pub fn sigmoid<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let c = |value| Lanes::constant(x.simd(), value);
    let [lowest, highest] = per_type::<T, _>([-104.0, 18.0], [-746.0, 40.0]);
    let (n, r) = reduce(x.at_least(c(lowest)).at_most(c(highest)));
    let (u, v) = exp_fraction(r);
    let (scale, rest) = split_scale(n);
    let u = u * scale;
    u / (u + v) * rest
}

/// (1/(1 + e⁻ˣ), 1/(1 + eˣ)): the sigmoid of x and of −x, each to the accuracy of [`sigmoid`].
#[inline(always)]
pub fn sigmoid_pair<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    Decay::new(x).sigmoid_pair(x)
}

/// ln(1 + eˣ). Largest error seen: 3.0 units in the last place.
#[inline(always)]
pub fn softplus<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    softplus_and_sigmoid_pair(x).0
}

/// (softplus x, sigmoid x, sigmoid −x): [`softplus`], its derivative and one minus it, each to the
/// accuracy of the single functions.
///
/// ln(1 + eˣ) = max(x, 0) + ln(1 + t) with t = e^{−|x|} = u/v, and
/// ln(1 + t) = 2 artanh(t/(2 + t)) = 2 artanh(u/(u + 2v)).
#[inline(always)]
pub fn softplus_and_sigmoid_pair<S: Simd, T: Real>(
    x: Lanes<S, T>,
) -> (Lanes<S, T>, Lanes<S, T>, Lanes<S, T>) {
    let c = |value| Lanes::constant(x.simd(), value);
    let decay = Decay::new(x);
    let w = decay.u / decay.v.mul_add(c(2.0), decay.u);
    let z = w * w;
    let coefficients = per_type::<T, &[f64]>(&ARTANH_SINGLE, &ARTANH_DOUBLE);
    let artanh = (w * z).mul_add(polynomial(z, coefficients), w);
    let softplus = (artanh + artanh).mul_add(decay.rest, x.at_least(c(0.0)));
    let (sigmoid, complement) = decay.sigmoid_pair(x);
    (softplus, sigmoid, complement)
}

/// e^{−|x|} = u/v·rest with normal numbers u, v, and `rest` = 1 unless the value is tiny.
struct Decay<S: Simd, T: Real> {
    u: Lanes<S, T>,
    v: Lanes<S, T>,
    rest: Lanes<S, T>,
}

impl<S: Simd, T: Real> Decay<S, T> {
    #[inline(always)]
    fn new(x: Lanes<S, T>) -> Self {
        let c = |value| Lanes::constant(x.simd(), value);
        let (n, r) = reduce((-x.abs()).at_least(c(per_type::<T, _>(-104.0, -746.0))));
        let (u, v) = exp_fraction(r);
        let (scale, rest) = split_scale(n);
        Self { u: u * scale, v, rest }
    }

    /// With t = e^{−|x|}: 1/(1 + t) and t/(1 + t), in the order that x's sign asks for.
    #[inline(always)]
    fn sigmoid_pair(&self, x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
        let zero = Lanes::constant(x.simd(), 0.0);
        let sum = self.u + self.v;
        let (small, large) = (self.u / sum * self.rest, self.v / sum);
        (x.if_less(zero, small, large), x.if_less(zero, large, small))
    }
}
