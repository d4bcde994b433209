//! The matrix of heat maps that a field figure is: layout, colour scales, images and axes.

use super::ReportError;
use super::axes::{self, Side};
use super::colour::{BATLOW, ColourMap, LAJOLLA, LEVELS, VIK};
use super::fields::{Colours, FieldFigure, FieldRow, GridAxis, VectorField};
use super::raster::{self, NO_VALUE};
use super::scale::{Domain, Scale, Ticks};
use super::streamlines;
use super::svg::{Anchor, Frame, NAME_SIZE, Svg, number, polyline};
use super::text;

/// The width that the maps of one row share, and the least and the greatest width of a map.
const ROW_WIDTH: f64 = 690.0;
const MAP_WIDTH: (f64, f64) = (100.0, 215.0);

/// The least and the greatest height of a map, relative to its width. Between these, lengths along
/// both axes have the same scale.
const MAP_ASPECT: (f64, f64) = (0.5, 2.0);

/// Between maps, across and down.
const COLUMN_GAP: f64 = 20.0;
const ROW_GAP: f64 = 18.0;

/// Between rows where numbers of an axis stand below a map.
const NUMBERED_ROW_GAP: f64 = 32.0;

/// The room above the first row, for the names of the columns.
const TOP: f64 = 24.0;

/// Between the last map of a row and its colour bar, and the bar's width.
const BAR_GAP: f64 = 10.0;
const BAR_WIDTH: f64 = 8.0;

/// The least magnitude on a logarithmic scale, relative to the largest. Errors have zeros, so that
/// their least values mean nothing.
const MAGNITUDE_RANGE: f64 = 1e-4;

/// Between streamlines where they begin, and from the middle of an arrowhead to its tip.
const STREAMLINE_SEPARATION: f64 = 12.0;
const ARROWHEAD: f64 = 3.2;

/// How many pixels an image may have for the sake of its looks; with more points, it has as many as
/// these.
const LARGEST_ENLARGED: usize = 1 << 20;

/// From values to levels of a colour map.
struct ColourScale {
    map: ColourMap,
    domain: Domain,
    /// Values below this one have its colour.
    floor: f64,
    /// Whether there are such values.
    has_lower: bool,
}

/// A row that has maps, ready to draw.
struct Row<'a> {
    content: &'a FieldRow,
    scale: ColourScale,
    bar_ticks: Ticks,
    top: f64,
}

/// What is the same for all maps.
struct Layout<'a> {
    figure: &'a FieldFigure,
    map_size: (f64, f64),
    left: f64,
    x_ticks: Ticks,
    y_ticks: Ticks,
}

/// Draws a figure whose shapes have been checked, on a grid with two or more points along both
/// axes.
pub(super) fn draw(figure: &FieldFigure) -> Result<String, ReportError> {
    let layout = Layout::new(figure);
    let rows = layout.rows();
    let bar_left = layout.map_frame(figure.columns.len(), 0.0).left - COLUMN_GAP + BAR_GAP;
    let bar_width = |row: &Row| axes::width(&row.bar_ticks, &row.content.quantity);
    let right = bar_left + BAR_WIDTH + rows.iter().map(bar_width).fold(0.0, f64::max);
    let bottom = rows.last().map_or(TOP, |row| row.top + layout.map_size.1);
    let mut svg = Svg::new(right, bottom + axes::height(&figure.x.name));

    for (column, name) in figure.columns.iter().enumerate() {
        if let Some(row) = rows.iter().find(|row| row.content.has_map(column)) {
            let frame = layout.map_frame(column, row.top);
            let (x, y) = (frame.left + frame.width / 2.0, frame.top - 0.9 * NAME_SIZE);
            let size = text::fitting_size(name, NAME_SIZE, frame.width + COLUMN_GAP);
            svg.text(x, y, Anchor::Middle, size, name);
        }
    }
    for (index, row) in rows.iter().enumerate() {
        for (column, map) in row.content.maps.iter().enumerate() {
            let Some(map) = map else { continue };
            let frame = layout.map_frame(column, row.top);
            let levels: Vec<u8> =
                row.content.sizes(map).map(|value| row.scale.level(value)).collect();
            draw_map(&mut svg, frame, figure, row.scale.map, &levels)?;
            if let Some(Some(field)) = row.content.streamlines.get(column) {
                draw_streamlines(&mut svg, frame, figure, field);
            }
            // Numbers stand where no other map is in their way.
            let below = rows.get(index + 1).is_some_and(|next| next.content.has_map(column));
            let beside = column.checked_sub(1).is_some_and(|left| row.content.has_map(left));
            let x_name = (!below).then_some(figure.x.name.as_str());
            let y_name = (!beside).then_some(figure.y.name.as_str());
            axes::draw(&mut svg, frame, Side::Bottom, &layout.x_ticks, x_name);
            axes::draw(&mut svg, frame, Side::Left, &layout.y_ticks, y_name);
            axes::close_box(&mut svg, frame);
        }
        let height = layout.map_size.1;
        let bar = Frame { left: bar_left, top: row.top, width: BAR_WIDTH, height };
        draw_bar(&mut svg, bar, &row.scale)?;
        axes::draw(&mut svg, bar, Side::Right, &row.bar_ticks, Some(&row.content.quantity));
    }
    Ok(svg.finish(&figure.title))
}

impl<'a> Layout<'a> {
    fn new(figure: &'a FieldFigure) -> Self {
        let columns = figure.columns.len().max(1) as f64;
        let share = (ROW_WIDTH - COLUMN_GAP * (columns - 1.0)) / columns;
        let width = share.clamp(MAP_WIDTH.0, MAP_WIDTH.1);
        let aspect = half(&figure.y) / half(&figure.x);
        let aspect = aspect.clamp(MAP_ASPECT.0, MAP_ASPECT.1);
        let height = width * aspect;
        let domain = |axis: &GridAxis| Domain::between(Scale::Linear, axis.range.0, axis.range.1);
        let x_ticks = axes::fitting_ticks(&domain(&figure.x), width, COLUMN_GAP);
        let y_ticks = domain(&figure.y).ticks(tick_count(height));
        let left = axes::width(&y_ticks, &figure.y.name);
        Self { figure, map_size: (width, height), left, x_ticks, y_ticks }
    }

    fn map_frame(&self, column: usize, top: f64) -> Frame {
        let (width, height) = self.map_size;
        Frame { left: self.left + column as f64 * (width + COLUMN_GAP), top, width, height }
    }

    /// The rows that have maps, one below the other.
    fn rows(&self) -> Vec<Row<'a>> {
        let contents = || {
            let has_maps = |row: &&FieldRow| row.maps.iter().any(Option::is_some);
            self.figure.rows.iter().filter(has_maps)
        };
        let following = contents().skip(1).map(Some).chain([None]);
        let mut top = TOP;
        contents()
            .zip(following)
            .map(|(content, next)| {
                let sharing: Vec<&FieldRow> =
                    self.figure.rows.iter().filter(|row| row.has_scale_of(content)).collect();
                let scale = ColourScale::new(content.colours, &sharing);
                let bar_ticks = scale.domain.ticks(tick_count(self.map_size.1));
                let row = Row { content, scale, bar_ticks, top };
                let numbered = (0..content.maps.len()).any(|column| {
                    content.has_map(column) && !next.is_some_and(|next| next.has_map(column))
                });
                let gap = if numbered { NUMBERED_ROW_GAP } else { ROW_GAP };
                top += self.map_size.1 + gap;
                row
            })
            .collect()
    }
}

impl ColourScale {
    /// The scale of these rows together.
    fn new(colours: Colours, rows: &[&FieldRow]) -> Self {
        let maps = || rows.iter().flat_map(|row| row.maps.iter().flatten().map(move |m| (row, m)));
        let values = || maps().flat_map(|(row, map)| row.sizes(map));
        let drawable = |scale: Scale| values().filter(move |&value| scale.has(value));
        let largest = drawable(Scale::Linear).fold(0.0, |size: f64, value| size.max(value.abs()));
        let largest = if largest == 0.0 { 1.0 } else { largest };
        let unbounded = f64::NEG_INFINITY;
        let (map, domain, floor) = match colours {
            Colours::Values => (BATLOW, Domain::around(Scale::Linear, values()), unbounded),
            Colours::Signed => (VIK, Domain::between(Scale::Linear, -largest, largest), unbounded),
            Colours::Magnitude => {
                (LAJOLLA, Domain::between(Scale::Linear, 0.0, largest), unbounded)
            }
            Colours::LogMagnitude => {
                let least = drawable(Scale::Log).fold(largest, f64::min);
                let floor = least.max(largest * MAGNITUDE_RANGE);
                (LAJOLLA, Domain::between(Scale::Log, floor, largest), floor)
            }
        };
        let has_lower = drawable(Scale::Linear).any(|value| value < floor);
        Self { map, domain, floor, has_lower }
    }

    fn level(&self, value: f64) -> u8 {
        if !Scale::Linear.has(value) {
            return NO_VALUE;
        }
        let position = self.domain.position(value.max(self.floor));
        position.map_or(NO_VALUE, |position| {
            let level = position.clamp(0.0, 1.0) * f64::from(LEVELS - 1);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Below LEVELS.
            let level = level.round() as u8;
            level
        })
    }
}

/// A map as an image in its frame. Points are the centres of its pixels; as the first and the last
/// lie on the frame, the outer halves of their pixels lie outside.
fn draw_map(
    svg: &mut Svg,
    frame: Frame,
    figure: &FieldFigure,
    map: ColourMap,
    levels: &[u8],
) -> Result<(), ReportError> {
    let (columns, rows) = (figure.x.points, figure.y.points);
    if levels.contains(&NO_VALUE) {
        svg.hatching(frame);
    }
    let pixel = (frame.width / (columns as f64 - 1.0), frame.height / (rows as f64 - 1.0));
    let affordable = LARGEST_ENLARGED / levels.len().max(1);
    let across = repetitions(pixel.0).min(affordable).max(1);
    let down = repetitions(pixel.1).min(affordable / across).max(1);
    // Images begin at the top.
    let mut pixels = Vec::with_capacity(levels.len() * across * down);
    for row in levels.chunks(columns.max(1)).rev() {
        let row: Vec<u8> =
            row.iter().flat_map(|&level| std::iter::repeat_n(level, across)).collect();
        pixels.extend(std::iter::repeat_n(row, down).flatten());
    }
    let uri = raster::data_uri(map, &pixels, columns * across, rows * down)?;
    let image = Frame {
        left: frame.left - pixel.0 / 2.0,
        top: frame.top - pixel.1 / 2.0,
        width: frame.width + pixel.0,
        height: frame.height + pixel.1,
    };
    svg.image(frame, image, &uri);
    Ok(())
}

/// Half the length of an axis: the difference of two numbers may be too large for a number.
fn half(axis: &GridAxis) -> f64 {
    axis.range.1 / 2.0 - axis.range.0 / 2.0
}

/// Streamlines over a map, light between dark edges, so that they show on all colours; an arrowhead in
/// the middle of each.
fn draw_streamlines(svg: &mut Svg, frame: Frame, figure: &FieldFigure, field: &VectorField) {
    let nodes = (figure.x.points, figure.y.points);
    let lengths = (half(&figure.x), half(&figure.y));
    let size = (frame.width, frame.height);
    let lines = streamlines::evenly_spaced(field, nodes, lengths, size, STREAMLINE_SEPARATION);
    let (mut paths, mut heads) = (String::new(), String::new());
    for line in &lines {
        let pixel = |(x, y): (f64, f64)| (x, frame.height - y);
        let points: Vec<(f64, f64)> = line.iter().copied().map(pixel).collect();
        paths += &polyline(points.iter().copied());
        let middle = points.get(points.len() / 2..).unwrap_or_default();
        if let [tip, next, ..] = *middle {
            heads += &arrowhead(tip, (next.0 - tip.0, next.1 - tip.1));
        }
    }
    if lines.is_empty() {
        return;
    }
    let line = "fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"";
    let edge = "stroke=\"#000\" stroke-opacity=\"0.4\"";
    svg.inside(frame, |svg| {
        svg.path(&paths, &format!("{line} {edge} stroke-width=\"1.7\""));
        svg.path(&heads, &format!("fill=\"#fff\" {edge} stroke-width=\"0.8\""));
        svg.path(&paths, &format!("{line} stroke=\"#fff\" stroke-width=\"0.8\""));
    });
}

/// A triangle around a point, in this direction.
fn arrowhead((x, y): (f64, f64), (along_x, along_y): (f64, f64)) -> String {
    let part = ARROWHEAD / libm::hypot(along_x, along_y);
    let (ahead, aside) = ((along_x * part, along_y * part), (-along_y * part, along_x * part));
    let corner = |forward: f64, sideways: f64| {
        let x = x + forward * ahead.0 + sideways * aside.0;
        let y = y + forward * ahead.1 + sideways * aside.1;
        format!("{} {}", number(x), number(y))
    };
    format!("M{}L{}L{}z", corner(1.0, 0.0), corner(-0.7, 0.75), corner(-0.7, -0.75))
}

/// Into how many pixels of an image a point of this width is divided. Points that are wider than
/// pixels of a screen are to be seen as they are, but programs smooth what they enlarge, whether
/// they are asked to or not.
fn repetitions(width: f64) -> usize {
    const WIDE: f64 = 2.0;
    const FINE: f64 = 0.5;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Maps are small.
    let repetitions = (width / FINE).ceil() as usize;
    if width > WIDE { repetitions } else { 1 }
}

/// The levels from the lowest to the highest; with a tip below, if there are lower values.
fn draw_bar(svg: &mut Svg, bar: Frame, scale: &ColourScale) -> Result<(), ReportError> {
    let levels: Vec<u8> = (0..LEVELS).rev().collect();
    let uri = raster::data_uri(scale.map, &levels, 1, levels.len())?;
    svg.image(bar, bar, &uri);
    if scale.has_lower {
        let [red, green, blue] = scale.map.colour(0.0);
        let tip = format!(
            "M{} {}h{}l{} 6z",
            number(bar.left),
            number(bar.bottom()),
            number(bar.width),
            number(-bar.width / 2.0)
        );
        let fill = format!("fill=\"rgb({red},{green},{blue})\" stroke=\"currentColor\"");
        svg.path(&tip, &fill);
    }
    axes::close_box(svg, bar);
    Ok(())
}

/// How many numbers fit beside a map.
fn tick_count(height: f64) -> usize {
    if height < 90.0 { 2 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(colours: Colours, values: &[f64]) -> ColourScale {
        let row = row(colours, values);
        ColourScale::new(colours, &[&row])
    }

    fn row(colours: Colours, values: &[f64]) -> FieldRow {
        let maps = vec![None, Some(values.to_vec())];
        FieldRow { colours, maps, ..FieldRow::default() }
    }

    #[test]
    fn rows_share_a_scale_if_they_are_meant_to() {
        let [mut low, mut high, other] =
            [&[0.0, 1.0], &[2.0, 4.0], &[8.0, 9.0]].map(|values| row(Colours::Values, values));
        assert!(low.has_scale_of(&low) && !low.has_scale_of(&high));
        (low.scale, high.scale) = (Some(0), Some(0));
        assert!(low.has_scale_of(&high) && !low.has_scale_of(&other));
        let shared = ColourScale::new(Colours::Values, &[&low, &high]);
        assert_eq!([0.0, 2.0, 4.0].map(|value| shared.level(value)), [0, 127, 254]);
    }

    #[test]
    fn only_wide_points_are_divided() {
        assert_eq!([0.5, 2.0, 2.1, 100.0].map(repetitions), [1, 1, 5, 200]);
    }

    #[test]
    fn values_reach_from_the_first_level_to_the_last() {
        let scale = scale(Colours::Values, &[3.0, 5.0, f64::NAN, 4.0, f64::INFINITY]);
        assert_eq!([3.0, 4.0, 5.0].map(|value| scale.level(value)), [0, 127, 254]);
        assert_eq!([f64::NAN, f64::INFINITY].map(|value| scale.level(value)), [NO_VALUE; 2]);
    }

    #[test]
    fn zero_is_the_middle_of_signed_values() {
        let values = scale(Colours::Signed, &[-1.0, 3.0, 0.0]);
        assert_eq!([-3.0, 0.0, 3.0].map(|value| values.level(value)), [0, 127, 254]);
        let zeros = scale(Colours::Signed, &[0.0; 4]);
        assert_eq!(zeros.level(0.0), 127);
    }

    #[test]
    fn magnitudes_begin_at_zero() {
        let sizes = scale(Colours::Magnitude, &[-4.0, 2.0]);
        assert_eq!([0.0, 2.0, 4.0].map(|value| sizes.level(value)), [0, 127, 254]);
        assert_eq!(scale(Colours::Magnitude, &[0.0]).level(0.0), 0);
    }

    #[test]
    fn logarithms_of_magnitudes_end_four_decades_below_the_largest() {
        let values = [1.0, -1e-2, 1e-9, 0.0];
        let cut = scale(Colours::LogMagnitude, &values);
        assert_eq!([1.0, 1e-2, 1e-4, 1e-9, 0.0].map(|v| cut.level(v)), [254, 127, 0, 0, 0]);
        assert!(cut.has_lower);
        let whole = scale(Colours::LogMagnitude, &[1.0, 1e-2]);
        assert_eq!([1.0, 1e-1, 1e-2].map(|v| whole.level(v)), [254, 127, 0]);
        assert!(!whole.has_lower);
    }
}
