//! The pairs (s, y) that L-BFGS remembers, and the quasi-Newton direction that follows from them.
//!
//! J. Nocedal, S. J. Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithm 7.4 (the two-loop
//! recursion of J. Nocedal, *Math. Comp.* 35, 1980). What it costs is reading all pairs twice, so
//! each update of the vector and the scalar product that follows it are one pass.

use crate::Float;
use crate::blocks::{Block, add_then_dot, dot, scale};

/// The latest pairs of a step s and the change y of the gradient along it, in two rings.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    /// The largest number of pairs, at least 1.
    capacity: usize,
    /// Blocks of one vector.
    blocks: usize,
    /// The slot of the oldest pair.
    oldest: usize,
    steps: Vec<Block<T>>,
    changes: Vec<Block<T>>,
    /// ρ = 1/(y·s), slot by slot.
    inverse_curvatures: Vec<f64>,
    /// α of the first loop, slot by slot.
    coefficients: Vec<f64>,
    /// γ = y·s / y·y of the newest pair; 1 without pairs.
    scale: f64,
}

impl<T: Float> History<T> {
    pub fn new(capacity: usize, blocks: usize) -> Self {
        Self {
            capacity,
            blocks,
            oldest: 0,
            steps: Vec::new(),
            changes: Vec::new(),
            inverse_curvatures: Vec::new(),
            coefficients: Vec::new(),
            scale: 1.0,
        }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.inverse_curvatures.len()
    }

    /// The steps s, the oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &[Block<T>]> {
        (0..self.len()).map(|age| self.step(self.slot(age)))
    }

    /// The changes y, the oldest first.
    pub fn changes(&self) -> impl Iterator<Item = &[Block<T>]> {
        (0..self.len()).map(|age| self.change(self.slot(age)))
    }

    /// The slot of a pair that is counted from the oldest.
    #[inline(always)]
    fn slot(&self, place: usize) -> usize {
        (self.oldest + place) % self.len()
    }

    #[inline(always)]
    fn step(&self, slot: usize) -> &[Block<T>] {
        &self.steps[slot * self.blocks..][..self.blocks]
    }

    #[inline(always)]
    fn change(&self, slot: usize) -> &[Block<T>] {
        &self.changes[slot * self.blocks..][..self.blocks]
    }

    /// Forgets all pairs.
    pub fn clear(&mut self) {
        *self = Self::new(self.capacity, self.blocks);
    }

    /// Remembers a pair if the curvature y·s along it is above `min_curvature`, and says whether it
    /// is; the oldest one makes room for it.
    #[inline(always)]
    pub fn push(&mut self, step: &[Block<T>], change: &[Block<T>], min_curvature: f64) -> bool {
        let curvature = dot(change, step);
        let is_enough = curvature > min_curvature; // Not so if it is NaN.
        if !is_enough {
            return false;
        }
        self.scale = curvature / dot(change, change);
        if self.len() < self.capacity {
            self.steps.extend_from_slice(step);
            self.changes.extend_from_slice(change);
            self.inverse_curvatures.push(1.0 / curvature);
            self.coefficients.push(0.0);
        } else {
            let slot = self.oldest;
            self.steps[slot * self.blocks..][..self.blocks].copy_from_slice(step);
            self.changes[slot * self.blocks..][..self.blocks].copy_from_slice(change);
            self.inverse_curvatures[slot] = 1.0 / curvature;
            self.oldest = (slot + 1) % self.capacity;
        }
        true
    }

    /// d ← −H g, where H is the inverse Hessian that the pairs imply; returns g·d.
    #[inline(always)]
    pub fn direction(&mut self, gradient: &[Block<T>], d: &mut [Block<T>]) -> f64 {
        d.copy_from_slice(gradient);
        scale(d, T::from_f64(-1.0));
        let len = self.len();
        if len == 0 {
            return dot(gradient, d);
        }
        let mut projection = dot(self.step(self.slot(len - 1)), d);
        for place in (0..len).rev() {
            let slot = self.slot(place);
            let alpha = self.inverse_curvatures[slot] * projection;
            self.coefficients[slot] = alpha;
            // The last product is the second loop's first, but for the scale.
            let next = if place == 0 { self.change(slot) } else { self.step(self.slot(place - 1)) };
            projection = add_then_dot(d, T::from_f64(-alpha), self.change(slot), next);
        }
        scale(d, T::from_f64(self.scale));
        projection *= self.scale;
        for place in 0..len {
            let slot = self.slot(place);
            let beta = self.inverse_curvatures[slot] * projection;
            let factor = T::from_f64(self.coefficients[slot] - beta);
            let next = if place + 1 == len { gradient } else { self.change(self.slot(place + 1)) };
            projection = add_then_dot(d, factor, self.step(slot), next);
        }
        projection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::{load, numbers, zeros};
    use proptest::prelude::*;

    const MIN_CURVATURE: f64 = 1e-10;

    type Vector = Vec<f64>;

    fn product(x: &[f64], y: &[f64]) -> f64 {
        x.iter().zip(y).map(|(x, y)| x * y).sum()
    }

    /// −H g with H as a matrix: H = γ 1, then H ← V H Vᵀ + ρ s sᵀ with V = 1 − ρ s yᵀ for each pair
    /// (Nocedal & Wright, equation 7.16).
    fn dense_direction(pairs: &[(Vector, Vector)], gradient: &[f64]) -> Vector {
        let n = gradient.len();
        let gamma = pairs.last().map_or(1.0, |(s, y)| product(y, s) / product(y, y));
        let mut h: Vec<Vector> =
            (0..n).map(|i| (0..n).map(|j| if i == j { gamma } else { 0.0 }).collect()).collect();
        for (s, y) in pairs {
            let rho = 1.0 / product(y, s);
            let hy: Vector = h.iter().map(|row| product(row, y)).collect();
            let curvature = rho * product(y, &hy);
            for i in 0..n {
                for j in 0..n {
                    h[i][j] +=
                        rho * ((1.0 + curvature) * s[i] * s[j] - hy[i] * s[j] - s[i] * hy[j]);
                }
            }
        }
        h.iter().map(|row| -product(row, gradient)).collect()
    }

    /// Pairs y = C s + a little, with C diagonal: the curvature is mostly positive, not always.
    fn pairs(n: usize) -> impl Strategy<Value = Vec<(Vector, Vector)>> {
        let numbers = || prop::collection::vec(-1.0..1.0, n);
        let pair = (numbers(), numbers()).prop_map(|(s, e): (Vector, Vector)| {
            let y = |i: usize| (1.0 + i as f64) * s[i] + 0.5 * e[i];
            let y = (0..s.len()).map(y).collect();
            (s, y)
        });
        prop::collection::vec(pair, 0..12)
    }

    proptest! {
        #[test]
        fn direction_is_that_of_the_dense_matrix(
            (pairs, gradient) in (1_usize..40).prop_flat_map(|n| {
                (pairs(n), prop::collection::vec(-1.0..1.0, n))
            }),
            capacity in 1_usize..8,
        ) {
            let n = gradient.len();
            let blocks = |numbers: &[f64]| {
                let mut blocks = zeros(n);
                load(&mut blocks, numbers);
                blocks
            };
            let mut history = History::new(capacity, zeros::<f64>(n).len());
            for (s, y) in &pairs {
                history.push(&blocks(s), &blocks(y), MIN_CURVATURE);
            }
            let mut kept: Vec<_> =
                pairs.into_iter().filter(|(s, y)| product(y, s) > MIN_CURVATURE).collect();
            kept.drain(..kept.len().saturating_sub(capacity));
            let read = |b: &[Block<f64>]| numbers(b, n).collect::<Vector>();
            prop_assert_eq!(history.len(), kept.len());
            for ((s, y), (steps, changes)) in kept.iter().zip(history.steps().zip(history.changes())) {
                prop_assert_eq!((s, y), (&read(steps), &read(changes)));
            }

            let expected = dense_direction(&kept, &gradient);
            let mut direction = zeros(n);
            let slope = history.direction(&blocks(&gradient), &mut direction);
            let direction = read(&direction);
            // How much a rounding error can grow in the worst pair: by ‖s‖‖y‖/(y·s) in each of the
            // factors V, of which there are two per pair.
            let growth: f64 = kept
                .iter()
                .map(|(s, y)| 1.0 + (product(s, s) * product(y, y)).sqrt() / product(y, s))
                .map(|factor| factor * factor)
                .product();
            let size = product(&expected, &expected).sqrt() + 1.0;
            for (found, expected) in direction.iter().zip(&expected) {
                prop_assert!((found - expected).abs() <= 1e-14 * growth * size);
            }
            let exact = product(&gradient, &direction);
            prop_assert!((slope - exact).abs() <= 1e-13 * product(&direction, &direction).sqrt() * n as f64);
        }
    }
}
