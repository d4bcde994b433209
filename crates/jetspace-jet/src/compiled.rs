//! A network as the engine runs it: the embedding's fixed layer and the dense layers alike.

use std::ops::Range;

use crate::Real;
use crate::kernels::activation::needs_auxiliary;
use crate::kernels::matmul::Matrix;
use crate::network::{Activation, Network};

/// Where a layer's weights are.
pub enum Source<T> {
    /// In the flat vector: the weights, and the biases right after them.
    Trained { weights: Range<usize>, biases: Range<usize> },
    /// Part of the embedding.
    Fixed { weights: Vec<T>, biases: Vec<T> },
}

/// One layer: σ(W a + b).
pub struct CompiledLayer<T> {
    pub inputs: usize,
    pub units: usize,
    pub source: Source<T>,
    /// One entry if all units share it, else one per unit.
    pub activations: Vec<Activation>,
    pub keeps_auxiliary: bool,
}

/// All layers in order, and the affine map in front of them.
pub struct Compiled<T> {
    pub inputs: usize,
    pub outputs: usize,
    /// Per coordinate: (centre, scale).
    pub affine: Vec<(T, T)>,
    pub layers: Vec<CompiledLayer<T>>,
    /// Length of the flat vector of weights and biases.
    pub weights: usize,
}

impl<T: Real> CompiledLayer<T> {
    /// W, units × inputs.
    pub fn matrix<'a>(&'a self, weights: &'a [T]) -> Matrix<'a, T> {
        let data = match &self.source {
            Source::Trained { weights: range, .. } => &weights[range.clone()],
            Source::Fixed { weights, .. } => weights,
        };
        Matrix::row_major(data, self.units, self.inputs)
    }

    /// b.
    pub fn biases<'a>(&'a self, weights: &'a [T]) -> &'a [T] {
        match &self.source {
            Source::Trained { biases, .. } => &weights[biases.clone()],
            Source::Fixed { biases, .. } => biases,
        }
    }
}

impl<T: Real> Compiled<T> {
    pub fn new(network: &Network) -> Self {
        let embedding = network.embedding();
        let mut layers = Vec::new();
        let features = embedding.nonlinear();
        if !features.is_empty() {
            let weights =
                features.iter().flat_map(|f| &f.weights).map(|&w| T::from_f64(w)).collect();
            let biases = features.iter().map(|f| T::from_f64(f.bias)).collect();
            layers.push(CompiledLayer {
                inputs: network.inputs(),
                units: features.len(),
                source: Source::Fixed { weights, biases },
                activations: features.iter().map(|f| f.activation).collect(),
                keeps_auxiliary: true,
            });
        }
        let mut at = 0;
        for ((inputs, units), layer) in network.shapes().zip(network.layers()) {
            let weights = at..at + inputs * units;
            let biases = weights.end..weights.end + units;
            at = biases.end;
            layers.push(CompiledLayer {
                inputs,
                units,
                source: Source::Trained { weights, biases },
                activations: vec![layer.activation],
                keeps_auxiliary: needs_auxiliary(layer.activation),
            });
        }
        let affine = (0..network.inputs()).map(|i| {
            let (centre, scale) = embedding.affine(i);
            (T::from_f64(centre), T::from_f64(scale))
        });
        Self {
            inputs: network.inputs(),
            outputs: network.outputs(),
            affine: affine.collect(),
            layers,
            weights: at,
        }
    }
}
