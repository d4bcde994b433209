//! Regular grids in the unit cube.

use super::GridEnds;

/// All combinations of the axes' nodes, of which there is one number per column.
pub(super) fn fill(columns: &mut [Vec<f64>], nodes: &[usize], ends: GridEnds) {
    // Number of points with the same node on an axis, one after the other.
    let mut repeated = 1;
    for (column, &nodes) in columns.iter_mut().zip(nodes).rev() {
        for (point, x) in column.iter_mut().enumerate() {
            *x = node(point / repeated % nodes, nodes, ends);
        }
        repeated *= nodes;
    }
}

/// Node i of n on [0, 1].
fn node(i: usize, n: usize, ends: GridEnds) -> f64 {
    match ends {
        GridEnds::Included => i as f64 / n.saturating_sub(1).max(1) as f64,
        GridEnds::Excluded => (i as f64 + 1.0) / (n as f64 + 1.0),
    }
}
