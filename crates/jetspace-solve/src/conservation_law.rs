//! Conservation laws of one field, from formulas in an expression graph.

use jetspace_expr::{Graph, Id, Program, Symbol};
use jetspace_jet::MultiIndex;

use crate::SolveError;

/// The field itself.
const FIELD: Symbol = Symbol::Jet { field: 0, index: MultiIndex::VALUE };

/// ∂u/∂t + Σ ∂fₐ/∂xₐ = s with a flux f(t, x, u) and a source s(t, x, u).
///
/// If the flux is not given it is found from the equation c u_t + Σ cₐ(t, x, u) u_xₐ + r(t, x, u) = 0
/// with speeds cₐ/c that are polynomials in u: fₐ = ∫₀ᵘ cₐ/c du and s = Σ ∂fₐ/∂xₐ|ᵤ − r/c.
///
/// ```
/// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation, parse_expression};
/// use jetspace_solve::ConservationLaw;
/// let scope = Scope::new()
///     .coordinate("t", CoordinateKind::Time)?
///     .coordinate("x", CoordinateKind::Space)?
///     .field("u")?;
/// let mut graph = Graph::new();
/// let burgers = scope.lower_equation(&parse_equation("u_t + u*u_x = 0")?, &mut graph)?;
/// let mut flux = |text| scope.lower(&parse_expression(text)?, &mut graph);
/// let (right, wrong) = (flux("u^2/2")?, flux("u^2")?);
/// let law = |flux: Option<&[_]>| {
///     let flux = flux.map(|flux| (flux, None));
///     ConservationLaw::new(&graph, burgers, flux, 0, &[1], &[])
/// };
/// assert!(law(Some(&[right])).is_ok());
/// assert!(law(Some(&[wrong])).is_err());
/// assert!(law(None).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConservationLaw {
    pub(crate) time: usize,
    /// The coordinates of the axes.
    pub(crate) space: Vec<usize>,
    /// Axis by axis.
    pub(crate) fluxes: Vec<Flux>,
    pub(crate) source: Option<Program>,
}

/// The flux along an axis.
#[derive(Clone, Debug)]
pub(crate) struct Flux {
    /// f, then ∂f/∂u.
    pub program: Program,
    /// f = a(x) u + b(x): a and b, if it is so.
    pub linear: Option<Program>,
}

impl ConservationLaw {
    /// The law that the residual of an equation for field 0 says, with its flux along each axis and
    /// its source, if it has one; or with those that are found from the equation.
    ///
    /// `time` and `space` are numbers of coordinates; `parameters` are the values of the parameters
    /// by their numbers.
    ///
    /// # Errors
    /// Flux or source contain something else than coordinates, parameters and the field; the residual is
    /// not c (u_t + Σ ∂fₐ/∂xₐ − s) with a constant c; or no flux is given, and speeds are no polynomials
    /// in the field.
    pub fn new(
        graph: &Graph,
        residual: Id,
        flux: Option<(&[Id], Option<Id>)>,
        time: usize,
        space: &[usize],
        parameters: &[f64],
    ) -> Result<Self, SolveError> {
        let axes = flux.map_or(space.len(), |(flux, _)| flux.len());
        if axes != space.len() || space.is_empty() {
            let expected = format!("a flux along each of {} axes", space.len());
            return Err(SolveError::argument(expected, &axes));
        }
        let mut graph = graph.clone();
        let known = &mut |symbol, graph: &mut Graph| match symbol {
            Symbol::Parameter(i) => parameters.get(i).map(|&value| graph.constant(value)),
            _ => None,
        };
        let residual = graph.substitute(&[residual], known)[0];
        let zero = graph.constant(0.0);
        let (flux, source) = match flux {
            Some((flux, source)) => {
                let all: Vec<Id> = flux.iter().copied().chain([source.unwrap_or(zero)]).collect();
                let mut flux = graph.substitute(&all, known);
                let source = flux.pop().unwrap_or(zero);
                (flux, source)
            }
            None => conservative_form(&mut graph, residual, time, space)?,
        };
        for symbol in graph.symbols(&flux).into_iter().chain(graph.symbols(&[source])) {
            let is_known = match symbol {
                Symbol::Coordinate(i) => i == time || space.contains(&i),
                symbol => symbol == FIELD,
            };
            if !is_known {
                return Err(SolveError::Unsupported { equation: 0, symbol });
            }
        }
        verify(&mut graph, residual, &flux, source, time, space)?;
        let fluxes = flux.into_iter().map(|flux| Flux::new(&mut graph, flux, time)).collect();
        let source = (source != zero).then(|| Program::compile(&graph, &[source]));
        Ok(Self { time, space: space.to_vec(), fluxes, source })
    }
}

impl Flux {
    fn new(graph: &mut Graph, flux: Id, time: usize) -> Self {
        let slope = graph.partial(flux, FIELD);
        let zero = graph.constant(0.0);
        let rest = graph.substitute(&[flux], &mut |s, _| (s == FIELD).then_some(zero))[0];
        let moves = [FIELD, Symbol::Coordinate(time)];
        let is_fixed = !graph.symbols(&[slope, rest]).iter().any(|s| moves.contains(s));
        Self {
            program: Program::compile(graph, &[flux, slope]),
            linear: is_fixed.then(|| Program::compile(graph, &[slope, rest])),
        }
    }
}

/// Flux and source of c u_t + Σ cₐ u_xₐ + r = 0.
fn conservative_form(
    graph: &mut Graph,
    residual: Id,
    time: usize,
    space: &[usize],
) -> Result<(Vec<Id>, Id), SolveError> {
    let zero = graph.constant(0.0);
    let (by_time, factor) = time_derivative(graph, residual, time)?;
    let mut rest =
        graph.substitute(&[residual], &mut |symbol, _| (symbol == by_time).then_some(zero))[0];
    let mut terms = Vec::new();
    let mut fluxes = Vec::new();
    for &axis in space {
        let slope = first_derivative(axis)?;
        let speed = graph.partial(rest, slope);
        let flux = integral(graph, speed)?;
        let flux = graph.sum(&[(1.0 / factor, flux)]);
        terms.push((1.0, graph.partial(flux, Symbol::Coordinate(axis))));
        fluxes.push(flux);
        rest = graph.substitute(&[rest], &mut |symbol, _| (symbol == slope).then_some(zero))[0];
    }
    terms.push((-1.0 / factor, rest));
    Ok((fluxes, graph.sum(&terms)))
}

/// ∫₀ᵘ p du of a polynomial p in the field u, as Σ uᵏ⁺¹/(k + 1)! ∂ᵏp/∂uᵏ at u = 0.
fn integral(graph: &mut Graph, polynomial: Id) -> Result<Id, SolveError> {
    const HIGHEST: u32 = 16;
    let zero = graph.constant(0.0);
    let field = graph.symbol(FIELD);
    let (mut derivative, mut factorial, mut power) = (polynomial, 1.0, field);
    let mut terms = Vec::new();
    for k in 1..=HIGHEST {
        if graph.constant_value(derivative) == Some(0.0) {
            return Ok(graph.sum(&terms));
        }
        factorial *= f64::from(k);
        let coefficient =
            graph.substitute(&[derivative], &mut |symbol, _| (symbol == FIELD).then_some(zero))[0];
        terms.push((1.0 / factorial, graph.mul(coefficient, power)));
        power = graph.mul(power, field);
        derivative = graph.partial(derivative, FIELD);
    }
    Err(SolveError::NotConservation { found: "speeds that are no polynomials in the field" })
}

/// The symbol of the first derivative of the field along a coordinate.
fn first_derivative(axis: usize) -> Result<Symbol, SolveError> {
    let index = MultiIndex::from_variables(&[axis])
        .map_err(|error| SolveError::argument("a coordinate that jets have", &error))?;
    Ok(Symbol::Jet { field: 0, index })
}

/// The symbol u_t, and its constant factor in the residual.
fn time_derivative(
    graph: &mut Graph,
    residual: Id,
    time: usize,
) -> Result<(Symbol, f64), SolveError> {
    let by_time = first_derivative(time)?;
    let factor = graph.partial(residual, by_time);
    let factor = graph.constant_value(factor).filter(|factor| *factor != 0.0);
    let factor = factor.ok_or(SolveError::NotConservation { found: "one without c u_t" })?;
    Ok((by_time, factor))
}

/// Whether the residual is c (u_t + Σ ∂fₐ/∂xₐ − s): both sides at arbitrary numbers for all that is in
/// them, as formulas can be written in many ways.
fn verify(
    graph: &mut Graph,
    residual: Id,
    flux: &[Id],
    source: Id,
    time: usize,
    space: &[usize],
) -> Result<(), SolveError> {
    const TRIALS: usize = 16;
    let (by_time, factor) = time_derivative(graph, residual, time)?;
    let mut terms = vec![(factor, graph.symbol(by_time)), (-factor, source)];
    for (&flux, &axis) in flux.iter().zip(space) {
        let derivative = graph
            .derivative(flux, axis)
            .map_err(|error| SolveError::argument("a flux that can be differentiated", &error))?;
        terms.push((factor, derivative));
    }
    let law = graph.sum(&terms);
    let symbols: Vec<Symbol> = graph.symbols(&[law, residual]).into_iter().collect();
    let mut tried = 0;
    for trial in 0..TRIALS {
        // Multiples of irrational numbers: spread over (−1, 1), or (0, 1) for roots and logarithms.
        let value = |symbol| {
            let number = symbols.iter().position(|s| *s == symbol).unwrap_or(0);
            let spread = (0.618_034 * (trial + 1) as f64 + 0.414_214 * (number + 1) as f64).fract();
            if trial % 2 == 0 { spread } else { 2.0 * spread - 1.0 }
        };
        if let [law, residual] = graph.evaluate(&[law, residual], &value)[..]
            && law.is_finite()
            && residual.is_finite()
        {
            tried += 1;
            if (law - residual).abs() > 1e-9 * (1.0 + law.abs() + residual.abs()) {
                return Err(SolveError::NotConservation { found: "another one" });
            }
        }
    }
    let found = "one that is not finite at arbitrary numbers";
    if tried > 0 { Ok(()) } else { Err(SolveError::NotConservation { found }) }
}
