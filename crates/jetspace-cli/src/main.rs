//! The program `jetspace`. This file knows the arguments; what they do is in the modules.

mod bench;

use std::process::ExitCode;

use bench::{Dtype, Format, Options, Selection};
use clap::{Args, Parser, Subcommand};

/// Jetspace learns physical models through their derivatives.
///
/// So far it measures the engine that everything will stand on: `jetspace bench`.
#[derive(Parser)]
#[command(name = "jetspace", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(BenchArguments),
}

/// Measures the jet engine on this machine.
///
/// First the processor's peak rate of fused multiply-adds, then the median time of a full training
/// step (loss, gradient of all parameters, Adam update) of each case. The number of operations of
/// a case is fixed, so that the fraction of the peak compares machines and versions.
#[derive(Args)]
#[command(after_long_help = CASES)]
struct BenchArguments {
    /// Cases to run, separated by commas; see the list below [default: all].
    #[arg(long, value_name = "A,B,…", default_value = "all", hide_default_value = true)]
    case: Selection,

    /// Floating-point type [default: both].
    #[arg(long)]
    dtype: Option<Dtype>,

    /// Number of threads; 0 means as many as the machine offers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,

    /// Time to spend on each case and type, after a warm-up.
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds, allow_negative_numbers = true)]
    seconds: f64,

    /// Print one JSON object per line instead of a table.
    #[arg(long)]
    json: bool,

    /// Say which plan the engine chose for each case.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
}

const CASES: &str = "\
Cases (network, points, loss):
  A      2-50×4-1   1000 + 404 on the boundary   ∇u against data; u on the boundary
  B      2-50×4-1   1000 + 404 on the boundary   λΔu + u³ − u = f; u on the boundary
  C4     2-50×4-1   1000                         u_t + u u_x + ν u_xxx = 0
  C9     2-50×9-1   1000                         the same with nine hidden layers
  C                                              both of these
  D      2-50×4-1   1000                         all second derivatives against data
  E      2-50×4-3   1000                         Navier–Stokes: two momentum equations, continuity
  F      3-256×4-1  4096                         Δu = f
  A32    as A       32 + 32
  B64    as B       64 + 64
  C9_64  as C9      64
  I      as A       1,000,000                    no training: u (I_u), and u, ∇u, Δu (I_jets)

Examples:
  jetspace bench
  jetspace bench --case A,B --dtype f32 --threads 2
  jetspace bench --json > bench.jsonl";

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds, at most a day".to_owned()),
    }
}

fn main() -> ExitCode {
    let Command::Bench(arguments) = Arguments::parse().command;
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
    match bench::run(&options, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough, e.g. `jetspace bench | head`.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
