//! Where a study's terms are evaluated: points inside, and points of each condition.

use std::path::Path;

use crate::Error;
use crate::problem::{Place, Problem};
use crate::random::{MersenneTwister, Purpose, RandomStream};
use crate::sampling::{End, GridEnds, Sampler, Side};
use crate::study::{Generator, PointsPlan, SamplerFile};
use crate::table;

/// Coordinates of points, one column per coordinate; for points from a file, also the columns of
/// data by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Coordinate by coordinate.
    pub coordinates: Vec<Vec<f64>>,
    /// Columns of a file that are not coordinates.
    pub data: Vec<(String, Vec<f64>)>,
}

impl Points {
    /// Points without data.
    #[must_use]
    pub fn at(coordinates: Vec<Vec<f64>>) -> Self {
        Self { coordinates, data: Vec::new() }
    }

    /// The number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.coordinates.first().map_or(0, Vec::len)
    }

    /// Some of the points, drawn without repetition, in their order.
    fn some(&self, count: usize, stream: &mut RandomStream) -> Result<Self, Error> {
        if count > self.len() {
            let found = self.len();
            let message =
                format!("expected {count} points in the file of the truth, found {found}");
            return Err(Error::Argument(message));
        }
        let mut chosen = stream.permutation(self.len());
        chosen.truncate(count);
        chosen.sort_unstable();
        let of = |column: &Vec<f64>| chosen.iter().map(|&p| column[p]).collect();
        let data = self.data.iter().map(|(name, column)| (name.clone(), of(column))).collect();
        Ok(Self { coordinates: self.coordinates.iter().map(of).collect(), data })
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The points of a study.
#[derive(Clone, Debug)]
pub struct Collocation {
    /// Where equations hold, and where data is compared unless that has points of its own.
    pub interior: Points,
    /// Where data is compared, if that is elsewhere.
    pub data: Option<Points>,
    /// Where each condition is, in the problem's order. Of a periodic pair only the lower end.
    pub conditions: Vec<Points>,
}

impl Collocation {
    /// Draws or reads all points.
    ///
    /// # Errors
    /// A file that cannot be read or lacks a coordinate.
    pub fn new(problem: &Problem, plan: &PointsPlan) -> Result<Self, Error> {
        let sampled = Sampled::new(problem, plan);
        let interior = match &plan.interior {
            SamplerFile::Uniform { count } if plan.generator == Generator::MersenneTwister => {
                sampled
                    .for_each_set(MersenneTwister::new(plan.seed).points(&sampled.bounds, *count))
            }
            sampler => inside(problem, plan, &sampled, sampler, Purpose::Interior)?,
        };
        let data = plan.data.as_ref();
        let data = data.map(|data| inside(problem, plan, &sampled, data, Purpose::Data));
        let data = data.transpose()?;
        let mut conditions = Vec::new();
        for (number, condition) in problem.conditions.iter().enumerate() {
            let sides = match &condition.place {
                Place::Points(coordinates) => {
                    conditions.push(Points::at(coordinates.clone()));
                    continue;
                }
                Place::Sides(sides) => sides.clone(),
                Place::Pair(axis) => vec![Side { axis: *axis, end: End::Low }],
            };
            let points = match plan.conditions.get(number).and_then(Option::as_ref) {
                Some(SamplerFile::File { path }) => {
                    let path = plan.folder.join(path);
                    let points = read(problem, &path)?;
                    on_sides(problem, &points, &sides, &path)?;
                    points
                }
                Some(sampler) => {
                    let mut stream = Purpose::Condition(number).stream(plan.seed);
                    let sampler = sampled.sampler(sampler);
                    let mut columns = vec![Vec::new(); sampled.axes.len()];
                    for side in sides {
                        let side = sampled.side(problem, side)?;
                        let of_side = sampler.sample_side(&sampled.bounds, side, &mut stream)?;
                        for (column, of_side) in columns.iter_mut().zip(of_side) {
                            column.extend(of_side);
                        }
                    }
                    sampled.for_each_set(columns)
                }
                None => Points::default(),
            };
            conditions.push(points);
        }
        Ok(Self { interior, data, conditions })
    }
}

/// Points in the whole box.
fn inside(
    problem: &Problem,
    plan: &PointsPlan,
    sampled: &Sampled<'_>,
    sampler: &SamplerFile,
    purpose: Purpose,
) -> Result<Points, Error> {
    let mut stream = purpose.stream(plan.seed);
    match sampler {
        SamplerFile::File { path } => read(problem, &plan.folder.join(path)),
        SamplerFile::Truth { count } => {
            let points = problem.true_points()?.unwrap_or_default();
            match count {
                Some(count) => points.some(count.get(), &mut stream),
                None => Ok(points),
            }
        }
        sampler => {
            let columns = sampled.sampler(sampler).sample(&sampled.bounds, &mut stream)?;
            Ok(sampled.for_each_set(columns))
        }
    }
}

/// The coordinates that samplers give points of: all, or all but parameters, if sets of these are
/// listed.
struct Sampled<'a> {
    axes: Vec<usize>,
    bounds: Vec<(f64, f64)>,
    dimensions: usize,
    sets: &'a [Vec<f64>],
}

impl<'a> Sampled<'a> {
    fn new(problem: &Problem, plan: &'a PointsPlan) -> Self {
        let bounds = problem.bounds();
        let dimensions = bounds.len();
        let axes: Vec<usize> = if plan.parameters.is_empty() {
            (0..dimensions).collect()
        } else {
            problem.physical().collect()
        };
        let bounds = axes.iter().map(|&axis| bounds[axis]).collect();
        Self { axes, bounds, dimensions, sets: &plan.parameters }
    }

    /// A sampler of these coordinates; grids leave out the numbers of nodes of others.
    fn sampler(&self, file: &SamplerFile) -> Sampler {
        match of_file(file) {
            Sampler::Grid { nodes, ends } => {
                let nodes = self.axes.iter().filter_map(|&axis| nodes.get(axis).copied()).collect();
                Sampler::Grid { nodes, ends }
            }
            sampler => sampler,
        }
    }

    /// A side of the box of these coordinates.
    fn side(&self, problem: &Problem, side: Side) -> Result<Side, Error> {
        let axis = self.axes.iter().position(|&axis| axis == side.axis);
        let axis = axis.ok_or_else(|| {
            let name = &problem.coordinates[side.axis].name;
            Error::Argument(format!(
                "expected conditions on sides of coordinates that are sampled, found one at an end of \
                 {name:?}, of which the study lists values: leave out [points] parameters"
            ))
        })?;
        Ok(Side { axis, ..side })
    }

    /// These points with the first set of parameters, then with the second, …
    fn for_each_set(&self, columns: Vec<Vec<f64>>) -> Points {
        if self.sets.is_empty() {
            return Points::at(columns);
        }
        let len = columns.first().map_or(0, Vec::len);
        let mut sampled = columns.into_iter();
        let mut parameter = 0..;
        let column = |axis: usize| {
            if self.axes.contains(&axis) {
                return sampled.next().unwrap_or_default().repeat(self.sets.len());
            }
            let place: usize = parameter.next().unwrap_or(0);
            let value = |set: &Vec<f64>| set.get(place).copied().unwrap_or(f64::NAN);
            self.sets.iter().flat_map(|set| std::iter::repeat_n(value(set), len)).collect()
        };
        Points::at((0..self.dimensions).map(column).collect())
    }
}

/// Whether points from a file are where their condition holds.
fn on_sides(problem: &Problem, points: &Points, sides: &[Side], path: &Path) -> Result<(), Error> {
    let is_on = |p: usize, &Side { axis, end }: &Side| {
        let coordinate = &problem.coordinates[axis];
        let (low, high) = coordinate.range;
        let away = (points.coordinates[axis][p] - coordinate.end(end)).abs();
        away <= 1e-9 * (high - low)
    };
    let Some(p) = (0..points.len()).find(|&p| !sides.iter().any(|side| is_on(p, side))) else {
        return Ok(());
    };
    let place = |&Side { axis, end }: &Side| {
        let coordinate = &problem.coordinates[axis];
        format!("{} = {}", coordinate.name, coordinate.end(end))
    };
    let sides: Vec<String> = sides.iter().map(place).collect();
    let found: Vec<String> = points.coordinates.iter().map(|c| c[p].to_string()).collect();
    let (sides, found) = (sides.join(" or "), found.join(", "));
    let reason = format!("expected points with {sides}, found ({found}) as point {}", p + 1);
    Err(Error::BadFile { path: path.to_owned(), reason })
}

fn of_file(sampler: &SamplerFile) -> Sampler {
    match sampler {
        SamplerFile::Uniform { count } => Sampler::Uniform { points: *count },
        SamplerFile::Grid { nodes, open } => {
            let ends = if *open { GridEnds::Excluded } else { GridEnds::Included };
            Sampler::Grid { nodes: nodes.clone(), ends }
        }
        SamplerFile::LatinHypercube { count } => Sampler::LatinHypercube { points: *count },
        SamplerFile::Sobol { count } => Sampler::Sobol { points: *count, shift: true },
        SamplerFile::File { .. } | SamplerFile::Truth { .. } => Sampler::Uniform { points: 0 },
    }
}

/// Points from a CSV or NPZ file with a column for each coordinate.
///
/// # Errors
/// The file cannot be read, or lacks a coordinate.
pub fn read(problem: &Problem, path: &Path) -> Result<Points, Error> {
    let table = table::read(path)?;
    let mut coordinates = Vec::new();
    for coordinate in &problem.coordinates {
        let Some(column) = table.column(&coordinate.name) else {
            let found = table.names().join(", ");
            let reason = format!("expected a column {:?}, found {found}", coordinate.name);
            return Err(Error::BadFile { path: path.to_owned(), reason });
        };
        coordinates.push(column.to_vec());
    }
    let is_coordinate = |name: &str| problem.coordinates.iter().any(|c| c.name == name);
    let columns = table.names().iter().zip(table.columns());
    let data = columns.filter(|(name, _)| !is_coordinate(name));
    let data = data.map(|(name, values)| (name.clone(), values.clone())).collect();
    Ok(Points { coordinates, data })
}
