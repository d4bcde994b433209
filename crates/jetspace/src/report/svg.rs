//! Writing SVG: a figure under construction, in units of CSS pixels, y downwards.
//!
//! Files need no style sheet, font or script: all looks are attributes. Lines and text have the
//! colour `currentColor`, so that a page can set it; there are no identifiers, so that many figures
//! fit into one page.

use super::text;

/// The font of all figures: Helvetica or what has its widths, by which text is measured.
const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif";

/// The size of names.
pub(super) const NAME_SIZE: f64 = 11.0;

/// The size of the numbers at ticks.
pub(super) const NUMBER_SIZE: f64 = 10.0;

/// From the baseline to the middle of a digit, as a part of the font size.
const HALF_DIGIT: f64 = 0.36;

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// Which part of a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A figure under construction.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// The file. Its title is a label, which browsers show and screen readers read.
    pub fn finish(self, title: &str) -> String {
        let (width, height) = (number(self.width), number(self.height));
        let title = text::escape(&text::plain(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONT}\" \
             fill=\"currentColor\" stroke-width=\"0.7\">\n<title>{title}</title>\n{}</svg>\n",
            self.body
        )
    }

    /// A path with these further attributes.
    pub fn path(&mut self, path: &str, attributes: &str) {
        self.body += &format!("<path d=\"{path}\" {attributes}/>\n");
    }

    /// A thin line, or several: the points of each path are joined.
    pub fn thin_line(&mut self, path: &str) {
        self.path(path, "fill=\"none\" stroke=\"currentColor\"");
    }

    /// A label whose middle line is at `y`.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, label: &str) {
        self.text_at(
            &format!("x=\"{}\" y=\"{}\"", number(x), number(y + HALF_DIGIT * size)),
            anchor,
            size,
            label,
        );
    }

    /// A label in a colour of its own, its middle at this point.
    pub fn coloured_text(&mut self, x: f64, y: f64, size: f64, colour: &str, label: &str) {
        let (x, y) = (number(x), number(y + HALF_DIGIT * size));
        let place = format!("x=\"{x}\" y=\"{y}\" fill=\"{colour}\"");
        self.text_at(&place, Anchor::Middle, size, label);
    }

    /// A label that reads upwards, its middle at this point.
    pub fn upward_text(&mut self, x: f64, y: f64, size: f64, label: &str) {
        let place = format!(
            "transform=\"translate({} {}) rotate(-90)\"",
            number(x + HALF_DIGIT * size),
            number(y)
        );
        self.text_at(&place, Anchor::Middle, size, label);
    }

    fn text_at(&mut self, place: &str, anchor: Anchor, size: f64, label: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let label = text::svg(label, size);
        let size = number(size);
        self.body += &format!(
            "<text {place} xml:space=\"preserve\" text-anchor=\"{anchor}\" \
             font-size=\"{size}\">{label}</text>\n"
        );
    }

    /// Thin slanted lines across a frame, where there is nothing to show.
    pub fn hatching(&mut self, frame: Frame) {
        const STEP: f64 = 5.0;
        let mut lines = String::new();
        let mut x = STEP;
        while x < frame.width + frame.height {
            lines +=
                &format!("M{} 0l{} {}", number(x), number(-frame.height), number(frame.height));
            x += STEP;
        }
        let look =
            "fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.5\" stroke-width=\"0.5\"";
        self.inside(frame, |svg| svg.path(&lines, look));
    }

    /// What is drawn into a frame, whose left upper corner is the origin then; nothing shows outside.
    pub fn inside(&mut self, frame: Frame, draw: impl FnOnce(&mut Self)) {
        self.body += &format!("<svg {}>\n", place(frame));
        draw(self);
        self.body += "</svg>\n";
    }

    /// An image drawn over `image`, of which only what lies in `window` is visible.
    pub fn image(&mut self, window: Frame, image: Frame, uri: &str) {
        let inside = Frame { left: image.left - window.left, top: image.top - window.top, ..image };
        self.body += &format!(
            "<svg {}><image {} preserveAspectRatio=\"none\" href=\"{uri}\"/></svg>\n",
            place(window),
            place(inside)
        );
    }
}

/// A frame as attributes.
fn place(Frame { left, top, width, height }: Frame) -> String {
    let [x, y, width, height] = [left, top, width, height].map(number);
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// A path through points.
pub(super) fn polyline(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.enumerate() {
        path.push(if index == 0 { 'M' } else { 'L' });
        path += &format!("{} {}", number(x), number(y));
    }
    path
}

/// A coordinate, to a hundredth of a pixel.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(0.125), "0.12");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(-2.5), "-2.5");
    }

    #[test]
    fn a_file_is_well_formed_whatever_its_texts() {
        let mut svg = Svg::new(10.0, 20.0);
        svg.text(1.0, 2.0, Anchor::End, 9.0, "<&\">*u_x*\u{1}");
        svg.upward_text(1.0, 2.0, 9.0, "]]>");
        svg.thin_line("M0 0H10");
        let file = svg.finish("a < b");
        let document = roxmltree::Document::parse(&file).expect("well-formed");
        assert_eq!(document.root_element().attribute("viewBox"), Some("0 0 10 20"));
        assert!(file.contains("<title>a &lt; b</title>"));
    }
}
