//! Checkpoints: all that a training remembers, in one file that is replaced at once or not at all.

use std::path::Path;

use super::{Best, Optimiser, Progress, Scalar, Training};
use crate::Error;
use crate::tensors::Tensors;

/// What the header of a checkpoint says it is.
const FORMAT: &str = "jetspace checkpoint 1";

impl<T: Scalar> Training<T> {
    /// Writes a checkpoint.
    ///
    /// # Errors
    /// The operating system's; an older checkpoint then stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut file = Tensors::default();
        file.metadata.insert("format".to_owned(), FORMAT.to_owned());
        let Progress { phase, done, evaluations } = self.progress;
        let counters = [phase as u64, done, evaluations, u64::from(self.evaluated)];
        file.insert("counters", &[counters.len()], &counters);
        file.insert("best.loss", &[2], &[self.best.loss, self.best.window]);
        file.insert("parameters", &[self.parameters.len()], &self.parameters);
        file.insert("best.parameters", &[self.parameters.len()], &self.best.parameters);
        self.optimiser.save(&mut file);
        file.write(path)
    }

    /// Goes on from a checkpoint of the same training, to the same bits as if there had been no
    /// interruption.
    ///
    /// # Errors
    /// The file cannot be read, or is not a checkpoint of this training.
    pub fn load(&mut self, path: &Path) -> Result<(), Error> {
        let file = Tensors::read(path)?;
        let bad = |reason: &str| Error::BadFile {
            path: path.to_owned(),
            reason: format!("{reason}; delete it to train from the start"),
        };
        if file.metadata.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(bad("not a checkpoint of Jetspace"));
        }
        let state = self.state_of(&file).ok_or_else(|| bad("not a checkpoint of this training"))?;
        let (progress, parameters, best, evaluated) = state;
        self.optimiser = match self.optimizers.get(progress.phase) {
            None => Optimiser::new(self.optimizers.last(), parameters.len())?,
            optimizer => Optimiser::load(optimizer, &file)?
                .ok_or_else(|| bad("its optimiser is not that of the study"))?,
        };
        (self.progress, self.parameters, self.best) = (progress, parameters, best);
        self.evaluated = false;
        if evaluated && self.progress.evaluations > 0 {
            // The same evaluation once more: same parameters, same points, same bits.
            self.progress.evaluations -= 1;
            let again = self.evaluate();
            self.progress.evaluations += 1;
            again?;
        }
        Ok(())
    }

    fn state_of(&self, file: &Tensors) -> Option<(Progress, Vec<T>, Best<T>, bool)> {
        let counters = file.get::<u64>("counters")?;
        let [phase, done, evaluations, evaluated] = counters[..] else { return None };
        let progress = Progress { phase: usize::try_from(phase).ok()?, done, evaluations };
        let parameters: Vec<T> = file.get("parameters")?;
        let losses = file.get::<f64>("best.loss")?;
        let best = Best {
            loss: *losses.first()?,
            window: *losses.get(1)?,
            parameters: file.get("best.parameters")?,
        };
        let count = self.parameters.len();
        (parameters.len() == count && best.parameters.len() == count).then_some((
            progress,
            parameters,
            best,
            evaluated == 1,
        ))
    }
}
