//! Numbers as text: the same three digits for a terminal, for Markdown and for a page.

/// How the numbers of one column are written. One notation per column, so that they compare at a
/// glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// 0.684, 6.84, 684.
    Decimal,
    /// 6.84 × 10⁻⁴.
    Scientific,
}

/// A number with three significant digits, taken apart: `mantissa` × 10^`exponent`.
struct Parts {
    mantissa: String,
    exponent: i32,
}

impl Notation {
    /// Decimal where every number shows its digits within six places, else scientific. Zeros and
    /// numbers that are not finite fit either.
    pub fn fitting(values: impl IntoIterator<Item = f64>) -> Self {
        let decimal = values.into_iter().all(|value| {
            value == 0.0 || !value.is_finite() || (0.01..1000.0).contains(&value.abs())
        });
        if decimal { Self::Decimal } else { Self::Scientific }
    }

    /// ASCII: `6.84e-4`, `0.684`, `NaN`, `inf`.
    pub fn text(self, value: f64) -> String {
        match (self, parts(value)) {
            (_, None) => value.to_string(),
            (Self::Scientific, Some(Parts { mantissa, exponent })) => {
                format!("{mantissa}e{exponent}")
            }
            (Self::Decimal, Some(Parts { exponent, .. })) => {
                let decimals = usize::try_from(2 - exponent).unwrap_or(0);
                format!("{value:.decimals$}")
            }
        }
    }

    /// HTML: `6.84 × 10<sup>−4</sup>`, with a true minus sign and spaces that do not break.
    pub fn html(self, value: f64) -> String {
        match (self, parts(value)) {
            (Self::Scientific, Some(Parts { mantissa, exponent })) if value != 0.0 => {
                times_power(&minus(&mantissa), exponent)
            }
            _ if value.is_infinite() => minus(if value > 0.0 { "∞" } else { "-∞" }),
            _ if value == 0.0 => "0".to_owned(),
            _ => minus(&self.text(value)),
        }
    }

    /// HTML of an interval. Where both ends have one power of ten, it is written once:
    /// `(6.10–7.25) × 10<sup>−4</sup>`.
    pub fn html_range(self, low: f64, high: f64) -> String {
        match (self, parts(low), parts(high)) {
            (Self::Scientific, Some(low), Some(high)) if low.exponent == high.exponent => {
                let range = format!("({}–{})", minus(&low.mantissa), minus(&high.mantissa));
                times_power(&range, low.exponent)
            }
            _ => format!("{}&#8239;–&#8239;{}", self.html(low), self.html(high)),
        }
    }
}

/// A ratio with two decimals, or as a power of ten where it is far from one.
pub(super) fn ratio(value: f64) -> String {
    match Notation::fitting([value]) {
        Notation::Decimal => format!("{value:.2}"),
        Notation::Scientific => Notation::Scientific.text(value),
    }
}

/// With U+2212 in place of the hyphen.
pub(super) fn minus(number: &str) -> String {
    number.replace('-', "−")
}

fn times_power(mantissa: &str, exponent: i32) -> String {
    let exponent = minus(&exponent.to_string());
    format!("{mantissa}&#8239;×&#8239;10<sup>{exponent}</sup>")
}

/// `None` for a number that is not finite.
fn parts(value: f64) -> Option<Parts> {
    let text = format!("{value:.2e}");
    let (mantissa, exponent) = text.split_once('e')?;
    Some(Parts { mantissa: mantissa.to_owned(), exponent: exponent.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_in_either_notation() {
        let (decimal, scientific) = (Notation::Decimal, Notation::Scientific);
        assert_eq!(scientific.text(6.84e-4), "6.84e-4");
        assert_eq!(scientific.html(6.84e-4), "6.84&#8239;×&#8239;10<sup>−4</sup>");
        assert_eq!(scientific.html(-1.0), "−1.00&#8239;×&#8239;10<sup>0</sup>");
        assert_eq!(decimal.text(0.068449), "0.0684");
        assert_eq!(decimal.text(6.84), "6.84");
        assert_eq!(decimal.text(684.4), "684");
        assert_eq!(decimal.html(-0.5), "−0.500");
        assert_eq!(decimal.text(9.999), "10.0");
        assert_eq!(scientific.text(9.999e-5), "1.00e-4");
    }

    #[test]
    fn numbers_that_are_not_finite_are_named() {
        for notation in [Notation::Decimal, Notation::Scientific] {
            assert_eq!(notation.text(f64::NAN), "NaN");
            assert_eq!(notation.text(f64::INFINITY), "inf");
            assert_eq!(notation.html(f64::NEG_INFINITY), "−∞");
            assert_eq!(notation.html(0.0), "0");
        }
    }

    #[test]
    fn one_notation_fits_a_column() {
        assert_eq!(Notation::fitting([0.02, 1.0, 999.0, 0.0, f64::NAN]), Notation::Decimal);
        assert_eq!(Notation::fitting([0.02, 1e-3]), Notation::Scientific);
        assert_eq!(Notation::fitting([]), Notation::Decimal);
    }

    #[test]
    fn ratios_have_two_decimals() {
        assert_eq!([0.9166, 1.0, 12.345].map(ratio), ["0.92", "1.00", "12.35"]);
        assert_eq!([1e-5, 2e4, f64::INFINITY].map(ratio), ["1.00e-5", "2.00e4", "inf"]);
    }

    #[test]
    fn a_range_shares_its_power_of_ten() {
        let scientific = Notation::Scientific;
        assert_eq!(
            scientific.html_range(6.1e-4, 7.25e-4),
            "(6.10–7.25)&#8239;×&#8239;10<sup>−4</sup>"
        );
        assert!(scientific.html_range(6.1e-4, 1.2e-3).contains("10<sup>−3</sup>"));
        assert_eq!(Notation::Decimal.html_range(0.1, 0.2), "0.100&#8239;–&#8239;0.200");
    }
}
