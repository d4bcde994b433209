//! How errors are shown: mistakes in files with the place underlined, all others in a line.

use std::error::Error;
use std::io::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Characters of a line that are shown; those of longer lines around the place.
const WIDTH: usize = 100;

/// Shows an error on the standard error stream, in colours where it has them.
pub fn show(error: &(dyn Error + 'static)) {
    // There is no better place to say that this failed.
    let _ = writeln!(anstream::stderr(), "{}", drawn(error));
}

/// The first line says where and what, in the form that editors understand: FILE:LINE:COLUMN.
fn drawn(error: &(dyn Error + 'static)) -> String {
    let mut report = Group::with_title(Level::ERROR.primary_title(error.to_string()));
    if let Some(jetspace::Error::Mistake(mistake)) = error.downcast_ref() {
        if let Some(place) = &mistake.place {
            let label = Some(mistake.label.as_str()).filter(|label| !label.is_empty());
            let mark = AnnotationKind::Primary.span(place.clone()).label(label);
            report = report.element(Snippet::source(&mistake.source_text.text).annotation(mark));
        }
        report = report.element(Level::HELP.message(mistake.help.as_str()));
    }
    Renderer::styled().term_width(WIDTH).render(&[report])
}
