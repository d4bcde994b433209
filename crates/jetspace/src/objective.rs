//! Objectives: weighted means of squared residuals over point sets, with their gradients; and one
//! term that is not of this kind, the projection of second derivatives.
//!
//! Terms on the same points share one evaluation of the jets. What depends on points alone (source
//! terms, data) is evaluated once, in f64, when the objective is made.

mod changes;
mod group;
mod projection;
mod residuals;
mod selection;

use std::collections::BTreeSet;

use jetspace_jet::{Batch, CotangentTile, Engine, JetTile, Real};

use crate::Error;
use crate::collocation::{Collocation, Points};
use crate::method::TermKind;
use crate::problem::{Place, Problem};
use crate::study::{Method, Study, Variant};
use crate::targets;
use group::Group;
use projection::Projection;
use selection::TermPoints;

/// A loss over jets of a network: Σ weight × mean of squares.
///
/// The mean is over points and over residual components, as in the published programs. The
/// parameters are those of the network, and then the problem's unknowns.
pub struct Objective<T: Real> {
    groups: Vec<Group<T>>,
    projections: Vec<Projection<T>>,
    labels: Vec<String>,
    weights: Vec<f64>,
    /// The points of the first group, if they may be moved.
    movable: Option<Points>,
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

/// A function of a tile of a group's jets, which fills their cotangents ([`Objective::sum_groups`]).
type TileFunction<'a, T> =
    dyn Fn(&Group<T>, usize, &JetTile<'_, T>, &mut CotangentTile<'_, T>, &[T]) -> f64 + Sync + 'a;

impl<T: Real> Objective<T> {
    /// The objective of a method at the study's points.
    ///
    /// # Errors
    /// Data that is neither in a file nor known from the truth; points that are not the study's.
    pub fn new(
        study: &Study,
        method: &Method,
        variant: &Variant,
        collocation: &Collocation,
        seed: u64,
    ) -> Result<Self, Error> {
        let problem = &study.problem;
        let measured = collocation.data.as_ref().unwrap_or(&collocation.interior);
        let data = data(problem, method, measured, variant, seed)?;
        let batch = study.points.batch;
        let of = |number, points, data| TermPoints { number, points, data, pair: None, batch };
        let separate = collocation.data.is_some();
        let inside = of(0, &collocation.interior, if separate { &[] } else { &data[..] });
        // The numbers before are those of the conditions.
        let number = if separate { problem.conditions.len() + 1 } else { 0 };
        let measured = of(number, measured, &data[..]);
        let is_measured = |kind: &TermKind| !kind.columns(problem).is_empty();
        let (mut interior, mut elsewhere) = (Vec::new(), Vec::new());
        let (mut conditions, mut projections) = (Vec::new(), Vec::new());
        for (t, term) in method.terms.iter().enumerate() {
            match &term.kind {
                TermKind::Condition(number) => {
                    let place = condition_points(study, collocation, *number)?;
                    conditions.push(Group::new(study, method, &[t], &place)?);
                }
                TermKind::HessianProjection => {
                    projections.push(Projection::new(study, t, term, &measured)?);
                }
                kind if separate && is_measured(kind) => elsewhere.push(t),
                _ => interior.push(t),
            }
        }
        let has_interior = !interior.is_empty();
        let mut groups = Vec::new();
        for (terms, place) in [(interior, inside), (elsewhere, measured)] {
            if !terms.is_empty() {
                groups.push(Group::new(study, method, &terms, &place)?);
            }
        }
        let is_movable = |group: &Group<T>| has_interior && group.is_movable();
        let movable = groups.first().filter(|group| is_movable(group));
        let movable = movable.map(|_| collocation.interior.clone());
        groups.extend(conditions);
        let mut objective = Self {
            groups,
            projections,
            labels: method.terms.iter().map(|t| t.label.clone()).collect(),
            weights: method.terms.iter().map(|t| t.weight).collect(),
            movable,
            network_parameters: study.network.parameter_count(),
            unknowns: problem.parameters.iter().filter(|p| p.unknown).count(),
        };
        objective.select(seed, 0);
        Ok(objective)
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

    /// What plans the engine follows, one line for each point set and each projection.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let groups = self.groups.iter().map(Group::describe);
        groups.chain(self.projections.iter().map(Projection::describe)).collect()
    }

    /// Whether it differs from one evaluation to the next: mini-batches, or random directions.
    #[must_use]
    pub fn is_stochastic(&self) -> bool {
        !self.projections.is_empty() || self.groups.iter().any(Group::has_batches)
    }

    /// From now on all points in every evaluation, or mini-batches where the study wants them, as at the
    /// start: points are then to be chosen by [`select`](Self::select).
    pub fn use_all_points(&mut self, all: bool) {
        self.groups.iter_mut().for_each(|group| group.use_all(all));
        self.projections.iter_mut().for_each(|projection| projection.use_all(all));
    }

    /// Chooses what is random in an evaluation; `evaluation` counts from 0, which it starts with.
    ///
    /// In each pass over a point set the mini-batches come in a new order, which depends on seed and
    /// pass alone. Directions of projections depend on seed and evaluation alone.
    pub fn select(&mut self, seed: u64, evaluation: u64) {
        for group in &mut self.groups {
            group.select(seed, evaluation);
        }
        for projection in &mut self.projections {
            projection.select(seed, evaluation);
        }
    }

    /// The loss at these parameters, and its gradient.
    ///
    /// # Errors
    /// A wrong number of parameters or of places for the gradient; the engine's.
    pub fn gradient(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
        gradient: &mut [T],
    ) -> Result<Loss, Error> {
        let tile_loss: &TileFunction<'_, T> =
            &|group, _, jets, cotangents, unknowns| group.tile_loss(jets, cotangents, unknowns);
        let mut terms = self.sum_groups(engine, parameters, gradient, tile_loss)?;
        let (weights, _) = self.split(parameters)?;
        for projection in &self.projections {
            let gradient = &mut gradient[..self.network_parameters];
            terms[projection.term()] = projection.gradient(engine, weights, gradient)?;
        }
        Ok(Loss { total: terms.iter().sum(), terms })
    }

    /// Sums of a function of tiles, and its gradient: `tile_function` gets a group, its number, jets,
    /// their cotangents to be filled, and the unknowns.
    fn sum_groups(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
        gradient: &mut [T],
        tile_function: &TileFunction<'_, T>,
    ) -> Result<Vec<f64>, Error> {
        let (weights, unknowns) = self.split(parameters)?;
        self.check("places for the gradient", gradient.len())?;
        let (of_weights, of_unknowns) = gradient.split_at_mut(self.network_parameters);
        for group in &mut self.groups {
            group.begin();
        }
        let functions: Vec<_> = self
            .groups
            .iter()
            .enumerate()
            .map(|(number, group)| {
                move |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
                    tile_function(group, number, jets, cotangents, unknowns)
                }
            })
            .collect();
        let batches: Vec<Batch<'_, T>> = self
            .groups
            .iter()
            .zip(&functions)
            .map(|(group, function)| Batch::new(group.plan(), group.points(), function))
            .collect();
        engine.gradient(weights, &batches, of_weights)?;
        let mut terms = vec![0.0; self.labels.len()];
        let mut slopes = vec![0.0; self.unknowns];
        for group in &self.groups {
            group.collect(&mut terms, &mut slopes);
        }
        for (target, slope) in of_unknowns.iter_mut().zip(slopes) {
            *target = T::from_f64(slope);
        }
        Ok(terms)
    }

    /// The first term that is not finite at these parameters, and the first point at fault.
    ///
    /// # Errors
    /// A wrong number of parameters; the engine's.
    pub fn first_not_finite(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<Option<(String, Vec<f64>)>, Error> {
        let (weights, unknowns) = self.split(parameters)?;
        for group in &self.groups {
            if let Some((term, point)) = group.first_not_finite(engine, weights, unknowns)? {
                return Ok(Some((self.labels[term].clone(), point)));
            }
        }
        for projection in &self.projections {
            if let Some(point) = projection.first_not_finite(engine, weights)? {
                return Ok(Some((self.labels[projection.term()].clone(), point)));
            }
        }
        Ok(None)
    }

    /// The parameters of the network, and the unknowns.
    fn split<'a>(&self, parameters: &'a [T]) -> Result<(&'a [T], &'a [T]), Error> {
        self.check("parameters", parameters.len())?;
        Ok(parameters.split_at(self.network_parameters))
    }

    fn check(&self, what: &str, found: usize) -> Result<(), Error> {
        let expected = self.parameter_count();
        if found == expected {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "expected {expected} {what}, found {found}: give one for each weight and bias of the \
             network, then one for each unknown"
        )))
    }
}

/// Where a condition is evaluated.
fn condition_points<'a>(
    study: &Study,
    collocation: &'a Collocation,
    number: usize,
) -> Result<TermPoints<'a>, Error> {
    let Study { problem, points: plan, .. } = study;
    let (conditions, points) = (&problem.conditions, &collocation.conditions);
    let Some((condition, points)) = conditions.get(number).zip(points.get(number)) else {
        return Err(Error::Argument(format!(
            "expected condition {number} (from 0) and its points, found {} conditions and {} point \
             sets: take all from the same study",
            conditions.len(),
            points.len()
        )));
    };
    let pair = match condition.place {
        Place::Pair(axis) => problem.coordinates.get(axis).map(|c| (axis, c.range.1)),
        _ => None,
    };
    Ok(TermPoints { number: number + 1, points, data: &[], pair, batch: plan.condition_batch })
}

/// The columns of data that the terms inside need.
fn data(
    problem: &Problem,
    method: &Method,
    points: &Points,
    variant: &Variant,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    let (expected, found) = (problem.coordinates.len(), points.coordinates.len());
    if found != expected {
        return Err(Error::Argument(format!(
            "expected points with {expected} coordinates, found {found}: take problem and points \
             from the same study"
        )));
    }
    let wanted: BTreeSet<usize> =
        method.terms.iter().flat_map(|term| term.kind.columns(problem)).collect();
    targets::data(problem, points, &variant.targets, &wanted, seed)
}
