//! The optimisers behind one step function, and their state as named arrays.

mod adam;
mod lbfgs_fixed;
mod quasi_newton;

use jetspace_optim::{
    Adam, AdamSettings, DenseUpdate, InverseHessian, Lbfgs, LbfgsSettings, LbfgsStep, QuasiNewton,
    QuasiNewtonSettings, QuasiNewtonStep,
};

use super::{Scalar, StopReason};
use crate::Error;
use crate::study::{DenseFile, EPOCH, OptimizerFile};
use crate::tensors::Tensors;

/// An optimiser and its state.
#[allow(clippy::large_enum_variant)] // There is one per training.
pub enum Optimiser<T: Scalar> {
    Adam(Adam<T>),
    LbfgsFixed(Lbfgs<T>),
    QuasiNewton(QuasiNewton<T>),
}

/// The settings of one of them.
enum Settings {
    Adam(AdamSettings),
    LbfgsFixed(LbfgsSettings),
    QuasiNewton(QuasiNewtonSettings),
}

/// What a step did.
#[derive(Clone, Debug, Default)]
pub struct Advance {
    /// Whether the parameters may have moved.
    pub moved: bool,
    /// Whether they went back to an earlier point, the best of a line search that failed.
    pub returned: bool,
    /// Whether it ended a step (Adam), an epoch (L-BFGS with fixed steps) or an iteration.
    pub counts: bool,
    /// The step along the direction that a line search accepted.
    pub step_length: Option<f64>,
    /// Why all further steps would do nothing, if so.
    pub stop: Option<StopReason>,
    /// What ended the epoch, the iteration or all of it before its time, if anything did.
    pub why: Option<String>,
}

impl<T: Scalar> Optimiser<T> {
    /// The optimiser that a study asks for, at its start.
    pub fn new(optimizer: &OptimizerFile, parameters: usize) -> Result<Self, Error> {
        Ok(match settings(optimizer) {
            Settings::Adam(settings) => Self::Adam(Adam::new(settings, parameters)?),
            Settings::LbfgsFixed(settings) => Self::LbfgsFixed(Lbfgs::new(settings, parameters)?),
            Settings::QuasiNewton(settings) => {
                Self::QuasiNewton(QuasiNewton::new(settings, parameters)?)
            }
        })
    }

    /// One update of the parameters; `done` is the number of steps before it.
    pub fn advance(
        &mut self,
        optimizer: &OptimizerFile,
        done: u64,
        parameters: &mut [T],
        loss: f64,
        gradient: &[T],
    ) -> Result<Advance, Error> {
        Ok(match self {
            Self::Adam(adam) => {
                if let OptimizerFile::Adam { rate, steps, schedule, .. } = optimizer {
                    let schedule = adam::schedule(*schedule);
                    adam.set_rate(schedule.rate(*rate, size(done), size(*steps)))?;
                }
                adam.step(parameters, gradient)?;
                Advance { moved: true, counts: true, ..Advance::default() }
            }
            Self::LbfgsFixed(lbfgs) => {
                let step = lbfgs.advance(parameters, loss, gradient)?;
                let end = if let LbfgsStep::Ended(end) = step { Some(end) } else { None };
                Advance {
                    moved: step.moved(),
                    counts: end.is_some(),
                    stop: end.and_then(lbfgs_fixed::stop_reason),
                    why: end.filter(|_| !step.moved()).map(|end| end.to_string()),
                    ..Advance::default()
                }
            }
            Self::QuasiNewton(method) => {
                let trial = method.trial();
                let step = method.advance(parameters, loss, gradient)?;
                let why = match step {
                    QuasiNewtonStep::Searching | QuasiNewtonStep::Iterated => None,
                    QuasiNewtonStep::Reset(why) => Some(why.to_string()),
                    QuasiNewtonStep::Stopped(stop) => Some(stop.to_string()),
                };
                Advance {
                    moved: step.moved(),
                    returned: step.moved() && step != QuasiNewtonStep::Searching,
                    counts: step.ends_iteration(),
                    step_length: trial.filter(|_| step == QuasiNewtonStep::Iterated),
                    stop: step.stop().map(quasi_newton::stop_reason),
                    why,
                }
            }
        })
    }

    /// Whether the next evaluation is a trial of a line search, of which loss and gradient need not
    /// be finite.
    pub fn is_searching(&self) -> bool {
        matches!(self, Self::QuasiNewton(method) if method.trial().is_some())
    }

    /// Adds the state to a checkpoint.
    pub fn save(&self, file: &mut Tensors) {
        match self {
            Self::Adam(adam) => adam::save(&adam.state(), file),
            Self::LbfgsFixed(lbfgs) => lbfgs_fixed::save(&lbfgs.state(), file),
            Self::QuasiNewton(method) => quasi_newton::save(&method.state(), file),
        }
    }

    /// The optimiser that a study asks for, as a checkpoint left it; nothing if the checkpoint is
    /// not of this optimiser.
    pub fn load(
        optimizer: &OptimizerFile,
        parameters: usize,
        file: &Tensors,
    ) -> Result<Option<Self>, Error> {
        let optimiser = match settings(optimizer) {
            Settings::Adam(settings) => {
                adam::load(file).map(|state| Adam::resume(settings, &state).map(Self::Adam))
            }
            Settings::LbfgsFixed(settings) => lbfgs_fixed::load(file)
                .map(|state| Lbfgs::resume(settings, &state).map(Self::LbfgsFixed)),
            Settings::QuasiNewton(settings) => quasi_newton::load(file).map(|state| {
                QuasiNewton::resume(settings, parameters, &state).map(Self::QuasiNewton)
            }),
        };
        Ok(optimiser.transpose()?)
    }
}

fn settings(optimizer: &OptimizerFile) -> Settings {
    let dense = |update, file: DenseFile| {
        let DenseFile { initial_scaling, tolerance, .. } = file;
        Settings::QuasiNewton(QuasiNewtonSettings {
            hessian: InverseHessian::Dense { update, initial_scaling },
            tolerance_gradient: tolerance,
            ..Default::default()
        })
    };
    match *optimizer {
        OptimizerFile::Adam { rate, weight_decay, .. } => {
            Settings::Adam(AdamSettings { rate, weight_decay, ..Default::default() })
        }
        OptimizerFile::LbfgsFixed { rate, history, .. } => {
            let inner_iterations = size(EPOCH);
            Settings::LbfgsFixed(LbfgsSettings {
                rate,
                history,
                inner_iterations,
                ..Default::default()
            })
        }
        OptimizerFile::Lbfgs { history, tolerance, .. } => {
            Settings::QuasiNewton(QuasiNewtonSettings {
                hessian: InverseHessian::Limited { pairs: history },
                tolerance_gradient: tolerance,
                ..Default::default()
            })
        }
        OptimizerFile::Bfgs(file) => dense(DenseUpdate::Bfgs, file),
        OptimizerFile::Ssbfgs(file) => dense(DenseUpdate::SelfScaledBfgs, file),
        OptimizerFile::Ssbroyden(file) => dense(DenseUpdate::SelfScaledBroyden, file),
    }
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
