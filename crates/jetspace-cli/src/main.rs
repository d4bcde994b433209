//! The program `jetspace`: arguments in `arguments.rs`, what each command does in a module of its own.

mod arguments;
mod bench;
mod check;
mod compare;
mod library;
mod mistakes;
mod predict;
mod progress;
mod reproduce;
mod run;
mod solve;
mod sweep;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;

/// Why a command failed.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Resume(arguments) => run::resume(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Reproduce(arguments) => reproduce::reproduce(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::List(arguments) => library::list(&arguments),
        Command::Show(arguments) => library::show(&arguments),
        Command::Schema(arguments) => library::schema(&arguments),
        Command::Eval(arguments) => predict::eval(&arguments),
        Command::Predict(arguments) => predict::predict(&arguments),
        Command::Solve(arguments) => solve::solve(&arguments),
        Command::Bench(arguments) => bench::main(arguments),
    };
    match result {
        Ok(code) => code,
        // Whoever reads the output has seen enough, e.g. `jetspace list | head`.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            mistakes::show(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of the output has gone away.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
        || error.source().is_some_and(is_broken_pipe)
}
