//! The standard normal distribution.

use std::f64::consts::LOG2_E;

use pulp::Simd;

use super::exponential::{LN_2_DOUBLE, LN_2_SINGLE, exp_m1_reduced, split_scale};
use super::{per_type, polynomial};
use crate::Real;
use crate::kernels::lanes::Lanes;

/// 1/√(2π) as a sum, the first term being a number of the type.
const DENSITY_AT_ZERO_SINGLE: [f64; 2] = [0.398_942_291_736_602_8, -1.133_517_010_526_318e-8];
const DENSITY_AT_ZERO_DOUBLE: [f64; 2] = [0.398_942_280_401_432_7, -2.492_327_202_277_73e-17];

/// φ(a)/Φ(−a) − a = P(a)/Q(a) for 0 ≤ a ≤ 14.6 (single) or 38.7 (double): minimax for the relative
/// error of a + P/Q (2⁻³⁰ and 2⁻⁵⁷), started in the Chebyshev points of (a − 3)/(a + 3). All
/// coefficients are positive: nothing cancels. Scaled to Q(0) = 15/8, where rounding hurts least,
/// and P(0) rounded such that Φ(0) = ½.
const TAIL_P_SINGLE: [f64; 5] = [
    1.496_033_549_308_776_9,
    0.943_872_808_509_475_2,
    0.311_987_436_324_282_66,
    0.056_087_421_266_102_104,
    0.004_695_222_397_176_883,
];
const TAIL_Q_SINGLE: [f64; 6] = [
    1.875,
    2.036_899_697_952_773_4,
    1.062_519_169_008_647_5,
    0.320_874_874_534_457_1,
    0.056_110_315_231_006_08,
    0.004_694_768_237_946_237,
];
const TAIL_P_DOUBLE: [f64; 10] = [
    1.496_033_551_505_372_6,
    1.852_802_655_804_059_8,
    1.173_407_948_159_039_4,
    0.482_427_035_458_826_65,
    0.139_840_814_684_992_35,
    0.029_418_368_276_672_827,
    0.004_479_353_748_642_848,
    0.000_476_604_031_910_496_26,
    3.233_145_241_956_832e-5,
    1.078_138_638_130_879_2e-6,
];
const TAIL_Q_DOUBLE: [f64; 11] = [
    1.875,
    3.176_074_218_136_121_5,
    2.660_964_833_215_371_3,
    1.427_551_336_154_948,
    0.538_450_731_938_424_4,
    0.148_605_466_983_525_75,
    0.030_365_110_095_659_453,
    0.004_544_016_580_064_675,
    0.000_478_760_310_606_154_46,
    3.233_145_240_300_753e-5,
    1.078_138_638_218_113e-6,
];

/// (Φ(x), φ(x)), the standard normal distribution function and its density φ = e^{−x²/2}/√(2π).
/// Largest errors seen: 4.3 units in the last place for Φ (3.9 where `mul_add` rounds once), 1.3 for
/// φ.
///
/// With a = |x|, Φ(−a) = φ(a)/(a + P(a)/Q(a)), and Φ(a) = 1 − Φ(−a). The larger a, the less the
/// errors of P and Q count, as the fraction is about 1/a. As in Cody, *Rational Chebyshev
/// approximations for the error function* (1969), a² is split into the exact square of a's leading
/// digits and a small rest: rounding it would cost a²/2 units in the last place.
#[inline(always)]
pub fn normal<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let c = |value| Lanes::constant(x.simd(), value);
    let (zero, half, one) = (c(0.0), c(0.5), c(1.0));
    // Beyond this limit the results are 0 and 1.
    let a = x.abs().at_most(c(per_type::<T, _>(14.6, 38.7)));

    // −a²/2 = high + low, high exact: adding this number leaves 8 or 20 fractional bits of a.
    let shift = c(per_type::<T, _>(49_152.0, 6_442_450_944.0));
    let leading = (a + shift) - shift;
    let high = leading * leading * -half;
    let low = (leading - a) * (leading + a) * half;

    // high + low = n·ln 2 + r.
    let [ln_2_high, ln_2_low] = per_type::<T, _>(LN_2_SINGLE, LN_2_DOUBLE);
    let n = ((high + low) * c(LOG2_E)).round();
    let r = n.mul_add(c(-ln_2_high), high) + n.mul_add(c(-ln_2_low), low);
    let (scale, rest) = split_scale(n);
    let [top, top_rest] = per_type::<T, _>(DENSITY_AT_ZERO_SINGLE, DENSITY_AT_ZERO_DOUBLE);
    let density = (exp_m1_reduced(r).mul_add(c(top), c(top_rest)) + c(top)) * scale;

    let p = polynomial(a, per_type::<T, &[f64]>(&TAIL_P_SINGLE, &TAIL_P_DOUBLE));
    let q = polynomial(a, per_type::<T, &[f64]>(&TAIL_Q_SINGLE, &TAIL_Q_DOUBLE));
    let tail = density * q / a.mul_add(q, p) * rest;
    (x.if_less(zero, tail, one - tail), density * rest)
}
