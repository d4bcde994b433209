//! Elementary functions of whole slices, vectorised: what activations are made of, for whoever
//! evaluates formulas at many points.

use pulp::{Arch, Simd, WithSimd};

use crate::kernels::elementary as kernels;
use crate::kernels::lanes::{Lanes, lane_count};
use crate::{InstructionSet, Real};

/// An elementary function of one variable. Errors are the largest seen, in units in the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elementary {
    /// eˣ (1.1).
    Exp,
    /// eˣ − 1 (2.2).
    ExpM1,
    /// tanh x (1.8).
    Tanh,
    /// 1/(1 + e⁻ˣ) (2.5).
    Sigmoid,
    /// ln(1 + eˣ) (3.0).
    Softplus,
    /// sin x (2.0).
    Sin,
    /// cos x (2.0).
    Cos,
    /// Φ(x), the standard normal distribution function (4.3).
    NormalDistribution,
}

/// Replaces every value by the function of it.
///
/// ```
/// use jetspace_jet::{Elementary, InstructionSet, apply};
/// let mut values = [0.0_f64, 1.0, -800.0];
/// apply(InstructionSet::best(), Elementary::Exp, &mut values);
/// assert!((values[1] - std::f64::consts::E).abs() <= 2.0 * f64::EPSILON);
/// assert_eq!((values[0], values[2]), (1.0, 0.0));
/// ```
pub fn apply<T: Real>(set: InstructionSet, function: Elementary, values: &mut [T]) {
    T::apply_elementary(set.arch(), function, values);
}

/// [`apply`], generic; compiled for each type through `Kernels`.
pub fn apply_generic<T: Real>(arch: Arch, function: Elementary, values: &mut [T]) {
    arch.dispatch(Apply { function, values });
}

struct Apply<'a, T> {
    function: Elementary,
    values: &'a mut [T],
}

impl<T: Real> WithSimd for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let values = self.values;
        match self.function {
            Elementary::Exp => map(simd, values, kernels::exp),
            Elementary::ExpM1 => map(simd, values, kernels::exp_m1),
            Elementary::Tanh => map(simd, values, kernels::tanh),
            Elementary::Sigmoid => map(simd, values, kernels::sigmoid),
            Elementary::Softplus => map(simd, values, kernels::softplus),
            Elementary::Sin => map(simd, values, |x| kernels::sin_cos(x).0),
            Elementary::Cos => map(simd, values, |x| kernels::sin_cos(x).1),
            Elementary::NormalDistribution => map(simd, values, |x| kernels::normal(x).0),
        }
    }
}

#[inline(always)]
fn map<S: Simd, T: Real>(simd: S, values: &mut [T], function: impl Fn(Lanes<S, T>) -> Lanes<S, T>) {
    for chunk in values.chunks_mut(lane_count::<S, T>()) {
        let mut lanes = Lanes::splat(simd, T::ZERO);
        lanes.as_mut_slice()[..chunk.len()].copy_from_slice(chunk);
        let mut lanes = function(lanes);
        chunk.copy_from_slice(&lanes.as_mut_slice()[..chunk.len()]);
    }
}
