//! Optimisers in trainings: against plain loops over objective and optimiser, stopped and resumed at
//! every step, in runs that are killed, and why they end.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jetspace::objective::{Loss, Objective};
use jetspace::run::{self, Execution, Folder, Member, MemberResult, Observer, Outcome, Settings};
use jetspace::source::Source;
use jetspace::study::{DenseFile, Dtype, OptimizerFile, ScheduleFile};
use jetspace::training::{Scalar, Status, Stop, StopReason, Training};
use jetspace::{Error, Study};
use jetspace_jet::{Engine, Real, Threads};
use jetspace_optim::{
    Adam, AdamSettings, DenseUpdate, InverseHessian, QuasiNewton, QuasiNewtonSettings,
};

/// With an unknown, and two conditions.
const WAVE: &str = r#"
    title = "Wave"
    fields = ["u"]
    [coordinates]
    t = { range = [0, 1] }
    x = { range = [-1, 1] }
    [unknowns]
    nu = 0.3
    [equations]
    burgers = "u_t + u*u_x = nu*u_xx + t*x"
    [conditions.start]
    on = "initial"
    require = ["u = sin(pi*x)"]
    [conditions.ends]
    pair = "x"
    require = ["u = other.u"]
    [truth]
    nu = 0.4
    u = "exp(-t)*sin(pi*x)"
"#;

const WAVE_STUDY: &str = r#"
    title = "Wave"
    problem = "given"
    methods = ["sob"]
    optimizer = [{ method = "adam", steps = 1 }]
    [network]
    hidden = [6, 5]
    [points]
    interior = { sampler = "uniform", count = 30 }
    conditions.start = { sampler = "uniform", count = 8 }
    conditions.ends = { sampler = "uniform", count = 7 }
    [evaluation]
    grid = [5, 5]
"#;

fn study(problem: &str, study: &str) -> Study {
    let [study, problem] = [study, problem].map(|text| Source::new("given.toml", text));
    Study::from_sources(&study, &problem).unwrap()
}

/// The study with these optimisers.
fn wave(optimizers: &[OptimizerFile]) -> Study {
    let mut study = study(WAVE, WAVE_STUDY);
    study.methods[0].optimizers = optimizers.to_vec();
    study
}

const ADAM: OptimizerFile = OptimizerFile::Adam {
    rate: 3e-3,
    steps: 15,
    schedule: ScheduleFile::Constant,
    weight_decay: 0.1,
};

const LBFGS_FIXED: OptimizerFile = OptimizerFile::LbfgsFixed { rate: 0.5, epochs: 2, history: 5 };

/// Each method with a line search, and its settings.
fn with_line_search(steps: u64, tolerance: f64) -> [(OptimizerFile, QuasiNewtonSettings); 4] {
    let dense = |initial_scaling| DenseFile { steps, initial_scaling, tolerance };
    let settings = |hessian| QuasiNewtonSettings {
        hessian,
        tolerance_gradient: tolerance,
        ..Default::default()
    };
    let matrix =
        |update, initial_scaling| settings(InverseHessian::Dense { update, initial_scaling });
    [
        (
            OptimizerFile::Lbfgs { steps, history: 5, tolerance },
            settings(InverseHessian::Limited { pairs: 5 }),
        ),
        (OptimizerFile::Bfgs(dense(true)), matrix(DenseUpdate::Bfgs, true)),
        (OptimizerFile::Ssbfgs(dense(false)), matrix(DenseUpdate::SelfScaledBfgs, false)),
        (OptimizerFile::Ssbroyden(dense(false)), matrix(DenseUpdate::SelfScaledBroyden, false)),
    ]
}

const SEED: u64 = 7;

fn training<T: Scalar>(study: &Study, threads: usize) -> Training<T> {
    let points = run::prepare(study).unwrap();
    Training::new(study, &study.methods[0], &study.variants[0], &points, SEED, threads).unwrap()
}

/// Loss and gradient as the training sees them.
fn evaluate<T: Scalar>(study: &Study) -> impl FnMut(&[T], &mut [T]) -> Loss + use<T> {
    let points = run::prepare(study).unwrap();
    let (method, variant) = (&study.methods[0], &study.variants[0]);
    let mut objective = Objective::new(study, method, variant, &points, SEED).unwrap();
    let mut engine = Engine::new(&study.network, Threads::new(1).unwrap());
    move |parameters, gradient| objective.gradient(&mut engine, parameters, gradient).unwrap()
}

fn narrowed<T: Scalar>(parameters: &[f64]) -> Vec<T> {
    parameters.iter().map(|&p| <T as Real>::from_f64(p)).collect()
}

fn finish<T: Scalar>(training: &mut Training<T>) {
    while training.step().unwrap() == Status::Running {}
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn trainings_go_as_plain_loops_do() {
    fn check<T: Scalar>() {
        for (optimizer, settings) in with_line_search(30, 0.0) {
            let study = wave(&[ADAM, optimizer]);
            let mut training = training::<T>(&study, 1);
            let mut parameters = narrowed::<T>(&training.parameters());
            finish(&mut training);

            let mut evaluate = evaluate::<T>(&study);
            let mut gradient = parameters.clone();
            let decay = AdamSettings { rate: 3e-3, weight_decay: 0.1, ..Default::default() };
            let mut adam = Adam::new(decay, parameters.len()).unwrap();
            for _ in 0..15 {
                evaluate(&parameters, &mut gradient);
                adam.step(&mut parameters, &gradient).unwrap();
            }
            let mut quasi_newton = QuasiNewton::new(settings, parameters.len()).unwrap();
            let mut iterations = 0;
            while iterations < 30 {
                let loss = evaluate(&parameters, &mut gradient).total;
                let step = quasi_newton.advance(&mut parameters, loss, &gradient).unwrap();
                assert_eq!(step.stop(), None);
                iterations += u64::from(step.ends_iteration());
            }
            let expected: Vec<f64> = parameters.iter().map(|&p| Real::to_f64(p)).collect();
            assert_eq!(bits(&training.parameters()), bits(&expected), "{}", optimizer.name());
            let loss = evaluate(&parameters, &mut gradient);
            assert_eq!(*training.loss(), loss, "{}", optimizer.name());
            let reasons: Vec<_> = training.stops().iter().map(|s| (s.reason, s.done)).collect();
            assert_eq!(reasons, [(StopReason::Steps, 15), (StopReason::Steps, 30)]);
        }
    }
    check::<f32>();
    check::<f64>();
}

/// A checkpoint is all that a training remembers: so two trainings whose checkpoints are equal go on
/// in the same way.
#[test]
fn resumed_at_every_step_a_training_leaves_the_same_checkpoints() {
    fn check<T: Scalar>() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        let checkpoint = |training: &Training<T>, path: &Path| {
            training.save(path).unwrap();
            fs::read(path).unwrap()
        };
        let mut in_searches = 0;
        for (optimizer, _) in with_line_search(25, 0.0) {
            let study = wave(&[ADAM, optimizer, LBFGS_FIXED]);
            let mut whole = training::<T>(&study, 1);
            whole.save(&here).unwrap();
            loop {
                let progress = whole.progress();
                let mut resumed = training::<T>(&study, 2);
                resumed.load(&here).unwrap();
                let status = whole.step().unwrap();
                assert_eq!(resumed.step().unwrap(), status);
                let (one, other) = (checkpoint(&whole, &here), checkpoint(&resumed, &there));
                assert!(one == other, "{} after {progress:?}", optimizer.name());
                if status == Status::Finished {
                    break;
                }
                in_searches += u64::from(whole.progress().phase == 1 && whole.is_on_trial());
            }
            assert_eq!(whole.stops().len(), 3);
        }
        assert!(in_searches > 3, "only {in_searches} searches of more than one trial");
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
    for other in [bfgs, ADAM, LBFGS_FIXED] {
        let mut other = training::<f64>(&wave(&[other]), 1);
        assert!(other.load(&path).is_err());
    }
    assert!(training::<f32>(&wave(&[lbfgs]), 1).load(&path).is_err());
    training::<f64>(&wave(&[lbfgs]), 1).load(&path).unwrap();
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
fn sitting(
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
        let optimizers = [ADAM, ssbfgs, lbfgs, LBFGS_FIXED];
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
        assert_eq!(reasons, [Steps, Gradient, Gradient, Steps], "{:?}", expected.stops);
        assert!(expected.stops[1].done > 20 && expected.stops[2].done == 0);

        let last = stops[3].0;
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

#[test]
fn the_log_tells_steps_and_why_optimisers_ended() {
    let [.., (ssbroyden, _)] = with_line_search(12, 0.0);
    let study = wave(&[ADAM, ssbroyden]);
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
    // 15 of Adam, where the first search begins, and where each search ended.
    assert_eq!(steps.len(), 15 + 1 + 12);
    for (number, line) in steps.iter().enumerate() {
        let terms: f64 =
            line["terms"].as_object().unwrap().values().filter_map(serde_json::Value::as_f64).sum();
        assert!((line["loss"].as_f64().unwrap() - terms).abs() <= 1e-15 * terms);
        assert_eq!(line["optimizer"], if number < 15 { "adam" } else { "ssbroyden" });
        assert_eq!(line.get("step_length").is_some(), number > 15);
    }
    let losses: Vec<f64> = steps[15..].iter().map(|line| line["loss"].as_f64().unwrap()).collect();
    assert!(losses.is_sorted_by(|before, after| before > after), "{losses:?}");
}

#[test]
fn a_training_ends_where_nothing_gets_smaller_and_tells_the_loss_there() {
    let mut reasons = Vec::new();
    for (optimizer, _) in with_line_search(100_000, 0.0) {
        let study = wave(&[optimizer]);
        let mut training = training::<f32>(&study, 1);
        finish(&mut training);
        let stop = &training.stops()[0];
        assert!(stop.is_early() && !stop.explanation.is_empty(), "{stop}");
        reasons.push(stop.reason);
        // Where a search failed, it went back, and so did the loss.
        let parameters = narrowed::<f32>(&training.parameters());
        let loss = evaluate(&study)(&parameters, &mut parameters.clone());
        assert_eq!(*training.loss(), loss, "{stop}");
        assert!(loss.total <= 1.0001 * training.best().1, "{stop}");
    }
    assert!(reasons.iter().all(|r| matches!(r, StopReason::Breakdown | StopReason::Stagnation)));
    assert!(reasons.contains(&StopReason::Breakdown), "{reasons:?}");
}

#[test]
fn a_tolerance_ends_it_at_once_or_on_the_way() {
    for (tolerance, at_once) in [(1e9, true), (0.02, false)] {
        for (optimizer, _) in with_line_search(500, tolerance) {
            let mut training = training::<f64>(&wave(&[optimizer, ADAM]), 1);
            finish(&mut training);
            let stop = &training.stops()[0];
            assert_eq!((stop.reason, stop.done == 0), (StopReason::Gradient, at_once), "{stop}");
            assert!(stop.is_early() && training.stops()[1].reason == StopReason::Steps);
        }
    }
}

/// Where u rises to 5, exp(30 u) overflows in f32 on the way.
const BARRIER: &str = r#"
    title = "Barrier"
    fields = ["u"]
    [coordinates]
    x = { range = [0, 1] }
    [equations]
    rise = "u = 5"
    barrier = "1e-20*exp(30*u) = 0"
"#;

const BARRIER_STUDY: &str = r#"
    title = "Barrier"
    problem = "given"
    methods = ["pinn"]
    optimizer = [{ method = "bfgs", steps = 40 }]
    [network]
    hidden = [4]
    [points]
    interior = { sampler = "uniform", count = 9 }
"#;

#[test]
fn a_search_goes_back_from_where_the_loss_is_infinite() {
    let mut training = training::<f32>(&study(BARRIER, BARRIER_STUDY), 1);
    let mut infinite = 0;
    while training.step().unwrap() == Status::Running {
        if training.loss().total.is_finite() {
            continue;
        }
        assert!(training.is_on_trial());
        infinite += 1;
    }
    assert!(infinite > 0 && training.loss().total < 25.0, "{infinite} {:?}", training.loss());
}

#[test]
fn trainings_that_diverge_say_so_once_and_can_be_read_again() {
    let study = wave(&[OptimizerFile::Adam {
        rate: 1e300,
        steps: 9,
        schedule: ScheduleFile::Constant,
        weight_decay: 0.0,
    }]);
    let mut once = training::<f64>(&study, 1);
    let error = loop {
        if let Err(error) = once.step() {
            break error;
        }
    };
    assert!(once.step().is_err());
    let [stop] = once.stops() else { panic!("{:?}", once.stops()) };
    assert_eq!((stop.reason, &stop.explanation), (StopReason::NotFinite, &error.to_string()));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let folder = Folder::create(Some(&path), &study, &Settings::default(), 1).unwrap();
    let result = sitting(&study, &folder, 1, None).0.unwrap();
    assert!(result.diverged() && !result.loss.is_finite());
    // From its file: numbers that are not finite are null there.
    let again = sitting(&study, &folder, 1, None).0.unwrap();
    assert_eq!(again.stops, result.stops);
    let report = fs::read_to_string(path.join("report.html")).unwrap();
    assert!(report.contains("adam ended after 1 of 9"), "{}", stop);
}

#[test]
fn epochs_that_end_early_are_told_of() {
    let fixed = OptimizerFile::LbfgsFixed { rate: 0.5, epochs: 400, history: 50 };
    let mut training = training::<f64>(&wave(&[fixed]), 1);
    finish(&mut training);
    let stop = &training.stops()[0];
    match stop.reason {
        StopReason::Steps => {
            assert!(stop.explanation.contains("the last one ended early"), "{stop}");
        }
        _ => assert!(stop.is_early() && stop.explanation.contains("tolerance"), "{stop}"),
    }
}

#[test]
fn searches_need_the_same_objective_in_all_steps() {
    for (optimizer, _) in with_line_search(5, 0.0) {
        let mut study = wave(&[ADAM, optimizer]);
        study.points.batch = Some(12);
        let points = run::prepare(&study).unwrap();
        let (method, variant) = (&study.methods[0], &study.variants[0]);
        match Training::<f64>::new(&study, method, variant, &points, SEED, 1).map(|_| ()) {
            Err(Error::Argument(message)) => assert!(message.contains(optimizer.name())),
            result => panic!("{result:?}"),
        }
    }
}
