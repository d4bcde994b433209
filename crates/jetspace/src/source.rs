//! Texts that people wrote, and mistakes in them: where exactly, what is wrong, what to do.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jetspace_expr::{ExprError, Span, nearest};
use thiserror::Error;
use toml::Spanned;

use crate::error::Error;

/// A text with a name to show: a problem file, a study file, an argument.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it was given, or the built-in name.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is larger than 16 MiB, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Arc<Self>, Error> {
        /// Far more than anyone writes by hand; a larger file is some other file.
        const MOST_BYTES: u64 = 16 << 20;
        let failed = |source| Error::io("read", path, source);
        if std::fs::metadata(path).map_err(failed)?.len() > MOST_BYTES {
            let reason = "larger than 16 MiB: not a problem or study file".to_owned();
            return Err(Error::BadFile { path: path.to_owned(), reason });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// A mistake at some bytes of the text.
    #[must_use]
    pub fn mistake(
        self: &Arc<Self>,
        place: impl Into<Option<Range<usize>>>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Error {
        let place = place.into().map(|r| r.start.min(self.text.len())..r.end.min(self.text.len()));
        Error::Mistake(Box::new(Mistake {
            source_text: Arc::clone(self),
            place,
            message: message.into(),
            label: label.into(),
            help: help.into(),
        }))
    }

    /// A name that should be one of those known.
    pub(crate) fn unknown_name(
        self: &Arc<Self>,
        name: &Spanned<String>,
        message: &str,
        known: &[String],
    ) -> Error {
        let help = match nearest(name.get_ref(), known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean {close:?}?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.mistake(name.span(), message, "not known", help)
    }

    /// The mistake that the TOML reader found.
    pub(crate) fn toml_mistake(self: &Arc<Self>, error: &toml::de::Error) -> Error {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let help = "see the guide to problem and study files, or `jetspace show` for examples";
        self.mistake(error.span(), message, "here", help)
    }

    /// A mistake in a formula that stands in the text as the TOML value at `literal`.
    pub(crate) fn formula_mistake(
        self: &Arc<Self>,
        literal: &Range<usize>,
        formula: &str,
        error: &ExprError,
    ) -> Error {
        let place = match error.span() {
            Some(span) => self.within_literal(literal, formula, span),
            None => literal.clone(),
        };
        self.mistake(place, error.message(), error.label(), error.help())
    }

    /// Where a part of a string's content stands in the text; the whole string if it has escapes.
    fn within_literal(&self, literal: &Range<usize>, content: &str, part: Span) -> Range<usize> {
        let written = self.text.get(literal.clone()).unwrap_or("");
        let quotes = written.len() - written.trim_start_matches(['"', '\'']).len();
        let opening = if quotes >= 3 { 3 } else { quotes.min(1) };
        // A line break right after the opening quotes is not part of a multi-line string.
        let inside = &written[opening..];
        let skipped = if opening < 3 {
            0
        } else {
            inside.len() - inside.trim_start_matches(['\r', '\n']).len()
        };
        let from = literal.start + opening + skipped.min(2);
        if self.text.get(from..from + content.len()) == Some(content) {
            from + part.start..from + part.end
        } else {
            literal.clone()
        }
    }
}

/// A mistake in a text that someone wrote.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}{message}", self.location())]
pub struct Mistake {
    /// The text.
    pub source_text: Arc<Source>,
    /// The bytes to underline, if the mistake is at some place.
    pub place: Option<Range<usize>>,
    /// What was expected, and what was found.
    pub message: String,
    /// A few words to stand under the place.
    pub label: String,
    /// What to do.
    pub help: String,
}

impl Mistake {
    /// Line and column of the place, counted from 1, in characters.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let before = self.source_text.text.get(..self.place.as_ref()?.start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Some((line, column))
    }

    fn location(&self) -> String {
        match self.line_and_column() {
            Some((line, column)) => format!("{}:{line}:{column}: ", self.source_text.name),
            None => format!("{}: ", self.source_text.name),
        }
    }
}
