//! What is known about the solution: formulas, a reference solution, or a table.

use std::num::NonZero;
use std::sync::Arc;

use indexmap::IndexMap;
use jetspace_expr::Id;

use super::Reader;
use crate::Error;
use crate::problem::{
    Coordinate, FiniteVolume, Flux, Fourier, Kind, Method, Ode, Reference, Truth,
};
use crate::problem_file::{Formula, ProblemFile, ReferenceFile};

impl Reader<'_> {
    pub(super) fn known(
        &mut self,
        file: &ProblemFile,
        coordinates: &[Coordinate],
        truth: Option<Vec<Id>>,
    ) -> Result<Truth, Error> {
        let Some(reference) = &file.reference else {
            return Ok(truth.map_or(Truth::Unknown, Truth::Formulas));
        };
        if truth.is_some() {
            let message = "expected one truth, found a closed form and a reference";
            let help = "remove one of [truth] and reference";
            return Err(self.source.mistake(reference.span(), message, "the second one", help));
        }
        let numbers = |nodes: &[NonZero<usize>]| nodes.iter().map(|n| n.get()).collect();
        let method = match reference.get_ref() {
            ReferenceFile::Fourier { nodes, steps } => {
                Method::Fourier(Fourier { nodes: numbers(nodes), steps: steps.get() })
            }
            ReferenceFile::Ode { tolerance, steps } => Method::Ode(self.ode(*tolerance, *steps)?),
            ReferenceFile::FiniteVolume { flux, source, nodes, steps, limiter, ends } => {
                Method::FiniteVolume(FiniteVolume {
                    nodes: numbers(nodes),
                    steps: steps.get(),
                    limiter: (*limiter).into(),
                    ends: (*ends).into(),
                    flux: self.flux(flux.as_ref(), source.as_ref(), coordinates)?,
                })
            }
            ReferenceFile::File { path } => {
                let path = self.source.folder.join(path);
                return Ok(Truth::Table { path, place: reference.span() });
            }
        };
        Ok(Truth::Reference(Arc::new(Reference::new(method, Some(reference.span())))))
    }

    fn ode(&self, tolerance: Option<f64>, steps: Option<NonZero<usize>>) -> Result<Ode, Error> {
        let place = self.source.place_of(&["reference", "tolerance"]);
        let wrong = |message: &str, help: &str| {
            self.source.mistake(place, message, "for the reference solution", help)
        };
        match (tolerance, steps) {
            (None, Some(steps)) => Ok(Ode::Steps(steps.get())),
            (Some(_), Some(_)) => {
                let message = "expected a tolerance or a number of steps, found both";
                Err(wrong(message, "steps follow from the tolerance: remove one of them"))
            }
            (tolerance, None) => match tolerance {
                None => Ok(Ode::default()),
                Some(tolerance) if (1e-14..=0.1).contains(&tolerance) => {
                    Ok(Ode::Tolerance(tolerance))
                }
                Some(found) => {
                    let message = format!("expected a tolerance from 1e-14 to 0.1, found {found}");
                    Err(wrong(&message, "leave it out, and it is 1e-12"))
                }
            },
        }
    }

    /// The flux along each space coordinate, and the source.
    fn flux(
        &mut self,
        flux: Option<&IndexMap<String, Formula>>,
        source: Option<&Formula>,
        coordinates: &[Coordinate],
    ) -> Result<Option<Flux>, Error> {
        let Some(flux) = flux else {
            if source.is_none() {
                return Ok(None);
            }
            let message = "expected a flux beside the source, found none";
            let help = "add the flux, or remove the source: both are found from the equation then";
            return Err(self.nothing_at(&["reference", "source"], message, help));
        };
        let space = coordinates.iter().filter(|c| c.kind == Kind::Space);
        let names: Vec<&str> = space.map(|c| c.name.as_str()).collect();
        if let Some(name) = flux.keys().find(|name| !names.contains(&name.as_str())) {
            let place = self.source.place_of(&["reference", "flux", name]);
            let message = format!("expected a space coordinate, found {name:?}");
            let help = format!("known: {}", names.join(", "));
            return Err(self.source.mistake(place, message, "not known", help));
        }
        let along = |name: &str| {
            if let Some(formula) = flux.get(name) {
                return self.of_reference(&["flux", name], formula);
            }
            let message = format!("expected a flux along {name:?}, found none");
            let help = format!("add it, e.g. flux = {{ {name} = 0 }} if nothing flows");
            Err(self.nothing_at(&["reference", "flux"], message, &help))
        };
        let along = names.into_iter().map(along).collect::<Result<_, _>>()?;
        let source = source.map(|source| self.of_reference(&["source"], source)).transpose()?;
        Ok(Some(Flux { along, source }))
    }

    /// A formula of the reference.
    fn of_reference(&mut self, path: &[&str], formula: &Formula) -> Result<Id, Error> {
        let place = self.source.place_of(&[&["reference"], path].concat());
        self.expression_at(&place.unwrap_or_default(), formula)
    }
}
