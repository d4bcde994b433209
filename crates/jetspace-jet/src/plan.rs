//! Plans: which components travel forward, and which an adjoint channel reads off.
//!
//! A *channel* is one pass of matrix products over the layers for every point. Forward jets with C
//! components need C channels. For a network with m outputs, components that no other component
//! depends on need no channel of their own: with m adjoint channels γ = ∂u/∂a they are sums over the
//! layers (the chain rule's linear part telescopes along the adjoint),
//!
//! D^α u = Σ_layers Σ_units γ · (D^α σ(z) − σ′ D^α z)  (+ the input's own part for |α| = 1),
//!
//! e.g. u_xx = Σ γ σ″ z_x². The gradient of the parameters triples either count, so that the
//! cheaper plan is the one with fewer channels.

use std::fmt;

use crate::JetError;
use crate::composition::{CompositionRule, depended_on};
use crate::error::expect_len;
use crate::jet_set::{Component, JetSet};
use crate::kernels::tables::TableChoice;
use crate::multi_index::MAX_VARIABLES;
use crate::network::Network;

/// Most components of a jet set: all 495 derivatives of order ≤ 4 in 8 variables, and some
/// combinations.
pub const MAX_COMPONENTS: usize = 512;

/// How derivatives are to be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Whichever of the two needs fewer channels; forward jets if they need equally many.
    #[default]
    Cheapest,
    /// All components travel forward.
    Forward,
    /// Components that none depends on are read off by adjoint channels, one per output.
    Adjoint,
}

/// Where a component of the jet set is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Carried(usize),
    ReadOff(usize),
}

/// A jet set compiled for a network: what travels, what is read off, and what that costs.
///
/// ```
/// use jetspace_jet::{Activation, JetSet, MultiIndex, Network, Plan, Strategy};
/// let network = Network::dense(2, &[50, 50], 1, Activation::Tanh)?;
/// // u_t + u u_x + ν u_xxx: five components, but only u, u_x, u_xx and one adjoint need products.
/// let jets = JetSet::new(2)?.with_order(1)?.with_derivative(MultiIndex::new(&[0, 3])?)?;
/// let plan = Plan::new(&network, &jets, Strategy::Cheapest)?;
/// assert_eq!(plan.channels(), 4);
/// println!("{plan}");
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    jets: JetSet,
    outputs: usize,
    widest: usize,
    adjoint: bool,
    other_channels: usize,
    slots: Vec<Slot>,
    pub(crate) rule: CompositionRule,
    pub(crate) table: TableChoice,
    /// Per component (carried first, then read-off): (variable, weight) of its first derivatives.
    pub(crate) seeds: Vec<Vec<(usize, f64)>>,
}

impl Plan {
    /// Compiles `jets` for `network`.
    ///
    /// # Errors
    /// The jet set was made for another number of coordinates, or has more than
    /// [`MAX_COMPONENTS`] components.
    pub fn new(network: &Network, jets: &JetSet, strategy: Strategy) -> Result<Self, JetError> {
        expect_len("coordinates of the jet set", network.inputs(), jets.coordinates())?;
        if jets.len() > MAX_COMPONENTS {
            return Err(JetError::TooManyComponents { found: jets.len() });
        }
        let outputs = network.outputs();
        let needed = depended_on(jets);
        let lower = needed.iter().filter(|&&n| n).count();
        let (forward_channels, adjoint_channels) = (jets.len(), lower + outputs);
        let adjoint = match strategy {
            Strategy::Cheapest => adjoint_channels < forward_channels,
            Strategy::Forward => false,
            Strategy::Adjoint => lower < jets.len(),
        };
        let carried = if adjoint { needed } else { vec![true; jets.len()] };
        let rule = CompositionRule::new(jets, &carried);
        let (mut c, mut r) = (0, 0);
        let slots: Vec<Slot> = carried
            .iter()
            .map(|&is_carried| {
                let counter = if is_carried { &mut c } else { &mut r };
                *counter += 1;
                if is_carried { Slot::Carried(*counter - 1) } else { Slot::ReadOff(*counter - 1) }
            })
            .collect();
        let mut seeds = vec![Vec::new(); jets.len()];
        for (component, slot) in jets.components().zip(&slots) {
            let at = match slot {
                Slot::Carried(i) => *i,
                Slot::ReadOff(i) => rule.carried + i,
            };
            seeds[at] = first_derivatives(&component);
        }
        Ok(Self {
            jets: jets.clone(),
            outputs,
            widest: network.shapes().map(|(_, units)| units).max().unwrap_or(1),
            adjoint,
            other_channels: if adjoint { forward_channels } else { adjoint_channels },
            slots,
            table: TableChoice::new(&rule, if adjoint { outputs } else { 0 }),
            rule,
            seeds,
        })
    }

    /// The jet set.
    #[must_use]
    pub fn jets(&self) -> &JetSet {
        &self.jets
    }

    /// Number of outputs of the network.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Whether adjoint channels are used.
    #[must_use]
    pub fn uses_adjoint(&self) -> bool {
        self.adjoint
    }

    /// Passes of matrix products over the layers per point for the jets alone; three times as many
    /// with the gradient of the parameters.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.rule.carried + self.adjoint_channels()
    }

    /// Multiply-adds, times two, of the matrix products for one point: jets and gradient.
    #[must_use]
    pub fn flops_per_point(&self, network: &Network) -> usize {
        3 * self.channels() * 2 * network.weight_count()
    }

    /// Units of the widest layer, at least 1.
    pub(crate) fn widest(&self) -> usize {
        self.widest
    }

    pub(crate) fn adjoint_channels(&self) -> usize {
        if self.adjoint { self.outputs } else { 0 }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Whether a read-off component is of first order, so that the adjoint must reach the input.
    pub(crate) fn reads_input_adjoint(&self) -> bool {
        self.seeds[self.rule.carried..].iter().any(|seed| !seed.is_empty())
    }

    /// Highest derivative of σ that the forward sweep of the carried components needs.
    pub(crate) fn forward_order(&self) -> usize {
        let carried =
            self.rule.products.iter().filter(|p| usize::from(p.target) < self.rule.carried);
        let nonlinear = carried.map(|p| usize::from(p.order)).max().unwrap_or(0);
        nonlinear.max(usize::from(self.rule.carried > 1))
    }

    /// Highest derivative of σ that reading off needs.
    pub(crate) fn read_off_order(&self) -> usize {
        self.rule.activation_order().max(1)
    }

    /// Highest derivative of σ that the reverse sweep needs.
    pub(crate) fn reverse_order(&self) -> usize {
        if self.rule.carried == 1 && !self.adjoint { 1 } else { self.read_off_order() + 1 }
    }
}

/// The first derivatives in a component, as (variable, weight).
fn first_derivatives(component: &Component) -> Vec<(usize, f64)> {
    let terms = component.terms();
    let first = terms.iter().filter(|(index, _)| index.order() == 1);
    first
        .filter_map(|(index, weight)| {
            (0..MAX_VARIABLES).find(|&v| index.exponent(v) == 1).map(|v| (v, *weight))
        })
        .collect()
}

impl fmt::Display for Plan {
    /// The choice and its count, e.g. `u, …: 3 forward + 1 adjoint channels (forward jets: 5)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (carried, other) = (self.rule.carried, self.other_channels);
        write!(f, "{}: ", self.jets)?;
        if self.adjoint {
            let adjoint = self.outputs;
            write!(f, "{carried} forward + {adjoint} adjoint channels (forward jets: {other})")
        } else {
            write!(f, "{carried} forward channels (with adjoint channels: {other})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, MultiIndex};

    fn plan(outputs: usize, jets: &JetSet) -> Plan {
        let network = Network::dense(jets.coordinates(), &[5], outputs, Activation::Tanh).unwrap();
        Plan::new(&network, jets, Strategy::Cheapest).unwrap()
    }

    #[test]
    fn channels_are_the_fewest_known() {
        let jets = |d| JetSet::new(d).unwrap();
        // Any gradient of a scalar: the value and one adjoint.
        assert_eq!(plan(1, &jets(2).with_order(1).unwrap()).channels(), 2);
        assert_eq!(plan(1, &jets(8).with_order(1).unwrap()).channels(), 2);
        // Hessians: d + 2.
        assert_eq!(plan(1, &jets(2).with_order(2).unwrap()).channels(), 4);
        assert_eq!(plan(1, &jets(5).with_order(2).unwrap()).channels(), 7);
        // Laplacian: d + 2 either way; three outputs: forward.
        assert_eq!(plan(1, &jets(3).with_laplacian(&[0, 1, 2]).unwrap()).channels(), 5);
        assert_eq!(plan(3, &jets(2).with_laplacian(&[0, 1]).unwrap()).channels(), 4);
        let kdv = jets(2).with_order(1).unwrap();
        let kdv = kdv.with_derivative(MultiIndex::new(&[0, 3]).unwrap()).unwrap();
        assert_eq!(plan(1, &kdv).channels(), 4);
        assert_eq!(plan(1, &jets(2)).channels(), 1);
    }

    #[test]
    fn plans_say_what_they_chose() {
        let text = plan(1, &JetSet::new(2).unwrap().with_order(1).unwrap()).to_string();
        assert_eq!(text, "D(), D(1), D(0,1): 1 forward + 1 adjoint channels (forward jets: 3)");
    }

    #[test]
    fn more_components_than_there_is_room_for_are_an_error() {
        let network = Network::dense(8, &[5], 1, Activation::Tanh).unwrap();
        let mut jets = JetSet::new(8).unwrap().with_order(4).unwrap();
        for _ in 0..MAX_COMPONENTS - 495 {
            jets = jets.with_laplacian(&[0]).unwrap();
        }
        assert!(Plan::new(&network, &jets, Strategy::Forward).is_ok());
        let jets = jets.with_laplacian(&[0]).unwrap();
        let error = Plan::new(&network, &jets, Strategy::Forward).unwrap_err();
        assert_eq!(error, JetError::TooManyComponents { found: MAX_COMPONENTS + 1 });
    }

    #[test]
    fn a_jet_set_of_other_coordinates_is_an_error() {
        let network = Network::dense(2, &[5], 1, Activation::Tanh).unwrap();
        let jets = JetSet::new(3).unwrap();
        assert!(Plan::new(&network, &jets, Strategy::Cheapest).is_err());
    }
}
