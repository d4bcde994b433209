//! Line plots: series on common axes, thinned to what a pixel can show, named at their ends.

use super::axes::{self, Side};
use super::colour::{LineStyle, REFERENCE_STYLE, line_style};
use super::curves::{Axis, Series};
use super::scale::{Domain, Ticks};
use super::svg::{Anchor, Frame, NAME_SIZE, Svg, number, polyline};
use super::text;

/// Series with at most this many points show each of them with a mark.
const MARKED_POINTS: usize = 40;

/// Series with more points than this are gathered in bins of this width; others are drawn point by
/// point, in bins that are no wider than what coordinates are rounded to.
const SPARSE_POINTS: usize = 500;
const BIN: f64 = 2.0;
const SPARSE_BIN: f64 = 0.01;

/// Between the baselines of names at the ends of lines.
const NAME_STEP: f64 = 1.25 * NAME_SIZE;

/// From the frame to the samples of the line styles, and from there to the names.
const LEADER: f64 = 12.0;
const SAMPLE: f64 = 20.0;

/// A plot that knows its axes but not yet its place.
pub(super) struct LinePlot<'a> {
    x: (&'a Axis, Domain),
    y: (&'a Axis, Domain),
    series: &'a [Series],
    /// Of each series.
    styles: Vec<LineStyle>,
    marked: bool,
}

/// Consecutive points that share a bin, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bin {
    x: f64,
    mean: f64,
    low: f64,
    high: f64,
}

impl<'a> LinePlot<'a> {
    pub fn new(x: &'a Axis, y: &'a Axis, series: &'a [Series]) -> Self {
        let marked = series.iter().all(|line| line.points.len() <= MARKED_POINTS);
        // A point that has no place on one axis must not stretch the other.
        let drawable = || {
            let points = series.iter().flat_map(|line| &line.points);
            points.filter(|point| x.scale.has(point.0) && y.scale.has(point.1))
        };
        let x_domain = Domain::around(x.scale, drawable().map(|point| point.0));
        let ranges = series.iter().flat_map(|line| &line.ranges);
        let ends = ranges.flat_map(|range| [range.0, range.1]).filter(|end| y.scale.has(*end));
        let y_domain = Domain::around(y.scale, drawable().map(|point| point.1).chain(ends));
        let is_curve = !series.iter().all(ascends);
        let x_margin = if marked || is_curve { 0.03 } else { 0.0 };
        let (x, y) = ((x, x_domain.padded(x_margin)), (y, y_domain.padded(0.04)));
        Self { x, y, series, styles: styles(series), marked }
    }

    /// The room that the plot needs left of its frame, for numbers and the name of its axis.
    pub fn left_margin(&self, height: f64) -> f64 {
        axes::width(&self.y_ticks(height), &self.y.0.name)
    }

    /// The room that the plot needs right of its frame, for the names of its lines.
    pub fn right_margin(&self) -> f64 {
        let names = self.series.iter().map(|line| text::width(&line.name, NAME_SIZE));
        LEADER + SAMPLE + 6.0 + names.fold(0.0, f64::max)
    }

    /// The room that the plot needs below its frame.
    pub fn bottom_margin(&self) -> f64 {
        axes::height(&self.x.0.name)
    }

    /// The least height at which the names of the lines stand apart.
    pub fn least_height(&self) -> f64 {
        NAME_STEP * self.series.len() as f64
    }

    /// Draws the plot into a frame, and axes and names outside it.
    pub fn draw(&self, svg: &mut Svg, frame: Frame) {
        let pixels_of = |line: &Series| -> Vec<Option<(f64, f64)>> {
            line.points.iter().map(|&point| self.pixel(frame, point)).collect()
        };
        let styled = || self.series.iter().zip(self.styles.iter().copied());
        let references = styled().filter(|(line, _)| line.is_reference);
        for (line, style) in styled().filter(|(line, _)| !line.is_reference).chain(references) {
            let pixels = pixels_of(line);
            draw_band(svg, style, &self.bands(frame, line));
            if self.marked {
                draw_marks(svg, style, pixels.iter().flatten());
            } else {
                draw_marks(svg, style, alone(&pixels));
            }
            let bin = match line.points.len() {
                _ if !ascends(line) => 0.0,
                count if count > SPARSE_POINTS => BIN,
                _ => SPARSE_BIN,
            };
            draw_line(svg, style, &thin(pixels.iter().copied(), bin));
        }
        let ends: Vec<_> = self
            .series
            .iter()
            .map(|line| pixels_of(line).into_iter().flatten().next_back())
            .collect();
        self.draw_names(svg, frame, &ends);
        let x_ticks = axes::fitting_ticks(&self.x.1, frame.width, f64::INFINITY);
        let y_ticks = self.y_ticks(frame.height);
        axes::draw(svg, frame, Side::Bottom, &x_ticks, Some(&self.x.0.name));
        axes::draw(svg, frame, Side::Left, &y_ticks, Some(&self.y.0.name));
    }

    /// Names every line beside its end, with a sample of its style. Lines that end before the frame,
    /// or have no point, are named at the height of their end, or at the bottom.
    fn draw_names(&self, svg: &mut Svg, frame: Frame, ends: &[Option<(f64, f64)>]) {
        let (series, styles) = (self.series, &self.styles);
        let shown = |&index: &usize| series.get(index).is_some_and(|line| !line.points.is_empty());
        let mut order: Vec<usize> = (0..series.len()).filter(shown).collect();
        let height =
            |index: usize| ends.get(index).copied().flatten().map_or(frame.bottom(), |(_, y)| y);
        order.sort_by(|&a, &b| height(a).total_cmp(&height(b)));
        let wanted: Vec<f64> = order.iter().map(|&index| height(index)).collect();
        let heights = apart(&wanted, NAME_STEP, frame.top, frame.bottom());
        for (&index, y) in order.iter().zip(heights) {
            let of_line = series.get(index).zip(styles.get(index)).zip(ends.get(index));
            let Some(((line, LineStyle { colour, dashes, .. }), &end)) = of_line else { continue };
            let sample = frame.right() + LEADER;
            if let Some((end_x, end_y)) = end
                && end_x > frame.right() - 0.1 * frame.width
            {
                svg.path(
                    &polyline([(end_x + 2.0, end_y), (sample - 1.0, y)].into_iter()),
                    &format!("fill=\"none\" stroke=\"{colour}\" stroke-opacity=\"0.6\""),
                );
            }
            svg.path(
                &polyline([(sample, y), (sample + SAMPLE, y)].into_iter()),
                &format!(
                    "fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" \
                     stroke-dasharray=\"{dashes}\""
                ),
            );
            svg.text(sample + SAMPLE + 4.0, y, Anchor::Start, NAME_SIZE, &line.name);
        }
    }

    /// The ranges of a series in pixels, parted where one has no place.
    fn bands(&self, frame: Frame, line: &Series) -> Vec<Vec<Bin>> {
        let mut pieces = vec![Vec::new()];
        for (&(x, _), &(least, greatest)) in line.points.iter().zip(&line.ranges) {
            let ends = self.pixel(frame, (x, least)).zip(self.pixel(frame, (x, greatest)));
            match (ends, pieces.last_mut()) {
                // Pixels count downwards.
                (Some(((x, high), (_, low))), Some(piece)) => {
                    piece.push(Bin { x, mean: f64::midpoint(low, high), low, high });
                }
                _ => pieces.push(Vec::new()),
            }
        }
        pieces
    }

    fn y_ticks(&self, height: f64) -> Ticks {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A few.
        let about = (height / 40.0) as usize;
        self.y.1.ticks(about)
    }

    fn pixel(&self, frame: Frame, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let x = frame.left + self.x.1.position(x)? * frame.width;
        let y = frame.bottom() - self.y.1.position(y)? * frame.height;
        Some((x, y))
    }
}

/// References have a style of their own, so that the others look the same beside them and without.
fn styles(series: &[Series]) -> Vec<LineStyle> {
    let mut others = 0..;
    let style = |line: &Series| {
        if line.is_reference {
            REFERENCE_STYLE
        } else {
            line_style(others.next().unwrap_or_default())
        }
    };
    series.iter().map(style).collect()
}

/// Whether x never falls between neighbours, so that points can be gathered by it.
fn ascends(line: &Series) -> bool {
    // A gap is no fall.
    let falls = |(a, b): (&(f64, f64), &(f64, f64))| a.0 > b.0;
    !line.points.iter().zip(line.points.iter().skip(1)).any(falls)
}

/// Gathers consecutive points whose x falls into the same bin; none if its width is 0. Each bin keeps the
/// extremes, so that no spike is lost, and the mean. `None` is a gap, which parts the line.
fn thin(points: impl Iterator<Item = Option<(f64, f64)>>, width: f64) -> Vec<Vec<Bin>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Bin> = Vec::new();
    let mut place = f64::NAN;
    let mut count = 0.0;
    for point in points {
        let Some((x, y)) = point else {
            pieces.push(std::mem::take(&mut piece));
            place = f64::NAN;
            continue;
        };
        match piece.last_mut() {
            Some(bin) if width > 0.0 && place == (x / width).floor() => {
                count += 1.0;
                bin.x += (x - bin.x) / count;
                bin.mean += (y - bin.mean) / count;
                bin.low = bin.low.min(y);
                bin.high = bin.high.max(y);
            }
            _ => {
                place = (x / width).floor();
                count = 1.0;
                piece.push(Bin { x, mean: y, low: y, high: y });
            }
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Points with a gap on either side, which no line shows.
fn alone(pixels: &[Option<(f64, f64)>]) -> impl Iterator<Item = &(f64, f64)> {
    let at = |index: Option<usize>| index.and_then(|i| pixels.get(i)).copied().flatten();
    let is_alone = move |index: usize| {
        at(index.checked_sub(1)).is_none() && at(index.checked_add(1)).is_none()
    };
    pixels
        .iter()
        .enumerate()
        .filter_map(move |(index, pixel)| pixel.as_ref().filter(|_| is_alone(index)))
}

/// The mean as a line and, where a bin hides more than a pixel, the extremes as a band behind it.
fn draw_line(svg: &mut Svg, style: LineStyle, pieces: &[Vec<Bin>]) {
    draw_band(svg, style, pieces);
    let LineStyle { colour, dashes, .. } = style;
    let mut line = String::new();
    for piece in pieces {
        line += &polyline(piece.iter().map(|bin| (bin.x, bin.mean)));
        if piece.len() == 1 {
            // A stroke without length shows as its round cap.
            line += "h0";
        }
    }
    if !line.is_empty() {
        svg.path(
            &line,
            &format!(
                "fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" stroke-linejoin=\"round\" \
                 stroke-linecap=\"{}\" stroke-dasharray=\"{dashes}\"",
                if dashes == "none" { "round" } else { "butt" }
            ),
        );
    }
}

/// From the lowest to the highest, where these are more than a pixel apart.
fn draw_band(svg: &mut Svg, LineStyle { colour, .. }: LineStyle, pieces: &[Vec<Bin>]) {
    let is_wide = |piece: &&Vec<Bin>| piece.iter().any(|bin| bin.high - bin.low > 1.0);
    let outline = |piece: &Vec<Bin>| {
        let upper = piece.iter().map(|bin| (bin.x, bin.low));
        let lower = piece.iter().rev().map(|bin| (bin.x, bin.high));
        polyline(upper.chain(lower)) + "z"
    };
    let band: String = pieces.iter().filter(is_wide).map(outline).collect();
    if !band.is_empty() {
        svg.path(
            &band,
            &format!(
                "fill=\"{colour}\" fill-opacity=\"0.28\" stroke=\"{colour}\" \
                 stroke-opacity=\"0.28\" stroke-width=\"0.4\""
            ),
        );
    }
}

fn draw_marks<'p>(svg: &mut Svg, style: LineStyle, points: impl Iterator<Item = &'p (f64, f64)>) {
    let marks: String =
        points.map(|(x, y)| format!("M{} {}{}", number(*x), number(*y), style.mark)).collect();
    if !marks.is_empty() {
        svg.path(&marks, &format!("fill=\"{}\"", style.colour));
    }
}

/// Moves heights, which ascend, as little as possible (in the sum of squares) so that they are at
/// least `step` apart and between `top` and `bottom`; closer together if there is no room.
///
/// With the steps taken away this is isotonic regression, solved by pooling adjacent violators
/// (Ayer et al., *Ann. Math. Statist.* 26, 1955).
fn apart(wanted: &[f64], step: f64, top: f64, bottom: f64) -> Vec<f64> {
    let gaps = wanted.len().saturating_sub(1).max(1) as f64;
    let step = step.min((bottom - top) / gaps);
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (index, height) in wanted.iter().enumerate() {
        let mut pool = (height - step * index as f64, 1);
        while let Some(previous) = pools.pop_if(|previous| previous.0 >= pool.0) {
            let members = previous.1 + pool.1;
            let sum = previous.0 * previous.1 as f64 + pool.0 * pool.1 as f64;
            pool = (sum / members as f64, members);
        }
        pools.push(pool);
    }
    let last = step * wanted.len().saturating_sub(1) as f64;
    pools
        .iter()
        .flat_map(|&(height, members)| std::iter::repeat_n(height, members))
        .enumerate()
        .map(|(index, height)| height.clamp(top, (bottom - last).max(top)) + step * index as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn thinning_keeps_extremes_and_their_places(
            points in prop::collection::vec(
                prop::option::weighted(0.9, (0.0..300.0_f64, -100.0..100.0_f64)), 0..400,
            ),
            sorted in any::<bool>(),
        ) {
            let mut points = points;
            if sorted {
                points.sort_by(|a, b| {
                    let x = |p: &Option<(f64, f64)>| p.map_or(150.0, |p| p.0);
                    x(a).total_cmp(&x(b))
                });
            }
            let bins: Vec<Bin> = thin(points.iter().copied(), BIN).concat();
            let present: Vec<_> = points.iter().flatten().collect();
            let least = present.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
            let most = present.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(bins.iter().map(|b| b.low).fold(f64::INFINITY, f64::min), least);
            prop_assert_eq!(bins.iter().map(|b| b.high).fold(f64::NEG_INFINITY, f64::max), most);
            for (x, y) in present {
                let holds =
                    |bin: &Bin| (bin.x - x).abs() <= BIN && bin.low <= *y && *y <= bin.high;
                prop_assert!(bins.iter().any(holds));
            }
            for bin in &bins {
                prop_assert!(bin.low <= bin.mean + 1e-9 && bin.mean <= bin.high + 1e-9);
            }
        }

        #[test]
        fn names_stand_apart_in_order_inside(
            wanted in prop::collection::vec(0.0..200.0_f64, 0..12), step in 5.0..30.0_f64,
        ) {
            let mut wanted = wanted;
            wanted.sort_by(f64::total_cmp);
            let heights = apart(&wanted, step, 0.0, 200.0);
            prop_assert_eq!(heights.len(), wanted.len());
            let gaps = wanted.len().saturating_sub(1).max(1) as f64;
            let step = step.min(200.0 / gaps);
            prop_assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= step - 1e-9));
            prop_assert!(heights.iter().all(|y| (-1e-9..=200.0 + 1e-9).contains(y)));
            // Heights that are already apart are left alone.
            if wanted.windows(2).all(|pair| pair[1] - pair[0] > step) {
                for (height, wanted) in heights.iter().zip(&wanted) {
                    prop_assert!((height - wanted).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn thinning_is_exact_where_points_are_sparse() {
        let points = [Some((0.0, 1.0)), Some((10.0, 2.0)), None, Some((20.0, 3.0))];
        let pieces = thin(points.into_iter(), 1.0);
        let exact = |x, y| Bin { x, mean: y, low: y, high: y };
        assert_eq!(pieces, [vec![exact(0.0, 1.0), exact(10.0, 2.0)], vec![exact(20.0, 3.0)]]);
        assert_eq!(thin(std::iter::empty(), 1.0), Vec::<Vec<Bin>>::new());
    }

    #[test]
    fn names_that_collide_share_their_middle() {
        assert_eq!(apart(&[50.0, 50.0], 10.0, 0.0, 100.0), [45.0, 55.0]);
        assert_eq!(apart(&[99.0, 100.0], 10.0, 0.0, 100.0), [90.0, 100.0]);
        assert_eq!(apart(&[50.0; 3], 80.0, 0.0, 100.0), [0.0, 50.0, 100.0]);
    }
}
