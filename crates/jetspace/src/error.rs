//! The errors of this crate.

use std::io;
use std::path::{Path, PathBuf};

use jetspace_expr::{DerivativeError, ProgramError, nearest};
use jetspace_jet::JetError;
use jetspace_optim::OptimError;
use jetspace_solve::SolveError;
use thiserror::Error;

use crate::point_set::PointSetError;
use crate::report::ReportError;
use crate::sampling::SamplingError;
use crate::source::Mistake;
use crate::table::TableError;

/// What can go wrong between a problem file and a report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A mistake in a file that someone wrote.
    #[error(transparent)]
    Mistake(Box<Mistake>),
    /// A name that is neither built in nor a file.
    #[error("no {what} is called {name:?}, and there is no such file{}", suggestion(.known, .name))]
    Unknown {
        /// "study" or "problem".
        what: &'static str,
        /// The name.
        name: String,
        /// The names that are built in.
        known: Vec<String>,
    },
    /// An argument that makes no sense.
    #[error("{0}")]
    Argument(String),
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// "read", "write", …
        action: &'static str,
        /// What it was about.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {reason}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What was expected, and what was found.
        reason: String,
    },
    /// A loss or gradient that is NaN or infinite.
    #[error(
        "step {step}: {what} is not finite. The models so far are kept. Try a smaller rate, f64, or \
         another seed; at the first step, look for a formula that is not finite there"
    )]
    NotFinite {
        /// The step at which it happened.
        step: u64,
        /// The term of the objective and the point, or the gradient.
        what: String,
    },
    /// An expression at points.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A derivative of an expression.
    #[error(transparent)]
    Derivative(#[from] DerivativeError),
    /// Points that cannot be drawn.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// Columns that do not fit together.
    #[error(transparent)]
    PointSet(#[from] PointSetError),
    /// A file of columns.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Figures that cannot be drawn.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The engine.
    #[error(transparent)]
    Jet(#[from] JetError),
    /// The optimiser.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// The solver of reference solutions.
    #[error(transparent)]
    Solve(#[from] SolveError),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

fn suggestion(known: &[String], name: &str) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(close) => format!("; did you mean {close}?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are {}", known.join(", ")),
    }
}
