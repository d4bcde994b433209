//! Optimisers in trainings: against plain loops over objective and optimiser, stopped and resumed at
//! every step, in runs that are killed, and why they end.

mod ends;
mod interruptions;
mod measurements;
mod plain_loops;
#[path = "../resumption/mod.rs"]
mod resumption;
mod soap;

use std::num::NonZero;

use jetspace::Study;
use jetspace::objective::{Loss, Objective};
use jetspace::run;
use jetspace::source::Source;
use jetspace::study::{DenseFile, OptimizerFile, ScheduleFile, SolverFile};
use jetspace::training::{Scalar, Status, Training};
use jetspace_jet::{Engine, Real, Threads};
use jetspace_optim::{DenseUpdate, InverseHessian, QuasiNewtonSettings};

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

/// With far more parameters than residuals, in layers that are wide enough for factors of rows.
fn wide_wave(optimizers: &[OptimizerFile]) -> Study {
    let mut study = study(WAVE, &WAVE_STUDY.replace("[6, 5]", "[40, 40]"));
    study.methods[0].optimizers = optimizers.to_vec();
    study
}

const ADAM: OptimizerFile = OptimizerFile::Adam {
    rate: 3e-3,
    steps: 15,
    schedule: ScheduleFile::Constant,
    weight_decay: 0.1,
};

const SOAP: OptimizerFile = OptimizerFile::Soap {
    rate: 3e-3,
    steps: 25,
    schedule: ScheduleFile::Cosine { warm_up: 3, last: 0.1 },
    weight_decay: 0.1,
    frequency: NonZero::<u64>::MIN.saturating_add(3),
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

/// The method of Levenberg and Marquardt, with acceleration and without, and without matrices.
fn levenberg_marquardt(steps: u64, tolerance: f64) -> [OptimizerFile; 3] {
    use SolverFile::{Auto, ConjugateGradients, Dense};
    [(true, Auto), (false, Dense), (true, ConjugateGradients)].map(|(acceleration, solver)| {
        OptimizerFile::LevenbergMarquardt { steps, damping: 1e-3, acceleration, tolerance, solver }
    })
}

/// Each method that compares losses.
fn comparing(steps: u64, tolerance: f64) -> Vec<OptimizerFile> {
    let searching = with_line_search(steps, tolerance).map(|(optimizer, _)| optimizer);
    searching.into_iter().chain(levenberg_marquardt(steps, tolerance)).collect()
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
