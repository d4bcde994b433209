//! Points that jets are evaluated at, and a tile of jets as a loss function sees it.

use std::ops::Range;

use crate::error::expect_len;
use crate::{JetError, Real};

/// Points as columns: coordinate by coordinate, `columns[i * len + p]` is coordinate i of point p.
///
/// ```
/// use jetspace_jet::Points;
/// // Three points (t, x): all t, then all x.
/// let points = Points::new(3, &[0.0, 0.5, 1.0, -1.0, 0.0, 1.0]);
/// assert_eq!(points.len(), 3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Points<'a, T> {
    len: usize,
    columns: &'a [T],
    directions: &'a [T],
}

impl<'a, T: Real> Points<'a, T> {
    /// `len` points; `columns` holds all values of the first coordinate, then of the second, …
    #[must_use]
    pub fn new(len: usize, columns: &'a [T]) -> Self {
        Self { len, columns, directions: &[] }
    }

    /// The same points with direction vectors, for jet sets that have directions:
    /// `columns[(j * d + i) * len + p]` is component i (of d) of direction j at point p.
    #[must_use]
    pub fn with_directions(self, columns: &'a [T]) -> Self {
        Self { directions: columns, ..self }
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn check(&self, coordinates: usize, directions: usize) -> Result<(), JetError> {
        let columns = |n: usize| self.len.saturating_mul(n);
        expect_len("numbers in the points' columns", columns(coordinates), self.columns.len())?;
        let expected = columns(coordinates * directions);
        expect_len("numbers in the directions' columns", expected, self.directions.len())
    }

    pub(crate) fn coordinate(&self, i: usize) -> &'a [T] {
        &self.columns[i * self.len..][..self.len]
    }

    pub(crate) fn direction(&self, j: usize, i: usize) -> &'a [T] {
        let coordinates = self.columns.len() / self.len.max(1);
        &self.directions[(j * coordinates + i) * self.len..][..self.len]
    }
}

/// Which points a tile holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileRange {
    pub first: usize,
    pub len: usize,
}

/// The shape of a tile's jets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileShape {
    pub range: TileRange,
    /// Numbers per row, at least the number of points.
    pub lanes: usize,
    pub components: usize,
}

impl TileShape {
    fn row(&self, output: usize, component: usize) -> Range<usize> {
        let from = (output * self.components + component) * self.lanes;
        from..from + self.range.len
    }
}

/// The jets of a tile of points.
#[derive(Clone, Copy, Debug)]
pub struct JetTile<'a, T> {
    pub(crate) shape: TileShape,
    pub(crate) data: &'a [T],
}

impl<'a, T> JetTile<'a, T> {
    /// The points' places in the point set, to look up their data.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.shape.range.first..self.shape.range.first + self.shape.range.len
    }

    /// One component of one output at all points of the tile; empty if there is none such.
    #[must_use]
    pub fn component(&self, output: usize, component: usize) -> &'a [T] {
        if component >= self.shape.components {
            return &[];
        }
        self.data.get(self.shape.row(output, component)).unwrap_or(&[])
    }
}

/// The cotangents of a tile's jets, ∂loss/∂jet, to be filled by the loss function; zero at first.
#[derive(Debug)]
pub struct CotangentTile<'a, T> {
    pub(crate) shape: TileShape,
    pub(crate) data: &'a mut [T],
}

impl<T> CotangentTile<'_, T> {
    /// One component of one output at all points of the tile; empty if there is none such.
    #[must_use]
    pub fn component_mut(&mut self, output: usize, component: usize) -> &mut [T] {
        if component >= self.shape.components {
            return &mut [];
        }
        self.data.get_mut(self.shape.row(output, component)).unwrap_or(&mut [])
    }
}
