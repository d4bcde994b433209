//! Every error of a scope, word for word.

use jetspace_expr::{CoordinateKind, ExprError, Graph, Scope, parse_equation, parse_expression};

/// Coordinates x and y of space and theta, fields u and rho, parameters nu and lambda, a function
/// source = exp(x), columns u and rho_x.
fn scope(graph: &mut Graph) -> Scope {
    let scope = Scope::new().coordinate("x", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("y", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("theta", CoordinateKind::Parameter).unwrap();
    let scope = scope.field("u").unwrap().field("rho").unwrap();
    let scope = scope.parameter("nu").unwrap().parameter("lambda").unwrap();
    let source = scope.lower(&parse_expression("exp(x)").unwrap(), graph).unwrap();
    let scope = scope.function("source", source).unwrap();
    scope.column("u").unwrap().column("rho_x").unwrap().with_teacher().with_other()
}

fn error(scope: &Scope, text: &str, graph: &mut Graph) -> ExprError {
    scope.lower(&parse_expression(text).unwrap(), graph).unwrap_err()
}

/// Checks one error of a text: message, label and help, and what is underlined.
#[track_caller]
fn check(text: &str, underlined: &str, expected: [&str; 3]) {
    let mut graph = Graph::new();
    let scope = scope(&mut graph);
    check_in(&scope, text, underlined, expected, &mut graph);
}

#[track_caller]
fn check_in(scope: &Scope, text: &str, underlined: &str, expected: [&str; 3], graph: &mut Graph) {
    let error = error(scope, text, graph);
    assert_eq!([error.message(), error.label(), error.help()], expected, "{text}");
    let span = error.span().unwrap();
    assert_eq!(
        (span.start, span.of(text)),
        (text.rfind(underlined).unwrap(), underlined),
        "{text}"
    );
}

#[track_caller]
fn unknown(name: &str, help: &str) {
    let message = format!("expected a known name, found `{name}`");
    check(&format!("1 + 2*{name}"), name, [&message, "unknown name", help]);
}

#[test]
fn unknown_names_are_compared_with_known_ones() {
    unknown("lamda", "did you mean `lambda`?");
    unknown("Lambda", "did you mean `lambda`?");
    unknown("mu", "did you mean `nu`?");
    unknown("ux", "did you mean `u_x`?");
    unknown("uxy", "did you mean `u_xy`?");
    unknown("rhothetax", "did you mean `rho_thetax`?");
    unknown("sourcex", "did you mean `source_x`?");
    unknown("U_xx", "did you mean `u_xx`?");
    unknown("rhho_{theta,x}", "did you mean `rho_{theta,x}`?");
    unknown("Pi", "did you mean `pi`?");
}

#[test]
fn unknown_names_without_a_near_one_get_the_list() {
    let all = "known are the coordinates x, y, theta; fields u, rho; parameters nu, lambda; \
               functions source; constants pi, e";
    unknown("w", all);
    unknown("temperature", all);
    unknown("w_xx", all);
    unknown("x_y", all);
    let mut graph = Graph::new();
    let expected =
        ["expected a known name, found `w`", "unknown name", "known are the constants pi, e"];
    check_in(&Scope::new(), "w", "w", expected, &mut graph);
}

#[test]
fn names_that_need_something_after_them() {
    check(
        "u + data",
        "data",
        [
            "expected a name, found the qualifier `data` alone",
            "no name after this",
            "write for example `data.u`",
        ],
    );
    for function in ["sin", "max", "d", "laplacian"] {
        check(
            &format!("2*{function} + 1"),
            function,
            [
                &format!("expected a value, found the function `{function}` without arguments"),
                "no parentheses after this",
                &format!("write `{function}(…)`"),
            ],
        );
    }
}

#[test]
fn subscripts_are_coordinates() {
    let coordinates = "the coordinates are x, y, theta";
    for (name, found) in [("u_z", "z"), ("u_xz", "xz"), ("u_{x,zeta}", "zeta"), ("u_x_y", "x_y")] {
        let message = format!("expected coordinates as the subscript of `u`, found `{found}`");
        check(&format!("x*{name}"), name, [&message, "not coordinates", coordinates]);
    }
    check(
        "u_ + 1",
        "u_",
        [
            "expected coordinates as the subscript of `u`, found nothing",
            "not coordinates",
            "did you mean `u`?",
        ],
    );
    check(
        "source_q + 1",
        "source_q",
        [
            "expected coordinates as the subscript of `source`, found `q`",
            "not coordinates",
            "did you mean `source`?",
        ],
    );
    let scope = Scope::new().field("u").unwrap();
    let message = "expected coordinates as the subscript of `u`, found `x`";
    let help = "there are no coordinates here";
    check_in(&scope, "u_x", "u_x", [message, "not coordinates", help], &mut Graph::new());
}

#[test]
fn ambiguous_subscripts_need_braces() {
    let scope = Scope::new().coordinate("x", CoordinateKind::Space).unwrap();
    let scope = scope.coordinate("xx", CoordinateKind::Space).unwrap();
    let scope = scope.field("u").unwrap().field("u_x").unwrap().with_teacher();
    let scope = scope.coordinate("x_x", CoordinateKind::Space).unwrap();
    for (name, example) in [
        ("u_xx", "u_{x,x}"),
        ("u_xxx", "u_{x,x,x}"),
        ("teacher.u_xx", "teacher.u_{x,x}"),
        // The field u by the coordinate x_x, or the field u_x by x.
        ("u_x_x", "u_{x_x}"),
    ] {
        let unqualified = name.trim_start_matches("teacher.");
        let message =
            format!("expected a subscript that can be read in one way, found `{unqualified}`");
        let help = format!("list the coordinates in braces, for example `{example}`");
        check_in(&scope, name, name, [&message, "ambiguous", &help], &mut Graph::new());
    }
}

#[test]
fn derivatives_have_an_order() {
    let help = "introduce a lower derivative as a field of its own";
    for (text, underlined, order) in [
        ("1 + u_xxxxx", "u_xxxxx", 5),
        ("1 + u_{x,y,x,y,x,y}", "u_{x,y,x,y,x,y}", 6),
        ("teacher.u_xxxxx", "teacher.u_xxxxx", 5),
        ("d(x*u_xxyy, theta)", "x*u_xxyy", 5),
        ("laplacian(u_xxx)", "u_xxx", 5),
    ] {
        let message = format!("expected derivatives of total order up to 4, found order {order}");
        check(text, underlined, [&message, "order too high", help]);
    }
}

#[test]
fn qualifiers_are_known_and_allowed() {
    let bare = Scope::new().coordinate("x", CoordinateKind::Space).unwrap().field("u").unwrap();
    let check_bare = |text: &str, expected: [&str; 3]| {
        check_in(&bare, text, text, expected, &mut Graph::new());
    };
    check_bare(
        "teacher.u_x",
        [
            "expected a name that is known here, found one of a teacher",
            "no teacher here",
            "`teacher.` is for terms that compare a model with its teacher",
        ],
    );
    check_bare(
        "other.u",
        [
            "expected a name that is known here, found one of the other end of a pair",
            "no pairs of points here",
            "`other.` is for conditions that join two boundaries, such as periodic ones",
        ],
    );
    check_bare(
        "data.u",
        [
            "expected a column of the point set after `data.`, found `u`",
            "no such column",
            "the point set has no columns of data",
        ],
    );
    check(
        "1 + x.u",
        "x.u",
        [
            "expected `data.`, `teacher.` or `other.`, found `x.`",
            "unknown qualifier",
            "write `data.` for columns of the point set, or `*` for a product",
        ],
    );
}

#[test]
fn columns_are_named_exactly() {
    for (name, help) in [
        ("rho_y", "did you mean `data.rho_x`?"),
        ("RHO_X", "did you mean `data.rho_x`?"),
        ("u_x", "the columns are u, rho_x"),
        ("theta", "the columns are u, rho_x"),
    ] {
        let message = format!("expected a column of the point set after `data.`, found `{name}`");
        check(
            &format!("data.{name} + 1"),
            &format!("data.{name}"),
            [&message, "no such column", help],
        );
    }
    let scope = Scope::new().column("exact").unwrap();
    let expected =
        ["expected a known name, found `exact`", "unknown name", "did you mean `data.exact`?"];
    check_in(&scope, "exact", "exact", expected, &mut Graph::new());
}

#[test]
fn teachers_and_other_ends_have_fields_alone() {
    check(
        "2*teacher.nu",
        "teacher.nu",
        [
            "expected a field after `teacher.`, found the parameter `nu`",
            "not a field",
            "write `nu` without `teacher.`",
        ],
    );
    check(
        "other.source_x",
        "other.source_x",
        [
            "expected a field after `other.`, found the function of the coordinates `source_x`",
            "not a field",
            "write `source_x` without `other.`",
        ],
    );
    check(
        "teacher.Rho_x",
        "teacher.Rho_x",
        [
            "expected a known name, found `teacher.Rho_x`",
            "unknown name",
            "did you mean `teacher.rho_x`?",
        ],
    );
}

#[test]
fn calls_are_of_functions() {
    let label = "unknown function";
    check(
        "1 + sinn(x)",
        "sinn",
        ["expected a known function, found `sinn`", label, "did you mean `sin`?"],
    );
    check(
        "Laplacian(u)",
        "Laplacian",
        ["expected a known function, found `Laplacian`", label, "did you mean `laplacian`?"],
    );
    check(
        "arctan(x)",
        "arctan",
        ["expected a known function, found `arctan`", label, "did you mean `atan`?"],
    );
    let all = "the functions are sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, exp, log, sqrt, \
               abs, sign, step, erf, min, max, d, laplacian";
    check("gamma(x)", "gamma", ["expected a known function, found `gamma`", label, all]);
    check("2*data.f (x)", "data.f", ["expected a known function, found `data.f`", label, all]);
    for name in ["u", "x", "source", "teacher.u_x", "pi"] {
        check(
            &format!("1 + {name}(y)"),
            name,
            [
                &format!("expected a function before the parentheses, found `{name}`"),
                "takes no arguments",
                &format!("write `{name}` alone, or `{name}*(…)` for a product"),
            ],
        );
    }
}

#[test]
fn functions_take_their_number_of_arguments() {
    for (call, message, example) in [
        ("sin()", "expected 1 argument of `sin`, found 0", "sin(a)"),
        ("erf(x, y)", "expected 1 argument of `erf`, found 2", "erf(a)"),
        ("max(x)", "expected 2 or more arguments of `max`, found 1", "max(a, b)"),
        ("min()", "expected 2 or more arguments of `min`, found 0", "min(a, b)"),
        ("d()", "expected an expression and 1 or more coordinates of `d`, found 0", "d(u^2, x)"),
        ("d(u)", "expected an expression and 1 or more coordinates of `d`, found 1", "d(u^2, x)"),
        ("laplacian(u, x)", "expected 1 argument of `laplacian`, found 2", "laplacian(u)"),
    ] {
        let help = format!("write for example `{example}`");
        check(&format!("x + {call}*y"), call, [message, "wrong number of arguments", &help]);
    }
}

#[test]
fn derivatives_are_by_coordinates() {
    for (text, underlined) in
        [("d(u, nu)", "nu"), ("d(u, x, x + y)", "x + y"), ("d(x, u)", "u"), ("d(x*u, 2)", "2")]
    {
        let message = "expected a coordinate to differentiate by";
        let help = "the coordinates are x, y, theta";
        check(text, underlined, [message, "not a coordinate", help]);
    }
    let scope = Scope::new().coordinate("t", CoordinateKind::Time).unwrap().field("u").unwrap();
    let expected = [
        "expected a coordinate of space for `laplacian`, found none",
        "no coordinate of space",
        "declare one, or write the derivatives out",
    ];
    check_in(&scope, "2*laplacian(u)", "laplacian(u)", expected, &mut Graph::new());
}

#[test]
fn data_and_other_models_cannot_be_differentiated() {
    let column = "take it out of the derivative, or give its derivative as a column";
    let model = "take it out of the derivative, or write its derivative by a subscript";
    for (text, underlined, name, help) in [
        ("d(u*data.rho_x, x)", "u*data.rho_x", "data.rho_x", column),
        ("laplacian(data.u)", "data.u", "data.u", column),
        ("d(teacher.u_x^2, y)", "teacher.u_x^2", "teacher.u_x", model),
        ("d(sin(other.rho), y)", "sin(other.rho)", "other.rho", model),
    ] {
        let message =
            format!("expected coordinates, fields and parameters in a derivative, found `{name}`");
        check(text, underlined, [&message, &format!("depends on `{name}`"), help]);
    }
    let mut graph = Graph::new();
    let scope = scope(&mut graph);
    let sum = scope.lower(&parse_expression("x + data.u").unwrap(), &mut graph).unwrap();
    let scope = scope.function("f", sum).unwrap();
    let message = "expected coordinates, fields and parameters in a derivative, found `data.u`";
    check_in(&scope, "2*f_x", "f_x", [message, "depends on `data.u`", column], &mut graph);
}

#[test]
fn derivatives_that_grow_without_end_are_refused() {
    let mut graph = Graph::new();
    for i in 0..1_100_000 {
        graph.constant(f64::from(i));
    }
    let scope = scope(&mut graph);
    let message = "expected less to differentiate, found 1100003 operations so far";
    let help = "nest fewer derivatives, or make a part of it a field of its own";
    check_in(&scope, "2*d(y, x)", "y", [message, "grows too large", help], &mut graph);
}

#[test]
fn the_first_error_of_an_equation_is_found() {
    let mut graph = Graph::new();
    let scope = scope(&mut graph);
    for (text, underlined) in [("u + w = v", "w"), ("u = v + w", "v")] {
        let equation = parse_equation(text).unwrap();
        let error = scope.lower_equation(&equation, &mut graph).unwrap_err();
        assert_eq!(error.span().unwrap().of(text), underlined);
        assert_eq!(error.span().unwrap().start, text.rfind(underlined).unwrap());
    }
}

/// Checks an error of the names that a scope is given.
#[track_caller]
fn check_declaration(scope: Result<Scope, ExprError>, message: &str, help: &str) {
    let error = scope.unwrap_err();
    assert_eq!((error.message(), error.help()), (message, help));
    assert_eq!((error.label(), error.span()), ("", None));
}

#[test]
fn declared_names_are_well_formed() {
    let help = "names are letters, digits and underscores, and begin with a letter";
    for name in ["", "2x", "_u", "u v", "u.x", "u_{x}", "u'", "x\n", "²"] {
        let message = format!("expected a name, found `{}`", name.escape_debug());
        check_declaration(Scope::new().field(name), &message, help);
        check_declaration(Scope::new().parameter(name), &message, help);
        check_declaration(Scope::new().coordinate(name, CoordinateKind::Time), &message, help);
    }
    for name in ["", "2x", "data.u", "u v", "u_{x, y}", "u_{x", "u_{}", "u_{x}y", " u"] {
        let message = format!("expected a name, found `{name}`");
        check_declaration(Scope::new().column(name), &message, help);
    }
    assert!(Scope::new().column("u_{x,θ}").is_ok());
}

#[test]
fn declared_names_are_new() {
    let help = "give each coordinate, field, parameter and function a name of its own";
    let scope = Scope::new().field("u").unwrap();
    let message = "expected a new name for a parameter, found `u`, which is a field";
    check_declaration(scope.clone().parameter("u"), message, help);
    let message = "expected a new name for a coordinate, found `u`, which is a field";
    check_declaration(scope.clone().coordinate("u", CoordinateKind::Space), message, help);
    let zero = Graph::new().constant(0.0);
    let message =
        "expected a new name for a function of the coordinates, found `u`, which is a field";
    check_declaration(scope.clone().function("u", zero), message, help);
    let scope = scope.column("u").unwrap();
    let message = "expected a new name for a column, found `u` again";
    check_declaration(scope.column("u"), message, "give each column a name of its own");

    let help = "choose another; functions, constants, `data`, `teacher` and `other` are reserved";
    for name in ["sin", "max", "d", "laplacian", "pi", "e", "data", "teacher", "other"] {
        let message = format!("expected a new name for a field, found `{name}`, which is reserved");
        check_declaration(Scope::new().field(name), &message, help);
    }
}

#[test]
fn there_are_as_many_coordinates_as_jets_have() {
    let add = |scope: Scope, i: u8| scope.coordinate(&format!("x{i}"), CoordinateKind::Space);
    let scope = (1..=8).try_fold(Scope::new(), add).unwrap();
    let message = "expected at most 8 coordinates, found another, `x9`";
    check_declaration(add(scope, 9), message, "make it a parameter, or leave it out");
}

#[test]
fn fields_get_names_that_are_free() {
    let mut graph = Graph::new();
    let scope = scope(&mut graph);
    assert!(scope.clone().with_fields(&["rho", "u"]).is_ok(), "the old names are free");
    for taken in ["x", "nu", "source", "sin", "pi", "data", "a b", ""] {
        assert!(scope.clone().with_fields(&[taken]).is_err(), "{taken:?}");
    }
    let renamed = scope.with_fields(&["N_u"]).unwrap();
    let error = error(&renamed, "N_u_x*rho", &mut graph);
    assert_eq!(error.message(), "expected a known name, found `rho`");
}
