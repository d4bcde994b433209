//! How errors are shown: mistakes in files with the place underlined, all others in a line.

use std::error::Error;

use jetspace::Mistake;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
};

/// Shows an error on the standard error stream.
pub fn show(error: &(dyn Error + 'static)) {
    eprint!("{}", text(error, std::io::IsTerminal::is_terminal(&std::io::stderr())));
}

fn text(error: &(dyn Error + 'static), colours: bool) -> String {
    let Some(jetspace::Error::Mistake(mistake)) = error.downcast_ref::<jetspace::Error>() else {
        return format!("error: {error}\n");
    };
    let theme = if colours && std::env::var_os("NO_COLOR").is_none() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut shown = format!("error: {}\n", first_line(mistake));
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let _ = handler.render_report(&mut shown, report(mistake).as_ref());
    shown
}

/// Where and what, in a form that editors understand.
fn first_line(mistake: &Mistake) -> String {
    mistake.to_string()
}

fn report(mistake: &Mistake) -> Report {
    let mut diagnostic = MietteDiagnostic::new(mistake.message.clone());
    if !mistake.help.is_empty() {
        diagnostic = diagnostic.with_help(mistake.help.clone());
    }
    let Some(place) = &mistake.place else { return Report::new(diagnostic) };
    let label = (!mistake.label.is_empty()).then(|| mistake.label.clone());
    let length = place.len().max(1);
    let diagnostic = diagnostic.with_label(LabeledSpan::new(label, place.start, length));
    let source = &mistake.source_text;
    Report::new(diagnostic).with_source_code(NamedSource::new(&source.name, source.text.clone()))
}
