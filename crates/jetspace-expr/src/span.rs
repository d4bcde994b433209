//! Where in a text something stands.

use std::ops::Range;

/// A range of bytes in the text that was parsed, `start..end`.
///
/// ```
/// use jetspace_expr::{Span, parse_expression};
/// let text = "α + sin(β)";
/// let sum = parse_expression(text)?;
/// let sine = sum.span(sum.nodes().len() - 2);
/// assert_eq!(sine, Some(Span { start: 5, end: 12 }));
/// assert_eq!(sine.map(|span| span.of(text)), Some("sin(β)"));
/// # Ok::<(), jetspace_expr::ExprError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The part of `text` that the span covers; empty if the text is not the one it came from.
    #[must_use]
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(Range::from(*self)).unwrap_or_default()
    }

    /// From the start of this span to the end of a later one.
    pub(crate) fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start..span.end
    }
}
