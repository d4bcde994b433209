//! One argument `--vary`: which entry of a study file takes which values.

use std::ops::Range;
use std::sync::Arc;

use toml::Value;

use super::MOST_POINTS;
use crate::Error;
use crate::random::RandomStream;
use crate::report::Scale;
use crate::source::{Source, did_you_mean};

/// What to write instead.
const EXAMPLE: &str = "e.g. --vary weights.equation=0.1,1,10 or --vary \
                       'points.interior.count=100..1600:log:5'";

/// An entry of a study file and the values that it takes, read from
///
/// - `weights.equation=0.1,1,10`: a list of TOML values, in which texts need no quotes;
/// - `weights.equation=1e-2..1e2:log:9`: nine values with equal ratios;
/// - `targets.noise=0..0.1:lin:5`: five values with equal differences.
///
/// The path consists of keys, and of numbers from 0 for items of lists: `optimizer.0.rate`. A key
/// with a dot in it stands in quotes.
///
/// ```
/// use jetspace::sweep::Variation;
/// assert!(Variation::parse("network.hidden=[20,20],[50,50]").is_ok());
/// let wrong = Variation::parse("weights.equation=0..10:log:3").unwrap_err();
/// assert!(wrong.to_string().contains("ends above 0"));
/// ```
#[derive(Clone, Debug)]
pub struct Variation {
    /// The argument.
    source: Arc<Source>,
    path: Vec<Step>,
    values: Values,
    values_place: Range<usize>,
}

/// A key of the path, or the number of an item, and its place in the argument.
#[derive(Clone, Debug)]
struct Step {
    key: String,
    place: Range<usize>,
}

#[derive(Clone, Debug)]
enum Values {
    /// Each with its place in the argument.
    List(Vec<(Value, Range<usize>)>),
    Range {
        low: f64,
        high: f64,
        scale: Scale,
        count: Option<usize>,
    },
}

impl Variation {
    /// Reads an argument.
    ///
    /// # Errors
    /// What is wrong in it, with its place.
    pub fn parse(argument: &str) -> Result<Self, Error> {
        let source = Source::new("--vary", argument);
        let (path, end) = read_path(&source)?;
        let rest = argument.get(end..).unwrap_or_default();
        let text = rest.trim();
        let start = end + (rest.len() - rest.trim_start().len());
        let values_place = start..start + text.len();
        let written = Written { source: &source, start, text };
        let values = match written.as_range() {
            Some((low, rest)) => written.range(low, rest)?,
            None => Values::List(written.list()?),
        };
        Ok(Self { source, path, values, values_place })
    }

    /// The path as it was written.
    #[must_use]
    pub fn name(&self) -> String {
        let end = self.path.last().map_or(0, |step| step.place.end);
        self.source.text.get(..end).unwrap_or_default().trim().to_owned()
    }

    /// The steps of the path.
    pub(super) fn path(&self) -> Vec<&str> {
        self.path.iter().map(|step| step.key.as_str()).collect()
    }

    /// How the values are spread, if the argument says so.
    pub(super) fn scale(&self) -> Option<Scale> {
        match self.values {
            Values::List(_) => None,
            Values::Range { scale, .. } => Some(scale),
        }
    }

    /// All values; whole numbers, each once, if the entry takes no others.
    pub(super) fn values(&self, whole: bool) -> Result<Vec<Value>, Error> {
        let (low, high, scale, count) = match &self.values {
            Values::List(values) => return Ok(values.iter().map(|(v, _)| v.clone()).collect()),
            Values::Range { low, high, scale, count } => (*low, *high, *scale, *count),
        };
        let count = count.ok_or_else(|| {
            let help = "add their number, as in 1e-2..1e2:log:9, or draw them with --random";
            self.mistake("expected how many values, found none", "how many?", help)
        })?;
        let last = count.saturating_sub(1).max(1) as f64;
        let mut values: Vec<Value> = (0..count)
            .map(|n| match n {
                0 => number(low, whole),
                n if n + 1 == count => number(high, whole),
                n => number(rounded(between(low, high, scale, n as f64 / last)), whole),
            })
            .collect();
        values.dedup();
        Ok(values)
    }

    /// One value by chance: of a list any, of a range uniformly along its scale.
    pub(super) fn draw(&self, stream: &mut RandomStream, whole: bool) -> Option<Value> {
        let position = stream.unit();
        match &self.values {
            Values::List(values) => {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // Below the length.
                let index = (position * values.len() as f64) as usize;
                values.get(index).map(|(value, _)| value.clone())
            }
            Values::Range { low, high, scale, .. } => {
                Some(number(rounded(between(*low, *high, *scale, position)), whole))
            }
        }
    }

    /// A mistake about one value.
    pub(super) fn value_mistake(
        &self,
        value: &Value,
        message: &str,
        label: &str,
        help: &str,
    ) -> Error {
        let place = match &self.values {
            Values::List(values) => values.iter().find(|(v, _)| v == value).map(|(_, p)| p.clone()),
            Values::Range { .. } => None,
        };
        self.source.mistake(place.unwrap_or(self.values_place.clone()), message, label, help)
    }

    /// A mistake about the values.
    pub(super) fn mistake(&self, message: &str, label: &str, help: &str) -> Error {
        self.source.mistake(self.values_place.clone(), message, label, help)
    }

    /// A mistake about a step of the path.
    pub(super) fn path_mistake(
        &self,
        step: usize,
        message: &str,
        label: &str,
        help: &str,
    ) -> Error {
        let place = self.path.get(step).map(|step| step.place.clone());
        self.source.mistake(place, message, label, help)
    }
}

/// The steps of the path, and where the values begin.
fn read_path(source: &Arc<Source>) -> Result<(Vec<Step>, usize), Error> {
    let text = source.text.as_str();
    let mut path = Vec::new();
    let mut start = 0;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let indent = rest.len() - rest.trim_start().len();
        start += indent;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c));
        let (key, length) = if let Some(quote) = quote {
            let inside = rest.get(1..).unwrap_or_default();
            let Some((key, _)) = inside.split_once(quote) else {
                let message = format!("expected a closing {quote}, found the end");
                return Err(source.mistake(start..text.len(), message, "not closed", EXAMPLE));
            };
            (key, key.len() + 2)
        } else {
            let key = rest.split(['.', '=']).next().unwrap_or_default();
            (key.trim_end(), key.len())
        };
        if key.is_empty() {
            let message = "expected the name of an entry of the study file, found none";
            let place = start..(start + length.max(1)).min(text.len());
            return Err(source.mistake(place, message, "nothing here", EXAMPLE));
        }
        let written = rest.get(..length).unwrap_or_default().trim_end().len();
        path.push(Step { key: key.to_owned(), place: start..start + written });
        start += length;
        let rest = text.get(start..).unwrap_or_default();
        start += rest.len() - rest.trim_start().len();
        match text.get(start..).unwrap_or_default().chars().next() {
            Some('.') => start += 1,
            Some('=') => return Ok((path, start + 1)),
            _ => {
                let message = "expected `=` and values, found none";
                return Err(source.mistake(start..text.len(), message, "here", EXAMPLE));
            }
        }
    }
}

/// Values as they were written, and where in the argument.
struct Written<'a> {
    source: &'a Arc<Source>,
    start: usize,
    text: &'a str,
}

impl Written<'_> {
    /// Where a part, which is a slice of the text, stands in the argument.
    fn place(&self, part: &str) -> Range<usize> {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let start = self.start + offset.min(self.text.len());
        start..start + part.len()
    }

    fn mistake(&self, part: &str, message: String, label: &str, help: &str) -> Error {
        self.source.mistake(self.place(part), message, label, help)
    }

    /// The part before `..` and the part after it, if this is meant as a range.
    fn as_range(&self) -> Option<(&str, &str)> {
        let (low, rest) = self.text.split_once("..")?;
        let is_number = low.trim().parse::<f64>().is_ok();
        let is_quoted = low.starts_with(['"', '\'', '[', '{']);
        let has_scale = rest.contains(":lin") || rest.contains(":log");
        (is_number || (has_scale && !is_quoted)).then_some((low, rest))
    }

    fn range(&self, low: &str, rest: &str) -> Result<Values, Error> {
        let help =
            "a range is FIRST..LAST:lin:COUNT or FIRST..LAST:log:COUNT, e.g. 1e-2..1e2:log:9";
        let mut parts = rest.splitn(3, ':');
        let high = parts.next().unwrap_or_default();
        let number = |text: &str| match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => {
                let message = format!("expected a number, found {:?}", text.trim());
                Err(self.mistake(text, message, "not a number", help))
            }
        };
        let ends = (number(low)?, number(high)?);
        let scale = match parts.next().map(|text| (text, text.trim())) {
            Some((_, "lin")) => Scale::Linear,
            Some((_, "log")) => Scale::Log,
            Some((text, word)) => {
                let message = format!("expected lin or log, found {word:?}");
                let near = did_you_mean(word, &["lin".to_owned(), "log".to_owned()]);
                return Err(self.mistake(text, message, "not known", &near));
            }
            None => {
                let message = "expected lin or log after the range, found neither".to_owned();
                return Err(self.mistake(self.text, message, "how spread?", help));
            }
        };
        let count = match parts.next() {
            None => None,
            Some(text) => match text.trim().parse() {
                Ok(count) if (2..=MOST_POINTS).contains(&count) => Some(count),
                _ => {
                    let message =
                        format!("expected 2 to {MOST_POINTS} values, found {:?}", text.trim());
                    return Err(self.mistake(text, message, "not a number of values", help));
                }
            },
        };
        let wrong_end = |text: &str, end: f64| {
            let message = format!("expected ends above 0 of a logarithmic range, found {end}");
            self.mistake(text, message, "not above 0", "begin above 0, or write lin")
        };
        match (scale, ends) {
            (Scale::Log, (first, _)) if first <= 0.0 => Err(wrong_end(low, first)),
            (Scale::Log, (_, last)) if last <= 0.0 => Err(wrong_end(high, last)),
            (_, (first, last)) if first == last => {
                let message = format!("expected two different ends, found {first} twice");
                Err(self.mistake(self.text, message, "no range", help))
            }
            _ => Ok(Values::Range { low: ends.0, high: ends.1, scale, count }),
        }
    }

    /// The values between the commas that are not inside brackets or quotes.
    fn list(&self) -> Result<Vec<(Value, Range<usize>)>, Error> {
        let mut values: Vec<(Value, Range<usize>)> = Vec::new();
        let (mut depth, mut quote, mut start) = (0_usize, None, 0);
        let ends = self.text.char_indices().filter_map(|(place, c)| {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '[' | '{') => depth += 1,
                (None, ']' | '}') => depth = depth.saturating_sub(1),
                (None, ',') if depth == 0 => return Some(place),
                _ => {}
            }
            None
        });
        for end in ends.chain([self.text.len()]) {
            let text = self.text.get(start..end).unwrap_or_default();
            let value = self.value(text)?;
            if values.iter().any(|(other, _)| *other == value) {
                let message = format!("expected each value once, found {} again", text.trim());
                return Err(self.mistake(text.trim(), message, "again", "remove it"));
            }
            values.push((value, self.place(text.trim())));
            start = end + 1;
        }
        Ok(values)
    }

    /// A TOML value, or a text without quotes.
    fn value(&self, text: &str) -> Result<Value, Error> {
        let text = text.trim();
        if text.is_empty() {
            let message = "expected a value, found none".to_owned();
            let part = if self.text.is_empty() { self.text } else { text };
            return Err(self.mistake(part, message, "nothing here", EXAMPLE));
        }
        match toml::from_str::<toml::Table>(&format!("value = {text}")) {
            Ok(mut table) if table.len() == 1 => {
                Ok(table.remove("value").unwrap_or_else(|| Value::String(text.to_owned())))
            }
            Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
                let message = format!("expected a TOML value, found {text}: {}", error.message());
                let help = "lists are [20, 20], tables { count = 100 }; put the argument in single \
                            quotes, or the shell takes some of it";
                Err(self.mistake(text, message, "not complete", help))
            }
            _ => Ok(Value::String(text.to_owned())),
        }
    }
}

/// The number at a position from 0 to 1 along a scale.
fn between(low: f64, high: f64, scale: Scale, position: f64) -> f64 {
    match scale {
        Scale::Linear => low + position * (high - low),
        // One result on every machine.
        Scale::Log => libm::exp(libm::log(low) + position * (libm::log(high) - libm::log(low))),
    }
}

/// Six digits, which are what people can read and repeat.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

fn number(number: f64, whole: bool) -> Value {
    /// Whole numbers up to here are exact.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    if whole && number.abs() <= LARGEST {
        #[allow(clippy::cast_possible_truncation)] // Within 2⁵³.
        let whole = number.round() as i64;
        return Value::Integer(whole);
    }
    Value::Float(number)
}

#[cfg(test)]
mod tests;
