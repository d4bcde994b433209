//! Learn physical models through their derivatives: problems, point sets, objectives, training,
//! evaluation, runs and reports.
//!
//! - A [`Problem`] is read from a file: equations, conditions, domain, and what is known of the
//!   solution. It can be checked before anyone trains.
//! - A [`Study`] is a problem, the methods that learn it, and how results are measured.
//! - An [`Objective`](objective::Objective) is a list of least-squares terms over jets; every method
//!   is such a list ([`method`]).
//! - A [`Training`](training::Training) minimises it; a [`run`] carries out a whole study and leaves
//!   a folder with models, logs and a report.
//! - A [`Sweep`](sweep::Sweep) carries it out for many values of its settings.
//! - A [`Model`] is what comes out: it can be saved, evaluated anywhere, and measured.
//!
//! It knows nothing of how anyone shows it.

mod adaptation;
mod atomic_file;
pub mod builtin;
pub mod collocation;
mod error;
pub mod evaluation;
mod jets;
pub mod method;
pub mod model;
pub mod objective;
pub mod output_transform;
pub mod point_set;
pub mod problem;
pub mod problem_file;
pub mod random;
pub mod report;
pub mod reproduction;
pub mod run;
pub mod sampling;
pub mod source;
pub mod study;
mod study_file;
pub mod sweep;
pub mod table;
mod targets;
mod tensors;
pub mod training;

pub use error::Error;
pub use model::Model;
pub use problem::Problem;
pub use source::Mistake;
pub use study::Study;

/// The JSON Schema of problem files.
#[must_use]
pub fn problem_schema() -> schemars::Schema {
    schemars::schema_for!(problem_file::ProblemFile)
}

/// The JSON Schema of study files.
#[must_use]
pub fn study_schema() -> schemars::Schema {
    schemars::schema_for!(study_file::StudyFile)
}
