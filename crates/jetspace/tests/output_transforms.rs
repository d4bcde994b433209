//! Fields that are formulas of what the network gives, and networks that are periodic: derivatives
//! against central differences, conditions that hold exactly, training, files.

use std::f64::consts::PI;

use jetspace::collocation::Points;
use jetspace::source::Source;
use jetspace::training::{Status, Training};
use jetspace::{Model, Study, run};
use jetspace_jet::Initialisation;
use proptest::prelude::*;

/// Two fields, a parameter and an unknown.
const PROBLEM: &str = r#"
    title = "Two fields"
    fields = ["u", "v"]
    [coordinates]
    t = { range = [0, 1] }
    x = { range = [-1, 1] }
    [parameters]
    c = 1.5
    [unknowns]
    nu = 0.3
    [functions]
    start = "sin(pi*x)"
    [equations]
    first = "u_t = c*u_xx + v"
    second = "v_t = nu*v_xx - u"
    [conditions.start]
    on = "initial"
    require = ["u = start", "v = nu"]
    [conditions.walls]
    on = "boundary"
    require = ["u = 0"]
    [conditions.ring]
    pair = "x"
    require = ["v = other.v", "v_x = other.v_x"]
    [conditions.probe]
    at = [[0.5, 1], [0.25, -1]]
    require = ["u_t = 0"]
"#;

const STUDY: &str = r#"
    title = "A study of it"
    problem = "problem.toml"
    methods = ["pinn"]
    optimizer = [{ method = "adam", steps = 20 }, { method = "lbfgs-fixed", epochs = 1 }]
    [network]
    hidden = [7, 6]
    NETWORK
    [points]
    interior = { sampler = "uniform", count = 25 }
    conditions.start = { sampler = "uniform", count = 5 }
    conditions.walls = { sampler = "uniform", count = 5 }
    conditions.ring = { sampler = "uniform", count = 5 }
"#;

fn parse(problem: &str, network: &str) -> Result<Study, jetspace::Error> {
    let study = STUDY.replace("NETWORK", network);
    Study::from_sources(&Source::new("study.toml", study), &Source::new("problem.toml", problem))
}

fn study(network: &str) -> Study {
    parse(PROBLEM, network).unwrap()
}

/// A model with random weights, and the first guesses of the unknowns.
fn model(study: &Study, seed: u64) -> Model {
    let mut parameters: Vec<f64> = study.network.initialise(Initialisation::PyTorch, seed);
    parameters.extend(study.problem.parameters.iter().filter(|p| p.unknown).map(|p| p.value));
    Model::new(study, &parameters)
}

/// The values of formulas at one point.
fn at<const D: usize>(model: &Model, formulas: &str, point: [f64; D]) -> Vec<f64> {
    let columns = point.map(|x| vec![x]);
    let (_, values) = model.predict(formulas, &columns, 1).unwrap();
    values.into_iter().map(|column| column[0]).collect()
}

/// Fourth-order central difference.
fn difference(f: &dyn Fn(f64) -> f64) -> f64 {
    let h = 2e-3;
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The formulas in numbers, over a network without them, and their differences.
    #[test]
    fn derivatives_are_those_of_the_formulas(
        seed in 0_u64..1000, t in 0.0..1.0, x in -1.0..1.0,
    ) {
        let raw = model(&study(""), seed);
        let with = model(
            &study(
                "transform = { u = \"start + t*(1 - x^2)*N_u*N_v\", v = \"nu + d(N_u, x)*exp(c*N_v)\" }",
            ),
            seed,
        );
        prop_assert_eq!(&raw.weights, &with.weights);
        let u = |t: f64, x: f64| {
            let n = at(&raw, "u, v", [t, x]);
            (PI * x).sin() + t * (1.0 - x * x) * n[0] * n[1]
        };
        let v = |t: f64, x: f64| {
            let n = at(&raw, "u_x, v", [t, x]);
            0.3 + n[0] * (1.5 * n[1]).exp()
        };
        let found = at(&with, "u, u_t, u_x, u_tx, u_xx, v, v_t, v_x, u*u_xx - nu*v", [t, x]);
        let u_x = |t: f64, x: f64| difference(&|h| u(t, x + h));
        let expected = [
            u(t, x),
            difference(&|h| u(t + h, x)),
            u_x(t, x),
            difference(&|h| u_x(t + h, x)),
            difference(&|h| u_x(t, x + h)),
            v(t, x),
            difference(&|h| v(t + h, x)),
            difference(&|h| v(t, x + h)),
            u(t, x) * difference(&|h| u_x(t, x + h)) - 0.3 * v(t, x),
        ];
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-7 * (1.0 + expected.abs()), "{found} {expected}");
        }
    }
}

#[test]
fn the_product_rule() {
    let raw = model(&study(""), 3);
    let with = model(&study("transform.u = \"x^2*(1 - t)*N_u\""), 3);
    let (t, x) = (0.3, -0.7);
    let [n, n_x, n_xx]: [f64; 3] = at(&raw, "u, u_x, u_xx", [t, x]).try_into().unwrap();
    let expected = (1.0 - t) * (2.0 * n + 4.0 * x * n_x + x * x * n_xx);
    let found = at(&with, "u_xx", [t, x])[0];
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    // A field without a formula is what the network gives, to the bit.
    assert_eq!(at(&raw, "v_xx", [t, x]), at(&with, "v_xx", [t, x]));
}

#[test]
fn a_stream_function_has_no_divergence() {
    let with = model(&study("transform = { u = \"N_u_x\", v = \"-N_u_t\" }"), 8);
    let found = at(&with, "u_t + v_x, u_t", [0.4, 0.1]);
    assert!(found[0] == 0.0 && found[1].abs() > 1e-3, "{found:?}");
}

#[test]
fn conditions_hold_to_the_bit() {
    let with = model(&study("transform.u = \"start + t*(1 - x)*(1 + x)*N_u\""), 5);
    for p in 0..20 {
        let x = f64::from(p) / 10.0 - 1.0;
        assert_eq!(at(&with, "u - start", [0.0, x]), [0.0]);
        assert_eq!(at(&with, "u - start", [f64::from(p), 1.0]), [0.0]);
        assert_eq!(at(&with, "u - start, u_t", [f64::from(p), -1.0]), [0.0, 0.0]);
    }
    assert_ne!(at(&with, "u - start", [0.5, 0.5]), [0.0]);
}

/// Which of the conditions start, walls, ring and probe hold exactly.
fn exact(network: &str) -> [bool; 4] {
    let study = study(network);
    let left: Vec<&str> = study.methods[0].terms.iter().map(|t| t.label.as_str()).collect();
    let mut expected = vec!["equation"];
    for (condition, exact) in study.problem.conditions.iter().zip(&study.exact) {
        if !exact {
            expected.push(&condition.name);
        }
    }
    assert_eq!(left, expected);
    study.exact.try_into().unwrap()
}

#[test]
fn conditions_that_hold_exactly_are_found() {
    for (network, expected) in [
        ("", [false; 4]),
        ("transform.u = \"N_u\"", [false; 4]),
        // One of the two residuals at the start.
        ("transform.u = \"start + t*N_u\"", [false; 4]),
        ("transform = { u = \"start + t*N_u\", v = \"nu + t*N_v\" }", [true, false, false, false]),
        // The unknown is trained: its first guess does not count.
        ("transform = { u = \"start + t*N_u\", v = \"0.3 + t*N_v\" }", [false; 4]),
        ("transform.u = \"(1 - x^2)*N_u\"", [false, true, false, true]),
        // Zero but for the rounding of π, at x = ±1 and at −1, of any size.
        ("transform.u = \"1e6*sin(pi*x)*N_u\"", [false, true, false, true]),
        ("transform.u = \"1e-9*sin(pi*(1 + x))*N_u\"", [false, true, false, true]),
        ("transform.u = \"(cos(pi*x) + 1)*N_u + t*(1 - x^2)\"", [false, true, false, true]),
        ("transform.u = \"(cos(pi*x) + 1)*N_u + x - x^3\"", [false, true, false, true]),
        ("transform.u = \"(cos(pi*x) + 1)*N_u + t*(1 - x)\"", [false; 4]),
        // Small is not zero.
        ("transform.u = \"1e-15*N_u\"", [false; 4]),
        ("transform.u = \"(1 - x)*exp(-40*x)*N_u\"", [false; 4]),
        ("transform.u = \"(1 + 1e-9 - x^2)*N_u\"", [false; 4]),
        // Pairs: v and v_x at both ends.
        ("transform.v = \"(1 - x^2)^2*N_v + 7\"", [false, false, true, false]),
        ("transform.v = \"(1 - x^2)*N_v + 7\"", [false; 4]),
        ("periodic.x = 2", [false, false, true, false]),
        ("periodic.x = 1\nnormalise = true", [false, false, true, false]),
        ("periodic.t = 2", [false; 4]),
        // Half the range, a formula of that size, and what the range is no multiple of.
        ("periodic.x = { harmonics = 2, period = 1 }", [false, false, true, false]),
        ("periodic.x = { harmonics = 1, period = \"sqrt(4)/3\" }", [false, false, true, false]),
        ("periodic.x = { harmonics = 2, period = 3 }", [false; 4]),
        ("periodic.x = { harmonics = 2, period = 4 }", [false; 4]),
        ("periodic.x = 2\ntransform.v = \"cos(2*pi*x)*N_v\"", [false, false, true, false]),
        ("periodic.x = 2\ntransform.v = \"x*N_v\"", [false; 4]),
        (
            "periodic.x = 2\ntransform = { u = \"start + t*sin(pi*x)*N_u\", v = \"nu + t*N_v\" }",
            [true; 4],
        ),
        // Not finite: nobody knows.
        ("transform.u = \"(1 - x^2)/(1 - x^2)*log(-1 - x^2)*N_u\"", [false; 4]),
    ] {
        assert_eq!(exact(network), expected, "{network}");
    }
}

#[test]
fn conditions_that_hold_exactly_need_no_points() {
    let network = "transform = { u = \"start + t*N_u\", v = \"nu + t*N_v\" }";
    let start = "conditions.start = { sampler = \"uniform\", count = 5 }";
    let text = STUDY.replace("NETWORK", network).replace(start, "");
    let sources = [Source::new("study.toml", text), Source::new("problem.toml", PROBLEM)];
    let study = Study::from_sources(&sources[0], &sources[1]).unwrap();
    let collocation = run::prepare(&study).unwrap();
    let counts: Vec<usize> = collocation.conditions.iter().map(Points::len).collect();
    assert_eq!(counts, [0, 10, 5, 2]);
    let without = STUDY.replace("NETWORK", "").replace(start, "");
    assert!(Study::from_sources(&Source::new("study.toml", without), &sources[1]).is_err());
}

#[test]
fn periodic_networks_are_equal_at_both_ends() {
    let all = "u, u_x, u_xx, u_xxx, u_t, u_tx, v, v_x";
    for network in ["periodic.x = 3", "periodic.x = 1\nnormalise = true"] {
        let model = model(&study(network), 11);
        for t in [0.0, 0.4, 1.0] {
            let ends = [-1.0, 1.0].map(|x| at(&model, all, [t, x]));
            for (low, high) in ends[0].iter().zip(&ends[1]) {
                assert!((low - high).abs() < 1e-12 * (1.0 + low.abs()), "{low} {high}");
            }
            // The period is the whole range, and no part of it.
            let [third, half] = [-1.0 / 3.0, 0.0].map(|x| at(&model, "u", [t, x]));
            assert!((third[0] - ends[0][0]).abs() > 1e-4 && (half[0] - ends[0][0]).abs() > 1e-4);
        }
        // Along the other coordinate it is not periodic.
        let [first, last] = [0.0, 1.0].map(|t| at(&model, "u", [t, 0.2]));
        assert!((first[0] - last[0]).abs() > 1e-4);
    }
}

#[test]
fn a_period_need_not_be_the_range() {
    let all = "u, u_x, u_xx, u_t, v, v_x";
    for (network, period) in [
        ("periodic.t = { harmonics = 2, period = 0.3 }", 0.3),
        ("periodic.t = { harmonics = 1, period = \"pi/5\" }\nnormalise = true", PI / 5.0),
        ("periodic.t = { harmonics = 1, period = 4 }", 4.0),
    ] {
        let model = model(&study(network), 3);
        for t in [0.0, 0.1, 0.25] {
            let [first, second, half] =
                [t, t + period, t + period / 2.0].map(|t| at(&model, all, [t, 0.4]));
            for (first, second) in first.iter().zip(&second) {
                assert!((first - second).abs() < 1e-12 * (1.0 + first.abs()), "{first} {second}");
            }
            assert!((first[0] - half[0]).abs() > 1e-4);
        }
    }
}

#[test]
fn features_enter_the_network() {
    let features = |seed| format!("fourier-features = {{ count = 4, scale = 0.7, seed = {seed} }}");
    let first = study(&features(1));
    assert_eq!(first.network.shapes().next(), Some((8, 7)));
    let values = |study: &Study| at(&model(study, 2), "u, v", [0.3, 0.6]);
    assert_eq!(values(&first), values(&study(&features(1))));
    assert_ne!(values(&first), values(&study(&features(2))));
    let model = model(&first, 2);
    let found = at(&model, "u_x", [0.3, 0.6])[0];
    let expected = difference(&|h| at(&model, "u", [0.3, 0.6 + h])[0]);
    assert!((found - expected).abs() < 1e-7, "{found} {expected}");
}

/// u = sin x + t N put into u_t = c u_xx by hand: the same problem for N.
#[test]
fn training_is_that_of_the_problem_for_the_output() {
    let problem = |field: &str, equation: &str| {
        format!(
            "title = \"Heat\"\nfields = [\"{field}\"]\nparameters.c = 0.5\n\
             coordinates = {{ t = {{ range = [0, 1] }}, x = {{ range = [0, \"pi\"] }} }}\n\
             equations.heat = \"{equation}\"\n\
             conditions.ends = {{ on = \"boundary\", require = [\"{field}_x = 1 - {field}\"] }}\n"
        )
    };
    let by_hand = problem("n", "n + t*n_t = c*(t*n_xx - sin(x))")
        .replace("n_x = 1 - n", "cos(x) + t*n_x = 1 - sin(x) - t*n");
    let study = |problem: &str, network: &str| {
        let text = STUDY.replace("NETWORK", network);
        let text = text.replace("conditions.walls", "conditions.ends");
        let lines: Vec<&str> =
            text.lines().filter(|l| !l.contains("ons.start") && !l.contains("ons.ring")).collect();
        Study::from_sources(
            &Source::new("study.toml", lines.join("\n")),
            &Source::new("problem.toml", problem),
        )
        .unwrap()
    };
    let train = |study: &Study| {
        let (method, variant) = (&study.methods[0], &study.variants[0]);
        let points = run::prepare(study).unwrap();
        let mut training = Training::<f64>::new(study, method, variant, &points, 4, 1).unwrap();
        while training.step().unwrap() == Status::Running {}
        (training.loss().clone(), training.parameters())
    };
    let with = study(&problem("u", "u_t = c*u_xx"), "transform.u = \"sin(x) + t*N\"");
    let (loss, found) = train(&with);
    let (expected_loss, expected) = train(&study(&by_hand, ""));
    for (found, expected) in loss.terms.iter().zip(&expected_loss.terms) {
        assert!((found - expected).abs() < 1e-10 * expected, "{found} {expected}");
    }
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn trainings_resume_to_the_same_bits_and_models_keep_their_formulas() {
    let network =
        "periodic.x = 2\ntransform = { u = \"start + t*sin(pi*x)*N_u\", v = \"nu + N_v\" }";
    let study = study(network);
    let points = run::prepare(&study).unwrap();
    let start = || {
        let (method, variant) = (&study.methods[0], &study.variants[0]);
        Training::<f64>::new(&study, method, variant, &points, 3, 1).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let mut whole = start();
    for _ in 0..15 {
        assert_eq!(whole.step().unwrap(), Status::Running);
    }
    whole.save(&file).unwrap();
    let mut resumed = start();
    resumed.load(&file).unwrap();
    for training in [&mut whole, &mut resumed] {
        while training.step().unwrap() == Status::Running {}
    }
    assert_eq!(whole.parameters(), resumed.parameters());
    let model = Model::new(&study, &whole.parameters());
    let file = folder.path().join("model.safetensors");
    model.write(&file).unwrap();
    let read = Model::read(&file).unwrap();
    let columns = [vec![0.2, 0.9], vec![-0.4, 1.0]];
    let formulas = "u, v, u_xx, nu*v_t";
    assert_eq!(
        model.predict(formulas, &columns, 1).unwrap(),
        read.predict(formulas, &columns, 1).unwrap()
    );
    assert!(at(&read, "u", [0.9, 1.0])[0].abs() < 1e-15, "sin πx and the start are zero there");
    let metrics = |model: &Model| model.evaluate_on(&[9, 9], 1).unwrap().metrics;
    assert_eq!(metrics(&model), metrics(&read));
}

/// What reading a study with this network ends in.
fn mistake(problem: &str, network: &str) -> String {
    parse(problem, network).unwrap_err().to_string()
}

#[test]
fn mistakes_in_formulas_are_explained() {
    for (network, expected) in [
        ("transform.u = \"x*u\"", "study.toml:8:22: expected a known name, found `u`"),
        ("transform.u = \"x*N\"", "expected a known name, found `N`"),
        ("transform.u = \"x*data.u*N_u\"", "expected a column"),
        ("transform.u = \"x*other.N_u\"", "found one of the other end of a pair"),
        ("transform.w = \"x*N_u\"", "expected the formula of a field, found one of \"w\""),
        ("transform.u = \"x\"", "expected N_u or N_v in the formula of \"u\", found none"),
        ("transform.u = 3", "expected N_u or N_v in the formula of \"u\", found none"),
        ("transform.u = \"d(N_u, x, x, x)\"", "up to order 4, found derivatives of order 5"),
        ("transform.u = \"x*\"", "study.toml:8:"),
    ] {
        let message = mistake(PROBLEM, network);
        assert!(message.contains(expected), "{message}");
    }
    let taken = PROBLEM.replace("c = 1.5", "c = 1.5\n    N_v = 2");
    let message = mistake(&taken, "transform.u = \"x*N_u\"");
    assert!(message.contains("found `N_v`, which is a parameter"), "{message}");
    let source = PROBLEM.replace("+ v\"", "+ v + f\"")
        + "[sources]\nf = \"first\"\n[truth]\nnu = 1\nu = \"x\"\nv = \"t\"\n";
    let message = mistake(&source, "transform.u = \"f*N_u\"");
    assert!(message.contains("found a source that is made from the truth"), "{message}");
}
