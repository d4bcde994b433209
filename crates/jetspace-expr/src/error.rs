//! The error of this crate: what is wrong, where in the text, and what to do.

use thiserror::Error;

use crate::span::Span;

/// What is wrong with a text, or with a name given to a scope.
///
/// Its parts are separate, so that a program can underline the text; `Display` joins the message and
/// the help.
///
/// ```
/// use jetspace_expr::{Span, parse_expression};
/// let error = parse_expression("2x").unwrap_err();
/// assert_eq!(error.message(), "expected an operator between `2` and `x`");
/// assert_eq!(error.label(), "no operator before this");
/// assert_eq!(error.help(), "write `2*x`");
/// assert_eq!(error.span(), Some(Span { start: 1, end: 2 }));
/// assert_eq!(error.to_string(), "expected an operator between `2` and `x`: write `2*x`");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{message}: {help}")]
pub struct ExprError {
    span: Option<Span>,
    message: String,
    label: String,
    help: String,
}

impl ExprError {
    /// An error that is not about a text.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), label: String::new(), help: help.into() }
    }

    /// An error about the part of a text that `label` is to be written under.
    pub(crate) fn at(
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { span: Some(span), message: message.into(), label: label.into(), help: help.into() }
    }

    /// Where in the text; `None` if the error is not about a text.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// One sentence: what was expected and what was found.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A few words to stand under the underlined part of the text; empty without a span.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }
}
