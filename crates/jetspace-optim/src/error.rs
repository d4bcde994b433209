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
    /// A number that an optimiser cannot go on from.
    #[error(
        "{what} must be finite, found {found}: go back to earlier parameters, with a smaller rate"
    )]
    NotFinite {
        /// Which number.
        what: &'static str,
        /// What it is.
        found: f64,
    },
    /// A saved state of another kind than the settings ask for.
    #[error("the settings ask for {expected}, the saved state is of {found}: start anew")]
    State {
        /// What the settings ask for.
        expected: &'static str,
        /// What the state is of.
        found: &'static str,
    },
    /// Weight matrices that are not parts of the parameters, one after the other.
    #[error(
        "weight matrix {number}: expected parameters from {next} on and before {parameters}, found \
         others: give the matrices in their order"
    )]
    Layout {
        /// Which matrix, from 0.
        number: usize,
        /// The first parameter that does not belong to the matrices before it.
        next: usize,
        /// The optimiser's number of parameters.
        parameters: usize,
    },
    /// A matrix that does not fit into memory.
    #[error("no memory for a dense inverse Hessian of {parameters} parameters: use limited memory")]
    Memory {
        /// The number of its rows.
        parameters: usize,
    },
    /// Matrices of a least-squares problem that do not fit into memory.
    #[error(
        "no memory for the matrices of {residuals} residuals and {parameters} parameters: use fewer of \
         either, or conjugate gradients"
    )]
    LinearisationMemory {
        /// The number of residuals.
        residuals: usize,
        /// The number of parameters.
        parameters: usize,
    },
    /// Factors of a row that do not belong to matrices of parameters, one after the other.
    #[error(
        "block {number} of a row: expected cotangents and activations of as many pairs, for parameters \
         from {next} on and before {parameters}, found others: give the blocks in their order"
    )]
    Factors {
        /// Which block, from 0.
        number: usize,
        /// The first parameter that does not belong to the blocks before it.
        next: usize,
        /// The number of parameters.
        parameters: usize,
    },
    /// Rows whose factors are of different matrices.
    #[error("expected the same blocks of parameters in all rows, found others: give each row all")]
    Blocks,
    /// Not one row for each residual.
    #[error("expected {expected} residuals with their rows of the Jacobian, found {found}")]
    Residuals {
        /// The number of residuals.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// `Ok` if there is one number per parameter, else [`OptimError::Length`].
pub(crate) fn check_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), OptimError> {
    if expected == found { Ok(()) } else { Err(OptimError::Length { what, expected, found }) }
}

/// `Ok` if a setting fits its range, else [`OptimError::Setting`].
pub(crate) fn check_setting(
    name: &'static str,
    range: &'static str,
    found: f64,
    fits: bool,
) -> Result<(), OptimError> {
    if fits { Ok(()) } else { Err(OptimError::Setting { name, range, found }) }
}

/// `Ok` if the number is finite, else [`OptimError::NotFinite`].
pub(crate) fn check_finite(what: &'static str, found: f64) -> Result<(), OptimError> {
    if found.is_finite() { Ok(()) } else { Err(OptimError::NotFinite { what, found }) }
}
