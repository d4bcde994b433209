//! Scales: from values to positions along an axis, and the ticks that people can read.

use super::number::minus;

/// How the values of an axis are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences, equal lengths.
    #[default]
    Linear,
    /// Equal ratios, equal lengths. Zero and negative values have no place on it.
    Log,
}

impl Scale {
    /// Whether a value has a place on the scale.
    pub(super) fn has(self, value: f64) -> bool {
        match self {
            Self::Linear => value.abs() <= LARGEST,
            Self::Log => (LARGEST.recip()..=LARGEST).contains(&value),
        }
    }
}

/// Numbers beyond this size, and on logarithmic scales below its inverse, are not drawn: their
/// differences or their padding would leave the range of `f64`.
const LARGEST: f64 = 1e300;

/// A stretch that is shorter than this, relative to its ends, counts as a point.
const RESOLUTION: f64 = 1e-9;

/// The values that an axis shows, from its beginning (position 0) to its end (position 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Domain {
    scale: Scale,
    /// The ends, as their logarithms to base 10 on a logarithmic scale.
    low: f64,
    high: f64,
}

/// A tick; major ones are labelled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Between 0 and 1, as [`Domain::position`] counts.
    pub position: f64,
    /// A label, in which `*` marks mathematics.
    pub label: Option<String>,
}

/// The ticks of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticks {
    /// From the lowest position to the highest.
    pub ticks: Vec<Tick>,
    /// What the labels are to be multiplied by, if anything: `*×10^{−4}*`.
    pub factor: Option<String>,
}

impl Domain {
    /// The interval from `low` to `high`, widened where it is too short to show.
    pub fn between(scale: Scale, low: f64, high: f64) -> Self {
        let (low, high) = match scale {
            Scale::Linear => (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST)),
            Scale::Log => {
                let log = |value: f64| value.clamp(LARGEST.recip(), LARGEST).log10();
                (log(low), log(high))
            }
        };
        let size = low.abs().max(high.abs());
        let (least_length, margin) = match scale {
            Scale::Linear if size > LARGEST.recip() => (RESOLUTION * size, size / 2.0),
            Scale::Linear => (LARGEST.recip(), 1.0),
            Scale::Log => (RESOLUTION, 0.5),
        };
        let (low, high) = if high - low > least_length {
            (low, high)
        } else {
            let centre = low / 2.0 + high / 2.0;
            (centre - margin, centre + margin)
        };
        Self { scale, low, high }
    }

    /// Whether a linear axis can show just this interval: it ascends, and is neither too long nor
    /// too short for its ends.
    pub fn can_show(low: f64, high: f64) -> bool {
        Self::between(Scale::Linear, low, high) == Self { scale: Scale::Linear, low, high }
    }

    /// The smallest interval that holds all values that can be drawn; [0, 1], or [0.1, 1] on a
    /// logarithmic scale, where there is none.
    pub fn around(scale: Scale, values: impl IntoIterator<Item = f64>) -> Self {
        let extent = values.into_iter().filter(|&value| scale.has(value)).fold(
            None,
            |extent: Option<(f64, f64)>, value| {
                Some(extent.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            },
        );
        match (extent, scale) {
            (Some((low, high)), _) => Self::between(scale, low, high),
            (None, Scale::Linear) => Self::between(scale, 0.0, 1.0),
            (None, Scale::Log) => Self::between(scale, 0.1, 1.0),
        }
    }

    /// With a margin at both ends, as a part of the length.
    pub fn padded(self, part: f64) -> Self {
        let margin = part * (self.high - self.low);
        Self { low: self.low - margin, high: self.high + margin, ..self }
    }

    /// Where a value stands: 0 at the beginning, 1 at the end, beyond these outside. `None` for
    /// values that have no place on the scale.
    pub fn position(&self, value: f64) -> Option<f64> {
        self.scale.has(value).then(|| {
            let value = if self.scale == Scale::Log { value.log10() } else { value };
            (value - self.low) / (self.high - self.low)
        })
    }

    /// Ticks at 1, 2 or 5 times powers of ten, or at powers of ten alone on a logarithmic scale,
    /// about as many as asked for.
    pub fn ticks(&self, about: usize) -> Ticks {
        let about = about.max(2);
        match self.scale {
            Scale::Linear => self.linear_ticks(self.low, self.high, about),
            Scale::Log => self.log_ticks(about),
        }
    }

    /// Ticks at multiples of one step between two values.
    fn linear_ticks(&self, low: f64, high: f64, about: usize) -> Ticks {
        let mut step = nice_step((high - low) / about as f64);
        let between = |step: f64| (high / step).floor() - (low / step).ceil();
        if about > 2 && between(step) < 2.0 {
            // A step just above the length from zero to an end leaves zero alone.
            step = nice_step(0.4 * step);
        }
        let tolerance = 1e-6 * step;
        let first = ((low - tolerance) / step).ceil();
        let last = ((high + tolerance) / step).floor();
        let values = || {
            std::iter::successors(Some(first), |index| Some(index + 1.0))
                .take_while(|&index| index <= last)
                .take(4 * about)
                .map(|index| index * step)
        };
        let largest = values().fold(0.0, |size: f64, value| size.max(value.abs()));
        let magnitude = order(largest);
        let exponent = if (-2..6).contains(&magnitude) { 0 } else { magnitude };
        let decimals = usize::try_from(exponent - order(step)).unwrap_or(0);
        let ticks = values().filter_map(|value| {
            let scaled = value / 10.0_f64.powi(exponent);
            // Adding zero turns −0 into 0.
            let label = grouped(&minus(&format!("{:.decimals$}", scaled + 0.0)));
            Some(Tick { position: self.position(value)?, label: Some(label) })
        });
        let factor = (exponent != 0).then(|| format!("×{}", power_of_ten(exponent)));
        Ticks { ticks: ticks.collect(), factor }
    }

    fn log_ticks(&self, about: usize) -> Ticks {
        let tolerance = 1e-6;
        let (first, last) = ((self.low - tolerance).ceil(), (self.high + tolerance).floor());
        let decades = last - first + 1.0;
        if decades < 2.0 {
            return self.ticks_within_decade(about);
        }
        // Steps of 4, 7, … decades read badly.
        let stride = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0]
            .into_iter()
            .find(|&stride| stride * about as f64 >= decades)
            .unwrap_or(200.0);
        // Between labels: the multiples of each decade, or the decades, or nothing.
        let parts = if stride == 1.0 { 1..=9 } else { 1..=1 };
        let step = if stride > 10.0 { stride } else { 1.0 };
        let beginning = ((first - 1.0) / step).floor() * step;
        let exponents = std::iter::successors(Some(beginning), |exponent| Some(exponent + step))
            .take_while(|&exponent| exponent <= last);
        let ticks = exponents.flat_map(|exponent| {
            parts.clone().filter_map(move |part| {
                let labelled = part == 1 && exponent.rem_euclid(stride) == 0.0;
                let label = labelled.then(|| power_of_ten(whole(exponent)));
                self.log_tick(exponent + f64::from(part).log10(), label)
            })
        });
        Ticks { ticks: ticks.collect(), factor: None }
    }

    /// A tick at a logarithm, if that is inside.
    fn log_tick(&self, logarithm: f64, label: Option<String>) -> Option<Tick> {
        let position = (logarithm - self.low) / (self.high - self.low);
        (-1e-6..=1.0 + 1e-6).contains(&position).then_some(Tick { position, label })
    }

    /// On a logarithmic scale that spans less than two powers of ten: 1, 2 and 5 times powers of
    /// ten if there are at least two of them, else multiples of a step.
    fn ticks_within_decade(&self, about: usize) -> Ticks {
        let (low, high) = (10.0_f64.powf(self.low), 10.0_f64.powf(self.high));
        let first = whole(self.low.floor());
        let candidates =
            (first..=first + 2).flat_map(|exponent| [1, 2, 5].map(|digit| (digit, exponent)));
        let ticks: Vec<Tick> = candidates
            .filter_map(|(digit, exponent)| {
                let digits = if digit == 1 { String::new() } else { format!("{digit}×") };
                let label = digits + &power_of_ten(exponent);
                self.log_tick(f64::from(digit).log10() + f64::from(exponent), Some(label))
            })
            .collect();
        if ticks.len() >= 2 {
            Ticks { ticks, factor: None }
        } else {
            self.linear_ticks(low, high, about)
        }
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `step`, which is positive.
fn nice_step(step: f64) -> f64 {
    let power = 10.0_f64.powi(order(step));
    let nice = [1.0, 2.0, 5.0].into_iter().find(|&nice| nice * power >= step * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

/// ⌊log₁₀ |value|⌋, and 0 for zero.
fn order(value: f64) -> i32 {
    if value == 0.0 { 0 } else { whole((value.abs().log10() + 1e-9).floor()) }
}

/// A whole number that is known to be small.
#[allow(clippy::cast_possible_truncation)] // Logarithms of `f64` lie within ±324.
fn whole(number: f64) -> i32 {
    number as i32
}

fn power_of_ten(exponent: i32) -> String {
    format!("*10^{{{}}}*", minus(&exponent.to_string()))
}

/// With thin spaces between groups of three digits, from five digits before the point on.
fn grouped(number: &str) -> String {
    let (integer, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let digits = integer.chars().filter(char::is_ascii_digit).count();
    if digits < 5 {
        return number.to_owned();
    }
    let mut text = String::new();
    let mut left = digits;
    for character in integer.chars() {
        if character.is_ascii_digit() {
            if left < digits && left.is_multiple_of(3) {
                text.push('\u{2009}');
            }
            left -= 1;
        }
        text.push(character);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text;
    use proptest::prelude::*;

    fn labels(domain: Domain, about: usize) -> Vec<String> {
        let ticks = domain.ticks(about).ticks;
        ticks.iter().filter_map(|tick| Some(text::plain(tick.label.as_ref()?))).collect()
    }

    fn linear(low: f64, high: f64) -> Domain {
        Domain::between(Scale::Linear, low, high)
    }

    fn log(low: f64, high: f64) -> Domain {
        Domain::between(Scale::Log, low, high)
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(linear(0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(linear(-1.0, 1.0), 4), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(linear(0.0, 2000.0), 4), ["0", "500", "1000", "1500", "2000"]);
        assert_eq!(labels(linear(0.0, 20_000.0), 2), ["0", "10\u{2009}000", "20\u{2009}000"]);
        assert_eq!(labels(linear(0.1, 0.9), 2), ["0.5"]);
        assert_eq!(labels(linear(-0.045, 0.045), 4), ["−0.04", "−0.02", "0.00", "0.02", "0.04"]);
    }

    #[test]
    fn large_and_small_numbers_share_a_factor() {
        let ticks = linear(-3e-4, 3e-4).ticks(3);
        assert_eq!(ticks.factor.as_deref(), Some("×*10^{−4}*"));
        assert_eq!(labels(linear(-3e-4, 3e-4), 3), ["−2", "0", "2"]);
        assert_eq!(linear(0.0, 3e7).ticks(3).factor.as_deref(), Some("×*10^{7}*"));
        assert_eq!(linear(0.0, 0.03).ticks(3).factor, None);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(labels(log(2e-4, 3.0), 5), ["10^−3", "10^−2", "10^−1", "10^0"]);
        assert_eq!(labels(log(1e-16, 1e2), 5), ["10^−15", "10^−10", "10^−5", "10^0"]);
        let ticks = log(1e-2, 1.0).ticks(5).ticks;
        assert_eq!(ticks.len(), 19, "minor ticks at 2 … 9");
        assert_eq!(labels(log(1e-300, 1e300), 4), ["10^−200", "10^0", "10^200"]);
    }

    #[test]
    fn short_log_scales_still_have_two_labels() {
        assert_eq!(labels(log(1.5e-3, 6e-3), 4), ["2×10^−3", "5×10^−3"]);
        assert_eq!(labels(log(1.0e-3, 1.1e-3), 2), ["1.00", "1.05", "1.10"]);
        assert!(labels(log(1.0, 1.0), 4).len() >= 2, "a constant");
    }

    #[test]
    fn what_has_no_place_is_a_gap() {
        let domain = log(1e-3, 1.0);
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(domain.position(value), None);
        }
        assert_eq!(linear(0.0, 1.0).position(f64::NAN), None);
        assert_eq!(linear(0.0, 1.0).position(f64::INFINITY), None);
        assert_eq!(domain.position(1e-3), Some(0.0));
        assert_eq!(domain.position(1.0), Some(1.0));
    }

    #[test]
    fn intervals_that_need_widening_cannot_be_shown() {
        let shown = [(0.0, 1.0), (-1e300, 1e300), (1.0, 1.0 + 1e-8), (0.0, 1e-299)];
        assert!(shown.iter().all(|&(low, high)| Domain::can_show(low, high)));
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        let not = [(1.0, 1.0), (1.0, 0.0), (1.0, 1.0 + 1e-10), (0.0, 1e-310), (0.0, infinity)];
        assert!(not.iter().all(|&(low, high)| !Domain::can_show(low, high)));
        assert!(!Domain::can_show(nan, 1.0) && !Domain::can_show(0.0, nan));
    }

    #[test]
    fn domains_hold_what_can_be_drawn() {
        let values = [f64::NAN, 3.0, -1.0, f64::INFINITY, 2.0];
        assert_eq!(Domain::around(Scale::Linear, values), linear(-1.0, 3.0));
        assert_eq!(Domain::around(Scale::Log, values), log(2.0, 3.0));
        assert_eq!(Domain::around(Scale::Linear, []), linear(0.0, 1.0));
        assert_eq!(Domain::around(Scale::Linear, [5.0]).position(5.0), Some(0.5));
        assert_eq!(Domain::around(Scale::Linear, [0.0, 0.0]).position(0.0), Some(0.5));
    }

    proptest! {
        #[test]
        fn any_domain_has_ticks_inside(a in any::<f64>(), b in any::<f64>(), about in 0..20_usize) {
            for scale in [Scale::Linear, Scale::Log] {
                let domain = Domain::around(scale, [a, b]).padded(0.05);
                let Ticks { ticks, .. } = domain.ticks(about);
                prop_assert!(ticks.iter().any(|tick| tick.label.is_some()));
                prop_assert!(ticks.len() <= 400);
                prop_assert!(ticks.iter().all(|t| (-1e-5..=1.0 + 1e-5).contains(&t.position)));
                prop_assert!(ticks.is_sorted_by(|s, t| s.position < t.position));
            }
        }

        #[test]
        fn labels_say_where_they_stand(low in -1e5_f64..1e5, width in 1e-2_f64..1e5) {
            let domain = linear(low, low + width);
            let Ticks { ticks, factor } = domain.ticks(5);
            prop_assert!(ticks.len() >= 2);
            prop_assume!(factor.is_none());
            for Tick { position, label } in ticks {
                let label = label.unwrap_or_default().replace('−', "-").replace('\u{2009}', "");
                let value: f64 = label.parse().expect("a number");
                prop_assert!((low + position * width - value).abs() < 1e-6 * width);
            }
        }
    }
}
