//! Problems: equations, where they hold, and what is known about their solutions; read from a file
//! and checked, so that whoever has a [`Problem`] has one that makes sense.

mod measured;
mod read;
mod reference;
mod truth;
mod verify;

use std::sync::Arc;

use jetspace_expr::{ExprError, Graph, Id, Scope, Symbol, parse_expression};
use jetspace_jet::MultiIndex;
pub use jetspace_solve::{Ends, Limiter};

pub use crate::problem_file::Kind;
use crate::sampling::{End, Side};
use crate::source::Source;
pub(crate) use measured::named_columns;
pub use measured::{DataColumn, Measured};
pub use reference::{FiniteVolume, Flux, Fourier, Method, Ode, Reference, relative_difference};
pub use truth::Truth;
pub use verify::{Check, Verdict};
pub(crate) use verify::{evaluate, evaluate_with};

/// A problem, read and checked.
///
/// ```
/// use jetspace::Problem;
/// let problem = Problem::parse("heat.toml", r#"
///     title = "Heat equation"
///     fields = ["u"]
///     [coordinates]
///     t = { range = [0, 1] }
///     x = { range = [0, "pi"] }
///     [equations]
///     heat = "u_t = u_xx"
///     [conditions.ends]
///     on = "boundary"
///     require = ["u = 0"]
///     [conditions.start]
///     on = "initial"
///     require = ["u = sin(x)"]
///     [truth]
///     u = "exp(-t)*sin(x)"
/// "#)?;
/// assert_eq!(problem.fields, ["u"]);
/// # Ok::<(), jetspace::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    /// The name of the file without its folder and ending.
    pub name: String,
    /// A line for lists and reports.
    pub title: String,
    /// What the problem is.
    pub about: String,
    /// The file.
    pub source: Arc<Source>,
    /// The inputs of the solution.
    pub coordinates: Vec<Coordinate>,
    /// The names of the unknown functions.
    pub fields: Vec<String>,
    /// Named numbers, fixed and unknown.
    pub parameters: Vec<Parameter>,
    /// What is measured and is no field.
    pub measured: Vec<Measured>,
    /// What holds inside.
    pub equations: Vec<Residual>,
    /// How fast each coordinate changes, in their order, if the coordinates are a state that moves.
    pub rates: Vec<Rate>,
    /// What holds elsewhere.
    pub conditions: Vec<Condition>,
    /// The solution, as far as it is known.
    pub truth: Truth,
    /// Where the expressions live.
    pub graph: Graph,
    /// What names mean, to read further formulas.
    pub scope: Scope,
}

/// A coordinate.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Its name in formulas.
    pub name: String,
    /// Space, time or parameter.
    pub kind: Kind,
    /// Lower and upper end.
    pub range: (f64, f64),
    /// The unit, for axes.
    pub unit: Option<String>,
}

impl Coordinate {
    /// Where an end of its range is, or a plane inside.
    #[must_use]
    pub fn end(&self, end: End) -> f64 {
        end.of(self.range)
    }
}

/// A named number.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in formulas.
    pub name: String,
    /// Its value; a first guess if it is unknown.
    pub value: f64,
    /// Whether it is to be found.
    pub unknown: bool,
    /// What is to be found, if the file gives it away to measure by.
    pub truth: Option<f64>,
}

/// An expression that is zero for a solution: left side minus right side of an equation.
#[derive(Clone, Debug)]
pub struct Residual {
    /// Its name, or that of its condition.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// Where that stands in the file.
    pub place: std::ops::Range<usize>,
    /// left − right.
    pub expression: Id,
}

/// How fast a coordinate changes.
#[derive(Clone, Debug)]
pub struct Rate {
    /// As it was written.
    pub text: String,
    /// In terms of fields, derivatives, coordinates and parameters.
    pub expression: Id,
}

/// What holds at some place.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// Where it holds.
    pub place: Place,
    /// What holds there.
    pub residuals: Vec<Residual>,
    /// Why the truth does not fulfil it, where that is on purpose.
    pub unmet: Option<String>,
}

/// Where a condition holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// On these sides of the box.
    Sides(Vec<Side>),
    /// At both ends of a coordinate, in pairs: the point is at the lower end, `other` at the upper.
    Pair(usize),
    /// At these points, coordinate by coordinate.
    Points(Vec<Vec<f64>>),
}

impl Problem {
    /// The coordinates' ends: the box in which everything happens.
    #[must_use]
    pub fn bounds(&self) -> Vec<(f64, f64)> {
        self.coordinates.iter().map(|c| c.range).collect()
    }

    /// The coordinates that data may be differentiated by: all but those of kind parameter.
    pub fn physical(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.coordinates.len()).filter(|&i| self.coordinates[i].kind != Kind::Parameter)
    }

    /// The values of the parameters, in their order.
    #[must_use]
    pub fn parameter_values(&self) -> Vec<f64> {
        self.parameters.iter().map(|p| p.value).collect()
    }

    /// The value of a formula in the parameters; none if it is not finite, or depends on anything
    /// else, unknowns among it.
    ///
    /// ```
    /// use jetspace::Problem;
    /// let problem = Problem::parse("spring.toml", r#"
    ///     title = "A mass on a spring"
    ///     fields = ["u"]
    ///     coordinates.t = { range = [0, 10] }
    ///     parameters.omega = 2
    ///     equations.newton = "u_tt + omega^2*u = 0"
    /// "#)?;
    /// assert_eq!(problem.number("2*pi/omega"), Ok(Some(std::f64::consts::PI)));
    /// assert_eq!(problem.number("2*t"), Ok(None));
    /// # Ok::<(), jetspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// A mistake in the formula.
    pub fn number(&self, formula: &str) -> Result<Option<f64>, ExprError> {
        let mut graph = self.graph.clone();
        let parsed = parse_expression(formula)?;
        let id = self.scope.lower(&parsed, &mut graph)?;
        let value = |symbol| match symbol {
            Symbol::Parameter(i) => {
                self.parameters.get(i).filter(|p| !p.unknown).map_or(f64::NAN, |p| p.value)
            }
            _ => f64::NAN,
        };
        let value = graph.evaluate(&[id], &value).first().copied();
        Ok(value.filter(|value| value.is_finite()))
    }

    /// Nodes of the evaluation grid along each coordinate, unless someone says otherwise: 201 in
    /// up to two dimensions, 51 in three, 11 in more.
    #[must_use]
    pub fn default_grid(&self) -> Vec<usize> {
        let dimensions = self.coordinates.len();
        let nodes = match dimensions {
            1 | 2 => 201,
            3 => 51,
            _ => 11,
        };
        vec![nodes; dimensions]
    }

    /// A symbol as people write it, e.g. u_xx, lambda.
    #[must_use]
    pub fn symbol_name(&self, symbol: Symbol) -> String {
        let name = |names: &[String], i: usize| names.get(i).cloned().unwrap_or_default();
        let jet = |field: usize, index: MultiIndex| {
            let field = name(&self.fields, field);
            match self.derivative_name(index) {
                subscript if subscript.is_empty() => field,
                subscript => format!("{field}_{subscript}"),
            }
        };
        match symbol {
            Symbol::Coordinate(i) => {
                self.coordinates.get(i).map_or_else(String::new, |c| c.name.clone())
            }
            Symbol::Parameter(i) => {
                self.parameters.get(i).map_or_else(String::new, |p| p.name.clone())
            }
            Symbol::Jet { field, index } => jet(field, index),
            Symbol::Other { field, index } => format!("other.{}", jet(field, index)),
            Symbol::Teacher { field, index } => format!("teacher.{}", jet(field, index)),
            Symbol::Column(i) => {
                let column = self.data_columns().get(i).copied();
                column.map_or_else(String::new, |c| format!("data.{}", self.column_name(c)))
            }
            Symbol::Combination { field, combination } => {
                format!("{}:{combination}", name(&self.fields, field))
            }
            Symbol::Hoisted(i) => format!("known[{i}]"),
        }
    }

    /// The subscript of a derivative, e.g. xx, or {theta,theta} for longer names; nothing for the
    /// value itself.
    #[must_use]
    pub fn derivative_name(&self, index: MultiIndex) -> String {
        let names: Vec<&str> = index
            .factors()
            .map(|v| self.coordinates.get(v).map_or("?", |c| c.name.as_str()))
            .collect();
        if names.iter().all(|n| n.chars().count() == 1) {
            names.concat()
        } else {
            format!("{{{}}}", names.join(","))
        }
    }
}
