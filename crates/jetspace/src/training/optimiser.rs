//! The optimisers behind one step function, and their state as named arrays.

mod adam;
mod lbfgs_fixed;
mod levenberg_marquardt;
mod quasi_newton;
mod soap;

use jetspace_jet::{Engine, Network};
use jetspace_optim::{
    Adam, AdamSettings, DenseUpdate, InverseHessian, Lbfgs, LbfgsSettings, LbfgsStep,
    LevenbergMarquardt, LevenbergMarquardtSettings, LevenbergMarquardtStep, QuasiNewton,
    QuasiNewtonSettings, QuasiNewtonStep, Soap, SoapSettings,
};

use self::levenberg_marquardt::Residuals;
use super::{Scalar, StopReason};
use crate::Error;
use crate::objective::Objective;
use crate::study::{DenseFile, EPOCH, OptimizerFile};
use crate::tensors::Tensors;

/// An optimiser and its state.
#[allow(clippy::large_enum_variant)] // There is one per training.
pub enum Optimiser<T: Scalar> {
    Adam(Adam<T>),
    Soap(Soap),
    LbfgsFixed(Lbfgs<T>),
    QuasiNewton(QuasiNewton<T>),
    /// In f64, whatever the network's numbers are.
    LevenbergMarquardt(LevenbergMarquardt),
}

/// The settings of one of them.
enum Settings {
    Adam(AdamSettings),
    Soap(SoapSettings),
    LbfgsFixed(LbfgsSettings),
    QuasiNewton(QuasiNewtonSettings),
    LevenbergMarquardt(LevenbergMarquardtSettings),
}

/// What an optimiser learns about the parameters, and whom it may ask for more.
pub struct Evaluation<'a, T: Scalar> {
    pub loss: f64,
    pub gradient: &'a [T],
    pub objective: &'a mut Objective<T>,
    pub engine: &'a mut Engine<T>,
}

/// What a step did.
#[derive(Clone, Debug, Default)]
pub struct Advance {
    /// Whether the parameters may have moved.
    pub moved: bool,
    /// Whether they went back to an earlier point, as no step was good enough.
    pub returned: bool,
    /// Whether it ended a step (Adam, SOAP), an epoch (L-BFGS with fixed steps) or an iteration.
    pub counts: bool,
    /// The step along the direction that a line search accepted.
    pub step_length: Option<f64>,
    /// The damping of a step that was accepted.
    pub damping: Option<f64>,
    /// Why all further steps would do nothing, if so.
    pub stop: Option<StopReason>,
    /// What ended the epoch, the iteration or all of it before its time, if anything did.
    pub why: Option<String>,
}

impl<T: Scalar> Optimiser<T> {
    /// The optimiser that a study asks for, at its start; `parameters` are those of the network, and
    /// unknowns.
    pub fn new(
        optimizer: &OptimizerFile,
        network: &Network,
        parameters: usize,
        threads: usize,
    ) -> Result<Self, Error> {
        Ok(match settings(optimizer, threads) {
            Settings::Adam(settings) => Self::Adam(Adam::new(settings, parameters)?),
            Settings::Soap(settings) => {
                Self::Soap(Soap::new(settings, parameters, &soap::matrices(network))?)
            }
            Settings::LbfgsFixed(settings) => Self::LbfgsFixed(Lbfgs::new(settings, parameters)?),
            Settings::QuasiNewton(settings) => {
                Self::QuasiNewton(QuasiNewton::new(settings, parameters)?)
            }
            Settings::LevenbergMarquardt(settings) => {
                Self::LevenbergMarquardt(LevenbergMarquardt::new(settings, parameters)?)
            }
        })
    }

    /// One update of the parameters; `done` is the number of steps before it.
    pub fn advance(
        &mut self,
        optimizer: &OptimizerFile,
        done: u64,
        parameters: &mut [T],
        evaluation: Evaluation<'_, T>,
    ) -> Result<Advance, Error> {
        let Evaluation { loss, gradient, objective, engine } = evaluation;
        Ok(match self {
            Self::Adam(adam) => {
                if let Some(rate) = scheduled_rate(optimizer, done) {
                    adam.set_rate(rate)?;
                }
                adam.step(parameters, gradient)?;
                Advance { moved: true, counts: true, ..Advance::default() }
            }
            Self::Soap(soap) => {
                if let Some(rate) = scheduled_rate(optimizer, done) {
                    soap.set_rate(rate)?;
                }
                soap.step(parameters, gradient)?;
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
                    ..Advance::default()
                }
            }
            Self::LevenbergMarquardt(method) => {
                let damping = method.trial();
                let mut residuals = Residuals { objective, engine };
                let step = residuals.advance(method, parameters, loss)?;
                let iterated = step == LevenbergMarquardtStep::Iterated;
                Advance {
                    moved: step.moved(),
                    returned: step.moved() && step.stop().is_some(),
                    counts: iterated,
                    damping: damping.filter(|_| iterated),
                    stop: step.stop().map(levenberg_marquardt::stop_reason),
                    why: step.stop().map(|stop| stop.to_string()),
                    ..Advance::default()
                }
            }
        })
    }

    /// Whether the next evaluation is of a step on trial: loss and gradient need not be finite.
    pub fn is_trying(&self) -> bool {
        match self {
            Self::Adam(_) | Self::Soap(_) | Self::LbfgsFixed(_) => false,
            Self::QuasiNewton(method) => method.trial().is_some(),
            Self::LevenbergMarquardt(method) => method.trial().is_some(),
        }
    }

    /// Adds the state to a checkpoint.
    pub fn save(&self, file: &mut Tensors) {
        match self {
            Self::Adam(adam) => adam::save("adam", &adam.state(), file),
            Self::Soap(soap) => soap::save(&soap.state(), file),
            Self::LbfgsFixed(lbfgs) => lbfgs_fixed::save(&lbfgs.state(), file),
            Self::QuasiNewton(method) => quasi_newton::save(&method.state(), file),
            Self::LevenbergMarquardt(method) => levenberg_marquardt::save(&method.state(), file),
        }
    }

    /// The optimiser that a study asks for, as a checkpoint left it; nothing if the checkpoint is
    /// not of this optimiser.
    pub fn load(
        optimizer: &OptimizerFile,
        network: &Network,
        parameters: &mut [T],
        objective: &mut Objective<T>,
        engine: &mut Engine<T>,
        file: &Tensors,
    ) -> Result<Option<Self>, Error> {
        Ok(match settings(optimizer, engine.threads()) {
            Settings::Adam(settings) => adam::load("adam", file)
                .map(|state| Adam::resume(settings, &state).map(Self::Adam))
                .transpose()?,
            Settings::Soap(settings) => soap::load(file)
                .map(|state| Soap::resume(settings, &soap::matrices(network), &state))
                .transpose()?
                .map(Self::Soap),
            Settings::LbfgsFixed(settings) => lbfgs_fixed::load(file)
                .map(|state| Lbfgs::resume(settings, &state).map(Self::LbfgsFixed))
                .transpose()?,
            Settings::QuasiNewton(settings) => quasi_newton::load(file)
                .map(|state| QuasiNewton::resume(settings, parameters.len(), &state))
                .transpose()?
                .map(Self::QuasiNewton),
            Settings::LevenbergMarquardt(settings) => {
                let mut residuals = Residuals { objective, engine };
                levenberg_marquardt::load(file)
                    .map(|state| residuals.resume(settings, parameters, &state))
                    .transpose()?
                    .map(Self::LevenbergMarquardt)
            }
        })
    }
}

fn settings(optimizer: &OptimizerFile, threads: usize) -> Settings {
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
        OptimizerFile::Soap { rate, weight_decay, frequency, .. } => {
            let adam = AdamSettings { rate, weight_decay, ..SoapSettings::default().adam };
            Settings::Soap(SoapSettings { adam, frequency })
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
        OptimizerFile::LevenbergMarquardt { damping, acceleration, tolerance, solver, .. } => {
            let default = LevenbergMarquardtSettings::default();
            Settings::LevenbergMarquardt(LevenbergMarquardtSettings {
                damping,
                acceleration: default.acceleration.filter(|_| acceleration),
                tolerance_gradient: tolerance,
                solver: solver.into(),
                threads,
            })
        }
    }
}

/// The rate of the step after so many, of an optimiser that has a schedule.
fn scheduled_rate(optimizer: &OptimizerFile, done: u64) -> Option<f64> {
    match optimizer {
        OptimizerFile::Adam { rate, steps, schedule, .. }
        | OptimizerFile::Soap { rate, steps, schedule, .. } => {
            Some(adam::schedule(*schedule).rate(*rate, size(done), size(*steps)))
        }
        _ => None,
    }
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
