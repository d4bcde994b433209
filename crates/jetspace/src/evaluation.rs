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
//! | `gradient_l2` | √Σ ‖∂û/∂xᵢ − ∂u/∂xᵢ‖² over fields and physical coordinates |
//! | `residual_l2` | √Σ ‖F(û)‖² over the equations |
//! | `residual_heat_l2` (for one of several equations) | ‖F(û)‖ of that equation |
//! | `nu` (for an unknown) | its value ν̂ |
//! | `nu_error` | \|ν̂ − ν\|, if the problem says what is true |

use indexmap::IndexMap;
use jetspace_expr::{Id, Symbol};
use jetspace_jet::MultiIndex;

use crate::Error;
use crate::model::Model;
use crate::point_set::PointSet;
use crate::problem::{Problem, evaluate};
use crate::random::Purpose;
use crate::sampling::{GridEnds, Sampler};

/// A model on a grid.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Numbers of nodes along the coordinates; the last varies fastest.
    pub grid: Vec<usize>,
    /// Coordinates of the nodes, one column each.
    pub coordinates: Vec<Vec<f64>>,
    /// û, field by field.
    pub predicted: Vec<Vec<f64>>,
    /// u, field by field, if it is known in closed form.
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

impl Model {
    /// Evaluates the model on a regular grid over the problem's box.
    ///
    /// # Errors
    /// A wrong number of nodes, or a derivative of the truth that does not exist in closed form.
    pub fn evaluate_on(&self, grid: &[usize], threads: usize) -> Result<Evaluation, Error> {
        let bounds = self.problem.bounds();
        let coordinates = grid_points(&bounds, grid)?;
        let spacing = bounds
            .iter()
            .zip(grid)
            .map(|((low, high), &nodes)| (high - low) / nodes.saturating_sub(1).max(1) as f64);
        let cell: f64 = spacing.product();
        let mut problem = self.problem.clone();
        let (fields, equations) = (problem.fields.len(), problem.equations.len());
        let values = (0..fields).map(|field| (field, MultiIndex::VALUE));
        let first = problem.data_columns().into_iter().filter(|(_, index)| index.order() == 1);
        let wanted: Vec<(usize, MultiIndex)> = values.chain(first).collect();
        let mut expressions: Vec<Id> = wanted
            .iter()
            .map(|&(field, index)| problem.graph.symbol(Symbol::Jet { field, index }))
            .collect();
        expressions.extend(problem.equations.iter().map(|e| e.expression));
        let mut predicted = self.values(&problem.graph, &expressions, &coordinates, threads)?;
        let residuals = predicted.split_off(wanted.len());
        let gradient = predicted.split_off(fields);
        let norm = |v: &[f64]| (cell * v.iter().map(|v| v * v).sum::<f64>()).sqrt();
        let mut metrics = IndexMap::new();
        let truth = true_values(&mut problem, &wanted, &coordinates)?;
        if let Some(truth) = &truth {
            let difference = |a: &[f64], b: &[f64]| -> Vec<f64> {
                a.iter().zip(b).map(|(a, b)| a - b).collect()
            };
            for (field, name) in problem.fields.iter().enumerate() {
                let error = difference(&predicted[field], &truth[field]);
                let largest = error
                    .iter()
                    .fold(0.0, |m: f64, e| if e.is_nan() { *e } else { m.max(e.abs()) });
                metrics.insert(format!("{name}_l2"), norm(&error));
                metrics.insert(format!("{name}_relative"), norm(&error) / norm(&truth[field]));
                metrics.insert(format!("{name}_max"), largest);
            }
            let errors = gradient.iter().zip(&truth[fields..]);
            let squares: f64 = errors.map(|(a, b)| norm(&difference(a, b)).powi(2)).sum();
            metrics.insert("gradient_l2".to_owned(), squares.sqrt());
        }
        let squares: f64 = residuals.iter().map(|r| norm(r).powi(2)).sum();
        metrics.insert("residual_l2".to_owned(), squares.sqrt());
        if equations > 1 {
            for (equation, residual) in problem.equations.iter().zip(&residuals) {
                metrics.insert(format!("residual_{}_l2", equation.name), norm(residual));
            }
        }
        for parameter in problem.parameters.iter().filter(|p| p.unknown) {
            metrics.insert(parameter.name.clone(), parameter.value);
            if let Some(truth) = parameter.truth {
                let error = (parameter.value - truth).abs();
                metrics.insert(format!("{}_error", parameter.name), error);
            }
        }
        let truth = truth.map(|mut columns| {
            columns.truncate(fields);
            columns
        });
        Ok(Evaluation { grid: grid.to_vec(), coordinates, predicted, truth, residuals, metrics })
    }
}

fn true_values(
    problem: &mut Problem,
    wanted: &[(usize, MultiIndex)],
    coordinates: &[Vec<f64>],
) -> Result<Option<Vec<Vec<f64>>>, Error> {
    let derivatives: Option<Result<Vec<Id>, _>> =
        wanted.iter().map(|&(field, index)| problem.true_derivative(field, index)).collect();
    match derivatives {
        None => Ok(None),
        Some(Ok(ids)) => {
            let parameters = problem.parameter_values();
            evaluate(&problem.graph, &ids, coordinates, &parameters, &[]).map(Some)
        }
        Some(Err(error)) => {
            Err(Error::Argument(format!("the truth cannot be differentiated: {error}")))
        }
    }
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
