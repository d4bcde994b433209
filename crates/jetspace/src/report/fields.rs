//! Fields: truth, predictions, errors and residuals on a common grid, as a figure.

use super::ReportError;
use super::curves::{Axis, Curves, Series, stacked};
use super::heat_maps;
use super::scale::{Domain, Scale};

/// One coordinate of a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridAxis {
    /// The coordinate and its unit, a label: `*x* (m)`.
    pub name: String,
    /// The coordinate of the first and of the last point: finite and, where there are several
    /// points, ascending by more than 10⁻⁹ of their size.
    pub range: (f64, f64),
    /// How many equidistant points there are, at least one.
    pub points: usize,
}

/// What the values of a row of maps are, which decides their colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// Values as they are, from the least to the greatest.
    #[default]
    Values,
    /// Values around zero, such as residuals and differences: zero is nearly white, and both signs
    /// reach equally far.
    Signed,
    /// Sizes, such as absolute errors, from zero to the greatest. Signs are ignored.
    Magnitude,
    /// Sizes on a logarithmic scale, over at most four powers of ten below the greatest.
    LogMagnitude,
}

/// A row of maps of one quantity, with one colour bar and one scale, which rows may share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldRow {
    /// The quantity and its unit, a label: `*|û − u|*`.
    pub quantity: String,
    /// How values become colours.
    pub colours: Colours,
    /// One map per column of the figure; `None` leaves its place empty. The value at point
    /// (xᵢ, yⱼ) stands at index j·nₓ + i. Values that are not finite are hatched.
    pub maps: Vec<Option<Vec<f64>>>,
    /// A field for each map, whose streamlines are drawn over it; may be left empty.
    pub streamlines: Vec<Option<VectorField>>,
    /// Heat maps of rows with the same number here have one scale: those of one quantity at several
    /// times, say.
    pub scale: Option<usize>,
}

/// A vector field in the plane of a figure, at the points of its grid in the order of the maps. Its
/// streamlines end where it is zero or not finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorField {
    /// The component along the horizontal coordinate.
    pub x: Vec<f64>,
    /// The component along the vertical one.
    pub y: Vec<f64>,
}

impl FieldRow {
    /// How much larger each column's values are than those of one column, in size:
    /// |vᵢ| − |vᵢ, reference|. Of a row of errors this says where which method is better.
    ///
    /// ```
    /// use jetspace::report::{Colours, FieldRow};
    /// let errors = FieldRow {
    ///     maps: vec![Some(vec![0.1, -0.2]), Some(vec![-0.5, 0.0])],
    ///     ..FieldRow::default()
    /// };
    /// let difference = errors.excess_over(0, "*|e| − |e_{DERL}|*");
    /// assert_eq!(difference.maps, [None, Some(vec![0.4, -0.2])]);
    /// assert_eq!(difference.colours, Colours::Signed);
    /// ```
    ///
    /// The column itself stays empty; so do all, if it has no map.
    #[must_use]
    pub fn excess_over(&self, reference: usize, quantity: &str) -> Self {
        let reference_map = self.maps.get(reference).and_then(Option::as_ref);
        let excess = |map: &Vec<f64>| -> Option<Vec<f64>> {
            let pairs = map.iter().zip(reference_map?);
            Some(pairs.map(|(value, reference)| value.abs() - reference.abs()).collect())
        };
        let maps = self.maps.iter().enumerate().map(|(column, map)| {
            if column == reference { None } else { map.as_ref().and_then(excess) }
        });
        let maps = maps.collect();
        Self { quantity: quantity.to_owned(), colours: Colours::Signed, maps, ..Self::default() }
    }
}

/// A matrix of heat maps on a common grid: a row per quantity, a column per method.
///
/// On a grid with one point along an axis, every row is a line plot of all its columns instead.
///
/// ```
/// use jetspace::report::{Colours, FieldFigure, FieldRow, GridAxis};
/// let axis = |name: &str| GridAxis { name: name.to_owned(), range: (0.0, 1.0), points: 2 };
/// let figure = FieldFigure {
///     title: "Solution".to_owned(),
///     caption: "Truth and prediction.".to_owned(),
///     x: axis("*x*"),
///     y: axis("*y*"),
///     columns: vec!["truth".to_owned(), "DERL".to_owned()],
///     rows: vec![
///         FieldRow {
///             quantity: "*u*".to_owned(),
///             colours: Colours::Values,
///             maps: vec![Some(vec![0.0, 1.0, 2.0, 3.0]), Some(vec![0.1, 1.0, 2.0, 2.9])],
///             ..FieldRow::default()
///         },
///         FieldRow {
///             quantity: "*|û − u|*".to_owned(),
///             colours: Colours::Magnitude,
///             maps: vec![None, Some(vec![0.1, 0.0, 0.0, 0.1])],
///             ..FieldRow::default()
///         },
///     ],
///     ..FieldFigure::default()
/// };
/// assert!(figure.to_svg()?.starts_with("<svg"));
/// # Ok::<(), jetspace::report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldFigure {
    /// A few words that begin the caption and name the figure's file, a label.
    pub title: String,
    /// The rest of the caption, a label.
    pub caption: String,
    /// The horizontal coordinate.
    pub x: GridAxis,
    /// The vertical coordinate, upwards.
    pub y: GridAxis,
    /// The names above the columns, labels.
    pub columns: Vec<String>,
    /// The rows, from top to bottom.
    pub rows: Vec<FieldRow>,
    /// The column that the others are compared with, such as the truth: where rows are line plots, it is
    /// drawn as such ([`Series::is_reference`]).
    pub reference: Option<usize>,
}

impl FieldFigure {
    /// The figure, as an SVG file. Heat maps are images inside it, with a pixel or more per point.
    ///
    /// # Errors
    ///
    /// - [`ReportError::Points`] where a coordinate has no points.
    /// - [`ReportError::Range`] where its range is not finite, or does not ascend enough to show.
    /// - [`ReportError::Columns`] where a row has more or fewer maps (or vector fields, if it has any) than
    ///   the figure has columns.
    /// - [`ReportError::Values`] where a map or a vector field has more or fewer values than the grid has
    ///   points.
    /// - [`ReportError::Image`] where a map is too large for an image.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        self.check()?;
        match (self.x.points, self.y.points) {
            (_, 1) => Ok(self.line_plots(&self.x)),
            (1, _) => Ok(self.line_plots(&self.y)),
            _ => heat_maps::draw(self),
        }
    }

    fn check(&self) -> Result<(), ReportError> {
        let figure = || self.title.clone();
        for GridAxis { name, range: (low, high), points } in [&self.x, &self.y] {
            if *points == 0 {
                return Err(ReportError::Points { figure: figure(), axis: name.clone() });
            }
            let is_place = *points == 1 && low.is_finite() && high.is_finite();
            if !is_place && !Domain::can_show(*low, *high) {
                let (axis, low, high) = (name.clone(), *low, *high);
                return Err(ReportError::Range { figure: figure(), axis, low, high });
            }
        }
        for FieldRow { quantity, maps, streamlines, .. } in &self.rows {
            let expected = self.columns.len();
            let is_whole = streamlines.is_empty() || streamlines.len() == expected;
            let found = if is_whole { maps.len() } else { streamlines.len() };
            if found != expected {
                return Err(ReportError::Columns {
                    figure: figure(),
                    quantity: quantity.clone(),
                    expected,
                    found,
                });
            }
            for (index, (column, map)) in self.columns.iter().zip(maps).enumerate() {
                let field = streamlines.get(index).into_iter().flatten();
                let components = field.flat_map(|field| [&field.x, &field.y]);
                let mut lengths = map.iter().chain(components).map(Vec::len);
                let expected = self.x.points.checked_mul(self.y.points);
                if let Some(found) = lengths.find(|found| Some(*found) != expected) {
                    return Err(ReportError::Values {
                        figure: figure(),
                        quantity: quantity.clone(),
                        column: column.clone(),
                        expected: (self.x.points, self.y.points),
                        found,
                    });
                }
            }
        }
        Ok(())
    }

    /// Every row as a plot of its columns over one coordinate.
    fn line_plots(&self, coordinate: &GridAxis) -> String {
        let panels: Vec<Curves> = self
            .rows
            .iter()
            .map(|row| {
                let columns = self.columns.iter().zip(&row.maps).enumerate();
                let series = columns.map(|(column, (name, map))| Series {
                    name: name.clone(),
                    points: coordinate
                        .positions()
                        .zip(row.sizes(map.as_deref().unwrap_or_default()))
                        .collect(),
                    is_reference: self.reference == Some(column),
                    ..Series::default()
                });
                let scale = match row.colours {
                    Colours::LogMagnitude => Scale::Log,
                    Colours::Values | Colours::Signed | Colours::Magnitude => Scale::Linear,
                };
                Curves {
                    x: Axis { name: coordinate.name.clone(), scale: Scale::Linear },
                    y: Axis { name: row.quantity.clone(), scale },
                    series: series.collect(),
                    ..Curves::default()
                }
            })
            .collect();
        stacked(&self.title, &panels)
    }
}

impl GridAxis {
    /// The coordinates of the points.
    fn positions(&self) -> impl Iterator<Item = f64> {
        let (low, high) = self.range;
        let last = self.points.saturating_sub(1).max(1) as f64;
        (0..self.points).map(move |index| {
            let part = index as f64 / last;
            low * (1.0 - part) + high * part
        })
    }
}

impl FieldRow {
    /// What is shown of the values of a map: their sizes, where these alone matter.
    pub(super) fn sizes(&self, map: &[f64]) -> impl Iterator<Item = f64> {
        let unsigned = matches!(self.colours, Colours::Magnitude | Colours::LogMagnitude);
        map.iter().map(move |&value| if unsigned { value.abs() } else { value })
    }

    /// Whether the same colours are the same values in both rows.
    pub(super) fn has_scale_of(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.scale.is_some() && self.scale == other.scale
    }

    /// Whether there is a map in this column.
    pub(super) fn has_map(&self, column: usize) -> bool {
        self.maps.get(column).is_some_and(Option::is_some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLOURS: [Colours; 4] =
        [Colours::Values, Colours::Signed, Colours::Magnitude, Colours::LogMagnitude];

    /// A figure of `columns` columns and a row per way to colour; `value` is given the indices of
    /// a column and of a point.
    fn figure(
        points: (usize, usize),
        columns: usize,
        value: impl Fn(usize, usize) -> f64,
    ) -> FieldFigure {
        let axis =
            |name: &str, points| GridAxis { name: name.to_owned(), range: (0.0, 1.0), points };
        let map = |column| (0..points.0 * points.1).map(|point| value(column, point)).collect();
        FieldFigure {
            title: "<Fields>".to_owned(),
            caption: String::new(),
            x: axis("*x*", points.0),
            y: axis("*y*", points.1),
            columns: (0..columns).map(|column| format!("method {column} &")).collect(),
            rows: COLOURS
                .into_iter()
                .map(|colours| FieldRow {
                    quantity: "*u*".to_owned(),
                    colours,
                    maps: (0..columns).map(|column| Some(map(column))).collect(),
                    ..FieldRow::default()
                })
                .collect(),
            reference: None,
        }
    }

    fn images(svg: &str) -> usize {
        let document = roxmltree::Document::parse(svg).expect("well-formed");
        document.descendants().filter(|node| node.tag_name().name() == "image").count()
    }

    #[test]
    fn a_row_has_its_maps_and_one_colour_bar() {
        let mut figure = figure((5, 4), 3, |column, point| (column * point) as f64 - 3.0);
        assert_eq!(images(&figure.to_svg().expect("a figure")), 4 * (3 + 1));
        figure.rows[1].maps[0] = None;
        figure.rows[2].maps = vec![None; 3];
        let svg = figure.to_svg().expect("a figure");
        assert_eq!(images(&svg), 4 * (3 + 1) - 1 - 4);
        assert_eq!(svg, figure.to_svg().expect("the same"));
    }

    #[test]
    fn one_coordinate_makes_line_plots() {
        for points in [(50, 1), (1, 50), (1, 1)] {
            let svg =
                figure(points, 2, |_, point| (point as f64).sin()).to_svg().expect("a figure");
            assert_eq!(images(&svg), 0);
            let names = svg.matches("method 1 &amp;</tspan>").count();
            assert_eq!(names, COLOURS.len(), "one plot per row");
        }
    }

    #[test]
    fn streamlines_are_drawn_over_the_maps_that_have_a_field() {
        let mut figure = figure((5, 4), 3, |column, point| (column * point) as f64);
        let field = |value: f64| Some(VectorField { x: vec![value; 20], y: vec![value; 20] });
        figure.rows[0].streamlines = vec![field(1.0), None, field(f64::NAN)];
        let svg = figure.to_svg().expect("a figure");
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let lines = |node: &roxmltree::Node<'_, '_>| node.attribute("stroke") == Some("#fff");
        assert!(document.descendants().any(|node| lines(&node)));
        figure.rows[0].streamlines[0] = None;
        assert!(!figure.to_svg().expect("a figure").contains("#fff"));
    }

    #[test]
    fn the_reference_is_a_line_of_its_own_kind() {
        let mut figure = figure((50, 1), 2, |column, point| (column + point) as f64);
        let dashed = |f: &FieldFigure| f.to_svg().expect("a figure").contains("3 2.4");
        assert!(!dashed(&figure));
        figure.reference = Some(1);
        assert!(dashed(&figure));
    }

    #[test]
    fn degenerate_fields_are_drawn() {
        for value in [0.0, 1.0, -2.5e-7, 1e308, f64::NAN, f64::INFINITY] {
            for points in [(2, 2), (1, 3), (30, 2)] {
                let svg = figure(points, 1, |_, _| value).to_svg().expect("a figure");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{value}: {svg}");
            }
        }
        assert!(figure((2, 2), 0, |_, _| 0.0).to_svg().is_ok());
        let empty = FieldFigure { rows: Vec::new(), ..figure((2, 2), 2, |_, _| 0.0) };
        assert!(empty.to_svg().is_ok());
    }

    #[test]
    fn sixteen_fine_maps_stay_small() {
        let wave = |column: usize, point: usize| {
            let (x, y) = ((point % 201) as f64 / 200.0, (point / 201) as f64 / 200.0);
            (3.0 * x + column as f64).sin() * (20.0 * x * y).sin()
        };
        let svg = figure((201, 201), 4, wave).to_svg().expect("a figure");
        assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let good = figure((3, 2), 2, |_, _| 0.0);
        let broken = |change: &dyn Fn(&mut FieldFigure)| {
            let mut figure = good.clone();
            change(&mut figure);
            figure.to_svg()
        };
        let result = broken(&|f| f.x.points = 0);
        assert!(matches!(result, Err(ReportError::Points { .. })));
        for range in
            [(1.0, 0.0), (0.0, 0.0), (0.0, f64::INFINITY), (f64::NAN, 1.0), (1.0, 1.0 + 1e-12)]
        {
            let result = broken(&|f| f.y.range = range);
            assert!(matches!(result, Err(ReportError::Range { .. })), "{range:?}");
        }
        let result = broken(&|f| f.rows[0].maps.truncate(1));
        assert!(matches!(result, Err(ReportError::Columns { expected: 2, found: 1, .. })));
        let result = broken(&|f| f.rows[0].maps[1] = Some(vec![0.0; 5]));
        assert!(matches!(result, Err(ReportError::Values { expected: (3, 2), found: 5, .. })));
        let field = |n| Some(VectorField { x: vec![1.0; 6], y: vec![1.0; n] });
        let result = broken(&|f| f.rows[0].streamlines = vec![field(6)]);
        assert!(matches!(result, Err(ReportError::Columns { expected: 2, found: 1, .. })));
        let result = broken(&|f| f.rows[0].streamlines = vec![None, field(5)]);
        assert!(matches!(result, Err(ReportError::Values { expected: (3, 2), found: 5, .. })));
        assert!(broken(&|f| f.rows[0].streamlines = vec![None, field(6)]).is_ok());
        let result = broken(&|f| f.x.points = usize::MAX);
        assert!(matches!(result, Err(ReportError::Values { .. })));
    }

    #[test]
    fn an_excess_needs_its_reference() {
        let row = FieldRow { maps: vec![None, Some(vec![1.0])], ..FieldRow::default() };
        assert_eq!(row.excess_over(0, "").maps, [None, None]);
        assert_eq!(row.excess_over(7, "").maps, [None, None]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_values_give_a_well_formed_file(
            values in prop::collection::vec(any::<f64>(), 24), range in any::<(f64, f64)>(),
        ) {
            for points in [(4, 3), (1, 12), (12, 1)] {
                let mut figure = figure(points, 2, |column, point| values[12 * column + point]);
                figure.x.range = range;
                if let Ok(svg) = figure.to_svg() {
                    prop_assert!(roxmltree::Document::parse(&svg).is_ok());
                    prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""));
                }
            }
        }
    }
}
