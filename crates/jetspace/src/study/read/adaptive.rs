//! What changes while a method trains: whether it makes sense, and there is memory for it.

use super::Reader;
use super::optimizers::{is_not_negative, is_positive};
use super::points::MOST_POINTS;
use crate::Error;
use crate::problem_file::Kind;
use crate::study_file::{AdaptiveFile, MethodFile, OptimizerFile, ResamplingFile, StudyFile};

/// Most candidates for a point.
const MOST_CANDIDATES: usize = 1000;
/// Most chunks of time.
const MOST_CHUNKS: usize = 100_000;

impl Reader<'_> {
    /// What the method says, or what the study says.
    pub(super) fn adaptive(
        &self,
        method: &str,
        settings: Option<&MethodFile>,
        file: &StudyFile,
        optimizers: &[OptimizerFile],
    ) -> Result<AdaptiveFile, Error> {
        let own = ["method", method, "adaptive"];
        let (adaptive, path) = match settings.and_then(|settings| settings.adaptive) {
            Some(adaptive) => (adaptive, &own[..]),
            None => (file.adaptive, &own[2..]),
        };
        let AdaptiveFile { points, balance, attention, causal } = adaptive;
        if let Some(points) = points {
            if !file.points.get_ref().parameters.is_empty() {
                let place = self.source.place_of(&[path, &["points"]].concat());
                let message = "expected points that may lie anywhere, found sets of parameters";
                let help = "leave out one of [points] parameters and [adaptive] points";
                return Err(self.source.mistake(place, message, "moves them away", help));
            }
            self.check_resampling(&points, &[path, &["points"]].concat(), optimizers)?;
        }
        let check = |part: &str, key: &str, fits: bool, found: f64, (expected, example)| {
            let path = [path, &[part]].concat();
            if fits {
                Ok(())
            } else {
                Err(self.wrong_setting(&path, key, expected, found, example))
            }
        };
        let is_fraction = |number: f64| (0.0..=1.0).contains(&number);
        let fraction = ("a fraction from 0 to 1", "0.9");
        if let Some(balance) = balance {
            check("balance", "memory", is_fraction(balance.memory), balance.memory, fraction)?;
        }
        if let Some(attention) = attention {
            let (memory, rate) = (attention.memory, attention.rate);
            check("attention", "memory", is_fraction(memory), memory, fraction)?;
            check("attention", "rate", is_positive(rate), rate, ("a rate above 0", "0.1"))?;
        }
        if let Some(causal) = causal {
            let tolerance = causal.tolerance;
            let expected = ("a tolerance above 0", "1");
            check("causal", "tolerance", is_positive(tolerance), tolerance, expected)?;
            let chunks = causal.chunks.get();
            let expected = format!("1 to {MOST_CHUNKS} chunks");
            let expected = (expected.as_str(), "32");
            check("causal", "chunks", chunks <= MOST_CHUNKS, chunks as f64, expected)?;
            if !self.problem.coordinates.iter().any(|c| c.kind == Kind::Time) {
                let place = self.source.place_of(&[path, &["causal"]].concat());
                let message = "expected a problem with a time, found none";
                let help = "leave it out, or say which coordinate is time: kind = \"time\"";
                return Err(self.source.mistake(place, message, "nothing is earlier", help));
            }
        }
        Ok(adaptive)
    }

    fn check_resampling(
        &self,
        file: &ResamplingFile,
        path: &[&str],
        optimizers: &[OptimizerFile],
    ) -> Result<(), Error> {
        let check = |key: &str, fits: bool, expected: &str, found: f64, example: &str| {
            if fits { Ok(()) } else { Err(self.wrong_setting(path, key, expected, found, example)) }
        };
        if let Some(density) = file.density() {
            let (exponent, offset) = (density.exponent, density.offset);
            let fits = is_not_negative(exponent);
            check("exponent", fits, "an exponent of 0 or more", exponent, "1")?;
            check("offset", is_not_negative(offset), "an offset of 0 or more", offset, "1")?;
            let candidates = density.candidates.get();
            let expected = format!("1 to {MOST_CANDIDATES} candidates for each point");
            let fits = candidates <= MOST_CANDIDATES;
            check("candidates", fits, &expected, candidates as f64, "10")?;
        }
        if let ResamplingFile::Rar { every, add, .. } = file {
            let steps = optimizers.iter().map(|o| o.steps_in(o.length()));
            let times = steps.fold(0, u64::saturating_add) / every.get();
            let most = (MOST_POINTS as u64).checked_div(times).unwrap_or(MOST_POINTS as u64);
            let expected = format!("1 to {most} points, as they are added {times} times");
            check("add", add.get() as u64 <= most, &expected, add.get() as f64, "100")?;
        }
        Ok(())
    }
}
