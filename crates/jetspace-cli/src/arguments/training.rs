//! Arguments of commands that train, and of those that look at what was trained.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jetspace::study::{Dtype, MOST_STEPS};

use super::seconds;

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
