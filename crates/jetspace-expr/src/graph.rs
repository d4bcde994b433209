//! Expressions as a hash-consed graph: an expression that occurs twice is stored once.
//!
//! Children come before their parents, so every pass over an expression is one loop in ascending
//! order, and nothing recurses. Relies on [`Function`] for values; what makes equal expressions
//! equal nodes is in `simplify`.

mod display;
mod simplify;
mod symbol;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::function::{Binary, Function};
pub use symbol::Symbol;

/// An expression of a [`Graph`]. Equal expressions of one graph have equal ids.
///
/// An id means something to the graph that gave it, and to its clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(usize);

/// A coefficient or constant, equal to another if the bits are; there is one zero and one NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(f64);

impl Number {
    fn new(value: f64) -> Self {
        match value {
            0.0 => Self(0.0),
            _ if value.is_nan() => Self(f64::NAN),
            _ => Self(value),
        }
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// One operation. [`Graph`]'s constructors keep sums and products canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Constant(Number),
    Symbol(Symbol),
    /// constant + Σ wᵢ aᵢ; ids ascend, no coefficient is zero.
    Sum {
        constant: Number,
        terms: Vec<(Number, Id)>,
    },
    /// Π aᵢ^nᵢ; ids ascend, no exponent is zero.
    Product(Vec<(Id, i32)>),
    Call(Function, Id),
    Binary(Binary, Id, Id),
}

impl Node {
    pub fn for_each_child(&self, mut visit: impl FnMut(Id)) {
        match self {
            Self::Constant(_) | Self::Symbol(_) => {}
            Self::Sum { terms, .. } => terms.iter().for_each(|&(_, id)| visit(id)),
            Self::Product(factors) => factors.iter().for_each(|&(id, _)| visit(id)),
            Self::Call(_, argument) => visit(*argument),
            Self::Binary(_, a, b) => {
                visit(*a);
                visit(*b);
            }
        }
    }

    /// Whether all derivatives are zero wherever there are any, though the value does depend on
    /// the children.
    pub fn is_piecewise_constant(&self) -> bool {
        match self {
            Self::Call(function, _) => function.is_piecewise_constant(),
            Self::Binary(binary, ..) => binary.is_piecewise_constant(),
            _ => false,
        }
    }
}

/// A store of expressions in a canonical form.
///
/// Sums are flat and sorted, Σ wᵢ aᵢ + c, and so are products, Π aᵢ^nᵢ; equal terms are merged,
/// constants folded, numeric factors moved out of products and into sums. So x − x is 0, 2·(x + 1)
/// is 2·x + 2, and derivatives of closed forms stay small. 0·x is 0 and x⁰ is 1, whatever x is.
///
/// ```
/// use jetspace_expr::{Function, Graph, Symbol};
/// let mut graph = Graph::new();
/// let x = graph.symbol(Symbol::Coordinate(0));
/// let sin = graph.call(Function::Sin, x);
/// let a = graph.mul(x, sin);
/// let b = graph.mul(sin, x);
/// assert_eq!(a, b);
/// assert_eq!(graph.evaluate(&[a], &|_| 2.0), [2.0 * libm::sin(2.0)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Arc<Node>>,
    ids: HashMap<Arc<Node>, Id>,
}

impl Graph {
    /// A graph without expressions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of an expression that is a constant.
    #[must_use]
    pub fn constant_value(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Constant(value) => Some(value.get()),
            _ => None,
        }
    }

    /// The symbols that the expressions contain.
    #[must_use]
    pub fn symbols(&self, expressions: &[Id]) -> BTreeSet<Symbol> {
        let nodes = self.reachable(expressions, |_| true);
        nodes.into_iter().filter_map(|id| self.as_symbol(id)).collect()
    }

    /// The values of the expressions, given those of their symbols.
    ///
    /// This is the plain evaluation at one point; [`Program`](crate::Program) is for many.
    #[must_use]
    pub fn evaluate(&self, expressions: &[Id], value: &dyn Fn(Symbol) -> f64) -> Vec<f64> {
        let mut values: HashMap<Id, f64> = HashMap::new();
        for id in self.reachable(expressions, |_| true) {
            let result = match self.node(id) {
                Node::Constant(constant) => constant.get(),
                Node::Symbol(symbol) => value(*symbol),
                Node::Sum { constant, terms } => {
                    terms.iter().fold(constant.get(), |sum, (w, a)| sum + w.get() * values[a])
                }
                Node::Product(factors) => {
                    factors.iter().fold(1.0, |product, &(a, n)| product * power(values[&a], n))
                }
                Node::Call(function, a) => function.value(values[a]),
                Node::Binary(binary, a, b) => binary.value(values[a], values[b]),
            };
            values.insert(id, result);
        }
        expressions.iter().map(|id| values[id]).collect()
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0]
    }

    /// The same, to be looked at while the graph grows.
    pub(crate) fn shared_node(&self, id: Id) -> Arc<Node> {
        Arc::clone(&self.nodes[id.0])
    }

    pub(crate) fn as_symbol(&self, id: Id) -> Option<Symbol> {
        match self.node(id) {
            Node::Symbol(symbol) => Some(*symbol),
            _ => None,
        }
    }

    /// How many expressions there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The expressions and all that they are made of, children first; of a node for which `enter`
    /// does not hold, not the children.
    pub(crate) fn reachable(&self, roots: &[Id], enter: impl Fn(&Node) -> bool) -> Vec<Id> {
        let mut seen = HashSet::new();
        let mut open = roots.to_vec();
        while let Some(id) = open.pop() {
            if seen.insert(id) && enter(self.node(id)) {
                self.node(id).for_each_child(|child| open.push(child));
            }
        }
        let mut nodes: Vec<Id> = seen.into_iter().collect();
        nodes.sort_unstable();
        nodes
    }

    fn intern(&mut self, node: Node) -> Id {
        if let Some(&id) = self.ids.get(&node) {
            return id;
        }
        let (node, id) = (Arc::new(node), Id(self.nodes.len()));
        self.nodes.push(Arc::clone(&node));
        self.ids.insert(node, id);
        id
    }
}

/// xⁿ for a small n ≠ 0.
fn power(x: f64, n: i32) -> f64 {
    let power = (1..n.unsigned_abs()).fold(x, |power, _| power * x);
    if n < 0 { 1.0 / power } else { power }
}
