//! Derivatives against dual numbers, of every function and of random expressions; jets.

mod oracle;

use jetspace_expr::{DerivativeError, Function, Graph, Id, Symbol};
use jetspace_jet::{JetError, MultiIndex};
use num_dual::DualNum;
use oracle::{Nested, coefficient, coordinate, symbols, trees, value_and_uncertainty};
use proptest::prelude::*;

/// The derivative by these coordinates, one after the other.
fn derivative(graph: &mut Graph, id: Id, by: &[usize]) -> Id {
    by.iter().fold(id, |id, &i| graph.derivative(id, i).unwrap())
}

fn jet(field: usize, exponents: &[u8]) -> Symbol {
    Symbol::Jet { field, index: MultiIndex::new(exponents).unwrap() }
}

#[test]
fn every_function_to_third_order() {
    let (x, y) = (0.8, -0.6);
    for function in Function::ALL {
        // Inside the domain of all functions, on both sides of a jump where there is one.
        for offset in [0.5, -0.5] {
            if offset < 0.0 && matches!(function, Function::Log | Function::Sqrt) {
                continue;
            }
            let mut graph = Graph::new();
            let [gx, gy] = [0, 1].map(|i| graph.symbol(Symbol::Coordinate(i)));
            let sin = graph.call(Function::Sin, gx);
            let inner = graph.mul(sin, gy);
            let constant = graph.constant(offset);
            let inner = graph.sum(&[(0.7, inner), (1.0, constant)]);
            let outer = graph.call(function, inner);
            for by in [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]] {
                let [x_d, y_d] = [(0, x), (1, y)].map(|(n, x)| coordinate(n, x, &by));
                let inner = x_d.sin() * y_d * 0.7 + offset;
                let expected = oracle::call(function, inner);
                for order in 0..=3 {
                    let id = derivative(&mut graph, outer, &by[..order]);
                    let at = |symbol| if symbol == Symbol::Coordinate(0) { x } else { y };
                    let found = graph.evaluate(&[id], &at)[0];
                    let expected = coefficient(expected, order);
                    let error = (found - expected).abs() / expected.abs().max(1.0);
                    assert!(error <= 1e-13, "{function} {offset} {by:?} {order}: {error:e}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_expressions_to_third_order(
        tree in trees(40),
        at in prop::array::uniform4(-2.0..2.0),
        by in prop::array::uniform3(0..2_usize),
    ) {
        let duals: [Nested; 4] = std::array::from_fn(|n| coordinate(n, at[n], &by));
        let mut graph = Graph::new();
        let mut id = tree.build(&mut graph);
        let value = |symbol| at[symbols().iter().position(|&s| s == symbol).unwrap()];
        for order in 0..=3 {
            if order > 0 {
                id = graph.derivative(id, by[order - 1]).unwrap();
            }
            let expected =
                value_and_uncertainty(|wobble| coefficient(tree.evaluate(&duals, wobble), order));
            let Some((expected, uncertainty)) = expected else { return Ok(()) };
            let found = graph.evaluate(&[id], &value)[0];
            prop_assert!((found - expected).abs() <= uncertainty, "{order}: {found}, not {expected}");
        }
    }

    /// The tree's parameters are u and u_y, and u is a closed form: derivatives raise the jets.
    #[test]
    fn total_derivatives_of_expressions_in_jets(
        tree in trees(20),
        field in trees(15),
        at in prop::array::uniform4(-2.0..2.0),
        by in prop::array::uniform2(0..2_usize),
    ) {
        let mut graph = Graph::new();
        let closed_form = field.build(&mut graph);
        let expression = tree.build(&mut graph);
        let expression = graph.substitute(&[expression], &mut |symbol, graph| match symbol {
            Symbol::Parameter(0) => Some(graph.symbol(jet(0, &[]))),
            Symbol::Parameter(1) => Some(graph.symbol(jet(0, &[0, 1]))),
            _ => None,
        })[0];
        let raised = derivative(&mut graph, expression, &by);
        let inserted = graph.substitute(&[raised], &mut |symbol, graph| match symbol {
            Symbol::Jet { index, .. } => {
                Some(derivative(graph, closed_form, &index.factors().collect::<Vec<_>>()))
            }
            _ => None,
        });
        // The outermost infinitesimal is for u_y, the inner two for the total derivatives.
        let duals: [Nested; 4] = std::array::from_fn(|n| coordinate(n, at[n], &[1, by[0], by[1]]));
        let expected = value_and_uncertainty(|wobble| {
            let u = field.evaluate(&duals, wobble);
            tree.evaluate(&[duals[0].re, duals[1].re, u.re, u.eps], wobble).eps.eps
        });
        if let Some((expected, uncertainty)) = expected {
            let value = |symbol| at[symbols().iter().position(|&s| s == symbol).unwrap()];
            let found = graph.evaluate(&inserted, &value)[0];
            prop_assert!((found - expected).abs() <= uncertainty, "{found}, not {expected}");
        }
    }
}

#[test]
fn jets_are_raised_up_to_the_highest_order() {
    let mut graph = Graph::new();
    let u_x = graph.symbol(jet(0, &[1]));
    let v = graph.symbol(jet(1, &[]));
    let product = graph.mul(u_x, v);
    let by_y = graph.derivative(product, 1).unwrap();
    let [u_xy, v_y] = [jet(0, &[1, 1]), jet(1, &[0, 1])].map(|s| graph.symbol(s));
    let (a, b) = (graph.mul(u_xy, v), graph.mul(u_x, v_y));
    assert_eq!(by_y, graph.add(a, b));

    let highest = graph.symbol(jet(0, &[4]));
    let error = graph.derivative(highest, 0).unwrap_err();
    let source = JetError::OrderTooHigh { found: 5 };
    assert_eq!(error, DerivativeError::BeyondJets { symbol: jet(0, &[4]), coordinate: 0, source });
    assert!(graph.derivative(u_x, 8).is_err());
    assert!(graph.derivative(u_x, usize::MAX).is_err());
    // A coordinate that nothing depends on but fields is no error.
    let x = graph.symbol(Symbol::Coordinate(0));
    assert_eq!(graph.derivative(x, usize::MAX).unwrap(), graph.constant(0.0));
}

#[test]
fn what_is_known_only_as_a_value_has_no_derivative() {
    let index = MultiIndex::VALUE;
    for symbol in [
        Symbol::Column(0),
        Symbol::Teacher { field: 0, index },
        Symbol::Other { field: 0, index },
        Symbol::Combination { field: 0, combination: 0 },
        Symbol::Hoisted(0),
    ] {
        let mut graph = Graph::new();
        let id = graph.symbol(symbol);
        let x = graph.symbol(Symbol::Coordinate(0));
        let product = graph.mul(id, x);
        assert_eq!(graph.derivative(product, 0), Err(DerivativeError::OnlyValue { symbol }));
        // Only its sign matters, and that is piecewise constant.
        let step = graph.call(Function::Step, id);
        let product = graph.mul(step, x);
        assert_eq!(graph.derivative(product, 0), Ok(step));
        let less = graph.less(id, x);
        assert_eq!(graph.derivative(less, 0), Ok(graph.constant(0.0)));
        // By the symbol itself there is one.
        assert_eq!(graph.partial(product, symbol), graph.constant(0.0));
        let square = graph.mul(id, id);
        let expected = graph.sum(&[(2.0, id)]);
        assert_eq!(graph.partial(square, symbol), expected);
    }
}

#[test]
fn derivatives_that_grow_without_end_are_an_error() {
    let mut graph = Graph::new();
    let [x, y] = [0, 1].map(|i| graph.symbol(Symbol::Coordinate(i)));
    let power = graph.pow(x, y);
    let tan = graph.call(Function::Tan, power);
    let mut id = graph.pow(tan, power);
    let error = loop {
        match graph.derivative(id, 0) {
            Ok(derivative) => id = derivative,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, DerivativeError::TooLong { .. }));
}

#[test]
fn partial_derivatives_hold_other_symbols_fixed() {
    let mut graph = Graph::new();
    let [u, u_x] = [jet(0, &[]), jet(0, &[1])].map(|symbol| graph.symbol(symbol));
    let product = graph.product(&[u, u, u_x]);
    assert_eq!(graph.partial(product, jet(0, &[1])), graph.mul(u, u));
    let expected = graph.mul(u, u_x);
    let expected = graph.sum(&[(2.0, expected)]);
    assert_eq!(graph.partial(product, jet(0, &[])), expected);
    assert_eq!(graph.partial(product, jet(1, &[])), graph.constant(0.0));
    // A product is differentiated rightly where a factor is zero.
    let by_u_x = graph.partial(product, jet(0, &[1]));
    assert_eq!(graph.evaluate(&[by_u_x, expected], &|_| 0.0), [0.0, 0.0]);
}
