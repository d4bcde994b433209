//! The method of Levenberg and Marquardt in a training: the objective's residuals as it asks for them,
//! why it ends, and its state in a checkpoint, also while a step is on trial.

use jetspace_jet::{Engine, Real};
use jetspace_optim::{
    FactoredBlock, LeastSquares, LevenbergMarquardt, LevenbergMarquardtOrigin,
    LevenbergMarquardtSettings, LevenbergMarquardtState, LevenbergMarquardtStep,
    LevenbergMarquardtStop, Linearisation,
};

use crate::Error;
use crate::objective::Objective;
use crate::tensors::Tensors;
use crate::training::{Scalar, StopReason, widened};

/// The residuals of an objective.
pub struct Residuals<'a, T: Scalar> {
    pub objective: &'a mut Objective<T>,
    pub engine: &'a mut Engine<T>,
}

impl<T: Scalar> Residuals<'_, T> {
    /// [`LevenbergMarquardt::advance`].
    pub fn advance(
        &mut self,
        method: &mut LevenbergMarquardt,
        parameters: &mut [T],
        loss: f64,
    ) -> Result<LevenbergMarquardtStep, Error> {
        let mut wide = widened(parameters);
        let step = method.advance(&mut wide, loss, self)?;
        parameters.copy_from_slice(&narrowed(&wide));
        Ok(step)
    }

    /// [`LevenbergMarquardt::resume`].
    pub fn resume(
        &mut self,
        settings: LevenbergMarquardtSettings,
        parameters: &mut [T],
        state: &LevenbergMarquardtState,
    ) -> Result<LevenbergMarquardt, Error> {
        let mut wide = widened(parameters);
        let method = LevenbergMarquardt::resume(settings, &mut wide, state, self)?;
        parameters.copy_from_slice(&narrowed(&wide));
        Ok(method)
    }
}

impl<T: Scalar> LeastSquares for Residuals<'_, T> {
    type Error = Error;

    fn residual_count(&self) -> Result<usize, Error> {
        self.objective.residual_count()
    }

    fn residuals(&mut self, parameters: &[f64], residuals: &mut [f64]) -> Result<(), Error> {
        self.objective.residuals(self.engine, &narrowed(parameters), residuals)
    }

    fn factor_count(&self, _: usize) -> Result<usize, Error> {
        Ok(self.objective.factor_count(self.engine))
    }

    fn linearise(&mut self, parameters: &[f64], rows: &mut Linearisation) -> Result<(), Error> {
        if rows.prefers_factors() {
            let mut push = |residual: f64, blocks: &[FactoredBlock<'_, T>]| {
                Ok(rows.push_factors(residual, blocks)?)
            };
            return self.objective.factorise(self.engine, &narrowed(parameters), &mut push);
        }
        let mut push = |residual: f64, row: &[T]| {
            for (target, number) in rows.push(residual)?.iter_mut().zip(row) {
                *target = Real::to_f64(*number);
            }
            Ok(())
        };
        self.objective.linearise(self.engine, &narrowed(parameters), &mut push)
    }

    fn push_forward(
        &mut self,
        parameters: &[f64],
        vector: &[f64],
        product: &mut [f64],
    ) -> Result<(), Error> {
        let (parameters, vector) = (narrowed::<T>(parameters), narrowed::<T>(vector));
        self.objective.push_forward(self.engine, &parameters, &vector, product)
    }

    fn pull_back(
        &mut self,
        parameters: &[f64],
        vector: &[f64],
        product: &mut [f64],
    ) -> Result<(), Error> {
        let mut narrow = narrowed(product);
        let parameters = narrowed::<T>(parameters);
        self.objective.pull_back(self.engine, &parameters, vector, &mut narrow)?;
        product.copy_from_slice(&widened(&narrow));
        Ok(())
    }
}

fn narrowed<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| <T as Real>::from_f64(value)).collect()
}

/// The reason as trainings tell it.
pub fn stop_reason(stop: LevenbergMarquardtStop) -> StopReason {
    match stop {
        LevenbergMarquardtStop::Gradient => StopReason::Gradient,
        LevenbergMarquardtStop::Rounding => StopReason::Stagnation,
        LevenbergMarquardtStop::NoDecrease => StopReason::Breakdown,
    }
}

/// Adds a state to a checkpoint.
pub fn save(state: &LevenbergMarquardtState, file: &mut Tensors) {
    let damping: Vec<f64> = state.damping.into_iter().collect();
    file.insert("levenberg_marquardt.damping", &[damping.len()], &damping);
    file.insert("levenberg_marquardt.growth", &[1], &[state.growth]);
    if let Some(LevenbergMarquardtOrigin { parameters, loss }) = &state.origin {
        file.insert("levenberg_marquardt.origin", &[parameters.len()], parameters);
        file.insert("levenberg_marquardt.loss", &[1], &[*loss]);
    }
}

/// The state in a checkpoint, if there is one.
pub fn load(file: &Tensors) -> Option<LevenbergMarquardtState> {
    let numbers = |name: &str| file.get::<f64>(&format!("levenberg_marquardt.{name}"));
    let [growth] = numbers("growth")?[..] else { return None };
    let origin = match numbers("origin") {
        None => None,
        Some(parameters) => {
            let [loss] = numbers("loss")?[..] else { return None };
            Some(LevenbergMarquardtOrigin { parameters, loss })
        }
    };
    Some(LevenbergMarquardtState { damping: numbers("damping")?.first().copied(), growth, origin })
}
