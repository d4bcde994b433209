//! Why an optimiser's turn in a training ended: none ends without saying so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// It has done all of its steps.
    Steps,
    /// The gradient is within its tolerance.
    Gradient,
    /// Nothing gets any smaller.
    Stagnation,
    /// Not even along the steepest descent was there a lower loss.
    Breakdown,
    /// Loss or gradient are not finite; this ends the training.
    NotFinite,
}

/// The end of an optimiser's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The optimiser's name.
    pub optimizer: String,
    /// Steps (or epochs, where the study counts these) that it has done,
    pub done: u64,
    /// and how many there were to do.
    pub of: u64,
    /// The kind of reason.
    pub reason: StopReason,
    /// The reason in words.
    pub explanation: String,
}

impl Stop {
    /// Whether there was more to do.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.done < self.of
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { optimizer, done, of, explanation, .. } = self;
        write!(f, "{optimizer} ended after {done} of {of}: {explanation}")
    }
}
