//! What `tests/torch_lbfgs.rs` does not see: reasons for stops, resuming, `f32`, refused arguments.

use super::*;

/// ½ Σ cᵢ xᵢ² with curvatures from 1 to 1000.
fn quadratic<T: Float>(x: &[T]) -> (f64, Vec<T>) {
    let curvature = |i: usize| 10_f64.powf(3.0 * (i as f64 * 0.618).fract());
    let gradient = |(i, x): (usize, &T)| curvature(i) * x.to_f64();
    let terms = x.iter().enumerate();
    let loss = terms.clone().map(|(i, x)| 0.5 * gradient((i, x)) * x.to_f64()).sum();
    (loss, terms.map(|term| T::from_f64(gradient(term))).collect())
}

fn advance<T: Float>(lbfgs: &mut Lbfgs<T>, x: &mut [T]) -> LbfgsStep {
    let (loss, gradient) = quadratic(x);
    lbfgs.advance(x, loss, &gradient).unwrap()
}

#[test]
fn first_steps_are_those_worked_out_by_hand() {
    // f = 2 x², η = ½, from x = 1: g = 4, t = ½ · ¼, x = 1 − ½. There g = 2, s = −½, y = −2:
    // y·s = 1, γ = ¼; one pair in one dimension gives the Newton step d = −s g / y = −½.
    let settings = LbfgsSettings { rate: 0.5, ..Default::default() };
    let mut lbfgs = Lbfgs::new(settings, 1).unwrap();
    let mut x = [1.0_f64];
    for expected in [0.5, 0.25, 0.125] {
        let (loss, gradient) = (2.0 * x[0] * x[0], [4.0 * x[0]]);
        assert_eq!(lbfgs.advance(&mut x, loss, &gradient), Ok(LbfgsStep::Moved));
        assert_eq!(x, [expected]);
    }
    let state = lbfgs.state();
    assert_eq!((state.iterations, state.inner_iterations, state.loss), (3, 3, 0.125));
    assert_eq!((&state.gradient[..], &state.step[..]), (&[1.0][..], &[-0.125][..]));
    assert_eq!(state.history_steps, [-0.5, -0.25]);
    assert_eq!(state.history_changes, [-2.0, -1.0]);
}

#[test]
fn every_reason_for_an_end_is_told() {
    let with = |settings| Lbfgs::<f64>::new(settings, 1).unwrap();
    let quiet =
        LbfgsSettings { tolerance_gradient: 0.0, tolerance_change: 0.0, ..Default::default() };
    let mut x = [1.0];

    let mut lbfgs = with(LbfgsSettings { inner_iterations: 2, ..quiet });
    assert_eq!(lbfgs.advance(&mut x, 5.0, &[1.0]), Ok(LbfgsStep::Moved));
    let end = lbfgs.advance(&mut x, 4.0, &[0.5]).unwrap();
    assert_eq!(end, LbfgsStep::Ended(EpochEnd::InnerIterations));
    assert!(end.moved());

    for (settings, loss, gradient, expected, is_final) in [
        (LbfgsSettings { tolerance_gradient: 0.5, ..quiet }, 4.0, 0.5, EpochEnd::Gradient, true),
        // The step was −1: min(1, 1/‖g‖₁) g.
        (LbfgsSettings { tolerance_change: 1.0, ..quiet }, 1.0, 0.5, EpochEnd::Step, false),
        (LbfgsSettings { tolerance_change: 0.9, ..quiet }, 4.5, 0.5, EpochEnd::Loss, false),
        // d = −g s / y = −½ · 1 / ½: the slope is −½.
        (LbfgsSettings { tolerance_change: 0.6, ..quiet }, 4.0, 0.5, EpochEnd::Slope, true),
    ] {
        let mut x = [1.0];
        let mut lbfgs = with(settings);
        assert_eq!(lbfgs.advance(&mut x, 5.0, &[1.0]), Ok(LbfgsStep::Moved));
        assert_eq!(x, [0.0]);
        let end = lbfgs.advance(&mut x, loss, &[gradient]).unwrap();
        assert_eq!(end, LbfgsStep::Ended(expected));
        assert!(!end.moved() && x == [0.0] && expected.is_final() == is_final);
        // The next epoch begins with the same evaluation.
        let next = lbfgs.advance(&mut x, loss, &[gradient]).unwrap();
        assert_eq!(next == end, is_final, "{next:?}");
    }
}

#[test]
fn updates_in_single_precision_are_those_in_double_precision() {
    let settings = LbfgsSettings { rate: 0.5, ..Default::default() };
    let rounded = |numbers: &[f64]| numbers.iter().map(|&x| f32::from_f64(x)).collect::<Vec<f32>>();
    let mut double = [1.0; 100];
    let mut of_double = Lbfgs::new(settings, 100).unwrap();
    for k in 0..50 {
        let state = of_double.state();
        let state = LbfgsState {
            iterations: state.iterations,
            inner_iterations: state.inner_iterations,
            loss: state.loss,
            gradient: rounded(&state.gradient),
            step: rounded(&state.step),
            history_steps: rounded(&state.history_steps),
            history_changes: rounded(&state.history_changes),
        };
        let mut of_single = Lbfgs::resume(settings, &state).unwrap();
        let (loss, gradient) = quadratic(&double);
        of_single.advance(&mut rounded(&double), loss, &rounded(&gradient)).unwrap();
        of_double.advance(&mut double, loss, &gradient).unwrap();
        let (single, double) = (of_single.state().step, of_double.state().step);
        let norm =
            |vector: &mut dyn Iterator<Item = f64>| vector.map(|x| x * x).sum::<f64>().sqrt();
        let difference = single.iter().zip(&double).map(|(s, d)| f64::from(*s) - d);
        let error = norm(&mut difference.into_iter()) / norm(&mut double.iter().copied());
        // Some units in the last place (6·10⁻⁸), where the old gradient has not cancelled in y.
        assert!(error <= 3e-6, "update {k}: {error}");
    }
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    let settings = LbfgsSettings { rate: 0.3, history: 7, ..Default::default() };
    let mut whole = [1.0_f32; 45];
    let mut lbfgs = Lbfgs::new(settings, 45).unwrap();
    let steps: Vec<LbfgsStep> = (0..60).map(|_| advance(&mut lbfgs, &mut whole)).collect();
    for stop in [0, 1, 5, 19, 20, 33] {
        let mut parts = [1.0_f32; 45];
        let mut lbfgs = Lbfgs::new(settings, 45).unwrap();
        for (t, step) in steps.iter().enumerate() {
            if t == stop {
                let state = lbfgs.state();
                lbfgs = Lbfgs::resume(settings, &state).unwrap();
                assert_eq!(lbfgs.state(), state);
            }
            assert_eq!(advance(&mut lbfgs, &mut parts), *step);
        }
        assert_eq!(whole, parts, "stopped at {stop}");
    }
    let shorter = LbfgsSettings { history: 3, ..settings };
    let (long, short) = (lbfgs.state(), Lbfgs::resume(shorter, &lbfgs.state()).unwrap().state());
    assert_eq!(short.history_steps, long.history_steps[4 * 45..]);
}

#[test]
fn wrong_arguments_are_errors() {
    let with = |change: fn(&mut LbfgsSettings)| {
        let mut settings = LbfgsSettings::default();
        change(&mut settings);
        Lbfgs::<f64>::new(settings, 1).map(|_| ())
    };
    assert!(with(|s| s.history = usize::MAX).is_ok(), "memory is taken as pairs come");
    assert!(with(|s| s.rate = -1.0).is_err());
    assert!(with(|s| s.history = 0).is_err());
    assert!(with(|s| s.inner_iterations = 0).is_err());
    assert!(with(|s| s.tolerance_gradient = f64::NAN).is_err());
    assert!(with(|s| s.tolerance_change = f64::INFINITY).is_err());

    let mut lbfgs = Lbfgs::<f64>::new(LbfgsSettings::default(), 2).unwrap();
    let mut x = [1.0; 2];
    advance(&mut lbfgs, &mut x);
    let before = (x, lbfgs.state());
    assert!(lbfgs.set_rate(f64::NAN).is_err());
    assert!(lbfgs.advance(&mut [0.0], 1.0, &[1.0; 2]).is_err());
    assert!(lbfgs.advance(&mut x, 1.0, &[1.0; 3]).is_err());
    for bad in [f64::NAN, f64::INFINITY] {
        let error = lbfgs.advance(&mut x, bad, &[1.0; 2]).unwrap_err();
        assert!(error.to_string().starts_with("the loss must be finite"), "{error}");
        assert!(lbfgs.advance(&mut x, 1.0, &[1.0, bad]).is_err());
    }
    assert_eq!((x, lbfgs.state()), before, "a refused call changes nothing");

    let spoils: [fn(&mut LbfgsState<f64>); 4] = [
        |state| state.step.push(0.0),
        |state| state.history_steps.push(0.0),
        |state| state.history_changes.push(0.0),
        |state| state.gradient.clear(),
    ];
    for spoil in spoils {
        advance(&mut lbfgs, &mut x);
        let mut state = lbfgs.state();
        spoil(&mut state);
        assert!(Lbfgs::resume(LbfgsSettings::default(), &state).is_err());
    }
}

#[test]
fn no_parameters_are_at_their_minimum() {
    let mut lbfgs = Lbfgs::<f64>::new(LbfgsSettings::default(), 0).unwrap();
    let end = lbfgs.advance(&mut [], 1.0, &[]);
    assert_eq!(end, Ok(LbfgsStep::Ended(EpochEnd::Gradient)));
    assert!(Lbfgs::resume(LbfgsSettings::default(), &lbfgs.state()).is_ok());
}

#[test]
fn an_overflow_is_an_error_and_leaves_the_parameters() {
    let mut lbfgs = Lbfgs::<f32>::new(LbfgsSettings::default(), 1).unwrap();
    let mut x = [0.0];
    let error = lbfgs.advance(&mut x, 1.0, &[1e30]).unwrap_err(); // g·d = −10⁶⁰
    assert!(error.to_string().starts_with("the slope"), "{error}");
    assert_eq!(x, [0.0]);
}
