//! Results as an aligned table for people, or as JSON lines for programs.

use std::io::{self, Write};

use jetspace_jet::Real;
use serde::Serialize;

use super::cases::Case;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns; `verbose` adds the networks and plans.
    Table { verbose: bool },
    /// One JSON object per line.
    JsonLines,
}

/// One result. The names are those of the JSON objects.
#[derive(Debug, Serialize)]
pub struct Row {
    case: &'static str,
    dtype: &'static str,
    threads: usize,
    points: usize,
    ms_per_step: f64,
    gflops: f64,
    peak_gflops: f64,
    fraction_of_peak: f64,
}

impl Row {
    pub fn new<T: Real>(case: &Case, threads: usize, seconds: f64, peak_gflops: f64) -> Self {
        let gflops = case.operations() / seconds * 1e-9;
        Self {
            case: case.name,
            dtype: T::NAME,
            threads,
            points: case.points(),
            ms_per_step: seconds * 1e3,
            gflops,
            peak_gflops,
            fraction_of_peak: gflops / peak_gflops,
        }
    }
}

/// Writes results as they come.
pub struct Report<'a> {
    format: Format,
    out: &'a mut dyn Write,
    begun: bool,
}

impl<'a> Report<'a> {
    pub fn new(format: Format, out: &'a mut dyn Write) -> Self {
        Self { format, out, begun: false }
    }

    /// Writes one result; `details` are for the verbose table.
    pub fn add(&mut self, row: &Row, details: &[String]) -> io::Result<()> {
        match self.format {
            Format::JsonLines => {
                serde_json::to_writer(&mut *self.out, row)?;
                writeln!(self.out)?;
            }
            Format::Table { verbose } => {
                if !self.begun {
                    writeln!(
                        self.out,
                        "{:<7} {:<5} {:>7} {:>8} {:>10} {:>9} {:>8} {:>8} {:>6}",
                        "case",
                        "dtype",
                        "threads",
                        "points",
                        "ms/step",
                        "Mpoints/s",
                        "GFLOP/s",
                        "peak",
                        "%"
                    )?;
                }
                let rate = row.points as f64 / row.ms_per_step * 1e-3;
                writeln!(
                    self.out,
                    "{:<7} {:<5} {:>7} {:>8} {:>10.4} {:>9.3} {:>8.1} {:>8.1} {:>6.1}",
                    row.case,
                    row.dtype,
                    row.threads,
                    row.points,
                    row.ms_per_step,
                    rate,
                    row.gflops,
                    row.peak_gflops,
                    100.0 * row.fraction_of_peak
                )?;
                if verbose {
                    for line in details {
                        writeln!(self.out, "        {line}")?;
                    }
                }
            }
        }
        self.begun = true;
        self.out.flush()
    }
}
