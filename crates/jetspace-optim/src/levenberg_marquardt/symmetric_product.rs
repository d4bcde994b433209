//! G ← G + X Xᵀ with `faer`, and work shared by threads so that they change no bit.

use std::sync::{Mutex, PoisonError};
use std::thread;

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::{Accum, MatMut, MatRef, Par};

/// Columns of G that a thread takes at a time.
const STRIP: usize = 128;

/// Adds X Xᵀ to G, column by column, of which what is above the diagonal is never written. A strip of
/// columns is one call on one thread: so the order of additions depends on X's shape only.
pub(super) fn add_symmetric_product(gram: &mut [f64], x: MatRef<'_, f64>, threads: usize) {
    let side = x.nrows();
    let strips = gram.chunks_mut((side * STRIP).max(1)).enumerate();
    share(threads.min(side.div_ceil(STRIP)), strips, |(number, strip)| {
        let (first, columns) = (number * STRIP, strip.len() / side);
        let right = x.subrows(first, columns).transpose();
        let strip = MatMut::from_column_major_slice_mut(strip, side, columns);
        let (diagonal, below) = strip.split_at_row_mut(first).1.split_at_row_mut(columns);
        triangular_matmul(
            diagonal,
            BlockStructure::TriangularLower,
            Accum::Add,
            x.subrows(first, columns),
            BlockStructure::Rectangular,
            right,
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
        let rest = first + columns;
        matmul(below, Accum::Add, x.subrows(rest, side - rest), right, 1.0, Par::Seq);
    });
}

/// Does `work` on every item, on so many threads, the caller's among them.
pub(super) fn share<I: Send>(
    threads: usize,
    items: impl Iterator<Item = I> + Send,
    work: impl Fn(I) + Sync,
) {
    let items = Mutex::new(items);
    let work = || {
        loop {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(item) = next else { break };
            work(item);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system refuses a thread, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}
