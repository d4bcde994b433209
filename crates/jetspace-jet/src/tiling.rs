//! How points are cut into tiles, and tiles into chunks. Depends on the plan and the number of
//! points only, never on threads: that is what makes results the same for any number of them.

use crate::Real;
use crate::kernels::{GROUP_BYTES, group_lanes};
use crate::plan::Plan;
use crate::points::TileRange;

/// Bytes of a row of a tile's panels (points × channels) that work best: long enough that the
/// reductions at the end of the weights' gradient cost little (measured: BENCHMARKS.md).
const ROW_BYTES: usize = 2048;

/// Bytes of a panel that work best: a few of them must share the second-level cache, or threads
/// compete for the third.
const PANEL_BYTES: usize = 256 << 10;

/// Groups of points that make a tile worth having.
const LEAST_GROUPS: usize = 8;

/// Chunks per point set at most: enough to keep many threads busy, few enough that adding their
/// sums costs nothing.
const MOST_CHUNKS: usize = 256;

/// The tiles of one point set.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    points: usize,
    /// Points of every tile but the last.
    pub points_per_tile: usize,
}

impl Tiling {
    pub fn new<T: Real>(plan: &Plan, points: usize) -> Self {
        let line = group_lanes::<T>();
        let groups = points.div_ceil(line);
        let row = ROW_BYTES.min(PANEL_BYTES / plan.widest());
        let most = (row / (GROUP_BYTES * plan.channels())).max(1);
        // A point set of some size makes at least two tiles, so that two threads can share it.
        let least = if groups >= 2 * LEAST_GROUPS { 2 } else { 1 };
        let tiles = groups.div_ceil(most).max(least);
        Self { points, points_per_tile: (groups.div_ceil(tiles) * line).max(line) }
    }

    /// Tile `index`, if there is one.
    pub fn tile(&self, index: usize) -> Option<TileRange> {
        let first = index.checked_mul(self.points_per_tile)?;
        (first < self.points)
            .then(|| TileRange { first, len: self.points_per_tile.min(self.points - first) })
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.points.div_ceil(self.points_per_tile)
    }

    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        self.tiles().div_ceil(self.tiles_per_chunk())
    }

    /// The tiles of chunk `index`.
    pub fn chunk(&self, index: usize) -> impl Iterator<Item = TileRange> + '_ {
        let size = self.tiles_per_chunk();
        (index * size..(index + 1) * size).map_while(|tile| self.tile(tile))
    }

    fn tiles_per_chunk(&self) -> usize {
        self.tiles().div_ceil(MOST_CHUNKS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, JetSet, Network, Strategy};

    #[test]
    fn chunks_cover_every_point_once() {
        let network = Network::dense(2, &[5], 1, Activation::Tanh).unwrap();
        for order in 0..4 {
            let jets = JetSet::new(2).unwrap().with_order(order).unwrap();
            let plan = Plan::new(&network, &jets, Strategy::Forward).unwrap();
            for points in [0, 1, 15, 16, 17, 1000, 10_007, 1_000_003] {
                let tiling = Tiling::new::<f32>(&plan, points);
                assert!(tiling.chunks() <= MOST_CHUNKS);
                let mut next = 0;
                for chunk in 0..tiling.chunks() {
                    for tile in tiling.chunk(chunk) {
                        assert_eq!(tile.first, next);
                        assert!(tile.len > 0);
                        next += tile.len;
                    }
                }
                assert_eq!(next, points);
            }
        }
    }
}
