//! Where the values of a TOML text stand. Only asked for when there is a mistake to show.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Source;

/// A key and its value, or an item of an array, in a TOML text.
pub(super) struct Entry<'a> {
    /// The key; none for items of arrays.
    pub key: Option<&'a Spanned<std::borrow::Cow<'a, str>>>,
    /// The value.
    pub value: &'a Spanned<DeValue<'a>>,
}

impl Source {
    /// Where the value at a path of keys, and of numbers for items of arrays, stands; if it is not
    /// there, the innermost table or array on the way to it.
    pub(crate) fn place_of(&self, path: &[&str]) -> Option<Range<usize>> {
        self.places_along(path).pop().map(|(_, value)| value)
    }

    /// Where the key and the value of each step of a path stand, as far as it is there; items of
    /// arrays have no key.
    pub(crate) fn places_along(&self, path: &[&str]) -> Vec<(Option<Range<usize>>, Range<usize>)> {
        let mut places = Vec::new();
        let Ok(root) = DeTable::parse(&self.text) else { return places };
        let mut entries = children_of_table(root.get_ref());
        for step in path {
            let found = match step.parse::<usize>() {
                Ok(index) if entries.iter().all(|entry| entry.key.is_none()) => entries.get(index),
                _ => entries.iter().find(|e| e.key.is_some_and(|key| key.get_ref() == step)),
            };
            let Some(Entry { key, value }) = found else { break };
            places.push((key.map(Spanned::span), value.span()));
            entries = children(value.get_ref());
        }
        places
    }
}

/// All that is in a text, in its order.
pub(super) fn entries<'a>(root: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    below(children_of_table(root))
}

/// All that is below the table or array that stands at `place`, in the order of the text; nothing if
/// none stands there.
pub(super) fn entries_below<'a>(root: &'a DeTable<'a>, place: &Range<usize>) -> Vec<Entry<'a>> {
    let at_place = |entry: &Entry<'_>| entry.value.span() == *place;
    match entries(root).into_iter().find(at_place) {
        Some(entry) => below(children(entry.value.get_ref())),
        None => Vec::new(),
    }
}

/// These entries, and all below them. Loops over a stack: the text decides how deep it nests.
fn below(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    entries.reverse();
    while let Some(entry) = entries.pop() {
        entries.extend(children(entry.value.get_ref()).into_iter().rev());
        found.push(entry);
    }
    found
}

fn children<'a>(value: &'a DeValue<'a>) -> Vec<Entry<'a>> {
    match value {
        DeValue::Table(table) => children_of_table(table),
        DeValue::Array(items) => items.iter().map(|value| Entry { key: None, value }).collect(),
        _ => Vec::new(),
    }
}

fn children_of_table<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    table.iter().map(|(key, value)| Entry { key: Some(key), value }).collect()
}
