//! `jetspace bench`: the time of full training steps, as a fraction of what the machine could do.

mod cases;
mod losses;
mod peak;
mod report;
mod workload;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;
use jetspace_jet::{JetError, Threads};
use jetspace_optim::OptimError;
use thiserror::Error;

pub use cases::Selection;

use crate::Failure;
use crate::arguments::BenchArguments;
use peak::Peak;
use report::{Format, Report, Row};
use workload::{Scalar, Workload};

/// What to measure, and how to say it.
struct Options {
    cases: Selection,
    dtypes: Vec<Dtype>,
    /// 0: as many as the machine offers.
    threads: usize,
    /// Time per case and type.
    seconds: f64,
    format: Format,
}

/// A floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    F32,
    F64,
}

impl Dtype {
    pub const ALL: [Self; 2] = [Self::F32, Self::F64];
}

/// What can go wrong while measuring.
#[derive(Debug, Error)]
pub enum BenchError {
    #[error("the jet engine refused the case: {0}")]
    Jet(#[from] JetError),
    #[error("the optimiser refused the case: {0}")]
    Optim(#[from] OptimError),
    #[error("could not write the results: {0}")]
    Output(#[from] io::Error),
}

/// Measures as the arguments ask.
pub fn main(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    let options = Options {
        cases: arguments.case,
        dtypes: arguments.dtype.map_or_else(|| Dtype::ALL.to_vec(), |dtype| vec![dtype]),
        threads: arguments.threads,
        seconds: arguments.seconds,
        format: if arguments.json {
            Format::JsonLines
        } else {
            Format::Table { verbose: arguments.verbose }
        },
    };
    run(&options, &mut io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Measures all cases and writes each result as soon as it is there.
fn run(options: &Options, out: &mut dyn io::Write) -> Result<(), BenchError> {
    let threads = Threads::new(options.threads)?.count();
    let mut report = Report::new(options.format, out);
    for dtype in &options.dtypes {
        match dtype {
            Dtype::F32 => run_type::<f32>(options, threads, &mut report)?,
            Dtype::F64 => run_type::<f64>(options, threads, &mut report)?,
        }
    }
    Ok(())
}

fn run_type<T: Scalar + Peak>(
    options: &Options,
    threads: usize,
    report: &mut Report<'_>,
) -> Result<(), BenchError> {
    let peak_gflops = peak::gflops::<T>(threads);
    for case in options.cases.iter() {
        let mut workload = Workload::<T>::new(case, Threads::new(threads)?)?;
        let seconds = median_seconds(&mut workload, options.seconds)?;
        report.add(&Row::new::<T>(case, threads, seconds, peak_gflops), &workload.describe())?;
    }
    Ok(())
}

/// Time of a step: the median over chunks of at most 50 ms, at least seven of them.
fn median_seconds<T: Scalar>(workload: &mut Workload<T>, budget: f64) -> Result<f64, BenchError> {
    const WARM_UP: f64 = 0.2;
    const CHUNK: f64 = 0.05;
    const CHUNKS: u32 = 7;

    let start = Instant::now();
    let mut steps = 0_u32;
    while steps == 0 || start.elapsed().as_secs_f64() < WARM_UP {
        workload.step()?;
        steps += 1;
    }
    let chunk = CHUNK.min(budget / f64::from(CHUNKS));
    let rate = f64::from(steps) / start.elapsed().as_secs_f64();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Positive, far below 2³².
    let steps = (chunk * rate).ceil().max(1.0) as u32;

    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < CHUNKS as usize || start.elapsed().as_secs_f64() < budget {
        let start = Instant::now();
        for _ in 0..steps {
            workload.step()?;
        }
        times.push(start.elapsed().as_secs_f64() / f64::from(steps));
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
