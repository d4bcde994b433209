//! Expressions rewritten: symbols replaced, and what need not be evaluated at every step taken out.
//!
//! Relies on [`Graph`]'s constructors, which bring what is rewritten to canonical form again.

mod collapse;
mod hoist;

use std::collections::HashMap;

pub use collapse::Collapsed;
pub use hoist::Hoisted;

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
}
