//! Exponential time differencing with a Runge–Kutta method of fourth order (ETDRK4): the linear part
//! is exact, and the rest costs four evaluations a step.
//!
//! S. M. Cox and P. C. Matthews, "Exponential time differencing for stiff systems", J. Comput. Phys.
//! 176 (2002) 430–455, equations 26–29; coefficients by contour integrals as in A.-K. Kassam and
//! L. N. Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005)
//! 1214–1233.

use std::f64::consts::TAU;

use jetspace_expr::{Scratch, Symbol};
use jetspace_jet::InstructionSet;
use realfft::num_complex::Complex64;
use realfft::num_traits::Zero;

use crate::{Evolution, PeriodicGrid, SolveError, Trajectory};

/// Points on the contour; the mean over 64 is exact to rounding.
const CONTOUR: usize = 64;

/// Nodes at a time in which the nonlinear part is evaluated, so that its memory stays in cache.
const TILE: usize = 1024;

/// Most numbers that a trajectory may hold.
const MOST_STORED: usize = 1 << 28;

/// When and how finely to solve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// The initial time.
    pub from: f64,
    /// The final time.
    pub to: f64,
    /// Steps of equal length, rounded up to a multiple of `stored`.
    pub count: usize,
    /// Intervals between the states that are kept; between these, states are interpolated.
    pub stored: usize,
}

/// Solves an initial-value problem on a periodic box; `initial` holds the nodes' values, field by
/// field; `progress` is told the fraction that is done at each state that is kept.
///
/// # Errors
/// Initial values of the wrong shape, no steps, a final time that is not after the first, more states
/// than fit in memory, or a solution that grows beyond all bounds.
pub fn solve(
    evolution: &Evolution,
    grid: &PeriodicGrid,
    initial: &[Vec<f64>],
    steps: Steps,
    progress: &dyn Fn(f64),
) -> Result<Trajectory, SolveError> {
    let Steps { from, to, count, stored } = steps;
    if initial.len() != evolution.fields() || initial.iter().any(|field| field.len() != grid.len())
    {
        let (fields, nodes) = (evolution.fields(), grid.len());
        let expected = format!("initial values of {fields} fields at {nodes} nodes");
        let found: Vec<usize> = initial.iter().map(Vec::len).collect();
        return Err(SolveError::argument(expected, &format!("{found:?}")));
    }
    if grid.ranges.len() != evolution.space.len() {
        let expected = format!("a grid with {} axes", evolution.space.len());
        return Err(SolveError::argument(expected, &grid.ranges.len()));
    }
    if !(to > from && count > 0 && stored > 0) {
        let expected = "at least one step and one interval, and a final time after the initial one";
        return Err(SolveError::argument(expected, &format!("{steps:?}")));
    }
    let length = evolution.fields() * grid.modes();
    if stored.checked_mul(length).is_none_or(|numbers| numbers > MOST_STORED) {
        let expected = format!("at most {MOST_STORED} modes in all states; store fewer states");
        return Err(SolveError::argument(expected, &format!("{stored} times {length}")));
    }
    let each = count.div_ceil(stored);
    let step = (to - from) / (stored * each) as f64;
    let mut state = vec![Complex64::zero(); length];
    for (field, modes) in initial.iter().zip(state.chunks_exact_mut(grid.modes())) {
        grid.forward(&mut field.clone(), modes);
    }
    let mut stepper = Stepper::new(evolution, grid, step);
    let mut trajectory = Trajectory::new(evolution, grid, from, state.clone());
    for interval in 0..stored {
        for part in 0..each {
            let time = from + step * (interval * each + part) as f64;
            stepper.advance(&mut state, time)?;
        }
        let time = from + (to - from) * (interval + 1) as f64 / stored as f64;
        if state.iter().any(|mode| !mode.is_finite()) {
            return Err(SolveError::NotFinite { time });
        }
        trajectory.push(time, state.clone());
        progress((interval + 1) as f64 / stored as f64);
    }
    Ok(trajectory)
}

/// What ETDRK4 multiplies by, for one mode of one field: functions of z = λ h.
struct Coefficients {
    /// exp(z) and exp(z/2).
    whole: Complex64,
    half: Complex64,
    /// h (exp(z/2) − 1)/z.
    stage: Complex64,
    /// h (−4 − z + eᶻ(4 − 3z + z²))/z³.
    first: Complex64,
    /// 2h (2 + z + eᶻ(z − 2))/z³.
    middle: Complex64,
    /// h (−4 − 3z − z² + eᶻ(4 − z))/z³.
    last: Complex64,
}

impl Coefficients {
    fn new(lambda: Complex64, step: f64) -> Self {
        let center = lambda * step;
        // All are entire functions: their mean over a circle is the value at its centre, and does
        // not cancel near z = 0 as the formulas do.
        let mean = |f: &dyn Fn(Complex64) -> Complex64| -> Complex64 {
            let on_circle = |k| center + Complex64::cis(TAU * (k as f64 + 0.5) / CONTOUR as f64);
            (0..CONTOUR).map(|k| f(on_circle(k))).sum::<Complex64>() * (step / CONTOUR as f64)
        };
        let cube = |z: Complex64| z * z * z;
        Self {
            whole: center.exp(),
            half: (center / 2.0).exp(),
            stage: mean(&|z| ((z / 2.0).exp() - 1.0) / z),
            first: mean(&|z| (-z - 4.0 + z.exp() * (z * z - z * 3.0 + 4.0)) / cube(z)),
            middle: mean(&|z| (z + 2.0 + z.exp() * (z - 2.0)) * 2.0 / cube(z)),
            last: mean(&|z| (-z * z - z * 3.0 - 4.0 + z.exp() * (-z + 4.0)) / cube(z)),
        }
    }
}

/// Advances modes, field by field, by one step at a time.
struct Stepper<'a> {
    nonlinear: Nonlinear<'a>,
    step: f64,
    coefficients: Vec<Coefficients>,
    /// N of the four stages.
    rates: [Vec<Complex64>; 4],
    /// The second and the third stage, and the fourth.
    stages: [Vec<Complex64>; 2],
}

impl<'a> Stepper<'a> {
    fn new(evolution: &'a Evolution, grid: &'a PeriodicGrid, step: f64) -> Self {
        let length = evolution.fields() * grid.modes();
        let mut coefficients = Vec::with_capacity(length);
        for terms in &evolution.linear {
            let mut lambda = vec![Complex64::zero(); grid.modes()];
            for (index, factor) in terms {
                let symbol = grid.symbol(*index, &evolution.space);
                lambda.iter_mut().zip(symbol).for_each(|(sum, s)| *sum += s * factor);
            }
            coefficients.extend(lambda.into_iter().map(|l| Coefficients::new(l, step)));
        }
        let zeros = || vec![Complex64::zero(); length];
        Self {
            nonlinear: Nonlinear::new(evolution, grid),
            step,
            coefficients,
            rates: std::array::from_fn(|_| zeros()),
            stages: std::array::from_fn(|_| zeros()),
        }
    }

    fn advance(&mut self, state: &mut [Complex64], time: f64) -> Result<(), SolveError> {
        let Self { nonlinear, step, coefficients, rates: [n0, na, nb, nc], stages: [a, b] } = self;
        let middle = time + *step / 2.0;
        nonlinear.rate(state, time, n0)?;
        for (i, c) in coefficients.iter().enumerate() {
            a[i] = c.half * state[i] + c.stage * n0[i];
        }
        nonlinear.rate(a, middle, na)?;
        for (i, c) in coefficients.iter().enumerate() {
            b[i] = c.half * state[i] + c.stage * na[i];
        }
        nonlinear.rate(b, middle, nb)?;
        for (i, c) in coefficients.iter().enumerate() {
            b[i] = c.half * a[i] + c.stage * (nb[i] * 2.0 - n0[i]);
        }
        nonlinear.rate(b, time + *step, nc)?;
        for (i, c) in coefficients.iter().enumerate() {
            let change = c.first * n0[i] + c.middle * (na[i] + nb[i]) + c.last * nc[i];
            state[i] = c.whole * state[i] + change;
        }
        Ok(())
    }
}

/// N(t, x, u, ∂u, …) of modes: evaluated at the nodes, and taken back to modes.
struct Nonlinear<'a> {
    evolution: &'a Evolution,
    grid: &'a PeriodicGrid,
    /// For each input of the program that is a derivative of a field: the field, and D^α in modes.
    symbols: Vec<Option<(usize, Vec<Complex64>)>>,
    /// The values of the inputs at the nodes; those of time are missing.
    inputs: Vec<Vec<f64>>,
    outputs: Vec<Vec<f64>>,
    scratch: Scratch<f64>,
}

impl<'a> Nonlinear<'a> {
    fn new(evolution: &'a Evolution, grid: &'a PeriodicGrid) -> Self {
        let inputs = evolution.nonlinear.inputs();
        let symbol = |symbol: &Symbol| match symbol {
            Symbol::Jet { field, index } => Some((*field, grid.symbol(*index, &evolution.space))),
            _ => None,
        };
        let coordinates = grid.coordinates();
        let at_nodes = |symbol: &Symbol| match symbol {
            Symbol::Coordinate(i) => {
                let axis = evolution.space.iter().position(|c| c == i);
                axis.map_or_else(Vec::new, |axis| coordinates[axis].clone())
            }
            _ => vec![0.0; grid.len()],
        };
        Self {
            evolution,
            grid,
            symbols: inputs.iter().map(symbol).collect(),
            inputs: inputs.iter().map(at_nodes).collect(),
            outputs: vec![vec![0.0; grid.len()]; evolution.fields()],
            scratch: Scratch::new(InstructionSet::best()),
        }
    }

    fn rate(
        &mut self,
        state: &[Complex64],
        time: f64,
        rate: &mut [Complex64],
    ) -> Result<(), SolveError> {
        let Self { evolution, grid, symbols, inputs, outputs, scratch } = self;
        let modes = grid.modes();
        for (symbol, values) in symbols.iter().zip(&mut *inputs) {
            if let Some((field, symbol)) = symbol {
                let field = &state[field * modes..][..modes];
                grid.inverse(field.iter().zip(symbol).map(|(u, s)| u * s), values);
            }
        }
        let time = [time];
        for from in (0..grid.len()).step_by(TILE) {
            let range = from..(from + TILE).min(grid.len());
            let tile: Vec<&[f64]> =
                inputs.iter().map(|values| values.get(range.clone()).unwrap_or(&time)).collect();
            let mut targets: Vec<&mut [f64]> =
                outputs.iter_mut().map(|output| &mut output[range.clone()]).collect();
            evolution.nonlinear.evaluate(&tile, range.len(), scratch, &mut targets)?;
        }
        for (output, rate) in outputs.iter_mut().zip(rate.chunks_exact_mut(modes)) {
            grid.forward(output, rate);
        }
        Ok(())
    }
}
