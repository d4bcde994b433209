//! Rates: how fast each coordinate changes, where the coordinates are a state that moves.

use super::Reader;
use crate::Error;
use crate::problem::{Coordinate, Kind, Rate};
use crate::problem_file::ProblemFile;

/// Columns of a table of trajectories that are no states.
const COLUMNS: [&str; 2] = ["trajectory", "t"];

impl Reader<'_> {
    /// The rates in the order of the coordinates; none, or one of each.
    pub(super) fn rates(
        &mut self,
        file: &ProblemFile,
        coordinates: &[Coordinate],
    ) -> Result<Vec<Rate>, Error> {
        let names: Vec<String> = coordinates.iter().map(|c| c.name.clone()).collect();
        if let Some(name) = file.rates.keys().find(|name| !names.contains(name.get_ref())) {
            return Err(self.source.unknown_name(name, "a coordinate", &names));
        }
        let mut rates = Vec::new();
        for coordinate in coordinates.iter().filter(|_| !file.rates.is_empty()) {
            let Coordinate { name, kind, .. } = coordinate;
            if *kind == Kind::Time || COLUMNS.contains(&name.as_str()) {
                let message = format!("expected coordinates that are a state, found {name:?}");
                let help = "rates do not depend on time; `t` and `trajectory` are other columns in \
                            files of trajectories";
                let place = self.source.place_of(&["coordinates", name]);
                return Err(self.source.mistake(place, message, "not a state", help));
            }
            let given = file.rates.iter().find(|(of, _)| of.get_ref() == name);
            let Some((_, formula)) = given else {
                let message =
                    format!("expected a rate of every coordinate, found none of {name:?}");
                let help = format!("add {name} = \"…\"; what stays as it is has the rate 0");
                let place = self.source.place_of(&["rates"]);
                return Err(self.source.mistake(place, message, "only others", help));
            };
            let expression = self.expression(formula)?;
            rates.push(Rate { text: formula.get_ref().0.clone(), expression });
        }
        Ok(rates)
    }
}
