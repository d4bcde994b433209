//! The conditions on functions of one variable, ends of searches, resuming, refused arguments.

use super::*;
use proptest::prelude::*;

/// A loss and its slope at a step.
type Line<'a> = &'a dyn Fn(f64) -> (f64, f64);

/// Searches to the end; that end, and the machine as it was then.
fn search(settings: LineSearchSettings, line: Line, first: f64) -> (LineSearchStep, LineSearch) {
    let (loss, slope) = line(0.0);
    let mut search = LineSearch::new(settings, loss, slope, first).unwrap();
    loop {
        let (loss, slope) = line(search.step());
        let step = search.tell(loss, slope);
        assert!(search.state().evaluations <= settings.evaluations);
        if !matches!(step, LineSearchStep::Try(_)) {
            return (step, search);
        }
    }
}

/// The strong Wolfe conditions, for the functions themselves.
fn assert_wolfe(settings: LineSearchSettings, line: Line, step: f64) {
    let ((start, slope), (loss, end_slope)) = (line(0.0), line(step));
    assert!(step > 0.0 && loss <= start + settings.sufficient_decrease * step * slope);
    assert!(end_slope.abs() <= settings.curvature * slope.abs());
}

fn exact() -> LineSearchSettings {
    LineSearchSettings { noise: 0.0, ..Default::default() }
}

/// A line that begins upwards, turned round.
fn downwards(line: impl Fn(f64) -> (f64, f64)) -> impl Fn(f64) -> (f64, f64) {
    let sign = if line(0.0).1 > 0.0 { -1.0 } else { 1.0 };
    move |step| {
        let (loss, slope) = line(sign * step);
        (loss, sign * slope)
    }
}

proptest! {
    #[test]
    fn strong_wolfe_conditions_hold_on_random_functions(
        waves in prop::collection::vec((-3.0..3.0, 0.1..5.0, -3.0..3.0), 1..6),
        growth in 0.01..2.0,
        scale in -6.0..6.0,
        first in -6.0..3.0,
        curvature in 0.01..0.95,
    ) {
        // Σ a sin(ω α + p) + growth α², which is bounded below, times a scale.
        let scale = 10_f64.powf(scale);
        let waves: &[(f64, f64, f64)] = &waves;
        let line = downwards(|step: f64| {
            let (mut loss, mut slope) = (growth * step * step, 2.0 * growth * step);
            for &(a, omega, p) in waves {
                loss += a * (omega * step + p).sin();
                slope += a * omega * (omega * step + p).cos();
            }
            (scale * loss, scale * slope)
        });
        prop_assume!(line(0.0).1 < -1e-3 * scale); // Else rounding decides.
        let settings = LineSearchSettings { curvature, evaluations: 60, ..exact() };
        let (end, search) = search(settings, &line, 10_f64.powf(first));
        prop_assert_eq!(end, LineSearchStep::Accepted);
        assert_wolfe(settings, &line, search.step());
    }

    #[test]
    fn steps_that_are_not_finite_are_too_long(
        barrier in -8.0..2.0, first in -6.0..6.0, kind in 0_usize..3,
    ) {
        // −log(r − α) − 2 α / r, whose minimum is at α = r/2.
        let r = 10_f64.powf(barrier);
        let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][kind];
        let line = |step: f64| {
            if step < r {
                (-(r - step).ln() - 2.0 * step / r, 1.0 / (r - step) - 2.0 / r)
            } else {
                (bad, bad)
            }
        };
        let settings = LineSearchSettings { curvature: 0.1, ..exact() };
        let (end, search) = search(settings, &line, 10_f64.powf(first));
        prop_assert_eq!(end, LineSearchStep::Accepted);
        assert_wolfe(settings, &line, search.step());
        prop_assert!((search.step() / r - 0.5).abs() < 0.1);
    }
}

#[test]
fn functions_of_more_and_thuente() {
    // Their §5, equations 5.1–5.3, with their constants; μ < η = 0.1 where they have μ = η.
    let first = |a: f64| (-a / (a * a + 2.0), (a * a - 2.0) / (a * a + 2.0).powi(2));
    let second = |a: f64| {
        let b = a + 0.004;
        (b.powi(5) - 2.0 * b.powi(4), 5.0 * b.powi(4) - 8.0 * b.powi(3))
    };
    let third = |a: f64| {
        let (beta, wave) = (0.01, 39.0 * std::f64::consts::FRAC_PI_2);
        let (loss, slope) = if a <= 1.0 - beta {
            (1.0 - a, -1.0)
        } else if a >= 1.0 + beta {
            (a - 1.0, 1.0)
        } else {
            ((a - 1.0).powi(2) / (2.0 * beta) + beta / 2.0, (a - 1.0) / beta)
        };
        (loss + (1.0 - beta) / wave * (wave * a).sin(), slope + (1.0 - beta) * (wave * a).cos())
    };
    let lines: [(Line, f64); 3] = [(&first, 0.001), (&second, 0.09), (&third, 0.09)];
    for (line, sufficient_decrease) in lines {
        for start in [1e-3, 1e-1, 1e1, 1e3] {
            let settings = LineSearchSettings { sufficient_decrease, curvature: 0.1, ..exact() };
            let (end, search) = search(settings, line, start);
            assert_eq!(end, LineSearchStep::Accepted, "from {start}: {search:?}");
            assert_wolfe(settings, line, search.step());
        }
    }
}

#[test]
fn trials_are_those_worked_out_by_hand() {
    // (α − 1)²: the cubic through two of its points is itself. From 4, too far, to the minimum;
    // from 0.01 the slope is too steep, and the minimum further than four times the advance.
    let line = |step: f64| ((step - 1.0).powi(2), 2.0 * (step - 1.0));
    for (first, expected) in [(4.0, vec![4.0, 1.0]), (0.01, vec![0.01, 0.05, 0.21])] {
        let (loss, slope) = line(0.0);
        let mut search = LineSearch::new(exact(), loss, slope, first).unwrap();
        for (k, expected) in expected.iter().enumerate() {
            assert!((search.step() - expected).abs() < 1e-15, "trial {k}: {}", search.step());
            let (loss, slope) = line(search.step());
            search.tell(loss, slope);
        }
        assert_eq!(search.state().evaluations, expected.len() as u64);
        let (loss, slope) = line(search.step());
        assert_eq!(search.tell(loss, slope), LineSearchStep::Accepted);
    }
}

#[test]
fn the_lowest_loss_stays_an_end_of_the_bracket() {
    // The second trial decreases the loss sufficiently, but less than the first.
    let mut search = LineSearch::new(exact(), 0.0, -1.0, 1.0).unwrap();
    search.tell(-10.0, -1.0);
    let second = search.step();
    search.tell(-5.0, -1.0);
    assert_eq!((search.best().step, search.state().high.step), (1.0, second));
    assert!(1.0 < search.step() && search.step() < second, "{search:?}");
}

#[test]
fn steps_up_that_no_cubic_follows_are_found_by_halving() {
    // A descent to a step up by 10⁶ at 1, behind which it goes on: the cubic through the start and a
    // point above is at its lowest close to the start.
    for first in [1.2, 3.0, 10.0] {
        let line = |step: f64| {
            let up = 1.0 / (1.0 + (-50.0 * (step - 1.0)).exp());
            (1e6 * up - step, 5e7 * up * (1.0 - up) - 1.0)
        };
        let settings = LineSearchSettings { curvature: 0.5, ..exact() };
        let (end, search) = search(settings, &line, first);
        assert_eq!(end, LineSearchStep::Accepted);
        assert!(search.state().evaluations <= 8, "{search:?}");
    }
}

#[test]
fn slopes_decide_where_losses_are_noise() {
    // 1 + 10⁻²⁰ (α − 1)², with noise of 10⁻¹² that depends on α in no smooth way.
    let line = |step: f64| {
        let noise = if step == 0.0 { 0.0 } else { 1e-12 * (step * 12345.678).sin() };
        (1.0 + noise, 2e-20 * (step - 1.0))
    };
    for first in [1e-3, 0.5, 1.7, 300.0] {
        let settings = LineSearchSettings { curvature: 0.1, ..Default::default() };
        let (end, search) = search(settings, &line, first);
        assert_eq!(end, LineSearchStep::Accepted);
        assert!((search.step() - 1.0).abs() <= 0.1, "{}", search.step());
    }
    // With noise that it is not told of, the losses mislead it, but not without end.
    let (end, _) = search(LineSearchSettings { curvature: 0.1, ..exact() }, &line, 1.7);
    assert!(matches!(end, LineSearchStep::Failed(_)), "{end:?}");
}

#[test]
fn every_failure_is_told_with_the_best_step() {
    let many = LineSearchSettings { evaluations: 1000, ..exact() };
    let fails = |settings, line: Line| {
        let (end, search) = search(settings, line, 1.0);
        let LineSearchStep::Failed(why) = end else { panic!("{end:?}") };
        assert!(!why.to_string().is_empty());
        (why, search.best())
    };
    // The slope promises what the loss does not keep.
    let rising = |step: f64| (step, -1.0);
    let start = Trial { step: 0.0, loss: 0.0, slope: -1.0 };
    assert_eq!(fails(exact(), &rising), (SearchFailure::Evaluations, start));
    assert_eq!(fails(many, &rising), (SearchFailure::Resolution, start));
    let nowhere = |step: f64| if step == 0.0 { (0.0, -1.0) } else { (f64::NAN, f64::NAN) };
    assert_eq!(fails(exact(), &nowhere), (SearchFailure::Evaluations, start));
    assert_eq!(fails(many, &nowhere).1, start);
    let (why, best) = fails(many, &|step: f64| (-step, -1.0));
    assert!(why == SearchFailure::Unbounded && best.loss == -best.step && best.step > 1e19);
    let three = LineSearchSettings { evaluations: 3, ..exact() };
    let (why, best) = fails(three, &|step: f64| (-step, -1.0));
    assert_eq!((why, best.step), (SearchFailure::Evaluations, 21.0));
}

#[test]
fn a_resumed_search_has_the_same_bits() {
    let line = |step: f64| (step - (0.1 + step).ln(), 1.0 - 1.0 / (0.1 + step));
    let settings = LineSearchSettings { curvature: 1e-3, ..exact() };
    let (loss, slope) = line(0.0);
    let mut whole = LineSearch::new(settings, loss, slope, 1e-4).unwrap();
    let mut parts = whole.clone();
    loop {
        parts = LineSearch::resume(settings, &parts.state()).unwrap();
        let (loss, slope) = line(whole.step());
        let step = whole.tell(loss, slope);
        assert_eq!(parts.tell(loss, slope), step);
        assert_eq!(parts, whole);
        if step == LineSearchStep::Accepted {
            break;
        }
    }
    assert!(whole.state().evaluations > 5);
}

#[test]
fn wrong_arguments_are_errors() {
    let with = |change: fn(&mut LineSearchSettings)| {
        let mut settings = LineSearchSettings::default();
        change(&mut settings);
        LineSearch::new(settings, 0.0, -1.0, 1.0).map(|_| ())
    };
    assert!(with(|_| ()).is_ok());
    assert!(with(|s| s.sufficient_decrease = 0.0).is_err());
    assert!(with(|s| s.sufficient_decrease = 0.5).is_err());
    assert!(with(|s| s.curvature = 1e-4).is_err());
    assert!(with(|s| s.curvature = 1.0).is_err());
    assert!(with(|s| s.noise = f64::NAN).is_err());
    assert!(with(|s| s.evaluations = 0).is_err());
    let start = |loss, slope, first| {
        LineSearch::new(LineSearchSettings::default(), loss, slope, first).map(|_| ())
    };
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(start(bad, -1.0, 1.0).is_err());
        assert!(start(0.0, bad, 1.0).is_err());
        assert!(start(0.0, -1.0, bad).is_err());
    }
    assert!(start(0.0, 0.0, 1.0).is_err());
    assert!(start(0.0, -1.0, 0.0).is_err());
}

#[test]
fn a_state_that_makes_no_sense_ends_all_the_same() {
    let settings = LineSearchSettings::default();
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        let trial = Trial { step: bad, loss: bad, slope: bad };
        let state = LineSearchState {
            start: trial,
            low: trial,
            high: trial,
            step: bad,
            widths: [bad; 2],
            evaluations: 0,
        };
        let mut search = LineSearch::resume(settings, &state).unwrap();
        let ends = (0..=settings.evaluations)
            .any(|_| !matches!(search.tell(1.0, -1.0), LineSearchStep::Try(_)));
        assert!(ends);
    }
}
