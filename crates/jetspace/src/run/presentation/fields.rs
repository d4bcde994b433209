//! Maps of the fields: truth, predictions, errors, differences to DERL, residuals.

use super::super::{Folder, Member, first_of_each};
use super::results::{hat, join};
use crate::Error;
use crate::point_set::PointSet;
use crate::problem::{Coordinate, Kind};
use crate::report::{Colours, FieldFigure, FieldRow, GridAxis};
use crate::study::{Study, Variant};
use crate::table;

/// The name of the method that others are compared with in difference maps.
const REFERENCE: &str = "derl";

/// One figure for each field (and variant): truth, predictions, errors, residuals of the first
/// seed.
pub(super) fn fields(
    study: &Study,
    folder: &Folder,
    members: &[Member],
) -> Result<Vec<FieldFigure>, Error> {
    let mut figures = Vec::new();
    for variant in &study.variants {
        let mut evaluated = Vec::new();
        for member in first_of_each(study, members, variant) {
            let path = folder.path().join(member.name()).join("fields.npz");
            evaluated.push((member.method.name.clone(), table::read(&path)?));
        }
        figures.extend(
            study.problem.fields.iter().map(|field| figure(study, variant, field, &evaluated)),
        );
    }
    Ok(figures)
}

fn figure(
    study: &Study,
    variant: &Variant,
    field: &str,
    evaluated: &[(String, PointSet)],
) -> FieldFigure {
    let plane = Plane::of(study);
    let slice = |table: &PointSet, column: &str| table.column(column).map(|v| plane.slice(v));
    let truth = evaluated.first().and_then(|(_, t)| slice(t, &format!("{field}_true")));
    let row = |quantity: String,
               colours,
               first: Option<Vec<f64>>,
               of: &dyn Fn(&PointSet) -> Option<Vec<f64>>| {
        let mut maps: Vec<Option<Vec<f64>>> = evaluated.iter().map(|(_, t)| of(t)).collect();
        if truth.is_some() {
            maps.insert(0, first);
        }
        FieldRow { quantity, colours, maps, ..FieldRow::default() }
    };
    let error = |table: &PointSet| {
        let truth = truth.as_ref()?;
        Some(slice(table, field)?.iter().zip(truth).map(|(a, b)| (a - b).abs()).collect())
    };
    let hat = hat(field);
    let shown = if truth.is_some() { field } else { &hat };
    let mut rows =
        vec![row(format!("*{shown}*"), Colours::Values, truth.clone(), &|t| slice(t, field))];
    if truth.is_some() {
        let errors = row(format!("*|{hat} − {field}|*"), Colours::LogMagnitude, None, &error);
        let reference = evaluated.iter().position(|(name, _)| name == REFERENCE);
        let difference = reference
            .filter(|_| evaluated.len() > 1)
            .map(|column| errors.excess_over(column + 1, "error − error of DERL"));
        rows.push(errors);
        rows.extend(difference);
    }
    for equation in &study.problem.equations {
        let name = format!("residual_{}", equation.name);
        if evaluated.iter().all(|(_, table)| table.column(&name).is_none()) {
            continue;
        }
        let magnitude =
            |t: &PointSet| Some(slice(t, &name)?.iter().map(|r| r.abs()).collect::<Vec<f64>>());
        let quantity = match study.problem.equations.len() {
            1 => "*|F|*".to_owned(),
            _ => format!("*|F|*, {}", equation.name),
        };
        rows.push(row(quantity, Colours::LogMagnitude, None, &magnitude));
    }
    let mut columns: Vec<String> = evaluated.iter().map(|(name, _)| name.to_uppercase()).collect();
    if truth.is_some() {
        columns.insert(0, "truth".to_owned());
    }
    let mut caption = format!("First seed ({}).", study.seeds.first().copied().unwrap_or(0));
    caption += &plane.caption;
    FieldFigure {
        title: join(&format!("Field *{field}*"), &variant.label),
        caption,
        x: plane.x,
        y: plane.y,
        columns,
        rows,
        reference: truth.is_some().then_some(0),
    }
}

/// The plane of the evaluation grid that figures show: its first two coordinates that have more
/// than one node, through the middle of all others.
struct Plane {
    x: GridAxis,
    y: GridAxis,
    /// Index of the first point, and steps along x and y.
    origin: usize,
    strides: (usize, usize),
    caption: String,
}

impl Plane {
    fn of(study: &Study) -> Self {
        let (grid, coordinates) = (&study.evaluation.grid, &study.problem.coordinates);
        let stride = |axis: usize| grid[axis + 1..].iter().product::<usize>();
        let shown: Vec<usize> = (0..grid.len()).filter(|&i| grid[i] > 1).take(2).collect();
        let (mut origin, mut caption) = (0, String::new());
        let mut set = study.evaluation.parameters.first().into_iter().flatten();
        for (axis, coordinate) in coordinates.iter().enumerate() {
            if shown.contains(&axis) {
                continue;
            }
            let middle = grid[axis] / 2;
            origin += middle * stride(axis);
            let Coordinate { name, kind, range: (low, high), .. } = coordinate;
            let part = middle as f64 / grid[axis].saturating_sub(1).max(1) as f64;
            let of_set = if *kind == Kind::Parameter { set.next() } else { None };
            let value = of_set.copied().unwrap_or(low + part * (high - low));
            caption.extend([" At *", name, "* = ", &short(value), "."]);
        }
        let axis = |place: usize| match shown.get(place) {
            Some(&i) => (label_axis(&coordinates[i], grid[i]), stride(i)),
            None => (GridAxis { name: String::new(), range: (0.0, 1.0), points: 1 }, 0),
        };
        let ((x, along_x), (y, along_y)) = (axis(0), axis(1));
        Self { x, y, origin, strides: (along_x, along_y), caption }
    }

    /// The values on the plane, x varying fastest.
    fn slice(&self, values: &[f64]) -> Vec<f64> {
        let at = |i: usize, j: usize| self.origin + i * self.strides.0 + j * self.strides.1;
        let rows = (0..self.y.points).flat_map(|j| (0..self.x.points).map(move |i| (i, j)));
        rows.map(|(i, j)| values.get(at(i, j)).copied().unwrap_or(f64::NAN)).collect()
    }
}

/// A coordinate over so many points as an axis.
pub(super) fn label_axis(coordinate: &Coordinate, points: usize) -> GridAxis {
    let unit = coordinate.unit.as_ref().map_or_else(String::new, |unit| format!(" ({unit})"));
    GridAxis { name: format!("*{}*{unit}", coordinate.name), range: coordinate.range, points }
}

/// A number to four digits behind the point at most.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}
