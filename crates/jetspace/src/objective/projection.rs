//! The stochastic projection of second derivatives: ∇û differenced along random directions, against
//! the Hessian of the data.
//!
//! It is no [`Group`](super::group::Group): its jets are those of other points in each evaluation,
//! a residual takes two points, and it is a mean of norms instead of squares. Relies on the engine's
//! jets at the points, and on its gradient at blocks of shifted points and at the points again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jetspace_jet::{
    Batch, CotangentTile, Engine, JetSet, JetTile, MultiIndex, Plan, Points, Real, Strategy,
};

use super::selection::{Selection, TermPoints};
use crate::Error;
use crate::method::TermKind;
use crate::random::Purpose;
use crate::study::{Study, WeightedTerm};

/// Directions of an evaluation, as in the published program.
const DIRECTIONS: usize = 100;

/// σ, as in the published program.
const SHIFT: f64 = 0.01;

/// Shifted points in memory at a time, unless one direction needs more: enough tiles for many
/// threads, and that threads that wait for the last of them do not matter.
const BLOCK: usize = 1 << 15;

/// weight × mean over points x and directions v of
/// ‖(∇û(x + σv) − ∇û(x))/σ − D²u(x) v‖₂,
/// with unit vectors v that are drawn anew in each evaluation and shared by all points.
///
/// ∇ and v have the coordinates that are not parameters. The norm is one over all fields and
/// coordinates together, so that with one field it is that of the paper. Where it is 0, the gradient
/// is taken as 0. (W. M. Czarnecki et al., "Sobolev training for neural networks", NeurIPS 2017;
/// this form and its constants: the program of arXiv 2505.01391.)
///
/// An evaluation costs 100 times one of the term `gradient`.
pub struct Projection<T: Real> {
    /// The term's number in the objective.
    term: usize,
    weight: f64,
    /// What it is multiplied by, besides its weight.
    factor: f64,
    plan: Plan,
    /// The coordinates that data is differentiated by.
    physical: Vec<usize>,
    /// Field and component of ∂û_f/∂xᵢ, at f · d + i for d physical coordinates.
    slopes: Vec<(usize, usize)>,
    /// Known are ∂²u_f/∂xᵢ∂xⱼ, at (f · d + i) · d + j.
    selection: Selection<T>,
    /// d numbers for each.
    directions: Vec<f64>,
}

impl<T: Real> Projection<T> {
    /// Term `number` of an objective at these points.
    pub fn new(
        study: &Study,
        number: usize,
        term: &WeightedTerm,
        place: &TermPoints<'_>,
    ) -> Result<Self, Error> {
        let problem = &study.problem;
        let physical: Vec<usize> = problem.physical().collect();
        let gradient: Vec<MultiIndex> =
            physical.iter().map(|&i| MultiIndex::from_variables(&[i])).collect::<Result<_, _>>()?;
        let mut jets = JetSet::new(problem.coordinates.len())?;
        for &index in &gradient {
            jets = jets.with_derivative(index)?;
        }
        let components = gradient.iter().filter_map(|&index| jets.position(index));
        let components: Vec<usize> = components.collect();
        let fields = 0..problem.fields.len();
        let hessian = TermKind::HessianProjection.columns(problem).into_iter();
        let known = hessian.map(|n| place.data.get(n).cloned().unwrap_or_default());
        Ok(Self {
            term: number,
            weight: term.weight,
            factor: 1.0,
            plan: Plan::new(&study.network, &jets, Strategy::Cheapest)?,
            physical,
            slopes: fields.flat_map(|f| components.iter().map(move |&c| (f, c))).collect(),
            selection: Selection::new(place, &known.collect::<Vec<_>>())?,
            directions: Vec::new(),
        })
    }

    pub fn term(&self) -> usize {
        self.term
    }

    /// Multiplies it from now on.
    pub fn set_factor(&mut self, factor: f64) {
        self.factor = factor;
    }

    pub fn describe(&self) -> String {
        format!("{}, at {DIRECTIONS} shifted points for each point", self.plan)
    }

    /// From now on all points in every evaluation, or mini-batches.
    pub fn use_all(&mut self, all: bool) {
        self.selection.use_all(all);
    }

    /// Gathers the mini-batch of an evaluation, and draws its directions.
    pub fn select(&mut self, seed: u64, evaluation: u64) {
        self.selection.select(seed, evaluation);
        let mut stream = Purpose::Directions { term: self.term, evaluation }.stream(seed);
        self.directions.clear();
        for _ in 0..DIRECTIONS {
            let normal: Vec<f64> = self.physical.iter().map(|_| stream.normal()).collect();
            // Should all components be zero, they stay so.
            let length = norm(normal.iter().copied()).max(f64::MIN_POSITIVE);
            self.directions.extend(normal.iter().map(|v| v / length));
        }
    }

    /// The loss; its gradient is added to `gradient`.
    pub fn gradient(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        self.sweep(engine, weights, gradient, &AtomicUsize::new(usize::MAX))
    }

    /// The coordinates of the first point where a norm is not finite.
    pub fn first_not_finite(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
    ) -> Result<Option<Vec<f64>>, Error> {
        let first = AtomicUsize::new(usize::MAX);
        self.sweep(engine, weights, &mut vec![T::ZERO; weights.len()], &first)?;
        let first = first.into_inner();
        Ok((first != usize::MAX).then(|| self.selection.columns().point(first)))
    }

    /// Loss and gradient, block by block; `first` becomes the first point that is not finite.
    fn sweep(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        gradient: &mut [T],
        first: &AtomicUsize,
    ) -> Result<f64, Error> {
        let columns = self.selection.columns();
        let (points, dimensions) = (columns.len, self.physical.len());
        if points == 0 || dimensions == 0 {
            return Ok(0.0);
        }
        let at_points = self.at_points(engine, weights)?;
        // ∂E/∂(∇û(x + σv)), summed over v: −∂E/∂(∇û(x)).
        let mut sums = vec![0.0; self.slopes.len() * points];
        let mut of_block = vec![T::ZERO; gradient.len()];
        let mut loss = 0.0;
        for directions in self.directions.chunks(dimensions * (BLOCK / points).max(1)) {
            let count = directions.len() / dimensions * points;
            let shifted = self.shifted(directions);
            let shifted = Points::new(count, &shifted);
            let cotangents = Mutex::new(vec![T::ZERO; self.slopes.len() * count]);
            let block = Block { projection: self, directions, at_points: &at_points, first };
            let tile_loss = |jets: &JetTile<'_, T>, of_jets: &mut CotangentTile<'_, T>| {
                let loss = block.tile_loss(jets, of_jets);
                // Kept, to be summed in an order that does not depend on threads.
                let mut cotangents = cotangents.lock().unwrap_or_else(PoisonError::into_inner);
                let rows = cotangents.chunks_exact_mut(count);
                for (row, &(field, component)) in rows.zip(&self.slopes) {
                    row[jets.range()].copy_from_slice(of_jets.component_mut(field, component));
                }
                loss
            };
            let batch = Batch::new(&self.plan, shifted, &tile_loss);
            loss += engine.gradient(weights, &[batch], &mut of_block)?;
            add(gradient, &of_block);
            let cotangents = cotangents.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (sums, row) in sums.chunks_exact_mut(points).zip(cotangents.chunks_exact(count)) {
                for of_direction in row.chunks_exact(points) {
                    sums.iter_mut().zip(of_direction).for_each(|(sum, c)| *sum += c.to_f64());
                }
            }
        }
        let pull_back = |jets: &JetTile<'_, T>, of_jets: &mut CotangentTile<'_, T>| {
            for (sums, &(field, component)) in sums.chunks_exact(points).zip(&self.slopes) {
                let row = of_jets.component_mut(field, component).iter_mut();
                row.zip(&sums[jets.range()]).for_each(|(c, sum)| *c = T::from_f64(-sum));
            }
            0.0
        };
        let batch = Batch::new(&self.plan, columns.points(), &pull_back);
        engine.gradient(weights, &[batch], &mut of_block)?;
        add(gradient, &of_block);
        Ok(loss)
    }

    /// ∇û(x), a row of points for each of `slopes`.
    fn at_points(&self, engine: &mut Engine<T>, weights: &[T]) -> Result<Vec<T>, Error> {
        let points = self.selection.columns().points();
        let components = self.plan.jets().len();
        let mut jets = vec![T::ZERO; self.plan.outputs() * components * points.len()];
        engine.jets(&self.plan, weights, points, &mut jets)?;
        let row = |&(field, component): &(usize, usize)| {
            let from = (field * components + component) * points.len();
            jets[from..from + points.len()].iter().copied()
        };
        Ok(self.slopes.iter().flat_map(row).collect())
    }

    /// x + σv for each of the directions, and for each of them all points.
    fn shifted(&self, directions: &[f64]) -> Vec<T> {
        let columns = self.selection.columns();
        let mut shifted = Vec::new();
        for (i, column) in columns.coordinates.chunks_exact(columns.len).enumerate() {
            let place = self.physical.iter().position(|&p| p == i);
            for v in directions.chunks_exact(self.physical.len()) {
                let by = place.map_or(0.0, |place| SHIFT * v[place]);
                shifted.extend(column.iter().map(|x| T::from_f64(x.to_f64() + by)));
            }
        }
        shifted
    }
}

/// Some of the directions, and for each of them all points.
struct Block<'a, T: Real> {
    projection: &'a Projection<T>,
    directions: &'a [f64],
    at_points: &'a [T],
    first: &'a AtomicUsize,
}

impl<T: Real> Block<'_, T> {
    /// The loss of a tile of shifted points, and its cotangents by their jets alone.
    fn tile_loss(&self, jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>) -> f64 {
        let Projection { slopes, physical, selection, weight, factor, .. } = self.projection;
        let columns = selection.columns();
        let (points, dimensions) = (columns.len, physical.len());
        let scale = weight * factor / (points * DIRECTIONS) as f64;
        let at_shifted: Vec<&[T]> = slopes.iter().map(|&(f, c)| jets.component(f, c)).collect();
        let mut residual = vec![0.0; slopes.len()];
        let mut loss = 0.0;
        for (lane, number) in jets.range().enumerate() {
            let (p, v) = (number % points, &self.directions[number / points * dimensions..]);
            let hessian = columns.known.chunks_exact(dimensions);
            for (k, (r, hessian)) in residual.iter_mut().zip(hessian).enumerate() {
                let there = at_shifted[k][lane].to_f64();
                let here = self.at_points[k * points + p].to_f64();
                let of_data = hessian.iter().zip(v).map(|(column, v)| column[p].to_f64() * v);
                *r = (there - here) / SHIFT - of_data.sum::<f64>();
            }
            let norm = norm(residual.iter().copied());
            if !norm.is_finite() {
                self.first.fetch_min(p, Ordering::Relaxed);
            }
            let factor = if norm == 0.0 { 0.0 } else { scale / (norm * SHIFT) };
            for (&(field, component), r) in slopes.iter().zip(&residual) {
                cotangents.component_mut(field, component)[lane] = T::from_f64(factor * r);
            }
            loss += scale * norm;
        }
        loss
    }
}

fn norm(vector: impl Iterator<Item = f64>) -> f64 {
    vector.map(|x| x * x).sum::<f64>().sqrt()
}

fn add<T: Real>(sum: &mut [T], part: &[T]) {
    sum.iter_mut().zip(part).for_each(|(sum, &part)| *sum += part);
}

#[cfg(test)]
mod tests;
