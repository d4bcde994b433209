//! Finite volumes: orders of convergence, conservation, monotonicity, shocks, and the published
//! donor-cell scheme.

use std::f64::consts::{PI, TAU};

use jetspace_expr::{CoordinateKind, Graph, Id, Program, Scope, parse_equation, parse_expression};
use jetspace_jet::MultiIndex;
use jetspace_solve::{
    CellGrid, ConservationLaw, Ends, History, Limiter, SolveError, Steps, solve_conservation_law,
};

const LIMITERS: [Option<Limiter>; 3] = [None, Some(Limiter::Minmod), Some(Limiter::VanLeer)];

/// A law in t and as many of x and y as there are fluxes, with the parameter c = ¼.
fn law(equation: &str, flux: &[&str], source: Option<&str>) -> Result<ConservationLaw, SolveError> {
    let (scope, mut graph, residual) = lowered(equation, flux.len());
    let mut lower = |text| scope.lower(&parse_expression(text).unwrap(), &mut graph).unwrap();
    let flux: Vec<_> = flux.iter().map(|text| lower(text)).collect();
    let source = source.map(lower);
    let space: Vec<usize> = (1..=flux.len()).collect();
    ConservationLaw::new(&graph, residual, Some((&flux, source)), 0, &space, &[0.25])
}

/// A law in t, x and y whose flux is found from the equation.
fn found_law(equation: &str) -> Result<ConservationLaw, SolveError> {
    let (_, graph, residual) = lowered(equation, 2);
    ConservationLaw::new(&graph, residual, None, 0, &[1, 2], &[0.25])
}

fn lowered(equation: &str, axes: usize) -> (Scope, Graph, Id) {
    let mut scope = Scope::new().coordinate("t", CoordinateKind::Time).unwrap();
    for axis in &["x", "y"][..axes] {
        scope = scope.coordinate(axis, CoordinateKind::Space).unwrap();
    }
    let scope = scope.field("u").unwrap().parameter("c").unwrap();
    let mut graph = Graph::new();
    let residual = scope.lower_equation(&parse_equation(equation).unwrap(), &mut graph).unwrap();
    (scope, graph, residual)
}

fn steps(to: f64, count: usize) -> Steps {
    Steps { from: 0.0, to, count, stored: count.min(100) }
}

fn solved(
    law: &ConservationLaw,
    grid: &CellGrid,
    limiter: Option<Limiter>,
    steps: Steps,
    initial: impl Fn(&[f64]) -> f64,
) -> Result<History, SolveError> {
    let columns = grid.coordinates();
    let at = |p: usize| initial(&columns.iter().map(|c| c[p]).collect::<Vec<_>>());
    let initial: Vec<f64> = (0..grid.len()).map(at).collect();
    let nothing: Vec<[Option<Program>; 2]> = columns.iter().map(|_| [None, None]).collect();
    solve_conservation_law(law, grid, limiter, &initial, &nothing, steps, &|_| ())
}

/// The mean of |u − exact| over the nodes at the end.
fn error(history: &History, grid: &CellGrid, exact: impl Fn(&[f64]) -> f64) -> f64 {
    let columns = grid.coordinates();
    let difference = |(p, u): (usize, &f64)| {
        (u - exact(&columns.iter().map(|c| c[p]).collect::<Vec<_>>())).abs()
    };
    let last = history.states().last().unwrap();
    last.iter().enumerate().map(difference).sum::<f64>() / last.len() as f64
}

#[test]
fn the_order_is_one_without_slopes_and_two_with_them() {
    let moving = law("u_t + u_x = 0", &["u"], None).unwrap();
    for (limiter, order, tolerance) in
        [(None, 1.0, 0.1), (Some(Limiter::Minmod), 2.0, 0.3), (Some(Limiter::VanLeer), 2.0, 0.2)]
    {
        let errors = [201, 401, 801].map(|nodes| {
            let grid = CellGrid::new(&[(0.0, TAU)], &[nodes], &[Ends::Periodic]).unwrap();
            let found = solved(&moving, &grid, limiter, steps(1.0, nodes - 1), |x| x[0].sin());
            error(&found.unwrap(), &grid, |x| (x[0] - 1.0).sin())
        });
        for pair in errors.windows(2) {
            let rate = (pair[0] / pair[1]).log2();
            assert!((rate - order).abs() < tolerance, "{limiter:?}: {errors:?}, {rate}");
        }
    }
}

/// u_t + (u²/2)_x + u = f with u = 2 + sin(x − t): nonlinear, with a source that depends on all.
#[test]
fn nonlinear_laws_with_sources_converge_too() {
    let equation = "u_t + u*u_x + u = 2 + sin(x - t) + (1 + sin(x - t))*cos(x - t)";
    let source = "2 + sin(x - t) + (1 + sin(x - t))*cos(x - t) - u";
    let law = law(equation, &["u^2/2"], Some(source)).unwrap();
    let errors = [101, 201, 401].map(|nodes| {
        let grid = CellGrid::new(&[(0.0, TAU)], &[nodes], &[Ends::Periodic]).unwrap();
        let limiter = Some(Limiter::VanLeer);
        let found = solved(&law, &grid, limiter, steps(1.0, 2 * nodes), |x| 2.0 + x[0].sin());
        error(&found.unwrap(), &grid, |x| 2.0 + (x[0] - 1.0).sin())
    });
    for pair in errors.windows(2) {
        let rate = (pair[0] / pair[1]).log2();
        assert!((rate - 2.0).abs() < 0.25, "{errors:?}: {rate}");
    }
}

#[test]
fn nothing_is_lost_and_no_extrema_arise() {
    let laws = [
        law("u_t - y*u_x + x*u_y = 0", &["-y*u", "x*u"], None).unwrap(),
        law("u_t + u*u_x - u*u_y = 0", &["u^2/2", "-u^2/2"], None).unwrap(),
    ];
    for (law, ends) in laws.iter().zip([Ends::Closed, Ends::Periodic]) {
        let grid = CellGrid::new(&[(-1.0, 1.0); 2], &[41; 2], &[ends; 2]).unwrap();
        for limiter in LIMITERS {
            // A box and a cone.
            let initial = |x: &[f64]| {
                {
                    let is_inside = (x[0] - 0.3).abs() < 0.25 && (x[1] + 0.2).abs() < 0.25;
                    let cone = 1.0 - 4.0 * (x[0] + 0.4).hypot(x[1] - 0.3);
                    f64::from(u8::from(is_inside)).max(cone)
                }
                .max(0.0)
            };
            let found = solved(law, &grid, limiter, steps(0.5, 120), initial).unwrap();
            let cells = |state: &[f64]| -> f64 {
                let rows = state.chunks_exact(41).take(40).map(|row| &row[..40]);
                rows.flatten().sum()
            };
            let before = cells(&found.states()[0]);
            for state in found.states() {
                assert!((cells(state) / before - 1.0).abs() < 1e-13, "{limiter:?}");
                // To rounding.
                let range = -1e-12..=1.0 + 1e-12;
                let outside = state.iter().find(|u| !range.contains(*u));
                assert_eq!(outside, None, "{limiter:?} {ends:?}");
            }
        }
    }
}

/// A step from 1 to 0 moves with the speed ½; one from 0 to 1 becomes a fan x/t.
#[test]
fn shocks_have_their_speed_and_fans_open() {
    let burgers = law("u_t + u*u_x = 0", &["u^2/2"], None).unwrap();
    let grid = CellGrid::new(&[(-1.0, 2.0)], &[601], &[Ends::Open]).unwrap();
    let step = |from: f64, to: f64| move |x: &[f64]| if x[0] < 0.0 { from } else { to };
    for limiter in LIMITERS {
        let shock = solved(&burgers, &grid, limiter, steps(2.0, 1000), step(1.0, 0.0)).unwrap();
        // The mean of u is that of a step at the place of the shock.
        for (time, state) in shock.times().iter().zip(shock.states()).skip(10) {
            // Cells begin and the step was in the middle between nodes.
            let place = state[1..600].iter().sum::<f64>() * 0.005 - 0.9975;
            assert!((place - (time / 2.0 - 0.0025)).abs() < 1e-9, "{limiter:?}: {place} at {time}");
        }
        let fan = solved(&burgers, &grid, limiter, steps(1.0, 500), step(0.0, 1.0)).unwrap();
        let found = error(&fan, &grid, |x| x[0].clamp(0.0, 1.0));
        assert!(found < 5e-3, "{limiter:?}: {found}");
    }
}

#[test]
fn what_flows_in_is_given() {
    let moving = law("u_t + 2*u_x = 0", &["2*u"], None).unwrap();
    let grid = CellGrid::new(&[(0.0, 1.0)], &[401], &[Ends::Open]).unwrap();
    let scope = Scope::new().coordinate("t", CoordinateKind::Time).unwrap();
    let mut graph = Graph::new();
    let inflow = scope.lower(&parse_expression("sin(6*t)").unwrap(), &mut graph).unwrap();
    let inflow = Program::compile(&graph, &[inflow]);
    let limiter = Some(Limiter::VanLeer);
    let found = solve_conservation_law(
        &moving,
        &grid,
        limiter,
        &[0.0; 401],
        &[[Some(inflow), None]],
        steps(1.0, 2000),
        &|_| (),
    );
    let found = error(&found.unwrap(), &grid, |x| (6.0 * (1.0 - x[0] / 2.0)).sin());
    assert!(found < 5e-4, "{found}");
}

#[test]
fn cubic_polynomials_are_interpolated_exactly() {
    let still = law("u_t = 0", &["0*u", "0*u"], None).unwrap();
    let grid = CellGrid::new(&[(-1.0, 1.0), (0.0, 2.0)], &[9, 6], &[Ends::Closed; 2]).unwrap();
    let polynomial = |x: f64, y: f64| x.powi(3) - 2.0 * x * y + y * y;
    let found = solved(&still, &grid, None, steps(1.0, 2), |x| polynomial(x[0], x[1])).unwrap();
    let points = [vec![0.1, 0.5, 1.0], vec![-1.0, 0.123, 0.98], vec![0.05, 1.0, 1.7]];
    let wanted = [[0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 2, 0]];
    let wanted = wanted.map(|exponents| MultiIndex::new(&exponents).unwrap());
    let jets = found.jets(&points, &wanted).unwrap();
    for p in 0..3 {
        let (x, y) = (points[1][p], points[2][p]);
        let exact = [polynomial(x, y), 3.0 * x * x - 2.0 * y, 2.0 * (y - x), 0.0, 6.0 * x];
        for (column, exact) in jets.iter().zip(exact) {
            assert!((column[p] - exact).abs() < 1e-12, "{} {exact}", column[p]);
        }
    }
}

#[test]
fn periods_are_interpolated_across_their_ends() {
    let moving = law("u_t + u_x = 0", &["u"], None).unwrap();
    let grid = CellGrid::new(&[(0.0, TAU)], &[401], &[Ends::Periodic]).unwrap();
    let found = solved(&moving, &grid, Some(Limiter::VanLeer), steps(1.0, 1000), |x| x[0].sin());
    let points = [vec![0.501; 6], vec![-0.01, 0.003, 3.0, TAU - 0.001, TAU, TAU + 1.0]];
    let wanted = [[0, 0], [1, 0], [0, 1]].map(|exponents| MultiIndex::new(&exponents).unwrap());
    let jets = found.unwrap().jets(&points, &wanted).unwrap();
    for (p, x) in points[1].iter().enumerate() {
        let (sin, cos) = (x - 0.501).sin_cos();
        for (column, exact) in jets.iter().zip([sin, -cos, cos]) {
            assert!((column[p] - exact).abs() < 5e-3, "{} {exact} at {x}", column[p]);
        }
    }
}

/// Density that turns around the origin, as in the paper on derivative learning (arXiv 2505.01391): its
/// program has 301² nodes and 10 000 steps; here are a fifth and a tenth of them.
const NODES: usize = 61;
const STEPS: usize = 1000;

fn heaps(x: f64, y: f64) -> f64 {
    const CENTRES: [[f64; 2]; 4] = [[-0.3, -0.6], [-0.1, 0.2], [0.5, -0.5], [0.5, 0.4]];
    let at = |c: &[f64; 2]| (-((x - c[0]).powi(2) + (y - c[1]).powi(2)) / 0.05).exp();
    CENTRES.iter().map(at).sum()
}

/// The formulas of the published program, node by node.
fn published(steps: usize) -> Vec<Vec<f64>> {
    let place = |i: usize| -1.5 + 3.0 * i as f64 / (NODES - 1) as f64;
    let (h, step) = (3.0 / (NODES - 1) as f64, 10.0 / STEPS as f64);
    let last = NODES - 1;
    let is_inside = |i: usize| (1..last).contains(&i);
    let start = |i, j| {
        if is_inside(i) && is_inside(j) { heaps(place(i), place(j)) } else { 0.0 }
    };
    let mut density: Vec<Vec<f64>> =
        (0..NODES).map(|i| (0..NODES).map(|j| start(i, j)).collect()).collect();
    for _ in 0..steps {
        let before = density.clone();
        let flux = |a: f64, from: f64, to: f64| {
            f64::midpoint(a, a.abs()) * from + (a - a.abs()) / 2.0 * to
        };
        for i in 1..last {
            for j in 1..last {
                let (vx, vy, here) = (-place(j), place(i), before[i][j]);
                let right = if i == last - 1 { 0.0 } else { flux(vx, here, before[i + 1][j]) };
                let left = if i == 1 { 0.0 } else { flux(vx, before[i - 1][j], here) };
                let up = if j == last - 1 { 0.0 } else { flux(vy, here, before[i][j + 1]) };
                let down = if j == 1 { 0.0 } else { flux(vy, before[i][j - 1], here) };
                density[i][j] = here - step / h * (right - left + up - down);
            }
        }
    }
    density
}

#[test]
fn the_published_scheme_is_repeated() {
    let law = law("u_t - y*u_x + x*u_y = 0", &["-y*u", "x*u"], None).unwrap();
    let grid = CellGrid::new(&[(-1.5, 1.5); 2], &[NODES; 2], &[Ends::Closed; 2]).unwrap();
    let is_edge = |x: &f64| x.abs() > 1.49;
    let initial = |x: &[f64]| if x.iter().any(is_edge) { 0.0 } else { heaps(x[0], x[1]) };
    let found = solved(&law, &grid, None, steps(10.0, STEPS), initial).unwrap();
    for (n, state) in found.states().iter().enumerate().step_by(50) {
        assert_eq!(state.len(), NODES * NODES);
        let expected = published(n * STEPS / 100);
        for (a, b) in state.iter().zip(expected.iter().flatten()) {
            assert!((a - b).abs() < 1e-12, "{a} {b} at {n}");
        }
        // 4 · 0.05 π
        let mass = state.iter().sum::<f64>() * (3.0 / (NODES - 1) as f64).powi(2);
        assert!((mass - 0.2 * PI).abs() < 1e-5, "{mass}");
    }
}

#[test]
fn steps_that_are_too_long_say_how_many_suffice() {
    let moving = law("u_t + 3*u_x = 0", &["3*u"], None).unwrap();
    let grid = CellGrid::new(&[(0.0, 1.0)], &[101], &[Ends::Periodic]).unwrap();
    for limiter in LIMITERS {
        let attempt = |count| solved(&moving, &grid, limiter, steps(1.0, count), |x| x[0]);
        let Err(SolveError::Unstable { steps, .. }) = attempt(100) else { panic!() };
        let enough = if limiter.is_some() { 600 } else { 300 };
        assert_eq!(steps.to_string(), enough.to_string());
        assert!(attempt(enough).is_ok());
        assert!(attempt(enough - 1).is_err());
    }
    // Nonlinear: as fast as what is there.
    let burgers = law("u_t + u*u_x = 0", &["u^2/2"], None).unwrap();
    let attempt = |count| solved(&burgers, &grid, None, steps(1.0, count), |_| -2.0);
    assert!(attempt(150).unwrap_err().to_string().contains("take 200 steps"));
    assert!(attempt(200).is_ok());
}

#[test]
fn what_is_not_the_law_is_refused() {
    let refused = |equation, flux: &[&str], source| {
        law(equation, flux, source).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused("u_t + u_x = 0", &["-u"], None).contains("found another one"));
    assert!(refused("u_t + u_x = u", &["u"], None).contains("found another one"));
    assert!(law("u_t + u_x = u", &["u"], Some("u")).is_ok());
    assert!(
        law("3*u*cos(x) = u_t + sqrt(x)*u_x", &["sqrt(x)*u"], Some("3*u*cos(x) + u/2/sqrt(x)"))
            .is_ok()
    );
    assert!(refused("u_xx + u_x = 0", &["u"], None).contains("without c u_t"));
    assert!(refused("u_t*u + u_x = 0", &["u"], None).contains("without c u_t"));
    assert!(refused("u_t + u_xx = 0", &["u_x"], None).contains("derivative (0,1)"));
    assert!(law("u_t = 0", &[], None).is_err());
}

#[test]
fn fluxes_are_found_where_speeds_are_polynomials() {
    let grid = CellGrid::new(&[(-1.0, 1.0), (0.5, 1.5)], &[25, 18], &[Ends::Open; 2]).unwrap();
    for (equation, flux, source) in [
        ("u_t - y*u_x + x*u_y = 0", ["-y*u", "x*u"], None),
        ("u_t + u*u_x - u*u_y = 0", ["u^2/2", "-u^2/2"], None),
        ("3*u_t/c = 12*x*u_x", ["-x*u", "0"], Some("-u")),
        ("d(x*u^3, x) + u_t + 4*c*y*d(u, y) = x*u", ["x*u^3", "y*u"], Some("u + x*u")),
        (
            "u_t + exp(x)*(1 - u)^2*u_x = sin(u)*t",
            ["exp(x)*(u^3/3 - u^2 + u)", "0"],
            Some("t*sin(u) + exp(x)*(u^3/3 - u^2 + u)"),
        ),
    ] {
        let start = |x: &[f64]| (3.0 * x[0]).sin() * x[1];
        let solve = |law: &ConservationLaw| {
            solved(law, &grid, Some(Limiter::Minmod), steps(0.2, 200), start).unwrap()
        };
        let given = solve(&law(equation, &flux, source).unwrap());
        let found = solve(&found_law(equation).unwrap());
        for (given, found) in given.states().iter().zip(found.states()) {
            for (given, found) in given.iter().zip(found) {
                assert!((given - found).abs() < 1e-12 * (1.0 + given.abs()), "{equation}");
            }
        }
    }
    let refused = |equation| found_law(equation).map(|_| ()).unwrap_err().to_string();
    assert!(refused("u_t + sin(u)*u_x = 0").contains("no polynomials in the field"));
    assert!(refused("u_t + u_x^2 = 0").contains("derivative"));
    assert!(refused("u_t + u_x = u_xx").contains("derivative (0,2)"));
    assert!(refused("u_x = u_y").contains("without c u_t"));
}

#[test]
fn absurd_arguments_are_refused() {
    let new = |ranges: &[(f64, f64)], nodes: &[usize]| {
        CellGrid::new(ranges, nodes, &vec![Ends::Open; nodes.len()]).map(|_| ())
    };
    assert!(new(&[], &[]).is_err());
    assert!(new(&[(0.0, 1.0)], &[2]).is_err());
    assert!(new(&[(1.0, 1.0)], &[5]).is_err());
    assert!(new(&[(0.0, f64::NAN)], &[5]).is_err());
    assert!(new(&[(0.0, 1.0); 2], &[usize::MAX; 2]).is_err());
    assert!(CellGrid::new(&[(0.0, 1.0)], &[5], &[]).is_err());
    let moving = law("u_t + u_x = 0", &["u"], None).unwrap();
    let grid = CellGrid::new(&[(0.0, 1.0)], &[5], &[Ends::Open]).unwrap();
    let attempt = |initial: &[f64], steps| {
        solve_conservation_law(&moving, &grid, None, initial, &[[None, None]], steps, &|_| ())
            .map(|_| ())
    };
    let good = steps(1.0, 4);
    assert_eq!(attempt(&[1.0; 5], good), Ok(()));
    assert!(attempt(&[1.0; 4], good).is_err());
    assert!(attempt(&[1.0; 5], Steps { count: 0, ..good }).is_err());
    assert!(attempt(&[1.0; 5], Steps { to: 0.0, ..good }).is_err());
    assert!(attempt(&[1.0; 5], Steps { to: f64::NAN, ..good }).is_err());
    assert!(attempt(&[1.0; 5], Steps { stored: usize::MAX, ..good }).is_err());
    assert!(matches!(attempt(&[f64::NAN; 5], good), Err(SolveError::NotFinite { .. })));
    let found = solved(&moving, &grid, None, good, |x| x[0]).unwrap();
    assert!(found.jets(&[vec![0.0]], &[MultiIndex::VALUE]).is_err());
    assert_eq!(found.jets(&[vec![], vec![]], &[MultiIndex::VALUE]).unwrap(), [vec![]]);
    let fourth = MultiIndex::new(&[0, 4]).unwrap();
    assert!(found.jets(&[vec![0.0], vec![0.0]], &[fourth]).is_err());
    assert!(found.jets(&[vec![f64::NAN], vec![f64::NAN]], &[MultiIndex::VALUE]).is_ok());
}
