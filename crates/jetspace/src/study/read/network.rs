//! The network: its layers, what it sees of the coordinates, and the formulas that make fields of
//! what it gives.

use std::ops::Range;
use std::sync::Arc;

use jetspace_expr::{DerivativeError, Id, Symbol};
use jetspace_jet::{MAX_ORDER, Network};

use super::Reader;
use crate::Error;
use crate::method::TermKind;
use crate::output_transform::OutputTransform;
use crate::problem::{Condition, DataColumn, Problem};
use crate::source::Source;
use crate::study::Method;
use crate::study_file::NetworkFile;

pub(super) fn read_network(
    source: &Arc<Source>,
    file: &NetworkFile,
    problem: &Problem,
) -> Result<Network, Error> {
    file.network(problem).map_err(|wrong| {
        let path: Vec<&str> =
            std::iter::once("network").chain(wrong.path.iter().map(String::as_str)).collect();
        source.mistake(source.place_of(&path), wrong.message, wrong.label, wrong.help)
    })
}

pub(super) fn read_transform(
    source: &Arc<Source>,
    file: &NetworkFile,
    problem: &mut Problem,
) -> Result<OutputTransform, Error> {
    OutputTransform::read(file, problem, |field, _| {
        let place = source.place_of(&["network", "transform", field]);
        (Arc::clone(source), place.unwrap_or_default())
    })
}

impl Reader<'_> {
    /// Whether each condition of the problem holds for any network.
    pub(super) fn exact(&self) -> Result<Vec<bool>, Error> {
        let holds = |condition: &Condition| {
            for residual in &condition.residuals {
                match self.transform.fulfils(&self.problem, residual.expression, &condition.place) {
                    Ok(true) => {}
                    Err(Error::Derivative(error)) => return Err(self.not_differentiable(&error)),
                    other => return other,
                }
            }
            Ok(true)
        };
        self.problem.conditions.iter().map(holds).collect()
    }

    /// Whether what the study needs of the fields exists (equations, rates, first derivatives, all terms),
    /// and none of it is a projection, which is of the network itself.
    pub(super) fn check_transform(&self, methods: &[Method]) -> Result<(), Error> {
        let has_projection = |method: &Method| {
            method.terms.iter().any(|term| term.kind == TermKind::HessianProjection)
        };
        let with_projection = methods.iter().position(has_projection);
        if let Some(number) = with_projection.filter(|_| !self.transform.is_identity()) {
            let message = "expected a method without random projections, as there is a transform";
            let help = "use der+hesl, or terms = [\"values\", \"gradient\", \"hessian\"]";
            let place = self.source.place_of(&["methods", &number.to_string()]);
            return Err(self.source.mistake(place, message, "has projections", help));
        }
        let mut graph = self.problem.graph.clone();
        let mut needed: Vec<Id> = self.problem.equations.iter().map(|e| e.expression).collect();
        needed.extend(self.problem.rates.iter().map(|rate| rate.expression));
        for column in self.problem.data_columns() {
            if let DataColumn::Jet(field, index) = column
                && index.order() <= 1
            {
                needed.push(graph.symbol(Symbol::Jet { field, index }));
            }
        }
        for term in methods.iter().flat_map(|method| &method.terms) {
            needed.extend(term.kind.residuals(&self.problem, &mut graph));
        }
        let inserted = self.transform.insert(&mut graph, &needed, None);
        inserted.map(|_| ()).map_err(|error| self.not_differentiable(&error))
    }

    /// Refuses an expression that the transform makes one of too high derivatives.
    pub(super) fn check_measured(&self, expression: Id, place: Range<usize>) -> Result<(), Error> {
        let mut graph = self.problem.graph.clone();
        let inserted = self.transform.insert(&mut graph, &[expression], None);
        let help = "use lower derivatives here, or in the formulas of [network] transform";
        inserted.map(|_| ()).map_err(|error| self.too_high(&error, Some(place), help))
    }

    fn not_differentiable(&self, error: &DerivativeError) -> Error {
        let place = self.source.place_of(&["network", "transform"]);
        let help =
            "formulas are differentiated as often as their fields: use lower derivatives in them";
        self.too_high(error, place, help)
    }

    fn too_high(&self, error: &DerivativeError, place: Option<Range<usize>>, help: &str) -> Error {
        let found = match error {
            DerivativeError::BeyondJets { .. } => {
                format!("derivatives of order {} where they are put in", MAX_ORDER + 1)
            }
            error => error.to_string(),
        };
        let message = format!(
            "expected formulas of what the network gives and its derivatives up to order {MAX_ORDER}, \
             found {found}"
        );
        self.source.mistake(place, message, "too high", help)
    }
}
