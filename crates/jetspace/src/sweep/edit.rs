//! A study file with some of its entries changed, read and checked again; what is wrong with it then
//! is a mistake in the argument that changed it.

use std::sync::Arc;

use toml::{Table, Value};

use super::Variation;
use crate::Error;
use crate::source::{FileKind, Mistake, Source};
use crate::study::Study;
use crate::study_file::StudyFile;

/// A study file that can be changed.
pub(super) struct Editor<'a> {
    source: &'a Arc<Source>,
    table: Table,
    variations: &'a [Variation],
}

impl<'a> Editor<'a> {
    /// For a text that is a study.
    pub fn new(source: &'a Arc<Source>, variations: &'a [Variation]) -> Result<Self, Error> {
        let table = source.parse(FileKind::Study)?;
        Ok(Self { source, table, variations })
    }

    /// The study with these values, one for each variation.
    ///
    /// # Errors
    /// The mistake, in the argument where that is possible.
    pub fn study(&self, values: &[Value]) -> Result<Study, Error> {
        let mut table = self.table.clone();
        for (variation, value) in self.variations.iter().zip(values) {
            set(&mut table, variation, value)?;
        }
        let source = self.edited(&table)?;
        Study::from_source(&source).map_err(|error| match error {
            Error::Mistake(mistake) if Arc::ptr_eq(&mistake.source_text, &source) => {
                self.in_argument(*mistake, values)
            }
            other => other,
        })
    }

    /// Whether an entry takes whole numbers alone, which the reader of files knows.
    pub fn takes_whole_numbers(&self, variation: &Variation) -> Result<bool, Error> {
        let is_read = |value: Value| -> Result<bool, Error> {
            let mut table = self.table.clone();
            set(&mut table, variation, &value)?;
            Ok(self.edited(&table)?.parse::<StudyFile>(FileKind::Study).is_ok())
        };
        Ok(is_read(Value::Integer(1))? && !is_read(Value::Float(1.5))?)
    }

    fn edited(&self, table: &Table) -> Result<Arc<Source>, Error> {
        let text = toml::to_string(table).map_err(|error| {
            Error::Argument(format!("{} cannot be written: {error}", self.source.name))
        })?;
        Ok(Source::from_folder(&self.source.name, text, self.source.folder.clone()))
    }

    /// The mistake at the step of a path, or at the values, that it is about; else in the changed
    /// text, whose name says what was changed.
    fn in_argument(&self, mistake: Mistake, values: &[Value]) -> Error {
        let Mistake { source_text, place, message, label, help } = mistake;
        for (variation, value) in self.variations.iter().zip(values) {
            let path = variation.path();
            let along = source_text.places_along(&path);
            let Some(place) = &place else { continue };
            let overlaps =
                |other: &std::ops::Range<usize>| place.start < other.end && other.start < place.end;
            let is_complete = along.len() == path.len();
            if is_complete && along.last().is_some_and(|(_, place)| overlaps(place)) {
                return variation.value_mistake(value, &message, &label, &help);
            }
            // A table or list on the way, or its key, which is not what is expected there.
            let is_meant = |(key, there): &(Option<_>, _)| {
                key.as_ref().is_some_and(overlaps) || there == place
            };
            if let Some(step) = along.iter().rposition(is_meant) {
                return variation.path_mistake(step, &message, &label, &help);
            }
        }
        let changes = self.variations.iter().zip(values);
        let changes: Vec<String> =
            changes.map(|(variation, value)| format!("{} = {value}", variation.name())).collect();
        let name = format!("{} with {}", self.source.name, changes.join(", "));
        Source::new(name, &*source_text.text).mistake(place, message, label, help)
    }
}

/// Changes an entry, and makes the tables on the way to it that are not there.
fn set(table: &mut Table, variation: &Variation, new: &Value) -> Result<(), Error> {
    let path = variation.path();
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let empty = || Value::Table(Table::new());
    let mut entry = table.entry(*first).or_insert_with(empty);
    for (step, key) in (1..).zip(rest) {
        let before = path.get(..step).unwrap_or_default().join(".");
        entry = match entry {
            Value::Table(table) => table.entry(*key).or_insert_with(empty),
            Value::Array(items) => {
                let count = items.len();
                let item = key.parse().ok().and_then(|index: usize| items.get_mut(index));
                item.ok_or_else(|| {
                    let message =
                        format!("expected the number of an item of {before}, found {key:?}");
                    let help = match count {
                        0 => "it is empty".to_owned(),
                        1 => "it has one item, of number 0".to_owned(),
                        _ => format!("it has the items 0 to {}", count - 1),
                    };
                    variation.path_mistake(step, &message, "not an item", &help)
                })?
            }
            value => {
                let message = format!("expected an entry in {before}, which is {value}");
                let help = format!("end the path there: --vary {before}=…");
                return Err(variation.path_mistake(step, &message, "nothing below", &help));
            }
        };
    }
    *entry = new.clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    /// Of allen-cahn with some arguments, each with its first value.
    fn study(arguments: &[&str]) -> Result<Study, Error> {
        let text = builtin::text(builtin::STUDIES, "allen-cahn").unwrap();
        let source = Source::new("allen-cahn.toml", text);
        let variations: Result<Vec<Variation>, Error> =
            arguments.iter().map(|argument| Variation::parse(argument)).collect();
        let variations = variations?;
        let first = |v: &Variation| Ok(v.values(false)?.swap_remove(0));
        let values: Result<Vec<Value>, Error> = variations.iter().map(first).collect();
        Editor::new(&source, &variations)?.study(&values?)
    }

    #[test]
    fn entries_are_changed_and_added() {
        let plain = study(&[]).unwrap();
        let changed = study(&[
            "weights.edges=7",
            "method.outl+pinn.weights.equation=3",
            "optimizer.0.rate=0.25",
            "points.interior.count=10",
            "network.hidden=[5, 6]",
            "network.activation=sin",
            "seeds=[1]",
            "targets.difference-step=0.5",
        ])
        .unwrap();
        let weights = |study: &Study, method: usize| -> Vec<f64> {
            study.methods[method].terms.iter().map(|term| term.weight).collect()
        };
        assert_eq!((weights(&plain, 2), weights(&changed, 2)), (vec![1.0; 3], vec![1.0, 3.0, 7.0]));
        assert_eq!((weights(&plain, 0), weights(&changed, 0)), (vec![1.0; 2], vec![1.0, 7.0]));
        assert_eq!(changed.network_file.hidden, [5, 6]);
        assert_eq!(changed.seeds, [1]);
        assert_eq!(changed.variants[0].targets.difference_step, Some(0.5));
        assert!(format!("{:?}", changed.methods[0].optimizers[0]).contains("rate: 0.25"));
        assert!(format!("{:?}", changed.points.interior).contains("count: 10"));
        assert_eq!(changed.published, plain.published);
    }

    #[test]
    fn mistakes_of_the_study_are_mistakes_in_the_argument() {
        for (arguments, message, help, place) in [
            (&["weights.egdes=1"][..], "egdes", "edges", "egdes"),
            (&["wieghts.edges=1"], "wieghts", "weights", "wieghts"),
            (&["seeds=[1]", "network.hiden=[3]"], "hiden", "hidden", "hiden"),
            (&["network.hidden=20"], "a list", "brackets", "20"),
            (&["network.hidden=[0]", "seeds=[1]"], "found 0", "hidden", "[0]"),
            (&["network.activation=tanhh"], "tanhh", "tanh", "tanhh"),
            (&["targets.difference-step=-1"], "found -1", "step", "-1"),
            (&["methods.0=dirl"], "dirl", "derl", "dirl"),
            (&["optimizer.1.rate=1"], "found \"1\"", "number 0", "1"),
            (&["optimizer.rate=1"], "found \"rate\"", "number 0", "rate"),
            (&["dtype.x=1"], "an entry in dtype", "--vary dtype", "x"),
            (&["optimizer.0.rate=fast"], "fast", "0.5", "fast"),
            (&["method.derl.optimizer.0.rate=1"], "a list", "brackets", "optimizer"),
        ] {
            match study(arguments).unwrap_err() {
                Error::Mistake(mistake) => {
                    assert_eq!(mistake.source_text.name, "--vary", "{mistake}");
                    let underlined = &mistake.source_text.text[mistake.place.clone().unwrap()];
                    assert!(mistake.message.contains(message), "{arguments:?}: {mistake}");
                    assert!(mistake.help.contains(help), "{arguments:?}: {}", mistake.help);
                    assert_eq!(underlined, place, "{arguments:?}: {mistake}");
                }
                other => panic!("{arguments:?}: {other}"),
            }
        }
    }

    #[test]
    fn mistakes_elsewhere_are_shown_in_the_changed_file() {
        let wrong = study(&["methods=[\"pinn\"]"]).unwrap_err();
        let Error::Mistake(mistake) = wrong else { panic!("{wrong}") };
        assert_eq!(mistake.source_text.name, "allen-cahn.toml with methods = [\"pinn\"]");
        assert!(mistake.line_and_column().is_some());
    }

    #[test]
    fn whole_numbers_are_known_from_the_file() {
        let text = builtin::text(builtin::STUDIES, "allen-cahn").unwrap();
        let source = Source::new("allen-cahn.toml", text);
        let editor = Editor::new(&source, &[]).unwrap();
        for (argument, whole) in [
            ("points.interior.count=1", true),
            ("optimizer.0.epochs=1", true),
            ("network.hidden.0=1", true),
            ("weights.edges=1", false),
            ("optimizer.0.rate=1", false),
            ("network.activation=tanh", false),
        ] {
            let variation = Variation::parse(argument).unwrap();
            assert_eq!(editor.takes_whole_numbers(&variation).unwrap(), whole, "{argument}");
        }
    }
}
