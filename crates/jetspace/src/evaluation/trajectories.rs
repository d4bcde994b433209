//! Trajectories of a state that moves at learnt rates, against those at the true rates.
//!
//! Both are followed by the classical Runge–Kutta method with the same equal steps, so that its error is
//! nearly the same in both and what is left is the model's.

use indexmap::IndexMap;
use jetspace_expr::{Id, Program, Scratch, Symbol};
use jetspace_jet::InstructionSet;
use jetspace_solve::{EqualSteps, follow};

use super::Norm;
use crate::Error;
use crate::model::{Evaluator, Model};
use crate::point_set::PointSet;
use crate::problem::{Problem, Truth};

/// Which trajectories are followed.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoriesPlan {
    /// Where each starts: a number per coordinate.
    pub from: Vec<Vec<f64>>,
    /// For how long.
    pub duration: f64,
    /// In how many steps.
    pub steps: usize,
}

impl TrajectoriesPlan {
    fn steps(&self) -> EqualSteps {
        EqualSteps { length: self.duration / self.steps as f64, count: self.steps }
    }

    /// The starts as a column for each coordinate.
    fn initial(&self, problem: &Problem) -> Vec<Vec<f64>> {
        let of =
            |i: usize| self.from.iter().map(move |from| from.get(i).copied().unwrap_or(f64::NAN));
        (0..problem.coordinates.len()).map(|i| of(i).collect()).collect()
    }
}

/// The metric of a coordinate: the mean over trajectories of √(Δt Σ (x − x̂)²) over the times of the steps.
pub fn metric(coordinate: &str) -> String {
    format!("{coordinate}_trajectory")
}

/// Trajectories of a model: of each coordinate the first one's values at all times, then the second's, ….
#[derive(Clone, Debug)]
pub struct Trajectories {
    /// At the model's rates.
    pub predicted: Vec<Vec<f64>>,
    /// At the true ones, if the truth is known in closed form.
    pub truth: Option<Vec<Vec<f64>>>,
    plan: TrajectoriesPlan,
}

/// Which trajectories are followed, and the true ones.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    plan: TrajectoriesPlan,
    truth: Option<Vec<Vec<f64>>>,
}

impl Prepared {
    /// Follows the true trajectories.
    pub fn new(problem: &Problem, plan: &TrajectoriesPlan) -> Result<Self, Error> {
        Ok(Self { plan: plan.clone(), truth: true_trajectories(problem, plan)? })
    }

    /// Follows those of a model.
    pub fn of(&self, model: &Model) -> Result<Trajectories, Error> {
        let Self { plan, truth } = self;
        let problem = &model.problem;
        let rates = expressions(problem);
        let dimensions = problem.coordinates.len();
        // A step has too few points for more threads.
        let mut evaluator = Evaluator::new(model, &problem.graph, &rates, dimensions, 1)?;
        let predicted = follow(&plan.initial(problem), plan.steps(), |state, rates| {
            let values = evaluator.values(state, &[])?;
            rates.iter_mut().zip(values).for_each(|(rate, values)| *rate = values);
            Ok::<_, Error>(())
        })?;
        Ok(Trajectories { predicted, truth: truth.clone(), plan: plan.clone() })
    }
}

fn expressions(problem: &Problem) -> Vec<Id> {
    problem.rates.iter().map(|rate| rate.expression).collect()
}

fn true_trajectories(
    problem: &Problem,
    plan: &TrajectoriesPlan,
) -> Result<Option<Vec<Vec<f64>>>, Error> {
    let Truth::Formulas(truth) = &problem.truth else { return Ok(None) };
    let mut graph = problem.graph.clone();
    let rates = graph.insert_fields(&expressions(problem), truth).map_err(|error| {
        Error::Argument(format!("the truth cannot be put into the rates: {error}"))
    })?;
    let (program, parameters) = (Program::compile(&graph, &rates), problem.true_parameters());
    let mut scratch = Scratch::new(InstructionSet::best());
    let count = plan.from.len();
    let trajectories = follow(&plan.initial(problem), plan.steps(), |state, rates| {
        let input = |symbol: &Symbol| match *symbol {
            Symbol::Coordinate(i) => state.get(i).map_or(&[][..], Vec::as_slice),
            Symbol::Parameter(i) => parameters.get(i..=i).unwrap_or_default(),
            _ => &[],
        };
        let inputs: Vec<&[f64]> = program.inputs().iter().map(input).collect();
        let mut outputs: Vec<&mut [f64]> = rates.iter_mut().map(Vec::as_mut_slice).collect();
        program.evaluate(&inputs, count, &mut scratch, &mut outputs)?;
        Ok::<_, Error>(())
    })?;
    Ok(Some(trajectories))
}

impl Trajectories {
    /// Times of each trajectory.
    fn times(&self) -> usize {
        self.plan.steps + 1
    }

    /// Adds the metrics of all coordinates, if the truth is known; NaN where a trajectory leaves the
    /// finite numbers.
    pub(super) fn measure(&self, problem: &Problem, metrics: &mut IndexMap<String, f64>) {
        let norm = Norm { cell: self.plan.steps().length };
        let columns = self.predicted.iter().zip(self.truth.iter().flatten());
        for (coordinate, (predicted, truth)) in problem.coordinates.iter().zip(columns) {
            let errors: Vec<f64> = predicted.iter().zip(truth).map(|(a, b)| a - b).collect();
            let sum: f64 = errors.chunks(self.times()).map(|errors| norm.of(errors)).sum();
            let mean = sum / self.plan.from.len() as f64;
            let mean = if mean.is_finite() { mean } else { f64::NAN };
            metrics.insert(metric(&coordinate.name), mean);
        }
    }

    /// Everything as columns: the number of the trajectory from 0, the time t, and for each coordinate q
    /// its prediction `q` and its truth `q_true`.
    ///
    /// # Errors
    /// Two of the names are the same.
    pub fn table(&self, problem: &Problem) -> Result<PointSet, Error> {
        let (count, times, step) = (self.plan.from.len(), self.times(), self.plan.steps().length);
        let each = |of: fn(usize, usize, f64) -> f64| -> Vec<f64> {
            (0..count * times).map(|n| of(n / times, n % times, step)).collect()
        };
        let mut columns = vec![
            ("trajectory".to_owned(), each(|trajectory, _, _| trajectory as f64)),
            ("t".to_owned(), each(|_, time, step| time as f64 * step)),
        ];
        for (i, coordinate) in problem.coordinates.iter().enumerate() {
            let truth = self.truth.as_ref().and_then(|truth| truth.get(i));
            let predicted = self.predicted.get(i).cloned().unwrap_or_default();
            columns.push((coordinate.name.clone(), predicted));
            columns.extend(truth.map(|t| (format!("{}_true", coordinate.name), t.clone())));
        }
        Ok(PointSet::new(columns)?)
    }
}
