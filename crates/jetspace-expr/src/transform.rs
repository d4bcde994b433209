//! Expressions rewritten: symbols replaced, and what need not be evaluated at every step taken out.
//!
//! Relies on [`Graph`]'s constructors, which bring what is rewritten to canonical form again.

mod collapse;
mod hoist;

use std::collections::HashMap;

pub use collapse::Collapsed;
pub use hoist::Hoisted;

use jetspace_jet::MultiIndex;

use crate::derivative::DerivativeError;
use crate::{Graph, Id, Symbol};

impl Graph {
    /// The expressions with every symbol replaced for which `replacement` gives something else.
    ///
    /// All symbols are replaced at once: what replaces one is not looked at again.
    ///
    /// ```
    /// use jetspace_expr::{Graph, Symbol};
    /// let mut graph = Graph::new();
    /// let (x, y) = (graph.symbol(Symbol::Coordinate(0)), graph.symbol(Symbol::Coordinate(1)));
    /// let difference = graph.sub(x, y);
    /// let swapped = graph.substitute(&[difference], &mut |symbol, _| match symbol {
    ///     Symbol::Coordinate(0) => Some(y),
    ///     Symbol::Coordinate(1) => Some(x),
    ///     _ => None,
    /// });
    /// assert_eq!(swapped, [graph.neg(difference)]);
    /// ```
    pub fn substitute(
        &mut self,
        expressions: &[Id],
        replacement: &mut dyn FnMut(Symbol, &mut Self) -> Option<Id>,
    ) -> Vec<Id> {
        let mut new: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(expressions, |_| true) {
            let with = match self.as_symbol(id) {
                Some(symbol) => replacement(symbol, self).unwrap_or(id),
                None => self.rebuild(id, |_, child| new[&child]),
            };
            new.insert(id, with);
        }
        expressions.iter().map(|id| new[id]).collect()
    }

    /// The expressions with every derivative D^α uᵢ of a field replaced by D^α of `fields[i]`, an
    /// expression of coordinates, parameters and fields; fields that have no entry stay.
    ///
    /// # Errors
    /// Those of [`derivative`](Self::derivative).
    ///
    /// ```
    /// use jetspace_expr::{Graph, Symbol};
    /// use jetspace_jet::MultiIndex;
    /// let mut graph = Graph::new();
    /// let [x, n, n_x] = [
    ///     Symbol::Coordinate(0),
    ///     Symbol::Jet { field: 0, index: MultiIndex::VALUE },
    ///     Symbol::Jet { field: 0, index: MultiIndex::new(&[1])? },
    /// ]
    /// .map(|symbol| graph.symbol(symbol));
    /// // u = x n, so that u_x = n + x n_x.
    /// let u = graph.mul(x, n);
    /// let inserted = graph.insert_fields(&[n_x], &[u])?;
    /// let product = graph.mul(x, n_x);
    /// assert_eq!(inserted, [graph.add(n, product)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert_fields(
        &mut self,
        expressions: &[Id],
        fields: &[Id],
    ) -> Result<Vec<Id>, DerivativeError> {
        let mut failed = None;
        let inserted = self.substitute(expressions, &mut |symbol, graph| {
            let Symbol::Jet { field, index } = symbol else { return None };
            let derivative = graph.derivative_along(*fields.get(field)?, index);
            derivative.map_err(|error| failed = Some(error)).ok()
        });
        failed.map_or(Ok(inserted), Err)
    }

    /// D^α of an expression.
    fn derivative_along(&mut self, of: Id, index: MultiIndex) -> Result<Id, DerivativeError> {
        index.factors().try_fold(of, |id, coordinate| self.derivative(id, coordinate))
    }
}
