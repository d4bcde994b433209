//! Errors that are measured while a training goes on.

use std::fs;

use jetspace::Study;
use jetspace::run::{Folder, Settings};
use jetspace::study::{OptimizerFile, ScheduleFile};

use super::interruptions::sitting;
use super::{wave, with_line_search};

#[test]
fn what_is_measured_on_the_way_is_what_a_shorter_training_ends_with() {
    let adam = |steps| OptimizerFile::Adam {
        rate: 3e-3,
        steps,
        schedule: ScheduleFile::Constant,
        weight_decay: 0.0,
    };
    let run = |study: &Study| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let folder = Folder::create(Some(&path), study, &Settings::default(), 1).unwrap();
        let result = sitting(study, &folder, 1, None).0.unwrap();
        (result, fs::read_to_string(path.join("sob-0/metrics.jsonl")).unwrap())
    };
    let [.., (ssbroyden, _)] = with_line_search(40, 0.0);
    let long = Study { measure_every: Some(7), ..wave(&[adam(20), ssbroyden]) };
    let (result, log) = run(&long);
    let measured: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["event"] == "measured")
        .collect();
    // After 7, 14, …, 56 of 60 steps.
    assert_eq!(measured.len(), 8);
    for (number, line) in [(1, &measured[0]), (2, &measured[1])] {
        let (short, log) = run(&wave(&[adam(7 * number)]));
        assert!(!log.contains("measured") && short.reached.is_empty());
        assert_eq!(line["metrics"], serde_json::to_value(&short.metrics).unwrap());
        assert_eq!(line["step"], 7 * number);
    }
    let errors: Vec<f64> =
        measured.iter().map(|line| line["metrics"]["relative"].as_f64().unwrap()).collect();
    for reached in &result.reached {
        let first = errors.iter().position(|error| *error <= reached.relative);
        let expected = first.map_or(result.evaluations, |n| measured[n]["step"].as_u64().unwrap());
        assert_eq!(reached.evaluations, expected);
    }
    let last = result.metrics["relative"];
    let digits = (-last.log10()).floor().max(0.0);
    assert!(digits > 0.0 && result.reached.len() as f64 >= digits, "{last} {:?}", result.reached);
}
