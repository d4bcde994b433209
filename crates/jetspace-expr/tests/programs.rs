//! Programs against plain evaluation, and their adjoints against dual numbers, finite differences
//! and partial derivatives.

mod oracle;

use std::array::from_fn;

use jetspace_expr::{Function, Graph, Id, Program, ProgramError, Scratch, Symbol};
use jetspace_jet::{InstructionSet, MultiIndex, Real};
use oracle::{Nested, Tree, coefficient, coordinate, symbols, trees, value_and_uncertainty};
use proptest::prelude::*;

const COUNTS: [usize; 4] = [0, 1, 7, 257];

/// Numbers from −1.5 to 1.5, all different.
fn column(seed: usize, points: usize) -> Vec<f64> {
    (0..points).map(|p| 1.5 * ((p * 37 + seed * 101) as f64 * 0.618).sin()).collect()
}

/// The four symbols' values: three columns, and one number for all points.
fn columns(points: usize) -> [Vec<f64>; 4] {
    [column(1, points), column(2, points), column(3, points), vec![0.7]]
}

fn slices<T>(columns: &[Vec<T>]) -> Vec<&[T]> {
    columns.iter().map(Vec::as_slice).collect()
}

fn at(column: &[f64], p: usize) -> f64 {
    if column.len() == 1 { column[0] } else { column[p] }
}

/// Inputs of a program among the columns of [`symbols`].
fn inputs(program: &Program, columns: &[Vec<f64>; 4]) -> Vec<Vec<f64>> {
    let place = |s: &Symbol| symbols().iter().position(|other| other == s).unwrap();
    program.inputs().iter().map(|s| columns[place(s)].clone()).collect()
}

/// All outputs at all points.
fn evaluate<T: Real>(
    program: &Program,
    inputs: &[Vec<T>],
    points: usize,
    scratch: &mut Scratch<T>,
) -> Vec<Vec<T>> {
    let mut outputs = vec![vec![T::ONE; points]; program.outputs()];
    let mut targets: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    program.evaluate(&slices(inputs), points, scratch, &mut targets).unwrap();
    outputs
}

/// What the adjoint adds to zero for each input, in the shape of the inputs.
fn adjoint<T: Real>(
    program: &Program,
    inputs: &[Vec<T>],
    points: usize,
    scratch: &mut Scratch<T>,
    cotangents: &[Vec<T>],
) -> Vec<Vec<T>> {
    let mut outputs = vec![vec![T::ZERO; points]; program.outputs()];
    let mut targets: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let mut evaluated = program.evaluate(&slices(inputs), points, scratch, &mut targets).unwrap();
    let mut adjoints: Vec<Vec<T>> = inputs.iter().map(|i| vec![T::ZERO; i.len()]).collect();
    let mut wanted: Vec<_> = adjoints.iter_mut().map(|a| Some(a.as_mut_slice())).collect();
    evaluated.adjoint(&slices(cotangents), &mut wanted).unwrap();
    adjoints
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_programs_match_naive_evaluation(
        two in prop::array::uniform2(trees(40)),
        points in prop::sample::select(COUNTS.to_vec()),
    ) {
        let mut graph = Graph::new();
        let ids = two.each_ref().map(|tree| tree.build(&mut graph));
        let program = Program::compile(&graph, &ids);
        let columns = columns(points);
        for set in InstructionSet::available() {
            let mut scratch = Scratch::new(set);
            let outputs = evaluate(&program, &inputs(&program, &columns), points, &mut scratch);
            for (tree, output) in two.iter().zip(outputs) {
                for (p, found) in output.into_iter().enumerate() {
                    let at = columns.each_ref().map(|column| at(column, p));
                    let naive = value_and_uncertainty(|wobble| tree.evaluate(&at, wobble));
                    if let Some((expected, uncertainty)) = naive {
                        let error = (found - expected).abs();
                        prop_assert!(error <= uncertainty, "{found}, not {expected}, at {p}");
                    }
                }
            }
        }
    }

    #[test]
    fn random_adjoints_match_dual_numbers_and_partial_derivatives(
        tree in trees(40),
        at in prop::array::uniform4(-2.0..2.0),
    ) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let program = Program::compile(&graph, &[id]);
        let columns = at.map(|x| vec![x]);
        let mut scratch = Scratch::new(InstructionSet::best());
        let one = [vec![1.0]];
        let adjoints = adjoint(&program, &inputs(&program, &columns), 1, &mut scratch, &one);
        for (&symbol, found) in program.inputs().iter().zip(adjoints) {
            let number = symbols().iter().position(|&s| s == symbol).unwrap();
            let duals: [Nested; 4] = from_fn(|n| coordinate(n, at[n], &[number]));
            let naive =
                value_and_uncertainty(|wobble| coefficient(tree.evaluate(&duals, wobble), 1));
            let partial = graph.partial(id, symbol);
            let value = |symbol| at[symbols().iter().position(|&s| s == symbol).unwrap()];
            let partial = graph.evaluate(&[partial], &value)[0];
            if let Some((expected, uncertainty)) = naive {
                let (found, text) = (found[0], format!("{symbol}: not {expected}"));
                prop_assert!((found - expected).abs() <= uncertainty, "{text}, but {found}");
                prop_assert!((partial - found).abs() <= uncertainty, "{text}, but {partial}");
            }
        }
    }
}

/// Expressions as they occur in equations, in the four symbols.
fn typical(graph: &mut Graph) -> Vec<Id> {
    let [x, y, u, k] = symbols().map(|s| graph.symbol(s));
    let [third, minus_one] = [0.3, -1.0].map(|c| graph.constant(c));
    let x_cubed = graph.product(&[x, x, x]);
    let advection = graph.mul(u, y);
    let allen_cahn = graph.sum(&[(0.01, y), (-1.0, x), (1.0, x_cubed)]);
    let burgers = graph.sum(&[(1.0, x), (1.0, advection), (-0.3, k)]);
    let wave = graph.sum(&[(std::f64::consts::PI, x)]);
    let sin = graph.call(Function::Sin, wave);
    let decay = graph.mul(k, y);
    let decay = graph.neg(decay);
    let exp = graph.call(Function::Exp, decay);
    let closed_form = graph.mul(sin, exp);
    let square = graph.mul(y, y);
    let positive = graph.sum(&[(1.0, square), (1.0, third)]);
    let root = graph.call(Function::Sqrt, positive);
    let quotient = graph.div(u, root);
    let power = graph.pow(positive, u);
    let below = graph.product(&[positive, positive, positive, root]);
    let reciprocal = graph.pow(below, minus_one);
    let tanh = graph.call(Function::Tanh, burgers);
    let erf = graph.call(Function::Erf, x);
    let larger = graph.max(x, y);
    let indicator = graph.less(x, y);
    let masked = graph.mul(indicator, u);
    let sums = graph.sum(&[(1.0, tanh), (2.0, erf), (1.0, larger), (1.0, masked)]);
    vec![allen_cahn, burgers, closed_form, quotient, power, reciprocal, sums, x, third]
}

#[test]
fn typical_programs_match_to_1e_13_and_in_single_precision() {
    let mut graph = Graph::new();
    let ids = typical(&mut graph);
    let program = Program::compile(&graph, &ids);
    assert_eq!((program.inputs(), program.outputs()), (&symbols()[..], ids.len()));
    for set in InstructionSet::available() {
        let (mut double, mut single) = (Scratch::<f64>::new(set), Scratch::<f32>::new(set));
        // The same memory, for growing and shrinking numbers of points.
        for points in [7, 257, 0, 1, 257] {
            let rounded =
                columns(points).map(|c| c.into_iter().map(f32::from_f64).collect::<Vec<f32>>());
            let columns = rounded.each_ref().map(|c| c.iter().map(|&v| f64::from(v)).collect());
            let found = evaluate(&program, &columns, points, &mut double);
            let found_single = evaluate(&program, &rounded, points, &mut single);
            for p in 0..points {
                let expected = graph.evaluate(&ids, &|symbol| {
                    at(&columns[symbols().iter().position(|&s| s == symbol).unwrap()], p)
                });
                for (o, expected) in expected.into_iter().enumerate() {
                    // All are sums of terms of order one.
                    let size = expected.abs().max(1.0);
                    assert!((found[o][p] - expected).abs() <= 1e-13 * size, "{o} at {p}");
                    let single = f64::from(found_single[o][p]);
                    assert!((single - expected).abs() <= 2e-6 * size, "{o} at {p}: {single}");
                }
            }
        }
    }
}

#[test]
fn typical_adjoints_match_finite_differences() {
    let mut graph = Graph::new();
    let ids = typical(&mut graph);
    let program = Program::compile(&graph, &ids);
    for points in [1, 7, 257] {
        let columns = columns(points);
        let cotangents: Vec<_> = (0..ids.len()).map(|o| column(40 + o, points)).collect();
        let mut scratch = Scratch::new(InstructionSet::best());
        let found = adjoint(&program, &columns, points, &mut scratch, &cotangents);
        // The weighted sum of all outputs at one point, an input moved.
        let weighted = |p: usize, moved: usize, step: f64| -> f64 {
            let values = graph.evaluate(&ids, &|symbol| {
                let n = symbols().iter().position(|&s| s == symbol).unwrap();
                at(&columns[n], p) + if n == moved { step } else { 0.0 }
            });
            values.iter().zip(&cotangents).map(|(v, c)| v * c[p]).sum()
        };
        let step = 1e-5;
        for (n, found) in found.iter().enumerate() {
            let slopes: Vec<f64> = (0..points)
                .map(|p| (weighted(p, n, step) - weighted(p, n, -step)) / (2.0 * step))
                .collect();
            let expected = if found.len() == 1 { vec![slopes.iter().sum()] } else { slopes };
            for (p, (found, expected)) in found.iter().zip(expected).enumerate() {
                let size = expected.abs().max(points as f64);
                assert!((found - expected).abs() <= 1e-7 * size, "{n} at {p}: {found}, {expected}");
            }
        }
        // Single precision agrees.
        let single = |columns: &[Vec<f64>]| -> Vec<Vec<f32>> {
            columns.iter().map(|c| c.iter().map(|&v| f32::from_f64(v)).collect()).collect()
        };
        let mut scratch = Scratch::new(InstructionSet::best());
        let rounded =
            adjoint(&program, &single(&columns), points, &mut scratch, &single(&cotangents));
        for (found, rounded) in found.iter().flatten().zip(rounded.iter().flatten()) {
            let size = found.abs().max(points as f64);
            assert!((found - f64::from(*rounded)).abs() <= 1e-5 * size, "{found}, {rounded}");
        }
    }
}

#[test]
fn adjoints_are_right_at_zero() {
    let mut graph = Graph::new();
    let [x, y, u, _] = symbols().map(|s| graph.symbol(s));
    let [two, five, minus_one, exponent] = [2.0, 5.0, -1.0, 1.5].map(|c| graph.constant(c));
    let one_plus = {
        let one = graph.constant(1.0);
        graph.add(one, u)
    };
    // Expression, and its derivatives by x, y, u at x = 0, y = 3, u = 0.
    let cases = [
        (graph.product(&[x, y]), [3.0, 0.0, 0.0]),
        (graph.product(&[x, y, u]), [0.0, 0.0, 0.0]),
        (graph.product(&[x, x, y, y]), [0.0, 0.0, 0.0]),
        (graph.pow(x, two), [0.0, 0.0, 0.0]),
        (graph.pow(x, five), [0.0, 0.0, 0.0]),
        (graph.div(x, y), [1.0 / 3.0, 0.0, 0.0]),
        (graph.div(x, one_plus), [1.0, 0.0, 0.0]),
        (graph.pow(one_plus, minus_one), [0.0, 0.0, -1.0]),
        (graph.pow(x, exponent), [0.0, 0.0, 0.0]),
        (graph.pow(x, y), [0.0, 0.0, 0.0]),
        (graph.call(Function::Abs, x), [0.0, 0.0, 0.0]),
        (graph.less(x, y), [0.0, 0.0, 0.0]),
        (graph.min(x, y), [1.0, 0.0, 0.0]),
        (graph.max(x, y), [0.0, 1.0, 0.0]),
    ];
    for (number, (id, expected)) in cases.into_iter().enumerate() {
        let program = Program::compile(&graph, &[id]);
        let value = |s: &Symbol| if *s == Symbol::Coordinate(1) { 3.0 } else { 0.0 };
        let inputs: Vec<_> = program.inputs().iter().map(|s| vec![value(s)]).collect();
        let mut scratch = Scratch::<f64>::new(InstructionSet::best());
        let found = adjoint(&program, &inputs, 1, &mut scratch, &[vec![1.0]]);
        for (symbol, found) in program.inputs().iter().zip(found) {
            let n = symbols().iter().position(|s| s == symbol).unwrap();
            assert_eq!(found, [expected[n]], "case {number}, by {symbol}");
        }
    }
}

#[test]
fn adjoints_are_added_only_where_wanted() {
    let mut graph = Graph::new();
    let [x, y, ..] = symbols().map(|s| graph.symbol(s));
    let root = graph.call(Function::Sqrt, y);
    let product = graph.mul(x, root);
    // The same output twice: cotangents add up.
    let program = Program::compile(&graph, &[product, product]);
    let mut scratch = Scratch::new(InstructionSet::best());
    let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
    let inputs: [&[f64]; 2] = [&[1.0, 2.0], &[4.0, 0.0]];
    let mut evaluated = program.evaluate(&inputs, 2, &mut scratch, &mut [&mut a, &mut b]).unwrap();
    let mut by_x = [10.0, 10.0];
    let cotangents: [&[f64]; 2] = [&[1.0, 1.0], &[0.5, 0.5]];
    evaluated.adjoint(&cotangents, &mut [Some(&mut by_x), None]).unwrap();
    assert_eq!(by_x, [13.0, 10.0]);
    // Again, and summed over the points: √4 and √0, times 1.5.
    let mut sum = [0.0];
    evaluated.adjoint(&cotangents, &mut [Some(&mut sum), None]).unwrap();
    assert_eq!(sum, [3.0]);
    assert_eq!((a, b), ([2.0, 0.0], [2.0, 0.0]));
}

#[test]
fn wrong_shapes_are_errors() {
    let mut graph = Graph::new();
    let [x, y, ..] = symbols().map(|s| graph.symbol(s));
    let sum = graph.add(x, y);
    let program = Program::compile(&graph, &[sum]);
    let mut scratch = Scratch::<f64>::new(InstructionSet::best());
    let three = [1.0; 3];
    let mut evaluate = |inputs: &[&[f64]], points, length| {
        let mut out = vec![0.0; length];
        program.evaluate(inputs, points, &mut scratch, &mut [&mut out]).map(|_| out)
    };
    let count = |what, expected, found| Err(ProgramError::Count { what, expected, found });
    assert_eq!(evaluate(&[&three, &three], 3, 3), Ok(vec![2.0; 3]));
    assert_eq!(evaluate(&[&three, &three[..1]], 3, 3), Ok(vec![2.0; 3]));
    assert_eq!(evaluate(&[&[], &[]], 0, 0), Ok(vec![]));
    assert_eq!(evaluate(&[&three], 3, 3), count("inputs", 2, 1));
    let error = evaluate(&[&three, &three[..2]], 3, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input 1 (from 0): expected one value for all, or one for each of 3 points, found 2 values"
    );
    assert!(matches!(evaluate(&[&three, &three], 2, 2), Err(ProgramError::Length { .. })));
    assert!(matches!(evaluate(&[&three, &three], 3, 2), Err(ProgramError::Length { .. })));
    let mut no_outputs: [&mut [f64]; 0] = [];
    let error = program.evaluate(&[&three, &three], 3, &mut scratch, &mut no_outputs).map(|_| ());
    assert_eq!(error, count("outputs", 1, 0).map(|_: Vec<f64>| ()));

    let mut out = [0.0; 3];
    let mut evaluated =
        program.evaluate(&[&three, &three], 3, &mut scratch, &mut [&mut out]).unwrap();
    let mut short = [0.0; 2];
    assert!(evaluated.adjoint(&[&three], &mut [None, None]).is_ok());
    assert!(evaluated.adjoint(&[], &mut [None, None]).is_err());
    assert!(evaluated.adjoint(&[&three], &mut [None]).is_err());
    assert!(evaluated.adjoint(&[&three[..1]], &mut [None, None]).is_err());
    assert!(evaluated.adjoint(&[&three], &mut [None, Some(&mut short)]).is_err());
}

#[test]
fn programs_without_inputs_or_outputs_run() {
    let mut graph = Graph::new();
    let constant = graph.constant(2.5);
    let mut scratch = Scratch::<f64>::new(InstructionSet::best());
    let program = Program::compile(&graph, &[constant]);
    let mut out = [0.0; 2];
    let mut evaluated = program.evaluate(&[], 2, &mut scratch, &mut [&mut out]).unwrap();
    evaluated.adjoint(&[&[1.0, 1.0]], &mut []).unwrap();
    assert_eq!(out, [2.5, 2.5]);
    let program = Program::compile(&graph, &[]);
    program.evaluate(&[], usize::MAX, &mut scratch, &mut []).unwrap();
}

#[test]
fn numbers_that_are_not_finite_pass_through() {
    let index = MultiIndex::VALUE;
    let mut graph = Graph::new();
    let u = graph.symbol(Symbol::Jet { field: 0, index });
    let x = graph.symbol(Symbol::Coordinate(0));
    let cube = graph.product(&[u, u, u]);
    let mut ids = vec![graph.sub(cube, x), graph.div(u, x), graph.min(u, x), graph.max(x, u)];
    ids.extend(Function::ALL.map(|function| graph.call(function, u)));
    let program = Program::compile(&graph, &ids);
    let mut scratch = Scratch::<f64>::new(InstructionSet::best());
    let inputs = [vec![0.5; 9], vec![f64::NAN; 9]];
    for output in evaluate(&program, &inputs, 9, &mut scratch) {
        assert!(output.iter().all(|v| v.is_nan()));
    }
    let inputs = [vec![0.5; 9], vec![f64::INFINITY; 9]];
    let outputs = evaluate(&program, &inputs, 9, &mut scratch);
    let expected = [f64::INFINITY, f64::INFINITY, 0.5, f64::INFINITY];
    for (output, expected) in outputs.iter().zip(expected) {
        assert_eq!(output, &vec![expected; 9]);
    }
    for (function, output) in Function::ALL.into_iter().zip(&outputs[4..]) {
        let expected = function.value(f64::INFINITY);
        assert!(output[0] == expected || output[0].is_nan() && expected.is_nan(), "{function}");
    }
}

#[test]
fn sums_of_many_terms_are_one_instruction() {
    const N: usize = 100_000;
    let mut graph = Graph::new();
    let terms: Vec<_> = (0..N).map(|n| (0.5, graph.symbol(Symbol::Column(n)))).collect();
    let sum = graph.sum(&terms);
    let program = Program::compile(&graph, &[sum]);
    let inputs = vec![vec![2.0_f64]; N];
    let mut scratch = Scratch::new(InstructionSet::best());
    let adjoints = adjoint(&program, &inputs, 3, &mut scratch, &[vec![1.0; 3]]);
    assert!(adjoints.iter().all(|a| a == &[1.5]));
    assert_eq!(evaluate(&program, &inputs, 3, &mut scratch), [[N as f64; 3]]);
}

#[test]
fn the_same_bits_whatever_was_in_the_memory_before() {
    let tree = Tree::Call(Function::Exp, Box::new(Tree::Symbol(0)));
    let mut graph = Graph::new();
    let id = tree.build(&mut graph);
    let program = Program::compile(&graph, &[id]);
    let inputs = [column(5, 100)];
    let mut fresh = Scratch::new(InstructionSet::best());
    let expected = evaluate(&program, &inputs, 100, &mut fresh);
    let mut used = Scratch::new(InstructionSet::best());
    let cotangents = [vec![f64::NAN; 300]];
    adjoint(&program, &[vec![f64::NAN; 300]], 300, &mut used, &cotangents);
    assert_eq!(evaluate(&program, &inputs, 100, &mut used), expected);
    let ones = [vec![1.0; 100]];
    assert_eq!(adjoint(&program, &inputs, 100, &mut used, &ones), expected);
}
