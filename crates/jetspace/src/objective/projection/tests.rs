//! The projection against plain loops over jets at points and at shifted points.

use std::collections::BTreeSet;

use jetspace_expr::Symbol;
use jetspace_jet::{Initialisation, Threads};

use super::*;
use crate::Model;
use crate::collocation::Points;
use crate::source::Source;
use crate::targets;

/// Two fields, and a coordinate that data is not differentiated by between two that it is.
const TWO_FIELDS: &str = r#"
    title = "Two fields"
    fields = ["u", "v"]
    [coordinates]
    t = { range = [0, 1] }
    xi = { range = [1, 2], kind = "parameter" }
    x = { range = [-1, 1] }
    [equations]
    first = "u_t = v_x"
    second = "v_t = u_x"
    [truth]
    u = "xi*sin(2*x)*exp(-t)"
    v = "x^3*t + cos(xi*t)"
"#;

const ONE_COORDINATE: &str = r#"
    title = "One coordinate"
    fields = ["u"]
    [coordinates]
    x = { range = [-1, 1] }
    [equations]
    flat = "u_xx = 0"
    [truth]
    u = "sin(3*x)"
"#;

const THREE_COORDINATES: &str = r#"
    title = "Three coordinates"
    fields = ["u"]
    [coordinates]
    x = { range = [-1, 1] }
    y = { range = [-1, 1] }
    z = { range = [-1, 1] }
    [equations]
    flat = "laplacian(u) = 0"
    [truth]
    u = "x^2*y - z^3"
"#;

fn study(problem: &str) -> Study {
    let text = r#"
        title = "Projection"
        problem = "given"
        methods = ["sob+hes"]
        network.hidden = [6, 5]
        points.interior = { sampler = "uniform", count = 1 }
        optimizer = [{ method = "adam", steps = 1 }]
    "#;
    Study::from_sources(&Source::new("study.toml", text), &Source::new("problem.toml", problem))
        .unwrap()
}

/// Points all over the box: multiples of irrational numbers, modulo 1.
fn points(study: &Study, count: usize) -> Points {
    let column = |(i, (low, high)): (usize, (f64, f64))| {
        let step = [0.618_034, 0.414_214, 0.732_051][i % 3];
        (0..count).map(|p| low + (high - low) * (step * (p as f64 + 0.5)).fract()).collect()
    };
    Points::at(study.problem.bounds().into_iter().enumerate().map(column).collect())
}

fn projection(study: &Study, points: &Points, batch: Option<usize>) -> Projection<f64> {
    let term =
        WeightedTerm { kind: TermKind::HessianProjection, label: String::new(), weight: 1.7 };
    let wanted: BTreeSet<usize> = term.kind.columns(&study.problem).into_iter().collect();
    let exact = &study.variants[0].targets;
    let data = targets::data(&study.problem, points, exact, &wanted, 0).unwrap();
    let place = TermPoints { number: 0, points, data: &data, pair: None, batch };
    Projection::new(study, 2, &term, &place).unwrap()
}

/// Columns of ∂û_f/∂xᵢ, fields outermost.
fn slopes(study: &Study, weights: &[f64], points: &[Vec<f64>], by: &[usize]) -> Vec<Vec<f64>> {
    let mut graph = study.problem.graph.clone();
    let mut wanted = Vec::new();
    for field in 0..study.problem.fields.len() {
        for &i in by {
            let index = MultiIndex::from_variables(&[i]).unwrap();
            wanted.push(graph.symbol(Symbol::Jet { field, index }));
        }
    }
    Model::new(study, weights).values(&graph, &wanted, points, 1).unwrap()
}

#[test]
fn loss_equals_plain_loops() {
    // The Hessians of the fields of TWO_FIELDS by t and x, derived by hand.
    let two_fields = |point: &[f64]| {
        let (t, xi, x) = (point[0], point[1], point[2]);
        let (u, u_x) = (xi * (2.0 * x).sin() * (-t).exp(), 2.0 * xi * (2.0 * x).cos() * (-t).exp());
        let v_tt = -xi * xi * (xi * t).cos();
        vec![[[u, -u_x], [-u_x, -4.0 * u]], [[v_tt, 3.0 * x * x], [3.0 * x * x, 6.0 * x * t]]]
    };
    let study = study(TWO_FIELDS);
    let weights: Vec<f64> = study.network.initialise(Initialisation::PyTorch, 4);
    let mut engine = Engine::new(&study.network, Threads::single());
    // 700 points make several blocks, whose tiles begin and end amid the points.
    const { assert!(BLOCK / 700 < DIRECTIONS / 2) };
    for (count, batch) in [(0, None), (1, None), (7, None), (7, Some(5)), (700, None)] {
        let mut projection = projection(&study, &points(&study, count), batch);
        projection.select(11, 1);
        // Those of the mini-batch.
        let columns = projection.selection.columns();
        let used: Vec<Vec<f64>> =
            columns.coordinates.chunks(columns.len.max(1)).map(Vec::from).collect();
        // 7 = 5 + 2.
        assert_eq!(columns.len, if batch.is_some() { 2 } else { count });
        let mut expected = 0.0;
        if columns.len > 0 {
            let here = slopes(&study, &weights, &used, &[0, 2]);
            for v in projection.directions.chunks(2) {
                let mut shifted = used.clone();
                shifted[0].iter_mut().for_each(|t| *t += 0.01 * v[0]);
                shifted[2].iter_mut().for_each(|x| *x += 0.01 * v[1]);
                let there = slopes(&study, &weights, &shifted, &[0, 2]);
                for p in 0..columns.len {
                    let hessians = two_fields(&[used[0][p], used[1][p], used[2][p]]);
                    let mut square = 0.0;
                    for (field, hessian) in hessians.iter().enumerate() {
                        for (i, [by_t, by_x]) in hessian.iter().enumerate() {
                            let k = 2 * field + i;
                            let h = (there[k][p] - here[k][p]) / 0.01;
                            let r = h - by_t * v[0] - by_x * v[1];
                            square += r * r;
                        }
                    }
                    expected += 1.7 * square.sqrt() / (100 * columns.len) as f64;
                }
            }
        }
        let mut gradient = vec![0.0; weights.len()];
        let loss = projection.gradient(&mut engine, &weights, &mut gradient).unwrap();
        assert!((loss - expected).abs() <= 1e-12 * expected, "{count}: {loss} {expected}");
        assert_eq!(gradient.iter().all(|&g| g == 0.0), count == 0);
    }
}

#[test]
fn gradient_is_added_to_what_is_there() {
    let study = study(ONE_COORDINATE);
    let weights: Vec<f64> = study.network.initialise(Initialisation::PyTorch, 4);
    let mut engine = Engine::new(&study.network, Threads::single());
    let mut projection = projection(&study, &points(&study, 9), None);
    projection.select(0, 0);
    let (mut alone, mut added) = (vec![0.0; weights.len()], vec![1.0; weights.len()]);
    projection.gradient(&mut engine, &weights, &mut alone).unwrap();
    projection.gradient(&mut engine, &weights, &mut added).unwrap();
    assert!(alone.iter().any(|&g| g != 0.0));
    assert!(alone.iter().zip(&added).all(|(a, b)| (a + 1.0 - b).abs() < 1e-12));
}

#[test]
fn directions_are_uniform_on_the_sphere() {
    let study = study(THREE_COORDINATES);
    let mut projection = projection(&study, &points(&study, 1), None);
    let (mut mean, mut moments) = ([0.0; 3], [[0.0; 3]; 3]);
    for evaluation in 0..100 {
        projection.select(5, evaluation);
        assert_eq!(projection.directions.len(), 300);
        for v in projection.directions.chunks(3) {
            assert!((norm(v.iter().copied()) - 1.0).abs() < 1e-15);
            for i in 0..3 {
                mean[i] += v[i] / 1e4;
                (0..3).for_each(|j| moments[i][j] += v[i] * v[j] / 1e4);
            }
        }
    }
    // Of 10 000 directions: standard deviations 0.006, 0.003 and 0.003.
    assert!(mean.iter().all(|m| m.abs() < 0.03), "{mean:?}");
    for (i, row) in moments.iter().enumerate() {
        for (j, m) in row.iter().enumerate() {
            let expected = if i == j { 1.0 / 3.0 } else { 0.0 };
            assert!((m - expected).abs() < 0.015, "{moments:?}");
        }
    }
}

#[test]
fn seed_term_and_evaluation_decide_the_directions() {
    let study = study(ONE_COORDINATE);
    let mut projection = projection(&study, &points(&study, 1), None);
    let mut drawn = |seed, term, evaluation| {
        projection.term = term;
        projection.select(seed, evaluation);
        projection.directions.clone()
    };
    let first = drawn(1, 2, 3);
    assert!(first.iter().all(|v| v.abs() == 1.0) && first.contains(&1.0) && first.contains(&-1.0));
    assert_eq!(first, drawn(1, 2, 3));
    for other in [drawn(2, 2, 3), drawn(1, 1, 3), drawn(1, 2, 4)] {
        assert_ne!(first, other);
    }
}
