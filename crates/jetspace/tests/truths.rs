//! Truths that are not formulas: reference solutions and tables, against formulas.

use std::path::Path;

use jetspace::collocation::Collocation;
use jetspace::evaluation::grid_points;
use jetspace::point_set::PointSet;
use jetspace::problem::{Truth, Verdict};
use jetspace::{Model, Problem, Study, table};
use jetspace_jet::MultiIndex;

/// u = e⁻ᵗ sin πx solves it, with k = 1/π².
const HEAT: &str = r#"
title = "Heat on a ring"
fields = ["u"]
[coordinates]
x = { range = [-1, 1] }
t = { range = [0, 1] }
[parameters]
k = "1/pi^2"
[equations]
heat = "u_t = k*u_xx"
[conditions.start]
on = "initial"
require = ["2*u = 2*sin(pi*x)"]
[conditions.ring]
pair = "x"
require = ["u = other.u", "u_x = other.u_x"]
"#;

const FORMULA: &str = "[truth]\nu = \"exp(-t)*sin(pi*x)\"";
const REFERENCE: &str = "[reference]\nkind = \"fourier\"\nnodes = [16]\nsteps = 40";
const TABLE: &str = "[reference]\nkind = \"file\"\npath = \"heat.csv\"";

const STUDY: &str = r#"
title = "A study of it"
problem = "heat.toml"
methods = ["derl", "sob"]
network = { hidden = [5] }
points.interior = { sampler = "uniform", count = 7 }
points.conditions.start = { sampler = "uniform", count = 3 }
points.conditions.ring = { sampler = "uniform", count = 3 }
optimizer = [{ method = "adam", steps = 1 }]
evaluation.grid = [5, 9]
"#;

fn problem(truth: &str) -> Problem {
    Problem::parse("heat.toml", &format!("{HEAT}{truth}")).unwrap()
}

fn study(folder: &Path, truth: &str, study: &str) -> Result<Study, jetspace::Error> {
    std::fs::write(folder.join("heat.toml"), format!("{HEAT}{truth}")).unwrap();
    Study::parse(&folder.join("study.toml").to_string_lossy(), study)
}

/// The solution at points, in the columns that a file of it has.
fn solution(coordinates: &[Vec<f64>], columns: &[&str]) -> PointSet {
    let pi = std::f64::consts::PI;
    let at = |name: &str| {
        let value = |(x, t): (&f64, &f64)| match name {
            "u" => (-t).exp() * (pi * x).sin(),
            "u_x" => (-t).exp() * pi * (pi * x).cos(),
            "u_t" => -(-t).exp() * (pi * x).sin(),
            _ => f64::NAN,
        };
        coordinates[0].iter().zip(&coordinates[1]).map(value).collect::<Vec<f64>>()
    };
    let data: Vec<(String, Vec<f64>)> =
        columns.iter().map(|name| ((*name).to_owned(), at(name))).collect();
    let mut all: Vec<(String, Vec<f64>)> =
        ["x", "t"].iter().map(|n| (*n).to_owned()).zip(coordinates.to_vec()).collect();
    all.extend(data);
    PointSet::new(all).unwrap()
}

#[test]
fn a_reference_solution_is_the_formula() {
    let points = vec![vec![-0.9, 0.123, 0.77, 0.5], vec![0.0, 0.3, 0.99, 1.0]];
    let index = |exponents: &[u8]| (0, MultiIndex::new(exponents).unwrap());
    let wanted = [index(&[]), index(&[1]), index(&[0, 1]), index(&[2, 0]), index(&[1, 1])];
    let jets = |truth| problem(truth).true_jets(&points, &wanted).unwrap().unwrap();
    for (a, b) in jets(FORMULA).iter().flatten().zip(jets(REFERENCE).iter().flatten()) {
        assert!((a - b).abs() < 1e-11, "{a} and {b}");
    }
}

#[test]
fn a_reference_solution_is_checked_too() {
    let with_reference = problem(REFERENCE);
    let verdicts = with_reference.check().unwrap().verdicts;
    assert_eq!(verdicts.len(), 4);
    assert!(verdicts.iter().all(Verdict::holds), "{verdicts:?}");
    let Truth::Reference(reference) = &with_reference.truth else { panic!() };
    let changes = reference.changes(&with_reference, &|_| ()).unwrap();
    assert_eq!(changes.len(), 2);
    // Exact in a linear equation.
    assert!(changes.iter().all(|(_, change)| *change < 1e-12), "{changes:?}");

    let wrong = HEAT.replace("other.u_x\"", "other.u_x + 1\"");
    let wrong = Problem::parse("heat.toml", &format!("{wrong}{REFERENCE}")).unwrap();
    let holds: Vec<bool> = wrong.check().unwrap().verdicts.iter().map(Verdict::holds).collect();
    assert_eq!(holds, [true, true, true, false]);
}

#[test]
fn what_has_no_reference_solution_says_why() {
    let message = |old: &str, new: &str| {
        assert!(HEAT.contains(old));
        let text = format!("{}{REFERENCE}", HEAT.replace(old, new));
        Problem::parse("heat.toml", &text).unwrap().check().unwrap_err().to_string()
    };
    let wave = message("u_t =", "u_tt =");
    let expected = "heat.toml:10:8: expected one first derivative by time";
    assert!(wave.starts_with(expected), "{wave}");
    let start = message("2*u = 2*sin(pi*x)", "u_t = sin(pi*x)");
    let expected = "heat.toml:17:1: expected an initial condition for u, found none";
    assert!(start.starts_with(expected), "{start}");
    let time = "t = { range = [0, 1] }";
    let one_more = format!("{time}\nxi = {{ range = [0, 1], kind = \"parameter\" }}");
    let family = message(time, &one_more);
    assert!(family.contains("expected time and space coordinates alone"), "{family}");
}

#[test]
fn data_and_errors_are_those_of_the_formula() {
    let folder = tempfile::tempdir().unwrap();
    let of_formula = study(folder.path(), FORMULA, STUDY).unwrap();
    let of_reference = study(folder.path(), REFERENCE, STUDY).unwrap();
    let parameters = of_formula.network.initialise(jetspace_jet::Initialisation::PyTorch, 3);
    let metrics = |study: &Study| {
        Model::new(study, &parameters).evaluate_on(&study.evaluation.grid, 1).unwrap().metrics
    };
    for ((name, a), (other, b)) in metrics(&of_formula).iter().zip(&metrics(&of_reference)) {
        assert_eq!(name, other);
        assert!((a - b).abs() < 1e-10, "{name}: {a} and {b}");
    }
    let loss = |study: &Study, method: usize| {
        let collocation = Collocation::new(&study.problem, &study.points).unwrap();
        let (method, variant) = (&study.methods[method], &study.variants[0]);
        let training =
            jetspace::training::Training::<f64>::new(study, method, variant, &collocation, 0, 1);
        let mut training = training.unwrap();
        training.step().unwrap();
        training.loss().total
    };
    for method in 0..2 {
        assert!((loss(&of_formula, method) - loss(&of_reference, method)).abs() < 1e-10);
    }
}

#[test]
fn a_table_on_a_grid_is_compared_there() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = problem(FORMULA).bounds();
    let nodes = grid_points(&bounds, &[5, 9]).unwrap();
    table::write(folder.path().join("heat.csv"), &solution(&nodes, &["u", "u_x", "u_t"])).unwrap();
    let without_grid = STUDY.replace("evaluation.grid = [5, 9]", "");
    let without_grid = without_grid.replace("\"uniform\", count = 7", "\"truth\", count = 7");
    let of_formula = study(folder.path(), FORMULA, STUDY).unwrap();
    let of_table = study(folder.path(), TABLE, &without_grid).unwrap();
    assert_eq!(of_table.evaluation.grid, [5, 9]);
    let parameters = of_formula.network.initialise(jetspace_jet::Initialisation::PyTorch, 3);
    let evaluate = |study: &Study| {
        Model::new(study, &parameters).evaluate_on(&study.evaluation.grid, 1).unwrap()
    };
    let (formula, table) = (evaluate(&of_formula), evaluate(&of_table));
    assert_eq!(formula.metrics.len(), table.metrics.len());
    for ((name, a), b) in formula.metrics.iter().zip(table.metrics.values()) {
        assert!((a - b).abs() < 1e-12 * (1.0 + a), "{name}: {a} and {b}");
    }
    assert!(table.truth.is_some());

    let points = Collocation::new(&of_table.problem, &of_table.points).unwrap().interior;
    assert_eq!(points.len(), 7);
    let exact = solution(&points.coordinates, &["u", "u_x"]);
    for (name, column) in points.data.iter().filter(|(name, _)| name != "u_t") {
        let exact = exact.column(name).unwrap();
        assert!(column.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-12), "{name}");
    }
}

#[test]
fn a_table_of_any_points_is_compared_at_these() {
    let folder = tempfile::tempdir().unwrap();
    let points = vec![vec![0.1, -0.7, 0.9, 0.3], vec![0.5, 0.25, 0.0, 0.9]];
    table::write(folder.path().join("heat.csv"), &solution(&points, &["u"])).unwrap();
    let text = STUDY.replace("\"uniform\", count = 7", "\"truth\"");
    let text = text.replace("[\"derl\", \"sob\"]", "[\"outl\"]");
    let of_table = study(folder.path(), TABLE, &text).unwrap();
    let parameters = of_table.network.initialise(jetspace_jet::Initialisation::PyTorch, 3);
    let model = Model::new(&of_table, &parameters);
    let evaluation = model.evaluate_on(&[5, 9], 1).unwrap();
    assert!(evaluation.truth.is_none());
    assert!(!evaluation.metrics.contains_key("gradient_l2"), "the file has no slopes");
    let exact = solution(&points, &["u"]);
    let u = of_table.problem.graph.clone();
    let mut graph = u;
    let symbol = jetspace_expr::Symbol::Jet { field: 0, index: MultiIndex::VALUE };
    let id = graph.symbol(symbol);
    let found = model.values(&graph, &[id], &exact.columns()[..2], 1).unwrap();
    let squares: f64 =
        found[0].iter().zip(exact.column("u").unwrap()).map(|(a, b)| (a - b).powi(2)).sum();
    let expected = (2.0 / 4.0 * squares).sqrt();
    assert!((evaluation.metrics["u_l2"] - expected).abs() < 1e-14);

    let too_many = text.replace("\"truth\"", "\"truth\", count = 5");
    let too_many = study(folder.path(), TABLE, &too_many).unwrap();
    let error = Collocation::new(&too_many.problem, &too_many.points).unwrap_err();
    let expected = "expected 5 points in the file of the truth, found 4";
    assert_eq!(error.to_string(), expected);
    let needs_points = study(folder.path(), TABLE, STUDY).unwrap_err().to_string();
    assert!(needs_points.contains("expected data for method \"derl\""), "{needs_points}");
    let not_a_table = study(folder.path(), FORMULA, &text).unwrap_err().to_string();
    assert!(not_a_table.contains("expected a problem whose truth is a file"), "{not_a_table}");
}

#[test]
fn points_of_conditions_lie_where_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let on_start = PointSet::new([("x", vec![0.5, -0.5]), ("t", vec![0.0, 0.0])]).unwrap();
    let beside = PointSet::new([("x", vec![0.5, -0.5]), ("t", vec![0.0, 0.1])]).unwrap();
    let text = STUDY.replace(
        "start = { sampler = \"uniform\", count = 3 }",
        "start = { sampler = \"file\", path = \"start.csv\" }",
    );
    let collocation = |points| {
        table::write(folder.path().join("start.csv"), points).unwrap();
        let study = study(folder.path(), FORMULA, &text).unwrap();
        Collocation::new(&study.problem, &study.points)
    };
    assert_eq!(collocation(&on_start).unwrap().conditions[0].len(), 2);
    let error = collocation(&beside).unwrap_err().to_string();
    let expected = "start.csv: expected points with t = 0, found (-0.5, 0.1) as point 2";
    assert!(error.ends_with(expected), "{error}");
}

/// What others found with a spectral method of theirs: −1 ≤ u ≤ 2.309 and |∂u/∂x| ≤ 25.6 with
/// ‖u‖ = 1.0036, the last on a grid of 201 × 401 nodes with both ends.
#[test]
fn the_reference_of_kdv_is_as_large_as_others_found() {
    let text = jetspace::builtin::text(jetspace::builtin::PROBLEMS, "kdv").unwrap();
    let kdv = Problem::parse("kdv.toml", text).unwrap();
    let nodes = grid_points(&kdv.bounds(), &[201, 401]).unwrap();
    let wanted = [(0, MultiIndex::VALUE), (0, MultiIndex::new(&[0, 1]).unwrap())];
    let jets = kdv.true_jets(&nodes, &wanted).unwrap().unwrap();
    let largest = |column: &[f64]| column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let norm = (2.5e-5 * jets[0].iter().map(|u| u * u).sum::<f64>()).sqrt();
    assert!((norm - 1.0036).abs() < 5e-5, "{norm}");
    assert!((largest(&jets[0]) - 2.309).abs() < 5e-4, "{}", largest(&jets[0]));
    assert!((largest(&jets[1]) - 25.6).abs() < 0.05, "{}", largest(&jets[1]));
}

const PENDULUM: &str = r#"
title = "Pendulum"
fields = ["u"]
[coordinates]
t = { range = [0, 3] }
v0 = { range = [0.5, 1.5], kind = "parameter" }
[parameters]
w = 2
[equations]
pendulum = "u_tt + w^2*u = 0"
[conditions.start]
on = "initial"
require = ["u = v0^2", "2*u_t = 2*v0"]
"#;

#[test]
fn trajectories_are_the_formula() {
    let formula = "[truth]\nu = \"v0^2*cos(w*t) + v0/w*sin(w*t)\"";
    let points = vec![vec![1.0, 0.0, 2.5, 1.0, 0.3, -0.5], vec![0.7, 0.7, 1.3, 0.9, 0.7, 0.7]];
    let orders = [0, 1, 2, 3, 4];
    let wanted = orders.map(|order| (0, MultiIndex::new(&[order]).unwrap()));
    let jets = |truth: &str| {
        let problem = Problem::parse("pendulum.toml", &format!("{PENDULUM}{truth}")).unwrap();
        assert!(problem.check().unwrap().verdicts.iter().all(Verdict::holds));
        problem.true_jets(&points, &wanted).unwrap().unwrap()
    };
    for (reference, tolerance) in [("", 1e-10), ("\nsteps = 1000", 1e-8)] {
        let reference = format!("[reference]\nkind = \"ode\"{reference}");
        for (a, b) in jets(formula).iter().flatten().zip(jets(&reference).iter().flatten()) {
            assert!((a - b).abs() < tolerance, "{a} and {b}");
        }
    }
}

#[test]
fn what_has_no_trajectories_says_why() {
    let message = |old: &str, new: &str| {
        assert!(PENDULUM.contains(old));
        let text = format!("{}[reference]\nkind = \"ode\"", PENDULUM.replace(old, new));
        let problem = Problem::parse("pendulum.toml", &text).unwrap();
        let wanted = [(0, MultiIndex::new(&[0, 1]).unwrap())];
        problem.true_jets(&[vec![1.0], vec![1.0]], &wanted).unwrap_err().to_string()
    };
    let by_parameter = message("w = 2", "w = 3");
    assert!(by_parameter.contains("data has none by parameters"), "{by_parameter}");
    let squared = message("u_tt +", "u_tt^2 +");
    assert!(
        squared.contains("10:12: expected the highest derivative by time of one field"),
        "{squared}"
    );
    let space = message(", kind = \"parameter\"", "");
    assert!(
        space.contains("expected a time coordinate and others of kind parameter alone"),
        "{space}"
    );
    let start = message("2*u_t = 2*v0", "u_t = u");
    assert!(start.contains("expected an initial condition for u_t, found none"), "{start}");
}

const MOVING: &str = r#"
title = "What is carried along a ring"
fields = ["u"]
[coordinates]
t = { range = [0, 1] }
x = { range = [0, "2*pi"] }
[parameters]
c = 0.7
[equations]
moves = "2*u_t + 2*c*u_x = 2*cos(t)"
[conditions.ring]
pair = "x"
require = ["u = other.u"]
[conditions.start]
on = "initial"
require = ["u = sin(x)"]
[reference]
kind = "finite-volume"
flux = { x = "c*u" }
source = "cos(t)"
nodes = [401]
steps = 400
"#;

#[test]
fn what_flows_is_found_from_the_equation() {
    let given = Problem::parse("moving.toml", MOVING).unwrap();
    let flux = "flux = { x = \"c*u\" }\nsource = \"cos(t)\"\n";
    assert!(MOVING.contains(flux));
    let found = Problem::parse("moving.toml", &MOVING.replace(flux, "")).unwrap();
    let points = [vec![0.5, 1.0], vec![2.0, 6.0]];
    let values = |problem: &Problem| {
        problem.true_jets(&points, &[(0, MultiIndex::VALUE)]).unwrap().unwrap()[0].clone()
    };
    for (given, found) in values(&given).iter().zip(values(&found)) {
        assert!((given - found).abs() < 1e-12, "{given} {found}");
    }
}

#[test]
fn what_flows_is_compared_with_the_equation() {
    let check = |text: &str| Problem::parse("moving.toml", text).and_then(|p| p.check());
    let verdicts = check(MOVING).unwrap().verdicts;
    assert!(verdicts.len() == 3 && verdicts.iter().all(Verdict::holds), "{verdicts:?}");
    let problem = Problem::parse("moving.toml", MOVING).unwrap();
    let points = [vec![1.0, 0.5, 0.25], vec![0.1, 3.0, 6.0]];
    let wanted = [(0, MultiIndex::VALUE), (0, MultiIndex::new(&[0, 1]).unwrap())];
    let jets = problem.true_jets(&points, &wanted).unwrap().unwrap();
    for (p, (t, x)) in points[0].iter().zip(&points[1]).enumerate() {
        let exact = [(x - 0.7 * t).sin() + t.sin(), (x - 0.7 * t).cos()];
        assert!((jets[0][p] - exact[0]).abs() < 1e-3 && (jets[1][p] - exact[1]).abs() < 2e-2);
    }
    let message = |old: &str, new: &str| {
        assert!(MOVING.contains(old));
        check(&MOVING.replace(old, new)).unwrap_err().to_string()
    };
    let sign = message("\"c*u\"", "\"-c*u\"");
    assert!(sign.starts_with("moving.toml:10:9: expected an equation c (u_t"), "{sign}");
    assert!(message("source = \"cos(t)\"", "").contains("found another one"));
    let lonely = message("flux = { x = \"c*u\" }\n", "");
    assert!(lonely.starts_with("moving.toml:19:10: expected a flux beside the source"), "{lonely}");
    assert!(message("steps = 400", "steps = 50").contains("take 90 steps"));
    let name = message("{ x =", "{ y =");
    assert!(
        name.starts_with("moving.toml:19:14: expected a space coordinate, found \"y\""),
        "{name}"
    );
    assert!(message("{ x = \"c*u\" }", "{}").contains("expected a flux along \"x\", found none"));
    assert!(message("\"c*u\"", "\"k*u\"").starts_with("moving.toml:19:15: "));
    assert!(message("\"c*u\"", "\"c*u + u_x\"").contains("expected an equation without \"u_x\""));
}
