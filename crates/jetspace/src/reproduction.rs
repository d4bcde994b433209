//! The tables of a paper, each a study or several: run one after the other, and shown on one page, ours
//! beside the published numbers.
//!
//! Relies on `run` for each study, and on `report` for the page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::atomic_file::write_atomically;
use crate::collocation::Collocation;
use crate::report::Collection;
use crate::run::{self, Execution, Folder, MemberResult, Observer, Outcome, Settings};
use crate::study::Study;

/// The tables of "Learning and transferring physical models through derivatives" (arXiv 2505.01391) that
/// can be repeated: a name, what it is about, and its studies.
pub const TABLES: [(&str, &str, &[&str]); 6] = [
    (
        "table-2",
        "Allen–Cahn, one solution; a density that is carried round",
        &["allen-cahn", "allen-cahn-precise", "continuity", "continuity-corrected"],
    ),
    ("table-3", "Kovasznay's flow", &["kovasznay", "kovasznay-corrected"]),
    (
        "table-4",
        "Pendulums from any start",
        &[
            "pendulum-damped",
            "pendulum-damped-corrected",
            "pendulum-conservative",
            "pendulum-conservative-corrected",
        ],
    ),
    (
        "table-5",
        "Allen–Cahn over parameters",
        &[
            "allen-cahn-parameter",
            "allen-cahn-parameter-precise",
            "allen-cahn-two-parameters",
            "allen-cahn-two-parameters-corrected",
        ],
    ),
    (
        "baselines",
        "A damped pendulum by its Hamiltonian, its Lagrangian, or its vector field",
        &["pendulum-hamiltonian", "pendulum-lagrangian", "pendulum-vector-field"],
    ),
    (
        "empirical",
        "Allen–Cahn from noisy data, and from finite differences",
        &["allen-cahn-noise", "allen-cahn-empirical"],
    ),
];

/// The studies that names stand for: tables, or studies themselves; all tables if there are none.
///
/// # Errors
/// A name that is neither.
pub fn studies(names: &[String]) -> Result<Vec<Study>, Error> {
    let all = TABLES.iter().flat_map(|(.., studies)| studies.iter().copied());
    let mut wanted: Vec<&str> = Vec::new();
    for name in names {
        match TABLES.iter().find(|(table, ..)| table == name) {
            Some((.., studies)) => wanted.extend(*studies),
            None => wanted.push(name),
        }
    }
    if names.is_empty() {
        wanted.extend(all);
    }
    wanted.into_iter().map(Study::open).collect()
}

/// A study of a reproduction, ready to run.
pub struct Part {
    /// What is run.
    pub study: Study,
    /// How long it takes in all, about.
    pub estimate: Duration,
    collocation: Collocation,
    folder: Folder,
    name: PathBuf,
}

impl Part {
    /// Makes the study's folder in `folder`, or opens that of an earlier reproduction, which goes on.
    ///
    /// # Errors
    /// Data that is missing, an earlier run with other settings, or the operating system's.
    pub fn new(
        study: Study,
        settings: &Settings,
        folder: &Path,
        threads: usize,
    ) -> Result<Self, Error> {
        let name = PathBuf::from(&study.name);
        let place = folder.join(&name);
        let study = settings.apply(study)?;
        let (folder, study) = if place.join("run.json").is_file() {
            let (folder, earlier, _) = Folder::open(&place)?;
            if !is_same(&earlier, &study) {
                let place = place.display();
                return Err(Error::Argument(format!(
                    "{place} holds a run of this study with other settings: remove it, or choose \
                     another --out"
                )));
            }
            (folder, earlier)
        } else {
            (Folder::create(Some(&place), &study, settings, threads)?, study)
        };
        let collocation = run::prepare(&study)?;
        let estimate = run::estimate(&study, &collocation, threads)?;
        Ok(Self { study, estimate, collocation, folder, name })
    }

    /// Runs it, from wherever it was left.
    ///
    /// # Errors
    /// Those of [`run::run`].
    pub fn run(&self, execution: Execution, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        run::run(&self.study, &self.collocation, &self.folder, execution, observer)
    }
}

/// Whether two runs train the same: trainings, and the steps of each.
fn is_same(earlier: &Study, now: &Study) -> bool {
    let trainings = |study: &Study| -> Vec<(String, Vec<(&str, u64)>)> {
        let steps = |member: &run::Member| {
            let steps = member.method.optimizers.iter().map(|o| (o.name(), o.length()));
            (member.name(), steps.collect())
        };
        run::members(study).iter().map(steps).collect()
    };
    earlier.dtype == now.dtype
        && earlier.source.text == now.source.text
        && earlier.problem.source.text == now.problem.source.text
        && trainings(earlier) == trainings(now)
}

/// One page of all tables.
#[must_use]
pub fn page(parts: &[Part], results: &[Vec<MemberResult>], quick: bool) -> Collection {
    let seconds: f64 = results.iter().flatten().map(|result| result.seconds).sum();
    let estimated: f64 = parts.iter().map(|part| part.estimate.as_secs_f64()).sum();
    let mut description = format!(
        "Each table shows medians and ranges over seeds, beside the numbers that were published for \
         single seeds; the ratio is ours over theirs.\n\nAll trainings together took {seconds:.0} s; \
         {estimated:.0} s were expected."
    );
    if quick {
        description.insert_str(
            0,
            "Shortened: one seed, and at most 200 steps of each optimiser. These are no results, \
             they only show that everything works.\n\n",
        );
    }
    let chapter = |(part, results): (&Part, &Vec<MemberResult>)| {
        let link = part.name.join("report.html").to_string_lossy().into_owned();
        run::chapter(&part.study, results, Some(link))
    };
    Collection {
        title: "Published results, repeated".to_owned(),
        description,
        chapters: parts.iter().zip(results).map(chapter).collect(),
    }
}

/// Writes reproduction.html and reproduction.md into a folder; returns where the former is.
///
/// # Errors
/// The operating system's.
pub fn write(folder: &Path, page: &Collection) -> Result<PathBuf, Error> {
    let html = folder.join("reproduction.html");
    let markdown = folder.join("reproduction.md");
    for (path, text) in [(&html, page.to_html()), (&markdown, page.to_markdown())] {
        write_atomically(path, |file| file.write_all(text.as_bytes()))
            .map_err(|e| Error::io("write", path, e))?;
    }
    Ok(html)
}
