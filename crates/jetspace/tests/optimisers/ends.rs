//! Why optimisers end, what they refuse, and where losses are not finite.

use std::fs;

use jetspace::Error;
use jetspace::run::{self, Folder, Settings};
use jetspace::study::{OptimizerFile, ScheduleFile};
use jetspace::training::{Status, StopReason, Training};
use jetspace_optim::OptimError;

use super::interruptions::sitting;
use super::{
    ADAM, SEED, WAVE, WAVE_STUDY, comparing, evaluate, finish, levenberg_marquardt, narrowed,
    study, training, wave,
};

#[test]
fn a_training_ends_where_nothing_gets_smaller_and_tells_the_loss_there() {
    let mut reasons = Vec::new();
    for optimizer in comparing(100_000, 0.0) {
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
        for optimizer in comparing(500, tolerance) {
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
fn trials_go_back_from_where_the_loss_is_infinite() {
    for method in ["bfgs", "levenberg-marquardt"] {
        let text = BARRIER_STUDY.replace("bfgs", method);
        let mut training = training::<f32>(&study(BARRIER, &text), 1);
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
fn comparing_losses_needs_the_same_objective_in_all_steps() {
    let mut optimizers = comparing(5, 0.0);
    // Of a projection there are no residuals, and this one asks for their number first.
    optimizers.retain(|o| !matches!(o, OptimizerFile::LevenbergMarquardt { .. }));
    for optimizer in optimizers {
        let text = WAVE_STUDY.replace("[\"sob\"]", "[\"sob+hes\"]");
        let mut study = study(WAVE, &text);
        study.methods[0].optimizers = vec![ADAM, optimizer];
        let points = run::prepare(&study).unwrap();
        let (method, variant) = (&study.methods[0], &study.variants[0]);
        match Training::<f64>::new(&study, method, variant, &points, SEED, 1).map(|_| ()) {
            Err(Error::Argument(message)) => assert!(message.contains(optimizer.name())),
            result => panic!("{result:?}"),
        }
    }
}

#[test]
fn matrices_that_are_too_large_are_refused_before_a_training_begins_or_not_made() {
    // 252 502 parameters: rows of so many would not fit, but their factors do. Matrices with a column
    // for each of 12 015 residuals do not.
    let text = WAVE_STUDY.replace("[6, 5]", "[500, 500]");
    for (count, fits) in [(1000, true), (12_000, false)] {
        let mut wide = study(WAVE, &text.replace("count = 30", &format!("count = {count}")));
        let [accelerated, plain, matrix_free] = levenberg_marquardt(5, 0.0);
        let points = run::prepare(&wide).unwrap();
        let mut begin = |optimizer| {
            wide.methods[0].optimizers = vec![ADAM, optimizer];
            let (method, variant) = (&wide.methods[0], &wide.variants[0]);
            Training::<f64>::new(&wide, method, variant, &points, SEED, 1).map(|_| ())
        };
        match begin(plain) {
            Err(Error::Optim(error)) if !fits => {
                assert!(matches!(error, OptimError::LinearisationMemory { .. }), "{error}");
            }
            result => assert!(result.is_ok() && fits, "{result:?}"),
        }
        begin(accelerated).unwrap();
        begin(matrix_free).unwrap();
    }
}
