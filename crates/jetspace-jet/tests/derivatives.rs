//! Jets against nested dual numbers: every activation, every order, both plans, every instruction
//! set; embeddings and directions.

mod oracle;

use jetspace_jet::{
    Activation, Embedding, Engine, Initialisation, InstructionSet, JetSet, MultiIndex, Network,
    Plan, Points, Real, Strategy, Threads,
};
use num_dual::DualNum;
use oracle::{Nested, Random, columns, relative_error};

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

/// Random parameters of order one, so that activations leave their linear range.
fn parameters(network: &Network, seed: u64) -> Vec<f64> {
    network
        .initialise(Initialisation::GlorotUniform, seed)
        .iter()
        .map(|p: &f64| 1.5 * p + 0.1)
        .collect()
}

fn engine_jets(
    network: &Network,
    jets: &JetSet,
    parameters: &[f64],
    points: &[Vec<f64>],
    strategy: Strategy,
    set: InstructionSet,
) -> Vec<f64> {
    let plan = Plan::new(network, jets, strategy).unwrap();
    let mut engine = Engine::<f64>::with_instruction_set(network, Threads::single(), set);
    let mut out = vec![f64::NAN; network.outputs() * jets.len() * points.len()];
    let columns = columns(points, network.inputs());
    engine.jets(&plan, parameters, Points::new(points.len(), &columns), &mut out).unwrap();
    out
}

#[test]
fn all_derivatives_to_order_4_in_3_coordinates_match_dual_numbers() {
    let jets = JetSet::new(3).unwrap().with_order(4).unwrap();
    let points = Random(1).points(11, 3);
    for activation in ACTIVATIONS {
        let network = Network::dense(3, &[7, 5], 2, activation).unwrap();
        let parameters = parameters(&network, 5);
        let expected =
            oracle::jets(&network, &jets, &parameters, &points, &|_| vec![], &|x| x.to_vec());
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            for set in InstructionSet::available() {
                let found = engine_jets(&network, &jets, &parameters, &points, strategy, set);
                let error = relative_error(&found, &expected, points.len());
                // Identity: derivatives above the first vanish; the scale is then the oracle's 0.
                assert!(error <= 1e-12, "{activation} {strategy:?} {set}: {error:e}");
            }
        }
    }
}

#[test]
fn single_precision_matches_to_1e_4() {
    let jets = JetSet::new(3).unwrap().with_order(4).unwrap();
    let points: Vec<Vec<f64>> = Random(2)
        .points(9, 3)
        .into_iter()
        .map(|p| p.into_iter().map(|x| f32::from_f64(x).to_f64()).collect())
        .collect();
    for activation in ACTIVATIONS {
        let network = Network::dense(3, &[7, 5], 1, activation).unwrap();
        let single: Vec<f32> = parameters(&network, 6).iter().map(|&p| f32::from_f64(p)).collect();
        let double: Vec<f64> = single.iter().map(|&p| f64::from(p)).collect();
        let expected =
            oracle::jets(&network, &jets, &double, &points, &|_| vec![], &|x| x.to_vec());
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            let plan = Plan::new(&network, &jets, strategy).unwrap();
            let mut engine = Engine::<f32>::new(&network, Threads::single());
            let mut out = vec![0.0_f32; jets.len() * points.len()];
            let columns: Vec<f32> = columns(&points, 3).iter().map(|&x| f32::from_f64(x)).collect();
            engine.jets(&plan, &single, Points::new(points.len(), &columns), &mut out).unwrap();
            let found: Vec<f64> = out.iter().map(|&x| f64::from(x)).collect();
            let error = relative_error(&found, &expected, points.len());
            assert!(error <= 1e-4, "{activation} {strategy:?}: {error:e}");
        }
    }
}

#[test]
fn sparse_jet_sets_with_combinations_match() {
    let index = |e: &[u8]| MultiIndex::new(e).unwrap();
    let one = |d| JetSet::new(d).unwrap();
    let sets = [
        one(2),
        one(2).with_order(1).unwrap(),
        one(1).with_order(2).unwrap(),
        one(2).with_order(2).unwrap(),
        one(2).with_laplacian(&[0, 1]).unwrap(),
        one(3).with_laplacian(&[0, 1, 2]).unwrap(),
        one(3).with_laplacian(&[1]).unwrap(),
        one(2).with_order(1).unwrap().with_derivative(index(&[0, 3])).unwrap(),
        one(2).with_derivative(index(&[1, 3])).unwrap(),
        // Biharmonic operator, and a first-order transport term, as collapsed components.
        one(2)
            .with_combination(&[(index(&[4]), 1.0), (index(&[2, 2]), 2.0), (index(&[0, 4]), 1.0)])
            .unwrap()
            .with_combination(&[(index(&[1]), 0.3), (index(&[0, 1]), -2.0), (index(&[1, 1]), 0.5)])
            .unwrap(),
        one(8).with_order(1).unwrap().with_laplacian(&[0, 3, 7]).unwrap(),
        one(8).with_order(2).unwrap(),
    ];
    for jets in &sets {
        let d = jets.coordinates();
        for (outputs, hidden) in [(1, &[6, 9][..]), (3, &[4]), (2, &[]), (1, &[1, 1, 1])] {
            let network = Network::dense(d, hidden, outputs, Activation::Tanh).unwrap();
            let parameters = parameters(&network, 9);
            let points = Random(3).points(5, d);
            let expected =
                oracle::jets(&network, jets, &parameters, &points, &|_| vec![], &|x| x.to_vec());
            for strategy in [Strategy::Forward, Strategy::Adjoint, Strategy::Cheapest] {
                let set = InstructionSet::best();
                let found = engine_jets(&network, jets, &parameters, &points, strategy, set);
                let error = relative_error(&found, &expected, points.len());
                assert!(error <= 1e-12, "{jets} on {network} {strategy:?}: {error:e}");
            }
        }
    }
}

#[test]
fn a_collapsed_laplacian_is_the_sum_of_its_parts() {
    let network = Network::dense(3, &[20, 20], 2, Activation::Silu).unwrap();
    let parameters = parameters(&network, 3);
    let points = Random(4).points(100, 3);
    let full = JetSet::new(3).unwrap().with_order(2).unwrap();
    let collapsed = JetSet::new(3).unwrap().with_laplacian(&[0, 1, 2]).unwrap();
    let at = |axis| full.position(MultiIndex::from_variables(&[axis, axis]).unwrap()).unwrap();
    let laplacian = collapsed.combination_position(0).unwrap();
    for strategy in [Strategy::Forward, Strategy::Adjoint] {
        let set = InstructionSet::best();
        let parts = engine_jets(&network, &full, &parameters, &points, Strategy::Forward, set);
        let whole = engine_jets(&network, &collapsed, &parameters, &points, strategy, set);
        for (output, point) in (0..2).flat_map(|o| (0..100).map(move |p| (o, p))) {
            let part = |axis| parts[(output * full.len() + at(axis)) * 100 + point];
            let found = whole[(output * collapsed.len() + laplacian) * 100 + point];
            let size = part(0).abs() + part(1).abs() + part(2).abs();
            assert!((found - part(0) - part(1) - part(2)).abs() <= 1e-13 * size.max(1.0));
        }
    }
}

#[test]
fn a_network_without_inputs_is_a_constant() {
    let network = Network::dense(0, &[4], 1, Activation::Tanh).unwrap();
    let parameters = parameters(&network, 1);
    let points = vec![vec![]; 5];
    let jets = JetSet::new(0).unwrap();
    let set = InstructionSet::best();
    let found = engine_jets(&network, &jets, &parameters, &points, Strategy::Cheapest, set);
    assert!(found[0].is_finite() && found.iter().all(|u| *u == found[0]));
}

#[test]
fn embeddings_match() {
    let jets = JetSet::new(2).unwrap().with_order(4).unwrap();
    let bounds = [(-1.0, 1.0), (0.0, 5.0)];
    let normal = Embedding::normalise(&bounds).unwrap();
    let periodic = normal.clone().with_period(0, 2.0, 2).unwrap();
    let scale = |x: &[Nested]| vec![x[0], (x[1] - 2.5) * 0.4];
    let waves = move |x: &[Nested]| {
        let y = scale(x);
        let pi = std::f64::consts::PI;
        vec![
            (x[0] * pi).sin(),
            (x[0] * pi).cos(),
            (x[0] * 2.0 * pi).sin(),
            (x[0] * 2.0 * pi).cos(),
            y[1],
        ]
    };
    let cases: [(Embedding, oracle::Embed<'_>); 2] = [(normal, &scale), (periodic, &waves)];
    for (embedding, embed) in cases {
        let network = Network::dense(2, &[6, 4], 2, Activation::Tanh).unwrap();
        let network = network.with_embedding(embedding).unwrap();
        let parameters = parameters(&network, 4);
        let points: Vec<Vec<f64>> =
            Random(8).points(10, 2).into_iter().map(|p| vec![p[0], 2.5 + 2.5 * p[1]]).collect();
        let expected = oracle::jets(&network, &jets, &parameters, &points, &|_| vec![], embed);
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            let set = InstructionSet::best();
            let found = engine_jets(&network, &jets, &parameters, &points, strategy, set);
            let error = relative_error(&found, &expected, points.len());
            assert!(error <= 1e-12, "{strategy:?}: {error:e}");
        }
    }
}

#[test]
fn periodic_embeddings_are_periodic() {
    let embedding = Embedding::identity(1).with_period(0, 2.0, 3).unwrap();
    let network =
        Network::dense(1, &[8], 1, Activation::Tanh).unwrap().with_embedding(embedding).unwrap();
    let parameters = parameters(&network, 2);
    let jets = JetSet::new(1).unwrap().with_order(3).unwrap();
    let at = |x: f64| {
        let points = [vec![x]];
        engine_jets(
            &network,
            &jets,
            &parameters,
            &points,
            Strategy::Forward,
            InstructionSet::best(),
        )
    };
    let error = relative_error(&at(-1.0), &at(1.0), 1);
    assert!(error < 1e-13, "{error:e}");
}

#[test]
fn fourier_features_have_consistent_derivatives() {
    let embedding = Embedding::identity(2).with_fourier_features(5, 1.0, 3).unwrap();
    let network =
        Network::dense(2, &[6], 1, Activation::Tanh).unwrap().with_embedding(embedding).unwrap();
    let parameters = parameters(&network, 2);
    let jets = JetSet::new(2).unwrap().with_order(3).unwrap();
    let at = |x: f64, y: f64| {
        let points = [vec![x, y]];
        engine_jets(
            &network,
            &jets,
            &parameters,
            &points,
            Strategy::Cheapest,
            InstructionSet::best(),
        )
    };
    // Component order: u, u_x, u_y, u_xx, u_xy, u_yy, u_xxx, …: central differences in x.
    let (h, x, y) = (1e-5, 0.3, -0.2);
    let (plus, minus, here) = (at(x + h, y), at(x - h, y), at(x, y));
    for (lower, higher) in [(0, 1), (1, 3), (2, 4), (3, 6)] {
        let difference = (plus[lower] - minus[lower]) / (2.0 * h);
        assert!((difference - here[higher]).abs() < 1e-6 * here[higher].abs().max(1.0));
    }
}

#[test]
fn directions_are_given_per_point() {
    // u, D_v u, D_v D_v u and D_w u_x, with v and w different at every point.
    let of = |v: &[usize]| MultiIndex::from_variables(v).unwrap();
    let jets = JetSet::new(3).unwrap().with_directions(2).unwrap();
    let jets = jets.with_derivative(of(&[3, 3])).unwrap().with_derivative(of(&[0, 4])).unwrap();
    let network = Network::dense(3, &[8, 5], 1, Activation::Tanh).unwrap();
    let parameters = parameters(&network, 1);
    let mut random = Random(5);
    let points = random.points(37, 3);
    let vectors: Vec<Vec<Vec<f64>>> = (0..37).map(|_| random.points(2, 3)).collect();
    let expected =
        oracle::jets(&network, &jets, &parameters, &points, &|p| vectors[p].clone(), &|x| {
            x.to_vec()
        });
    let directions: Vec<f64> = (0..2)
        .flat_map(|j| (0..3).map(move |i| (j, i)))
        .flat_map(|(j, i)| vectors.iter().map(move |v| v[j][i]))
        .collect();
    let columns = columns(&points, 3);
    for strategy in [Strategy::Forward, Strategy::Adjoint] {
        let plan = Plan::new(&network, &jets, strategy).unwrap();
        let mut engine = Engine::<f64>::new(&network, Threads::single());
        let mut out = vec![0.0; jets.len() * 37];
        let at = Points::new(37, &columns).with_directions(&directions);
        engine.jets(&plan, &parameters, at, &mut out).unwrap();
        let error = relative_error(&out, &expected, 37);
        assert!(error <= 1e-12, "{strategy:?}: {error:e}");
    }
}
