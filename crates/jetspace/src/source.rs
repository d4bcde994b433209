//! Texts that people wrote, and mistakes in them: where exactly, what is wrong, what to do.

mod kind;
mod places;
mod toml_mistake;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jetspace_expr::{ExprError, Span, nearest};
use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::Spanned;

use crate::error::Error;
pub use kind::FileKind;

/// A text with a name to show: a problem file, a study file, an argument.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it was given, or the built-in name.
    pub name: String,
    /// All of it.
    pub text: String,
    /// What the files that it names are relative to.
    pub folder: PathBuf,
}

impl Source {
    /// A text under a name; if that is a path, files are relative to its folder.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let name = name.into();
        let folder = Path::new(&name).parent().unwrap_or(Path::new("")).to_owned();
        Arc::new(Self { name, text: text.into(), folder })
    }

    /// A copy of a text that stood in another folder.
    #[must_use]
    pub fn from_folder(
        name: impl Into<String>,
        text: impl Into<String>,
        folder: PathBuf,
    ) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), folder })
    }

    /// The folder, so that it is the same from anywhere.
    pub(crate) fn absolute_folder(&self) -> PathBuf {
        // The folder of a file that is named without one is empty, and means here.
        let folder = Path::new(".").join(&self.folder);
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is larger than 1 MiB, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Arc<Self>, Error> {
        /// Far more than anyone writes by hand; a larger file is some other file, and to read one as
        /// TOML takes sixty times its size of memory.
        const MOST_BYTES: u64 = 1 << 20;
        let failed = |source| Error::io("read", path, source);
        let bad = |reason: String| Error::BadFile { path: path.to_owned(), reason };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(bad("expected a problem or study file, found a folder".to_owned()));
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(bad(
                "expected a problem or study file, found more than 1 MiB: choose another file"
                    .to_owned(),
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            bad(format!("expected a text in UTF-8, found something else from byte {place} on"))
        })?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// What the text says as TOML, which should be a file of this kind.
    ///
    /// # Errors
    /// The mistake, with its place.
    pub(crate) fn parse<T: DeserializeOwned>(
        self: &Arc<Self>,
        expected: FileKind,
    ) -> Result<T, Error> {
        toml::from_str(&self.text).map_err(|error| self.toml_mistake(&error, expected))
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
        // The end of the text is the end of its last line, not a line of its own.
        let end = self.text.trim_end_matches(['\r', '\n']).len();
        let place = place.into().map(|place| place.start.min(end)..place.end.min(end));
        Error::Mistake(Box::new(Mistake {
            source_text: Arc::clone(self),
            place,
            message: message.into(),
            label: label.into(),
            help: help.into(),
        }))
    }

    /// A name that should be one of those known; `expected` says what they are.
    pub(crate) fn unknown_name(
        self: &Arc<Self>,
        name: &Spanned<String>,
        expected: &str,
        known: &[String],
    ) -> Error {
        let message = format!("expected {expected}, found {:?}", name.get_ref());
        self.mistake(name.span(), message, "not known", did_you_mean(name.get_ref(), known))
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
        let inside = written.get(opening..).unwrap_or("");
        // A line break right after the opening quotes is not part of a multi-line string.
        let skipped = match inside {
            _ if opening < 3 => 0,
            inside if inside.starts_with("\r\n") => 2,
            inside => usize::from(inside.starts_with('\n')),
        };
        let from = literal.start + opening + skipped;
        if self.text.get(from..from + content.len()) == Some(content) {
            from + part.start..from + part.end
        } else {
            literal.clone()
        }
    }
}

/// What to do about a name that is not one of those known.
pub(crate) fn did_you_mean(name: &str, known: &[String]) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(close) => format!("did you mean {close:?}?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("known: {}", known.join(", ")),
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
