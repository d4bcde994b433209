//! Training: an objective, an engine and a sequence of optimisers, step by step. All state can be
//! read out and started from, to the same bits.

mod checkpoint;
mod optimiser;
mod stop;

use jetspace_jet::{Engine, Initialisation, Network, Real, Threads};
use jetspace_optim::{Float, LevenbergMarquardt, OptimError};

use crate::Error;
use crate::adaptation::Adaptation;
use crate::collocation::Collocation;
use crate::objective::{Loss, Objective};
use crate::random::MersenneTwister;
use crate::study::{Generator, InitialisationName, Method, OptimizerFile, Study, Variant};
use crate::tensors::Element;
use optimiser::{Advance, Evaluation, Optimiser};
pub use stop::{Stop, StopReason};

/// A floating-point type that one can train in: f32 or f64.
pub trait Scalar: Real + Float + Element {}
impl<T: Real + Float + Element> Scalar for T {}

/// Steps over which a stochastic loss is averaged before it is compared with the best.
const WINDOW: u64 = 100;

/// The training of one method from one seed.
pub struct Training<T: Scalar> {
    objective: Objective<T>,
    adaptation: Adaptation,
    engine: Engine<T>,
    network: Network,
    optimizers: Vec<OptimizerFile>,
    /// The one at work; none when all are done.
    optimiser: Option<Optimiser<T>>,
    seed: u64,
    /// Where the optimisers are.
    parameters: Vec<T>,
    gradient: Vec<T>,
    loss: Loss,
    /// Whether loss and gradient belong to the parameters.
    evaluated: bool,
    progress: Progress,
    latest: Latest,
    stops: Vec<Stop>,
    best: Best<T>,
}

/// What the latest step did.
#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    /// The name of the optimiser that took it.
    optimizer: &'static str,
    /// Of a line search that it ended.
    length: Option<f64>,
    /// Of a step that it accepted.
    damping: Option<f64>,
    /// Whether it evaluated a step on trial, after which comes another.
    is_trial: bool,
}

/// How far a training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which optimiser is at work, from 0.
    pub phase: usize,
    /// Steps that it has done, of L-BFGS with fixed steps epochs.
    pub done: u64,
    /// Evaluations of loss and gradient so far, all optimisers together.
    pub evaluations: u64,
}

/// The parameters with the lowest loss so far.
#[derive(Clone, Debug)]
struct Best<T> {
    loss: f64,
    parameters: Vec<T>,
    /// Sum of the losses of the present window.
    window: f64,
}

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is more to do.
    Running,
    /// The turn of the last optimiser has ended.
    Finished,
}

impl<T: Scalar> Training<T> {
    /// A training at its start.
    ///
    /// # Errors
    /// Data that is missing; settings that make no sense, such as a line search on random projections; or
    /// more residuals and parameters than memory suffices for.
    pub fn new(
        study: &Study,
        method: &Method,
        variant: &Variant,
        collocation: &Collocation,
        seed: u64,
        threads: usize,
    ) -> Result<Self, Error> {
        let mut objective = Objective::new(study, method, variant, collocation, seed)?;
        let optimizers = method.optimizers.clone();
        objective.use_all_points(true);
        let comparing = optimizers.iter().find(|optimizer| optimizer.compares_losses());
        if let Some(optimizer) = comparing.filter(|_| objective.is_stochastic()) {
            return Err(Error::Argument(format!(
                "expected the same objective in all steps of {}, found one that changes: use no \
                 random projections",
                optimizer.name()
            )));
        }
        let how = match study.network_file.initialisation {
            InitialisationName::Pytorch => Initialisation::PyTorch,
            InitialisationName::Glorot => Initialisation::GlorotUniform,
            InitialisationName::He => Initialisation::He,
            InitialisationName::Siren => {
                Initialisation::Siren { frequency: study.network_file.frequency() }
            }
        };
        let mut parameters: Vec<T> = match (study.generator, how) {
            (Generator::MersenneTwister, Initialisation::PyTorch) => {
                MersenneTwister::new(seed).linear_layers(&study.network)
            }
            _ => study.network.initialise(how, seed),
        };
        let unknowns = study.problem.parameters.iter().filter(|p| p.unknown);
        parameters.extend(unknowns.map(|p| <T as Real>::from_f64(p.value)));
        let engine = Engine::new(&study.network, Threads::new(threads)?);
        for optimizer in &optimizers {
            if let OptimizerFile::LevenbergMarquardt { solver, .. } = *optimizer {
                let (residuals, parameters) =
                    (objective.residual_count()?, objective.parameter_count());
                let factors = objective.factor_count(&engine);
                LevenbergMarquardt::check_size(solver.into(), residuals, parameters, factors)?;
            }
        }
        objective.use_all_points(uses_all_points(optimizers.first()));
        objective.select(seed, 0);
        let begin = |optimizer| {
            Optimiser::new(optimizer, &study.network, parameters.len(), engine.threads())
        };
        let optimiser = optimizers.first().map(begin).transpose()?;
        let labels = objective.labels().len();
        Ok(Self {
            adaptation: Adaptation::new(method, &study.problem),
            engine,
            network: study.network.clone(),
            optimizers,
            optimiser,
            seed,
            gradient: vec![T::ZERO; parameters.len()],
            loss: Loss { total: f64::NAN, terms: vec![f64::NAN; labels] },
            evaluated: false,
            progress: Progress::default(),
            latest: Latest::default(),
            stops: Vec::new(),
            best: Best { loss: f64::INFINITY, parameters: parameters.clone(), window: 0.0 },
            parameters,
            objective,
        })
    }

    /// Evaluates the loss, and moves the parameters once. Where an optimiser has gone back to an
    /// earlier point, it evaluates there again: when an iteration has ended, loss and gradient belong
    /// to the parameters.
    ///
    /// # Errors
    /// A loss that is not finite, other than on trial: the parameters stay where they were.
    pub fn step(&mut self) -> Result<Status, Error> {
        let Some(&optimizer) = self.optimizers.get(self.progress.phase) else {
            return Ok(Status::Finished);
        };
        let status = self.advance(&optimizer);
        if let Err(error @ Error::NotFinite { .. }) = &status
            && self.stops.len() == self.progress.phase
        {
            self.stops.push(self.stop(&optimizer, StopReason::NotFinite, error.to_string()));
        }
        status
    }

    fn advance(&mut self, optimizer: &OptimizerFile) -> Result<Status, Error> {
        self.latest = Latest { optimizer: optimizer.name(), ..Latest::default() };
        if !self.optimiser.as_ref().is_some_and(Optimiser::is_trying) {
            self.adapt()?;
        }
        if !self.evaluated {
            self.evaluate()?;
        }
        let Some(optimiser) = &mut self.optimiser else { return Ok(Status::Finished) };
        let was_trying = optimiser.is_trying();
        let evaluation = Evaluation {
            loss: self.loss.total,
            gradient: &self.gradient,
            objective: &mut self.objective,
            engine: &mut self.engine,
        };
        let Advance { moved, returned, counts, step_length, damping, stop, why } = optimiser
            .advance(optimizer, self.progress.done, &mut self.parameters, evaluation)
            .map_err(|error| match error {
                Error::Optim(OptimError::NotFinite { what, .. }) => {
                    Error::NotFinite { step: self.progress.evaluations, what: what.to_owned() }
                }
                error => error,
            })?;
        (self.latest.length, self.latest.damping) = (step_length, damping);
        self.latest.is_trial = was_trying && optimiser.is_trying();
        // A stochastic objective changes, whether or not the parameters have moved.
        self.evaluated = !moved && !self.objective.is_stochastic();
        self.progress.done += u64::from(counts);
        if returned {
            self.evaluate()?;
        }
        let stop = match (stop, why) {
            (Some(reason), why) => (reason, why.unwrap_or_default()),
            (None, _) if self.progress.done < optimizer.length() => return Ok(Status::Running),
            (None, why) => {
                let last = why.map(|why| format!("; the last one ended early: {why}"));
                let all = format!("all {} are done", optimizer.unit());
                (StopReason::Steps, all + &last.unwrap_or_default())
            }
        };
        self.stops.push(self.stop(optimizer, stop.0, stop.1));
        self.progress = Progress { phase: self.progress.phase + 1, done: 0, ..self.progress };
        let (parameters, threads) = (self.parameters.len(), self.engine.threads());
        let begin = |optimizer| Optimiser::new(optimizer, &self.network, parameters, threads);
        let next = self.optimizers.get(self.progress.phase);
        self.optimiser = next.map(begin).transpose()?;
        if next.is_some() && uses_all_points(next) != uses_all_points(Some(optimizer)) {
            self.objective.use_all_points(uses_all_points(next));
            // Losses of batches and of all points cannot be compared.
            (self.evaluated, self.best.loss, self.best.window) = (false, f64::INFINITY, 0.0);
        }
        Ok(if self.optimiser.is_some() { Status::Running } else { Status::Finished })
    }

    /// Changes the objective, if it is time to. Losses before and after cannot be compared.
    fn adapt(&mut self) -> Result<(), Error> {
        let Self { adaptation, objective, engine, parameters, .. } = self;
        let steps = sum_of_steps(&self.optimizers, self.progress);
        let now = (steps, self.progress.evaluations);
        if adaptation.apply(now, self.seed, objective, engine, parameters)? {
            self.evaluated = false;
            self.best.loss = f64::INFINITY;
        }
        Ok(())
    }

    fn stop(&self, optimizer: &OptimizerFile, reason: StopReason, explanation: String) -> Stop {
        let (done, of) = (self.progress.done, optimizer.length());
        Stop { optimizer: optimizer.name().to_owned(), done, of, reason, explanation }
    }

    /// Loss and gradient at the parameters, and the next points if the objective is stochastic.
    fn evaluate(&mut self) -> Result<(), Error> {
        self.compute()?;
        let may_be_infinite = self.optimiser.as_ref().is_some_and(Optimiser::is_trying);
        if !self.loss.total.is_finite() && !may_be_infinite {
            return Err(self.not_finite()?);
        }
        self.evaluated = true;
        self.progress.evaluations += 1;
        self.keep_best();
        Ok(())
    }

    /// The evaluation that is next by number.
    fn compute(&mut self) -> Result<(), Error> {
        self.objective.select(self.seed, self.progress.evaluations);
        self.loss =
            self.objective.gradient(&mut self.engine, &self.parameters, &mut self.gradient)?;
        Ok(())
    }

    /// Where the loss is not finite.
    fn not_finite(&mut self) -> Result<Error, Error> {
        let found = self.objective.first_not_finite(&mut self.engine, &self.parameters)?;
        let what = match found {
            None => "the sum of all terms".to_owned(),
            Some((term, point)) => {
                let point: Vec<String> = point.iter().map(|x| format!("{x:.6}")).collect();
                format!("the term {term:?} at ({})", point.join(", "))
            }
        };
        Ok(Error::NotFinite { step: self.progress.evaluations, what })
    }

    fn keep_best(&mut self) {
        let loss = if self.objective.is_stochastic() {
            self.best.window += self.loss.total;
            if !self.progress.evaluations.is_multiple_of(WINDOW) {
                return;
            }
            std::mem::take(&mut self.best.window) / WINDOW as f64
        } else {
            self.loss.total
        };
        if loss < self.best.loss {
            self.best.loss = loss;
            self.best.parameters.copy_from_slice(&self.parameters);
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// About how many steps are done, and how many there are, all optimisers together; as if no
    /// optimiser, and no epoch, ended early.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        let end = Progress { phase: self.optimizers.len(), ..self.progress };
        (sum_of_steps(&self.optimizers, self.progress), sum_of_steps(&self.optimizers, end))
    }

    /// What each term is multiplied by besides its weight; empty if terms are not balanced.
    #[must_use]
    pub fn factors(&self) -> &[f64] {
        self.adaptation.factors()
    }

    /// The name of the optimiser that took the latest step; empty before the first.
    #[must_use]
    pub fn optimizer_name(&self) -> &'static str {
        self.latest.optimizer
    }

    /// How far along its direction the latest step moved, where it ended a line search.
    #[must_use]
    pub fn step_length(&self) -> Option<f64> {
        self.latest.length
    }

    /// The damping of the latest step, where it was accepted.
    #[must_use]
    pub fn damping(&self) -> Option<f64> {
        self.latest.damping
    }

    /// Whether the loss is that of a step on trial, after which came another: not worth a line in a
    /// log.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.latest.is_trial
    }

    /// Why each optimiser ended, of those whose turn is over.
    #[must_use]
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// The loss at the latest evaluation.
    #[must_use]
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// The names of the loss's terms.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        self.objective.labels()
    }

    /// What plans the engine follows, one line for each point set.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        self.objective.describe()
    }

    /// The parameters: those of the network, then the unknowns.
    #[must_use]
    pub fn parameters(&self) -> Vec<f64> {
        widened(&self.parameters)
    }

    /// The parameters with the lowest loss so far, and that loss; if the loss is stochastic, of the
    /// lowest mean over a hundred steps.
    #[must_use]
    pub fn best(&self) -> (Vec<f64>, f64) {
        (widened(&self.best.parameters), self.best.loss)
    }
}

/// Whether an optimiser has all points in every step, whatever the study says of mini-batches.
fn uses_all_points(optimizer: Option<&OptimizerFile>) -> bool {
    !optimizer.is_some_and(OptimizerFile::takes_batches)
}

/// The steps of the optimisers before this one, and those that it has done.
fn sum_of_steps(optimizers: &[OptimizerFile], progress: Progress) -> u64 {
    let Progress { phase, done, .. } = progress;
    let before = optimizers.iter().take(phase).map(|o| o.steps_in(o.length()));
    let now = optimizers.get(phase).map_or(0, |optimizer| optimizer.steps_in(done));
    before.fold(now, u64::saturating_add)
}

fn widened<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|&value| value.to_f64()).collect()
}
