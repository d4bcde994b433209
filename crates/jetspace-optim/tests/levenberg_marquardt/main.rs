//! The method of Levenberg and Marquardt on problems with known minima, and interrupted.

mod edge_cases;

use jetspace_optim::{
    LeastSquares, LevenbergMarquardt, LevenbergMarquardtSettings, LevenbergMarquardtStep,
    LevenbergMarquardtStop, LinearSolver, Linearisation, OptimError,
};
use proptest::prelude::*;

type Step = LevenbergMarquardtStep;

/// Residuals, and the rows of their Jacobian.
type Residuals<'a> = &'a dyn Fn(&[f64]) -> (Vec<f64>, Vec<Vec<f64>>);

struct Problem<'a> {
    function: Residuals<'a>,
    count: usize,
}

impl LeastSquares for Problem<'_> {
    type Error = OptimError;

    fn residual_count(&self) -> Result<usize, OptimError> {
        Ok(self.count)
    }

    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) -> Result<(), OptimError> {
        residuals.copy_from_slice(&(self.function)(x).0);
        Ok(())
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Linearisation) -> Result<(), OptimError> {
        let (residuals, jacobian) = (self.function)(x);
        for (residual, row) in residuals.into_iter().zip(jacobian) {
            rows.push(residual)?.copy_from_slice(&row);
        }
        Ok(())
    }

    fn push_forward(
        &mut self,
        x: &[f64],
        v: &[f64],
        product: &mut [f64],
    ) -> Result<(), OptimError> {
        for (product, row) in product.iter_mut().zip((self.function)(x).1) {
            *product = row.iter().zip(v).map(|(j, v)| j * v).sum();
        }
        Ok(())
    }

    fn pull_back(&mut self, x: &[f64], w: &[f64], product: &mut [f64]) -> Result<(), OptimError> {
        product.fill(0.0);
        for (row, w) in (self.function)(x).1.iter().zip(w) {
            product.iter_mut().zip(row).for_each(|(product, j)| *product += j * w);
        }
        Ok(())
    }
}

fn problem<'a>(function: Residuals<'a>, x: &[f64]) -> Problem<'a> {
    Problem { function, count: function(x).0.len() }
}

/// The next call of the method, with what it asks for.
fn advance(
    method: &mut LevenbergMarquardt,
    function: Residuals<'_>,
    x: &mut [f64],
) -> Result<Step, OptimError> {
    method.advance(x, squares(&function(x).0), &mut problem(function, x))
}

const PLAIN: LevenbergMarquardtSettings = LevenbergMarquardtSettings {
    damping: 1e-3,
    acceleration: None,
    tolerance_gradient: 0.0,
    solver: LinearSolver::Dense,
    threads: 1,
};

const ACCELERATED: LevenbergMarquardtSettings =
    LevenbergMarquardtSettings { acceleration: Some(0.75), ..PLAIN };

/// These, with matrices and with conjugate gradients.
const ALL: [LevenbergMarquardtSettings; 4] = [
    PLAIN,
    ACCELERATED,
    LevenbergMarquardtSettings { solver: LinearSolver::ConjugateGradients, ..PLAIN },
    LevenbergMarquardtSettings { solver: LinearSolver::ConjugateGradients, ..ACCELERATED },
];

fn squares(residuals: &[f64]) -> f64 {
    residuals.iter().map(|r| r * r).sum()
}

/// Where a run ended.
#[derive(Debug)]
struct End {
    x: Vec<f64>,
    loss: f64,
    iterations: u64,
    stop: Option<LevenbergMarquardtStop>,
}

/// Minimises until the loss is at most `target` where an iteration ends, or it stops, or for 500
/// iterations.
fn minimise(
    settings: LevenbergMarquardtSettings,
    function: Residuals<'_>,
    start: &[f64],
    target: f64,
) -> End {
    let mut x = start.to_vec();
    let mut method = LevenbergMarquardt::new(settings, x.len()).unwrap();
    let (mut stop, mut iterations, mut loss) = (None, 0, squares(&function(&x).0));
    while iterations < 500 && stop.is_none() && loss > target {
        let step = advance(&mut method, function, &mut x).unwrap();
        stop = step.stop();
        if step != Step::Trying {
            iterations += 1;
            loss = squares(&function(&x).0);
        }
    }
    End { x, loss, iterations, stop }
}

fn rosenbrock(x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let residuals = vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]];
    (residuals, vec![vec![-20.0 * x[0], 10.0], vec![-1.0, 0.0]])
}

/// M. J. D. Powell's singular function: J at the minimum 0 has rank 2.
fn powell(x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (five, ten) = (5.0_f64.sqrt(), 10.0_f64.sqrt());
    let (near, far) = (x[1] - 2.0 * x[2], x[0] - x[3]);
    let residuals = vec![x[0] + 10.0 * x[1], five * (x[2] - x[3]), near * near, ten * far * far];
    let rows = vec![
        vec![1.0, 10.0, 0.0, 0.0],
        vec![0.0, 0.0, five, -five],
        vec![0.0, 2.0 * near, -4.0 * near, 0.0],
        vec![2.0 * ten * far, 0.0, 0.0, -2.0 * ten * far],
    ];
    (residuals, rows)
}

/// y − b₀ (1 − exp(−b₁ x)), with b₁ in units of `unit`.
fn saturation(data: &[(f64, f64)], unit: f64, b: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let residual = |&(x, y): &(f64, f64)| y - b[0] * (1.0 - (-b[1] * unit * x).exp());
    let row = |&(x, _): &(f64, f64)| {
        let decay = (-b[1] * unit * x).exp();
        vec![decay - 1.0, -b[0] * unit * x * decay]
    };
    (data.iter().map(residual).collect(), data.iter().map(row).collect())
}

// Data, minima and sums of squares of Misra1a and BoxBOD: NIST, Statistical Reference Datasets.

const MISRA_1A: [(f64, f64); 14] = [
    (77.6, 10.07),
    (114.9, 14.73),
    (141.1, 17.94),
    (190.8, 23.93),
    (239.9, 29.61),
    (289.0, 35.18),
    (332.8, 40.02),
    (378.4, 44.82),
    (434.8, 50.76),
    (477.3, 55.05),
    (536.8, 61.01),
    (593.1, 66.40),
    (689.1, 75.47),
    (760.0, 81.78),
];

const BOX_BOD: [(f64, f64); 6] =
    [(1.0, 109.0), (2.0, 149.0), (3.0, 149.0), (5.0, 191.0), (7.0, 213.0), (10.0, 224.0)];

#[test]
fn exponential_fits_to_certified_minima() {
    // Parameters are damped alike, so they need units in which they are of like size.
    let misra = |b: &[f64]| saturation(&MISRA_1A, 1e-6, b);
    let bod = |b: &[f64]| saturation(&BOX_BOD, 1e-2, b);
    let misra: (Residuals<'_>, _, _) = (&misra, [238.94212918, 550.15643181], 0.12455138894);
    let bod: (Residuals<'_>, _, _) = (&bod, [213.80940889, 54.723748542], 1168.0088766);
    for (problem, start) in [(misra, [500.0, 100.0]), (misra, [250.0, 500.0]), (bod, [100.0, 75.0])]
    {
        let (function, minimum, loss) = problem;
        for settings in ALL {
            let end = minimise(settings, function, &start, 0.0);
            assert!(end.stop.is_some() && end.iterations <= 60, "{settings:?}: {end:?}");
            // Eleven digits are certified; losses that differ by rounding, 2e-16, are those of
            // parameters that differ by its root.
            let error = |found: f64, expected: f64| (found / expected - 1.0).abs();
            let at_minimum =
                end.x.iter().zip(minimum).all(|(x, minimum)| error(*x, minimum) < 3e-8);
            assert!(error(end.loss, loss) < 1e-10 && at_minimum, "{settings:?}: {end:?}");
        }
    }
}

#[test]
fn rosenbrock_and_powell_to_zero() {
    for settings in ALL {
        let end = minimise(settings, &rosenbrock, &[-1.2, 1.0], 1e-25);
        assert!(end.loss <= 1e-25 && end.iterations <= 40, "{settings:?}: {end:?}");
        let end = minimise(settings, &powell, &[3.0, -1.0, 0.0, 1.0], 1e-25);
        assert!(end.loss <= 1e-25 && end.iterations <= 60, "{settings:?}: {end:?}");
    }
}

#[test]
fn acceleration_follows_a_bent_valley() {
    // Residuals are quadratic, so that the difference for the acceleration is exact but for rounding.
    let valley = |x: &[f64]| {
        let residuals = vec![1000.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]];
        (residuals, vec![vec![-2000.0 * x[0], 1000.0], vec![-1.0, 0.0]])
    };
    let iterations = |settings| {
        let end = minimise(settings, &valley, &[-1.2, 1.44], 1e-20);
        assert!(end.loss <= 1e-20, "{end:?}");
        end.iterations
    };
    assert!(2 * iterations(ACCELERATED) <= iterations(PLAIN));
}

#[test]
fn an_accelerated_step_is_that_of_its_formula() {
    // r = (x, k x²/2 + y) at (1, 2): J = ((1, 0), (k, 1)), and r_δδ = (0, k δ₀²).
    let (k, damping) = (0.25, 0.5);
    let function = |x: &[f64]| {
        let residuals = vec![x[0], 0.5 * k * x[0] * x[0] + x[1]];
        (residuals, vec![vec![1.0, 0.0], vec![k * x[0], 1.0]])
    };
    // JᵀJ + λ = ((a, b), (b, d)), whose mean of the diagonal without λ is (2 + k²)/2.
    let settings =
        LevenbergMarquardtSettings { damping: damping / (1.0 + 0.5 * k * k), ..ACCELERATED };
    let (a, b, d) = (1.0 + k * k + damping, k, 1.0 + damping);
    let solve = |x: f64, y: f64| {
        let determinant = a * d - b * b;
        [(d * x - b * y) / determinant, (a * y - b * x) / determinant]
    };
    let r = [1.0, 0.5 * k + 2.0];
    let step = solve(-(r[0] + k * r[1]), -r[1]);
    let bend = k * step[0] * step[0];
    let acceleration = solve(-k * bend, -bend);
    let mut x = [1.0, 2.0];
    let mut method = LevenbergMarquardt::new(settings, 2).unwrap();
    assert_eq!(advance(&mut method, &function, &mut x).unwrap(), Step::Trying);
    assert!((method.trial().unwrap() - damping).abs() <= 1e-15);
    for i in 0..2 {
        let expected = [1.0, 2.0][i] + step[i] + 0.5 * acceleration[i];
        assert!((x[i] - expected).abs() <= 1e-12, "{x:?} {expected}");
    }
}

/// Numbers without any pattern, in [−½, ½).
fn part(i: usize, seed: u32) -> f64 {
    ((i + 1) as f64 * std::f64::consts::SQRT_2 * f64::from(seed + 1)).fract() - 0.5
}

proptest! {
    #[test]
    fn linear_least_squares_take_one_step(
        residuals in 1_usize..30, parameters in 1_usize..30, seed in 0_u32..1000,
        repeat in any::<bool>(),
    ) {
        // Near the unit matrix, whose singular values are all 1. With `repeat` two columns are the same,
        // so that J may not have full rank.
        let row = |i: usize| {
            let entry = |j: usize| f64::from(u8::from(i == j)) + 0.2 * part(101 * i + j, seed);
            let mut row: Vec<f64> = (0..parameters).map(entry).collect();
            if repeat {
                row[parameters - 1] = row[0];
            }
            row
        };
        let jacobian: Vec<Vec<f64>> = (0..residuals).map(row).collect();
        let function = |x: &[f64]| {
            let dot = |row: &Vec<f64>| row.iter().zip(x).map(|(j, x)| j * x).sum::<f64>();
            let r = jacobian.iter().enumerate().map(|(i, row)| dot(row) - part(i, seed + 1));
            (r.collect(), jacobian.clone())
        };
        let settings = LevenbergMarquardtSettings { damping: 1e-9, ..PLAIN };
        let mut x = vec![0.0; parameters];
        let mut method = LevenbergMarquardt::new(settings, parameters).unwrap();
        prop_assert_eq!(advance(&mut method, &function, &mut x).unwrap(), Step::Trying);
        // There Jᵀr is −λx, which is hardly more than rounding.
        let (r, rows) = function(&x);
        let damping = 1e-9 * rows.iter().flatten().map(|j| j * j).sum::<f64>() / parameters as f64;
        for (j, x) in x.iter().enumerate() {
            let gradient: f64 = rows.iter().zip(&r).map(|(row, r)| row[j] * r).sum();
            prop_assert!((gradient + damping * x).abs() <= 1e-13, "{} {}", gradient, damping * x);
        }
        prop_assert_eq!(advance(&mut method, &function, &mut x).unwrap(), Step::Iterated);
    }
}

#[test]
fn more_parameters_than_residuals_end_at_zero() {
    // Two spheres in ten dimensions.
    let function = |x: &[f64]| {
        let centre = |i: usize, j: usize| if j == i { 1.0 } else { 0.1 };
        let radius = |i: usize| -> f64 {
            x.iter().enumerate().map(|(j, x)| (x - centre(i, j)).powi(2)).sum()
        };
        let row = |i| x.iter().enumerate().map(|(j, x)| 2.0 * (x - centre(i, j))).collect();
        ((0..2).map(|i| radius(i) - 2.0).collect(), (0..2).map(row).collect())
    };
    for settings in ALL {
        let end = minimise(settings, &function, &[0.3; 10], 1e-28);
        assert!(end.loss <= 1e-28 && end.iterations <= 20, "{settings:?}: {end:?}");
    }
}

#[test]
fn an_interruption_at_any_call_changes_no_bit() {
    let wavy = |x: &[f64]| {
        let residuals =
            vec![(3.0 * x[0]).sin() + x[1], x[0] * x[1] - 0.3, x[0] - 2.0 * x[1] * x[1]];
        let rows =
            vec![vec![3.0 * (3.0 * x[0]).cos(), 1.0], vec![x[1], x[0]], vec![1.0, -4.0 * x[1]]];
        (residuals, rows)
    };
    let problems: [(Residuals<'_>, &[f64]); 3] =
        [(&rosenbrock, &[-1.2, 1.0]), (&powell, &[3.0, -1.0, 0.0, 1.0]), (&wavy, &[2.0, -1.5])];
    let mut failures = 0;
    for (function, start) in problems {
        for settings in ALL {
            // All places and states between calls.
            let mut x = start.to_vec();
            let mut method = LevenbergMarquardt::new(settings, x.len()).unwrap();
            let mut path = vec![(x.clone(), method.state())];
            while path.len() < 60
                && advance(&mut method, function, &mut x).unwrap().stop().is_none()
            {
                path.push((x.clone(), method.state()));
            }
            failures += path.iter().filter(|(_, state)| state.growth > 2.0).count();
            let mut saved = path.iter();
            while let Some((x, state)) = saved.next() {
                let mut found = x.clone();
                let problem = &mut problem(function, x);
                let mut resumed =
                    LevenbergMarquardt::resume(settings, &mut found, state, problem).unwrap();
                assert_eq!((&found, &resumed.state()), (x, state));
                for (x, state) in saved.clone() {
                    advance(&mut resumed, function, &mut found).unwrap();
                    assert_eq!((&found, &resumed.state()), (x, state));
                }
            }
        }
    }
    assert!(failures >= 4, "too few steps failed to be sure of anything");
}

#[test]
fn the_objective_may_change_between_iterations() {
    // Lines through more and more points of y = 2x + 1: from one residual to four.
    let line = |count: usize| {
        move |x: &[f64]| {
            let at = |i: usize| f64::from(u8::try_from(i).unwrap());
            let residual = |i| x[0] + x[1] * at(i) - (2.0 * at(i) + 1.0);
            let rows = (0..count).map(|i| vec![1.0, at(i)]).collect();
            ((0..count).map(residual).collect(), rows)
        }
    };
    let settings = LevenbergMarquardtSettings { damping: 1e-9, ..ACCELERATED };
    let mut method = LevenbergMarquardt::new(settings, 2).unwrap();
    let mut x = [0.0, 0.0];
    for count in [1, 2, 3, 4, 1] {
        let function = line(count);
        for _ in 0..20 {
            let step = advance(&mut method, &function, &mut x).unwrap();
            if step != Step::Trying {
                break;
            }
        }
        assert!(squares(&function(&x).0) <= 1e-12, "{count}: {x:?}");
    }
}
