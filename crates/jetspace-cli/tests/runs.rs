//! Runs as users start, stop, kill, resume and look at them.

mod command;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use command::{jetspace, program, succeed};
use serde_json::Value;

/// Two optimisers, mini-batches and full batches, and an unknown parameter.
const STUDY: &str = r#"
title = "Decay"
problem = "problem.toml"
methods = ["derl", "pinn"]
seeds = [3]

[network]
hidden = [10, 10]

[points]
interior = { sampler = "sobol", count = 300 }
conditions.start = { sampler = "uniform", count = 1 }
batch = 40

[[optimizer]]
method = "adam"
rate = 1e-3
steps = 700
schedule = { kind = "cosine", warm_up = 20, last = 0.1 }

[[optimizer]]
method = "lbfgs-fixed"
rate = 0.5
epochs = 15
"#;

const PROBLEM: &str = r#"
title = "Decay"
fields = ["u"]
[coordinates]
t = { range = [0, 2] }
[unknowns]
k = 0.5
[equations]
decay = "u_t = -k*u"
[conditions.start]
on = "initial"
require = ["u = 1"]
[truth]
k = 1
u = "exp(-k*t)"
"#;

/// A folder with the study, and a run of it that nothing disturbed.
fn with_reference() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("study.toml"), STUDY).unwrap();
    fs::write(folder.path().join("problem.toml"), PROBLEM).unwrap();
    succeed(folder.path(), &["run", "study.toml", "--threads", "1", "--out", "reference"]);
    folder
}

/// Everything that must not depend on how a run went; the log without its times.
fn outcome(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for member in ["derl-3", "pinn-3"] {
        for file in ["model.safetensors", "best.safetensors", "fields.npz"] {
            let path = run.join(member).join(file);
            files.push((format!("{member}/{file}"), fs::read(path).unwrap()));
        }
        let log = fs::read_to_string(run.join(member).join("metrics.jsonl")).unwrap();
        let without_time = log.lines().map(|line| line.split(",\"seconds\"").next().unwrap());
        let log = without_time.collect::<Vec<_>>().join("\n");
        files.push((format!("{member}/metrics.jsonl"), log.into_bytes()));
    }
    files
}

fn assert_same(run: &Path, reference: &Path) {
    for ((name, found), (_, expected)) in outcome(run).into_iter().zip(outcome(reference)) {
        assert!(found == expected, "{name} of {} differs", run.display());
    }
}

#[test]
fn killed_and_resumed_runs_end_in_the_same_bits() {
    let folder = with_reference();
    let folder = folder.path();
    for (number, milliseconds) in [30, 90, 170, 260, 400].into_iter().enumerate() {
        let out = format!("killed-{number}");
        let arguments = ["run", "study.toml", "--out", &out, "--checkpoint", "0.01"];
        let mut child = program(folder)
            .args(arguments)
            .args(["--threads", "1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        if !folder.join(&out).join("run.json").exists() {
            continue; // Killed before there was anything to resume.
        }
        // The second thread must make no difference either.
        succeed(folder, &["resume", &out, "--threads", "2"]);
        assert_same(&folder.join(&out), &folder.join("reference"));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let folder = with_reference();
    let folder = folder.path();
    for threads in ["2", "3"] {
        succeed(folder, &["run", "study.toml", "--threads", threads, "--out", threads]);
        assert_same(&folder.join(threads), &folder.join("reference"));
    }
}

#[cfg(unix)]
#[test]
fn interrupted_runs_save_and_say_how_to_go_on() {
    let folder = with_reference();
    let folder = folder.path();
    // Enough steps that it cannot be over before the interrupt, and few enough to finish after it.
    let arguments = ["run", "study.toml", "--out", "run", "--threads", "1"];
    let mut child = program(folder).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
    while !folder.join("run/derl-3/metrics.jsonl").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = ["-INT", &child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let status = child.wait().unwrap();
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
    assert_eq!(status.code(), Some(130), "{errors}");
    assert!(errors.contains("jetspace resume run"), "{errors}");
    succeed(folder, &["resume", "run"]);
    assert_same(&folder.join("run"), &folder.join("reference"));
}

#[test]
fn results_are_json_with_the_promised_keys() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "allen-cahn",
        "--quick",
        "--json",
        "--method",
        "derl",
        "--steps",
        "20",
        "--out",
        "r",
    ];
    let output = succeed(folder.path(), &arguments);
    let last: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    assert_eq!(last["study"], "allen-cahn");
    assert_eq!(last["run"], "r");
    let result = &last["results"][0];
    assert_eq!((&result["method"], &result["seed"]), (&"derl".into(), &30.into()));
    assert_eq!(result["evaluations"], 20);
    assert_eq!(result["published"]["u_l2"], 6.836e-4);
    for metric in ["u_l2", "u_relative", "u_max", "gradient_l2", "residual_l2"] {
        assert!(result["metrics"][metric].as_f64().unwrap() > 0.0, "{metric}");
    }
    let report = fs::read_to_string(folder.path().join("r/report.html")).unwrap();
    assert!(report.contains("<svg") && !report.contains("http://127"), "a page with figures");
    assert!(jetspace(folder.path(), &arguments).status.code() == Some(1), "the folder is taken");
}

#[test]
fn models_predict_and_are_measured_again() {
    let folder = with_reference();
    let folder = folder.path();
    let arguments = ["predict", "reference/derl-3", "--at", "5", "--of", "u, u_t, exp(-t) - u"];
    let table = succeed(folder, &arguments);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "t,u,u_t,\"exp(-t) - u\"");
    assert_eq!(lines.len(), 6);
    let numbers: Vec<f64> = lines[3].split(',').map(|n| n.parse().unwrap()).collect();
    assert!((numbers[0] - 1.0).abs() < 1e-12);
    assert!(((-1.0_f64).exp() - numbers[1] - numbers[3]).abs() < 1e-12, "{numbers:?}");
    fs::write(folder.join("at.csv"), "t\n0.25\n1.75\n").unwrap();
    let arguments = ["predict", "reference/derl-3", "--at", "at.csv", "--out", "there.npz"];
    succeed(folder, &arguments);
    assert!(folder.join("there.npz").exists());
    let results: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("reference/results.json")).unwrap())
            .unwrap();
    let lines = succeed(folder, &["eval", "reference", "--json"]);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["metrics"], results[0]["metrics"]);
}

/// u = 1 + t N: one condition, which holds exactly.
#[test]
fn formulas_of_fields_go_from_the_check_to_the_last_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let start = "conditions.start = { sampler = \"uniform\", count = 1 }\n";
    let network = "hidden = [10, 10]\ntransform.u = \"1 + t*N\"";
    let study = STUDY.replace(start, "").replace("hidden = [10, 10]", network);
    assert!(!study.contains("conditions"));
    fs::write(folder.join("study.toml"), study).unwrap();
    fs::write(folder.join("problem.toml"), PROBLEM).unwrap();
    let check = succeed(folder, &["check", "study.toml"]);
    assert!(check.contains("\n  transform     u = 1 + t*N\n"), "{check}");
    assert!(check.contains("\n  exact         start: u = 1\n"), "{check}");
    succeed(folder, &["run", "study.toml", "--out", "run"]);
    let table = succeed(folder, &["predict", "run/pinn-3", "--at", "3", "--of", "u, u_t"]);
    let rows: Vec<&str> = table.lines().collect();
    let first: Vec<f64> = rows[1].split(',').map(|n| n.parse().unwrap()).collect();
    assert_eq!(first[..2], [0.0, 1.0]);
    assert!(first[2] != 0.0);
    let results: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run/results.json")).unwrap())
            .unwrap();
    let evaluated = succeed(folder, &["eval", "run", "--json"]);
    let evaluated: Value = serde_json::from_str(evaluated.lines().next().unwrap()).unwrap();
    assert_eq!(evaluated["metrics"], results[0]["metrics"]);
}

#[test]
fn runs_are_compared_by_their_errors_over_time() {
    let folder = with_reference();
    let folder = folder.path();
    let measured = format!("{STUDY}\n[evaluation]\nevery = 50\n");
    fs::write(folder.join("measured.toml"), measured).unwrap();
    let times = succeed(folder, &["run", "measured.toml", "--out", "measured"]);
    let text = succeed(folder, &["compare", "measured", "measured", "--out", "errors.svg"]);
    let told = times.lines().filter(|line| line.contains("relative error"));
    assert!(told.clone().count() > 0 && told.clone().all(|line| text.contains(line)), "{text}");
    let figure = fs::read_to_string(folder.join("errors.svg")).unwrap();
    assert_eq!(figure.matches("DERL").count(), 2);
    // The same training, whether it is measured or not.
    let model = |run: &str| fs::read(folder.join(run).join("pinn-3/model.safetensors")).unwrap();
    assert!(model("measured") == model("reference"));

    for (run, expected) in [("reference", "no error was measured"), ("nothing", "run.json")] {
        let output = jetspace(folder, &["compare", run, "--out", "none.svg"]);
        assert!(!output.status.success() && !folder.join("none.svg").exists());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(expected), "{errors}");
    }
}
