//! Autonomous systems ẏ = f(y) whose rates a caller computes, for all trajectories at a time: a trained
//! model's, say. By the classical Runge–Kutta method with equal steps.
//!
//! For systems that are expressions see [`integrate`](crate::integrate), which also chooses its steps.

use crate::SolveError;
use crate::butcher::CLASSICAL;
use crate::runge_kutta::combine;

/// Equal steps of the classical method of fourth order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualSteps {
    /// The length of each.
    pub length: f64,
    /// How many.
    pub count: usize,
}

/// Follows ẏ = f(y) from each initial state: a column for each component, with the first trajectory's
/// values at the start and after each step, then the second's, …. A column of `initial` has a value per
/// trajectory. `rates` gets the states of all trajectories, column by column, and fills in f.
///
/// A trajectory that leaves the finite numbers stays out of them, and the others go on.
///
/// # Errors
/// Columns of different lengths, more values than memory can hold, or the caller's.
///
/// ```
/// use jetspace_solve::{EqualSteps, SolveError, follow};
/// // Growth from 1 and from 2.
/// let steps = EqualSteps { length: 0.01, count: 100 };
/// let states = follow(&[vec![1.0, 2.0]], steps, |state, rates| {
///     rates[0].copy_from_slice(&state[0]);
///     Ok::<_, SolveError>(())
/// })?;
/// assert!((states[0][100] - 1_f64.exp()).abs() < 1e-9);
/// assert_eq!(states[0][101], 2.0);
/// # Ok::<(), SolveError>(())
/// ```
pub fn follow<E: From<SolveError>>(
    initial: &[Vec<f64>],
    steps: EqualSteps,
    mut rates: impl FnMut(&[Vec<f64>], &mut [Vec<f64>]) -> Result<(), E>,
) -> Result<Vec<Vec<f64>>, E> {
    let count = initial.first().map_or(0, Vec::len);
    if let Some(column) = initial.iter().find(|column| column.len() != count) {
        let expected = format!("initial values of {count} trajectories");
        return Err(SolveError::argument(expected, &column.len()).into());
    }
    let times = steps.count.saturating_add(1);
    let Some(values) = times.checked_mul(count).filter(|values| *values <= MOST_VALUES) else {
        let expected = format!("at most {MOST_VALUES} values of each component");
        return Err(SolveError::argument(expected, &format!("{times} times {count}")).into());
    };
    let lengths = vec![steps.length; count];
    let zeros = || vec![vec![0.0; count]; initial.len()];
    let (mut state, mut stage) = (initial.to_vec(), zeros());
    let mut of_stages: Vec<Vec<Vec<f64>>> = CLASSICAL.nodes.iter().map(|_| zeros()).collect();
    let mut states = vec![vec![0.0; values]; initial.len()];
    for time in 0..times {
        for (column, state) in states.iter_mut().zip(&state) {
            let places = column.iter_mut().skip(time).step_by(times);
            places.zip(state).for_each(|(place, value)| *place = *value);
        }
        if time == steps.count {
            break;
        }
        for (number, row) in CLASSICAL.stages.iter().enumerate() {
            combine(&state, &lengths, row, &of_stages, &mut stage);
            rates(&stage, &mut of_stages[number])?;
        }
        combine(&state, &lengths, CLASSICAL.weights, &of_stages, &mut stage);
        std::mem::swap(&mut state, &mut stage);
    }
    Ok(states)
}

/// Of each component: two gigabytes.
const MOST_VALUES: usize = 1 << 28;
