//! Runge–Kutta methods against solutions in closed form, their orders, and how they end.

use std::f64::consts::PI;

use jetspace_expr::{CoordinateKind, Graph, Scope, Symbol, parse_equation};
use jetspace_jet::{InstructionSet, MultiIndex};
use jetspace_solve::{FirstOrderSystem, SolveError, Stepping, Trajectories, integrate};
use proptest::prelude::*;

const ACCURATE: Stepping = Stepping::Adaptive { relative: 1e-12, absolute: 1e-14 };

/// Coordinates t and c.
fn system(fields: &[&str], equations: &[&str]) -> Result<FirstOrderSystem, SolveError> {
    let mut scope = Scope::new()
        .coordinate("t", CoordinateKind::Time)
        .unwrap()
        .coordinate("c", CoordinateKind::Parameter)
        .unwrap();
    for field in fields {
        scope = scope.field(field).unwrap();
    }
    let mut graph = Graph::new();
    let lower =
        |text: &&str| scope.lower_equation(&parse_equation(text).unwrap(), &mut graph).unwrap();
    let residuals: Vec<_> = equations.iter().map(lower).collect();
    FirstOrderSystem::new(&graph, &residuals, fields.len(), 0, &[1], &[])
}

/// One trajectory from time 0: the states at the times.
fn follow(
    system: &FirstOrderSystem,
    stepping: Stepping,
    initial: &[f64],
    times: &[f64],
) -> Result<Vec<Vec<f64>>, SolveError> {
    let initial: Vec<Vec<f64>> = initial.iter().map(|&value| vec![value]).collect();
    let trajectories = Trajectories {
        from: 0.0,
        constants: &[vec![0.0], vec![1.0]],
        initial: &initial,
        times: &[times.to_vec()],
    };
    integrate(system, stepping, &trajectories)
}

/// sn(x, k) and K(k) by the arithmetic-geometric mean (Abramowitz and Stegun, 16.4 and 17.6).
fn jacobi(x: f64, k: f64) -> (f64, f64) {
    let (mut a, mut b, mut c) = (1.0, (1.0 - k * k).sqrt(), k);
    let mut steps = Vec::new();
    while c.abs() > 1e-17 && steps.len() < 20 {
        (a, b, c) = (f64::midpoint(a, b), (a * b).sqrt(), (a - b) / 2.0);
        steps.push((a, c));
    }
    let mut phase = 2_f64.powi(i32::try_from(steps.len()).unwrap()) * a * x;
    for (a, c) in steps.iter().rev() {
        phase = f64::midpoint(phase, (c / a * phase.sin()).asin());
    }
    (phase.sin(), PI / 2.0 / a)
}

/// The pendulum u_tt = −sin u from rest at an angle: sin(u/2) = k sn(t + K), k = sin(u₀/2).
fn pendulum(start: f64, time: f64) -> f64 {
    let k = (start / 2.0).sin();
    let (_, quarter) = jacobi(0.0, k);
    2.0 * (k * jacobi(time + quarter, k).0).asin()
}

#[test]
fn the_classical_method_has_order_four() {
    let system = system(&["u"], &["u_tt + sin(u) = 0"]).unwrap();
    let errors = [50.0, 100.0, 200.0, 400.0].map(|steps| {
        let fixed = Stepping::Fixed { length: 5.0 / steps };
        let found = follow(&system, fixed, &[1.2, 0.0], &[5.0]).unwrap();
        (found[0][0] - pendulum(1.2, 5.0)).abs()
    });
    for pair in errors.windows(2) {
        let rate = (pair[0] / pair[1]).log2();
        assert!((rate - 4.0).abs() < 0.2, "{errors:?}: {rate}");
    }
}

#[test]
fn steps_are_as_long_as_the_tolerance_allows() {
    let system = system(&["u"], &["u_tt + sin(u) = 0"]).unwrap();
    let times: Vec<f64> = (0..=100).map(|i| f64::from(i) * 0.1).collect();
    let errors = [1e-5, 1e-7, 1e-9, 1e-11].map(|tolerance| {
        let stepping = Stepping::Adaptive { relative: tolerance, absolute: tolerance };
        let found = follow(&system, stepping, &[1.2, 0.0], &times).unwrap();
        let difference = |(u, &t): (&f64, &f64)| (u - pendulum(1.2, t)).abs();
        found[0].iter().zip(&times).map(difference).fold(0.0, f64::max)
    });
    // Errors fall with the tolerance to the power of 5/5.
    for pair in errors.windows(2) {
        let rate = (pair[0] / pair[1]).log10() / 2.0;
        assert!((rate - 1.0).abs() < 0.2, "{errors:?}: {rate}");
    }
    assert!(errors[3] < 1e-10, "{errors:?}");
}

#[test]
fn energy_is_kept() {
    let system = system(&["u"], &["u_tt = -0.981*sin(u)"]).unwrap();
    let times: Vec<f64> = (0..=1000).map(|i| f64::from(i) * 0.01).collect();
    let energy = |u: f64, v: f64| v * v / 2.0 + 0.981 * (1.0 - u.cos());
    for start in [[0.7, 1.5], [-0.785, -1.2], [0.1, 0.0]] {
        let found = follow(&system, ACCURATE, &start, &times).unwrap();
        let states = found[0].iter().zip(&found[1]);
        let drift = states.map(|(&u, &v)| (energy(u, v) - energy(start[0], start[1])).abs());
        let drift = drift.fold(0.0, f64::max);
        assert!(drift < 1e-11, "{start:?}: {drift:.1e}");
    }
}

/// Angles and velocities at t = 2.5 and 10 as diffsol 0.18.0 has them (`tsit45`, relative tolerances of
/// 1e-12 and 1e-13, which differ by less than 1.3e-13).
#[test]
fn a_damped_pendulum_is_that_of_another_solver() {
    let system = system(&["u"], &["u_tt = -0.981*sin(u) - 0.5*u_t"]).unwrap();
    #[rustfmt::skip]
    let others = [
        ([1.0, 0.5], [0.0590875848901452, -0.668359898269001, -0.07330840281399689, -0.054660439231484725]),
        ([-0.7, 1.4], [0.796767034293736, -0.3491548294621912, 0.06377780650113392, -0.11606040029439205]),
        ([1.5, -1.5], [-0.9951906277668165, 0.03780687947640452, -0.13303053362623446, 0.10634164160531286]),
    ];
    for (start, expected) in others {
        let found = follow(&system, ACCURATE, &start, &[2.5, 10.0]).unwrap();
        let found = [found[0][0], found[1][0], found[0][1], found[1][1]];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-12, "{start:?}: {found} {expected}");
        }
    }
}

/// A value depends neither on which other times are wanted, nor on which trajectories are beside.
#[test]
fn values_depend_on_nothing_else() {
    let system = system(&["u"], &["u_tt + c*sin(u) + 0.1*u_t = cos(t)"]).unwrap();
    let initial = |n: usize| [0.01 * n as f64, 1.0 - 0.005 * n as f64];
    let wanted = |n: usize| (0..n % 5).map(|k| 0.3 * k as f64 + 0.017 * n as f64).collect();
    let times: Vec<Vec<f64>> = (0..300).map(wanted).collect();
    let starts: Vec<[f64; 2]> = (0..300).map(initial).collect();
    let columns: Vec<Vec<f64>> = (0..2).map(|c| starts.iter().map(|s| s[c]).collect()).collect();
    let constants = [vec![], vec![1.0; 300]];
    for stepping in [ACCURATE, Stepping::Fixed { length: 0.02 }] {
        let all =
            Trajectories { from: 0.0, constants: &constants, initial: &columns, times: &times };
        let together = integrate(&system, stepping, &all).unwrap();
        let mut place = 0;
        for (start, times) in starts.iter().zip(&times) {
            for time in times {
                let alone = follow(&system, stepping, start, &[*time]).unwrap();
                for component in 0..2 {
                    assert_eq!(together[component][place], alone[component][0]);
                }
                place += 1;
            }
        }
        assert_eq!(together[0].len(), place);
    }
}

#[test]
fn derivatives_follow_from_the_equation() {
    // u = exp(−t/10) cos t: u_tt = −u_t/5 − 1.01 u, with a factor that need not be constant.
    let system = system(&["u"], &["(2 + u^2)*(u_tt + u_t/5 + 1.01*c*u) = 0"]).unwrap();
    let time = 1.7;
    let state = follow(&system, ACCURATE, &[1.0, -0.1], &[time]).unwrap();
    let wanted: Vec<_> = (0..=4).map(|k| (0, MultiIndex::new(&[k]).unwrap())).collect();
    let program = system.derivatives(&wanted).unwrap();
    let inputs: Vec<&[f64]> = program
        .inputs()
        .iter()
        .map(|symbol| match system.state().iter().position(|s| s == symbol) {
            Some(component) => state[component].as_slice(),
            None => &[1.0],
        })
        .collect();
    let mut values = [[0.0]; 5];
    let mut outputs: Vec<&mut [f64]> = values.iter_mut().map(<[f64; 1]>::as_mut_slice).collect();
    let mut scratch = jetspace_expr::Scratch::new(InstructionSet::best());
    program.evaluate(&inputs, 1, &mut scratch, &mut outputs).unwrap();
    // Re λᵏ exp(λt) with λ = −1/10 + i.
    let (mut re, mut im) = ((-0.1 * time).exp() * time.cos(), (-0.1 * time).exp() * time.sin());
    for [value] in values {
        assert!((value - re).abs() < 1e-11, "{value} {re}");
        (re, im) = (-0.1 * re - im, re - 0.1 * im);
    }
}

#[test]
fn fields_may_be_coupled_in_any_order() {
    // u = cosh t, v = sinh t: of second and of first order.
    let system = system(&["u", "v"], &["v_t = u", "u_tt = u + v - u_t"]).unwrap();
    let names = [(0, 0), (0, 1), (1, 0)];
    let of = |(field, order): (usize, u8)| Symbol::Jet {
        field,
        index: MultiIndex::new(&[order]).unwrap(),
    };
    assert_eq!(system.state(), names.map(of));
    let found = follow(&system, ACCURATE, &[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0, 2.0]).unwrap();
    for (p, t) in [0.0_f64, 0.0, 1.0, 2.0].iter().enumerate() {
        assert!((found[0][p] - t.cosh()).abs() < 1e-11);
        assert!((found[2][p] - t.sinh()).abs() < 1e-11);
    }
    // Without derivatives by time that are not wanted: nothing to follow.
    assert_eq!(follow(&system, ACCURATE, &[1.0, 0.0, 0.0], &[]).unwrap(), vec![vec![]; 3]);
}

proptest! {
    #[test]
    fn oscillators_go_both_ways(
        frequency in 0.1_f64..5.0, angle in -3.0_f64..3.0, mut times in prop::collection::vec(0.0_f64..3.0, 0..6),
        is_backward: bool,
    ) {
        let equation = format!("u_tt = -{}*u", frequency * frequency);
        let system = system(&["u"], &[&equation]).unwrap();
        times.sort_by(f64::total_cmp);
        let times: Vec<f64> = times.iter().map(|t| if is_backward { -t } else { *t }).collect();
        let exact = |t: f64| (angle + frequency * t).sin();
        let start = [exact(0.0), frequency * angle.cos()];
        let found = follow(&system, ACCURATE, &start, &times).unwrap();
        for (u, &t) in found[0].iter().zip(&times) {
            prop_assert!((u - exact(t)).abs() < 1e-10, "{} at {t}", u - exact(t));
        }
    }
}

#[test]
fn what_cannot_be_followed_ends_with_a_reason() {
    let end = |equation: &str, stepping, start: f64| {
        let system = system(&["u"], &[equation]).unwrap();
        follow(&system, stepping, &[start], &[10.0]).unwrap_err()
    };
    // 1/(1 − t).
    let SolveError::StepTooSmall { time } = end("u_t = u^2", ACCURATE, 1.0) else { panic!() };
    assert!((time - 1.0).abs() < 1e-6, "{time}");
    let not_defined = end("u_t = log(u - 2)", ACCURATE, 1.0);
    assert_eq!(not_defined, SolveError::StepTooSmall { time: 0.0 });
    let stiff = end("u_t = 1e9*(cos(t) - u)", ACCURATE, 0.0);
    assert!(matches!(stiff, SolveError::TooManySteps { time, .. } if time < 1.0), "{stiff}");
    let fixed = Stepping::Fixed { length: 1e-3 };
    let SolveError::NotFinite { time } = end("u_t = u^2", fixed, 1.0) else { panic!() };
    assert!((1.0..1.1).contains(&time), "{time}");
    let unbounded = end("u_t = u", Stepping::Fixed { length: 1e-8 }, 1.0);
    assert!(matches!(unbounded, SolveError::TooManySteps { .. }), "{unbounded}");
    let start = end("u_t = u", ACCURATE, f64::NAN);
    assert_eq!(start, SolveError::NotFinite { time: 0.0 });
}

#[test]
fn what_is_not_a_system_is_refused() {
    let refused = |fields: &[&str], equations: &[&str]| {
        system(fields, equations).map(|_| ()).unwrap_err().to_string()
    };
    let not = |found| {
        format!(
            "expected equation 0 (from 0) to be linear in the highest derivative by time of one \
             field, {found}: write it as u_tt = …"
        )
    };
    assert_eq!(refused(&["u"], &["u = cos(t)"]), not("found none"));
    assert_eq!(refused(&["u"], &["u_t^2 = u"]), not("found it otherwise"));
    assert_eq!(
        refused(&["u", "v"], &["u_t + v_t = u", "v_t = u"]),
        not("found those of several fields")
    );
    assert!(refused(&["u", "v"], &["u_t = v", "u_t = u"]).contains("found 2 for field 0"));
    assert!(refused(&["u"], &["u_t = u_c"]).contains("derivative (0,1)"));
}

#[test]
fn absurd_arguments_are_refused() {
    let growth = system(&["u"], &["u_t = c*u"]).unwrap();
    let attempt = |stepping, times: &[f64]| follow(&growth, stepping, &[1.0], times).map(|_| ());
    assert_eq!(attempt(ACCURATE, &[1.0]), Ok(()));
    assert!(attempt(ACCURATE, &[1.0, 0.5]).is_err());
    assert!(attempt(ACCURATE, &[-1.0, 1.0]).is_err());
    assert!(attempt(ACCURATE, &[f64::NAN]).is_err());
    assert!(attempt(ACCURATE, &[f64::INFINITY]).is_err());
    for length in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(attempt(Stepping::Fixed { length }, &[1.0]).is_err());
        assert!(attempt(Stepping::Adaptive { relative: length, absolute: 1.0 }, &[1.0]).is_err());
        assert!(attempt(Stepping::Adaptive { relative: 1e-3, absolute: length }, &[1.0]).is_err());
    }
    let with = |constants: &[Vec<f64>], initial: &[Vec<f64>]| {
        let times = &[vec![1.0]];
        integrate(&growth, ACCURATE, &Trajectories { from: 0.0, constants, initial, times })
    };
    assert!(with(&[vec![], vec![1.0]], &[vec![1.0]]).is_ok());
    assert!(with(&[vec![], vec![]], &[vec![1.0]]).is_err());
    assert!(with(&[vec![], vec![1.0]], &[]).is_err());
    assert!(with(&[vec![], vec![1.0]], &[vec![1.0, 2.0]]).is_err());
    let by_constant = MultiIndex::new(&[0, 1]).unwrap();
    assert!(growth.derivatives(&[(0, by_constant)]).is_err());
    assert!(growth.derivatives(&[(1, MultiIndex::VALUE)]).is_err());
}
