//! What the channels of the first layer start from.

use super::Context;
use crate::Real;
use crate::points::{Points, TileRange};

/// The first derivative of one coordinate (as the first layer sees it) along a component's
/// variables: a constant, and directions given per point.
pub(super) struct Seed<'a, T> {
    constant: T,
    scale: T,
    directions: &'a [(usize, f64)],
    points: Points<'a, T>,
    inputs: usize,
    coordinate: usize,
}

impl<'a, T: Real> Seed<'a, T> {
    pub(super) fn new(call: Context<'a, T>, at: usize, coordinate: usize) -> Self {
        let scale = call.network.affine[coordinate].1;
        let variables: &'a [(usize, f64)] = &call.plan.seeds[at];
        let mut constant = T::ZERO;
        for &(variable, weight) in variables {
            if variable == coordinate {
                constant += T::from_f64(weight) * scale;
            }
        }
        let inputs = call.network.inputs;
        let along = variables.iter().any(|(v, _)| *v >= inputs);
        let directions = if along { variables } else { &[] };
        Self { constant, scale, directions, points: call.points, inputs, coordinate }
    }

    /// The derivative for the lanes of group `g`.
    #[inline]
    pub(super) fn write(&self, tile: TileRange, g: usize, lanes: &mut [T]) {
        lanes.fill(self.constant);
        for &(variable, weight) in self.directions {
            let Some(direction) = variable.checked_sub(self.inputs) else { continue };
            let column = self.points.direction(direction, self.coordinate);
            let count = lanes.len();
            for (lane, value) in lanes.iter_mut().enumerate() {
                let point = tile.first + (g * count + lane).min(tile.len - 1);
                *value += T::from_f64(weight) * self.scale * column[point];
            }
        }
    }
}
