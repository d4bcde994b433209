//! Unknown parameters: what the file gives away of them, and what is made with that.

use jetspace::problem::Verdict;
use jetspace::{Model, Problem, Study};

/// With the solution T = α e⁻ᵗ sin x of T_t = T_xx and, to name the unknown in an equation,
/// S = αT + (a source).
const PROBLEM: &str = r#"
title = "Heat with an unknown amplitude"
fields = ["T", "S"]
[coordinates]
t = { range = [0, 1] }
x = { range = [0, 1] }
[parameters]
half = 0.5
[unknowns]
alpha = 3
[equations]
T = "T_t = T_xx"
S = "S = alpha*T + g"
[sources]
g = "S"
[truth]
alpha = "half/2"
T = "alpha*exp(-t)*sin(x)"
S = "x*t"
"#;

const STUDY: &str = r#"
title = "A study of it"
problem = "heat.toml"
methods = ["outl+pinn"]
network = { hidden = [3] }
points.interior = { sampler = "uniform", count = 5 }
optimizer = [{ method = "adam", steps = 1 }]
"#;

/// What reading the problem ends in if `old` is replaced.
fn mistake(old: &str, new: &str) -> String {
    assert!(PROBLEM.contains(old));
    Problem::parse("heat.toml", &PROBLEM.replace(old, new)).unwrap_err().to_string()
}

#[test]
fn the_truth_and_sources_are_made_with_true_values() {
    let problem = Problem::parse("heat.toml", PROBLEM).unwrap();
    let alpha = problem.parameters.iter().find(|p| p.unknown).unwrap();
    assert_eq!((alpha.value, alpha.truth), (3.0, Some(0.25)));
    let check = problem.check().unwrap();
    assert_eq!(check.verdicts.len(), 2);
    assert!(check.verdicts.iter().all(Verdict::holds));
}

#[test]
fn a_guess_is_no_truth() {
    let wrong = PROBLEM.replace("alpha*exp", "0.3*exp").replace("S = alpha*T + g", "S = alpha*T");
    let wrong =
        wrong.replace("[sources]\ng = \"S\"", "").replace("x*t", "alpha*0.31*exp(-t)*sin(x)");
    let problem = Problem::parse("heat.toml", &wrong).unwrap();
    let holds: Vec<bool> = problem.check().unwrap().verdicts.iter().map(Verdict::holds).collect();
    assert_eq!(holds, [true, false], "0.31 instead of 0.3");
}

#[test]
fn results_are_measured_by_true_values() {
    let sources = [("study.toml", STUDY), ("heat.toml", PROBLEM)]
        .map(|(file, text)| jetspace::source::Source::new(file, text));
    let study = Study::from_sources(&sources[0], &sources[1]).unwrap();
    let count = study.network.parameter_count();
    // A network that is 0, and the unknown last.
    let mut parameters = vec![0.0; count + 1];
    parameters[count] = 0.75;
    let evaluation = Model::new(&study, &parameters).evaluate_on(&[11, 11], 1).unwrap();
    let metrics = &evaluation.metrics;
    assert_eq!((metrics["alpha"], metrics["alpha_error"]), (0.75, 0.5));
    // The truth does not move with what was found.
    let at_corner = 0.25 * (1.0_f64).sin();
    assert!((evaluation.truth.as_ref().unwrap()[0][10] - at_corner).abs() < 1e-15);
    // Equations may be called as fields: the field's error keeps its name.
    assert!((metrics["T_relative"] - 1.0).abs() < 1e-12);
    let nodes =
        (0..11).flat_map(|i| (0..11).map(move |j| (0.1 * f64::from(i), 0.1 * f64::from(j))));
    let squares: f64 = nodes.map(|(t, x)| (0.25 * (-t).exp() * x.sin()).powi(2)).sum();
    assert!((metrics["T_l2"] - 0.1 * squares.sqrt()).abs() < 1e-12, "{metrics:?}");
    assert_eq!(metrics["residual_T_l2"], 0.0);
}

#[test]
fn mistakes_are_explained() {
    for (old, new, expected) in [
        ("alpha = \"half/2\"\n", "", "expected the true value of \"alpha\", found none"),
        ("alpha = \"half/2\"\n", "alpa = 1\n", "expected a field or an unknown, found \"alpa\""),
        ("alpha = \"half/2\"\n", "half = 1\n", "expected a field or an unknown, found \"half\""),
        ("\"half/2\"", "\"alpha/2\"", "expected a finite number"),
    ] {
        let message = mistake(old, new);
        assert!(message.contains(expected), "{message}");
    }
    // A true value may be all that is known.
    let fields = PROBLEM.split("T = \"alpha*exp").next().unwrap();
    let fields = fields.replace("[sources]\ng = \"S\"", "").replace(" + g", "");
    let problem = Problem::parse("heat.toml", &fields).unwrap();
    assert!(problem.truth.is_unknown());
    assert_eq!(problem.parameters[1].truth, Some(0.25));
}
