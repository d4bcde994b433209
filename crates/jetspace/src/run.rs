//! Runs: a study carried out, and the folder that it leaves.
//!
//! ```text
//! runs/allen-cahn/2026-11-21T15-04-05/
//!   run.json              versions, settings, machine: all that is needed to repeat it
//!   study.toml            the study and its problem as they were
//!   problem.toml
//!   derl-30/              one training: method, seed (and variant)
//!     metrics.jsonl       a line per step: loss, terms, seconds; why each optimiser ended; errors
//!                         on the way, if the study asks for them
//!     checkpoint.safetensors
//!     model.safetensors   the trained model; best.safetensors: that of the lowest loss
//!     fields.npz          truth, prediction and residuals on the evaluation grid
//!     trajectories.npz      states that move at the model's rates, and at the true ones, if asked for
//!     parameters.npz      errors over the coordinates of kind parameter, if the study maps them
//!     result.json         metrics
//!   results.json          all results
//!   report.html, figures/  its figures; for those that the study defines, NAME.npz with their numbers
//! ```

mod errors_over_time;
mod estimate;
mod folder;
mod metrics_log;
mod over_parameters;
mod presentation;

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};

pub use errors_over_time::{Comparison, Reached, times};
pub use estimate::estimate;
pub(crate) use folder::read_json;
pub use folder::{Folder, Settings};
use metrics_log::MetricsLog;
use presentation::StudyFigures;
pub(crate) use presentation::software;
pub use presentation::{chapter, table};

use crate::Error;
use crate::collocation::Collocation;
use crate::evaluation::Measure;
use crate::model::Model;
use crate::objective::Objective;
use crate::study::{Dtype, Method, Study, Variant};
use crate::table;
use crate::training::{Scalar, Status, Stop, StopReason, Training};

/// One training of a study.
#[derive(Clone, Debug)]
pub struct Member {
    /// The method.
    pub method: Method,
    /// The seed.
    pub seed: u64,
    /// The targets.
    pub variant: Variant,
}

impl Member {
    /// The name of its folder, e.g. derl-30 or derl-30-noise-0.01.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!("{}-{}-{}", self.method.name, self.seed, self.variant.label);
        plain_name(&name)
    }
}

/// Of each method the training with the first seed, for one variant of the targets.
fn first_of_each<'a>(
    study: &'a Study,
    members: &'a [Member],
    variant: &'a Variant,
) -> impl Iterator<Item = &'a Member> {
    let first = move |method: &'a Method| {
        members.iter().find(|m| m.method.name == method.name && m.variant == *variant)
    };
    study.methods.iter().filter_map(first)
}

/// A text as the name of a folder, e.g. derl-30-noise-0.01 of derl-30-noise = 0.01.
pub(crate) fn plain_name(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "+._-".contains(c) { c } else { ' ' };
    let words: String = text.chars().map(plain).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-").trim_end_matches('-').to_owned()
}

/// What one training came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberResult {
    /// The method.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// The variant's label; empty if the study does not sweep.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Metrics by name (see [`crate::evaluation`]); what is not finite is null in files.
    #[serde(deserialize_with = "nulls_are_nan")]
    pub metrics: IndexMap<String, f64>,
    /// The loss at the end.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// The lowest loss, at which best.safetensors was kept.
    #[serde(deserialize_with = "null_is_nan")]
    pub best_loss: f64,
    /// Seconds of training, all sittings together.
    pub seconds: f64,
    /// Evaluations of loss and gradient.
    pub evaluations: u64,
    /// Why each optimiser ended, in their order.
    pub stops: Vec<Stop>,
    /// When the error of all fields together came below each power of ten, if it was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<Reached>,
    /// What others published for this method.
    pub published: IndexMap<String, f64>,
}

impl MemberResult {
    /// Whether a loss that was not finite ended the training.
    #[must_use]
    pub fn diverged(&self) -> bool {
        self.stops.iter().any(|stop| stop.reason == StopReason::NotFinite)
    }
}

/// Who is told how a run goes on, and may stop it.
pub trait Observer {
    /// A training begins; `number` of `count`, from 1.
    fn begin(&mut self, member: &Member, number: usize, count: usize, plans: &[String]);
    /// A step is done.
    fn step(&mut self, step: &Step<'_>);
    /// An optimiser's turn has ended.
    fn stop(&mut self, stop: &Stop);
    /// A training is done.
    fn end(&mut self, result: &MemberResult);
    /// Whether to stop after this step.
    fn wants_to_stop(&self) -> bool;
}

/// The state of a training after a step.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Steps done and steps in all, about.
    pub steps: (u64, u64),
    /// Evaluations so far.
    pub evaluations: u64,
    /// The optimiser at work.
    pub optimizer: &'a str,
    /// The loss.
    pub loss: f64,
    /// Its terms.
    pub terms: &'a [f64],
    /// Their names.
    pub labels: &'a [String],
    /// What each term is multiplied by besides its weight, if terms are balanced; else empty.
    pub factors: &'a [f64],
    /// How far along its direction a line search went, if it ended here.
    pub length: Option<f64>,
    /// The damping of a step that was accepted.
    pub damping: Option<f64>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Every training is done.
    Finished(Vec<MemberResult>),
    /// The observer stopped it; everything so far is saved.
    Stopped,
}

/// How a run is carried out; its results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Execution {
    /// Number of threads; 0 means as many as the machine offers.
    pub threads: usize,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

/// Carries out a study in its folder, from wherever it was left, at the points of [`prepare`].
///
/// # Errors
/// A training that cannot go on, or the operating system's. What was done stays.
pub fn run(
    study: &Study,
    collocation: &Collocation,
    folder: &Folder,
    execution: Execution,
    observer: &mut dyn Observer,
) -> Result<Outcome, Error> {
    let members = members(study);
    let mut results = Vec::new();
    let measure = Measure::new(&study.problem, &study.evaluation)?;
    let map = study.map.as_ref().map(|map| Measure::new(&study.problem, &map.plan));
    let map = map.transpose()?;
    let figures = StudyFigures::prepare(study)?;
    for (number, member) in (1..).zip(&members) {
        if let Some(result) = folder.result(member)? {
            results.push(result);
            continue;
        }
        let (measure, map) = (&measure, map.as_ref());
        let context = Context { study, folder, member, collocation, measure, map, execution };
        let place = (number, members.len());
        let result = match study.dtype {
            Dtype::F32 => context.train::<f32>(place, observer),
            Dtype::F64 => context.train::<f64>(place, observer),
        }?;
        match result {
            Some(result) => results.push(result),
            None => return Ok(Outcome::Stopped),
        }
    }
    let own = figures.draw(folder, &members, execution.threads)?;
    presentation::write(study, folder, &members, &results, own)?;
    // Last, because it says that all is done.
    folder.write_json("results.json", &results)?;
    Ok(Outcome::Finished(results))
}

/// The points of a study, after making every method's objective at them: data that is missing shows
/// before the first training, not after it.
///
/// # Errors
/// Points that cannot be drawn or read, or data that is neither in a file nor known from the truth.
pub fn prepare(study: &Study) -> Result<Collocation, Error> {
    let collocation = Collocation::new(&study.problem, &study.points)?;
    // Variants differ in noise and the like: what the first has, all have.
    if let Some(variant) = study.variants.first() {
        for method in &study.methods {
            Objective::<f64>::new(study, method, variant, &collocation, 0)?;
        }
    }
    Ok(collocation)
}

/// All trainings of a study: for each variant, each method with each seed.
#[must_use]
pub fn members(study: &Study) -> Vec<Member> {
    let mut members = Vec::new();
    for variant in &study.variants {
        for method in &study.methods {
            for &seed in &study.seeds {
                members.push(Member { method: method.clone(), seed, variant: variant.clone() });
            }
        }
    }
    members
}

struct Context<'a> {
    study: &'a Study,
    folder: &'a Folder,
    member: &'a Member,
    collocation: &'a Collocation,
    measure: &'a Measure,
    /// Of errors over parameters.
    map: Option<&'a Measure>,
    execution: Execution,
}

impl Context<'_> {
    /// Trains to the end, or until the observer stops it.
    fn train<T: Scalar>(
        &self,
        (number, count): (usize, usize),
        observer: &mut dyn Observer,
    ) -> Result<Option<MemberResult>, Error> {
        let Self { study, folder, member, .. } = *self;
        let Member { method, variant, seed } = member;
        let mut training = Training::<T>::new(
            study,
            method,
            variant,
            self.collocation,
            *seed,
            self.execution.threads,
        )?;
        let place = folder.member(member)?;
        let checkpoint = place.join("checkpoint.safetensors");
        if checkpoint.exists() {
            training.load(&checkpoint)?;
        }
        let done = training.progress().evaluations;
        let mut log = MetricsLog::open(&place, done, training.stops().len(), training.steps().1)?;
        observer.begin(member, number, count, &training.describe());
        let mut saved = Instant::now();
        loop {
            let before = (training.progress().evaluations, training.stops().len());
            let steps_before = training.steps().0;
            let status = training.step();
            let loss = training.loss();
            let step = Step {
                steps: training.steps(),
                evaluations: training.progress().evaluations,
                optimizer: training.optimizer_name(),
                loss: loss.total,
                terms: &loss.terms,
                labels: training.labels(),
                factors: training.factors(),
                length: training.step_length(),
                damping: training.damping(),
            };
            if step.evaluations > before.0 && !training.is_on_trial() {
                log.record(&step)?;
            }
            observer.step(&step);
            for stop in training.stops().iter().skip(before.1) {
                log.record_stop(step.evaluations, stop)?;
                observer.stop(stop);
            }
            let status = match status {
                Ok(status) => status,
                // One training that diverges does not end a study.
                Err(Error::NotFinite { .. }) => {
                    log.flush()?;
                    let result = self.finish(&training, log.seconds())?;
                    observer.end(&result);
                    return Ok(Some(result));
                }
                Err(error) => return Err(error),
            };
            if status == Status::Finished {
                break;
            }
            let is_due = |every: u64| steps_before / every < training.steps().0 / every;
            if study.measure_every.is_some_and(is_due) {
                let started = Instant::now();
                let model = Model::new(study, &training.parameters());
                let metrics = self.measure.of(&model, self.execution.threads)?.metrics;
                let evaluations = training.progress().evaluations;
                log.record_measurement(evaluations, &metrics, started.elapsed())?;
            }
            let stop = observer.wants_to_stop();
            if stop || saved.elapsed() >= self.execution.checkpoint_every {
                // The log first: a resumed run drops what is newer than its checkpoint.
                log.flush()?;
                training.save(&checkpoint)?;
                saved = Instant::now();
            }
            if stop {
                return Ok(None);
            }
        }
        log.flush()?;
        training.save(&checkpoint)?;
        let result = self.finish(&training, log.seconds())?;
        observer.end(&result);
        Ok(Some(result))
    }

    fn finish<T: Scalar>(
        &self,
        training: &Training<T>,
        seconds: f64,
    ) -> Result<MemberResult, Error> {
        let place = self.folder.member(self.member)?;
        let model = Model::new(self.study, &training.parameters());
        model.write(&place.join("model.safetensors"))?;
        let (best, best_loss) = training.best();
        Model::new(self.study, &best).write(&place.join("best.safetensors"))?;
        let evaluation = self.measure.of(&model, self.execution.threads)?;
        table::write(place.join("fields.npz"), &evaluation.table(&model.problem)?)?;
        if let Some(trajectories) = &evaluation.trajectories {
            table::write(place.join("trajectories.npz"), &trajectories.table(&model.problem)?)?;
        }
        if let (Some(map), Some(measure)) = (&self.study.map, self.map) {
            let evaluation = measure.of(&model, self.execution.threads)?;
            let table = over_parameters::table(&model.problem, map, &evaluation)?;
            table::write(place.join(over_parameters::FILE), &table)?;
        }
        let method = &self.member.method.name;
        let mut result = MemberResult {
            method: method.clone(),
            seed: self.member.seed,
            variant: self.member.variant.label.clone(),
            metrics: evaluation.metrics,
            loss: training.loss().total,
            best_loss,
            seconds,
            evaluations: training.progress().evaluations,
            stops: training.stops().to_vec(),
            reached: Vec::new(),
            published: self.study.published.get(method).cloned().unwrap_or_default(),
        };
        if self.study.measure_every.is_some() {
            result.reached = errors_over_time::reached(&place, &result)?;
        }
        self.folder.write_result(self.member, &result)?;
        Ok(result)
    }
}

fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn nulls_are_nan<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<IndexMap<String, f64>, D::Error> {
    let values = IndexMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}
