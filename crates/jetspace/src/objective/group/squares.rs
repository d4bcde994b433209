//! The squares of a group's residuals point by point, without derivatives by the parameters.

use jetspace_expr::Scratch;
use jetspace_jet::{Engine, InstructionSet, Points as EnginePoints, Real};

use super::{Binding, Columns, Group};
use crate::Error;

/// Points, or pairs, whose jets are held at a time.
const CHUNK: usize = 4096;

impl<T: Real> Group<T> {
    /// Of each term at each point the mean of the squares of its components, without weights.
    pub fn squares(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
        columns: &Columns<T>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (copies, components) = (columns.copies, self.plan.jets().len());
        let mut squares = vec![vec![0.0; columns.len]; self.terms.len()];
        let (mut scratch, mut jets) = (Scratch::new(InstructionSet::best()), Vec::new());
        let mut values = vec![Vec::new(); self.residuals.len()];
        let mut pairs = vec![Vec::new(); self.bindings.len()];
        for first in (0..columns.len).step_by(CHUNK) {
            let len = CHUNK.min(columns.len - first);
            let engine_len = len * copies;
            let all = columns.coordinates.chunks_exact(columns.len * copies);
            let chunk: Vec<T> =
                all.flat_map(|column| &column[first * copies..][..engine_len]).copied().collect();
            jets.resize(self.plan.outputs() * components * engine_len, T::ZERO);
            engine.jets(&self.plan, weights, EnginePoints::new(engine_len, &chunk), &mut jets)?;
            let row = |field, component| &jets[(field * components + component) * engine_len..];
            if copies > 1 {
                for (binding, pair) in self.bindings.iter().zip(&mut pairs) {
                    if let Binding::Jet { field, component, other } = *binding {
                        let row = row(field, component)[..engine_len].iter();
                        pair.clear();
                        pair.extend(row.skip(usize::from(other)).step_by(copies).copied());
                    }
                }
            }
            let mut inputs: Vec<&[T]> = Vec::with_capacity(self.bindings.len());
            for (binding, pair) in self.bindings.iter().zip(&pairs) {
                inputs.push(match *binding {
                    Binding::Jet { .. } if copies > 1 => pair,
                    Binding::Jet { field, component, .. } => &row(field, component)[..len],
                    Binding::Known(n) => &columns.known[n][first..first + len],
                    Binding::Unknown(n) => unknowns.get(n..=n).unwrap_or(&[]),
                });
            }
            for column in &mut values {
                column.resize(len, T::ZERO);
            }
            let mut outputs: Vec<&mut [T]> = values.iter_mut().map(Vec::as_mut_slice).collect();
            self.program.evaluate(&inputs, len, &mut scratch, &mut outputs)?;
            for (residual, values) in self.residuals.iter().zip(&values) {
                let of_term = self.residuals.iter().filter(|other| other.term == residual.term);
                let share = 1.0 / of_term.count() as f64;
                for (sum, value) in squares[residual.term][first..].iter_mut().zip(values) {
                    *sum += share * value.to_f64() * value.to_f64();
                }
            }
        }
        Ok(squares)
    }

    /// The first term with a residual that is not finite, and the coordinates of the point.
    pub fn first_not_finite(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
    ) -> Result<Option<(usize, Vec<f64>)>, Error> {
        let squares = self.squares(engine, weights, unknowns, self.columns())?;
        let find = |of_term: &Vec<f64>| of_term.iter().position(|square| !square.is_finite());
        let mut found = self.terms.iter().zip(&squares);
        Ok(found.find_map(|(&term, of_term)| Some((term, self.columns().point(find(of_term)?)))))
    }
}
