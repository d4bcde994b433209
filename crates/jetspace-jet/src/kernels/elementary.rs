//! Elementary functions of whole registers: exponential, tanh, sigmoid, softplus, sine and cosine,
//! the normal distribution.
//!
//! Each function is one branch-free algorithm for `f32` and `f64` and for every instruction set;
//! only the tables of coefficients differ. All of them keep these rules:
//!
//! - Errors are stated in units in the last place: the largest of all `f32` arguments, and of 2²³
//!   random `f64` arguments against references in 113 bits. They hold also where `mul_add` rounds
//!   twice: no step relies on an exact product inside it.
//! - Not-a-number gives not-a-number, infinities give the limits, and results underflow gradually.
//! - Odd functions keep the sign of zero.
//!
//! The tables were made in 60-digit arithmetic: by interpolation in the Chebyshev points of the
//! stated interval or, where they say minimax, by Remez' exchange started there. That is Newton's
//! method for the coefficients and the level E in w(xᵢ)·(p(xᵢ)/q(xᵢ) − f(xᵢ)) = (−1)ⁱE, with the
//! weight w that makes the error relative to the function's value, and with the xᵢ moved to the
//! extrema of the error until these agree within a hundredth.

#![allow(clippy::excessive_precision, clippy::inline_always, clippy::many_single_char_names)]

mod exponential;
mod normal;
mod trigonometric;

#[cfg(test)]
mod tests;

use pulp::Simd;

pub use exponential::{
    exp, exp_m1, sigmoid, sigmoid_pair, softplus, softplus_and_sigmoid_pair, tanh,
};
pub use normal::normal;
pub use trigonometric::sin_cos;

use super::lanes::Lanes;
use crate::Real;

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
