//! `jetspace sweep`, and `jetspace resume` for the folder of a sweep.

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jetspace::builtin;
use jetspace::run::Settings;
use jetspace::sweep::{Outcome, Sampling, Sweep, SweepFolder, Variation, summary, table};

use crate::Failure;
use crate::arguments::SweepArguments;
use crate::progress::SweepProgress;
use crate::run::STOPPED;

pub fn sweep(arguments: &SweepArguments) -> Result<ExitCode, Failure> {
    let source = builtin::open(&[builtin::STUDIES], "study", &arguments.study)?;
    let variations: Result<Vec<Variation>, jetspace::Error> =
        arguments.vary.iter().map(|argument| Variation::parse(argument)).collect();
    let sampling = arguments.random.map_or(Sampling::Grid, |count| Sampling::Random {
        count: count.get(),
        seed: arguments.seed.unwrap_or(0),
    });
    let settings = Settings {
        methods: arguments.method.clone(),
        steps: arguments.steps,
        quick: arguments.quick,
        ..Settings::default()
    };
    let sweep = Sweep::new(&source, variations?, sampling, settings)?;
    let metric = arguments.metric.as_deref();
    let folder = SweepFolder::create(arguments.out.as_deref(), &sweep, metric)?;
    go_on(&folder, arguments.jobs.map_or(0, NonZero::get), arguments.checkpoint, arguments.json)
}

/// Goes on with the sweep in this folder.
pub fn resume(path: &Path, jobs: usize, checkpoint: f64, json: bool) -> Result<ExitCode, Failure> {
    go_on(&SweepFolder::open(path)?, jobs, checkpoint, json)
}

fn go_on(
    folder: &SweepFolder,
    jobs: usize,
    checkpoint: f64,
    json: bool,
) -> Result<ExitCode, Failure> {
    let path = folder.path().display();
    eprintln!("{}: {} points in {path}", folder.title(), folder.points().len());
    let progress = SweepProgress::new()?;
    let outcome = folder.run(jobs, Duration::from_secs_f64(checkpoint), &progress)?;
    drop(progress);
    match outcome {
        Outcome::Stopped => {
            eprintln!("stopped, and saved. To go on:\n  jetspace resume {path}");
            Ok(ExitCode::from(STOPPED))
        }
        Outcome::Finished(results) => {
            println!("{}", table(folder, &results));
            println!("report: {path}/report.html\nnumbers: {path}/sweep.csv");
            if json {
                println!("{}", summary(folder, &results)?);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
