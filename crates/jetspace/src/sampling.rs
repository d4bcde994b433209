//! Points in a box [l₁, h₁] × … × [l_d, h_d] and on its sides, one layout per file.
//!
//! A layout fills the unit cube; here its points are moved to the box.

mod boundary;
mod grid;
mod latin_hypercube;
mod sobol;
mod uniform;

use thiserror::Error;

pub use self::boundary::{End, Side};
use crate::random::RandomStream;

/// Most coordinates of a point.
pub const MAX_DIMENSION: usize = 8;
/// Most points of one set.
pub const MAX_POINTS: usize = 1 << 28;

/// How points are laid out in a box, and how many there are.
///
/// ```
/// use jetspace::random::RandomStream;
/// use jetspace::sampling::{GridEnds, Sampler};
/// let domain = [(0.0, 1.0), (-1.0, 1.0)];
/// let grid = Sampler::Grid { nodes: vec![3, 2], ends: GridEnds::Included };
/// let columns = grid.sample(&domain, &mut RandomStream::new(1, 0))?;
/// assert_eq!(columns[0], [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]); // The last axis runs fastest.
/// assert_eq!(columns[1], [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
///
/// let random = Sampler::LatinHypercube { points: 100 };
/// let columns = random.sample(&domain, &mut RandomStream::new(1, 1))?;
/// assert_eq!((columns.len(), columns[0].len()), (2, 100));
/// # Ok::<(), jetspace::sampling::SamplingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// Independent uniform points.
    Uniform {
        /// Number of points.
        points: usize,
    },
    /// All combinations of equidistant nodes on each axis; the last axis runs fastest.
    Grid {
        /// Number of nodes on each axis.
        nodes: Vec<usize>,
        /// Whether there are nodes at the ends of the axes.
        ends: GridEnds,
    },
    /// Random points such that each of n equal slices of each axis holds one of the n points
    /// (M. D. McKay, R. J. Beckman, W. J. Conover, *Technometrics* 21, 1979).
    LatinHypercube {
        /// Number of points.
        points: usize,
    },
    /// The first points of the Sobol sequence (I. M. Sobol', 1967) with the direction numbers of
    /// S. Joe, F. Y. Kuo, *SIAM J. Sci. Comput.* 30, 2008. The first 2ᵏ points are spread most evenly,
    /// for each k; the first of all, without a shift, is the box's corner.
    Sobol {
        /// Number of points.
        points: usize,
        /// Whether all points are shifted by random bits (exclusive or), which keeps them as even
        /// and makes each of them uniform.
        shift: bool,
    },
}

/// Where a grid's outermost nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridEnds {
    /// At the ends l and h of an axis, as in `numpy.linspace`; a single node is at l.
    Included,
    /// One spacing inside: n nodes at l + (h − l) i/(n + 1), i = 1, …, n.
    Excluded,
}

/// What can be wrong with a box or a layout.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A box of no or too many dimensions.
    #[error("a box has 1 to {MAX_DIMENSION} dimensions, found {found}: sample the others apart")]
    Dimension {
        /// The number of dimensions.
        found: usize,
    },
    /// Bounds that are no interval.
    #[error(
        "axis {axis} (from 0): expected finite bounds, the lower one first, found {low} and {high}"
    )]
    Interval {
        /// The axis, counted from 0.
        axis: usize,
        /// Its lower bound.
        low: f64,
        /// Its upper bound.
        high: f64,
    },
    /// A grid that has not one number of nodes per axis of the box.
    #[error("a grid needs one number of nodes per axis: expected {expected}, found {found}")]
    Nodes {
        /// The dimension of the box.
        expected: usize,
        /// The grid's numbers.
        found: usize,
    },
    /// More points than one set may have, or than memory has room for.
    #[error("no room for so many points: ask for fewer, at most {MAX_POINTS}")]
    TooManyPoints,
    /// A side that the box does not have.
    #[error("the box has no side across axis {axis} (from 0): it has {dimension} axes")]
    UnknownAxis {
        /// The axis, counted from 0.
        axis: usize,
        /// The dimension of the box.
        dimension: usize,
    },
}

impl Sampler {
    /// Points in the box `domain`, as one column per axis. Layouts without randomness leave `stream`
    /// alone.
    ///
    /// # Errors
    /// A box or a number of points that is not possible.
    pub fn sample(
        &self,
        domain: &[(f64, f64)],
        stream: &mut RandomStream,
    ) -> Result<Vec<Vec<f64>>, SamplingError> {
        self.check(domain)?;
        self.fill(domain, stream)
    }

    /// Points in a box that has been checked; of no dimensions too, as a side of an interval is.
    fn fill(
        &self,
        domain: &[(f64, f64)],
        stream: &mut RandomStream,
    ) -> Result<Vec<Vec<f64>>, SamplingError> {
        let count = self.count()?;
        let mut columns = Vec::new();
        for _ in domain {
            columns.push(constant_column(0.0, count)?);
        }
        match self {
            Self::Uniform { .. } => uniform::fill(&mut columns, stream),
            Self::Grid { nodes, ends } => grid::fill(&mut columns, nodes, *ends),
            Self::LatinHypercube { .. } => latin_hypercube::fill(&mut columns, stream),
            Self::Sobol { shift, .. } => sobol::fill(&mut columns, shift.then_some(stream)),
        }
        for (column, &(low, high)) in columns.iter_mut().zip(domain) {
            for x in column {
                // Rounding must not carry a point out of the box.
                *x = ((1.0 - *x) * low + *x * high).max(low).min(high);
            }
        }
        Ok(columns)
    }

    /// Whether the box exists, and the layout fits it.
    fn check(&self, domain: &[(f64, f64)]) -> Result<(), SamplingError> {
        if domain.is_empty() || domain.len() > MAX_DIMENSION {
            return Err(SamplingError::Dimension { found: domain.len() });
        }
        for (axis, &(low, high)) in domain.iter().enumerate() {
            if !(low < high && (high - low).is_finite()) {
                return Err(SamplingError::Interval { axis, low, high });
            }
        }
        match self {
            Self::Grid { nodes, .. } if nodes.len() != domain.len() => {
                Err(SamplingError::Nodes { expected: domain.len(), found: nodes.len() })
            }
            _ => Ok(()),
        }
    }

    /// Number of points.
    fn count(&self) -> Result<usize, SamplingError> {
        let count = match self {
            Self::Uniform { points }
            | Self::LatinHypercube { points }
            | Self::Sobol { points, .. } => Some(*points),
            Self::Grid { nodes, .. } => {
                nodes.iter().try_fold(1_usize, |count, &nodes| count.checked_mul(nodes))
            }
        };
        count.filter(|&count| count <= MAX_POINTS).ok_or(SamplingError::TooManyPoints)
    }
}

/// A column of one value; an error instead of a crash where memory is short.
fn constant_column(value: f64, count: usize) -> Result<Vec<f64>, SamplingError> {
    let mut column = Vec::new();
    column.try_reserve_exact(count).map_err(|_| SamplingError::TooManyPoints)?;
    column.resize(count, value);
    Ok(column)
}

#[cfg(test)]
mod tests;
