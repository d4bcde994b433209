//! The composition rule: the jet of σ(z) from the jet of z, for any jet set.
//!
//! For a multi-index α, written as a list of |α| variables, the chain rule (Faà di Bruno; Hardy,
//! *Combinatorics of partial derivatives*, 2006) is a sum over the set partitions π of that list,
//!
//! D^α σ(z) = Σ_π σ^(|π|)(z) · ∏_{B ∈ π} D^B z .
//!
//! The one-block partition is the linear part σ′·D^α z, which every rule has. All others are
//! [`Product`]s of *lower* derivatives. This module builds their table once per jet set; kernels
//! evaluate it. A table is split into *carried* components, which travel through the network, and
//! *read-off* components, which no other component depends on: those can be read off each
//! layer by an adjoint channel instead of travelling (see [`plan`](crate::plan)).

use crate::jet_set::JetSet;
use crate::multi_index::{MAX_ORDER, MultiIndex};

/// coefficient · σ^(order)(z) · ∏ z_factor, a summand of one target component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    /// The component that the product belongs to: carried ones first, then read-off ones.
    pub target: u16,
    /// The order of the derivative of σ; at least 2, equal to the number of factors.
    pub order: u8,
    /// How often the product occurs, times the weight in a collapsed combination.
    pub coefficient: f64,
    /// The carried components multiplied, sorted; `order` of them are used.
    pub factors: [u16; MAX_ORDER],
}

/// The composition rule of a jet set for one choice of carried components.
#[derive(Clone, Debug, PartialEq)]
pub struct CompositionRule {
    /// Number of components that travel through the network; component 0 is the value.
    pub carried: usize,
    /// Number of components that are read off by the adjoint channel.
    pub read_off: usize,
    /// The nonlinear products, sorted by target, then order.
    pub products: Vec<Product>,
}

impl CompositionRule {
    /// Builds the rule for `jets`, whose component `i` is carried if `carried[i]`.
    ///
    /// Every component that another one depends on must be carried ([`depended_on`] tells).
    pub fn new(jets: &JetSet, carried: &[bool]) -> Self {
        let count = carried.iter().filter(|&&c| c).count();
        let rank = |component: usize| carried[..component].iter().filter(|&&c| c).count();
        let mut products = Vec::new();
        for (i, component) in jets.components().enumerate() {
            let target = if carried[i] { rank(i) } else { count + (i - rank(i)) };
            for (index, weight) in component.terms() {
                for blocks in set_partitions(index) {
                    if blocks.len() < 2 {
                        continue;
                    }
                    let mut factors = [0; MAX_ORDER];
                    for (slot, block) in factors.iter_mut().zip(&blocks) {
                        // A block is strictly below α, so a jet set always holds it.
                        *slot = to_u16(jets.position(*block).map_or(0, rank));
                    }
                    factors[..blocks.len()].sort_unstable();
                    #[allow(clippy::cast_possible_truncation)] // At most MAX_ORDER blocks.
                    let order = blocks.len() as u8;
                    push(
                        &mut products,
                        Product { target: to_u16(target), order, coefficient: weight, factors },
                    );
                }
            }
        }
        products.retain(|p| p.coefficient != 0.0);
        products.sort_by_key(|p| (p.target, p.order, p.factors));
        Self { carried: count, read_off: carried.len() - count, products }
    }

    /// Highest derivative of σ that a forward pass needs.
    pub fn activation_order(&self) -> usize {
        let nonlinear = self.products.iter().map(|p| usize::from(p.order)).max().unwrap_or(0);
        nonlinear.max(usize::from(self.carried + self.read_off > 1))
    }
}

/// For each component, whether another component's composition rule uses it.
pub fn depended_on(jets: &JetSet) -> Vec<bool> {
    let mut used = vec![false; jets.len()];
    used[0] = true; // The value: σ is evaluated there.
    for component in jets.components() {
        for (index, _) in component.terms() {
            for below in index.lower_set() {
                if below != index
                    && let Some(at) = jets.position(below)
                {
                    used[at] = true;
                }
            }
        }
    }
    used
}

/// Adds a product, merging it with an equal one (same target and factors).
fn push(products: &mut Vec<Product>, new: Product) {
    let same = products
        .iter_mut()
        .find(|p| (p.target, p.order, p.factors) == (new.target, new.order, new.factors));
    match same {
        Some(p) => p.coefficient += new.coefficient,
        None => products.push(new),
    }
}

/// A jet set has at most 495 derivatives; combinations beyond u16 could not be held in memory.
fn to_u16(component: usize) -> u16 {
    u16::try_from(component).unwrap_or(u16::MAX)
}

/// All set partitions of the list of variables of α, each block as a multi-index.
fn set_partitions(index: MultiIndex) -> Vec<Vec<MultiIndex>> {
    let mut partitions: Vec<Vec<Vec<usize>>> = vec![Vec::new()];
    for variable in index.factors() {
        let mut next = Vec::new();
        for partition in &partitions {
            for block in 0..=partition.len() {
                let mut extended = partition.clone();
                match extended.get_mut(block) {
                    Some(existing) => existing.push(variable),
                    None => extended.push(vec![variable]),
                }
                next.push(extended);
            }
        }
        partitions = next;
    }
    let to_index = |block: &Vec<usize>| MultiIndex::from_variables(block).unwrap_or_default();
    partitions.iter().map(|p| p.iter().map(to_index).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coefficients(jets: &JetSet, component: usize) -> Vec<(u8, f64)> {
        let rule = CompositionRule::new(jets, &vec![true; jets.len()]);
        let of = rule.products.iter().filter(|p| usize::from(p.target) == component);
        of.map(|p| (p.order, p.coefficient)).collect()
    }

    #[test]
    fn fourth_derivative_has_the_bell_polynomial_coefficients() {
        // B₄: σ⁗z₁⁴ + 6σ‴z₁²z₂ + σ″(3z₂² + 4z₁z₃) + σ′z₄ (Comtet, Advanced Combinatorics, §3.3).
        let jets = JetSet::new(1).unwrap().with_order(4).unwrap();
        assert_eq!(coefficients(&jets, 4), [(2, 4.0), (2, 3.0), (3, 6.0), (4, 1.0)]);
        assert_eq!(coefficients(&jets, 3), [(2, 3.0), (3, 1.0)]);
    }

    #[test]
    fn partitions_are_counted_by_bell_numbers() {
        for (order, bell) in [(0, 1), (1, 1), (2, 2), (3, 5), (4, 15)] {
            let index = MultiIndex::new(&[order]).unwrap();
            assert_eq!(set_partitions(index).len(), bell);
        }
    }

    #[test]
    fn read_off_components_come_after_the_carried_ones() {
        // KdV: u_t and u_xxx are read off; u, u_x, u_xx are carried.
        let jets = JetSet::new(2).unwrap().with_order(1).unwrap();
        let jets = jets.with_derivative(MultiIndex::new(&[0, 3]).unwrap()).unwrap();
        let carried = depended_on(&jets);
        assert_eq!(carried, [true, false, true, true, false]);
        let rule = CompositionRule::new(&jets, &carried);
        assert_eq!((rule.carried, rule.read_off), (3, 2));
        // u_xx (target 2): σ″u_x²; u_xxx (target 4): 3σ″u_x u_xx + σ‴u_x³.
        let table: Vec<_> =
            rule.products.iter().map(|p| (p.target, p.order, p.coefficient)).collect();
        assert_eq!(table, [(2, 2, 1.0), (4, 2, 3.0), (4, 3, 1.0)]);
    }
}
