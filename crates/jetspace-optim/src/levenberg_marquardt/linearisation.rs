//! Residuals and their Jacobian at one point, and damped least-squares steps from them: by Cholesky
//! factors of JᵀJ + λ or of JJᵀ + λ, whichever is smaller. Without a matrix it keeps what conjugate
//! gradients need: r, Jᵀr and the diagonal of JᵀJ.
//!
//! Relies on `faer` for what costs time. Threads share the products of matrices by strips, each of which
//! is one call on one thread: so the order of additions depends on the numbers of rows and columns
//! only.

use std::sync::{Mutex, PoisonError};
use std::thread;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, MatMut, MatRef, Par, Spec};

use super::LinearSolver;
use crate::OptimError;
use crate::error::check_finite;

/// Rows that JᵀJ takes at a time: so many that reading and writing it costs little beside the
/// products.
const BLOCK: usize = 1024;

/// Numbers in all matrices at most: 2 GiB.
pub(super) const MOST_NUMBERS: usize = 1 << 28;

/// Columns of JᵀJ that a thread takes at a time.
const STRIP: usize = 128;

/// Residuals r and the rows of their Jacobian J = ∂r/∂θ at one θ, n × p, which come one by one.
///
/// With p ≤ n the matrix JᵀJ is summed from blocks of rows, and memory does not grow with n: it is two
/// matrices p × p and 1024 rows. With p > n all rows are kept, and two matrices n × n. Where that would
/// be more than 2 GiB, or [`LinearSolver::ConjugateGradients`] are wanted, no matrix is kept, and one row.
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
    /// The latest rows, one after the other.
    rows: Vec<f64>,
    /// Their residuals; without a matrix all residuals.
    values: Vec<f64>,
    /// JᵀJ or JJᵀ: column by column, of which what is above the diagonal is never read; without a
    /// matrix the diagonal of JᵀJ.
    gram: Vec<f64>,
    /// The Cholesky factor of the same, damped.
    factor: Vec<f64>,
    /// The damping of the factor.
    damping: f64,
    /// (JJᵀ + λ)⁻¹ r, where rows are kept.
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
    /// For these numbers of residuals and parameters, if memory suffices.
    pub(super) fn new(
        solver: LinearSolver,
        residuals: usize,
        parameters: usize,
        most_numbers: usize,
    ) -> Result<Self, OptimError> {
        let space = if parameters <= residuals { Space::Parameters } else { Space::Residuals };
        let rows = if space == Space::Parameters { residuals.min(BLOCK) } else { residuals };
        let (rows, side) = (rows.saturating_mul(parameters), residuals.min(parameters));
        let gram = side.saturating_mul(side);
        let fits = gram.saturating_mul(2).saturating_add(rows) <= most_numbers;
        match solver {
            LinearSolver::Auto | LinearSolver::Dense if fits => {
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
            values: Vec::new(),
            gram: Vec::new(),
            factor: Vec::new(),
            damping: 0.0,
            weights: Vec::new(),
            gradient: vec![0.0; parameters],
            threads,
        }
    }

    /// Forgets all rows, and makes room for this number of residuals.
    pub(super) fn begin(&mut self, residuals: usize) -> Result<(), OptimError> {
        let parameters = self.parameters;
        let Sizes { space, rows, gram, factor } =
            Sizes::new(self.solver, residuals, parameters, self.most_numbers)?;
        (self.space, self.residuals, self.pushed) = (space, residuals, 0);
        self.values.clear();
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

    /// Adds a residual, and returns its row of J, which is to be filled with ∂(residual)/∂θ; what was
    /// in there has no meaning.
    ///
    /// # Errors
    /// All residuals are there already.
    pub fn push(&mut self, residual: f64) -> Result<&mut [f64], OptimError> {
        if self.pushed == self.residuals {
            return Err(self.wrong_count(self.pushed + 1));
        }
        let at = match self.space {
            Space::Diagonal => {
                self.add_row();
                0
            }
            Space::Parameters if self.values.len() == self.residuals.min(BLOCK) => {
                self.add_block();
                0
            }
            Space::Parameters | Space::Residuals => self.values.len() * self.parameters,
        };
        self.pushed += 1;
        self.values.push(residual);
        Ok(&mut self.rows[at..at + self.parameters])
    }

    /// Sums up what is left to sum once all rows are there.
    pub(super) fn complete(&mut self) -> Result<(), OptimError> {
        if self.pushed != self.residuals {
            return Err(self.wrong_count(self.pushed));
        }
        if self.has_matrix() {
            self.add_block();
        } else {
            self.add_row();
        }
        check_finite("the 1-norm of Jᵀr", self.gradient.iter().map(|g| g.abs()).sum())?;
        check_finite("the squared norm of J", self.squared_norm())
    }

    fn wrong_count(&self, found: usize) -> OptimError {
        OptimError::Residuals { expected: self.residuals, found }
    }

    /// Adds the latest row, if there is one, to Jᵀr and to the diagonal of JᵀJ.
    fn add_row(&mut self) {
        let Some(&residual) = self.values.last() else { return };
        let sums = self.gradient.iter_mut().zip(&mut self.gram);
        for ((gradient, diagonal), slope) in sums.zip(&self.rows) {
            *gradient += residual * slope;
            *diagonal += slope * slope;
        }
    }

    /// Adds the rows at hand to JᵀJ, or makes JJᵀ of all; and adds them to Jᵀr.
    fn add_block(&mut self) {
        let (rows, count) = (&self.rows[..self.values.len() * self.parameters], self.values.len());
        let transposed = MatRef::from_column_major_slice(rows, self.parameters, count);
        let (left, right, side) = if self.keeps_rows() {
            (transposed.transpose(), transposed, self.residuals)
        } else {
            (transposed, transposed.transpose(), self.parameters)
        };
        let strips = Mutex::new(self.gram.chunks_mut((side * STRIP).max(1)).enumerate());
        let work = || {
            loop {
                let next = strips.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((number, strip)) = next else { break };
                add_strip(strip, number * STRIP, left, right);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.threads.min(side.div_ceil(STRIP)) {
                // Where the system refuses a thread, the others do its work.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let gradient = MatMut::from_column_major_slice_mut(&mut self.gradient, self.parameters, 1);
        let values = MatRef::from_column_major_slice(&self.values, count, 1);
        matmul(gradient, Accum::Add, transposed, values, 1.0, Par::Seq);
        if self.space == Space::Parameters {
            self.values.clear();
        }
    }

    /// Whether there is a matrix to factorise.
    pub(super) fn has_matrix(&self) -> bool {
        self.space != Space::Diagonal
    }

    /// Whether all rows are kept.
    pub(super) fn keeps_rows(&self) -> bool {
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
        if !self.keeps_rows() {
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

    /// −(JᵀJ + λ)⁻¹ (Jᵀw + λδ) with the latest factor and step δ, where rows are kept. As δ = −Jᵀv for
    /// v = (JJᵀ + λ)⁻¹ r, this is −Jᵀ (JJᵀ + λ)⁻¹ (w − λv): no difference of large numbers.
    pub(super) fn correction(&self, residuals: &[f64]) -> Vec<f64> {
        let damped = residuals.iter().zip(&self.weights).map(|(w, v)| w - self.damping * v);
        self.negative_step(&mut damped.collect::<Vec<f64>>())
    }

    /// −Jᵀ (JJᵀ + λ)⁻¹ w, which becomes (JJᵀ + λ)⁻¹ w.
    fn negative_step(&self, w: &mut [f64]) -> Vec<f64> {
        self.solve_factored(w);
        let mut step = vec![0.0; self.parameters];
        let target = MatMut::from_column_major_slice_mut(&mut step, self.parameters, 1);
        let weights = MatRef::from_column_major_slice(w, self.residuals, 1);
        let transposed =
            MatRef::from_column_major_slice(&self.rows, self.parameters, self.residuals);
        matmul(target, Accum::Replace, transposed, weights, -1.0, Par::Seq);
        step
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

/// Adds what is on and below the diagonal of a product's columns from number `first` on.
fn add_strip(strip: &mut [f64], first: usize, left: MatRef<'_, f64>, right: MatRef<'_, f64>) {
    let side = left.nrows();
    let columns = strip.len() / side;
    let right = right.subcols(first, columns);
    let strip = MatMut::from_column_major_slice_mut(strip, side, columns);
    let (diagonal, below) = strip.split_at_row_mut(first).1.split_at_row_mut(columns);
    triangular_matmul(
        diagonal,
        BlockStructure::TriangularLower,
        Accum::Add,
        left.subrows(first, columns),
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    let rest = first + columns;
    matmul(below, Accum::Add, left.subrows(rest, side - rest), right, 1.0, Par::Seq);
}
