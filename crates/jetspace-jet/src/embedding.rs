//! Input embeddings: what the first dense layer sees of the coordinates.
//!
//! Every embedding is a fixed affine map, x ↦ M (x − c), with a sine or cosine on some of its rows;
//! so the engine treats the nonlinear ones as a first layer whose weights are not trained.

use std::f64::consts::TAU;

use crate::JetError;
use crate::initialisation::Stream;
use crate::network::Activation;

/// One feature of a nonlinear embedding: σ(w·(x − c) + b).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feature {
    pub weights: Vec<f64>,
    pub bias: f64,
    pub activation: Activation,
}

/// How coordinates enter the network.
///
/// ```
/// use jetspace_jet::Embedding;
/// // x in [−1, 1] periodic with period 2 (sin and cos of two harmonics), t in [0, 5] scaled to [−1, 1].
/// let embedding = Embedding::normalise(&[(-1.0, 1.0), (0.0, 5.0)])?.with_period(0, 2.0, 2)?;
/// assert_eq!(embedding.inputs(), 2);
/// assert_eq!(embedding.features(), 5);
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Empty while the embedding is affine and coordinate by coordinate.
    features: Vec<Feature>,
}

impl Embedding {
    /// The coordinates themselves.
    #[must_use]
    pub fn identity(inputs: usize) -> Self {
        Self { centre: vec![0.0; inputs], scale: vec![1.0; inputs], features: Vec::new() }
    }

    /// Maps a box [lowᵢ, highᵢ] to [−1, 1] in every coordinate: x ↦ 2 (x − centre) / (high − low).
    ///
    /// # Errors
    /// A side of the box that is empty or not finite.
    pub fn normalise(bounds: &[(f64, f64)]) -> Result<Self, JetError> {
        for (i, &(low, high)) in bounds.iter().enumerate() {
            if !((high - low).is_finite() && low < high) {
                let reason =
                    format!("side {} of the box is [{low}, {high}]; it needs low < high", i + 1);
                return Err(JetError::BadNetwork { reason });
            }
        }
        Ok(Self {
            centre: bounds.iter().map(|(low, high)| 0.5 * (low + high)).collect(),
            scale: bounds.iter().map(|(low, high)| 2.0 / (high - low)).collect(),
            features: Vec::new(),
        })
    }

    /// Makes the network exactly periodic in one coordinate: it is replaced by
    /// sin(2πkx/L), cos(2πkx/L) for k = 1 … harmonics (Dong & Ni 2021). The other coordinates stay.
    ///
    /// # Errors
    /// An unknown coordinate, one that is periodic already, a period that is not finite and
    /// positive, or no harmonics.
    pub fn with_period(
        mut self,
        coordinate: usize,
        period: f64,
        harmonics: usize,
    ) -> Result<Self, JetError> {
        let bad = |reason: String| Err(JetError::BadNetwork { reason });
        if coordinate >= self.inputs() {
            return bad(format!(
                "coordinate {} of {} cannot be periodic",
                coordinate + 1,
                self.inputs()
            ));
        }
        if !(period.is_finite() && period > 0.0) || harmonics == 0 {
            return bad(format!(
                "a period needs L > 0 and a harmonic, found L = {period}, {harmonics} harmonics"
            ));
        }
        if self.features.is_empty() {
            self.features = (0..self.inputs()).map(|i| self.unit_feature(i)).collect();
        }
        let plain = self.unit_feature(coordinate);
        let Some(at) = self.features.iter().position(|f| *f == plain) else {
            return bad(format!("coordinate {} is periodic already", coordinate + 1));
        };
        // Features see x − centre; measuring the phase from there keeps the period exact.
        let waves = (1..=harmonics).flat_map(|k| {
            #[allow(clippy::cast_precision_loss)] // No one has 2^52 harmonics.
            let mut weights = vec![0.0; plain.weights.len()];
            weights[coordinate] = TAU * k as f64 / period;
            [Activation::Sine { frequency: 1.0 }, Activation::Cosine { frequency: 1.0 }]
                .map(|activation| Feature { weights: weights.clone(), bias: 0.0, activation })
        });
        self.features.splice(at..=at, waves);
        Ok(self)
    }

    /// Random Fourier features (Tancik et al. 2020): sin(2πBx), cos(2πBx) with `count` rows of B
    /// drawn from N(0, σ²), seen through this embedding's normalisation.
    ///
    /// # Errors
    /// No features, σ not finite and positive, or an embedding that is nonlinear already.
    pub fn with_fourier_features(
        mut self,
        count: usize,
        sigma: f64,
        seed: u64,
    ) -> Result<Self, JetError> {
        let bad = |reason: String| Err(JetError::BadNetwork { reason });
        if count == 0 || !(sigma.is_finite() && sigma > 0.0) {
            return bad(format!(
                "random features need a count and σ > 0, found {count} and {sigma}"
            ));
        }
        if !self.features.is_empty() {
            return bad("random features and periods cannot be combined".into());
        }
        let mut stream = Stream::fourier_features(seed);
        for _ in 0..count {
            let weights: Vec<f64> =
                self.scale.iter().map(|scale| TAU * sigma * stream.normal() * scale).collect();
            for activation in
                [Activation::Sine { frequency: 1.0 }, Activation::Cosine { frequency: 1.0 }]
            {
                self.features.push(Feature { weights: weights.clone(), bias: 0.0, activation });
            }
        }
        Ok(self)
    }

    /// Number of coordinates that go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.centre.len()
    }

    /// Number of features that come out.
    #[must_use]
    pub fn features(&self) -> usize {
        if self.features.is_empty() { self.inputs() } else { self.features.len() }
    }

    /// The features of a nonlinear embedding; empty for an affine one.
    pub(crate) fn nonlinear(&self) -> &[Feature] {
        &self.features
    }

    /// What the first layer (trained or not) sees of coordinate i: (xᵢ − centre) · scale.
    pub(crate) fn affine(&self, coordinate: usize) -> (f64, f64) {
        // Behind nonlinear features the scale is part of their weights.
        let scale = if self.features.is_empty() { self.scale[coordinate] } else { 1.0 };
        (self.centre[coordinate], scale)
    }

    fn unit_feature(&self, coordinate: usize) -> Feature {
        let mut weights = vec![0.0; self.inputs()];
        weights[coordinate] = self.scale[coordinate];
        Feature { weights, bias: 0.0, activation: Activation::Identity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_embeddings_are_errors() {
        assert!(Embedding::normalise(&[(1.0, 1.0)]).is_err());
        assert!(Embedding::normalise(&[(0.0, f64::INFINITY)]).is_err());
        let two = || Embedding::identity(2);
        assert!(two().with_period(2, 1.0, 1).is_err());
        assert!(two().with_period(0, -1.0, 1).is_err());
        assert!(two().with_period(0, 1.0, 0).is_err());
        assert!(two().with_period(0, 1.0, 1).unwrap().with_period(0, 1.0, 1).is_err());
        assert!(two().with_fourier_features(0, 1.0, 0).is_err());
        assert!(two().with_fourier_features(4, f64::NAN, 0).is_err());
    }

    #[test]
    fn features_are_counted() {
        let both =
            Embedding::identity(2).with_period(1, 2.0, 3).unwrap().with_period(0, 1.0, 1).unwrap();
        assert_eq!(both.features(), 8);
        assert_eq!(Embedding::identity(3).with_fourier_features(5, 1.0, 7).unwrap().features(), 10);
    }
}
