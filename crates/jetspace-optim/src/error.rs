//! The errors of this crate.

use thiserror::Error;

/// What can be wrong with an optimiser's arguments.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A vector that does not belong to the optimiser's parameters.
    #[error("{what}: expected {expected} numbers, one per parameter, found {found}")]
    Length {
        /// Which vector.
        what: &'static str,
        /// The optimiser's number of parameters.
        expected: usize,
        /// The vector's length.
        found: usize,
    },
    /// A setting outside its range.
    #[error("{name} must be {range}, found {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it is.
        found: f64,
    },
}
