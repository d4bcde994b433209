//! Random numbers: a stream per purpose, so that one more point set does not change another.

mod mersenne_twister;

pub(crate) use mersenne_twister::MersenneTwister;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The streams of this crate are the upper half of ChaCha's, so that none of them has the numbers
/// that networks of the same seed start from: `jetspace-jet` counts its streams from 0.
const FIRST_STREAM: u64 = 1 << 63;

/// A stream of random numbers: ChaCha with 8 rounds (D. J. Bernstein, *ChaCha, a variant of
/// Salsa20*, 2008). Seed and purpose decide all of them, on every machine.
///
/// ```
/// use jetspace::random::RandomStream;
/// let mut interior = RandomStream::new(30, 0);
/// let mut boundary = RandomStream::new(30, 1);
/// let first = interior.unit();
/// assert!((0.0..1.0).contains(&first) && first != boundary.unit());
/// assert_eq!(first, RandomStream::new(30, 0).unit());
/// ```
#[derive(Clone, Debug)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// The beginning of a stream. Seeds belong to runs, purposes to what a run needs random numbers
    /// for: each point set has one of its own.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(FIRST_STREAM | purpose);
        Self(generator)
    }

    /// A standard normal number (G. E. P. Box, M. E. Muller 1958).
    pub fn normal(&mut self) -> f64 {
        // 1 − u is never 0.
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// Uniform among all numbers of 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 0, …, `len` − 1 in random order (R. A. Fisher, F. Yates; D. E. Knuth, *The Art of Computer
    /// Programming* 2, Algorithm 3.4.2P).
    #[must_use]
    pub fn permutation(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last as u64 + 1));
        }
        order
    }

    /// Uniform in 0, …, bound − 1, but for a bias below bound/2⁶⁴.
    #[allow(clippy::cast_possible_truncation)] // The result is below a bound that was a `usize`.
    fn below(&mut self, bound: u64) -> usize {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as usize
    }
}

/// What random numbers are for; each purpose has its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Points inside.
    Interior,
    /// Points of the condition of this number.
    Condition(usize),
    /// Points at which a problem is checked.
    Check,
    /// Noise on the column of data of this number.
    Noise(usize),
    /// The order of the points of a group of terms in a pass over them.
    Batches {
        /// The group.
        group: usize,
        /// The pass, from 0.
        pass: u64,
    },
    /// Points of the data, where they are others than those inside.
    Data,
    /// Directions of a projection of second derivatives.
    Directions {
        /// The number of the term in its objective.
        term: usize,
        /// The evaluation, from 0.
        evaluation: u64,
    },
    /// Candidates for new points inside, and the choice among them, after so many steps.
    Resampling(u64),
    /// Whether balancing looks back, after so many steps.
    Lookback(u64),
    /// Samples of the setting of this number in a sweep.
    Setting(usize),
}

impl Purpose {
    /// The stream of a seed for this purpose.
    pub(crate) fn stream(self, seed: u64) -> RandomStream {
        // 7 bits for the purpose, 16 for a number within it, 40 for a second one.
        let (purpose, number, second) = match self {
            Self::Interior => (0, 0, 0),
            Self::Condition(number) => (1, number, 0),
            Self::Check => (2, 0, 0),
            Self::Noise(column) => (3, column, 0),
            Self::Batches { group, pass } => (4, group, pass),
            Self::Directions { term, evaluation } => (5, term, evaluation),
            Self::Data => (6, 0, 0),
            Self::Resampling(steps) => (7, 0, steps),
            Self::Lookback(steps) => (8, 0, steps),
            Self::Setting(number) => (9, number, 0),
        };
        let number = (number as u64) & 0xFFFF;
        RandomStream::new(seed, (purpose << 56) | (number << 40) | (second & 0xFF_FFFF_FFFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_purpose_decide_a_stream() {
        let draw = |seed, purpose| {
            let mut stream = RandomStream::new(seed, purpose);
            [stream.unit(), stream.unit(), stream.unit()]
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
    }

    #[test]
    fn permutations_are_equally_frequent() {
        // 6 permutations, 60 000 draws: 10 000 each, standard deviation 91.
        let mut stream = RandomStream::new(5, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..60_000 {
            *counts.entry(stream.permutation(3)).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
        assert_eq!(stream.permutation(0), Vec::<usize>::new());
        assert_eq!(stream.permutation(1), [0]);
    }
}
