//! What a program over a group's points knows of them before any training: constants, data,
//! coordinates. All is evaluated in f64, when points are chosen.

use jetspace_expr::{Graph, Id, Symbol};

use crate::Error;
use crate::problem::evaluate;

/// How the known columns follow from points and their data.
pub struct Known {
    graph: Graph,
    /// What depends on points and data alone.
    fixed: Vec<Id>,
    parameters: Vec<f64>,
    columns: Vec<Column>,
}

#[derive(Clone, Copy)]
enum Column {
    Fixed(usize),
    Coordinate(usize),
    Data(usize),
}

impl Known {
    pub fn new(graph: Graph, fixed: Vec<Id>, parameters: Vec<f64>) -> Self {
        Self { graph, fixed, parameters, columns: Vec::new() }
    }

    /// The number of the column of an input of the program, if it is known.
    pub fn column(&mut self, symbol: Symbol) -> Option<usize> {
        self.columns.push(match symbol {
            Symbol::Hoisted(n) => Column::Fixed(n),
            Symbol::Coordinate(i) => Column::Coordinate(i),
            Symbol::Column(n) => Column::Data(n),
            _ => return None,
        });
        Some(self.columns.len() - 1)
    }

    /// Whether data is in it, so that points cannot be chosen anew.
    pub fn has_data(&self) -> bool {
        let is_data = |column: &Column| matches!(column, Column::Data(_));
        let symbols = self.graph.symbols(&self.fixed);
        self.columns.iter().any(is_data)
            || symbols.into_iter().any(|symbol| matches!(symbol, Symbol::Column(_)))
    }

    /// The columns at points.
    pub fn at(&self, coordinates: &[Vec<f64>], data: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let Self { graph, fixed, parameters, columns } = self;
        let fixed = evaluate(graph, fixed, coordinates, parameters, data)?;
        let column = |column: &Column| {
            let (columns, number) = match *column {
                Column::Fixed(n) => (fixed.as_slice(), n),
                Column::Coordinate(i) => (coordinates, i),
                Column::Data(n) => (data, n),
            };
            columns.get(number).cloned().unwrap_or_default()
        };
        Ok(columns.iter().map(column).collect())
    }
}
