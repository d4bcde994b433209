//! Arguments of commands that need a problem alone, and of the library of problems and studies.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jetspace::problem::Limiter;

use super::{Grid, count, grid};

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

    /// How finite volumes limit the slopes within cells, instead of the file's [default: van-leer].
    #[arg(long, value_enum)]
    pub limiter: Option<LimiterName>,

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
    /// Conservation laws of one field, such as u_t + d(u^2/2, x) = 0: finite volumes.
    FiniteVolume,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum LimiterName {
    /// No slopes: donor cells, of first order, which smear what they move.
    None,
    /// The smaller slope: careful, of second order.
    Minmod,
    /// The harmonic mean of the slopes: sharper, of second order.
    VanLeer,
}

impl From<LimiterName> for Option<Limiter> {
    fn from(name: LimiterName) -> Self {
        match name {
            LimiterName::None => None,
            LimiterName::Minmod => Some(Limiter::Minmod),
            LimiterName::VanLeer => Some(Limiter::VanLeer),
        }
    }
}

const SOLVE: &str = "\
Examples:
  jetspace solve kdv --out kdv.npz
  jetspace solve burgers --nodes 8192 --steps 20000
  jetspace solve pendulum-damped --grid 101x5x5 --out pendulum.csv
  jetspace solve continuity-upwind --nodes 101x101 --steps 4000
  jetspace solve continuity --method finite-volume --nodes 151x151 --steps 4000";

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
