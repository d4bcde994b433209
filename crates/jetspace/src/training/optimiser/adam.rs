//! Adam in a training, also within SOAP: its schedule, and its state in a checkpoint.

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

/// Adds a state to a checkpoint, under the name of the optimiser that it belongs to.
pub fn save<T: Scalar>(optimizer: &str, state: &AdamState<T>, file: &mut Tensors) {
    let count = state.first_moment.len();
    let AdamState { first_moment, second_moment, beta_powers } = state;
    file.insert(&format!("{optimizer}.first_moment"), &[count], first_moment);
    file.insert(&format!("{optimizer}.second_moment"), &[count], second_moment);
    file.insert(&format!("{optimizer}.beta_powers"), &[2], &[beta_powers.0, beta_powers.1]);
}

/// The state of that optimiser in a checkpoint, if there is one.
pub fn load<T: Scalar>(optimizer: &str, file: &Tensors) -> Option<AdamState<T>> {
    let powers = file.get::<f64>(&format!("{optimizer}.beta_powers"))?;
    Some(AdamState {
        first_moment: file.get(&format!("{optimizer}.first_moment"))?,
        second_moment: file.get(&format!("{optimizer}.second_moment"))?,
        beta_powers: (*powers.first()?, *powers.get(1)?),
    })
}
