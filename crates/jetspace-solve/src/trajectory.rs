//! A solution in time: stored states, and what they say between them.

use jetspace_jet::MultiIndex;
use realfft::num_complex::Complex64;
use realfft::num_traits::Zero;

use crate::finite_difference::weights;
use crate::{Evolution, PeriodicGrid, SolveError};

/// Stored times that a value between them is interpolated from.
const NEIGHBOURS: usize = 10;

/// Modes over which powers of exp(iκx) are multiplied up before they are computed anew.
const RENEWED: usize = 32;

/// Modes of all fields at equally spaced times.
///
/// Derivatives in space are those of the trigonometric polynomials; in time, of the polynomials
/// through ten neighbouring states.
#[derive(Clone, Debug)]
pub struct Trajectory {
    time: usize,
    space: Vec<usize>,
    fields: usize,
    grid: PeriodicGrid,
    times: Vec<f64>,
    /// The modes of all fields, field by field, at each of the times.
    states: Vec<Vec<Complex64>>,
}

impl Trajectory {
    /// One that has only its initial state.
    pub(crate) fn new(
        evolution: &Evolution,
        grid: &PeriodicGrid,
        from: f64,
        state: Vec<Complex64>,
    ) -> Self {
        Self {
            time: evolution.time,
            space: evolution.space.clone(),
            fields: evolution.fields(),
            grid: grid.clone(),
            times: vec![from],
            states: vec![state],
        }
    }

    pub(crate) fn push(&mut self, time: f64, state: Vec<Complex64>) {
        self.times.push(time);
        self.states.push(state);
    }

    /// The times of the stored states.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// D^α uᵢ at points, a column for each (i, α) that is `wanted`; `points` has a column for each
    /// coordinate.
    ///
    /// Points beyond the box are those of its periodic continuation; times beyond the first and last
    /// are extrapolated.
    ///
    /// # Errors
    /// A column of coordinates is missing or has another length, or a field does not exist.
    pub fn jets(
        &self,
        points: &[Vec<f64>],
        wanted: &[(usize, MultiIndex)],
    ) -> Result<Vec<Vec<f64>>, SolveError> {
        let column = |coordinate: usize| {
            let expected = || format!("a column for coordinate {coordinate} (from 0)");
            points.get(coordinate).ok_or_else(|| SolveError::argument(expected(), &points.len()))
        };
        let times = column(self.time)?;
        let places: Result<Vec<&Vec<f64>>, _> = self.space.iter().map(|&c| column(c)).collect();
        let places = places?;
        if let Some(place) = places.iter().find(|place| place.len() != times.len()) {
            let expected = format!("columns of {} points", times.len());
            return Err(SolveError::argument(expected, &place.len()));
        }
        if let Some((field, _)) = wanted.iter().find(|(field, _)| *field >= self.fields) {
            let expected = format!("one of {} fields (from 0)", self.fields);
            return Err(SolveError::argument(expected, field));
        }
        let symbols: Vec<Vec<Complex64>> =
            wanted.iter().map(|(_, index)| self.spatial_symbol(*index)).collect();
        let mut values = vec![vec![0.0; times.len()]; wanted.len()];
        let mut basis = vec![Complex64::zero(); self.grid.modes()];
        let mut at_time = vec![Vec::new(); wanted.len()];
        let mut last = None;
        for (p, &time) in times.iter().enumerate() {
            if last != Some(time) {
                for ((modes, (field, index)), symbol) in
                    at_time.iter_mut().zip(wanted).zip(&symbols)
                {
                    *modes = self.modes_at(*field, time, index.exponent(self.time), symbol);
                }
                last = Some(time);
            }
            let place: Vec<f64> = places.iter().map(|place| place[p]).collect();
            self.basis(&place, &mut basis);
            for (values, modes) in values.iter_mut().zip(&at_time) {
                values[p] = modes.iter().zip(&basis).map(|(m, b)| m.re * b.re - m.im * b.im).sum();
            }
        }
        Ok(values)
    }

    /// D^α in space, and 2 for each mode that stands for a conjugate pair.
    fn spatial_symbol(&self, index: MultiIndex) -> Vec<Complex64> {
        let mut symbol = self.grid.symbol(index, &self.space);
        if let Some(waves) = self.grid.waves().last() {
            for (symbol, _) in symbol.iter_mut().zip(waves).filter(|(_, wave)| **wave > 0.0) {
                *symbol *= 2.0;
            }
        }
        symbol
    }

    /// ∂ᵐ/∂tᵐ of a field's modes, times a symbol.
    fn modes_at(
        &self,
        field: usize,
        time: f64,
        order: usize,
        symbol: &[Complex64],
    ) -> Vec<Complex64> {
        let count = self.times.len().min(NEIGHBOURS);
        let after = self.times.partition_point(|&t| t < time);
        let from = after.saturating_sub(count / 2).min(self.times.len() - count);
        let near = from..from + count;
        let weights = weights(time, &self.times[near.clone()], order);
        let mut modes = vec![Complex64::zero(); symbol.len()];
        for (weight, state) in weights.iter().zip(&self.states[near]) {
            let state = &state[field * modes.len()..][..modes.len()];
            modes.iter_mut().zip(state).for_each(|(sum, mode)| *sum += mode * weight);
        }
        modes.iter_mut().zip(symbol).for_each(|(mode, symbol)| *mode *= symbol);
        modes
    }

    /// exp(iκ·(x − lower end)) of all modes.
    fn basis(&self, place: &[f64], basis: &mut [Complex64]) {
        basis.fill(Complex64::new(1.0, 0.0));
        let axes = place.iter().zip(&self.grid.ranges).zip(self.grid.waves()).enumerate();
        let last = place.len().saturating_sub(1);
        for (axis, ((x, (low, _)), waves)) in axes {
            let x = x - low;
            if axis < last {
                for (basis, wave) in basis.iter_mut().zip(waves) {
                    *basis *= Complex64::cis(wave * x);
                }
                continue;
            }
            // Along the last axis wave numbers are 0, κ, 2κ, …, again and again.
            let ratio = Complex64::cis(waves.get(1).copied().unwrap_or(0.0) * x);
            let mut power = Complex64::new(1.0, 0.0);
            for (n, (basis, wave)) in basis.iter_mut().zip(waves).enumerate() {
                if *wave == 0.0 || n % RENEWED == 0 {
                    power = Complex64::cis(wave * x);
                }
                *basis *= power;
                power *= ratio;
            }
        }
    }
}
