//! Residuals and their Jacobian at one point, and damped least-squares steps from them: by Cholesky
//! factors of JᵀJ + λ or of JJᵀ + λ, whichever is smaller. Without a matrix it keeps what conjugate
//! gradients need: r, Jᵀr and the diagonal of JᵀJ.
//!
//! Relies on `faer` for what costs time, and on `factored_rows.rs` for JJᵀ, which needs no rows.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, MatMut, MatRef, Par, Spec};

use super::LinearSolver;
use super::factored_rows::{COLUMNS, FactoredBlock, FactoredRows, check_blocks};
use super::symmetric_product::add_symmetric_product;
use crate::error::check_finite;
use crate::{Float, OptimError};

/// Rows that JᵀJ takes at a time: so many that reading and writing it costs little beside the
/// products.
const BLOCK: usize = 1024;

/// Numbers in all matrices at most: 2 GiB.
pub(super) const MOST_NUMBERS: usize = 1 << 28;

/// Residuals r and the rows of their Jacobian J = ∂r/∂θ at one θ, n × p, which come one by one.
///
/// With p ≤ n the matrix JᵀJ is summed from blocks of rows, and memory does not grow with n: it is two
/// matrices p × p and 1024 rows. With p > n it is two matrices n × n, 1024 columns of J, and what has been
/// pushed: whole rows, or their factors ([`FactoredBlock`]), which are far fewer numbers where layers are
/// wide, and of which JJᵀ is made for fewer operations. Where that would be more than 2 GiB, or
/// [`LinearSolver::ConjugateGradients`] are wanted, no matrix is kept, and one row.
///
/// Steps are solutions of the same equations in either case, because
/// (JᵀJ + λ)⁻¹ Jᵀ = Jᵀ (JJᵀ + λ)⁻¹.
#[derive(Clone, Debug)]
pub struct Linearisation {
    parameters: usize,
    residuals: usize,
    space: Space,
    solver: LinearSolver,
    /// Numbers in all matrices at most.
    pub(super) most_numbers: usize,
    /// Residuals so far.
    pushed: usize,
    /// The latest rows, one after the other; the latest alone, if those before it went elsewhere.
    rows: Vec<f64>,
    /// Whether the latest row is still to be added.
    has_row: bool,
    /// All rows, for JJᵀ.
    factored: FactoredRows,
    /// The residuals of the rows for JᵀJ; otherwise all.
    values: Vec<f64>,
    /// JᵀJ or JJᵀ: column by column, of which what is above the diagonal is never read; without a
    /// matrix the diagonal of JᵀJ.
    gram: Vec<f64>,
    /// The Cholesky factor of the same, damped.
    factor: Vec<f64>,
    /// The damping of the factor.
    damping: f64,
    /// (JJᵀ + λ)⁻¹ r, where there is that matrix.
    weights: Vec<f64>,
    /// Jᵀr.
    gradient: Vec<f64>,
    threads: usize,
}

/// What a matrix's rows and columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Parameters,
    Residuals,
    /// There is no matrix.
    Diagonal,
}

/// How large the matrices are.
pub(super) struct Sizes {
    space: Space,
    /// Numbers in the rows that are kept.
    rows: usize,
    /// Numbers in JᵀJ or JJᵀ, or in the diagonal.
    gram: usize,
    /// Numbers in its factor.
    factor: usize,
}

impl Sizes {
    /// For these numbers of residuals, of parameters and in all rows' factors, if memory suffices.
    pub(super) fn new(
        solver: LinearSolver,
        residuals: usize,
        parameters: usize,
        factors: usize,
        most_numbers: usize,
    ) -> Result<Self, OptimError> {
        let side = residuals.min(parameters);
        let gram = side.saturating_mul(side);
        let (space, rows, others) = if parameters <= residuals {
            (Space::Parameters, residuals.min(BLOCK).saturating_mul(parameters), 0)
        } else {
            let columns = residuals.saturating_mul(parameters.min(COLUMNS));
            (Space::Residuals, parameters, factors.saturating_add(columns))
        };
        let all = gram.saturating_mul(2).saturating_add(rows).saturating_add(others);
        match solver {
            LinearSolver::Auto | LinearSolver::Dense if all <= most_numbers => {
                Ok(Self { space, rows, gram, factor: gram })
            }
            LinearSolver::Dense => Err(OptimError::LinearisationMemory { residuals, parameters }),
            LinearSolver::Auto | LinearSolver::ConjugateGradients => {
                Ok(Self { space: Space::Diagonal, rows: parameters, gram: parameters, factor: 0 })
            }
        }
    }
}

impl Linearisation {
    /// For this number of parameters, and no residuals yet.
    pub(super) fn new(solver: LinearSolver, parameters: usize, threads: usize) -> Self {
        Self {
            parameters,
            residuals: 0,
            space: Space::Residuals,
            solver,
            most_numbers: MOST_NUMBERS,
            pushed: 0,
            rows: Vec::new(),
            has_row: false,
            factored: FactoredRows::default(),
            values: Vec::new(),
            gram: Vec::new(),
            factor: Vec::new(),
            damping: 0.0,
            weights: Vec::new(),
            gradient: vec![0.0; parameters],
            threads,
        }
    }

    /// Forgets all rows, and makes room for this number of residuals, and so many numbers in the factors
    /// of all rows.
    pub(super) fn begin(&mut self, residuals: usize, factors: usize) -> Result<(), OptimError> {
        let parameters = self.parameters;
        let Sizes { space, rows, gram, factor } =
            Sizes::new(self.solver, residuals, parameters, factors, self.most_numbers)?;
        (self.space, self.residuals, self.pushed) = (space, residuals, 0);
        self.values.clear();
        self.has_row = false;
        self.factored = FactoredRows::default();
        let matrices = [(&mut self.rows, rows), (&mut self.gram, gram), (&mut self.factor, factor)];
        for (numbers, count) in matrices {
            numbers.clear();
            if numbers.try_reserve_exact(count).is_err() {
                return Err(OptimError::LinearisationMemory { residuals, parameters });
            }
            numbers.resize(count, 0.0);
        }
        self.gradient.fill(0.0);
        Ok(())
    }

    /// Whether [`push_factors`](Self::push_factors) costs less than [`push`](Self::push).
    #[must_use]
    pub fn prefers_factors(&self) -> bool {
        self.space == Space::Residuals
    }

    /// Adds a residual, and returns its row of J, which is to be filled with ∂(residual)/∂θ; what was
    /// in there has no meaning.
    ///
    /// # Errors
    /// All residuals are there already, or rows before it had several blocks.
    pub fn push(&mut self, residual: f64) -> Result<&mut [f64], OptimError> {
        self.add_row()?;
        self.add_residual(residual)?;
        self.has_row = true;
        let at = match self.space {
            Space::Parameters => (self.values.len() - 1) * self.parameters,
            Space::Residuals | Space::Diagonal => 0,
        };
        Ok(&mut self.rows[at..at + self.parameters])
    }

    /// Adds a residual and its row of J in factors. Parameters that are in no block have slope 0.
    ///
    /// # Errors
    /// All residuals are there already, blocks that are not parts of the parameters in their order, or
    /// others than in the rows before.
    pub fn push_factors<T: Float>(
        &mut self,
        residual: f64,
        blocks: &[FactoredBlock<'_, T>],
    ) -> Result<(), OptimError> {
        check_blocks(blocks, self.parameters)?;
        if self.space == Space::Residuals {
            self.add_row()?;
            self.add_residual(residual)?;
            return self.factored.push(blocks);
        }
        let row = self.push(residual)?;
        row.fill(0.0);
        for block in blocks {
            block.add_to(row);
        }
        Ok(())
    }

    /// Counts a residual.
    fn add_residual(&mut self, residual: f64) -> Result<(), OptimError> {
        if self.pushed == self.residuals {
            return Err(self.wrong_count(self.pushed + 1));
        }
        if self.space == Space::Parameters && self.values.len() == BLOCK {
            self.add_block();
        }
        self.pushed += 1;
        self.values.push(residual);
        Ok(())
    }

    /// Sums up what is left to sum once all rows are there.
    pub(super) fn complete(&mut self) -> Result<(), OptimError> {
        if self.pushed != self.residuals {
            return Err(self.wrong_count(self.pushed));
        }
        self.add_row()?;
        match self.space {
            Space::Parameters => self.add_block(),
            Space::Residuals => {
                self.factored.seal();
                self.factored.add_products(&mut self.gram, self.threads);
                self.gradient = self.factored.transposed_times(&self.values, self.parameters);
            }
            Space::Diagonal => {}
        }
        check_finite("the 1-norm of Jᵀr", self.gradient.iter().map(|g| g.abs()).sum())?;
        check_finite("the squared norm of J", self.squared_norm())
    }

    fn wrong_count(&self, found: usize) -> OptimError {
        OptimError::Residuals { expected: self.residuals, found }
    }

    /// Adds the latest row, if it is still to be added, to all rows, or to Jᵀr and to the diagonal of JᵀJ.
    fn add_row(&mut self) -> Result<(), OptimError> {
        let Some(&residual) = self.values.last().filter(|_| self.has_row) else { return Ok(()) };
        self.has_row = false;
        match self.space {
            Space::Parameters => {}
            Space::Residuals => self.factored.push(&[FactoredBlock::row(&self.rows)])?,
            Space::Diagonal => {
                let sums = self.gradient.iter_mut().zip(&mut self.gram);
                for ((gradient, diagonal), slope) in sums.zip(&self.rows) {
                    *gradient += residual * slope;
                    *diagonal += slope * slope;
                }
            }
        }
        Ok(())
    }

    /// Adds the rows at hand to JᵀJ and to Jᵀr.
    fn add_block(&mut self) {
        let count = self.values.len();
        let rows = &self.rows[..count * self.parameters];
        let transposed = MatRef::from_column_major_slice(rows, self.parameters, count);
        add_symmetric_product(&mut self.gram, transposed, self.threads);
        let gradient = MatMut::from_column_major_slice_mut(&mut self.gradient, self.parameters, 1);
        let values = MatRef::from_column_major_slice(&self.values, count, 1);
        matmul(gradient, Accum::Add, transposed, values, 1.0, Par::Seq);
        self.values.clear();
    }

    /// Whether there is a matrix to factorise.
    pub(super) fn has_matrix(&self) -> bool {
        self.space != Space::Diagonal
    }

    /// Whether the matrix is JJᵀ.
    pub(super) fn is_of_residuals(&self) -> bool {
        self.space == Space::Residuals
    }

    /// n.
    pub(super) fn residuals(&self) -> usize {
        self.residuals
    }

    /// r, where there is no matrix.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The diagonal of JᵀJ, where there is no matrix.
    pub(super) fn diagonal(&self) -> &[f64] {
        &self.gram
    }

    /// Jᵀr.
    pub(super) fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// The sum of the squares of all entries of J, which is the trace of JᵀJ and of JJᵀ.
    pub(super) fn squared_norm(&self) -> f64 {
        let next = if self.has_matrix() { self.side() + 1 } else { 1 };
        self.gram.iter().step_by(next).sum()
    }

    fn side(&self) -> usize {
        self.residuals.min(self.parameters)
    }

    /// Factorises JᵀJ + λ or JJᵀ + λ; whether it is positive definite, after rounding.
    pub(super) fn factorise(&mut self, damping: f64) -> bool {
        let side = self.side();
        self.damping = damping;
        self.factor.copy_from_slice(&self.gram);
        for entry in self.factor.iter_mut().step_by(side + 1) {
            *entry += damping;
        }
        let factor = MatMut::from_column_major_slice_mut(&mut self.factor, side, side);
        let parameters = Spec::default();
        let mut memory =
            MemBuffer::new(cholesky_in_place_scratch::<f64>(side, Par::Seq, parameters));
        let stack = MemStack::new(&mut memory);
        let regularization = LltRegularization::default();
        cholesky_in_place(factor, regularization, Par::Seq, stack, parameters).is_ok()
    }

    /// The step δ = −(JᵀJ + λ)⁻¹ Jᵀr, with the latest factor.
    pub(super) fn step(&mut self) -> Vec<f64> {
        if !self.is_of_residuals() {
            return self.solve(self.gradient.iter().map(|g| -g).collect());
        }
        let mut weights = self.values.clone();
        let step = self.negative_step(&mut weights);
        self.weights = weights;
        step
    }

    /// (JᵀJ + λ)⁻¹ x with the latest factor, where this is of JᵀJ.
    pub(super) fn solve(&self, mut x: Vec<f64>) -> Vec<f64> {
        self.solve_factored(&mut x);
        x
    }

    /// −(JᵀJ + λ)⁻¹ (Jᵀw + λδ) with the latest factor and step δ, where this is of JJᵀ. As δ = −Jᵀv for
    /// v = (JJᵀ + λ)⁻¹ r, this is −Jᵀ (JJᵀ + λ)⁻¹ (w − λv): no difference of large numbers.
    pub(super) fn correction(&self, residuals: &[f64]) -> Vec<f64> {
        let damped = residuals.iter().zip(&self.weights).map(|(w, v)| w - self.damping * v);
        self.negative_step(&mut damped.collect::<Vec<f64>>())
    }

    /// −Jᵀ (JJᵀ + λ)⁻¹ w, which becomes (JJᵀ + λ)⁻¹ w.
    fn negative_step(&self, w: &mut [f64]) -> Vec<f64> {
        self.solve_factored(w);
        let product = self.factored.transposed_times(w, self.parameters);
        product.into_iter().map(|x| -x).collect()
    }

    /// x ← (L Lᵀ)⁻¹ x.
    fn solve_factored(&self, x: &mut [f64]) {
        let side = self.side();
        let factor = MatRef::from_column_major_slice(&self.factor, side, side);
        let mut x = MatMut::from_column_major_slice_mut(x, side, 1);
        solve_lower_triangular_in_place(factor, x.as_mut(), Par::Seq);
        solve_upper_triangular_in_place(factor.transpose(), x, Par::Seq);
    }
}
