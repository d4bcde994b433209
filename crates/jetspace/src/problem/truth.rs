//! The truth put into expressions: every field and derivative replaced by its closed form.

use jetspace_expr::{DerivativeError, Graph, Id, Symbol};
use jetspace_jet::MultiIndex;

use super::Problem;

/// The expressions with fields and their derivatives replaced by those of `truth`.
///
/// # Errors
/// A derivative of the truth does not exist in closed form.
pub(super) fn insert(
    graph: &mut Graph,
    truth: &[Id],
    expressions: &[Id],
) -> Result<Vec<Id>, DerivativeError> {
    replace(graph, expressions, |symbol, graph| match symbol {
        Symbol::Jet { field, index } => Some(derivative(graph, *truth.get(field)?, index)),
        _ => None,
    })
}

/// The same for the other end of a pair, where `coordinate` has the value `end`.
fn insert_other(
    graph: &mut Graph,
    truth: &[Id],
    expression: Id,
    (coordinate, end): (usize, f64),
) -> Result<Id, DerivativeError> {
    let replaced = replace(graph, &[expression], |symbol, graph| {
        let Symbol::Other { field, index } = symbol else { return None };
        let moved = derivative(graph, *truth.get(field)?, index).map(|id| {
            let end = graph.constant(end);
            let here = Symbol::Coordinate(coordinate);
            graph.substitute(&[id], &mut |s, _| (s == here).then_some(end))[0]
        });
        Some(moved)
    })?;
    Ok(replaced[0])
}

fn replace(
    graph: &mut Graph,
    expressions: &[Id],
    value: impl Fn(Symbol, &mut Graph) -> Option<Result<Id, DerivativeError>>,
) -> Result<Vec<Id>, DerivativeError> {
    let mut failed = None;
    let replaced = graph.substitute(expressions, &mut |symbol, graph| {
        value(symbol, graph)?.map_err(|error| failed = Some(error)).ok()
    });
    failed.map_or(Ok(replaced), Err)
}

fn derivative(graph: &mut Graph, of: Id, index: MultiIndex) -> Result<Id, DerivativeError> {
    index.factors().try_fold(of, |id, coordinate| graph.derivative(id, coordinate))
}

impl Problem {
    /// D^α of the truth of a field, in coordinates and parameters; nothing if the truth is not
    /// known in closed form.
    ///
    /// # Errors
    /// The derivative does not exist in closed form.
    pub fn true_derivative(
        &mut self,
        field: usize,
        index: MultiIndex,
    ) -> Option<Result<Id, DerivativeError>> {
        let truth = *self.truth.as_ref()?.get(field)?;
        Some(derivative(&mut self.graph, truth, index))
    }

    /// A residual at the truth, in coordinates and parameters; `pair` is the coordinate at whose
    /// upper end `other` is. Nothing if the truth is not known in closed form.
    ///
    /// # Errors
    /// A derivative does not exist in closed form.
    pub fn residual_at_truth(
        &mut self,
        residual: Id,
        pair: Option<usize>,
    ) -> Option<Result<Id, DerivativeError>> {
        let truth = self.truth.clone()?;
        let residual = match pair {
            Some(i) => {
                let end = self.coordinates[i].range.1;
                insert_other(&mut self.graph, &truth, residual, (i, end))
            }
            None => Ok(residual),
        };
        Some(residual.and_then(|id| Ok(insert(&mut self.graph, &truth, &[id])?[0])))
    }
}
