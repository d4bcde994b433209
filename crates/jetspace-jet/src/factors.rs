//! Rows of a Jacobian in factors: what a reverse sweep finds at each layer, before it is multiplied
//! out. [`Engine::jacobian_factors`](crate::Engine::jacobian_factors) writes the numbers, and here is
//! said where they are.

use std::ops::Range;

use crate::compiled::{Compiled, Source};
use crate::plan::Plan;

/// One layer's part of a residual's row of the Jacobian: of the weights W (units × inputs, row-major)
///
/// ∂r/∂W = Σ_c d_c ⊗ a_c,
///
/// with cotangents d and activations a of each component that travels forward, and of each adjoint
/// channel; of the biases d_0. It takes pairs · (units + inputs) numbers instead of units · inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactoredLayer {
    /// The weights' places among the parameters.
    pub weights: Range<usize>,
    /// Those of the biases: as many as there are units.
    pub biases: Range<usize>,
    /// How many values c takes.
    pub pairs: usize,
    /// Where d is among a residual's numbers: `[pair][unit]`.
    pub cotangents: Range<usize>,
    /// Where a is: `[pair][input]`.
    pub activations: Range<usize>,
}

impl FactoredLayer {
    /// The trained layers in their order, whose numbers stand one after the other.
    pub(crate) fn all<T>(network: &Compiled<T>, plan: &Plan) -> Vec<Self> {
        let (mut layers, mut end) = (Vec::new(), 0);
        for (l, layer) in network.layers.iter().enumerate() {
            let Source::Trained { weights, biases } = &layer.source else { continue };
            let has_adjoint = l > 0 || plan.reads_input_adjoint();
            let channels = if has_adjoint { plan.adjoint_channels() } else { 0 };
            let pairs = plan.rule.carried + channels;
            let cotangents = end..end + pairs * layer.units;
            end = cotangents.end + pairs * layer.inputs;
            let activations = cotangents.end..end;
            let (weights, biases) = (weights.clone(), biases.clone());
            layers.push(Self { weights, biases, pairs, cotangents, activations });
        }
        layers
    }
}
