//! Damped least-squares steps by conjugate gradients, with no more of the Jacobian than its products
//! with vectors and the diagonal of JᵀJ.
//!
//! Relies on the problem for the products, and on nothing that is kept from one step to the next.

use super::{LeastSquares, Linearisation, dot, norm};

/// The largest residual of a step's equations as a fraction of their right side.
const LARGEST_RESIDUAL: f64 = 0.1;

/// Iterations at most. Where they are cut short, what is missing are mostly the directions in which J is
/// smallest, as if λ were larger. With five times as many, trainings got less far in the same time.
const MOST_ITERATIONS: usize = 200;

/// A step δ, and what it leaves of its equations: −Jᵀr − (JᵀJ + λ) δ.
pub(super) struct Solution {
    pub step: Vec<f64>,
    pub residual: Vec<f64>,
}

/// The solution δ of (JᵀJ + λ) δ = −Jᵀr for vectors r, by the conjugate gradients of M. R. Hestenes and
/// E. Stiefel, *Methods of conjugate gradients for solving linear systems*, J. Res. Nat. Bur. Standards
/// 49, 1952, in their form for least squares: it carries r + Jδ instead of JᵀJ's products, so that the
/// residual −Jᵀ(r + Jδ) − λδ is not a sum of roundings (Å. Björck, *Numerical methods for least squares
/// problems*, 1996, 7.4). It costs one product Jv and one Jᵀw an iteration.
///
/// The preconditioner is the diagonal of JᵀJ, plus λ: exact, as all rows pass by once where an iteration
/// begins, for the price of a few products.
///
/// Newton's method needs no exact steps far from a minimum (R. S. Dembo, S. C. Eisenstat, T. Steihaug,
/// *Inexact Newton methods*, SIAM J. Numer. Anal. 19, 1982). They end where the residual is at most η
/// times the right side, with a rule like that of J. Nocedal and S. J. Wright, *Numerical Optimization*,
/// 2006, 7.1, but independent of units:
///
/// η = min(0.1, √c),  c = ‖Jᵀr‖ / (‖J‖_F ‖r‖),
///
/// with the r where the iteration begins. Where r is not 0 at the minimum, c falls to 0, and steps
/// become exact. As they start from 0, what they have after any iteration decreases the damped model,
/// and is shorter than the solution in the norm of the preconditioner (T. Steihaug, *The conjugate
/// gradient method and trust regions in large scale optimization*, SIAM J. Numer. Anal. 20, 1983).
pub(super) struct ConjugateGradients<'a, P: ?Sized> {
    problem: &'a mut P,
    linearisation: &'a Linearisation,
    origin: &'a [f64],
    damping: f64,
    /// η.
    tolerance: f64,
    most_iterations: usize,
}

impl<'a, P: LeastSquares + ?Sized> ConjugateGradients<'a, P> {
    /// With J at the origin, where the problem was linearised.
    pub(super) fn new(
        linearisation: &'a Linearisation,
        origin: &'a [f64],
        damping: f64,
        problem: &'a mut P,
    ) -> Self {
        let most = linearisation.squared_norm().sqrt() * norm(linearisation.values());
        let cosine = norm(linearisation.gradient()) / most;
        // Not a number where r is so small that its square is 0.
        let tolerance = LARGEST_RESIDUAL.min(cosine.sqrt());
        let most_iterations = MOST_ITERATIONS;
        Self { problem, linearisation, origin, damping, tolerance, most_iterations }
    }

    /// δ for these r. It is not finite where a product is not.
    pub(super) fn solve(&mut self, r: Vec<f64>) -> Result<Solution, P::Error> {
        // r + Jδ.
        let mut linear = r;
        let mut step = vec![0.0; self.origin.len()];
        let mut residual = self.residual(&linear, &step)?;
        let goal = self.tolerance * norm(&residual);
        let mut direction = self.preconditioned(&residual);
        let mut square = dot(&residual, &direction);
        let mut product = vec![0.0; linear.len()];
        for _ in 0..self.most_iterations {
            if square == 0.0 || norm(&residual) <= goal {
                break;
            }
            self.problem.push_forward(self.origin, &direction, &mut product)?;
            let curvature = dot(&product, &product) + self.damping * dot(&direction, &direction);
            // To the minimum along the direction, also where rounding has spoilt orthogonality.
            let length = dot(&residual, &direction) / curvature;
            add(&mut step, length, &direction);
            add(&mut linear, length, &product);
            if !length.is_finite() {
                break;
            }
            residual = self.residual(&linear, &step)?;
            let next = self.preconditioned(&residual);
            let before = std::mem::replace(&mut square, dot(&residual, &next));
            let turn = square / before;
            direction.iter_mut().zip(next).for_each(|(d, next)| *d = next + turn * *d);
        }
        Ok(Solution { step, residual })
    }

    /// −Jᵀ(r + Jδ) − λδ.
    fn residual(&mut self, linear: &[f64], step: &[f64]) -> Result<Vec<f64>, P::Error> {
        let mut residual = vec![0.0; step.len()];
        self.problem.pull_back(self.origin, linear, &mut residual)?;
        residual.iter_mut().zip(step).for_each(|(sum, step)| *sum = -*sum - self.damping * step);
        Ok(residual)
    }

    /// Divided by the diagonal of JᵀJ + λ. Where that is 0, so is the column of J, but for underflow.
    fn preconditioned(&self, residual: &[f64]) -> Vec<f64> {
        let divide = |(residual, diagonal): (&f64, &f64)| {
            let diagonal = diagonal + self.damping;
            if diagonal > 0.0 { residual / diagonal } else { 0.0 }
        };
        residual.iter().zip(self.linearisation.diagonal()).map(divide).collect()
    }
}

/// x ← x + factor · y.
fn add(x: &mut [f64], factor: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += factor * y);
}

#[cfg(test)]
mod tests;
