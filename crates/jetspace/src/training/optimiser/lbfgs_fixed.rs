//! L-BFGS with steps of fixed length in a training: why it ends, and its state in a checkpoint.

use jetspace_optim::{EpochEnd, LbfgsState};

use crate::tensors::Tensors;
use crate::training::{Scalar, StopReason};

/// Why there is no use in further epochs after one that ended so, if there is none.
pub fn stop_reason(end: EpochEnd) -> Option<StopReason> {
    end.is_final().then_some(match end {
        EpochEnd::Gradient => StopReason::Gradient,
        _ => StopReason::Stagnation,
    })
}

/// Adds a state to a checkpoint.
pub fn save<T: Scalar>(state: &LbfgsState<T>, file: &mut Tensors) {
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

/// The state in a checkpoint, if there is one.
pub fn load<T: Scalar>(file: &Tensors) -> Option<LbfgsState<T>> {
    let counters = file.get::<u64>("lbfgs.counters")?;
    Some(LbfgsState {
        iterations: *counters.first()?,
        inner_iterations: usize::try_from(*counters.get(1)?).ok()?,
        loss: *file.get::<f64>("lbfgs.loss")?.first()?,
        gradient: file.get("lbfgs.gradient")?,
        step: file.get("lbfgs.step")?,
        history_steps: file.get("lbfgs.history_steps")?,
        history_changes: file.get("lbfgs.history_changes")?,
    })
}
