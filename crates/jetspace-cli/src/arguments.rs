//! The program's arguments.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jetspace::study::{Dtype, MOST_STEPS};

use crate::bench;

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

/// Repeats published tables: runs their studies one after the other, and writes one page, ours beside the
/// published numbers.
///
/// How long it takes is said before it begins. Ctrl-C finishes the step and saves; the same command goes
/// on.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  jetspace reproduce --list\n  jetspace reproduce table-2 --quick\n  \
                        jetspace reproduce kovasznay allen-cahn-precise --out kovasznay-again"
)]
pub struct ReproduceArguments {
    /// Tables or studies; all tables unless given.
    pub tables: Vec<String>,

    /// Lists the tables with their studies, and ends.
    #[arg(long)]
    pub list: bool,

    /// One seed, and at most 200 steps of each optimiser: shows that everything works, no more.
    #[arg(long)]
    pub quick: bool,

    /// These seeds instead of the studies'; may be repeated.
    #[arg(long, value_name = "N")]
    pub seed: Vec<u64>,

    /// Number of threads; 0 means as many as the machine offers. Results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,

    /// Folder of the page, and of the runs in folders of their own.
    #[arg(long, value_name = "DIR", default_value = "reproduction")]
    pub out: PathBuf,

    /// End with one line of JSON that holds all results.
    #[arg(long)]
    pub json: bool,
}

/// Carries out a study: trains every method with every seed, measures, and reports.
///
/// Ctrl-C finishes the step, saves, and says how to go on.
#[derive(Args)]
pub struct RunArguments {
    /// A built-in study (see `jetspace list`) or a study file.
    pub study: String,

    /// Only these methods of the study; may be repeated.
    #[arg(long, value_name = "M")]
    pub method: Vec<String>,

    /// These seeds instead of the study's; may be repeated.
    #[arg(long, value_name = "N")]
    pub seed: Vec<u64>,

    /// Steps of each optimiser, instead of the study's (20 steps are an epoch of lbfgs-fixed).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_STEPS))]
    pub steps: Option<u64>,

    /// Precision, instead of the study's.
    #[arg(long, value_enum)]
    pub dtype: Option<Precision>,

    /// Number of threads; 0 means as many as the machine offers. Results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,

    /// Seconds between checkpoints.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    pub checkpoint: f64,

    /// Folder of the run [default: runs/STUDY/TIME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// End with one line of JSON that holds all results.
    #[arg(long)]
    pub json: bool,

    /// One seed and few steps, to see whether everything works.
    #[arg(long)]
    pub quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Precision {
    F32,
    F64,
}

impl From<Precision> for Dtype {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F64 => Self::F64,
        }
    }
}

/// Carries out a study for many values of its settings, in parallel, and compares the results.
///
/// A setting is any entry of the study file, named by its path. Several --vary make a grid of all
/// combinations. The same arguments again go on with a sweep that was stopped or killed, or show
/// its results; so does `jetspace resume`.
#[derive(Args)]
#[command(after_help = SWEEP)]
pub struct SweepArguments {
    /// A built-in study (see `jetspace list`) or a study file.
    pub study: String,

    /// A setting and its values: a list, or a range with lin or log and their number; may be
    /// repeated.
    #[arg(long, value_name = "PATH=VALUES", required = true)]
    pub vary: Vec<String>,

    /// Draw so many samples of the settings instead of taking all combinations.
    #[arg(long, value_name = "N")]
    pub random: Option<NonZero<usize>>,

    /// The seed of the samples [default: 0]. (Trainings have the study's: --vary seeds=[1,2].)
    #[arg(long, value_name = "S", requires = "random")]
    pub seed: Option<u64>,

    /// Only these methods of the study, separated by commas; may be repeated.
    #[arg(long, value_name = "M,…", value_delimiter = ',', visible_alias = "methods")]
    pub method: Vec<String>,

    /// Steps of each optimiser, instead of the study's (20 steps are an epoch of lbfgs-fixed).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_STEPS))]
    pub steps: Option<u64>,

    /// One seed and few steps, to see whether everything works.
    #[arg(long)]
    pub quick: bool,

    /// What the table and the figures show [default: relative, or residual_l2 without a truth].
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,

    /// Trainings at once, each on one thread [default: as many as the machine has processors].
    /// Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,

    /// Seconds between checkpoints.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    pub checkpoint: f64,

    /// Folder of the sweep [default: one under runs/STUDY that is the same for the same sweep].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// End with one line of JSON that holds all results.
    #[arg(long)]
    pub json: bool,
}

const SWEEP: &str = "\
Examples:
  jetspace sweep allen-cahn --vary 'weights.edges=0.01..100:log:9' --method derl,sob
  jetspace sweep burgers --random 40 --seed 1 --vary 'weights.equation=1e-2..1e2:log' \\
      --vary 'network.hidden=[20,20],[40,40]' --vary 'optimizer.0.rate=1e-4..1e-2:log'";

/// Compares the errors of runs over time: one figure, and the seconds to some errors.
///
/// Their studies must measure on the way: `every = 100` under [evaluation].
#[derive(Args)]
pub struct CompareArguments {
    /// Folders of finished runs.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// The figure, an SVG file.
    #[arg(long, value_name = "FILE", default_value = "errors-over-time.svg")]
    pub out: PathBuf,
}

/// Goes on with a run or a sweep that was stopped or killed, to the same bits.
#[derive(Args)]
pub struct ResumeArguments {
    /// The folder of the run or the sweep.
    pub run: PathBuf,

    /// Number of threads [default: as the run was started], or trainings of a sweep at once.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// Seconds between checkpoints.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    pub checkpoint: f64,

    /// End with one line of JSON that holds all results.
    #[arg(long)]
    pub json: bool,
}

/// Reads a problem or study file, says what was understood, and whether the truth solves it.
#[derive(Args)]
pub struct CheckArguments {
    /// A problem or study: a built-in name or a file.
    pub file: String,
}

/// Solves a problem by a numerical method, without training, and says how far the solution can be
/// trusted.
///
/// The method is that of the file's [reference]: Fourier modes, Runge–Kutta methods for ordinary
/// differential equations, or finite volumes. Then it is solved once more, more coarsely: how much the
/// solution changes is an estimate of its error.
#[derive(Args)]
#[command(after_help = SOLVE)]
pub struct SolveArguments {
    /// A problem: a built-in name or a file.
    pub problem: String,

    /// How to solve a problem whose file does not say.
    #[arg(long, value_enum)]
    pub method: Option<MethodName>,

    /// The solver's nodes along each space coordinate, instead of the file's.
    #[arg(long, value_name = "N×…", value_parser = grid)]
    pub nodes: Option<Grid>,

    /// Steps from the first to the last time, instead of the file's.
    #[arg(long, value_name = "N", value_parser = count)]
    pub steps: Option<usize>,

    /// Nodes along each coordinate at which the solution is written [default: 201 in up to two
    /// dimensions, 51 in three, 11 in more].
    #[arg(long, value_name = "N×…", value_parser = grid)]
    pub grid: Option<Grid>,

    /// Where to write it: a CSV or NPZ file with a column for each coordinate and each field, which
    /// `[reference]` with kind = "file" reads.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Print one line of JSON instead.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum MethodName {
    /// Equations u_t = …, periodic in space: Fourier modes, ETDRK4.
    Fourier,
    /// Ordinary differential equations: Runge–Kutta methods.
    Ode,
}

const SOLVE: &str = "\
Examples:
  jetspace solve kdv --out kdv.npz
  jetspace solve burgers --nodes 8192 --steps 20000
  jetspace solve pendulum-damped --grid 101x5x5 --out pendulum.csv
  jetspace solve continuity-upwind --nodes 101x101 --steps 4000";

/// Lists the built-in problems and studies.
#[derive(Args)]
pub struct ListArguments {
    /// Print a JSON object per line instead.
    #[arg(long)]
    pub json: bool,
}

/// Prints the file of a built-in problem or study, to copy and change.
#[derive(Args)]
pub struct ShowArguments {
    /// Its name. Where a problem and a study share one, both are printed, the study first.
    pub name: String,

    /// Only the problem.
    #[arg(long, conflicts_with = "study")]
    pub problem: bool,

    /// Only the study.
    #[arg(long)]
    pub study: bool,
}

/// Measures the models of a run again, on any grid.
#[derive(Args)]
pub struct EvalArguments {
    /// The folder of a run, or a model file.
    pub run: PathBuf,

    /// Nodes along each coordinate, e.g. 401x401 [default: that of the study; for a model
    /// file alone 201 in up to two dimensions, 51 in three, 11 in more].
    #[arg(long, value_name = "N×…", value_parser = grid)]
    pub grid: Option<Grid>,

    /// Measure the models of the lowest loss instead of the last ones.
    #[arg(long)]
    pub best: bool,

    /// Print a JSON object per line instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Evaluates a model: fields, derivatives, and formulas of them, at any points.
#[derive(Args)]
#[command(after_help = PREDICT)]
pub struct PredictArguments {
    /// A model file, the folder of a training, or of a run with one training.
    pub model: PathBuf,

    /// Points: a CSV or NPZ file with a column for each coordinate, or a grid such as 201x201.
    #[arg(long, value_name = "FILE|N×…")]
    pub at: String,

    /// What to evaluate, separated by commas [default: all fields].
    #[arg(long, value_name = "u,u_x,…")]
    pub of: Option<String>,

    /// Where to write: a CSV or NPZ file [default: CSV to the terminal].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

const PREDICT: &str = "\
Examples:
  jetspace predict runs/allen-cahn/X/derl-30 --at 101x101 --of u,u_x,u_xx --out field.npz
  jetspace predict model.safetensors --at points.csv --of \"u, u*u_x + u_y\"";

/// Prints the JSON Schema of problem or study files, for editors.
#[derive(Args)]
pub struct SchemaArguments {
    /// Which of the two.
    #[arg(value_enum, default_value = "problem")]
    pub of: SchemaOf,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SchemaOf {
    Problem,
    Study,
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

/// Measures the jet engine on this machine.
///
/// First the processor's peak rate of fused multiply-adds, then the median time of a full training
/// step (loss, gradient of all parameters, Adam update) of each case. The number of operations of
/// a case is fixed, so that the fraction of the peak compares machines and versions.
#[derive(Args)]
#[command(after_long_help = CASES)]
pub struct BenchArguments {
    /// Cases to run, separated by commas; see the list below [default: all].
    #[arg(long, value_name = "A,B,…", default_value = "all", hide_default_value = true)]
    pub case: bench::Selection,

    /// Floating-point type [default: both].
    #[arg(long)]
    pub dtype: Option<bench::Dtype>,

    /// Number of threads; 0 means as many as the machine offers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,

    /// Time to spend on each case and type, after a warm-up.
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds, allow_negative_numbers = true)]
    pub seconds: f64,

    /// Print one JSON object per line instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Say which plan the engine chose for each case.
    #[arg(long, short, conflicts_with = "json")]
    pub verbose: bool,
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
