//! Trainings against plain loops over objective and optimiser.

use jetspace::objective::Objective;
use jetspace::run;
use jetspace::training::{Scalar, Status, StopReason};
use jetspace::{Error, Study};
use jetspace_jet::{Engine, Real, Threads};
use jetspace_optim::{
    Adam, AdamSettings, LeastSquares, LevenbergMarquardt, LevenbergMarquardtSettings,
    LevenbergMarquardtStep, LinearSolver, Linearisation, QuasiNewton,
};

use super::{
    ADAM, SEED, bits, comparing, evaluate, finish, levenberg_marquardt, narrowed, training, wave,
    wide_wave, with_line_search,
};

#[test]
fn after_mini_batches_a_line_search_begins_with_all_points() {
    for optimizer in comparing(3, 0.0) {
        let mut study = wave(&[ADAM, optimizer]);
        study.points.batch = Some(12);
        let mut training = training::<f64>(&study, 1);
        while training.progress().phase == 0 {
            training.step().unwrap();
        }
        let parameters = training.parameters();
        study.points.batch = None;
        let mut gradient = vec![0.0; parameters.len()];
        let expected = evaluate::<f64>(&study)(&parameters, &mut gradient).total;
        training.step().unwrap();
        assert_eq!(training.loss().total, expected, "{}", optimizer.name());
    }
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

/// An objective and its engine.
struct Residuals(Objective<f64>, Engine<f64>);

impl LeastSquares for Residuals {
    type Error = Error;

    fn residual_count(&self) -> Result<usize, Error> {
        self.0.residual_count()
    }

    fn residuals(&mut self, parameters: &[f64], residuals: &mut [f64]) -> Result<(), Error> {
        self.0.residuals(&mut self.1, parameters, residuals)
    }

    fn linearise(&mut self, parameters: &[f64], rows: &mut Linearisation) -> Result<(), Error> {
        self.0.linearise(&mut self.1, parameters, &mut |residual, row| {
            rows.push(residual)?.copy_from_slice(row);
            Ok(())
        })
    }

    fn push_forward(&mut self, at: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Error> {
        self.0.push_forward(&mut self.1, at, v, product)
    }

    fn pull_back(&mut self, at: &[f64], w: &[f64], product: &mut [f64]) -> Result<(), Error> {
        self.0.pull_back(&mut self.1, at, w, product)
    }
}

/// Iterations of the method by itself, from whole rows: where they lead, and the losses where they end.
fn plain_loop(
    study: &Study,
    settings: LevenbergMarquardtSettings,
    mut parameters: Vec<f64>,
    iterations: usize,
) -> (Vec<f64>, Vec<f64>) {
    let points = run::prepare(study).unwrap();
    let (method, variant) = (&study.methods[0], &study.variants[0]);
    let objective = Objective::new(study, method, variant, &points, SEED).unwrap();
    let engine = Engine::new(&study.network, Threads::single());
    let mut problem = Residuals(objective, engine);
    let mut method = LevenbergMarquardt::new(settings, parameters.len()).unwrap();
    let mut evaluate = evaluate::<f64>(study);
    let mut gradient = parameters.clone();
    let mut losses = Vec::new();
    while losses.len() < iterations {
        let loss = evaluate(&parameters, &mut gradient).total;
        let step = method.advance(&mut parameters, loss, &mut problem).unwrap();
        assert_eq!(step.stop(), None);
        losses.extend((step == LevenbergMarquardtStep::Iterated).then_some(loss));
    }
    (parameters, losses)
}

#[test]
fn levenberg_marquardt_goes_as_a_plain_loop_does() {
    use LinearSolver::{ConjugateGradients, Dense};
    let kinds = [(Some(0.75), Dense), (None, Dense), (Some(0.75), ConjugateGradients)];
    for (optimizer, (acceleration, solver)) in levenberg_marquardt(30, 0.0).into_iter().zip(kinds) {
        let study = wave(&[optimizer]);
        let mut training = training::<f64>(&study, 2);
        let start = training.parameters();
        let mut losses = Vec::new();
        while training.step().unwrap() == Status::Running {
            losses.extend(training.damping().map(|_| training.loss().total));
        }
        losses.push(training.loss().total);
        let settings = LevenbergMarquardtSettings { acceleration, solver, ..Default::default() };
        let (parameters, expected) = plain_loop(&study, settings, start, 30);
        assert_eq!(bits(&training.parameters()), bits(&parameters));
        assert_eq!(bits(&losses), bits(&expected));
        assert!(losses.is_sorted_by(|before, after| before > after), "{losses:?}");
    }
}

#[test]
fn rows_in_factors_lead_where_whole_rows_do() {
    let [optimizer, ..] = levenberg_marquardt(3, 0.0);
    let study = wide_wave(&[optimizer]);
    let mut training = training::<f64>(&study, 2);
    let start = training.parameters();
    finish(&mut training);
    let settings = LevenbergMarquardtSettings::default();
    let (expected, losses) = plain_loop(&study, settings, start, 3);
    for (found, expected) in training.parameters().iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-8, "{found} {expected}");
    }
    assert!((training.loss().total / losses[2] - 1.0).abs() <= 1e-8);
}
