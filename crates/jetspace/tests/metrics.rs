//! Sets of parameters, and metrics that a study defines, against plain loops over what a model predicts.

use std::f64::consts::PI;

use jetspace::collocation::Collocation;
use jetspace::evaluation::{Evaluation, Measure};
use jetspace::model::Model;
use jetspace::source::Source;
use jetspace::{Error, Study};

const PROBLEM: &str = r#"
    title = "Decay"
    fields = ["u", "v"]
    [coordinates]
    k = { range = [1, 3], kind = "parameter" }
    t = { range = [0, 2] }
    x = { range = [-1, 1] }
    [equations]
    decay = "u_t = -k*u"
    rest = "v = u_x"
    [conditions.start]
    on = "initial"
    require = ["u = sin(pi*x)"]
    [conditions.walls]
    on = "boundary"
    require = ["u = 0"]
    [truth]
    u = "exp(-k*t)*sin(pi*x)"
    v = "pi*exp(-k*t)*cos(pi*x)"
"#;

const STUDY: &str = r#"
    title = "Decay"
    problem = "given"
    methods = ["derl"]
    seeds = [3]
    optimizer = [{ method = "adam", steps = 1 }]
    [network]
    hidden = [7]
    [points]
    interior = { sampler = "sobol", count = 5 }
    conditions.start = { sampler = "grid", nodes = [9, 9, 3] }
    conditions.walls = { sampler = "uniform", count = 2 }
    parameters = [[1.5], [2.5]]
    [evaluation]
    grid = [9, 4, 5]
    parameters = [[1], [2], [4]]
    [metric.residual-by-k]
    of = ["d(u_t + k*u, k)"]
    norm = "max"
    [metric.relative-slope]
    of = ["u_x - data.u_x", "v - data.v"]
    relative-to = ["data.u_x", "data.v"]
    [metric.mass]
    of = ["u^2 - data.u^2"]
    integral = ["x"]
    norm = "rms"
    [metric.start]
    of = ["u - data.u"]
    over = { t = { at = 0 }, k = { range = [0, "4"], nodes = 3 } }
    [metric.printed]
    of = ["decay", "rest"]
    norm = "spectral"
"#;

fn study(text: &str) -> Result<Study, Error> {
    Study::from_sources(&Source::new("study.toml", text), &Source::new("problem.toml", PROBLEM))
}

fn evaluated() -> (Model, Evaluation) {
    let study = study(STUDY).unwrap();
    let parameters: Vec<f64> =
        (0..study.network.parameter_count()).map(|i| (i as f64 * 0.7).sin()).collect();
    let model = Model::new(&study, &parameters);
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&model, 1).unwrap();
    (model, evaluation)
}

/// Values of formulas at points (k, t, x): rows.
fn at(model: &Model, formulas: &str, points: &[[f64; 3]]) -> Vec<Vec<f64>> {
    let column = |i: usize| points.iter().map(|point| point[i]).collect();
    let columns = model.predict(formulas, &[column(0), column(1), column(2)], 1).unwrap().1;
    (0..points.len()).map(|p| columns.iter().map(|column| column[p]).collect()).collect()
}

fn truth([k, t, x]: [f64; 3]) -> [f64; 2] {
    let amplitude = (-k * t).exp();
    [amplitude * (PI * x).sin(), PI * amplitude * (PI * x).cos()]
}

/// The evaluation's nodes for one k.
fn nodes(k: f64) -> Vec<[f64; 3]> {
    let x = move |t: f64| (0..5).map(move |j| [k, t, -1.0 + f64::from(j) / 2.0]);
    (0..4).flat_map(|i| x(f64::from(i) * 2.0 / 3.0)).collect()
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} {expected}");
}

#[test]
fn points_stand_once_for_each_set_of_parameters() {
    let study = study(STUDY).unwrap();
    let points = Collocation::new(&study.problem, &study.points).unwrap();
    let [k, t, x] = &points.interior.coordinates[..] else { panic!() };
    assert_eq!(k, &[1.5, 1.5, 1.5, 1.5, 1.5, 2.5, 2.5, 2.5, 2.5, 2.5]);
    assert_eq!((&t[..5], &x[..5]), (&t[5..], &x[5..]));
    let [k, t, x] = &points.conditions[0].coordinates[..] else { panic!() };
    assert_eq!(k, &[1.5, 1.5, 1.5, 2.5, 2.5, 2.5]);
    assert_eq!((t, x), (&vec![0.0; 6], &vec![-1.0, 0.0, 1.0, -1.0, 0.0, 1.0]));
    // Two points on each of the two walls.
    let [k, _, x] = &points.conditions[1].coordinates[..] else { panic!() };
    assert_eq!(k.len(), 8);
    assert_eq!(x, &[-1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0]);
}

#[test]
fn conditions_at_the_ends_of_listed_parameters_are_refused() {
    let problem = PROBLEM.replace("on = \"boundary\"", "on = \"k.min\"");
    let study =
        Study::from_sources(&Source::new("study.toml", STUDY), &Source::new("p.toml", &problem));
    let study = study.unwrap();
    let error = Collocation::new(&study.problem, &study.points).unwrap_err();
    assert!(error.to_string().contains("\"k\""), "{error}");
}

#[test]
fn metrics_are_means_over_the_sets() {
    let (model, evaluation) = evaluated();
    assert_eq!(evaluation.grid, [1, 4, 5]);
    assert_eq!(evaluation.coordinates[0].len(), 60);
    let cell = 2.0 / 3.0 * 0.5;
    let (mut u_l2, mut relative, mut largest, mut residual) = (0.0, 0.0, 0.0, 0.0);
    let (mut by_k, mut slope, mut mass, mut printed) = (0.0, 0.0, 0.0, 0.0);
    for k in [1.0, 2.0, 4.0] {
        let points = nodes(k);
        let rows = at(&model, "u, v, u_t + k*u, v - u_x, u_tk + u + k*u_k, u_x", &points);
        let (mut of_u, mut all, mut size, mut most, mut squares) = (0.0, 0.0, 0.0, 0.0_f64, 0.0);
        let (mut most_by_k, mut slopes, mut size_of_slopes) = (0.0_f64, 0.0, 0.0);
        let (mut gram, mut integrals) = ([0.0; 3], [0.0; 4]);
        for (n, (row, &point)) in rows.iter().zip(&points).enumerate() {
            let [u, v] = truth(point);
            of_u += (row[0] - u).powi(2);
            all += (row[0] - u).powi(2) + (row[1] - v).powi(2);
            size += u * u + v * v;
            most = most.max((row[0] - u).abs());
            squares += row[2].powi(2) + row[3].powi(2);
            most_by_k = most_by_k.max(row[4].abs());
            slopes += (row[5] - v).powi(2) + (row[1] - v).powi(2);
            size_of_slopes += 2.0 * v * v;
            for (sum, product) in
                gram.iter_mut().zip([row[2].powi(2), row[2] * row[3], row[3].powi(2)])
            {
                *sum += product;
            }
            integrals[n / 5] += 0.5 * (row[0].powi(2) - u * u);
        }
        u_l2 += (cell * of_u).sqrt() / 3.0;
        relative += (all / size).sqrt() / 3.0;
        largest += most / 3.0;
        residual += (cell * squares).sqrt() / 3.0;
        by_k += most_by_k / 3.0;
        slope += (slopes / size_of_slopes).sqrt() / 3.0;
        mass += (integrals.iter().map(|m| m * m).sum::<f64>() / 4.0).sqrt() / 3.0;
        let [a, b, c] = gram;
        let eigenvalue = f64::midpoint(a, c) + (((a - c) / 2.0).powi(2) + b * b).sqrt();
        printed += cell * eigenvalue.sqrt() / 3.0;
    }
    let points: Vec<[f64; 3]> = [0.0, 2.0, 4.0]
        .iter()
        .flat_map(|&k| (0..5).map(move |j| [k, 0.0, -1.0 + f64::from(j) / 2.0]))
        .collect();
    let at_start: f64 = at(&model, "u", &points)
        .iter()
        .zip(&points)
        .map(|(row, &point)| (row[0] - truth(point)[0]).powi(2))
        .sum();
    let expected = [
        ("u_l2", u_l2),
        ("relative", relative),
        ("u_max", largest),
        ("residual_l2", residual),
        ("residual-by-k", by_k),
        ("relative-slope", slope),
        ("mass", mass),
        ("start", (2.0 * 0.5 * at_start).sqrt()),
        ("printed", printed),
    ];
    for (name, expected) in expected {
        assert_close(evaluation.metrics[name], expected);
    }
}

#[test]
fn without_sets_the_grid_goes_over_parameters_too() {
    let study = study(&STUDY.replace("parameters = [[1], [2], [4]]", "")).unwrap();
    let parameters = vec![0.1; study.network.parameter_count()];
    let measure = Measure::new(&study.problem, &study.evaluation).unwrap();
    let evaluation = measure.of(&Model::new(&study, &parameters), 1).unwrap();
    assert_eq!((evaluation.grid, evaluation.coordinates[0].len()), (vec![9, 4, 5], 180));
}
