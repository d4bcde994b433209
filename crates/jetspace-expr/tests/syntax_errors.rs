//! Every error of the lexer and the parser, word for word.

use jetspace_expr::{ExprError, parse_equation, parse_expression};

/// Checks one error: message, underlined text and where it begins, label, help.
#[track_caller]
fn check(text: &str, error: &ExprError, at: (usize, &str), expected: [&str; 3]) {
    let span = error.span().unwrap();
    assert_eq!([error.message(), error.label(), error.help()], expected, "{text}");
    assert_eq!((span.start, span.of(text)), at, "{text}");
    assert_eq!(span.end, at.0 + at.1.len(), "{text}");
}

#[track_caller]
fn expression(text: &str, at: (usize, &str), expected: [&str; 3]) {
    check(text, &parse_expression(text).unwrap_err(), at, expected);
}

#[track_caller]
fn equation(text: &str, at: (usize, &str), expected: [&str; 3]) {
    check(text, &parse_equation(text).unwrap_err(), at, expected);
}

#[test]
fn products_need_their_operator() {
    let label = "no operator before this";
    for text in ["2x", "2 x"] {
        let message = "expected an operator between `2` and `x`";
        expression(text, (text.len() - 1, "x"), [message, label, "write `2*x`"]);
    }
    expression(
        "(a)(b)",
        (3, "("),
        ["expected an operator between `)` and `(`", label, "write `)*(`"],
    );
    expression(
        "2(x + y)",
        (1, "("),
        ["expected an operator between `2` and `(`", label, "write `2*(`"],
    );
    expression(
        "1 + sin x",
        (8, "x"),
        [
            "expected an operator between `sin` and `x`",
            label,
            "write `sin*x` for a product, or `sin(x)` for a call",
        ],
    );
    expression("2e", (1, "e"), ["expected an operator between `2` and `e`", label, "write `2*e`"]);
}

#[test]
fn operators_of_other_languages() {
    let label = "not an operator";
    expression("x**2", (1, "**"), ["a power is written `^`, found `**`", label, "write `^`"]);
    equation(
        "u == 0",
        (2, "=="),
        ["the two sides of an equation are joined by `=`, found `==`", label, "write `=`"],
    );
}

#[test]
fn characters_that_mean_nothing() {
    let label = "not part of the language";
    for (text, at, message, help) in [
        ("a−b", (1, "−"), "found the character `−`", "write `-`"),
        ("a×b", (1, "×"), "found the character `×`", "write `*`"),
        ("a÷b", (1, "÷"), "found the character `÷`", "write `/`"),
        ("a≤b", (1, "≤"), "found the character `≤`", "write `<=`"),
        ("a≥b", (1, "≥"), "found the character `≥`", "write `>=`"),
        ("θ²", (2, "²"), "found the character `²`", "write `^2`"),
        ("θ³", (2, "³"), "found the character `³`", "write `^3`"),
        ("√x", (0, "√"), "found the character `√`", "write `sqrt(…)`"),
        ("∂u", (0, "∂"), "found the character `∂`", "write a derivative as `u_x` or `d(u, x)`"),
        (
            "∇u",
            (0, "∇"),
            "found the character `∇`",
            "write `laplacian(…)`, or derivatives as `u_x` or `d(u, x)`",
        ),
        ("_u", (0, "_"), "found the character `_`", "names begin with a letter"),
        ("[a]", (0, "["), "found the character `[`", "write parentheses"),
        (
            "{a}",
            (0, "{"),
            "found the character `{`",
            "write parentheses; braces stand only in subscripts such as `u_{theta,x}`",
        ),
        (
            "a # b",
            (2, "#"),
            "found the character `#`",
            "an expression consists of numbers, names, parentheses and + - * / ^ < <= > >=",
        ),
        (
            "\0",
            (0, "\0"),
            "found the character `\\0`",
            "an expression consists of numbers, names, parentheses and + - * / ^ < <= > >=",
        ),
    ] {
        expression(text, at, [&format!("expected an expression, {message}"), label, help]);
    }
}

#[test]
fn numbers_that_are_none() {
    for (text, found) in [("1.2.3 + x", "1.2.3"), ("1..2", "1..2"), ("1e2.5", "1e2.5")] {
        expression(
            text,
            (0, found),
            [
                &format!("expected a number, found `{found}`"),
                "not a number",
                "a number has at most one decimal point, and none in its exponent",
            ],
        );
    }
    expression(
        "x*1e309",
        (2, "1e309"),
        [
            "expected a number up to 1.8e308, found `1e309`",
            "too large",
            "scale the problem so that its numbers are near 1",
        ],
    );
}

#[test]
fn names_that_are_none() {
    let help = "write for example `data.u` or `teacher.u_x`";
    for (text, name) in [("data. + x", "data."), ("data.2", "data.")] {
        let message = "expected a name after `data.`";
        expression(text, (0, name), [message, "no name after this", help]);
    }
    expression(
        "a + b.c.d",
        (4, "b.c.d"),
        ["expected a name with one qualifier, found `b.c.d`", "more than one `.`", help],
    );
    for (text, at) in [
        ("u_{x + y}", (2, "{x + y}")),
        ("u_{}", (2, "{}")),
        ("u_{x,}", (2, "{x,}")),
        ("1 + u_{x, t", (6, "{x, t")),
    ] {
        expression(
            text,
            at,
            [
                "expected a list of coordinates in braces",
                "not a list of names",
                "write for example `u_{theta,x}`",
            ],
        );
    }
}

#[test]
fn operands_that_are_missing() {
    let (label, help) = ("no operand before this", "add a number or a name before it");
    expression(
        "a + * b",
        (4, "*"),
        ["expected a number or a name after `+`, found `*`", label, help],
    );
    expression("* b", (0, "*"), ["expected a number or a name, found `*`", label, help]);
    expression("()", (1, ")"), ["expected a number or a name after `(`, found `)`", label, help]);
    expression(
        "f(a,)",
        (4, ")"),
        ["expected a number or a name after `,`, found `)`", label, help],
    );
    expression(
        "f(,a)",
        (2, ","),
        ["expected a number or a name after `(`, found `,`", label, help],
    );
    equation("= 0", (0, "="), ["expected a number or a name, found `=`", label, help]);
    expression(
        "+x",
        (0, "+"),
        ["expected a number or a name, found `+`", label, "leave out the `+`"],
    );
    let (label, help) = ("the text ends here", "complete the expression with a number or a name");
    expression("", (0, ""), ["expected a number or a name, found the end", label, help]);
    expression("  ", (2, ""), ["expected a number or a name, found the end", label, help]);
    expression(
        "a*",
        (2, ""),
        ["expected a number or a name after `*`, found the end", label, help],
    );
    equation("u =", (3, ""), ["expected a number or a name after `=`, found the end", label, help]);
    expression("-", (1, ""), ["expected a number or a name after `-`, found the end", label, help]);
}

#[test]
fn parentheses_that_do_not_match() {
    let unclosed = ["expected `)`, found the end", "never closed", "add the missing `)`"];
    expression("a*(b + (c)", (2, "("), unclosed);
    expression("1 + sin(x", (7, "("), unclosed);
    expression(
        "a + b)",
        (5, ")"),
        [
            "expected an operator or the end, found `)`",
            "closes nothing",
            "leave it out, or add the missing `(`",
        ],
    );
}

#[test]
fn commas_outside_of_calls() {
    for (text, at) in [("1,5", 1), ("max((a, b), c)", 6)] {
        expression(
            text,
            (at, ","),
            [
                "expected an operator, found `,`",
                "not between arguments",
                "commas separate the arguments of a call, as in `max(a, b)`; decimals have a point",
            ],
        );
    }
}

#[test]
fn comparisons_do_not_chain() {
    for (text, at) in [("a < b < c", (6, "<")), ("a<=b+1>=c", (6, ">=")), ("f(a<-b<c)", (6, "<"))] {
        expression(
            text,
            at,
            [
                "expected one comparison, found a second in a chain",
                "second comparison",
                "multiply comparisons, as in `(a < b)*(b < c)`",
            ],
        );
    }
}

#[test]
fn equations_have_one_equals_sign() {
    expression(
        "u = 0",
        (2, "="),
        [
            "expected an expression, found an equation",
            "an expression has no `=`",
            "leave out the `=`, or give an equation where one is expected",
        ],
    );
    equation(
        "u_t + u ",
        (8, ""),
        [
            "expected an equation, found an expression without `=`",
            "no `=` before the end",
            "write `left = right`, for example `… = 0`",
        ],
    );
    equation(
        "a = b = c",
        (6, "="),
        [
            "expected an equation with one `=`, found a second",
            "second `=`",
            "write one equation for each `=`",
        ],
    );
    for text in ["a*(b = c)", "f(b = c)"] {
        let at = text.find('=').unwrap();
        equation(
            text,
            (at, "="),
            [
                "expected `)`, found `=`",
                "inside parentheses",
                "close the parentheses before the `=`; values are compared by < <= > >=",
            ],
        );
    }
}
