//! What names mean, and what becomes of trees in the graph.

use jetspace_expr::{
    CoordinateKind, Expression, Function, Graph, Id, Node, Scope, Symbol, parse_equation,
    parse_expression,
};
use jetspace_jet::MultiIndex;
use proptest::prelude::*;

/// Coordinates x and y of space and t, fields u and v, a parameter nu, a column u_x.
fn scope() -> Scope {
    let scope = Scope::new().coordinate("x", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("y", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("t", CoordinateKind::Time).unwrap();
    let scope = scope.field("u").unwrap().field("v").unwrap();
    scope.parameter("nu").unwrap().column("u_x").unwrap()
}

fn lower(scope: &Scope, text: &str, graph: &mut Graph) -> Id {
    scope.lower(&parse_expression(text).unwrap(), graph).unwrap()
}

/// The one symbol that the text means.
fn symbol(scope: &Scope, text: &str) -> Symbol {
    let mut graph = Graph::new();
    let id = lower(scope, text, &mut graph);
    let symbols = graph.symbols(&[id]);
    let symbol = *symbols.first().unwrap();
    assert_eq!(graph.symbol(symbol), id, "{text} is no symbol");
    symbol
}

fn jet(field: usize, exponents: &[u8]) -> Symbol {
    Symbol::Jet { field, index: MultiIndex::new(exponents).unwrap() }
}

/// Checks that both texts are the same expression.
#[track_caller]
fn same(scope: &Scope, a: &str, b: &str) {
    let mut graph = Graph::new();
    let (a_id, b_id) = (lower(scope, a, &mut graph), lower(scope, b, &mut graph));
    let show = |id| graph.display(id, &|symbol| scope.symbol_name(symbol));
    assert_eq!(a_id, b_id, "{a} is {}, {b} is {}", show(a_id), show(b_id));
}

#[test]
fn names_mean_what_they_were_declared_as() {
    let scope = scope().with_teacher().with_other();
    let index = MultiIndex::new(&[1, 1]).unwrap();
    for (name, expected) in [
        ("x", Symbol::Coordinate(0)),
        ("t", Symbol::Coordinate(2)),
        ("u", jet(0, &[])),
        ("v", jet(1, &[])),
        ("u_x", jet(0, &[1])),
        ("v_yyt", jet(1, &[0, 2, 1])),
        ("v_tyy", jet(1, &[0, 2, 1])),
        ("v_{y,t,y}", jet(1, &[0, 2, 1])),
        ("v_{ t , y }", jet(1, &[0, 1, 1])),
        ("u_{x}", jet(0, &[1])),
        ("u_xxyy", jet(0, &[2, 2])),
        ("nu", Symbol::Parameter(0)),
        ("data.u_x", Symbol::Column(0)),
        ("teacher.v_xy", Symbol::Teacher { field: 1, index }),
        ("teacher.u", Symbol::Teacher { field: 0, index: MultiIndex::VALUE }),
        ("other.v_{y,x}", Symbol::Other { field: 1, index }),
    ] {
        assert_eq!(symbol(&scope, name), expected, "{name}");
    }
}

#[test]
fn constants_have_their_values() {
    let mut graph = Graph::new();
    let id = lower(&Scope::new(), "log(e^2)*pi", &mut graph);
    assert_eq!(graph.constant_value(id), Some(2.0 * std::f64::consts::PI));
}

#[test]
fn long_names_of_coordinates_and_fields() {
    let scope = Scope::new().coordinate("theta", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("x_1", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("ξ", CoordinateKind::Parameter).unwrap();
    let scope = scope.field("rho_0").unwrap().field("φ").unwrap();
    for (name, expected) in [
        ("rho_0", jet(0, &[])),
        ("rho_0_theta", jet(0, &[1])),
        ("rho_0_thetatheta", jet(0, &[2])),
        ("rho_0_x_1", jet(0, &[0, 1])),
        ("φ_x_1theta", jet(1, &[1, 1])),
        ("φ_{x_1,theta}", jet(1, &[1, 1])),
        ("φ_ξξ", jet(1, &[0, 0, 2])),
    ] {
        assert_eq!(symbol(&scope, name), expected, "{name}");
    }
}

#[test]
fn exact_names_come_first() {
    let scope = scope().parameter("k_0").unwrap().parameter("v_x").unwrap();
    assert_eq!(symbol(&scope, "k_0"), Symbol::Parameter(1));
    assert_eq!(symbol(&scope, "v_x"), Symbol::Parameter(2));
    assert_eq!(symbol(&scope, "v_{x}"), jet(1, &[1]));
    assert_eq!(symbol(&scope, "v_xx"), jet(1, &[2]));
    assert_eq!(scope.symbol_name(jet(1, &[1])), "v_{x}");
}

#[test]
fn subscripts_that_can_be_read_in_one_way_need_no_braces() {
    let scope = Scope::new().coordinate("x", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("xx", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("y", CoordinateKind::Space).unwrap().field("u").unwrap();
    assert_eq!(symbol(&scope, "u_x"), jet(0, &[1]));
    assert_eq!(symbol(&scope, "u_yxy"), jet(0, &[1, 0, 2]));
    assert_eq!(symbol(&scope, "u_{xx}"), jet(0, &[0, 1]));
    assert_eq!(symbol(&scope, "u_{x,x}"), jet(0, &[2]));
    for symbol in [jet(0, &[0, 1]), jet(0, &[2]), jet(0, &[1, 1, 1])] {
        let name = scope.symbol_name(symbol);
        assert!(name.contains('{'));
        assert_eq!(self::symbol(&scope, &name), symbol);
    }
}

#[test]
fn symbols_are_written_as_they_are_read() {
    let scope = scope().with_teacher().with_other();
    for name in ["x", "u", "u_xxyt", "nu", "data.u_x", "teacher.v_xy", "other.u", "other.v_t"] {
        assert_eq!(scope.symbol_name(symbol(&scope, name)), name);
    }
    for unknown in [Symbol::Hoisted(3), Symbol::Coordinate(9), jet(9, &[]), jet(0, &[0, 0, 0, 1])] {
        assert_eq!(scope.symbol_name(unknown), unknown.to_string());
    }
}

#[test]
fn functions_are_differentiated_by_their_subscript() {
    let mut graph = Graph::new();
    let wave = lower(&scope(), "sin(2*x)*t", &mut graph);
    let scope = scope().function("f", wave).unwrap();
    for (name, text) in [
        ("f", "sin(2*x)*t"),
        ("f_x", "2*cos(2*x)*t"),
        ("f_tx", "2*cos(2*x)"),
        ("f_{x,x}", "-4*sin(2*x)*t"),
        ("f_y", "0"),
        ("f_xxxxx", "32*cos(2*x)*t"),
        ("d(f_x, t)", "f_xt"),
    ] {
        let (a, b) = (lower(&scope, name, &mut graph), lower(&scope, text, &mut graph));
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn derivatives_are_total() {
    let scope = scope().with_teacher();
    same(&scope, "d(u, x)", "u_x");
    same(&scope, "d(u, x, t, x)", "u_xxt");
    same(&scope, "d(x^3, (x))", "3*x^2");
    same(&scope, "d(nu*u*v + x*u, x)", "nu*u_x*v + nu*u*v_x + u + x*u_x");
    same(&scope, "d(exp(u), t)", "u_t*exp(u)");
    same(&scope, "d(d(u^2, x), y)", "2*u_x*u_y + 2*u*u_xy");
    same(&scope, "laplacian(u)", "u_xx + u_yy");
    same(&scope, "laplacian(x^2*y^2)", "2*y^2 + 2*x^2");
    same(&scope, "laplacian(laplacian(u))", "u_xxxx + 2*u_xxyy + u_yyyy");
    // The derivative of a comparison needs no derivative of what it compares.
    same(&scope, "d((data.u_x < u)*x, x)", "(data.u_x < u)");
    same(&scope, "d(sign(teacher.u)*x, x)", "sign(teacher.u)");
}

#[test]
fn operators_mean_what_they_say() {
    let scope = scope();
    same(&scope, "x - (y - (t - u)) - v", "x - y + t - u - v");
    same(&scope, "x/(y/(t/u))/v", "x*t/(y*u*v)");
    same(&scope, "-(x - -y)", "0 - x - y");
    same(&scope, "x > y", "y < x");
    same(&scope, "x >= y", "y <= x");
    same(&scope, "2^-2*x", "x/4");
    let equation = parse_equation("u_t = nu*u_xx").unwrap();
    let mut graph = Graph::new();
    let residual = scope.lower_equation(&equation, &mut graph).unwrap();
    assert_eq!(residual, lower(&scope, "u_t - nu*u_xx", &mut graph));
}

#[test]
fn quotients_of_numbers_are_rounded_once() {
    let mut graph = Graph::new();
    let id = lower(&Scope::new(), "49/49", &mut graph);
    assert_eq!(graph.constant_value(id), Some(1.0));
}

#[test]
fn every_function_has_its_name() {
    let scope = scope();
    for function in Function::ALL {
        let mut graph = Graph::new();
        let x = graph.symbol(Symbol::Coordinate(0));
        let expected = graph.call(function, x);
        assert_eq!(lower(&scope, &format!("{function}(x)"), &mut graph), expected);
    }
    let mut graph = Graph::new();
    let extremes = lower(&scope, "min(x, y, t) + 10*max(y, t, x, x)", &mut graph);
    let value = |symbol| match symbol {
        Symbol::Coordinate(i) => [3.0, -1.0, 2.0][i],
        _ => f64::NAN,
    };
    assert_eq!(graph.evaluate(&[extremes], &value), [29.0]);
}

/// Random expressions in small integers, halves and sums of their products: exact in `f64`.
fn exact_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["x", "y", "t", "0", "1", "2", "3", "0.5"]);
    leaf.prop_map(str::to_owned).prop_recursive(6, 20, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "<", "<=", ">", ">="]);
        let extreme = prop::sample::select(vec!["min", "max"]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a}{o}{b})")),
            1 => inner.clone().prop_map(|a| format!("(-{a})")),
            1 => inner.clone().prop_map(|a| format!("({a}/y)")),
            1 => (extreme, prop::collection::vec(inner, 2..4))
                .prop_map(|(f, a)| format!("{f}({})", a.join(","))),
        ]
    })
}

/// The value of the tree, node by node.
fn value(expression: &Expression, coordinates: [f64; 3]) -> f64 {
    let mut values: Vec<f64> = Vec::new();
    for node in expression.nodes() {
        let value = match node {
            Node::Number(number) => *number,
            Node::Name(name) => coordinates["xyt".find(name.as_str()).unwrap()],
            Node::Negate(a) => -values[*a],
            Node::Binary { operator, left, right } => {
                let (a, b) = (values[*left], values[*right]);
                match operator.symbol() {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "/" => a / b,
                    "<" => f64::from(u8::from(a < b)),
                    "<=" => f64::from(u8::from(a <= b)),
                    ">" => f64::from(u8::from(a > b)),
                    _ => f64::from(u8::from(a >= b)),
                }
            }
            Node::Call { name, arguments } => {
                let of = arguments.iter().map(|&a| values[a]);
                if name == "min" {
                    of.fold(f64::MAX, f64::min)
                } else {
                    of.fold(f64::MIN, f64::max)
                }
            }
        };
        values.push(value);
    }
    values.pop().unwrap()
}

proptest! {
    #[test]
    fn lowering_keeps_the_value(text in exact_text(), x in -3_i8..4, t in -3_i8..4) {
        // Division is by powers of two alone.
        let coordinates = [f64::from(x), 2.0, f64::from(t)];
        let mut graph = Graph::new();
        let expression = parse_expression(&text).unwrap();
        let id = scope().lower(&expression, &mut graph).unwrap();
        let lowered = graph.evaluate(&[id], &|symbol| match symbol {
            Symbol::Coordinate(i) => coordinates[i],
            _ => f64::NAN,
        });
        prop_assert_eq!(lowered[0], value(&expression, coordinates), "{}", text);
    }
}

#[test]
fn depth_and_length_are_no_limit() {
    let scope = scope();
    let n = 100_000;
    let at = |x: f64, text: &str| {
        let mut graph = Graph::new();
        let id = lower(&scope, text, &mut graph);
        graph.evaluate(&[id], &|_| x)[0]
    };
    let chain = |operator: &str| vec!["x"; n + 1].join(operator);
    let nest = |open: &str| format!("{}x{}", open.repeat(n), ")".repeat(n));
    let times = |f: fn(f64) -> f64, x| (0..n).fold(x, |value, _| f(value));
    assert_eq!(at(0.5, &nest("(")), 0.5);
    assert_eq!(at(0.5, &format!("{}x", "-".repeat(n))), 0.5);
    assert_eq!(at(0.5, &chain("+")), 0.5 * 100_001.0);
    assert_eq!(at(0.5, &chain(" - ")), 0.5 * -99_999.0);
    assert_eq!(at(-1.0, &chain("*")), -1.0);
    assert_eq!(at(-1.0, &chain("/")), -1.0);
    assert_eq!(at(0.5, &chain("^")), times(|value| libm::pow(0.5, value), 0.5));
    assert_eq!(at(0.5, &nest("sin(")), times(libm::sin, 0.5));
    assert_eq!(at(0.5, &nest("x+(")), 0.5 * 100_001.0);
    assert_eq!(at(0.5, &nest("x-(")), 0.5);
    assert_eq!(at(0.5, &nest("2-(")), 0.5);
    assert_eq!(at(2.0, &nest("x/(")), 2.0);
    assert_eq!(at(0.5, &nest("(x<")), times(|value| f64::from(u8::from(0.5 < value)), 0.5));
    assert_eq!(at(0.5, &format!("max({})", vec!["x"; n].join(","))), 0.5);
    assert_eq!(at(0.5, &format!("{}x{}", "d(".repeat(n), ", x)".repeat(n))), 0.0);
}

#[test]
fn long_sums_and_products_are_one_operation() {
    let names: Vec<String> = (0..100_000).map(|i| format!("p{i}")).collect();
    let scope = names.iter().fold(Scope::new(), |scope, name| scope.parameter(name).unwrap());
    let mut graph = Graph::new();
    let symbols: Vec<Id> = (0..names.len()).map(|i| graph.symbol(Symbol::Parameter(i))).collect();
    let terms: Vec<(f64, Id)> = symbols.iter().map(|&id| (1.0, id)).collect();
    let (sum, product) = (graph.sum(&terms), graph.product(&symbols));
    assert_eq!(lower(&scope, &names.join(" + "), &mut graph), sum);
    assert_eq!(lower(&scope, &names.join("*"), &mut graph), product);
    let (open, close) = (names.join("*("), ")".repeat(names.len() - 1));
    assert_eq!(lower(&scope, &format!("{open}{close}"), &mut graph), product);
}
