//! Residuals and Jacobians of all methods against formulas worked out by hand, losses, gradients and
//! central differences; objectives that are no sums of squares.

mod oracle;

use jetspace::Error;
use jetspace::collocation::{Collocation, Points};
use jetspace::objective::Objective;
use jetspace::study::Method;
use jetspace_jet::Engine;
use jetspace_optim::FactoredBlock;
use oracle::{Case, cases, central_difference, inside, wave};
use proptest::prelude::*;

/// Methods without a projection.
fn least_squares(case: &Case) -> impl Iterator<Item = &Method> {
    case.study.methods.iter().filter(|method| method.name != "sob+hes")
}

fn residuals(
    objective: &mut Objective<f64>,
    engine: &mut Engine<f64>,
    parameters: &[f64],
) -> Vec<f64> {
    let mut residuals = vec![f64::NAN; objective.residual_count().unwrap()];
    objective.residuals(engine, parameters, &mut residuals).unwrap();
    residuals
}

/// Residuals, and the rows of their Jacobian.
fn linearise(
    objective: &Objective<f64>,
    engine: &mut Engine<f64>,
    parameters: &[f64],
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (mut residuals, mut rows) = (Vec::new(), Vec::new());
    let mut take = |residual: f64, row: &[f64]| {
        residuals.push(residual);
        rows.push(row.to_vec());
        Ok(())
    };
    objective.linearise(engine, parameters, &mut take).unwrap();
    (residuals, rows)
}

/// Residuals, and the rows of their Jacobian from its factors.
fn factorise(
    objective: &Objective<f64>,
    engine: &mut Engine<f64>,
    parameters: &[f64],
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (mut residuals, mut rows, mut numbers) = (Vec::new(), Vec::new(), 0);
    let mut take = |residual: f64, blocks: &[FactoredBlock<'_, f64>]| {
        let mut row = vec![0.0; parameters.len()];
        for block in blocks {
            let &FactoredBlock { first, units, inputs, cotangents, activations } = block;
            numbers += cotangents.len() + activations.len();
            for (d, a) in cotangents.chunks(units).zip(activations.chunks(inputs)) {
                for (at, slope) in row[first..first + units * inputs].iter_mut().enumerate() {
                    *slope += d[at / inputs] * a[at % inputs];
                }
            }
        }
        residuals.push(residual);
        rows.push(row);
        Ok(())
    };
    objective.factorise(engine, parameters, &mut take).unwrap();
    assert_eq!(numbers, objective.factor_count(engine));
    (residuals, rows)
}

/// J v.
fn times(rows: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    rows.iter().map(|row| dot(row, vector)).collect()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Numbers that have nothing to do with any others.
fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| (i as f64 + 0.5).sin()).collect()
}

fn transposed_times(rows: &[Vec<f64>], vector: &[f64], parameters: usize) -> Vec<f64> {
    let mut product = vec![0.0; parameters];
    for (row, w) in rows.iter().zip(vector) {
        product.iter_mut().zip(row).for_each(|(product, j)| *product += j * w);
    }
    product
}

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |largest: f64, number| largest.max(number.abs()))
}

fn is_near(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    let size = largest(expected);
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance * size)
}

/// Points inside, as many as there are units, and as many more for the pairs of the wave.
fn collocation(case: &Case, units: &[[f64; 3]], pairs: usize) -> Collocation {
    let mut points = case.collocation();
    points.interior = Points::at(inside(&case.study, units));
    if let Some(ends) = points.conditions.get_mut(1) {
        *ends = Points::at(inside(&case.study, &units[..pairs.min(units.len())]));
        ends.coordinates[1].fill(-1.0);
    }
    points
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn residuals_and_jacobians_belong_to_loss_and_gradient(
        units in prop::collection::vec(prop::array::uniform3(0.0..1.0), 0..70),
        pairs in 0_usize..40,
        seed in 0_u64..1000,
        threads in 1_usize..4,
    ) {
        for case in cases() {
            let points = collocation(&case, &units, pairs);
            let parameters = case.parameters(seed);
            let mut engine = case.engine(threads);
            for method in least_squares(&case) {
                let mut objective = case.objective::<f64>(method, &points);
                let (loss, gradient) = case.evaluate(&mut objective, &parameters, 1);
                let values = residuals(&mut objective, &mut engine, &parameters);
                let squares: f64 = values.iter().map(|r| r * r).sum();
                prop_assert!((squares - loss.total).abs() <= 1e-13 * loss.total, "{}", method.name);

                let (linearised, rows) = linearise(&objective, &mut engine, &parameters);
                prop_assert_eq!(&linearised, &values);
                let (factorised, multiplied) = factorise(&objective, &mut engine, &parameters);
                prop_assert_eq!(&factorised, &values);
                for (row, expected) in multiplied.iter().zip(&rows) {
                    prop_assert!(is_near(row, expected, 1e-13), "{}", method.name);
                }
                let product: Vec<f64> = transposed_times(&rows, &values, parameters.len());
                let double: Vec<f64> = product.iter().map(|g| 2.0 * g).collect();
                prop_assert!(is_near(&double, &gradient, 1e-12), "{}", method.name);

                let w = numbers(rows.len());
                let mut pulled_back = vec![f64::NAN; parameters.len()];
                objective.pull_back(&mut engine, &parameters, &w, &mut pulled_back).unwrap();
                let product = transposed_times(&rows, &w, parameters.len());
                prop_assert!(is_near(&pulled_back, &product, 1e-12), "{}", method.name);

                let v = numbers(parameters.len());
                let mut pushed = vec![f64::NAN; rows.len()];
                objective.push_forward(&mut engine, &parameters, &v, &mut pushed).unwrap();
                prop_assert!(is_near(&pushed, &times(&rows, &v), 1e-13), "{}", method.name);
                let (there, back) = (dot(&pushed, &w), dot(&v, &pulled_back));
                let size = dot(&pushed, &pushed).sqrt() * dot(&w, &w).sqrt();
                prop_assert!((there - back).abs() <= 1e-13 * size, "{}", method.name);
            }
        }
    }
}

#[test]
fn residuals_come_point_by_point_and_there_term_by_term() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(2));
        let conditions = &case.study.problem.conditions;
        for method in least_squares(&case) {
            let mut objective = case.objective::<f64>(method, &points);
            let all = residuals(&mut objective, &mut case.engine(1), &parameters);
            let mut found = all.iter();
            let is_condition =
                |t: &usize| conditions.iter().any(|c| c.name == method.terms[*t].label);
            let (conditions, inside): (Vec<usize>, Vec<usize>) =
                (0..method.terms.len()).partition(is_condition);
            for terms in std::iter::once(inside).chain(conditions.into_iter().map(|t| vec![t])) {
                let squares = terms.iter().map(|&t| case.squares(t, method, &parameters, &points));
                let squares: Vec<Vec<f64>> = squares.collect();
                let count = squares.first().map_or(0, Vec::len);
                for p in 0..count {
                    for (&t, squares) in terms.iter().zip(&squares) {
                        let term = &method.terms[t];
                        let expressions = (case.residuals)(&term.label, &|_| 1.0).len();
                        let sum: f64 = found.by_ref().take(expressions).map(|r| r * r).sum();
                        let expected = term.weight * squares[p] / count as f64;
                        assert!((sum - expected).abs() <= 1e-12, "{sum} {expected}");
                    }
                }
            }
            assert_eq!(found.next(), None);
        }
    }
}

#[test]
fn factors_of_terms_and_weights_of_points_count() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(4));
        let mut engine = case.engine(2);
        for method in least_squares(&case) {
            let mut objective = case.objective::<f64>(method, &points);
            let terms = method.terms.len();
            let factors: Vec<f64> = (0..terms).map(|t| 0.5 + t as f64).collect();
            objective.set_factors(&factors);
            // Those of the first term stay 1.
            for t in 1..terms {
                let weights = (0..objective.points_of(t)).map(|p| 0.2 + (p as f64).sin().powi(2));
                objective.set_point_weights(t, &weights.collect::<Vec<f64>>());
            }
            let (loss, gradient) = case.evaluate(&mut objective, &parameters, 1);
            let (values, rows) = linearise(&objective, &mut engine, &parameters);
            assert_eq!(values, residuals(&mut objective, &mut engine, &parameters));
            let (factorised, multiplied) = factorise(&objective, &mut engine, &parameters);
            assert_eq!(values, factorised);
            assert!(is_near(&multiplied.concat(), &rows.concat(), 1e-13), "{}", method.name);
            let squares: f64 = values.iter().map(|r| r * r).sum();
            assert!((squares - loss.total).abs() <= 1e-13 * loss.total, "{}", method.name);
            let product = transposed_times(&rows, &values, parameters.len());
            let double: Vec<f64> = product.iter().map(|g| 2.0 * g).collect();
            assert!(is_near(&double, &gradient, 1e-12), "{}", method.name);
            let mut pulled_back = vec![f64::NAN; parameters.len()];
            objective.pull_back(&mut engine, &parameters, &values, &mut pulled_back).unwrap();
            assert!(is_near(&pulled_back, &product, 1e-12), "{}", method.name);
            let (v, mut pushed) = (numbers(parameters.len()), vec![f64::NAN; rows.len()]);
            objective.push_forward(&mut engine, &parameters, &v, &mut pushed).unwrap();
            assert!(is_near(&pushed, &times(&rows, &v), 1e-13), "{}", method.name);
        }
    }
}

#[test]
fn jacobians_equal_central_differences() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        let mut engine = case.engine(1);
        for method in least_squares(&case) {
            let mut objective = case.objective::<f64>(method, &points);
            let (_, rows) = linearise(&objective, &mut engine, &parameters);
            for i in 0..parameters.len() {
                let slopes = central_difference(|step| {
                    let mut moved = parameters.clone();
                    moved[i] += step;
                    residuals(&mut objective, &mut engine, &moved)
                });
                for (row, expected) in rows.iter().zip(slopes) {
                    assert!((row[i] - expected).abs() <= 1e-8 * largest(row).max(1.0));
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads_and_blocks_gives_the_same_bits() {
    // Several blocks, the last of them not full.
    let units: Vec<[f64; 3]> = (0..2203)
        .map(|p| [0.618_034, 0.414_214, 0.732_051].map(|step| (step * f64::from(p)).fract()))
        .collect();
    for case in cases() {
        let points = collocation(&case, &units, 701);
        let parameters = case.parameters(5);
        for method in least_squares(&case) {
            let mut objective = case.objective::<f64>(method, &points);
            let mut on = |threads| {
                let mut engine = case.engine(threads);
                let values = residuals(&mut objective, &mut engine, &parameters);
                let (linearised, rows) = linearise(&objective, &mut engine, &parameters);
                let (_, multiplied) = factorise(&objective, &mut engine, &parameters);
                assert!(is_near(&multiplied.concat(), &rows.concat(), 1e-13), "{}", method.name);
                let mut product = vec![0.0; parameters.len()];
                objective.pull_back(&mut engine, &parameters, &values, &mut product).unwrap();
                let double: Vec<f64> = product.iter().map(|g| 2.0 * g).collect();
                let (_, gradient) = case.evaluate(&mut objective, &parameters, threads);
                assert!(is_near(&double, &gradient, 1e-12), "{}", method.name);
                let mut pushed = vec![0.0; values.len()];
                objective.push_forward(&mut engine, &parameters, &product, &mut pushed).unwrap();
                assert!(is_near(&pushed, &times(&rows, &product), 1e-12), "{}", method.name);
                let rows = [rows.concat(), multiplied.concat()].concat();
                let all = [values, linearised, rows, product, pushed].concat();
                all.into_iter().map(f64::to_bits).collect::<Vec<u64>>()
            };
            let one = on(1);
            assert!(one == on(2) && one == on(3), "{}", method.name);
        }
    }
}

#[test]
fn what_is_no_fixed_sum_of_squares_is_refused() {
    let mut case = wave();
    let mut engine = case.engine(1);
    let parameters = case.parameters(1);
    let mut refuse = |mut objective: Objective<f64>, what: &str| {
        let (mut numbers, mut product) = ([0.0; 3], parameters.clone());
        for result in [
            objective.residual_count().map(|_| ()),
            objective.residuals(&mut engine, &parameters, &mut numbers),
            objective.linearise(&mut engine, &parameters, &mut |_, _| Ok(())),
            objective.factorise(&mut engine, &parameters, &mut |_, _| Ok(())),
            objective.push_forward(&mut engine, &parameters, &parameters, &mut numbers),
            objective.pull_back(&mut engine, &parameters, &numbers, &mut product),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    };
    let points = case.collocation();
    refuse(case.objective(case.method("sob+hes"), &points), "\"hessian-projection\"");
    let mut negative = case.method("sob").clone();
    negative.terms[1].weight = -1.0;
    refuse(case.objective(&negative, &points), "negative weight of the term \"gradient\"");
    case.study.points.batch = Some(3);
    refuse(case.objective(case.method("outl"), &points), "mini-batches");
}

#[test]
fn wrong_lengths_and_errors_of_the_caller_are_errors() {
    let case = wave();
    let (points, right) = (case.collocation(), case.parameters(1));
    let mut objective = case.objective::<f64>(case.method("sob"), &points);
    let mut engine = case.engine(1);
    let count = objective.residual_count().unwrap();
    let is_argument = |result| assert!(matches!(result, Err(Error::Argument(_))), "{result:?}");
    let mut numbers = vec![0.0; count];
    is_argument(objective.residuals(&mut engine, &right[1..], &mut numbers));
    is_argument(objective.residuals(&mut engine, &right, &mut numbers[1..]));
    is_argument(objective.linearise(&mut engine, &right[1..], &mut |_, _| Ok(())));
    is_argument(objective.factorise(&mut engine, &right[1..], &mut |_, _| Ok(())));
    is_argument(objective.push_forward(&mut engine, &right[1..], &right, &mut numbers));
    is_argument(objective.push_forward(&mut engine, &right, &right[1..], &mut numbers));
    is_argument(objective.push_forward(&mut engine, &right, &right, &mut numbers[1..]));
    let mut product = right.clone();
    is_argument(objective.pull_back(&mut engine, &right, &numbers[1..], &mut product));
    is_argument(objective.pull_back(&mut engine, &right, &numbers, &mut product[1..]));
    let mut rows = 0;
    let mut stop = |_: f64, _: &[f64]| {
        rows += 1;
        if rows == 3 { Err(Error::Argument("enough".to_owned())) } else { Ok(()) }
    };
    is_argument(objective.linearise(&mut engine, &right, &mut stop));
    assert_eq!(rows, 3);
}
