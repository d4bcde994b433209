//! Arguments of measurements of speed.

use clap::Args;

use super::seconds;
use crate::bench;

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
