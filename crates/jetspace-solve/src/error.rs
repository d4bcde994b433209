//! The error of this crate: what was expected, what was found, what to do.

use jetspace_expr::{ProgramError, Symbol};
use thiserror::Error;

/// Why an equation was not solved.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SolveError {
    /// An equation that is not ∂u/∂t = … of one field.
    #[error(
        "expected equation {equation} (from 0) to be linear in one first derivative by time, with \
         a constant factor, {found}: write it as u_t = …"
    )]
    NotEvolution {
        /// The number of the equation.
        equation: usize,
        /// What was found instead.
        found: &'static str,
    },
    /// An ordinary differential equation that is not solved for its highest derivative.
    #[error(
        "expected equation {equation} (from 0) to be linear in the highest derivative by time of one \
         field, {found}: write it as u_tt = …"
    )]
    NotExplicit {
        /// The number of the equation.
        equation: usize,
        /// What was found instead.
        found: &'static str,
    },
    /// Two equations for the same field, or none.
    #[error(
        "expected one equation for each field, found {found} for field {field} (from 0): give each \
         field its u_t = …"
    )]
    Determined {
        /// The number of the field.
        field: usize,
        /// How many equations have its derivative by time.
        found: usize,
    },
    /// An equation that needs what a solver does not have.
    #[error(
        "expected coordinates, parameters and spatial derivatives of fields in equation {equation} \
         (from 0), found {symbol}: rewrite the equation without it"
    )]
    Unsupported {
        /// The number of the equation.
        equation: usize,
        /// What it needs.
        symbol: Symbol,
    },
    /// A box or a number of steps that cannot be.
    #[error("expected {expected}, found {found}")]
    Argument {
        /// What was expected, and how to get it.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The solution is no longer finite.
    #[error(
        "the solution is not finite at time {time}: take more steps, or check the equation's signs"
    )]
    NotFinite {
        /// The first stored time at which it is not finite.
        time: f64,
    },
    /// Steps have become shorter than rounding.
    #[error(
        "no step is short enough at time {time}: the solution ends there or has a jump; look for a \
         wrong sign, or end earlier"
    )]
    StepTooSmall {
        /// The time that was reached.
        time: f64,
    },
    /// More steps than are worth waiting for.
    #[error(
        "expected at most {most} steps, found more at time {time}: the equation is stiff, or the \
         tolerance below rounding; allow a larger error"
    )]
    TooManySteps {
        /// The time that was reached.
        time: f64,
        /// How many there may be.
        most: usize,
    },
    /// An equation that does not say that what flows out is lost.
    #[error(
        "expected an equation c (u_t + div(flux) - source) = 0, found {found}: look for a wrong sign \
         in the flux, or give flux and source"
    )]
    NotConservation {
        /// What was found instead.
        found: &'static str,
    },
    /// Steps that are too long for the cells.
    #[error(
        "expected at most {most} cells in a step, found that the solution moves over {found:.2} at \
         time {time}: take {steps} steps, or fewer nodes"
    )]
    Unstable {
        /// The time of the step.
        time: f64,
        /// Over how many cells the solution moves in a step.
        found: f64,
        /// Over how many it may.
        most: f64,
        /// How many steps suffice, a whole number.
        steps: f64,
    },
    /// Slices that do not fit a program.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl SolveError {
    /// An argument that does not fit.
    pub(crate) fn argument(expected: impl Into<String>, found: &impl ToString) -> Self {
        Self::Argument { expected: expected.into(), found: found.to_string() }
    }
}
