//! From expressions to the jets that they need: what a network has to evaluate, collapsed where
//! derivatives enter only in one combination, and where each symbol is then found.

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::{JetSet, MultiIndex};

use crate::Error;

/// A jet set, and expressions that are written in its components.
#[derive(Clone, Debug)]
pub struct Jets {
    /// What the network has to evaluate, for every field.
    pub set: JetSet,
    /// The expressions, with collapsed combinations as symbols.
    pub expressions: Vec<Id>,
}

impl Jets {
    /// What `expressions` need of a network of `coordinates` inputs.
    ///
    /// # Errors
    /// A derivative by a coordinate that does not exist.
    pub fn of(graph: &mut Graph, coordinates: usize, expressions: &[Id]) -> Result<Self, Error> {
        let collapsed = graph.collapse(expressions);
        let mut set = JetSet::new(coordinates)?;
        for symbol in graph.symbols(&collapsed.expressions) {
            if let Symbol::Jet { index, .. } | Symbol::Other { index, .. } = symbol {
                set = set.with_derivative(index)?;
            }
        }
        for terms in &collapsed.combinations {
            set = set.with_combination(terms)?;
        }
        Ok(Self { set, expressions: collapsed.expressions })
    }

    /// Field and component of a symbol that stands for a part of the jet.
    #[must_use]
    pub fn position(&self, symbol: Symbol) -> Option<(usize, usize)> {
        let of = |index: MultiIndex| self.set.position(index);
        match symbol {
            Symbol::Jet { field, index } | Symbol::Other { field, index } => {
                Some((field, of(index)?))
            }
            Symbol::Combination { field, combination } => {
                Some((field, self.set.combination_position(combination)?))
            }
            _ => None,
        }
    }
}
