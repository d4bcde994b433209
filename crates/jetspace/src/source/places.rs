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
        let root = DeTable::parse(&self.text).ok()?;
        let (first, rest) = path.split_first()?;
        let mut value = root.get_ref().get(*first)?;
        for step in rest {
            let next = match value.get_ref() {
                DeValue::Array(items) => step.parse().ok().and_then(|i: usize| items.get(i)),
                DeValue::Table(table) => table.get(*step),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        Some(value.span())
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
