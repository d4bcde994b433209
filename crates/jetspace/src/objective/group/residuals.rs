//! The residuals of a group one by one, scaled so that the sum of their squares is the group's loss, and
//! the rows of their Jacobian. Residual number p · (expressions of the group) + r is that of expression r
//! at point (or pair) p.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jetspace_jet::{CotangentTile, Engine, JetTile, Points as EnginePoints, Real};

use super::{Group, TILE_UNIT};
use crate::Error;
use crate::objective::residuals::TakeRow;

/// Rows of the Jacobian that the engine writes at a time: a few tiles for each of some threads.
const ROWS: usize = 1024;

/// Points of a block at least, for the same reason,
const LEAST_POINTS: usize = 64;

/// but no more numbers than this (512 MiB in f64), if it is more than a few points.
const MOST_NUMBERS: usize = 1 << 26;

/// Some points, or pairs, that follow each other.
pub(super) struct Block<T> {
    pub first: usize,
    pub points: usize,
    coordinates: Vec<T>,
}

impl<T: Real> Block<T> {
    pub fn engine_points(&self, copies: usize) -> EnginePoints<'_, T> {
        EnginePoints::new(self.points * copies, &self.coordinates)
    }
}

impl<T: Real> Group<T> {
    pub fn residual_count(&self) -> usize {
        self.columns().len * self.residuals.len()
    }

    /// The first term with a negative weight or factor.
    pub fn negative_weight(&self) -> Option<usize> {
        let found = self.residuals.iter().find(|residual| self.scale(residual) < 0.0)?;
        Some(self.terms[found.term])
    }

    /// What expression r is multiplied by at point p: the root of what its square is.
    fn root(&self, r: usize, p: usize) -> f64 {
        let residual = &self.residuals[r];
        let of_point = self.point_weights(residual).map_or(1.0, |weights| weights[p].to_f64());
        (self.scale(residual) * of_point).sqrt()
    }

    /// Writes a tile's residuals into those of the group. Cotangents are 0.
    pub fn tile_residuals(
        &self,
        jets: &JetTile<'_, T>,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        residuals: &Mutex<&mut [f64]>,
    ) -> f64 {
        self.sum_tile(jets, cotangents, unknowns, |outputs, _| {
            let (first, mut residuals) = (self.first_point(jets), lock(residuals));
            let of_tile = residuals.iter_mut().skip(first * self.residuals.len());
            self.zip_residuals(outputs, first, of_tile, |output, root, residual| {
                *residual = root * output.to_f64();
                *output = T::ZERO;
            });
        })
    }

    /// The cotangents of w·r, for numbers w of all residuals of the group.
    pub fn tile_pull_back(
        &self,
        jets: &JetTile<'_, T>,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        vector: &[f64],
    ) -> f64 {
        self.sum_tile(jets, cotangents, unknowns, |outputs, _| {
            let first = self.first_point(jets);
            let of_tile = vector.iter().skip(first * self.residuals.len());
            self.zip_residuals(outputs, first, of_tile, |output, root, w| {
                *output = T::from_f64(root * w);
            });
        })
    }

    /// The number of a tile's first point, or pair.
    fn first_point(&self, jets: &JetTile<'_, T>) -> usize {
        jets.range().start / self.columns().copies
    }

    /// Calls `work` with each output at each point, from number `first` on, what it is multiplied by,
    /// and the next of `others`.
    fn zip_residuals<V>(
        &self,
        outputs: &mut [Vec<T>],
        first: usize,
        mut others: impl Iterator<Item = V>,
        mut work: impl FnMut(&mut T, f64, V),
    ) {
        for p in 0..outputs.first().map_or(0, Vec::len) {
            for ((r, output), other) in outputs.iter_mut().enumerate().zip(&mut others) {
                work(&mut output[p], self.root(r, first + p), other);
            }
        }
    }

    /// Hands every residual and its row of the Jacobian to `take`.
    pub fn linearise(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
        take: &mut TakeRow<'_, T>,
    ) -> Result<(), Error> {
        let (copies, expressions) = (self.columns().copies, self.residuals.len());
        let mut rows = Vec::new();
        let mut row = vec![T::ZERO; weights.len() + self.unknowns];
        for block in self.blocks(weights.len()) {
            let values = self.block_values(&block);
            let linearisation =
                |jets: &JetTile<'_, T>, r: usize, cotangents: &mut CotangentTile<'_, T>| {
                    self.linearise_tile(jets, block.first, r, cotangents, unknowns, &values);
                };
            rows.resize(block.points * copies * expressions * weights.len(), T::ZERO);
            let at = block.engine_points(copies);
            engine.jacobian(&self.plan, weights, at, expressions, &linearisation, &mut rows)?;
            let values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (number, residual) in values.chunks_exact(1 + self.unknowns).enumerate() {
                let (of_weights, of_unknowns) = row.split_at_mut(weights.len());
                of_weights.fill(T::ZERO);
                // A residual of a pair depends on the weights at both points.
                for number in self.numbers_at_copies(number) {
                    let part = &rows[number * weights.len()..][..weights.len()];
                    of_weights.iter_mut().zip(part).for_each(|(sum, &part)| *sum += part);
                }
                for (slope, &value) in of_unknowns.iter_mut().zip(&residual[1..]) {
                    *slope = T::from_f64(value);
                }
                take(residual[0], &row)?;
            }
        }
        Ok(())
    }

    /// The points, or pairs, block by block, where the engine writes `width` numbers for each residual
    /// of a point.
    pub(super) fn blocks(&self, width: usize) -> impl Iterator<Item = Block<T>> {
        let columns = self.columns();
        let copies = columns.copies;
        let of_point = (self.residuals.len() * copies).max(1);
        let fitting = MOST_NUMBERS / of_point.saturating_mul(width).max(1);
        let most = (ROWS / of_point).max(LEAST_POINTS).min(fitting.max(TILE_UNIT));
        (0..columns.len).step_by(most).map(move |first| {
            let points = most.min(columns.len - first);
            let of_block =
                |column: &[T]| column[first * copies..(first + points) * copies].to_vec();
            let all = columns.coordinates.chunks_exact(columns.len * copies);
            Block { first, points, coordinates: all.flat_map(of_block).collect() }
        })
    }

    /// Room for each residual of a block, and its slopes by the unknowns.
    pub(super) fn block_values(&self, block: &Block<T>) -> Mutex<Vec<f64>> {
        Mutex::new(vec![0.0; block.points * self.residuals.len() * (1 + self.unknowns)])
    }

    /// The numbers that the engine gives a block's residual: at a pair one for each of its points.
    pub(super) fn numbers_at_copies(&self, number: usize) -> impl Iterator<Item = usize> + use<T> {
        let (copies, expressions) = (self.columns().copies, self.residuals.len());
        let (p, r) = (number / expressions, number % expressions);
        (0..copies).map(move |copy| (p * copies + copy) * expressions + r)
    }

    /// Of each residual the product of its row of the Jacobian and a vector. Weights and unknowns come in
    /// pairs: those of the network, and of the vector.
    pub fn push_forward(
        &self,
        engine: &mut Engine<T>,
        (weights, unknowns): (&[T], &[T]),
        (of_weights, of_unknowns): (&[T], &[T]),
        product: &mut [f64],
    ) -> Result<(), Error> {
        let (columns, expressions) = (self.columns(), self.residuals.len());
        // Each residual, and its slopes by the unknowns.
        let block = Mutex::new(vec![0.0; product.len() * (1 + self.unknowns)]);
        let linearisation =
            |jets: &JetTile<'_, T>, r: usize, cotangents: &mut CotangentTile<'_, T>| {
                self.linearise_tile(jets, 0, r, cotangents, unknowns, &block);
            };
        let mut parts = vec![T::ZERO; product.len() * columns.copies];
        engine.jacobian_times(
            &self.plan,
            weights,
            columns.points(),
            expressions,
            &linearisation,
            of_weights,
            &mut parts,
        )?;
        let block = block.into_inner().unwrap_or_else(PoisonError::into_inner);
        let slopes = block.chunks_exact(1 + self.unknowns);
        for (number, (sum, slopes)) in product.iter_mut().zip(slopes).enumerate() {
            let of_weights = self.numbers_at_copies(number).map(|number| parts[number].to_f64());
            let of_unknowns = slopes[1..].iter().zip(of_unknowns).map(|(s, v)| s * v.to_f64());
            *sum = of_weights.chain(of_unknowns).sum();
        }
        Ok(())
    }

    /// Of each term the sum of the squares of its rows of the Jacobian.
    pub fn kernel_traces(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
    ) -> Result<Vec<f64>, Error> {
        let mut traces = vec![0.0; self.terms.len()];
        let mut rows = self.residuals.iter().cycle();
        self.linearise(engine, weights, unknowns, &mut |_, row| {
            if let Some(residual) = rows.next() {
                let square = |slope: &T| slope.to_f64() * slope.to_f64();
                traces[residual.term] += row.iter().map(square).sum::<f64>();
            }
            Ok(())
        })?;
        Ok(traces)
    }

    /// The cotangents of expression r at a tile of the block that begins at point `first`; values and
    /// slopes by the unknowns into the block's.
    pub(super) fn linearise_tile(
        &self,
        jets: &JetTile<'_, T>,
        first: usize,
        r: usize,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        block: &Mutex<Vec<f64>>,
    ) {
        let mut scratch = self.take_scratch();
        let width = 1 + self.unknowns;
        let mut values = vec![0.0; jets.range().len() / self.columns().copies * width];
        let from = first + self.first_point(jets);
        let respond = |outputs: &mut [Vec<T>]| {
            for output in outputs.iter_mut().enumerate().filter(|(number, _)| *number != r) {
                output.1.fill(T::ZERO);
            }
            for (p, output) in outputs[r].iter_mut().enumerate() {
                let root = self.root(r, from + p);
                values[p * width] = root * output.to_f64();
                *output = T::from_f64(root);
            }
        };
        match self.differentiate(jets, first, cotangents, unknowns, &mut scratch, respond) {
            Ok(()) => {
                for (n, slopes) in scratch.unknown_slopes(&self.bindings) {
                    let column = values.iter_mut().skip(1 + n).step_by(width);
                    column.zip(slopes).for_each(|(value, slope)| *value = slope.to_f64());
                }
            }
            // As in `sum_tile`.
            Err(_) => values.fill(f64::NAN),
        }
        self.give_back(scratch);
        let from = (self.first_point(jets) * self.residuals.len() + r) * width;
        let mut block = lock(block);
        let targets = block[from..].chunks_mut(self.residuals.len() * width);
        for (target, value) in targets.zip(values.chunks_exact(width)) {
            target[..width].copy_from_slice(value);
        }
    }
}

/// Locks; nobody reads what a panic left behind.
fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
