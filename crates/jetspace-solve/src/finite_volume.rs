//! Finite volumes for conservation laws: what flows through the faces of cells changes what is in
//! them, so that nothing is lost.
//!
//! Without a limiter this is the donor-cell scheme, of first order in space and time: cells are
//! constant, time goes by Euler's forward steps. With one cells are linear (MUSCL; B. van Leer,
//! "Towards the ultimate conservative difference scheme V", J. Comput. Phys. 32 (1979) 101–136) and a
//! step is Heun's, the strong-stability-preserving method of second order (C.-W. Shu and S. Osher,
//! "Efficient implementation of essentially non-oscillatory shock-capturing schemes", J. Comput. Phys.
//! 77 (1988) 439–471).
//!
//! The flux through a face with u⁻ on its left and u⁺ on its right is Rusanov's,
//! ½ (f(u⁻) + f(u⁺)) − ½ α (u⁺ − u⁻) with α = max(|f′(u⁻)|, |f′(u⁺)|). If f = a u, that is upwinding:
//! a⁺ u⁻ + a⁻ u⁺ with a± = ½ (a ± |a|).

use jetspace_expr::{Program, Scratch, Symbol};
use jetspace_jet::InstructionSet;

use crate::{CellGrid, ConservationLaw, Ends, History, Limiter, SolveError, Steps};

/// Faces at a time at which formulas are evaluated, so that their memory stays in cache.
const TILE: usize = 1024;

/// Most numbers that a history may hold.
const MOST_STORED: usize = 1 << 28;

/// Solves an initial-value problem; `initial` holds the nodes' values. `boundary` has, for the lower
/// and the upper end of each axis, what is at its nodes (an output in terms of the coordinates). What
/// is given nowhere is, at a closed end, as at the start, and at an open end as in the cell beside it.
/// The number of steps is kept; the last interval between stored states may be shorter. `progress` is
/// told the fraction that is done at each stored state.
///
/// # Errors
/// Values or boundaries of the wrong shape, no steps, too few of them, more states than fit in memory,
/// or a solution that is not finite.
pub fn solve_conservation_law(
    law: &ConservationLaw,
    grid: &CellGrid,
    limiter: Option<Limiter>,
    initial: &[f64],
    boundary: &[[Option<Program>; 2]],
    steps: Steps,
    progress: &dyn Fn(f64),
) -> Result<History, SolveError> {
    let Steps { from, to, count, stored } = steps;
    let axes = law.space.len();
    if initial.len() != grid.len() || grid.nodes.len() != axes || boundary.len() != axes {
        let expected = format!("values at {} nodes and boundaries of {axes} axes", grid.len());
        let found = format!("{} and {}", initial.len(), boundary.len());
        return Err(SolveError::argument(expected, &found));
    }
    if !(to > from && count > 0 && stored > 0) {
        let expected = "at least one step and one interval, and a final time after the initial one";
        return Err(SolveError::argument(expected, &format!("{steps:?}")));
    }
    if stored.checked_mul(grid.len()).is_none_or(|numbers| numbers > MOST_STORED) {
        let expected = format!("at most {MOST_STORED} nodes in all states; store fewer states");
        return Err(SolveError::argument(expected, &format!("{stored} times {}", grid.len())));
    }
    let each = count.div_ceil(stored);
    let step = (to - from) / count as f64;
    let mut scheme = Scheme::new(law, grid, limiter, boundary, step)?;
    let mut state = initial.to_vec();
    scheme.set_boundary(from, &mut state)?;
    let mut history = History::new(law, grid, from, state.clone());
    for done in 1..=count {
        let time = from + step * (done - 1) as f64;
        scheme.advance(&mut state, time)?;
        // Fixed speeds are the same in all steps.
        if done == 1 || scheme.faces.iter().any(|faces| faces.linear.is_none()) {
            scheme.check_courant(time, count)?;
        }
        if done % each == 0 || done == count {
            let time = if done == count { to } else { from + step * done as f64 };
            if state.iter().any(|value| !value.is_finite()) {
                return Err(SolveError::NotFinite { time });
            }
            history.push(time, state.clone());
            progress(done as f64 / count as f64);
        }
    }
    Ok(history)
}

/// The lower faces of all nodes along an axis.
struct Faces {
    axis: usize,
    stride: usize,
    spacing: f64,
    /// Coordinates of their midpoints, a column for each axis.
    places: Vec<Vec<f64>>,
    /// 1, or 0 where nothing flows.
    open: Vec<f64>,
    /// a and b of f = a u + b, if they are fixed.
    linear: Option<[Vec<f64>; 2]>,
    /// α.
    speeds: Vec<f64>,
}

impl Faces {
    fn new(law: &ConservationLaw, grid: &CellGrid, axis: usize) -> Result<Self, SolveError> {
        let (spacing, count) = (grid.spacing(axis), grid.nodes[axis]);
        let is_open = |p: usize| match (grid.ends[axis], grid.row(axis, p)) {
            (_, 0) => false,
            (Ends::Closed, row) => row > 1 && row + 1 < count,
            _ => true,
        };
        let open: Vec<f64> = (0..grid.len()).map(|p| f64::from(u8::from(is_open(p)))).collect();
        let mut places = grid.coordinates();
        places[axis].iter_mut().for_each(|x| *x -= spacing / 2.0);
        let mut speeds = vec![0.0; grid.len()];
        let linear = match &law.fluxes[axis].linear {
            None => None,
            Some(program) => {
                let mut parts = [vec![0.0; grid.len()], vec![0.0; grid.len()]];
                let [slope, rest] = &mut parts;
                let mut scratch = Scratch::new(InstructionSet::best());
                let inputs = Inputs { law, time: &[], places: &places, field: &[] };
                inputs.evaluate(program, &mut scratch, &mut [slope, rest])?;
                for part in &mut parts {
                    part.iter_mut().zip(&open).for_each(|(value, open)| *value *= open);
                }
                speeds.iter_mut().zip(&parts[0]).for_each(|(speed, a)| *speed = a.abs());
                Some(parts)
            }
        };
        Ok(Self { axis, stride: grid.stride(axis), spacing, places, open, linear, speeds })
    }
}

/// What is at the nodes of a side.
struct BoundaryValues<'a> {
    nodes: Vec<usize>,
    /// Their coordinates, a column for each axis.
    places: Vec<Vec<f64>>,
    program: &'a Program,
}

/// A method for a law on a grid, with the memory that it works in.
struct Scheme<'a> {
    law: &'a ConservationLaw,
    grid: &'a CellGrid,
    limiter: Option<Limiter>,
    sides: Vec<BoundaryValues<'a>>,
    step: f64,
    faces: Vec<Faces>,
    coordinates: Vec<Vec<f64>>,
    /// 1 at nodes with a cell of their own, 0 elsewhere.
    cells: Vec<f64>,
    slopes: Vec<f64>,
    /// u⁻, u⁺ and the flux at the lower faces.
    left: Vec<f64>,
    right: Vec<f64>,
    flux: Vec<f64>,
    /// f and f′ at u⁻, then at u⁺.
    values: [Vec<f64>; 4],
    rate: Vec<f64>,
    stage: Vec<f64>,
    source: Vec<f64>,
    scratch: Scratch<f64>,
}

impl<'a> Scheme<'a> {
    fn new(
        law: &'a ConservationLaw,
        grid: &'a CellGrid,
        limiter: Option<Limiter>,
        boundary: &'a [[Option<Program>; 2]],
        step: f64,
    ) -> Result<Self, SolveError> {
        let faces: Result<Vec<Faces>, _> =
            (0..grid.nodes.len()).map(|axis| Faces::new(law, grid, axis)).collect();
        let coordinates = grid.coordinates();
        let mut sides = Vec::new();
        for (axis, ends) in boundary.iter().enumerate() {
            for (program, row) in ends.iter().zip([0, grid.nodes[axis] - 1]) {
                let Some(program) = program else { continue };
                let nodes: Vec<usize> =
                    (0..grid.len()).filter(|&p| grid.row(axis, p) == row).collect();
                let column = |c: &Vec<f64>| nodes.iter().map(|&p| c[p]).collect();
                let places = coordinates.iter().map(column).collect();
                sides.push(BoundaryValues { nodes, places, program });
            }
        }
        let zeros = || vec![0.0; grid.len()];
        Ok(Self {
            law,
            grid,
            limiter,
            sides,
            step,
            faces: faces?,
            coordinates,
            cells: (0..grid.len()).map(|p| f64::from(u8::from(grid.is_cell(p)))).collect(),
            slopes: zeros(),
            left: zeros(),
            right: zeros(),
            flux: zeros(),
            values: std::array::from_fn(|_| zeros()),
            rate: zeros(),
            stage: zeros(),
            source: zeros(),
            scratch: Scratch::new(InstructionSet::best()),
        })
    }

    fn advance(&mut self, state: &mut [f64], time: f64) -> Result<(), SolveError> {
        let step = self.step;
        self.find_rate(state, time)?;
        if self.limiter.is_none() {
            state.iter_mut().zip(&self.rate).for_each(|(u, rate)| *u += step * rate);
            return self.set_boundary(time + step, state);
        }
        let mut stage = std::mem::take(&mut self.stage);
        for ((stage, u), rate) in stage.iter_mut().zip(&*state).zip(&self.rate) {
            *stage = u + step * rate;
        }
        self.set_boundary(time + step, &mut stage)?;
        self.find_rate(&stage, time + step)?;
        for ((u, stage), rate) in state.iter_mut().zip(&stage).zip(&self.rate) {
            *u = f64::midpoint(*u, stage + step * rate);
        }
        self.stage = stage;
        self.set_boundary(time + step, state)
    }

    /// ∂u/∂t of the cells; 0 at other nodes.
    fn find_rate(&mut self, state: &[f64], time: f64) -> Result<(), SolveError> {
        self.rate.fill(0.0);
        for number in 0..self.faces.len() {
            self.reconstruct(number, state);
            self.find_flux(number, time)?;
            let Faces { axis, stride, spacing, .. } = self.faces[number];
            if self.grid.ends[axis] == Ends::Periodic {
                // The lower face of the first node is that of the last one.
                let length = stride * self.grid.nodes[axis];
                for line in self.flux.chunks_exact_mut(length) {
                    let (first, last) = line.split_at_mut(length - stride);
                    first[..stride].copy_from_slice(last);
                }
            }
            let faces = self.flux.iter().zip(&self.flux[stride..]);
            for (rate, (lower, upper)) in self.rate.iter_mut().zip(faces) {
                *rate -= (upper - lower) / spacing;
            }
        }
        if let Some(program) = &self.law.source {
            let Self { law, coordinates, source, scratch, .. } = self;
            let inputs = Inputs { law, time: &[time], places: coordinates, field: state };
            inputs.evaluate(program, scratch, &mut [source])?;
            self.rate.iter_mut().zip(&self.source).for_each(|(rate, source)| *rate += source);
        }
        self.rate.iter_mut().zip(&self.cells).for_each(|(rate, cell)| *rate *= cell);
        Ok(())
    }

    /// u⁻ and u⁺ at the lower faces along an axis.
    fn reconstruct(&mut self, number: usize, state: &[f64]) {
        let Self { grid, slopes, left, right, .. } = self;
        let Faces { axis, stride, .. } = self.faces[number];
        let inner = state.len() - stride;
        let Some(limiter) = self.limiter else {
            left[stride..].copy_from_slice(&state[..inner]);
            right.copy_from_slice(state);
            return;
        };
        let length = stride * grid.nodes[axis];
        for (slopes, line) in slopes.chunks_exact_mut(length).zip(state.chunks_exact(length)) {
            for p in stride..length - stride {
                slopes[p] = limiter.slope(line[p] - line[p - stride], line[p + stride] - line[p]);
            }
            for p in 0..stride {
                let last = length - stride + p;
                let (before, after) =
                    (line[last] - line[last - stride], line[p + stride] - line[p]);
                (slopes[p], slopes[last]) = if grid.ends[axis] == Ends::Periodic {
                    (limiter.slope(before, after), limiter.slope(before, after))
                } else {
                    // What flows in comes from a node half a cell away from the face.
                    (after, before)
                };
            }
        }
        for (left, (u, slope)) in left[stride..].iter_mut().zip(state.iter().zip(&*slopes)) {
            *left = u + slope / 2.0;
        }
        for (right, (u, slope)) in right.iter_mut().zip(state.iter().zip(&*slopes)) {
            *right = u - slope / 2.0;
        }
    }

    /// The flux through the lower faces along an axis.
    fn find_flux(&mut self, number: usize, time: f64) -> Result<(), SolveError> {
        let Self { law, left, right, flux, values, scratch, .. } = self;
        let Faces { axis, places, open, linear, speeds, .. } = &mut self.faces[number];
        if let Some([slope, rest]) = linear {
            let states = left.iter().zip(&*right);
            let formulas = slope.iter().zip(&*rest);
            for ((flux, (left, right)), (a, b)) in flux.iter_mut().zip(states).zip(formulas) {
                *flux = a.max(0.0) * left + a.min(0.0) * right + b;
            }
            return Ok(());
        }
        let program = &law.fluxes[*axis].program;
        let [f_left, a_left, f_right, a_right] = values;
        let inputs = Inputs { law, time: &[time], places, field: left };
        inputs.evaluate(program, scratch, &mut [f_left, a_left])?;
        let inputs = Inputs { field: right, ..inputs };
        inputs.evaluate(program, scratch, &mut [f_right, a_right])?;
        for (p, flux) in flux.iter_mut().enumerate() {
            speeds[p] = if open[p] > 0.0 { a_left[p].abs().max(a_right[p].abs()) } else { 0.0 };
            let mean = f64::midpoint(f_left[p], f_right[p]);
            let value = mean - speeds[p] * (right[p] - left[p]) / 2.0;
            *flux = if open[p] > 0.0 { value } else { 0.0 };
        }
        Ok(())
    }

    /// Sets what is at the nodes that have no cell of their own.
    fn set_boundary(&mut self, time: f64, state: &mut [f64]) -> Result<(), SolveError> {
        for axis in 0..self.grid.nodes.len() {
            let stride = self.grid.stride(axis);
            let length = stride * self.grid.nodes[axis];
            for line in state.chunks_exact_mut(length) {
                match self.grid.ends[axis] {
                    Ends::Closed => {}
                    Ends::Periodic => line.copy_within(..stride, length - stride),
                    Ends::Open => {
                        line.copy_within(stride..2 * stride, 0);
                        let last = length - stride;
                        line.copy_within(last - stride..last, last);
                    }
                }
            }
        }
        for BoundaryValues { nodes, places, program } in &self.sides {
            let mut values = vec![0.0; nodes.len()];
            let inputs = Inputs { law: self.law, time: &[time], places, field: &[] };
            inputs.evaluate(program, &mut self.scratch, &mut [&mut values])?;
            nodes.iter().zip(values).for_each(|(&node, value)| state[node] = value);
        }
        Ok(())
    }

    /// Over how many cells the solution moved in the last step, at most: Σ α Δt/Δx, the number of
    /// Courant, Friedrichs and Lewy. The schemes are monotone up to 1, and ½ with slopes.
    fn check_courant(&self, time: f64, count: usize) -> Result<(), SolveError> {
        let most = if self.limiter.is_some() { 0.5 } else { 1.0 };
        let mut found = 0.0_f64;
        for p in 0..self.grid.len() {
            let of_axis = |faces: &Faces| {
                let upper = faces.speeds.get(p + faces.stride).copied().unwrap_or(0.0);
                faces.speeds[p].max(upper) / faces.spacing
            };
            found = found.max(self.cells[p] * self.faces.iter().map(of_axis).sum::<f64>());
        }
        found *= self.step;
        // Rounding is no reason to take a step more.
        if found <= most * (1.0 + 1e-9) {
            return Ok(());
        }
        let steps = (count as f64 * found / most * (1.0 - 1e-9)).ceil();
        Err(SolveError::Unstable { time, found, most, steps })
    }
}

/// What formulas depend on, at nodes or faces; a single value is for all.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    law: &'a ConservationLaw,
    time: &'a [f64],
    places: &'a [Vec<f64>],
    field: &'a [f64],
}

impl<'a> Inputs<'a> {
    fn value(&self, symbol: &Symbol) -> &'a [f64] {
        match symbol {
            Symbol::Coordinate(i) if *i == self.law.time => self.time,
            Symbol::Coordinate(i) => {
                let axis = self.law.space.iter().position(|c| c == i);
                axis.and_then(|axis| self.places.get(axis)).map_or(&[], Vec::as_slice)
            }
            _ => self.field,
        }
    }

    /// Evaluates a program at all nodes or faces, tile by tile.
    fn evaluate(
        &self,
        program: &Program,
        scratch: &mut Scratch<f64>,
        outputs: &mut [&mut Vec<f64>],
    ) -> Result<(), SolveError> {
        let inputs: Vec<&[f64]> = program.inputs().iter().map(|s| self.value(s)).collect();
        let count = outputs.first().map_or(0, |output| output.len());
        for from in (0..count).step_by(TILE) {
            let range = from..(from + TILE).min(count);
            let tile: Vec<&[f64]> =
                inputs.iter().map(|input| input.get(range.clone()).unwrap_or(input)).collect();
            let mut targets: Vec<&mut [f64]> =
                outputs.iter_mut().map(|output| &mut output[range.clone()]).collect();
            program.evaluate(&tile, range.len(), scratch, &mut targets)?;
        }
        Ok(())
    }
}
