//! What the TOML reader and serde say, in the words of whoever wrote the file.
//!
//! Their messages are read as text, because there is no other way to them; one that is not
//! recognised is shown as it is.

use std::ops::Range;
use std::sync::Arc;

use jetspace_expr::nearest;
use toml::de::{DeTable, DeValue};

use super::places::{Entry, entries, entries_below};
use super::{FileKind, Source};
use crate::error::Error;
use crate::problem_file::{FORMULA, SIDES};
use crate::study_file::PERIOD;

/// What to write for each key that a file cannot do without.
const EXAMPLES: [(&str, &str); 28] = [
    ("title", r#"`title = "Heat equation"`"#),
    // Problems.
    ("coordinates", "`[coordinates]` and below it `x = { range = [0, 1] }`"),
    ("fields", r#"`fields = ["u"]`"#),
    ("equations", r#"`[equations]` and below it `heat = "u_t = u_xx"`"#),
    ("range", "`range = [0, 1]`"),
    ("require", r#"`require = ["u = 0"]`"#),
    // Studies.
    ("problem", r#"`problem = "allen-cahn"`"#),
    ("methods", r#"`methods = ["derl", "pinn"]`"#),
    ("points", r#"`[points]` and below it `interior = { sampler = "uniform", count = 1000 }`"#),
    ("interior", r#"`interior = { sampler = "uniform", count = 1000 }`"#),
    ("sampler", r#"`sampler = "uniform"`"#),
    ("count", "`count = 1000`"),
    ("nodes", "`nodes = [101, 101]`"),
    ("path", r#"`path = "points.csv"`"#),
    ("optimizer", r#"`[[optimizer]]` and below it `method = "adam"` and `steps = 1000`"#),
    ("method", r#"`method = "adam"`"#),
    ("steps", "`steps = 1000`"),
    ("epochs", "`epochs = 100`"),
    ("harmonics", "`harmonics = 3`"),
    ("period", r#"`period = "2*pi"`"#),
    // Serde places what a schedule lacks at its optimizer.
    ("kind", r#"`kind = "step"` to the schedule"#),
    ("every", "`every = 1000` to the schedule"),
    ("factor", "`factor = 0.5` to the schedule"),
    ("by", r#"`by = "rad"` to points, `by = "gradient-norm"` to balance"#),
    ("add", "`add = 100`"),
    ("of", r#"`of = ["u - data.u"]`"#),
    ("from", "`from = [[0, 1]]`"),
    ("duration", "`duration = 10`"),
];

impl Source {
    /// What keeps the text from being a file of the kind that is expected.
    pub(super) fn toml_mistake(
        self: &Arc<Self>,
        error: &toml::de::Error,
        expected: FileKind,
    ) -> Error {
        let Ok(root) = DeTable::parse(&self.text) else { return self.syntax_mistake(error) };
        let root = root.get_ref();
        let found = FileKind::of_table(root).filter(|found| *found != expected);
        if let Some(found) = found {
            let (expected, found) = (expected.name(), found.name());
            let message = format!("expected a {expected}, found a {found}");
            let help = format!("give a {expected}; `jetspace show allen-cahn --{expected}` is one");
            return self.mistake(0..0, message, "", help);
        }
        let place = error.span().unwrap_or(0..0);
        let said = error.message();
        if let Some(key) = said.strip_prefix("missing field ") {
            return self.missing_key(place, key.trim_matches('`'));
        }
        if let Some(said) = said.strip_prefix("unknown ") {
            return self.unknown_word(root, place, said);
        }
        if let Some(found) = said.strip_prefix("wanted exactly 1 element, ") {
            let none = found == "found 0 elements";
            let message =
                format!("expected one key, found {}", if none { "none" } else { "several" });
            let help = if none { "add one, or remove the section" } else { "remove all but one" };
            return self.mistake(place, message, "in here", help);
        }
        if said == "wanted string or table" {
            return self.wrong_value(root, place, "", "a string");
        }
        match said.strip_prefix("invalid ").and_then(|said| said.split_once(", expected ")) {
            Some((found, expected)) => self.wrong_value(root, place, found, expected),
            None => self.mistake(place, said, "here", "`jetspace show allen-cahn` has examples"),
        }
    }

    /// A text that is not TOML.
    pub(super) fn syntax_mistake(self: &Arc<Self>, error: &toml::de::Error) -> Error {
        let place = error.span().unwrap_or(0..0);
        let found = self.text.get(place.clone()).unwrap_or_default();
        let said = error.message();
        if said == "duplicate key" {
            let message = format!("expected each key once, found `{found}` again");
            return self.mistake(place, message, "again", "rename or remove one of the two");
        }
        if said.starts_with("string values must be quoted") && found.trim().is_empty() {
            let help = "write a number, a text in quotes, or a list in brackets";
            return self.mistake(place, "expected a value, found none", "nothing here", help);
        }
        if said.starts_with("string values must be quoted") {
            let message = format!("expected a value, found `{found}`, which is not in quotes");
            let help = format!("a text or a formula stands in quotes: {found:?}");
            return self.mistake(place, message, "not in quotes", help);
        }
        let help = "a line is `key = value` or a `[section]`; formulas and other texts stand in \
                    quotes, lists in brackets";
        self.mistake(place, said, "here", help)
    }

    fn missing_key(self: &Arc<Self>, place: Range<usize>, key: &str) -> Error {
        let message = format!("expected the key `{key}`, found none");
        let label = if place.is_empty() { "in this file" } else { "in here" };
        let example = EXAMPLES.iter().find(|(of, _)| *of == key);
        let help = example.map_or_else(
            || format!("add `{key} = …`"),
            |(_, example)| format!("add for example {example}"),
        );
        self.mistake(place, message, label, help)
    }

    /// A key, or a word as a value, that is none of those which the message lists. Serde calls keys
    /// fields, and words variants, even if they are keys.
    fn unknown_word(
        self: &Arc<Self>,
        root: &DeTable<'_>,
        place: Range<usize>,
        said: &str,
    ) -> Error {
        let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        let Some((&found, known)) = quoted.split_first() else {
            return self.mistake(place, said, "here", "`jetspace show allen-cahn` has examples");
        };
        let key_of = |entry: &Entry<'_>| {
            let key = entry.key.filter(|key| key.get_ref().as_ref() == found)?;
            Some(key.span())
        };
        let value_of = |entry: &Entry<'_>| {
            let value = Some(entry.value).filter(|v| v.get_ref().as_str() == Some(found))?;
            Some(value.span())
        };
        let is_key = said.starts_with("field ")
            || entries(root).iter().filter_map(key_of).any(|key| key == place);
        let close = nearest(found, known.iter().copied());
        if is_key {
            let message = format!("expected a known key, found `{found}`");
            let help = match close {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("the keys here are {}", known.join(", ")),
            };
            return self.mistake(narrowed(root, place, key_of), message, "not known", help);
        }
        let message = format!("expected a known name, found {found:?}");
        let help = match close {
            Some(close) => format!("did you mean {close:?}?"),
            None => format!("known: {}", known.join(", ")),
        };
        self.mistake(narrowed(root, place, value_of), message, "not known", help)
    }

    /// `found` begins with "type: ", "value: " or "length ".
    fn wrong_value(
        self: &Arc<Self>,
        root: &DeTable<'_>,
        place: Range<usize>,
        found: &str,
        expected: &str,
    ) -> Error {
        let found = found.trim_start_matches("type: ").trim_start_matches("value: ");
        let value_of =
            |entry: &Entry<'_>| is_said(entry.value.get_ref(), found).then(|| entry.value.span());
        let place = narrowed(root, place, value_of);
        let (expected, help) = in_words(expected);
        let value = entries(root).into_iter().find(|entry| entry.value.span() == place);
        let written = self.text.get(place.clone()).unwrap_or_default();
        let found = match value.map(|entry| entry.value.get_ref()) {
            Some(DeValue::Array(_)) => "a list".to_owned(),
            Some(DeValue::Table(_)) => "a table".to_owned(),
            Some(DeValue::String(text)) => format!("the text {text:?}"),
            Some(DeValue::Integer(_) | DeValue::Float(_)) => format!("the number {written}"),
            Some(DeValue::Datetime(_)) => format!("the date {written}"),
            Some(DeValue::Boolean(_)) => written.to_owned(),
            None => found.to_owned(),
        };
        let message = format!("expected {expected}, found {found}");
        self.mistake(place, message, "", help)
    }
}

/// Inside tagged tables serde forgets places, and gives that of the whole: then the one entry in the
/// table at `place` that is meant, if there is just one.
fn narrowed(
    root: &DeTable<'_>,
    place: Range<usize>,
    meant: impl Fn(&Entry<'_>) -> Option<Range<usize>>,
) -> Range<usize> {
    if entries(root).iter().filter_map(&meant).any(|meant| meant == place) {
        return place;
    }
    let entries = entries_below(root, &place);
    let mut places = entries.iter().filter_map(meant);
    match (places.next(), places.next()) {
        (Some(only), None) => only,
        _ => place,
    }
}

/// Whether serde describes the value so, e.g. as "integer `5`".
fn is_said(value: &DeValue<'_>, said: &str) -> bool {
    let number = || said.split('`').nth(1).and_then(|number| number.parse::<f64>().ok());
    match value {
        DeValue::String(text) => said == format!("string {text:?}"),
        DeValue::Integer(n) if said.starts_with("integer ") => n.as_str().parse().ok() == number(),
        DeValue::Float(x) if said.starts_with("floating ") => x.as_str().parse().ok() == number(),
        DeValue::Boolean(b) => said == format!("boolean `{b}`"),
        DeValue::Array(_) => said == "sequence",
        DeValue::Table(_) => said == "map",
        _ => false,
    }
}

/// What serde expected as users call it, and what to do about it.
fn in_words(expected: &str) -> (&str, &'static str) {
    match expected {
        "a sequence" => ("a list", "put it in brackets, also if it is only one"),
        "a string" | "variant identifier" => ("a text in quotes", "put it in quotes"),
        "a boolean" => ("true or false", "write true or false, without quotes"),
        "f64" => ("a number", "write it with digits and without quotes, e.g. 0.5 or 1e-3"),
        "u64" | "usize" => ("a whole number, 0 or more", "write it with digits alone, e.g. 1000"),
        "a nonzero u64" | "a nonzero usize" => {
            ("a whole number, 1 or more", "write it with digits alone, e.g. 1000")
        }
        "any value" => ("a number that 64 bits can hold", "choose a smaller one"),
        FORMULA => (FORMULA, "e.g. 0.5, 1e9 or \"2*pi\""),
        SIDES => (
            SIDES,
            "e.g. \"boundary\", \"initial\", \"x.min\", \"x = 0.5\", or [\"x.min\", \"x.max\"]",
        ),
        PERIOD => (PERIOD, "e.g. 3, or { harmonics = 3, period = \"2*pi\" }"),
        "a map" | "newtype variant" => ("a table", TABLE),
        _ if expected.starts_with("struct ") || expected.contains(" enum ") => ("a table", TABLE),
        other => (other, "`jetspace show allen-cahn` has examples"),
    }
}

/// What to do where a table is expected.
const TABLE: &str = "write `{ key = value, … }`, or a section in single brackets";

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in all lists called "required" of a JSON Schema.
    fn required(schema: &serde_json::Value) -> Vec<String> {
        let (mut names, mut rest) = (Vec::new(), vec![schema]);
        while let Some(value) = rest.pop() {
            if let Some(list) = value.get("required").and_then(|list| list.as_array()) {
                names.extend(list.iter().filter_map(|name| name.as_str().map(str::to_owned)));
            }
            rest.extend(value.as_object().into_iter().flat_map(|object| object.values()));
            rest.extend(value.as_array().into_iter().flatten());
        }
        names
    }

    #[test]
    fn every_key_that_may_be_missing_has_an_example() {
        for schema in [crate::problem_schema(), crate::study_schema()] {
            let names = required(schema.as_value());
            assert!(names.len() > 5, "{names:?}");
            for name in names {
                // The variants of a sweep exclude each other; none can be missed.
                let is_sweep = ["noise", "difference-step"].contains(&name.as_str());
                assert!(is_sweep || EXAMPLES.iter().any(|(key, _)| *key == name), "{name}");
            }
        }
    }

    #[test]
    fn no_example_is_for_a_key_that_does_not_exist() {
        let problem = required(crate::problem_schema().as_value());
        let study = required(crate::study_schema().as_value());
        for (key, _) in EXAMPLES {
            assert!(problem.iter().chain(&study).any(|name| name == key), "{key}");
        }
    }
}
