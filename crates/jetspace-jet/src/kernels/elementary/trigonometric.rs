//! Sine and cosine.

use std::f64::consts::FRAC_2_PI;

use pulp::Simd;

use super::{per_type, polynomial};
use crate::Real;
use crate::kernels::lanes::Lanes;

/// π/2 as a sum of three. The first two are short enough that n times them is exact for |n| ≤ 2⁹
/// (single) and |n| ≤ 2¹⁶ (double), without fused multiplication. What the sum misses, n·2⁻⁵⁹ and
/// n·2⁻¹³⁰, hardly exceeds the last place of any such number's distance from a multiple of π/2.
const HALF_PI_SINGLE: [f64; 3] =
    [1.570_800_781_25, -4.454_515_874_385_834e-6, 6.077_100_628_276_71e-11];
const HALF_PI_DOUBLE: [f64; 3] =
    [1.570_796_326_792_333_3, 2.563_344_151_583_955_8e-12, 1.056_299_906_698_742_8e-23];

/// Largest |x| for that n; larger ones are left to `libm`.
const LIMIT_SINGLE: f64 = 800.0;
const LIMIT_DOUBLE: f64 = 100_000.0;

/// (sin r / r − 1)/z in powers of z = r², |r| ≤ π/4; relative error of the sine 2⁻²⁶ and 2⁻⁵⁵.
const SIN_SINGLE: [f64; 3] =
    [-0.166_666_645_393_658_47, 0.008_332_724_613_783_694, -0.000_195_828_306_788_358];
const SIN_DOUBLE: [f64; 6] = [
    -0.166_666_666_666_666_66,
    0.008_333_333_333_330_7,
    -0.000_198_412_698_363_854_35,
    2.755_731_591_093_9e-6,
    -2.505_109_230_843_131_8e-8,
    1.591_530_918_305_795_2e-10,
];

/// (cos r − 1 + z/2)/z² in powers of z = r², |r| ≤ π/4; relative error of the cosine 2⁻²⁹ and 2⁻⁶⁰.
const COS_SINGLE: [f64; 3] =
    [0.041_666_664_536_321_13, -0.001_388_827_933_055_691_8, 2.454_287_111_087_026_3e-5];
const COS_DOUBLE: [f64; 6] = [
    0.041_666_666_666_666_664,
    -0.001_388_888_888_888_724_1,
    2.480_158_729_853_226e-5,
    -2.755_731_715_185_886_6e-7,
    2.087_612_153_460_845_4e-9,
    -1.138_086_817_144_991_4e-11,
];

/// (sin x, cos x). Largest error seen: 2.0 units in the last place, also next to the zeros.
///
/// x = n·π/2 + r in the manner of Cody and Waite, *Software Manual for the Elementary Functions*
/// (1980), for |x| ≤ 800 (`f32`) or 10⁵ (`f64`). Lanes beyond are recomputed one by one with
/// `libm`, which takes as many digits of π as it needs.
#[inline(always)]
pub fn sin_cos<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let c = |value| Lanes::constant(x.simd(), value);
    let (half, one) = (c(0.5), c(1.0));

    let [first, second, third] = per_type::<T, _>(HALF_PI_SINGLE, HALF_PI_DOUBLE);
    let n = (x * c(FRAC_2_PI)).round();
    let long = n.mul_add(c(-first), x);
    let step = n * c(second);
    let short = long - step;
    let lost = (long - short) - step;
    let r = short + n.mul_add(c(-third), lost);

    let z = r * r;
    let sin_coefficients = per_type::<T, &[f64]>(&SIN_SINGLE, &SIN_DOUBLE);
    let cos_coefficients = per_type::<T, &[f64]>(&COS_SINGLE, &COS_DOUBLE);
    let sin_r = r * z.mul_add(polynomial(z, sin_coefficients), one);
    let cos_r = z.mul_add(z.mul_add(polynomial(z, cos_coefficients), -half), one);

    // n ≡ q (mod 4) with −2 ≤ q ≤ 2. Even q: ±(sin r, cos r), odd q: ±(cos r, −sin r).
    let q = (n * c(0.25)).round().mul_add(c(-4.0), n);
    let factor = one - q.abs();
    let is_even = factor.abs();
    let mut sin = is_even.if_less(half, q * cos_r, factor * sin_r);
    let mut cos = is_even.if_less(half, -q * sin_r, factor * cos_r);
    // The reduction loses the sign of zero.
    sin = x.abs().if_less(c(per_type::<T, _>(1e-4, 1e-8)), x, sin);

    let mut x = x;
    let x = x.as_mut_slice();
    if x.iter().fold(false, |any, &x| any | is_large(x)) {
        recompute_large(x, sin.as_mut_slice(), cos.as_mut_slice());
    }
    (sin, cos)
}

/// Whether x is too large for the reduction, infinite or NaN.
#[inline(always)]
fn is_large<T: Real>(x: T) -> bool {
    let limit = T::from_f64(per_type::<T, _>(LIMIT_SINGLE, LIMIT_DOUBLE));
    !(-limit <= x && x <= limit)
}

/// Replaces the results in the lanes that [`is_large`].
#[cold]
#[inline(never)]
fn recompute_large<T: Real>(x: &[T], sin: &mut [T], cos: &mut [T]) {
    for ((&x, sin), cos) in x.iter().zip(sin).zip(cos) {
        if is_large(x) {
            let (s, c) = libm::sincos(x.to_f64());
            *sin = T::from_f64(s);
            *cos = T::from_f64(c);
        }
    }
}
