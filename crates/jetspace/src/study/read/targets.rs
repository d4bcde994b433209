//! Targets: where data comes from, and the sweep over one setting of them.

use super::Reader;
use crate::Error;
use crate::study::Variant;
use crate::study_file::{StudyFile, SweepFile, TargetsFile};

impl Reader<'_> {
    pub(super) fn variants(&self, file: &StudyFile) -> Result<Vec<Variant>, Error> {
        let targets = file.targets;
        self.check_noise(targets.noise, &["targets", "noise"])?;
        if let Some(step) = targets.difference_step {
            self.check_step(step, &["targets", "difference-step"])?;
        }
        let with = |name: &str, value: f64, targets| Variant {
            label: format!("{name} = {value}"),
            value: Some(value),
            targets,
        };
        let mut variants = Vec::new();
        match &file.sweep {
            None => variants.push(Variant { label: String::new(), value: None, targets }),
            Some(SweepFile::Noise(levels)) => {
                for (n, &noise) in levels.iter().enumerate() {
                    self.check_noise(noise, &["sweep", "noise", &n.to_string()])?;
                    variants.push(with("noise", noise, TargetsFile { noise, ..targets }));
                }
            }
            Some(SweepFile::DifferenceStep(steps)) => {
                for (n, &h) in steps.iter().enumerate() {
                    self.check_step(h, &["sweep", "difference-step", &n.to_string()])?;
                    let targets = TargetsFile { difference_step: Some(h), ..targets };
                    variants.push(with("step", h, targets));
                }
            }
        }
        if variants.is_empty() {
            let message = "expected at least one value to sweep over, found none";
            let help = "e.g. noise = [0.01, 0.1], or remove [sweep]";
            return Err(self.source.mistake(
                self.source.place_of(&["sweep"]),
                message,
                "empty",
                help,
            ));
        }
        Ok(variants)
    }

    fn check_noise(&self, noise: f64, path: &[&str]) -> Result<(), Error> {
        if noise.is_finite() && noise >= 0.0 {
            return Ok(());
        }
        let message = format!("expected a standard deviation of 0 or more, found {noise}");
        let help = "give it in the units of the data; 0 is no noise";
        Err(self.source.mistake(self.source.place_of(path), message, "not a deviation", help))
    }

    fn check_step(&self, step: f64, path: &[&str]) -> Result<(), Error> {
        if step.is_finite() && step > 0.0 {
            return Ok(());
        }
        let message = format!("expected a step above 0, found {step}");
        let help = "e.g. difference-step = 1e-4, or leave it out for exact derivatives";
        Err(self.source.mistake(self.source.place_of(path), message, "not a step", help))
    }
}
