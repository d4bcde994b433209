//! Whether a text is a problem or a study, which its keys tell.
//!
//! The keys are those of the JSON Schemas, so they stand once: in `problem_file` and `study_file`.

use std::sync::Arc;

use toml::de::DeTable;

use super::Source;
use crate::error::Error;

/// The two kinds of files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Equations, and where they hold.
    Problem,
    /// How a problem is learned.
    Study,
}

impl FileKind {
    /// The kind that has more of the text's keys, so that one that is missing or misspelt does not
    /// matter.
    ///
    /// # Errors
    /// A text that is not TOML, or no more like one than like the other.
    ///
    /// ```
    /// use jetspace::source::{FileKind, Source};
    /// let text = "fields = [\"u\"]\n[coordinate]\nx = { range = [0, 1] }";
    /// assert_eq!(FileKind::of(&Source::new("heat.toml", text))?, FileKind::Problem);
    /// # Ok::<(), jetspace::Error>(())
    /// ```
    pub fn of(source: &Arc<Source>) -> Result<Self, Error> {
        let table = DeTable::parse(&source.text).map_err(|error| source.syntax_mistake(&error))?;
        Self::of_table(table.get_ref()).ok_or_else(|| {
            let empty = table.get_ref().is_empty();
            let found = if empty { "an empty file" } else { "as many keys of one as of the other" };
            let message = format!("expected a problem or a study, found {found}");
            let help = "a problem has fields, [coordinates] and [equations]; a study has problem, \
                        methods, [points] and [[optimizer]]; `jetspace show allen-cahn` prints both";
            source.mistake(0..0, message, "", help)
        })
    }

    pub(super) fn of_table(table: &DeTable<'_>) -> Option<Self> {
        let count = |kind: Self| {
            let schema = kind.schema();
            let keys = schema.get("properties")?.as_object()?;
            Some(table.keys().filter(|key| keys.contains_key(key.get_ref().as_ref())).count())
        };
        let (problem, study) = (count(Self::Problem)?, count(Self::Study)?);
        match problem.cmp(&study) {
            std::cmp::Ordering::Greater => Some(Self::Problem),
            std::cmp::Ordering::Less => Some(Self::Study),
            std::cmp::Ordering::Equal => None,
        }
    }

    fn schema(self) -> schemars::Schema {
        match self {
            Self::Problem => crate::problem_schema(),
            Self::Study => crate::study_schema(),
        }
    }

    /// As messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Study => "study",
        }
    }
}
