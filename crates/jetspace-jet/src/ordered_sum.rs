//! Losses and gradients summed over chunks in a fixed order, by any number of workers.
//!
//! A worker takes the next chunk, sums its tiles into memory of its own, waits until all earlier
//! chunks have been added, and adds its own. Chunks are taken in order, so that waiting is short.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::Real;
use crate::compiled::Compiled;
use crate::engine::{Batch, lock};
use crate::kernels::group_lanes;
use crate::points::TileRange;
use crate::threads::spin_until;
use crate::tile::{Context, Sink, Worker};
use crate::tiling::Tiling;

/// What the workers share.
pub struct OrderedSum<'a, 'b, T: Real> {
    network: &'a Compiled<T>,
    weights: &'a [T],
    batches: &'a [Batch<'b, T>],
    chunks: usize,
    next: AtomicUsize,
    sums: Mutex<Sums<'a, T>>,
    /// A copy of the count in `sums`, to look at without its lock.
    committed: AtomicUsize,
    progress: Condvar,
}

struct Sums<'a, T> {
    gradient: &'a mut [T],
    loss: f64,
    /// Chunks that have been added.
    committed: usize,
    /// A worker panicked: its chunk will never come.
    abandoned: bool,
}

impl<'a, 'b, T: Real> OrderedSum<'a, 'b, T> {
    pub fn new(
        network: &'a Compiled<T>,
        weights: &'a [T],
        batches: &'a [Batch<'b, T>],
        gradient: &'a mut [T],
    ) -> Self {
        let chunks = batches.iter().map(|b| tiling(b).chunks()).sum();
        if chunks == 0 {
            gradient.fill(T::ZERO);
        }
        let sums = Sums { gradient, loss: 0.0, committed: 0, abandoned: false };
        Self {
            network,
            weights,
            batches,
            chunks,
            next: AtomicUsize::new(0),
            sums: Mutex::new(sums),
            committed: AtomicUsize::new(0),
            progress: Condvar::new(),
        }
    }

    /// Takes chunks until none is left.
    pub fn work(&self, worker: &mut Worker) {
        let guard = AbandonOnPanic(self);
        // Out of the worker, so that its other memory can be borrowed meanwhile.
        let mut partial = std::mem::take(&mut worker.partial);
        loop {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.chunks {
                break;
            }
            let gradient = partial.get::<T>(self.network.weights);
            let loss = self.sum_chunk(worker, chunk, gradient);
            if !self.commit(chunk, gradient, loss) {
                break;
            }
        }
        worker.partial = partial;
        std::mem::forget(guard);
    }

    /// The sum of the losses, once all workers are done.
    pub fn loss(self) -> f64 {
        self.sums.into_inner().unwrap_or_else(PoisonError::into_inner).loss
    }

    fn sum_chunk(&self, worker: &mut Worker, mut chunk: usize, gradient: &mut [T]) -> f64 {
        let mut loss = 0.0;
        for batch in self.batches {
            let tiling = tiling(batch);
            if chunk < tiling.chunks() {
                for (i, tile) in tiling.chunk(chunk).enumerate() {
                    loss += self.sum_tile(worker, batch, tile, gradient, i > 0);
                }
                break;
            }
            chunk -= tiling.chunks();
        }
        loss
    }

    fn sum_tile(
        &self,
        worker: &mut Worker,
        batch: &Batch<'_, T>,
        tile: TileRange,
        gradient: &mut [T],
        accumulate: bool,
    ) -> f64 {
        let (plan, points) = (batch.plan, batch.points);
        let call = Context { network: self.network, plan, weights: self.weights, points };
        worker.forward(call, tile, true);
        let (jets, mut cotangents) = worker.jets_and_cotangents(call, tile);
        let loss = (batch.loss)(&jets, &mut cotangents);
        let sink = Sink::Gradient { gradient, accumulate };
        worker.reverse(call, tile, sink, batch.input_gradient.is_some());
        if let Some(target) = &batch.input_gradient {
            let source = worker.input_gradient::<T>(self.network.inputs, tile);
            let lanes = tile.len.next_multiple_of(group_lanes::<T>());
            let mut target = lock(target);
            for (i, column) in source.chunks_exact(lanes).enumerate() {
                target[i * points.len() + tile.first..][..tile.len]
                    .copy_from_slice(&column[..tile.len]);
            }
        }
        loss
    }

    /// Adds a chunk once all earlier ones are there; false if one will never come.
    fn commit(&self, chunk: usize, gradient: &[T], loss: f64) -> bool {
        // The chunk before is nearly done too, because chunks are taken in order.
        spin_until(|| self.committed.load(Ordering::Acquire) >= chunk);
        let mut sums = lock(&self.sums);
        while sums.committed < chunk && !sums.abandoned {
            sums = self.progress.wait(sums).unwrap_or_else(PoisonError::into_inner);
        }
        if sums.abandoned {
            return false;
        }
        if chunk == 0 {
            sums.gradient.copy_from_slice(gradient);
        } else {
            for (sum, part) in sums.gradient.iter_mut().zip(gradient) {
                *sum += *part;
            }
        }
        sums.loss += loss;
        sums.committed += 1;
        self.committed.store(sums.committed, Ordering::Release);
        self.progress.notify_all();
        true
    }
}

fn tiling<T: Real>(batch: &Batch<'_, T>) -> Tiling {
    Tiling::new::<T>(batch.plan, batch.points.len())
}

/// Wakes the workers that wait for a chunk whose worker panicked (in the caller's loss function).
struct AbandonOnPanic<'s, 'a, 'b, T: Real>(&'s OrderedSum<'a, 'b, T>);

impl<T: Real> Drop for AbandonOnPanic<'_, '_, '_, T> {
    fn drop(&mut self) {
        lock(&self.0.sums).abandoned = true;
        self.0.progress.notify_all();
    }
}
