//! The program as its users start it.

use std::process::{Command, Output};

use serde_json::Value;

fn jetspace(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jetspace")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn version_is_the_packages() {
    let output = jetspace(&["--version"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), format!("jetspace {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn all_that_comes_with_it_is_correct() {
    let listed = jetspace(&["list", "--json"]);
    let entries: Vec<Value> =
        text(&listed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.len() >= 5, "{entries:?}");
    let folder = tempfile::tempdir().unwrap();
    for entry in entries {
        let (kind, name) = (entry["kind"].as_str().unwrap(), entry["name"].as_str().unwrap());
        let shown = jetspace(&["show", name, &format!("--{kind}")]);
        let file = folder.path().join(format!("{kind}.toml"));
        std::fs::write(&file, &shown.stdout).unwrap();
        let output = jetspace(&["check", file.to_str().unwrap()]);
        assert!(output.status.success(), "{kind} {name}: {}", text(&output.stderr));
    }
}

#[test]
fn help_names_the_cases() {
    let output = jetspace(&["bench", "--help"]);
    assert!(output.status.success());
    for case in ["A32", "C9_64", "I_jets", "--threads"] {
        assert!(text(&output.stdout).contains(case), "{case} is not in the help");
    }
}

#[test]
fn json_lines_hold_the_promised_keys() {
    let output = jetspace(&["bench", "--case", "A32", "--seconds", "0.05", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let dtypes: Vec<&str> = lines.iter().map(|line| line["dtype"].as_str().unwrap()).collect();
    assert_eq!(dtypes, ["f32", "f64"]);
    for line in &lines {
        let mut keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "case",
                "dtype",
                "fraction_of_peak",
                "gflops",
                "ms_per_step",
                "peak_gflops",
                "points",
                "threads"
            ]
        );
        assert_eq!((&line["case"], &line["threads"]), (&"A32".into(), &1.into()));
        assert_eq!(line["points"], 64);
        let number = |key: &str| line[key].as_f64().unwrap();
        // 7650 weights; 6 units at 32 points, 3 at 32: 4.4 million operations.
        let operations = number("gflops") * number("ms_per_step") * 1e6;
        assert!((operations / 4_406_400.0 - 1.0).abs() < 1e-9, "{operations}");
        let fraction = number("gflops") / number("peak_gflops");
        assert!((number("fraction_of_peak") - fraction).abs() < 1e-9);
    }
}

#[test]
fn tables_are_aligned_and_verbose_ones_show_plans() {
    let arguments =
        ["bench", "--case", "A32", "--dtype", "f32", "--seconds", "0", "--threads", "2"];
    let output = jetspace(&arguments);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0].len(), lines[1].len());
    let output = jetspace(&[&arguments[..], &["--verbose"]].concat());
    assert!(text(&output.stdout).contains("1 forward + 1 adjoint channels"));
}

#[test]
fn mistakes_are_explained() {
    for (arguments, hint) in [
        (["--case", "X"], "A, B, C4, C9, D, E, F, A32, B64, C9_64, I_u, I_jets"),
        (["--dtype", "f16"], "f32, f64"),
        (["--seconds", "-1"], "number of seconds"),
        (["--threads", "two"], "invalid digit"),
    ] {
        let output = jetspace(&[&["bench"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = text(&output.stderr);
        assert!(message.contains(hint), "{message}");
    }
}
