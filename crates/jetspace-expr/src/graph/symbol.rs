//! What the leaves of an expression stand for.

use std::fmt;

use jetspace_jet::MultiIndex;

/// A quantity that an expression depends on: what is given at each point, or for all points.
///
/// Symbols carry numbers, not names; whoever built the expression knows what they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symbol {
    /// A coordinate x_i of the point.
    Coordinate(usize),
    /// The derivative D^α of a field at the point.
    Jet {
        /// The number of the field.
        field: usize,
        /// α; zero for the field itself.
        index: MultiIndex,
    },
    /// D^α of a field at the other end of a periodic pair of points.
    Other {
        /// The number of the field.
        field: usize,
        /// α; zero for the field itself.
        index: MultiIndex,
    },
    /// D^α of a field of another, fixed model.
    Teacher {
        /// The number of the field.
        field: usize,
        /// α; zero for the field itself.
        index: MultiIndex,
    },
    /// A parameter: the same number at all points.
    Parameter(usize),
    /// A column of data given at the points.
    Column(usize),
    /// A fixed linear combination of a field's derivatives (see [`Graph::collapse`]).
    ///
    /// [`Graph::collapse`]: crate::Graph::collapse
    Combination {
        /// The number of the field.
        field: usize,
        /// The number of the combination.
        combination: usize,
    },
    /// The value of an expression that was taken out (see [`Graph::hoist`]).
    ///
    /// [`Graph::hoist`]: crate::Graph::hoist
    Hoisted(usize),
}

impl fmt::Display for Symbol {
    /// In words, numbered from 0, e.g. `derivative (2,1) of field 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinate(n) => write!(f, "coordinate {n}"),
            Self::Jet { field, index } => write!(f, "derivative {index} of field {field}"),
            Self::Other { field, index } => {
                write!(f, "derivative {index} of field {field} at the other end")
            }
            Self::Teacher { field, index } => {
                write!(f, "derivative {index} of field {field} of the teacher")
            }
            Self::Parameter(n) => write!(f, "parameter {n}"),
            Self::Column(n) => write!(f, "data column {n}"),
            Self::Combination { field, combination } => {
                write!(f, "combination {combination} of field {field}")
            }
            Self::Hoisted(n) => write!(f, "hoisted value {n}"),
        }
    }
}
