//! L-BFGS against PyTorch's: the same points, evaluation by evaluation, and the same ends of epochs.
//! `fixtures/torch_lbfgs.py` says how PyTorch's were recorded.

use jetspace_optim::{Lbfgs, LbfgsSettings, LbfgsStep};

/// A loss and its gradient.
type Objective = fn(&[f64]) -> (f64, Vec<f64>);

fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
    let mut gradient = vec![0.0; x.len()];
    let mut loss = 0.0;
    for i in 0..x.len() - 1 {
        let (valley, slope) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        loss += 100.0 * (valley * valley) + slope * slope;
        gradient[i] -= 400.0 * valley * x[i] + 2.0 * slope;
        gradient[i + 1] += 200.0 * valley;
    }
    (loss, gradient)
}

fn least_squares(x: &[f64]) -> (f64, Vec<f64>) {
    let mut gradient = vec![0.0; x.len()];
    let mut loss = 0.0;
    for i in 1..=12 {
        let row = |j: usize| ((i * (j + 1)) % 7) as f64 - 3.0;
        let product: f64 = x.iter().enumerate().map(|(j, x)| row(j) * x).sum();
        let residual = product - (i % 5) as f64;
        loss += residual * residual;
        for (j, g) in gradient.iter_mut().enumerate() {
            *g += 2.0 * residual * row(j);
        }
    }
    (loss, gradient)
}

/// The recorded evaluations of a problem: epoch, loss, point.
fn recorded(problem: &str) -> Vec<(usize, f64, Vec<f64>)> {
    let evaluation = |line: &str| {
        let mut cells = line.split(',').skip(1);
        let epoch = cells.next().unwrap().parse().unwrap();
        let mut numbers = cells.map(|cell| cell.parse().unwrap());
        (epoch, numbers.next().unwrap(), numbers.collect())
    };
    let lines = include_str!("fixtures/torch_lbfgs.csv").lines();
    lines.filter(|line| line.split(',').next() == Some(problem)).map(evaluation).collect()
}

/// Follows the record, and returns how many epochs ended before their last inner iteration.
fn follow(problem: &str, objective: Objective, settings: LbfgsSettings, tolerance: f64) -> usize {
    let record = recorded(problem);
    let mut x = record[0].2.clone();
    let mut lbfgs = Lbfgs::new(settings, x.len()).unwrap();
    let mut early = 0;
    for (k, (epoch, torch_loss, torch_x)) in record.iter().enumerate() {
        let size = torch_x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (found, expected) in x.iter().zip(torch_x) {
            let error = (found - expected).abs();
            assert!(error <= tolerance * size, "{problem}, evaluation {k}: {error}");
        }
        let (loss, gradient) = objective(&x);
        assert!((loss - torch_loss).abs() <= tolerance * (1.0 + torch_loss), "{problem}, {k}");
        let step = lbfgs.advance(&mut x, loss, &gradient).unwrap();
        // The last line of the record ends its epoch too.
        let ended = record.get(k + 1).is_none_or(|(next, ..)| next != epoch);
        assert_eq!(
            matches!(step, LbfgsStep::Ended(_)),
            ended,
            "{problem}, evaluation {k}: {step:?}"
        );
        early += usize::from(!step.moved());
    }
    early
}

#[test]
fn rosenbrock_in_two_dimensions() {
    let settings = LbfgsSettings { rate: 0.5, ..Default::default() };
    // Three full epochs, one that stops for want of progress, two that cannot move.
    assert_eq!(follow("rosenbrock 2", rosenbrock, settings, 1e-12), 3);
}

#[test]
fn rosenbrock_in_ten_dimensions_with_a_short_history_and_early_stops() {
    let settings = LbfgsSettings {
        rate: 0.3,
        history: 5,
        inner_iterations: 7,
        tolerance_change: 0.02,
        ..Default::default()
    };
    assert!(follow("rosenbrock 10", rosenbrock, settings, 1e-12) >= 10);
}

#[test]
fn least_squares_to_the_minimum() {
    assert_eq!(follow("least squares", least_squares, LbfgsSettings::default(), 1e-12), 4);
}

#[test]
fn a_slope_within_the_tolerance_ends_an_epoch() {
    let settings = LbfgsSettings { tolerance_change: 10.0, ..Default::default() };
    assert_eq!(follow("slope", least_squares, settings, 1e-12), 3);
}
