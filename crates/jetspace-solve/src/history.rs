//! A solution by finite volumes: stored states, and what they say between nodes and times.

use jetspace_jet::MultiIndex;

use crate::finite_difference::weights;
use crate::{CellGrid, ConservationLaw, SolveError};

/// Stored times that a value between them is interpolated from.
const NEIGHBOURS: usize = 4;

/// What is at the nodes at some times.
///
/// Between nodes and times are the cubic polynomials through four neighbours along each coordinate:
/// for smooth solutions their derivatives are more accurate than the schemes, where linear
/// interpolation would make first derivatives jump. At shocks they overshoot by a tenth.
#[derive(Clone, Debug)]
pub struct History {
    time: usize,
    space: Vec<usize>,
    grid: CellGrid,
    times: Vec<f64>,
    states: Vec<Vec<f64>>,
}

impl History {
    pub(crate) fn new(law: &ConservationLaw, grid: &CellGrid, from: f64, state: Vec<f64>) -> Self {
        let (time, space, grid) = (law.time, law.space.clone(), grid.clone());
        Self { time, space, grid, times: vec![from], states: vec![state] }
    }

    pub(crate) fn push(&mut self, time: f64, state: Vec<f64>) {
        self.times.push(time);
        self.states.push(state);
    }

    /// The times of the stored states.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The values at the nodes at each of these times.
    #[must_use]
    pub fn states(&self) -> &[Vec<f64>] {
        &self.states
    }

    /// D^α u at points, a column for each α that is `wanted`; `points` has a column for each
    /// coordinate. Points beyond the box and times beyond the first and last are extrapolated.
    ///
    /// # Errors
    /// A column of coordinates is missing or has another length; or a derivative of more than third
    /// order by one coordinate.
    pub fn jets(
        &self,
        points: &[Vec<f64>],
        wanted: &[MultiIndex],
    ) -> Result<Vec<Vec<f64>>, SolveError> {
        let count = points.get(self.time).map_or(0, Vec::len);
        for &coordinate in self.space.iter().chain([&self.time]) {
            let found = points.get(coordinate).map(Vec::len);
            if found != Some(count) {
                let expected = format!("{count} values of coordinate {coordinate} (from 0)");
                return Err(SolveError::argument(expected, &format!("{found:?}")));
            }
        }
        let most = NEIGHBOURS - 1;
        if let Some(index) =
            wanted.iter().find(|index| (0..points.len()).any(|i| index.exponent(i) > most))
        {
            let expected =
                format!("derivatives up to order {most}: they are those of cubic polynomials");
            return Err(SolveError::argument(expected, &format!("the derivative {index}")));
        }
        let mut values = vec![vec![0.0; count]; wanted.len()];
        for p in 0..count {
            self.jet(&|coordinate| points[coordinate][p], wanted, &mut |n, value| {
                values[n][p] = value;
            });
        }
        Ok(values)
    }

    fn jet(
        &self,
        place: &dyn Fn(usize) -> f64,
        wanted: &[MultiIndex],
        set: &mut dyn FnMut(usize, f64),
    ) {
        let orders = |coordinate| -> Vec<usize> {
            wanted.iter().map(|index| index.exponent(coordinate)).collect()
        };
        let time = place(self.time);
        let near = NEIGHBOURS.min(self.times.len());
        let after = self.times.partition_point(|&t| t < time);
        let first = after.saturating_sub(near / 2).min(self.times.len() - near);
        let (times, states) = (&self.times[first..first + near], &self.states[first..first + near]);
        let in_time: Vec<Vec<f64>> =
            orders(self.time).iter().map(|&order| weights(time, times, order)).collect();
        // Nodes around the point, and the weight of each for every wanted derivative.
        let mut nodes = vec![(0, vec![1.0; wanted.len()])];
        for (axis, &coordinate) in self.space.iter().enumerate() {
            let (rows, along) = self.grid.stencil(axis, place(coordinate), &orders(coordinate));
            let stride = self.grid.stride(axis);
            nodes = nodes
                .iter()
                .flat_map(|(node, weights)| {
                    rows.iter().enumerate().map(move |row| (node, weights, row))
                })
                .map(|(node, weights, (j, row))| {
                    let products = weights.iter().zip(&along).map(|(w, along)| w * along[j]);
                    (node + row * stride, products.collect())
                })
                .collect();
        }
        for (n, in_time) in in_time.iter().enumerate() {
            let at = |state: &Vec<f64>| -> f64 {
                nodes.iter().map(|(node, weights)| weights[n] * state[*node]).sum()
            };
            set(n, in_time.iter().zip(states).map(|(weight, state)| weight * at(state)).sum());
        }
    }
}
