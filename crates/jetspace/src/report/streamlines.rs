//! Streamlines of a vector field in a plane, evenly spaced: curves along which it points.
//!
//! Curves x(s) with dx/ds = v/|v| by the classical Runge–Kutta method, v interpolated bilinearly. New
//! curves begin at one distance from those that there are, and end where they come nearer than half
//! of it (B. Jobard, W. Lefer, "Creating evenly-spaced streamlines of arbitrary density",
//! Visualization in Scientific Computing '97). The same field gives the same curves.

use std::collections::VecDeque;

use super::fields::VectorField;

/// Steps along a curve from one distance between curves to the next.
const STEPS_PER_SEPARATION: f64 = 6.0;

/// How near curves may come to each other, as a part of the distance at which they begin.
const NEAREST: f64 = 0.5;

/// Curves shorter than this are left out, unless they are closed; in the same unit.
const SHORTEST: f64 = 1.0;

/// How long a curve may be, in heights and widths of the plane together.
const LONGEST: f64 = 5.0;

/// Most places at which the plane is searched for a beginning.
const MOST_CELLS: f64 = 1e6;

type Point = (f64, f64);

/// A vector field on nodes that are spread over a rectangle of this size, ends included.
struct Plane<'a> {
    field: &'a VectorField,
    nodes: (usize, usize),
    size: (f64, f64),
    /// What components along x and y are multiplied by.
    stretch: (f64, f64),
}

/// How a curve went on from where it began, in one direction.
struct Branch {
    /// Its points after the first.
    points: Vec<Point>,
    /// Whether it came back to where it began.
    is_closed: bool,
}

/// Curves in a rectangle with a corner at the origin, beginning `separation` apart. `lengths` are those
/// of the rectangle in the units of the field, `size` those in which the curves are wanted.
pub(super) fn evenly_spaced(
    field: &VectorField,
    nodes: (usize, usize),
    lengths: (f64, f64),
    size: (f64, f64),
    separation: f64,
) -> Vec<Vec<Point>> {
    let stretch = (size.0 / lengths.0, size.1 / lengths.1);
    let cells = (size.0 / separation + 1.0) * (size.1 / separation + 1.0);
    if nodes.0 < 2 || nodes.1 < 2 || !(1.0..MOST_CELLS).contains(&cells) {
        return Vec::new();
    }
    let plane = Plane { field, nodes, size, stretch };
    let mut drawn = Drawn::new(size, separation);
    let mut lines: Vec<Vec<Point>> = Vec::new();
    for start in starts(size, separation) {
        let mut candidates = VecDeque::from([start]);
        while let Some(start) = candidates.pop_front() {
            if drawn.is_near(start, separation) {
                continue;
            }
            let Some(line) = plane.line(start, separation, &drawn) else { continue };
            for (from, to) in line.iter().zip(line.iter().skip(1)) {
                let along = (to.0 - from.0, to.1 - from.1);
                let part = separation / length(along);
                let aside = (along.1 * part, -along.0 * part);
                candidates.push_back((from.0 + aside.0, from.1 + aside.1));
                candidates.push_back((from.0 - aside.0, from.1 - aside.1));
            }
            for &point in &line {
                drawn.add(point);
            }
            lines.push(line);
        }
    }
    lines
}

/// Where curves may begin: the middle, then everywhere, so that no part is left out that lies behind
/// points without a direction.
fn starts((width, height): (f64, f64), separation: f64) -> impl Iterator<Item = Point> {
    let count = |length: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // At most MOST_CELLS.
        let count = (length / separation).ceil() as usize;
        count.max(1)
    };
    let (columns, rows) = (count(width), count(height));
    let place = |index: usize, count: usize| (index as f64 + 0.5) / count as f64;
    let all = (0..rows).flat_map(move |row| {
        (0..columns).map(move |column| (width * place(column, columns), height * place(row, rows)))
    });
    std::iter::once((width / 2.0, height / 2.0)).chain(all)
}

impl Plane<'_> {
    /// The curve through a point, as far as it goes; nothing if that is not far.
    fn line(&self, start: Point, separation: f64, drawn: &Drawn) -> Option<Vec<Point>> {
        let forward = self.branch(start, 1.0, separation, drawn, &[]);
        let mut line: Vec<Point> = Vec::new();
        if !forward.is_closed {
            let backward = self.branch(start, -1.0, separation, drawn, &forward.points);
            line.extend(backward.points.into_iter().rev());
        }
        line.push(start);
        line.extend(forward.points);
        let least = SHORTEST * STEPS_PER_SEPARATION;
        (line.len() as f64 > least || forward.is_closed).then_some(line)
    }

    /// Steps forward (or backward) until the edge, another curve, or the curve itself; `other` is its
    /// branch the other way.
    fn branch(
        &self,
        start: Point,
        sign: f64,
        separation: f64,
        drawn: &Drawn,
        other: &[Point],
    ) -> Branch {
        let (step, nearest) = (separation / STEPS_PER_SEPARATION, NEAREST * separation);
        // Points of the curve that are fewer steps back than this are near because they are neighbours.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A few.
        let neighbours = (2.0 * STEPS_PER_SEPARATION) as usize;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Cells are bounded.
        let most = (LONGEST * (self.size.0 + self.size.1) / step) as usize;
        let mut branch = Branch { points: Vec::new(), is_closed: false };
        let (mut point, mut before) = (start, None);
        while branch.points.len() < most {
            let Some(next) = self.runge_kutta(point, sign * step) else { break };
            let along = (next.0 - point.0, next.1 - point.1);
            let turns_back = before.is_some_and(|b: Point| b.0 * along.0 + b.1 * along.1 <= 0.0);
            if turns_back || drawn.is_near(next, nearest) {
                break;
            }
            if let Some(old) = branch.points.len().checked_sub(neighbours) {
                let (now, next_time) = (distance(point, start), distance(next, start));
                if next_time < nearest && next_time >= now {
                    // It has passed where it began, or passed it by.
                    branch.is_closed = now < step;
                    break;
                }
                let passed = branch.points.iter().take(old).chain(other.iter().skip(neighbours));
                let is_near = |&p: &Point| distance(p, next) < nearest;
                if passed.copied().any(|p| is_near(&p) && distance(p, start) >= nearest) {
                    break;
                }
            }
            branch.points.push(next);
            (point, before) = (next, Some(along));
        }
        if branch.is_closed {
            branch.points.push(start);
        }
        branch
    }

    /// A step of the classical Runge–Kutta method.
    fn runge_kutta(&self, from: Point, step: f64) -> Option<Point> {
        let ahead = |slope: Point, part: f64| {
            self.direction((from.0 + part * step * slope.0, from.1 + part * step * slope.1))
        };
        let a = self.direction(from)?;
        let b = ahead(a, 0.5)?;
        let c = ahead(b, 0.5)?;
        let d = ahead(c, 1.0)?;
        let mean = |of: fn(Point) -> f64| (of(a) + 2.0 * (of(b) + of(c)) + of(d)) / 6.0;
        let next = (from.0 + step * mean(|p| p.0), from.1 + step * mean(|p| p.1));
        self.contains(next).then_some(next)
    }

    fn contains(&self, (x, y): Point) -> bool {
        (0.0..=self.size.0).contains(&x) && (0.0..=self.size.1).contains(&y)
    }

    /// v/|v| at a point; nothing outside, and where v is zero or not finite.
    fn direction(&self, point: Point) -> Option<Point> {
        if !self.contains(point) {
            return None;
        }
        let cell = |x: f64, size: f64, nodes: usize| {
            let place = x / size * (nodes - 1) as f64;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // In the grid.
            let index = (place as usize).min(nodes - 2);
            (index, place - index as f64)
        };
        let (i, part_x) = cell(point.0, self.size.0, self.nodes.0);
        let (j, part_y) = cell(point.1, self.size.1, self.nodes.1);
        let value = |values: &[f64]| {
            let at = |i: usize, j: usize| values.get(j * self.nodes.0 + i).copied();
            let mix = |a: f64, b: f64, part: f64| a * (1.0 - part) + b * part;
            let lower = mix(at(i, j)?, at(i + 1, j)?, part_x);
            Some(mix(lower, mix(at(i, j + 1)?, at(i + 1, j + 1)?, part_x), part_y))
        };
        let x = value(&self.field.x)? * self.stretch.0;
        let y = value(&self.field.y)? * self.stretch.1;
        let size = length((x, y));
        (size > 0.0 && size.is_finite()).then(|| (x / size, y / size))
    }
}

/// Points of curves, by the square of the plane that they lie in.
struct Drawn {
    side: f64,
    columns: usize,
    cells: Vec<Vec<Point>>,
}

impl Drawn {
    fn new((width, height): (f64, f64), side: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // At most MOST_CELLS.
        let count = |length: f64| (length / side) as usize + 1;
        let columns = count(width);
        Self { side, columns, cells: vec![Vec::new(); columns * count(height)] }
    }

    fn cell(&self, (x, y): Point) -> (usize, usize) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Negative ones are 0.
        let index = |x: f64| (x / self.side) as usize;
        (index(x).min(self.columns.saturating_sub(1)), index(y))
    }

    fn add(&mut self, point: Point) {
        let (column, row) = self.cell(point);
        if let Some(cell) = self.cells.get_mut(row * self.columns + column) {
            cell.push(point);
        }
    }

    /// Whether a point is nearer than this, which is at most the side of a square.
    fn is_near(&self, point: Point, near: f64) -> bool {
        let (column, row) = self.cell(point);
        let around = |index: usize| index.saturating_sub(1)..=index.saturating_add(1);
        // Curves that begin one distance apart are not near, whatever rounding says.
        let near = near * (1.0 - 1e-9);
        around(row).any(|row| {
            around(column).filter(|column| *column < self.columns).any(|column| {
                let index = row.saturating_mul(self.columns).saturating_add(column);
                let cell = self.cells.get(index).map_or(&[][..], Vec::as_slice);
                cell.iter().any(|&p| distance(p, point) < near)
            })
        })
    }
}

fn length((x, y): Point) -> f64 {
    libm::hypot(x, y)
}

fn distance(a: Point, b: Point) -> f64 {
    length((a.0 - b.0, a.1 - b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: (f64, f64) = (200.0, 100.0);
    const SEPARATION: f64 = 12.0;

    /// The curves of a field on a grid over [−2, 2] × [−1, 1].
    fn lines(
        nodes: (usize, usize),
        field: impl Fn(f64, f64) -> (f64, f64),
    ) -> Vec<Vec<(f64, f64)>> {
        let place = |index: usize, nodes: usize| 2.0 * index as f64 / (nodes - 1) as f64 - 1.0;
        let points = (0..nodes.1).flat_map(|j| (0..nodes.0).map(move |i| (i, j)));
        let values = points.map(|(i, j)| field(2.0 * place(i, nodes.0), place(j, nodes.1)));
        let (x, y) = values.unzip();
        evenly_spaced(&VectorField { x, y }, nodes, (4.0, 2.0), SIZE, SEPARATION)
    }

    /// Coordinates in [−2, 2] × [−1, 1] of a point of a curve.
    fn coordinates((x, y): Point) -> Point {
        (x / 50.0 - 2.0, y / 50.0 - 1.0)
    }

    #[test]
    fn a_rotation_has_circles() {
        let lines = lines((41, 21), |x, y| (-y, x));
        let mut closed = 0;
        for line in &lines {
            let radii: Vec<f64> = line.iter().map(|&p| length(coordinates(p))).collect();
            assert!(radii.iter().all(|r| (r - radii[0]).abs() < 1e-3), "{radii:?}");
            closed += usize::from(line.first() == line.last());
            // Counter-clockwise.
            let ((ax, ay), (bx, by)) = (coordinates(line[0]), coordinates(line[1]));
            assert!(ax * by - ay * bx > 0.0);
        }
        // Between 0 and 1 there is room for three or four circles 0.24 apart, beyond it for arcs.
        assert!((3..=5).contains(&closed), "{closed}");
        assert!(lines.len() > closed);
    }

    #[test]
    fn a_uniform_field_has_straight_lines_from_edge_to_edge() {
        let lines = lines((5, 5), |_, _| (-3.0, 0.0));
        let rows = (100.0 / SEPARATION).floor();
        assert!((lines.len() as f64 - rows).abs() <= 1.0, "{} of {rows}", lines.len());
        for line in &lines {
            assert!(line.iter().all(|p| (p.1 - line[0].1).abs() < 1e-9));
            let (from, to) = (line[0].0, line[line.len() - 1].0);
            assert!(from > SIZE.0 - 3.0 && to < 3.0, "{from} to {to}");
        }
    }

    #[test]
    fn directions_are_those_that_the_plane_shows() {
        // The plane is 200 by 100 wherever the coordinates go; here a unit of y is ten of x.
        let field = VectorField { x: vec![1.0; 4], y: vec![10.0; 4] };
        let lines = evenly_spaced(&field, (2, 2), (2.0, 10.0), SIZE, SEPARATION);
        let (from, to) = (lines[0][0], lines[0][lines[0].len() - 1]);
        // (1, 10) is (100, 100) there.
        assert!(((to.1 - from.1) - (to.0 - from.0)).abs() < 1e-9);
    }

    #[test]
    fn lines_stand_apart() {
        let lines = lines((81, 41), |x, y| (1.0 + y, (3.0 * x).sin()));
        assert!(lines.len() > 5);
        for (n, line) in lines.iter().enumerate() {
            for other in &lines[..n] {
                let nearest = line.iter().flat_map(|&p| other.iter().map(move |&q| distance(p, q)));
                let nearest = nearest.fold(f64::INFINITY, f64::min);
                assert!(nearest >= 0.999 * NEAREST * SEPARATION, "{nearest}");
            }
        }
    }

    #[test]
    fn spirals_and_sinks_end() {
        for (turn, pull) in [(1.0, 0.02), (1.0, 0.3), (0.0, 1.0), (1.0, -0.05)] {
            let lines = lines((41, 21), |x, y| (-turn * y - pull * x, turn * x - pull * y));
            assert!(!lines.is_empty());
            let points: usize = lines.iter().map(Vec::len).sum();
            assert!(points < 20_000, "{points}");
        }
    }

    #[test]
    fn where_there_is_no_direction_there_are_no_lines() {
        assert!(lines((9, 9), |_, _| (0.0, 0.0)).is_empty());
        assert!(lines((9, 9), |_, _| (f64::NAN, 1.0)).is_empty());
        assert!(lines((9, 9), |_, _| (f64::INFINITY, 1.0)).is_empty());
        assert!(!lines((2, 2), |_, _| (1e-200, 0.0)).is_empty());
        let field = || VectorField { x: vec![1.0], y: vec![1.0] };
        for nodes in [(0, 0), (1, 1), (1, 9), (2, 2), (usize::MAX, 2)] {
            assert!(evenly_spaced(&field(), nodes, (1.0, 1.0), SIZE, 12.0).is_empty(), "{nodes:?}");
        }
        for size in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let field = VectorField { x: vec![1.0; 4], y: vec![0.0; 4] };
            evenly_spaced(&field, (2, 2), (1.0, 1.0), (size, size), 12.0);
            evenly_spaced(&field, (2, 2), (size, size), SIZE, 12.0);
            evenly_spaced(&field, (2, 2), (1.0, 1.0), SIZE, size);
        }
        // Behind a wall of them the other half has lines, too.
        let halves =
            lines((41, 21), |x, _| if x.abs() < 0.3 { (f64::NAN, 0.0) } else { (0.0, 1.0) });
        assert!(halves.iter().any(|line| line[0].0 < 100.0));
        assert!(halves.iter().any(|line| line[0].0 > 100.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_field_has_lines_inside(
            values in prop::collection::vec((any::<f64>(), -1.0..1.0_f64), 24),
            wild in any::<bool>(),
        ) {
            let (any, tame): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
            let y = if wild { any } else { tame.iter().rev().copied().collect() };
            let field = VectorField { x: tame, y };
            let lines = evenly_spaced(&field, (6, 4), (1.0, 1.0), SIZE, SEPARATION);
            for &(x, y) in lines.iter().flatten() {
                prop_assert!((0.0..=SIZE.0).contains(&x) && (0.0..=SIZE.1).contains(&y));
            }
            prop_assert_eq!(lines, evenly_spaced(&field, (6, 4), (1.0, 1.0), SIZE, SEPARATION));
        }
    }
}
