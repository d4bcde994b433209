//! How a study's results are measured.

use std::num::NonZero;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::problem_file::{Formula, Table, tables};

/// How results are measured.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationFile {
    /// Nodes of the grid along each coordinate; by default 201 in up to two, 51 in three, 11 in
    /// more.
    pub grid: Option<Vec<usize>>,
    /// Values of the coordinates of kind parameter, in their order, one list for each set of them: models
    /// are measured on the grid of the other coordinates for each set, and every metric is the mean
    /// over the sets.
    #[serde(default)]
    pub parameters: Vec<Vec<f64>>,
    /// Nodes along each coordinate of kind parameter, inside its range: errors are mapped over them, in a
    /// figure and in parameters.npz.
    #[serde(default)]
    pub map: Vec<usize>,
    /// Trajectories that are followed, if the problem has rates.
    pub trajectories: Option<TrajectoriesFile>,
    /// Steps from one measurement to the next, so that errors are known against time; only at the
    /// end unless given.
    pub every: Option<NonZero<u64>>,
    /// Names of the metrics that the table of results shows, in this order; by default the error of each
    /// field, the residual, unknowns, and the study's own metrics.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub columns: Vec<Spanned<String>>,
}

/// Trajectories at the rates of a trained model, compared with those at the true rates.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrajectoriesFile {
    /// Where they start: for each a number per coordinate, in their order.
    pub from: Vec<Vec<f64>>,
    /// How long they are followed.
    pub duration: f64,
    /// In how many equal steps of the classical Runge–Kutta method.
    pub steps: NonZero<usize>,
}

/// A metric of a study: a norm of expressions at points of the box, or beyond it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MetricFile {
    /// How tables call it, instead of its name.
    pub title: Option<String>,
    /// What is measured: names of equations (their residuals), or expressions in which `data.u`,
    /// `data.u_x`, … are the truth, such as "v_x - u_y - (data.v_x - data.u_y)".
    #[schemars(with = "Vec<String>")]
    pub of: Vec<Spanned<String>>,
    /// Divides the norm by that of these.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub relative_to: Vec<Spanned<String>>,
    /// Which norm.
    #[serde(default)]
    pub norm: MetricNorm,
    /// Coordinates over which each expression is integrated before the norm is taken.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub integral: Vec<Spanned<String>>,
    /// Where coordinates are, if not on the evaluation's grid.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, AxisFile>")]
    pub over: Table<AxisFile>,
}

/// A norm of k expressions at points, each of which stands for a cell of size Π h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricNorm {
    /// √(Π h Σ v²).
    #[default]
    L2,
    /// √(Σ v² / number of points).
    Rms,
    /// The largest |v|.
    Max,
    /// Π h times the largest singular value of the matrix points × k. Some programs print it as the L²
    /// norm, which is at least 1/√(Π h) times as large.
    Spectral,
}

/// Where a coordinate is: `at` one value, or on `nodes` over a range.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AxisFile {
    /// The value.
    #[schemars(with = "Option<Formula>")]
    pub at: Option<Spanned<Formula>>,
    /// Lower and upper end, that of the coordinate unless given. It may be wider.
    #[schemars(with = "Option<[Formula; 2]>")]
    pub range: Option<Spanned<Vec<Spanned<Formula>>>>,
    /// How many nodes.
    #[schemars(with = "Option<usize>")]
    pub nodes: Option<Spanned<usize>>,
}
