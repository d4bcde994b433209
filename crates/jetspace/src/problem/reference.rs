//! Reference solutions: the truth of a problem that has no closed form, solved numerically from the
//! problem's own equations and initial conditions.

use std::sync::OnceLock;

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;
use jetspace_solve::{Evolution, PeriodicGrid, SolveError, Steps, Trajectory, solve};

use super::verify::evaluate;
use super::{Kind, Place, Problem};
use crate::Error;
use crate::random::Purpose;
use crate::sampling::{End, Sampler, Side};

/// Modes that are kept in all states together: 64 MiB. Between these states solutions are
/// interpolated.
const MOST_STORED: usize = 1 << 22;

/// A solution by Fourier modes in space and ETDRK4 in time.
#[derive(Debug)]
pub struct Fourier {
    /// Nodes along each space coordinate.
    pub nodes: Vec<usize>,
    /// Steps from the first to the last time.
    pub steps: usize,
    /// Where it stands in the problem file.
    place: std::ops::Range<usize>,
    solution: OnceLock<Trajectory>,
}

impl Fourier {
    pub(super) fn new(nodes: Vec<usize>, steps: usize, place: std::ops::Range<usize>) -> Self {
        Self { nodes, steps, place, solution: OnceLock::new() }
    }

    /// The solution, solved at the first call.
    ///
    /// # Errors
    /// An equation that the solver does not know how to solve, or a solution that grows beyond all
    /// bounds.
    pub fn solution(&self, problem: &Problem) -> Result<&Trajectory, Error> {
        if let Some(solution) = self.solution.get() {
            return Ok(solution);
        }
        let solution = self.solve(problem, &self.nodes, self.steps)?;
        Ok(self.solution.get_or_init(|| solution))
    }

    /// How much the solution changes, relative to itself, if it is solved with half the steps, and
    /// with two thirds of the nodes: root mean squares over random points.
    ///
    /// # Errors
    /// As [`solution`](Self::solution).
    pub fn changes(&self, problem: &Problem) -> Result<(f64, f64), Error> {
        const POINTS: usize = 1000;
        let sampler = Sampler::Uniform { points: POINTS };
        let mut points = sampler.sample(&problem.bounds(), &mut Purpose::Check.stream(1))?;
        // In the order of time, so that each is interpolated once.
        points.iter_mut().enumerate().for_each(|(i, column)| {
            if problem.coordinates[i].kind == Kind::Time {
                column.sort_by(f64::total_cmp);
            }
        });
        let wanted: Vec<_> = (0..problem.fields.len()).map(|f| (f, MultiIndex::VALUE)).collect();
        let fine = self.solution(problem)?.jets(&points, &wanted)?;
        let change = |nodes: &[usize], steps| {
            let coarse = self.solve(problem, nodes, steps)?.jets(&points, &wanted)?;
            let pairs = || fine.iter().flatten().zip(coarse.iter().flatten());
            let difference: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
            let size: f64 = pairs().map(|(a, _)| a * a).sum();
            Ok::<_, Error>((difference / size.max(f64::MIN_POSITIVE)).sqrt())
        };
        let fewer: Vec<usize> = self.nodes.iter().map(|n| (2 * n / 3).max(1)).collect();
        Ok((change(&self.nodes, self.steps.div_ceil(2))?, change(&fewer, self.steps)?))
    }

    fn solve(&self, problem: &Problem, nodes: &[usize], steps: usize) -> Result<Trajectory, Error> {
        let wrong = |message: &str, help: &str| {
            problem.source.mistake(self.place.clone(), message, "solved by Fourier modes", help)
        };
        let of_kind = |kind| {
            let coordinates = problem.coordinates.iter().enumerate();
            coordinates.filter(move |(_, c)| c.kind == kind).map(|(i, _)| i)
        };
        let (Some(time), None) = (of_kind(Kind::Time).next(), of_kind(Kind::Parameter).next())
        else {
            let message = "expected time and space coordinates alone, found others";
            return Err(wrong(message, "fix the parameters, or give the solution as a file"));
        };
        let space: Vec<usize> = of_kind(Kind::Space).collect();
        let ranges: Vec<_> = space.iter().map(|&i| problem.coordinates[i].range).collect();
        let mistake = |error: SolveError| {
            let (equation, message) = match &error {
                SolveError::NotEvolution { equation, found } => {
                    let expected = "expected one first derivative by time, with a constant factor";
                    (Some(*equation), format!("{expected}, {found}"))
                }
                SolveError::Unsupported { equation, symbol } => {
                    let name = problem.symbol_name(*symbol);
                    (Some(*equation), format!("expected an equation without {name:?}"))
                }
                _ => (None, error.to_string()),
            };
            let place = equation.and_then(|equation| problem.equations.get(equation));
            let place = place.map_or(self.place.clone(), |equation| equation.place.clone());
            let help = "rewrite it, or give the solution in closed form or as a file";
            problem.source.mistake(place, message, "for the reference solution", help)
        };
        let mut graph = problem.graph.clone();
        let residuals: Vec<Id> = problem.equations.iter().map(|e| e.expression).collect();
        let parameters = problem.true_parameters();
        let fields = problem.fields.len();
        let evolution = Evolution::new(&mut graph, &residuals, fields, time, &space, &parameters);
        let evolution = evolution.map_err(mistake)?;
        let grid = PeriodicGrid::new(&ranges, nodes).map_err(mistake)?;
        let (from, to) = problem.coordinates[time].range;
        let mut points = vec![vec![from; grid.len()]; problem.coordinates.len()];
        for (&i, column) in space.iter().zip(grid.coordinates()) {
            points[i] = column;
        }
        let Some(initial) = initial_values(problem, &mut graph, time) else {
            let message = "expected an initial condition for each field, found not all";
            return Err(wrong(message, "add on = \"initial\" conditions such as \"u = sin(x)\""));
        };
        let initial = evaluate(&graph, &initial, &points, &parameters, &[])?;
        let stored = (MOST_STORED / (fields * grid.modes())).clamp(1, steps);
        let steps = Steps { from, to, count: steps, stored };
        solve(&evolution, &grid, &initial, steps).map_err(mistake)
    }
}

/// What the initial conditions say each field is.
fn initial_values(problem: &Problem, graph: &mut Graph, time: usize) -> Option<Vec<Id>> {
    let at_start = [Side { axis: time, end: End::Low }];
    let residuals: Vec<Id> = problem
        .conditions
        .iter()
        .filter(|c| c.place == Place::Sides(at_start.to_vec()))
        .flat_map(|c| c.residuals.iter().map(|r| r.expression))
        .collect();
    let is_jet = |s: &Symbol| matches!(s, Symbol::Jet { .. });
    let mut value = |field| {
        // A residual c (u − g) gives u = g.
        let symbol = Symbol::Jet { field, index: MultiIndex::VALUE };
        residuals.iter().find_map(|&residual| {
            let jets: Vec<Symbol> = graph.symbols(&[residual]).into_iter().filter(is_jet).collect();
            let slope = graph.partial(residual, symbol);
            let slope = graph.constant_value(slope).filter(|s| *s != 0.0)?;
            let zero = graph.constant(0.0);
            let rest = graph.substitute(&[residual], &mut |s, _| (s == symbol).then_some(zero))[0];
            (jets == [symbol]).then(|| graph.sum(&[(-1.0 / slope, rest)]))
        })
    };
    (0..problem.fields.len()).map(&mut value).collect()
}
