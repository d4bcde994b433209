//! Schedules: how the rate of an optimiser changes during a run.

use std::num::NonZero;

/// How the rate changes with the step, from a base rate η.
///
/// ```
/// use jetspace_optim::Schedule;
/// let schedule = Schedule::Cosine { warm_up: 10, last: 0.01 };
/// let rates: Vec<f64> = (0..100).map(|step| schedule.rate(1e-3, step, 100)).collect();
/// assert_eq!(rates[0], 1e-4); // A tenth of the way up,
/// assert_eq!(rates[9], 1e-3); // at the top,
/// assert!(rates[99] < 1.1e-5); // and nearly down at 1 % of the base.
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// η at every step.
    #[default]
    Constant,
    /// η fᵏ, k = ⌊step / every⌋. PyTorch's `StepLR`.
    Step {
        /// Steps with one rate.
        every: NonZero<usize>,
        /// f.
        factor: f64,
    },
    /// η f^(step / every). With `every` = 1 PyTorch's `ExponentialLR`.
    Exponential {
        /// Steps in which the rate changes by f.
        every: NonZero<usize>,
        /// f.
        factor: f64,
    },
    /// η (step + 1) / `warm_up` in the first `warm_up` steps, and from then on
    /// η (l + (1 − l) (1 + cos πτ) / 2), where τ goes from 0 to 1 at the end of the run.
    ///
    /// I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017,
    /// equation 5, without restarts.
    Cosine {
        /// Steps that lead up to η; 0 for none.
        warm_up: usize,
        /// l: the rate at the end as a fraction of η.
        last: f64,
    },
}

impl Schedule {
    /// The rate of a step, counted from 0, in a run of `total` steps; `base` is η. Steps after the
    /// end have the rate that belongs to the end where the schedule knows of one.
    #[must_use]
    pub fn rate(&self, base: f64, step: usize, total: usize) -> f64 {
        base * match *self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => libm::pow(factor, (step / every) as f64),
            Self::Exponential { every, factor } => {
                libm::pow(factor, step as f64 / every.get() as f64)
            }
            Self::Cosine { warm_up, .. } if step < warm_up => (step as f64 + 1.0) / warm_up as f64,
            Self::Cosine { warm_up, last } => {
                // At least one step, so that a run that is all warm-up has an end too.
                let length = total.saturating_sub(warm_up).max(1);
                let progress = ((step - warm_up) as f64 / length as f64).min(1.0);
                let cosine = libm::cos(std::f64::consts::PI * progress);
                last + (1.0 - last) * 0.5 * (1.0 + cosine)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn every(steps: usize) -> NonZero<usize> {
        NonZero::new(steps).unwrap()
    }

    #[test]
    fn rates_are_those_of_pytorch() {
        // Worked out with torch.optim.lr_scheduler 2.15: StepLR(10, 0.5), ExponentialLR(0.9), and
        // CosineAnnealingLR(100, eta_min = 1e-5), all from 1e-3, after 0, 9, 10, 25 and 99 steps.
        let at = [0, 9, 10, 25, 99];
        let rates = |schedule: Schedule| at.map(|step| schedule.rate(1e-3, step, 100));
        let step = [0.001, 0.001, 0.0005, 0.00025, 1.953125e-06];
        let exponential =
            [0.001, 0.000387420489, 0.0003486784401, 7.17897987691853e-05, 2.951266543065282e-08];
        let cosine = [
            0.001,
            0.000980345374410087,
            0.0009757729755661012,
            0.0008550178566873413,
            1.024425261896286e-05,
        ];
        for (schedule, expected) in [
            (Schedule::Constant, [1e-3; 5]),
            (Schedule::Step { every: every(10), factor: 0.5 }, step),
            (Schedule::Exponential { every: every(1), factor: 0.9 }, exponential),
            (Schedule::Cosine { warm_up: 0, last: 0.01 }, cosine),
        ] {
            for (found, expected) in rates(schedule).into_iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-14 * expected, "{schedule:?}: {found}");
            }
        }
    }

    #[test]
    fn exponential_meets_step_where_it_steps() {
        let (step, smooth) = (
            Schedule::Step { every: every(2000), factor: 0.9 },
            Schedule::Exponential { every: every(2000), factor: 0.9 },
        );
        for t in [0, 2000, 8000] {
            assert_eq!(step.rate(1.0, t, 0), smooth.rate(1.0, t, 0));
        }
        assert!((smooth.rate(1.0, 1000, 0) - 0.9_f64.sqrt()).abs() < 1e-15);
        assert_eq!(step.rate(1.0, 1999, 0), 1.0);
    }

    #[test]
    fn warm_up_rises_by_equal_steps_to_the_base() {
        let schedule = Schedule::Cosine { warm_up: 4, last: 0.1 };
        let rates: Vec<f64> = (0..7).map(|step| schedule.rate(2.0, step, 6)).collect();
        assert_eq!(rates[..5], [0.5, 1.0, 1.5, 2.0, 2.0]);
        assert!((rates[5] - 1.1).abs() < 1e-15, "half way down: {}", rates[5]);
        assert!((rates[6] - 0.2).abs() < 1e-15, "at the end: {}", rates[6]);
    }

    proptest! {
        #[test]
        fn cosine_stays_between_its_ends(
            warm_up in 0_usize..30, total in 0_usize..60, step in 0_usize..90, last in 0.0..1.0,
        ) {
            let schedule = Schedule::Cosine { warm_up, last };
            let rate = |step| schedule.rate(1.0, step, total);
            prop_assert!(rate(step) > 0.0 && rate(step) <= 1.0);
            if step >= warm_up {
                prop_assert!(rate(step) >= last - 1e-15 && rate(step + 1) <= rate(step));
            }
            if step > warm_up.max(total) {
                prop_assert!((rate(step) - last).abs() <= 1e-15);
            }
        }
    }
}
