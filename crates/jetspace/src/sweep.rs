//! Sweeps: a study carried out for many values of its settings, in parallel, each as a run of its
//! own.
//!
//! ```text
//! runs/allen-cahn/sweep-weights.edges-5d2f09c1/
//!   sweep.json            what is varied, and all points
//!   study.toml            the study as it was
//!   1-0.01/               a run for each point (see [`crate::run`]), with the settings as changed
//!   results.json          all results
//!   sweep.csv             the same as a table: a row for each training
//!   report.html, figures/
//! ```
//!
//! The settings and the sources decide the name of the folder: the same sweep, started again, goes
//! on where it was.

mod edit;
mod execution;
mod folder;
mod presentation;
mod variation;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml::Value;

use self::edit::Editor;
pub use self::execution::{Outcome, Watcher};
pub use self::folder::{SweepFolder, is_sweep};
pub use self::presentation::{PointResults, summary, table};
pub use self::variation::Variation;
use crate::Error;
use crate::evaluation::Measure;
use crate::model::Model;
use crate::random::Purpose;
use crate::report::Scale;
use crate::run::{Member, Settings, members, prepare};
use crate::source::{Source, did_you_mean};
use crate::study::Study;
use crate::training::Training;

/// Points of a sweep: more are a slip of the pen.
pub const MOST_POINTS: usize = 10_000;

/// What a sweep covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every combination of the values.
    Grid,
    /// So many combinations by chance, each value independent of the others, lists and ranges
    /// uniformly (logarithmic ranges in the logarithm).
    Random {
        /// How many.
        count: usize,
        /// The seed from which they are drawn.
        seed: u64,
    },
}

/// A study and the points at which it is to be carried out; all of them have been read and checked.
#[derive(Debug)]
pub struct Sweep {
    study: Study,
    variations: Vec<Variation>,
    settings: Settings,
    is_grid: bool,
    /// The values of each point, one for each variation.
    points: Vec<Vec<Value>>,
    fingerprint: u64,
}

/// A setting that is varied, as a sweep's folder keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Varied {
    /// The path of the entry in the study file.
    pub path: String,
    /// Whether its values belong on a logarithmic axis.
    pub logarithmic: bool,
}

/// A point of a sweep, as its folder keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name of its run's folder.
    pub name: String,
    /// The value of each setting.
    pub values: Vec<Json>,
    /// How many trainings there are.
    pub trainings: usize,
}

impl Sweep {
    /// Lays out a sweep over a study, and reads and checks the study at every point.
    ///
    /// # Errors
    /// A mistake in the study or in a variation, with its place; more points than [`MOST_POINTS`].
    ///
    /// ```
    /// use jetspace::sweep::{Sampling, Sweep, Variation};
    /// let source = jetspace::builtin::open(&[jetspace::builtin::STUDIES], "study", "allen-cahn")?;
    /// let edges = Variation::parse("weights.edges=0.01..100:log:9")?;
    /// let sweep = Sweep::new(&source, vec![edges], Sampling::Grid, Default::default())?;
    /// assert_eq!(sweep.len(), 9);
    /// # Ok::<(), jetspace::Error>(())
    /// ```
    pub fn new(
        source: &Arc<Source>,
        variations: Vec<Variation>,
        sampling: Sampling,
        settings: Settings,
    ) -> Result<Self, Error> {
        let study = settings.apply(Study::from_source(source)?)?;
        for (number, variation) in variations.iter().enumerate() {
            if variations.iter().take(number).any(|other| other.path() == variation.path()) {
                let last = variation.path().len().saturating_sub(1);
                let message =
                    format!("expected each setting once, found {} again", variation.name());
                let help = "give all of its values in one --vary";
                return Err(variation.path_mistake(last, &message, "again", help));
            }
        }
        let editor = Editor::new(source, &variations)?;
        let points = match sampling {
            Sampling::Grid => grid(&editor, &variations)?,
            Sampling::Random { count, seed } => draw(&editor, &variations, count, seed)?,
        };
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&serde_json::to_string(&settings).unwrap_or_default());
        for values in &points {
            let study = settings.apply(editor.study(values)?)?;
            fingerprint.add(&study.source.text);
            fingerprint.add(&study.problem.source.text);
        }
        let Fingerprint(fingerprint) = fingerprint;
        let is_grid = sampling == Sampling::Grid;
        Ok(Self { study, variations, settings, is_grid, points, fingerprint })
    }

    /// How many points it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether it has no points, which is never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The study without changes.
    #[must_use]
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// The study at a point.
    fn study_at(&self, values: &[Value]) -> Result<Study, Error> {
        let study = Editor::new(&self.study.source, &self.variations)?.study(values)?;
        self.settings.apply(study)
    }

    /// Measures a model that is not trained, to see whether there is such a metric.
    fn check_metric(&self, metric: &str) -> Result<(), Error> {
        let study = self.points.first().map(|values| self.study_at(values)).transpose()?;
        let study = study.as_ref().unwrap_or(&self.study);
        let Some(member) = members(study).into_iter().next() else { return Ok(()) };
        let Member { method, seed, variant } = &member;
        let points = prepare(study)?;
        let training = Training::<f64>::new(study, method, variant, &points, *seed, 1)?;
        let model = Model::new(study, &training.parameters());
        let measure = Measure::new(&study.problem, &study.evaluation)?;
        let known: Vec<String> = measure.of(&model, 1)?.metrics.into_keys().collect();
        if known.iter().any(|name| name == metric) {
            return Ok(());
        }
        let help = did_you_mean(metric, &known);
        Err(Error::Argument(format!("expected a metric of the study, found {metric:?}: {help}")))
    }

    /// The settings that are varied.
    fn varied(&self) -> Vec<Varied> {
        let of = |(number, variation): (usize, &Variation)| {
            let values = self.points.iter().filter_map(|point| point.get(number));
            let scale = variation.scale().unwrap_or_else(|| usual_scale(values));
            Varied { path: variation.name(), logarithmic: scale == Scale::Log }
        };
        self.variations.iter().enumerate().map(of).collect()
    }
}

/// Logarithmic for positive numbers that differ by more than a factor of 20.
fn usual_scale<'a>(values: impl Iterator<Item = &'a Value>) -> Scale {
    let numbers = values.map(|v| v.as_float().or(v.as_integer().map(|n| n as f64)));
    let numbers: Option<Vec<f64>> = numbers.collect();
    let numbers = numbers.unwrap_or_default();
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(0.0, f64::max);
    if least > 0.0 && most > 20.0 * least { Scale::Log } else { Scale::Linear }
}

/// Every combination; the last setting varies fastest.
fn grid(editor: &Editor<'_>, variations: &[Variation]) -> Result<Vec<Vec<Value>>, Error> {
    let mut points = vec![Vec::new()];
    for variation in variations {
        let values = variation.values(editor.takes_whole_numbers(variation)?)?;
        let count = points.len().saturating_mul(values.len());
        if count > MOST_POINTS {
            let message = format!("expected at most {MOST_POINTS} points, found {count} or more");
            let help = "choose fewer values, or draw some of all combinations with --random";
            return Err(variation.mistake(&message, "too many", help));
        }
        let with = |point: &Vec<Value>, value: &Value| {
            [point.as_slice(), std::slice::from_ref(value)].concat()
        };
        points = points
            .iter()
            .flat_map(|point| values.iter().map(move |value| with(point, value)))
            .collect();
    }
    Ok(points)
}

/// Samples; those of one setting do not depend on the others.
fn draw(
    editor: &Editor<'_>,
    variations: &[Variation],
    count: usize,
    seed: u64,
) -> Result<Vec<Vec<Value>>, Error> {
    if !(1..=MOST_POINTS).contains(&count) {
        let message =
            format!("expected 1 to {MOST_POINTS} samples, found {count}: change --random");
        return Err(Error::Argument(message));
    }
    let mut points = vec![Vec::new(); count];
    for (number, variation) in variations.iter().enumerate() {
        let whole = editor.takes_whole_numbers(variation)?;
        let mut stream = Purpose::Setting(number).stream(seed);
        for point in &mut points {
            point.extend(variation.draw(&mut stream, whole));
        }
    }
    Ok(points)
}

/// FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), which does not change from one version of the compiler
/// to the next.
struct Fingerprint(u64);

impl Fingerprint {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, text: &str) {
        // A byte that no text has stands between two of them.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A value as people write it.
fn written(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => match number.as_f64() {
            Some(x) if number.is_f64() && x != 0.0 && !(1e-4..1e6).contains(&x.abs()) => {
                format!("{x:e}")
            }
            Some(x) if number.is_f64() => x.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string().replace(',', ", ").replace(':', ": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use serde_json::json;

    fn sweep(arguments: &[&str], sampling: Sampling) -> Result<Sweep, Error> {
        let source = builtin::open(&[builtin::STUDIES], "study", "allen-cahn")?;
        let variations: Result<Vec<Variation>, Error> =
            arguments.iter().map(|argument| Variation::parse(argument)).collect();
        Sweep::new(&source, variations?, sampling, Settings::default())
    }

    #[test]
    fn grids_are_products() {
        let sweep =
            sweep(&["weights.edges=1,2", "network.activation=tanh,sin"], Sampling::Grid).unwrap();
        let texts: Vec<String> = sweep
            .points
            .iter()
            .map(|point| point.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(texts, ["1 \"tanh\"", "1 \"sin\"", "2 \"tanh\"", "2 \"sin\""]);
    }

    #[test]
    fn samples_depend_on_the_seed_and_on_nothing_else() {
        let edges = "weights.edges=1e-2..1e2:log";
        let count = "points.interior.count=10..1000:log:3";
        let draw = |arguments: &[&str], count, seed| {
            sweep(arguments, Sampling::Random { count, seed }).unwrap().points
        };
        let points = draw(&[edges, count], 5, 1);
        assert_eq!(points, draw(&[edges, count], 5, 1));
        assert_ne!(points, draw(&[edges, count], 5, 2));
        let first = |points: &[Vec<Value>]| -> Vec<Value> {
            points.iter().map(|point| point[0].clone()).collect()
        };
        assert_eq!(first(&points), first(&draw(&[edges], 5, 1)));
        assert_eq!(draw(&[edges, count], 3, 1)[..], points[..3]);
        assert!(points.iter().all(|p| (10..=1000).contains(&p[1].as_integer().unwrap())));
    }

    #[test]
    fn a_sweep_that_cannot_be_is_an_error() {
        let error = |arguments: &[&str], sampling| {
            sweep(arguments, sampling).map(|_| ()).unwrap_err().to_string()
        };
        let many = ["weights.edges=0..1:lin:200", "optimizer.0.rate=0..1:lin:200"];
        assert!(error(&many, Sampling::Grid).contains("at most 10000 points, found 40000"));
        let twice = ["weights.edges=1", "weights . edges=2"];
        assert!(error(&twice, Sampling::Grid).contains("each setting once"));
        let none = Sampling::Random { count: 0, seed: 0 };
        assert!(error(&["weights.edges=1"], none).contains("1 to 10000 samples"));
        // The second of these values; nothing runs before all have been read.
        assert!(error(&["weights.edges=1,x"], Sampling::Grid).contains("\"x\""));
        assert!(error(&["weights.edges=1..2:log"], Sampling::Grid).contains("how many values"));
    }

    #[test]
    fn other_points_are_another_sweep() {
        let fingerprint =
            |arguments: &[&str]| sweep(arguments, Sampling::Grid).unwrap().fingerprint;
        assert_eq!(fingerprint(&["weights.edges=1,2"]), fingerprint(&["weights.edges=1,2"]));
        assert_ne!(fingerprint(&["weights.edges=1,2"]), fingerprint(&["weights.edges=1,3"]));
    }

    #[test]
    fn lists_that_span_powers_of_ten_are_logarithmic() {
        let scale =
            |argument: &str| sweep(&[argument], Sampling::Grid).unwrap().varied()[0].clone();
        assert!(scale("weights.edges=0.1,1,10").logarithmic);
        assert!(!scale("weights.edges=1,2,3").logarithmic);
        assert!(!scale("weights.edges=0,1,100").logarithmic);
        assert!(!scale("weights.edges=0.1..10:lin:3").logarithmic);
        assert!(scale("weights.edges=1..2:log:3").logarithmic);
        assert!(!scale("network.activation=tanh,sin").logarithmic);
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        let values =
            [json!(0.01), json!(100.0), json!(20), json!(1e-7), json!([20, 20]), json!("a")];
        let texts = values.map(|value| written(&value));
        assert_eq!(texts, ["0.01", "100", "20", "1e-7", "[20, 20]", "a"]);
    }
}
