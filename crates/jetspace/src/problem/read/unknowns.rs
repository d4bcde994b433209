//! The true values of unknowns: given away under `[truth]`, so that data can be made with them and
//! results be measured by them. Everything that is known in closed form is made with these values,
//! never with first guesses.

use jetspace_expr::{Graph, Id, Symbol};

use super::Reader;
use crate::Error;
use crate::problem::Parameter;
use crate::problem_file::ProblemFile;

impl Reader<'_> {
    /// Reads the true values. Where a field's truth is given, those of all unknowns must be.
    pub(super) fn true_unknowns(
        &mut self,
        file: &ProblemFile,
        fields: &[String],
        parameters: &mut [Parameter],
    ) -> Result<(), Error> {
        // What follows from a first guess is not true.
        let known: Vec<f64> =
            parameters.iter().map(|p| if p.unknown { f64::NAN } else { p.value }).collect();
        let names: Vec<String> =
            parameters.iter().filter(|p| p.unknown).map(|p| p.name.clone()).collect();
        for (name, formula) in file.truth.iter().filter(|(n, _)| !fields.contains(n.get_ref())) {
            let is_it = |p: &&mut Parameter| p.unknown && p.name == *name.get_ref();
            let Some(parameter) = parameters.iter_mut().find(is_it) else {
                let known = [fields, &names].concat();
                return Err(self.source.unknown_name(name, "a field or an unknown", &known));
            };
            parameter.truth = Some(self.number(formula, &known)?);
        }
        if !file.truth.keys().any(|name| fields.contains(name.get_ref())) {
            return Ok(());
        }
        let unknowns = file.unknowns.keys().zip(parameters.iter().filter(|p| p.unknown));
        if let Some((name, _)) = unknowns.into_iter().find(|(_, p)| p.truth.is_none()) {
            let name_text = name.get_ref();
            let message = format!("expected the true value of {name_text:?}, found none");
            let help = format!(
                "add {name_text} = … to [truth]: the value with which the truth solves the equations"
            );
            return Err(self.source.mistake(name.span(), message, "only a first guess", help));
        }
        Ok(())
    }

    /// The expression with the true values of unknowns.
    pub(super) fn at_true_unknowns(&mut self, id: Id, parameters: &[Parameter]) -> Id {
        let value = &mut |symbol, graph: &mut Graph| match symbol {
            Symbol::Parameter(i) => Some(graph.constant(parameters.get(i)?.truth?)),
            _ => None,
        };
        self.graph.substitute(&[id], value)[0]
    }
}
