//! Objectives: weighted means of squared residuals over point sets, with their gradients.
//!
//! Terms on the same points share one evaluation of the jets. What depends on points alone (source
//! terms, data) is evaluated once, in f64, when the objective is made.

mod group;

use std::collections::BTreeSet;

use jetspace_jet::{Batch, CotangentTile, Engine, JetTile, Real};

use crate::Error;
use crate::collocation::{Collocation, Points};
use crate::method::TermKind;
use crate::problem::{Place, Problem};
use crate::study::{Method, Study, Variant};
use crate::targets;
use group::Group;

/// A loss over jets of a network: Σ weight × mean of squares.
///
/// The mean is over points and over residual components, as in the published programs. The
/// parameters are those of the network, and then the problem's unknowns.
pub struct Objective<T: Real> {
    groups: Vec<Group<T>>,
    labels: Vec<String>,
    network_parameters: usize,
    unknowns: usize,
}

/// A value of an objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The sum of all terms.
    pub total: f64,
    /// Each term, weighted.
    pub terms: Vec<f64>,
}

impl<T: Real> Objective<T> {
    /// The objective of a method at the study's points.
    ///
    /// # Errors
    /// Data that is neither in a file nor known from the truth.
    pub fn new(
        study: &Study,
        method: &Method,
        variant: &Variant,
        collocation: &Collocation,
        seed: u64,
    ) -> Result<Self, Error> {
        let problem = &study.problem;
        let interior: Vec<usize> = (0..method.terms.len())
            .filter(|&t| !matches!(method.terms[t].kind, TermKind::Condition(_)))
            .collect();
        let data = data(problem, method, &interior, &collocation.interior, variant, seed)?;
        let build = |terms: &[usize], points: &Points, data: &[Vec<f64>], pair, batch| {
            Group::new(study, method, terms, points, data, pair, batch)
        };
        let mut groups = Vec::new();
        if !interior.is_empty() {
            groups.push(build(&interior, &collocation.interior, &data, None, study.points.batch)?);
        }
        for (t, term) in method.terms.iter().enumerate() {
            let TermKind::Condition(number) = term.kind else { continue };
            let pair = match problem.conditions[number].place {
                Place::Pair(coordinate) => {
                    Some((coordinate, problem.coordinates[coordinate].range.1))
                }
                _ => None,
            };
            let points = &collocation.conditions[number];
            groups.push(build(&[t], points, &[], pair, study.points.condition_batch)?);
        }
        Ok(Self {
            groups,
            labels: method.terms.iter().map(|t| t.label.clone()).collect(),
            network_parameters: study.network.parameter_count(),
            unknowns: problem.parameters.iter().filter(|p| p.unknown).count(),
        })
    }

    /// The names of the terms.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many parameters it depends on: those of the network, and the unknowns.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.network_parameters + self.unknowns
    }

    /// What plans the engine follows, one line for each point set.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        self.groups.iter().map(Group::describe).collect()
    }

    /// Chooses the mini-batch of a step, where there are mini-batches: in each pass over a point
    /// set its points come in a new order, which depends on seed and pass alone.
    pub fn select(&mut self, seed: u64, step: u64) {
        for (number, group) in self.groups.iter_mut().enumerate() {
            group.select(seed, number, step);
        }
    }

    /// The loss at these parameters, and its gradient.
    ///
    /// # Errors
    /// The engine's, e.g. for a wrong number of parameters.
    pub fn gradient(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
        gradient: &mut [T],
    ) -> Result<Loss, Error> {
        let (weights, unknowns) =
            parameters.split_at(self.network_parameters.min(parameters.len()));
        for group in &mut self.groups {
            group.begin();
        }
        let losses: Vec<_> = self
            .groups
            .iter()
            .map(|group| {
                move |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
                    group.tile_loss(jets, cotangents, unknowns)
                }
            })
            .collect();
        let batches: Vec<Batch<'_, T>> = self
            .groups
            .iter()
            .zip(&losses)
            .map(|(group, loss)| Batch::new(group.plan(), group.points(), loss))
            .collect();
        let (of_weights, of_unknowns) =
            gradient.split_at_mut(self.network_parameters.min(parameters.len()));
        engine.gradient(weights, &batches, of_weights)?;
        let mut terms = vec![0.0; self.labels.len()];
        let mut slopes = vec![0.0; self.unknowns];
        for group in &self.groups {
            group.collect(&mut terms, &mut slopes);
        }
        for (target, slope) in of_unknowns.iter_mut().zip(slopes) {
            *target = T::from_f64(slope);
        }
        Ok(Loss { total: terms.iter().sum(), terms })
    }

    /// The first term that is not finite at these parameters, and the first point at fault.
    ///
    /// # Errors
    /// The engine's.
    pub fn first_not_finite(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<Option<(String, Vec<f64>)>, Error> {
        let (weights, unknowns) =
            parameters.split_at(self.network_parameters.min(parameters.len()));
        for group in &self.groups {
            if let Some((term, point)) = group.first_not_finite(engine, weights, unknowns)? {
                return Ok(Some((self.labels[term].clone(), point)));
            }
        }
        Ok(None)
    }
}

/// The columns of data that the interior's terms need.
fn data(
    problem: &Problem,
    method: &Method,
    interior: &[usize],
    points: &Points,
    variant: &Variant,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut graph = problem.graph.clone();
    let residuals: Vec<_> = interior
        .iter()
        .flat_map(|&t| method.terms[t].kind.residuals(problem, &mut graph))
        .collect();
    let wanted: BTreeSet<usize> = graph
        .symbols(&residuals)
        .into_iter()
        .filter_map(|symbol| match symbol {
            jetspace_expr::Symbol::Column(number) => Some(number),
            _ => None,
        })
        .collect();
    targets::data(problem, points, &variant.targets, &wanted, seed)
}
