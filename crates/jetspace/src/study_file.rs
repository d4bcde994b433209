//! What a study file may contain, as serde reads it; `jetspace schema study` is made from it.
//!
//! Nothing is checked here but types: see [`Study`](crate::Study).

mod adaptive;
mod evaluation;
mod figures;
mod network;
mod optimizers;

use std::num::NonZero;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

pub use self::adaptive::{
    AdaptiveFile, AttentionFile, BalanceFile, BalanceName, CausalFile, Density, ResamplingFile,
};
pub use self::evaluation::{AxisFile, EvaluationFile, MetricFile, MetricNorm, TrajectoriesFile};
pub use self::figures::{FigureFile, FigureScale};
pub(crate) use self::network::PERIOD;
pub use self::network::{
    ActivationName, FourierFeaturesFile, InitialisationName, NetworkFile, PeriodFile, PeriodTable,
};
pub use self::optimizers::{DenseFile, EPOCH, MOST_STEPS, OptimizerFile, ScheduleFile, SolverFile};
use crate::problem_file::{Name, Table, tables};

/// A study: a problem, the methods that learn it, and how the results are measured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Jetspace study")]
pub struct StudyFile {
    /// A line for lists and reports.
    pub title: String,
    /// What is done, where it comes from, and what to expect.
    #[serde(default)]
    pub about: String,
    /// Whose protocol it follows, where a published one has a mistake: `published` repeats it as it was,
    /// `corrected` does it right.
    pub protocol: Option<Protocol>,
    /// In a sentence, what the two protocols differ in.
    #[serde(default)]
    pub differs: String,
    /// The name of a built-in problem, or a file relative to this one.
    #[schemars(with = "String")]
    pub problem: Spanned<String>,
    /// Names of methods: derl, outl, outl+pinn, sob, pinn, hesl, der+hesl, sob+hes, or those under
    /// [method].
    #[schemars(with = "Vec<String>")]
    pub methods: Vec<Name>,
    /// Each method is trained once for each seed, which decides the initial weights and the order
    /// of mini-batches.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Precision of the training: f64 or f32.
    #[serde(default)]
    pub dtype: Dtype,
    /// Where random points inside and initial weights come from.
    #[serde(default)]
    pub generator: Generator,
    /// The network.
    #[serde(default)]
    pub network: NetworkFile,
    /// Points inside, and points for each condition by its name.
    #[schemars(with = "PointsFile")]
    pub points: Spanned<PointsFile>,
    /// Where data comes from.
    #[serde(default)]
    pub targets: TargetsFile,
    /// The same study for several targets, to see how the error depends on them.
    pub sweep: Option<SweepFile>,
    /// Weights by kind of term: data, equation, or the name of a condition; 1 unless given.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, f64>")]
    pub weights: Table<f64>,
    /// Optimisers, one after the other.
    #[schemars(with = "Vec<OptimizerFile>")]
    pub optimizer: Vec<Spanned<OptimizerFile>>,
    /// What changes while a method trains: points, factors of terms, weights of points.
    #[serde(default)]
    pub adaptive: AdaptiveFile,
    /// What one method does differently, or what a method of your own is.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, MethodFile>")]
    pub method: Table<MethodFile>,
    /// How results are measured.
    #[serde(default)]
    pub evaluation: EvaluationFile,
    /// Metrics besides those that every study has.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, MetricFile>")]
    pub metric: Table<MetricFile>,
    /// Figures besides those that every study has.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, FigureFile>")]
    pub figure: Table<FigureFile>,
    /// Numbers that others published: by method, then by metric.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, IndexMap<String, f64>>")]
    pub published: Table<IndexMap<String, f64>>,
    /// Where the published numbers stand.
    #[serde(default)]
    pub published_in: String,
}

/// Whose protocol a study follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// What was published, with its mistakes.
    Published,
    /// Without them.
    Corrected,
}

impl Protocol {
    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Corrected => "corrected",
        }
    }
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

/// Precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits: twice as fast, and stalls at errors near 10⁻⁴.
    F32,
    /// 64 bits.
    #[default]
    F64,
}

impl Dtype {
    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// A generator of random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// A stream for each purpose, so that changing one thing leaves all others as they were.
    #[default]
    Chacha,
    /// Uniform points inside as NumPy's `random.rand` draws them, and weights as PyTorch's `Linear`
    /// layers start in f32: repeats published runs number by number.
    MersenneTwister,
}

/// Point sets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsFile {
    /// Seed of all random points; the same for every seed of the study, so that methods and
    /// seeds see the same points.
    #[serde(default)]
    pub seed: u64,
    /// Points inside.
    pub interior: SamplerFile,
    /// Points where there is data, if they are others than those inside: a few sensors, say, beside
    /// many points where the equation holds.
    pub data: Option<SamplerFile>,
    /// Points of the conditions, by name.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, SamplerFile>")]
    pub conditions: Table<SamplerFile>,
    /// Values of the coordinates of kind parameter, in their order, one list for each set of them: all
    /// samplers then give points of the other coordinates, which stand once for each set.
    #[serde(default)]
    pub parameters: Vec<Vec<f64>>,
    /// Points inside that a step uses, drawn anew without repetition in each pass over the set;
    /// all of them unless given.
    pub batch: Option<usize>,
    /// The same for each condition.
    pub condition_batch: Option<usize>,
}

/// How points are chosen.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "sampler", rename_all = "kebab-case")]
pub enum SamplerFile {
    /// Independent and uniform.
    Uniform {
        /// How many; for sides, on each.
        count: usize,
    },
    /// A regular grid.
    Grid {
        /// Nodes along each coordinate; on a side, the fixed coordinate's number is not used.
        nodes: Vec<usize>,
        /// Whether the nodes at the ends are left out.
        #[serde(default)]
        open: bool,
    },
    /// Latin hypercube.
    LatinHypercube {
        /// How many; for sides, on each.
        count: usize,
    },
    /// Sobol's sequence.
    Sobol {
        /// How many; for sides, on each.
        count: usize,
    },
    /// Points of the truth, where that is a file, with its columns as data.
    Truth {
        /// How many, drawn without repetition; all unless given.
        count: Option<NonZero<usize>>,
    },
    /// From a CSV or NPZ file with a column per coordinate, relative to the study file; columns of
    /// fields or derivatives in it are the data.
    File {
        /// The file.
        path: String,
    },
}

/// Where data comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TargetsFile {
    /// Standard deviation of Gaussian noise on values and first derivatives.
    #[serde(default)]
    pub noise: f64,
    /// First derivatives as differences of the truth with this step, instead of exact.
    pub difference_step: Option<f64>,
    /// Which differences.
    #[serde(default)]
    pub difference: Difference,
}

/// First derivatives from values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// (u(x + h) − u(x − h)) / 2h.
    #[default]
    Central,
    /// (u(x + h) − u(x)) / h.
    Forward,
}

/// Values of one entry of the targets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum SweepFile {
    /// Noise levels.
    Noise(Vec<f64>),
    /// Steps of central differences.
    DifferenceStep(Vec<f64>),
}

/// A method's own settings; `terms` makes it a method of your own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodFile {
    /// What the method is made of: values, gradient, hessian, hessian-projection, equation, and
    /// residuals such as "u_x - data.u_x". Conditions always belong to it.
    #[schemars(with = "Option<Vec<String>>")]
    pub terms: Option<Vec<Spanned<String>>>,
    /// Weights for this method alone.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, f64>")]
    pub weights: Table<f64>,
    /// Optimisers for this method alone.
    #[schemars(with = "Option<Vec<OptimizerFile>>")]
    pub optimizer: Option<Vec<Spanned<OptimizerFile>>>,
    /// What changes while this method trains, instead of what the study says.
    pub adaptive: Option<AdaptiveFile>,
}
