//! The network of a study file.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::problem_file::Formula;

/// A fully connected network, what it sees of the coordinates, and how the fields are made of what
/// it gives.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct NetworkFile {
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: ActivationName,
    /// How weights start.
    pub initialisation: InitialisationName,
    /// Whether inputs are mapped from their ranges to [−1, 1] first.
    pub normalise: bool,
    /// Coordinates along which the network is exactly periodic, each with its number of harmonics,
    /// and its period if that is not the range: instead of the coordinate the network sees sines and
    /// cosines.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub periodic: IndexMap<String, PeriodFile>,
    /// Instead of the coordinates the network sees sines and cosines of random combinations of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fourier_features: Option<FourierFeaturesFile>,
    /// Fields as formulas of coordinates, parameters and what the network gives, so that conditions
    /// hold exactly: u = "x*(1 - x)*N", or with several fields N_u, N_v, …; a field without a
    /// formula is what the network gives.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub transform: IndexMap<String, Formula>,
}

/// What a period is, as messages say it.
pub(crate) const PERIOD: &str = "a number of harmonics, or a table with them and a period";

/// A period of the network along a coordinate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PeriodFile {
    /// The range is the period; the number of harmonics.
    Range(usize),
    /// Another period.
    Length(PeriodTable),
}

/// A period that is not the range.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodTable {
    /// A sine and a cosine of the period, of its half, and so on: how many of such pairs.
    pub harmonics: usize,
    /// The period, in the coordinate's unit: a formula in the parameters of the problem.
    pub period: Formula,
}

impl<'de> Deserialize<'de> for PeriodFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PeriodFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(PERIOD)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<PeriodFile, E> {
                let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
                usize::try_from(number).map(PeriodFile::Range).map_err(wrong)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<PeriodFile, E> {
                let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
                usize::try_from(number).map(PeriodFile::Range).map_err(wrong)
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PeriodFile, M::Error> {
                PeriodTable::deserialize(MapAccessDeserializer::new(map)).map(PeriodFile::Length)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Random Fourier features.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FourierFeaturesFile {
    /// Random frequencies; the network sees a sine and a cosine of each.
    pub count: usize,
    /// Their standard deviation, in periods per unit of a coordinate (of [−1, 1], if it is
    /// normalised).
    #[serde(default = "unit")]
    pub scale: f64,
    /// The seed from which they are drawn.
    #[serde(default)]
    pub seed: u64,
}

impl Default for NetworkFile {
    fn default() -> Self {
        Self {
            hidden: vec![50; 4],
            activation: ActivationName::Tanh,
            initialisation: InitialisationName::Glorot,
            normalise: false,
            periodic: IndexMap::new(),
            fourier_features: None,
            transform: IndexMap::new(),
        }
    }
}

fn unit() -> f64 {
    1.0
}

/// Activations by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // The names say it.
pub enum ActivationName {
    Tanh,
    Sin,
    Sigmoid,
    Softplus,
    Silu,
    Gelu,
}

/// Initialisations by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitialisationName {
    /// PyTorch's default for `Linear`: weights and biases uniform in ±1/√fan_in.
    Pytorch,
    /// Glorot's uniform weights, biases zero.
    Glorot,
    /// He's normal weights, biases zero.
    He,
    /// Sitzmann's, for sine networks.
    Siren,
}
