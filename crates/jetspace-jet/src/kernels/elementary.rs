use super::lanes::Lanes;
use crate::Real;
use pulp::Simd;
#[inline(always)]
fn map<S: Simd, T: Real>(mut x: Lanes<S, T>, f: impl Fn(f64) -> f64) -> Lanes<S, T> {
    for v in x.as_mut_slice() {
        *v = T::from_f64(f(v.to_f64()));
    }
    x
}
#[inline(always)]
pub fn exp<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    map(x, libm::exp)
}
#[inline(always)]
pub fn softplus<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    map(x, |x| x.max(0.0) + libm::log1p(libm::exp(-x.abs())))
}
#[inline(always)]
pub fn sin_cos<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    (map(x, libm::sin), map(x, libm::cos))
}
#[inline(always)]
pub fn normal<S: Simd, T: Real>(x: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    (
        map(x, |x| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)),
        map(x, |x| libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt()),
    )
}
/// The value for `f32` or for `f64`, chosen when the code is compiled.
#[inline(always)]
const fn per_type<T: Real, V: Copy>(single: V, double: V) -> V {
    if size_of::<T>() == size_of::<f32>() { single } else { double }
}

/// c₀ + c₁x + c₂x² + …, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, T: Real>(x: Lanes<S, T>, coefficients: &[f64]) -> Lanes<S, T> {
    let mut sum = Lanes::splat(x.simd(), T::ZERO);
    for (i, &c) in coefficients.iter().rev().enumerate() {
        let c = Lanes::constant(x.simd(), c);
        sum = if i == 0 { c } else { sum.mul_add(x, c) };
    }
    sum
}
#[inline(always)]
fn tanh_reduced<S: Simd, T: Real>(y: Lanes<S, T>) -> (Lanes<S, T>, Lanes<S, T>) {
    let z = y * y;
    let numerator = polynomial(
        z,
        per_type::<T, &[f64]>(
            &[0.06659379563793148],
            &[0.11110005804392384, 0.0010574646705793066],
        ),
    );
    let denominator = polynomial(
        z,
        per_type::<T, &[f64]>(
            &[1.0, 0.3999269431146665],
            &[1.0, 0.444433391377254, 0.015868595131035352],
        ),
    );
    ((y * z).mul_add(numerator, y), denominator)
}

#[inline(always)]
pub fn tanh<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    use std::f64::consts::{LN_2, LOG2_E};
    let c = |value| Lanes::constant(x.simd(), value);
    let a = x.abs().at_most(c(per_type::<T, _>(10.0, 20.0)));
    let n = (a * c(2.0 * LOG2_E)).round();
    let (p, q) = tanh_reduced(n.mul_add(c(-0.5 * LN_2), a));
    let s = n.exp2_integral();
    let (minus, plus) = (s - c(1.0), s + c(1.0));
    (minus.mul_add(q, plus * p) / minus.mul_add(p, plus * q)).copy_sign(x)
}
