//! Trainings that are stopped and resumed, runs that are killed, and what they leave behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jetspace::Study;
use jetspace::run::{self, Execution, Folder, Member, MemberResult, Observer, Outcome, Settings};
use jetspace::study::Dtype;
use jetspace::training::{Scalar, Stop, StopReason};

use super::resumption::resume_at_every_step;
use super::{
    ADAM, LBFGS_FIXED, SOAP, comparing, levenberg_marquardt, training, wave, wide_wave,
    with_line_search,
};

#[test]
fn resumed_at_every_step_a_training_leaves_the_same_checkpoints() {
    fn check<T: Scalar>() {
        let (mut on_trial, mut steps) = (0, 0);
        for optimizer in comparing(25, 0.0).into_iter().chain([SOAP]) {
            let study = wave(&[ADAM, optimizer, LBFGS_FIXED]);
            let start = |threads| training::<T>(&study, threads);
            let whole = resume_at_every_step(optimizer.name(), start, |whole, _| {
                on_trial += u64::from(whole.progress().phase == 1 && whole.is_on_trial());
            });
            assert_eq!(whole.stops().len(), 3);
            // From mini-batches to all points, and back.
            let mut study = wave(&[ADAM, optimizer, SOAP]);
            study.points.batch = Some(12);
            let start = |threads| training::<T>(&study, threads);
            resume_at_every_step(optimizer.name(), start, |whole, _| {
                if whole.progress().phase == 1 && whole.progress().done > 1 && !whole.is_on_trial()
                {
                    steps += 1;
                }
            });
        }
        assert!(steps > 20, "{steps} steps with all points");
        assert!(on_trial > 3, "only {on_trial} trials after which came another");
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn with_more_parameters_than_residuals_too() {
    fn check<T: Scalar>() {
        let [optimizer, ..] = levenberg_marquardt(8, 0.0);
        let study = wide_wave(&[ADAM, optimizer]);
        let start = |threads| training::<T>(&study, threads);
        let whole = resume_at_every_step(optimizer.name(), start, |_, _| {});
        assert_eq!(whole.stops().len(), 2);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn checkpoints_of_other_optimisers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let [lbfgs, bfgs, ..] = with_line_search(10, 0.0).map(|(optimizer, _)| optimizer);
    let mut of_lbfgs = training::<f64>(&wave(&[lbfgs]), 1);
    for _ in 0..9 {
        of_lbfgs.step().unwrap();
    }
    of_lbfgs.save(&path).unwrap();
    let [levenberg_marquardt, ..] = levenberg_marquardt(10, 0.0);
    for other in [bfgs, ADAM, SOAP, LBFGS_FIXED, levenberg_marquardt] {
        let mut other = training::<f64>(&wave(&[other]), 1);
        assert!(other.load(&path).is_err());
    }
    assert!(training::<f32>(&wave(&[lbfgs]), 1).load(&path).is_err());
    training::<f64>(&wave(&[lbfgs]), 1).load(&path).unwrap();
    training::<f64>(&wave(&[SOAP]), 1).save(&path).unwrap();
    assert!(training::<f64>(&wave(&[ADAM]), 1).load(&path).is_err());
}

/// Stops a run after so many steps, and notes which optimisers ended after which.
#[derive(Default)]
struct Interrupter {
    steps: u64,
    until: Option<u64>,
    stops: Vec<(u64, Stop)>,
}

impl Observer for Interrupter {
    fn begin(&mut self, _: &Member, _: usize, _: usize, _: &[String]) {}
    fn step(&mut self, _: &run::Step<'_>) {
        self.steps += 1;
    }
    fn stop(&mut self, stop: &Stop) {
        self.stops.push((self.steps, stop.clone()));
    }
    fn end(&mut self, _: &MemberResult) {}
    fn wants_to_stop(&self) -> bool {
        self.until == Some(self.steps)
    }
}

/// Goes on with a run for so many steps at most; its result if that was its end.
pub fn sitting(
    study: &Study,
    folder: &Folder,
    threads: usize,
    until: Option<u64>,
) -> (Option<MemberResult>, Vec<(u64, Stop)>) {
    let mut observer = Interrupter { until, ..Default::default() };
    let execution = Execution { threads, checkpoint_every: Duration::MAX };
    let points = run::prepare(study).unwrap();
    let result = match run::run(study, &points, folder, execution, &mut observer).unwrap() {
        Outcome::Stopped => None,
        Outcome::Finished(mut results) => results.pop(),
    };
    (result, observer.stops)
}

/// The log without its times, and the models.
fn left_behind(member: &Path) -> Vec<Vec<u8>> {
    let log = fs::read_to_string(member.join("metrics.jsonl")).unwrap();
    let lines = log.lines().map(|line| line.split(",\"seconds\"").next().unwrap());
    let log = lines.collect::<Vec<_>>().join("\n").into_bytes();
    let models = ["model.safetensors", "best.safetensors"];
    models.iter().map(|file| fs::read(member.join(file)).unwrap()).chain([log]).collect()
}

#[test]
fn killed_runs_end_with_the_same_log_and_results() {
    use StopReason::{Gradient, Steps};
    for dtype in [Dtype::F32, Dtype::F64] {
        // Far more steps than are done, so that not every one of them has a line in the log.
        let [(lbfgs, _), _, (ssbfgs, _), _] = with_line_search(9_000, 0.01);
        let [damped, .., matrix_free] = levenberg_marquardt(6, 0.0);
        let optimizers = [ADAM, ssbfgs, lbfgs, damped, matrix_free, LBFGS_FIXED];
        let study = Study { dtype, measure_every: Some(10), ..wave(&optimizers) };
        let folder = tempfile::tempdir().unwrap();
        let create = |name: &str| {
            let path = folder.path().join(name);
            Folder::create(Some(&path), &study, &Settings::default(), 1).unwrap()
        };
        let member = |folder: &Folder| folder.path().join(run::members(&study)[0].name());
        let whole = create("whole");
        let (expected, stops) = sitting(&study, &whole, 1, None);
        let expected = expected.unwrap();
        let reasons: Vec<StopReason> = expected.stops.iter().map(|stop| stop.reason).collect();
        assert_eq!(
            reasons,
            [Steps, Gradient, Gradient, Steps, Steps, Steps],
            "{:?}",
            expected.stops
        );
        assert!(expected.stops[1].done > 20 && expected.stops[2].done == 0);

        let last = stops[5].0;
        let around_ends = stops.iter().flat_map(|(end, _)| [end - 1, *end, end + 1]);
        let moments: BTreeSet<u64> = around_ends.chain([1, 7, 29, 40]).collect();
        for until in moments.into_iter().filter(|until| *until < last - 1) {
            let killed = create(&format!("killed-{until}-{}", dtype.name()));
            let checkpoint = member(&killed).join("checkpoint.safetensors");
            assert!(sitting(&study, &killed, 2, Some(until)).0.is_none());
            let kept = fs::read(&checkpoint).unwrap();
            // Killed: the log is ahead of the latest checkpoint.
            let beyond = 1 + until % 9;
            sitting(&study, &killed, 1, Some(beyond.min(last - until - 1)));
            fs::write(&checkpoint, kept).unwrap();
            let result = sitting(&study, &killed, 2, None).0.unwrap();
            assert_eq!(result.stops, expected.stops);
            assert_eq!(result.metrics, expected.metrics);
            assert_eq!(result.loss.to_bits(), expected.loss.to_bits());
            let (found, expected) = (left_behind(&member(&killed)), left_behind(&member(&whole)));
            assert!(found == expected, "killed after {until}");
        }
    }
}

#[test]
fn the_log_tells_steps_and_why_optimisers_ended() {
    let [.., (ssbroyden, _)] = with_line_search(12, 0.0);
    let [levenberg_marquardt, ..] = levenberg_marquardt(5, 0.0);
    let study = wave(&[ADAM, ssbroyden, levenberg_marquardt]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let folder = Folder::create(Some(&path), &study, &Settings::default(), 1).unwrap();
    let told = sitting(&study, &folder, 1, None).1;
    let log = fs::read_to_string(path.join("sob-0/metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (events, steps): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.get("event").is_some());
    let stops: Vec<Stop> =
        events.iter().map(|line| serde_json::from_value((*line).clone()).unwrap()).collect();
    assert_eq!(stops, told.into_iter().map(|(_, stop)| stop).collect::<Vec<_>>());
    assert_eq!(stops[1].to_string(), "ssbroyden ended after 12 of 12: all steps are done");
    // 15 of Adam, where the first search begins, where each search ended, and each damped step; this
    // begins where the last search ended.
    assert_eq!(steps.len(), 15 + 1 + 12 + 5);
    for (number, line) in steps.iter().enumerate() {
        let terms: f64 =
            line["terms"].as_object().unwrap().values().filter_map(serde_json::Value::as_f64).sum();
        assert!((line["loss"].as_f64().unwrap() - terms).abs() <= 1e-15 * terms);
        let optimizer = match number {
            0..15 => "adam",
            15..28 => "ssbroyden",
            _ => "levenberg-marquardt",
        };
        assert_eq!(line["optimizer"], optimizer);
        assert_eq!(line.get("step_length").is_some(), (16..28).contains(&number));
        assert_eq!(line.get("damping").is_some(), number >= 28);
    }
    let losses: Vec<f64> = steps[15..].iter().map(|line| line["loss"].as_f64().unwrap()).collect();
    assert!(losses.is_sorted_by(|before, after| before > after), "{losses:?}");
}
