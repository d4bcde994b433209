//! A symmetric matrix, and the two things that quasi-Newton methods do with it: a product with a
//! vector, and a change of rank two together with the next product, each in one pass.
//!
//! What they cost is reading the matrix. So only the part below the diagonal is kept, and every
//! number that is read serves both of its entries. It lies in square tiles, whose rows share what is
//! read of vectors: with four rows in the place of 32 a pass takes twice as long.

use std::ops::Range;

use crate::Float;
use crate::blocks::{Block, LANES, fold, zeros};

/// [`LANES`] rows, each of [`LANES`] columns.
type Tile<T> = [Block<T>; LANES];

/// A symmetric n × n matrix H, as its diagonal and what is below.
#[derive(Clone, Debug)]
pub(super) struct SymmetricMatrix<T> {
    len: usize,
    /// As all vectors 0 behind the end.
    diagonal: Vec<Block<T>>,
    /// From top to bottom the tiles from the first column to the diagonal; 0 on the diagonal and right
    /// of it.
    tiles: Vec<Tile<T>>,
}

/// The change H ← c H + p s sᵀ + q (s uᵀ + u sᵀ) + r u uᵀ.
#[derive(Clone, Copy, Debug)]
pub(super) struct RankTwo {
    pub c: f64,
    pub p: f64,
    pub q: f64,
    pub r: f64,
}

impl<T: Float> SymmetricMatrix<T> {
    /// The unit matrix, or `None` if there is no memory for it.
    pub fn identity(len: usize) -> Option<Self> {
        let height = len.div_ceil(LANES);
        let count = height.checked_add(1)?.checked_mul(height)? / 2;
        let mut tiles = Vec::new();
        tiles.try_reserve_exact(count).ok()?;
        tiles.resize(count, Tile::default());
        let mut matrix = Self { len, diagonal: zeros(len), tiles };
        matrix.set_identity();
        Some(matrix)
    }

    pub fn set_identity(&mut self) {
        self.tiles.fill(Tile::default());
        for number in self.diagonal.iter_mut().flat_map(|block| &mut block.0).take(self.len) {
            *number = T::from_f64(1.0);
        }
    }

    /// The lower triangle with the diagonal, row by row.
    pub fn lower_triangle(&self) -> Vec<T> {
        let on_diagonal = self.diagonal.iter().flat_map(|block| block.0);
        let rows = (0..self.len).zip(on_diagonal).flat_map(|(i, last)| {
            let (tiles, r) = (&self.tiles[tiles_of_row(i)], i % LANES);
            tiles.iter().flat_map(move |tile| tile[r].0).take(i).chain([last])
        });
        rows.collect()
    }

    /// H ← the matrix with this lower triangle, which must have [`triangle`] numbers.
    pub fn load_lower_triangle(&mut self, numbers: &[T]) {
        let mut numbers = numbers.iter().copied();
        let diagonal = self.diagonal.iter_mut().flat_map(|block| &mut block.0);
        for (i, on_diagonal) in (0..self.len).zip(diagonal) {
            let tiles = self.tiles[tiles_of_row(i)].iter_mut();
            let row = tiles.flat_map(|tile| &mut tile[i % LANES].0).take(i).chain([on_diagonal]);
            for (entry, number) in row.zip(&mut numbers) {
                *entry = number;
            }
        }
    }

    /// z ← H x.
    #[inline(always)]
    pub fn product(&self, x: &[Block<T>], z: &mut [Block<T>]) {
        for ((z, x), d) in z.iter_mut().zip(x).zip(&self.diagonal) {
            for lane in 0..LANES {
                z.0[lane] = d.0[lane] * x.0[lane];
            }
        }
        let mut rest = &self.tiles[..];
        for k in 0..self.diagonal.len() {
            let (tiles, below) = rest.split_at(k + 1);
            rest = below;
            let mut sums = Tile::default();
            for ((tile, x_columns), z) in tiles.iter().zip(x).zip(z.iter_mut()) {
                multiply(tile, &x[k], x_columns, z, &mut sums);
            }
            add_sums(&mut z[k], sums);
        }
    }

    /// Changes H, and then z ← H x. `products` are two vectors to work with.
    #[inline(always)]
    pub fn change_then_product(
        &mut self,
        change: RankTwo,
        (s, u): (&[Block<T>], &[Block<T>]),
        products: &mut [Vec<Block<T>>; 2],
        x: &[Block<T>],
        z: &mut [Block<T>],
    ) {
        let [c, p, q, r] = [change.c, change.p, change.q, change.r].map(T::from_f64);
        // With a = p s + q u and b = q s + r u the change is s aᵀ + u bᵀ.
        let [a, b] = products;
        for ((s, u), (a, b)) in s.iter().zip(u).zip(a.iter_mut().zip(b.iter_mut())) {
            for lane in 0..LANES {
                a.0[lane] = p * s.0[lane] + q * u.0[lane];
                b.0[lane] = q * s.0[lane] + r * u.0[lane];
            }
        }
        let vectors = s.iter().zip(u).zip(a.iter().zip(b.iter())).zip(x);
        for ((((s, u), (a, b)), x), (d, z)) in vectors.zip(self.diagonal.iter_mut().zip(&mut *z)) {
            for lane in 0..LANES {
                let change = s.0[lane] * a.0[lane] + u.0[lane] * b.0[lane];
                d.0[lane] = c * d.0[lane] + change;
                z.0[lane] = d.0[lane] * x.0[lane];
            }
        }
        let mut rest = &mut self.tiles[..];
        for k in 0..self.diagonal.len() {
            let (tiles, below) = rest.split_at_mut(k + 1);
            rest = below;
            let mut sums = Tile::default();
            let vectors = a.iter().zip(b.iter()).zip(x.iter().zip(z.iter_mut()));
            for (column, (tile, ((a, b), (x_columns, z)))) in
                tiles.iter_mut().zip(vectors).enumerate()
            {
                change_tile(tile, c, (&s[k], a), (&u[k], b));
                if column == k {
                    clear_upper_triangle(tile);
                }
                multiply(tile, &x[k], x_columns, z, &mut sums);
            }
            add_sums(&mut z[k], sums);
        }
    }
}

/// Entries of the lower triangle with the diagonal.
pub(super) fn triangle(len: usize) -> usize {
    // One of the two factors is even, but their product may not fit.
    if len.is_multiple_of(2) {
        (len / 2).saturating_mul(len + 1)
    } else {
        len.saturating_mul(len / 2 + 1)
    }
}

/// Where the tiles are that a row goes through.
fn tiles_of_row(i: usize) -> Range<usize> {
    let k = i / LANES;
    let first = triangle(k);
    first..first + k + 1
}

/// tile ← c tile + s aᵀ + u bᵀ.
#[inline(always)]
fn change_tile<T: Float>(
    tile: &mut Tile<T>,
    c: T,
    (s, a): (&Block<T>, &Block<T>),
    (u, b): (&Block<T>, &Block<T>),
) {
    for (row, (&s, &u)) in tile.iter_mut().zip(s.0.iter().zip(&u.0)) {
        for lane in 0..LANES {
            let change = s * a.0[lane] + u * b.0[lane];
            row.0[lane] = c * row.0[lane] + change;
        }
    }
}

#[inline(always)]
fn clear_upper_triangle<T: Float>(tile: &mut Tile<T>) {
    for (r, row) in tile.iter_mut().enumerate() {
        row.0[r..].fill(T::default());
    }
}

/// What a tile below the diagonal adds to a product: by rows to their sums, and, as its mirror image,
/// by columns to z.
#[inline(always)]
fn multiply<T: Float>(
    tile: &Tile<T>,
    x_rows: &Block<T>,
    x_columns: &Block<T>,
    z: &mut Block<T>,
    sums: &mut Tile<T>,
) {
    for ((row, &x), sums) in tile.iter().zip(&x_rows.0).zip(sums) {
        for lane in 0..LANES {
            sums.0[lane] = sums.0[lane] + row.0[lane] * x_columns.0[lane];
            z.0[lane] = z.0[lane] + row.0[lane] * x;
        }
    }
}

/// z ← z + the sums of rows.
#[inline(always)]
fn add_sums<T: Float>(z: &mut Block<T>, sums: Tile<T>) {
    for (z, sum) in z.0.iter_mut().zip(sums) {
        *z = *z + fold(sum, T::add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::{load, numbers};
    use proptest::prelude::*;

    fn blocks(numbers: &[f64]) -> Vec<Block<f64>> {
        let mut blocks = zeros(numbers.len());
        load(&mut blocks, numbers);
        blocks
    }

    /// Entry (i, j) of the matrix with this lower triangle.
    fn entry(lower: &[f64], i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j), i.min(j));
        lower[i * (i + 1) / 2 + j]
    }

    proptest! {
        #[test]
        fn changes_and_products_are_those_of_the_whole_matrix(
            n in 0_usize..110, seed in 0_u32..1000, (c, p, q, r) in (-2.0..2.0, -2.0..2.0, -2.0..2.0, -2.0..2.0),
        ) {
            // Numbers without any pattern, in [−½, ½).
            let part = |i: usize| {
                ((i + 1) as f64 * std::f64::consts::SQRT_2 * f64::from(seed + 1)).fract() - 0.5
            };
            let vector = |k: usize| (0..n).map(|i| part(i + 7919 * k)).collect::<Vec<f64>>();
            let (s, u, x) = (vector(1), vector(2), vector(3));
            let lower: Vec<f64> = (0..triangle(n)).map(|i| part(i + 104_729)).collect();

            let mut matrix = SymmetricMatrix::identity(n).unwrap();
            matrix.load_lower_triangle(&lower);
            prop_assert_eq!(matrix.lower_triangle(), lower.clone());
            let mut z = zeros(n);
            matrix.product(&blocks(&x), &mut z);
            let expected = |lower: &[f64]| {
                (0..n)
                    .map(|i| (0..n).map(|j| entry(lower, i, j) * x[j]).sum())
                    .collect::<Vec<f64>>()
            };
            let is_close = |found: &[Block<f64>], expected: Vec<f64>| {
                numbers(found, n).zip(expected).all(|(z, e)| (z - e).abs() <= 1e-13)
            };
            prop_assert!(is_close(&z, expected(&lower)));

            let change = RankTwo { c, p, q, r };
            let mut scratch = [zeros(n), zeros(n)];
            let (bs, bu) = (blocks(&s), blocks(&u));
            matrix.change_then_product(change, (&bs, &bu), &mut scratch, &blocks(&x), &mut z);
            let changed = matrix.lower_triangle();
            for i in 0..n {
                for j in 0..=i {
                    let by = p * s[i] * s[j] + q * (s[i] * u[j] + u[i] * s[j]) + r * u[i] * u[j];
                    let exact = c * entry(&lower, i, j) + by;
                    prop_assert!((entry(&changed, i, j) - exact).abs() <= 1e-14);
                }
            }
            prop_assert!(is_close(&z, expected(&changed)));
            // Nothing was left where there are no entries.
            let mut again = zeros(n);
            matrix.product(&blocks(&x), &mut again);
            prop_assert!(is_close(&again, expected(&changed)));

            matrix.set_identity();
            matrix.product(&blocks(&x), &mut z);
            prop_assert_eq!(numbers(&z, n).collect::<Vec<f64>>(), x);
        }
    }

    #[test]
    fn a_matrix_that_no_memory_can_hold_is_none() {
        assert!(SymmetricMatrix::<f64>::identity(usize::MAX).is_none());
        assert!(SymmetricMatrix::<f64>::identity(1 << 34).is_none());
        assert_eq!(triangle(usize::MAX), usize::MAX);
        assert_eq!([0, 1, 2, 5].map(triangle), [0, 1, 3, 15]);
    }
}
