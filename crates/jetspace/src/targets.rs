//! Data: values and derivatives of the truth at points, exact, from finite differences, or noisy.

use std::collections::BTreeSet;

use jetspace_jet::MultiIndex;

use crate::Error;
use crate::collocation::Points;
use crate::problem::{DataColumn, Problem};
use crate::random::Purpose;
use crate::study::{Difference, TargetsFile};

/// Columns of data at `points`, one for each of [`Problem::data_columns`]; those that are not
/// `wanted` stay empty.
///
/// # Errors
/// A wanted column is neither in the points' file nor known from the truth.
pub fn data(
    problem: &Problem,
    points: &Points,
    targets: &TargetsFile,
    wanted: &BTreeSet<usize>,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    let columns = problem.data_columns();
    let mut data = vec![Vec::new(); columns.len()];
    for &number in wanted {
        let Some(&column) = columns.get(number) else { continue };
        let name = problem.column_name(column);
        let mut values = match points.data.iter().find(|(n, _)| *n == name) {
            Some((_, values)) => values.clone(),
            None => of_truth(problem, points, targets, column, &name)?,
        };
        let is_noisy = match column {
            DataColumn::Measured(_) => true,
            DataColumn::Jet(_, index) => index.order() <= 1,
        };
        if targets.noise > 0.0 && is_noisy {
            let mut random = Purpose::Noise(number).stream(seed);
            for value in &mut values {
                *value += targets.noise * random.normal();
            }
        }
        data[number] = values;
    }
    Ok(data)
}

fn of_truth(
    problem: &Problem,
    points: &Points,
    targets: &TargetsFile,
    column: DataColumn,
    name: &str,
) -> Result<Vec<f64>, Error> {
    let truth = match column {
        DataColumn::Measured(_) => "its truth under [measured]",
        DataColumn::Jet(..) => "a [truth]",
    };
    let missing = |reason: &str| {
        Error::Argument(format!(
            "data for {name} is needed: {reason}. Give the problem {truth}, or take the points \
             from a file with a column {name:?}"
        ))
    };
    let at = |coordinates: &[Vec<f64>], column| {
        let values = problem.true_columns(coordinates, &[column]);
        let values = values.map_err(|error| missing(&error.to_string()))?;
        let column = values.and_then(|columns| columns.into_iter().next());
        column.ok_or_else(|| missing("the truth is not known at these points"))
    };
    let slope = match column {
        DataColumn::Jet(field, index) if index.order() == 1 => {
            index.factors().next().zip(Some(field))
        }
        _ => None,
    };
    let Some((h, (i, field))) = targets.difference_step.zip(slope) else {
        return at(&points.coordinates, column);
    };
    let value = DataColumn::Jet(field, MultiIndex::VALUE);
    let mut moved = points.coordinates.clone();
    let mut shift = |by: f64| {
        moved[i] = points.coordinates[i].iter().map(|x| x + by).collect();
        at(&moved, value)
    };
    let (upper, lower, width) = match targets.difference {
        Difference::Central => (shift(h)?, shift(-h)?, 2.0 * h),
        Difference::Forward => (shift(h)?, shift(0.0)?, h),
    };
    Ok(upper.iter().zip(&lower).map(|(u, l)| (u - l) / width).collect())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// u = sin πx sin πy at points of a lattice, and its columns u, u_x, u_y, u_xx, u_xy, u_yy.
    fn columns(count: usize, targets: TargetsFile, seed: u64) -> (Points, Vec<Vec<f64>>) {
        let text = crate::builtin::text(crate::builtin::PROBLEMS, "allen-cahn").unwrap();
        let problem = Problem::parse("allen-cahn.toml", text).unwrap();
        let column =
            |step: f64| (1..=count).map(|p| 2.0 * (step * p as f64).fract() - 1.0).collect();
        let points = Points::at(vec![column(0.618_034), column(0.414_214)]);
        let data = data(&problem, &points, &targets, &(0..6).collect(), seed).unwrap();
        let place = |name: &str| {
            let columns = problem.data_columns();
            columns.iter().position(|&column| problem.column_name(column) == name).unwrap()
        };
        let names = ["u", "u_x", "u_y", "u_xx", "u_xy", "u_yy"];
        (points, names.iter().map(|name| data[place(name)].clone()).collect())
    }

    fn exact(point: (f64, f64)) -> [f64; 6] {
        let (sx, sy) = ((PI * point.0).sin(), (PI * point.1).sin());
        let (cx, cy) = (PI * (PI * point.0).cos(), PI * (PI * point.1).cos());
        let minus_u_xx = PI * PI * sx * sy;
        [sx * sy, cx * sy, sx * cy, -minus_u_xx, cx * cy, -minus_u_xx]
    }

    #[test]
    fn noise_has_its_standard_deviation_and_leaves_second_derivatives_alone() {
        let (count, noise) = (20_000, 0.05);
        let targets = TargetsFile { noise, ..Default::default() };
        let (points, noisy) = columns(count, targets, 3);
        let [x, y] = &points.coordinates[..] else { panic!() };
        let errors: Vec<Vec<f64>> = (0..6)
            .map(|k| (0..count).map(|p| noisy[k][p] - exact((x[p], y[p]))[k]).collect())
            .collect();
        let mean_of =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / count as f64;
        for k in 0..3 {
            // Relative standard deviation 1/√(2 · 20 000) = 0.005.
            let deviation = mean_of(&errors[k], &errors[k]).sqrt();
            assert!((deviation / noise - 1.0).abs() < 0.02, "{k}: {deviation}");
            let mean = errors[k].iter().sum::<f64>() / count as f64;
            assert!(mean.abs() < 5.0 * noise / 141.0, "{k}: {mean}");
            for other in &errors[..k] {
                // Columns have noise of their own.
                assert!(mean_of(&errors[k], other).abs() < 5.0 * noise * noise / 141.0);
            }
        }
        assert!(errors[3..].iter().flatten().all(|error| error.abs() < 1e-13));
        assert_eq!(noisy, columns(count, targets, 3).1);
        assert_ne!(noisy[0], columns(count, targets, 4).1[0]);
    }

    #[test]
    fn differences_of_a_sine_are_its_derivative_times_a_factor() {
        for h in [0.1, 0.05, 0.01] {
            let targets = TargetsFile { difference_step: Some(h), ..Default::default() };
            let (points, data) = columns(100, targets, 0);
            // sin π(x + h) − sin π(x − h) = 2 sin πh cos πx.
            let factor = (PI * h).sin() / (PI * h);
            let [x, y] = &points.coordinates[..] else { panic!() };
            for p in 0..100 {
                for (k, exact) in exact((x[p], y[p])).into_iter().enumerate() {
                    let expected = if k == 1 || k == 2 { factor * exact } else { exact };
                    // Rounding of values of size 1, divided by h.
                    assert!((data[k][p] - expected).abs() < 1e-15 / h + 1e-14, "{h} {k} {p}");
                }
            }
        }
    }

    #[test]
    fn forward_differences_look_ahead() {
        let h = 0.1;
        let targets = TargetsFile {
            difference_step: Some(h),
            difference: Difference::Forward,
            ..Default::default()
        };
        let (points, data) = columns(100, targets, 0);
        let [x, y] = &points.coordinates[..] else { panic!() };
        for p in 0..100 {
            let expected = ((PI * (x[p] + h)).sin() - (PI * x[p]).sin()) / h * (PI * y[p]).sin();
            assert!((data[1][p] - expected).abs() < 1e-13);
        }
    }
}
