//! `jetspace reproduce`.

use std::process::ExitCode;
use std::time::Duration;

use jetspace::reproduction::{Part, TABLES, page, studies, write};
use jetspace::run::{Execution, Outcome, Settings};
use serde_json::json;

use crate::Failure;
use crate::arguments::ReproduceArguments;
use crate::progress::{Progress, duration};
use crate::run::STOPPED;

pub fn reproduce(arguments: &ReproduceArguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        for (name, title, studies) in TABLES {
            println!("{name:<12} {title}: {}", studies.join(", "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let settings =
        Settings { seeds: arguments.seed.clone(), quick: arguments.quick, ..Settings::default() };
    let (out, threads) = (&arguments.out, arguments.threads);
    let mut parts = Vec::new();
    eprintln!("some steps of everything, to know how long it takes:");
    for study in studies(&arguments.tables)? {
        let part = Part::new(study, &settings, out, threads)?;
        eprintln!("  {:<40} {}", part.study.name, duration(part.estimate.as_secs_f64()));
        parts.push(part);
    }
    let total: f64 = parts.iter().map(|part| part.estimate.as_secs_f64()).sum();
    eprintln!("  {:<40} {}", "all", duration(total));
    let execution = Execution { threads, checkpoint_every: Duration::from_secs(10) };
    let mut progress = Progress::new()?;
    let mut results = Vec::new();
    for part in &parts {
        match part.run(execution, &mut progress)? {
            Outcome::Finished(of_part) => results.push(of_part),
            Outcome::Stopped => {
                drop(progress);
                eprintln!("stopped, and saved. The same command goes on.");
                return Ok(ExitCode::from(STOPPED));
            }
        }
    }
    drop(progress);
    let page = write(out, &page(&parts, &results, arguments.quick))?;
    for (part, results) in parts.iter().zip(&results) {
        println!("{}\n{}", part.study.title, jetspace::run::table(&part.study, results));
    }
    println!("page: {}", page.display());
    if arguments.json {
        let studies: Vec<_> = parts
            .iter()
            .zip(&results)
            .map(|(part, results)| json!({ "study": part.study.name, "results": results }))
            .collect();
        println!("{}", json!({ "reproduction": out, "studies": studies }));
    }
    Ok(ExitCode::SUCCESS)
}
