//! Properties over random networks, jet sets and numbers of points; determinism over threads;
//! numbers that are not finite.

mod oracle;

use jetspace_jet::{
    Activation, Batch, CotangentTile, Embedding, Engine, Initialisation, InstructionSet, JetSet,
    JetTile, MultiIndex, Network, Plan, Points, Real, Strategy, Threads,
};
use oracle::{Random, columns, relative_error};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

fn activation() -> impl proptest::strategy::Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Tanh),
        Just(Activation::Sine { frequency: 1.3 }),
        Just(Activation::Sigmoid),
        Just(Activation::Softplus { beta: 1.5 }),
        Just(Activation::Silu),
        Just(Activation::Gelu),
    ]
}

/// A jet set of `coordinates` variables from random derivatives of order ≤ 4, and perhaps a
/// collapsed combination.
fn jet_set(coordinates: usize) -> impl proptest::strategy::Strategy<Value = JetSet> {
    let variables = prop::collection::vec(0..coordinates, 1..=4);
    let combination = prop::option::of(prop::collection::vec((variables.clone(), -2.0..2.0), 1..4));
    (prop::collection::vec(variables, 0..4), combination).prop_map(move |(derivatives, terms)| {
        let index = |v: &Vec<usize>| MultiIndex::from_variables(v).unwrap();
        let mut set = JetSet::new(coordinates).unwrap();
        for derivative in &derivatives {
            set = set.with_derivative(index(derivative)).unwrap();
        }
        if let Some(terms) = terms {
            let terms: Vec<_> = terms.iter().map(|(v, w)| (index(v), *w)).collect();
            set = set.with_combination(&terms).unwrap();
        }
        set
    })
}

fn widths() -> impl proptest::strategy::Strategy<Value = Vec<usize>> {
    let width = prop_oneof![4 => 1..40_usize, 1 => Just(1_usize), 1 => 90..=300_usize];
    prop::collection::vec(width, 0..4)
}

/// Numbers of points around the edges of groups and tiles.
fn counts() -> impl proptest::strategy::Strategy<Value = usize> {
    prop_oneof![
        Just(0_usize),
        Just(1),
        Just(7),
        Just(8),
        Just(9),
        Just(15),
        Just(16),
        Just(17),
        Just(63),
        Just(64),
        Just(65),
        Just(127),
        Just(128),
        Just(129),
        Just(255),
        Just(257),
        0..600_usize,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Jets at any number of points are those of the oracle (at up to three of the points), on
    /// every instruction set and with both plans.
    #[test]
    fn jets_of_random_networks_match_dual_numbers(
        (coordinates, jets) in (1..=3_usize).prop_flat_map(|d| (Just(d), jet_set(d))),
        hidden in widths(),
        outputs in 1..=3_usize,
        activation in activation(),
        count in counts(),
        seed in any::<u32>(),
    ) {
        let network = Network::dense(coordinates, &hidden, outputs, activation).unwrap();
        let parameters: Vec<f64> = network.initialise(Initialisation::PyTorch, seed.into());
        let mut random = Random(seed.into());
        let points = random.points(count, coordinates);
        let at = columns(&points, coordinates);
        let chosen: Vec<usize> = [0, count / 2, count.saturating_sub(1)].into_iter().filter(|p| *p < count).collect();
        let some: Vec<Vec<f64>> = chosen.iter().map(|&p| points[p].clone()).collect();
        let expected = oracle::jets(&network, &jets, &parameters, &some, &|_| vec![], &|x| x.to_vec());
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            let plan = Plan::new(&network, &jets, strategy).unwrap();
            for set in InstructionSet::available() {
                let mut engine = Engine::<f64>::with_instruction_set(&network, Threads::single(), set);
                let mut out = vec![f64::NAN; outputs * jets.len() * count];
                engine.jets(&plan, &parameters, Points::new(count, &at), &mut out).unwrap();
                let found: Vec<f64> = (0..outputs * jets.len())
                    .flat_map(|row| chosen.iter().map(move |p| (row, *p)))
                    .map(|(row, p)| out[row * count + p])
                    .collect();
                // Relative to the largest value of any component: deep networks of small weights
                // have high derivatives of 1e-9, which cancel from terms of the size of low ones.
                let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
                for (a, b) in found.iter().zip(&expected) {
                    prop_assert!((a - b).abs() <= 1e-12 * scale, "{network} {jets} {strategy:?} {set}: {a:e} {b:e}");
                }
            }
        }
    }

    /// The gradient of a random linear objective over all points is the sum of the gradients over
    /// the points taken one by one.
    #[test]
    fn gradients_add_up_over_points(
        jets in jet_set(2),
        hidden in widths(),
        count in 1..300_usize,
        seed in any::<u32>(),
    ) {
        let network = Network::dense(2, &hidden, 2, Activation::Tanh).unwrap();
        let parameters: Vec<f64> = network.initialise(Initialisation::PyTorch, seed.into());
        let mut random = Random(seed.into());
        let at = random.many(2 * count);
        let weights = random.many(2 * jets.len() * count);
        let plan = Plan::new(&network, &jets, Strategy::Cheapest).unwrap();
        let mut engine = Engine::<f64>::new(&network, Threads::single());
        let mut run = |first: usize, len: usize| {
            let here: Vec<f64> = (0..2).flat_map(|i| at[i * count + first..][..len].to_vec()).collect();
            let loss = |jets_: &JetTile<'_, f64>, out: &mut CotangentTile<'_, f64>| {
                let mut sum = 0.0;
                for row in 0..2 * jets.len() {
                    let (o, c) = (row / jets.len(), row % jets.len());
                    let from = row * count + first + jets_.range().start;
                    let weights = &weights[from..][..jets_.range().len()];
                    out.component_mut(o, c).copy_from_slice(weights);
                    sum += jets_.component(o, c).iter().zip(weights).map(|(a, b)| a * b).sum::<f64>();
                }
                sum
            };
            let mut gradient = vec![f64::NAN; parameters.len()];
            let batch = Batch::new(&plan, Points::new(len, &here), &loss);
            let value = engine.gradient(&parameters, &[batch], &mut gradient).unwrap();
            (value, gradient)
        };
        let (value, gradient) = run(0, count);
        let (mut sum, mut sums) = (0.0, vec![0.0; parameters.len()]);
        let mut size = vec![0.0; parameters.len()];
        for p in 0..count {
            let (value, gradient) = run(p, 1);
            sum += value;
            for ((s, z), g) in sums.iter_mut().zip(&mut size).zip(&gradient) {
                *s += g;
                *z += g.abs();
            }
        }
        prop_assert!((value - sum).abs() <= 1e-11 * sum.abs().max(1.0));
        let largest = size.iter().fold(0.0_f64, |m, z| m.max(*z));
        for (a, b) in gradient.iter().zip(&sums) {
            prop_assert!((a - b).abs() <= 1e-12 * largest, "{a:e} {b:e}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn factors_multiply_to_the_rows_of_the_jacobian(
        (coordinates, jets) in (1..=3_usize).prop_flat_map(|d| (Just(d), jet_set(d))),
        hidden in widths(),
        outputs in 1..=3_usize,
        residuals in 0..=3_usize,
        count in counts().prop_map(|count| count.min(150)),
        period in any::<bool>(),
        threads in 1..=3_usize,
        seed in any::<u32>(),
    ) {
        let mut embedding = Embedding::identity(coordinates);
        if period {
            embedding = embedding.with_period(0, 1.5, 2).unwrap();
        }
        let network = Network::dense(coordinates, &hidden, outputs, Activation::Tanh).unwrap();
        let network = network.with_embedding(embedding).unwrap();
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            let plan = Plan::new(&network, &jets, strategy).unwrap();
            let name = format!("{network} {jets} {strategy:?}");
            check_factors::<f64>(&name, &network, &plan, count, residuals, threads, seed);
            check_factors::<f32>(&name, &network, &plan, count, residuals, threads, seed);
        }
    }
}

/// The rows of the Jacobian of random linear residuals against what their factors multiply to.
fn check_factors<T: Real>(
    name: &str,
    network: &Network,
    plan: &Plan,
    count: usize,
    residuals: usize,
    threads: usize,
    seed: u32,
) {
    let mut random = Random(seed.into());
    let mut many = |n: usize| random.many(n).into_iter().map(T::from_f64).collect::<Vec<T>>();
    let at = many(network.inputs() * count);
    let components = plan.jets().len();
    let slopes = many(residuals * plan.outputs() * components * count);
    let linearise = |jets: &JetTile<'_, T>, r: usize, out: &mut CotangentTile<'_, T>| {
        for row in 0..plan.outputs() * components {
            let from = (r * plan.outputs() * components + row) * count;
            let slopes = &slopes[from..from + count][jets.range()];
            out.component_mut(row / components, row % components).copy_from_slice(slopes);
        }
    };
    let theta: Vec<T> = network.initialise(Initialisation::PyTorch, seed.into());
    let mut engine = Engine::<T>::new(network, Threads::new(threads).unwrap());
    let points = Points::new(count, &at);
    let mut rows = vec![T::ZERO; count * residuals * theta.len()];
    engine.jacobian(plan, &theta, points, residuals, &linearise, &mut rows).unwrap();

    let layers = engine.factored_layers(plan);
    let width = layers.last().unwrap().activations.end;
    let nan = T::from_f64(f64::NAN);
    let mut factors = vec![nan; count * residuals * width];
    engine.jacobian_factors(plan, &theta, points, residuals, &linearise, &mut factors).unwrap();
    for (row, factors) in rows.chunks(theta.len()).zip(factors.chunks(width)) {
        for layer in &layers {
            let (units, inputs) = (layer.biases.len(), layer.weights.len() / layer.biases.len());
            let d = |c: usize, r: usize| factors[layer.cotangents.clone()][c * units + r].to_f64();
            let a =
                |c: usize, k: usize| factors[layer.activations.clone()][c * inputs + k].to_f64();
            for (at, weight) in row[layer.weights.clone()].iter().enumerate() {
                let products = (0..layer.pairs).map(|c| d(c, at / inputs) * a(c, at % inputs));
                let size: f64 = products.clone().map(f64::abs).sum();
                let rounding = layer.pairs as f64 * T::EPSILON.to_f64() * size;
                let error = (weight.to_f64() - products.sum::<f64>()).abs();
                // Products of f32 may underflow.
                assert!(error <= rounding + 1e-40, "{name} {}: {error:e} {size:e}", T::NAME);
            }
            for (r, bias) in row[layer.biases.clone()].iter().enumerate() {
                assert_eq!(bias.to_f64(), d(0, r));
            }
        }
    }
}

/// Jets, loss, gradients and Jacobian products of one network on `threads` threads, as bits.
fn everything<T: Real>(threads: usize, count: usize, strategy: Strategy) -> Vec<u64> {
    let network = Network::dense(2, &[33, 20], 2, Activation::Tanh).unwrap();
    let theta: Vec<T> = network.initialise(Initialisation::PyTorch, 3);
    let jets = JetSet::new(2).unwrap().with_order(2).unwrap();
    let plan = Plan::new(&network, &jets, strategy).unwrap();
    let value_plan = Plan::new(&network, &JetSet::new(2).unwrap(), strategy).unwrap();
    let at: Vec<T> = Random(5).many(2 * count).into_iter().map(T::from_f64).collect();
    let loss = |jets: &JetTile<'_, T>, out: &mut CotangentTile<'_, T>| {
        let mut sum = 0.0;
        for row in 0..12 {
            let target = out.component_mut(row / 6, row % 6);
            for (slot, value) in target.iter_mut().zip(jets.component(row / 6, row % 6)) {
                *slot = *value * *value;
                sum += value.to_f64().powi(3) / 3.0;
            }
        }
        sum
    };
    let value_loss = |jets: &JetTile<'_, T>, out: &mut CotangentTile<'_, T>| {
        out.component_mut(0, 0).copy_from_slice(jets.component(0, 0));
        jets.component(0, 0).iter().map(|v| v.to_f64().powi(2) / 2.0).sum()
    };
    let linearise = |jets: &JetTile<'_, T>, r: usize, out: &mut CotangentTile<'_, T>| {
        out.component_mut(r, 4).copy_from_slice(jets.component(0, 1));
    };
    let mut engine = Engine::<T>::new(&network, Threads::new(threads).unwrap());
    assert_eq!(engine.threads(), threads);
    let points = Points::new(count, &at);
    let mut out = vec![T::ZERO; 12 * count];
    engine.jets(&plan, &theta, points, &mut out).unwrap();
    let mut gradient = vec![T::ZERO; theta.len()];
    let mut inputs = vec![T::ZERO; 2 * count];
    let batches = [
        Batch::new(&plan, points, &loss).with_input_gradient(&mut inputs),
        Batch::new(&value_plan, points, &value_loss),
    ];
    let value = engine.gradient(&theta, &batches, &mut gradient).unwrap();
    let mut products = vec![T::ZERO; 2 * count];
    engine.jacobian_times(&plan, &theta, points, 2, &linearise, &theta, &mut products).unwrap();
    let numbers = out.iter().chain(&gradient).chain(&inputs).chain(&products);
    numbers.map(|x| x.to_f64().to_bits()).chain([value.to_bits()]).collect()
}

#[test]
fn results_have_the_same_bits_on_any_number_of_threads() {
    for count in [0, 1, 65, 10_007] {
        for strategy in [Strategy::Forward, Strategy::Adjoint] {
            let (single, double) =
                (everything::<f32>(1, count, strategy), everything::<f64>(1, count, strategy));
            for threads in [2, 3, 7] {
                assert!(
                    single == everything::<f32>(threads, count, strategy),
                    "f32 {count} {threads}"
                );
                assert!(
                    double == everything::<f64>(threads, count, strategy),
                    "f64 {count} {threads}"
                );
            }
        }
    }
}

#[test]
fn repeated_calls_have_the_same_bits() {
    // Workspaces are reused: what a large call leaves must not reach a small one.
    let network = Network::dense(2, &[20, 20], 1, Activation::Silu).unwrap();
    let theta: Vec<f64> = network.initialise(Initialisation::PyTorch, 3);
    let jets = JetSet::new(2).unwrap().with_order(3).unwrap();
    let mut engine = Engine::<f64>::new(&network, Threads::single());
    let mut run = |count: usize, strategy| {
        let plan = Plan::new(&network, &jets, strategy).unwrap();
        let at = Random(1).many(2 * count);
        let mut out = vec![0.0; jets.len() * count];
        engine.jets(&plan, &theta, Points::new(count, &at), &mut out).unwrap();
        out
    };
    let first = run(5, Strategy::Adjoint);
    run(3000, Strategy::Forward);
    run(100, Strategy::Adjoint);
    assert_eq!(first, run(5, Strategy::Adjoint));
}

#[test]
fn instruction_sets_agree_to_rounding() {
    let network = Network::dense(2, &[50, 50], 1, Activation::Tanh).unwrap();
    let theta: Vec<f64> = network.initialise(Initialisation::PyTorch, 3);
    let jets = JetSet::new(2).unwrap().with_order(2).unwrap();
    let plan = Plan::new(&network, &jets, Strategy::Cheapest).unwrap();
    let at = Random(2).many(2 * 999);
    let loss = |jets: &JetTile<'_, f64>, out: &mut CotangentTile<'_, f64>| {
        out.component_mut(0, 5).copy_from_slice(jets.component(0, 5));
        jets.component(0, 5).iter().map(|x| x * x / 2.0).sum()
    };
    let results: Vec<Vec<f64>> = InstructionSet::available()
        .into_iter()
        .map(|set| {
            let mut engine = Engine::with_instruction_set(&network, Threads::single(), set);
            let mut gradient = vec![0.0; theta.len()];
            let batch = Batch::new(&plan, Points::new(999, &at), &loss);
            engine.gradient(&theta, &[batch], &mut gradient).unwrap();
            gradient
        })
        .collect();
    for other in &results[1..] {
        let error = relative_error(other, &results[0], theta.len());
        assert!(error < 1e-13, "{error:e}");
    }
}

#[test]
fn numbers_that_are_not_finite_flow_through() {
    let activations = [
        Activation::Tanh,
        Activation::Sine { frequency: 2.0 },
        Activation::Cosine { frequency: 2.0 },
        Activation::Sigmoid,
        Activation::Softplus { beta: 1.0 },
        Activation::Silu,
        Activation::Gelu,
        Activation::Identity,
    ];
    for activation in activations {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            let network = Network::dense(2, &[9, 4], 1, activation).unwrap();
            let mut theta: Vec<f64> = network.initialise(Initialisation::PyTorch, 1);
            theta[2] = bad;
            let jets = JetSet::new(2).unwrap().with_order(4).unwrap();
            for strategy in [Strategy::Forward, Strategy::Adjoint] {
                let plan = Plan::new(&network, &jets, strategy).unwrap();
                let at = Random(2).many(2 * 21);
                let loss = |jets: &JetTile<'_, f64>, out: &mut CotangentTile<'_, f64>| {
                    out.component_mut(0, 3).copy_from_slice(jets.component(0, 3));
                    jets.component(0, 3).iter().sum()
                };
                for set in InstructionSet::available() {
                    let mut engine = Engine::with_instruction_set(&network, Threads::single(), set);
                    let mut gradient = vec![0.0; theta.len()];
                    let batch = Batch::new(&plan, Points::new(21, &at), &loss);
                    let value = engine.gradient(&theta, &[batch], &mut gradient).unwrap();
                    if bad.is_nan() {
                        assert!(value.is_nan(), "{activation} {set}: a NaN weight went unnoticed");
                        assert!(gradient.iter().any(|g| g.is_nan()));
                    }
                }
            }
        }
    }
}

#[test]
fn a_panic_in_the_loss_reaches_the_caller() {
    let network = Network::dense(1, &[4], 1, Activation::Tanh).unwrap();
    let plan = Plan::new(&network, &JetSet::new(1).unwrap(), Strategy::Cheapest).unwrap();
    let theta: Vec<f64> = network.initialise(Initialisation::PyTorch, 1);
    let at = vec![0.0; 5000];
    let loss = |jets: &JetTile<'_, f64>, _: &mut CotangentTile<'_, f64>| {
        assert!(jets.range().start == 0, "the caller's own mistake");
        0.0
    };
    for threads in [1, 3] {
        let result = std::panic::catch_unwind(|| {
            let mut engine = Engine::new(&network, Threads::new(threads).unwrap());
            let batch = Batch::new(&plan, Points::new(5000, &at), &loss);
            let _ = engine.gradient(&theta, &[batch], &mut vec![0.0; theta.len()]);
        });
        assert!(result.is_err(), "it must neither be lost nor hang");
    }
}
