//! Maps of cells: one number, or one choice, for each pair of two settings, whatever their values are.

use super::colour::{LAJOLLA, line_style};
use super::number::Notation;
use super::svg::{Anchor, Frame, NAME_SIZE, NUMBER_SIZE, Svg, number};
use super::text;

/// What all cells share of a figure's width and height, and the least and the greatest size of one.
const SHARED: (f64, f64) = (560.0, 420.0);
const CELL_WIDTH: (f64, f64) = (10.0, 56.0);
const CELL_HEIGHT: (f64, f64) = (12.0, 26.0);

/// The size of numbers in cells, and the least width of a cell that has one.
const DIGIT_SIZE: f64 = 9.0;
const NUMBERED_WIDTH: f64 = 42.0;

/// Between the frame, labels and names.
const GAP: f64 = 5.0;

/// One side of a [`CellMap`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellAxis {
    /// What is varied along it, a label.
    pub name: String,
    /// Its values as texts, from left to right or from bottom to top.
    pub values: Vec<String>,
}

/// A number for each pair of two settings, as coloured cells in which it stands; the least one is
/// framed. Light is small. What is not finite is hatched.
///
/// ```
/// use jetspace::report::{CellAxis, CellMap};
/// let axis = |name: &str, values: &[&str]| CellAxis {
///     name: name.to_owned(),
///     values: values.iter().map(|&value| value.to_owned()).collect(),
/// };
/// let map = CellMap {
///     title: "Error of DERL".to_owned(),
///     caption: "Medians over seeds.".to_owned(),
///     x: axis("weight", &["0.1", "1", "10"]),
///     y: axis("hidden", &["[20]", "[20, 20]"]),
///     values: vec![1e-2, 2e-3, 5e-3, 4e-3, 1e-4, f64::INFINITY],
/// };
/// assert!(map.to_svg().contains("1.00e-4"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellMap {
    /// A few words that begin the caption and name the figure's file, a label.
    pub title: String,
    /// The rest of the caption, a label.
    pub caption: String,
    /// The setting along the bottom.
    pub x: CellAxis,
    /// The setting along the left side, upwards.
    pub y: CellAxis,
    /// The value of cell (i, j) at index j·nₓ + i; one that is missing counts as not finite.
    pub values: Vec<f64>,
}

impl CellMap {
    /// The figure, as an SVG file.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let Placement { frame, cell, right, bottom } = place(&self.x, &self.y);
        let mut svg = Svg::new(right, bottom);
        self.draw_cells(&mut svg, frame, cell);
        draw_labels(&mut svg, frame, cell, &self.x, &self.y);
        svg.finish(&self.title)
    }

    fn draw_cells(&self, svg: &mut Svg, frame: Frame, cell: (f64, f64)) {
        let finite = || self.values.iter().copied().filter(|value| value.is_finite());
        let least = finite().fold(f64::INFINITY, f64::min);
        let most = finite().fold(f64::NEG_INFINITY, f64::max);
        // Errors differ by powers of ten.
        let along = |value: f64| if least > 0.0 { value.ln() } else { value };
        let position = |value: f64| match along(most) - along(least) {
            length if length > 0.0 => (along(value) - along(least)) / length,
            _ => 0.0,
        };
        let notation = Notation::fitting(finite());
        let mut best = None;
        for row in 0..self.y.values.len() {
            for column in 0..self.x.values.len() {
                let value = self.values.get(row * self.x.values.len() + column).copied();
                let place = cell_frame(frame, cell, column, row);
                let Some(value) = value.filter(|value| value.is_finite()) else {
                    svg.hatching(place);
                    continue;
                };
                if value == least && best.is_none() {
                    best = Some(place);
                }
                let [red, green, blue] = LAJOLLA.colour(0.85 * position(value));
                let colour = format!("fill=\"rgb({red},{green},{blue})\"");
                svg.path(&outline(place), &colour);
                if cell.0 >= NUMBERED_WIDTH {
                    // Perceived lightness (ITU-R BT.601) decides what is legible.
                    let lightness =
                        0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue);
                    let colour = if lightness > 120.0 { "#000" } else { "#fff" };
                    let (x, y) = (place.left + cell.0 / 2.0, place.top + cell.1 / 2.0);
                    svg.coloured_text(x, y, DIGIT_SIZE, colour, &notation.text(value));
                }
            }
        }
        svg.thin_line(&outline(frame));
        if let Some(place) = best {
            let inside = Frame {
                left: place.left + 1.0,
                top: place.top + 1.0,
                width: place.width - 2.0,
                height: place.height - 2.0,
            };
            svg.path(&outline(inside), "fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\"");
        }
    }
}

/// The choice that is best for each pair of two settings, as coloured cells; beside them, what the colours
/// mean, and of how many cells they are.
///
/// ```
/// use jetspace::report::{CellAxis, ChoiceMap};
/// let axis = |name: &str| CellAxis {
///     name: name.to_owned(),
///     values: vec!["0.1".to_owned(), "0.2".to_owned()],
/// };
/// let map = ChoiceMap {
///     title: "Least error".to_owned(),
///     caption: "One seed.".to_owned(),
///     x: axis("*a*"),
///     y: axis("*b*"),
///     choices: vec!["DERL".to_owned(), "PINN".to_owned()],
///     best: vec![Some(0), Some(0), Some(0), Some(1)],
/// };
/// assert!(map.to_svg().contains("DERL, 75 %"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChoiceMap {
    /// A few words that begin the caption and name the figure's file, a label.
    pub title: String,
    /// The rest of the caption, a label.
    pub caption: String,
    /// The setting along the bottom.
    pub x: CellAxis,
    /// The setting along the left side, upwards.
    pub y: CellAxis,
    /// The choices, labels.
    pub choices: Vec<String>,
    /// The number of the best choice of cell (i, j) at index j·nₓ + i; cells without are hatched.
    pub best: Vec<Option<usize>>,
}

impl ChoiceMap {
    /// The figure, as an SVG file.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let (columns, rows) = (self.x.values.len(), self.y.values.len());
        let Placement { frame, cell, right, bottom } = place(&self.x, &self.y);
        let cells = (columns * rows).max(1) as f64;
        let names: Vec<String> = self
            .choices
            .iter()
            .enumerate()
            .map(|(choice, name)| {
                let count = self.best.iter().filter(|best| **best == Some(choice)).count();
                format!("{name}, {:.0} %", 100.0 * count as f64 / cells)
            })
            .collect();
        let width = names.iter().map(|name| text::width(name, NAME_SIZE)).fold(0.0, f64::max);
        let legend = right + 2.0 * GAP;
        let mut svg = Svg::new(legend + 3.0 * GAP + NAME_SIZE + width, bottom);
        for row in 0..rows {
            for column in 0..columns {
                let place = cell_frame(frame, cell, column, row);
                let best = self.best.get(row * columns + column).copied().flatten();
                match best.filter(|best| *best < self.choices.len()) {
                    Some(best) => svg.path(&outline(place), &colour_of(best)),
                    None => svg.hatching(place),
                }
            }
        }
        svg.thin_line(&outline(frame));
        draw_labels(&mut svg, frame, cell, &self.x, &self.y);
        for (choice, name) in names.iter().enumerate() {
            let top = frame.top + 1.6 * NAME_SIZE * choice as f64;
            let square = Frame { left: legend, top, width: NAME_SIZE, height: NAME_SIZE };
            svg.path(&outline(square), &colour_of(choice));
            let (x, y) = (legend + NAME_SIZE + GAP, top + 0.5 * NAME_SIZE);
            svg.text(x, y, Anchor::Start, NAME_SIZE, name);
        }
        svg.finish(&self.title)
    }
}

/// The colour of a line of this number.
fn colour_of(choice: usize) -> String {
    format!("fill=\"{}\" fill-opacity=\"0.8\"", line_style(choice).colour)
}

/// Where cells are in a figure.
struct Placement {
    frame: Frame,
    /// Width and height.
    cell: (f64, f64),
    /// How far the figure reaches with its labels.
    right: f64,
    bottom: f64,
}

fn place(x: &CellAxis, y: &CellAxis) -> Placement {
    let (columns, rows) = (x.values.len(), y.values.len());
    let size = |shared: f64, count: usize, (least, most): (f64, f64)| {
        (shared / count.max(1) as f64).clamp(least, most)
    };
    let cell = (size(SHARED.0, columns, CELL_WIDTH), size(SHARED.1, rows, CELL_HEIGHT));
    let labels = y.values.iter().map(|value| text::width(value, NUMBER_SIZE));
    let left = labels.fold(0.0, f64::max) + 3.0 * GAP + NAME_SIZE;
    let (width, height) = (cell.0 * columns as f64, cell.1 * rows as f64);
    // A name that is longer than its side reaches over both ends.
    let over = (text::width(&y.name, NAME_SIZE) - height).max(0.0) / 2.0;
    let frame = Frame { left, top: GAP + over, width, height };
    // Half of the last label, or of the name, may reach over the frame.
    let last = x.values.last().map_or(0.0, |value| text::width(value, NUMBER_SIZE));
    let name = (text::width(&x.name, NAME_SIZE) - width).max(0.0) / 2.0;
    let right = frame.right() + (last / 2.0 - cell.0 / 2.0).max(name).max(0.0) + GAP;
    let below = (2.0 * GAP + NUMBER_SIZE + 1.4 * NAME_SIZE).max(over + GAP);
    Placement { frame, cell, right, bottom: frame.bottom() + below }
}

fn cell_frame(frame: Frame, cell: (f64, f64), column: usize, row: usize) -> Frame {
    Frame {
        left: frame.left + cell.0 * column as f64,
        top: frame.bottom() - cell.1 * (row + 1) as f64,
        width: cell.0,
        height: cell.1,
    }
}

fn draw_labels(svg: &mut Svg, frame: Frame, cell: (f64, f64), along: &CellAxis, up: &CellAxis) {
    let widths = along.values.iter().map(|value| text::width(value, NUMBER_SIZE));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Some columns.
    let every = ((widths.fold(0.0, f64::max) + GAP) / cell.0).ceil().max(1.0) as usize;
    let below = frame.bottom() + GAP + NUMBER_SIZE / 2.0;
    for (column, value) in along.values.iter().enumerate().step_by(every) {
        let x = frame.left + cell.0 * (column as f64 + 0.5);
        svg.text(x, below, Anchor::Middle, NUMBER_SIZE, value);
    }
    for (row, value) in up.values.iter().enumerate() {
        let y = frame.bottom() - cell.1 * (row as f64 + 0.5);
        svg.text(frame.left - GAP, y, Anchor::End, NUMBER_SIZE, value);
    }
    let middle = (frame.left + frame.width / 2.0, frame.top + frame.height / 2.0);
    let name_below = below + NUMBER_SIZE / 2.0 + GAP + 0.5 * NAME_SIZE;
    svg.text(middle.0, name_below, Anchor::Middle, NAME_SIZE, &along.name);
    svg.upward_text(0.7 * NAME_SIZE, middle.1, NAME_SIZE, &up.name);
}

fn outline(Frame { left, top, width, height }: Frame) -> String {
    let [x, y, width, height] = [left, top, width, height].map(number);
    format!("M{x} {y}h{width}v{height}h-{width}z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(columns: usize, rows: usize, values: Vec<f64>) -> CellMap {
        let axis = |count: usize| CellAxis {
            name: "<a & b>".to_owned(),
            values: (0..count).map(|n| format!("value {n}")).collect(),
        };
        let (x, y) = (axis(columns), axis(rows));
        CellMap { title: "t".to_owned(), caption: String::new(), x, y, values }
    }

    #[test]
    fn numbers_stand_in_their_cells_and_the_least_is_framed() {
        let svg = map(2, 2, vec![0.5, 0.25, f64::NAN]).to_svg();
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let place = |digits: &str| {
            let node = document.descendants().find(|node| {
                node.has_tag_name("text") && node.descendants().any(|n| n.text() == Some(digits))
            });
            let of = |key| node?.attribute(key)?.parse::<f64>().ok();
            of("x").zip(of("y")).expect("a number in a cell")
        };
        let (first, second) = (place("0.500"), place("0.250"));
        assert!(first.0 < second.0 && first.1 == second.1, "x varies fastest");
        assert_eq!(svg.matches("#0072b2").count(), 1);
        // Not a number, and missing.
        assert_eq!(svg.matches("stroke-opacity=\"0.5\"").count(), 2);
    }

    #[test]
    fn choices_have_colours_and_shares() {
        let axis = |count: usize| CellAxis {
            name: "*a*".to_owned(),
            values: (0..count).map(|n| n.to_string()).collect(),
        };
        let map = ChoiceMap {
            title: "t".to_owned(),
            x: axis(2),
            y: axis(2),
            choices: vec!["A".to_owned(), "B".to_owned()],
            best: vec![Some(1), None, Some(1), Some(7)],
            ..ChoiceMap::default()
        };
        let svg = map.to_svg();
        assert!(roxmltree::Document::parse(&svg).is_ok());
        assert!(svg.contains("A, 0 %") && svg.contains("B, 50 %"), "{svg}");
        // Two cells, and the square beside the name.
        assert_eq!(svg.matches(line_style(1).colour).count(), 3);
        // No choice, and one that does not exist.
        assert_eq!(svg.matches("stroke-opacity=\"0.5\"").count(), 2);
        assert!(roxmltree::Document::parse(&ChoiceMap::default().to_svg()).is_ok());
    }

    proptest! {
        #[test]
        fn any_values_give_a_well_formed_file_with_finite_numbers(
            columns in 0..40_usize, rows in 0..6_usize,
            values in prop::collection::vec(any::<f64>(), 0..60),
        ) {
            let svg = map(columns, rows, values).to_svg();
            prop_assert!(roxmltree::Document::parse(&svg).is_ok());
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", svg);
        }
    }
}
