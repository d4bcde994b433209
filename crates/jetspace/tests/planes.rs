//! Conditions on lists of sides and on planes inside the domain: where their points are, and whether
//! the truth is compared there.

use jetspace::collocation::Collocation;
use jetspace::problem::Verdict;
use jetspace::source::Source;
use jetspace::{Error, Problem, Study};

/// u = e⁻ᵗ sin πx solves it, with k = 1/π²; it is 0 at x = −1, 0, 1 and e⁻ᵗ at x = ½.
const HEAT: &str = r#"
title = "Heat between two points"
fields = ["u"]
[coordinates]
t = { range = [0, 1] }
x = { range = [-1, 1] }
[parameters]
k = "1/pi^2"
half = 0.5
[equations]
heat = "u_t = k*u_xx"
[conditions.zeros]
on = ["x.min", "x = 0", "x.max"]
require = ["u = 0"]
[conditions.crest]
on = "x = half"
require = ["u = exp(-t)"]
[conditions.late]
on = "t = 3/4"
require = ["u = exp(-3/4)*sin(pi*x)"]
[truth]
u = "exp(-t)*sin(pi*x)"
"#;

const STUDY: &str = r#"
title = "A study of it"
problem = "heat.toml"
methods = ["pinn"]
network = { hidden = [5] }
points.interior = { sampler = "uniform", count = 7 }
points.conditions.zeros = { sampler = "uniform", count = 4 }
points.conditions.crest = { sampler = "grid", nodes = [5, 9] }
points.conditions.late = { sampler = "sobol", count = 6 }
optimizer = [{ method = "adam", steps = 1 }]
"#;

fn problem(text: &str) -> Result<Problem, Error> {
    Problem::parse("heat.toml", text)
}

#[test]
fn points_are_on_each_side_and_plane() {
    let sources = [Source::new("study.toml", STUDY), Source::new("heat.toml", HEAT)];
    let study = Study::from_sources(&sources[0], &sources[1]).unwrap();
    let points = Collocation::new(&study.problem, &study.points).unwrap().conditions;
    assert_eq!(points[0].coordinates[1], [[-1.0; 4], [0.0; 4], [1.0; 4]].concat());
    assert_eq!(points[1].coordinates[0], [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(points[1].coordinates[1], [0.5; 5]);
    assert_eq!(points[2].coordinates[0], [0.75; 6]);
    assert!(points[2].coordinates[1].iter().all(|x| (-1.0..=1.0).contains(x)));
}

#[test]
fn the_truth_is_compared_there_unless_it_is_not_meant_to() {
    let holds = |text: &str| -> Vec<bool> {
        problem(text).unwrap().check().unwrap().verdicts.iter().map(Verdict::holds).collect()
    };
    assert_eq!(holds(HEAT), [true; 4]);
    let moved = HEAT.replace("x = 0\"", "x = 0.01\"");
    assert_eq!(holds(&moved), [true, false, true, true]);
    let on_purpose = moved.replace("[\"u = 0\"]", "[\"u = 0\"]\nunmet = \"it is an example\"");
    assert_eq!(holds(&on_purpose), [true; 3]);
    assert_eq!(
        problem(&on_purpose).unwrap().conditions[0].unmet.as_deref(),
        Some("it is an example")
    );
}

/// u = 0 on both sides: nothing flows in, and there is nothing.
#[test]
fn a_reference_solution_begins_with_what_holds_at_the_start_and_elsewhere() {
    let empty = r#"
        title = "Nothing flows"
        fields = ["u"]
        coordinates = { t = { range = [0, 1] }, x = { range = [0, 1] } }
        equations.moves = "u_t + u_x = 0"
        conditions.nothing = { on = ["initial", "x.min"], require = ["u = 0"] }
        reference = { kind = "finite-volume", nodes = [11], steps = 40 }
    "#;
    let solution = problem(empty)
        .unwrap()
        .true_jets(&[vec![0.3, 1.0], vec![0.1, 0.7]], &[(0, jetspace_jet::MultiIndex::VALUE)]);
    assert_eq!(solution.unwrap().unwrap(), [[0.0, 0.0]]);
}

#[test]
fn planes_are_inside_and_stand_once() {
    let message = |old: &str, new: &str| {
        assert!(HEAT.contains(old));
        problem(&HEAT.replace(old, new)).unwrap_err().to_string()
    };
    for (old, new, expected) in [
        ("x = half", "x = 1", "16:6: expected x between -1 and 1, found 1"),
        ("x = half", "x = -2*half", "16:6: expected x between -1 and 1, found -1"),
        ("x = half", "y = half", "expected a coordinate, found \"y\""),
        ("x = half", "x = t", "expected a finite number, found t"),
        ("x = half", "x = ", "heat.toml:16:"),
        ("x = half", "x = 0/0", "expected a finite number"),
        ("\"x.max\"]", "\"x.min\"]", "expected each side once"),
        ("\"x.max\"]", "\"x = 0.0\"]", "expected each side once"),
        ("\"x.max\"]", "\"x.mxa\"]", "expected a side of the domain, found \"x.mxa\""),
        ("[\"x.min\", \"x = 0\", \"x.max\"]", "[]", "expected at least one side, found none"),
        ("[\"x.min\", \"x = 0\", \"x.max\"]", "7", "expected a side, or a list of sides"),
        ("[\"x.min\", \"x = 0\", \"x.max\"]", "[7]", "expected a text in quotes"),
    ] {
        let found = message(old, new);
        assert!(found.contains(expected), "{new}: {found}");
    }
}
