//! Causal weights: a chunk of time counts once the equation holds in all earlier ones,
//!
//! wᵢ = exp(−ε Σ_{j<i} Lⱼ),
//!
//! where Lⱼ is the mean of the squared residuals in chunk j. (S. Wang, S. Sankaran, P. Perdikaris,
//! *Respecting causality for training physics-informed neural networks*, CMAME 421, 2024.)

use crate::problem::Problem;
use crate::problem_file::Kind;
use crate::study::CausalFile;
use crate::tensors::Tensors;

/// The weights of the chunks.
pub struct Causal {
    file: CausalFile,
    axis: usize,
    range: (f64, f64),
    weights: Vec<f64>,
}

impl Causal {
    /// Weights of 1; nothing if the problem has no time.
    pub fn new(file: CausalFile, problem: &Problem) -> Option<Self> {
        let axis = problem.coordinates.iter().position(|c| c.kind == Kind::Time)?;
        let range = problem.coordinates[axis].range;
        Some(Self { file, axis, range, weights: vec![1.0; file.chunks.get()] })
    }

    pub fn every(&self) -> u64 {
        self.file.every.get()
    }

    /// The coordinate that is time.
    pub fn axis(&self) -> usize {
        self.axis
    }

    /// Takes for each term the times of its points and their squared residuals.
    pub fn update<'a>(&mut self, terms: impl Iterator<Item = (Vec<f64>, &'a Vec<f64>)>) {
        let mut sums = vec![0.0; self.weights.len()];
        for (times, squares) in terms {
            let (mut of_term, mut counts) = (vec![0.0; sums.len()], vec![0.0; sums.len()]);
            for (&time, square) in times.iter().zip(squares) {
                of_term[self.chunk(time)] += square;
                counts[self.chunk(time)] += 1.0;
            }
            for ((sum, of_term), count) in sums.iter_mut().zip(of_term).zip(counts) {
                *sum += of_term / f64::max(count, 1.0);
            }
        }
        let mut earlier = 0.0;
        for (weight, sum) in self.weights.iter_mut().zip(sums) {
            *weight = libm::exp(-self.file.tolerance * earlier);
            earlier += sum;
        }
    }

    /// The weights of points at these times.
    pub fn weights(&self, times: &[f64]) -> Vec<f64> {
        times.iter().map(|&time| self.weights[self.chunk(time)]).collect()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the chunks.
    fn chunk(&self, time: f64) -> usize {
        let (low, high) = self.range;
        let last = self.weights.len() - 1;
        let place = (time - low) / (high - low) * self.weights.len() as f64;
        (place.max(0.0) as usize).min(last)
    }

    pub fn save(&self, file: &mut Tensors) {
        file.insert("adaptive.causal", &[self.weights.len()], &self.weights);
    }

    pub fn load(&mut self, file: &Tensors) -> Option<()> {
        let weights = file.get::<f64>("adaptive.causal")?;
        self.weights = Some(weights).filter(|weights| weights.len() == self.weights.len())?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causal(chunks: usize, tolerance: f64) -> Causal {
        let text = r#"
            title = "Decay"
            fields = ["u"]
            coordinates.t = { range = [0, 2] }
            equations.decay = "u_t = -u"
        "#;
        let problem = Problem::parse("decay.toml", text).unwrap();
        let (every, chunks) = (1.try_into().unwrap(), chunks.try_into().unwrap());
        Causal::new(CausalFile { every, chunks, tolerance }, &problem).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_formula() {
        let mut causal = causal(4, 0.5);
        // Two points in the first chunk, one in the third, one at the very end.
        let (times, squares) = (vec![0.0, 0.49, 1.2, 2.0], vec![1.0, 3.0, 4.0, 7.0]);
        causal.update([(times.clone(), &squares)].into_iter());
        let [first, third, last] = [1.0, (-0.5_f64 * 2.0).exp(), (-0.5_f64 * 6.0).exp()];
        let found = causal.weights(&times);
        for (found, expected) in found.iter().zip([first, first, third, last]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
    }

    #[test]
    fn one_chunk_has_weight_one_and_bad_residuals_close_all_later_ones() {
        let mut one = causal(1, 10.0);
        one.update([(vec![0.3], &vec![5.0])].into_iter());
        assert_eq!(one.weights(&[0.0, 2.0]), [1.0, 1.0]);
        let mut two = causal(2, 1.0);
        two.update([(vec![0.3], &vec![f64::INFINITY])].into_iter());
        assert_eq!(two.weights(&[0.0, 2.0]), [1.0, 0.0]);
    }
}
