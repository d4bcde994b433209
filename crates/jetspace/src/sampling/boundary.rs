//! Points on the sides of a box: the same layouts in one dimension less.

use super::{MAX_POINTS, Sampler, SamplingError, constant_column};
use crate::random::RandomStream;

/// One side of a box, or a plane inside: the points with the same coordinate on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// The axis that it stands across, counted from 0.
    pub axis: usize,
    /// Where on it.
    pub end: End,
}

/// The ends of an axis, and places between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// The lower bound.
    Low,
    /// The upper bound.
    High,
    /// A coordinate from the lower to the upper bound.
    Inside(f64),
}

impl End {
    /// The coordinate, on an axis with these bounds.
    #[must_use]
    pub fn of(self, (low, high): (f64, f64)) -> f64 {
        match self {
            Self::Low => low,
            Self::High => high,
            // Not `clamp`, which panics where bounds are in the wrong order.
            Self::Inside(place) => place.max(low).min(high),
        }
    }
}

impl Side {
    /// The sides of a box of so many axes: low and high of the first axis, then of the second, …
    pub fn all(dimension: usize) -> impl Iterator<Item = Self> {
        (0..dimension).flat_map(|axis| [End::Low, End::High].map(|end| Self { axis, end }))
    }
}

impl Sampler {
    /// Points on one side of the box `domain`, as one column per axis of the box. A grid leaves out
    /// the number of nodes of the side's axis. The side of an interval is a point, and all points on
    /// it are the same.
    ///
    /// # Errors
    /// A box, a side or a number of points that is not possible.
    ///
    /// ```
    /// use jetspace::random::RandomStream;
    /// use jetspace::sampling::{End, Sampler, Side};
    /// let (domain, mut stream) = ([(0.0, 1.0), (-1.0, 1.0)], RandomStream::new(1, 0));
    /// // Where the time t = 0.
    /// let initial = Side { axis: 0, end: End::Low };
    /// let columns = Sampler::Uniform { points: 50 }.sample_side(&domain, initial, &mut stream)?;
    /// assert!(columns[0].iter().all(|&t| t == 0.0) && columns[1].len() == 50);
    /// # Ok::<(), jetspace::sampling::SamplingError>(())
    /// ```
    pub fn sample_side(
        &self,
        domain: &[(f64, f64)],
        side: Side,
        stream: &mut RandomStream,
    ) -> Result<Vec<Vec<f64>>, SamplingError> {
        self.check(domain)?;
        let Side { axis, end } = side;
        let dimension = domain.len();
        let Some(&bounds) = domain.get(axis) else {
            return Err(SamplingError::UnknownAxis { axis, dimension });
        };
        let layout = self.without_axis(axis);
        let mut columns = layout.fill(&without(domain, axis), stream)?;
        columns.insert(axis, constant_column(end.of(bounds), layout.count()?)?);
        Ok(columns)
    }

    /// Points on all sides of the box `domain`, side by side in the order of [`Side::all`]: on each
    /// of them as many as on one. Random layouts differ from side to side.
    ///
    /// # Errors
    /// A box or a number of points that is not possible.
    pub fn sample_boundary(
        &self,
        domain: &[(f64, f64)],
        stream: &mut RandomStream,
    ) -> Result<Vec<Vec<f64>>, SamplingError> {
        self.check(domain)?;
        let mut columns = vec![Vec::new(); domain.len()];
        for side in Side::all(domain.len()) {
            let of_side = self.sample_side(domain, side, stream)?;
            for (column, of_side) in columns.iter_mut().zip(of_side) {
                if column.len() + of_side.len() > MAX_POINTS {
                    return Err(SamplingError::TooManyPoints);
                }
                column.extend(of_side);
            }
        }
        Ok(columns)
    }

    /// The layout on a side across this axis.
    fn without_axis(&self, axis: usize) -> Self {
        match self {
            Self::Grid { nodes, ends } => Self::Grid { nodes: without(nodes, axis), ends: *ends },
            other => other.clone(),
        }
    }
}

/// All items but one.
fn without<T: Copy>(items: &[T], place: usize) -> Vec<T> {
    items.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, item)| *item).collect()
}
