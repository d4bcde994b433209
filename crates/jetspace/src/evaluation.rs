//! How far a model is from the truth, on a grid; each metric is defined here and nowhere else.
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
//! | `nu` (for an unknown) | its value ν̂ |
//! | `nu_error` | \|ν̂ − ν\|, if the problem says what is true |
//!
//! Where the truth is a file of N points that are not the nodes of the grid, fields are compared at
//! these points, each of which stands for an Nth of the box.

use indexmap::IndexMap;
use jetspace_expr::{Id, Symbol};
use jetspace_jet::MultiIndex;

use crate::Error;
use crate::collocation::Points;
use crate::model::Model;
use crate::point_set::PointSet;
use crate::problem::Problem;
use crate::random::Purpose;
use crate::sampling::{GridEnds, Sampler};

/// The metric that says how far all fields together are from the truth.
pub const RELATIVE: &str = "relative";

/// A model on a grid.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Numbers of nodes along the coordinates; the last varies fastest.
    pub grid: Vec<usize>,
    /// Coordinates of the nodes, one column each.
    pub coordinates: Vec<Vec<f64>>,
    /// û, field by field.
    pub predicted: Vec<Vec<f64>>,
    /// u, field by field, if it is known on the grid.
    pub truth: Option<Vec<Vec<f64>>>,
    /// F(û), equation by equation.
    pub residuals: Vec<Vec<f64>>,
    /// Metrics by name, in the order of the module's table.
    pub metrics: IndexMap<String, f64>,
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
    grid: Vec<usize>,
    coordinates: Vec<Vec<f64>>,
    norm: Norm,
    /// What is compared with the truth.
    jets: Vec<(usize, MultiIndex)>,
    truth: Reference,
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
    /// A wrong number of nodes, a derivative of the truth that does not exist in closed form, or a
    /// file or reference solution that fails.
    pub fn new(problem: &Problem, grid: &[usize]) -> Result<Self, Error> {
        let bounds = problem.bounds();
        let coordinates = grid_points(&bounds, grid)?;
        let spacing = bounds
            .iter()
            .zip(grid)
            .map(|((low, high), &nodes)| (high - low) / nodes.saturating_sub(1).max(1) as f64);
        let norm = Norm { cell: spacing.product() };
        let jets = compared_jets(problem);
        let truth = match problem.true_points()? {
            Some(points) => {
                let columns = columns_of(&points, problem, &jets);
                if grid_of(&bounds, &points.coordinates).is_some_and(|of_file| of_file == grid) {
                    Reference::OnGrid(columns)
                } else {
                    let volume: f64 = bounds.iter().map(|(low, high)| high - low).product();
                    let norm = Norm { cell: volume / points.len().max(1) as f64 };
                    Reference::At(points.coordinates, norm, columns)
                }
            }
            None => match problem.true_jets(&coordinates, &jets)? {
                Some(columns) => Reference::OnGrid(columns.into_iter().map(Some).collect()),
                None => Reference::Unknown,
            },
        };
        Ok(Self { grid: grid.to_vec(), coordinates, norm, jets, truth })
    }

    /// Measures a model of the problem.
    ///
    /// # Errors
    /// The engine's.
    pub fn of(&self, model: &Model, threads: usize) -> Result<Evaluation, Error> {
        let Self { grid, coordinates, norm, jets, truth } = self;
        let problem = &model.problem;
        let mut graph = problem.graph.clone();
        let mut expressions: Vec<Id> =
            jets.iter().map(|&(field, index)| graph.symbol(Symbol::Jet { field, index })).collect();
        expressions.extend(problem.equations.iter().map(|e| e.expression));
        let mut predicted = model.values(&graph, &expressions, coordinates, threads)?;
        let residuals = predicted.split_off(jets.len());
        let mut metrics = IndexMap::new();
        match truth {
            Reference::Unknown => {}
            Reference::OnGrid(truth) => {
                compare(problem, jets, &predicted, truth, *norm, &mut metrics);
            }
            Reference::At(points, norm, truth) => {
                let there = model.values(&graph, &expressions[..jets.len()], points, threads)?;
                compare(problem, jets, &there, truth, *norm, &mut metrics);
            }
        }
        metrics.insert("residual_l2".to_owned(), norm.of_all(residuals.iter()));
        if problem.equations.len() > 1 {
            for (equation, residual) in problem.equations.iter().zip(&residuals) {
                metrics.insert(format!("residual_{}_l2", equation.name), norm.of(residual));
            }
        }
        for parameter in problem.parameters.iter().filter(|p| p.unknown) {
            metrics.insert(parameter.name.clone(), parameter.value);
            if let Some(truth) = parameter.truth {
                let error = (parameter.value - truth).abs();
                metrics.insert(format!("{}_error", parameter.name), error);
            }
        }
        predicted.truncate(problem.fields.len());
        let truth = match truth {
            Reference::OnGrid(columns) => {
                columns.iter().take(problem.fields.len()).cloned().collect()
            }
            Reference::Unknown | Reference::At(..) => None,
        };
        let (grid, coordinates) = (grid.clone(), coordinates.clone());
        Ok(Evaluation { grid, coordinates, predicted, truth, residuals, metrics })
    }
}

impl Model {
    /// Evaluates the model on a regular grid over the problem's box: [`Measure`] for once.
    ///
    /// # Errors
    /// Those of [`Measure::new`]; the engine's.
    pub fn evaluate_on(&self, grid: &[usize], threads: usize) -> Result<Evaluation, Error> {
        Measure::new(&self.problem, grid)?.of(self, threads)
    }
}

/// Fields, then their first derivatives: what is compared with the truth.
fn compared_jets(problem: &Problem) -> Vec<(usize, MultiIndex)> {
    let values = (0..problem.fields.len()).map(|field| (field, MultiIndex::VALUE));
    let first = problem.data_columns().into_iter().filter(|(_, index)| index.order() == 1);
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

/// The numbers of nodes with which a regular grid over a box has these points in this order, if
/// there is one.
#[must_use]
pub fn grid_of(bounds: &[(f64, f64)], coordinates: &[Vec<f64>]) -> Option<Vec<usize>> {
    let points = coordinates.first()?.len();
    let mut grid = Vec::new();
    for column in coordinates {
        let mut values = column.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        grid.push(values.len());
    }
    if grid.iter().try_fold(1, |product: usize, &n| product.checked_mul(n)) != Some(points) {
        return None;
    }
    let nodes = grid_points(bounds, &grid).ok()?;
    let is_near = |axis: usize| {
        let (low, high) = bounds[axis];
        let mut pairs = nodes[axis].iter().zip(&coordinates[axis]);
        pairs.all(|(a, b)| (a - b).abs() <= 1e-9 * (high - low))
    };
    (0..grid.len()).all(is_near).then_some(grid)
}

/// The nodes of a regular grid over a box, ends included, as columns; the last coordinate varies
/// fastest.
///
/// # Errors
/// A number of nodes for each coordinate is missing, or there are too many.
pub fn grid_points(bounds: &[(f64, f64)], nodes: &[usize]) -> Result<Vec<Vec<f64>>, Error> {
    let sampler = Sampler::Grid { nodes: nodes.to_vec(), ends: GridEnds::Included };
    // A grid draws nothing.
    Ok(sampler.sample(bounds, &mut Purpose::Check.stream(0))?)
}
