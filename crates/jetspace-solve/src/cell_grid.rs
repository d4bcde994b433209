//! Boxes cut into cells around nodes that are equally far from each other.

use crate::SolveError;
use crate::finite_difference::weights;

/// Most nodes of a grid.
const MOST_NODES: usize = 1 << 22;

/// Neighbouring nodes along each axis that a value between them is interpolated from.
const NEIGHBOURS: usize = 4;

/// What is at the two ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They are the same place.
    Periodic,
    /// Nothing flows in or out.
    Closed,
    /// What is at the outermost nodes flows in, or anything out.
    Open,
}

/// A box with nodes from one end of each axis to the other. Around each node is a cell, but for the
/// outermost ones where the axis is not periodic: they hold boundary values.
#[derive(Clone, Debug)]
pub struct CellGrid {
    pub(crate) ranges: Vec<(f64, f64)>,
    pub(crate) nodes: Vec<usize>,
    pub(crate) ends: Vec<Ends>,
    /// Coordinates of the nodes along each axis.
    rows: Vec<Vec<f64>>,
}

impl CellGrid {
    /// A grid over a box, with a number of nodes along each axis, both ends included.
    ///
    /// # Errors
    /// No axis, an empty range, fewer than three nodes along an axis, or too many in all.
    pub fn new(ranges: &[(f64, f64)], nodes: &[usize], ends: &[Ends]) -> Result<Self, SolveError> {
        if nodes.is_empty() || ranges.len() != nodes.len() || ends.len() != nodes.len() {
            let expected = format!("a number of nodes for each of {} axes", ranges.len());
            return Err(SolveError::argument(expected, &nodes.len()));
        }
        if let Some((low, high)) =
            ranges.iter().find(|(low, high)| (high - low).is_nan() || high <= low)
        {
            let found = format!("{low}, {high}");
            return Err(SolveError::argument("a range that is not empty", &found));
        }
        let total = nodes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if nodes.iter().any(|n| *n < 3) || total.is_none_or(|total| total > MOST_NODES) {
            let expected =
                format!("3 nodes or more along each axis, and at most {MOST_NODES} in all");
            return Err(SolveError::argument(expected, &format!("{nodes:?}")));
        }
        let along = |((low, high), &count): (&(f64, f64), &usize)| {
            let step = (high - low) / (count - 1) as f64;
            (0..count).map(|row| low + step * row as f64).collect()
        };
        let rows = ranges.iter().zip(nodes).map(along).collect();
        Ok(Self { ranges: ranges.to_vec(), nodes: nodes.to_vec(), ends: ends.to_vec(), rows })
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.iter().product()
    }

    /// Whether there are no nodes: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coordinates of the nodes, a column for each axis; the last axis varies fastest.
    #[must_use]
    pub fn coordinates(&self) -> Vec<Vec<f64>> {
        let column =
            |axis: usize| (0..self.len()).map(|p| self.rows[axis][self.row(axis, p)]).collect();
        (0..self.nodes.len()).map(column).collect()
    }

    /// The distance of nodes along an axis.
    pub(crate) fn spacing(&self, axis: usize) -> f64 {
        let (low, high) = self.ranges[axis];
        (high - low) / (self.nodes[axis] - 1) as f64
    }

    /// How far apart neighbours along an axis are in a list of all nodes.
    pub(crate) fn stride(&self, axis: usize) -> usize {
        self.nodes[axis + 1..].iter().product()
    }

    /// The number of a node along an axis.
    pub(crate) fn row(&self, axis: usize, node: usize) -> usize {
        node / self.stride(axis) % self.nodes[axis]
    }

    /// Whether a node has a cell that is its own: the last one of a period is the first one.
    pub(crate) fn is_cell(&self, node: usize) -> bool {
        (0..self.nodes.len()).all(|axis| match (self.ends[axis], self.row(axis, node)) {
            (Ends::Periodic, row) => row + 1 < self.nodes[axis],
            (_, row) => row > 0 && row + 1 < self.nodes[axis],
        })
    }

    /// Along an axis, the nodes that a value at x is interpolated from, and weights with which they
    /// give its derivatives of each order: those of the cubic polynomial through four nodes.
    pub(crate) fn stencil(
        &self,
        axis: usize,
        x: f64,
        orders: &[usize],
    ) -> (Vec<usize>, Vec<Vec<f64>>) {
        let (low, high) = self.ranges[axis];
        let (count, step) = (self.nodes[axis], self.spacing(axis));
        let near = NEIGHBOURS.min(count);
        let is_periodic = self.ends[axis] == Ends::Periodic;
        let x = if is_periodic { low + (x - low).rem_euclid(high - low) } else { x };
        // Numbers that are none are taken to be before the first node.
        let before = self.rows[axis].partition_point(|row| *row <= x);
        let first = before.cast_signed() - (near / 2).cast_signed();
        let last = (count - near).cast_signed();
        let first = if is_periodic { first } else { first.clamp(0, last) };
        let places: Vec<f64> = (0..near).map(|j| low + step * (first as f64 + j as f64)).collect();
        // The last node of a period is the first one.
        let period = if is_periodic { (count - 1).cast_signed() } else { count.cast_signed() };
        let node = |j: usize| (first + j.cast_signed()).rem_euclid(period).cast_unsigned();
        let of_order = |&order: &usize| weights(x, &places, order);
        ((0..near).map(node).collect(), orders.iter().map(of_order).collect())
    }
}
