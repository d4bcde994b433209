//! An orthonormal basis that follows the eigenvectors of a running mean of Gram matrices.
//!
//! Relies on `faer` for what costs time, all of it on the calling thread: so the order of additions
//! depends on the numbers of rows and columns only.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_reflections_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_reflections,
};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use faer::{Accum, Conj, Mat, MatRef, Par, Scale, Spec};

/// P, a running mean of A Aᵀ over matrices A with as many rows, and Q, which becomes the matrix of its
/// eigenvectors (one a column).
#[derive(Clone, Debug)]
pub struct Basis {
    mean: Mat<f64>,
    vectors: Mat<f64>,
}

impl Basis {
    /// P = 0 and Q = 1.
    pub fn new(side: usize) -> Self {
        Self { mean: Mat::zeros(side, side), vectors: Mat::identity(side, side) }
    }

    /// P and Q, each side² numbers column by column.
    pub fn resume(side: usize, mean: &[f64], vectors: &[f64]) -> Self {
        let matrix = |numbers| MatRef::from_column_major_slice(numbers, side, side).to_owned();
        Self { mean: matrix(mean), vectors: matrix(vectors) }
    }

    /// The number of rows.
    pub fn side(&self) -> usize {
        self.mean.nrows()
    }

    /// P.
    pub fn mean(&self) -> &Mat<f64> {
        &self.mean
    }

    /// Q.
    pub fn vectors(&self) -> &Mat<f64> {
        &self.vectors
    }

    /// P ← β P + (1 − β) A Aᵀ.
    pub fn accumulate(&mut self, a: MatRef<'_, f64>, beta: f64) {
        self.mean *= Scale(beta);
        matmul(&mut self.mean, Accum::Add, a, a.transpose(), 1.0 - beta, Par::Seq);
    }

    /// Q ← the eigenvectors of P, those of the largest eigenvalues first. Should the iteration for
    /// them not converge, Q stays: [`refresh`](Self::refresh) gets nearer to them from any basis.
    pub fn decompose(&mut self) {
        let side = self.side();
        let mut values = Diag::zeros(side);
        let mut vectors = Mat::zeros(side, side);
        let settings = Spec::default();
        let of = ComputeEigenvectors::Yes;
        let scratch = self_adjoint_evd_scratch::<f64>(side, of, Par::Seq, settings);
        let mut memory = MemBuffer::new(scratch);
        let stack = MemStack::new(&mut memory);
        let (mean, target) = (self.mean.as_ref(), Some(vectors.as_mut()));
        if self_adjoint_evd(mean, values.as_mut(), target, Par::Seq, stack, settings).is_ok() {
            self.vectors = vectors.reverse_cols().to_owned();
        }
    }

    /// Q ← the orthogonal factor of P Q: one step of orthogonal iteration (Algorithm 4).
    pub fn refresh(&mut self) {
        let side = self.side();
        let mut product = Mat::zeros(side, side);
        matmul(&mut product, Accum::Replace, &self.mean, &self.vectors, 1.0, Par::Seq);
        let block = recommended_block_size::<f64>(side, side);
        let mut factors = Mat::zeros(block, side);
        let settings = Spec::default();
        let factorise = qr_in_place_scratch::<f64>(side, side, block, Par::Seq, settings);
        let apply = apply_reflections_scratch::<f64>(side, block, side);
        let mut memory = MemBuffer::new(factorise.or(apply));
        let stack = MemStack::new(&mut memory);
        qr_in_place(product.as_mut(), factors.as_mut(), Par::Seq, stack, settings);
        self.vectors = Mat::identity(side, side);
        let reflections = (product.as_ref(), factors.as_ref());
        let target = self.vectors.as_mut();
        apply_reflections(reflections.0, reflections.1, Conj::No, target, Par::Seq, stack);
    }
}
