//! Runge–Kutta methods: for ordinary differential equations, whose coordinates are time and numbers
//! that trajectories start from or depend on.
//!
//! No solution is stored: points that differ in time alone are on one trajectory, which is followed
//! when they are asked for.

use std::cmp::Ordering;
use std::fmt;

use jetspace_expr::{Graph, Id, Scratch, Symbol};
use jetspace_jet::{InstructionSet, MultiIndex};
use jetspace_solve::{FirstOrderSystem, Stepping, Trajectories, integrate};

use super::Setting;
use crate::Error;
use crate::problem::Kind;
use crate::problem::verify::evaluate;

/// Of a component that is near zero: this fraction of the relative tolerance.
const ABSOLUTE: f64 = 0.01;

/// How accurately to follow trajectories.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ode {
    /// Steps as long as the error of each, relative to the state, allows.
    Tolerance(f64),
    /// So many steps of equal length from the first to the last time.
    Steps(usize),
}

impl Default for Ode {
    /// Far below what networks reach, and above rounding.
    fn default() -> Self {
        Self::Tolerance(1e-12)
    }
}

impl fmt::Display for Ode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tolerance(tolerance) => write!(f, "a tolerance of {tolerance:e}"),
            Self::Steps(steps) => write!(f, "{steps} steps"),
        }
    }
}

impl Ode {
    pub(super) fn coarser(self) -> (&'static str, Self) {
        match self {
            Self::Tolerance(tolerance) => (
                "with a tolerance ten times as large",
                Self::Tolerance((10.0 * tolerance).min(0.5)),
            ),
            Self::Steps(steps) => ("with half the steps", Self::Steps(steps.div_ceil(2))),
        }
    }

    pub(super) fn solve(self, setting: &Setting<'_>) -> Result<Flow, Error> {
        let problem = setting.problem;
        let (&[time], &[]) = (&setting.of_kind(Kind::Time)[..], &setting.of_kind(Kind::Space)[..])
        else {
            let message =
                "expected a time coordinate and others of kind parameter alone, found others";
            let help = "say kind = \"parameter\" of what trajectories start from or depend on";
            return Err(setting.wrong(message, help));
        };
        let constants = setting.of_kind(Kind::Parameter);
        let mut graph = problem.graph.clone();
        let parameters = problem.true_parameters();
        let (fields, residuals) = (problem.fields.len(), setting.residuals());
        let system =
            FirstOrderSystem::new(&graph, &residuals, fields, time, &constants, &parameters);
        let system = system.map_err(|error| setting.mistake(&error))?;
        let initial = setting.initial(&mut graph, time, system.state())?;
        let (from, to) = problem.coordinates[time].range;
        let stepping = match self {
            Self::Tolerance(relative) => {
                Stepping::Adaptive { relative, absolute: ABSOLUTE * relative }
            }
            Self::Steps(steps) => Stepping::Fixed { length: (to - from) / steps as f64 },
        };
        Ok(Flow { system, graph, initial, stepping, time, constants })
    }
}

/// All trajectories, to be followed.
#[derive(Debug)]
pub(super) struct Flow {
    system: FirstOrderSystem,
    graph: Graph,
    /// The state at the start, in terms of the coordinates.
    initial: Vec<Id>,
    stepping: Stepping,
    time: usize,
    constants: Vec<usize>,
}

impl Flow {
    pub(super) fn jets(
        &self,
        setting: &Setting<'_>,
        points: &[Vec<f64>],
        wanted: &[(usize, MultiIndex)],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let problem = setting.problem;
        if let Some(&(field, index)) =
            wanted.iter().find(|(_, index)| index.exponent(self.time) != index.order())
        {
            let name = problem.symbol_name(Symbol::Jet { field, index });
            let message = format!(
                "expected derivatives by time alone, found {name}: data has none by parameters"
            );
            return Err(Error::Argument(message));
        }
        let derivatives = self.system.derivatives(wanted)?;
        let from = problem.coordinates[self.time].range.0;
        let (order, firsts) = self.trajectories(points, from);
        let at = |of: &[usize], column: &[f64]| of.iter().map(|&p| column[p]).collect::<Vec<_>>();
        let mut starts: Vec<Vec<f64>> = points.iter().map(|column| at(&firsts, column)).collect();
        starts[self.time].fill(from);
        let parameters = problem.true_parameters();
        let initial = evaluate(&self.graph, &self.initial, &starts, &parameters, &[])?;
        let sorted: Vec<Vec<f64>> = points.iter().map(|column| at(&order, column)).collect();
        let mut times: Vec<Vec<f64>> = Vec::new();
        for (&p, &time) in order.iter().zip(&sorted[self.time]) {
            if firsts.get(times.len()) == Some(&p) {
                times.push(Vec::new());
            }
            if let Some(times) = times.last_mut() {
                times.push(time);
            }
        }
        let trajectories =
            Trajectories { from, constants: &starts, initial: &initial, times: &times };
        let states = integrate(&self.system, self.stepping, &trajectories)
            .map_err(|error| setting.mistake(&error))?;
        let input = |symbol: &Symbol| -> &[f64] {
            let column = match symbol {
                Symbol::Coordinate(i) => sorted.get(*i),
                symbol => {
                    let component = self.system.state().iter().position(|s| s == symbol);
                    component.and_then(|component| states.get(component))
                }
            };
            column.map_or(&[], Vec::as_slice)
        };
        let inputs: Vec<&[f64]> = derivatives.inputs().iter().map(input).collect();
        let mut values = vec![vec![0.0; order.len()]; wanted.len()];
        let mut outputs: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
        let mut scratch = Scratch::new(InstructionSet::best());
        derivatives.evaluate(&inputs, order.len(), &mut scratch, &mut outputs)?;
        let mut jets = vec![vec![0.0; order.len()]; wanted.len()];
        for (column, sorted) in jets.iter_mut().zip(&values) {
            order.iter().zip(sorted).for_each(|(&p, value)| column[p] = *value);
        }
        Ok(jets)
    }

    /// The points, trajectory by trajectory, each away from the start; and the first of each.
    fn trajectories(&self, points: &[Vec<f64>], from: f64) -> (Vec<usize>, Vec<usize>) {
        let times = &points[self.time];
        let same = |a: usize, b: usize| {
            let of = self.constants.iter().map(|&i| points[i][a].total_cmp(&points[i][b]));
            let side = (times[a] < from).cmp(&(times[b] < from));
            of.fold(Ordering::Equal, Ordering::then).then(side)
        };
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by(|&a, &b| {
            let distance = |p: usize| (times[p] - from).abs();
            same(a, b).then(distance(a).total_cmp(&distance(b)))
        });
        let pairs = order.windows(2).filter(|pair| same(pair[0], pair[1]).is_ne());
        let firsts = order.first().copied().into_iter().chain(pairs.map(|pair| pair[1])).collect();
        (order, firsts)
    }
}
