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
pub fn tanh<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    map(x, libm::tanh)
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
