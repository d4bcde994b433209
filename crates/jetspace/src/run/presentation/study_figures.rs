//! Figures that a study defines, of the truth and of the first training of each method, and the numbers
//! in them.
//!
//! What they need of the truth is found before anything trains: what is missing shows then.

use std::path::Path;

use jetspace_expr::Id;

use super::super::{Folder, Member, first_of_each};
use super::fields::{label_axis, short};
use crate::Error;
use crate::evaluation::{Region, RegionAxis};
use crate::model::Model;
use crate::point_set::PointSet;
use crate::problem::Problem;
use crate::report::{
    Axis, Colours, Curves, FieldFigure, FieldRow, GridAxis, Scale, Series, VectorField,
};
use crate::study::{Content, FigureScale, Quantity, Study, StudyFigure};

/// Formulas that are longer than this do not stand at axes.
const LONGEST_LABEL: usize = 30;

/// The scale of the maps at all times, and that of their errors.
const MAPS: usize = 0;
const ERRORS: usize = 1;

/// The figures of a study, each with its points and the truth there. One that needs the truth where that is
/// not known is left out.
pub struct StudyFigures<'a> {
    study: &'a Study,
    samples: Vec<Sample<'a>>,
}

/// Figures and their numbers.
#[derive(Default)]
pub struct Drawn {
    pub maps: Vec<FieldFigure>,
    pub curves: Vec<Curves>,
    /// By the figure's name: coordinates; then for each quantity q and method `q:method`, and for the
    /// truth `true:q`, where q is x, y or map.
    pub numbers: Vec<(String, PointSet)>,
}

impl<'a> StudyFigures<'a> {
    /// Finds the points, and the truth there.
    pub fn prepare(study: &'a Study) -> Result<Self, Error> {
        let samples = study.figures.iter().map(|figure| Sample::of(&study.problem, figure));
        let samples: Vec<Option<Sample<'_>>> = samples.collect::<Result<_, _>>()?;
        Ok(Self { study, samples: samples.into_iter().flatten().collect() })
    }

    /// Draws them for the models of the first variant and seed.
    pub fn draw(
        &self,
        folder: &Folder,
        members: &[Member],
        threads: usize,
    ) -> Result<Drawn, Error> {
        let (study, mut drawn) = (self.study, Drawn::default());
        if self.samples.is_empty() {
            return Ok(drawn);
        }
        let mut models = Vec::new();
        for member in first_of_each(study, members, &study.variants[0]) {
            let path = folder.path().join(member.name()).join("model.safetensors");
            models.push((member.method.name.clone(), trained(study, &path)?));
        }
        for sample in &self.samples {
            let of = sample.values(&models, threads)?;
            let Sample { figure, regions, points, .. } = sample;
            let shown = Shown { study, figure, regions, points, of };
            let numbers = match &figure.content {
                Content::Curves { along, y, x, integral, cumulative } => {
                    let (curves, numbers) =
                        shown.curves(*along, y, x.as_ref(), integral, *cumulative)?;
                    drawn.curves.push(curves);
                    numbers
                }
                Content::Map { plane, of, frames, .. } => {
                    let (map, numbers) = shown.map(*plane, of, frames.as_ref())?;
                    drawn.maps.push(map);
                    numbers
                }
            };
            drawn.numbers.push((figure.name.clone(), numbers));
        }
        Ok(drawn)
    }
}

/// The model of a study in a file, with the study's expressions: those of figures are in its graph.
fn trained(study: &Study, path: &Path) -> Result<Model, Error> {
    let Model { weights, problem, .. } = Model::read(path)?;
    let unknowns = problem.parameters.iter().filter(|p| p.unknown).map(|p| p.value);
    Ok(Model::new(study, &weights.into_iter().chain(unknowns).collect::<Vec<f64>>()))
}

/// Where a figure looks, and at what.
struct Sample<'a> {
    figure: &'a StudyFigure,
    /// One, or one for each frame.
    regions: Vec<Region>,
    /// Their points, one after the other.
    points: Vec<Vec<f64>>,
    /// What the figure shows, and then what it is shown against, or the vector field over it.
    expressions: Vec<Id>,
    /// The columns of data in the expressions.
    data: Vec<Vec<f64>>,
    /// The expressions at the truth, if that is known and drawn.
    truth: Option<Vec<Vec<f64>>>,
}

/// Whose values they are.
enum Whose {
    Truth,
    Method(String),
}

/// Columns of a figure's expressions, those of the truth first.
type Values = Vec<(Whose, Vec<Vec<f64>>)>;

impl Whose {
    /// As figures call it.
    fn name(&self) -> String {
        match self {
            Self::Truth => "truth".to_owned(),
            Self::Method(name) => name.to_uppercase(),
        }
    }

    /// The name of its column among the numbers. No coordinate's name has a colon.
    fn column(&self, quantity: &str) -> String {
        match self {
            Self::Truth => format!("true:{quantity}"),
            Self::Method(name) => format!("{quantity}:{name}"),
        }
    }
}

impl<'a> Sample<'a> {
    fn of(problem: &Problem, figure: &'a StudyFigure) -> Result<Option<Self>, Error> {
        let mut all_axes = vec![figure.axes.clone()];
        let (quantity, others) = match &figure.content {
            Content::Curves { y, x, .. } => (y, x.iter().map(|x| x.expression).collect()),
            Content::Map { of, streamlines, frames, .. } => {
                if let Some((coordinate, values)) = frames {
                    let at = |value: &f64| {
                        let mut axes = figure.axes.clone();
                        axes[*coordinate] = RegionAxis::At(*value);
                        axes
                    };
                    all_axes = values.iter().map(at).collect();
                }
                (of, streamlines.iter().flatten().copied().collect::<Vec<Id>>())
            }
        };
        let regions = all_axes.into_iter().map(|axes| Region::of(axes, &figure.sets));
        let regions: Vec<Region> = regions.collect::<Result<_, _>>()?;
        let mut points = vec![Vec::new(); problem.coordinates.len()];
        for region in &regions {
            for (column, of_region) in points.iter_mut().zip(&region.coordinates) {
                column.extend(of_region);
            }
        }
        let expressions = [vec![quantity.expression], others].concat();
        let Some(data) = problem.true_data(&problem.graph, &expressions, &points)? else {
            return Ok(None);
        };
        let truth =
            if quantity.is_error { None } else { at_truth(problem, &expressions, &points)? };
        Ok(Some(Self { figure, regions, points, expressions, data, truth }))
    }

    fn values(&self, models: &[(String, Model)], threads: usize) -> Result<Values, Error> {
        let truth = self.truth.iter().map(|columns| (Whose::Truth, columns.clone()));
        let mut values: Values = truth.collect();
        for (name, model) in models {
            let graph = &model.problem.graph;
            let columns =
                model.values_beside(graph, &self.expressions, &self.points, &self.data, threads)?;
            values.push((Whose::Method(name.clone()), columns));
        }
        Ok(values)
    }
}

/// Expressions at the truth, of which data are columns; nothing if it is not known.
fn at_truth(
    problem: &Problem,
    expressions: &[Id],
    points: &[Vec<f64>],
) -> Result<Option<Vec<Vec<f64>>>, Error> {
    match problem.at_truth(&problem.graph, expressions, points, None) {
        // A reference solution that has no such derivative, or ends before.
        Err(Error::Argument(_)) => Ok(None),
        values => values,
    }
}

/// A figure with its values.
struct Shown<'a> {
    study: &'a Study,
    figure: &'a StudyFigure,
    regions: &'a [Region],
    points: &'a [Vec<f64>],
    of: Values,
}

impl Shown<'_> {
    fn curves(
        &self,
        along: usize,
        y: &Quantity,
        x: Option<&Quantity>,
        integral: &[usize],
        cumulative: bool,
    ) -> Result<(Curves, PointSet), Error> {
        let Self { study, figure, points, .. } = self;
        let coordinates = &study.problem.coordinates;
        let mut numbers: Vec<(String, Vec<f64>)> = Vec::new();
        for (i, coordinate) in coordinates.iter().enumerate() {
            if i == along || matches!(figure.axes[i], RegionAxis::Parameter(_)) {
                numbers.push((coordinate.name.clone(), self.of_nodes(along, &points[i])));
            }
        }
        let count = self.nodes(along).0;
        let mut series = Vec::new();
        for (whose, columns) in &self.of {
            let across = self.of_nodes(along, columns.get(1).unwrap_or(&points[along]));
            let heights = self.heights(&columns[0], integral, cumulative);
            series.push(Series {
                name: whose.name(),
                points: with_gaps(&across, &heights, count),
                is_reference: matches!(whose, Whose::Truth),
                ..Series::default()
            });
            if x.is_some() {
                numbers.push((whose.column("x"), across));
            }
            numbers.push((whose.column("y"), heights));
        }
        let coordinate = || label_axis(&coordinates[along], count).name;
        let is_formula = !cumulative && integral.is_empty();
        let height = if is_formula { label(y, figure) } else { figure.title.clone() };
        let scale = match figure.scale {
            FigureScale::Linear => Scale::Linear,
            FigureScale::Log => Scale::Log,
        };
        let curves = Curves {
            title: figure.title.clone(),
            caption: self.caption(None),
            x: Axis { name: x.map_or_else(coordinate, |x| label(x, figure)), scale: Scale::Linear },
            y: Axis { name: height, scale },
            series,
        };
        Ok((curves, PointSet::new(numbers)?))
    }

    /// How many nodes a coordinate has, and how many points there are from one to the next.
    fn nodes(&self, coordinate: usize) -> (usize, usize) {
        let nodes = self.regions.first().map(Region::nodes).unwrap_or_default();
        let after = nodes.iter().skip(coordinate + 1).product();
        (nodes.get(coordinate).copied().unwrap_or_default(), after)
    }

    /// Of each part of a column the values at the nodes along a coordinate.
    fn of_nodes(&self, along: usize, column: &[f64]) -> Vec<f64> {
        let (count, stride) = self.nodes(along);
        let parts = self.regions.iter().flat_map(Region::parts);
        let values = parts.flat_map(|part| column[part].iter().step_by(stride.max(1)).take(count));
        values.copied().collect()
    }

    /// What is left of each part of a column, if it is integrated, or its norm is taken so far.
    fn heights(&self, column: &[f64], integral: &[usize], cumulative: bool) -> Vec<f64> {
        let mut heights = Vec::new();
        for region in self.regions {
            for part in region.parts() {
                let (values, spacing) = region.integrate(&column[part], integral);
                heights.extend(if cumulative { norms_so_far(&values, spacing) } else { values });
            }
        }
        heights
    }

    fn map(
        &self,
        [across, upwards]: [usize; 2],
        of: &Quantity,
        frames: Option<&(usize, Vec<f64>)>,
    ) -> Result<(FieldFigure, PointSet), Error> {
        let Self { study, figure, points, .. } = self;
        let coordinates = &study.problem.coordinates;
        let axis = |i: usize| match figure.axes[i] {
            RegionAxis::Nodes { range, nodes } => {
                GridAxis { range, ..label_axis(&coordinates[i], nodes) }
            }
            RegionAxis::At(_) | RegionAxis::Parameter(_) => label_axis(&coordinates[i], 1),
        };
        let (x, y) = (axis(across), axis(upwards));
        let has_truth = matches!(self.of.first(), Some((Whose::Truth, _)));
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        for number in 0..self.regions.len() {
            // The second coordinate varies fastest in the region, the first in the figure.
            let slice = |column: &Vec<f64>| -> Vec<f64> {
                let first = number * x.points * y.points;
                let places = (0..y.points).flat_map(|j| (0..x.points).map(move |i| (i, j)));
                let values = places.map(|(i, j)| column.get(first + i * y.points + j));
                values.map(|value| value.copied().unwrap_or(f64::NAN)).collect()
            };
            let field = |columns: &[Vec<f64>]| match columns {
                [_, x, y] => Some(VectorField { x: slice(x), y: slice(y) }),
                _ => None,
            };
            let at = frames.and_then(|(coordinate, values)| {
                let value = short(*values.get(number)?);
                Some(format!(", *{}* = {value}", coordinates[*coordinate].name))
            });
            let at = at.unwrap_or_default();
            let row = FieldRow {
                quantity: label(of, figure) + &at,
                colours: match (figure.scale, of.is_error) {
                    (FigureScale::Log, _) => Colours::LogMagnitude,
                    (FigureScale::Linear, true) => Colours::Signed,
                    (FigureScale::Linear, false) => Colours::Values,
                },
                maps: self.of.iter().map(|(_, columns)| Some(slice(&columns[0]))).collect(),
                streamlines: self.of.iter().map(|(_, columns)| field(columns)).collect(),
                scale: Some(MAPS),
            };
            if has_truth {
                errors.push(errors_of(&row, format!("error{at}")));
            }
            rows.push(row);
        }
        let of_coordinates = coordinates.iter().zip(points.iter());
        let mut numbers: Vec<(String, Vec<f64>)> =
            of_coordinates.map(|(c, column)| (c.name.clone(), column.clone())).collect();
        for (whose, columns) in &self.of {
            numbers.push((whose.column("map"), columns[0].clone()));
        }
        let map = FieldFigure {
            title: figure.title.clone(),
            caption: self.caption(frames.map(|(coordinate, _)| *coordinate)),
            x,
            y,
            columns: self.of.iter().map(|(whose, _)| whose.name()).collect(),
            rows: [rows, errors].concat(),
            reference: has_truth.then_some(0),
        };
        Ok((map, PointSet::new(numbers)?))
    }

    /// Which training is shown, and where the coordinates are; but one, which the figure itself names.
    fn caption(&self, but: Option<usize>) -> String {
        let Self { study, figure, .. } = self;
        let mut places = Vec::new();
        for (i, (axis, coordinate)) in
            figure.axes.iter().zip(&study.problem.coordinates).enumerate()
        {
            let values: Vec<String> = match *axis {
                RegionAxis::At(value) if Some(i) != but => vec![short(value)],
                RegionAxis::Parameter(place) => figure
                    .sets
                    .iter()
                    .filter_map(|set| set.get(place).copied().map(short))
                    .collect(),
                RegionAxis::At(_) | RegionAxis::Nodes { .. } => continue,
            };
            places.push(format!("*{}* = {}", coordinate.name, values.join("; ")));
        }
        let seed = study.seeds.first().copied().unwrap_or(0);
        let places =
            if places.is_empty() { String::new() } else { format!(" At {}.", places.join(", ")) };
        format!("First seed ({seed}).{places}")
    }
}

/// How far the maps of a row are from its first.
fn errors_of(row: &FieldRow, quantity: String) -> FieldRow {
    let error = |map: &Option<Vec<f64>>| -> Option<Vec<f64>> {
        let pairs = map.as_ref()?.iter().zip(row.maps.first()?.as_ref()?);
        Some(pairs.map(|(value, truth)| (value - truth).abs()).collect())
    };
    let maps = std::iter::once(None).chain(row.maps.iter().skip(1).map(error)).collect();
    let colours = Colours::LogMagnitude;
    FieldRow { quantity, colours, maps, scale: Some(ERRORS), ..FieldRow::default() }
}

/// √(h Σ vᵢ²) over all values up to each.
fn norms_so_far(values: &[f64], spacing: f64) -> Vec<f64> {
    let add = |sum: &mut f64, value: &f64| {
        *sum += spacing * value * value;
        Some(sum.sqrt())
    };
    values.iter().scan(0.0, add).collect()
}

/// Points with a gap after each so many of them.
fn with_gaps(x: &[f64], y: &[f64], count: usize) -> Vec<(f64, f64)> {
    let gap = (f64::NAN, f64::NAN);
    let points: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
    points.chunks(count.max(1)).map(<[_]>::to_vec).collect::<Vec<_>>().join(&gap)
}

/// A formula as the name of an axis; the figure's title, if it is long.
fn label(quantity: &Quantity, figure: &StudyFigure) -> String {
    let text = quantity.text.trim();
    if text.chars().count() > LONGEST_LABEL {
        return figure.title.clone();
    }
    format!("*{}*", text.replace("sqrt(", "√(").replace('*', "·").replace('-', "−"))
}
