//! Data that equations, terms and metrics name: fields and their derivatives, and what is measured and
//! is no field; which columns there are, and what is truly in them.

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;

use super::{Problem, evaluate};
use crate::Error;

/// A quantity that is measured at points and is no field.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its name: formulas call it `data.NAME`.
    pub name: String,
    /// What it truly is, in coordinates and parameters, if that is known.
    pub truth: Option<Id>,
}

/// What a column of data holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataColumn {
    /// The measured quantity of this number.
    Measured(usize),
    /// A derivative of a field.
    Jet(usize, MultiIndex),
}

impl Problem {
    /// What data may be given for: what is measured; then every field and its derivatives by physical
    /// coordinates up to second order. Column n of a study's data is entry n of this list.
    #[must_use]
    pub fn data_columns(&self) -> Vec<DataColumn> {
        let mut indices = vec![MultiIndex::VALUE];
        let physical: Vec<usize> = self.physical().collect();
        for (n, &i) in physical.iter().enumerate() {
            let second = physical[n..].iter().map(|&j| vec![i, j]);
            indices.extend(
                std::iter::once(vec![i])
                    .chain(second)
                    .filter_map(|variables| MultiIndex::from_variables(&variables).ok()),
            );
        }
        indices.sort_unstable();
        let of_field = |field| indices.iter().map(move |&index| DataColumn::Jet(field, index));
        let measured = (0..self.measured.len()).map(DataColumn::Measured);
        measured.chain((0..self.fields.len()).flat_map(of_field)).collect()
    }

    /// The name of a column, as formulas write it after `data.`.
    #[must_use]
    pub fn column_name(&self, column: DataColumn) -> String {
        match column {
            DataColumn::Measured(n) => self.measured.get(n).map_or("", |m| &m.name).to_owned(),
            DataColumn::Jet(field, index) => self.symbol_name(Symbol::Jet { field, index }),
        }
    }

    /// Columns of data at points given as columns, as the truth has them; nothing if one of them is not
    /// known there.
    ///
    /// # Errors
    /// As [`true_jets`](Self::true_jets).
    pub fn true_columns(
        &self,
        points: &[Vec<f64>],
        wanted: &[DataColumn],
    ) -> Result<Option<Vec<Vec<f64>>>, Error> {
        let (mut jets, mut truths) = (Vec::new(), Vec::new());
        for column in wanted {
            match *column {
                DataColumn::Jet(field, index) => jets.push((field, index)),
                DataColumn::Measured(n) => {
                    let truth = self.measured.get(n).and_then(|measured| measured.truth);
                    let Some(truth) = truth else { return Ok(None) };
                    truths.push(truth);
                }
            }
        }
        // Where no jet is asked for, it does not matter whether fields are known.
        let jets = if jets.is_empty() { Some(Vec::new()) } else { self.true_jets(points, &jets)? };
        let Some(jets) = jets else { return Ok(None) };
        let measured = evaluate(&self.graph, &truths, points, &self.true_parameters(), &[])?;
        let (mut jets, mut measured) = (jets.into_iter(), measured.into_iter());
        let next = |column: &DataColumn| match column {
            DataColumn::Jet(..) => jets.next(),
            DataColumn::Measured(_) => measured.next(),
        };
        Ok(wanted.iter().map(next).collect())
    }

    /// The columns that expressions name, at points, as the truth has them: one for each of
    /// [`data_columns`](Self::data_columns), empty where it is not named. Nothing if one of them is not
    /// known there.
    ///
    /// # Errors
    /// As [`true_jets`](Self::true_jets).
    pub fn true_data(
        &self,
        graph: &Graph,
        expressions: &[Id],
        points: &[Vec<f64>],
    ) -> Result<Option<Vec<Vec<f64>>>, Error> {
        let columns = self.data_columns();
        let mut data = vec![Vec::new(); columns.len()];
        let mut numbers = named_columns(graph, expressions);
        numbers.retain(|&number| number < columns.len());
        let wanted: Vec<DataColumn> = numbers.iter().map(|&number| columns[number]).collect();
        let Some(known) = self.true_columns(points, &wanted)? else { return Ok(None) };
        for (number, column) in numbers.into_iter().zip(known) {
            data[number] = column;
        }
        Ok(Some(data))
    }
}

/// The numbers of the columns that expressions name.
pub fn named_columns(graph: &Graph, expressions: &[Id]) -> Vec<usize> {
    let number = |symbol| match symbol {
        Symbol::Column(number) => Some(number),
        _ => None,
    };
    graph.symbols(expressions).into_iter().filter_map(number).collect()
}
