//! What may change about an objective between two iterations of an optimiser: points that have no
//! data, factors of terms, and weights of points; and what a change goes by.

use jetspace_jet::{Engine, Real};

use super::{Group, Objective};
use crate::Error;
use crate::collocation::Points;

impl<T: Real> Objective<T> {
    /// The points inside, unless data is compared there, in the present or in a term of its own.
    #[must_use]
    pub fn movable_points(&self) -> Option<&Points> {
        self.movable.as_ref()
    }

    /// The terms that are compared there.
    #[must_use]
    pub fn movable_terms(&self) -> Vec<usize> {
        self.movable_group().map_or_else(Vec::new, |group| group.terms().to_vec())
    }

    /// The number of points, or pairs, of a term; 0 for projections.
    #[must_use]
    pub fn points_of(&self, term: usize) -> usize {
        self.group_of(term).map_or(0, |group| group.all().len)
    }

    /// Replaces these points; their weights are 1 again. Mini-batches are chosen at the next
    /// [`select`](Self::select).
    ///
    /// # Errors
    /// There are none that may be moved; a wrong number of coordinates.
    pub fn move_points(&mut self, points: Points) -> Result<(), Error> {
        let movable = self.groups.first_mut().zip(self.movable.as_mut());
        let (group, old) = movable.ok_or_else(fixed_points)?;
        group.move_to(&points)?;
        *old = points;
        Ok(())
    }

    /// The weighted sum of squares of the terms on the movable points, at other points: one number
    /// for each.
    ///
    /// # Errors
    /// There are no such terms; a wrong number of coordinates or parameters; the engine's.
    pub fn squares_at(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
        points: &Points,
    ) -> Result<Vec<f64>, Error> {
        let (weights, unknowns) = self.split(parameters)?;
        let group = self.movable_group().ok_or_else(fixed_points)?;
        let columns = group.columns_at(points)?;
        let of_terms = group.squares(engine, weights, unknowns, &columns)?;
        let mut sums = vec![0.0; points.len()];
        for (&term, squares) in group.terms().iter().zip(&of_terms) {
            let weight = self.weights[term];
            sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += weight * square);
        }
        Ok(sums)
    }

    /// For each term the mean of the squares of its components, without weights, at each of its
    /// points; empty for projections.
    ///
    /// # Errors
    /// A wrong number of parameters; the engine's.
    pub fn squares(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (weights, unknowns) = self.split(parameters)?;
        let mut of_terms = vec![Vec::new(); self.labels.len()];
        for group in &self.groups {
            let squares = group.squares(engine, weights, unknowns, group.all())?;
            for (&term, squares) in group.terms().iter().zip(squares) {
                of_terms[term] = squares;
            }
        }
        Ok(of_terms)
    }

    /// A coordinate of each point of a term, of pairs of the lower one.
    #[must_use]
    pub fn coordinate(&self, term: usize, axis: usize) -> Vec<f64> {
        let Some(all) = self.group_of(term).map(Group::all) else { return Vec::new() };
        let rows = all.coordinates.chunks_exact((all.len * all.copies).max(1));
        rows.skip(axis).take(1).flatten().step_by(all.copies).map(|x| x.to_f64()).collect()
    }

    /// Multiplies each term, besides its weight, by a factor from now on.
    pub fn set_factors(&mut self, factors: &[f64]) {
        for group in &mut self.groups {
            for place in 0..group.terms().len() {
                if let Some(&factor) = factors.get(group.terms()[place]) {
                    group.set_factor(place, factor);
                }
            }
        }
        for projection in &mut self.projections {
            if let Some(&factor) = factors.get(projection.term()) {
                projection.set_factor(factor);
            }
        }
    }

    /// Multiplies the squares of a term at each of its points by a weight from now on.
    pub fn set_point_weights(&mut self, term: usize, weights: &[f64]) {
        for group in &mut self.groups {
            if let Some(place) = group.terms().iter().position(|&t| t == term) {
                group.set_point_weights(place, weights);
            }
        }
    }

    /// Each term as if it were alone, with a factor of 1: its loss and the norm of its gradient.
    /// Factors are 1 afterwards.
    ///
    /// # Errors
    /// A wrong number of parameters; the engine's.
    pub fn term_gradients(
        &mut self,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<Vec<(f64, f64)>, Error> {
        let mut gradient = vec![T::ZERO; parameters.len()];
        let mut found = Vec::new();
        for term in 0..self.labels.len() {
            let mut alone = vec![0.0; self.labels.len()];
            alone[term] = 1.0;
            self.set_factors(&alone);
            let loss = self.gradient(engine, parameters, &mut gradient)?;
            let squares = gradient.iter().map(|slope| slope.to_f64() * slope.to_f64());
            found.push((loss.terms[term], squares.sum::<f64>().sqrt()));
        }
        self.set_factors(&vec![1.0; self.labels.len()]);
        Ok(found)
    }

    /// The trace of each term's neural tangent kernel, Σ ‖∂r/∂θ‖² over its residuals, scaled so that
    /// its loss is the sum of their squares; 0 for projections.
    ///
    /// # Errors
    /// A wrong number of parameters; the engine's.
    pub fn kernel_traces(
        &self,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<Vec<f64>, Error> {
        let (weights, unknowns) = self.split(parameters)?;
        let mut traces = vec![0.0; self.labels.len()];
        for group in &self.groups {
            let of_group = group.kernel_traces(engine, weights, unknowns)?;
            for (&term, trace) in group.terms().iter().zip(of_group) {
                traces[term] = trace;
            }
        }
        Ok(traces)
    }

    /// The terms inside are the first group.
    fn movable_group(&self) -> Option<&Group<T>> {
        self.groups.first().filter(|_| self.movable.is_some())
    }

    fn group_of(&self, term: usize) -> Option<&Group<T>> {
        self.groups.iter().find(|group| group.terms().contains(&term))
    }
}

fn fixed_points() -> Error {
    let message = "expected points inside that can be moved, found none: data is compared there";
    Error::Argument(message.to_owned())
}
