//! How far a model is from the truth, on a grid; each metric is defined here and in `metric.rs`, and
//! nowhere else.
//!
//! With the nodes' spacing hᵢ along each coordinate and Π h the product, a norm is the L² norm over
//! the box, ‖v‖ = √(Π h Σ v²) over all nodes, boundary included, as the published programs take it:
//!
//! | metric | what |
//! |---|---|
//! | `u_l2` (for a field u) | ‖û − u‖ |
//! | `u_relative` | ‖û − u‖ / ‖u‖ |
//! | `u_max` | largest \|û − u\| |
//! | `relative` | √(Σ ‖û − u‖² / Σ ‖u‖²), all fields together |
//! | `gradient_l2` | √Σ ‖∂û/∂xᵢ − ∂u/∂xᵢ‖² over fields and physical coordinates |
//! | `residual_l2` | √Σ ‖F(û)‖² over the equations |
//! | `residual_heat_l2` (for one of several equations) | ‖F(û)‖ of that equation |
//! | any name (for what a study defines) | see [`Metric`] |
//! | `q_trajectory` (for a coordinate of a problem with rates) | see [`Trajectories`] |
//! | `nu` (for an unknown) | its value ν̂ |
//! | `nu_error` | \|ν̂ − ν\|, if the problem says what is true |
//!
//! Where a study lists sets of parameters, the grid is that of the other coordinates, once for each
//! set, and metrics are means over the sets.
//!
//! Where the truth is a file of N points that are not the nodes of the grid, fields are compared at
//! these points, each of which stands for an Nth of the box.

mod metric;
mod region;
mod trajectories;

use indexmap::IndexMap;
use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;

pub use self::metric::{Metric, MetricNorm};
pub(crate) use self::region::Region;
pub use self::region::{RegionAxis, grid_of, grid_points};
pub(crate) use self::trajectories::metric as trajectory_metric;
pub use self::trajectories::{Trajectories, TrajectoriesPlan};
use crate::Error;
use crate::collocation::Points;
use crate::model::Model;
use crate::point_set::PointSet;
use crate::problem::{DataColumn, Problem};

/// The metric that says how far all fields together are from the truth.
pub const RELATIVE: &str = "relative";

/// What models of a problem are measured by.
#[derive(Clone, Debug, Default)]
pub struct EvaluationPlan {
    /// Nodes of the grid along each coordinate.
    pub grid: Vec<usize>,
    /// Values of the coordinates of kind parameter, in their order, one list for each set of them; none
    /// if the grid goes over all coordinates.
    pub parameters: Vec<Vec<f64>>,
    /// What a study defines.
    pub metrics: Vec<Metric>,
    /// Which trajectories are followed, if the problem has rates.
    pub trajectories: Option<TrajectoriesPlan>,
}

impl EvaluationPlan {
    /// The names of all metrics that models of a problem may have.
    #[must_use]
    pub fn names(&self, problem: &Problem) -> Vec<String> {
        let of_field =
            |field: &String| ["l2", "relative", "max"].map(|metric| format!("{field}_{metric}"));
        let mut names: Vec<String> = problem.fields.iter().flat_map(of_field).collect();
        names.extend([RELATIVE, "gradient_l2", "residual_l2"].map(str::to_owned));
        names.extend(problem.equations.iter().map(|e| format!("residual_{}_l2", e.name)));
        names.extend(self.metrics.iter().map(|metric| metric.name.clone()));
        names.extend(self.trajectory_metrics(problem));
        for parameter in problem.parameters.iter().filter(|p| p.unknown) {
            names.extend([parameter.name.clone(), format!("{}_error", parameter.name)]);
        }
        names
    }

    /// The names of the metrics of trajectories.
    pub(crate) fn trajectory_metrics(&self, problem: &Problem) -> Vec<String> {
        let followed = problem.coordinates.iter().filter(|_| self.trajectories.is_some());
        followed.map(|coordinate| trajectory_metric(&coordinate.name)).collect()
    }
}

/// A model on a grid.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Numbers of nodes along the coordinates; the last varies fastest.
    pub grid: Vec<usize>,
    /// Coordinates of the nodes, one column each; with sets of parameters all nodes of the first, then
    /// all of the second, …
    pub coordinates: Vec<Vec<f64>>,
    /// û, field by field.
    pub predicted: Vec<Vec<f64>>,
    /// u, field by field, if it is known on the grid.
    pub truth: Option<Vec<Vec<f64>>>,
    /// F(û), equation by equation; none if what is measured in them is not known on the grid.
    pub residuals: Vec<Vec<f64>>,
    /// Metrics by name, in the order of the module's table.
    pub metrics: IndexMap<String, f64>,
    /// The metrics that are means over sets of parameters, for each set.
    pub of_sets: Vec<IndexMap<String, f64>>,
    /// Trajectories, if any are followed.
    pub trajectories: Option<Trajectories>,
}

impl Evaluation {
    /// Everything as columns: coordinates, then for each field u its prediction `u`, its truth
    /// `u_true`, and `residual_NAME` for each equation.
    ///
    /// # Errors
    /// Two of the names are the same.
    pub fn table(&self, problem: &Problem) -> Result<PointSet, Error> {
        let coordinates = problem.coordinates.iter().map(|c| c.name.clone());
        let mut columns: Vec<(String, Vec<f64>)> =
            coordinates.zip(self.coordinates.iter().cloned()).collect();
        for (field, name) in problem.fields.iter().enumerate() {
            columns.push((name.clone(), self.predicted[field].clone()));
            if let Some(truth) = &self.truth {
                columns.push((format!("{name}_true"), truth[field].clone()));
            }
        }
        for (equation, residual) in problem.equations.iter().zip(&self.residuals) {
            columns.push((format!("residual_{}", equation.name), residual.clone()));
        }
        Ok(PointSet::new(columns)?)
    }
}

/// What models of a problem are measured by: a grid, and the truth there. It is worth keeping, as a
/// truth can be a reference solution or a file.
#[derive(Clone, Debug)]
pub struct Measure {
    region: Region,
    /// The problem's expressions and those of metrics.
    graph: Graph,
    /// None if they name data that is not known on the grid.
    equations: Vec<Id>,
    /// What they name.
    data: Vec<Vec<f64>>,
    /// What is compared with the truth.
    jets: Vec<(usize, MultiIndex)>,
    truth: Reference,
    metrics: Vec<metric::Prepared>,
    trajectories: Option<trajectories::Prepared>,
}

/// The truth, of each jet that is compared and known.
#[derive(Clone, Debug)]
enum Reference {
    Unknown,
    OnGrid(Vec<Option<Vec<f64>>>),
    /// At other points, each of which stands for an equal part of the box.
    At(Vec<Vec<f64>>, Norm, Vec<Option<Vec<f64>>>),
}

impl Measure {
    /// A regular grid over the problem's box, and the truth on it. A truth that is known from a file
    /// at other points is compared there.
    ///
    /// # Errors
    /// A wrong number of nodes or of parameters, a derivative of the truth that does not exist in closed
    /// form, or a file or reference solution that fails.
    pub fn new(problem: &Problem, plan: &EvaluationPlan) -> Result<Self, Error> {
        let bounds = problem.bounds();
        let region = Region::new(problem, &plan.grid, &plan.parameters)?;
        let jets = compared_jets(problem);
        let truth = match problem.true_points()? {
            Some(points) => {
                let columns = columns_of(&points, problem, &jets);
                if grid_of(&bounds, &points.coordinates).is_some_and(|of_file| of_file == plan.grid)
                {
                    Reference::OnGrid(columns)
                } else {
                    let volume: f64 = bounds.iter().map(|(low, high)| high - low).product();
                    let norm = Norm { cell: volume / points.len().max(1) as f64 };
                    Reference::At(points.coordinates, norm, columns)
                }
            }
            None => match problem.true_jets(&region.coordinates, &jets)? {
                Some(columns) => Reference::OnGrid(columns.into_iter().map(Some).collect()),
                None => Reference::Unknown,
            },
        };
        let metrics = plan.metrics.iter().map(|metric| metric.prepare(problem, plan));
        let metrics = metrics.collect::<Result<_, _>>()?;
        let trajectories = plan.trajectories.as_ref();
        let trajectories = trajectories.map(|plan| trajectories::Prepared::new(problem, plan));
        let trajectories = trajectories.transpose()?;
        let mut equations: Vec<Id> = problem.equations.iter().map(|e| e.expression).collect();
        let data = problem.true_data(&problem.graph, &equations, &region.coordinates)?;
        if data.is_none() {
            equations.clear();
        }
        let (graph, data) = (problem.graph.clone(), data.unwrap_or_default());
        Ok(Self { region, graph, equations, data, jets, truth, metrics, trajectories })
    }

    /// Measures a model of the problem.
    ///
    /// # Errors
    /// The engine's.
    pub fn of(&self, model: &Model, threads: usize) -> Result<Evaluation, Error> {
        let Self { region, jets, truth, .. } = self;
        let problem = &model.problem;
        let mut graph = self.graph.clone();
        let mut expressions: Vec<Id> =
            jets.iter().map(|&(field, index)| graph.symbol(Symbol::Jet { field, index })).collect();
        expressions.extend(&self.equations);
        let mut predicted =
            model.values_beside(&graph, &expressions, &region.coordinates, &self.data, threads)?;
        let residuals = predicted.split_off(jets.len());
        let norm = Norm { cell: region.cell };
        let mut of_parts = Vec::new();
        for part in region.parts() {
            let slice = |column: &Vec<f64>| column[part.clone()].to_vec();
            let mut metrics = IndexMap::new();
            if let Reference::OnGrid(truth) = truth {
                let truth: Vec<_> = truth.iter().map(|t| t.as_ref().map(slice)).collect();
                let predicted: Vec<_> = predicted.iter().map(slice).collect();
                compare(problem, jets, &predicted, &truth, norm, &mut metrics);
            }
            let residuals: Vec<_> = residuals.iter().map(slice).collect();
            of_residuals(problem, &residuals, norm, &mut metrics);
            of_parts.push(metrics);
        }
        let mut metrics = IndexMap::new();
        if let Reference::At(points, norm, truth) = truth {
            let there = model.values(&graph, &expressions[..jets.len()], points, threads)?;
            compare(problem, jets, &there, truth, *norm, &mut metrics);
        }
        let mut own = IndexMap::new();
        for metric in &self.metrics {
            let values = metric.of(&self.graph, model, threads)?;
            if values.len() == of_parts.len() {
                for (metrics, value) in of_parts.iter_mut().zip(values) {
                    metrics.insert(metric.name.clone(), value);
                }
            } else if let [value] = values[..] {
                // It goes over all parameters.
                own.insert(metric.name.clone(), value);
            }
        }
        metrics.extend(means(&of_parts).into_iter().chain(own));
        let trajectories = self.trajectories.as_ref().map(|prepared| prepared.of(model));
        let trajectories = trajectories.transpose()?;
        if let Some(trajectories) = &trajectories {
            trajectories.measure(problem, &mut metrics);
        }
        of_unknowns(problem, &mut metrics);
        predicted.truncate(problem.fields.len());
        let truth = match truth {
            Reference::OnGrid(columns) => {
                columns.iter().take(problem.fields.len()).cloned().collect()
            }
            Reference::Unknown | Reference::At(..) => None,
        };
        let (grid, coordinates) = (region.nodes(), region.coordinates.clone());
        let of_sets = if of_parts.len() > 1 { of_parts } else { Vec::new() };
        Ok(Evaluation {
            grid,
            coordinates,
            predicted,
            truth,
            residuals,
            metrics,
            of_sets,
            trajectories,
        })
    }
}

impl Model {
    /// Evaluates the model on a regular grid over the problem's box: [`Measure`] for once.
    ///
    /// # Errors
    /// Those of [`Measure::new`]; the engine's.
    pub fn evaluate_on(&self, grid: &[usize], threads: usize) -> Result<Evaluation, Error> {
        let plan = EvaluationPlan { grid: grid.to_vec(), ..Default::default() };
        Measure::new(&self.problem, &plan)?.of(self, threads)
    }
}

/// The mean of each metric.
fn means(of_parts: &[IndexMap<String, f64>]) -> IndexMap<String, f64> {
    let Some(first) = of_parts.first() else { return IndexMap::new() };
    let mean = |name: &String| {
        let values = of_parts.iter().filter_map(|metrics| metrics.get(name));
        values.sum::<f64>() / of_parts.len() as f64
    };
    first.keys().map(|name| (name.clone(), mean(name))).collect()
}

/// Adds the norms of the equations' residuals, if there are any.
fn of_residuals(
    problem: &Problem,
    residuals: &[Vec<f64>],
    norm: Norm,
    metrics: &mut IndexMap<String, f64>,
) {
    if residuals.is_empty() {
        return;
    }
    metrics.insert("residual_l2".to_owned(), norm.of_all(residuals.iter()));
    if problem.equations.len() > 1 {
        for (equation, residual) in problem.equations.iter().zip(residuals) {
            metrics.insert(format!("residual_{}_l2", equation.name), norm.of(residual));
        }
    }
}

/// Adds what was found of the unknowns.
fn of_unknowns(problem: &Problem, metrics: &mut IndexMap<String, f64>) {
    for parameter in problem.parameters.iter().filter(|p| p.unknown) {
        metrics.insert(parameter.name.clone(), parameter.value);
        if let Some(truth) = parameter.truth {
            let error = (parameter.value - truth).abs();
            metrics.insert(format!("{}_error", parameter.name), error);
        }
    }
}

/// Fields, then their first derivatives: what is compared with the truth.
fn compared_jets(problem: &Problem) -> Vec<(usize, MultiIndex)> {
    let values = (0..problem.fields.len()).map(|field| (field, MultiIndex::VALUE));
    let first = problem.data_columns().into_iter().filter_map(|column| match column {
        DataColumn::Jet(field, index) if index.order() == 1 => Some((field, index)),
        _ => None,
    });
    values.chain(first).collect()
}

/// The columns of a file that hold these jets, as far as it has them.
fn columns_of(
    points: &Points,
    problem: &Problem,
    jets: &[(usize, MultiIndex)],
) -> Vec<Option<Vec<f64>>> {
    let column = |&(field, index): &(usize, MultiIndex)| {
        let name = problem.symbol_name(Symbol::Jet { field, index });
        points.data.iter().find(|(n, _)| *n == name).map(|(_, column)| column.clone())
    };
    jets.iter().map(column).collect()
}

/// Adds the metrics that compare fields and first derivatives with their truth.
fn compare(
    problem: &Problem,
    jets: &[(usize, MultiIndex)],
    predicted: &[Vec<f64>],
    truth: &[Option<Vec<f64>>],
    norm: Norm,
    metrics: &mut IndexMap<String, f64>,
) {
    let difference =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    let mut slopes = Some(Vec::new());
    let (mut errors, mut sizes) = (0.0, 0.0);
    for ((&(field, index), predicted), truth) in jets.iter().zip(predicted).zip(truth) {
        let error = truth.as_ref().map(|truth| difference(predicted, truth));
        if index.order() > 0 {
            slopes = slopes.zip(error).map(|(slopes, error)| [slopes, vec![error]].concat());
        } else if let (Some(error), Some(truth), Some(name)) =
            (error, truth, problem.fields.get(field))
        {
            let larger = |m: f64, e: &f64| if e.is_nan() { *e } else { m.max(e.abs()) };
            metrics.insert(format!("{name}_l2"), norm.of(&error));
            metrics.insert(format!("{name}_relative"), norm.of(&error) / norm.of(truth));
            metrics.insert(format!("{name}_max"), error.iter().fold(0.0, larger));
            errors += norm.of(&error).powi(2);
            sizes += norm.of(truth).powi(2);
        }
    }
    if sizes > 0.0 {
        metrics.insert(RELATIVE.to_owned(), (errors / sizes).sqrt());
    }
    if let Some(slopes) = slopes {
        metrics.insert("gradient_l2".to_owned(), norm.of_all(slopes.iter()));
    }
}

/// √(cell Σ v²) over points, each standing for a cell of the box.
#[derive(Clone, Copy, Debug)]
struct Norm {
    cell: f64,
}

impl Norm {
    fn of(self, values: &[f64]) -> f64 {
        (self.cell * values.iter().map(|v| v * v).sum::<f64>()).sqrt()
    }

    fn of_all<'a>(self, columns: impl Iterator<Item = &'a Vec<f64>>) -> f64 {
        columns.map(|column| self.of(column).powi(2)).sum::<f64>().sqrt()
    }
}
