//! Curves: named series against a step, a noise level, or anything else, as a figure.

use super::lines::LinePlot;
use super::scale::Scale;
use super::svg::{Anchor, Frame, NAME_SIZE, Svg};

/// The width of a figure; wider where long names would leave its frame less than the least width.
const WIDTH: f64 = 400.0;
const LEAST_FRAME_WIDTH: f64 = 230.0;

/// The height of a frame; higher where there are many lines to name.
const FRAME_HEIGHT: f64 = 200.0;

/// The room above a frame, for a factor of the axis, and above that for a title.
const TOP: f64 = 18.0;
const HEADING: f64 = 16.0;

/// An axis of [`Curves`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it shows and its unit, a label: `*x* (m)`.
    pub name: String,
    /// How values are spread on it.
    pub scale: Scale,
}

/// A named line of [`Curves`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name, a label, which stands at its end.
    pub name: String,
    /// Its points in the order in which they are joined; a series without any is left out. A point
    /// with a coordinate that has no place on its axis (NaN, infinite, or not positive on a
    /// logarithmic one) is a gap.
    pub points: Vec<(f64, f64)>,
    /// The least and the greatest value at each point, shown as a band behind the line; may be left
    /// empty.
    pub ranges: Vec<(f64, f64)>,
    /// Whether it is what the others are compared with, such as the truth: it has the colour of the text,
    /// is dashed, and stands in front of all others.
    pub is_reference: bool,
}

/// Several series on common axes: losses against steps, errors against noise.
///
/// More than 500 points are drawn as means of those that a screen cannot separate, in front of a
/// band between their extremes, so that no spike is lost. Up to 40 points per series have marks.
///
/// ```
/// use jetspace::report::{Axis, Curves, Scale, Series};
/// let curves = Curves {
///     title: "Training".to_owned(),
///     caption: "Loss of each term.".to_owned(),
///     x: Axis { name: "step".to_owned(), scale: Scale::Linear },
///     y: Axis { name: "loss".to_owned(), scale: Scale::Log },
///     series: vec![Series {
///         name: "residual of *u_t*".to_owned(),
///         points: (0..2000).map(|n| (f64::from(n), (-0.01 * f64::from(n)).exp())).collect(),
///         ..Series::default()
///     }],
/// };
/// assert!(curves.to_svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// A few words that begin the caption and name the figure's file, a label.
    pub title: String,
    /// The rest of the caption, a label.
    pub caption: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines, drawn one over the other in this order.
    pub series: Vec<Series>,
}

impl Curves {
    /// The figure, as an SVG file.
    #[must_use]
    pub fn to_svg(&self) -> String {
        stacked(&self.title, std::slice::from_ref(self))
    }
}

/// Plots side by side, two in a row, each with its title above it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    /// The figure's title.
    pub title: String,
    /// The plots, row by row.
    pub panels: Vec<Curves>,
}

impl Panels {
    /// The figure, as an SVG file.
    #[must_use]
    pub fn to_svg(&self) -> String {
        tiled(&self.title, &self.panels, 2, true)
    }
}

/// Several plots with this title, one above the other, their frames aligned.
pub(super) fn stacked(title: &str, panels: &[Curves]) -> String {
    tiled(title, panels, 1, false)
}

/// Plots in rows, their frames aligned, with or without the title of each above it.
fn tiled(title: &str, panels: &[Curves], columns: usize, titled: bool) -> String {
    let top = if titled { TOP + HEADING } else { TOP };
    let plots: Vec<LinePlot> =
        panels.iter().map(|panel| LinePlot::new(&panel.x, &panel.y, &panel.series)).collect();
    let height_of =
        |row: &[LinePlot]| row.iter().map(LinePlot::least_height).fold(FRAME_HEIGHT, f64::max);
    let highest = height_of(&plots);
    let left = plots.iter().map(|plot| plot.left_margin(highest)).fold(0.0, f64::max);
    let right = plots.iter().map(LinePlot::right_margin).fold(0.0, f64::max);
    let width = (WIDTH - left - right).max(LEAST_FRAME_WIDTH);
    let across = columns.min(plots.len().max(1)) as f64;
    let below = |row: &[LinePlot]| row.iter().map(LinePlot::bottom_margin).fold(0.0, f64::max);
    let height = |row: &[LinePlot]| top + height_of(row) + below(row);

    let total = plots.chunks(columns).map(height).sum();
    let mut svg = Svg::new(across * (left + width + right), total);
    let mut above = 0.0;
    for (row, of_row) in plots.chunks(columns).zip(panels.chunks(columns)) {
        let mut from = 0.0;
        for (plot, panel) in row.iter().zip(of_row) {
            let frame =
                Frame { left: from + left, top: above + top, width, height: height_of(row) };
            if titled {
                let middle = frame.left + width / 2.0;
                svg.text(middle, above + HEADING, Anchor::Middle, NAME_SIZE, &panel.title);
            }
            plot.draw(&mut svg, frame);
            from += left + width + right;
        }
        above += height(row);
    }
    svg.finish(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curves(scale: Scale, series: Vec<Vec<(f64, f64)>>) -> Curves {
        let series = series.into_iter().map(|points| Series {
            name: "a & b".to_owned(),
            points,
            ..Series::default()
        });
        Curves {
            x: Axis { name: "<step>".to_owned(), scale },
            y: Axis { name: "*e*".to_owned(), scale },
            series: series.collect(),
            ..Curves::default()
        }
    }

    /// The vertical positions that the drawn line of a single series passes through.
    fn drawn_heights(svg: &str) -> Vec<f64> {
        let document = roxmltree::Document::parse(svg).expect("well-formed");
        document
            .descendants()
            .filter(|node| node.attribute("stroke-linejoin").is_some())
            .filter_map(|node| node.attribute("d"))
            .flat_map(|path| path.split(['M', 'L']).skip(1))
            .map(|point| {
                let y = point.trim_end_matches("h0").split(' ').nth(1).expect("two coordinates");
                y.parse().expect("a number")
            })
            .collect()
    }

    #[test]
    fn gaps_stay_empty_and_part_the_line() {
        let nan = f64::NAN;
        let points = vec![(1.0, 1.0), (2.0, 0.1), (3.0, nan), (4.0, 0.0), (5.0, -1.0), (6.0, 0.01)];
        let svg = curves(Scale::Log, vec![points]).to_svg();
        let heights = drawn_heights(&svg);
        assert_eq!(heights.len(), 3);
        // Equal ratios are equal lengths.
        assert!((heights[2] - heights[1] - (heights[1] - heights[0])).abs() < 0.02, "{heights:?}");
    }

    #[test]
    fn series_that_cannot_be_drawn_are_named_and_empty_ones_are_not() {
        for points in [vec![], vec![(f64::NAN, 1.0)], vec![(1.0, f64::NAN); 3]] {
            for scale in [Scale::Linear, Scale::Log] {
                let svg = curves(scale, vec![points.clone()]).to_svg();
                assert_eq!(svg.contains("a &amp; b"), !points.is_empty());
                assert!(svg.contains("&lt;step&gt;"));
                assert_eq!(drawn_heights(&svg), Vec::<f64>::new());
            }
        }
        assert!(roxmltree::Document::parse(&Curves::default().to_svg()).is_ok());
    }

    #[test]
    fn one_point_is_in_the_middle() {
        let svg = curves(Scale::Linear, vec![vec![(3.0, 5.0)]]).to_svg();
        assert_eq!(drawn_heights(&svg), [TOP + FRAME_HEIGHT / 2.0]);
    }

    #[test]
    fn ranges_are_bands_and_widen_the_axis() {
        let mut curves = curves(Scale::Linear, vec![vec![(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)]]);
        let bands = |curves: &Curves| curves.to_svg().matches("fill-opacity").count();
        assert_eq!(bands(&curves), 0);
        curves.series[0].ranges = vec![(0.0, 2.0), (0.5, f64::INFINITY), (1.0, 3.0)];
        assert_eq!(bands(&curves), 1);
        // The line at 1 is a third of the way from 0 to 3, and 4 of 108 parts are margin.
        let expected = TOP + FRAME_HEIGHT * (4.0 + 100.0 * 2.0 / 3.0) / 108.0;
        let heights = drawn_heights(&curves.to_svg());
        assert!(heights.iter().all(|y| (y - expected).abs() < 0.01), "{heights:?}, {expected}");
    }

    #[test]
    fn a_spike_among_thousands_of_points_is_drawn() {
        let mut points: Vec<(f64, f64)> = (0..5000).map(|n| (f64::from(n), 1.0)).collect();
        points[2222].1 = 2.0;
        let svg = curves(Scale::Linear, vec![points]).to_svg();
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let band = document.descendants().find(|node| node.attribute("fill-opacity").is_some());
        let band = band.and_then(|node| node.attribute("d")).expect("a band");
        let highest = band
            .split(['M', 'L', 'z'])
            .filter_map(|point| point.split_once(' ')?.1.parse().ok())
            .fold(f64::INFINITY, f64::min);
        // The margin above the largest value is 4 of 108 parts.
        assert!((highest - (TOP + FRAME_HEIGHT * 4.0 / 108.0)).abs() < 0.01, "{highest}");
        assert!(svg.len() < 30_000, "thinned to {}", svg.len());
    }

    proptest! {
        #[test]
        fn any_points_give_a_well_formed_file_with_finite_numbers(
            series in prop::collection::vec(
                prop::collection::vec((any::<f64>(), any::<f64>()), 0..60), 0..9,
            ),
            log in any::<bool>(),
        ) {
            let mut curves = curves(if log { Scale::Log } else { Scale::Linear }, series);
            for line in &mut curves.series {
                line.ranges = line.points.clone();
            }
            let svg = curves.to_svg();
            prop_assert!(roxmltree::Document::parse(&svg).is_ok());
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", svg);
            prop_assert_eq!(svg, curves.to_svg());
        }
    }
}
