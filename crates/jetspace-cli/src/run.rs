//! `jetspace run` and `jetspace resume`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jetspace::collocation::Collocation;
use jetspace::run::{Execution, Folder, MemberResult, Outcome, Settings, prepare};
use jetspace::study::Study;
use jetspace::sweep;
use serde::Serialize;

use crate::Failure;
use crate::arguments::{ResumeArguments, RunArguments};
use crate::progress::Progress;

/// What a shell expects of a program that Ctrl-C stopped.
pub const STOPPED: u8 = 130;

pub fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let settings = Settings {
        methods: arguments.method.clone(),
        seeds: arguments.seed.clone(),
        steps: arguments.steps,
        dtype: arguments.dtype.map(Into::into),
        quick: arguments.quick,
    };
    let study = settings.apply(Study::open(&arguments.study)?)?;
    // First, so that a study which lacks something leaves no folder.
    let collocation = prepare(&study)?;
    let folder = Folder::create(arguments.out.as_deref(), &study, &settings, arguments.threads)?;
    go_on(
        &study,
        &collocation,
        &folder,
        execution(arguments.threads, arguments.checkpoint),
        arguments.json,
    )
}

pub fn resume(arguments: &ResumeArguments) -> Result<ExitCode, Failure> {
    let ResumeArguments { run, threads, checkpoint, json } = arguments;
    if sweep::is_sweep(run) {
        return crate::sweep::resume(run, threads.unwrap_or(0), *checkpoint, *json);
    }
    let (folder, study, threads_before) = Folder::open(run)?;
    let execution = execution(threads.unwrap_or(threads_before), *checkpoint);
    go_on(&study, &prepare(&study)?, &folder, execution, *json)
}

fn execution(threads: usize, checkpoint: f64) -> Execution {
    Execution { threads, checkpoint_every: Duration::from_secs_f64(checkpoint) }
}

fn go_on(
    study: &Study,
    collocation: &Collocation,
    folder: &Folder,
    execution: Execution,
    json: bool,
) -> Result<ExitCode, Failure> {
    eprintln!("{}: {}", study.name, study.title);
    let mut progress = Progress::new()?;
    let outcome = jetspace::run::run(study, collocation, folder, execution, &mut progress)?;
    drop(progress);
    let path = folder.path().display();
    match outcome {
        Outcome::Stopped => {
            eprintln!("stopped, and saved. To go on:\n  jetspace resume {path}");
            Ok(ExitCode::from(STOPPED))
        }
        Outcome::Finished(results) => {
            println!("{}", jetspace::run::table(study, &results));
            for line in jetspace::run::times(study, &results) {
                println!("{line}");
            }
            println!("report: {path}/report.html");
            if json {
                println!("{}", summary(study, folder.path(), &results)?);
            }
            let diverged = results.iter().filter(|result| result.diverged()).count();
            if diverged > 0 {
                eprintln!("{diverged} of {} trainings diverged", results.len());
                return Ok(ExitCode::FAILURE);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    study: &'a str,
    run: &'a Path,
    results: &'a [MemberResult],
}

fn summary(study: &Study, run: &Path, results: &[MemberResult]) -> Result<String, Failure> {
    Ok(serde_json::to_string(&Summary { study: &study.name, run, results })?)
}
