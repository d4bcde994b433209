//! The two bases of one weight matrix, and the rotation of its gradients into them and back.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::basis::Basis;

/// Rows or columns up to which a side is rotated. Beyond, the work on a side, which grows with its
/// cube, would be more than that on the gradient.
const LARGEST_SIDE: usize = 1024;

/// A weight matrix as a part of the flat vector of parameters, row after row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightMatrix {
    /// The first of its parameters.
    pub start: usize,
    /// Number of rows m.
    pub rows: usize,
    /// Number of columns n.
    pub columns: usize,
}

impl WeightMatrix {
    /// The parameter behind its last one, if it can be counted.
    pub(super) fn end(&self) -> Option<usize> {
        self.rows.checked_mul(self.columns)?.checked_add(self.start)
    }
}

/// The bases of the rows and the columns of a weight matrix; none for a side of length 1, which has
/// nothing to rotate, and for one that is too long.
#[derive(Clone, Debug)]
pub struct Preconditioner {
    matrix: WeightMatrix,
    left: Option<Basis>,
    right: Option<Basis>,
    product: Vec<f64>,
}

impl Preconditioner {
    pub fn new(matrix: WeightMatrix) -> Self {
        let basis = |side| (2..=LARGEST_SIDE).contains(&side).then(|| Basis::new(side));
        Self {
            matrix,
            left: basis(matrix.rows),
            right: basis(matrix.columns),
            product: vec![0.0; matrix.rows * matrix.columns],
        }
    }

    /// Its bases, that of the rows first.
    pub fn bases(&self) -> impl Iterator<Item = &Basis> {
        self.left.iter().chain(&self.right)
    }

    /// Its bases, that of the rows first.
    pub fn bases_mut(&mut self) -> impl Iterator<Item = &mut Basis> {
        self.left.iter_mut().chain(&mut self.right)
    }

    /// L ← β L + (1 − β) G Gᵀ,  R ← β R + (1 − β) Gᵀ G.
    pub fn accumulate(&mut self, gradient: &[f64], beta: f64) {
        let WeightMatrix { start, rows, columns } = self.matrix;
        let part = &gradient[start..start + self.product.len()];
        let gradient = MatRef::from_row_major_slice(part, rows, columns);
        if let Some(left) = &mut self.left {
            left.accumulate(gradient, beta);
        }
        if let Some(right) = &mut self.right {
            right.accumulate(gradient.transpose(), beta);
        }
    }

    /// X ← Q_Lᵀ X Q_R, X being the matrix's part of a vector as long as the parameters.
    pub fn rotate(&mut self, x: &mut [f64]) {
        self.multiply(x, Mat::transpose);
    }

    /// X ← Q_L X Q_Rᵀ.
    pub fn rotate_back(&mut self, x: &mut [f64]) {
        self.multiply(x, Mat::as_ref);
    }

    /// X ← A X Bᵀ with A made of Q_L, and B of Q_R.
    fn multiply(&mut self, x: &mut [f64], oriented: impl Fn(&Mat<f64>) -> MatRef<'_, f64>) {
        let WeightMatrix { start, rows, columns } = self.matrix;
        let x = &mut x[start..start + self.product.len()];
        for (basis, is_left) in [(&self.left, true), (&self.right, false)] {
            let Some(basis) = basis else { continue };
            let q = oriented(basis.vectors());
            let matrix = MatRef::from_row_major_slice(x, rows, columns);
            let (a, b) = if is_left { (q, matrix) } else { (matrix, q.transpose()) };
            let product = MatMut::from_row_major_slice_mut(&mut self.product, rows, columns);
            matmul(product, Accum::Replace, a, b, 1.0, Par::Seq);
            x.copy_from_slice(&self.product);
        }
    }
}
