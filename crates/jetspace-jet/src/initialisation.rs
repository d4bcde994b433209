//! Random starting parameters, from counter-based streams: the same seed gives the same numbers on
//! every machine, in whatever order things are computed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Real;
use crate::network::Network;

/// How weights and biases are drawn. n_in and n_out are a layer's inputs and units.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initialisation {
    /// PyTorch's `nn.Linear` default: weights and biases from U(±1/√n_in).
    PyTorch,
    /// Weights from U(±√(6/(n_in + n_out))), biases 0 (Glorot & Bengio 2010).
    GlorotUniform,
    /// Weights from N(0, 2/(n_in + n_out)), biases 0 (Glorot & Bengio 2010).
    GlorotNormal,
    /// Weights from N(0, 2/n_in), biases 0 (He et al. 2015).
    He,
    /// SIREN (Sitzmann et al. 2020, §3.2): first layer U(±1/n_in), later ones U(±√(6/n_in)/ω),
    /// biases U(±1/√n_in) as in the authors' code.
    Siren {
        /// ω of the sine activations.
        frequency: f64,
    },
}

/// A stream of random numbers for one purpose.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    fn new(seed: u64, purpose: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(purpose);
        Self(generator)
    }

    /// The stream of a layer's weights and biases.
    fn layer(seed: u64, layer: usize) -> Self {
        Self::new(seed, 1 + layer as u64)
    }

    /// The stream of random Fourier features.
    pub fn fourier_features(seed: u64) -> Self {
        Self::new(seed, 0)
    }

    /// Uniform in [0, 1), 53 bits.
    #[allow(clippy::cast_precision_loss)] // 53 bits fit exactly.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// Uniform in [−bound, bound).
    fn uniform(&mut self, bound: f64) -> f64 {
        bound * (2.0 * self.unit() - 1.0)
    }

    /// Standard normal (Box & Muller 1958); `libm`, so that the bits do not depend on the platform.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}

impl Network {
    /// Random parameters for this network; the same seed gives the same numbers.
    ///
    /// They are drawn as `f64` and rounded, so that an `f32` run starts at the same point.
    #[must_use]
    pub fn initialise<T: Real>(&self, how: Initialisation, seed: u64) -> Vec<T> {
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for (i, (inputs, units)) in self.shapes().enumerate() {
            let mut stream = Stream::layer(seed, i);
            #[allow(clippy::cast_precision_loss)] // Widths are far below 2^52.
            let (fan_in, fan_out) = (inputs.max(1) as f64, units as f64);
            let bias = 1.0 / fan_in.sqrt();
            let (weight, bias) = match how {
                Initialisation::PyTorch => (Draw::Uniform(bias), bias),
                Initialisation::GlorotUniform => {
                    (Draw::Uniform((6.0 / (fan_in + fan_out)).sqrt()), 0.0)
                }
                Initialisation::GlorotNormal => {
                    (Draw::Normal((2.0 / (fan_in + fan_out)).sqrt()), 0.0)
                }
                Initialisation::He => (Draw::Normal((2.0 / fan_in).sqrt()), 0.0),
                Initialisation::Siren { .. } if i == 0 => (Draw::Uniform(1.0 / fan_in), bias),
                Initialisation::Siren { frequency } => {
                    (Draw::Uniform((6.0 / fan_in).sqrt() / frequency), bias)
                }
            };
            for _ in 0..inputs * units {
                parameters.push(T::from_f64(match weight {
                    Draw::Uniform(bound) => stream.uniform(bound),
                    Draw::Normal(deviation) => deviation * stream.normal(),
                }));
            }
            parameters.extend((0..units).map(|_| T::from_f64(stream.uniform(bias) + 0.0)));
        }
        parameters
    }
}

enum Draw {
    Uniform(f64),
    Normal(f64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;

    #[test]
    fn seeds_decide_everything() {
        let network = Network::dense(2, &[20, 30], 1, Activation::Tanh).unwrap();
        let draw = |seed| network.initialise::<f64>(Initialisation::PyTorch, seed);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let single: Vec<f32> = network.initialise(Initialisation::PyTorch, 1);
        #[allow(clippy::cast_possible_truncation)]
        let rounded: Vec<f32> = draw(1).iter().map(|&p| p as f32).collect();
        assert_eq!(single, rounded);
    }

    #[test]
    fn moments_are_those_of_the_schemes() {
        // Second layer: 200 inputs, 300 units; the standard error of a variance of n draws is
        // below var·√(2/n), n = 60 000: five of them are 3 %.
        let network = Network::dense(3, &[200, 300], 1, Activation::Tanh).unwrap();
        let variance = |how| {
            let p: Vec<f64> = network.initialise(how, 3);
            let w = &p[4 * 200..4 * 200 + 200 * 300];
            let mean = w.iter().sum::<f64>() / w.len() as f64;
            assert!(mean.abs() < 1e-3);
            w.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / w.len() as f64
        };
        for (how, expected) in [
            (Initialisation::PyTorch, 1.0 / (3.0 * 200.0)),
            (Initialisation::GlorotUniform, 2.0 / 500.0),
            (Initialisation::GlorotNormal, 2.0 / 500.0),
            (Initialisation::He, 2.0 / 200.0),
            (Initialisation::Siren { frequency: 30.0 }, 2.0 / 200.0 / 900.0),
        ] {
            let ratio = variance(how) / expected;
            assert!((ratio - 1.0).abs() < 0.03, "{how:?}: {ratio}");
        }
    }
}
