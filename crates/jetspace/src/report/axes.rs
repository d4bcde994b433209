//! Axes: thin lines with their ticks outside, numbers, and a name.

use super::scale::{Domain, Ticks};
use super::svg::{Anchor, Frame, NAME_SIZE, NUMBER_SIZE, Svg, number};
use super::text;

/// The lengths of labelled ticks and of those between them.
const MAJOR: f64 = 4.0;
const MINOR: f64 = 2.2;

/// Between ticks and numbers, and between numbers and names.
const GAP: f64 = 3.0;

/// The side of a frame that an axis stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Bottom,
    Left,
    Right,
}

/// How far an axis on the left or right reaches out of its frame.
pub(super) fn width(ticks: &Ticks, name: &str) -> f64 {
    let name_height = if name.is_empty() { 0.0 } else { GAP + 1.3 * NAME_SIZE };
    MAJOR + GAP + number_width(ticks) + name_height
}

/// How far an axis at the bottom reaches out of its frame.
pub(super) fn height(name: &str) -> f64 {
    let name_height = if name.is_empty() { 0.0 } else { GAP + 1.2 * NAME_SIZE };
    MAJOR + GAP + NUMBER_SIZE + name_height
}

/// Ticks of a horizontal axis of this length, as many as can be numbered legibly. Where equal axes
/// stand side by side, `gap` is what separates them.
pub(super) fn fitting_ticks(domain: &Domain, length: f64, gap: f64) -> Ticks {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A few.
    let most = (length / 40.0).clamp(2.0, 6.0) as usize;
    (2..=most)
        .rev()
        .map(|about| domain.ticks(about))
        .find(|ticks| {
            let labels: Vec<(f64, f64)> = ticks
                .ticks
                .iter()
                .filter_map(|tick| {
                    let half = text::width(tick.label.as_ref()?, NUMBER_SIZE) / 2.0;
                    Some((tick.position * length, half))
                })
                .collect();
            let next_axis = labels.first().map(|(place, half)| (place + length + gap, *half));
            let following = labels.iter().copied().skip(1).chain(next_axis);
            labels.iter().zip(following).all(|((place, half), (next_place, next_half))| {
                next_place - place >= half + next_half + 0.5 * NUMBER_SIZE
            })
        })
        .unwrap_or_else(|| domain.ticks(2))
}

/// Draws an axis on one side of a frame. Without a name, which is a label, it has no numbers
/// either: those of another axis are its.
pub(super) fn draw(svg: &mut Svg, frame: Frame, side: Side, ticks: &Ticks, name: Option<&str>) {
    let mut lines = match side {
        Side::Bottom => line(frame.left, frame.bottom(), frame.right(), frame.bottom()),
        Side::Left => line(frame.left, frame.top, frame.left, frame.bottom()),
        Side::Right => line(frame.right(), frame.top, frame.right(), frame.bottom()),
    };
    for tick in &ticks.ticks {
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        let x = frame.left + tick.position * frame.width;
        let y = frame.bottom() - tick.position * frame.height;
        lines += &match side {
            Side::Bottom => line(x, frame.bottom(), x, frame.bottom() + length),
            Side::Left => line(frame.left, y, frame.left - length, y),
            Side::Right => line(frame.right(), y, frame.right() + length, y),
        };
        let (Some(label), Some(_)) = (&tick.label, name) else { continue };
        let away = MAJOR + GAP;
        let (x, y, anchor) = match side {
            Side::Bottom => (x, frame.bottom() + away + NUMBER_SIZE / 2.0, Anchor::Middle),
            Side::Left => (frame.left - away, y, Anchor::End),
            Side::Right => (frame.right() + away, y, Anchor::Start),
        };
        svg.text(x, y, anchor, NUMBER_SIZE, label);
    }
    svg.thin_line(&lines);
    if let Some(name) = name {
        draw_name(svg, frame, side, ticks, name);
    }
}

/// Draws all four sides of a frame.
pub(super) fn close_box(svg: &mut Svg, Frame { left, top, width, height }: Frame) {
    let [x, y, width, height] = [left, top, width, height].map(number);
    svg.thin_line(&format!("M{x} {y}h{width}v{height}h-{width}z"));
}

/// The name in the middle of the axis and, where the numbers have one, their factor at its end.
fn draw_name(svg: &mut Svg, frame: Frame, side: Side, ticks: &Ticks, name: &str) {
    let middle = frame.top + frame.height / 2.0;
    // Names that are longer than their axis are set smaller, as far as they stay legible.
    let length = if side == Side::Bottom { frame.width } else { frame.height + 24.0 };
    let size = text::fitting_size(name, NAME_SIZE, length);
    let outside = width(ticks, name) - 0.65 * NAME_SIZE;
    let below = frame.bottom() + height(name) - 0.6 * NAME_SIZE;
    match side {
        Side::Bottom => {
            svg.text(frame.left + frame.width / 2.0, below, Anchor::Middle, size, name);
        }
        Side::Left => svg.upward_text(frame.left - outside, middle, size, name),
        Side::Right => svg.upward_text(frame.right() + outside, middle, size, name),
    }
    if let Some(factor) = &ticks.factor {
        let above = frame.top - 0.9 * NUMBER_SIZE;
        match side {
            Side::Bottom => svg.text(frame.right(), below, Anchor::End, NUMBER_SIZE, factor),
            Side::Left => svg.text(frame.left, above, Anchor::Middle, NUMBER_SIZE, factor),
            Side::Right => svg.text(frame.left, above, Anchor::Start, NUMBER_SIZE, factor),
        }
    }
}

fn number_width(ticks: &Ticks) -> f64 {
    ticks
        .ticks
        .iter()
        .filter_map(|tick| Some(text::width(tick.label.as_ref()?, NUMBER_SIZE)))
        .fold(0.0, f64::max)
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!("M{} {}L{} {}", number(x1), number(y1), number(x2), number(y2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Scale;

    #[test]
    fn numbers_stand_apart_on_one_axis_and_between_two() {
        for (low, high) in [(0.0, 1.0), (-1.0, 1.0), (0.0, 12_000.0), (-0.03, 0.05)] {
            let domain = Domain::between(Scale::Linear, low, high);
            for length in [120.0, 200.0, 300.0] {
                let gap = 40.0;
                let ticks = fitting_ticks(&domain, length, gap).ticks;
                // The intervals that numbers cover on two axes side by side.
                let covered: Vec<(f64, f64)> = [0.0, length + gap]
                    .into_iter()
                    .flat_map(|start| {
                        ticks.iter().filter_map(move |tick| {
                            let half = text::width(tick.label.as_ref()?, NUMBER_SIZE) / 2.0;
                            let place = start + tick.position * length;
                            Some((place - half, place + half))
                        })
                    })
                    .collect();
                assert!(covered.len() >= 4, "at least two numbers each");
                assert!(covered.windows(2).all(|pair| pair[0].1 < pair[1].0), "{covered:?}");
            }
        }
    }

    #[test]
    fn axes_without_names_need_less_room() {
        let ticks = Domain::between(Scale::Linear, 0.0, 1.0).ticks(4);
        assert!(width(&ticks, "") < width(&ticks, "*y*"));
        assert!(height("") < height("*x*"));
    }
}
