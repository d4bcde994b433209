//! The engine: jets, gradients and Jacobians over any number of points, tile by tile, on any number
//! of threads, with the same bits for each.
//!
//! Points are cut into tiles whose size depends on the plan and the number of points only; tiles
//! form *chunks*. A chunk is summed by one thread; the sums of the chunks are added in their order.
//! So the order of every addition is fixed, whoever computes what.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::compiled::Compiled;
use crate::error::expect_len;
use crate::factors::FactoredLayer;
use crate::instruction_set::InstructionSet;
use crate::kernels::group_lanes;
use crate::network::Network;
use crate::ordered_sum::OrderedSum;
use crate::parameter_map::ParameterMap;
use crate::plan::Plan;
use crate::points::{CotangentTile, JetTile, Points, TileRange};
use crate::threads::Threads;
use crate::tile::{Context, Sink, Worker};
use crate::tiling::Tiling;
use crate::{JetError, Real};

/// The loss of one tile: reads the jets, adds ∂loss/∂jet to the cotangents, returns its part of
/// the loss.
pub type TileLoss<'a, T> = dyn Fn(&JetTile<'_, T>, &mut CotangentTile<'_, T>) -> f64 + Sync + 'a;

/// The linearisation of one tile's residuals: called with r = 0, 1, …, it writes ∂(residual r)/∂jet.
pub type TileLinearisation<'a, T> =
    dyn Fn(&JetTile<'_, T>, usize, &mut CotangentTile<'_, T>) + Sync + 'a;

/// One part of an objective: a point set, the jets needed there, and the loss.
pub struct Batch<'a, T> {
    pub(crate) plan: &'a Plan,
    pub(crate) points: Points<'a, T>,
    pub(crate) loss: &'a TileLoss<'a, T>,
    pub(crate) input_gradient: Option<Mutex<&'a mut [T]>>,
}

impl<'a, T: Real> Batch<'a, T> {
    /// The loss over the plan's jets at these points.
    #[must_use]
    pub fn new(plan: &'a Plan, points: Points<'a, T>, loss: &'a TileLoss<'a, T>) -> Self {
        Self { plan, points, loss, input_gradient: None }
    }

    /// Also asks for ∂loss/∂(coordinates), in the layout of the points' columns.
    #[must_use]
    pub fn with_input_gradient(self, target: &'a mut [T]) -> Self {
        Self { input_gradient: Some(Mutex::new(target)), ..self }
    }
}

/// Evaluates a network's jets and differentiates functions of them.
///
/// ```
/// use jetspace_jet::*;
/// let network = Network::dense(1, &[20, 20], 1, Activation::Tanh)?;
/// let parameters: Vec<f64> = network.initialise(Initialisation::PyTorch, 1);
/// let jets = JetSet::new(1)?.with_order(2)?;
/// let plan = Plan::new(&network, &jets, Strategy::Cheapest)?;
/// let mut engine = Engine::<f64>::new(&network, Threads::single());
///
/// // u, u_x, u_xx at three points: one column each.
/// let x = [-1.0, 0.0, 1.0];
/// let mut out = [0.0; 9];
/// engine.jets(&plan, &parameters, Points::new(3, &x), &mut out)?;
///
/// // The gradient of ½ Σ (u_xx + u)².
/// let loss = |jets: &JetTile<f64>, cotangents: &mut CotangentTile<f64>| {
///     let mut sum = 0.0;
///     for (p, (u, u_xx)) in jets.component(0, 0).iter().zip(jets.component(0, 2)).enumerate() {
///         let residual = u_xx + u;
///         cotangents.component_mut(0, 0)[p] = residual;
///         cotangents.component_mut(0, 2)[p] = residual;
///         sum += 0.5 * residual * residual;
///     }
///     sum
/// };
/// let mut gradient = vec![0.0; network.parameter_count()];
/// let batch = Batch::new(&plan, Points::new(3, &x), &loss);
/// let value = engine.gradient(&parameters, &[batch], &mut gradient)?;
/// assert!(value > 0.0);
/// # Ok::<(), JetError>(())
/// ```
pub struct Engine<T: Real> {
    network: Compiled<T>,
    map: ParameterMap<T>,
    threads: Threads,
    workers: Vec<Worker>,
    weight_gradient: Vec<T>,
}

impl<T: Real> Engine<T> {
    /// An engine for this network on these threads, with the best instruction set there is.
    #[must_use]
    pub fn new(network: &Network, threads: Threads) -> Self {
        Self::with_instruction_set(network, threads, InstructionSet::best())
    }

    /// The same on a given instruction set, to compare or to test.
    #[must_use]
    pub fn with_instruction_set(network: &Network, threads: Threads, set: InstructionSet) -> Self {
        let network = Compiled::new(network);
        let workers =
            (0..threads.count()).map(|_| Worker::new(set.arch(), network.layers.len())).collect();
        let map = ParameterMap::identity();
        Self { network, map, threads, workers, weight_gradient: Vec::new() }
    }

    /// Makes the weights a linear function of the parameters.
    ///
    /// # Errors
    /// The map makes another number of weights than the network has.
    pub fn with_parameter_map(mut self, map: ParameterMap<T>) -> Result<Self, JetError> {
        map.parameter_count(self.network.weights)?;
        self.map = map;
        Ok(self)
    }

    /// Number of parameters: of weights and biases, or what the parameter map makes them from.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.map.parameter_count(self.network.weights).unwrap_or(self.network.weights)
    }

    /// The number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.count()
    }

    /// The jets at all points: `out[(field * components + component) * points + p]`, fields and
    /// components in their order.
    ///
    /// # Errors
    /// A length that does not fit the network, the plan or the points.
    pub fn jets(
        &mut self,
        plan: &Plan,
        parameters: &[T],
        points: Points<'_, T>,
        out: &mut [T],
    ) -> Result<(), JetError> {
        self.check(plan, parameters, &points)?;
        let rows = plan.outputs() * plan.jets().len();
        expect_len("numbers in the output", rows * points.len(), out.len())?;
        let weights = self.map.expand(parameters);
        let network = &self.network;
        let call = Context { network, plan, weights: &weights, points };
        let work = Tiling::new::<T>(plan, points.len());
        let (next, out) = (AtomicUsize::new(0), Mutex::new(out));
        self.threads.run(&mut self.workers, |worker| {
            while let Some(tile) = work.tile(next.fetch_add(1, Ordering::Relaxed)) {
                worker.forward(call, tile, false);
                let (jets, _) = worker.jets_and_cotangents::<T>(call, tile);
                let mut out = lock(&out);
                for row in 0..rows {
                    let from = jets.component(row / plan.jets().len(), row % plan.jets().len());
                    out[row * points.len() + tile.first..][..tile.len].copy_from_slice(from);
                }
            }
        });
        Ok(())
    }

    /// The sum of the batches' losses, and its gradient with respect to the parameters.
    ///
    /// # Errors
    /// A length that does not fit the network, a plan or its points.
    pub fn gradient(
        &mut self,
        parameters: &[T],
        batches: &[Batch<'_, T>],
        gradient: &mut [T],
    ) -> Result<f64, JetError> {
        expect_len("numbers in the gradient", self.parameter_count(), gradient.len())?;
        for batch in batches {
            self.check(batch.plan, parameters, &batch.points)?;
            if let Some(target) = &batch.input_gradient {
                let expected = self.network.inputs * batch.points.len();
                expect_len("numbers in the inputs' gradient", expected, lock(target).len())?;
            }
        }
        if self.map.is_identity() {
            return Ok(self.sum(parameters, batches, gradient));
        }
        let weights = self.map.expand(parameters);
        let mut sums = std::mem::take(&mut self.weight_gradient);
        sums.resize(self.network.weights, T::ZERO);
        let loss = self.sum(&weights, batches, &mut sums);
        self.map.pull_back(&sums, gradient);
        self.weight_gradient = sums;
        Ok(loss)
    }

    fn sum(&mut self, weights: &[T], batches: &[Batch<'_, T>], gradient: &mut [T]) -> f64 {
        let shared = OrderedSum::new(&self.network, weights, batches, gradient);
        self.threads.run(&mut self.workers, |worker| shared.work(worker));
        shared.loss()
    }

    /// The rows of the residuals' Jacobian with respect to the parameters, `residuals` rows a point:
    /// `rows[(p * residuals + r) * parameters + j]` = ∂(residual r at point p)/∂(parameter j).
    ///
    /// # Errors
    /// A length that does not fit.
    pub fn jacobian(
        &mut self,
        plan: &Plan,
        parameters: &[T],
        points: Points<'_, T>,
        residuals: usize,
        linearisation: &TileLinearisation<'_, T>,
        rows: &mut [T],
    ) -> Result<(), JetError> {
        self.check(plan, parameters, &points)?;
        let count = self.parameter_count();
        let expected = points.len().saturating_mul(residuals).saturating_mul(count);
        expect_len("numbers in the Jacobian", expected, rows.len())?;
        let weights = self.map.expand(parameters);
        let (network, map) = (&self.network, &self.map);
        let call = Context { network, plan, weights: &weights, points };
        let sweep = ResidualSweep { call, residuals, linearisation, width: count };
        sweep.run(&self.threads, &mut self.workers, rows, &|worker, tile, rows, stride| {
            if map.is_identity() {
                worker.reverse(call, tile, Sink::Rows { rows, stride }, false);
                return;
            }
            let mut buffer = std::mem::take(&mut worker.partial);
            let unmapped = buffer.get::<T>(tile.len * network.weights);
            let sink = Sink::Rows { rows: unmapped, stride: network.weights };
            worker.reverse(call, tile, sink, false);
            let unmapped = unmapped.chunks_exact(network.weights);
            for (row, unmapped) in rows.chunks_mut(stride).zip(unmapped) {
                map.pull_back(unmapped, &mut row[..count]);
            }
            worker.partial = buffer;
        });
        Ok(())
    }

    /// Where the numbers of [`jacobian_factors`](Self::jacobian_factors) are, layer by layer.
    #[must_use]
    pub fn factored_layers(&self, plan: &Plan) -> Vec<FactoredLayer> {
        FactoredLayer::all(&self.network, plan)
    }

    /// The rows of [`jacobian`](Self::jacobian) in factors, `residuals` of them a point: those of residual
    /// r at point p are the numbers `factors[(p * residuals + r) * width..][..width]`, of which each of the
    /// [`factored_layers`](Self::factored_layers) has its own.
    ///
    /// # Errors
    /// A length that does not fit; weights that are made from parameters by a map.
    pub fn jacobian_factors(
        &mut self,
        plan: &Plan,
        parameters: &[T],
        points: Points<'_, T>,
        residuals: usize,
        linearisation: &TileLinearisation<'_, T>,
        factors: &mut [T],
    ) -> Result<(), JetError> {
        if !self.map.is_identity() {
            return Err(JetError::MappedFactors);
        }
        self.check(plan, parameters, &points)?;
        let layers = self.factored_layers(plan);
        let width = layers.last().map_or(0, |layer| layer.activations.end);
        let expected = points.len().saturating_mul(residuals).saturating_mul(width);
        expect_len("numbers in the Jacobian's factors", expected, factors.len())?;
        let call = Context { network: &self.network, plan, weights: parameters, points };
        let sweep = ResidualSweep { call, residuals, linearisation, width };
        sweep.run(&self.threads, &mut self.workers, factors, &|worker, tile, factors, stride| {
            let sink = Sink::Factors { factors, stride, layers: &layers };
            worker.reverse(call, tile, sink, false);
        });
        Ok(())
    }

    /// J·v without J: `out[p * residuals + r]` = Σ_j ∂(residual r at point p)/∂(parameter j) · v_j.
    ///
    /// # Errors
    /// A length that does not fit.
    #[allow(clippy::too_many_arguments)] // As many as `jacobian`, and the vector.
    pub fn jacobian_times(
        &mut self,
        plan: &Plan,
        parameters: &[T],
        points: Points<'_, T>,
        residuals: usize,
        linearisation: &TileLinearisation<'_, T>,
        vector: &[T],
        out: &mut [T],
    ) -> Result<(), JetError> {
        self.check(plan, parameters, &points)?;
        expect_len("numbers in the vector", self.parameter_count(), vector.len())?;
        let expected = points.len().saturating_mul(residuals);
        expect_len("numbers in the product", expected, out.len())?;
        let (weights, vector) = (self.map.expand(parameters), self.map.expand(vector));
        let call = Context { network: &self.network, plan, weights: &weights, points };
        let sweep = ResidualSweep { call, residuals, linearisation, width: 1 };
        sweep.run(&self.threads, &mut self.workers, out, &|worker, tile, out, stride| {
            let mut buffer = std::mem::take(&mut worker.lane_values);
            let sums = buffer.get::<T>(tile.len.next_multiple_of(group_lanes::<T>()));
            sums.fill(T::ZERO);
            let sink = Sink::Product { vector: &vector, out: sums };
            worker.reverse(call, tile, sink, false);
            for (out, sum) in out.iter_mut().step_by(stride).zip(&*sums) {
                *out = *sum;
            }
            worker.lane_values = buffer;
        });
        Ok(())
    }

    /// Jᵀ·w without J, for weights `w[p * residuals + r]`, into `out`, one number per parameter.
    ///
    /// # Errors
    /// A length that does not fit.
    #[allow(clippy::too_many_arguments)] // As many as `jacobian`, and the vector.
    pub fn jacobian_transposed_times(
        &mut self,
        plan: &Plan,
        parameters: &[T],
        points: Points<'_, T>,
        residuals: usize,
        linearisation: &TileLinearisation<'_, T>,
        vector: &[T],
        out: &mut [T],
    ) -> Result<(), JetError> {
        expect_len("numbers in the vector", points.len().saturating_mul(residuals), vector.len())?;
        // The gradient of Σ w·r for residuals that are linear with these cotangents.
        let loss = |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
            let rows = cotangents.data.len() / cotangents.shape.lanes.max(1);
            let lanes = cotangents.shape.lanes;
            let mut scratch = vec![T::ZERO; cotangents.data.len()];
            for r in 0..residuals {
                scratch.fill(T::ZERO);
                let mut one = CotangentTile { shape: cotangents.shape, data: &mut scratch };
                linearisation(jets, r, &mut one);
                for row in 0..rows {
                    for (lane, p) in jets.range().enumerate() {
                        let at = row * lanes + lane;
                        cotangents.data[at] += vector[p * residuals + r] * scratch[at];
                    }
                }
            }
            0.0
        };
        self.gradient(parameters, &[Batch::new(plan, points, &loss)], out).map(|_| ())
    }

    fn check(&self, plan: &Plan, parameters: &[T], points: &Points<'_, T>) -> Result<(), JetError> {
        expect_len("parameters", self.parameter_count(), parameters.len())?;
        expect_len("coordinates of the plan", self.network.inputs, plan.jets().coordinates())?;
        expect_len("outputs of the plan", self.network.outputs, plan.outputs())?;
        points.check(plan.jets().coordinates(), plan.jets().directions())
    }
}

/// One reverse sweep for each residual of each tile, with as many numbers for each residual of a point
/// to write.
struct ResidualSweep<'a, T: Real> {
    call: Context<'a, T>,
    residuals: usize,
    linearisation: &'a TileLinearisation<'a, T>,
    /// Numbers of a residual of a point.
    width: usize,
}

impl<T: Real> ResidualSweep<'_, T> {
    /// Calls `reverse` with the numbers of a tile, of which those of each point begin with those of the
    /// residual to sweep for, and with the distance between points.
    fn run(
        &self,
        threads: &Threads,
        workers: &mut [Worker],
        out: &mut [T],
        reverse: &(impl Fn(&mut Worker, TileRange, &mut [T], usize) + Sync),
    ) {
        if out.is_empty() {
            return;
        }
        let (call, stride) = (self.call, self.residuals * self.width);
        let work = Tiling::new::<T>(call.plan, call.points.len());
        // A tile's numbers are contiguous: whoever takes the next tile takes its numbers.
        let queue = Mutex::new(out.chunks_mut(work.points_per_tile * stride).enumerate());
        threads.run(workers, |worker| {
            loop {
                let next = lock(&queue).next();
                let Some((index, out)) = next else { break };
                let Some(tile) = work.tile(index) else { break };
                worker.forward(call, tile, true);
                for r in 0..self.residuals {
                    let (jets, mut cotangents) = worker.jets_and_cotangents(call, tile);
                    (self.linearisation)(&jets, r, &mut cotangents);
                    reverse(worker, tile, &mut out[r * self.width..], stride);
                }
            }
        });
    }
}

/// Locks; a panic in a loss function has left nothing half-written that anyone would read.
pub fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
