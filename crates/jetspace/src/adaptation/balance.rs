//! Factors that balance the terms of a loss.
//!
//! - By gradients: λₜ = Σₛ ‖∇Lₛ‖ / ‖∇Lₜ‖. (S. Wang, Y. Teng, P. Perdikaris, *Understanding and mitigating
//!   gradient flow pathologies in physics-informed neural networks*, SISC 43, 2021; with norms as in
//!   S. Wang, S. Sankaran, H. Wang, P. Perdikaris, *An expert's guide to training physics-informed
//!   neural networks*, arXiv 2308.08468, 2023.)
//! - By neural tangent kernels: λₜ = Σₛ tr Kₛ / tr Kₜ. (S. Wang, X. Yu, P. Perdikaris, *When and why PINNs
//!   fail to train: a neural tangent kernel perspective*, JCP 449, 2022.)
//! - By how fast they fall (`ReLoBRaLo`): λₜ = m softmaxₜ(Lₜ / L′ₜ) for m terms, where L′ are the losses
//!   at the change before, or at the start, to which it sometimes looks back. (R. Bischof,
//!   M. A. Kraus, *Multi-objective loss balancing for physics-informed deep learning*,
//!   arXiv 2110.09813, 2021.)
//!
//! New factors replace a part of the old ones: λ ← α λ + (1 − α) λ̂.

use jetspace_jet::{Engine, Real};

use crate::Error;
use crate::objective::Objective;
use crate::random::Purpose;
use crate::study::{BalanceFile, BalanceName};
use crate::tensors::Tensors;

/// How likely `ReLoBRaLo` does not look back, as in its paper.
const NO_LOOKBACK: f64 = 0.999;

/// The factors, and what they go by.
pub struct Balance {
    file: BalanceFile,
    factors: Vec<f64>,
    /// The losses at the first change and at the latest; empty before it.
    first: Vec<f64>,
    latest: Vec<f64>,
}

impl Balance {
    /// Factors of 1.
    pub fn new(file: BalanceFile, terms: usize) -> Self {
        Self { file, factors: vec![1.0; terms], first: Vec::new(), latest: Vec::new() }
    }

    pub fn every(&self) -> u64 {
        self.file.every.get()
    }

    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// Takes an objective whose factors are 1, after so many steps of a training with a seed.
    pub fn update<T: Real>(
        &mut self,
        objective: &mut Objective<T>,
        engine: &mut Engine<T>,
        parameters: &[T],
        (seed, steps): (u64, u64),
    ) -> Result<(), Error> {
        match self.file.by {
            BalanceName::GradientNorm => {
                let found = objective.term_gradients(engine, parameters)?;
                self.equalise(&found.iter().map(|(_, norm)| *norm).collect::<Vec<_>>());
            }
            BalanceName::NtkTrace => {
                self.equalise(&objective.kernel_traces(engine, parameters)?);
            }
            BalanceName::Relobralo => {
                let mut gradient = vec![T::ZERO; parameters.len()];
                let losses = objective.gradient(engine, parameters, &mut gradient)?.terms;
                let looks_back = Purpose::Lookback(steps).stream(seed).unit() >= NO_LOOKBACK;
                self.follow(losses, looks_back);
            }
        }
        Ok(())
    }

    /// Makes the sizes of all terms equal, of those that have one.
    fn equalise(&mut self, sizes: &[f64]) {
        let sum: f64 = sizes.iter().sum();
        let memory = if self.latest.is_empty() { 0.0 } else { self.file.memory };
        for (factor, size) in self.factors.iter_mut().zip(sizes) {
            let wanted = sum / size;
            if wanted.is_finite() && wanted > 0.0 {
                *factor = memory * *factor + (1.0 - memory) * wanted;
            }
        }
        self.latest = sizes.to_vec();
    }

    /// Gives more to terms that have fallen less.
    fn follow(&mut self, losses: Vec<f64>, looks_back: bool) {
        if self.latest.is_empty() {
            self.first.clone_from(&losses);
        } else {
            let since_latest = shares(&losses, &self.latest);
            let old = if looks_back { shares(&losses, &self.first) } else { self.factors.clone() };
            let memory = self.file.memory;
            let factors =
                old.iter().zip(since_latest).map(|(a, b)| memory * a + (1.0 - memory) * b);
            let factors: Vec<f64> = factors.collect();
            if factors.iter().all(|factor| factor.is_finite()) {
                self.factors = factors;
            }
        }
        self.latest = losses;
    }

    pub fn save(&self, file: &mut Tensors) {
        let Self { factors, first, latest, .. } = self;
        for (name, values) in NAMES.iter().zip([factors, first, latest]) {
            file.insert(name, &[values.len()], values);
        }
    }

    pub fn load(&mut self, file: &Tensors) -> Option<()> {
        let [factors, first, latest] = NAMES.map(|name| file.get::<f64>(name));
        self.factors = factors.filter(|factors| factors.len() == self.factors.len())?;
        (self.first, self.latest) = (first?, latest?);
        Some(())
    }
}

const NAMES: [&str; 3] =
    ["adaptive.balance.factors", "adaptive.balance.first", "adaptive.balance.latest"];

/// m softmax(L / L′); terms that were 0 count as unchanged.
fn shares(losses: &[f64], before: &[f64]) -> Vec<f64> {
    let ratio = |(loss, before): (&f64, &f64)| if *before > 0.0 { loss / before } else { 1.0 };
    let ratios: Vec<f64> = losses.iter().zip(before).map(ratio).collect();
    let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = ratios.iter().map(|ratio| libm::exp(ratio - largest)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| losses.len() as f64 * power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(by: BalanceName, terms: usize) -> Balance {
        let every = 1.try_into().unwrap();
        Balance::new(BalanceFile { by, every, memory: 0.75 }, terms)
    }

    #[test]
    fn factors_make_sizes_equal() {
        let mut balance = balance(BalanceName::GradientNorm, 3);
        balance.equalise(&[1.0, 3.0, 0.0]);
        assert_eq!(balance.factors(), [4.0, 4.0 / 3.0, 1.0]);
        balance.equalise(&[1.0, 1.0, f64::NAN]);
        assert_eq!(balance.factors(), [4.0, 4.0 / 3.0, 1.0]);
        balance.equalise(&[1.0, 1.0, 2.0]);
        assert_eq!(balance.factors(), [4.0, 2.0, 1.25]);
    }

    #[test]
    fn factors_follow_the_softmax_of_ratios() {
        let mut balance = balance(BalanceName::Relobralo, 2);
        balance.follow(vec![4.0, 4.0], false);
        assert_eq!(balance.factors(), [1.0, 1.0]);
        balance.follow(vec![2.0, 4.0], false);
        let [a, b] = [0.5_f64.exp(), 1.0_f64.exp()];
        let expected = [a, b].map(|power| 0.75 + 0.25 * 2.0 * power / (a + b));
        for (found, expected) in balance.factors().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15);
        }
        // With a look back the old factors are those since the start: here 1, as both have fallen
        // alike since then.
        balance.follow(vec![1.0, 1.0], true);
        let [a, b] = [0.5_f64.exp(), 0.25_f64.exp()];
        let expected = [a, b].map(|power| 0.75 + 0.25 * 2.0 * power / (a + b));
        for (found, expected) in balance.factors().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn losses_that_are_not_finite_change_nothing() {
        let mut balance = balance(BalanceName::Relobralo, 2);
        balance.follow(vec![1.0, 0.0], false);
        balance.follow(vec![f64::NAN, 1.0], false);
        assert_eq!(balance.factors(), [1.0, 1.0]);
    }
}
