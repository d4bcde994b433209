//! Derivatives of expressions: total ones by a coordinate, and partial ones by any symbol.
//!
//! Relies on [`Graph`]'s constructors to simplify what the rules give. Both kinds are the same sweep
//! over an expression, children first, and differ in the derivatives of the symbols.

use std::collections::HashMap;
use std::convert::Infallible;

use jetspace_jet::{JetError, MultiIndex};
use thiserror::Error;

use crate::function::Binary;
use crate::graph::Node;
use crate::{Graph, Id, Symbol};

/// Most operations that a graph may hold for a total derivative to be taken: nested ones can grow
/// exponentially.
const MOST_OPERATIONS: usize = 1 << 18;

/// Why an expression has no derivative by a coordinate.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum DerivativeError {
    /// The expression depends on something that is only known as a value.
    #[error(
        "expected an expression of coordinates, fields and parameters, but it contains {symbol}, whose derivative is not known: take it out of the derivative"
    )]
    OnlyValue {
        /// What it depends on.
        symbol: Symbol,
    },
    /// The derivative of a field's derivative is beyond what jets hold.
    #[error("the {symbol} cannot be differentiated by coordinate {coordinate} (from 0): {source}")]
    BeyondJets {
        /// The derivative of the field.
        symbol: Symbol,
        /// The coordinate.
        coordinate: usize,
        /// Which limit is passed.
        source: JetError,
    },
    /// The expressions have become too many, as nested derivatives make them.
    #[error("expected at most {MOST_OPERATIONS} operations, found {found}: nest fewer derivatives")]
    TooLong {
        /// The number of operations before the derivative.
        found: usize,
    },
}

impl Graph {
    /// The total derivative ∂/∂x_i by a coordinate: fields depend on it, so u_x becomes u_xx;
    /// parameters do not.
    ///
    /// # Errors
    /// The derivative of a column, of a teacher's or the other end's field, of a combination or of
    /// a hoisted value is needed; a field's derivative has an order above
    /// [`MAX_ORDER`](jetspace_jet::MAX_ORDER); the graph has become too large.
    ///
    /// ```
    /// use jetspace_expr::{Graph, Symbol};
    /// use jetspace_jet::MultiIndex;
    /// let jet = |index| Symbol::Jet { field: 0, index };
    /// let mut graph = Graph::new();
    /// let u = graph.symbol(jet(MultiIndex::VALUE));
    /// let u_x = graph.symbol(jet(MultiIndex::new(&[1])?));
    /// let square = graph.mul(u, u);
    /// let product = graph.mul(u, u_x);
    /// let expected = graph.sum(&[(2.0, product)]);
    /// assert_eq!(graph.derivative(square, 0)?, expected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn derivative(&mut self, expression: Id, coordinate: usize) -> Result<Id, DerivativeError> {
        if self.len() > MOST_OPERATIONS {
            return Err(DerivativeError::TooLong { found: self.len() });
        }
        self.differentiate(expression, |graph, symbol| match symbol {
            Symbol::Coordinate(i) => Ok(graph.constant(f64::from(u8::from(i == coordinate)))),
            Symbol::Parameter(_) => Ok(graph.constant(0.0)),
            Symbol::Jet { field, index } => {
                let variables: Vec<usize> = index.factors().chain([coordinate]).collect();
                match MultiIndex::from_variables(&variables) {
                    Ok(index) => Ok(graph.symbol(Symbol::Jet { field, index })),
                    Err(source) => Err(DerivativeError::BeyondJets { symbol, coordinate, source }),
                }
            }
            Symbol::Other { .. }
            | Symbol::Teacher { .. }
            | Symbol::Column(_)
            | Symbol::Combination { .. }
            | Symbol::Hoisted(_) => Err(DerivativeError::OnlyValue { symbol }),
        })
    }

    /// The partial derivative by a symbol, all other symbols held fixed.
    pub fn partial(&mut self, expression: Id, by: Symbol) -> Id {
        let derivative = self.differentiate(expression, |graph, symbol| {
            Ok::<_, Infallible>(graph.constant(f64::from(u8::from(symbol == by))))
        });
        match derivative {
            Ok(derivative) => derivative,
            Err(never) => match never {},
        }
    }

    /// The derivative of an expression whose symbols have the derivatives `of_symbol`.
    fn differentiate<E>(
        &mut self,
        expression: Id,
        of_symbol: impl Fn(&mut Self, Symbol) -> Result<Id, E>,
    ) -> Result<Id, E> {
        let zero = self.constant(0.0);
        let mut derivatives: HashMap<Id, Id> = HashMap::new();
        // What a piecewise constant function depends on need not be differentiable.
        for id in self.reachable(&[expression], |node| !node.is_piecewise_constant()) {
            let of = |child: &Id| derivatives.get(child).copied().unwrap_or(zero);
            let derivative = match &*self.shared_node(id) {
                Node::Symbol(symbol) => of_symbol(self, *symbol)?,
                Node::Sum { terms, .. } => {
                    let terms: Vec<_> = terms.iter().map(|(w, a)| (w.get(), of(a))).collect();
                    self.sum(&terms)
                }
                Node::Product(factors) => {
                    let of_factors: Vec<Id> = factors.iter().map(|(a, _)| of(a)).collect();
                    self.product_rule(factors, &of_factors)
                }
                Node::Call(function, a) if of(a) != zero && !function.is_piecewise_constant() => {
                    let outer = function.derivative(self, *a);
                    self.mul(outer, of(a))
                }
                Node::Binary(binary, a, b) => {
                    self.binary_rule(*binary, id, (*a, *b), (of(a), of(b)))
                }
                Node::Constant(_) | Node::Call(..) => zero,
            };
            derivatives.insert(id, derivative);
        }
        Ok(derivatives.get(&expression).copied().unwrap_or(zero))
    }

    /// (Π aᵢ^nᵢ)′ = Σ nᵢ aᵢ^(nᵢ−1) aᵢ′ Π_{j≠i} aⱼ^nⱼ, the other factors as a product of those before
    /// and of those after: linear in their number, and right where a factor is zero.
    fn product_rule(&mut self, factors: &[(Id, i32)], derivatives: &[Id]) -> Id {
        let one = self.constant(1.0);
        let mut rest = one;
        let mut after = vec![one];
        for &(a, n) in factors.iter().skip(1).rev() {
            rest = self.powers(&[(a, n), (rest, 1)]);
            after.push(rest);
        }
        let mut before = one;
        let mut terms = Vec::new();
        let after = after.into_iter().rev();
        for ((&(a, n), &derivative), after) in factors.iter().zip(derivatives).zip(after) {
            if self.constant_value(derivative) != Some(0.0) {
                let term = self.powers(&[(a, n - 1), (derivative, 1), (before, 1), (after, 1)]);
                terms.push((f64::from(n), term));
            }
            before = self.powers(&[(before, 1), (a, n)]);
        }
        self.sum(&terms)
    }

    /// The derivative of `value`, a function of (a, b) with these derivatives.
    fn binary_rule(
        &mut self,
        binary: Binary,
        value: Id,
        (a, b): (Id, Id),
        (da, db): (Id, Id),
    ) -> Id {
        let zero = self.constant(0.0);
        let one = self.constant(1.0);
        match binary {
            // b a^(b−1) a′ + aᵇ ln a b′, each only where needed: at a = 0 the other has no value.
            Binary::Power => {
                let mut terms = Vec::new();
                if da != zero {
                    let lower = self.sub(b, one);
                    let power = self.pow(a, lower);
                    terms.push((1.0, self.product(&[b, power, da])));
                }
                if db != zero {
                    let log = self.call(crate::Function::Log, a);
                    terms.push((1.0, self.product(&[value, log, db])));
                }
                self.sum(&terms)
            }
            // Where a and b are equal, a is taken.
            Binary::Min | Binary::Max => {
                let first = match binary {
                    Binary::Min => self.less_equal(a, b),
                    _ => self.less_equal(b, a),
                };
                let second = self.sub(one, first);
                let (da, db) = (self.mul(first, da), self.mul(second, db));
                self.add(da, db)
            }
            Binary::Less | Binary::LessEqual => zero,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Function;

    #[test]
    fn derivatives_of_closed_forms_stay_small() {
        let mut graph = Graph::new();
        let [x, y] = [0, 1].map(|i| graph.symbol(Symbol::Coordinate(i)));
        let k = graph.symbol(Symbol::Parameter(0));
        let pi = std::f64::consts::PI;
        let [sin_x, sin_y] = [x, y].map(|a| {
            let a = graph.sum(&[(pi, a)]);
            graph.call(Function::Sin, a)
        });
        let decay = graph.mul(k, x);
        let decay = graph.neg(decay);
        let decay = graph.call(Function::Exp, decay);
        let mut id = graph.product(&[sin_x, sin_y, decay]);
        for (order, most) in [(0, 13), (1, 17), (2, 21), (3, 23), (4, 25)] {
            let size = graph.reachable(&[id], |_| true).len();
            assert!(size <= most, "order {order}: {size}");
            id = graph.derivative(id, 0).unwrap();
        }
    }
}
