//! Errors against seconds: what was measured while trainings went on, of one run or of several.

use std::io::Write;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Folder, Member, MemberResult, members, metrics_log};
use crate::Error;
use crate::atomic_file::write_atomically;
use crate::evaluation::RELATIVE;
use crate::report::{Axis, Curves, Panels, Scale, Score, Series};
use crate::study::Study;

/// The first measurement at which a training was good enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// A bound for the metric `relative`, a power of ten.
    pub relative: f64,
    /// Seconds of training until then.
    pub seconds: f64,
    /// Evaluations of loss and gradient until then.
    pub evaluations: u64,
}

/// The errors of several runs over time: a plot of each, and their times.
///
/// ```no_run
/// use jetspace::run::Comparison;
/// let comparison = Comparison::of(&["runs/a", "runs/b"])?;
/// println!("{}", comparison.times.join("\n"));
/// comparison.write("errors.svg".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Comparison {
    /// A figure with a plot for each run.
    pub svg: String,
    /// Lines for a terminal: each run, and its methods with the seconds to some errors.
    pub times: Vec<String>,
}

impl Comparison {
    /// Compares finished runs, by their folders.
    ///
    /// # Errors
    /// A folder is not that of a finished run, or nothing was measured while it went on.
    pub fn of<P: AsRef<Path>>(folders: &[P]) -> Result<Self, Error> {
        let (mut panels, mut lines) = (Vec::new(), Vec::new());
        for path in folders {
            let bad = |reason: &str| Error::BadFile {
                path: path.as_ref().to_owned(),
                reason: reason.to_owned(),
            };
            let (folder, study, _) = Folder::open(path.as_ref())?;
            let members = members(&study);
            let results: Result<Vec<_>, Error> = members.iter().map(|m| folder.result(m)).collect();
            let results: Option<Vec<MemberResult>> = results?.into_iter().collect();
            let results = results.ok_or_else(|| {
                let path = folder.path().display();
                bad(&format!("a run that is not finished: go on with `jetspace resume {path}`"))
            })?;
            let mut curves = curves_of(&study, &folder, &members, &results).ok_or_else(|| {
                bad("a run in which no error was measured: add `every` to [evaluation] of the study")
            })?;
            curves.title.clone_from(&study.title);
            lines.push(study.title.clone());
            lines.extend(times(&study, &results).into_iter().map(|line| format!("  {line}")));
            panels.push(curves);
        }
        let panels = Panels { title: "Errors over time".to_owned(), panels };
        Ok(Self { svg: panels.to_svg(), times: lines })
    }

    /// Writes the figure.
    ///
    /// # Errors
    /// The operating system's; then an older file is as it was.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write_atomically(path, |file| file.write_all(self.svg.as_bytes()))
            .map_err(|error| Error::io("write", path, error))
    }
}

/// How long each method took, and to which errors, for a terminal; nothing if errors were not
/// measured on the way.
#[must_use]
pub fn times(study: &Study, results: &[MemberResult]) -> Vec<String> {
    let of = |name: &str| {
        Some(format!("{}: {}", name.to_uppercase(), times_to_errors(study, results, name)?))
    };
    study.methods.iter().filter_map(|method| of(&method.name)).collect()
}

/// The error of all fields together against seconds, if it was measured on the way.
pub fn curves_of(
    study: &Study,
    folder: &Folder,
    members: &[Member],
    results: &[MemberResult],
) -> Option<Curves> {
    study.measure_every?;
    let series = study.methods.iter().map(|method| {
        let is_shown = |(member, _): &(&Member, &MemberResult)| {
            member.method.name == method.name && member.variant == study.variants[0]
        };
        let of_seeds: Vec<Vec<(f64, u64, f64)>> = members
            .iter()
            .zip(results)
            .filter(is_shown)
            .map(|(member, result)| errors(&folder.path().join(member.name()), result))
            .filter_map(Result::ok)
            .collect();
        let most = of_seeds.iter().map(Vec::len).max().unwrap_or(0);
        let point = |number: usize| {
            // A seed that has ended stays where it is.
            let there = of_seeds.iter().filter_map(|e| e.get(number).or(e.last()));
            let (seconds, errors): (Vec<f64>, Vec<f64>) = there.map(|e| (e.0, e.2)).unzip();
            let median = |values: &[f64]| Some(Score::over_seeds(values, None)?.median);
            Some((median(&seconds)?, median(&errors)?))
        };
        let points = (0..most).filter_map(point).collect();
        Series { name: method.name.to_uppercase(), points, ..Series::default() }
    });
    let curves = Curves {
        title: "Error over time".to_owned(),
        caption: "Medians over seeds of the relative error of all fields and of the seconds of \
                  training, measurements not counted."
            .to_owned(),
        x: Axis { name: "seconds".to_owned(), scale: Scale::Log },
        y: Axis { name: "relative error".to_owned(), scale: Scale::Log },
        series: series.collect(),
    };
    curves.series.iter().any(|series| !series.points.is_empty()).then_some(curves)
}

/// How long a method took to errors that people compare, as far as all its trainings have reached
/// them, and to its last one, in medians; nothing if errors were not measured on the way.
pub fn times_to_errors(study: &Study, results: &[MemberResult], method: &str) -> Option<String> {
    study.measure_every?;
    let of_method: Vec<&MemberResult> = results.iter().filter(|r| r.method == method).collect();
    let median = |values: Vec<f64>| Some(Score::over_seeds(&values, None)?.median);
    let times = [1e-3, 1e-5, 1e-7].into_iter().filter_map(|relative: f64| {
        let is_it = |reached: &&Reached| (reached.relative / relative - 1.0).abs() < 1e-9;
        let time = |r: &&MemberResult| r.reached.iter().find(is_it).map(|reached| reached.seconds);
        let seconds: Option<Vec<f64>> = of_method.iter().map(time).collect();
        Some(format!("{relative:e} after {:.1} s", median(seconds?)?))
    });
    let last = of_method.iter().filter_map(|r| r.metrics.get(RELATIVE).copied()).collect();
    let seconds = of_method.iter().map(|r| r.seconds).collect();
    let last = format!("{:.1e} after {:.1} s", median(last)?, median(seconds)?);
    let parts: Vec<String> = times.chain([last]).collect();
    Some(format!("relative error {}", parts.join(", ")))
}

/// The measurements of a training in its folder, the one at its end included: seconds, evaluations
/// and the error of all fields together.
fn errors(place: &Path, result: &MemberResult) -> Result<Vec<(f64, u64, f64)>, Error> {
    let measurements = metrics_log::measurements(&place.join("metrics.jsonl"))?;
    let error = |metrics: &IndexMap<String, f64>| metrics.get(RELATIVE).copied();
    let on_the_way = measurements.iter().map(|m| (m.seconds, m.step, error(&m.metrics)));
    let all = on_the_way.chain([(result.seconds, result.evaluations, error(&result.metrics))]);
    Ok(all.filter_map(|(seconds, step, error)| Some((seconds, step, error?))).collect())
}

/// When the errors of a training came below powers of ten.
pub fn reached(place: &Path, result: &MemberResult) -> Result<Vec<Reached>, Error> {
    let errors = errors(place, result)?;
    let bounds = (1..=15).map(|digits| 10_f64.powi(-digits));
    let first = |relative: f64| {
        let found = errors.iter().find(|(.., error)| *error <= relative)?;
        Some(Reached { relative, seconds: found.0, evaluations: found.1 })
    };
    Ok(bounds.map_while(first).collect())
}
