//! Where metrics are taken: the nodes of a regular grid, once for each set of parameters.

use std::ops::Range;

use crate::Error;
use crate::problem::{Kind, Problem};
use crate::random::Purpose;
use crate::sampling::{GridEnds, Sampler};

/// Most points that metrics are taken at.
const MOST_POINTS: usize = 1 << 28;

/// What a coordinate does over a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RegionAxis {
    /// It has equidistant nodes, ends included; a single node is at the lower end.
    Nodes {
        /// Lower and upper end.
        range: (f64, f64),
        /// How many.
        nodes: usize,
    },
    /// It has one value.
    At(f64),
    /// It is the number in this place of each set of parameters.
    Parameter(usize),
}

impl RegionAxis {
    fn nodes(self) -> usize {
        match self {
            Self::Nodes { nodes, .. } => nodes,
            Self::At(_) | Self::Parameter(_) => 1,
        }
    }

    /// The distance of its nodes; 1 where there is nothing to sum over.
    fn spacing(self) -> f64 {
        match self {
            Self::Nodes { range: (low, high), nodes } => {
                (high - low) / nodes.saturating_sub(1).max(1) as f64
            }
            Self::At(_) | Self::Parameter(_) => 1.0,
        }
    }

    fn values(self, set: &[f64]) -> Result<Vec<f64>, Error> {
        match self {
            Self::Nodes { range, nodes } => Ok(grid_points(&[range], &[nodes])?.concat()),
            Self::At(value) => Ok(vec![value]),
            Self::Parameter(place) => Ok(set.get(place).copied().into_iter().collect()),
        }
    }
}

/// Points, part by part: a grid for each set of parameters, or one.
#[derive(Clone, Debug)]
pub struct Region {
    axes: Vec<RegionAxis>,
    /// Points of a part.
    len: usize,
    /// A column per coordinate; in each part the last coordinate varies fastest.
    pub coordinates: Vec<Vec<f64>>,
    /// What each point stands for: Π h over the coordinates that have nodes.
    pub cell: f64,
}

impl Region {
    /// The problem's box with so many nodes along each coordinate; with `sets` of parameters, of the
    /// other coordinates.
    pub fn new(problem: &Problem, grid: &[usize], sets: &[Vec<f64>]) -> Result<Self, Error> {
        Self::of(Self::axes(problem, grid, sets)?, sets)
    }

    /// What the coordinates do over it.
    pub fn axes(
        problem: &Problem,
        grid: &[usize],
        sets: &[Vec<f64>],
    ) -> Result<Vec<RegionAxis>, Error> {
        let expected = problem.coordinates.len();
        if grid.len() != expected {
            let found = grid.len();
            let message = format!("expected nodes along {expected} coordinates, found {found}");
            return Err(Error::Argument(message));
        }
        let mut parameters = 0..;
        let axis = |(coordinate, &nodes): (&crate::problem::Coordinate, &usize)| {
            let is_of_set = coordinate.kind == Kind::Parameter && !sets.is_empty();
            let place = is_of_set.then(|| parameters.next()).flatten();
            let nodes = RegionAxis::Nodes { range: coordinate.range, nodes };
            place.map_or(nodes, RegionAxis::Parameter)
        };
        Ok(problem.coordinates.iter().zip(grid).map(axis).collect())
    }

    /// What these axes span.
    pub fn of(axes: Vec<RegionAxis>, sets: &[Vec<f64>]) -> Result<Self, Error> {
        let has_sets = axes.iter().any(|axis| matches!(axis, RegionAxis::Parameter(_)));
        let none = [Vec::new()];
        let sets = if has_sets { sets } else { &none };
        let product = |product: usize, nodes| product.checked_mul(nodes);
        let len = axes.iter().map(|axis| axis.nodes()).try_fold(1, product);
        let total = len.and_then(|len| len.checked_mul(sets.len()));
        let Some(len) = len.filter(|_| total.is_some_and(|total| total <= MOST_POINTS)) else {
            let message = format!("expected at most {MOST_POINTS} points to measure at");
            return Err(Error::Argument(message));
        };
        let mut coordinates = vec![Vec::with_capacity(len * sets.len()); axes.len()];
        for set in sets {
            let mut repeat = len;
            for (axis, column) in axes.iter().zip(&mut coordinates) {
                let values = axis.values(set)?;
                if values.len() != axis.nodes() {
                    let message = "expected a number for each parameter in each set, found fewer";
                    return Err(Error::Argument(message.to_owned()));
                }
                repeat /= values.len().max(1);
                let cycle = values.iter().flat_map(|value| std::iter::repeat_n(*value, repeat));
                column.extend(cycle.cycle().take(len));
            }
        }
        let cell = axes.iter().map(|axis| axis.spacing()).product();
        Ok(Self { axes, len, coordinates, cell })
    }

    /// Numbers of nodes along the coordinates.
    pub fn nodes(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.nodes()).collect()
    }

    /// Which points are those of each part.
    pub fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let points = self.coordinates.first().map_or(0, Vec::len);
        let len = self.len.max(1);
        (0..points / len).map(move |part| part * len..(part + 1) * len)
    }

    /// Integrals of a part's column over some coordinates, Π h Σ v over their nodes, at each node of the
    /// others; and what each of those stands for.
    pub fn integrate(&self, column: &[f64], over: &[usize]) -> (Vec<f64>, f64) {
        let (mut values, mut nodes) = (column.to_vec(), self.nodes());
        let mut cell = 1.0;
        for &axis in over {
            let (count, inner): (usize, usize) = (nodes[axis], nodes[axis + 1..].iter().product());
            let outer = values.len() / (count * inner).max(1);
            let sum = |outer: usize, inner_at: usize| {
                let at = |i: usize| values[(outer * count + i) * inner + inner_at];
                (0..count).map(at).sum()
            };
            let pairs = (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i)));
            values = pairs.map(|(o, i)| sum(o, i)).collect();
            nodes[axis] = 1;
            cell *= self.axes[axis].spacing();
        }
        for value in &mut values {
            *value *= cell;
        }
        (values, self.cell / cell)
    }
}

/// The numbers of nodes with which a regular grid over a box has these points in this order, if
/// there is one.
#[must_use]
pub fn grid_of(bounds: &[(f64, f64)], coordinates: &[Vec<f64>]) -> Option<Vec<usize>> {
    let points = coordinates.first()?.len();
    let mut grid = Vec::new();
    for column in coordinates {
        let mut values = column.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        grid.push(values.len());
    }
    if grid.iter().try_fold(1, |product: usize, &n| product.checked_mul(n)) != Some(points) {
        return None;
    }
    let nodes = grid_points(bounds, &grid).ok()?;
    let is_near = |axis: usize| {
        let (low, high) = bounds[axis];
        let mut pairs = nodes[axis].iter().zip(&coordinates[axis]);
        pairs.all(|(a, b)| (a - b).abs() <= 1e-9 * (high - low))
    };
    (0..grid.len()).all(is_near).then_some(grid)
}

/// The nodes of a regular grid over a box, ends included, as columns; the last coordinate varies
/// fastest.
///
/// # Errors
/// A number of nodes for each coordinate is missing, or there are too many.
pub fn grid_points(bounds: &[(f64, f64)], nodes: &[usize]) -> Result<Vec<Vec<f64>>, Error> {
    let sampler = Sampler::Grid { nodes: nodes.to_vec(), ends: GridEnds::Included };
    // A grid draws nothing.
    Ok(sampler.sample(bounds, &mut Purpose::Check.stream(0))?)
}
