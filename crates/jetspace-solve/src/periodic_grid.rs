//! Boxes whose opposite sides are one: nodes, Fourier modes, and the way from one to the other.

use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

use jetspace_jet::MultiIndex;
use realfft::num_complex::Complex64;
use realfft::num_traits::Zero;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use crate::SolveError;

/// Most nodes of a grid.
const MOST_NODES: usize = 1 << 26;

/// Nodes xⱼ = lower end + j (width / n) along each axis, the last varying fastest, and the modes
/// exp(iκ·x) that are kept.
///
/// A mode is kept if 3|k| < n along every axis, so that products of two fields alias into no mode
/// that is kept (the rule of 2/3: Orszag 1971, doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2).
#[derive(Clone)]
pub struct PeriodicGrid {
    pub(crate) ranges: Vec<(f64, f64)>,
    nodes: Vec<usize>,
    /// Where the kept modes are in the half spectrum.
    places: Vec<usize>,
    /// κ of the kept modes, axis by axis.
    waves: Vec<Vec<f64>>,
    along_last: (Arc<dyn RealToComplex<f64>>, Arc<dyn ComplexToReal<f64>>),
    /// Along all axes but the last.
    along_others: Vec<BothWays>,
}

#[derive(Clone)]
struct BothWays {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl fmt::Debug for PeriodicGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ranges, nodes, .. } = self;
        f.debug_struct("PeriodicGrid").field("ranges", ranges).field("nodes", nodes).finish()
    }
}

impl PeriodicGrid {
    /// A grid over a box, with a number of nodes along each axis.
    ///
    /// # Errors
    /// No axis, an empty range, no nodes, or too many.
    pub fn new(ranges: &[(f64, f64)], nodes: &[usize]) -> Result<Self, SolveError> {
        if ranges.len() != nodes.len() || nodes.is_empty() {
            let expected = format!("a number of nodes for each of {} axes", ranges.len());
            return Err(SolveError::argument(expected, &nodes.len()));
        }
        if let Some((low, high)) =
            ranges.iter().find(|(low, high)| (high - low).is_nan() || high <= low)
        {
            return Err(SolveError::argument(
                "a range that is not empty",
                &format!("{low}, {high}"),
            ));
        }
        let total = nodes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if !total.is_some_and(|total| (1..=MOST_NODES).contains(&total)) {
            let expected = format!("1 to {MOST_NODES} nodes in all");
            return Err(SolveError::argument(expected, &format!("{nodes:?}")));
        }
        let last = nodes[nodes.len() - 1];
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let along_last = (real.plan_fft_forward(last), real.plan_fft_inverse(last));
        let others = nodes[..nodes.len() - 1].iter();
        let along_others = others.map(|&n| BothWays {
            forward: complex.plan_fft_forward(n),
            inverse: complex.plan_fft_inverse(n),
        });
        let along_others = along_others.collect();
        let (places, waves) = kept_modes(ranges, nodes);
        let (ranges, nodes) = (ranges.to_vec(), nodes.to_vec());
        Ok(Self { ranges, nodes, places, waves, along_last, along_others })
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.iter().product()
    }

    /// Whether there are no nodes: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coordinates of the nodes, a column for each axis.
    #[must_use]
    pub fn coordinates(&self) -> Vec<Vec<f64>> {
        let mut after = self.len();
        let columns = self.ranges.iter().zip(&self.nodes).map(|((low, high), &n)| {
            after /= n;
            let place = |node: usize| low + (high - low) * ((node / after % n) as f64 / n as f64);
            (0..self.len()).map(place).collect()
        });
        columns.collect()
    }

    /// The number of modes that are kept; of a pair that is conjugate one counts.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.places.len()
    }

    /// κ of the kept modes, axis by axis.
    pub(crate) fn waves(&self) -> &[Vec<f64>] {
        &self.waves
    }

    /// What D^α multiplies each kept mode by: Π (iκ_a)^{α_a}. `space` are the coordinates of the
    /// axes.
    pub(crate) fn symbol(&self, index: MultiIndex, space: &[usize]) -> Vec<Complex64> {
        let symbol = |mode: usize| {
            let factor = |(&coordinate, waves): (&usize, &Vec<f64>)| {
                let power = i32::try_from(index.exponent(coordinate)).unwrap_or(0);
                Complex64::new(0.0, waves[mode]).powi(power)
            };
            space.iter().zip(&self.waves).map(factor).product()
        };
        (0..self.modes()).map(symbol).collect()
    }

    /// The kept modes of values at the nodes, so that u = Σ û exp(iκ·(x − lower end)). `values` is
    /// used up.
    pub(crate) fn forward(&self, values: &mut [f64], modes: &mut [Complex64]) {
        let scale = 1.0 / self.len() as f64;
        let mut spectrum = self.empty_spectrum();
        let row = self.row();
        let rows = values.chunks_exact_mut(self.last()).zip(spectrum.chunks_exact_mut(row));
        for (values, spectrum) in rows {
            // Lengths fit: the plan was made for them.
            let _ = self.along_last.0.process(values, spectrum);
        }
        self.transform_others(&mut spectrum, |both| both.forward.as_ref());
        for (mode, &place) in modes.iter_mut().zip(&self.places) {
            *mode = spectrum[place] * scale;
        }
    }

    /// Values at the nodes.
    pub(crate) fn inverse(&self, modes: impl Iterator<Item = Complex64>, values: &mut [f64]) {
        let mut spectrum = self.empty_spectrum();
        for (mode, &place) in modes.zip(&self.places) {
            spectrum[place] = mode;
        }
        self.transform_others(&mut spectrum, |both| both.inverse.as_ref());
        let row = self.row();
        let rows = values.chunks_exact_mut(self.last()).zip(spectrum.chunks_exact_mut(row));
        for (values, spectrum) in rows {
            // Real but for rounding.
            spectrum[0].im = 0.0;
            let _ = self.along_last.1.process(spectrum, values);
        }
    }

    fn transform_others<'a>(
        &'a self,
        spectrum: &mut [Complex64],
        plan: impl Fn(&'a BothWays) -> &'a dyn Fft<f64>,
    ) {
        let mut stride = self.row();
        for (plans, &n) in self.along_others.iter().zip(&self.nodes).rev() {
            let plan = plan(plans);
            let mut line = vec![Complex64::zero(); n];
            for block in spectrum.chunks_exact_mut(stride * n) {
                for offset in 0..stride {
                    let at = |i: usize| offset + i * stride;
                    line.iter_mut().enumerate().for_each(|(i, z)| *z = block[at(i)]);
                    plan.process(&mut line);
                    line.iter().enumerate().for_each(|(i, z)| block[at(i)] = *z);
                }
            }
            stride *= n;
        }
    }

    fn empty_spectrum(&self) -> Vec<Complex64> {
        vec![Complex64::zero(); self.len() / self.last() * self.row()]
    }

    fn last(&self) -> usize {
        self.nodes[self.nodes.len() - 1]
    }

    /// The length of a row of the half spectrum.
    fn row(&self) -> usize {
        self.last() / 2 + 1
    }
}

/// Places in the half spectrum and wave numbers of the modes that are kept.
fn kept_modes(ranges: &[(f64, f64)], nodes: &[usize]) -> (Vec<usize>, Vec<Vec<f64>>) {
    let mut places = vec![0];
    let mut waves: Vec<Vec<f64>> = Vec::new();
    for (axis, (&n, (low, high))) in nodes.iter().zip(ranges).enumerate() {
        let is_last = axis + 1 == nodes.len();
        let length = if is_last { n / 2 + 1 } else { n };
        // (place, κ) along this axis; the last has no negative wave numbers.
        let along: Vec<(usize, f64)> = (0..length)
            .map(|j| if 2 * j > n { (j, -((n - j) as f64)) } else { (j, j as f64) })
            .filter(|(_, k)| 3.0 * k.abs() < n as f64)
            .map(|(j, k)| (j, TAU / (high - low) * k))
            .collect();
        for column in &mut waves {
            *column = column.iter().flat_map(|&wave| along.iter().map(move |_| wave)).collect();
        }
        waves.push(places.iter().flat_map(|_| along.iter().map(|&(_, wave)| wave)).collect());
        places = places
            .iter()
            .flat_map(|&place| along.iter().map(move |&(j, _)| place * length + j))
            .collect();
    }
    (places, waves)
}
