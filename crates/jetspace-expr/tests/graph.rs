//! Canonical forms: they keep the value, merge what is equal, and stay linear in time.

mod oracle;

use jetspace_expr::{Function, Graph, Id, Symbol};
use jetspace_jet::MultiIndex;
use oracle::{symbols, trees, value_and_uncertainty};
use proptest::prelude::*;

fn coordinates(graph: &mut Graph) -> [Id; 3] {
    [0, 1, 2].map(|i| graph.symbol(Symbol::Coordinate(i)))
}

fn name(symbol: Symbol) -> String {
    match symbol {
        Symbol::Coordinate(n) => ["x", "y", "z"][n].into(),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn canonical_forms_keep_the_value(tree in trees(60), at in prop::array::uniform4(-2.0..2.0)) {
        let naive = value_and_uncertainty(|wobble| tree.evaluate(&at, wobble));
        if let Some((expected, uncertainty)) = naive {
            let mut graph = Graph::new();
            let id = tree.build(&mut graph);
            let value = |symbol| at[symbols().iter().position(|&s| s == symbol).unwrap()];
            let found = graph.evaluate(&[id], &value)[0];
            prop_assert!((found - expected).abs() <= uncertainty, "{found} for {expected}");
        }
    }

    #[test]
    fn equal_trees_are_one_expression(a in trees(20), b in trees(20), c in trees(20)) {
        let mut graph = Graph::new();
        let [a, b, c] = [a, b, c].map(|tree| tree.build(&mut graph));
        let (ab, ba) = (graph.add(a, b), graph.add(b, a));
        prop_assert_eq!(ab, ba);
        let (ab, ba) = (graph.mul(a, b), graph.mul(b, a));
        prop_assert_eq!(ab, ba);
        let bc = graph.mul(b, c);
        let (left, right) = (graph.mul(ab, c), graph.mul(a, bc));
        // Constants in them are multiplied in another order: then only the form is equal.
        if graph.constant_value(a).or(graph.constant_value(b)).or(graph.constant_value(c)).is_none() {
            let difference = graph.sub(left, right);
            let at = |_| 0.7;
            let [size, found] = graph.evaluate(&[left, difference], &at)[..] else { panic!() };
            prop_assert!(!size.is_finite() || found.abs() <= 1e-12 * size.abs());
        }
    }
}

#[test]
fn what_is_equal_is_merged() {
    let mut graph = Graph::new();
    let [x, y, _] = coordinates(&mut graph);
    let [zero, one, two, half] = [0.0, 1.0, 2.0, 0.5].map(|c| graph.constant(c));

    assert_eq!(graph.sub(x, x), zero);
    assert_eq!(graph.mul(zero, x), zero);
    assert_eq!(graph.pow(x, zero), one);
    assert_eq!(graph.pow(x, two), graph.mul(x, x));
    assert_eq!(graph.pow(x, half), graph.call(Function::Sqrt, x));
    assert_eq!(graph.div(x, x), one);
    assert_eq!(graph.add(x, zero), x);
    assert_eq!(graph.mul(x, one), x);
    assert_eq!(graph.sum(&[]), zero);
    assert_eq!(graph.product(&[]), one);
    assert_eq!(graph.min(x, y), graph.min(y, x));
    assert_eq!(graph.constant(-0.0), zero);
    assert_eq!(graph.constant(f64::NAN), graph.constant(-f64::NAN));

    // (x + y) − y and 2 (x + y) − 2 y − x
    let sum = graph.add(x, y);
    assert_eq!(graph.sub(sum, y), x);
    assert_eq!(graph.sum(&[(2.0, sum), (-2.0, y), (-1.0, x)]), x);
    // (2 x)² (3 y)/(6 x) = 2 x y
    let (twice, thrice) = (graph.sum(&[(2.0, x)]), graph.sum(&[(3.0, y)]));
    let square = graph.mul(twice, twice);
    let product = graph.mul(square, thrice);
    let six = graph.sum(&[(6.0, x)]);
    let xy = graph.mul(x, y);
    assert_eq!(graph.div(product, six), graph.sum(&[(2.0, xy)]));
    // 2/3 is rounded once.
    let three = graph.constant(3.0);
    let ratio = graph.div(two, three);
    assert_eq!(graph.constant_value(ratio), Some(2.0 / 3.0));
    // x⁴⁰ is a power, and x⁴⁰/x³⁹ is x.
    let [forty, less] = [40.0, -39.0].map(|n| graph.constant(n));
    let (high, low) = (graph.pow(x, forty), graph.pow(x, less));
    assert_eq!(graph.mul(high, low), x);
    assert_eq!(graph.evaluate(&[high], &|_| 2.0), [2.0_f64.powi(40)]);
}

#[test]
fn text_is_in_the_equation_language() {
    let mut graph = Graph::new();
    let [x, y, z] = coordinates(&mut graph);
    let mut text = |build: &dyn Fn(&mut Graph) -> Id| {
        let id = build(&mut graph);
        graph.display(id, &name)
    };
    assert_eq!(text(&|g| g.sum(&[(-1.0, x), (2.5, y)])), "-x + 2.5*y");
    assert_eq!(text(&|g| g.constant(-2.0)), "-2");
    let sum = |g: &mut Graph| g.add(x, y);
    assert_eq!(
        text(&|g| {
            let s = sum(g);
            g.mul(s, z)
        }),
        "z*(x + y)"
    );
    assert_eq!(
        text(&|g| {
            let s = sum(g);
            g.div(z, s)
        }),
        "z/(x + y)"
    );
    assert_eq!(
        text(&|g| {
            let q = g.div(x, y);
            let q = g.div(q, z);
            g.div(q, z)
        }),
        "x/y/z^2"
    );
    assert_eq!(
        text(&|g| {
            let one = g.constant(1.0);
            g.div(one, z)
        }),
        "1/z"
    );
    assert_eq!(
        text(&|g| {
            let s = g.neg(x);
            g.pow(s, y)
        }),
        "(-x)^y"
    );
    assert_eq!(
        text(&|g| {
            let p = g.pow(x, y);
            g.mul(p, p)
        }),
        "(x^y)^2"
    );
    assert_eq!(
        text(&|g| {
            let m = g.min(x, y);
            g.call(Function::Sin, m)
        }),
        "sin(min(x, y))"
    );
    assert_eq!(
        text(&|g| {
            let l = g.less(x, y);
            g.mul(l, z)
        }),
        "z*(x < y)"
    );
    assert_eq!(
        text(&|g| {
            let l = g.less(x, y);
            let one = g.constant(1.0);
            g.sub(l, one)
        }),
        "(x < y) - 1"
    );
    let index = MultiIndex::new(&[2, 1]).unwrap();
    assert_eq!(text(&|g| g.symbol(Symbol::Jet { field: 0, index })), "derivative (2,1) of field 0");

    // A text that would be exponentially long is cut.
    let mut shared = x;
    for _ in 0..100 {
        let sin = graph.call(Function::Sin, shared);
        let cos = graph.call(Function::Cos, shared);
        shared = graph.mul(sin, cos);
    }
    let text = graph.display(shared, &name);
    assert!(text.ends_with('…') && text.len() < 20_000);
}

#[test]
fn long_chains_take_linear_time_and_no_stack() {
    const N: usize = 100_000;
    let mut graph = Graph::new();
    let columns: Vec<Id> = (0..N).map(|n| graph.symbol(Symbol::Parameter(n))).collect();
    let all_ones = |graph: &Graph, id| graph.evaluate(&[id], &|_| 1.0)[0];

    let terms: Vec<_> = columns.iter().map(|&id| (1.0, id)).collect();
    let together = graph.sum(&terms);
    assert_eq!(all_ones(&graph, together), N as f64);
    let one_by_one = columns.iter().fold(columns[0], |sum, &id| graph.add(sum, id));
    assert_eq!(all_ones(&graph, one_by_one), 1.0 + N as f64);
    let product = columns.iter().fold(columns[0], |product, &id| graph.mul(product, id));
    assert_eq!(all_ones(&graph, product), 1.0);
    let negated = columns.iter().fold(together, |sum, _| graph.neg(sum));
    assert_eq!(negated, together);
    let nested = columns.iter().fold(columns[0], |a, _| graph.call(Function::Sin, a));
    assert!(graph.display(nested, &name).ends_with('…'));

    let last = Symbol::Parameter(N - 1);
    let one = graph.constant(1.0);
    assert_eq!(graph.partial(one_by_one, last), one);
    let by_last = graph.partial(product, last);
    assert_eq!(all_ones(&graph, by_last), 1.0);
    let copy = graph.substitute(&[together, one_by_one, product, nested], &mut |_, _| None);
    assert_eq!(copy, [together, one_by_one, product, nested]);
}

#[test]
fn numbers_that_are_not_finite_pass_through() {
    let mut graph = Graph::new();
    let [x, y, _] = coordinates(&mut graph);
    let expressions = [
        graph.add(x, y),
        graph.mul(x, y),
        graph.min(x, y),
        graph.max(y, x),
        graph.pow(x, y),
        graph.call(Function::Sign, x),
        graph.call(Function::Step, x),
        graph.call(Function::Erf, x),
    ];
    let value = |symbol| if symbol == Symbol::Coordinate(0) { f64::NAN } else { 2.0 };
    assert!(graph.evaluate(&expressions, &value).iter().all(|v| v.is_nan()));
    let reciprocal = {
        let one = graph.constant(1.0);
        graph.div(one, x)
    };
    assert_eq!(graph.evaluate(&[reciprocal, x], &|_| f64::INFINITY), [0.0, f64::INFINITY]);
    // 0·∞ of two constants is not 0.
    let [zero, infinity] = [0.0, f64::INFINITY].map(|c| graph.constant(c));
    let product = graph.mul(zero, infinity);
    assert!(graph.constant_value(product).is_some_and(f64::is_nan));
}
