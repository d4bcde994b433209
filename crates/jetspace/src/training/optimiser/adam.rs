//! Adam in a training: its schedule, and its state in a checkpoint.

use jetspace_optim::{AdamState, Schedule};

use crate::study::ScheduleFile;
use crate::tensors::Tensors;
use crate::training::Scalar;

/// The schedule that a study asks for.
pub fn schedule(file: ScheduleFile) -> Schedule {
    match file {
        ScheduleFile::Constant => Schedule::Constant,
        ScheduleFile::Step { every, factor } => Schedule::Step { every, factor },
        ScheduleFile::Exponential { every, factor } => Schedule::Exponential { every, factor },
        ScheduleFile::Cosine { warm_up, last } => Schedule::Cosine { warm_up, last },
    }
}

/// Adds a state to a checkpoint.
pub fn save<T: Scalar>(state: &AdamState<T>, file: &mut Tensors) {
    let count = state.first_moment.len();
    file.insert("adam.first_moment", &[count], &state.first_moment);
    file.insert("adam.second_moment", &[count], &state.second_moment);
    file.insert("adam.beta_powers", &[2], &[state.beta_powers.0, state.beta_powers.1]);
}

/// The state in a checkpoint, if there is one.
pub fn load<T: Scalar>(file: &Tensors) -> Option<AdamState<T>> {
    let powers = file.get::<f64>("adam.beta_powers")?;
    Some(AdamState {
        first_moment: file.get("adam.first_moment")?,
        second_moment: file.get("adam.second_moment")?,
        beta_powers: (*powers.first()?, *powers.get(1)?),
    })
}
