//! H against textbook matrices, ends and resets, resuming, refused arguments. Whether minima
//! are found, and how fast, is in `tests/quasi_newton.rs`.

use super::dense_algebra::{Matrix, Vector, dot, identity, largest_difference, product, solve};
use super::*;

fn dense(update: DenseUpdate, initial_scaling: bool) -> QuasiNewtonSettings {
    let hessian = InverseHessian::Dense { update, initial_scaling };
    QuasiNewtonSettings { hessian, ..Default::default() }
}

fn limited(pairs: usize) -> QuasiNewtonSettings {
    let hessian = InverseHessian::Limited { pairs };
    QuasiNewtonSettings { hessian, ..Default::default() }
}

/// Σ (1 + i) (cosh(xᵢ − 1) − 1) + ¼ (Σ xᵢ)⁴ / n³: convex, and not quadratic.
fn convex<T: Float>(x: &[T]) -> (f64, Vec<T>) {
    let n = x.len() as f64;
    let sum: f64 = x.iter().map(|x| x.to_f64()).sum();
    let quartic = sum.powi(3) / n.powi(3);
    let terms = x.iter().enumerate().map(|(i, x)| (1.0 + i as f64, x.to_f64() - 1.0));
    let loss = terms.clone().map(|(c, z)| c * (z.cosh() - 1.0)).sum::<f64>() + 0.25 * quartic * sum;
    (loss, terms.map(|(c, z)| T::from_f64(c * z.sinh() + quartic)).collect())
}

fn advance<T: Float>(method: &mut QuasiNewton<T>, x: &mut [T]) -> QuasiNewtonStep {
    let (loss, gradient) = convex(x);
    method.advance(x, loss, &gradient).unwrap()
}

/// H as the method holds it.
fn matrix(method: &QuasiNewton<f64>) -> Matrix {
    let n = method.parameters;
    match method.state().hessian {
        InverseHessianState::Dense { lower_triangle } => (0..n)
            .map(|i| {
                let entry = |j: usize| lower_triangle[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
                (0..n).map(entry).collect()
            })
            .collect(),
        _ => identity(n),
    }
}

/// The pair that an iteration left to learn.
fn pair(method: &QuasiNewton<f64>) -> (Vector, Vector, f64) {
    match method.state().phase {
        QuasiNewtonPhase::Learn { step, change, predicted, .. } => (step, change, predicted),
        phase => panic!("{phase:?}"),
    }
}

#[test]
fn bfgs_is_the_product_form_of_the_textbook() {
    // Nocedal & Wright, equation 6.17: H ← (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ, and 6.20.
    for (n, initial_scaling) in [(1, true), (3, false), (40, true), (70, true)] {
        let mut method = QuasiNewton::new(dense(DenseUpdate::Bfgs, initial_scaling), n).unwrap();
        let (mut x, mut h) = (vec![0.0; n], identity(n));
        let mut iterations = 0;
        while iterations < (4 * n).min(12) {
            if advance(&mut method, &mut x) != QuasiNewtonStep::Iterated {
                continue;
            }
            iterations += 1;
            let (s, y, _) = pair(&method);
            let rho = 1.0 / dot(&y, &s);
            if iterations == 1 && initial_scaling {
                h.iter_mut().flatten().for_each(|h| *h /= rho * dot(&y, &y));
            }
            let outer = |a: &[f64], b: &[f64], sign: f64| -> Matrix {
                let mut m = if sign < 0.0 { identity(n) } else { vec![vec![0.0; n]; n] };
                for i in 0..n {
                    for j in 0..n {
                        m[i][j] += sign * rho * a[i] * b[j];
                    }
                }
                m
            };
            h = product(&product(&outer(&s, &y, -1.0), &h), &outer(&y, &s, -1.0));
            let added = outer(&s, &s, 1.0);
            h.iter_mut().flatten().zip(added.iter().flatten()).for_each(|(h, a)| *h += a);

            advance(&mut method, &mut x); // Learns.
            let size = h.iter().flatten().fold(0.0, |m: f64, h| m.max(h.abs()));
            let error = largest_difference(&matrix(&method), &h);
            assert!(error <= 1e-11 * size, "n = {n}, iteration {iterations}: {error} of {size}");
        }
    }
}

#[test]
fn all_updates_keep_h_positive_definite_and_satisfy_the_secant_equation() {
    for update in DenseUpdate::ALL {
        for (n, initial_scaling) in [(1, true), (2, false), (35, true), (35, false)] {
            let mut method = QuasiNewton::new(dense(update, initial_scaling), n).unwrap();
            let mut x = vec![-1.0; n];
            let mut iterations = 0;
            while iterations < 3 * n.min(10) {
                match advance(&mut method, &mut x) {
                    QuasiNewtonStep::Iterated => {}
                    QuasiNewtonStep::Stopped(Stop::Gradient) => break, // One parameter.
                    step => {
                        assert_eq!(step, QuasiNewtonStep::Searching);
                        continue;
                    }
                }
                iterations += 1;
                let (s, y, predicted) = pair(&method);
                // Bs of the matrix before, which is positive definite.
                let bs = solve(matrix(&method), s.clone()).unwrap();
                assert!((dot(&s, &bs) - predicted).abs() <= 1e-10 * predicted);
                advance(&mut method, &mut x);
                let h = matrix(&method);
                let size = dot(&s, &s).sqrt();
                for (row, s) in h.iter().zip(&s) {
                    let terms: f64 = row.iter().zip(&y).map(|(h, y)| (h * y).abs()).sum();
                    assert!((dot(row, &y) - s).abs() <= 1e-12 * (terms + size));
                }
            }
        }
    }
}

/// Runs it, saving and resuming before every call.
fn assert_resumes<T: Float>(settings: QuasiNewtonSettings, n: usize) {
    let mut whole = QuasiNewton::<T>::new(settings, n).unwrap();
    let mut parts = whole.clone();
    let (mut x, mut y) = (vec![T::from_f64(-3.0); n], vec![T::from_f64(-3.0); n]);
    for call in 0..120 {
        let state = parts.state();
        parts = QuasiNewton::resume(settings, n, &state).unwrap();
        assert_eq!(parts.state(), state);
        let step = advance(&mut whole, &mut x);
        assert_eq!(advance(&mut parts, &mut y), step, "call {call}");
        assert_eq!(x, y, "call {call}");
        if step.stop().is_some() {
            assert!(call > 10);
            return;
        }
    }
}

#[test]
fn resumed_at_every_call_it_has_the_same_bits() {
    // c₂ = 0.01 makes searches of several trials.
    let search = LineSearchSettings { curvature: 0.01, ..Default::default() };
    for update in DenseUpdate::ALL {
        let settings = QuasiNewtonSettings { search, ..dense(update, true) };
        assert_resumes::<f64>(settings, 45);
        assert_resumes::<f32>(settings, 33);
    }
    let settings = QuasiNewtonSettings { search, ..limited(4) };
    assert_resumes::<f64>(settings, 45);
    assert_resumes::<f32>(settings, 7);
}

#[test]
fn trials_are_where_the_step_along_the_direction_leads() {
    let search = LineSearchSettings { curvature: 0.01, ..Default::default() };
    let settings = QuasiNewtonSettings { search, ..limited(3) };
    let mut method = QuasiNewton::<f64>::new(settings, 5).unwrap();
    let mut x = [-3.0; 5];
    let mut trials = 0;
    for _ in 0..40 {
        match method.state().phase {
            QuasiNewtonPhase::Search { origin, direction, .. } => {
                let step = method.trial().unwrap();
                for (x, (origin, d)) in x.iter().zip(origin.iter().zip(&direction)) {
                    assert!((x - (origin + step * d)).abs() <= 1e-15 * origin.abs().max(1.0));
                }
                trials += 1;
            }
            _ => assert_eq!(method.trial(), None),
        }
        advance(&mut method, &mut x);
    }
    assert!(trials > 20);
}

#[test]
fn the_newest_pairs_are_kept() {
    let mut method = QuasiNewton::new(limited(5), 3).unwrap();
    let mut x = [-1.0; 3];
    while !matches!(
        method.state().hessian,
        InverseHessianState::Limited { steps, .. } if steps.len() == 15
    ) {
        advance(&mut method, &mut x);
    }
    let state = method.state();
    let shorter = QuasiNewton::resume(limited(2), 3, &state).unwrap().state();
    let (
        InverseHessianState::Limited { steps, .. },
        InverseHessianState::Limited { steps: kept, .. },
    ) = (state.hessian, shorter.hessian)
    else {
        panic!()
    };
    assert_eq!(kept, steps[9..]);
}

/// What it does with the losses and slopes of one parameter that it is told, and where that ends.
fn steps_of(
    settings: QuasiNewtonSettings,
    told: &[(f64, f64)],
) -> (Vec<QuasiNewtonStep>, QuasiNewton<f64>, f64) {
    let mut method = QuasiNewton::new(settings, 1).unwrap();
    let mut x = [0.0];
    let steps = told
        .iter()
        .map(|&(loss, gradient)| method.advance(&mut x, loss, &[gradient]).unwrap())
        .collect();
    (steps, method, x[0])
}

#[test]
fn every_end_of_an_iteration_is_told() {
    use QuasiNewtonStep::{Iterated, Reset, Searching, Stopped};
    let search = LineSearchSettings { evaluations: 2, noise: 0.0, ..Default::default() };
    for settings in [limited(3), dense(DenseUpdate::SelfScaledBroyden, true)] {
        let settings = QuasiNewtonSettings { search, ..settings };
        let failed = Breakdown::Search(SearchFailure::Evaluations);
        // From 0 to 1 and accepted; two trials that are too high; from 1 again, by steepest descent.
        let found = [(4.0, -2.0), (3.0, -1.0), (3.0, -1.0), (9.0, 1.0), (9.0, 1.0), (3.0, -1.0)];
        let (steps, method, x) = steps_of(settings, &found);
        assert_eq!(steps, [Searching, Iterated, Searching, Searching, Reset(failed), Searching]);
        let QuasiNewtonPhase::Search { origin, direction, .. } = method.state().phase else {
            panic!()
        };
        assert_eq!((origin, direction, x), (vec![1.0], vec![1.0], 2.0));
        assert!(steps[4].moved() && steps[4].ends_iteration() && !steps[1].moved());

        // Twice too high along the steepest descent: there is nothing to be done, and the parameter
        // is where it was.
        let found = [(4.0, -2.0), (9.0, 1.0), (9.0, 1.0)];
        let (steps, _, x) = steps_of(settings, &found);
        let stop = Stop::Breakdown(failed);
        assert_eq!((steps[2], steps[2].stop(), x), (Stopped(stop), Some(stop), 0.0));
        assert!(stop.to_string().contains("evaluations") && steps[2].moved());

        // Lower, but too steep still, at the last evaluation: on from there.
        let found = [(4.0, -2.0), (3.0, -1.9), (9.0, 1.0)];
        let (steps, method, x) = steps_of(settings, &found);
        assert_eq!((steps[2], x), (Reset(failed), 1.0));
        assert_eq!(method.state().progress.loss, 3.0);

        // A gradient within the tolerance.
        let settings = QuasiNewtonSettings { tolerance_gradient: 0.5, ..settings };
        let (steps, _, x) = steps_of(settings, &[(4.0, -2.0), (3.0, 0.5), (3.0, 0.5), (3.0, 0.5)]);
        let stop = Stopped(Stop::Gradient);
        assert_eq!((&steps[..], x), (&[Searching, Iterated, stop, stop][..], 1.0));
        assert!(!stop.moved() && !stop.ends_iteration());
    }
}

#[test]
fn patience_ends_where_nothing_gets_smaller_and_begins_anew_with_the_objective() {
    let settings = QuasiNewtonSettings { patience: 3, ..limited(3) };
    let mut method = QuasiNewton::new(settings, 2).unwrap();
    let (mut x, mut iterations) = ([0.0; 2], 0);
    let mut gradient = [1.0, 0.5];
    // Losses that are equal but for noise, and gradients of one size, at right angles to each
    // direction.
    let mut loss = 5.0;
    let stop = (0..50).find_map(|_| {
        let step = method.advance(&mut x, loss, &gradient).unwrap();
        if step.moved() {
            loss += 1e-9;
        }
        if let QuasiNewtonPhase::Search { direction: d, .. } = method.state().phase {
            let size = d[0].abs().max(d[1].abs());
            gradient = [-d[1] / size, d[0] / size];
        }
        iterations += u64::from(step.ends_iteration());
        step.stop()
    });
    assert_eq!((stop, iterations), (Some(Stop::Stagnation), 3));
    // As long as nothing changes it ends so again; with another loss, or a smaller gradient, it goes on.
    assert_eq!(method.advance(&mut x, loss, &gradient).unwrap().stop(), stop);
    let mut other = method.clone();
    assert_eq!(other.advance(&mut x, 6.0, &gradient).unwrap(), QuasiNewtonStep::Searching);
    assert_eq!(other.state().progress.lowest_loss, 6.0);
    let smaller = gradient.map(|g| 0.9 * g);
    assert_eq!(method.advance(&mut x, loss, &smaller).unwrap(), QuasiNewtonStep::Searching);
    assert_eq!(
        method.state().progress,
        QuasiNewtonProgress { loss, lowest_loss: 5.0, lowest_gradient: 0.9, idle: 0 }
    );
}

#[test]
fn curvature_and_directions_that_are_of_no_use_reset_the_memory() {
    let mut spoilt = 0;
    for settings in [limited(3), dense(DenseUpdate::Bfgs, true)] {
        let mut method = QuasiNewton::new(settings, 2).unwrap();
        let mut x = [-1.0; 2];
        while method.state().hessian
            == QuasiNewton::<f64>::new(settings, 2).unwrap().state().hessian
        {
            advance(&mut method, &mut x);
        }
        while advance(&mut method, &mut x) != QuasiNewtonStep::Iterated {}
        for (factor, expected) in [
            (-1.0, Breakdown::Curvature),
            (0.0, Breakdown::Curvature),
            (f64::NAN, Breakdown::Curvature),
        ] {
            let mut state = method.state();
            if let QuasiNewtonPhase::Learn { change, .. } = &mut state.phase {
                for y in change {
                    *y *= factor;
                }
            }
            let mut broken = QuasiNewton::resume(settings, 2, &state).unwrap();
            let (before, step) = (x, advance(&mut broken, &mut x));
            assert_eq!((x, step), (before, QuasiNewtonStep::Reset(expected)));
            assert_eq!(advance(&mut broken, &mut x), QuasiNewtonStep::Searching);
            x = before;
            spoilt += 1;
        }
    }
    // A matrix that is not positive definite.
    let settings = dense(DenseUpdate::Bfgs, true);
    let mut state = QuasiNewton::<f64>::new(settings, 2).unwrap().state();
    for lower_triangle in [vec![-1.0, 0.0, -1.0], vec![f64::NAN; 3], vec![0.0; 3]] {
        state.hessian = InverseHessianState::Dense { lower_triangle };
        let mut broken = QuasiNewton::resume(settings, 2, &state).unwrap();
        let step = advance(&mut broken, &mut [0.0; 2]);
        assert_eq!(step, QuasiNewtonStep::Reset(Breakdown::Direction));
        spoilt += 1;
    }
    assert_eq!(spoilt, 9);
}

#[test]
fn wrong_arguments_are_errors() {
    let with = |change: fn(&mut QuasiNewtonSettings)| {
        let mut settings = QuasiNewtonSettings::default();
        change(&mut settings);
        QuasiNewton::<f64>::new(settings, 1).map(|_| ())
    };
    assert!(with(|_| ()).is_ok());
    assert!(with(|s| s.hessian = InverseHessian::Limited { pairs: usize::MAX }).is_ok());
    assert!(with(|s| s.hessian = InverseHessian::Limited { pairs: 0 }).is_err());
    assert!(with(|s| s.tolerance_gradient = -1.0).is_err());
    assert!(with(|s| s.patience = 0).is_err());
    assert!(with(|s| s.search.evaluations = 0).is_err());
    let error = QuasiNewton::<f64>::new(dense(DenseUpdate::Bfgs, true), 1 << 34).unwrap_err();
    assert_eq!(error, OptimError::Memory { parameters: 1 << 34 });

    for settings in [limited(3), dense(DenseUpdate::Bfgs, true)] {
        let mut method = QuasiNewton::<f64>::new(settings, 2).unwrap();
        let mut x = [0.0; 2];
        while advance(&mut method, &mut x) != QuasiNewtonStep::Iterated {}
        let before = (x, method.state());
        assert!(method.advance(&mut [0.0], 1.0, &[1.0; 2]).is_err());
        assert!(method.advance(&mut x, 1.0, &[1.0; 3]).is_err());
        for bad in [f64::NAN, f64::INFINITY] {
            let error = method.advance(&mut x, bad, &[1.0; 2]).unwrap_err();
            assert!(error.to_string().starts_with("the loss must be finite"), "{error}");
            assert!(method.advance(&mut x, 1.0, &[1.0, bad]).is_err());
        }
        assert_eq!((x, method.state()), before, "a refused call changes nothing");

        assert!(QuasiNewton::resume(settings, 3, &method.state()).is_err());
        while !matches!(method.state().phase, QuasiNewtonPhase::Search { .. }) {
            advance(&mut method, &mut x);
        }
        let state = method.state();
        let spoils: [fn(&mut QuasiNewtonState<f64>); 3] = [
            |state| match &mut state.hessian {
                InverseHessianState::Limited { changes, .. } => changes.clear(),
                InverseHessianState::Dense { lower_triangle } => lower_triangle.push(0.0),
                InverseHessianState::Identity => {}
            },
            |state| match &mut state.hessian {
                InverseHessianState::Limited { steps, .. } => steps.push(0.0),
                hessian => {
                    *hessian = InverseHessianState::Limited { steps: vec![], changes: vec![] };
                }
            },
            |state| {
                if let QuasiNewtonPhase::Search { direction, .. } = &mut state.phase {
                    direction.clear();
                }
            },
        ];
        for spoil in spoils {
            let mut state = state.clone();
            spoil(&mut state);
            assert!(QuasiNewton::resume(settings, 2, &state).is_err());
        }
    }
    let state = QuasiNewton::<f64>::new(dense(DenseUpdate::Bfgs, true), 2).unwrap().state();
    let error = QuasiNewton::resume(limited(3), 2, &state).unwrap_err();
    assert!(error.to_string().contains("limited memory"), "{error}");
}
