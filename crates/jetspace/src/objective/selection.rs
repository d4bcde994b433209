//! The points of a group of terms, and those of them that a step uses: all, or a mini-batch.

use jetspace_jet::{Points as EnginePoints, Real};

use crate::Error;
use crate::collocation::Points;
use crate::random::Purpose;

/// Where terms are evaluated.
#[derive(Clone, Copy)]
pub struct TermPoints<'a> {
    /// Terms of the same number get the same mini-batches: 0 inside, then the conditions.
    pub number: usize,
    pub points: &'a Points,
    /// Columns of data, one for each of [`Problem::data_columns`](crate::Problem::data_columns).
    pub data: &'a [Vec<f64>],
    /// The coordinate whose upper end `other` is at, and that end.
    pub pair: Option<(usize, f64)>,
    /// Points, or pairs, that a step uses.
    pub batch: Option<usize>,
}

/// What the points bring along.
pub struct Columns<T> {
    /// Points, or pairs of points.
    pub len: usize,
    /// Coordinate by coordinate, for the engine; pairs stand side by side: lower, upper, lower, …
    pub coordinates: Vec<T>,
    /// What is known of each point or pair: constants, data, coordinates.
    pub known: Vec<Vec<T>>,
    /// 2 for pairs, otherwise 1.
    pub copies: usize,
}

impl<T: Real> Columns<T> {
    /// Points, or pairs whose upper ends are at a place along a coordinate, and what is known of
    /// them.
    ///
    /// # Errors
    /// Columns of different lengths.
    pub fn new(
        points: &Points,
        pair: Option<(usize, f64)>,
        known: &[Vec<f64>],
    ) -> Result<Self, Error> {
        let expected = points.len();
        let mut lengths = points.coordinates.iter().chain(known).map(Vec::len);
        if let Some(found) = lengths.find(|&found| found != expected) {
            return Err(Error::Argument(format!(
                "expected columns of {expected} points, found one of {found}: give every point all \
                 of its coordinates and data"
            )));
        }
        Ok(Self {
            len: expected,
            coordinates: interleave(&points.coordinates, pair),
            known: known.iter().map(|column| rounded(column)).collect(),
            copies: if pair.is_some() { 2 } else { 1 },
        })
    }

    /// As the engine takes them.
    pub fn points(&self) -> EnginePoints<'_, T> {
        EnginePoints::new(self.len * self.copies, &self.coordinates)
    }

    /// The coordinates of one point, of a pair those of the lower one.
    pub fn point(&self, p: usize) -> Vec<f64> {
        let rows = self.coordinates.chunks_exact((self.len * self.copies).max(1));
        rows.filter_map(|row| row.get(p * self.copies)).map(|x| x.to_f64()).collect()
    }
}

impl<T: Real> MiniBatch<T> {
    /// Still without points; nothing if all points fit into it.
    fn new(size: usize, all: &Columns<T>) -> Option<Self> {
        (1..all.len).contains(&size).then(|| Self {
            size,
            pass: None,
            order: Vec::new(),
            columns: Columns {
                len: 0,
                coordinates: Vec::new(),
                known: vec![Vec::new(); all.known.len()],
                copies: all.copies,
            },
        })
    }
}

/// Columns over a point set, and the mini-batch of the present step.
pub struct Selection<T> {
    number: usize,
    all: Columns<T>,
    /// Points of a mini-batch.
    size: Option<usize>,
    /// Whether all points are used nevertheless.
    uses_all: bool,
    batch: Option<MiniBatch<T>>,
}

struct MiniBatch<T> {
    size: usize,
    /// The seed, and the pass over the point set, that `order` belongs to.
    pass: Option<(u64, u64)>,
    order: Vec<usize>,
    columns: Columns<T>,
}

impl<T: Real> Selection<T> {
    /// All points; where there are mini-batches, none until [`select`](Self::select).
    ///
    /// # Errors
    /// Columns of different lengths.
    pub fn new(place: &TermPoints<'_>, known: &[Vec<f64>]) -> Result<Self, Error> {
        let all = Columns::new(place.points, place.pair, known)?;
        let batch = place.batch.and_then(|size| MiniBatch::new(size, &all));
        Ok(Self { number: place.number, all, size: place.batch, uses_all: false, batch })
    }

    /// From now on all points in every step, or mini-batches where they have a size.
    pub fn use_all(&mut self, all: bool) {
        self.uses_all = all;
        self.begin_batches();
    }

    /// Points of a mini-batch, if there are such, are to be chosen anew.
    fn begin_batches(&mut self) {
        let size = self.size.filter(|_| !self.uses_all);
        self.batch = size.and_then(|size| MiniBatch::new(size, &self.all));
    }

    /// All points, whatever a step uses.
    pub fn all(&self) -> &Columns<T> {
        &self.all
    }

    /// Takes other points; where there are mini-batches, none until [`select`](Self::select).
    pub fn replace(&mut self, all: Columns<T>) {
        self.all = all;
        self.begin_batches();
    }

    /// Adds a known column of all points, or replaces the one of this number; returns its number.
    pub fn set_known(&mut self, number: Option<usize>, column: &[f64]) -> usize {
        let column = rounded(column);
        let known = &mut self.all.known;
        let number = number.filter(|&number| number < known.len()).unwrap_or(known.len());
        known.resize(known.len().max(number + 1), Vec::new());
        known[number] = column;
        // Its columns are gathered anew at the next step.
        self.begin_batches();
        number
    }

    /// The columns of the present step.
    pub fn columns(&self) -> &Columns<T> {
        self.batch.as_ref().map_or(&self.all, |batch| &batch.columns)
    }

    /// Points, or pairs, of a step at most.
    pub fn most(&self) -> usize {
        self.batch.as_ref().map_or(self.all.len, |batch| batch.size)
    }

    /// Whether steps use different points.
    pub fn has_batches(&self) -> bool {
        self.batch.is_some()
    }

    /// Gathers the mini-batch of a step: each pass over the points has an order of its own.
    pub fn select(&mut self, seed: u64, step: u64) {
        let all = &self.all;
        let Some(batch) = &mut self.batch else { return };
        let per_pass = all.len.div_ceil(batch.size) as u64;
        let pass = step / per_pass;
        // Less than the number of points.
        let place = usize::try_from(step % per_pass).unwrap_or_default();
        if batch.pass != Some((seed, pass)) {
            let mut stream = Purpose::Batches { group: self.number, pass }.stream(seed);
            batch.order = stream.permutation(all.len);
            batch.pass = Some((seed, pass));
        }
        let from = place * batch.size;
        let chosen = &batch.order[from..(from + batch.size).min(all.len)];
        batch.columns.len = chosen.len();
        batch.columns.coordinates.clear();
        for column in all.coordinates.chunks_exact((all.len * all.copies).max(1)) {
            let points = chosen.iter().flat_map(|&p| &column[p * all.copies..(p + 1) * all.copies]);
            batch.columns.coordinates.extend(points);
        }
        for (target, column) in batch.columns.known.iter_mut().zip(&all.known) {
            target.clear();
            target.extend(chosen.iter().map(|&p| column[p]));
        }
    }
}

/// A column of data or coordinates in the type of the training.
fn rounded<T: Real>(column: &[f64]) -> Vec<T> {
    column.iter().map(|&value| T::from_f64(value)).collect()
}

/// Coordinates for the engine; in a pair the second point is moved to the upper end.
fn interleave<T: Real>(coordinates: &[Vec<f64>], pair: Option<(usize, f64)>) -> Vec<T> {
    let mut all = Vec::new();
    for (i, column) in coordinates.iter().enumerate() {
        for &value in column {
            all.push(T::from_f64(value));
            if let Some((coordinate, end)) = pair {
                all.push(T::from_f64(if coordinate == i { end } else { value }));
            }
        }
    }
    all
}
