//! Rewritten expressions keep their values; the equations of well-known models collapse as expected.

mod oracle;

use std::collections::BTreeSet;

use jetspace_expr::{Collapsed, Function, Graph, Id, Symbol};
use jetspace_jet::MultiIndex;
use oracle::{Tree, symbols, trees, value_and_uncertainty};
use proptest::prelude::*;

const X: Symbol = Symbol::Coordinate(0);
const Y: Symbol = Symbol::Coordinate(1);

fn index(exponents: &[u8]) -> MultiIndex {
    MultiIndex::new(exponents).unwrap()
}

fn jet(field: usize, exponents: &[u8]) -> Symbol {
    Symbol::Jet { field, index: index(exponents) }
}

fn value_of(tree: &Tree, at: &[f64; 4]) -> Option<(f64, f64)> {
    value_and_uncertainty(|wobble| tree.evaluate(at, wobble))
}

fn lookup(at: &[f64; 4]) -> impl Fn(Symbol) -> f64 {
    let at = *at;
    move |symbol| at[symbols().iter().position(|&s| s == symbol).unwrap()]
}

/// Values for any jets and combinations: of order one, and all different.
fn jet_value(combinations: &[Vec<(MultiIndex, f64)>], symbol: Symbol) -> f64 {
    match symbol {
        Symbol::Jet { field, index } => {
            let places = (0..8).map(|v| index.exponent(v) as f64 * (v as f64 + 1.3));
            (1.0 + field as f64 + places.sum::<f64>()).sin()
        }
        Symbol::Combination { field, combination } => combinations[combination]
            .iter()
            .map(|&(index, w)| w * jet_value(&[], Symbol::Jet { field, index }))
            .sum(),
        Symbol::Coordinate(n) => 0.3 + n as f64,
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn substitution_is_evaluation(
        tree in trees(30),
        new in prop::array::uniform4(trees(10)),
        at in prop::array::uniform4(-2.0..2.0),
    ) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let with = new.clone().map(|tree| tree.build(&mut graph));
        let place = |symbol| symbols().iter().position(|&s| s == symbol).unwrap();
        let id = graph.substitute(&[id], &mut |symbol, _| Some(with[place(symbol)]))[0];
        let naive = value_and_uncertainty(|wobble| {
            let inner = new.each_ref().map(|tree| tree.evaluate(&at, wobble));
            tree.evaluate(&inner, wobble)
        });
        if let Some((expected, uncertainty)) = naive {
            let found = graph.evaluate(&[id], &lookup(&at))[0];
            prop_assert!((found - expected).abs() <= uncertainty, "{found}, not {expected}");
        }
    }

    #[test]
    fn hoisting_keeps_the_values(
        two in prop::array::uniform2(trees(40)),
        varies in prop::array::uniform4(any::<bool>()),
        at in prop::array::uniform4(-2.0..2.0),
    ) {
        let mut graph = Graph::new();
        let ids = two.each_ref().map(|tree| tree.build(&mut graph));
        let varies = |symbol| varies[symbols().iter().position(|&s| s == symbol).unwrap()];
        let hoisted = graph.hoist(&ids, &varies);
        prop_assert!(!graph.symbols(&hoisted.fixed).into_iter().any(varies));
        // Each hoisted value is used.
        let used: BTreeSet<Symbol> = (0..hoisted.fixed.len()).map(Symbol::Hoisted).collect();
        let left = graph.symbols(&hoisted.varying);
        prop_assert!(left.is_superset(&used));

        let fixed = graph.evaluate(&hoisted.fixed, &lookup(&at));
        let found = graph.evaluate(&hoisted.varying, &|symbol| match symbol {
            Symbol::Hoisted(n) => fixed[n],
            other => lookup(&at)(other),
        });
        for (tree, found) in two.iter().zip(found) {
            if let Some((expected, uncertainty)) = value_of(tree, &at) {
                prop_assert!((found - expected).abs() <= uncertainty, "{found}, not {expected}");
            }
        }
    }

    /// Trees over u_xx + 2 u_yy, the same of v, u and x; in some, one is multiplied by u_yy.
    #[test]
    fn collapsing_keeps_the_values(
        three in prop::array::uniform3(trees(15)),
        alone in prop::option::of(0..3_usize),
    ) {
        let mut graph = Graph::new();
        let ids = three.each_ref().map(|tree| tree.build(&mut graph));
        let [first, second] = [0, 1].map(|n| linear(&mut graph, n, &[(XX, 1.0), (YY, 2.0)]));
        let [u, u_yy, x] = [jet(0, &[]), jet(0, YY), X].map(|s| graph.symbol(s));
        let with = [first, second, u, x];
        let place = |symbol| symbols().iter().position(|&s| s == symbol).unwrap();
        let mut ids = graph.substitute(&ids, &mut |symbol, _| Some(with[place(symbol)]));
        let at = graph.evaluate(&with, &|symbol| jet_value(&[], symbol));
        let at_u_yy = jet_value(&[], jet(0, YY));
        if let Some(n) = alone {
            ids[n] = graph.mul(ids[n], u_yy);
        }

        let Collapsed { combinations, expressions } = graph.collapse(&ids);
        let found = graph.evaluate(&expressions, &|symbol| jet_value(&combinations, symbol));
        for (n, (tree, found)) in three.iter().zip(found).enumerate() {
            let factor = if alone == Some(n) { at_u_yy } else { 1.0 };
            let naive = value_and_uncertainty(|wobble| tree.evaluate(&at, wobble) * factor);
            if let Some((expected, uncertainty)) = naive {
                prop_assert!((found - expected).abs() <= uncertainty, "{found}, not {expected}");
            }
        }
    }
}

#[test]
fn hoisting_splits_sums_and_products() {
    let mut graph = Graph::new();
    let [x, y, k] = [X, Y, Symbol::Parameter(0)].map(|s| graph.symbol(s));
    let [u, data] = [jet(0, &[]), Symbol::Column(0)].map(|s| graph.symbol(s));
    let varies = |symbol| matches!(symbol, Symbol::Jet { .. });
    let (sin, cos) = (graph.call(Function::Sin, x), graph.call(Function::Cos, y));
    let source = graph.mul(sin, cos);
    let value = graph.symbol(Symbol::Hoisted(0));

    // u³ − 2 sin x cos y, and the same source term in another equation.
    let cube = graph.product(&[u, u, u]);
    let first = graph.sum(&[(1.0, cube), (-2.0, source)]);
    let second = graph.add(u, source);
    let hoisted = graph.hoist(&[first, second], &varies);
    assert_eq!(hoisted.fixed, [source]);
    let expected = [graph.sum(&[(1.0, cube), (-2.0, value)]), graph.add(u, value)];
    assert_eq!(hoisted.varying, expected);

    // u sin x cos y
    let product = graph.mul(u, source);
    let hoisted = graph.hoist(&[product], &varies);
    assert_eq!((hoisted.fixed, hoisted.varying), (vec![source], vec![graph.mul(u, value)]));

    // What costs nothing stays: u − data + 2, k u, and 3 x alone.
    let two = graph.constant(2.0);
    let difference = graph.sum(&[(1.0, u), (-1.0, data)]);
    let scaled = graph.mul(k, u);
    let thrice = graph.sum(&[(3.0, x)]);
    let hoisted = graph.hoist(&[difference, scaled, thrice, two], &varies);
    assert_eq!((hoisted.fixed, hoisted.varying), (vec![], vec![difference, scaled, thrice, two]));

    // Nothing varies: all is hoisted.
    let hoisted = graph.hoist(&[source], &|_| false);
    assert_eq!((hoisted.fixed, hoisted.varying), (vec![source], vec![value]));
    assert!(graph.hoist(&[], &varies).varying.is_empty());
}

/// Σ wᵢ D^αᵢ u of a field.
fn linear(graph: &mut Graph, field: usize, terms: &[(&[u8], f64)]) -> Id {
    let terms: Vec<_> =
        terms.iter().map(|&(exponents, w)| (w, graph.symbol(jet(field, exponents)))).collect();
    graph.sum(&terms)
}

const XX: &[u8] = &[2];
const YY: &[u8] = &[0, 2];

fn laplacian(graph: &mut Graph, field: usize) -> Id {
    linear(graph, field, &[(XX, 1.0), (YY, 1.0)])
}

#[test]
fn allen_cahn_collapses_to_its_laplacian() {
    // λ (u_xx + u_yy) − u + u³ − f, with a number λ, with a parameter, and with that multiplied out
    for variant in 0..3 {
        let mut graph = Graph::new();
        let (u, f) = (graph.symbol(jet(0, &[])), graph.symbol(Symbol::Column(0)));
        let cube = graph.product(&[u, u, u]);
        let mobility = graph.symbol(Symbol::Parameter(0));
        let rest = |diffusion: (f64, Id)| [diffusion, (-1.0, u), (1.0, cube), (-1.0, f)];
        let combination = graph.symbol(Symbol::Combination { field: 0, combination: 0 });
        let (diffusion, expected) = match variant {
            0 => ((0.01, laplacian(&mut graph, 0)), (0.01, combination)),
            1 => {
                let laplacian = laplacian(&mut graph, 0);
                let diffusion = graph.mul(mobility, laplacian);
                ((1.0, diffusion), (1.0, graph.mul(mobility, combination)))
            }
            _ => {
                let terms = [XX, YY].map(|e| {
                    let second = graph.symbol(jet(0, e));
                    graph.mul(mobility, second)
                });
                let diffusion = graph.add(terms[0], terms[1]);
                ((1.0, diffusion), (1.0, graph.mul(mobility, combination)))
            }
        };
        let residual = graph.sum(&rest(diffusion));
        let collapsed = graph.collapse(&[residual]);
        assert_eq!(collapsed.combinations, [[(index(XX), 1.0), (index(YY), 1.0)]]);
        assert_eq!(collapsed.expressions, [graph.sum(&rest(expected))]);
    }
}

/// The three equations of the stationary flow behind a grid (Kovasznay).
fn kovasznay(graph: &mut Graph) -> Vec<Id> {
    let [u, v] = [0, 1].map(|field| graph.symbol(jet(field, &[])));
    let mut equations: Vec<Id> = [(0, &[1][..]), (1, &[0, 1])]
        .into_iter()
        .map(|(field, direction)| {
            let [d_x, d_y] = [&[1][..], &[0, 1]].map(|e| graph.symbol(jet(field, e)));
            let (along, across) = (graph.mul(u, d_x), graph.mul(v, d_y));
            let pressure = graph.symbol(jet(2, direction));
            let laplacian = laplacian(graph, field);
            graph.sum(&[(1.0, along), (1.0, across), (1.0, pressure), (-0.025, laplacian)])
        })
        .collect();
    let (u_x, v_y) = (graph.symbol(jet(0, &[1])), graph.symbol(jet(1, &[0, 1])));
    equations.push(graph.add(u_x, v_y));
    equations
}

#[test]
fn both_velocities_of_kovasznay_flow_share_one_combination() {
    let mut graph = Graph::new();
    let equations = kovasznay(&mut graph);
    let collapsed = graph.collapse(&equations);
    assert_eq!(collapsed.combinations, [[(index(XX), 1.0), (index(YY), 1.0)]]);
    let symbols = graph.symbols(&collapsed.expressions);
    for field in [0, 1] {
        assert!(symbols.contains(&Symbol::Combination { field, combination: 0 }));
    }
    let second = |s: &Symbol| matches!(s, Symbol::Jet { index, .. } if index.order() == 2);
    assert!(!symbols.iter().any(second));

    // If one field needs one of them alone, or at the other end, nothing is collapsed.
    let alone = [jet(2, XX), Symbol::Other { field: 0, index: index(XX) }];
    for symbol in alone {
        let further = graph.symbol(symbol);
        let all = [&equations[..], &[further]].concat();
        let unchanged = Collapsed { combinations: vec![], expressions: all.clone() };
        assert_eq!(graph.collapse(&all), unchanged);
    }
}

#[test]
fn other_models_collapse_at_the_top_only() {
    let mut graph = Graph::new();
    // Korteweg–de Vries, u_t + u u_x + 0.0025 u_xxx in (t, x): nothing lies above u_t and u_xxx.
    let [u, u_x] = [jet(0, &[]), jet(0, &[0, 1])].map(|s| graph.symbol(s));
    let linear_part = linear(&mut graph, 0, &[(&[1], 1.0), (&[0, 3], 0.0025)]);
    let advection = graph.mul(u, u_x);
    let kdv = graph.add(linear_part, advection);
    let combination = graph.symbol(Symbol::Combination { field: 0, combination: 0 });
    let expected = Collapsed {
        combinations: vec![vec![(index(&[1]), 1.0), (index(&[0, 3]), 0.0025)]],
        expressions: vec![graph.add(combination, advection)],
    };
    assert_eq!(graph.collapse(&[kdv]), expected);

    // Biharmonic: 2 (u_xxxx + 2 u_xxyy + u_yyyy) − u
    let terms: [(&[u8], f64); 4] = [(&[4], 2.0), (&[2, 2], 4.0), (&[0, 4], 2.0), (&[], -1.0)];
    let biharmonic = linear(&mut graph, 0, &terms);
    let expected = Collapsed {
        combinations: vec![vec![(index(&[4]), 1.0), (index(&[2, 2]), 2.0), (index(&[0, 4]), 1.0)]],
        expressions: vec![graph.sum(&[(2.0, combination), (-1.0, u)])],
    };
    assert_eq!(graph.collapse(&[biharmonic]), expected);
    // u_xx is below u_xxxx: it does not matter what else it is needed for.
    let u_xx = graph.symbol(jet(0, XX));
    let with_lower = graph.mul(biharmonic, u_xx);
    assert_eq!(graph.collapse(&[with_lower]).combinations, expected.combinations);

    // u_yy is below u_yyy, and so has to be carried in any case.
    let mixed = linear(&mut graph, 0, &[(XX, 1.0), (YY, 1.0), (&[0, 3], 1.0)]);
    let square = graph.mul(mixed, mixed);
    let combinations = graph.collapse(&[square]).combinations;
    assert_eq!(combinations, [[(index(XX), 1.0), (index(&[0, 3]), 1.0)]]);

    // A gradient to be matched needs each derivative.
    let targets = [0, 1].map(|n| graph.symbol(Symbol::Column(n)));
    let matched = [&[1][..], &[0, 1]].map(|e| graph.symbol(jet(0, e)));
    let residuals = [0, 1].map(|n| graph.sub(matched[n], targets[n]));
    assert!(graph.collapse(&residuals).combinations.is_empty());
    assert!(graph.collapse(&[]).combinations.is_empty());
}

#[test]
fn dependence_through_jumps_counts() {
    let mut graph = Graph::new();
    let [u_xx, u_yy] = [XX, YY].map(|e| graph.symbol(jet(0, e)));
    let laplacian = graph.add(u_xx, u_yy);
    let zero = graph.constant(0.0);
    let (sign, step) = (graph.call(Function::Sign, u_xx), graph.call(Function::Step, laplacian));
    let jumps = [
        (sign, 0),
        (step, 1),
        (graph.less(u_xx, zero), 0),
        (graph.less_equal(zero, laplacian), 1),
        (graph.less(u_xx, u_yy), 0),
        (graph.min(u_xx, u_yy), 0),
        (graph.max(laplacian, zero), 1),
        (graph.call(Function::Abs, laplacian), 1),
        (graph.call(Function::Abs, u_yy), 0),
    ];
    for (jump, combinations) in jumps {
        let sum = graph.add(laplacian, jump);
        assert_eq!(graph.collapse(&[sum]).combinations.len(), combinations);
    }
}

#[test]
fn coefficients_without_a_ratio_are_left_alone() {
    for weights in [[f64::NAN, 1.0], [f64::INFINITY, 1.0], [1.0, f64::INFINITY], [1e300, 1e-300]] {
        let mut graph = Graph::new();
        let residual = linear(&mut graph, 0, &[(XX, weights[0]), (YY, weights[1])]);
        assert!(graph.collapse(&[residual]).combinations.is_empty(), "{weights:?}");
    }
}

#[test]
fn inserted_fields_are_differentiated_as_often_as_the_symbols_say() {
    let mut graph = Graph::new();
    let [x, y] = [X, Y].map(|symbol| graph.symbol(symbol));
    // u = y sin x in u_xxy + u u_x + v_x: v stays.
    let sin = graph.call(Function::Sin, x);
    let u = graph.mul(y, sin);
    let [u_xxy, value, u_x, v_x] = [jet(0, &[2, 1]), jet(0, &[]), jet(0, &[1]), jet(1, &[1])]
        .map(|symbol| graph.symbol(symbol));
    let product = graph.mul(value, u_x);
    let residual = graph.sum(&[(1.0, u_xxy), (1.0, product), (1.0, v_x)]);
    let inserted = graph.insert_fields(&[residual], &[u]).unwrap()[0];
    let (x, y) = (0.7_f64, -1.3_f64);
    let found = graph.evaluate(&[inserted], &|symbol| match symbol {
        X => x,
        Y => y,
        symbol if symbol == jet(1, &[1]) => 5.0,
        other => panic!("{other}"),
    })[0];
    let expected = -x.sin() + y * y * x.sin() * x.cos() + 5.0;
    assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    // u ↦ u_xx: a derivative of it is beyond what jets hold.
    let u_xx = graph.symbol(jet(0, &[2]));
    assert!(graph.insert_fields(&[u_xxy], &[u_xx]).is_err());
    assert!(graph.insert_fields(&[u_x], &[u_xx]).is_ok());
}
