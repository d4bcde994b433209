//! Latin hypercubes: each of n equal slices of each axis holds one of the n points.

use crate::random::RandomStream;

/// An independent random order of the slices on each axis, and a random place in each slice.
pub(super) fn fill(columns: &mut [Vec<f64>], stream: &mut RandomStream) {
    for column in columns {
        let slices = stream.permutation(column.len());
        let count = column.len() as f64;
        for (x, slice) in column.iter_mut().zip(slices) {
            *x = (slice as f64 + stream.unit()) / count;
        }
    }
}
