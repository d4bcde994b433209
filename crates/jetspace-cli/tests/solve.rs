//! `jetspace solve`, as its users start it.

mod command;

use std::path::Path;

use command::{jetspace, succeed};
use serde_json::Value;

const WAVE: &str = r#"
title = "A wave that moves and decays"
fields = ["u"]
coordinates = { t = { range = [0, 1] }, x = { range = [0, "2*pi"] } }
equations.moves = "u_t + u_x = 0.1*u_xx"
conditions.ring = { pair = "x", require = ["u = other.u", "u_x = other.u_x"] }
conditions.start = { on = "initial", require = ["u = sin(x)"] }
truth.u = "exp(-0.1*t)*sin(x - t)"
"#;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = jetspace(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    text(&output.stderr).to_owned()
}

#[test]
fn what_is_written_is_a_reference() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in ["pendulum.csv", "pendulum.npz"] {
        let solve = ["solve", "pendulum-damped", "--grid", "11x3x3", "--out", file];
        let said = succeed(folder, &solve);
        assert!(said.contains(&format!("99 points written to {file}")), "{said}");
        let problem = succeed(folder, &["show", "pendulum-damped", "--problem"]);
        let reference = format!("kind = \"file\"\npath = \"{file}\"");
        let problem = problem.replace("kind = \"ode\"", &reference);
        std::fs::write(folder.join("again.toml"), problem).unwrap();
        let checked = succeed(folder, &["check", "again.toml"]);
        assert!(checked.contains(&format!("99 points with u in {file}")), "{checked}");
    }
}

#[test]
fn results_are_json_with_the_promised_keys() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wave.toml"), WAVE).unwrap();
    let solve =
        ["solve", "wave.toml", "--method", "fourier", "--nodes", "16", "--steps", "50", "--json"];
    let line: Value = serde_json::from_str(&succeed(folder.path(), &solve)).unwrap();
    let mut keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["changes", "error", "grid", "method", "problem", "seconds"]);
    assert_eq!(line["method"], "16 nodes in 50 steps");
    // The solution is linear, so that the method is exact.
    assert!(line["error"].as_f64().unwrap() < 1e-12, "{line}");
    assert!(line["changes"]["with half the steps"].as_f64().unwrap() < 1e-12, "{line}");
    assert!(succeed(folder.path(), &solve[..8]).contains("of itself from the closed form"));
}

#[test]
fn methods_are_for_problems_that_do_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cells = ["solve", "continuity", "--method", "finite-volume"];
    let finely = [&cells[..], &["--nodes", "61x61", "--steps", "1500", "--json"]].concat();
    let line: Value = serde_json::from_str(&succeed(folder, &finely)).unwrap();
    assert_eq!(line["method"], "61 × 61 cells (van Leer) in 1500 steps");
    assert!(line["error"].as_f64().unwrap() < 0.3, "{line}");
    let said = refused(folder, &cells);
    assert!(said.contains("add --nodes and --steps"), "{said}");
    let said = refused(folder, &["solve", "heat-1d", "--method", "finite-volume"]);
    assert!(said.contains("add --nodes and --steps"), "{said}");
    let said = refused(
        folder,
        &["solve", "heat-1d", "--method", "finite-volume", "--nodes", "11", "--steps", "10"],
    );
    assert!(said.contains("expected an equation without \"u_xx\""), "{said}");
}

#[test]
fn arguments_refine_what_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let small =
        ["solve", "continuity-upwind", "--nodes", "31x31", "--steps", "400", "--grid", "3x9x9"];
    assert!(
        succeed(folder, &small).contains("solved with 31 × 31 cells (donor cell) in 400 steps")
    );
    let few = ["solve", "continuity-upwind", "--nodes", "31x31", "--steps", "100"];
    let said = refused(folder, &few);
    assert!(said.contains("take 280 steps"), "{said}");
    let sharp = ["--limiter", "van-leer", "--steps", "800"];
    let said = succeed(folder, &[&small[..4], &sharp, &small[6..]].concat());
    assert!(said.contains("31 × 31 cells (van Leer) in 800 steps"), "{said}");
    let nowhere = refused(folder, &["solve", "kdv", "--limiter", "none"]);
    assert!(nowhere.contains("add --method finite-volume"), "{nowhere}");
    let fixed = ["solve", "pendulum-conservative", "--steps", "200", "--grid", "5x2x2"];
    assert!(succeed(folder, &fixed).contains("solved with 200 steps"));
}

#[test]
fn mistakes_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("wave.toml"), WAVE).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["wave.toml"], "add --method fourier"),
        (&["wave.toml", "--method", "fourier"], "add --nodes and --steps"),
        (
            &["wave.toml", "--method", "ode"],
            "expected a time coordinate and others of kind parameter",
        ),
        (&["pendulum-damped", "--nodes", "9"], "leave it out"),
        (&["pendulum-damped", "--grid", "9"], "the grid needs nodes along 3 coordinates"),
        (&["pendulum-damped", "--grid", "2x2x2", "--out", "u.txt"], "ends in .csv or .npz"),
    ];
    for (arguments, expected) in cases {
        let said = refused(folder, &[&["solve"], arguments].concat());
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
