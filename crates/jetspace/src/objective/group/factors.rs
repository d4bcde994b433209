//! The rows of a group's Jacobian in factors, layer by layer.

use std::sync::PoisonError;

use jetspace_jet::{CotangentTile, Engine, FactoredLayer, JetTile, Real};
use jetspace_optim::FactoredBlock;

use super::Group;
use crate::Error;
use crate::objective::residuals::TakeFactors;

impl<T: Real> Group<T> {
    /// How many numbers are in the factors of all rows.
    pub fn factor_count(&self, engine: &Engine<T>) -> usize {
        let layers = engine.factored_layers(&self.plan);
        let pairs: usize = layers.iter().map(|layer| layer.biases.len() + 1).sum();
        let numbers = layers.last().map_or(0, |layer| layer.activations.end) + pairs;
        let of_unknowns = if self.unknowns > 0 { self.unknowns + 1 } else { 0 };
        self.residual_count() * (self.columns().copies * numbers + of_unknowns)
    }

    /// Hands every residual and the factors of its row of the Jacobian to `take`: for each layer a block of
    /// weights and one of biases, and one for the unknowns, if there are any.
    pub fn factorise(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
        take: &mut TakeFactors<'_, T>,
    ) -> Result<(), Error> {
        let (copies, expressions) = (self.columns().copies, self.residuals.len());
        let layers = engine.factored_layers(&self.plan);
        let width = layers.last().map_or(0, |layer| layer.activations.end);
        let ones = vec![T::ONE; copies];
        let (mut factors, mut row) = (Vec::new(), Vec::new());
        for block in self.blocks(width) {
            let values = self.block_values(&block);
            let linearisation =
                |jets: &JetTile<'_, T>, r: usize, cotangents: &mut CotangentTile<'_, T>| {
                    self.linearise_tile(jets, block.first, r, cotangents, unknowns, &values);
                };
            factors.resize(block.points * copies * expressions * width, T::ZERO);
            let (plan, at) = (&self.plan, block.engine_points(copies));
            engine.jacobian_factors(
                plan,
                weights,
                at,
                expressions,
                &linearisation,
                &mut factors,
            )?;
            let values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (number, residual) in values.chunks_exact(1 + self.unknowns).enumerate() {
                row.clear();
                for layer in &layers {
                    let first = layer.cotangents.start..layer.cotangents.start + layer.biases.len();
                    // A residual of a pair depends on the weights at both points.
                    for part in [&layer.cotangents, &layer.activations, &first] {
                        for number in self.numbers_at_copies(number) {
                            row.extend_from_slice(&factors[number * width..][part.clone()]);
                        }
                    }
                }
                row.extend(residual[1..].iter().map(|&slope| T::from_f64(slope)));
                take(residual[0], &blocks(&layers, copies, &row, &ones, weights.len()))?;
            }
        }
        Ok(())
    }
}

/// The blocks of a row whose numbers stand layer by layer: cotangents, activations, slopes by the
/// biases, each of all copies; then the slopes by the unknowns.
fn blocks<'a, T>(
    layers: &[FactoredLayer],
    copies: usize,
    row: &'a [T],
    ones: &'a [T],
    weights: usize,
) -> Vec<FactoredBlock<'a, T>> {
    let mut rest = row;
    let mut next = |count: usize| {
        let (part, others) = rest.split_at(count);
        rest = others;
        part
    };
    let mut blocks = Vec::with_capacity(2 * layers.len() + 1);
    for layer in layers {
        let units = layer.biases.len();
        blocks.push(FactoredBlock {
            first: layer.weights.start,
            units,
            inputs: layer.weights.len() / units.max(1),
            cotangents: next(copies * layer.cotangents.len()),
            activations: next(copies * layer.activations.len()),
        });
        let (first, cotangents) = (layer.biases.start, next(copies * units));
        blocks.push(FactoredBlock { first, units, inputs: 1, cotangents, activations: ones });
    }
    if !rest.is_empty() {
        let (units, activations) = (rest.len(), &ones[..1]);
        let unknowns =
            FactoredBlock { first: weights, units, inputs: 1, cotangents: rest, activations };
        blocks.push(unknowns);
    }
    blocks
}
