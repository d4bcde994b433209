//! Hoisting: what is the same at every step, such as a source term f(x, y), is evaluated once.

use std::collections::HashMap;

use crate::graph::Node;
use crate::{Graph, Id, Symbol};

/// Expressions split into what is fixed and what varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hoisted {
    /// What the symbols [`Symbol::Hoisted`]`(n)` stand for, by n.
    pub fixed: Vec<Id>,
    /// The expressions in terms of those symbols, in the order given.
    pub varying: Vec<Id>,
}

impl Graph {
    /// Replaces the largest subexpressions without a symbol that `varies` by
    /// [`Symbol::Hoisted`]`(n)`; so are the fixed terms of a sum together, and the fixed factors of a
    /// product.
    ///
    /// A constant, a symbol or a multiple of a symbol stays where it is: it costs nothing. The
    /// expressions should hold no hoisted values yet, as their numbers start from 0.
    ///
    /// ```
    /// use jetspace_expr::{Function, Graph, Symbol};
    /// let mut graph = Graph::new();
    /// let x = graph.symbol(Symbol::Coordinate(0));
    /// let k = graph.symbol(Symbol::Parameter(0));
    /// let sin = graph.call(Function::Sin, x);
    /// let residual = graph.sub(k, sin);
    /// let hoisted = graph.hoist(&[residual], &|symbol| symbol == Symbol::Parameter(0));
    /// assert_eq!(hoisted.fixed, [sin]);
    /// let value = graph.symbol(Symbol::Hoisted(0));
    /// assert_eq!(hoisted.varying, [graph.sub(k, value)]);
    /// ```
    pub fn hoist(&mut self, expressions: &[Id], varies: &dyn Fn(Symbol) -> bool) -> Hoisted {
        let mut fixed = FixedParts::default();
        // Of those that vary, and only those: what each becomes.
        let mut new: HashMap<Id, Id> = HashMap::new();
        for id in self.reachable(expressions, |_| true) {
            let node = self.shared_node(id);
            let mut is_varying = matches!(*node, Node::Symbol(symbol) if varies(symbol));
            node.for_each_child(|child| is_varying |= new.contains_key(&child));
            if !is_varying {
                continue;
            }
            let with = match &*node {
                Node::Sum { constant, terms } => {
                    let (varying, still): (Vec<_>, Vec<_>) = terms
                        .iter()
                        .map(|(w, a)| (w.get(), *a))
                        .partition(|(_, a)| new.contains_key(a));
                    let one = self.constant(1.0);
                    let still = self.sum(&[still, vec![(constant.get(), one)]].concat());
                    let mut sum = vec![(1.0, fixed.replace(self, still))];
                    sum.extend(varying.iter().map(|(w, a)| (*w, new[a])));
                    self.sum(&sum)
                }
                Node::Product(factors) => {
                    let (varying, still): (Vec<_>, Vec<_>) =
                        factors.iter().partition(|(a, _)| new.contains_key(a));
                    let still = self.powers(&still);
                    let mut product = vec![(fixed.replace(self, still), 1)];
                    product.extend(varying.iter().map(|(a, n)| (new[a], *n)));
                    self.powers(&product)
                }
                _ => self.rebuild(id, |graph, child| match new.get(&child) {
                    Some(&with) => with,
                    None => fixed.replace(graph, child),
                }),
            };
            new.insert(id, with);
        }
        let varying = expressions
            .iter()
            .map(|id| new.get(id).copied().unwrap_or_else(|| fixed.replace(self, *id)))
            .collect();
        Hoisted { fixed: fixed.expressions, varying }
    }
}

/// The expressions taken out so far.
#[derive(Default)]
struct FixedParts {
    expressions: Vec<Id>,
    numbers: HashMap<Id, usize>,
}

impl FixedParts {
    /// What stands in place of a fixed expression. Multiples share one hoisted value.
    fn replace(&mut self, graph: &mut Graph, expression: Id) -> Id {
        let (weight, part) = graph.split_weight(expression);
        if matches!(graph.node(part), Node::Constant(_) | Node::Symbol(_)) {
            return expression;
        }
        let next = self.expressions.len();
        let number = *self.numbers.entry(part).or_insert(next);
        if number == next {
            self.expressions.push(part);
        }
        let value = graph.symbol(Symbol::Hoisted(number));
        graph.sum(&[(weight, value)])
    }
}
