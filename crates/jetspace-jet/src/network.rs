//! Fully connected networks: their shape, activations, input embedding and parameter layout.
//!
//! A [`Network`] is a description; the parameters live outside, in one flat vector: layer by layer,
//! first the weights W (row-major, one row per unit of the layer), then the biases b.

use std::fmt;

use crate::JetError;
use crate::embedding::Embedding;

/// The function applied to each unit of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// tanh z.
    Tanh,
    /// sin(ω z); ω is the frequency (SIREN: 30 in the first layer).
    Sine {
        /// ω.
        frequency: f64,
    },
    /// cos(ω z).
    Cosine {
        /// ω.
        frequency: f64,
    },
    /// 1 / (1 + e⁻ᶻ).
    Sigmoid,
    /// log(1 + e^{βz}) / β.
    Softplus {
        /// β > 0.
        beta: f64,
    },
    /// z / (1 + e⁻ᶻ), also called swish (Elfwing et al. 2018).
    Silu,
    /// z·Φ(z) with the standard normal distribution function Φ (Hendrycks & Gimpel 2016, exact form).
    Gelu,
    /// z.
    Identity,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tanh => f.write_str("tanh"),
            Self::Sine { frequency } => write!(f, "sin({frequency}·)"),
            Self::Cosine { frequency } => write!(f, "cos({frequency}·)"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Softplus { beta } => write!(f, "softplus(β={beta})"),
            Self::Silu => f.write_str("silu"),
            Self::Gelu => f.write_str("gelu"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

/// One dense layer: `width` units computing σ(W a + b).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Number of units.
    pub width: usize,
    /// The activation σ of all units.
    pub activation: Activation,
}

/// A fully connected network u: ℝᵈ → ℝᵐ, as a description without parameters.
///
/// ```
/// use jetspace_jet::{Activation, Initialisation, Network};
/// let network = Network::dense(2, &[50, 50], 1, Activation::Tanh)?;
/// assert_eq!(network.parameter_count(), 2 * 50 + 50 + 50 * 50 + 50 + 50 + 1);
/// let parameters: Vec<f64> = network.initialise(Initialisation::PyTorch, 42);
/// assert_eq!(parameters.len(), network.parameter_count());
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    embedding: Embedding,
    layers: Vec<Layer>,
}

impl Network {
    /// A network of these layers behind this embedding; the last layer is the output.
    ///
    /// # Errors
    /// No layers, a layer of width 0, or an activation parameter that is not finite and positive.
    pub fn new(embedding: Embedding, layers: Vec<Layer>) -> Result<Self, JetError> {
        let bad = |reason: String| Err(JetError::BadNetwork { reason });
        if layers.is_empty() {
            return bad("it has no layers; the output is a layer too".into());
        }
        let mut inputs = embedding.features();
        for (i, layer) in layers.iter().enumerate() {
            if layer.width == 0 {
                return bad(format!("layer {} has width 0; every layer needs a unit", i + 1));
            }
            if layer.width.checked_mul(inputs).is_none_or(|n| n > isize::MAX as usize / 64) {
                return bad(format!("layer {} has more weights than memory can hold", i + 1));
            }
            inputs = layer.width;
            let scale = match layer.activation {
                Activation::Sine { frequency: s }
                | Activation::Cosine { frequency: s }
                | Activation::Softplus { beta: s } => s,
                _ => 1.0,
            };
            if !(scale.is_finite() && scale > 0.0) {
                return bad(format!(
                    "the activation {} of layer {} needs a finite positive parameter",
                    layer.activation,
                    i + 1
                ));
            }
        }
        Ok(Self { embedding, layers })
    }

    /// The usual network: hidden layers of these widths with one activation, and a linear output.
    ///
    /// # Errors
    /// A width of 0.
    pub fn dense(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
    ) -> Result<Self, JetError> {
        let mut layers: Vec<_> = hidden.iter().map(|&width| Layer { width, activation }).collect();
        layers.push(Layer { width: outputs, activation: Activation::Identity });
        Self::new(Embedding::identity(inputs), layers)
    }

    /// The same layers behind another embedding.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn with_embedding(self, embedding: Embedding) -> Result<Self, JetError> {
        Self::new(embedding, self.layers)
    }

    /// Number of inputs (coordinates) d.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.embedding.inputs()
    }

    /// Number of outputs (fields) m.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.width)
    }

    /// The input embedding.
    #[must_use]
    pub fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// The dense layers in order, the output last.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// For each dense layer: (number of inputs, number of units).
    pub fn shapes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let inputs = std::iter::once(self.embedding.features());
        inputs.chain(self.layers.iter().map(|l| l.width)).zip(self.layers.iter().map(|l| l.width))
    }

    /// Number of entries of all weight matrices, without biases.
    #[must_use]
    pub fn weight_count(&self) -> usize {
        self.shapes().map(|(inputs, units)| inputs * units).sum()
    }

    /// Length of the flat parameter vector: weights and biases of every layer.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.shapes().map(|(inputs, units)| (inputs + 1) * units).sum()
    }
}

impl fmt::Display for Network {
    /// Widths and hidden activation, e.g. `2-50-50-1 tanh`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inputs())?;
        for layer in &self.layers {
            write!(f, "-{}", layer.width)?;
        }
        match self.layers.first() {
            Some(first) if self.layers.len() > 1 => write!(f, " {}", first.activation),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_networks_are_errors() {
        assert!(Network::dense(2, &[0], 1, Activation::Tanh).is_err());
        assert!(Network::dense(2, &[], 0, Activation::Tanh).is_err());
        assert!(Network::new(Embedding::identity(2), vec![]).is_err());
        assert!(Network::dense(2, &[3], 1, Activation::Softplus { beta: 0.0 }).is_err());
        assert!(Network::dense(2, &[3], 1, Activation::Sine { frequency: f64::NAN }).is_err());
        assert!(Network::dense(2, &[usize::MAX, 2], 1, Activation::Tanh).is_err());
    }

    #[test]
    fn no_hidden_layer_is_a_linear_map() {
        let network = Network::dense(3, &[], 2, Activation::Tanh).unwrap();
        assert_eq!(network.parameter_count(), 8);
        assert_eq!(network.to_string(), "3-2");
    }
}
