//! Sweeps as users start, stop, kill, resume and look at them.

mod command;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use command::{jetspace, program, succeed};
use serde_json::Value;

const STUDY: &str = r#"
title = "Decay"
problem = "problem.toml"
methods = ["derl", "pinn"]
seeds = [3, 4]

[network]
hidden = [6]

[points]
interior = { sampler = "sobol", count = 60 }
conditions.start = { sampler = "uniform", count = 1 }

[[optimizer]]
method = "adam"
rate = 1e-2
steps = 150

[evaluation]
grid = [21]
"#;

const PROBLEM: &str = r#"
title = "Decay"
fields = ["u"]
[coordinates]
t = { range = [0, 2] }
[equations]
decay = "u_t = -u"
[conditions.start]
on = "initial"
require = ["u = 1"]
[truth]
u = "exp(-t)"
"#;

/// What is said about arguments that make no sense, and that nothing was written.
fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = jetspace(folder, &[&["sweep", "study.toml"], arguments].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(!folder.join("runs").exists(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn with_study(study: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("study.toml"), study).unwrap();
    fs::write(folder.path().join("problem.toml"), PROBLEM).unwrap();
    folder
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// The points' results without times.
fn outcome(sweep: &Path) -> Value {
    let mut results: Value = serde_json::from_str(&read(sweep.join("results.json"))).unwrap();
    for point in results["points"].as_array_mut().unwrap() {
        for result in point["results"].as_array_mut().unwrap() {
            result["seconds"] = Value::Null;
        }
    }
    results["points"].take()
}

#[test]
fn a_setting_is_varied_and_compared() {
    let folder = with_study(STUDY);
    let folder = folder.path();
    let arguments = ["sweep", "study.toml", "--vary", "weights.start=0.1..10:log:3"];
    let output = succeed(folder, &[&arguments[..], &["--json", "--out", "s"]].concat());
    for part in ["weights.start", "DERL", "PINN", "relative error", "0.1 ", "10 ", "*"] {
        assert!(output.to_lowercase().contains(&part.to_lowercase()), "{part}: {output}");
    }
    let last: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    assert_eq!((&last["study"], &last["sweep"]), (&"study".into(), &"s".into()));
    assert_eq!(last["varied"], serde_json::json!(["weights.start"]));
    let points = last["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    assert_eq!(points[1]["point"]["values"], serde_json::json!([1.0]));

    // A row for each training, with what the JSON has.
    let csv = read(folder.join("s/sweep.csv"));
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1 + 3 * 2 * 2);
    let column = |name: &str| rows[0].iter().position(|cell| *cell == name).unwrap();
    let first = &points[0]["results"][0];
    assert_eq!(rows[1][column("weights.start")], "0.1");
    assert_eq!(rows[1][column("method")], first["method"].as_str().unwrap());
    let error: f64 = rows[1][column("relative")].parse().unwrap();
    assert_eq!(Some(error), first["metrics"]["relative"].as_f64());

    let page = read(folder.join("s/report.html"));
    assert!(page.contains("<svg") && page.contains("weights.start"));
    let figures: Vec<_> = fs::read_dir(folder.join("s/figures")).unwrap().collect();
    assert_eq!(figures.len(), 1);

    // A point is a run like any other: the same study by hand has the same bits.
    let by_hand = format!("{STUDY}\n[weights]\nstart = 0.1\n");
    fs::write(folder.join("by-hand.toml"), by_hand).unwrap();
    succeed(folder, &["run", "by-hand.toml", "--out", "r"]);
    let model = |run: &str| fs::read(folder.join(run).join("derl-4/model.safetensors")).unwrap();
    assert!(model("s/1-0.1") == model("r"));
    succeed(folder, &["eval", "s/1-0.1", "--json"]);
    assert!(folder.join("s/1-0.1/report.html").is_file());
}

#[test]
fn jobs_do_not_change_a_bit_and_the_same_sweep_is_not_done_twice() {
    let folder = with_study(STUDY);
    let folder = folder.path();
    let arguments = ["sweep", "study.toml", "--vary", "network.hidden=[4],[5, 5]", "--random", "5"];
    let with = |more: &[&str]| succeed(folder, &[&arguments[..], more].concat());
    let table = with(&["--jobs", "1", "--out", "one"]);
    with(&["--jobs", "3", "--out", "three"]);
    assert_eq!(outcome(&folder.join("one")), outcome(&folder.join("three")));

    let seconds = |out: &str| read(folder.join(out).join("results.json"));
    let before = seconds("one");
    assert_eq!(with(&["--jobs", "2", "--out", "one"]), table);
    assert_eq!(seconds("one"), before, "times of the first sitting");

    // Another sweep is not mixed into it.
    let other = jetspace(folder, &[&arguments[..], &["--seed", "1", "--out", "one"]].concat());
    assert_eq!(other.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("holds another sweep"));
}

#[test]
fn killed_and_resumed_sweeps_end_in_the_same_bits() {
    let folder = with_study(&STUDY.replace("steps = 150", "steps = 1500"));
    let folder = folder.path();
    let arguments =
        ["sweep", "study.toml", "--vary", "optimizer.0.rate=1e-3,1e-2", "--checkpoint", "0.01"];
    succeed(folder, &[&arguments[..], &["--out", "reference"]].concat());
    for (number, milliseconds) in [20, 120, 250].into_iter().enumerate() {
        let out = format!("killed-{number}");
        let mut child = program(folder)
            .args(arguments)
            .args(["--out", &out])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whether there was anything to resume or not.
        succeed(folder, &[&arguments[..], &["--out", &out]].concat());
        assert_eq!(outcome(&folder.join(&out)), outcome(&folder.join("reference")));
    }
}

#[cfg(unix)]
#[test]
fn interrupted_sweeps_save_and_say_how_to_go_on() {
    let folder = with_study(&STUDY.replace("steps = 150", "steps = 20000"));
    let folder = folder.path();
    let arguments = ["sweep", "study.toml", "--vary", "seeds=[1],[2]", "--method", "pinn"];
    let mut child = program(folder).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = || {
        let sweep = fs::read_dir(folder.join("runs/study")).ok()?.next()?.ok()?;
        Some(sweep.path().join("1-1/pinn-1/metrics.jsonl").exists())
    };
    while metrics() != Some(true) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = ["-INT", &child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let status = child.wait().unwrap();
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
    assert_eq!(status.code(), Some(130), "{errors}");
    let command = errors.lines().last().unwrap().trim().strip_prefix("jetspace ").unwrap();
    let command: Vec<&str> = command.split(' ').collect();
    assert_eq!(command[0], "resume");
    let table = succeed(folder, &command);
    assert!(table.contains("seeds"), "{table}");
    succeed(folder, &[&arguments[..], &["--out", "undisturbed"]].concat());
    assert_eq!(outcome(&folder.join(command[1])), outcome(&folder.join("undisturbed")));
}

#[test]
fn two_settings_are_maps_and_what_diverges_says_so() {
    let folder = with_study(STUDY);
    let folder = folder.path();
    let output = succeed(
        folder,
        &[
            "sweep",
            "study.toml",
            "--vary",
            "optimizer.0.rate=0.01,1e300",
            "--vary",
            "network.activation=tanh,sin",
            "--metric",
            "u_max",
            "--out",
            "s",
        ],
    );
    assert!(
        output.contains("u_max") && output.contains("1e300, tanh: DERL, seed 3, diverged"),
        "{output}"
    );
    assert!(output.contains("inf"), "{output}");
    assert_eq!(read(folder.join("s/sweep.csv")).matches(",true,").count(), 2 * 2 * 2);
    let mut figures: Vec<String> = fs::read_dir(folder.join("s/figures"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    figures.sort();
    assert_eq!(figures.len(), 3, "a curve over the rate and two maps: {figures:?}");
    assert!(figures[1].contains("derl") && figures[2].contains("pinn"), "{figures:?}");
}

#[test]
fn what_is_wrong_is_shown_before_anything_is_written() {
    let folder = with_study(STUDY);
    let folder = folder.path();
    for (argument, expected) in [
        ("weights.strat=1,2", &["\"strat\"", "did you mean \"start\"", "^^^^^"][..]),
        ("netwrok.hidden=[2]", &["did you mean", "network"]),
        ("weights.start=1,x", &["--vary:1:17", "a number", "\"x\""]),
        ("weights.start=0..1:log:3", &["above 0", "weights.start=0..1:log:3", "^"]),
        ("weights.start=1..2:lag:3", &["lin or log", "did you mean \"log\""]),
        ("optimizer.1.rate=1", &["one item, of number 0"]),
        ("points.interior.sampler=grid", &["nodes"]),
        ("weights.start", &["`=` and values", "--vary weights.equation="]),
    ] {
        let errors = fail(folder, &["--vary", argument]);
        for part in expected {
            assert!(errors.contains(part), "{argument}, {part}: {errors}");
        }
    }
    let metric = fail(folder, &["--vary", "weights.start=1,2", "--metric", "relatve"]);
    assert!(metric.contains("did you mean \"relative\""), "{metric}");
    let method = fail(folder, &["--vary", "weights.start=1,2", "--methods", "derl,sob"]);
    assert!(method.contains("no method \"sob\""), "{method}");
    let nothing = jetspace(folder, &["resume", "."]);
    assert_eq!(nothing.status.code(), Some(1));
}
