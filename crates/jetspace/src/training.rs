//! Training: an objective, an engine and a sequence of optimisers, step by step. All state can be
//! read out and started from, to the same bits.

mod checkpoint;
mod optimiser;

use jetspace_jet::{Engine, Initialisation, Real, Threads};
use jetspace_optim::{Float, OptimError};

use crate::Error;
use crate::collocation::Collocation;
use crate::objective::{Loss, Objective};
use crate::random::MersenneTwister;
use crate::study::{Generator, InitialisationName, Method, OptimizerFile, Study, Variant};
use crate::tensors::Element;
use optimiser::{Advance, Optimiser};

/// A floating-point type that one can train in: f32 or f64.
pub trait Scalar: Real + Float + Element {}
impl<T: Real + Float + Element> Scalar for T {}

/// Steps over which a stochastic loss is averaged before it is compared with the best.
const WINDOW: u64 = 100;

/// The training of one method from one seed.
pub struct Training<T: Scalar> {
    objective: Objective<T>,
    engine: Engine<T>,
    optimizers: Vec<OptimizerFile>,
    optimiser: Optimiser<T>,
    seed: u64,
    /// Where the optimisers are.
    parameters: Vec<T>,
    gradient: Vec<T>,
    loss: Loss,
    /// Whether loss and gradient belong to the parameters.
    evaluated: bool,
    progress: Progress,
    best: Best<T>,
}

/// How far a training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which optimiser is at work, from 0.
    pub phase: usize,
    /// Steps (Adam) or epochs (L-BFGS) that it has done.
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
    /// All optimisers have done their steps.
    Finished,
}

impl<T: Scalar> Training<T> {
    /// A training at its start.
    ///
    /// # Errors
    /// Data that is missing, or settings that make no sense.
    pub fn new(
        study: &Study,
        method: &Method,
        variant: &Variant,
        collocation: &Collocation,
        seed: u64,
        threads: usize,
    ) -> Result<Self, Error> {
        let objective = Objective::new(study, method, variant, collocation, seed)?;
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
        let optimizers = method.optimizers.clone();
        let optimiser = Optimiser::new(optimizers.first(), parameters.len())?;
        let labels = objective.labels().len();
        Ok(Self {
            engine: Engine::new(&study.network, Threads::new(threads)?),
            optimizers,
            optimiser,
            seed,
            gradient: vec![T::ZERO; parameters.len()],
            loss: Loss { total: f64::NAN, terms: vec![f64::NAN; labels] },
            evaluated: false,
            progress: Progress::default(),
            best: Best { loss: f64::INFINITY, parameters: parameters.clone(), window: 0.0 },
            parameters,
            objective,
        })
    }

    /// Evaluates the loss, and moves the parameters once.
    ///
    /// # Errors
    /// A loss that is not finite: the parameters stay where they were.
    pub fn step(&mut self) -> Result<Status, Error> {
        let Some(optimizer) = self.optimizers.get(self.progress.phase).cloned() else {
            return Ok(Status::Finished);
        };
        if !self.evaluated {
            self.evaluate()?;
            self.progress.evaluations += 1;
            self.keep_best();
        }
        let step = self
            .optimiser
            .advance(
                &optimizer,
                self.progress.done,
                &mut self.parameters,
                self.loss.total,
                &self.gradient,
            )
            .map_err(|error| match error {
                Error::Optim(OptimError::NotFinite { what, .. }) => {
                    Error::NotFinite { step: self.progress.evaluations, what: what.to_owned() }
                }
                error => error,
            })?;
        // A stochastic objective changes, whether or not the parameters have moved.
        self.evaluated = !step.moved && !self.objective.is_stochastic();
        self.progress.done += u64::from(step.counts);
        let Advance { converged, .. } = step;
        if converged || self.progress.done >= length(&optimizer) {
            self.progress = Progress { phase: self.progress.phase + 1, done: 0, ..self.progress };
            let next = self.optimizers.get(self.progress.phase);
            if next.is_none() {
                return Ok(Status::Finished);
            }
            self.optimiser = Optimiser::new(next, self.parameters.len())?;
        }
        Ok(Status::Running)
    }

    fn evaluate(&mut self) -> Result<(), Error> {
        self.objective.select(self.seed, self.progress.evaluations);
        self.loss =
            self.objective.gradient(&mut self.engine, &self.parameters, &mut self.gradient)?;
        self.evaluated = true;
        if self.loss.total.is_finite() {
            return Ok(());
        }
        let found = self.objective.first_not_finite(&mut self.engine, &self.parameters)?;
        let what = match found {
            None => "the sum of all terms".to_owned(),
            Some((term, point)) => {
                let point: Vec<String> = point.iter().map(|x| format!("{x:.6}")).collect();
                format!("the term {term:?} at ({})", point.join(", "))
            }
        };
        Err(Error::NotFinite { step: self.progress.evaluations, what })
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

    /// About how many steps are done, and how many there are, all optimisers together; for
    /// L-BFGS as if no epoch ended early.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        let of = |optimizer: &OptimizerFile, count: u64| match optimizer {
            OptimizerFile::Adam { .. } => count,
            OptimizerFile::LbfgsFixed { .. } => count * optimiser::EPOCH as u64,
        };
        let total = self.optimizers.iter().map(|o| of(o, length(o))).sum();
        let before: u64 =
            self.optimizers.iter().take(self.progress.phase).map(|o| of(o, length(o))).sum();
        let now = self.optimizers.get(self.progress.phase);
        let done = now.map_or(0, |o| of(o, self.progress.done));
        (before + done, total)
    }

    /// The name of the optimiser at work.
    #[must_use]
    pub fn optimizer_name(&self) -> &'static str {
        self.optimiser.name()
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

fn widened<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|&value| value.to_f64()).collect()
}

fn length(optimizer: &OptimizerFile) -> u64 {
    match optimizer {
        OptimizerFile::Adam { steps, .. } => *steps,
        OptimizerFile::LbfgsFixed { epochs, .. } => *epochs,
    }
}
