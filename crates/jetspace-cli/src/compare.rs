//! `jetspace compare`.

use std::process::ExitCode;

use jetspace::run::Comparison;

use crate::Failure;
use crate::arguments::CompareArguments;

pub fn compare(arguments: &CompareArguments) -> Result<ExitCode, Failure> {
    let comparison = Comparison::of(&arguments.runs)?;
    for line in &comparison.times {
        println!("{line}");
    }
    comparison.write(&arguments.out)?;
    println!("figure: {}", arguments.out.display());
    Ok(ExitCode::SUCCESS)
}
