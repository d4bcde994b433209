//! C = A·B for a small matrix A (weights, or their transpose) and a panel B whose columns are
//! components of points: the lanes are the vector dimension, whatever the layer's width.
//!
//! Register blocks of up to 6 rows × 4 registers (4 × 3 where there are 16 registers): 24 fused
//! multiply-adds for 10 loads. Columns go outside, so that the block's part of B stays in the
//! first-level cache while all rows of A pass over it.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{Lanes, lane_count};
use super::panel::{Panel, PanelMut};
use crate::Real;

/// Rows of B taken at a time, so that 4 registers' width of it (20 KiB) fit the first-level cache.
const DEPTH: usize = 80;

/// A matrix that is read as `rows × columns` with any strides.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A row-major matrix.
    pub fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix holds rows × columns numbers");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// C = A·B. The panels' components and groups must agree, and their rows fit A.
pub fn matmul<T: Real>(arch: Arch, a: Matrix<'_, T>, b: Panel<'_, T>, c: &mut PanelMut<'_, T>) {
    assert_eq!((a.rows, a.columns), (c.extent.rows, b.extent.rows), "A must fit C and B");
    assert_eq!(b.columns(), c.extent.columns::<T>(), "B and C have the same columns");
    assert_eq!(b.data.len(), b.extent.length::<T>(), "B's memory is its extent");
    assert_eq!(c.data.len(), c.extent.length::<T>(), "C's memory is its extent");
    if a.rows > 0 {
        arch.dispatch(Matmul { a, b, c });
    }
}

struct Matmul<'a, 'b, T> {
    a: Matrix<'a, T>,
    b: Panel<'a, T>,
    c: &'a mut PanelMut<'b, T>,
}

impl<T: Real> WithSimd for Matmul<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (most_rows, most_registers) = if S::REGISTER_COUNT >= 32 { (6, 4) } else { (4, 3) };
        let registers = self.b.columns() / lane_count::<S, T>();
        let mut from = 0;
        while from < registers {
            let width = next_block(registers - from, most_registers);
            let mut row = 0;
            let mut depth = 0;
            // At least one pass, so that an empty product is written as zero.
            loop {
                let next = (depth + DEPTH).min(self.a.columns);
                while row < self.a.rows {
                    let height = next_block(self.a.rows - row, most_rows);
                    self.block(simd, row, height, from, width, depth, next);
                    row += height;
                }
                (row, depth) = (0, next);
                if depth == self.a.columns {
                    break;
                }
            }
            from += width;
        }
    }
}

/// Size of the next block when `left` are to be split evenly into blocks of at most `most`.
#[inline(always)]
pub fn next_block(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

impl<T: Real> Matmul<'_, '_, T> {
    /// Adds the product over the depth range to a block of C (or sets it, if the range starts at 0).
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        row: usize,
        height: usize,
        register: usize,
        width: usize,
        from: usize,
        to: usize,
    ) {
        let column = register * lane_count::<S, T>();
        let (b_stride, c_stride) = (self.b.extent.stride::<T>(), self.c.extent.stride::<T>());
        debug_assert!(row + height <= self.a.rows && to <= self.a.columns);
        debug_assert!(column + width * lane_count::<S, T>() <= self.b.columns());
        // SAFETY: `matmul` checked that A is a.rows × a.columns and that the panels own
        // rows × stride numbers; row + height ≤ a.rows, to ≤ a.columns = B's rows, and
        // column + width registers ≤ columns ≤ stride, so every address below stays inside. C is
        // borrowed mutably by `self`, so that nothing else writes or reads it meanwhile.
        unsafe {
            let (rs, cs) = (self.a.row_stride, self.a.column_stride);
            let a = self.a.data.as_ptr().wrapping_add(row * rs + from * cs);
            let b = self.b.data.as_ptr().wrapping_add(from * b_stride + column);
            let c = self.c.data.as_mut_ptr().wrapping_add(row * c_stride + column);
            let depth = to - from;
            let set = from == 0;
            macro_rules! pick {
                ($($m:literal: $($n:literal)+;)+) => {
                    match (height, width) {
                        $($(($m, $n) => micro::<S, T, $m, $n>(
                            simd, depth, a, rs, cs, b, b_stride, c, c_stride, set,
                        ),)+)+
                        _ => {}
                    }
                };
            }
            pick! { 1: 1 2 3 4; 2: 1 2 3 4; 3: 1 2 3 4; 4: 1 2 3 4; 5: 1 2 3 4; 6: 1 2 3 4; }
        }
    }
}

/// One register block: C[M × N registers] (+)= A[M × depth] · B[depth × N registers].
///
/// # Safety
/// `a`, `b` and `c` must be valid for the block with these strides.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn micro<S: Simd, T: Real, const M: usize, const N: usize>(
    simd: S,
    depth: usize,
    a: *const T,
    a_row: usize,
    a_column: usize,
    b: *const T,
    b_row: usize,
    c: *mut T,
    c_row: usize,
    set: bool,
) {
    let lanes = lane_count::<S, T>();
    let zero = Lanes::<S, T>::splat(simd, T::ZERO);
    let mut sums = [[zero; N]; M];
    // SAFETY: the caller vouches for all rows below `depth` and `M` and registers below `N`.
    unsafe {
        for l in 0..depth {
            let mut x = [zero; N];
            for j in 0..N {
                x[j] = Lanes::load(simd, b.add(l * b_row + j * lanes));
            }
            for i in 0..M {
                let weight = Lanes::splat(simd, *a.add(i * a_row + l * a_column));
                for j in 0..N {
                    sums[i][j] = weight.mul_add(x[j], sums[i][j]);
                }
            }
        }
        for i in 0..M {
            for j in 0..N {
                let target = c.add(i * c_row + j * lanes);
                let sum = if set { sums[i][j] } else { Lanes::load(simd, target) + sums[i][j] };
                sum.store(target);
            }
        }
    }
}
