//! Figures of a study's own, as its file describes them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::AxisFile;
use crate::problem_file::{Formula, Table, tables};

/// A figure of a study: curves (`y` and `along`), or maps (`map`), of the truth and of every method. In
/// formulas `data.u`, `data.u_x`, … are the truth; of a formula with them, or of an equation, the truth
/// itself is not drawn.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FigureFile {
    /// What stands below it, instead of its name.
    pub title: Option<String>,
    /// Curves of this: the name of an equation (its residual), or an expression, such as
    /// "u_t^2/2 - cos(u)".
    #[schemars(with = "Option<String>")]
    pub y: Option<Spanned<String>>,
    /// Against this; the coordinate `along` unless given.
    #[schemars(with = "Option<String>")]
    pub x: Option<Spanned<String>>,
    /// The coordinate along which the curves go.
    #[schemars(with = "Option<String>")]
    pub along: Option<Spanned<String>>,
    /// Coordinates over which `y` is integrated.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub integral: Vec<Spanned<String>>,
    /// Whether to show, instead of y, its norm so far: √∫ y², from the first node to each.
    #[serde(default)]
    pub cumulative: bool,
    /// A curve for each of so many sets of [evaluation] parameters; 1 unless given.
    #[schemars(with = "Option<usize>")]
    pub sets: Option<Spanned<usize>>,
    /// Maps of this, over the first two coordinates that have several nodes.
    #[schemars(with = "Option<String>")]
    pub map: Option<Spanned<String>>,
    /// The two components of a vector field in that plane, whose streamlines are drawn over the maps.
    #[schemars(with = "Option<[String; 2]>")]
    pub streamlines: Option<Spanned<Vec<Spanned<String>>>>,
    /// A map for each of these values of a coordinate, such as { t = [0, 1, 2] }.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Vec<Formula>>")]
    pub frames: Table<Vec<Spanned<Formula>>>,
    /// How values are spread on the axis, or over colours.
    #[serde(default)]
    pub scale: FigureScale,
    /// Where coordinates are, if not on the evaluation's grid; those over which the figure does not go
    /// are in the middle of their ranges.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, AxisFile>")]
    pub over: Table<AxisFile>,
}

/// How the values of a figure are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FigureScale {
    /// Equal differences are equal distances.
    #[default]
    Linear,
    /// Equal ratios are: sizes of errors and residuals. The truth, for which they are zero, is not drawn.
    Log,
}
