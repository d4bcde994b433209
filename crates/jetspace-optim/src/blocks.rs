//! Vectors in aligned blocks, and the loops over them that quasi-Newton methods spend their time in:
//! plain loops over the lanes of a block, which the caller's `WithSimd` compiles for each instruction
//! set.
//!
//! Each lane has a partial sum of its own, and lanes are added in a fixed order: so a sum has the
//! same bits on every machine, and its rounding error grows with n/32 instead of n.

use crate::Float;

pub(crate) const LANES: usize = 32;

/// Some numbers of a vector, on cache lines of their own: loads that straddle two lines cost twice
/// as much. Lanes behind the vector's end are 0.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Block<T>(pub(crate) [T; LANES]);

impl<T: Float> Default for Block<T> {
    fn default() -> Self {
        Self([T::default(); LANES])
    }
}

/// The vector 0 of `len` numbers.
pub(crate) fn zeros<T: Float>(len: usize) -> Vec<Block<T>> {
    vec![Block::default(); len.div_ceil(LANES)]
}

/// x ← numbers, as many as the vector has.
pub(crate) fn load<T: Float>(x: &mut [Block<T>], numbers: &[T]) {
    for (x, numbers) in x.iter_mut().zip(numbers.chunks(LANES)) {
        x.0[..numbers.len()].copy_from_slice(numbers);
    }
}

/// The first `len` numbers of x.
pub(crate) fn numbers<T: Float>(x: &[Block<T>], len: usize) -> impl Iterator<Item = T> {
    x.iter().flat_map(|x| x.0).take(len)
}

/// numbers ← numbers + x.
#[inline(always)]
pub(crate) fn add_to<T: Float>(numbers: &mut [T], x: &[Block<T>]) {
    for (numbers, x) in numbers.chunks_mut(LANES).zip(x) {
        for (number, &x) in numbers.iter_mut().zip(&x.0) {
            *number = *number + x;
        }
    }
}

/// numbers ← x + a d; whether any of them differs from x.
#[inline(always)]
pub(crate) fn walk<T: Float>(numbers: &mut [T], x: &[Block<T>], a: T, d: &[Block<T>]) -> bool {
    let mut differs = false;
    for ((numbers, x), d) in numbers.chunks_mut(LANES).zip(x).zip(d) {
        for ((number, &x), &d) in numbers.iter_mut().zip(&x.0).zip(&d.0) {
            *number = x + a * d;
            differs |= *number != x;
        }
    }
    differs
}

/// q ← a q.
#[inline(always)]
pub(crate) fn scale<T: Float>(q: &mut [Block<T>], a: T) {
    for q in q {
        for lane in 0..LANES {
            q.0[lane] = a * q.0[lane];
        }
    }
}

/// q ← x − q.
#[inline(always)]
pub(crate) fn subtract_from<T: Float>(x: &[Block<T>], q: &mut [Block<T>]) {
    for (q, x) in q.iter_mut().zip(x) {
        for lane in 0..LANES {
            q.0[lane] = x.0[lane] - q.0[lane];
        }
    }
}

/// x·y.
#[inline(always)]
pub(crate) fn dot<T: Float>(x: &[Block<T>], y: &[Block<T>]) -> f64 {
    let mut sums = Block::<T>::default();
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            sums.0[lane] = sums.0[lane] + x.0[lane] * y.0[lane];
        }
    }
    fold(sums, T::add).to_f64()
}

/// q ← q + a x, and then q·z, in one pass.
#[inline(always)]
pub(crate) fn add_then_dot<T: Float>(
    q: &mut [Block<T>],
    a: T,
    x: &[Block<T>],
    z: &[Block<T>],
) -> f64 {
    let mut sums = Block::<T>::default();
    for ((q, x), z) in q.iter_mut().zip(x).zip(z) {
        for lane in 0..LANES {
            q.0[lane] = q.0[lane] + a * x.0[lane];
            sums.0[lane] = sums.0[lane] + q.0[lane] * z.0[lane];
        }
    }
    fold(sums, T::add).to_f64()
}

/// ‖x‖₁.
#[inline(always)]
pub(crate) fn norm_1<T: Float>(x: &[Block<T>]) -> f64 {
    let mut sums = Block::<T>::default();
    for x in x {
        for lane in 0..LANES {
            sums.0[lane] = sums.0[lane] + x.0[lane].abs();
        }
    }
    fold(sums, T::add).to_f64()
}

/// ‖x‖_∞ of a vector without NaN.
#[inline(always)]
pub(crate) fn norm_max<T: Float>(x: &[Block<T>]) -> f64 {
    let mut largest = Block::<T>::default();
    for x in x {
        for lane in 0..LANES {
            largest.0[lane] = largest.0[lane].max(x.0[lane].abs());
        }
    }
    fold(largest, T::max).to_f64()
}

/// Joins all lanes, half with half.
#[inline(always)]
pub(crate) fn fold<T: Float>(Block(mut lanes): Block<T>, join: impl Fn(T, T) -> T) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = join(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(numbers: &[f64]) -> Vec<Block<f64>> {
        let mut blocks = zeros(numbers.len());
        load(&mut blocks, numbers);
        blocks
    }

    proptest! {
        #[test]
        fn loops_do_what_their_formulas_say(
            pairs in prop::collection::vec((-1e3..1e3, -1e3..1e3, -1e3..1e3), 0..200),
            a in -10.0..10.0,
        ) {
            let column = |f: fn(&(f64, f64, f64)) -> f64| pairs.iter().map(f).collect::<Vec<f64>>();
            let (x, y, z) = (column(|p| p.0), column(|p| p.1), column(|p| p.2));
            let exact = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).collect::<Vec<f64>>();
            let close = |found: f64, terms: Vec<f64>| {
                let size: f64 = terms.iter().map(|t| t.abs()).sum();
                (found - terms.iter().sum::<f64>()).abs() <= 1e-14 * size
            };
            let (bx, by, bz) = (blocks(&x), blocks(&y), blocks(&z));
            let read = |b: &[Block<f64>]| numbers(b, x.len()).collect::<Vec<f64>>();
            prop_assert_eq!(read(&bx), x.clone());

            prop_assert!(close(dot(&bx, &by), exact(&|i| x[i] * y[i])));
            prop_assert!(close(norm_1(&bx), exact(&|i| x[i].abs())));
            let largest = x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            prop_assert_eq!(norm_max(&bx), largest);

            let mut q = by.clone();
            subtract_from(&bx, &mut q);
            prop_assert_eq!(read(&q), exact(&|i| x[i] - y[i]));
            let product = add_then_dot(&mut q, a, &by, &bz);
            let expected = exact(&|i| (x[i] - y[i]) + a * y[i]);
            prop_assert!(close(product, exact(&|i| expected[i] * z[i])));
            prop_assert_eq!(&read(&q), &expected);
            scale(&mut q, a);
            prop_assert_eq!(read(&q), exact(&|i| a * expected[i]));
            let mut sum = y.clone();
            add_to(&mut sum, &bx);
            prop_assert_eq!(&sum, &exact(&|i| y[i] + x[i]));
            let differs = walk(&mut sum, &by, a, &bx);
            prop_assert_eq!(&sum, &exact(&|i| y[i] + a * x[i]));
            prop_assert_eq!(differs, sum != y);
            prop_assert!(!walk(&mut sum, &by, 0.0, &bx) && sum == y);
        }
    }

    #[test]
    fn norms_notice_what_is_not_finite() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut numbers = vec![1.0; 70];
            numbers[69] = bad;
            assert!(!norm_1(&blocks(&numbers)).is_finite());
        }
    }
}
