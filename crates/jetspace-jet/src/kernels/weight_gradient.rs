//! G (+)= Σ D·Aᵀ, the gradient of a weight matrix: dot products along the lanes of the cotangents
//! D (one row per unit) and the activations A (one row per input), summed over all columns.
//!
//! Register blocks of 4 × 4 (3 × 3 where there are 16 registers), whose 16 sums are reduced together. Two pairs of panels can be summed
//! into the same gradient: forward components and adjoint channels.

use pulp::{Arch, Simd, WithSimd};

use super::group_lanes;
use super::lanes::{Lanes, MANY, lane_count};
use super::matmul::next_block;
use super::panel::Panel;
use crate::Real;

/// A pair of panels with equal columns: cotangents and activations.
pub type Pair<'a, T> = (Panel<'a, T>, Panel<'a, T>);

/// G = Σ_pairs D·Aᵀ, or G += … if `accumulate`; G is row-major, rows of D × rows of A.
pub fn weight_gradient<T: Real>(
    arch: Arch,
    first: Pair<'_, T>,
    second: Option<Pair<'_, T>>,
    gradient: &mut [T],
    accumulate: bool,
) {
    let (rows, columns) = (first.0.extent.rows, first.1.extent.rows);
    assert_eq!(gradient.len(), rows * columns, "the gradient has the weights' shape");
    for (d, a) in std::iter::once(first).chain(second) {
        assert_eq!((d.extent.rows, a.extent.rows), (rows, columns), "both pairs have one shape");
        assert_eq!(d.columns(), a.columns(), "a pair has equal columns");
        assert_eq!(d.data.len(), d.extent.length::<T>(), "D's memory is its extent");
        assert_eq!(a.data.len(), a.extent.length::<T>(), "A's memory is its extent");
    }
    arch.dispatch(WeightGradient { first, second, gradient, rows, columns, accumulate });
}

struct WeightGradient<'a, T> {
    first: Pair<'a, T>,
    second: Option<Pair<'a, T>>,
    gradient: &'a mut [T],
    rows: usize,
    columns: usize,
    accumulate: bool,
}

impl<T: Real> WithSimd for WeightGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let most = if S::REGISTER_COUNT >= 32 { 4 } else { 3 };
        let mut row = 0;
        while row < self.rows {
            let height = next_block(self.rows - row, most);
            let mut column = 0;
            while column < self.columns {
                let width = next_block(self.columns - column, most);
                self.block(simd, row, height, column, width);
                column += width;
            }
            row += height;
        }
    }
}

impl<T: Real> WeightGradient<'_, T> {
    #[inline(always)]
    fn block<S: Simd>(&mut self, simd: S, row: usize, height: usize, column: usize, width: usize) {
        macro_rules! pick {
            ($($m:literal: $($n:literal)+;)+) => {
                match (height, width) {
                    $($(($m, $n) => self.micro::<S, $m, $n>(simd, row, column),)+)+
                    _ => {}
                }
            };
        }
        pick! { 1: 1 2 3 4; 2: 1 2 3 4; 3: 1 2 3 4; 4: 1 2 3 4; }
    }

    #[inline(always)]
    fn micro<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let mut sums = [[Lanes::<S, T>::splat(simd, T::ZERO); N]; M];
        dot(simd, &self.first, row, column, &mut sums);
        if let Some(second) = &self.second {
            dot(simd, second, row, column, &mut sums);
        }
        let mut flat = [Lanes::<S, T>::splat(simd, T::ZERO); MANY];
        for i in 0..M {
            for j in 0..N {
                flat[4 * i + j] = sums[i][j];
            }
        }
        let sums = Lanes::sum_many(simd, flat);
        for i in 0..M {
            let target = &mut self.gradient[(row + i) * self.columns + column..][..N];
            for j in 0..N {
                let sum = sums[4 * i + j];
                target[j] = if self.accumulate { target[j] + sum } else { sum };
            }
        }
    }
}

/// Adds D[row + i]·A[column + j] to sums[i][j], lane by lane.
#[inline(always)]
fn dot<S: Simd, T: Real, const M: usize, const N: usize>(
    simd: S,
    (d, a): &Pair<'_, T>,
    row: usize,
    column: usize,
    sums: &mut [[Lanes<S, T>; N]; M],
) {
    let lanes = lane_count::<S, T>();
    let (d_stride, a_stride) = (d.extent.stride::<T>(), a.extent.stride::<T>());
    debug_assert!(row + M <= d.extent.rows && column + N <= a.extent.rows);
    let d_data = d.data.as_ptr().wrapping_add(row * d_stride);
    let a_data = a.data.as_ptr().wrapping_add(column * a_stride);
    for at in (0..d.columns()).step_by(lanes) {
        // SAFETY: the panels own rows × stride numbers (checked in `weight_gradient`);
        // row + M and column + N do not exceed their rows, and at + lanes ≤ columns ≤ stride,
        // because a row's columns are whole cache lines and so whole registers.
        unsafe {
            let mut x = [Lanes::splat(simd, T::ZERO); N];
            for j in 0..N {
                x[j] = Lanes::load(simd, a_data.add(j * a_stride + at));
            }
            for i in 0..M {
                let y = Lanes::load(simd, d_data.add(i * d_stride + at));
                for j in 0..N {
                    sums[i][j] = y.mul_add(x[j], sums[i][j]);
                }
            }
        }
    }
}

/// G = Σ over points of component 0 of D, or G += … if `accumulate`: the gradient of the biases.
pub fn bias_gradient<T: Real>(arch: Arch, d: Panel<'_, T>, gradient: &mut [T], accumulate: bool) {
    assert_eq!(gradient.len(), d.extent.rows, "one bias per unit");
    assert_eq!(d.data.len(), d.extent.length::<T>(), "D's memory is its extent");
    arch.dispatch(BiasGradient { d, gradient, accumulate });
}

struct BiasGradient<'a, T> {
    d: Panel<'a, T>,
    gradient: &'a mut [T],
    accumulate: bool,
}

impl<T: Real> WithSimd for BiasGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let line = group_lanes::<T>();
        let group = self.d.extent.components * line;
        for (r, target) in self.gradient.iter_mut().enumerate() {
            let mut sum = Lanes::<S, T>::splat(simd, T::ZERO);
            for lines in self.d.row(r).chunks_exact(group) {
                for lane in (0..line).step_by(lane_count::<S, T>()) {
                    // SAFETY: lane + one register ≤ line ≤ the group's length.
                    sum = sum + unsafe { Lanes::load(simd, lines.as_ptr().add(lane)) };
                }
            }
            *target = if self.accumulate { *target + sum.sum() } else { sum.sum() };
        }
    }
}
