//! What is not finite, nothing to do, wrong arguments.

use jetspace_optim::{
    LevenbergMarquardt, LevenbergMarquardtOrigin, LevenbergMarquardtSettings,
    LevenbergMarquardtState, LevenbergMarquardtStop, LinearSolver, OptimError,
};

use super::{ACCELERATED, ALL, PLAIN, Problem, advance, minimise, problem, rosenbrock};

#[test]
fn trials_that_are_not_finite_are_too_long() {
    // √x − 1: there are no residuals left of 0, and from 30 the first step leads there.
    let function = |x: &[f64]| (vec![x[0].sqrt() - 1.0], vec![vec![0.5 / x[0].sqrt()]]);
    for settings in ALL {
        let end = minimise(settings, &function, &[30.0], 1e-28);
        assert!((end.x[0] - 1.0).abs() < 1e-14, "{end:?}");
    }
    // Nowhere but at the start.
    for bad in [f64::NAN, f64::INFINITY] {
        let function = |x: &[f64]| {
            (vec![if x[0] == 1.0 { 1.0 } else { bad }, 1.0], vec![vec![1.0], vec![0.0]])
        };
        for settings in ALL {
            let end = minimise(settings, &function, &[1.0], 0.0);
            assert_eq!((end.x[0], end.stop), (1.0, Some(LevenbergMarquardtStop::NoDecrease)));
        }
    }
}

#[test]
fn what_is_not_finite_where_an_iteration_begins_is_an_error() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
        for place in 0..3 {
            let mut numbers = [0.5; 3];
            numbers[place] = bad;
            let [loss, residual, slope] = numbers;
            for (residuals, parameters) in [(2, 1), (1, 2)] {
                let function = |_: &[f64]| {
                    (vec![residual; residuals], vec![vec![slope; parameters]; residuals])
                };
                for settings in ALL {
                    let mut method = LevenbergMarquardt::new(settings, parameters).unwrap();
                    let mut x = vec![0.25; parameters];
                    let before = method.state();
                    let result = method.advance(&mut x, loss, &mut problem(&function, &[]));
                    let is_finite = loss.is_finite() && (residual * slope).is_finite();
                    if is_finite && (slope * slope).is_finite() {
                        assert!(result.is_ok(), "{numbers:?} {result:?}");
                        continue;
                    }
                    assert!(matches!(result, Err(OptimError::NotFinite { .. })), "{result:?}");
                    assert_eq!((method.state(), x), (before, vec![0.25; parameters]));
                }
            }
        }
    }
}

#[test]
fn nothing_to_do_is_noticed() {
    for (residuals, parameters) in [(0, 0), (0, 3), (3, 0), (1, 1)] {
        let flat = |_: &[f64]| (vec![1.0; residuals], vec![vec![0.0; parameters]; residuals]);
        for settings in ALL {
            let mut method = LevenbergMarquardt::new(settings, parameters).unwrap();
            let mut x = vec![1.0; parameters];
            for _ in 0..2 {
                let step = advance(&mut method, &flat, &mut x).unwrap();
                assert_eq!(step.stop(), Some(LevenbergMarquardtStop::Gradient));
                assert_eq!(x, vec![1.0; parameters]);
            }
        }
    }
}

#[test]
fn slopes_whose_squares_are_zero_end_it() {
    for (residuals, parameters) in [(1, 1), (2, 1), (1, 2)] {
        let steep = |x: &[f64]| {
            (vec![1.0 + 1e-170 * x[0]; residuals], vec![vec![1e-170; parameters]; residuals])
        };
        let kinds = [
            (LinearSolver::Dense, LevenbergMarquardtStop::NoDecrease),
            (LinearSolver::ConjugateGradients, LevenbergMarquardtStop::Rounding),
        ];
        for (solver, stop) in kinds {
            let settings = LevenbergMarquardtSettings { solver, ..ACCELERATED };
            let end = minimise(settings, &steep, &vec![1.0; parameters], 0.0);
            assert_eq!((end.stop, end.x), (Some(stop), vec![1.0; parameters]));
        }
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let wrong = |change: fn(&mut LevenbergMarquardtSettings)| {
        let mut settings = ACCELERATED;
        change(&mut settings);
        let error = LevenbergMarquardt::new(settings, 1).unwrap_err();
        assert!(matches!(error, OptimError::Setting { .. }), "{error}");
    };
    wrong(|s| s.damping = -1.0);
    wrong(|s| s.damping = f64::NAN);
    wrong(|s| s.damping = f64::INFINITY);
    wrong(|s| s.acceleration = Some(0.0));
    wrong(|s| s.acceleration = Some(f64::NAN));
    wrong(|s| s.tolerance_gradient = f64::NAN);

    let mut method = LevenbergMarquardt::new(ACCELERATED, 2).unwrap();
    let right = &mut problem(&rosenbrock, &[0.0; 2]);
    let length = |error| assert!(matches!(error, OptimError::Length { expected: 2, .. }));
    length(method.advance(&mut [0.0; 3], 1.0, right).unwrap_err());
    let origin = LevenbergMarquardtOrigin { parameters: vec![0.0; 3], loss: 1.0 };
    let state = LevenbergMarquardtState { origin: Some(origin), ..method.state() };
    length(LevenbergMarquardt::resume(PLAIN, &mut [0.0; 2], &state, right).unwrap_err());

    // As many residuals as it says.
    for count in [1, 3] {
        let mut method = LevenbergMarquardt::new(PLAIN, 2).unwrap();
        let mut wrong = Problem { function: &rosenbrock, count };
        let error = method.advance(&mut [0.0; 2], 1.0, &mut wrong).unwrap_err();
        assert!(matches!(error, OptimError::Residuals { expected, .. } if expected == count));
    }
}
