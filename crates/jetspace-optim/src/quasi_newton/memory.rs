//! What a quasi-Newton method has learnt of the inverse Hessian H, and the direction −H g.

use super::broyden::DenseUpdate;
use super::matrix::{SymmetricMatrix, triangle};
use super::{InverseHessian, InverseHessianState};
use crate::blocks::{Block, dot, load, numbers, scale, zeros};
use crate::error::check_length;
use crate::lbfgs::history::History;
use crate::{Float, OptimError};

/// A step and what it says of H: H y = s.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a, T> {
    /// s.
    pub step: &'a [Block<T>],
    /// y.
    pub change: &'a [Block<T>],
    /// sᵀBs, where y·s was expected.
    pub predicted: f64,
}

#[derive(Clone, Debug)]
pub(super) enum Memory<T> {
    Limited(History<T>),
    Dense(Dense<T>),
}

#[derive(Clone, Debug)]
pub(super) struct Dense<T> {
    update: DenseUpdate,
    initial_scaling: bool,
    parameters: usize,
    matrix: SymmetricMatrix<T>,
    is_identity: bool,
    /// H y.
    image: Vec<Block<T>>,
    products: [Vec<Block<T>>; 2],
}

impl<T: Float> Memory<T> {
    pub fn new(hessian: InverseHessian, parameters: usize) -> Result<Self, OptimError> {
        Ok(match hessian {
            InverseHessian::Limited { pairs } => {
                Self::Limited(History::new(pairs, zeros::<T>(parameters).len()))
            }
            InverseHessian::Dense { update, initial_scaling } => {
                let matrix = SymmetricMatrix::identity(parameters);
                Self::Dense(Dense {
                    update,
                    initial_scaling,
                    parameters,
                    matrix: matrix.ok_or(OptimError::Memory { parameters })?,
                    is_identity: true,
                    image: zeros(parameters),
                    products: [zeros(parameters), zeros(parameters)],
                })
            }
        })
    }

    /// Whether nothing has been learnt.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Limited(history) => history.len() == 0,
            Self::Dense(dense) => dense.is_identity,
        }
    }

    /// Forgets everything: H ← 1.
    pub fn reset(&mut self) {
        match self {
            Self::Limited(history) => history.clear(),
            Self::Dense(dense) => {
                dense.matrix.set_identity();
                dense.is_identity = true;
            }
        }
    }

    /// Learns a pair, and then d ← −H g; returns g·d. `None` if nothing can be learnt from the pair,
    /// for want of positive curvature; then d is of no use.
    #[inline(always)]
    pub fn direction(
        &mut self,
        pair: Option<Pair<'_, T>>,
        gradient: &[Block<T>],
        d: &mut [Block<T>],
    ) -> Option<f64> {
        match self {
            Self::Limited(history) => {
                if let Some(Pair { step, change, .. }) = pair
                    && !history.push(step, change, 0.0)
                {
                    return None;
                }
                Some(history.direction(gradient, d))
            }
            Self::Dense(dense) => {
                match pair {
                    Some(pair) => dense.learn_then_multiply(pair, gradient, d)?,
                    None => dense.matrix.product(gradient, d),
                }
                scale(d, T::from_f64(-1.0));
                Some(dot(gradient, d))
            }
        }
    }

    pub fn state(&self, parameters: usize) -> InverseHessianState<T> {
        let flat = |vector: &[Block<T>]| numbers(vector, parameters).collect::<Vec<T>>();
        match self {
            Self::Limited(history) => InverseHessianState::Limited {
                steps: history.steps().flat_map(flat).collect(),
                changes: history.changes().flat_map(flat).collect(),
            },
            Self::Dense(Dense { is_identity: true, .. }) => InverseHessianState::Identity,
            Self::Dense(dense) => {
                InverseHessianState::Dense { lower_triangle: dense.matrix.lower_triangle() }
            }
        }
    }

    /// Takes over a saved state.
    pub fn load(
        &mut self,
        parameters: usize,
        state: &InverseHessianState<T>,
    ) -> Result<(), OptimError> {
        match (self, state) {
            (Self::Limited(history), InverseHessianState::Limited { steps, changes }) => {
                let pairs = steps.len() / parameters.max(1);
                check_length("the history's steps", pairs * parameters, steps.len())?;
                check_length("the history's changes", steps.len(), changes.len())?;
                let (mut step, mut change) = (zeros(parameters), zeros(parameters));
                let vectors = |of_all| <[T]>::chunks_exact(of_all, parameters.max(1));
                for (s, y) in vectors(steps).zip(vectors(changes)) {
                    load(&mut step, s);
                    load(&mut change, y);
                    history.push(&step, &change, 0.0);
                }
                Ok(())
            }
            (Self::Dense(dense), InverseHessianState::Dense { lower_triangle }) => {
                let expected = triangle(parameters);
                check_length("the inverse Hessian's triangle", expected, lower_triangle.len())?;
                dense.matrix.load_lower_triangle(lower_triangle);
                dense.is_identity = false;
                Ok(())
            }
            (Self::Dense(_), InverseHessianState::Identity) => Ok(()),
            (Self::Limited(_), _) => {
                Err(OptimError::State { expected: "limited memory", found: "a dense matrix" })
            }
            (Self::Dense(_), _) => {
                Err(OptimError::State { expected: "a dense matrix", found: "limited memory" })
            }
        }
    }
}

impl<T: Float> Dense<T> {
    /// H ← H⁺, and then d ← H g.
    #[inline(always)]
    fn learn_then_multiply(
        &mut self,
        Pair { step, change, predicted }: Pair<'_, T>,
        gradient: &[Block<T>],
        d: &mut [Block<T>],
    ) -> Option<()> {
        self.matrix.product(change, &mut self.image);
        let curvature = dot(change, step);
        let (b, h) = (predicted / curvature, dot(change, &self.image) / curvature);
        let is_scaling = self.is_identity && self.initial_scaling;
        let change = self.update.rank_two(curvature, b, h, self.parameters, is_scaling)?;
        let vectors = (step, &self.image[..]);
        self.matrix.change_then_product(change, vectors, &mut self.products, gradient, d);
        self.is_identity = false;
        Some(())
    }
}
