//! Quasi-Newton methods with a line search in a training: why they end, and their state in a
//! checkpoint, also in the middle of a search.

use jetspace_optim::{
    InverseHessianState, LineSearchState, QuasiNewtonPhase, QuasiNewtonProgress, QuasiNewtonState,
    Stop, Trial,
};

use crate::tensors::Tensors;
use crate::training::{Scalar, StopReason};

/// The reason as trainings tell it.
pub fn stop_reason(stop: Stop) -> StopReason {
    match stop {
        Stop::Gradient => StopReason::Gradient,
        Stop::Stagnation => StopReason::Stagnation,
        Stop::Breakdown(_) => StopReason::Breakdown,
    }
}

/// Adds a state to a checkpoint. Which arrays there are says which phase, and which kind of inverse
/// Hessian, it is of.
pub fn save<T: Scalar>(state: &QuasiNewtonState<T>, file: &mut Tensors) {
    let QuasiNewtonProgress { loss, lowest_loss, lowest_gradient, idle } = state.progress;
    file.insert("quasi_newton.progress", &[3], &[loss, lowest_loss, lowest_gradient]);
    file.insert("quasi_newton.idle", &[1], &[idle]);
    let mut vectors: Vec<(&str, &[T])> = Vec::new();
    match &state.phase {
        QuasiNewtonPhase::Start => {}
        QuasiNewtonPhase::Learn { step, change, predicted, decrease } => {
            vectors.extend([("learn.step", &step[..]), ("learn.change", change)]);
            file.insert("quasi_newton.learn.numbers", &[2], &[*predicted, *decrease]);
        }
        QuasiNewtonPhase::Search { origin, gradient, direction, search } => {
            vectors.extend([
                ("search.origin", &origin[..]),
                ("search.gradient", gradient),
                ("search.direction", direction),
            ]);
            save_search(search, file);
        }
    }
    match &state.hessian {
        InverseHessianState::Identity => {}
        InverseHessianState::Limited { steps, changes } => {
            vectors.extend([("history_steps", &steps[..]), ("history_changes", changes)]);
        }
        InverseHessianState::Dense { lower_triangle } => {
            vectors.push(("lower_triangle", lower_triangle));
        }
    }
    for (name, values) in vectors {
        file.insert(&format!("quasi_newton.{name}"), &[values.len()], values);
    }
}

fn save_search(search: &LineSearchState, file: &mut Tensors) {
    let LineSearchState { start, low, high, step, widths, evaluations } = *search;
    let trials = [start, low, high].map(|trial| [trial.step, trial.loss, trial.slope]);
    file.insert("quasi_newton.search.trials", &[3, 3], trials.as_flattened());
    file.insert("quasi_newton.search.numbers", &[3], &[step, widths[0], widths[1]]);
    file.insert("quasi_newton.search.evaluations", &[1], &[evaluations]);
}

/// The state in a checkpoint, if there is one.
pub fn load<T: Scalar>(file: &Tensors) -> Option<QuasiNewtonState<T>> {
    let vector = |name: &str| file.get::<T>(&format!("quasi_newton.{name}"));
    let numbers = |name: &str| file.get::<f64>(&format!("quasi_newton.{name}"));
    let [loss, lowest_loss, lowest_gradient] = numbers("progress")?[..] else { return None };
    let [idle] = file.get::<u64>("quasi_newton.idle")?[..] else { return None };
    let phase = if let Some(origin) = vector("search.origin") {
        QuasiNewtonPhase::Search {
            origin,
            gradient: vector("search.gradient")?,
            direction: vector("search.direction")?,
            search: load_search(file)?,
        }
    } else if let Some(step) = vector("learn.step") {
        let [predicted, decrease] = numbers("learn.numbers")?[..] else { return None };
        QuasiNewtonPhase::Learn { step, change: vector("learn.change")?, predicted, decrease }
    } else {
        QuasiNewtonPhase::Start
    };
    let hessian = if let Some(lower_triangle) = vector("lower_triangle") {
        InverseHessianState::Dense { lower_triangle }
    } else if let Some(steps) = vector("history_steps") {
        InverseHessianState::Limited { steps, changes: vector("history_changes")? }
    } else {
        InverseHessianState::Identity
    };
    let progress = QuasiNewtonProgress { loss, lowest_loss, lowest_gradient, idle };
    Some(QuasiNewtonState { phase, progress, hessian })
}

fn load_search(file: &Tensors) -> Option<LineSearchState> {
    let trials = file.get::<f64>("quasi_newton.search.trials")?;
    let trial = |row: &[f64; 3]| Trial { step: row[0], loss: row[1], slope: row[2] };
    let ([start, low, high], []) = trials.as_chunks::<3>() else { return None };
    let numbers = file.get::<f64>("quasi_newton.search.numbers")?;
    let [step, before, latest] = numbers[..] else { return None };
    let [evaluations] = file.get::<u64>("quasi_newton.search.evaluations")?[..] else {
        return None;
    };
    Some(LineSearchState {
        start: trial(start),
        low: trial(low),
        high: trial(high),
        step,
        widths: [before, latest],
        evaluations,
    })
}
