//! Objectives of all methods against plain loops over the derivatives of the model, and their
//! gradients against central differences; mini-batches, threads, precision, and what is not finite.

mod oracle;

use jetspace::Error;
use jetspace::collocation::{Collocation, Points};
use jetspace::objective::{Loss, Objective};
use jetspace::study::Method;
use jetspace::training::{Scalar, Status, Training};
use jetspace_jet::Real;
use oracle::{Case, STUDY, cases, central_difference, flow, inside, study, wave};
use proptest::prelude::*;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn losses_equal_plain_loops(
        units in prop::collection::vec(prop::array::uniform3(0.0..1.0), 0..70),
        at_ends in 0_usize..40,
        seed in 0_u64..1000,
        threads in 1_usize..4,
    ) {
        for case in cases() {
            let mut points = case.collocation();
            points.interior = Points::at(inside(&case.study, &units));
            if let Some(ends) = points.conditions.get_mut(1) {
                let few = &units[..at_ends.min(units.len())];
                *ends = Points::at(inside(&case.study, few));
                ends.coordinates[1].fill(-1.0);
            }
            let parameters = case.parameters(seed);
            for method in &case.study.methods {
                let mut objective = case.objective::<f64>(method, &points);
                let (loss, _) = case.evaluate(&mut objective, &parameters, threads);
                for (t, term) in method.terms.iter().enumerate() {
                    prop_assert_eq!(&objective.labels()[t], &term.label);
                    if term.label == "hessian-projection" {
                        continue;
                    }
                    let expected = term.weight * mean(&case.squares(t, method, &parameters, &points));
                    let found = loss.terms[t];
                    prop_assert!(
                        (found - expected).abs() <= 1e-12 * expected,
                        "{} {}: {found} {expected}", method.name, term.label
                    );
                }
                let total: f64 = loss.terms.iter().sum();
                prop_assert_eq!(loss.total, total);
            }
        }
    }
}

#[test]
fn weights_are_those_of_the_method_then_of_the_term_then_of_its_class() {
    let case = wave();
    let weights =
        |name: &str| -> Vec<f64> { case.method(name).terms.iter().map(|t| t.weight).collect() };
    assert_eq!(weights("sob"), [0.0, 0.25, 0.4, 0.4, 0.4]);
    assert_eq!(weights("sob+hes"), [0.7, 0.9, 0.7, 0.4, 0.4, 0.4]);
    assert_eq!(weights("outl+pinn"), [0.7, 1.3, 0.4, 0.4, 0.4]);
}

#[test]
fn gradients_equal_central_differences() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        for method in &case.study.methods {
            let mut objective = case.objective::<f64>(method, &points);
            assert_eq!(objective.parameter_count(), parameters.len());
            let (_, gradient) = case.evaluate(&mut objective, &parameters, 1);
            let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            for (i, slope) in gradient.iter().enumerate() {
                let expected = central_difference(|step| {
                    let mut moved = parameters.clone();
                    moved[i] += step;
                    vec![case.evaluate(&mut objective, &moved, 1).0.total]
                })[0];
                let name = &method.name;
                assert!(
                    (slope - expected).abs() <= 1e-8 * largest,
                    "{name} {i}: {slope} {expected}"
                );
            }
        }
    }
}

fn bits<T: Real>(loss: &Loss, gradient: &[T]) -> Vec<u64> {
    let gradient = gradient.iter().map(|g| g.to_f64().to_bits());
    loss.terms.iter().map(|term| term.to_bits()).chain(gradient).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    fn check<T: Real>(case: &Case, points: &Collocation, method: &Method) {
        let mut objective = case.objective::<T>(method, points);
        let mut bits_on = |threads| {
            let (loss, gradient) = case.evaluate(&mut objective, &case.parameters(5), threads);
            bits(&loss, &gradient)
        };
        let one = bits_on(1);
        assert!(one == bits_on(2) && one == bits_on(3), "{}", method.name);
    }
    for case in cases() {
        let mut points = case.collocation();
        // Several tiles, the last of them not full.
        let units: Vec<[f64; 3]> = (0..1003)
            .map(|p| [0.618_034, 0.414_214, 0.732_051].map(|step| (step * f64::from(p)).fract()))
            .collect();
        points.interior = Points::at(inside(&case.study, &units));
        for method in &case.study.methods {
            check::<f64>(&case, &points, method);
            check::<f32>(&case, &points, method);
        }
    }
}

#[test]
fn single_precision_is_near_double_precision() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(8));
        for method in &case.study.methods {
            let (double, gradient) =
                case.evaluate(&mut case.objective::<f64>(method, &points), &parameters, 1);
            let (single, rounded) =
                case.evaluate(&mut case.objective::<f32>(method, &points), &parameters, 1);
            let name = &method.name;
            // Differences of the projection divide rounding errors of 6e-8 by 0.01.
            let tolerance = if name == "sob+hes" { 1e-4 } else { 1e-5 };
            for (double, single) in double.terms.iter().zip(&single.terms) {
                assert!((double - single).abs() <= tolerance * double, "{name}: {double} {single}");
            }
            let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            for (double, single) in gradient.iter().zip(&rounded) {
                let error = (double - single.to_f64()).abs();
                assert!(error <= tolerance * largest, "{name}: {double} {single}");
            }
        }
    }
}

#[test]
fn a_pass_of_mini_batches_covers_every_point_once() {
    let mut case = wave();
    (case.study.points.batch, case.study.points.condition_batch) = (Some(1), Some(2));
    let (points, parameters) = (case.collocation(), case.parameters(1));
    let method = case.method("outl").clone();
    let mut objective = case.objective::<f64>(&method, &points);
    assert!(objective.is_stochastic());
    let mut terms_of = |step| {
        objective.select(9, step);
        case.evaluate(&mut objective, &parameters, 1).0.terms
    };
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values
    };
    let expected = |term: usize| {
        let squares = case.squares(term, &method, &parameters, &points);
        squares.into_iter().map(|square| method.terms[term].weight * square).collect::<Vec<_>>()
    };
    let agree = |found: &[f64], expected: &[f64]| {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-12 * b)
    };
    // One point a step: 30 of them inside.
    let pass = |from: u64, terms_of: &mut dyn FnMut(u64) -> Vec<f64>| -> Vec<f64> {
        (from..from + 30).map(|step| terms_of(step)[0]).collect()
    };
    let (first, second) = (pass(0, &mut terms_of), pass(30, &mut terms_of));
    assert!(agree(&sorted(first.clone()), &sorted(expected(0))));
    assert!(agree(&sorted(second.clone()), &sorted(expected(0))));
    assert_ne!(first, second);
    // Steps may come in any order, as after a resumption.
    assert_eq!(terms_of(3)[0], first[3]);
    // 8 points at the start, two a step; 7 pairs of ends, the last step has one; 3 probes, 2 + 1.
    for (term, sizes) in [(1, vec![2.0; 4]), (2, vec![2.0, 2.0, 2.0, 1.0]), (3, vec![2.0, 1.0])] {
        let steps = (0..).zip(&sizes).map(|(step, size)| size * terms_of(step)[term]);
        let sum: f64 = steps.sum();
        let all: f64 = expected(term).iter().sum();
        assert!((sum - all).abs() <= 1e-12 * all, "{term}: {sum} {all}");
    }
}

#[test]
fn terms_inside_share_their_mini_batches() {
    let mut case = flow();
    case.study.points.batch = Some(1);
    let (points, parameters) = (case.collocation(), case.parameters(1));
    let method = case.method("sob+hes").clone();
    let mut objective = case.objective::<f64>(&method, &points);
    let values = case.squares(0, &method, &parameters, &points);
    let slopes = case.squares(1, &method, &parameters, &points);
    for step in 0..30 {
        objective.select(2, step);
        let terms = case.evaluate(&mut objective, &parameters, 1).0.terms;
        let is_near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b;
        let p = values.iter().position(|value| is_near(terms[0], 0.7 * value)).unwrap();
        assert!(is_near(terms[1], 0.9 * slopes[p]));
    }
}

/// û = 0: h = 0, and ‖D²u v‖ is known where D²u is a multiple of the identity.
#[test]
fn projection_of_a_round_bowl() {
    let bowl = r#"
        title = "Bowl"
        fields = ["u"]
        [coordinates]
        x = { range = [-1, 1] }
        y = { range = [-1, 1] }
        [equations]
        flat = "laplacian(u) = 6"
        [truth]
        u = "1.5*(x^2 + y^2) + x"
    "#;
    let case = Case { study: study(bowl, &STUDY.replace("k_or_nu", "x")), ..wave() };
    let method = case.method("sob+hes");
    let mut objective = case.objective::<f64>(method, &case.collocation());
    assert!(objective.is_stochastic());
    let parameters = vec![0.0; objective.parameter_count()];
    for evaluation in 0..3 {
        objective.select(0, evaluation);
        let (loss, _) = case.evaluate(&mut objective, &parameters, 1);
        assert!((loss.terms[2] - 0.7 * 3.0).abs() < 1e-12, "{loss:?}");
    }
    // A bowl that is flat: the norm is zero, and its gradient is taken as zero.
    let flat = bowl.replace("1.5*", "0*");
    let case = Case { study: study(&flat, &STUDY.replace("k_or_nu", "x")), ..wave() };
    let mut method = case.method("sob+hes").clone();
    method.terms.drain(..2);
    let mut objective = case.objective::<f64>(&method, &case.collocation());
    let (loss, gradient) = case.evaluate(&mut objective, &parameters, 1);
    assert_eq!(loss.terms, [0.0]);
    assert!(gradient.iter().all(|&g| g == 0.0), "{gradient:?}");
}

#[test]
fn data_may_have_points_of_its_own() {
    for case in cases() {
        let inside = case.collocation();
        let mut sensors = inside.clone();
        for column in &mut sensors.interior.coordinates {
            column.truncate(7);
            for x in column {
                *x *= 0.9;
            }
        }
        let both = Collocation { data: Some(sensors.interior.clone()), ..inside.clone() };
        let parameters = case.parameters(3);
        let (problem, mut measured) = (&case.study.problem, 0);
        for method in &case.study.methods {
            let terms = |points| {
                let mut objective = case.objective::<f64>(method, points);
                case.evaluate(&mut objective, &parameters, 1).0.terms
            };
            let (found, at_sensors, at_inside) = (terms(&both), terms(&sensors), terms(&inside));
            for (t, term) in method.terms.iter().enumerate() {
                let has_data = !term.kind.columns(problem).is_empty();
                let expected = if has_data { at_sensors[t] } else { at_inside[t] };
                measured += usize::from(has_data && at_sensors[t] != at_inside[t]);
                assert!((found[t] - expected).abs() <= 1e-12 * expected, "{}", term.label);
            }
        }
        assert!(measured > 8);
    }
}

#[test]
fn what_is_not_finite_is_found() {
    let case = wave();
    let (mut points, parameters) = (case.collocation(), case.parameters(1));
    let count = points.interior.len();
    for (method, column, term) in [
        ("outl", "u", "values"),
        ("derl", "u_x", "gradient"),
        ("sob+hes", "u_xx", "hessian-projection"),
    ] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut values = vec![0.5; count];
            values[17] = bad;
            points.interior.data = vec![(column.to_owned(), values)];
            let mut objective = case.objective::<f64>(case.method(method), &points);
            let (loss, _) = case.evaluate(&mut objective, &parameters, 1);
            assert!(!loss.total.is_finite());
            let found = objective.first_not_finite(&mut case.engine(1), &parameters).unwrap();
            let point = points.interior.coordinates.iter().map(|column| column[17]).collect();
            assert_eq!(found, Some((term.to_owned(), point)));
        }
        points.interior.data.clear();
        let objective = case.objective::<f64>(case.method(method), &points);
        let found = objective.first_not_finite(&mut case.engine(1), &parameters).unwrap();
        assert_eq!(found, None);
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let case = wave();
    let (method, variant) = (case.method("sob+hes"), &case.study.variants[0]);
    let (points, parameters) = (case.collocation(), case.parameters(1));
    let mut objective = case.objective::<f64>(method, &points);
    let mut engine = case.engine(1);
    let right = parameters.len();
    for (of_parameters, of_gradient) in
        [(0, right), (right - 1, right), (right + 1, right), (right, 0), (right, right - 1)]
    {
        let result =
            objective.gradient(&mut engine, &vec![0.1; of_parameters], &mut vec![0.0; of_gradient]);
        assert!(matches!(result, Err(Error::Argument(_))), "{result:?}");
    }
    assert!(objective.first_not_finite(&mut engine, &parameters[1..]).is_err());
    let damages: [fn(&mut Collocation); 6] = [
        |points| points.interior.coordinates.clear(),
        |points| points.interior.coordinates.truncate(1),
        |points| points.interior.coordinates[1].truncate(5),
        |points| points.interior.data.push(("u_xx".to_owned(), vec![0.0; 5])),
        |points| points.conditions[1].coordinates[0].truncate(5),
        |points| points.conditions.truncate(2),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let mut points = points.clone();
        damage(&mut points);
        let result = Objective::<f64>::new(&case.study, method, variant, &points, 0);
        assert!(result.is_err(), "{number}");
    }
}

#[test]
fn trainings_with_projections_resume_to_the_same_bits() {
    fn check<T: Scalar>(case: &Case) {
        let points = case.collocation();
        let start = |threads| {
            let (method, variant) = (case.method("sob+hes"), &case.study.variants[0]);
            Training::<T>::new(&case.study, method, variant, &points, 3, threads).unwrap()
        };
        let state = |training: &Training<T>| {
            let (best, loss) = training.best();
            let numbers = [training.parameters(), best, vec![loss], training.loss().terms.clone()];
            numbers.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let folder = tempfile::tempdir().unwrap();
        // 130 steps of Adam, and after them two epochs of L-BFGS.
        let mut whole = start(1);
        let mut saved = Vec::new();
        for step in 0.. {
            if [1, 99, 131, 140].contains(&step) {
                saved.push(folder.path().join(step.to_string()));
                whole.save(&saved[saved.len() - 1]).unwrap();
            }
            if whole.step().unwrap() == Status::Finished {
                break;
            }
        }
        assert_eq!(saved.len(), 4);
        for (file, threads) in saved.iter().zip([2, 1, 3, 1]) {
            let mut resumed = start(threads);
            resumed.load(file).unwrap();
            while resumed.step().unwrap() == Status::Running {}
            assert_eq!(resumed.progress(), whole.progress());
            assert!(state(&resumed) == state(&whole), "{}", file.display());
        }
    }
    let mut case = wave();
    check::<f32>(&case);
    case.study.points.batch = Some(12);
    check::<f64>(&case);
}
