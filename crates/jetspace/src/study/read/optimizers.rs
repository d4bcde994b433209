//! Optimisers: whether their settings can be carried out.

use toml::Spanned;

use super::Reader;
use crate::Error;
use crate::study::MOST_STEPS;
use crate::study_file::{OptimizerFile, ScheduleFile};

impl Reader<'_> {
    /// `path` is where they stand in the file.
    pub(super) fn optimizers(
        &self,
        files: &[Spanned<OptimizerFile>],
        path: &[&str],
    ) -> Result<Vec<OptimizerFile>, Error> {
        if files.is_empty() {
            let message = "expected at least one optimizer, found none";
            let help = "e.g. optimizer = [{ method = \"adam\", steps = 1000 }]";
            return Err(self.source.mistake(self.source.place_of(path), message, "empty", help));
        }
        let mut optimizers = Vec::new();
        for (number, file) in files.iter().enumerate() {
            self.check_optimizer(file.get_ref(), &[path, &[&number.to_string()]].concat())?;
            optimizers.push(file.get_ref().clone());
        }
        Ok(optimizers)
    }

    fn check_optimizer(&self, file: &OptimizerFile, path: &[&str]) -> Result<(), Error> {
        let (rate, length, name) = match file {
            OptimizerFile::Adam { rate, steps, .. } => (*rate, *steps, "steps"),
            OptimizerFile::LbfgsFixed { rate, epochs, .. } => (*rate, *epochs, "epochs"),
        };
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        if !is_rate(rate) {
            return Err(self.wrong_setting(path, "rate", "a rate above 0", rate, "1e-3"));
        }
        if !(1..=MOST_STEPS).contains(&length) {
            let expected = format!("1 to {MOST_STEPS} {name}");
            return Err(self.wrong_setting(path, name, &expected, length, "1000"));
        }
        match file {
            OptimizerFile::LbfgsFixed { history: 0, .. } => {
                Err(self.wrong_setting(path, "history", "1 pair or more", 0, "100"))
            }
            OptimizerFile::Adam { schedule, .. } => {
                let path = [path, &["schedule"]].concat();
                match *schedule {
                    ScheduleFile::Step { factor, .. }
                    | ScheduleFile::Exponential { factor, .. }
                        if !is_rate(factor) =>
                    {
                        let expected = "a factor above 0";
                        Err(self.wrong_setting(&path, "factor", expected, factor, "0.5"))
                    }
                    ScheduleFile::Cosine { last, .. } if !(0.0..=1.0).contains(&last) => {
                        let expected = "a fraction from 0 to 1";
                        Err(self.wrong_setting(&path, "last", expected, last, "0.01"))
                    }
                    _ => Ok(()),
                }
            }
            OptimizerFile::LbfgsFixed { .. } => Ok(()),
        }
    }

    fn wrong_setting(
        &self,
        path: &[&str],
        key: &str,
        expected: &str,
        found: impl std::fmt::Display,
        example: &str,
    ) -> Error {
        let place = self.source.place_of(&[path, &[key]].concat());
        let message = format!("expected {expected}, found {found}");
        let help = format!("e.g. {key} = {example}");
        self.source.mistake(place, message, "out of range", help)
    }
}
