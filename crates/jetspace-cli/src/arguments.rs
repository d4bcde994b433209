//! The program's arguments.

mod bench;
mod models;
mod problems;
mod training;

use clap::{Parser, Subcommand};

pub use self::bench::BenchArguments;
pub use self::models::{EvalArguments, PredictArguments};
pub use self::problems::{
    CheckArguments, ListArguments, MethodName, SchemaArguments, SchemaOf, ShowArguments,
    SolveArguments,
};
pub use self::training::{
    CompareArguments, ReproduceArguments, ResumeArguments, RunArguments, SweepArguments,
};

/// Jetspace learns physical models through their derivatives.
///
/// Write an equation in a text file; Jetspace checks it, trains networks on it by several methods,
/// measures how far they are from the truth, and leaves a report.
#[derive(Parser)]
#[command(name = "jetspace", version, arg_required_else_help = true, after_help = FIRST_STEPS)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  jetspace run allen-cahn --quick      a study in a minute, with a report
  jetspace show allen-cahn             the study's file, to copy and change
  jetspace check my-problem.toml       what was understood, and whether the truth fits
  jetspace solve kdv --out kdv.npz     a numerical solution, without training";

#[derive(Subcommand)]
pub enum Command {
    Run(RunArguments),
    Sweep(SweepArguments),
    Resume(ResumeArguments),
    Compare(CompareArguments),
    Reproduce(ReproduceArguments),
    Check(CheckArguments),
    Solve(SolveArguments),
    List(ListArguments),
    Show(ShowArguments),
    Eval(EvalArguments),
    Predict(PredictArguments),
    Schema(SchemaArguments),
    Bench(BenchArguments),
}

/// Numbers of nodes along each coordinate.
#[derive(Clone, Debug)]
pub struct Grid(pub Vec<usize>);

/// Reads e.g. 201x201.
pub fn grid(text: &str) -> Result<Grid, String> {
    let nodes: Option<Vec<usize>> =
        text.split(['x', '×']).map(|n| n.trim().parse().ok().filter(|&n| n > 0)).collect();
    nodes.map(Grid).ok_or_else(|| "expected numbers of nodes such as 201x201".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&n| n > 0);
    count.ok_or_else(|| "expected a whole number, 1 or more".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds, at most a day".to_owned()),
    }
}
