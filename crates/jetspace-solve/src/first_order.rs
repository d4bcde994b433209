//! Ordinary differential equations as systems of first order, taken from residuals in an expression
//! graph.

use jetspace_expr::{DerivativeError, Graph, Id, Program, Symbol};
use jetspace_jet::MultiIndex;

use crate::SolveError;

/// ẏ = f(t, c, y) with the state y = (u, u_t, …, ∂ᵐ⁻¹u/∂tᵐ⁻¹) of all fields, where m is the highest
/// order of each, and c are coordinates that stay what they are along a trajectory.
///
/// ```
/// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
/// use jetspace_solve::FirstOrderSystem;
/// let scope = Scope::new().coordinate("t", CoordinateKind::Time)?.field("u")?;
/// let mut graph = Graph::new();
/// let pendulum = scope.lower_equation(&parse_equation("u_tt + sin(u) = 0")?, &mut graph)?;
/// let system = FirstOrderSystem::new(&graph, &[pendulum], 1, 0, &[], &[])?;
/// // The angle and its velocity.
/// assert_eq!(system.state().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FirstOrderSystem {
    graph: Graph,
    pub(crate) time: usize,
    /// u, u_t, … of the first field, then of the others.
    state: Vec<Symbol>,
    /// The highest derivative of each field, and what it is in terms of the state.
    highest: Vec<(Symbol, Id)>,
    /// f, an output for each component of the state.
    pub(crate) rates: Program,
}

impl FirstOrderSystem {
    /// The system of residuals F₀ = 0, F₁ = 0, …, in any order, for as many fields. Each is linear in
    /// the highest derivative of one field; what that is multiplied by may depend on the rest.
    ///
    /// `time` and `constants` are numbers of coordinates; `parameters` are the values of the
    /// parameters by their numbers.
    ///
    /// # Errors
    /// A residual is not linear in the highest derivative of one field, a field has no equation or
    /// several, or a residual needs what a solver does not have, such as data or derivatives by
    /// other coordinates.
    pub fn new(
        graph: &Graph,
        residuals: &[Id],
        fields: usize,
        time: usize,
        constants: &[usize],
        parameters: &[f64],
    ) -> Result<Self, SolveError> {
        let mut graph = graph.clone();
        let known = &mut |symbol, graph: &mut Graph| match symbol {
            Symbol::Parameter(i) => parameters.get(i).map(|&value| graph.constant(value)),
            _ => None,
        };
        let residuals = graph.substitute(residuals, known);
        let mut orders = vec![0; fields];
        for (equation, &residual) in residuals.iter().enumerate() {
            for symbol in graph.symbols(&[residual]) {
                let is_known = match symbol {
                    Symbol::Coordinate(i) => i == time || constants.contains(&i),
                    Symbol::Jet { index, .. } => index.exponent(time) == index.order(),
                    _ => false,
                };
                if !is_known {
                    return Err(SolveError::Unsupported { equation, symbol });
                }
                if let Symbol::Jet { field, index } = symbol {
                    let order = orders.get_mut(field);
                    let order = order.ok_or(SolveError::Determined { field, found: 1 })?;
                    *order = index.order().max(*order);
                }
            }
        }
        let symbol = |field, order| Ok(Symbol::Jet { field, index: by_time(time, order)? });
        let mut found: Vec<Vec<Id>> = vec![Vec::new(); fields];
        let tops: Result<Vec<Symbol>, SolveError> =
            orders.iter().enumerate().map(|(field, &order)| symbol(field, order)).collect();
        let tops = tops?;
        for (equation, &residual) in residuals.iter().enumerate() {
            let (field, rate) = solve_for_highest(&mut graph, residual, equation, &tops, &orders)?;
            found[field].push(rate);
        }
        let mut highest = Vec::new();
        for (field, (rates, top)) in found.into_iter().zip(tops).enumerate() {
            let [rate] = rates[..] else {
                return Err(SolveError::Determined { field, found: rates.len() });
            };
            highest.push((top, rate));
        }
        let (mut state, mut rates) = (Vec::new(), Vec::new());
        for (field, &order) in orders.iter().enumerate() {
            for lower in 0..order {
                state.push(symbol(field, lower)?);
                rates.push(match lower + 1 {
                    next if next == order => highest[field].1,
                    next => graph.symbol(symbol(field, next)?),
                });
            }
        }
        let rates = Program::compile(&graph, &rates);
        Ok(Self { graph, time, state, highest, rates })
    }

    /// What the components of the state are: derivatives of fields by time.
    #[must_use]
    pub fn state(&self) -> &[Symbol] {
        &self.state
    }

    /// Derivatives of fields by time, of any order up to [`MAX_ORDER`](jetspace_jet::MAX_ORDER), from
    /// the state: a program with an output for each (field, α) that is wanted.
    ///
    /// What is beyond the state follows from the equations: d/dt g(t, y) = ∂g/∂t + Σ ∂g/∂yᵢ fᵢ.
    ///
    /// # Errors
    /// A field that does not exist, a derivative by another coordinate than time, or a formula that
    /// becomes too long.
    pub fn derivatives(&self, wanted: &[(usize, MultiIndex)]) -> Result<Program, SolveError> {
        let mut graph = self.graph.clone();
        let mut outputs = Vec::new();
        for &(field, index) in wanted {
            let Some(&(Symbol::Jet { index: top, .. }, rate)) = self.highest.get(field) else {
                let expected = format!("one of {} fields (from 0)", self.highest.len());
                return Err(SolveError::argument(expected, &field));
            };
            let order = index.exponent(self.time);
            if order != index.order() {
                let expected = "derivatives by time: along a trajectory all else is constant";
                return Err(SolveError::argument(expected, &format!("the derivative {index}")));
            }
            outputs.push(if order < top.order() {
                graph.symbol(Symbol::Jet { field, index })
            } else {
                (top.order()..order).try_fold(rate, |lower, _| self.along(&mut graph, lower))?
            });
        }
        Ok(Program::compile(&graph, &outputs))
    }

    /// The derivative along trajectories, in terms of the state again.
    fn along(&self, graph: &mut Graph, expression: Id) -> Result<Id, SolveError> {
        let derivative =
            graph.derivative(expression, self.time).map_err(|error: DerivativeError| {
                SolveError::argument("a right side that can be differentiated by time", &error)
            })?;
        let from_state = graph.substitute(&[derivative], &mut |symbol, _| {
            self.highest.iter().find(|(top, _)| *top == symbol).map(|(_, rate)| *rate)
        });
        Ok(from_state[0])
    }
}

/// ∂ᵏ/∂tᵏ.
fn by_time(time: usize, order: usize) -> Result<MultiIndex, SolveError> {
    MultiIndex::from_variables(&vec![time; order])
        .map_err(|error| SolveError::argument("a coordinate that jets have", &error))
}

/// The field whose highest derivative a residual has, and what that is.
fn solve_for_highest(
    graph: &mut Graph,
    residual: Id,
    equation: usize,
    tops: &[Symbol],
    orders: &[usize],
) -> Result<(usize, Id), SolveError> {
    let not = |found| SolveError::NotExplicit { equation, found };
    let symbols = graph.symbols(&[residual]);
    let fields: Vec<usize> =
        (0..tops.len()).filter(|&f| orders[f] > 0 && symbols.contains(&tops[f])).collect();
    let field = match fields[..] {
        [] => return Err(not("found none")),
        [field] => field,
        _ => return Err(not("found those of several fields")),
    };
    let factor = graph.partial(residual, tops[field]);
    if graph.symbols(&[factor]).contains(&tops[field]) {
        return Err(not("found it otherwise"));
    }
    let zero = graph.constant(0.0);
    let rest = graph.substitute(&[residual], &mut |s, _| (s == tops[field]).then_some(zero))[0];
    let quotient = graph.div(rest, factor);
    Ok((field, graph.neg(quotient)))
}
