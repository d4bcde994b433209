//! Curves: named series against a step, a noise level, or anything else, as a figure.

use super::lines::LinePlot;
use super::scale::Scale;
use super::svg::{Frame, Svg};

/// The width of a figure; wider where long names would leave its frame less than the least width.
const WIDTH: f64 = 400.0;
const LEAST_FRAME_WIDTH: f64 = 180.0;

/// The height of a frame; higher where there are many lines to name.
const FRAME_HEIGHT: f64 = 200.0;

/// The room above a frame, for a factor of the axis.
const TOP: f64 = 18.0;

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

/// Several plots with this title, one above the other, their frames aligned.
pub(super) fn stacked(title: &str, panels: &[Curves]) -> String {
    let plots: Vec<(LinePlot, f64)> = panels
        .iter()
        .map(|panel| {
            let plot = LinePlot::new(&panel.x, &panel.y, &panel.series);
            let height = plot.least_height().max(FRAME_HEIGHT);
            (plot, height)
        })
        .collect();
    let largest =
        |margins: &dyn Fn(&(LinePlot, f64)) -> f64| plots.iter().map(margins).fold(0.0, f64::max);
    let left = largest(&|(plot, height)| plot.left_margin(*height));
    let right = largest(&|(plot, _)| plot.right_margin());
    let width = (WIDTH - left - right).max(LEAST_FRAME_WIDTH);
    let total_height = plots.iter().map(|(plot, height)| TOP + height + plot.bottom_margin()).sum();

    let mut svg = Svg::new(left + width + right, total_height);
    let mut top = 0.0;
    for (plot, height) in &plots {
        plot.draw(&mut svg, Frame { left, top: top + TOP, width, height: *height });
        top += TOP + height + plot.bottom_margin();
    }
    svg.finish(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curves(scale: Scale, series: Vec<Vec<(f64, f64)>>) -> Curves {
        let series = series.into_iter().map(|points| Series { name: "a & b".to_owned(), points });
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
            let curves = curves(if log { Scale::Log } else { Scale::Linear }, series);
            let svg = curves.to_svg();
            prop_assert!(roxmltree::Document::parse(&svg).is_ok());
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", svg);
            prop_assert_eq!(svg, curves.to_svg());
        }
    }
}
