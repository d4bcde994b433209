//! What is measured and is no field: in objectives, residuals, metrics and checks, against plain sums.

use jetspace::collocation::Collocation;
use jetspace::evaluation::Measure;
use jetspace::objective::Objective;
use jetspace::problem::{DataColumn, Verdict};
use jetspace::source::Source;
use jetspace::{Error, Model, Problem, Study};
use jetspace_jet::{Engine, Threads};

const PROBLEM: &str = r#"
    title = "Energy of an oscillator"
    fields = ["H"]
    [coordinates]
    q = { range = [-1, 1] }
    p = { range = [-2, 2] }
    [parameters]
    k = 3
    [measured]
    q_t = { truth = "p" }
    p_t = { truth = "-k*q" }
    [equations]
    velocity = "H_p = data.q_t"
    force = "H_q + data.p_t = 0"
    [truth]
    H = "p^2/2 + k*q^2/2"
"#;

const STUDY: &str = r#"
    title = "Energy of an oscillator"
    problem = "given"
    methods = ["pinn"]
    optimizer = [{ method = "adam", steps = 1 }]
    network = { hidden = [6] }
    points.interior = { sampler = "sobol", count = 9 }
    evaluation.grid = [4, 5]
    [metric.velocity-only]
    of = ["H_p - data.q_t"]
    norm = "max"
"#;

const UNKNOWN: (&str, &str) = ("q_t = { truth = \"p\" }", "q_t = {}");

fn study(problem: &str, study: &str) -> Result<Study, Error> {
    Study::from_sources(&Source::new("study.toml", study), &Source::new("problem.toml", problem))
}

fn model(study: &Study) -> Model {
    let count = study.network.parameter_count();
    Model::new(study, &(0..count).map(|i| (i as f64 * 0.7).sin()).collect::<Vec<_>>())
}

/// H_q and H_p of the model at points.
fn slopes(model: &Model, points: &[Vec<f64>]) -> [Vec<f64>; 2] {
    let values = model.predict("H_q, H_p", points, 1).unwrap().1;
    [values[0].clone(), values[1].clone()]
}

fn loss(study: &Study, collocation: &Collocation, seed: u64) -> Result<f64, Error> {
    let (method, variant) = (&study.methods[0], &study.variants[0]);
    let mut objective = Objective::<f64>::new(study, method, variant, collocation, seed)?;
    let mut engine = Engine::new(&study.network, Threads::new(1)?);
    let weights = model(study).weights;
    let mut gradient = vec![0.0; weights.len()];
    Ok(objective.gradient(&mut engine, &weights, &mut gradient)?.total)
}

#[test]
fn columns_of_what_is_measured_come_first() {
    let problem = Problem::parse("p.toml", PROBLEM).unwrap();
    let columns = problem.data_columns();
    assert_eq!(columns[..2], [DataColumn::Measured(0), DataColumn::Measured(1)]);
    let names: Vec<String> = columns.iter().map(|&c| problem.column_name(c)).collect();
    assert_eq!(names, ["q_t", "p_t", "H", "H_q", "H_p", "H_qq", "H_qp", "H_pp"]);
    let points = [vec![0.5, -1.0], vec![2.0, 0.25]];
    let wanted = [columns[4], columns[1], columns[0], columns[3]];
    let found = problem.true_columns(&points, &wanted).unwrap().unwrap();
    assert_eq!(found, [[2.0, 0.25], [-1.5, 3.0], [2.0, 0.25], [1.5, -3.0]]);
}

#[test]
fn the_equation_is_compared_with_the_columns() {
    let study = study(PROBLEM, STUDY).unwrap();
    let collocation = Collocation::new(&study.problem, &study.points).unwrap();
    let points = &collocation.interior.coordinates;
    let [h_q, h_p] = slopes(&model(&study), points);
    let sum: f64 = (0..9)
        .map(|n| (h_p[n] - points[1][n]).powi(2) + (h_q[n] - 3.0 * points[0][n]).powi(2))
        .sum();
    // The mean over points and components.
    let expected = sum / 18.0;
    let found = loss(&study, &collocation, 0).unwrap();
    assert!((found - expected).abs() < 1e-12 * expected, "{found} {expected}");
}

#[test]
fn columns_of_the_points_file_come_before_the_truth() {
    for (old, new) in [("", ""), UNKNOWN] {
        let study = study(&PROBLEM.replace(old, new), STUDY).unwrap();
        let mut collocation = Collocation::new(&study.problem, &study.points).unwrap();
        let measured: Vec<f64> = (0..9).map(f64::from).collect();
        collocation.interior.data = vec![("q_t".to_owned(), measured.clone())];
        let points = &collocation.interior.coordinates;
        let [h_q, h_p] = slopes(&model(&study), points);
        let sum: f64 = (0..9)
            .map(|n| (h_p[n] - measured[n]).powi(2) + (h_q[n] - 3.0 * points[0][n]).powi(2))
            .sum();
        let found = loss(&study, &collocation, 0).unwrap();
        assert!((found - sum / 18.0).abs() < 1e-12 * sum, "{found} {sum}");
    }
}

#[test]
fn equations_with_data_are_at_the_points_of_the_data() {
    let text = STUDY.replace(
        "evaluation.grid",
        "points.data = { sampler = \"grid\", nodes = [2, 2] }\n    evaluation.grid",
    );
    let study = study(PROBLEM, &text).unwrap();
    let collocation = Collocation::new(&study.problem, &study.points).unwrap();
    let points = &collocation.data.as_ref().unwrap().coordinates;
    let [h_q, h_p] = slopes(&model(&study), points);
    let sum: f64 = (0..4)
        .map(|n| (h_p[n] - points[1][n]).powi(2) + (h_q[n] - 3.0 * points[0][n]).powi(2))
        .sum();
    let found = loss(&study, &collocation, 0).unwrap();
    assert!((found - sum / 8.0).abs() < 1e-12 * sum, "{found} {sum}");
}

#[test]
fn noise_is_on_what_is_measured() {
    let noisy = study(PROBLEM, &format!("{STUDY}\n[targets]\nnoise = 0.1")).unwrap();
    let exact = study(PROBLEM, STUDY).unwrap();
    let collocation = Collocation::new(&exact.problem, &exact.points).unwrap();
    let of = |study: &Study, seed| loss(study, &collocation, seed).unwrap();
    assert_eq!(of(&noisy, 1).to_bits(), of(&noisy, 1).to_bits());
    assert!((of(&noisy, 1) - of(&noisy, 2)).abs() > 1e-6);
    assert!((of(&noisy, 1) - of(&exact, 1)).abs() > 1e-6);
}

#[test]
fn points_with_what_is_measured_stay_where_they_are() {
    let study = study(PROBLEM, STUDY).unwrap();
    let collocation = Collocation::new(&study.problem, &study.points).unwrap();
    let (method, variant) = (&study.methods[0], &study.variants[0]);
    let objective = Objective::<f64>::new(&study, method, variant, &collocation, 0).unwrap();
    assert!(objective.movable_points().is_none());
}

#[test]
fn residuals_and_metrics_are_measured_with_the_truth_of_the_columns() {
    let study = study(PROBLEM, STUDY).unwrap();
    let model = model(&study);
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model, 1).unwrap();
    let [h_q, h_p] = slopes(&model, &evaluation.coordinates);
    let (q, p) = (&evaluation.coordinates[0], &evaluation.coordinates[1]);
    let (mut squares, mut largest) = (0.0, 0.0_f64);
    for n in 0..20 {
        let (velocity, force) = (h_p[n] - p[n], h_q[n] - 3.0 * q[n]);
        squares += velocity.powi(2) + force.powi(2);
        largest = largest.max(velocity.abs());
    }
    let residual = (2.0 / 3.0 * squares).sqrt();
    assert!((evaluation.metrics["residual_l2"] - residual).abs() < 1e-12 * residual);
    assert!((evaluation.metrics["velocity-only"] - largest).abs() < 1e-12);
}

#[test]
fn where_the_columns_are_not_known_there_is_no_residual() {
    let study = study(&PROBLEM.replace(UNKNOWN.0, UNKNOWN.1), STUDY).unwrap();
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model(&study), 1).unwrap();
    assert!(evaluation.residuals.is_empty());
    let names: Vec<&str> = evaluation.metrics.keys().map(String::as_str).collect();
    assert_eq!(names, ["H_l2", "H_relative", "H_max", "relative", "gradient_l2"]);
    evaluation.table(&study.problem).unwrap();
    let error = jetspace::run::prepare(&study).unwrap_err().to_string();
    assert!(error.starts_with("data for q_t is needed"), "{error}");
    assert!(error.contains("under [measured]") && error.contains("column \"q_t\""), "{error}");
}

#[test]
fn the_check_finds_a_wrong_sign_in_what_is_measured() {
    let holds = |text: &str| -> Vec<bool> {
        let check = Problem::parse("p.toml", text).unwrap().check().unwrap();
        check.verdicts.iter().map(Verdict::holds).collect()
    };
    assert_eq!(holds(PROBLEM), [true, true]);
    assert_eq!(holds(&PROBLEM.replace("\"-k*q\"", "\"k*q\"")), [true, false]);
    // Only the other equation can be checked.
    assert_eq!(holds(&PROBLEM.replace(UNKNOWN.0, UNKNOWN.1)), [true]);
}

#[test]
fn a_solver_says_that_it_has_no_data() {
    let text = PROBLEM.split("[truth]").next().unwrap().replace("p = { range", "t = { range");
    let text = text.replace("\"p\"", "\"t\"").replace("H_p", "H_t");
    let text = format!("{text}\n[reference]\nkind = \"ode\"");
    let text = text.replace("q = { range = [-1, 1]", "q = { kind = \"parameter\", range = [-1, 1]");
    let error = Problem::parse("p.toml", &text).unwrap().check().unwrap_err().to_string();
    assert!(error.starts_with("p.toml:") && error.contains("data."), "{error}");
}
