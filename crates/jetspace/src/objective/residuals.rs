//! Objectives as sums of squares: residuals one by one, scaled so that the loss is ‖r‖², and their
//! Jacobian row by row, for methods of Gauss–Newton's kind.

use std::ops::Range;
use std::sync::Mutex;

use jetspace_jet::{Engine, Real};
use jetspace_optim::FactoredBlock;

use super::{Group, Objective, TileFunction};
use crate::Error;

/// What takes a residual and its row of the Jacobian.
pub type TakeRow<'a, T> = dyn FnMut(f64, &[T]) -> Result<(), Error> + 'a;

/// What takes a residual and the factors of its row.
pub type TakeFactors<'a, T> = dyn FnMut(f64, &[FactoredBlock<'_, T>]) -> Result<(), Error> + 'a;

/// Least squares. Residuals come point set by point set, there point by point, and there in the order of
/// the terms.
impl<T: Real> Objective<T> {
    /// The number n of residuals: of points times expressions, over all point sets.
    ///
    /// # Errors
    /// The objective is no fixed sum of squares: it has a projection of second derivatives,
    /// mini-batches, or a negative weight.
    pub fn residual_count(&self) -> Result<usize, Error> {
        self.check_least_squares()?;
        Ok(self.groups.iter().map(Group::residual_count).sum())
    }

    /// r, one number for each residual: √(weight / number of squares in its term) times the
    /// expression's value.
    ///
    /// # Errors
    /// The objective is no fixed sum of squares; a wrong number of parameters or of places; the
    /// engine's.
    pub fn residuals(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
        residuals: &mut [f64],
    ) -> Result<(), Error> {
        let ranges = self.ranges(residuals.len())?;
        let mut rest = residuals;
        let mut of_groups = Vec::new();
        for range in ranges {
            let (of_group, others) = rest.split_at_mut(range.len());
            of_groups.push(Mutex::new(of_group));
            rest = others;
        }
        let keep: &TileFunction<'_, T> = &|group, number, jets, cotangents, unknowns| {
            group.tile_residuals(jets, cotangents, unknowns, &of_groups[number])
        };
        let mut unused = vec![T::ZERO; parameters.len()];
        self.sum_groups(engine, parameters, &mut unused, keep).map(|_| ())
    }

    /// Hands every residual with its row ∂r/∂(parameters) to `take`, in their order.
    ///
    /// Memory does not grow with the number of points.
    ///
    /// # Errors
    /// The objective is no fixed sum of squares; a wrong number of parameters; the engine's; those of
    /// `take`.
    pub fn linearise(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
        take: &mut TakeRow<'_, T>,
    ) -> Result<(), Error> {
        self.check_least_squares()?;
        let (weights, unknowns) = self.split(parameters)?;
        self.groups.iter().try_for_each(|group| group.linearise(engine, weights, unknowns, take))
    }

    /// How many numbers are in the factors of all rows.
    #[must_use]
    pub fn factor_count(&self, engine: &Engine<T>) -> usize {
        self.groups.iter().map(|group| group.factor_count(engine)).sum()
    }

    /// Hands every residual with the factors of its row to `take`, in their order: blocks of the weights
    /// and of the biases of each layer, then of the unknowns. Far fewer numbers than in rows, where layers
    /// are wide, and faster.
    ///
    /// # Errors
    /// As for [`linearise`](Self::linearise).
    pub fn factorise(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
        take: &mut TakeFactors<'_, T>,
    ) -> Result<(), Error> {
        self.check_least_squares()?;
        let (weights, unknowns) = self.split(parameters)?;
        self.groups.iter().try_for_each(|group| group.factorise(engine, weights, unknowns, take))
    }

    /// Jv for the Jacobian J = ∂r/∂(parameters) and a number for each parameter, without J.
    ///
    /// # Errors
    /// The objective is no fixed sum of squares; a wrong number of parameters, of numbers in the vector
    /// or of places for the product; the engine's.
    pub fn push_forward(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
        vector: &[T],
        product: &mut [f64],
    ) -> Result<(), Error> {
        let ranges = self.ranges(product.len())?;
        let (weights, unknowns) = self.split(parameters)?;
        let (of_weights, of_unknowns) = self.split(vector)?;
        for (group, range) in self.groups.iter().zip(ranges) {
            let at = (weights, unknowns);
            group.push_forward(engine, at, (of_weights, of_unknowns), &mut product[range])?;
        }
        Ok(())
    }

    /// Jᵀw for the Jacobian J = ∂r/∂(parameters) and a number for each residual. It costs as much as a
    /// gradient.
    ///
    /// # Errors
    /// The objective is no fixed sum of squares; a wrong number of parameters, of residuals or of
    /// places for the product; the engine's.
    pub fn pull_back(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
        vector: &[f64],
        product: &mut [T],
    ) -> Result<(), Error> {
        let ranges = self.ranges(vector.len())?;
        let pull: &TileFunction<'_, T> = &|group, number, jets, cotangents, unknowns| {
            group.tile_pull_back(jets, cotangents, unknowns, &vector[ranges[number].clone()])
        };
        self.sum_groups(engine, parameters, product, pull).map(|_| ())
    }

    /// Which residuals are those of each group, if `found` is their number.
    fn ranges(&self, found: usize) -> Result<Vec<Range<usize>>, Error> {
        let expected = self.residual_count()?;
        if found != expected {
            let message = format!(
                "expected {expected} numbers, one for each residual, found {found}: ask for \
                 `residual_count`"
            );
            return Err(Error::Argument(message));
        }
        let mut end = 0;
        let range = |group: &Group<T>| {
            let start = end;
            end += group.residual_count();
            start..end
        };
        Ok(self.groups.iter().map(range).collect())
    }

    fn check_least_squares(&self) -> Result<(), Error> {
        let refuse = |what: String, instead: &str| {
            Err(Error::Argument(format!(
                "expected an objective that is a fixed sum of squares, found {what}: {instead}, or \
                 use an optimiser that takes gradients"
            )))
        };
        if let Some(projection) = self.projections.first() {
            return refuse(
                format!("the term {:?}", self.labels[projection.term()]),
                "leave it out",
            );
        }
        if self.groups.iter().any(Group::has_batches) {
            return refuse("mini-batches".to_owned(), "use all points in every step");
        }
        if let Some(term) = self.groups.iter().find_map(Group::negative_weight) {
            let what = format!("a negative weight of the term {:?}", self.labels[term]);
            return refuse(what, "make it positive");
        }
        Ok(())
    }
}
