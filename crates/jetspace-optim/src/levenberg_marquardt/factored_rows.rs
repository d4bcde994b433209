//! Rows of a Jacobian J in factors, and what can be had from them without the rows: JJᵀ and Jᵀw.
//!
//! With J's part of a matrix of parameters Σ_c d_ic ⊗ a_ic in row i, that part of JJᵀ is
//!
//! (JJᵀ)_ij = Σ_c Σ_c′ (d_ic · d_jc′) (a_ic · a_jc′),
//!
//! products of the entries of two Gram matrices. That takes C² (units + inputs) multiplications for each
//! pair of residuals, and the product of whole rows units · inputs: each block of parameters goes the
//! cheaper way, of whole rows some columns at a time.

use std::mem::take;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

use super::symmetric_product::{add_symmetric_product, share};
use crate::{Float, OptimError};

/// Residuals that one loop works on.
const LANES: usize = 8;

/// Rows of a tile's Gram matrices, pairs times residuals, and columns that are made at a time: two such
/// matrices share the second-level cache.
const TILE_ROWS: usize = 256;
const TILE_COLUMNS: usize = 64;

/// Numbers of a tile at most, if it is more than a few residuals.
const TILE_NUMBERS: usize = 1 << 20;

/// Columns of J at a time where whole rows are cheaper.
pub(super) const COLUMNS: usize = 1024;

/// A residual's slopes by a matrix of parameters (units × inputs, row-major), in factors: Σ_c d_c ⊗ a_c.
///
/// For a layer of a network, d are cotangents of what the layer adds up, a what it takes in. Slopes that
/// are known one by one are cotangents with the one input 1.
#[derive(Clone, Copy, Debug)]
pub struct FactoredBlock<'a, T> {
    /// The matrix's first parameter.
    pub first: usize,
    /// Its number of rows, at least 1.
    pub units: usize,
    /// Its number of columns, at least 1.
    pub inputs: usize,
    /// d: `[pair][unit]`, of at least one pair.
    pub cotangents: &'a [T],
    /// a: `[pair][input]`, for as many pairs.
    pub activations: &'a [T],
}

impl<'a> FactoredBlock<'a, f64> {
    /// A whole row.
    pub(super) fn row(slopes: &'a [f64]) -> Self {
        Self { first: 0, units: slopes.len(), inputs: 1, cotangents: slopes, activations: &[1.0] }
    }
}

impl<T: Float> FactoredBlock<'_, T> {
    /// Multiplies it out, and adds it to a row.
    pub(super) fn add_to(&self, row: &mut [f64]) {
        let pairs = self.cotangents.chunks_exact(self.units);
        for (d, a) in pairs.zip(self.activations.chunks_exact(self.inputs)) {
            for (row, d) in row[self.first..].chunks_exact_mut(self.inputs).zip(d) {
                row.iter_mut().zip(a).for_each(|(slope, a)| *slope += d.to_f64() * a.to_f64());
            }
        }
    }
}

impl<T> FactoredBlock<'_, T> {
    pub(super) fn pairs(&self) -> usize {
        self.cotangents.len() / self.units.max(1)
    }

    /// The first parameter after it, if all lengths fit together.
    fn end(&self) -> Option<usize> {
        let pairs = self.pairs();
        let fits = pairs > 0
            && self.inputs > 0
            && pairs.checked_mul(self.units) == Some(self.cotangents.len())
            && pairs.checked_mul(self.inputs) == Some(self.activations.len());
        self.units.checked_mul(self.inputs)?.checked_add(self.first).filter(|_| fits)
    }
}

/// That blocks are parts of the parameters, one after the other.
pub(super) fn check_blocks<T>(
    blocks: &[FactoredBlock<'_, T>],
    parameters: usize,
) -> Result<(), OptimError> {
    let mut next = 0;
    for (number, block) in blocks.iter().enumerate() {
        let end = block.end().filter(|&end| block.first >= next && end <= parameters);
        next = end.ok_or(OptimError::Factors { number, next, parameters })?;
    }
    Ok(())
}

/// Where a block is among the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    first: usize,
    units: usize,
    inputs: usize,
}

/// The factors of a block for the residuals of a tile, in matrices with a row for each pair and lane and a
/// column for each unit or input.
#[derive(Clone, Debug)]
struct Panel {
    pairs: usize,
    cotangents: Vec<f64>,
    activations: Vec<f64>,
}

/// Residuals that follow each other and have as many pairs.
#[derive(Clone, Debug)]
struct Tile {
    first: usize,
    count: usize,
    /// One for each block.
    panels: Vec<Panel>,
}

impl Tile {
    /// Numbers of a column for each pair. Those behind the last residual are 0.
    fn lanes(&self) -> usize {
        self.count.next_multiple_of(LANES)
    }
}

/// The rows of J.
#[derive(Clone, Debug, Default)]
pub(super) struct FactoredRows {
    places: Vec<Place>,
    tiles: Vec<Tile>,
    /// Residuals in tiles.
    sealed: usize,
    /// The residuals of the next tile, one after the other: cotangents and activations of each block;
    staged: Vec<f64>,
    /// how many they are, and how many pairs each block has.
    count: usize,
    pairs: Vec<usize>,
}

impl FactoredRows {
    /// Adds a row, whose blocks have passed [`check_blocks`].
    ///
    /// # Errors
    /// Other blocks than those of the rows before.
    pub(super) fn push<T: Float>(
        &mut self,
        blocks: &[FactoredBlock<'_, T>],
    ) -> Result<(), OptimError> {
        let place =
            |b: &FactoredBlock<'_, T>| Place { first: b.first, units: b.units, inputs: b.inputs };
        if self.sealed + self.count == 0 {
            self.places = blocks.iter().map(place).collect();
        } else if !self.places.iter().copied().eq(blocks.iter().map(place)) {
            return Err(OptimError::Blocks);
        }
        if !self.pairs.iter().copied().eq(blocks.iter().map(FactoredBlock::pairs)) {
            self.seal();
            self.pairs = blocks.iter().map(FactoredBlock::pairs).collect();
        }
        for block in blocks {
            self.staged.extend(block.cotangents.iter().map(|d| d.to_f64()));
            self.staged.extend(block.activations.iter().map(|a| a.to_f64()));
        }
        self.count += 1;
        let most = self.pairs.iter().fold(1, |most, &pairs| most.max(pairs));
        let width = (self.staged.len() / self.count).max(1);
        if self.count >= (TILE_ROWS / most).min(TILE_NUMBERS / width).max(LANES) {
            self.seal();
        }
        Ok(())
    }

    /// Makes a tile of the residuals at hand.
    pub(super) fn seal(&mut self) {
        let (first, count) = (self.sealed, take(&mut self.count));
        if count == 0 {
            return;
        }
        let (lanes, width) = (count.next_multiple_of(LANES), self.staged.len() / count);
        let mut at = 0;
        let mut matrix = |pairs: usize, columns: usize| {
            let mut matrix = vec![0.0; lanes * pairs * columns];
            for (residual, row) in self.staged.chunks_exact(width.max(1)).enumerate() {
                let row = &row[at..at + pairs * columns];
                for (pair, numbers) in row.chunks_exact(columns).enumerate() {
                    let targets =
                        matrix[pair * lanes + residual..].iter_mut().step_by(lanes * pairs);
                    targets.zip(numbers).for_each(|(target, number)| *target = *number);
                }
            }
            at += pairs * columns;
            matrix
        };
        let panels = self.places.iter().zip(&self.pairs).map(|(place, &pairs)| {
            let cotangents = matrix(pairs, place.units);
            Panel { pairs, cotangents, activations: matrix(pairs, place.inputs) }
        });
        let panels = panels.collect();
        self.tiles.push(Tile { first, count, panels });
        self.sealed += count;
        self.staged.clear();
    }

    /// Adds JJᵀ to a matrix, column by column, of which what is above the diagonal has no meaning.
    pub(super) fn add_products(&self, gram: &mut [f64], threads: usize) {
        let (factored, whole): (Vec<usize>, Vec<usize>) =
            (0..self.places.len()).partition(|&block| self.is_cheaper_factored(block));
        let mut columns = whole.iter().flat_map(|&block| {
            let Place { units, inputs, .. } = self.places[block];
            (0..units * inputs).map(move |entry| (block, entry / inputs, entry % inputs))
        });
        let side = self.sealed;
        let mut part = Vec::new();
        loop {
            let next: Vec<(usize, usize, usize)> = columns.by_ref().take(COLUMNS).collect();
            if next.is_empty() || side == 0 {
                break;
            }
            part.resize(side * next.len(), 0.0);
            let targets = part.chunks_exact_mut(side).zip(&next);
            share(threads, targets, |(target, &(block, unit, input))| {
                self.write_column(block, unit, input, target);
            });
            let part =
                MatRef::from_column_major_slice(&part[..side * next.len()], side, next.len());
            add_symmetric_product(gram, part, threads);
        }
        if factored.is_empty() {
            return;
        }
        let mut rest = gram;
        let strips = self.tiles.iter().enumerate().map(|(number, tile)| {
            let (strip, others) = take(&mut rest).split_at_mut(tile.count * side);
            rest = others;
            (number, strip)
        });
        share(threads, strips, |(number, strip)| self.add_strip(&factored, number, strip));
    }

    /// Whether two Gram matrices take fewer multiplications than whole rows.
    fn is_cheaper_factored(&self, block: usize) -> bool {
        let Place { units, inputs, .. } = self.places[block];
        let of_tile = |tile: &Tile| (tile.count * tile.panels[block].pairs) as f64;
        let rows: f64 = self.tiles.iter().map(of_tile).sum();
        let residuals = self.sealed as f64;
        let (sum, product) = (units as f64 + inputs as f64, units as f64 * inputs as f64);
        rows * rows * sum < residuals * residuals * product
    }

    /// A column of J.
    fn write_column(&self, block: usize, unit: usize, input: usize, column: &mut [f64]) {
        for tile in &self.tiles {
            let (panel, lanes) = (&tile.panels[block], tile.lanes());
            let height = panel.pairs * lanes;
            let d = panel.cotangents[unit * height..][..height].chunks_exact(lanes);
            let a = panel.activations[input * height..][..height].chunks_exact(lanes);
            let target = &mut column[tile.first..][..tile.count];
            target.fill(0.0);
            for (d, a) in d.zip(a) {
                target.iter_mut().zip(d.iter().zip(a)).for_each(|(sum, (d, a))| *sum += d * a);
            }
        }
    }

    /// Adds a tile's columns of the part of JJᵀ that some blocks have, from its diagonal down.
    fn add_strip(&self, blocks: &[usize], number: usize, strip: &mut [f64]) {
        let (arch, right) = (Arch::new(), &self.tiles[number]);
        let (side, width) = (self.sealed, right.lanes());
        let (mut sums, mut of_cotangents, mut of_activations) =
            (Vec::new(), Vec::new(), Vec::new());
        for left in &self.tiles[number..] {
            let height = left.lanes();
            sums.clear();
            sums.resize(height * width, 0.0);
            for &block in blocks {
                let Place { units, inputs, .. } = self.places[block];
                let (x, y) = (&left.panels[block], &right.panels[block]);
                let rows = x.pairs * height;
                let most = (TILE_COLUMNS / width).max(1);
                for pair in (0..y.pairs).step_by(most) {
                    let columns = pair * width..(pair + most).min(y.pairs) * width;
                    let gram = |target: &mut Vec<f64>, x: &[f64], y: &[f64], length: usize| {
                        target.resize(rows * columns.len(), 0.0);
                        let target =
                            MatMut::from_column_major_slice_mut(target, rows, columns.len());
                        let x = MatRef::from_column_major_slice(x, rows, length);
                        let y = MatRef::from_column_major_slice(y, y.len() / length, length);
                        let y = y.subrows(columns.start, columns.len()).transpose();
                        matmul(target, Accum::Replace, x, y, 1.0, Par::Seq);
                    };
                    gram(&mut of_cotangents, &x.cotangents, &y.cotangents, units);
                    gram(&mut of_activations, &x.activations, &y.activations, inputs);
                    let (left, right) = (&of_cotangents, &of_activations);
                    arch.dispatch(SumOverPairs {
                        sums: &mut sums,
                        height,
                        width,
                        rows,
                        left,
                        right,
                    });
                }
            }
            for (column, sums) in strip.chunks_exact_mut(side).zip(sums.chunks_exact(height)) {
                let targets = column[left.first..][..left.count].iter_mut();
                targets.zip(sums).for_each(|(target, sum)| *target += sum);
            }
        }
    }

    /// Jᵀw.
    pub(super) fn transposed_times(&self, w: &[f64], parameters: usize) -> Vec<f64> {
        let mut product = vec![0.0; parameters];
        let mut weighted = Vec::new();
        for tile in &self.tiles {
            let (lanes, w) = (tile.lanes(), &w[tile.first..][..tile.count]);
            for (place, panel) in self.places.iter().zip(&tile.panels) {
                let &Place { first, units, inputs } = place;
                let rows = panel.pairs * lanes;
                weighted.clone_from(&panel.cotangents);
                for lanes in weighted.chunks_exact_mut(lanes) {
                    lanes.iter_mut().zip(w).for_each(|(d, w)| *d *= w);
                }
                let target = &mut product[first..][..units * inputs];
                let target = MatMut::from_column_major_slice_mut(target, inputs, units);
                let a = MatRef::from_column_major_slice(&panel.activations, rows, inputs);
                let d = MatRef::from_column_major_slice(&weighted, rows, units);
                matmul(target, Accum::Add, a.transpose(), d, 1.0, Par::Seq);
            }
        }
        product
    }
}

/// Adds the products of two matrices' entries to sums of `height` × `width`: their rows come height by
/// height, their columns width by width.
struct SumOverPairs<'a> {
    sums: &'a mut [f64],
    height: usize,
    width: usize,
    rows: usize,
    left: &'a [f64],
    right: &'a [f64],
}

impl WithSimd for SumOverPairs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { sums, height, width, rows, left, right } = self;
        for (column, sums) in sums.chunks_exact_mut(height).enumerate() {
            let (left, right) = (left.chunks_exact(rows), right.chunks_exact(rows));
            for (left, right) in left.zip(right).skip(column).step_by(width) {
                for (left, right) in left.chunks_exact(height).zip(right.chunks_exact(height)) {
                    let products = left.chunks_exact(LANES).zip(right.chunks_exact(LANES));
                    for (sums, (left, right)) in sums.chunks_exact_mut(LANES).zip(products) {
                        for lane in 0..LANES {
                            sums[lane] += left[lane] * right[lane];
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
