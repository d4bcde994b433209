//! Whether the truth solves the problem: residuals of equations and conditions at random points,
//! so that a wrong sign is found before anyone trains.

use jetspace_expr::{Graph, Id, Program, Scratch, Symbol};
use jetspace_jet::{Component, InstructionSet, MultiIndex};

use super::{Place, Problem, Residual, Truth};
use crate::Error;
use crate::jets::Jets;
use crate::random::Purpose;
use crate::sampling::{Sampler, Side};

/// How many random points each equation and condition is tried at.
const POINTS: usize = 1000;

/// A residual counts as zero below this fraction of its terms, unless the method of a reference
/// solution says otherwise: far above the rounding of closed forms, far below any mistake.
const TOLERANCE: f64 = 1e-8;

/// What `jetspace check` finds out about a problem.
#[derive(Clone, Debug)]
pub struct Check {
    /// The derivatives that the equations need, e.g. u_xx, by field and then order.
    pub derivatives: Vec<String>,
    /// The highest order among them.
    pub order: usize,
    /// Components of the jet that training on the equations carries for each field, after
    /// collapsing, e.g. u_xx + u_yy; written with the name of the first field.
    pub components: Vec<String>,
    /// Equations, then conditions, at the truth; empty if it is not known in closed form.
    pub verdicts: Vec<Verdict>,
}

/// The size of a residual at the truth.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The equation or condition.
    pub residual: Residual,
    /// Root mean square of the residual over random points.
    pub size: f64,
    /// Root mean square of Σ |∂r/∂s · s| over the fields and derivatives s in it: of what cancels.
    pub scale: f64,
    /// The fraction of the scale below which the size counts as zero.
    pub tolerance: f64,
}

impl Verdict {
    /// Whether the truth fulfils the equation or condition up to rounding.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.size <= self.tolerance * self.scale.max(1.0)
    }
}

impl Problem {
    /// Evaluates the residuals of the truth.
    ///
    /// # Errors
    /// A derivative of the truth does not exist in closed form.
    pub fn check(&self) -> Result<Check, Error> {
        let ids: Vec<Id> = self.equations.iter().map(|e| e.expression).collect();
        let mut graph = self.graph.clone();
        let jets = Jets::of(&mut graph, self.coordinates.len(), &ids)?;
        let used: Vec<_> = graph.symbols(&ids).into_iter().filter(is_jet).collect();
        let order = |symbol: &Symbol| match symbol {
            Symbol::Jet { index, .. } => index.order(),
            _ => 0,
        };
        Ok(Check {
            derivatives: used.iter().map(|&s| self.symbol_name(s)).collect(),
            order: used.iter().map(order).max().unwrap_or(0),
            components: jets.set.components().map(|c| self.component_name(&c)).collect(),
            verdicts: self.verdicts()?,
        })
    }

    fn component_name(&self, component: &Component) -> String {
        let name = |&index: &MultiIndex| self.symbol_name(Symbol::Jet { field: 0, index });
        match component {
            Component::Derivative(index) => name(index),
            Component::Combination(terms) => {
                let mut text = String::new();
                for (index, weight) in terms {
                    let sign = match (text.is_empty(), *weight < 0.0) {
                        (true, false) => "",
                        (true, true) => "-",
                        (false, false) => " + ",
                        (false, true) => " - ",
                    };
                    let factor = match weight.abs() {
                        1.0 => String::new(),
                        size => format!("{size}*"),
                    };
                    text.extend([sign, &factor, &name(index)]);
                }
                text
            }
        }
    }

    /// The mistake of an equation or condition that the truth does not fulfil.
    #[must_use]
    pub fn not_solved(&self, verdict: &Verdict) -> Error {
        let Verdict { residual, size, scale, .. } = verdict;
        let message = format!(
            "the truth does not fulfil {:?}: left minus right is {size:.1e} (root mean square) where \
             terms of size {scale:.1e} should cancel",
            residual.name
        );
        let help = match &self.truth {
            Truth::Reference(reference) => reference.method.help(),
            _ => "look for a wrong sign or coefficient here or in [truth]",
        };
        self.source.mistake(residual.place.clone(), message, "not zero at the truth", help)
    }

    fn tolerance(&self) -> f64 {
        match &self.truth {
            Truth::Reference(reference) => reference.method.tolerance(),
            _ => TOLERANCE,
        }
    }

    fn verdicts(&self) -> Result<Vec<Verdict>, Error> {
        let inside = self.equations.iter().map(|residual| (residual, None));
        let met = self.conditions.iter().filter(|condition| condition.unmet.is_none());
        let elsewhere = met.flat_map(|condition| {
            condition.residuals.iter().map(move |residual| (residual, Some(&condition.place)))
        });
        let all = inside.chain(elsewhere);
        all.filter_map(|(residual, place)| self.verdict(residual, place).transpose()).collect()
    }

    fn verdict(
        &self,
        residual: &Residual,
        place: Option<&Place>,
    ) -> Result<Option<Verdict>, Error> {
        let mut graph = self.graph.clone();
        let symbols = graph.symbols(&[residual.expression]);
        let mut expressions = vec![residual.expression];
        for symbol in symbols.into_iter().filter(is_jet) {
            let slope = graph.partial(residual.expression, symbol);
            let symbol = graph.symbol(symbol);
            expressions.push(graph.mul(slope, symbol));
        }
        let pair = match place {
            Some(Place::Pair(coordinate)) => Some(*coordinate),
            _ => None,
        };
        let columns = self.random_points(place)?;
        let values = self.at_truth(&graph, &expressions, &columns, pair).map_err(|error| {
            let help = "write the truth without it, or remove [truth] to train without a check";
            match error {
                Error::Argument(message) => {
                    self.source.mistake(residual.place.clone(), message, "needs this", help)
                }
                error => error,
            }
        })?;
        let Some(values) = values else { return Ok(None) };
        let points = columns.first().map_or(0, Vec::len);
        let mut sums = (0.0, 0.0);
        for p in 0..points {
            let terms: f64 = values[1..].iter().map(|v| v[p].abs()).sum();
            sums = (sums.0 + values[0][p].powi(2), sums.1 + terms.powi(2));
        }
        let mean = |sum: f64| (sum / points.max(1) as f64).sqrt();
        let (residual, tolerance) = (residual.clone(), self.tolerance());
        Ok(Some(Verdict { residual, size: mean(sums.0), scale: mean(sums.1), tolerance }))
    }

    /// Random points of a place, or of the whole box; the points themselves where they are given.
    pub(crate) fn random_points(&self, place: Option<&Place>) -> Result<Vec<Vec<f64>>, Error> {
        if let Some(Place::Points(columns)) = place {
            return Ok(columns.clone());
        }
        let sampler = Sampler::Uniform { points: POINTS };
        let mut columns = sampler.sample(&self.bounds(), &mut Purpose::Check.stream(0))?;
        match place {
            Some(Place::Sides(sides)) => {
                for p in 0..POINTS {
                    let Side { axis, end } = sides[p % sides.len()];
                    columns[axis][p] = self.coordinates[axis].end(end);
                }
            }
            Some(Place::Pair(coordinate)) => {
                columns[*coordinate].fill(self.coordinates[*coordinate].range.0);
            }
            Some(Place::Points(_)) | None => {}
        }
        Ok(columns)
    }
}

fn is_jet(symbol: &Symbol) -> bool {
    matches!(symbol, Symbol::Jet { .. } | Symbol::Other { .. })
}

/// The values of expressions in coordinates, parameters and columns of data, at points given as
/// columns; one column for each expression.
///
/// # Errors
/// An expression contains something else, or columns differ in length.
pub fn evaluate(
    graph: &Graph,
    expressions: &[Id],
    coordinates: &[Vec<f64>],
    parameters: &[f64],
    data: &[Vec<f64>],
) -> Result<Vec<Vec<f64>>, Error> {
    let points = coordinates.first().map_or(0, Vec::len);
    evaluate_with(graph, expressions, points, |symbol| match symbol {
        Symbol::Coordinate(i) => coordinates.get(i).cloned(),
        Symbol::Column(i) => data.get(i).cloned(),
        Symbol::Parameter(i) => parameters.get(i).map(|&value| vec![value]),
        _ => None,
    })
}

/// The same for expressions in any symbols, whose values at the points are given; a single value is
/// for all points.
///
/// # Errors
/// The values of a symbol are missing, or columns differ in length.
pub fn evaluate_with(
    graph: &Graph,
    expressions: &[Id],
    points: usize,
    value: impl Fn(Symbol) -> Option<Vec<f64>>,
) -> Result<Vec<Vec<f64>>, Error> {
    let program = Program::compile(graph, expressions);
    let inputs: Vec<Vec<f64>> =
        program.inputs().iter().map(|&symbol| value(symbol).unwrap_or_default()).collect();
    let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let mut values = vec![vec![0.0; points]; expressions.len()];
    let mut outputs: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
    let mut scratch = Scratch::new(InstructionSet::best());
    program.evaluate(&inputs, points, &mut scratch, &mut outputs)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_written_as_formulas() {
        let problem = Problem::parse(
            "waves.toml",
            r#"
            title = "Waves in a medium that is not isotropic"
            fields = ["u"]
            coordinates = { t = { range = [0, 1] }, x = { range = [0, 1] }, y = { range = [0, 1] } }
            equations.waves = "u_tt = 2*u_xx - 0.5*u_xy + u_yy"
            "#,
        );
        let components = problem.and_then(|problem| problem.check()).unwrap().components;
        let expected = ["u", "u_t", "u_x", "u_y", "u_tt - 2*u_xx + 0.5*u_xy - u_yy"];
        assert_eq!(components, expected);
    }
}
