//! The solver against solutions in closed form, and its orders of convergence.

use std::f64::consts::{PI, TAU};

use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
use jetspace_jet::MultiIndex;
use jetspace_solve::{Evolution, PeriodicGrid, SolveError, Steps, Trajectory, solve};

const AXES: [&str; 3] = ["x", "y", "z"];

fn evolution(axes: usize, fields: &[&str], equations: &[&str]) -> Result<Evolution, SolveError> {
    let mut scope = Scope::new().coordinate("t", CoordinateKind::Time).unwrap();
    for axis in &AXES[..axes] {
        scope = scope.coordinate(axis, CoordinateKind::Space).unwrap();
    }
    for field in fields {
        scope = scope.field(field).unwrap();
    }
    let mut graph = Graph::new();
    let lower =
        |text: &&str| scope.lower_equation(&parse_equation(text).unwrap(), &mut graph).unwrap();
    let residuals: Vec<_> = equations.iter().map(lower).collect();
    let space: Vec<usize> = (1..=axes).collect();
    Evolution::new(&mut graph, &residuals, fields.len(), 0, &space, &[])
}

/// Solves one equation for u on [0, 2π]ⁿ up to time 1.
fn solved(
    equation: &str,
    nodes: &[usize],
    count: usize,
    initial: impl Fn(&[f64]) -> f64,
) -> Trajectory {
    let grid = PeriodicGrid::new(&vec![(0.0, TAU); nodes.len()], nodes).unwrap();
    let columns = grid.coordinates();
    let at = |p: usize| initial(&columns.iter().map(|c| c[p]).collect::<Vec<_>>());
    let initial = (0..grid.len()).map(at).collect();
    let evolution = evolution(nodes.len(), &["u"], &[equation]).unwrap();
    let steps = Steps { from: 0.0, to: 1.0, count, stored: count.min(200) };
    solve(&evolution, &grid, &[initial], steps, &|_| ()).unwrap()
}

/// Points (t, x, …), a column for each, that are on no grid.
fn points(axes: usize) -> Vec<Vec<f64>> {
    let column = |axis: usize| {
        let scale = if axis == 0 { 1.0 } else { TAU };
        (0..50).map(|p| scale * (0.37 + f64::from(p) * 0.618 * (axis + 1) as f64).fract()).collect()
    };
    (0..=axes).map(column).collect()
}

/// The largest difference of D^α u from a formula at some points.
fn error(trajectory: &Trajectory, exponents: &[u8], exact: impl Fn(&[f64]) -> f64) -> f64 {
    let points = points(exponents.len() - 1);
    let index = MultiIndex::new(exponents).unwrap();
    let found = trajectory.jets(&points, &[(0, index)]).unwrap();
    let at = |p: usize| exact(&points.iter().map(|c| c[p]).collect::<Vec<_>>());
    found[0].iter().enumerate().map(|(p, u)| (u - at(p)).abs()).fold(0.0, f64::max)
}

#[test]
fn linear_equations_are_exact() {
    let decay = solved("u_t = 0.1*u_xx", &[15], 20, |x| (2.0 * x[0]).cos());
    assert!(error(&decay, &[0, 0], |p| (-0.4 * p[0]).exp() * (2.0 * p[1]).cos()) < 1e-14);

    let moved = solved("2*u_t + 3*u_x = 0.2*u_xxxx - 0.2*u_xxxx", &[16], 20, |x| (x[0]).sin());
    assert!(error(&moved, &[0, 0], |p| (p[1] - 1.5 * p[0]).sin()) < 1e-13);

    let dispersed = solved("u_t = u_xxx - u_xxxx/100", &[12], 40, |x| (2.0 * x[0]).sin());
    let exact = |p: &[f64]| (-0.16 * p[0]).exp() * (2.0 * p[1] - 8.0 * p[0]).sin();
    // Exact in its steps; interpolated between them.
    let found = error(&dispersed, &[0, 0], exact);
    assert!(found < 1e-8, "{found:.1e}");
}

#[test]
fn several_dimensions_and_sizes() {
    let plane = |p: &[f64]| (-0.5 * p[0]).exp() * (p[1] - 2.0 * p[2]).sin();
    for nodes in [[9, 16], [16, 7], [8, 8]] {
        let found = solved("u_t = 0.1*laplacian(u)", &nodes, 20, |x| (x[0] - 2.0 * x[1]).sin());
        assert!(error(&found, &[0, 0, 0], plane) < 1e-13, "{nodes:?}");
        let slope = |p: &[f64]| -2.0 * (-0.5 * p[0]).exp() * (p[1] - 2.0 * p[2]).cos();
        assert!(error(&found, &[0, 0, 1], slope) < 1e-13, "{nodes:?}");
    }
    let space = solved("u_t = 0.1*laplacian(u)", &[5, 6, 7], 10, |x| (x[0] + x[1] - x[2]).cos());
    let exact = |p: &[f64]| (-0.3 * p[0]).exp() * (p[1] + p[2] - p[3]).cos();
    assert!(error(&space, &[0, 0, 0, 0], exact) < 1e-12);
}

#[test]
fn derivatives_follow_from_the_trajectory() {
    let found = solved("u_t = 0.1*u_xx", &[16], 40, |x| x[0].sin());
    let decay = |t: f64| (-0.1 * t).exp();
    assert!(error(&found, &[1, 0], |p| -0.1 * decay(p[0]) * p[1].sin()) < 1e-12);
    assert!(error(&found, &[0, 3], |p| -decay(p[0]) * p[1].cos()) < 1e-13);
    assert!(error(&found, &[1, 1], |p| -0.1 * decay(p[0]) * p[1].cos()) < 1e-12);
    assert!(error(&found, &[2, 0], |p| 0.01 * decay(p[0]) * p[1].sin()) < 1e-10);
}

/// u = 3c sech²(√c (x − ct)/2) solves u_t + u u_x + u_xxx = 0 on the line; on a circle of 2π its
/// tails are below rounding if c is large.
#[test]
fn a_soliton_keeps_its_shape() {
    const SPEED: f64 = 400.0;
    let exact = |p: &[f64]| {
        let x = (p[1] - TAU * p[0]).rem_euclid(TAU) - PI;
        (SPEED.sqrt() / 2.0 * x).cosh().powi(-2)
    };
    // In units of its height, and slowed down so that it goes around once.
    let equation = format!("u_t + {}*(1200*u*u_x + u_xxx) = 0", TAU / SPEED);
    let found = solved(&equation, &[384], 8000, |x| exact(&[0.0, x[0]]));
    let at_end = vec![vec![1.0; 40], (0..40).map(|p| f64::from(p) * 0.157).collect()];
    let u = found.jets(&at_end, &[(0, MultiIndex::VALUE)]).unwrap();
    for (p, u) in u[0].iter().enumerate() {
        assert!((u - exact(&[1.0, at_end[1][p]])).abs() < 2e-6);
    }
}

/// Burgers' equation by the transformation of Cole and Hopf, whose integrals are smooth and periodic
/// sums here: u = −2ν φ_x/φ with the heat equation for φ = exp(cos x/(2ν)).
#[test]
fn burgers_equation_converges_exponentially_in_space() {
    const NU: f64 = 0.05;
    let exact = |p: &[f64]| {
        const NODES: usize = 4000;
        let (mut phi, mut slope) = (0.0, 0.0);
        for k in 0..NODES {
            // From −14 to 14 standard deviations of the heat kernel.
            let deviation = 28.0 * ((k as f64 + 0.5) / NODES as f64 - 0.5);
            let y = p[1] - deviation * (2.0 * NU * p[0]).sqrt();
            let weight = (-deviation * deviation / 2.0 + (y.cos() - 1.0) / (2.0 * NU)).exp();
            phi += weight;
            slope += weight * y.sin();
        }
        slope / phi
    };
    let errors = [48, 96, 192, 384].map(|n| {
        let found = solved("u_t + u*u_x = 0.05*u_xx", &[n], 1000, |x| x[0].sin());
        error(&found, &[0, 0], exact)
    });
    let rates: Vec<f64> = errors.windows(2).map(|pair| (pair[0] / pair[1]).log2()).collect();
    assert!(rates[0] > 6.0 && rates[1] > 10.0, "{errors:?}: not faster than powers");
    assert!(errors[3] < 1e-10, "{errors:?}");
}

/// u = cos(x − t) + sin t, with a source that depends on place and time.
#[test]
fn the_order_in_time_is_four() {
    let equation = "u_t = 0.1*u_xx - u^3 + sin(x - t) + cos(t) + 0.1*cos(x - t) \
                    + (cos(x - t) + sin(t))^3";
    let exact = |p: &[f64]| (p[1] - p[0]).cos() + p[0].sin();
    let end = vec![vec![1.0; 7], (0..7).map(f64::from).collect()];
    let errors = [200, 400, 800].map(|count| {
        let u = solved(equation, &[32], count, |x| x[0].cos());
        let u = u.jets(&end, &[(0, MultiIndex::VALUE)]).unwrap();
        let difference = |p: usize| (u[0][p] - exact(&[1.0, end[1][p]])).abs();
        (0..7).map(difference).fold(0.0, f64::max)
    });
    for pair in errors.windows(2) {
        let rate = (pair[0] / pair[1]).log2();
        assert!((rate - 4.0).abs() < 0.2, "{errors:?}: {rate}");
    }
}

#[test]
fn fields_may_be_coupled_and_need_no_space_to_vary_in() {
    let pair = evolution(1, &["u", "v"], &["v_t = -u", "u_t - v = 0"]).unwrap();
    let grid = PeriodicGrid::new(&[(0.0, 1.0)], &[1]).unwrap();
    let steps = Steps { from: 0.0, to: 2.0, count: 400, stored: 100 };
    let found = solve(&pair, &grid, &[vec![0.0], vec![1.0]], steps, &|_| ()).unwrap();
    let at = vec![vec![0.3, 1.234], vec![0.0, 0.9]];
    let value = MultiIndex::VALUE;
    let jets = found.jets(&at, &[(0, value), (1, value)]).unwrap();
    for (p, t) in at[0].iter().enumerate() {
        assert!((jets[0][p] - t.sin()).abs() < 1e-10);
        assert!((jets[1][p] - t.cos()).abs() < 1e-10);
    }
}

#[test]
fn what_is_not_an_evolution_is_refused() {
    let refused = |fields: &[&str], equations: &[&str]| {
        evolution(1, fields, equations).map(|_| ()).unwrap_err().to_string()
    };
    let not = |found| {
        format!(
            "expected equation 0 (from 0) to be linear in one first derivative by time, with a \
             constant factor, {found}: write it as u_t = …"
        )
    };
    assert_eq!(refused(&["u"], &["u_xx = u"]), not("found no derivative by time"));
    assert_eq!(refused(&["u"], &["u_tt = u_xx"]), not("found one of higher order"));
    assert_eq!(refused(&["u"], &["u_tt + u_t = u_xx"]), not("found several"));
    assert_eq!(refused(&["u"], &["u_t^2 = u_xx"]), not("found it otherwise"));
    assert_eq!(refused(&["u"], &["u*u_t = u_xx"]), not("found it otherwise"));
    assert!(refused(&["u", "v"], &["u_t = v", "u_t = u"]).contains("found 2 for field 0"));
    assert!(refused(&["u", "v"], &["u_t = v"]).contains("found 0 for field 1"));
}

#[test]
fn absurd_arguments_are_refused() {
    assert!(PeriodicGrid::new(&[], &[]).is_err());
    assert!(PeriodicGrid::new(&[(0.0, 1.0)], &[0]).is_err());
    assert!(PeriodicGrid::new(&[(1.0, 1.0)], &[4]).is_err());
    assert!(PeriodicGrid::new(&[(0.0, f64::NAN)], &[4]).is_err());
    assert!(PeriodicGrid::new(&[(0.0, 1.0); 3], &[usize::MAX; 3]).is_err());
    let heat = evolution(1, &["u"], &["u_t = u_xx"]).unwrap();
    let grid = PeriodicGrid::new(&[(0.0, 1.0)], &[4]).unwrap();
    let good = Steps { from: 0.0, to: 1.0, count: 1, stored: 1 };
    let attempt =
        |initial: &[Vec<f64>], steps| solve(&heat, &grid, initial, steps, &|_| ()).map(|_| ());
    let initial = vec![vec![1.0; 4]];
    assert_eq!(attempt(&initial, good), Ok(()));
    assert!(attempt(&[], good).is_err());
    assert!(attempt(&[vec![1.0; 3]], good).is_err());
    assert!(attempt(&initial, Steps { count: 0, ..good }).is_err());
    assert!(attempt(&initial, Steps { to: 0.0, ..good }).is_err());
    assert!(attempt(&initial, Steps { to: f64::NAN, ..good }).is_err());
    assert!(attempt(&initial, Steps { stored: usize::MAX, ..good }).is_err());
    let not_finite = attempt(&[vec![f64::INFINITY; 4]], good);
    assert_eq!(not_finite, Err(SolveError::NotFinite { time: 1.0 }));
}
