//! From the description of a network to the network: its layers, and what it sees of the
//! coordinates.

use jetspace_jet::{Activation, Embedding, JetError, Network};

use crate::Error;
use crate::problem::Problem;
use crate::source::did_you_mean;
use crate::study_file::{ActivationName, InitialisationName, NetworkFile, PeriodFile, PeriodTable};

/// Units of a layer, or features that it sees: more are a slip of the pen, and would exhaust the
/// memory.
const MOST_UNITS: usize = 1 << 16;

/// Weights and biases: more would not fit into memory together with their gradient and history.
const MOST_PARAMETERS: usize = 1 << 30;

/// What is wrong in the description of a network.
pub struct WrongNetwork {
    /// Where in the description.
    pub path: Vec<String>,
    /// What was expected, and what was found.
    pub message: String,
    /// A few words to stand under the place.
    pub label: &'static str,
    /// What to do.
    pub help: String,
}

/// Along a coordinate the network is periodic.
pub(crate) struct Period {
    /// The number of the coordinate.
    pub axis: usize,
    /// The period, in the coordinate's unit.
    pub length: f64,
    /// How many pairs of a sine and a cosine it sees of the coordinate.
    pub harmonics: usize,
}

impl From<WrongNetwork> for Error {
    fn from(wrong: WrongNetwork) -> Self {
        Self::Argument(format!("{}: {}", wrong.message, wrong.help))
    }
}

impl NetworkFile {
    /// Of sine activations: Sitzmann's initialisation is made for 30.
    pub(crate) fn frequency(&self) -> f64 {
        if self.initialisation == InitialisationName::Siren { 30.0 } else { 1.0 }
    }

    /// The network that it describes, for a problem.
    ///
    /// # Errors
    /// A layer without units, or with more than anyone could train; a period along no coordinate;
    /// features that cannot be.
    pub(crate) fn network(&self, problem: &Problem) -> Result<Network, WrongNetwork> {
        let wrong = |path: &[&str], message: String, label| WrongNetwork {
            path: path.iter().map(|&step| step.to_owned()).collect(),
            message,
            label,
            help: "e.g. hidden = [50, 50, 50, 50]".to_owned(),
        };
        for (layer, units) in self.hidden.iter().enumerate() {
            if !(1..=MOST_UNITS).contains(units) {
                let message =
                    format!("expected 1 to {MOST_UNITS} units in a hidden layer, found {units}");
                return Err(wrong(&["hidden", &layer.to_string()], message, "this layer"));
            }
        }
        let activation = match self.activation {
            ActivationName::Tanh => Activation::Tanh,
            ActivationName::Sin => Activation::Sine { frequency: self.frequency() },
            ActivationName::Sigmoid => Activation::Sigmoid,
            ActivationName::Softplus => Activation::Softplus { beta: 1.0 },
            ActivationName::Silu => Activation::Silu,
            ActivationName::Gelu => Activation::Gelu,
        };
        let (inputs, outputs) = (problem.coordinates.len(), problem.fields.len());
        let embedding = self.embedding(problem)?;
        let network = Network::dense(inputs, &self.hidden, outputs, activation)
            .and_then(|network| network.with_embedding(embedding))
            .map_err(|error| wrong(&["hidden"], error.to_string(), "these layers"))?;
        let count = network.parameter_count();
        if count > MOST_PARAMETERS {
            let message =
                format!("expected at most {MOST_PARAMETERS} weights and biases, found {count}");
            return Err(wrong(&["hidden"], message, "too many"));
        }
        Ok(network)
    }

    /// The coordinates along which the network is periodic.
    ///
    /// # Errors
    /// What is no coordinate, too many harmonics or none, or a period that is no positive number.
    pub(crate) fn periods(&self, problem: &Problem) -> Result<Vec<Period>, WrongNetwork> {
        let periods = self.periodic.iter().map(|(name, file)| {
            let wrong = |entry: Option<&str>, message, label, help: &str| WrongNetwork {
                path: ["periodic", name].into_iter().chain(entry).map(str::to_owned).collect(),
                message,
                label,
                help: help.to_owned(),
            };
            let coordinates = &problem.coordinates;
            let Some(axis) = coordinates.iter().position(|c| c.name == *name) else {
                let names: Vec<String> = coordinates.iter().map(|c| c.name.clone()).collect();
                let message = format!("expected a coordinate to be periodic, found {name:?}");
                return Err(wrong(None, message, "along what?", &did_you_mean(name, &names)));
            };
            let (harmonics, entry, length) = match file {
                PeriodFile::Range(harmonics) => {
                    let range = problem.bounds().get(axis).map_or(0.0, |(low, high)| high - low);
                    (*harmonics, None, range)
                }
                PeriodFile::Length(PeriodTable { harmonics, period }) => {
                    let length = period_length(problem, &period.0).map_err(|message| {
                        let help = "write a number, or a formula in parameters, e.g. \"2*pi\"";
                        wrong(Some("period"), message, "not a period", help)
                    })?;
                    (*harmonics, Some("harmonics"), length)
                }
            };
            if !(1..=MOST_UNITS).contains(&harmonics) {
                let message = format!("expected 1 to {MOST_UNITS} harmonics, found {harmonics}");
                let help = format!("e.g. periodic = {{ {name} = 3 }}");
                return Err(wrong(entry, message, "not a number of harmonics", &help));
            }
            Ok(Period { axis, length, harmonics })
        });
        periods.collect()
    }

    /// What the network sees of the coordinates.
    fn embedding(&self, problem: &Problem) -> Result<Embedding, WrongNetwork> {
        let wrong = |path: &[&str], message: String, label, help: &str| WrongNetwork {
            path: path.iter().map(|&step| step.to_owned()).collect(),
            message,
            label,
            help: help.to_owned(),
        };
        let refused = |path: &'static str| {
            move |error: JetError| wrong(&[path], error.to_string(), "not with this", "change it")
        };
        let bounds = problem.bounds();
        let mut embedding = if self.normalise {
            Embedding::normalise(&bounds).map_err(refused("normalise"))?
        } else {
            Embedding::identity(bounds.len())
        };
        for Period { axis, length, harmonics } in self.periods(problem)? {
            embedding =
                embedding.with_period(axis, length, harmonics).map_err(refused("periodic"))?;
        }
        let Some(features) = self.fourier_features else { return Ok(embedding) };
        if !self.periodic.is_empty() {
            let message = "expected a periodic network or Fourier features, found both".to_owned();
            let help = "remove one of them: random frequencies have no common period";
            return Err(wrong(&["fourier-features"], message, "not with periods", help));
        }
        if !(1..=MOST_UNITS).contains(&features.count) {
            let path = ["fourier-features", "count"];
            let message =
                format!("expected 1 to {MOST_UNITS} random frequencies, found {}", features.count);
            return Err(wrong(&path, message, "not a number of features", "e.g. count = 64"));
        }
        if !(features.scale.is_finite() && features.scale > 0.0) {
            let path = ["fourier-features", "scale"];
            let message = format!("expected a scale above 0, found {}", features.scale);
            let help = "e.g. scale = 1, about one period per unit of a coordinate";
            return Err(wrong(&path, message, "not a deviation", help));
        }
        embedding
            .with_fourier_features(features.count, features.scale, features.seed)
            .map_err(refused("fourier-features"))
    }
}

/// The value of a formula that is above 0, or else what is wrong.
fn period_length(problem: &Problem, formula: &str) -> Result<f64, String> {
    let length = problem.number(formula).map_err(|error| error.message().to_owned())?;
    length
        .filter(|&length| length > 0.0)
        .ok_or_else(|| format!("expected a period above 0, found {formula}"))
}
