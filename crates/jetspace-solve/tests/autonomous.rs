//! Trajectories whose rates a caller gives, against closed forms and a plain loop.

use jetspace_solve::{EqualSteps, SolveError, follow};

/// q̇ = p, ṗ = −q.
fn oscillate(initial: &[Vec<f64>], steps: EqualSteps) -> Result<Vec<Vec<f64>>, SolveError> {
    follow(initial, steps, |state, rates| {
        rates[0].copy_from_slice(&state[1]);
        rates[1].iter_mut().zip(&state[0]).for_each(|(rate, q)| *rate = -q);
        Ok(())
    })
}

/// The largest error of q and p over [0, 6] from (1, 0) and (0.5, −2).
fn error(count: usize) -> f64 {
    let initial = [vec![1.0, 0.5], vec![0.0, -2.0]];
    let steps = EqualSteps { length: 6.0 / count as f64, count };
    let states = oscillate(&initial, steps).unwrap();
    let mut largest = 0.0_f64;
    for (n, (q, p)) in states[0].iter().zip(&states[1]).enumerate() {
        let (lane, k) = (n / (count + 1), n % (count + 1));
        let (sin, cos) = (k as f64 * steps.length).sin_cos();
        let (a, b) = (initial[0][lane], initial[1][lane]);
        largest = largest.max((q - (a * cos + b * sin)).abs());
        largest = largest.max((p - (b * cos - a * sin)).abs());
    }
    largest
}

#[test]
fn the_oscillator_goes_round_with_an_error_of_fourth_order() {
    // In each step the method leaves h⁵/120 of the exponential series out, times the amplitude √4.25.
    let expected = 4.25_f64.sqrt() * 6.0 * 0.006_f64.powi(4) / 120.0;
    assert!(error(1000) < 1.01 * expected, "{} {expected}", error(1000));
    let order = (error(50) / error(100)).log2();
    assert!((order - 4.0).abs() < 0.1, "{order}");
}

#[test]
fn steps_are_those_of_the_textbook() {
    let f = |[a, b]: [f64; 2]| [a * b - 1.0, b.sin() - a];
    let system = |state: &[Vec<f64>], rates: &mut [Vec<f64>]| {
        for lane in 0..state[0].len() {
            let [a, b] = f([state[0][lane], state[1][lane]]);
            (rates[0][lane], rates[1][lane]) = (a, b);
        }
        Ok::<_, SolveError>(())
    };
    let (h, count) = (0.1, 7);
    let initial = [vec![0.3, -0.2, 1.0], vec![0.9, 0.4, -1.0]];
    let states = follow(&initial, EqualSteps { length: h, count }, system).unwrap();
    for lane in 0..3 {
        let mut y = [initial[0][lane], initial[1][lane]];
        for k in 0..=count {
            for (component, value) in y.iter().enumerate() {
                let found = states[component][lane * (count + 1) + k];
                assert!((found - value).abs() < 1e-14, "{lane} {k}: {found} {value}");
            }
            let at = |c: f64, k: [f64; 2]| f([y[0] + c * h * k[0], y[1] + c * h * k[1]]);
            let k1 = f(y);
            let k2 = at(0.5, k1);
            let k3 = at(0.5, k2);
            let k4 = at(1.0, k3);
            for i in 0..2 {
                y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
    }
}

#[test]
fn a_trajectory_that_leaves_the_finite_numbers_leaves_the_others_alone() {
    // ẏ = y² has the solution 1/(1/y₀ − t), which ends at t = 1 from 1.
    let square = |state: &[Vec<f64>], rates: &mut [Vec<f64>]| {
        rates[0].iter_mut().zip(&state[0]).for_each(|(rate, y)| *rate = y * y);
        Ok::<_, SolveError>(())
    };
    let steps = EqualSteps { length: 0.01, count: 300 };
    let states = follow(&[vec![1.0, -1.0, f64::NAN]], steps, square).unwrap();
    assert!(!states[0][300].is_finite());
    assert!((states[0][601] + 0.25).abs() < 1e-8);
    assert!(states[0][602..].iter().all(|y| y.is_nan()));
}

#[test]
fn edge_cases_and_mistakes() {
    let none = EqualSteps { length: 0.1, count: 0 };
    assert_eq!(oscillate(&[vec![2.0], vec![3.0]], none).unwrap(), [[2.0], [3.0]]);
    assert_eq!(oscillate(&[vec![], vec![]], none).unwrap(), [[], []] as [[f64; 0]; 2]);
    let uneven = oscillate(&[vec![2.0], vec![3.0, 4.0]], none).unwrap_err();
    assert!(uneven.to_string().contains("1 trajectories"), "{uneven}");
    let endless = EqualSteps { length: 0.1, count: usize::MAX };
    assert!(oscillate(&[vec![2.0], vec![3.0]], endless).is_err());
    let stop = |_: &[Vec<f64>], _: &mut [Vec<f64>]| Err(SolveError::NotFinite { time: 1.0 });
    let one = EqualSteps { length: 0.1, count: 1 };
    assert_eq!(follow(&[vec![2.0]], one, stop), Err(SolveError::NotFinite { time: 1.0 }));
}
