//! Trajectories of ordinary differential equations by explicit Runge–Kutta methods, many at once.
//!
//! Steps are those that the solution needs; from each a shorter one goes to every wanted time in it.
//! So what is found at a time depends neither on which other times are wanted nor on which other
//! trajectories are.
//!
//! Relies on [`FirstOrderSystem`] for the right side, which is evaluated for a block of trajectories
//! at a time, though each has steps of its own.

use jetspace_expr::{Scratch, Symbol};
use jetspace_jet::InstructionSet;

use crate::butcher::{CLASSICAL, DORMAND_PRINCE, Tableau};
use crate::step_control::Control;
use crate::{FirstOrderSystem, SolveError};

/// Trajectories in a block, so that its memory stays in cache.
const BLOCK: usize = 256;

/// Most steps that a trajectory may take, rejected ones included: far more than any that is worth
/// solving without an implicit method.
const MOST_STEPS: usize = 1 << 20;

/// How long steps are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stepping {
    /// Dormand and Prince's pair 5(4): steps as long as the estimated error of each component is, in
    /// the root mean square, below `absolute` + `relative` · |y|.
    Adaptive {
        /// Relative to the component.
        relative: f64,
        /// In the component's unit.
        absolute: f64,
    },
    /// The classical method of fourth order with steps of this length.
    Fixed {
        /// A positive time.
        length: f64,
    },
}

impl Stepping {
    fn tableau(self) -> &'static Tableau {
        match self {
            Self::Adaptive { .. } => &DORMAND_PRINCE,
            Self::Fixed { .. } => &CLASSICAL,
        }
    }

    fn check(self) -> Result<(), SolveError> {
        let is_positive = |x: f64| x > 0.0 && x.is_finite();
        let holds = match self {
            Self::Adaptive { relative, absolute } => {
                relative < 1.0 && is_positive(relative) && is_positive(absolute)
            }
            Self::Fixed { length } => is_positive(length),
        };
        let expected =
            "positive tolerances, the relative one below 1, or a positive length of steps";
        if holds { Ok(()) } else { Err(SolveError::argument(expected, &format!("{self:?}"))) }
    }
}

/// Where trajectories start, and at which times their states are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Trajectories<'a> {
    /// The time at which all start.
    pub from: f64,
    /// A column for each coordinate with a value per trajectory; that of time is not looked at.
    pub constants: &'a [Vec<f64>],
    /// A column for each component of the state with a value per trajectory.
    pub initial: &'a [Vec<f64>],
    /// For each trajectory the wanted times, from the nearest to the farthest: all after the start, or
    /// all before.
    pub times: &'a [Vec<f64>],
}

/// Integrates ẏ = f(t, c, y): a column for each component of the state, with values at the wanted
/// times of the first trajectory, then of the second, ….
///
/// # Errors
/// Columns that do not fit, tolerances or times that cannot be, a solution that is not finite or ends
/// (as that of u_t = u² does), or more than a million steps, as stiff equations need.
///
/// ```
/// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
/// use jetspace_solve::{FirstOrderSystem, Stepping, Trajectories, integrate};
/// let scope = Scope::new().coordinate("t", CoordinateKind::Time)?.field("u")?;
/// let mut graph = Graph::new();
/// let growth = scope.lower_equation(&parse_equation("u_t = u")?, &mut graph)?;
/// let system = FirstOrderSystem::new(&graph, &[growth], 1, 0, &[], &[])?;
/// let start = Trajectories {
///     from: 0.0,
///     constants: &[],
///     initial: &[vec![1.0]],
///     times: &[vec![0.5, 1.0]],
/// };
/// let accurate = Stepping::Adaptive { relative: 1e-12, absolute: 1e-14 };
/// let states = integrate(&system, accurate, &start)?;
/// assert!((states[0][1] - std::f64::consts::E).abs() < 1e-11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn integrate(
    system: &FirstOrderSystem,
    stepping: Stepping,
    trajectories: &Trajectories<'_>,
) -> Result<Vec<Vec<f64>>, SolveError> {
    stepping.check()?;
    check(system, trajectories)?;
    let times = trajectories.times;
    let mut states =
        vec![Vec::with_capacity(times.iter().map(Vec::len).sum()); trajectories.initial.len()];
    for first in (0..times.len()).step_by(BLOCK) {
        let lanes = first..(first + BLOCK).min(times.len());
        let mut block = Block::new(system, stepping, trajectories, lanes);
        block.guess_first_steps()?;
        while block.advance()? {}
        for (component, column) in states.iter_mut().enumerate() {
            let size = trajectories.initial.len();
            let of_lanes = block.lanes.iter();
            column
                .extend(of_lanes.flat_map(|lane| lane.found.iter().skip(component).step_by(size)));
        }
    }
    Ok(states)
}

fn check(system: &FirstOrderSystem, trajectories: &Trajectories<'_>) -> Result<(), SolveError> {
    let Trajectories { from, constants, initial, times } = trajectories;
    if initial.len() != system.state().len() {
        let expected = format!("initial values of {} components", system.state().len());
        return Err(SolveError::argument(expected, &initial.len()));
    }
    let count = times.len();
    if let Some(column) = initial.iter().find(|column| column.len() != count) {
        let expected = format!("initial values of {count} trajectories");
        return Err(SolveError::argument(expected, &column.len()));
    }
    for symbol in system.rates.inputs() {
        let Symbol::Coordinate(i) = *symbol else { continue };
        let found = constants.get(i).map(Vec::len);
        if i != system.time && found != Some(count) {
            let expected = format!("{count} values of coordinate {i} (from 0)");
            return Err(SolveError::argument(expected, &format!("{found:?}")));
        }
    }
    if initial.iter().flatten().any(|value| !value.is_finite()) {
        return Err(SolveError::NotFinite { time: *from });
    }
    for times in *times {
        let all = || std::iter::once(from).chain(times);
        let pairs = || all().zip(times);
        let is_monotone = pairs().all(|(a, b)| a <= b) || pairs().all(|(a, b)| a >= b);
        if !is_monotone || !all().all(|time| time.is_finite()) {
            let expected = "finite times, sorted away from the start";
            return Err(SolveError::argument(expected, &format!("{from}, then {times:?}")));
        }
    }
    Ok(())
}

/// One trajectory of a block.
struct Lane<'a> {
    /// Wanted times that are left.
    wanted: &'a [f64],
    /// The states at those before, one after the other.
    found: Vec<f64>,
    time: f64,
    /// The length of the next step that the solution needs, with a sign.
    step: f64,
    /// The state at its end, if it was accepted, and the length of the one after it.
    next: Option<(Vec<f64>, f64)>,
    control: Control,
    steps: usize,
}

impl Lane<'_> {
    /// What the next attempt goes over: to a wanted time inside an accepted step, or a whole step.
    fn attempt(&self) -> f64 {
        match (self.wanted, &self.next) {
            ([], _) => 0.0,
            ([time, ..], Some(_)) => time - self.time,
            _ => self.step,
        }
    }

    /// Whether the next wanted time is before the end of an accepted step.
    fn is_inside(&self) -> bool {
        self.wanted.first().is_some_and(|time| (time - self.time).abs() < self.step.abs())
    }
}

/// A block of trajectories, and what an attempt of all its lanes needs.
struct Block<'a> {
    system: &'a FirstOrderSystem,
    stepping: Stepping,
    lanes: Vec<Lane<'a>>,
    constants: Vec<Vec<f64>>,
    /// Component by component, a value per lane.
    state: Vec<Vec<f64>>,
    /// The argument of a stage, and in the end the state after the attempt.
    stage: Vec<Vec<f64>>,
    times: Vec<f64>,
    attempts: Vec<f64>,
    /// kᵢ, stage by stage.
    rates: Vec<Vec<Vec<f64>>>,
    scratch: Scratch<f64>,
}

impl<'a> Block<'a> {
    fn new(
        system: &'a FirstOrderSystem,
        stepping: Stepping,
        trajectories: &Trajectories<'a>,
        lanes: std::ops::Range<usize>,
    ) -> Self {
        let Trajectories { from, constants, initial, times } = *trajectories;
        let part = |column: &Vec<f64>| column.get(lanes.clone()).unwrap_or_default().to_vec();
        let state: Vec<Vec<f64>> = initial.iter().map(part).collect();
        let lane = |(number, wanted): (usize, &'a Vec<f64>)| {
            let at_start = wanted.iter().take_while(|time| **time == from).count();
            let found: Vec<f64> = state.iter().map(|column| column[number]).collect();
            let to = wanted.last().map_or(0.0, |last| last - from);
            let step = match stepping {
                Stepping::Adaptive { .. } => 1.0,
                Stepping::Fixed { length } => length,
            };
            Lane {
                wanted: &wanted[at_start..],
                found: found.repeat(at_start),
                time: from,
                step: step.copysign(to),
                next: None,
                control: Control::default(),
                steps: 0,
            }
        };
        let count = lanes.len();
        let zeros = || vec![vec![0.0; count]; state.len()];
        Self {
            system,
            stepping,
            lanes: times[lanes.clone()].iter().enumerate().map(lane).collect(),
            constants: constants.iter().map(part).collect(),
            stage: zeros(),
            times: vec![0.0; count],
            attempts: vec![0.0; count],
            rates: stepping.tableau().nodes.iter().map(|_| zeros()).collect(),
            scratch: Scratch::new(InstructionSet::best()),
            state,
        }
    }

    /// A hundredth of the time in which the state becomes another at its first rate (Hairer, Nørsett and
    /// Wanner, section II.4); the control soon knows better.
    fn guess_first_steps(&mut self) -> Result<(), SolveError> {
        let Stepping::Adaptive { relative, absolute } = self.stepping else { return Ok(()) };
        self.evaluate()?;
        let Some(rates) = self.rates.first() else { return Ok(()) };
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let (mut size, mut speed) = (0.0, 0.0);
            for (state, rate) in self.state.iter().zip(rates) {
                let scale = absolute + relative * state[number].abs();
                size += (state[number] / scale).powi(2);
                speed += (rate[number] / scale).powi(2);
            }
            let guess = 0.01 * (size / speed).sqrt();
            // At rest, or where all is zero, a ratio says nothing.
            lane.step *= if guess.is_finite() && guess > 1e-6 { guess } else { 1e-6 };
        }
        Ok(())
    }

    /// Makes an attempt in every lane; false if all lanes are at their end.
    fn advance(&mut self) -> Result<bool, SolveError> {
        if self.lanes.iter().all(|lane| lane.wanted.is_empty()) {
            return Ok(false);
        }
        self.attempts.iter_mut().zip(&self.lanes).for_each(|(a, lane)| *a = lane.attempt());
        self.evaluate()?;
        for number in 0..self.lanes.len() {
            self.judge(number)?;
        }
        Ok(true)
    }

    /// All stages of an attempt, and the state after it.
    fn evaluate(&mut self) -> Result<(), SolveError> {
        let Self {
            system,
            stepping,
            lanes,
            constants,
            state,
            stage,
            times,
            attempts,
            rates,
            scratch,
        } = self;
        let tableau = stepping.tableau();
        for (number, (node, row)) in tableau.nodes.iter().zip(tableau.stages).enumerate() {
            combine(state, attempts, row, rates, stage);
            for ((time, lane), attempt) in times.iter_mut().zip(&*lanes).zip(&*attempts) {
                *time = lane.time + node * attempt;
            }
            let input = |symbol: &Symbol| -> &[f64] {
                let column = match symbol {
                    Symbol::Coordinate(i) if *i == system.time => Some(&*times),
                    Symbol::Coordinate(i) => constants.get(*i),
                    symbol => {
                        let component = system.state().iter().position(|s| s == symbol);
                        component.and_then(|component| stage.get(component))
                    }
                };
                column.map_or(&[], Vec::as_slice)
            };
            let inputs: Vec<&[f64]> = system.rates.inputs().iter().map(input).collect();
            let mut outputs: Vec<&mut [f64]> =
                rates[number].iter_mut().map(Vec::as_mut_slice).collect();
            system.rates.evaluate(&inputs, lanes.len(), scratch, &mut outputs)?;
        }
        combine(state, attempts, tableau.weights, rates, stage);
        Ok(())
    }

    /// What becomes of a lane after an attempt.
    fn judge(&mut self, number: usize) -> Result<(), SolveError> {
        let error = self.error(number);
        let lane = &mut self.lanes[number];
        if lane.wanted.is_empty() {
            return Ok(());
        }
        let after = self.stage.iter().map(|column| column[number]);
        if lane.next.is_some() {
            lane.found.extend(after);
            lane.wanted = &lane.wanted[1..];
        } else {
            lane.steps += 1;
            let (is_accepted, factor) = match self.stepping {
                Stepping::Adaptive { .. } => lane.control.judge(error),
                Stepping::Fixed { .. } => (true, 1.0),
            };
            let time = lane.time;
            if is_accepted {
                let after: Vec<f64> = after.collect();
                if after.iter().any(|value| !value.is_finite()) {
                    return Err(SolveError::NotFinite { time: time + lane.step });
                }
                lane.next = Some((after, lane.step * factor));
            } else {
                lane.step *= factor;
                if time + lane.step == time {
                    return Err(SolveError::StepTooSmall { time });
                }
            }
            if lane.steps >= MOST_STEPS {
                return Err(SolveError::TooManySteps { time, most: MOST_STEPS });
            }
        }
        if lane.is_inside() {
            return Ok(());
        }
        if let Some((after, step)) = lane.next.take() {
            let end = lane.time + lane.step;
            let at_end = lane.wanted.iter().take_while(|time| **time == end).count();
            lane.found.extend(after.repeat(at_end));
            lane.wanted = &lane.wanted[at_end..];
            (lane.time, lane.step) = (end, step);
            self.state.iter_mut().zip(after).for_each(|(column, value)| column[number] = value);
        }
        Ok(())
    }

    /// The estimated error of an attempt in units of the tolerance: the root mean square over
    /// components.
    fn error(&self, number: usize) -> f64 {
        let Stepping::Adaptive { relative, absolute } = self.stepping else { return 0.0 };
        let mut sum = 0.0;
        for (component, (before, after)) in self.state.iter().zip(&self.stage).enumerate() {
            let size = before[number].abs().max(after[number].abs());
            let terms = DORMAND_PRINCE.errors.iter().zip(&self.rates);
            let error: f64 = terms.map(|(weight, rate)| weight * rate[component][number]).sum();
            sum += (self.attempts[number] * error / (absolute + relative * size)).powi(2);
        }
        (sum / self.state.len() as f64).sqrt()
    }
}

/// y + h Σ wⱼ kⱼ, component by component and lane by lane.
pub(crate) fn combine(
    state: &[Vec<f64>],
    attempts: &[f64],
    weights: &[f64],
    rates: &[Vec<Vec<f64>>],
    to: &mut [Vec<f64>],
) {
    for (component, (to, state)) in to.iter_mut().zip(state).enumerate() {
        to.fill(0.0);
        for (weight, rate) in weights.iter().zip(rates) {
            to.iter_mut().zip(&rate[component]).for_each(|(sum, rate)| *sum += weight * rate);
        }
        for ((to, state), attempt) in to.iter_mut().zip(state).zip(attempts) {
            *to = state + attempt * *to;
        }
    }
}
