//! Trainings that are stopped and resumed at every step.

use std::fs;
use std::path::Path;

use jetspace::training::{Scalar, Status, Training};

/// Trains to the end on one thread, and takes each step on two threads as well, from a checkpoint
/// before it. A checkpoint is all that a training remembers: so two trainings whose checkpoints are
/// equal go on in the same way. `start` takes the number of threads; `look` sees both after each step.
pub fn resume_at_every_step<T: Scalar>(
    name: &str,
    start: impl Fn(usize) -> Training<T>,
    mut look: impl FnMut(&Training<T>, &Training<T>),
) -> Training<T> {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let checkpoint = |training: &Training<T>, path: &Path| {
        training.save(path).unwrap();
        fs::read(path).unwrap()
    };
    let mut whole = start(1);
    whole.save(&here).unwrap();
    loop {
        let progress = whole.progress();
        let mut resumed = start(2);
        resumed.load(&here).unwrap();
        let status = whole.step().unwrap();
        assert_eq!(resumed.step().unwrap(), status);
        let (one, other) = (checkpoint(&whole, &here), checkpoint(&resumed, &there));
        assert!(one == other, "{name} after {progress:?}");
        look(&whole, &resumed);
        if status == Status::Finished {
            return whole;
        }
    }
}
