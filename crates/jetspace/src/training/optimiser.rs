//! The optimisers behind one step function, and their state as named arrays.

use jetspace_optim::{
    Adam, AdamSettings, AdamState, Lbfgs, LbfgsSettings, LbfgsState, LbfgsStep, Schedule,
};

use super::Scalar;
use crate::Error;
use crate::study::{OptimizerFile, ScheduleFile};
use crate::tensors::Tensors;

/// Iterations of an epoch of L-BFGS at most, as in PyTorch.
pub const EPOCH: usize = 20;

/// An optimiser and its state.
#[allow(clippy::large_enum_variant)] // There is one per training.
pub enum Optimiser<T: Scalar> {
    Adam(Adam<T>),
    Lbfgs(Lbfgs<T>),
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// Whether the parameters have moved.
    pub moved: bool,
    /// Whether it ended a step (Adam) or an epoch (L-BFGS).
    pub counts: bool,
    /// Whether all further steps would do nothing.
    pub converged: bool,
}

impl<T: Scalar> Optimiser<T> {
    /// The optimiser that a study asks for, at its start.
    pub fn new(optimizer: Option<&OptimizerFile>, parameters: usize) -> Result<Self, Error> {
        Ok(match optimizer {
            Some(OptimizerFile::LbfgsFixed { .. }) => {
                Self::Lbfgs(Lbfgs::new(lbfgs_settings(optimizer), parameters)?)
            }
            _ => Self::Adam(Adam::new(adam_settings(optimizer), parameters)?),
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::Lbfgs(_) => "lbfgs-fixed",
        }
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
        match self {
            Self::Adam(adam) => {
                if let OptimizerFile::Adam { rate, steps, schedule } = optimizer {
                    adam.set_rate(of_file(*schedule).rate(*rate, size(done), size(*steps)))?;
                }
                adam.step(parameters, gradient)?;
                Ok(Advance { moved: true, counts: true, converged: false })
            }
            Self::Lbfgs(lbfgs) => {
                let step = lbfgs.advance(parameters, loss, gradient)?;
                let converged = matches!(step, LbfgsStep::Ended(end) if end.is_final());
                let counts = matches!(step, LbfgsStep::Ended(_));
                Ok(Advance { moved: step.moved(), counts, converged })
            }
        }
    }

    /// Adds the state to a checkpoint.
    pub fn save(&self, file: &mut Tensors) {
        match self {
            Self::Adam(adam) => {
                let state = adam.state();
                let count = state.first_moment.len();
                file.insert("adam.first_moment", &[count], &state.first_moment);
                file.insert("adam.second_moment", &[count], &state.second_moment);
                file.insert("adam.beta_powers", &[2], &[state.beta_powers.0, state.beta_powers.1]);
            }
            Self::Lbfgs(lbfgs) => {
                let state = lbfgs.state();
                let counters = [state.iterations, state.inner_iterations as u64];
                file.insert("lbfgs.counters", &[2], &counters);
                file.insert("lbfgs.loss", &[1], &[state.loss]);
                for (name, values) in [
                    ("lbfgs.gradient", &state.gradient),
                    ("lbfgs.step", &state.step),
                    ("lbfgs.history_steps", &state.history_steps),
                    ("lbfgs.history_changes", &state.history_changes),
                ] {
                    file.insert(name, &[values.len()], values);
                }
            }
        }
    }

    /// The optimiser that a study asks for, as a checkpoint left it; nothing if the checkpoint is
    /// not of this optimiser.
    pub fn load(optimizer: Option<&OptimizerFile>, file: &Tensors) -> Result<Option<Self>, Error> {
        Ok(match optimizer {
            Some(OptimizerFile::LbfgsFixed { .. }) => match lbfgs_state(file) {
                Some(state) => Some(Self::Lbfgs(Lbfgs::resume(lbfgs_settings(optimizer), &state)?)),
                None => None,
            },
            _ => match adam_state(file) {
                Some(state) => Some(Self::Adam(Adam::resume(adam_settings(optimizer), &state)?)),
                None => None,
            },
        })
    }
}

fn adam_settings(optimizer: Option<&OptimizerFile>) -> AdamSettings {
    match optimizer {
        Some(OptimizerFile::Adam { rate, .. }) => {
            AdamSettings { rate: *rate, ..Default::default() }
        }
        _ => AdamSettings::default(),
    }
}

fn lbfgs_settings(optimizer: Option<&OptimizerFile>) -> LbfgsSettings {
    let settings = LbfgsSettings { inner_iterations: EPOCH, ..Default::default() };
    match optimizer {
        Some(OptimizerFile::LbfgsFixed { rate, history, .. }) => {
            LbfgsSettings { rate: *rate, history: *history, ..settings }
        }
        _ => settings,
    }
}

fn adam_state<T: Scalar>(file: &Tensors) -> Option<AdamState<T>> {
    let powers = file.get::<f64>("adam.beta_powers")?;
    Some(AdamState {
        first_moment: file.get("adam.first_moment")?,
        second_moment: file.get("adam.second_moment")?,
        beta_powers: (*powers.first()?, *powers.get(1)?),
    })
}

fn lbfgs_state<T: Scalar>(file: &Tensors) -> Option<LbfgsState<T>> {
    let counters = file.get::<u64>("lbfgs.counters")?;
    Some(LbfgsState {
        iterations: *counters.first()?,
        inner_iterations: size(*counters.get(1)?),
        loss: *file.get::<f64>("lbfgs.loss")?.first()?,
        gradient: file.get("lbfgs.gradient")?,
        step: file.get("lbfgs.step")?,
        history_steps: file.get("lbfgs.history_steps")?,
        history_changes: file.get("lbfgs.history_changes")?,
    })
}

fn of_file(schedule: ScheduleFile) -> Schedule {
    match schedule {
        ScheduleFile::Constant => Schedule::Constant,
        ScheduleFile::Step { every, factor } => Schedule::Step { every, factor },
        ScheduleFile::Exponential { every, factor } => Schedule::Exponential { every, factor },
        ScheduleFile::Cosine { warm_up, last } => Schedule::Cosine { warm_up, last },
    }
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
