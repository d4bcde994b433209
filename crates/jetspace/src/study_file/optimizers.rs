//! The optimisers that a study file may ask for, and how long each runs.

use std::num::NonZero;

use jetspace_optim::{LevenbergMarquardtSettings, LinearSolver, QuasiNewtonSettings, SoapSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most steps of an optimiser: more than any machine does in a lifetime, and sums of them still fit
/// into 64 bits.
pub const MOST_STEPS: u64 = 1_000_000_000_000;

/// Steps of an epoch of L-BFGS with fixed steps at most, as in PyTorch.
pub const EPOCH: u64 = 20;

/// An optimiser and how long it runs.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    tag = "method",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum OptimizerFile {
    /// Adam.
    Adam {
        /// Step size.
        #[serde(default = "adam_rate")]
        rate: f64,
        /// Steps.
        steps: u64,
        /// How the rate changes.
        #[serde(default)]
        schedule: ScheduleFile,
        /// In each step all parameters, unknowns too, shrink by the rate times this (`AdamW`).
        #[serde(default)]
        weight_decay: f64,
    },
    /// SOAP: Adam in the eigenbasis of Shampoo's preconditioner.
    Soap {
        /// Step size.
        #[serde(default = "soap_rate")]
        rate: f64,
        /// Steps.
        steps: u64,
        /// How the rate changes.
        #[serde(default)]
        schedule: ScheduleFile,
        /// In each step all parameters, unknowns too, shrink by the rate times this.
        #[serde(default)]
        weight_decay: f64,
        /// Steps from one refresh of the eigenbases to the next.
        #[serde(default = "soap_frequency")]
        frequency: NonZero<u64>,
    },
    /// L-BFGS with a fixed step, as PyTorch's without line search.
    LbfgsFixed {
        /// Step size.
        #[serde(default = "fixed_rate")]
        rate: f64,
        /// Epochs of at most 20 iterations.
        epochs: u64,
        /// Pairs remembered.
        #[serde(default = "history")]
        history: usize,
    },
    /// L-BFGS with a line search.
    Lbfgs {
        /// Iterations at most.
        steps: u64,
        /// Pairs remembered.
        #[serde(default = "history")]
        history: usize,
        /// It ends where no entry of the gradient is larger than this; by default where rounding
        /// ends all progress.
        #[serde(default = "tolerance")]
        tolerance: f64,
    },
    /// BFGS with a line search, for some thousands of parameters.
    Bfgs(DenseFile),
    /// Self-scaled BFGS with a line search, for some thousands of parameters.
    Ssbfgs(DenseFile),
    /// Self-scaled Broyden with a line search, for some thousands of parameters.
    Ssbroyden(DenseFile),
    /// The method of Levenberg and Marquardt.
    LevenbergMarquardt {
        /// Iterations at most.
        steps: u64,
        /// The first damping as a multiple of the mean of the diagonal that it is added to.
        #[serde(default = "damping")]
        damping: f64,
        /// Whether steps bend with the valley (geodesic acceleration).
        #[serde(default = "acceleration")]
        acceleration: bool,
        /// How the equations of a step are solved.
        #[serde(default)]
        solver: SolverFile,
        /// It ends where no entry of the gradient is larger than this; by default where rounding
        /// ends all progress.
        #[serde(default = "tolerance")]
        tolerance: f64,
    },
}

/// How the method of Levenberg and Marquardt solves the equations of a step.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SolverFile {
    /// `dense` where its matrices fit into 2 GiB, else `conjugate-gradients`.
    #[default]
    Auto,
    /// With matrices, for some thousands of parameters or of residuals.
    Dense,
    /// Without matrices, and not to the last digit.
    ConjugateGradients,
}

impl From<SolverFile> for LinearSolver {
    fn from(file: SolverFile) -> Self {
        match file {
            SolverFile::Auto => Self::Auto,
            SolverFile::Dense => Self::Dense,
            SolverFile::ConjugateGradients => Self::ConjugateGradients,
        }
    }
}

/// A quasi-Newton method that keeps the inverse Hessian as a matrix.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DenseFile {
    /// Iterations at most.
    pub steps: u64,
    /// Whether the first update scales the unit matrix that it begins with.
    #[serde(default = "initial_scaling")]
    pub initial_scaling: bool,
    /// It ends where no entry of the gradient is larger than this; by default where rounding ends
    /// all progress.
    #[serde(default = "tolerance")]
    pub tolerance: f64,
}

fn adam_rate() -> f64 {
    1e-3
}
fn soap_rate() -> f64 {
    SoapSettings::default().adam.rate
}
fn soap_frequency() -> NonZero<u64> {
    SoapSettings::default().frequency
}
fn fixed_rate() -> f64 {
    1.0
}
fn history() -> usize {
    100
}
fn initial_scaling() -> bool {
    true
}
fn damping() -> f64 {
    LevenbergMarquardtSettings::default().damping
}
fn acceleration() -> bool {
    LevenbergMarquardtSettings::default().acceleration.is_some()
}
fn tolerance() -> f64 {
    QuasiNewtonSettings::default().tolerance_gradient
}

impl OptimizerFile {
    /// As users write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
            Self::Soap { .. } => "soap",
            Self::LbfgsFixed { .. } => "lbfgs-fixed",
            Self::Lbfgs { .. } => "lbfgs",
            Self::Bfgs(_) => "bfgs",
            Self::Ssbfgs(_) => "ssbfgs",
            Self::Ssbroyden(_) => "ssbroyden",
            Self::LevenbergMarquardt { .. } => "levenberg-marquardt",
        }
    }

    /// What [`length`](Self::length) counts, and the key that says it.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.steps_per_unit() > 1 { "epochs" } else { "steps" }
    }

    /// How long it runs at most, in its [`unit`](Self::unit).
    #[must_use]
    pub fn length(mut self) -> u64 {
        *self.length_mut()
    }

    /// Steps in so many of its units, at most.
    #[must_use]
    pub fn steps_in(&self, units: u64) -> u64 {
        units.saturating_mul(self.steps_per_unit())
    }

    /// Makes it run for so many steps: at least one, and whole epochs.
    pub fn set_steps(&mut self, steps: u64) {
        *self.length_mut() = steps.div_ceil(self.steps_per_unit()).max(1);
    }

    fn length_mut(&mut self) -> &mut u64 {
        match self {
            Self::Adam { steps, .. }
            | Self::Soap { steps, .. }
            | Self::Lbfgs { steps, .. }
            | Self::LevenbergMarquardt { steps, .. }
            | Self::Bfgs(DenseFile { steps, .. })
            | Self::Ssbfgs(DenseFile { steps, .. })
            | Self::Ssbroyden(DenseFile { steps, .. }) => steps,
            Self::LbfgsFixed { epochs, .. } => epochs,
        }
    }

    fn steps_per_unit(&self) -> u64 {
        if matches!(self, Self::LbfgsFixed { .. }) { EPOCH } else { 1 }
    }

    /// Whether it compares losses, so that the objective must not change between its steps.
    #[must_use]
    pub fn compares_losses(&self) -> bool {
        !matches!(self, Self::Adam { .. } | Self::Soap { .. } | Self::LbfgsFixed { .. })
    }

    /// Whether its steps use mini-batches, where a study wants them.
    #[must_use]
    pub fn takes_batches(&self) -> bool {
        matches!(self, Self::Adam { .. } | Self::Soap { .. })
    }

    /// Whether its memory grows with the square of the number of parameters.
    #[must_use]
    pub fn keeps_matrix(&self) -> bool {
        matches!(self, Self::Bfgs(_) | Self::Ssbfgs(_) | Self::Ssbroyden(_))
    }
}

/// How a rate changes over the steps.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum ScheduleFile {
    /// Not at all.
    #[default]
    Constant,
    /// Times `factor` after every `every` steps, at once.
    Step {
        /// Steps between changes.
        every: NonZero<usize>,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// Times `factor` in every `every` steps, a little in each.
    Exponential {
        /// Steps in which the rate changes by the factor.
        #[serde(default = "every_step")]
        every: NonZero<usize>,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// Up linearly at first, then down along a cosine.
    Cosine {
        /// Steps of going up.
        #[serde(default)]
        warm_up: usize,
        /// The rate at the end as a fraction.
        #[serde(default)]
        last: f64,
    },
}

fn every_step() -> NonZero<usize> {
    NonZero::<usize>::MIN
}
