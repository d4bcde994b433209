//! What a study may let change while it trains: points, the balance of terms, weights of points.

use std::num::NonZero;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changes while a method trains, each part after every so many steps or iterations.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveFile {
    /// Points inside, unless data is compared there.
    pub points: Option<ResamplingFile>,
    /// Factors of the terms, besides their weights.
    pub balance: Option<BalanceFile>,
    /// Weights of points by how large their residuals have been.
    pub attention: Option<AttentionFile>,
    /// Weights of points inside by how well the equation holds at earlier times.
    pub causal: Option<CausalFile>,
}

/// How points inside are chosen anew.
// What two variants share is written twice: flattened fields would let unknown keys pass.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "by", rename_all = "kebab-case")]
pub enum ResamplingFile {
    /// All anew, uniformly.
    Uniform {
        /// Steps from one change to the next.
        #[serde(default = "rarely")]
        every: NonZero<u64>,
    },
    /// All anew, from many candidates, more where residuals are large (RAD).
    Rad {
        /// Steps from one change to the next.
        #[serde(default = "rarely")]
        every: NonZero<u64>,
        /// k in the density of points, |r|ᵏ / mean |r|ᵏ + c for the residual r.
        #[serde(default = "one")]
        exponent: f64,
        /// c in it.
        #[serde(default = "one")]
        offset: f64,
        /// Points to choose from, for each that is chosen.
        #[serde(default = "ten")]
        candidates: NonZero<usize>,
    },
    /// Some more, from many candidates, where residuals are large (RAR-D).
    Rar {
        /// Steps from one change to the next.
        #[serde(default = "rarely")]
        every: NonZero<u64>,
        /// How many more.
        add: NonZero<usize>,
        /// k in the density of points, |r|ᵏ / mean |r|ᵏ + c for the residual r.
        #[serde(default = "one")]
        exponent: f64,
        /// c in it.
        #[serde(default = "one")]
        offset: f64,
        /// Points to choose from, for each that is chosen.
        #[serde(default = "ten")]
        candidates: NonZero<usize>,
    },
}

/// The density of points, |r|ᵏ / mean |r|ᵏ + c for the residual r.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    /// k.
    pub exponent: f64,
    /// c.
    pub offset: f64,
    /// Points to choose from, for each that is chosen.
    pub candidates: NonZero<usize>,
}

/// How terms are balanced.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceFile {
    /// By what.
    pub by: BalanceName,
    /// Steps from one change to the next.
    #[serde(default = "often")]
    pub every: NonZero<u64>,
    /// How much of the old factors stays, from 0 to 1.
    #[serde(default = "most")]
    pub memory: f64,
}

/// By what terms are balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BalanceName {
    /// So that the gradients of all terms have the same norm.
    GradientNorm,
    /// So that the neural tangent kernels of all terms have the same trace.
    NtkTrace,
    /// More for terms that fall more slowly than others.
    Relobralo,
}

impl BalanceName {
    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GradientNorm => "gradient-norm",
            Self::NtkTrace => "ntk-trace",
            Self::Relobralo => "relobralo",
        }
    }
}

/// Weights of points: memory × (the old one) + rate × |r| / max |r|, squared in the loss.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttentionFile {
    /// Steps from one change to the next.
    #[serde(default = "soon")]
    pub every: NonZero<u64>,
    /// How much of the old weights stays, from 0 to 1.
    #[serde(default = "nearly_all")]
    pub memory: f64,
    /// What the largest residual adds.
    #[serde(default = "tenth")]
    pub rate: f64,
}

/// Weights of points inside: exp(−tolerance × sum of the mean squares of all earlier chunks of time).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CausalFile {
    /// Steps from one change to the next.
    #[serde(default = "soon")]
    pub every: NonZero<u64>,
    /// Chunks of time.
    #[serde(default = "chunks")]
    pub chunks: NonZero<usize>,
    /// How strictly times wait for earlier ones.
    #[serde(default = "one")]
    pub tolerance: f64,
}

impl AdaptiveFile {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { points, balance, attention, causal } = self;
        points.is_none() && balance.is_none() && attention.is_none() && causal.is_none()
    }
}

impl ResamplingFile {
    /// Steps from one change to the next.
    #[must_use]
    pub fn every(&self) -> u64 {
        let (Self::Uniform { every } | Self::Rad { every, .. } | Self::Rar { every, .. }) = self;
        every.get()
    }

    /// How points depend on residuals, if they do.
    #[must_use]
    pub fn density(&self) -> Option<Density> {
        match *self {
            Self::Uniform { .. } => None,
            Self::Rad { exponent, offset, candidates, .. }
            | Self::Rar { exponent, offset, candidates, .. } => {
                Some(Density { exponent, offset, candidates })
            }
        }
    }
}

fn rarely() -> NonZero<u64> {
    NonZero::<u64>::MIN.saturating_add(499)
}
fn often() -> NonZero<u64> {
    NonZero::<u64>::MIN.saturating_add(99)
}
fn soon() -> NonZero<u64> {
    NonZero::<u64>::MIN.saturating_add(9)
}
fn one() -> f64 {
    1.0
}
fn ten() -> NonZero<usize> {
    NonZero::<usize>::MIN.saturating_add(9)
}
fn chunks() -> NonZero<usize> {
    NonZero::<usize>::MIN.saturating_add(31)
}
fn most() -> f64 {
    0.9
}
fn nearly_all() -> f64 {
    0.99
}
fn tenth() -> f64 {
    0.1
}
