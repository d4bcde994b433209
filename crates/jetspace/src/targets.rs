//! Data: values and derivatives of the truth at points, exact, from finite differences, or noisy.

use std::collections::BTreeSet;

use jetspace_jet::MultiIndex;

use crate::Error;
use crate::collocation::Points;
use crate::problem::{Problem, evaluate};
use crate::random::Purpose;
use crate::study::TargetsFile;

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
    let mut problem = problem.clone();
    let columns = problem.data_columns();
    let mut data = vec![Vec::new(); columns.len()];
    for &number in wanted {
        let Some(&(field, index)) = columns.get(number) else { continue };
        let name = problem.symbol_name(jetspace_expr::Symbol::Jet { field, index });
        let mut column = match points.data.iter().find(|(n, _)| *n == name) {
            Some((_, values)) => values.clone(),
            None => of_truth(&mut problem, points, targets, field, index, &name)?,
        };
        if targets.noise > 0.0 && index.order() <= 1 {
            let mut random = Purpose::Noise(number).stream(seed);
            for value in &mut column {
                *value += targets.noise * random.normal();
            }
        }
        data[number] = column;
    }
    Ok(data)
}

fn of_truth(
    problem: &mut Problem,
    points: &Points,
    targets: &TargetsFile,
    field: usize,
    index: MultiIndex,
    name: &str,
) -> Result<Vec<f64>, Error> {
    let missing = |reason: &str| {
        Error::Argument(format!(
            "data for {name} is needed: {reason}. Give the problem a [truth], or take the points \
             from a file with a column {name:?}"
        ))
    };
    let differenced = targets.difference_step.filter(|_| index.order() == 1);
    let derivative = if differenced.is_some() { MultiIndex::VALUE } else { index };
    let expression = match problem.true_derivative(field, derivative) {
        Some(Ok(id)) => id,
        Some(Err(error)) => return Err(missing(&error.to_string())),
        None => return Err(missing("the truth is not known in closed form")),
    };
    let parameters = problem.parameter_values();
    let at = |coordinates: &[Vec<f64>]| {
        let mut values = evaluate(&problem.graph, &[expression], coordinates, &parameters, &[])?;
        Ok::<_, Error>(values.swap_remove(0))
    };
    let Some((h, i)) = differenced.zip(index.factors().next()) else {
        return at(&points.coordinates);
    };
    let mut moved = points.coordinates.clone();
    let mut shift = |by: f64| {
        moved[i] = points.coordinates[i].iter().map(|x| x + by).collect();
        at(&moved)
    };
    let (upper, lower) = (shift(h)?, shift(-h)?);
    Ok(upper.iter().zip(&lower).map(|(u, l)| (u - l) / (2.0 * h)).collect())
}
