//! Studies: problem × methods × seeds × optimisers × evaluation, read from a file and checked.

mod figures;
pub(crate) mod network;
mod read;

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use jetspace_jet::Network;

pub use self::figures::{Content, FigureScale, Quantity, StudyFigure};
use crate::evaluation::EvaluationPlan;
use crate::method::TermKind;
use crate::output_transform::OutputTransform;
use crate::problem::Problem;
use crate::source::Source;
pub use crate::study_file::{
    ActivationName, AdaptiveFile, AttentionFile, BalanceFile, BalanceName, CausalFile, DenseFile,
    Density, Difference, Dtype, EPOCH, FourierFeaturesFile, Generator, InitialisationName,
    MOST_STEPS, NetworkFile, OptimizerFile, Protocol, ResamplingFile, SamplerFile, ScheduleFile,
    SolverFile, TargetsFile,
};

/// A study, read and checked.
#[derive(Clone, Debug)]
pub struct Study {
    /// The name of the file without its folder and ending.
    pub name: String,
    /// A line for lists and reports.
    pub title: String,
    /// What is done.
    pub about: String,
    /// Whose protocol it follows, and in a sentence what it differs in from the other one.
    pub protocol: Option<(Protocol, String)>,
    /// The file.
    pub source: Arc<Source>,
    /// The problem.
    pub problem: Problem,
    /// The methods, in their order.
    pub methods: Vec<Method>,
    /// One training of each method for each.
    pub seeds: Vec<u64>,
    /// Precision of the training.
    pub dtype: Dtype,
    /// Where initial weights come from.
    pub generator: Generator,
    /// As the file describes it.
    pub network_file: NetworkFile,
    /// The network.
    pub network: Network,
    /// How the fields are made of what the network gives.
    pub transform: OutputTransform,
    /// For each condition of the problem, whether it holds exactly, whatever the weights: then no
    /// term is needed, nor points.
    pub exact: Vec<bool>,
    /// Point sets.
    pub points: PointsPlan,
    /// Targets, each with the number that distinguishes it; one unless the study sweeps.
    pub variants: Vec<Variant>,
    /// How results are measured.
    pub evaluation: EvaluationPlan,
    /// How errors are mapped over the coordinates of kind parameter, if they are.
    pub map: Option<ParameterMap>,
    /// Figures besides those that every study has.
    pub figures: Vec<StudyFigure>,
    /// Names of the metrics that tables show; those that every study has, if there are none.
    pub columns: Vec<String>,
    /// Steps from one measurement to the next; nothing to measure at the end alone.
    pub measure_every: Option<u64>,
    /// Published numbers by method and metric.
    pub published: IndexMap<String, IndexMap<String, f64>>,
    /// Where they stand.
    pub published_in: String,
}

/// A method with its weights and optimisers.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// What its objective is made of, with weights; last the conditions, but for those that hold
    /// exactly.
    pub terms: Vec<WeightedTerm>,
    /// Optimisers, one after the other.
    pub optimizers: Vec<OptimizerFile>,
    /// What changes while it trains.
    pub adaptive: AdaptiveFile,
}

/// A term of an objective: weight × mean of squares over points and residuals.
#[derive(Clone, Debug)]
pub struct WeightedTerm {
    /// What it compares.
    pub kind: TermKind,
    /// Its name in logs and figures.
    pub label: String,
    /// The weight.
    pub weight: f64,
}

/// Where errors are mapped over the coordinates of kind parameter.
#[derive(Clone, Debug)]
pub struct ParameterMap {
    /// These coordinates.
    pub coordinates: Vec<usize>,
    /// The nodes along each of them.
    pub nodes: Vec<Vec<f64>>,
    /// What is measured: at all combinations of nodes, the last coordinate varying fastest.
    pub plan: EvaluationPlan,
}

/// How many points, where, and how many of them a step uses.
#[derive(Clone, Debug)]
pub struct PointsPlan {
    /// Seed of random points.
    pub seed: u64,
    /// Where uniform points inside come from.
    pub generator: Generator,
    /// Points inside.
    pub interior: SamplerFile,
    /// Points of the data, if they are others than those inside.
    pub data: Option<SamplerFile>,
    /// Points of each condition, in the problem's order; nothing for conditions at given points,
    /// and for those that hold exactly.
    pub conditions: Vec<Option<SamplerFile>>,
    /// Sets of values of the coordinates of kind parameter, if they are not sampled like others.
    pub parameters: Vec<Vec<f64>>,
    /// Points inside that a step uses.
    pub batch: Option<usize>,
    /// The same for each condition.
    pub condition_batch: Option<usize>,
    /// The folder that files are relative to.
    pub folder: PathBuf,
}

/// Targets of one part of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// e.g. noise = 0.01; empty if the study does not sweep.
    pub label: String,
    /// The number in it.
    pub value: Option<f64>,
    /// Where data comes from.
    pub targets: TargetsFile,
}

impl Study {
    /// The study shortened to something that takes seconds: one seed, few steps.
    #[must_use]
    pub fn quick(mut self) -> Self {
        self.seeds.truncate(1);
        self.variants.truncate(2);
        for optimizer in self.methods.iter_mut().flat_map(|method| &mut method.optimizers) {
            optimizer.set_steps(optimizer.steps_in(optimizer.length()).min(200));
        }
        self
    }
}
