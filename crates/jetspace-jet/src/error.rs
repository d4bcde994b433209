//! The errors of this crate: each says what was expected, what was found, and what to do.

use thiserror::Error;

use crate::multi_index::{MAX_ORDER, MAX_VARIABLES, MultiIndex};
use crate::plan::MAX_COMPONENTS;

/// What can be wrong with the arguments of this crate's functions.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum JetError {
    /// A jet set with too many variables.
    #[error(
        "a jet set has at most {MAX_VARIABLES} variables (coordinates and directions), found {found}: leave out the variables that nothing is differentiated by"
    )]
    TooManyVariables {
        /// The number of variables asked for.
        found: usize,
    },
    /// A derivative of too high an order.
    #[error(
        "derivatives have total order at most {MAX_ORDER}, found {found}: introduce the lower derivative as a field of its own"
    )]
    OrderTooHigh {
        /// The order asked for.
        found: usize,
    },
    /// A jet set with more components than the engine has room for.
    #[error(
        "a jet set has at most {MAX_COMPONENTS} components, found {found}: leave out derivatives, or collapse some into a combination"
    )]
    TooManyComponents {
        /// The number of components.
        found: usize,
    },
    /// A multi-index that uses a variable that the jet set lacks.
    #[error("the derivative {index} uses variable {}, but the jet set has {variables} (numbered from 1)", index.variables())]
    UnknownVariable {
        /// The derivative.
        index: MultiIndex,
        /// The number of variables of the jet set.
        variables: usize,
    },
    /// A collapsed combination without terms, or with a coefficient that is not finite.
    #[error(
        "a collapsed combination needs at least one derivative of order ≥ 1 and finite coefficients: {reason}"
    )]
    BadCombination {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A network that cannot exist.
    #[error("the network is not possible: {reason}")]
    BadNetwork {
        /// What is wrong with it.
        reason: String,
    },
    /// Two descriptions that do not belong together.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// The number that fits.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// Factors of Jacobians were asked for where weights are functions of parameters.
    #[error(
        "rows of the Jacobian have factors where every weight is a parameter, found a parameter map: ask for the rows"
    )]
    MappedFactors,
    /// The thread pool could not be started.
    #[error("could not start {threads} threads: {reason}; ask for fewer")]
    Threads {
        /// The number of threads asked for.
        threads: usize,
        /// What the operating system said.
        reason: String,
    },
}

/// `Ok` if the two numbers agree, else [`JetError::Mismatch`].
pub(crate) fn expect_len(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), JetError> {
    if expected == found { Ok(()) } else { Err(JetError::Mismatch { what, expected, found }) }
}
