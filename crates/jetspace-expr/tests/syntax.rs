//! Parsing and printing: precedence, spans, round trips, depth.

use jetspace_expr::{BinaryOperator, Expression, Node, parse_equation, parse_expression};
use proptest::prelude::*;

/// The expression with every operation in parentheses: shows how a text was read.
fn explicit(expression: &Expression) -> String {
    let mut texts: Vec<String> = Vec::new();
    for node in expression.nodes() {
        let text = match node {
            Node::Number(value) => format!("{value:?}"),
            Node::Name(name) => name.clone(),
            Node::Negate(a) => format!("(-{})", texts[*a]),
            Node::Binary { operator, left, right } => {
                format!("({}{}{})", texts[*left], operator.symbol(), texts[*right])
            }
            Node::Call { name, arguments } => {
                let arguments: Vec<&str> = arguments.iter().map(|&a| texts[a].as_str()).collect();
                format!("{name}({})", arguments.join(","))
            }
        };
        texts.push(text);
    }
    texts.pop().unwrap()
}

fn read(text: &str) -> String {
    explicit(&parse_expression(text).unwrap())
}

#[test]
fn precedence_and_associativity() {
    for (text, expected) in [
        ("a + b*c", "(a+(b*c))"),
        ("a*b + c", "((a*b)+c)"),
        ("a - b - c", "((a-b)-c)"),
        ("a - b + c", "((a-b)+c)"),
        ("a/b/c", "((a/b)/c)"),
        ("a/b*c", "((a/b)*c)"),
        ("a^b^c", "(a^(b^c))"),
        ("a*b^c", "(a*(b^c))"),
        ("a^b*c", "((a^b)*c)"),
        ("-x^2", "(-(x^2.0))"),
        ("-x*y", "((-x)*y)"),
        ("-x + y", "((-x)+y)"),
        ("2^-x", "(2.0^(-x))"),
        ("2^-x*y", "((2.0^(-x))*y)"),
        ("2^-x^y", "(2.0^(-(x^y)))"),
        ("2^--x", "(2.0^(-(-x)))"),
        ("(-x)^2", "((-x)^2.0)"),
        ("a*-b", "(a*(-b))"),
        ("a - -b", "(a-(-b))"),
        ("--a", "(-(-a))"),
        ("a < b + c", "(a<(b+c))"),
        ("a + b >= c", "((a+b)>=c)"),
        ("(a < b)*(b <= c)", "((a<b)*(b<=c))"),
        ("(a < b) > c", "((a<b)>c)"),
        ("((a))", "a"),
        ("f()", "f()"),
        ("f(a)", "f(a)"),
        ("max(a, -b, c < d)", "max(a,(-b),(c<d))"),
        ("sin (x)^2", "(sin(x)^2.0)"),
        ("f(g((a)), (b + c)*d)", "f(g(a),((b+c)*d))"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn numbers_and_names() {
    for (text, expected) in [
        ("1", "1.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("2.5e-3", "0.0025"),
        ("2E+3", "2000.0"),
        ("1e308", "1e308"),
        ("1e-400", "0.0"),
        ("u_xx", "u_xx"),
        ("u_{theta,x}", "u_{theta,x}"),
        ("u_{theta, x}", "u_{theta, x}"),
        ("data.u_x", "data.u_x"),
        ("teacher.u_{xx}", "teacher.u_{xx}"),
        ("θ_0 + Δλ", "(θ_0+Δλ)"),
        ("x1\t+\n x_1", "(x1+x_1)"),
        ("2*e", "(2.0*e)"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn equations_split_at_the_equals_sign() {
    let equation = parse_equation("u_t + u*u_x = nu*u_xx").unwrap();
    assert_eq!(explicit(&equation.left), "(u_t+(u*u_x))");
    assert_eq!(explicit(&equation.right), "(nu*u_xx)");
    assert_eq!(equation.to_string(), "u_t + u*u_x = nu*u_xx");
    assert_eq!(parse_equation(&equation.to_string()).unwrap(), equation);
}

#[test]
fn spans_are_bytes_of_the_text_without_outer_parentheses() {
    let text = " -(θ + b)*f( x,(2) )^c";
    let expression = parse_expression(text).unwrap();
    let spans: Vec<&str> =
        (0..expression.nodes().len()).map(|node| expression.span(node).unwrap().of(text)).collect();
    let expected = [
        "θ",
        "b",
        "θ + b",
        "-(θ + b)",
        "x",
        "2",
        "f( x,(2) )",
        "c",
        "f( x,(2) )^c",
        "-(θ + b)*f( x,(2) )^c",
    ];
    assert_eq!(spans, expected);
    assert_eq!(expression.span(spans.len()), None);

    let text = "u = α*v";
    let equation = parse_equation(text).unwrap();
    let right: Vec<&str> = (0..3).map(|node| equation.right.span(node).unwrap().of(text)).collect();
    assert_eq!(right, ["α", "v", "α*v"]);
}

#[test]
fn printing_uses_the_usual_spaces_and_the_shortest_numbers() {
    for (text, printed) in [
        ("a+b*c/d^e", "a + b*c/d^e"),
        ("(a-(b-c))", "a - (b - c)"),
        ("(a/(b*c))", "a/(b*c)"),
        ("(a^b)^(c^d)", "(a^b)^c^d"),
        ("(-a)^(-b)", "(-a)^-b"),
        ("-(a*b)", "-(a*b)"),
        ("(-a)*b", "-a*b"),
        ("a^(b*c)", "a^(b*c)"),
        ("(a<b)<(c>=d)", "(a < b) < (c >= d)"),
        ("max((a),(b+c))", "max(a, b + c)"),
        ("0.1 + 1e3 + 1e20 + 2.5e-7 + 0", "0.1 + 1000 + 1e20 + 2.5e-7 + 0"),
    ] {
        assert_eq!(parse_expression(text).unwrap().to_string(), printed);
    }
}

/// Random expressions as text with every operation in parentheses.
fn explicit_text() -> impl Strategy<Value = String> {
    let number = (any::<f64>().prop_filter("finite", |x| x.is_finite()))
        .prop_map(|x| format!("{:?}", x.abs()));
    let name = prop::sample::select(vec!["x", "u_xx", "u_{θ,x}", "data.u_x", "e"]);
    let leaf = prop_oneof![number, name.prop_map(str::to_owned)];
    leaf.prop_recursive(8, 64, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "^", "<", "<=", ">", ">="]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a}{o}{b})")),
            2 => inner.clone().prop_map(|a| format!("(-{a})")),
            1 => prop::collection::vec(inner, 0..4).prop_map(|a| format!("f({})", a.join(","))),
        ]
    })
}

/// The matching pairs of parentheses that are not those of calls, as byte offsets.
fn groups(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => open.push(i),
            ')' => pairs.push((open.pop().unwrap(), i)),
            _ => {}
        }
    }
    pairs.retain(|&(i, _)| !text[..i].ends_with('f'));
    pairs
}

proptest! {
    #[test]
    fn every_text_is_read_as_its_parentheses_say(text in explicit_text()) {
        prop_assert_eq!(read(&text), text);
    }

    #[test]
    fn printed_expressions_parse_to_themselves(text in explicit_text()) {
        let expression = parse_expression(&text).unwrap();
        let printed = expression.to_string();
        let again = parse_expression(&printed).unwrap();
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again, expression);
    }

    #[test]
    fn no_pair_of_printed_parentheses_can_be_left_out(text in explicit_text()) {
        let expression = parse_expression(&text).unwrap();
        let printed = expression.to_string();
        for (open, close) in groups(&printed) {
            let mut without = printed.clone();
            without.replace_range(close..=close, " ");
            without.replace_range(open..=open, " ");
            let same = parse_expression(&without).is_ok_and(|other| other == expression);
            prop_assert!(!same, "{}", without);
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[-+*/^<>=(){}., _a-eux0-9.\\u{3b1}\u{d7}]{0,40}|\\PC*") {
        if let Ok(expression) = parse_expression(&text) {
            prop_assert_eq!(parse_expression(&expression.to_string()), Ok(expression));
        }
        if let Err(error) = parse_equation(&text) {
            let span = error.span().unwrap();
            prop_assert!(text.get(span.start..span.end).is_some(), "{:?}", span);
        }
    }
}

/// Texts of n operations whose trees are n deep, with the number of their nodes.
fn deep_texts(n: usize) -> Vec<(String, usize)> {
    let chain = |operator: &str| vec!["x"; n + 1].join(operator);
    vec![
        (format!("{}x{}", "(".repeat(n), ")".repeat(n)), 1),
        (format!("{}x", "-".repeat(n)), n + 1),
        (chain("+"), 2 * n + 1),
        (chain("*"), 2 * n + 1),
        (chain("^"), 2 * n + 1),
        (format!("{}x{}", "x+(".repeat(n), ")".repeat(n)), 2 * n + 1),
        (format!("{}x{}", "f(".repeat(n), ")".repeat(n)), n + 1),
        (format!("max({})", vec!["x"; n].join(",")), n + 1),
        (format!("{}x{}", "(x<".repeat(n), ")".repeat(n)), 2 * n + 1),
    ]
}

#[test]
fn depth_and_length_are_no_limit() {
    for (text, nodes) in deep_texts(100_000) {
        let expression = parse_expression(&text).unwrap();
        assert_eq!(expression.nodes().len(), nodes);
        let printed = expression.to_string();
        assert!(printed.len() <= 3 * text.len());
        assert_eq!(parse_expression(&printed).unwrap(), expression);
        drop(expression.clone());
    }
}

#[test]
fn unclosed_nests_are_errors_however_deep() {
    for open in ["(", "f(", "-(", "x^(", "max(x,", "x<"] {
        assert!(parse_expression(&open.repeat(100_000)).is_err());
        assert!(parse_expression(&format!("{}x", open.repeat(100_000))).is_err());
    }
}

#[test]
fn operators_show_their_symbols() {
    let expression = parse_expression("a >= b").unwrap();
    let expected = Node::Binary { operator: BinaryOperator::GreaterEqual, left: 0, right: 1 };
    assert_eq!(expression.nodes().last(), Some(&expected));
}
