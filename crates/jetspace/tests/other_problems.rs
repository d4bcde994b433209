//! Problems that do not come with the program, each with a study beside it in `tests/problems`:
//! learnt from the equations and from derivatives, and compared with their solutions in closed form.
//!
//! Errors are relative, so that the solution 0 has the error 1. Each bound is three times the
//! largest error of ten seeds, rounded up: another processor rounds differently, which changes a
//! training as another seed does, and not more.

use std::path::Path;

use jetspace::collocation::Collocation;
use jetspace::training::{Status, Training};
use jetspace::{Model, Study};

fn study(name: &str) -> Study {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    Study::open(&folder.join(format!("{name}-study.toml")).to_string_lossy()).unwrap()
}

/// Trains a method of a study, and returns the largest relative error of a field.
fn error(study: &Study, method: &str) -> f64 {
    let collocation = Collocation::new(&study.problem, &study.points).unwrap();
    let method = study.methods.iter().find(|m| m.name == method).unwrap();
    let mut training =
        Training::<f64>::new(study, method, &study.variants[0], &collocation, 0, 1).unwrap();
    while training.step().unwrap() == Status::Running {}
    let model = Model::new(study, &training.parameters());
    let metrics = model.evaluate_on(&study.evaluation.grid, 1).unwrap().metrics;
    let of_field = |field: &String| metrics[&format!("{field}_relative")];
    study.problem.fields.iter().map(of_field).fold(0.0, f64::max)
}

fn learns(name: &str, bounds: [(&str, f64); 2]) {
    let study = study(name);
    for verdict in study.problem.check().unwrap().verdicts {
        assert!(verdict.holds(), "{}: {:.1e}", verdict.residual.text, verdict.size);
    }
    for (method, bound) in bounds {
        let error = error(&study, method);
        assert!(error < bound, "{name} by {method}: {error:.1e} is not below {bound:.1e}");
    }
}

/// Helmholtz's equation, without a source and close to a resonance.
#[test]
fn a_waveguide_is_learnt() {
    learns("waveguide", [("pinn", 2e-2), ("derl", 5e-3)]);
}

/// The heat equation with conditions on slopes at both ends.
#[test]
fn a_cooling_rod_is_learnt() {
    learns("cooling-rod", [("pinn", 1.5e-3), ("derl", 2e-3)]);
}

/// Two coupled equations with manufactured sources, periodic.
#[test]
fn an_activator_and_its_inhibitor_are_learnt() {
    learns("activator", [("pinn", 4e-2), ("derl", 2.5e-2)]);
}
