//! SOAP: Adam in the slowly changing eigenbasis of Shampoo's preconditioner.
//!
//! N. Vyas, D. Morwani, R. Zhao et al., *SOAP: Improving and Stabilizing Shampoo using Adam*, ICLR 2025
//! (arXiv 2409.11321), Algorithms 3 and 4. For physics-informed networks: S. Wang et al., *Gradient
//! Alignment in Physics-informed Neural Networks*, arXiv 2502.00604.
//!
//! Relies on [`Adam`] for the steps, and on `basis` for the eigenvectors.

mod basis;
mod preconditioner;

use std::num::NonZero;

use faer::Mat;

use crate::error::{check_finite, check_length};
use crate::{Adam, AdamSettings, AdamState, Float, OptimError};
use basis::Basis;
use preconditioner::Preconditioner;
pub use preconditioner::WeightMatrix;

/// What [`Soap`] may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoapSettings {
    /// Those of Adam in the rotated space; default as Adam's but for a rate of 3·10⁻³ and
    /// (β₁, β₂) = (0.95, 0.95), as in the paper. β₂ is also the decay rate of L and R.
    pub adam: AdamSettings,
    /// Gradients from one refresh of the bases to the next; default 10.
    pub frequency: NonZero<u64>,
}

impl Default for SoapSettings {
    fn default() -> Self {
        let adam = AdamSettings { rate: 3e-3, betas: (0.95, 0.95), ..AdamSettings::default() };
        Self { adam, frequency: const { NonZero::new(10).unwrap() } }
    }
}

/// Everything that [`Soap`] remembers between steps: save it, and [`Soap::resume`] from it.
#[derive(Clone, Debug, PartialEq)]
pub struct SoapState {
    /// Gradients so far.
    pub gradients: u64,
    /// The moments in the rotated space.
    pub adam: AdamState<f64>,
    /// L and R of all matrices, in their order, of sides that are rotated; each column by column.
    pub means: Vec<f64>,
    /// Q_L and Q_R in the same way.
    pub eigenvectors: Vec<f64>,
}

/// SOAP on a flat vector of parameters, parts of which are weight matrices W, m × n. With the gradient
/// G of such a part and the eigenvectors Q_L of L, m × m, and Q_R of R, n × n,
///
/// W ← (1 − η λ) W + Q_L Δ Q_Rᵀ,  Δ the step of [`Adam`] for the gradient Q_Lᵀ G Q_R,
///
/// L ← β₂ L + (1 − β₂) G Gᵀ,  R ← β₂ R + (1 − β₂) Gᵀ G.
///
/// The bases are refreshed after some gradients by one power iteration, Q_L ← QR(L Q_L), Q_R ← QR(R Q_R),
/// and the first moment goes with them. All other parameters, and sides of more than 1024, take
/// steps of Adam as it is.
///
/// The first gradient gives the first bases, all eigenvectors of L and R, and no step, as in the
/// authors' program: in bases made of itself alone a gradient is diagonal, and its moments would tell
/// nothing of the next ones.
///
/// It computes in f64, whatever the parameters are in: L and R contain squares of gradients, whose
/// small eigenvalues f32 cannot tell from rounding.
///
/// ```
/// use jetspace_optim::{Soap, SoapSettings, WeightMatrix};
/// // The minimum of ‖W x − y‖² + (b − 1)² for two pairs (x, y); W is 2 × 2.
/// let mut parameters = [0.0_f64; 5];
/// let weights = WeightMatrix { start: 0, rows: 2, columns: 2 };
/// let mut soap = Soap::new(SoapSettings::default(), parameters.len(), &[weights])?;
/// for _ in 0..3000 {
///     let mut gradient = [0.0; 5];
///     for ([x, y], target) in [([1.0, 2.0], [3.0, -1.0]), ([2.0, 1.0], [0.0, 4.0])] {
///         for row in 0..2 {
///             let error = parameters[2 * row] * x + parameters[2 * row + 1] * y - target[row];
///             gradient[2 * row] += 2.0 * error * x;
///             gradient[2 * row + 1] += 2.0 * error * y;
///         }
///     }
///     gradient[4] = 2.0 * (parameters[4] - 1.0);
///     soap.step(&mut parameters, &gradient)?;
/// }
/// for (found, expected) in parameters.iter().zip([-1.0, 2.0, 3.0, -2.0, 1.0]) {
///     assert!((found - expected).abs() < 1e-2);
/// }
/// # Ok::<(), jetspace_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Soap {
    frequency: NonZero<u64>,
    gradients: u64,
    adam: Adam<f64>,
    preconditioners: Vec<Preconditioner>,
    gradient: Vec<f64>,
    rotated: Vec<f64>,
    step: Vec<f64>,
}

impl Soap {
    /// SOAP at its first step, for this many parameters, of which these are matrices.
    ///
    /// # Errors
    /// A setting outside its range, or matrices that overlap, are not in their order, or go beyond
    /// the parameters.
    pub fn new(
        settings: SoapSettings,
        parameters: usize,
        matrices: &[WeightMatrix],
    ) -> Result<Self, OptimError> {
        let adam = Adam::new(settings.adam, parameters)?;
        let mut next = 0;
        for (number, matrix) in matrices.iter().enumerate() {
            next = match matrix.end() {
                Some(end) if matrix.start >= next && end <= parameters => end,
                _ => return Err(OptimError::Layout { number, next, parameters }),
            };
        }
        Ok(Self {
            frequency: settings.frequency,
            gradients: 0,
            adam,
            preconditioners: matrices.iter().copied().map(Preconditioner::new).collect(),
            gradient: vec![0.0; parameters],
            rotated: vec![0.0; parameters],
            step: vec![0.0; parameters],
        })
    }

    /// SOAP as it was when `state` was saved.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a state of other matrices.
    pub fn resume(
        settings: SoapSettings,
        matrices: &[WeightMatrix],
        state: &SoapState,
    ) -> Result<Self, OptimError> {
        let adam = Adam::resume(settings.adam, &state.adam)?;
        let mut soap = Self::new(settings, state.adam.first_moment.len(), matrices)?;
        let other = OptimError::State { expected: "these matrices", found: "others" };
        let (mut means, mut vectors) = (&state.means[..], &state.eigenvectors[..]);
        for basis in soap.preconditioners.iter_mut().flat_map(Preconditioner::bases_mut) {
            let side = basis.side();
            let parts =
                (means.split_at_checked(side * side), vectors.split_at_checked(side * side));
            let (Some((mean, more_means)), Some((own, more_vectors))) = parts else {
                return Err(other);
            };
            *basis = Basis::resume(side, mean, own);
            (means, vectors) = (more_means, more_vectors);
        }
        if !means.is_empty() || !vectors.is_empty() {
            return Err(other);
        }
        (soap.adam, soap.gradients) = (adam, state.gradients);
        Ok(soap)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> SoapSettings {
        SoapSettings { adam: self.adam.settings(), frequency: self.frequency }
    }

    /// A copy of what it remembers of the steps so far.
    #[must_use]
    pub fn state(&self) -> SoapState {
        let bases = || self.preconditioners.iter().flat_map(Preconditioner::bases);
        SoapState {
            gradients: self.gradients,
            adam: self.adam.state(),
            means: bases().flat_map(|basis| numbers(basis.mean())).collect(),
            eigenvectors: bases().flat_map(|basis| numbers(basis.vectors())).collect(),
        }
    }

    /// Changes the step size η, for schedules.
    ///
    /// # Errors
    /// The rate is not finite.
    pub fn set_rate(&mut self, rate: f64) -> Result<(), OptimError> {
        self.adam.set_rate(rate)
    }

    /// One step from `parameters` with the gradient there. The first call does not move them.
    ///
    /// # Errors
    /// Not one number per parameter, or a gradient whose squares are not finite; then nothing has
    /// changed.
    pub fn step<T: Float>(
        &mut self,
        parameters: &mut [T],
        gradient: &[T],
    ) -> Result<(), OptimError> {
        check_length("the parameters", self.gradient.len(), parameters.len())?;
        check_length("the gradient", self.gradient.len(), gradient.len())?;
        let squared_norm: f64 = gradient.iter().map(|g| g.to_f64() * g.to_f64()).sum();
        // Twice, so that all sums of products of its entries are finite too, after rounding.
        check_finite("the gradient's squared norm, twice,", 2.0 * squared_norm)?;
        for (own, g) in self.gradient.iter_mut().zip(gradient) {
            *own = g.to_f64();
        }
        if self.gradients > 0 {
            self.walk(parameters)?;
        }
        let beta = self.adam.settings().betas.1;
        for preconditioner in &mut self.preconditioners {
            preconditioner.accumulate(&self.gradient, beta);
        }
        self.gradients += 1;
        if self.gradients == 1 {
            self.preconditioners
                .iter_mut()
                .flat_map(Preconditioner::bases_mut)
                .for_each(Basis::decompose);
        } else if self.gradients.is_multiple_of(self.frequency.get()) {
            self.refresh()?;
        }
        Ok(())
    }

    /// Moves the parameters by a step of Adam in the rotated space.
    fn walk<T: Float>(&mut self, parameters: &mut [T]) -> Result<(), OptimError> {
        self.rotated.copy_from_slice(&self.gradient);
        for preconditioner in &mut self.preconditioners {
            preconditioner.rotate(&mut self.rotated);
        }
        // From 0, which decay of the weights leaves where it is.
        self.step.fill(0.0);
        self.adam.step(&mut self.step, &self.rotated)?;
        for preconditioner in &mut self.preconditioners {
            preconditioner.rotate_back(&mut self.step);
        }
        let AdamSettings { rate, weight_decay, .. } = self.adam.settings();
        let shrink = 1.0 - rate * weight_decay;
        for (parameter, step) in parameters.iter_mut().zip(&self.step) {
            *parameter = T::from_f64(shrink * parameter.to_f64() + step);
        }
        Ok(())
    }

    /// Gets the bases nearer to the eigenvectors, and takes the first moment along.
    fn refresh(&mut self) -> Result<(), OptimError> {
        let mut state = self.adam.state();
        for preconditioner in &mut self.preconditioners {
            preconditioner.rotate_back(&mut state.first_moment);
            preconditioner.bases_mut().for_each(Basis::refresh);
            preconditioner.rotate(&mut state.first_moment);
        }
        self.adam = Adam::resume(self.adam.settings(), &state)?;
        Ok(())
    }
}

/// The entries of a matrix, column by column.
fn numbers(matrix: &Mat<f64>) -> impl Iterator<Item = f64> {
    matrix.col_iter().flat_map(|column| column.iter().copied())
}

#[cfg(test)]
mod tests;
