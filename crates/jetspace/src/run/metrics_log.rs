//! The log of a training: a line of JSON for each step, or for as many as are worth keeping, and one
//! for the end of each optimiser's turn.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Step, nulls_are_nan};
use crate::Error;
use crate::atomic_file::write_atomically;
use crate::training::Stop;

/// Lines of a log, about.
const LINES: u64 = 4000;

/// A step in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Evaluations of the loss so far.
    pub step: u64,
    /// The optimiser at work.
    pub optimizer: String,
    /// The loss.
    pub loss: f64,
    /// Its terms by name.
    pub terms: indexmap::IndexMap<String, f64>,
    /// What each is multiplied by besides its weight, if terms are balanced.
    #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
    pub factors: indexmap::IndexMap<String, f64>,
    /// How far along its direction a line search went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_length: Option<f64>,
    /// How strongly the step was damped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// A measurement in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Evaluations of the loss so far.
    pub step: u64,
    event: Measured,
    /// Metrics by name; what is not finite is null.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub metrics: indexmap::IndexMap<String, f64>,
    /// Seconds of training so far, without those of measurements.
    pub seconds: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Measured {
    Measured,
}

/// The end of an optimiser's turn in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StopLine {
    /// Evaluations of the loss so far.
    step: u64,
    event: Event,
    #[serde(flatten)]
    stop: Stop,
    /// Seconds of training so far.
    seconds: f64,
}

/// What a line that is no step is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    Stop,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Step(Line),
    Stop(StopLine),
    Measurement(Measurement),
}

/// Writes the log of one training.
pub struct MetricsLog {
    path: PathBuf,
    file: BufWriter<File>,
    /// Evaluations from one line to the next, at least.
    every: u64,
    /// Evaluations at the latest line of a step.
    latest: Option<u64>,
    started: Instant,
    /// Seconds of earlier sittings.
    before: f64,
}

impl MetricsLog {
    /// Opens the log in a folder, for a training that has made `done` of about `total`
    /// evaluations, and in which the turns of `stops` optimisers are over; lines that are newer are
    /// dropped.
    pub fn open(folder: &Path, done: u64, stops: usize, total: u64) -> Result<Self, Error> {
        let path = folder.join("metrics.jsonl");
        let (mut before, mut latest, mut kept_stops) = (0.0, None, 0);
        let mut kept = String::new();
        // As it was written: reading and writing numbers again could change their last digit.
        for text in std::fs::read_to_string(&path).unwrap_or_default().lines() {
            match serde_json::from_str(text) {
                Ok(Entry::Step(line)) if line.step <= done => {
                    (before, latest) = (line.seconds, Some(line.step));
                }
                // A turn can end without an evaluation.
                Ok(Entry::Stop(line)) if line.step <= done && kept_stops < stops => {
                    before = line.seconds;
                    kept_stops += 1;
                }
                Ok(Entry::Measurement(line)) if line.step <= done => before = line.seconds,
                _ => break,
            }
            kept.extend([text, "\n"]);
        }
        write_atomically(&path, |file| file.write_all(kept.as_bytes()))
            .map_err(|e| Error::io("write", &path, e))?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = BufWriter::new(file.map_err(|e| Error::io("write", &path, e))?);
        let every = total.div_ceil(LINES).max(1);
        Ok(Self { path, file, every, latest, started: Instant::now(), before })
    }

    /// Adds a step, if it is time for a line.
    pub fn record(&mut self, step: &Step<'_>) -> Result<(), Error> {
        let since = |latest| step.evaluations.saturating_sub(latest);
        if self.latest.is_some_and(|latest| since(latest) < self.every) {
            return Ok(());
        }
        self.latest = Some(step.evaluations);
        let line = Line {
            step: step.evaluations,
            optimizer: step.optimizer.to_owned(),
            loss: step.loss,
            factors: step.labels.iter().cloned().zip(step.factors.iter().copied()).collect(),
            terms: step.labels.iter().cloned().zip(step.terms.iter().copied()).collect(),
            step_length: step.length,
            damping: step.damping,
            seconds: self.seconds(),
        };
        self.write(&Entry::Step(line))
    }

    /// Adds the end of an optimiser's turn.
    pub fn record_stop(&mut self, step: u64, stop: &Stop) -> Result<(), Error> {
        let (stop, seconds) = (stop.clone(), self.seconds());
        self.write(&Entry::Stop(StopLine { step, event: Event::Stop, stop, seconds }))
    }

    /// Adds a measurement that has taken this long, which does not count as training.
    pub fn record_measurement(
        &mut self,
        step: u64,
        metrics: &indexmap::IndexMap<String, f64>,
        took: Duration,
    ) -> Result<(), Error> {
        self.started += took;
        let (metrics, seconds) = (metrics.clone(), self.seconds());
        let event = Measured::Measured;
        self.write(&Entry::Measurement(Measurement { step, event, metrics, seconds }))
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Error> {
        let line = serde_json::to_string(entry)
            .map_err(|e| Error::BadFile { path: self.path.clone(), reason: e.to_string() })?;
        writeln!(self.file, "{line}").map_err(|e| Error::io("write", &self.path, e))
    }

    /// Brings everything to the disk.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.flush().map_err(|e| Error::io("write", &self.path, e))
    }

    /// Seconds of training so far, earlier sittings included.
    pub fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

/// The steps in a log, up to the first line that is incomplete.
pub fn steps(path: &Path) -> Result<Vec<Line>, Error> {
    let step = |entry| if let Entry::Step(line) = entry { Some(line) } else { None };
    Ok(entries(path)?.into_iter().filter_map(step).collect())
}

/// The measurements in a log, up to the first line that is incomplete.
pub fn measurements(path: &Path) -> Result<Vec<Measurement>, Error> {
    let found = |entry| if let Entry::Measurement(line) = entry { Some(line) } else { None };
    Ok(entries(path)?.into_iter().filter_map(found).collect())
}

fn entries(path: &Path) -> Result<Vec<Entry>, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}
