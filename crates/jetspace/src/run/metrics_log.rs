//! The log of a training: a line of JSON for each step, or for as many as are worth keeping.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Step;
use crate::Error;
use crate::atomic_file::write_atomically;

/// Lines of a log, about.
const LINES: u64 = 4000;

/// A line of the log.
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
    /// Seconds of training so far.
    pub seconds: f64,
}

/// Writes the log of one training.
pub struct MetricsLog {
    path: PathBuf,
    file: BufWriter<File>,
    /// Every so many steps there is a line.
    every: u64,
    started: Instant,
    /// Seconds of earlier sittings.
    before: f64,
}

impl MetricsLog {
    /// Opens the log in a folder, for a training that has made `done` of about `total`
    /// evaluations; lines that are newer are dropped.
    pub fn open(folder: &Path, done: u64, total: u64) -> Result<Self, Error> {
        let path = folder.join("metrics.jsonl");
        let mut before = 0.0;
        let mut kept = String::new();
        // As it was written: reading and writing numbers again could change their last digit.
        for text in std::fs::read_to_string(&path).unwrap_or_default().lines() {
            let Ok(line) = serde_json::from_str::<Line>(text) else { break };
            if line.step > done {
                break;
            }
            before = line.seconds;
            kept.extend([text, "\n"]);
        }
        write_atomically(&path, |file| file.write_all(kept.as_bytes()))
            .map_err(|e| Error::io("write", &path, e))?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = BufWriter::new(file.map_err(|e| Error::io("write", &path, e))?);
        let every = total.div_ceil(LINES).max(1);
        Ok(Self { path, file, every, started: Instant::now(), before })
    }

    /// Adds a step.
    pub fn record(&mut self, step: &Step<'_>) -> Result<(), Error> {
        if !(step.evaluations - 1).is_multiple_of(self.every) {
            return Ok(());
        }
        let line = Line {
            step: step.evaluations,
            optimizer: step.optimizer.to_owned(),
            loss: step.loss,
            terms: step.labels.iter().cloned().zip(step.terms.iter().copied()).collect(),
            seconds: self.seconds(),
        };
        write_line(&mut self.file, &line).map_err(|e| Error::io("write", &self.path, e))
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

fn write_line(file: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}

/// The lines of a log, up to the first that is incomplete.
pub fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}
