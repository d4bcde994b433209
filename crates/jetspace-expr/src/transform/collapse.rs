//! Collapsing: derivatives that are needed only in one linear combination, such as the Laplacian,
//! become one symbol, so that whoever evaluates them carries one component instead of several.

use std::collections::BTreeSet;

use jetspace_jet::MultiIndex;

use crate::function::Binary;
use crate::graph::Node;
use crate::{Graph, Id, Symbol};

/// Coefficients are the same ratio if they agree up to rounding.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// Expressions in which combinations of derivatives are single symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapsed {
    /// What [`Symbol::Combination`] stands for, by its number: Σ wᵢ D^αᵢ of the field, the first
    /// coefficient 1, the indices ascending.
    pub combinations: Vec<Vec<(MultiIndex, f64)>>,
    /// The expressions in terms of those symbols, in the order given.
    pub expressions: Vec<Id>,
}

/// One way in which an expression depends on a derivative: which expression, of which field, and
/// its partial derivative w·a by the field's derivative.
#[derive(Clone, Copy)]
struct Use {
    place: (usize, usize),
    weight: f64,
    rest: Id,
}

/// Derivatives that all expressions use alike.
struct Class {
    /// How they use the first; the others by a multiple.
    uses: Vec<Use>,
    terms: Vec<(MultiIndex, f64)>,
}

impl Graph {
    /// Finds the derivatives that all expressions use only in the same linear combination, whatever
    /// the field, and replaces each combination by [`Symbol::Combination`].
    ///
    /// An expression e depends on D^α u and D^β u only through D^α u + c D^β u exactly if
    /// ∂e/∂(D^β u) = c ∂e/∂(D^α u) everywhere; that is what is looked for, in all expressions and all
    /// fields, with one number c.
    ///
    /// Only derivatives take part that no other derivative needed lies above (those below have to
    /// be carried in any case), and none that is needed at the other end of a periodic pair.
    /// The expressions should hold no combinations yet, as their numbers start from 0.
    ///
    /// ```
    /// use jetspace_expr::{Graph, Symbol};
    /// use jetspace_jet::MultiIndex;
    /// let (xx, yy) = (MultiIndex::new(&[2, 0])?, MultiIndex::new(&[0, 2])?);
    /// let mut graph = Graph::new();
    /// let [u, u_xx, u_yy] = [MultiIndex::VALUE, xx, yy]
    ///     .map(|index| graph.symbol(Symbol::Jet { field: 0, index }));
    /// let helmholtz = graph.sum(&[(-1.0, u_xx), (-1.0, u_yy), (4.0, u)]);
    /// let collapsed = graph.collapse(&[helmholtz]);
    /// assert_eq!(collapsed.combinations, [[(xx, 1.0), (yy, 1.0)]]);
    /// let laplacian = graph.symbol(Symbol::Combination { field: 0, combination: 0 });
    /// assert_eq!(collapsed.expressions, [graph.sum(&[(-1.0, laplacian), (4.0, u)])]);
    /// # Ok::<(), jetspace_jet::JetError>(())
    /// ```
    pub fn collapse(&mut self, expressions: &[Id]) -> Collapsed {
        let symbols = self.symbols(expressions);
        let mut classes: Vec<Class> = Vec::new();
        let candidates = candidates(&symbols);
        if candidates.len() >= 2 {
            let parts = self.smooth_parts(expressions);
            for index in candidates {
                let uses = self.uses(&parts, &symbols, index);
                let found = classes
                    .iter_mut()
                    .find_map(|class| Some((ratio(&class.uses, &uses)?, &mut class.terms)));
                match found {
                    Some((weight, terms)) => terms.push((index, weight)),
                    None => classes.push(Class { uses, terms: vec![(index, 1.0)] }),
                }
            }
        }
        let mut combinations: Vec<_> = classes.into_iter().map(|class| class.terms).collect();
        combinations.retain(|terms| terms.len() >= 2);
        // The first derivative becomes the combination, and the others nothing.
        let zero = self.constant(0.0);
        let expressions = self.substitute(expressions, &mut |symbol, graph| {
            let Symbol::Jet { field, index } = symbol else { return None };
            combinations.iter().enumerate().find_map(|(combination, terms)| {
                let at = terms.iter().position(|(term, _)| *term == index)?;
                Some(match at {
                    0 => graph.symbol(Symbol::Combination { field, combination }),
                    _ => zero,
                })
            })
        });
        Collapsed { combinations, expressions }
    }

    /// The expressions, and what decides the piecewise constant functions in them: on that they
    /// depend, though their derivatives by it are zero.
    fn smooth_parts(&mut self, expressions: &[Id]) -> Vec<Id> {
        let mut parts = expressions.to_vec();
        for id in self.reachable(expressions, |_| true) {
            match *self.shared_node(id) {
                Node::Call(function, a) if function.is_piecewise_constant() => parts.push(a),
                Node::Binary(Binary::Less | Binary::LessEqual, a, b) => parts.push(self.sub(a, b)),
                _ => {}
            }
        }
        parts
    }

    /// How the parts depend on the derivative D^α of the fields.
    fn uses(&mut self, parts: &[Id], symbols: &BTreeSet<Symbol>, index: MultiIndex) -> Vec<Use> {
        let mut uses = Vec::new();
        for &symbol in symbols {
            let Symbol::Jet { field, index: of_symbol } = symbol else { continue };
            if of_symbol != index {
                continue;
            }
            for (part, &expression) in parts.iter().enumerate() {
                let partial = self.partial(expression, symbol);
                let (weight, rest) = self.split_leading(partial);
                if weight != 0.0 {
                    uses.push(Use { place: (part, field), weight, rest });
                }
            }
        }
        uses
    }

    /// The expression as w·a, such that its multiples have the same a.
    fn split_leading(&mut self, id: Id) -> (f64, Id) {
        let node = self.shared_node(id);
        let Node::Sum { constant, terms } = &*node else { return self.split_weight(id) };
        let leading = terms.first().map_or(1.0, |(w, _)| w.get());
        let one = self.constant(1.0);
        let mut scaled: Vec<_> = terms.iter().map(|(w, a)| (w.get() / leading, *a)).collect();
        scaled.push((constant.get() / leading, one));
        (leading, self.sum(&scaled))
    }
}

/// The derivatives that may be part of a combination, in ascending order.
fn candidates(symbols: &BTreeSet<Symbol>) -> Vec<MultiIndex> {
    let (mut own, mut other) = (BTreeSet::new(), BTreeSet::new());
    for symbol in symbols {
        match symbol {
            Symbol::Jet { index, .. } => own.insert(*index),
            Symbol::Other { index, .. } => other.insert(*index),
            _ => false,
        };
    }
    let is_below = |a: &MultiIndex, b: &MultiIndex| a != b && a.divides(b);
    let is_top = |a: &&MultiIndex| !own.union(&other).any(|b| is_below(a, b));
    own.difference(&other).filter(|index| index.order() > 0).filter(is_top).copied().collect()
}

/// The number c such that `second` is c times `first`, if there is one.
fn ratio(first: &[Use], second: &[Use]) -> Option<f64> {
    let c = second.first()?.weight / first.first()?.weight;
    let is_multiple = |(a, b): (&Use, &Use)| {
        let here = b.weight / a.weight;
        a.place == b.place && a.rest == b.rest && (here - c).abs() <= ROUNDING * c.abs()
    };
    let fits = c.is_normal() && first.len() == second.len();
    (fits && first.iter().zip(second).all(is_multiple)).then_some(c)
}
