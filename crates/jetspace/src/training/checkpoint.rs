//! Checkpoints: all that a training remembers, in one file that is replaced at once or not at all.

use std::path::Path;

use super::{Best, Optimiser, Progress, Scalar, Stop, Training, uses_all_points};
use crate::Error;
use crate::objective::Loss;
use crate::tensors::Tensors;

/// What the header of a checkpoint says it is.
const FORMAT: &str = "jetspace checkpoint 2";

/// A checkpoint without the optimiser's state.
struct State<T> {
    progress: Progress,
    evaluated: bool,
    loss: Loss,
    parameters: Vec<T>,
    best: Best<T>,
    stops: Vec<Stop>,
}

impl<T: Scalar> Training<T> {
    /// Writes a checkpoint.
    ///
    /// # Errors
    /// The operating system's; an older checkpoint then stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut file = Tensors::default();
        file.metadata.insert("format".to_owned(), FORMAT.to_owned());
        // One more than phases that have ended, if the loss is not finite: that one will come again.
        let stops: Vec<&Stop> = self.stops.iter().take(self.progress.phase).collect();
        let stops = serde_json::to_string(&stops)
            .map_err(|e| Error::BadFile { path: path.to_owned(), reason: e.to_string() })?;
        file.metadata.insert("stops".to_owned(), stops);
        let Progress { phase, done, evaluations } = self.progress;
        let counters = [phase as u64, done, evaluations, u64::from(self.evaluated)];
        file.insert("counters", &[counters.len()], &counters);
        file.insert("loss", &[1], &[self.loss.total]);
        file.insert("terms", &[self.loss.terms.len()], &self.loss.terms);
        file.insert("best.loss", &[2], &[self.best.loss, self.best.window]);
        file.insert("parameters", &[self.parameters.len()], &self.parameters);
        file.insert("best.parameters", &[self.parameters.len()], &self.best.parameters);
        if let Some(optimiser) = &self.optimiser {
            optimiser.save(&mut file);
        }
        self.adaptation.save(&self.objective, &mut file);
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
            return Err(bad("not a checkpoint of this version of Jetspace"));
        }
        let mut state =
            self.state_of(&file).ok_or_else(|| bad("not a checkpoint of this training"))?;
        // Before the optimiser, which may ask for residuals.
        let optimizer = self.optimizers.get(state.progress.phase);
        self.objective.use_all_points(uses_all_points(optimizer.or(self.optimizers.last())));
        if self.adaptation.load(&mut self.objective, &file)?.is_none() {
            return Err(bad("what it says of points and weights is not of the study"));
        }
        let Self { objective, engine, network, .. } = self;
        self.optimiser = match self.optimizers.get(state.progress.phase) {
            None => None,
            Some(optimizer) => Some(
                Optimiser::load(
                    optimizer,
                    network,
                    &mut state.parameters,
                    objective,
                    engine,
                    &file,
                )?
                .ok_or_else(|| bad("its optimiser is not that of the study"))?,
            ),
        };
        let State { progress, evaluated, loss, parameters, best, stops } = state;
        (self.progress, self.loss, self.stops) = (progress, loss, stops);
        (self.parameters, self.best) = (parameters, best);
        self.evaluated = evaluated;
        if evaluated && self.progress.evaluations > 0 {
            // The same evaluation once more: same parameters, same points, same bits.
            self.progress.evaluations -= 1;
            let again = self.compute();
            self.progress.evaluations += 1;
            again?;
        }
        Ok(())
    }

    fn state_of(&self, file: &Tensors) -> Option<State<T>> {
        let [phase, done, evaluations, evaluated] = file.get::<u64>("counters")?[..] else {
            return None;
        };
        let [best, window] = file.get::<f64>("best.loss")?[..] else { return None };
        let [total] = file.get::<f64>("loss")?[..] else { return None };
        let state = State {
            progress: Progress { phase: usize::try_from(phase).ok()?, done, evaluations },
            evaluated: evaluated == 1,
            loss: Loss { total, terms: file.get("terms")? },
            parameters: file.get("parameters")?,
            best: Best { loss: best, window, parameters: file.get("best.parameters")? },
            stops: serde_json::from_str(file.metadata.get("stops")?).ok()?,
        };
        let fits = state.parameters.len() == self.parameters.len()
            && state.best.parameters.len() == self.parameters.len()
            && state.loss.terms.len() == self.loss.terms.len()
            && state.progress.phase == state.stops.len()
            && state.progress.phase <= self.optimizers.len();
        fits.then_some(state)
    }
}
