//! Output transforms: fields as formulas of the coordinates and of what the network gives, so that
//! conditions hold exactly, such as u = x (1 − x) N, which is zero at x = 0 and 1 for every N.
//! (I. E. Lagaris, A. Likas, D. I. Fotiadis, IEEE Transactions on Neural Networks 9, 1998.)
//!
//! Residuals in the fields become residuals in the network's outputs, by the chain rule and before
//! anything looks for the jets in them ([`crate::objective`], [`crate::model`]): what comes after
//! that knows outputs only. In expressions output i stands where field i stood.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jetspace_expr::{DerivativeError, ExprError, Graph, Id, Symbol, parse_expression};
use jetspace_jet::MultiIndex;

use crate::Error;
use crate::problem::{Place, Problem, evaluate_with};
use crate::random::Purpose;
use crate::source::{Source, did_you_mean};
use crate::study::network::Period;
use crate::study_file::NetworkFile;

/// A residual counts as zero below this fraction of what its terms, and rounded coordinates, make.
const ROUNDING: f64 = 1e-13;

/// How the fields are made of what a network gives.
///
/// ```
/// use jetspace::{Study, source::Source};
/// let problem = r#"
///     title = "Heat equation"
///     fields = ["u"]
///     coordinates = { t = { range = [0, 1] }, x = { range = [0, 1] } }
///     equations.heat = "u_t = u_xx"
///     conditions.walls = { on = "boundary", require = ["u = 0"] }
///     conditions.start = { on = "initial", require = ["u = sin(pi*x)"] }
/// "#;
/// let study = r#"
///     title = "A study of it"
///     problem = "heat.toml"
///     methods = ["pinn"]
///     network = { hidden = [20, 20], transform.u = "sin(pi*x) + t*x*(1 - x)*N" }
///     points.interior = { sampler = "sobol", count = 100 }
///     optimizer = [{ method = "adam", steps = 100 }]
/// "#;
/// let study = Study::from_sources(
///     &Source::new("study.toml", study),
///     &Source::new("heat.toml", problem),
/// )?;
/// assert_eq!(study.exact, [true, true]);
/// assert_eq!(study.methods[0].terms.len(), 1);
/// # Ok::<(), jetspace::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OutputTransform {
    /// Field by field.
    fields: Vec<Id>,
    /// Whether every field is an output.
    is_identity: bool,
    /// The coordinates whose range is a period of the network, or several.
    periodic: Vec<usize>,
}

impl OutputTransform {
    /// Reads the formulas in the description of a network, and adds them to the problem's graph.
    /// `place` says where the formula of a field, with this text, stands.
    ///
    /// # Errors
    /// A formula of no field, a mistake in one, or one without an output.
    pub(crate) fn read(
        file: &NetworkFile,
        problem: &mut Problem,
        place: impl Fn(&str, &str) -> (Arc<Source>, Range<usize>),
    ) -> Result<Self, Error> {
        let bounds = problem.bounds();
        let is_range = |period: &Period| {
            let range = bounds.get(period.axis).map_or(0.0, |(low, high)| high - low);
            let periods = range / period.length;
            (periods - periods.round()).abs() <= ROUNDING * periods
        };
        let periods = file.periods(problem)?;
        let periodic = periods.iter().filter(|p| is_range(p)).map(|p| p.axis).collect();
        let value = |field| Symbol::Jet { field, index: MultiIndex::VALUE };
        let count = problem.fields.len();
        let mut fields: Vec<Id> = (0..count).map(|i| problem.graph.symbol(value(i))).collect();
        for (name, formula) in &file.transform {
            let text = &formula.0;
            let (source, at) = place(name, text);
            let number = problem.fields.iter().position(|field| field == name);
            let Some(field) = number.and_then(|i| fields.get_mut(i)) else {
                let message = format!("expected the formula of a field, found one of {name:?}");
                let help = did_you_mean(name, &problem.fields);
                return Err(source.mistake(at, message, "of no field", help));
            };
            *field = read_formula(problem, name, text, &source, &at)?;
        }
        Ok(Self { fields, is_identity: file.transform.is_empty(), periodic })
    }

    /// Whether every field is what the network gives.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// The expressions with every derivative of a field replaced by that of its formula; `far_end`
    /// is the coordinate at whose upper end `other` is, and that end.
    ///
    /// # Errors
    /// A derivative of an output is beyond what jets hold, or the expressions become too many.
    pub fn insert(
        &self,
        graph: &mut Graph,
        expressions: &[Id],
        far_end: Option<(usize, f64)>,
    ) -> Result<Vec<Id>, DerivativeError> {
        let here = graph.insert_fields(expressions, &self.fields)?;
        let Some((axis, end)) = far_end else { return Ok(here) };
        let others = graph.symbols(expressions).into_iter().filter_map(|symbol| match symbol {
            Symbol::Other { field, index } => Some((symbol, Symbol::Jet { field, index })),
            _ => None,
        });
        let (others, jets): (Vec<Symbol>, Vec<Symbol>) = others.unzip();
        let jets: Vec<Id> = jets.into_iter().map(|jet| graph.symbol(jet)).collect();
        let there = graph.insert_fields(&jets, &self.fields)?;
        // What a periodic network gives at one end it gives at the other.
        let is_periodic = self.periodic.contains(&axis);
        let there = graph.substitute(&there, &mut |symbol, graph| match symbol {
            Symbol::Coordinate(i) if i == axis => Some(graph.constant(end)),
            Symbol::Jet { field, index } if !is_periodic => {
                Some(graph.symbol(Symbol::Other { field, index }))
            }
            _ => None,
        });
        Ok(graph.substitute(&here, &mut |symbol, _| {
            let number = others.iter().position(|other| *other == symbol)?;
            there.get(number).copied()
        }))
    }

    /// Whether a residual is zero up to rounding at a place, whatever the network gives there and
    /// whatever the unknowns are.
    ///
    /// What a network and its derivatives are at a point may be any numbers; so random ones are
    /// tried at random points of the place.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    pub fn fulfils(&self, problem: &Problem, residual: Id, place: &Place) -> Result<bool, Error> {
        if self.is_identity && self.periodic.is_empty() {
            return Ok(false);
        }
        let bounds = problem.bounds();
        let far_end = match place {
            Place::Pair(axis) => bounds.get(*axis).map(|&(_, high)| (*axis, high)),
            Place::Sides(_) | Place::Points(_) => None,
        };
        let mut graph = problem.graph.clone();
        // What may cancel: Σ |∂r/∂s s| over the fields and derivatives s in the residual r, …
        let mut expressions = vec![residual];
        for symbol in graph.symbols(&[residual]) {
            if matches!(symbol, Symbol::Jet { .. } | Symbol::Other { .. }) {
                let slope = graph.partial(residual, symbol);
                let value = graph.symbol(symbol);
                expressions.push(graph.mul(slope, value));
            }
        }
        let mut expressions = self.insert(&mut graph, &expressions, far_end)?;
        // … and Σ |∂r/∂x x| over coordinates x, which are rounded: sin πx is not quite zero at 1.
        let inserted = expressions.first().copied().unwrap_or(residual);
        for (axis, (low, high)) in bounds.into_iter().enumerate() {
            let slope = graph.partial(inserted, Symbol::Coordinate(axis));
            expressions.push(graph.sum(&[(low.abs().max(high.abs()), slope)]));
        }
        let columns = problem.random_points(Some(place))?;
        let points = columns.first().map_or(0, Vec::len);
        let mut stream = Purpose::Check.stream(1);
        let mut any = |symbol: Symbol| match symbol {
            Symbol::Coordinate(i) => columns.get(i).cloned().unwrap_or_default(),
            Symbol::Parameter(i) => match problem.parameters.get(i) {
                // Away from zero, so that roots and logarithms of it stay what they are.
                Some(p) if p.unknown => {
                    (0..points).map(|_| p.value + stream.unit().copysign(p.value)).collect()
                }
                known => known.map(|p| p.value).into_iter().collect(),
            },
            _ => (0..points).map(|_| stream.normal()).collect(),
        };
        let symbols = graph.symbols(&expressions).into_iter();
        let given: BTreeMap<Symbol, Vec<f64>> = symbols.map(|s| (s, any(s))).collect();
        let values =
            evaluate_with(&graph, &expressions, points, |symbol| given.get(&symbol).cloned())?;
        let Some((residual, scales)) = values.split_first() else { return Ok(false) };
        let sum =
            |p: usize| -> f64 { scales.iter().filter_map(|s| s.get(p)).map(|s| s.abs()).sum() };
        let scales: Vec<f64> = (0..residual.len()).map(sum).collect();
        // Terms of a field may nearly cancel at a point by chance, and leave the rounding of each.
        let mut sorted = scales.clone();
        sorted.sort_by(f64::total_cmp);
        let usual = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let is_zero = |(r, scale): (&f64, &f64)| r.abs() <= ROUNDING * scale.max(usual);
        Ok(residual.iter().zip(&scales).all(is_zero))
    }
}

/// What formulas call the outputs: `N` if there is one field, otherwise `N_u` for a field u.
fn output_names(fields: &[String]) -> Vec<String> {
    match fields {
        [_] => vec!["N".to_owned()],
        _ => fields.iter().map(|field| format!("N_{field}")).collect(),
    }
}

/// The formula of a field, which stands at `at`, as an expression of the problem's graph.
fn read_formula(
    problem: &mut Problem,
    field: &str,
    text: &str,
    source: &Arc<Source>,
    at: &Range<usize>,
) -> Result<Id, Error> {
    let wrong = |message: &str, label, help: &str| source.mistake(at.clone(), message, label, help);
    let outputs = output_names(&problem.fields);
    let scope = problem.scope.clone().with_fields(&outputs).map_err(|error| {
        let help = "rename it in the problem: here the name is what the network gives";
        wrong(error.message(), "needs this name", help)
    })?;
    let formula = parse_expression(text)
        .and_then(|parsed| scope.lower(&parsed, &mut problem.graph))
        .map_err(|error| mistake_in(source, at, text, &error, problem))?;
    let mut has_output = false;
    for symbol in problem.graph.symbols(&[formula]) {
        match symbol {
            Symbol::Jet { .. } => has_output = true,
            Symbol::Coordinate(_) | Symbol::Parameter(_) => {}
            _ => {
                let message = "expected coordinates, parameters and what the network gives, found \
                               a source that is made from the truth";
                return Err(wrong(message, "has a source in it", "write it as a formula"));
            }
        }
    }
    if !has_output {
        let outputs = outputs.join(" or ");
        let message = format!("expected {outputs} in the formula of {field:?}, found none");
        let help =
            format!("{outputs} is what the network gives: without it there is nothing to learn");
        return Err(wrong(&message, "nothing to learn", &help));
    }
    Ok(formula)
}

/// A mistake in the formula of a field. Whoever names a field there means an output.
fn mistake_in(
    source: &Arc<Source>,
    at: &Range<usize>,
    text: &str,
    error: &ExprError,
    problem: &Problem,
) -> Error {
    let named = error.span().and_then(|span| text.get(span.start..span.end));
    let outputs = output_names(&problem.fields);
    let mut mistake = source.formula_mistake(at, text, error);
    let field =
        problem.fields.iter().zip(&outputs).find(|(field, _)| Some(field.as_str()) == named);
    if let (Error::Mistake(mistake), Some((_, output))) = (&mut mistake, field) {
        mistake.help = format!("write `{output}` for what the network gives");
    }
    mistake
}
