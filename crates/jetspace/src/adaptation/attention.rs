//! Residual-based attention: points of large residuals get larger weights,
//!
//! w ← γ w + η |r| / max |r|,
//!
//! and the loss has (w r)². (S. J. Anagnostopoulos, J. D. Toscano, N. Stergiopulos, G. E. Karniadakis,
//! *Residual-based attention in physics-informed neural networks*, CMAME 421, 2024.) Weights begin with
//! 1, and stay below max(1, η / (1 − γ)).

use crate::study::AttentionFile;
use crate::tensors::Tensors;

/// The weights w of each term's points.
pub struct Attention {
    file: AttentionFile,
    terms: Vec<Vec<f64>>,
}

impl Attention {
    pub fn new(file: AttentionFile) -> Self {
        Self { file, terms: Vec::new() }
    }

    pub fn every(&self) -> u64 {
        self.file.every.get()
    }

    /// Takes the squares of the residuals of each term at its points.
    pub fn update(&mut self, squares: &[Vec<f64>]) {
        self.terms.resize(squares.len(), Vec::new());
        for (weights, squares) in self.terms.iter_mut().zip(squares) {
            fit(weights, squares.len());
            let largest = squares.iter().copied().fold(0.0, f64::max).sqrt();
            if largest > 0.0 && largest.is_finite() {
                for (weight, square) in weights.iter_mut().zip(squares) {
                    *weight = self.file.memory * *weight + self.file.rate * square.sqrt() / largest;
                }
            }
        }
    }

    /// What the squares of a term are multiplied by. New points begin with 1, all of them if their
    /// number has changed.
    pub fn weights(&mut self, term: usize, points: usize) -> Vec<f64> {
        let most = self.terms.len().max(term + 1);
        self.terms.resize(most, Vec::new());
        fit(&mut self.terms[term], points);
        self.terms[term].iter().map(|weight| weight * weight).collect()
    }

    /// Forgets the weights of a term, whose points are others now.
    pub fn forget(&mut self, term: usize) {
        if let Some(weights) = self.terms.get_mut(term) {
            weights.clear();
        }
    }

    pub fn save(&self, file: &mut Tensors) {
        for (number, weights) in self.terms.iter().enumerate() {
            file.insert(&name(number), &[weights.len()], weights);
        }
    }

    pub fn load(&mut self, file: &Tensors, terms: usize) -> Option<()> {
        self.terms = (0..terms).map(|number| file.get(&name(number))).collect::<Option<_>>()?;
        Some(())
    }
}

fn name(term: usize) -> String {
    format!("adaptive.attention.{term}")
}

fn fit(weights: &mut Vec<f64>, points: usize) {
    if weights.len() != points {
        *weights = vec![1.0; points];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attention() -> Attention {
        let every = 1.try_into().unwrap();
        Attention::new(AttentionFile { every, memory: 0.5, rate: 0.25 })
    }

    #[test]
    fn weights_follow_the_formula() {
        let mut part = attention();
        part.update(&[vec![4.0, 1.0], vec![]]);
        assert_eq!(part.weights(0, 2), [0.75 * 0.75, 0.625 * 0.625]);
        part.update(&[vec![0.0, 9.0], vec![]]);
        assert_eq!(part.weights(0, 2), [0.375 * 0.375, 0.5625 * 0.5625]);
        assert!(part.weights(1, 0).is_empty());
    }

    #[test]
    fn nothing_changes_where_residuals_say_nothing() {
        let mut part = attention();
        part.update(&[vec![0.0, 0.0]]);
        part.update(&[vec![f64::INFINITY, 1.0]]);
        assert_eq!(part.weights(0, 2), [1.0, 1.0]);
        part.update(&[vec![4.0, 1.0]]);
        part.forget(0);
        assert_eq!(part.weights(0, 2), [1.0, 1.0]);
        assert_eq!(part.weights(0, 3), [1.0, 1.0, 1.0]);
    }
}
