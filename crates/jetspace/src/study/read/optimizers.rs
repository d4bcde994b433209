//! Optimisers: whether their settings can be carried out, and whether they can make the method's
//! objective smaller.

use std::fmt::Display;

use toml::Spanned;

use super::Reader;
use crate::Error;
use crate::method::TermKind;
use crate::study::MOST_STEPS;
use crate::study_file::{DenseFile, OptimizerFile, PointsFile, ScheduleFile};

/// Most parameters of a method that keeps a matrix for them: of 1 GiB in f64, and it is copied
/// whenever a checkpoint is written.
const MOST_DENSE: usize = 1 << 14;

/// What an optimiser has to do with.
pub(super) struct Task<'a> {
    /// Weights, biases and unknowns.
    pub parameters: usize,
    /// What the objective compares.
    pub kinds: &'a [TermKind],
    /// Where.
    pub points: &'a PointsFile,
}

impl Task<'_> {
    fn has_batches(&self) -> bool {
        self.points.batch.is_some() || self.points.condition_batch.is_some()
    }
}

impl Reader<'_> {
    /// `path` is where they stand in the file.
    pub(super) fn optimizers(
        &self,
        files: &[Spanned<OptimizerFile>],
        path: &[&str],
        task: &Task<'_>,
    ) -> Result<Vec<OptimizerFile>, Error> {
        if files.is_empty() {
            let message = "expected at least one optimizer, found none";
            let help = "e.g. optimizer = [{ method = \"adam\", steps = 1000 }]";
            return Err(self.source.mistake(self.source.place_of(path), message, "empty", help));
        }
        let mut optimizers = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let number = number.to_string();
            let path = [path, &[&number]].concat();
            self.check_settings(file.get_ref(), &path)?;
            self.check_task(file.get_ref(), &path, task)?;
            optimizers.push(*file.get_ref());
        }
        if task.has_batches() && !optimizers.iter().any(OptimizerFile::takes_batches) {
            let place = self.source.place_of(path);
            let message = "expected adam or soap for mini-batches, found neither";
            let help =
                "leave out batch and condition_batch, or begin with adam: others use all points";
            return Err(self.source.mistake(place, message, "all use all points", help));
        }
        Ok(optimizers)
    }

    fn check_settings(&self, file: &OptimizerFile, path: &[&str]) -> Result<(), Error> {
        let check = |key: &str, fits: bool, expected: &str, found: &dyn Display, example: &str| {
            if fits { Ok(()) } else { Err(self.wrong_setting(path, key, expected, found, example)) }
        };
        let (length, unit) = (file.length(), file.unit());
        let fits = (1..=MOST_STEPS).contains(&length);
        check(unit, fits, &format!("1 to {MOST_STEPS} {unit}"), &length, "1000")?;
        let check_rate =
            |rate: f64| check("rate", is_positive(rate), "a rate above 0", &rate, "1e-3");
        let check_history =
            |history| check("history", history > 0, "1 pair or more", &history, "100");
        let check_tolerance = |tolerance: f64| {
            let fits = is_not_negative(tolerance);
            check("tolerance", fits, "a tolerance of 0 or more", &tolerance, "1e-10")
        };
        match file {
            OptimizerFile::Adam { rate, schedule, weight_decay: decay, .. }
            | OptimizerFile::Soap { rate, schedule, weight_decay: decay, .. } => {
                check_rate(*rate)?;
                let fits = is_not_negative(*decay);
                check("weight-decay", fits, "a decay of 0 or more", decay, "0.01")?;
                self.check_schedule(schedule, &[path, &["schedule"]].concat())
            }
            OptimizerFile::LbfgsFixed { rate, history, .. } => {
                check_rate(*rate)?;
                check_history(*history)
            }
            OptimizerFile::Lbfgs { history, tolerance, .. } => {
                check_history(*history)?;
                check_tolerance(*tolerance)
            }
            OptimizerFile::Bfgs(DenseFile { tolerance, .. })
            | OptimizerFile::Ssbfgs(DenseFile { tolerance, .. })
            | OptimizerFile::Ssbroyden(DenseFile { tolerance, .. }) => check_tolerance(*tolerance),
            OptimizerFile::LevenbergMarquardt { damping, tolerance, .. } => {
                let fits = is_not_negative(*damping);
                check("damping", fits, "a damping of 0 or more", damping, "1e-3")?;
                check_tolerance(*tolerance)
            }
        }
    }

    fn check_schedule(&self, schedule: &ScheduleFile, path: &[&str]) -> Result<(), Error> {
        match *schedule {
            ScheduleFile::Step { factor, .. } | ScheduleFile::Exponential { factor, .. }
                if !is_positive(factor) =>
            {
                Err(self.wrong_setting(path, "factor", "a factor above 0", factor, "0.5"))
            }
            ScheduleFile::Cosine { last, .. } if !(0.0..=1.0).contains(&last) => {
                Err(self.wrong_setting(path, "last", "a fraction from 0 to 1", last, "0.01"))
            }
            _ => Ok(()),
        }
    }

    fn check_task(
        &self,
        file: &OptimizerFile,
        path: &[&str],
        task: &Task<'_>,
    ) -> Result<(), Error> {
        let (name, found) = (file.name(), task.parameters);
        let place = self.source.place_of(&[path, &["method"]].concat());
        if file.keeps_matrix() && found > MOST_DENSE {
            let message = format!(
                "expected at most {MOST_DENSE} weights, biases and unknowns for {name}, found {found}"
            );
            let help = "use lbfgs, whose memory is limited, or a smaller network";
            return Err(self.source.mistake(place, message, "keeps a matrix of them", help));
        }
        let is_random = task.kinds.contains(&TermKind::HessianProjection);
        if is_random && file.compares_losses() {
            let message = format!(
                "expected the same objective in all steps of {name}, found random projections"
            );
            let help = "use adam, soap or lbfgs-fixed for this method, or the term hessian";
            return Err(self.source.mistake(place, message, "compares losses", help));
        }
        Ok(())
    }

    pub(super) fn wrong_setting(
        &self,
        path: &[&str],
        key: &str,
        expected: &str,
        found: impl Display,
        example: &str,
    ) -> Error {
        let place = self.source.place_of(&[path, &[key]].concat());
        let message = format!("expected {expected}, found {found}");
        let help = format!("e.g. {key} = {example}");
        self.source.mistake(place, message, "out of range", help)
    }
}

pub(super) fn is_positive(number: f64) -> bool {
    number.is_finite() && number > 0.0
}

pub(super) fn is_not_negative(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}
