//! Steps against those of Cholesky factors, what they are when cut short, and minima without a matrix.

use super::super::tests::{System, is_near};
use super::super::{LevenbergMarquardt, LevenbergMarquardtSettings, LinearSolver};
use super::*;
use crate::OptimError;
use proptest::prelude::*;

/// A linear problem, which counts products.
struct Linear<'a> {
    system: &'a System,
    products: usize,
}

impl LeastSquares for Linear<'_> {
    type Error = OptimError;

    fn residual_count(&self) -> Result<usize, OptimError> {
        Ok(self.system.rows.len())
    }

    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) -> Result<(), OptimError> {
        let parts = self.system.times(x).into_iter().zip(&self.system.residuals);
        residuals.iter_mut().zip(parts).for_each(|(r, (linear, fixed))| *r = linear + fixed);
        Ok(())
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Linearisation) -> Result<(), OptimError> {
        let mut residuals = vec![0.0; self.system.rows.len()];
        self.residuals(x, &mut residuals)?;
        for (residual, row) in residuals.into_iter().zip(&self.system.rows) {
            rows.push(residual)?.copy_from_slice(row);
        }
        Ok(())
    }

    fn push_forward(
        &mut self,
        _: &[f64],
        v: &[f64],
        product: &mut [f64],
    ) -> Result<(), OptimError> {
        self.products += 1;
        product.copy_from_slice(&self.system.times(v));
        Ok(())
    }

    fn pull_back(&mut self, _: &[f64], w: &[f64], product: &mut [f64]) -> Result<(), OptimError> {
        self.products += 1;
        product.copy_from_slice(&self.system.transposed_times(w));
        Ok(())
    }
}

/// With the same column twice where there are two, so that J does not have full rank for n ≥ p.
fn deficient(residuals: usize, parameters: usize, seed: usize) -> System {
    let mut system = System::new(residuals, parameters, seed);
    for row in &mut system.rows {
        if let [first, .., last] = row.as_mut_slice() {
            *last = *first;
        }
    }
    system
}

/// The step from 0 for these residuals, and the number of products that it took; with other settings
/// than usual if there are some.
fn solve(
    system: &System,
    damping: f64,
    residuals: &[f64],
    settings: Option<(f64, usize)>,
) -> (Solution, usize) {
    let all = system.linearisation(LinearSolver::ConjugateGradients, 1);
    let origin = vec![0.0; all.gradient().len()];
    let mut problem = Linear { system, products: 0 };
    let mut method = ConjugateGradients::new(&all, &origin, damping, &mut problem);
    if let Some((tolerance, most_iterations)) = settings {
        (method.tolerance, method.most_iterations) = (tolerance, most_iterations);
    }
    let solution = method.solve(residuals.to_vec()).unwrap();
    (solution, problem.products)
}

fn negative(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| -x).collect()
}

fn sum(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}

proptest! {
    #[test]
    fn exact_steps_are_those_of_cholesky_factors(
        residuals in 0_usize..50, parameters in 0_usize..50, seed in 0_usize..1000,
        damping in 1e-2..10.0, full_rank in any::<bool>(),
    ) {
        let make = if full_rank { System::new } else { deficient };
        let system = make(residuals, parameters, seed);
        let mut matrix = system.linearisation(LinearSolver::Dense, 1);
        prop_assert!(matrix.factorise(damping));
        let r = &system.residuals;
        let (solution, _) = solve(&system, damping, r, Some((1e-14, 1000)));
        prop_assert!(is_near(&solution.step, &matrix.step(), 1e-11));
        // Other vectors than r, too, as accelerations need.
        let other = System::new(residuals, 1, seed + 1).residuals;
        let (Solution { step, .. }, _) = solve(&system, damping, &other, Some((1e-14, 1000)));
        let right_side = negative(&system.transposed_times(&other));
        prop_assert!(is_near(&system.damped_times(damping, &step), &right_side, 1e-11));
    }

    #[test]
    fn without_a_matrix_the_same_sums_are_kept(
        residuals in 0_usize..50, parameters in 0_usize..50, seed in 0_usize..1000,
    ) {
        let system = System::new(residuals, parameters, seed);
        let all = system.linearisation(LinearSolver::ConjugateGradients, 1);
        let gradient = system.transposed_times(&system.residuals);
        prop_assert!(is_near(all.gradient(), &gradient, 1e-13));
        let square = |j: usize| system.rows.iter().map(|row| row[j] * row[j]).sum::<f64>();
        let diagonal: Vec<f64> = (0..parameters).map(square).collect();
        prop_assert!(is_near(all.diagonal(), &diagonal, 1e-13));
        prop_assert!((all.squared_norm() - diagonal.iter().sum::<f64>()).abs() <= 1e-12);
        prop_assert_eq!(all.values(), system.residuals.as_slice());
    }

    #[test]
    fn steps_that_are_cut_short_decrease_the_model_as_predicted(
        residuals in 1_usize..40, parameters in 1_usize..40, seed in 0_usize..1000,
        damping in 1e-3..1.0,
    ) {
        let system = deficient(residuals, parameters, seed);
        let (r, loss) = (&system.residuals, dot(&system.residuals, &system.residuals));
        let gradient = system.transposed_times(r);
        let mut before = loss;
        for iterations in 1..10 {
            let (Solution { step, residual }, products) =
                solve(&system, damping, r, Some((1e-6, iterations)));
            prop_assert!(products <= 1 + 2 * iterations);
            let linear = sum(r, &system.times(&step));
            let decrease = loss - dot(&linear, &linear);
            let predicted = damping * dot(&step, &step) - dot(&step, &gradient) + dot(&step, &residual);
            prop_assert!((predicted - decrease).abs() <= 1e-12 * loss, "{predicted} {decrease}");
            let model = dot(&linear, &linear) + damping * dot(&step, &step);
            prop_assert!(model <= before * (1.0 + 1e-12));
            before = model;
        }
        // As they end by themselves.
        let (Solution { step, .. }, _) = solve(&system, damping, r, None);
        let left = sum(&system.damped_times(damping, &step), &gradient);
        prop_assert!(norm(&left) <= 0.1 * norm(&gradient) * (1.0 + 1e-12));
    }
}

#[test]
fn steps_are_more_exact_where_residuals_do_not_vanish() {
    // r is orthogonal to all columns but for a part of 10⁻⁶: η is near 10⁻³.
    let mut system = System::new(60, 12, 3);
    let matrix = system.linearisation(LinearSolver::Dense, 1);
    let mut almost = matrix.clone();
    assert!(almost.factorise(1e-14));
    system.residuals = sum(&system.residuals, &system.times(&almost.step()));
    let small: Vec<f64> = system.times(&[1e-6; 12]);
    system.residuals = sum(&system.residuals, &small);
    let gradient = system.transposed_times(&system.residuals);
    let (Solution { step, .. }, _) = solve(&system, 1e-3, &system.residuals, None);
    let left = sum(&system.damped_times(1e-3, &step), &gradient);
    assert!(norm(&left) <= 2e-3 * norm(&gradient));
}

#[test]
fn nothing_is_asked_for_where_there_is_nothing_to_solve() {
    for (residuals, parameters) in [(0, 0), (0, 3), (3, 0), (3, 3)] {
        let mut system = System::new(residuals, parameters, 1);
        system.rows.iter_mut().for_each(|row| row.fill(0.0));
        for damping in [0.0, 1.0] {
            let (solution, products) = solve(&system, damping, &system.residuals, None);
            assert_eq!((solution.step, products), (vec![0.0; parameters], 1));
        }
    }
}

#[test]
fn products_that_are_not_finite_end_it_at_once() {
    for bad in [f64::NAN, f64::INFINITY, 1e200] {
        let system = System::new(4, 3, 1);
        let mut steep = system.clone();
        steep.rows[2].fill(bad);
        let all = system.linearisation(LinearSolver::ConjugateGradients, 1);
        let mut problem = Linear { system: &steep, products: 0 };
        let mut method = ConjugateGradients::new(&all, &[0.0; 3], 1.0, &mut problem);
        let step = method.solve(system.residuals.clone()).unwrap().step;
        assert!(step.iter().all(|step| !step.is_finite()) || step == [0.0; 3], "{step:?}");
        assert!(problem.products <= 3);
    }
}

/// A chain of valleys: xᵢ₊₁ = xᵢ², and all end at 1.
struct Valleys;

impl Valleys {
    fn jacobian(x: &[f64]) -> System {
        let count = x.len() - 1;
        let mut system = System::new(2 * count, x.len(), 0);
        for row in &mut system.rows {
            row.fill(0.0);
        }
        for i in 0..count {
            (system.rows[i][i], system.rows[i][i + 1]) = (-20.0 * x[i], 10.0);
            system.rows[count + i][i] = -1.0;
            system.residuals[i] = 10.0 * (x[i + 1] - x[i] * x[i]);
            system.residuals[count + i] = 1.0 - x[i];
        }
        system
    }
}

impl LeastSquares for Valleys {
    type Error = OptimError;

    fn residual_count(&self) -> Result<usize, OptimError> {
        Ok(38)
    }

    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) -> Result<(), OptimError> {
        residuals.copy_from_slice(&Self::jacobian(x).residuals);
        Ok(())
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Linearisation) -> Result<(), OptimError> {
        let system = Self::jacobian(x);
        for (residual, row) in system.residuals.iter().zip(&system.rows) {
            rows.push(*residual)?.copy_from_slice(row);
        }
        Ok(())
    }

    fn push_forward(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), OptimError> {
        out.copy_from_slice(&Self::jacobian(x).times(v));
        Ok(())
    }

    fn pull_back(&mut self, x: &[f64], w: &[f64], out: &mut [f64]) -> Result<(), OptimError> {
        out.copy_from_slice(&Self::jacobian(x).transposed_times(w));
        Ok(())
    }
}

#[test]
fn a_problem_whose_matrices_do_not_fit_is_solved_without() {
    // Two matrices 20 × 20 and 38 rows of 20.
    for (most_numbers, has_matrix) in [(1560, true), (1559, false)] {
        let mut method =
            LevenbergMarquardt::new(LevenbergMarquardtSettings::default(), 20).unwrap();
        method.linearisation.most_numbers = most_numbers;
        let mut x = vec![-1.2; 20];
        let mut loss = f64::INFINITY;
        for _ in 0..200 {
            let residuals = Valleys::jacobian(&x).residuals;
            loss = dot(&residuals, &residuals);
            if method.advance(&mut x, loss, &mut Valleys).unwrap().stop().is_some() {
                break;
            }
            assert_eq!(method.linearisation.has_matrix(), has_matrix);
        }
        assert!(loss < 1e-20, "{has_matrix}: {loss}");
    }
}
