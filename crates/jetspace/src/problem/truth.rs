//! What is known about the solution, and its values and derivatives at points.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;

use super::Problem;
use super::reference::Reference;
use super::verify::{evaluate, evaluate_with};
use crate::Error;
use crate::collocation::{self, Points};

/// What is known about the solution of a problem.
#[derive(Clone, Debug, Default)]
pub enum Truth {
    /// Nothing.
    #[default]
    Unknown,
    /// One expression per field in coordinates and parameters.
    Formulas(Vec<Id>),
    /// A numerical solution, made when it is first needed.
    Reference(Arc<Reference>),
    /// A table: the solution at some points.
    Table {
        /// Its file.
        path: PathBuf,
        /// Where it is named in the problem file.
        place: Range<usize>,
    },
}

impl Truth {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Problem {
    /// D^α uᵢ of the truth at points given as columns, a column for each (i, α) that is `wanted`;
    /// nothing if the truth is unknown, or known at other points only.
    ///
    /// # Errors
    /// A derivative that does not exist in closed form, or a reference solution that fails.
    pub fn true_jets(
        &self,
        points: &[Vec<f64>],
        wanted: &[(usize, MultiIndex)],
    ) -> Result<Option<Vec<Vec<f64>>>, Error> {
        match &self.truth {
            Truth::Unknown | Truth::Table { .. } => Ok(None),
            Truth::Reference(reference) => reference.jets(self, points, wanted).map(Some),
            Truth::Formulas(truth) => {
                let mut graph = self.graph.clone();
                let symbol = |&(field, index): &_| graph.symbol(Symbol::Jet { field, index });
                let symbols: Vec<Id> = wanted.iter().map(symbol).collect();
                let ids = graph.insert_fields(&symbols, truth).map_err(|error| {
                    Error::Argument(format!("the truth cannot be differentiated: {error}"))
                })?;
                evaluate(&graph, &ids, points, &self.true_parameters(), &[]).map(Some)
            }
        }
    }

    /// Expressions, also in data, at the truth, at points given as columns; `pair` is the coordinate at
    /// whose upper end `other` is. Nothing if the truth is unknown, or known at other points only.
    ///
    /// # Errors
    /// As [`true_jets`](Self::true_jets).
    pub(crate) fn at_truth(
        &self,
        graph: &Graph,
        expressions: &[Id],
        points: &[Vec<f64>],
        pair: Option<usize>,
    ) -> Result<Option<Vec<Vec<f64>>>, Error> {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for symbol in graph.symbols(expressions) {
            match symbol {
                Symbol::Jet { field, index } => here.push((field, index)),
                Symbol::Other { field, index } => there.push((field, index)),
                _ => {}
            }
        }
        let mut moved = points.to_vec();
        if let Some((column, coordinate)) =
            pair.and_then(|i| moved.get_mut(i).zip(self.coordinates.get(i)))
        {
            column.fill(coordinate.range.1);
        }
        let (at_here, at_there) = (self.true_jets(points, &here)?, self.true_jets(&moved, &there)?);
        let Some((at_here, at_there)) = at_here.zip(at_there) else { return Ok(None) };
        let Some(data) = self.true_data(graph, expressions, points)? else { return Ok(None) };
        let parameters = self.true_parameters();
        let find = |wanted: &[(usize, MultiIndex)], values: &'_ [Vec<f64>], jet| {
            wanted.iter().position(|w| *w == jet).map(|n| values[n].clone())
        };
        let value = |symbol| match symbol {
            Symbol::Coordinate(i) => points.get(i).cloned(),
            Symbol::Parameter(i) => parameters.get(i).map(|&value| vec![value]),
            Symbol::Jet { field, index } => find(&here, &at_here, (field, index)),
            Symbol::Other { field, index } => find(&there, &at_there, (field, index)),
            Symbol::Column(number) => data.get(number).cloned(),
            _ => None,
        };
        let count = points.first().map_or(0, Vec::len);
        evaluate_with(graph, expressions, count, value).map(Some)
    }

    /// The points at which the truth is known from a file, with its columns.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a coordinate or a field.
    pub fn true_points(&self) -> Result<Option<Points>, Error> {
        let Truth::Table { path, place } = &self.truth else { return Ok(None) };
        let wrong = |message: String| {
            let help = "its path is as seen from the folder of this problem; it needs a column for \
                        each coordinate and each field";
            self.source.mistake(place.clone(), message, "this solution", help)
        };
        let points = collocation::read(self, path)
            .map_err(|error| wrong(format!("expected a table, found none: {error}")))?;
        for field in &self.fields {
            if !points.data.iter().any(|(name, _)| name == field) {
                let path = path.display();
                return Err(wrong(format!("expected a column {field:?} in {path}, found none")));
            }
        }
        Ok(Some(points))
    }

    /// The values of the parameters with which the truth holds.
    pub(crate) fn true_parameters(&self) -> Vec<f64> {
        self.parameters.iter().map(|p| p.truth.unwrap_or(p.value)).collect()
    }
}
