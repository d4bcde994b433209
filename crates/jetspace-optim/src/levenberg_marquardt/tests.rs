//! Steps against the equations that they solve, with all sums as plain loops over J.

use super::*;
use proptest::prelude::*;

/// Rows of a Jacobian, and residuals at 0.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub rows: Vec<Vec<f64>>,
    pub residuals: Vec<f64>,
    parameters: usize,
}

impl System {
    /// Numbers without any pattern, in [−½, ½).
    pub fn new(residuals: usize, parameters: usize, seed: usize) -> Self {
        let part = |i: usize| {
            ((i + 1) as f64 * std::f64::consts::SQRT_2 * (seed + 1) as f64).fract() - 0.5
        };
        let row = |i: usize| (0..parameters).map(|j| part(7919 * i + j)).collect();
        Self {
            rows: (0..residuals).map(row).collect(),
            residuals: (0..residuals).map(|i| part(i + 104_729)).collect(),
            parameters,
        }
    }

    /// The same problem with rows of zeros.
    fn padded(&self, residuals: usize) -> Self {
        let mut padded = self.clone();
        padded.rows.resize(residuals, vec![0.0; self.parameters]);
        padded.residuals.resize(residuals, 0.0);
        padded
    }

    pub fn linearisation(&self, solver: LinearSolver, threads: usize) -> Linearisation {
        let mut all = Linearisation::new(solver, self.parameters, threads);
        // Before that others, which are to be forgotten, as is a row too few.
        for rows in [2 * self.rows.len(), 1, self.rows.len()] {
            all.begin(rows, rows * (self.parameters + 1)).unwrap();
            for _ in 1..rows {
                all.push(0.25).unwrap().fill(f64::NAN);
            }
        }
        for _ in 0..2 {
            all.begin(self.rows.len(), self.rows.len() * (self.parameters + 1)).unwrap();
            for (row, &residual) in self.rows.iter().zip(&self.residuals) {
                all.push(residual).unwrap().copy_from_slice(row);
            }
            all.complete().unwrap();
        }
        all
    }

    /// J x.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, x)).collect()
    }

    /// Jᵀ w.
    pub fn transposed_times(&self, w: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.parameters];
        for (row, w) in self.rows.iter().zip(w) {
            product.iter_mut().zip(row).for_each(|(product, j)| *product += j * w);
        }
        product
    }

    /// (JᵀJ + λ) x.
    pub fn damped_times(&self, damping: f64, x: &[f64]) -> Vec<f64> {
        let product = self.transposed_times(&self.times(x));
        product.iter().zip(x).map(|(product, x)| product + damping * x).collect()
    }
}

pub(super) fn is_near(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance)
}

proptest! {
    #[test]
    fn steps_solve_the_damped_equations_in_either_space(
        residuals in 0_usize..70, parameters in 0_usize..70, seed in 0_usize..1000,
        damping in 1e-3..10.0,
    ) {
        let system = System::new(residuals, parameters, seed);
        let mut all = system.linearisation(LinearSolver::Dense, 1);
        let gradient = system.transposed_times(&system.residuals);
        prop_assert!(is_near(all.gradient(), &gradient, 1e-13));
        let squares: f64 = system.rows.iter().map(|row| dot(row, row)).sum();
        prop_assert!((all.squared_norm() - squares).abs() <= 1e-12 * squares);

        prop_assert!(all.factorise(damping));
        let step = all.step();
        let negative: Vec<f64> = gradient.iter().map(|g| -g).collect();
        prop_assert!(is_near(&system.damped_times(damping, &step), &negative, 1e-11));
        // JᵀJ and JJᵀ give the same steps and corrections but for rounding.
        let after = System::new(residuals, 1, seed + 1).residuals;
        let damped = system.transposed_times(&after).into_iter().zip(&step);
        let right_side: Vec<f64> = damped.map(|(g, step)| -g - damping * step).collect();
        let mut padded = system.padded(residuals.max(parameters)).linearisation(LinearSolver::Dense, 1);
        prop_assert!(!padded.is_of_residuals() && padded.factorise(damping));
        prop_assert!(is_near(&padded.step(), &step, 1e-11));
        let half = padded.solve(right_side.clone());
        prop_assert!(is_near(&system.damped_times(damping, &half), &right_side, 1e-11));
        if all.is_of_residuals() {
            prop_assert!(is_near(&all.correction(&after), &half, 1e-11));
        }
    }
}

#[test]
fn rows_beyond_a_block_count_as_much() {
    for residuals in [1023, 1024, 1025, 2048, 2050] {
        let system = System::new(residuals, 3, 1);
        let mut all = system.linearisation(LinearSolver::Dense, 1);
        assert!(is_near(all.gradient(), &system.transposed_times(&system.residuals), 1e-11));
        assert!(all.factorise(0.5));
        let back = system.damped_times(0.5, &all.step());
        let negative: Vec<f64> = all.gradient().iter().map(|g| -g).collect();
        assert!(is_near(&back, &negative, 1e-11));
    }
}

#[test]
fn strips_and_threads_change_no_bit() {
    for (residuals, parameters) in [(300, 257), (257, 300), (1100, 129), (129, 1100)] {
        let system = System::new(residuals, parameters, 2);
        let steps = [1, 2, 5].map(|threads| {
            let mut all = system.linearisation(LinearSolver::Dense, threads);
            assert!(all.factorise(0.5));
            all.step()
        });
        assert!(steps[0] == steps[1] && steps[0] == steps[2]);
        let back = system.damped_times(0.5, &steps[0]);
        let gradient = system.transposed_times(&system.residuals);
        let negative: Vec<f64> = gradient.iter().map(|g| -g).collect();
        assert!(is_near(&back, &negative, 1e-10));
    }
}

#[test]
fn every_residual_needs_its_row() {
    let wrong = |found| OptimError::Residuals { expected: 2, found };
    for solver in [LinearSolver::Dense, LinearSolver::ConjugateGradients] {
        let mut rows = Linearisation::new(solver, 3, 1);
        rows.begin(2, 8).unwrap();
        rows.push(1.0).unwrap().fill(1.0);
        assert_eq!(rows.complete(), Err(wrong(1)));
        rows.begin(2, 8).unwrap();
        for _ in 0..2 {
            assert_eq!(rows.push(1.0).unwrap().len(), 3);
        }
        assert_eq!(rows.push(1.0), Err(wrong(3)));
    }
}

#[test]
fn matrices_that_are_too_large_are_errors_or_not_made() {
    use LinearSolver::{Auto, ConjugateGradients, Dense};
    let whole = |residuals: usize, parameters| residuals.saturating_mul(parameters);
    for (residuals, parameters, factors) in [
        (1 << 14, 1 << 14, 0),
        (usize::MAX, 1 << 14, 0),
        (1 << 10, 1 << 19, whole(1 << 10, 1 << 19)),
        (1 << 14, 1 << 20, whole(1 << 14, 1 << 20)),
        (1 << 14, 1 << 20, 1 << 20),
        (1 << 10, 1 << 19, usize::MAX),
    ] {
        let expected = Err(OptimError::LinearisationMemory { residuals, parameters });
        assert_eq!(Linearisation::new(Dense, parameters, 1).begin(residuals, factors), expected);
        assert_eq!(LevenbergMarquardt::check_size(Dense, residuals, parameters, factors), expected);
        for solver in [Auto, ConjugateGradients] {
            let mut rows = Linearisation::new(solver, parameters, 1);
            rows.begin(residuals, factors).unwrap();
            assert!(!rows.has_matrix() && !rows.prefers_factors());
            LevenbergMarquardt::check_size(solver, residuals, parameters, factors).unwrap();
        }
    }
    for (residuals, parameters, factors) in [
        (usize::MAX, 10_000, usize::MAX),
        (100, 1 << 20, whole(100, 1 << 20)),
        (1 << 10, 1 << 19, 1 << 20),
        (0, 1 << 20, 0),
    ] {
        LevenbergMarquardt::check_size(Dense, residuals, parameters, factors).unwrap();
    }
    let mut rows = Linearisation::new(Auto, 10_000, 1);
    rows.begin(100, 0).unwrap();
    assert!(rows.has_matrix() && rows.prefers_factors());
}
