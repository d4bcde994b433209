//! What holds for every text, for the tests and for the fuzz target: whoever finds a text for which
//! it does not has found a bug.

use jetspace_expr::{
    CoordinateKind, ExprError, Expression, Graph, Scope, parse_equation, parse_expression,
};

/// Parses, prints and lowers the text.
///
/// # Panics
/// If an error points outside of the text or does not say what to do, if a printed expression does
/// not parse to itself, or if something else panics.
pub fn check(text: &str) {
    match parse_expression(text) {
        Ok(expression) => check_expression(text, &expression),
        Err(error) => check_error(text, &error),
    }
    match parse_equation(text) {
        Ok(equation) => {
            assert_eq!(parse_equation(&equation.to_string()), Ok(equation.clone()));
            check_expression(text, &equation.left);
            check_expression(text, &equation.right);
        }
        Err(error) => check_error(text, &error),
    }
}

fn check_expression(text: &str, expression: &Expression) {
    assert_eq!(parse_expression(&expression.to_string()).as_ref(), Ok(expression));
    let mut graph = Graph::new();
    let scope = scope(&mut graph).unwrap();
    match scope.lower(expression, &mut graph) {
        Ok(id) => {
            assert_eq!(graph.evaluate(&[id], &|_| 0.5).len(), 1);
            assert_ne!(graph.display(id, &|symbol| scope.symbol_name(symbol)), "");
            for symbol in graph.symbols(&[id]) {
                let name = parse_expression(&scope.symbol_name(symbol)).unwrap();
                assert_eq!(scope.lower(&name, &mut graph), Ok(graph.symbol(symbol)));
            }
        }
        Err(error) => check_error(text, &error),
    }
}

fn check_error(text: &str, error: &ExprError) {
    let span = error.span().unwrap();
    assert!(text.get(span.start..span.end).is_some(), "{text:?}: {error:?}");
    assert!(![error.message(), error.label(), error.help()].contains(&""), "{text:?}: {error:?}");
}

/// Something of everything that a scope can have.
fn scope(graph: &mut Graph) -> Result<Scope, ExprError> {
    let scope = Scope::new()
        .coordinate("x", CoordinateKind::Space)?
        .coordinate("y", CoordinateKind::Space)?
        .coordinate("t", CoordinateKind::Time)?
        .coordinate("xi", CoordinateKind::Parameter)?
        .field("u")?
        .field("v")?
        .field("p")?
        .parameter("nu")?
        .parameter("k_0")?
        .column("u")?
        .column("u_x")?
        .with_teacher()
        .with_other();
    let source = scope.lower(&parse_expression("exp(-t)*sin(pi*x)*y/(1 + xi^2)")?, graph)?;
    scope.function("f", source)
}
