//! Arguments of commands that use trained models.

use std::path::PathBuf;

use clap::Args;

use super::{Grid, grid};

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
