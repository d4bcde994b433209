//! Independent uniform points in the unit cube.

use crate::random::RandomStream;

/// Point by point, so that fewer points are the first of more points.
pub(super) fn fill(columns: &mut [Vec<f64>], stream: &mut RandomStream) {
    for point in 0..columns.first().map_or(0, Vec::len) {
        for column in &mut *columns {
            column[point] = stream.unit();
        }
    }
}
