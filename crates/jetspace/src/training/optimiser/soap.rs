//! SOAP in a training: the weight matrices of a network, and its state in a checkpoint.

use jetspace_jet::Network;
use jetspace_optim::{SoapState, WeightMatrix};

use super::adam;
use crate::tensors::Tensors;

/// Where a network's weights are among the parameters: in each layer before its biases.
pub fn matrices(network: &Network) -> Vec<WeightMatrix> {
    let mut start = 0;
    let layers = network.shapes().map(|(inputs, units)| {
        let matrix = WeightMatrix { start, rows: units, columns: inputs };
        start += (inputs + 1) * units;
        matrix
    });
    layers.collect()
}

/// Adds a state to a checkpoint.
pub fn save(state: &SoapState, file: &mut Tensors) {
    adam::save("soap", &state.adam, file);
    file.insert("soap.gradients", &[1], &[state.gradients]);
    file.insert("soap.means", &[state.means.len()], &state.means);
    file.insert("soap.eigenvectors", &[state.eigenvectors.len()], &state.eigenvectors);
}

/// The state in a checkpoint, if there is one.
pub fn load(file: &Tensors) -> Option<SoapState> {
    let [gradients] = file.get::<u64>("soap.gradients")?[..] else { return None };
    Some(SoapState {
        gradients,
        adam: adam::load("soap", file)?,
        means: file.get("soap.means")?,
        eigenvectors: file.get("soap.eigenvectors")?,
    })
}
