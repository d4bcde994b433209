//! What changes while a method trains: objectives with factors, weights of points and other points
//! against plain loops, and trainings that are stopped and resumed between the changes.

mod oracle;
mod resumption;

use std::fs;

use jetspace::collocation::Points;
use jetspace::run;
use jetspace::source::Source;
use jetspace::training::{Scalar, Training};
use jetspace::{Error, Study};
use oracle::{cases, central_difference, inside, wave};
use resumption::resume_at_every_step;

/// Numbers between 0.5 and 1.5 that differ.
fn weights(len: usize) -> Vec<f64> {
    (0..len).map(|p| 1.0 + 0.5 * (1.7 * p as f64 + 0.3).sin()).collect()
}

#[test]
fn squares_are_those_of_plain_loops() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        for method in &case.study.methods {
            let objective = case.objective::<f64>(method, &points);
            let found = objective.squares(&mut case.engine(2), &parameters).unwrap();
            for (t, term) in method.terms.iter().enumerate() {
                if term.label == "hessian-projection" {
                    assert!(found[t].is_empty());
                    continue;
                }
                let expected = case.squares(t, method, &parameters, &points);
                assert_eq!(found[t].len(), expected.len());
                assert_eq!(objective.points_of(t), expected.len());
                for (found, expected) in found[t].iter().zip(expected) {
                    assert!(
                        (found - expected).abs() <= 1e-12 * expected.max(1e-3),
                        "{}",
                        term.label
                    );
                }
            }
        }
    }
}

#[test]
fn factors_and_weights_of_points_enter_the_loss_and_its_gradient() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        for method in case.study.methods.iter().filter(|method| method.name != "sob+hes") {
            let mut objective = case.objective::<f64>(method, &points);
            let factors = weights(method.terms.len());
            objective.set_factors(&factors);
            let mut expected = Vec::new();
            for (t, term) in method.terms.iter().enumerate() {
                let squares = case.squares(t, method, &parameters, &points);
                let of_points = weights(squares.len());
                objective.set_point_weights(t, &of_points);
                let weighted: f64 = squares.iter().zip(&of_points).map(|(s, w)| s * w).sum();
                expected.push(factors[t] * term.weight * weighted / squares.len() as f64);
            }
            let (loss, gradient) = case.evaluate(&mut objective, &parameters, 2);
            for (found, expected) in loss.terms.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-12 * expected, "{found} {expected}");
            }
            let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            for (i, slope) in gradient.iter().enumerate().step_by(5) {
                let expected = central_difference(|step| {
                    let mut moved = parameters.clone();
                    moved[i] += step;
                    vec![case.evaluate(&mut objective, &moved, 1).0.total]
                })[0];
                assert!((slope - expected).abs() <= 1e-8 * largest, "{i}: {slope} {expected}");
            }
        }
    }
}

#[test]
fn a_term_alone_has_the_gradient_of_an_objective_without_the_others() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        for method in &case.study.methods {
            let mut objective = case.objective::<f64>(method, &points);
            let before = case.evaluate(&mut objective, &parameters, 1);
            let found = objective.term_gradients(&mut case.engine(1), &parameters).unwrap();
            assert_eq!(case.evaluate(&mut objective, &parameters, 1), before);
            for (t, (loss, norm)) in found.into_iter().enumerate() {
                let mut alone = method.clone();
                for (other, term) in alone.terms.iter_mut().enumerate() {
                    term.weight *= f64::from(u8::from(other == t));
                }
                let mut alone = case.objective::<f64>(&alone, &points);
                let (expected, gradient) = case.evaluate(&mut alone, &parameters, 1);
                assert_eq!(loss.to_bits(), expected.total.to_bits());
                let expected = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                assert!((norm - expected).abs() <= 1e-14 * expected, "{norm} {expected}");
            }
        }
    }
}

#[test]
fn traces_of_kernels_are_sums_over_gradients_of_single_residuals() {
    let case = wave();
    let (points, parameters) = (case.collocation(), case.parameters(3));
    let method = case.method("pinn");
    let objective = case.objective::<f64>(method, &points);
    let found = objective.kernel_traces(&mut case.engine(2), &parameters).unwrap();
    // r is a root of its square: at one point with one expression ‖∂r/∂θ‖² = ‖∂r²/∂θ‖² / 4r².
    let mut expected = 0.0;
    for p in 0..points.interior.len() {
        let mut alone = points.clone();
        alone.interior =
            Points::at(points.interior.coordinates.iter().map(|column| vec![column[p]]).collect());
        let mut objective = case.objective::<f64>(method, &alone);
        let (square, norm) = objective.term_gradients(&mut case.engine(1), &parameters).unwrap()[0];
        expected += norm * norm / (4.0 * square) / points.interior.len() as f64;
    }
    assert!((found[0] - expected).abs() <= 1e-10 * expected, "{} {expected}", found[0]);
    assert!(found[1..].iter().all(|trace| *trace > 0.0));
}

#[test]
fn moved_points_give_the_objective_at_those_points() {
    for case in cases() {
        let (points, parameters) = (case.collocation(), case.parameters(3));
        let units: Vec<[f64; 3]> = weights(37).iter().map(|w| [w - 0.5, 1.5 - w, 0.5]).collect();
        let elsewhere = Points::at(inside(&case.study, &units));
        for method in &case.study.methods {
            let mut objective = case.objective::<f64>(method, &points);
            // All methods but one compare data at the points inside.
            assert_eq!(objective.movable_points().is_some(), method.name == "pinn");
            if objective.movable_points().is_none() {
                let moved = objective.move_points(elsewhere.clone());
                assert!(matches!(moved, Err(Error::Argument(_))));
                continue;
            }
            let mut there = points.clone();
            there.interior = elsewhere.clone();
            let mut engine = case.engine(1);
            let squares = objective.squares_at(&mut engine, &parameters, &elsewhere).unwrap();
            let expected = case.squares(0, method, &parameters, &there);
            for (found, expected) in squares.iter().zip(expected) {
                let expected = method.terms[0].weight * expected;
                assert!((found - expected).abs() <= 1e-12 * expected.max(1e-3));
            }
            objective.set_point_weights(0, &weights(points.interior.len()));
            objective.move_points(elsewhere.clone()).unwrap();
            assert_eq!(objective.movable_points(), Some(&elsewhere));
            let mut expected = case.objective::<f64>(method, &there);
            assert_eq!(
                case.evaluate(&mut objective, &parameters, 2),
                case.evaluate(&mut expected, &parameters, 1)
            );
            let wrong = Points::at(vec![vec![0.5]]);
            assert!(objective.move_points(wrong).is_err());
        }
    }
}

#[test]
fn mini_batches_have_the_weights_of_their_points() {
    let mut case = wave();
    case.study.points.batch = Some(7);
    let (points, parameters) = (case.collocation(), case.parameters(3));
    let method = case.method("outl+pinn");
    let mut objective = case.objective::<f64>(method, &points);
    for t in 0..method.terms.len() {
        objective.set_point_weights(t, &weights(objective.points_of(t)));
    }
    // A pass over 30 points: 4 batches of 7, and one of 2.
    let mut sums = [0.0; 2];
    for step in 0..5 {
        objective.select(7, step);
        let (loss, _) = case.evaluate(&mut objective, &parameters, 1);
        let size = if step == 4 { 2.0 } else { 7.0 };
        sums.iter_mut().zip(loss.terms).for_each(|(sum, term)| *sum += size * term);
    }
    for (t, sum) in sums.iter().enumerate() {
        let squares = case.squares(t, method, &parameters, &points);
        let expected: f64 = squares.iter().zip(weights(30)).map(|(s, w)| s * w).sum();
        let expected = method.terms[t].weight * expected;
        assert!((sum - expected).abs() <= 1e-12 * expected, "{sum} {expected}");
    }
}

const PROBLEM: &str = r#"
    title = "Burgers"
    fields = ["u"]
    [coordinates]
    t = { range = [0, 1] }
    x = { range = [-1, 1] }
    [equations]
    burgers = "u_t + u*u_x = 0.3*u_xx + t*x"
    [conditions.start]
    on = "initial"
    require = ["u = sin(pi*x)"]
    [conditions.ends]
    pair = "x"
    require = ["u = other.u"]
    [truth]
    u = "exp(-t)*sin(pi*x)"
"#;

/// Adam, line searches and epochs, and all parts that may change.
fn adaptive(points: &str, balance: &str) -> Study {
    let text = format!(
        r#"
        title = "Everything changes"
        problem = "given"
        methods = ["pinn", "derl"]
        [network]
        hidden = [6, 5]
        [points]
        interior = {{ sampler = "uniform", count = 30 }}
        conditions.start = {{ sampler = "uniform", count = 8 }}
        conditions.ends = {{ sampler = "uniform", count = 7 }}
        [adaptive]
        points = {{ every = 4, {points} }}
        balance = {{ by = "{balance}", every = 3 }}
        attention = {{ every = 2 }}
        causal = {{ every = 5, chunks = 4 }}
        [[optimizer]]
        method = "adam"
        steps = 11
        [[optimizer]]
        method = "ssbroyden"
        steps = 12
        [[optimizer]]
        method = "levenberg-marquardt"
        steps = 8
        [[optimizer]]
        method = "lbfgs-fixed"
        epochs = 2
        "#
    );
    let [text, problem] = [text.as_str(), PROBLEM].map(|text| Source::new("given.toml", text));
    Study::from_sources(&text, &problem).unwrap()
}

fn training<T: Scalar>(study: &Study, method: usize, threads: usize) -> Training<T> {
    let points = run::prepare(study).unwrap();
    let variant = &study.variants[0];
    Training::new(study, &study.methods[method], variant, &points, 7, threads).unwrap()
}

const PARTS: [(&str, &str); 4] = [
    ("by = \"uniform\"", "gradient-norm"),
    ("by = \"rad\"", "relobralo"),
    ("by = \"uniform\"", "ntk-trace"),
    ("by = \"rar\", add = 3", "gradient-norm"),
];

#[test]
fn resumed_at_every_step_a_training_leaves_the_same_checkpoints() {
    fn check<T: Scalar>() {
        for (points, balance) in PARTS {
            let study = adaptive(points, balance);
            for method in [0, 1] {
                let name = format!("{points}, method {method}");
                let start = |threads| training::<T>(&study, method, threads);
                resume_at_every_step(&name, start, |whole, resumed| {
                    assert_eq!(resumed.factors(), whole.factors());
                });
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

/// The points in a checkpoint.
fn points_of(training: &Training<f64>) -> Option<Vec<f64>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    training.save(file.path()).unwrap();
    let bytes = fs::read(file.path()).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let data = tensors.tensor("adaptive.points").ok()?.data();
    Some(data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect())
}

#[test]
fn points_change_when_they_are_due_and_only_where_there_is_no_data() {
    for (points, balance) in PARTS {
        let study = adaptive(points, balance);
        let mut pinn = training::<f64>(&study, 0, 1);
        pinn.step().unwrap();
        let mut before = points_of(&pinn).unwrap();
        assert_eq!(before.len(), 60);
        // Steps 4 and 8 of Adam; the change shows in the step that follows.
        for done in 1..11 {
            pinn.step().unwrap();
            let now = points_of(&pinn).unwrap();
            assert_eq!(now != before, done % 4 == 0, "{points} after {done}");
            before = now;
        }
        let added = if points.contains("rar") { 2 * 3 * 2 } else { 0 };
        assert_eq!(before.len(), 60 + added);
        let mut derl = training::<f64>(&study, 1, 1);
        derl.step().unwrap();
        assert_eq!(points_of(&derl), None);
    }
}

#[test]
fn factors_make_the_gradients_of_terms_equal() {
    let study = adaptive("by = \"uniform\"", "gradient-norm");
    let mut pinn = training::<f64>(&study, 0, 1);
    assert_eq!(pinn.factors(), [1.0; 3]);
    let parameters = pinn.parameters();
    pinn.step().unwrap();
    // At the start: the weights of points are those of the first look, too.
    let factors = pinn.factors().to_vec();
    assert!(factors.iter().all(|factor| *factor >= 1.0));
    let inverse: f64 = factors.iter().map(|factor| 1.0 / factor).sum();
    assert!((inverse - 1.0).abs() < 1e-12, "{factors:?}");
    assert_ne!(pinn.parameters(), parameters);
}

#[test]
fn a_method_may_have_its_own_changes() {
    let mut text = r#"
        title = "Two kinds of points"
        problem = "given"
        methods = ["pinn", "moving"]
        [method.moving]
        terms = ["equation"]
        adaptive.points = { by = "rad" }
        [adaptive]
        causal = { tolerance = 3 }
        [points]
        interior = { sampler = "uniform", count = 30 }
        conditions.start = { sampler = "uniform", count = 8 }
        conditions.ends = { sampler = "uniform", count = 7 }
        [[optimizer]]
        method = "adam"
        steps = 11
    "#
    .to_owned();
    let read = |text: &str| {
        let [text, problem] = [text, PROBLEM].map(|text| Source::new("given.toml", text));
        Study::from_sources(&text, &problem)
    };
    let study = read(&text).unwrap();
    let [pinn, moving] = [0, 1].map(|number| study.methods[number].adaptive);
    assert!(pinn.points.is_none() && pinn.causal.unwrap().tolerance == 3.0);
    assert!(moving.points.is_some() && moving.causal.is_none());
    text = text.replace("tolerance = 3", "tolerance = 0");
    assert!(read(&text).is_err());
}
