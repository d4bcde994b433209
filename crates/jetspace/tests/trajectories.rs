//! States that move at learnt rates, against closed forms and plain loops.

use jetspace::evaluation::Measure;
use jetspace::source::Source;
use jetspace::{Error, Model, Study};

const PROBLEM: &str = r#"
    title = "Oscillator"
    fields = ["H"]
    [coordinates]
    q = { range = [-1, 1] }
    p = { range = [-2, 2] }
    [measured]
    q_t = { truth = "p" }
    [equations]
    velocity = "H_p = data.q_t"
    force = "H_q = q"
    [rates]
    p = "-H_q"
    q = "H_p"
    [truth]
    H = "(q^2 + p^2)/2"
"#;

const STUDY: &str = r#"
    title = "Oscillator"
    problem = "given"
    methods = ["pinn"]
    optimizer = [{ method = "adam", steps = 1 }]
    points.interior = { sampler = "sobol", count = 9 }
    network = { hidden = [5, 4] }
    evaluation.grid = [3, 3]
    evaluation.columns = ["p_trajectory", "q_trajectory"]
    [evaluation.trajectories]
    from = [[1, 0], [0.5, -0.25], [0.3, 0.1]]
    duration = 2
    steps = 40
"#;

fn study(problem: &str, study: &str) -> Result<Study, Error> {
    Study::from_sources(&Source::new("study.toml", study), &Source::new("problem.toml", problem))
}

fn model(study: &Study, size: f64) -> Model {
    let count = study.network.parameter_count();
    Model::new(study, &(0..count).map(|i| size * (i as f64 * 0.7).sin()).collect::<Vec<_>>())
}

#[test]
fn a_model_of_other_energy_turns_at_another_speed() {
    // With weights 0 the energy is H = q² + p², twice the true one.
    let text = STUDY.replace("[5, 4] }", "[5, 4], transform = { H = \"q^2 + p^2 + N\" } }");
    let study = study(PROBLEM, &text).unwrap();
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model(&study, 0.0), 1).unwrap();
    let trajectories = evaluation.trajectories.unwrap();
    let table = trajectories.table(&study.problem).unwrap();
    assert_eq!(table.names(), ["trajectory", "t", "q", "q_true", "p", "p_true"]);
    assert_eq!(table.len(), 3 * 41);
    let column = |name: &str| table.column(name).unwrap();
    let starts = [[1.0, 0.0], [0.5, -0.25], [0.3, 0.1]];
    let turned = |[q, p]: [f64; 2], angle: f64| {
        let (sin, cos) = angle.sin_cos();
        [q * cos + p * sin, p * cos - q * sin]
    };
    let mut errors = [[0.0; 3]; 2];
    for n in 0..table.len() {
        let (number, time) = (n / 41, (n % 41) as f64 * 0.05);
        assert_eq!(column("trajectory")[n], number as f64);
        assert!((column("t")[n] - time).abs() < 1e-14);
        let truth = turned(starts[number], time);
        let fast = turned(starts[number], 2.0 * time);
        for (i, (name, true_name)) in [("q", "q_true"), ("p", "p_true")].into_iter().enumerate() {
            // What one step leaves out of the exponential series, (2h)⁵/120, in 40 steps.
            assert!((column(name)[n] - fast[i]).abs() < 4e-6, "{name} {n}");
            assert!((column(true_name)[n] - truth[i]).abs() < 2e-7, "{name} {n}");
            errors[i][number] += 0.05 * (fast[i] - truth[i]).powi(2);
        }
    }
    for (i, name) in ["q_trajectory", "p_trajectory"].into_iter().enumerate() {
        let expected = errors[i].iter().map(|sum| sum.sqrt()).sum::<f64>() / 3.0;
        let found = evaluation.metrics[name];
        assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
    }
}

#[test]
fn a_network_moves_the_state_as_a_plain_loop_does() {
    let study = study(PROBLEM, STUDY).unwrap();
    let model = model(&study, 1.0);
    let rates = |[q, p]: [f64; 2]| {
        let values = model.predict("H_p, -H_q", &[vec![q], vec![p]], 1).unwrap().1;
        [values[0][0], values[1][0]]
    };
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let found = measure.of(&model, 2).unwrap().trajectories.unwrap().predicted;
    let h = 0.05;
    for (number, mut y) in [[1.0, 0.0], [0.5, -0.25], [0.3, 0.1]].into_iter().enumerate() {
        for step in 0..=40 {
            for i in 0..2 {
                let value = found[i][number * 41 + step];
                assert!((value - y[i]).abs() < 1e-12, "{number} {step}: {value} {}", y[i]);
            }
            let at = |c: f64, k: [f64; 2]| rates([y[0] + c * h * k[0], y[1] + c * h * k[1]]);
            let k1 = rates(y);
            let k2 = at(0.5, k1);
            let k3 = at(0.5, k2);
            let k4 = at(1.0, k3);
            for i in 0..2 {
                y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
    }
}

#[test]
fn what_leaves_the_finite_numbers_is_not_a_number() {
    let problem = PROBLEM.replace("q = \"H_p\"", "q = \"H_p + 1e200*q^9\"");
    let study = study(&problem, STUDY).unwrap();
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model(&study, 1.0), 1).unwrap();
    assert!(evaluation.metrics["q_trajectory"].is_nan());
    assert!(evaluation.metrics["p_trajectory"].is_nan());
}

#[test]
fn without_a_truth_there_are_trajectories_and_no_errors() {
    let problem = PROBLEM.split("[truth]").next().unwrap();
    let study = study(problem, STUDY).unwrap();
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model(&study, 1.0), 1).unwrap();
    assert!(!evaluation.metrics.contains_key("q_trajectory"));
    let table = evaluation.trajectories.unwrap().table(&study.problem).unwrap();
    assert_eq!(table.names(), ["trajectory", "t", "q", "p"]);
}

#[test]
fn metrics_may_not_take_the_names_of_trajectories() {
    let text = format!("{STUDY}\n[metric.q_trajectory]\nof = [\"H\"]");
    let error = study(PROBLEM, &text).unwrap_err().to_string();
    assert!(error.contains("expected a name of its own"), "{error}");
}
