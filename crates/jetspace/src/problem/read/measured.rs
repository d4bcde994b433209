//! What is measured and is no field: a name of its own, and what it truly is.

use jetspace_expr::{Scope, parse_expression};

use super::Reader;
use crate::Error;
use crate::problem::{Measured, Parameter};
use crate::problem_file::{Name, ProblemFile};

impl Reader<'_> {
    /// What is measured, and the scope of equations, which may name it.
    pub(super) fn measured(
        &mut self,
        file: &ProblemFile,
        parameters: &[Parameter],
    ) -> Result<(Vec<Measured>, Scope), Error> {
        let (mut measured, mut scope) = (Vec::new(), self.scope.clone());
        for (name, of) in &file.measured {
            self.check_new(name)?;
            scope = scope.column(name.get_ref()).map_err(|error| {
                self.source.mistake(name.span(), error.message(), "choose another", error.help())
            })?;
            let mut truth = None;
            if let Some(formula) = &of.truth {
                let id = self.expression(formula)?;
                self.only_coordinates(id, formula, "the truth of what is measured")?;
                truth = Some(self.at_true_unknowns(id, parameters));
            }
            measured.push(Measured { name: name.get_ref().clone(), truth });
        }
        Ok((measured, scope))
    }

    /// A name that means something already would make a column of a file mean two things.
    fn check_new(&mut self, name: &Name) -> Result<(), Error> {
        let text = name.get_ref();
        let meaning =
            parse_expression(text).and_then(|parsed| self.scope.lower(&parsed, &mut self.graph));
        if meaning.is_err() {
            return Ok(());
        }
        let message = format!("expected a new name for what is measured, found {text:?}");
        let help = "it means something in formulas already: choose another";
        Err(self.source.mistake(name.span(), message, "taken", help))
    }
}
