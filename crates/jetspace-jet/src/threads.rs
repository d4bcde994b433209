//! Threads as an explicit argument: how many, and a pool that belongs to whoever asked for it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;

use crate::JetError;

/// A number of threads, and the pool behind it.
///
/// One thread means the caller's own: no pool is started.
#[derive(Debug)]
pub struct Threads {
    /// One thread fewer than asked for: the caller works too.
    pool: Option<ThreadPool>,
}

impl Threads {
    /// The caller's own thread and nothing else.
    #[must_use]
    pub fn single() -> Self {
        Self { pool: None }
    }

    /// `count` threads, the caller's among them; 0 means as many as the machine offers.
    ///
    /// # Errors
    /// The operating system refuses to start them.
    pub fn new(count: usize) -> Result<Self, JetError> {
        let count = match count {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            n => n,
        };
        if count == 1 {
            return Ok(Self::single());
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count - 1)
            .thread_name(|i| format!("jetspace-{}", i + 1))
            .build()
            .map_err(|e| JetError::Threads { threads: count, reason: e.to_string() })?;
        Ok(Self { pool: Some(pool) })
    }

    /// The number of threads.
    #[must_use]
    pub fn count(&self) -> usize {
        1 + self.pool.as_ref().map_or(0, ThreadPool::current_num_threads)
    }

    /// Calls `work` once for each of the workers, at the same time where there are threads.
    pub(crate) fn run<W: Send>(&self, workers: &mut [W], work: impl Fn(&mut W) + Sync) {
        let work = &work;
        let Some((own, others)) = workers.split_first_mut() else { return };
        let running = &AtomicUsize::new(others.len());
        match &self.pool {
            Some(pool) if !others.is_empty() => pool.in_place_scope(|scope| {
                for worker in others {
                    scope.spawn(move |_| {
                        work(worker);
                        running.fetch_sub(1, Ordering::Release);
                    });
                }
                work(own);
                // The others are nearly done too; sleeping until then would cost more than it
                // saves.
                spin_until(|| running.load(Ordering::Acquire) == 0);
            }),
            _ => work(own),
        }
    }
}

/// Waits for a condition that should hold within microseconds; gives up (without harm) after about
/// a hundred.
pub fn spin_until(condition: impl Fn() -> bool) {
    for _ in 0..SPINS {
        if condition() {
            return;
        }
        spin_loop();
    }
}

/// A pause takes 20 to 150 processor cycles, depending on the model.
const SPINS: usize = 5000;
