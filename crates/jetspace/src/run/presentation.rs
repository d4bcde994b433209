//! What people see of a run: the table at its end, and the report with its figures.

mod curves;
mod fields;
mod results;
mod study_figures;

use self::curves::{losses, sweep};
use self::fields::fields;
pub use self::results::shown_metrics;
use self::results::{join, result_table};
use self::study_figures::Drawn;
pub use self::study_figures::StudyFigures;
use super::errors_over_time::{curves_of, times_to_errors};
use super::folder::Folder;
use super::{Member, MemberResult, over_parameters, plain_name};
use crate::Error;
use crate::report::{Chapter, Report, Score};
use crate::study::Study;
use crate::table;

/// The table of results, for a terminal.
#[must_use]
pub fn table(study: &Study, results: &[MemberResult]) -> String {
    result_table(study, results).to_text()
}

/// The table of results with what a reader must know, for a page of several; `link` leads to the run's
/// own report.
#[must_use]
pub fn chapter(study: &Study, results: &[MemberResult], link: Option<String>) -> Chapter {
    let seconds: f64 = results.iter().map(|r| r.seconds).sum();
    let time = format!("{} trainings took {seconds:.0} s.", results.len());
    Chapter {
        title: study.title.clone(),
        description: study.about.trim().to_owned(),
        table: result_table(study, results),
        notes: [notes(study, results), vec![time]].concat(),
        link,
    }
}

/// Writes report.html, each figure as a file of its own, and the numbers in those that the study defines.
pub fn write(
    study: &Study,
    folder: &Folder,
    members: &[Member],
    results: &[MemberResult],
    own: Drawn,
) -> Result<(), Error> {
    let (over_parameters, choices) = over_parameters::figures(study, folder, members)?;
    let report = Report {
        title: study.title.clone(),
        description: [study.about.trim(), study.problem.about.trim()].join("\n\n"),
        table: Some(result_table(study, results)),
        fields: [fields(study, folder, members)?, own.maps].concat(),
        sweep: [sweep(study, results), over_parameters].concat(),
        choices,
        cells: Vec::new(),
        curves: [
            own.curves,
            curves_of(study, folder, members, results).into_iter().collect(),
            losses(study, folder, members),
        ]
        .concat(),
        notes: notes(study, results),
        configuration: vec![
            ("study.toml".to_owned(), study.source.text.clone()),
            ("problem.toml".to_owned(), study.problem.source.text.clone()),
        ],
        versions: versions(study),
        timings: timings(study, results),
    };
    folder.write_text("report.html", &report.to_html()?)?;
    let figures = folder.path().join("figures");
    std::fs::create_dir_all(&figures).map_err(|e| Error::io("create", &figures, e))?;
    for figure in report.figures()? {
        folder.write_text(&format!("figures/{}", figure.file_name), &figure.svg)?;
    }
    for (name, numbers) in own.numbers {
        table::write(figures.join(format!("{}.npz", plain_name(&name))), &numbers)?;
    }
    Ok(())
}

fn notes(study: &Study, results: &[MemberResult]) -> Vec<String> {
    let protocol = study
        .protocol
        .iter()
        .map(|(protocol, differs)| format!("Protocol: {}. {}", protocol.name(), differs.trim()));
    let mut notes: Vec<String> = protocol.collect();
    notes.push(format!(
        "Norms are *√(Π h Σ v^2)* over all nodes of the evaluation grid, with the spacings *h* of \
         the nodes. Training in {}; evaluation in f64.",
        study.dtype.name()
    ));
    if !study.evaluation.parameters.is_empty() {
        let count = study.evaluation.parameters.len();
        notes.push(format!(
            "Metrics are means over {count} sets of parameters; figures show the first."
        ));
    }
    let early: Vec<String> = results.iter().flat_map(early_stops).collect();
    let rest = if early.is_empty() { "All optimisers" } else { "All other optimisers" };
    notes.extend(early);
    notes.push(format!("{rest} have done all of their steps."));
    notes
}

/// Which optimisers of a training ended early, and why.
fn early_stops(result: &MemberResult) -> Vec<String> {
    let name = format!("{}, seed {}", result.method.to_uppercase(), result.seed);
    let name = join(&name, &result.variant);
    let early = result.stops.iter().filter(|stop| stop.is_early());
    early.map(|stop| format!("{name}: {stop}.")).collect()
}

fn versions(study: &Study) -> Vec<(String, String)> {
    let mut versions = software();
    versions.push(("network".to_owned(), study.network.to_string()));
    let formulas = study.network_file.transform.iter();
    versions.extend(formulas.map(|(field, formula)| (field.clone(), formula.0.clone())));
    versions
}

/// What computes: the version of this library, and the machine.
pub(crate) fn software() -> Vec<(String, String)> {
    let pair = |a: &str, b: String| (a.to_owned(), b);
    vec![
        pair("Jetspace", env!("CARGO_PKG_VERSION").to_owned()),
        pair("instruction set", jetspace_jet::InstructionSet::best().to_string()),
        pair("machine", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
    ]
}

fn timings(study: &Study, results: &[MemberResult]) -> Vec<(String, String)> {
    let of = |name: &str| {
        let seconds: Vec<f64> =
            results.iter().filter(|r| r.method == name).map(|r| r.seconds).collect();
        let score = Score::over_seeds(&seconds, None)?;
        let training = format!("{:.1} s per training (median)", score.median);
        let parts: Vec<String> =
            std::iter::once(training).chain(times_to_errors(study, results, name)).collect();
        Some((name.to_uppercase(), parts.join("; ")))
    };
    let total: f64 = results.iter().map(|r| r.seconds).sum();
    let all = ("all".to_owned(), format!("{total:.1} s"));
    study.methods.iter().filter_map(|m| of(&m.name)).chain([all]).collect()
}
