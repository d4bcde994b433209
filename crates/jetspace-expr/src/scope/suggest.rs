//! What an unknown name may have been meant as, and what is known instead.

use super::resolve::splits;
use super::{Meaning, Scope};

/// Most edits between a name and the one that is suggested for it.
const MOST_EDITS: usize = 2;

impl Scope {
    /// Help for a name that has no meaning: another that has; after a qualifier, only fields.
    pub(super) fn suggest(&self, qualifier: &str, name: &str) -> Option<String> {
        if qualifier.is_empty() && self.columns.iter().any(|column| column == name) {
            return Some(format!("did you mean `data.{name}`?"));
        }
        let allowed = |candidate: &String| {
            let interpretation = self.interpret(candidate);
            if qualifier.is_empty() {
                interpretation.reading().is_some()
            } else {
                interpretation.jet().is_some()
            }
        };
        let declared = |wanted: fn(Meaning) -> bool| {
            self.meanings.iter().filter(move |(_, m)| wanted(**m)).map(|(name, _)| &**name)
        };
        let without_underscore = declared(Meaning::is_differentiable)
            .filter_map(|base| Some(format!("{base}_{}", name.strip_prefix(base)?)))
            .find(allowed);
        let other_base = || {
            splits(name)
                .filter_map(|(base, subscript)| {
                    let base = nearest(base, declared(Meaning::is_differentiable))?;
                    Some(format!("{base}_{subscript}"))
                })
                .find(allowed)
        };
        let other_name = || nearest(name, declared(|_| true)).map(str::to_owned).filter(allowed);
        let suggestion = without_underscore.or_else(other_base).or_else(other_name)?;
        Some(format!("did you mean `{qualifier}{suggestion}`?"))
    }

    /// Help for an unknown column.
    pub(super) fn column_help(&self, name: &str) -> String {
        match nearest(name, self.columns.iter().map(|column| &**column)) {
            Some(column) => format!("did you mean `data.{column}`?"),
            None if self.columns.is_empty() => "the point set has no columns of data".to_owned(),
            None => format!("the columns are {}", self.columns.join(", ")),
        }
    }

    /// Help that lists the coordinates.
    pub(super) fn list_coordinates(&self) -> String {
        let names: Vec<&str> = self.coordinates.iter().map(|(name, _)| &**name).collect();
        if names.is_empty() {
            return "there are no coordinates here".to_owned();
        }
        format!("the coordinates are {}", names.join(", "))
    }

    /// Help that lists all names that have a meaning by themselves.
    pub(super) fn list_names(&self) -> String {
        let functions = self.meanings.iter().filter(|(_, m)| matches!(m, Meaning::Function(_)));
        let groups: [(&str, Vec<&str>); 5] = [
            ("coordinates", self.coordinates.iter().map(|(name, _)| &**name).collect()),
            ("fields", self.fields.iter().map(|name| &**name).collect()),
            ("parameters", self.parameters.iter().map(|name| &**name).collect()),
            ("functions", functions.map(|(name, _)| &**name).collect()),
            ("constants", vec!["pi", "e"]),
        ];
        let lists: Vec<String> = groups
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what} {}", names.join(", ")))
            .collect();
        format!("known are the {}", lists.join("; "))
    }
}

/// The candidate nearest to a name, the first of equally near ones: equal but for case, or with at
/// most two edits that leave at least half of the letters. Nothing if none is near.
///
/// ```
/// use jetspace_expr::nearest;
/// assert_eq!(nearest("lamda", ["nu", "lambda"].into_iter()), Some("lambda"));
/// ```
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &str| {
        if candidate.to_lowercase() == name.to_lowercase() {
            return Some(0);
        }
        let longer = candidate.chars().count().max(name.chars().count());
        edits(name, candidate).filter(|edits| 2 * edits <= longer)
    };
    let distances = candidates.filter_map(|candidate| Some((distance(candidate)?, candidate)));
    distances.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// The Levenshtein distance, if it is at most [`MOST_EDITS`].
fn edits(a: &str, b: &str) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    if a.chars().count().abs_diff(b.len()) > MOST_EDITS {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row[0] = left;
        for (cell, &b) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().filter(|&edits| edits <= MOST_EDITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances() {
        for (a, b, distance) in [
            ("", "", Some(0)),
            ("", "ab", Some(2)),
            ("alpha", "alpha", Some(0)),
            ("alpha", "alhpa", Some(2)),
            ("alpha", "lpha", Some(1)),
            ("alpha", "alphas", Some(1)),
            ("θ1", "θ2", Some(1)),
            ("kitten", "sitten", Some(1)),
            ("kitten", "sittin", Some(2)),
            ("kitten", "sitting", None),
            ("abc", "def", None),
        ] {
            assert_eq!(edits(a, b), distance, "{a} {b}");
            assert_eq!(edits(b, a), distance, "{b} {a}");
        }
    }

    #[test]
    fn nearest_names_share_half_of_their_letters() {
        let names = ["nu", "u", "lambda", "kappa"];
        let nearest = |name| nearest(name, names.into_iter());
        assert_eq!(nearest("v"), None);
        assert_eq!(nearest("U"), Some("u"));
        assert_eq!(nearest("mu"), Some("nu"));
        assert_eq!(nearest("lamda"), Some("lambda"));
        assert_eq!(nearest("LAMBDA"), Some("lambda"));
        assert_eq!(nearest("gamma"), None);
        assert_eq!(nearest("kapa"), Some("kappa"));
        assert_eq!(nearest(""), None);
    }
}
