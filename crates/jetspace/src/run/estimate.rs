//! How long a study will take, from some steps of each of its optimisers.

use std::time::{Duration, Instant};

use crate::Error;
use crate::collocation::Collocation;
use crate::evaluation::Measure;
use crate::model::Model;
use crate::study::{Dtype, MOST_STEPS, Method, OptimizerFile, Study};
use crate::training::{Scalar, Status, Training};

/// How long steps of an optimiser are watched, unless three of them take longer.
const WATCHED: Duration = Duration::from_millis(300);

/// The time that a run of a study takes, about: that of all steps that it asks for, at the pace of some
/// steps of each optimiser from the first weights, and of all measurements. Optimisers that end early
/// make it shorter.
///
/// # Errors
/// As [`run`](super::run).
pub fn estimate(
    study: &Study,
    collocation: &Collocation,
    threads: usize,
) -> Result<Duration, Error> {
    let measure = Measure::new(&study.problem, &study.evaluation)?;
    let model = Model::new(study, &vec![0.1; study.network.parameter_count()]);
    let began = Instant::now();
    measure.of(&model, threads)?;
    let measurement = began.elapsed().as_secs_f64();
    let mut seconds = 0.0;
    for method in &study.methods {
        let mut steps = 0;
        for optimizer in &method.optimizers {
            let pace = match study.dtype {
                Dtype::F32 => pace::<f32>(study, method, *optimizer, collocation, threads),
                Dtype::F64 => pace::<f64>(study, method, *optimizer, collocation, threads),
            }?;
            let of_optimizer = optimizer.steps_in(optimizer.length());
            seconds += pace * of_optimizer as f64;
            steps += of_optimizer;
        }
        let on_the_way = study.measure_every.map_or(0, |every| steps / every.max(1));
        seconds += measurement * (1 + on_the_way) as f64;
    }
    let trainings = study.seeds.len() * study.variants.len();
    Ok(Duration::try_from_secs_f64(seconds * trainings as f64).unwrap_or(Duration::MAX))
}

/// Seconds that a step takes.
fn pace<T: Scalar>(
    study: &Study,
    method: &Method,
    mut optimizer: OptimizerFile,
    collocation: &Collocation,
    threads: usize,
) -> Result<f64, Error> {
    let Some(variant) = study.variants.first() else { return Ok(0.0) };
    optimizer.set_steps(MOST_STEPS);
    let method = Method { optimizers: vec![optimizer], ..method.clone() };
    let seed = study.seeds.first().copied().unwrap_or(0);
    let mut training = Training::<T>::new(study, &method, variant, collocation, seed, threads)?;
    // The first one also makes room for everything.
    let mut status = training.step();
    let (began, first) = (Instant::now(), training.steps().0);
    let done = loop {
        let done = training.steps().0 - first;
        let is_enough = began.elapsed() >= WATCHED && done >= 3;
        // One that ends or diverges from here on will end early in the study, too.
        if is_enough || !matches!(status, Ok(Status::Running)) {
            break done;
        }
        status = training.step();
    };
    Ok(began.elapsed().as_secs_f64() / done.max(1) as f64)
}
