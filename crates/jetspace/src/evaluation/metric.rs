//! Metrics that a study defines: norms of expressions in fields, their derivatives, coordinates and the
//! truth.

use std::ops::Range;

use jetspace_expr::{Graph, Id};

use super::region::{Region, RegionAxis};
use super::{EvaluationPlan, Norm};
use crate::Error;
use crate::model::Model;
use crate::problem::Problem;
pub use crate::study_file::MetricNorm;

/// A norm of expressions, v₁, …, v_k, over points that each stand for a cell Π h.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// How tables call it.
    pub title: String,
    /// The expressions, in the problem's graph; columns are those of the truth
    /// ([`Problem::data_columns`]).
    pub of: Vec<Id>,
    /// What the norm is divided by: that of these.
    pub relative_to: Option<Vec<Id>>,
    /// Which norm.
    pub norm: MetricNorm,
    /// Coordinates over which the expressions are integrated before.
    pub integral: Vec<usize>,
    /// What the coordinates do that do not go over the evaluation's grid, each with its number.
    pub over: Vec<(usize, RegionAxis)>,
}

/// A metric with its points and the truth there.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub name: String,
    metric: Metric,
    region: Region,
    /// Columns of the truth, those that are needed; nothing if it is not known.
    truth: Option<Vec<Vec<f64>>>,
}

impl Metric {
    /// Evaluates the truth where the metric is taken.
    pub(super) fn prepare(
        &self,
        problem: &Problem,
        plan: &EvaluationPlan,
    ) -> Result<Prepared, Error> {
        let mut axes = Region::axes(problem, &plan.grid, &plan.parameters)?;
        for &(coordinate, axis) in &self.over {
            if let Some(place) = axes.get_mut(coordinate) {
                *place = axis;
            }
        }
        let region = Region::of(axes, &plan.parameters)?;
        let expressions: Vec<Id> =
            self.of.iter().chain(self.relative_to.iter().flatten()).copied().collect();
        let truth = problem.true_data(&problem.graph, &expressions, &region.coordinates)?;
        Ok(Prepared { name: self.name.clone(), metric: self.clone(), region, truth })
    }
}

impl Prepared {
    /// Its value for a model, for each set of parameters; none where the truth is not known.
    pub fn of(&self, graph: &Graph, model: &Model, threads: usize) -> Result<Vec<f64>, Error> {
        let Self { metric, region, truth, .. } = self;
        let Some(truth) = truth else { return Ok(Vec::new()) };
        let expressions: Vec<Id> =
            metric.of.iter().chain(metric.relative_to.iter().flatten()).copied().collect();
        let values =
            model.values_beside(graph, &expressions, &region.coordinates, truth, threads)?;
        let (of, to) = values.split_at(metric.of.len());
        let of_part = |part: Range<usize>| {
            let norm = |columns: &[Vec<f64>]| {
                let mut cell = region.cell;
                let integrate = |column: &Vec<f64>| {
                    let (values, of_each) =
                        region.integrate(&column[part.clone()], &metric.integral);
                    cell = of_each;
                    values
                };
                let columns: Vec<Vec<f64>> = columns.iter().map(integrate).collect();
                norm(metric.norm, &columns, cell)
            };
            if to.is_empty() { norm(of) } else { norm(of) / norm(to) }
        };
        Ok(region.parts().map(of_part).collect())
    }
}

fn norm(kind: MetricNorm, columns: &[Vec<f64>], cell: f64) -> f64 {
    let squares = || columns.iter().flatten().map(|v| v * v).sum::<f64>();
    match kind {
        MetricNorm::L2 => Norm { cell }.of_all(columns.iter()),
        MetricNorm::Rms => (squares() / columns.first().map_or(1, Vec::len).max(1) as f64).sqrt(),
        MetricNorm::Max => {
            let larger = |m: f64, v: &f64| if v.is_nan() { *v } else { m.max(v.abs()) };
            columns.iter().flatten().fold(0.0, larger)
        }
        MetricNorm::Spectral => cell * largest_singular_value(columns),
    }
}

/// The largest singular value of the matrix with these columns: the root of the largest eigenvalue of
/// its Gram matrix G. Powers G, G², G⁴, … turn to the projection on its eigenvector, and the trace of G
/// times that is the eigenvalue.
fn largest_singular_value(columns: &[Vec<f64>]) -> f64 {
    /// G to the power 2⁶⁰: eigenvalues that it does not tell apart are equal in double precision.
    const SQUARINGS: usize = 60;
    let k = columns.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> {
        let entry = |n: usize| (0..k).map(|m| a[n / k * k + m] * b[m * k + n % k]).sum();
        (0..k * k).map(entry).collect()
    };
    let trace = |a: &[f64]| a.iter().step_by(k + 1).sum::<f64>();
    let gram: Vec<f64> = (0..k * k).map(|n| dot(&columns[n / k], &columns[n % k])).collect();
    let mut power = gram.clone();
    for _ in 0..SQUARINGS {
        let size = trace(&power);
        if size == 0.0 || !size.is_finite() {
            return size.sqrt();
        }
        for entry in &mut power {
            *entry /= size;
        }
        power = product(&power, &power);
    }
    (trace(&product(&gram, &power)) / trace(&power)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_of_known_columns() {
        let columns = [vec![3.0, 0.0, 0.0], vec![0.0, 0.0, -4.0]];
        assert_eq!(norm(MetricNorm::L2, &columns, 0.25), 2.5);
        assert!((norm(MetricNorm::Rms, &columns, 9.0) - (25.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(norm(MetricNorm::Max, &columns, 9.0), 4.0);
        assert!((norm(MetricNorm::Spectral, &columns, 0.5) - 2.0).abs() < 1e-15);
        // [[1, 1], [0, 1]] has the golden ratio.
        let shear = [vec![1.0, 0.0], vec![1.0, 1.0]];
        let golden = f64::midpoint(1.0, 5.0_f64.sqrt());
        assert!((largest_singular_value(&shear) - golden).abs() < 1e-14);
        assert_eq!(largest_singular_value(&[vec![0.0; 3], vec![0.0; 3]]), 0.0);
        assert!(norm(MetricNorm::Max, &[vec![1.0, f64::NAN]], 1.0).is_nan());
        assert!(norm(MetricNorm::Spectral, &[vec![1.0, f64::NAN]], 1.0).is_nan());
    }

    #[test]
    fn integrals_are_sums_over_some_coordinates() {
        let nodes = |nodes, high| RegionAxis::Nodes { range: (0.0, high), nodes };
        let region = Region::of(vec![nodes(2, 1.0), nodes(3, 4.0), nodes(5, 1.0)], &[]).unwrap();
        let column: Vec<f64> = region.coordinates[1]
            .iter()
            .zip(&region.coordinates[2])
            .map(|(x, y)| x + 10.0 * y)
            .collect();
        // Π h Σ over x (h = 2) and y (h = ¼): Σ x = 5 · 6, Σ 10 y = 3 · 25.
        let (values, cell) = region.integrate(&column, &[1, 2]);
        assert_eq!(values, [0.5 * 105.0; 2]);
        assert_eq!(cell, 1.0);
        let (values, cell) = region.integrate(&column, &[1]);
        assert_eq!((values.len(), cell), (10, 0.25));
        assert_eq!(values[1], 2.0 * (6.0 + 3.0 * 2.5));
    }

    #[test]
    fn a_grid_stands_once_for_each_set() {
        let axes = vec![
            RegionAxis::Parameter(0),
            RegionAxis::Nodes { range: (0.0, 1.0), nodes: 3 },
            RegionAxis::At(7.0),
        ];
        let region = Region::of(axes.clone(), &[vec![0.5], vec![0.25]]).unwrap();
        assert_eq!(region.coordinates[0], [0.5, 0.5, 0.5, 0.25, 0.25, 0.25]);
        assert_eq!(region.coordinates[1], [0.0, 0.5, 1.0, 0.0, 0.5, 1.0]);
        assert_eq!(region.coordinates[2], [7.0; 6]);
        assert_eq!(region.cell, 0.5);
        assert_eq!(region.parts().collect::<Vec<_>>(), [0..3, 3..6]);
        assert!(Region::of(axes, &[vec![]]).is_err());
        let huge = RegionAxis::Nodes { range: (0.0, 1.0), nodes: usize::MAX };
        assert!(Region::of(vec![huge; 2], &[]).is_err());
    }
}
