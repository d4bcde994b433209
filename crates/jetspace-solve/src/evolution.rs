//! Systems ∂uᵢ/∂t = Lᵢ uᵢ + Nᵢ, taken from residuals in an expression graph.

use jetspace_expr::{Graph, Id, Program, Symbol};
use jetspace_jet::MultiIndex;

use crate::SolveError;

/// ∂uᵢ/∂t = Lᵢ uᵢ + Nᵢ(t, x, u, ∂u, …) for all fields i: Lᵢ = Σ c_α D^α with constant c_α holds
/// every such term of the field's own, Nᵢ the rest.
///
/// ```
/// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
/// use jetspace_solve::{Evolution, SolveError};
/// let scope = Scope::new()
///     .coordinate("t", CoordinateKind::Time)?
///     .coordinate("x", CoordinateKind::Space)?
///     .field("u")?;
/// let mut graph = Graph::new();
/// let wave = scope.lower_equation(&parse_equation("u_tt = u_xx")?, &mut graph)?;
/// let error = Evolution::new(&mut graph, &[wave], 1, 0, &[1], &[]).unwrap_err();
/// assert!(matches!(error, SolveError::NotEvolution { equation: 0, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Evolution {
    /// The number of the coordinate that is time.
    pub(crate) time: usize,
    /// The coordinates of the axes in space.
    pub(crate) space: Vec<usize>,
    /// (α, c_α) of Lᵢ, field by field.
    pub(crate) linear: Vec<Vec<(MultiIndex, f64)>>,
    /// N, an output for each field.
    pub(crate) nonlinear: Program,
}

impl Evolution {
    /// The system of residuals F₀ = 0, F₁ = 0, …, in any order, for as many fields.
    ///
    /// `time` and `space` are numbers of coordinates; `parameters` are the values of the parameters
    /// by their numbers.
    ///
    /// # Errors
    /// A residual is not linear in one ∂uᵢ/∂t with a constant factor, a field has no equation or
    /// several, or a residual needs what a solver does not have, such as data.
    pub fn new(
        graph: &mut Graph,
        residuals: &[Id],
        fields: usize,
        time: usize,
        space: &[usize],
        parameters: &[f64],
    ) -> Result<Self, SolveError> {
        let known = &mut |symbol, graph: &mut Graph| match symbol {
            Symbol::Parameter(i) => parameters.get(i).map(|&value| graph.constant(value)),
            _ => None,
        };
        let residuals = graph.substitute(residuals, known);
        let mut rates: Vec<Vec<(usize, Id)>> = vec![Vec::new(); fields];
        for (equation, residual) in residuals.into_iter().enumerate() {
            let (field, rate) = solve_for_rate(graph, residual, equation, time)?;
            let slot = rates.get_mut(field);
            slot.ok_or(SolveError::Determined { field, found: 1 })?.push((equation, rate));
        }
        let (mut linear, mut nonlinear) = (Vec::new(), Vec::new());
        for (field, rates) in rates.into_iter().enumerate() {
            let [(equation, rate)] = rates[..] else {
                return Err(SolveError::Determined { field, found: rates.len() });
            };
            let terms = linear_terms(graph, rate, field);
            let rest: Vec<(f64, Id)> = terms
                .iter()
                .map(|&(index, factor)| (-factor, graph.symbol(Symbol::Jet { field, index })))
                .chain([(1.0, rate)])
                .collect();
            let rest = graph.sum(&rest);
            for symbol in graph.symbols(&[rest]) {
                let is_known = match symbol {
                    Symbol::Coordinate(i) => i == time || space.contains(&i),
                    Symbol::Jet { index, .. } => is_spatial(index, space),
                    _ => false,
                };
                if !is_known {
                    return Err(SolveError::Unsupported { equation, symbol });
                }
            }
            if let Some((index, _)) = terms.iter().find(|(index, _)| !is_spatial(*index, space)) {
                let symbol = Symbol::Jet { field, index: *index };
                return Err(SolveError::Unsupported { equation, symbol });
            }
            linear.push(terms);
            nonlinear.push(rest);
        }
        let nonlinear = Program::compile(graph, &nonlinear);
        Ok(Self { time, space: space.to_vec(), linear, nonlinear })
    }

    /// The number of fields.
    #[must_use]
    pub fn fields(&self) -> usize {
        self.linear.len()
    }
}

/// The field whose ∂u/∂t a residual has, and that derivative.
fn solve_for_rate(
    graph: &mut Graph,
    residual: Id,
    equation: usize,
    time: usize,
) -> Result<(usize, Id), SolveError> {
    let not = |found| SolveError::NotEvolution { equation, found };
    let by_time = graph.symbols(&[residual]).into_iter().filter_map(|symbol| match symbol {
        Symbol::Jet { field, index } if index.exponent(time) > 0 => Some((symbol, field, index)),
        _ => None,
    });
    let by_time: Vec<_> = by_time.collect();
    let (symbol, field) = match by_time[..] {
        [] => return Err(not("found no derivative by time")),
        [(symbol, field, index)] if index.order() == 1 => (symbol, field),
        [_] => return Err(not("found one of higher order")),
        _ => return Err(not("found several")),
    };
    let factor = graph.partial(residual, symbol);
    let factor = graph.constant_value(factor).filter(|factor| *factor != 0.0);
    let factor = factor.ok_or_else(|| not("found it otherwise"))?;
    let zero = graph.constant(0.0);
    let rest = graph.substitute(&[residual], &mut |s, _| (s == symbol).then_some(zero));
    let rest: Vec<(f64, Id)> = rest.into_iter().map(|rest| (-1.0 / factor, rest)).collect();
    Ok((field, graph.sum(&rest)))
}

/// The terms c_α D^α of a field's own with constant c_α.
fn linear_terms(graph: &mut Graph, rate: Id, field: usize) -> Vec<(MultiIndex, f64)> {
    let own: Vec<MultiIndex> = graph
        .symbols(&[rate])
        .into_iter()
        .filter_map(|symbol| match symbol {
            Symbol::Jet { field: of, index } if of == field => Some(index),
            _ => None,
        })
        .collect();
    own.into_iter()
        .filter_map(|index| {
            let factor = graph.partial(rate, Symbol::Jet { field, index });
            Some((index, graph.constant_value(factor)?))
        })
        .collect()
}

fn is_spatial(index: MultiIndex, space: &[usize]) -> bool {
    index.factors().all(|coordinate| space.contains(&coordinate))
}
