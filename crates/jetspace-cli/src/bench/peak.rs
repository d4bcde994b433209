//! The most that the processor can do: fused multiply-adds that depend on nothing.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Independent sums: enough to hide the latency of a multiply-add (4 cycles, two a cycle), few
/// enough to stay in 16 registers with the two factors.
const SUMS: usize = 12;
/// Multiply-adds on each sum between two looks at the clock.
const REPEATS: usize = 4096;
/// Length of a sample in seconds, and how many samples are taken.
const SAMPLE: f64 = 0.02;
const SAMPLES: usize = 6;

/// A type that the processor multiplies and adds.
pub trait Peak: Copy + Send {
    /// Runs the multiply-adds; returns how many operations that was, on all lanes.
    fn multiply_add<S: Simd>(simd: S) -> usize;
}

macro_rules! peak {
    ($t:ty, $splat:ident, $fma:ident, $add:ident, $sum:ident, $register:ident) => {
        impl Peak for $t {
            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S) -> usize {
                let factor = simd.$splat(black_box(0.999));
                let term = simd.$splat(black_box(1e-3));
                let mut sums = [simd.$splat(black_box(1.0)); SUMS];
                for _ in 0..REPEATS {
                    for sum in &mut sums {
                        *sum = simd.$fma(*sum, factor, term);
                    }
                }
                let total = sums.into_iter().reduce(|a, b| simd.$add(a, b));
                black_box(total.map(|total| simd.$sum(total)));
                2 * REPEATS * SUMS * size_of::<S::$register>() / size_of::<Self>()
            }
        }
    };
}

peak!(f32, splat_f32s, mul_add_e_f32s, add_f32s, reduce_sum_f32s, f32s);
peak!(f64, splat_f64s, mul_add_e_f64s, add_f64s, reduce_sum_f64s, f64s);

struct Kernel<T>(std::marker::PhantomData<T>);

impl<T: Peak> WithSimd for Kernel<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        T::multiply_add(simd)
    }
}

/// Billions of floating-point operations per second on all threads at once: the best sample.
pub fn gflops<T: Peak>(threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let worker = || -> [f64; SAMPLES] {
        let arch = Arch::new();
        std::array::from_fn(|_| {
            barrier.wait();
            let (start, mut operations) = (Instant::now(), 0);
            loop {
                operations += arch.dispatch(Kernel::<T>(std::marker::PhantomData));
                let seconds = start.elapsed().as_secs_f64();
                if seconds > SAMPLE {
                    return operations as f64 / seconds * 1e-9;
                }
            }
        })
    };
    let rates: Vec<[f64; SAMPLES]> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let own = worker();
        // A thread that panicked has printed why; it adds nothing to the peak.
        std::iter::once(own).chain(others.into_iter().filter_map(|o| o.join().ok())).collect()
    });
    let sample = |i: usize| rates.iter().map(|rate| rate[i]).sum::<f64>();
    (0..SAMPLES).map(sample).fold(0.0, f64::max)
}
