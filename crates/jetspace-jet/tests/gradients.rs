//! Gradients and Jacobians against dual numbers, finite differences and each other.

mod oracle;

use jetspace_jet::{
    Activation, Batch, Component, CotangentTile, Embedding, Engine, Initialisation, InstructionSet,
    JetError, JetSet, JetTile, MultiIndex, Network, ParameterMap, Plan, Points, Strategy, Threads,
};
use oracle::{Random, columns};

const ACTIVATIONS: [Activation; 8] = [
    Activation::Tanh,
    Activation::Sine { frequency: 1.5 },
    Activation::Cosine { frequency: 0.7 },
    Activation::Sigmoid,
    Activation::Softplus { beta: 2.0 },
    Activation::Silu,
    Activation::Gelu,
    Activation::Identity,
];

fn parameters(network: &Network, seed: u64) -> Vec<f64> {
    network
        .initialise(Initialisation::GlorotUniform, seed)
        .iter()
        .map(|p: &f64| 1.5 * p + 0.1)
        .collect()
}

/// Fixed cotangents: the objective Σ weights · jets, linear in the jets, so that its gradient is
/// known through the oracle. Layout `[output][component][point]`.
fn linear_loss(
    weights: &[f64],
    outputs: usize,
    components: usize,
    points: usize,
) -> impl Fn(&JetTile<'_, f64>, &mut CotangentTile<'_, f64>) -> f64 + Sync + '_ {
    move |jets, cotangents| {
        let mut sum = 0.0;
        for o in 0..outputs {
            for c in 0..components {
                let weights = &weights[(o * components + c) * points..][jets.range()];
                cotangents.component_mut(o, c).copy_from_slice(weights);
                sum += jets.component(o, c).iter().zip(weights).map(|(j, w)| j * w).sum::<f64>();
            }
        }
        sum
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[test]
fn parameter_and_input_gradients_match_dual_numbers() {
    let jets = JetSet::new(2).unwrap().with_order(4).unwrap();
    let points = Random(1).points(5, 2);
    let columns = columns(&points, 2);
    for activation in ACTIVATIONS {
        let network = Network::dense(2, &[6, 5], 2, activation).unwrap();
        let parameters = parameters(&network, 3);
        let mut random = Random(7);
        let weights = random.many(2 * jets.len() * 5);
        let direction = random.many(parameters.len());
        let shift = random.points(5, 2);
        let (mut by_parameters, mut by_inputs) = (0.0, 0.0);
        let mut scale = 0.0;
        let indices: Vec<MultiIndex> = jets
            .components()
            .map(|component| match component {
                Component::Derivative(index) => index,
                Component::Combination(_) => unreachable!("the set has derivatives only"),
            })
            .collect();
        for (p, point) in points.iter().enumerate() {
            for (c, &index) in indices.iter().enumerate() {
                let still = vec![0.0; parameters.len()];
                let along =
                    oracle::tangent(&network, (&parameters, &direction), (point, &[0.0; 2]), index);
                let across =
                    oracle::tangent(&network, (&parameters, &still), (point, &shift[p]), index);
                for o in 0..2 {
                    let weight = weights[(o * jets.len() + c) * 5 + p];
                    by_parameters += weight * along[o];
                    by_inputs += weight * across[o];
                    scale += (weight * along[o]).abs();
                }
            }
        }
        let shift_columns: Vec<f64> = oracle::columns(&shift, 2);
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            for set in InstructionSet::available() {
                let plan = Plan::new(&network, &jets, strategy).unwrap();
                let mut engine = Engine::with_instruction_set(&network, Threads::single(), set);
                let loss = linear_loss(&weights, 2, jets.len(), 5);
                let mut gradient = vec![f64::NAN; parameters.len()];
                let mut input_gradient = vec![f64::NAN; 10];
                let batch = Batch::new(&plan, Points::new(5, &columns), &loss)
                    .with_input_gradient(&mut input_gradient);
                engine.gradient(&parameters, &[batch], &mut gradient).unwrap();
                let error = (dot(&gradient, &direction) - by_parameters).abs() / scale;
                assert!(error < 1e-13, "{activation} {strategy:?} {set}: parameters {error:e}");
                let error = (dot(&input_gradient, &shift_columns) - by_inputs).abs() / scale;
                assert!(error < 1e-13, "{activation} {strategy:?} {set}: inputs {error:e}");
            }
        }
    }
}

/// A nonlinear residual of all jets: r_i = Σ_c (1 + 0.1 i) sin(jet_c) jet_{c+1}, two per point.
fn residual(jets: &[Vec<f64>], i: usize) -> (f64, Vec<f64>) {
    let n = jets.len();
    let scale = 1.0 + 0.1 * i as f64;
    let flat: Vec<f64> = jets.iter().map(|j| j[0]).collect();
    let mut value = 0.0;
    let mut slope = vec![0.0; n];
    for c in 0..n {
        let next = (c + 1 + i) % n;
        value += scale * flat[c].sin() * flat[next];
        slope[c] += scale * flat[c].cos() * flat[next];
        slope[next] += scale * flat[c].sin();
    }
    (value, slope)
}

fn gather(jets: &JetTile<'_, f64>, outputs: usize, components: usize, p: usize) -> Vec<Vec<f64>> {
    (0..outputs * components)
        .map(|row| vec![jets.component(row / components, row % components)[p]])
        .collect()
}

struct Case {
    network: Network,
    jets: JetSet,
    strategy: Strategy,
    points: usize,
}

fn cases() -> Vec<Case> {
    let jets = |d| JetSet::new(d).unwrap();
    let mut cases = Vec::new();
    for strategy in [Strategy::Forward, Strategy::Adjoint] {
        for (network, jets) in [
            (Network::dense(2, &[7, 6], 1, Activation::Tanh), jets(2).with_order(2)),
            (Network::dense(2, &[7, 6], 3, Activation::Silu), jets(2).with_laplacian(&[0, 1])),
            (Network::dense(1, &[5], 2, Activation::Gelu), jets(1).with_order(4)),
            (Network::dense(3, &[], 2, Activation::Tanh), jets(3).with_order(1)),
            (Network::dense(2, &[4, 4], 1, Activation::Tanh), jets(2).with_order(1)),
        ] {
            let (network, jets) = (network.unwrap(), jets.unwrap());
            cases.push(Case { network, jets, strategy, points: 23 });
        }
    }
    let embedding = Embedding::identity(2).with_period(0, 2.0, 2).unwrap();
    let network = Network::dense(2, &[6], 1, Activation::Tanh).unwrap().with_embedding(embedding);
    for strategy in [Strategy::Forward, Strategy::Adjoint] {
        let (network, jets) = (network.clone().unwrap(), jets(2).with_order(3).unwrap());
        cases.push(Case { network, jets, strategy, points: 9 });
    }
    cases
}

#[test]
fn jacobian_rows_products_and_gradients_agree() {
    for case in cases() {
        let Case { network, jets, strategy, points } = case;
        let name = format!("{network} {jets} {strategy:?}");
        let (outputs, components) = (network.outputs(), jets.len());
        let plan = Plan::new(&network, &jets, strategy).unwrap();
        let theta = parameters(&network, 11);
        let count = theta.len();
        let mut random = Random(13);
        let at = random.points(points, network.inputs());
        let columns = columns(&at, network.inputs());
        let at = Points::new(points, &columns);
        let mut engine = Engine::<f64>::new(&network, Threads::single());
        let linearise = |jets: &JetTile<'_, f64>, i: usize, out: &mut CotangentTile<'_, f64>| {
            for p in 0..jets.range().len() {
                let (_, slope) = residual(&gather(jets, outputs, components, p), i);
                for (row, slope) in slope.iter().enumerate() {
                    out.component_mut(row / components, row % components)[p] = *slope;
                }
            }
        };
        let v = random.many(count);
        let w = random.many(points * 2);
        let mut rows = vec![f64::NAN; points * 2 * count];
        engine.jacobian(&plan, &theta, at, 2, &linearise, &mut rows).unwrap();
        let mut jv = vec![f64::NAN; points * 2];
        engine.jacobian_times(&plan, &theta, at, 2, &linearise, &v, &mut jv).unwrap();
        let mut jtw = vec![f64::NAN; count];
        engine.jacobian_transposed_times(&plan, &theta, at, 2, &linearise, &w, &mut jtw).unwrap();

        // ⟨Jv, w⟩ = ⟨v, Jᵀw⟩, and both with the rows.
        let scale = norm(&jv) * norm(&w);
        let error = (dot(&jv, &w) - dot(&v, &jtw)).abs() / scale;
        assert!(error < 1e-12, "{name}: dot-product test {error:e}");
        for (row, jv) in rows.chunks(count).zip(&jv) {
            assert!((dot(row, &v) - jv).abs() < 1e-12 * norm(row) * norm(&v), "{name}: rows · v");
        }
        let mut by_rows = vec![0.0; count];
        for (row, w) in rows.chunks(count).zip(&w) {
            by_rows.iter_mut().zip(row).for_each(|(sum, r)| *sum += r * w);
        }
        let difference: Vec<f64> = by_rows.iter().zip(&jtw).map(|(a, b)| a - b).collect();
        assert!(norm(&difference) < 1e-12 * norm(&jtw), "{name}: rowsᵀ · w");

        // Finite differences of the residuals along v.
        let mut residuals = |step: f64| -> Vec<f64> {
            let moved: Vec<f64> = theta.iter().zip(&v).map(|(t, v)| t + step * v).collect();
            let mut out = vec![0.0; outputs * components * points];
            engine.jets(&plan, &moved, at, &mut out).unwrap();
            (0..points * 2)
                .map(|pi| {
                    let here = (0..outputs * components).map(|r| vec![out[r * points + pi / 2]]);
                    residual(&here.collect::<Vec<_>>(), pi % 2).0
                })
                .collect()
        };
        let h = 2e-5;
        let (p2, p1, m1, m2) =
            (residuals(2.0 * h), residuals(h), residuals(-h), residuals(-2.0 * h));
        for i in 0..points * 2 {
            let difference = (8.0 * (p1[i] - m1[i]) - (p2[i] - m2[i])) / (12.0 * h);
            let error = (difference - jv[i]).abs() / norm(&jv);
            assert!(error < 1e-7, "{name}: finite differences {error:e}");
        }
    }
}

#[test]
fn tied_weights_have_the_tied_gradient() {
    let network = Network::dense(2, &[4], 1, Activation::Tanh).unwrap();
    let weights = network.parameter_count();
    // Each parameter makes two weights, the second with flipped sign and half the size.
    let rows: Vec<Vec<(usize, f64)>> =
        (0..weights).map(|w| vec![(w / 2, if w % 2 == 0 { 1.0 } else { -0.5 })]).collect();
    let count = weights.div_ceil(2);
    let map = ParameterMap::sparse(count, &rows).unwrap();
    let jets = JetSet::new(2).unwrap().with_order(2).unwrap();
    let plan = Plan::new(&network, &jets, Strategy::Cheapest).unwrap();
    let theta = Random(1).many(count);
    let points = Random(2).points(12, 2);
    let columns = columns(&points, 2);
    let at = Points::new(12, &columns);
    let weights_of_loss = Random(3).many(jets.len() * 12);
    let loss = linear_loss(&weights_of_loss, 1, jets.len(), 12);

    let mut tied =
        Engine::new(&network, Threads::single()).with_parameter_map(map.clone()).unwrap();
    let mut free = Engine::new(&network, Threads::single());
    let mut gradient = vec![0.0; count];
    let value = tied.gradient(&theta, &[Batch::new(&plan, at, &loss)], &mut gradient).unwrap();
    let mut full = vec![0.0; weights];
    let expanded = map.expand(&theta).into_owned();
    let same = free.gradient(&expanded, &[Batch::new(&plan, at, &loss)], &mut full).unwrap();
    assert_eq!(value.to_bits(), same.to_bits());
    let mut expected = vec![0.0; count];
    map.pull_back(&full, &mut expected);
    assert_eq!(gradient, expected);

    // Rows and products go through the map too.
    let linearise = |_: &JetTile<'_, f64>, _: usize, out: &mut CotangentTile<'_, f64>| {
        out.component_mut(0, 3).fill(1.0);
    };
    let v = Random(4).many(count);
    let (mut rows, mut jv) = (vec![0.0; 12 * count], vec![0.0; 12]);
    tied.jacobian(&plan, &theta, at, 1, &linearise, &mut rows).unwrap();
    tied.jacobian_times(&plan, &theta, at, 1, &linearise, &v, &mut jv).unwrap();
    for (row, jv) in rows.chunks(count).zip(&jv) {
        assert!((dot(row, &v) - jv).abs() < 1e-13);
    }
    // Factors would be those of the weights.
    let factors = tied.jacobian_factors(&plan, &theta, at, 1, &linearise, &mut []);
    assert_eq!(factors, Err(JetError::MappedFactors));
}

#[test]
fn wrong_lengths_are_errors() {
    let network = Network::dense(2, &[4], 1, Activation::Tanh).unwrap();
    let jets = JetSet::new(2).unwrap();
    let plan = Plan::new(&network, &jets, Strategy::Cheapest).unwrap();
    let other = Network::dense(2, &[4], 2, Activation::Tanh).unwrap();
    let foreign = Plan::new(&other, &jets, Strategy::Cheapest).unwrap();
    let theta = vec![0.0; network.parameter_count()];
    let mut engine = Engine::<f64>::new(&network, Threads::single());
    let points = Points::new(2, &[0.0; 4]);
    assert!(engine.jets(&plan, &theta[1..], points, &mut [0.0; 2]).is_err());
    assert!(engine.jets(&plan, &theta, points, &mut [0.0; 3]).is_err());
    assert!(engine.jets(&foreign, &theta, points, &mut [0.0; 4]).is_err());
    assert!(engine.jets(&plan, &theta, Points::new(3, &[0.0; 4]), &mut [0.0; 3]).is_err());
    let message = engine.jets(&plan, &theta, points, &mut [0.0; 3]).unwrap_err().to_string();
    assert_eq!(message, "numbers in the output: expected 2, found 3");
    let loss = |_: &JetTile<'_, f64>, _: &mut CotangentTile<'_, f64>| 0.0;
    let mut short = [0.0; 3];
    let nothing = |_: &JetTile<'_, f64>, _: usize, _: &mut CotangentTile<'_, f64>| {};
    // Of each of two points: 4 and 2 cotangents and activations, then 1 and 4.
    for (points, length, fits) in [(points, 22, true), (points, 21, false), (points, 0, false)] {
        let result =
            engine.jacobian_factors(&plan, &theta, points, 1, &nothing, &mut vec![0.0; length]);
        assert_eq!(result.is_ok(), fits);
    }
    assert!(
        engine.jacobian_factors(&plan, &theta[1..], points, 1, &nothing, &mut [0.0; 22]).is_err()
    );
    let batch = Batch::new(&plan, points, &loss).with_input_gradient(&mut short);
    assert!(engine.gradient(&theta, &[batch], &mut theta.clone()).is_err());
    let map = ParameterMap::<f64>::sparse(1, &[vec![(0, 1.0)]]).unwrap();
    assert!(Engine::new(&network, Threads::single()).with_parameter_map(map).is_err());
}
