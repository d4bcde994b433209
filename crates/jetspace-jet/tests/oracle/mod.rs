//! An oracle that shares nothing with the engine: the network written out for dual numbers, nested
//! four deep, so that any derivative up to order 4 is one coefficient of one evaluation.

#![allow(dead_code)] // Each test file uses its part.

use jetspace_jet::{Activation, Component, JetSet, MultiIndex, Network};
use num_dual::{Dual, DualNum};

/// Four nested dual numbers: f(x + ε₁v₁ + … + ε₄v₄) up to the coefficient of ε₁ε₂ε₃ε₄.
pub type Nested = Dual<Dual<Dual<Dual<f64>>>>;

/// A map from coordinates to the features that the first dense layer sees.
pub type Embed<'a> = &'a dyn Fn(&[Nested]) -> Vec<Nested>;

/// x with a 1 in the infinitesimal of every level for which `seeded` holds.
fn variable(x: f64, seeded: [f64; 4]) -> Nested {
    let mut number = Nested::from(x);
    number.eps.re.re.re = seeded[0];
    number.re.eps.re.re = seeded[1];
    number.re.re.eps.re = seeded[2];
    number.re.re.re.eps = seeded[3];
    number
}

/// The coefficient of the first `order` infinitesimals' product.
fn coefficient(number: &Nested, order: usize) -> f64 {
    let a = if order >= 1 { number.eps } else { number.re };
    let b = if order >= 2 { a.eps } else { a.re };
    let c = if order >= 3 { b.eps } else { b.re };
    if order >= 4 { c.eps } else { c.re }
}

/// One level more, for the derivative along a direction of the parameters or of the point.
pub type Tangent = Dual<Nested>;

/// A number that the network can be written for.
pub trait Number: DualNum<Primitive = f64> + Copy {}
impl<D: DualNum<Primitive = f64> + Copy> Number for D {}

/// Φ(z) = ½ + φ(z) Σ z^(2n+1)/(2n+1)!! (Abramowitz & Stegun 26.2.11), for |z| ≲ 6.
fn normal_distribution<D: Number>(z: D) -> D {
    let square = z * z;
    let mut term = z;
    let mut sum = z;
    for n in 1..200 {
        term = term * square / f64::from(2 * n + 1);
        sum += term;
    }
    let density = (square * -0.5).exp() * (1.0 / std::f64::consts::TAU.sqrt());
    density * sum + 0.5
}

pub fn activate<D: Number>(activation: Activation, z: D) -> D {
    let sigmoid = |z: D| ((-z).exp() + 1.0).recip();
    match activation {
        Activation::Tanh => z.tanh(),
        Activation::Sine { frequency } => (z * frequency).sin(),
        Activation::Cosine { frequency } => (z * frequency).cos(),
        Activation::Sigmoid => sigmoid(z),
        Activation::Softplus { beta } => (z * beta).exp().ln_1p() / beta,
        Activation::Silu => z * sigmoid(z),
        Activation::Gelu => z * normal_distribution(z),
        Activation::Identity => z,
        other => panic!("the oracle does not know {other}"),
    }
}

/// The dense layers of the network (no embedding) applied to dual numbers.
pub fn dense_layers<D: Number>(network: &Network, parameters: &[D], features: Vec<D>) -> Vec<D> {
    let mut at = 0;
    let mut values = features;
    for ((inputs, units), layer) in network.shapes().zip(network.layers()) {
        let (w, b) = parameters[at..at + (inputs + 1) * units].split_at(inputs * units);
        at += (inputs + 1) * units;
        values = (0..units)
            .map(|r| {
                let mut z = b[r];
                for (weight, a) in w[r * inputs..][..inputs].iter().zip(&values) {
                    z += *a * *weight;
                }
                activate(layer.activation, z)
            })
            .collect();
    }
    values
}

/// The derivative of D^α u (all outputs) along a direction of the parameters and of the point.
pub fn tangent(
    network: &Network,
    (parameters, parameter_tangent): (&[f64], &[f64]),
    (point, point_tangent): (&[f64], &[f64]),
    index: MultiIndex,
) -> Vec<f64> {
    let variables: Vec<usize> = index.factors().collect();
    let lift = |re: Nested, eps: f64| Tangent { re, eps: Nested::from(eps) };
    let inputs = (0..point.len()).map(|i| {
        let mut seeds = [0.0; 4];
        for (level, &v) in variables.iter().enumerate() {
            seeds[level] = f64::from(u8::from(v == i));
        }
        lift(variable(point[i], seeds), point_tangent[i])
    });
    let parameters: Vec<Tangent> =
        parameters.iter().zip(parameter_tangent).map(|(&p, &t)| lift(Nested::from(p), t)).collect();
    let outputs = dense_layers(network, &parameters, inputs.collect());
    outputs.iter().map(|u| coefficient(&u.eps, variables.len())).collect()
}

/// D^α of all outputs at one point; directions are the vectors of the variables after the
/// coordinates. `embed` maps coordinates to features.
pub fn derivative(
    network: &Network,
    parameters: &[f64],
    point: &[f64],
    directions: &[Vec<f64>],
    index: MultiIndex,
    embed: Embed<'_>,
) -> Vec<f64> {
    let variables: Vec<usize> = index.factors().collect();
    let inputs: Vec<Nested> = point
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            let mut seeds = [0.0; 4];
            for (level, &v) in variables.iter().enumerate() {
                seeds[level] = match v.checked_sub(point.len()) {
                    Some(direction) => directions[direction][i],
                    None => f64::from(u8::from(v == i)),
                };
            }
            variable(x, seeds)
        })
        .collect();
    let parameters: Vec<Nested> = parameters.iter().map(|&p| Nested::from(p)).collect();
    let outputs = dense_layers(network, &parameters, embed(&inputs));
    outputs.iter().map(|u| coefficient(u, variables.len())).collect()
}

/// All jets at all points, in the engine's layout `[output][component][point]`.
pub fn jets(
    network: &Network,
    jets: &JetSet,
    parameters: &[f64],
    points: &[Vec<f64>],
    directions: &dyn Fn(usize) -> Vec<Vec<f64>>,
    embed: Embed<'_>,
) -> Vec<f64> {
    let (outputs, components) = (network.outputs(), jets.len());
    let mut all = vec![0.0; outputs * components * points.len()];
    for (p, point) in points.iter().enumerate() {
        for (c, component) in jets.components().enumerate() {
            let terms = match component {
                Component::Derivative(index) => vec![(index, 1.0)],
                Component::Combination(terms) => terms,
            };
            for (index, weight) in terms {
                let values = derivative(network, parameters, point, &directions(p), index, embed);
                for (o, value) in values.iter().enumerate() {
                    all[(o * components + c) * points.len() + p] += weight * value;
                }
            }
        }
    }
    all
}

/// Points as the engine's columns.
pub fn columns(points: &[Vec<f64>], coordinates: usize) -> Vec<f64> {
    (0..coordinates).flat_map(|i| points.iter().map(move |p| p[i])).collect()
}

/// Largest difference of each component, relative to the component's largest value.
pub fn relative_error(found: &[f64], expected: &[f64], points: usize) -> f64 {
    let mut worst: f64 = 0.0;
    for (found, expected) in found.chunks(points.max(1)).zip(expected.chunks(points.max(1))) {
        let scale = expected.iter().fold(1e-30, |m: f64, x| m.max(x.abs()));
        for (a, b) in found.iter().zip(expected) {
            let error = (a - b).abs() / scale;
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
    }
    worst
}

/// Reproducible pseudo-random numbers in [−1, 1) (SplitMix64), independent of the engine's.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub fn many(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }

    pub fn points(&mut self, n: usize, coordinates: usize) -> Vec<Vec<f64>> {
        (0..n).map(|_| self.many(coordinates)).collect()
    }
}
