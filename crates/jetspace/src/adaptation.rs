//! What changes about an objective while it trains: points inside ([`resampling`]), factors that
//! balance its terms ([`balance`]), and weights of points by their residuals so far ([`attention`])
//! or by how well the equation holds at earlier times ([`causal`]).
//!
//! Every part acts after a number of steps or iterations, never during a line search: in between
//! optimisers see one objective. What a part does depends on the seed, the number of steps and the
//! parameters alone.

mod attention;
mod balance;
mod causal;
mod resampling;

use jetspace_jet::{Engine, Real};

use crate::Error;
use crate::collocation::Points;
use crate::method::TermKind;
use crate::objective::Objective;
use crate::problem::Problem;
use crate::study::{Method, ResamplingFile};
use crate::tensors::Tensors;
use attention::Attention;
use balance::Balance;
use causal::Causal;

/// All parts of a method, and what they remember.
pub struct Adaptation {
    resampling: Option<ResamplingFile>,
    balance: Option<Balance>,
    attention: Option<Attention>,
    causal: Option<Causal>,
    bounds: Vec<(f64, f64)>,
    /// The terms that causal weights are for.
    equations: Vec<usize>,
    /// Steps when it was last looked whether anything is due; `None` before the first time.
    latest: Option<u64>,
}

impl Adaptation {
    /// The parts that a method asks for.
    pub fn new(method: &Method, problem: &Problem) -> Self {
        let terms = method.terms.iter().enumerate();
        let equations = terms.filter(|(_, term)| term.kind == TermKind::Equation);
        Self {
            resampling: method.adaptive.points,
            balance: method.adaptive.balance.map(|file| Balance::new(file, method.terms.len())),
            attention: method.adaptive.attention.map(Attention::new),
            causal: method.adaptive.causal.and_then(|file| Causal::new(file, problem)),
            bounds: problem.bounds(),
            equations: equations.map(|(number, _)| number).collect(),
            latest: None,
        }
    }

    /// Changes what is due after so many steps, before this evaluation; whether the objective is
    /// another one now.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn apply<T: Real>(
        &mut self,
        (steps, evaluation): (u64, u64),
        seed: u64,
        objective: &mut Objective<T>,
        engine: &mut Engine<T>,
        parameters: &[T],
    ) -> Result<bool, Error> {
        let before = self.latest.replace(steps);
        let is_due = |every: u64| before.is_none_or(|before| before / every < steps / every);
        let mut has_changed = false;
        if let Some(file) = self.resampling.filter(|file| before.is_some() && is_due(file.every()))
            && let Some(points) = objective.movable_points().cloned()
        {
            let density = |at: &Points| objective.squares_at(engine, parameters, at);
            let moved = resampling::resample(&file, &self.bounds, points, (seed, steps), density)?;
            if let Some(points) = moved {
                objective.move_points(points)?;
                for term in objective.movable_terms() {
                    self.attention.iter_mut().for_each(|attention| attention.forget(term));
                }
                has_changed = true;
            }
        }
        let attention = self.attention.as_mut().filter(|part| is_due(part.every()));
        let causal = self.causal.as_mut().filter(|part| is_due(part.every()));
        let mut reweigh = has_changed;
        if attention.is_some() || causal.is_some() {
            let squares = objective.squares(engine, parameters)?;
            if let Some(attention) = attention {
                attention.update(&squares);
            }
            if let Some(causal) = causal {
                let (terms, axis) = (self.equations.iter(), causal.axis());
                causal.update(terms.map(|&t| (objective.coordinate(t, axis), &squares[t])));
            }
            reweigh = true;
        }
        if reweigh {
            self.weigh_points(objective);
        }
        if let Some(balance) = self.balance.as_mut().filter(|part| is_due(part.every())) {
            objective.set_factors(&vec![1.0; objective.labels().len()]);
            // New weights of points are not in the mini-batch at hand.
            objective.select(seed, evaluation);
            balance.update(objective, engine, parameters, (seed, steps))?;
            objective.set_factors(balance.factors());
            has_changed = true;
        }
        Ok(has_changed || reweigh)
    }

    /// The factor of each term; empty if they do not change.
    pub fn factors(&self) -> &[f64] {
        self.balance.as_ref().map_or(&[], Balance::factors)
    }

    /// Gives each point the product of its weights.
    fn weigh_points<T: Real>(&mut self, objective: &mut Objective<T>) {
        for term in 0..objective.labels().len() {
            let len = objective.points_of(term);
            let mut weights = self.attention.as_mut().map(|part| part.weights(term, len));
            if let Some(causal) = self.causal.as_ref().filter(|_| self.equations.contains(&term)) {
                let of_causal = causal.weights(&objective.coordinate(term, causal.axis()));
                weights = Some(match weights {
                    None => of_causal,
                    Some(weights) => weights.iter().zip(of_causal).map(|(a, b)| a * b).collect(),
                });
            }
            if let Some(weights) = weights {
                objective.set_point_weights(term, &weights);
            }
        }
    }

    /// Adds what it remembers, and where its points are, to a checkpoint.
    pub fn save<T: Real>(&self, objective: &Objective<T>, file: &mut Tensors) {
        let Some(latest) = self.latest else { return };
        file.insert("adaptive.latest", &[1], &[latest]);
        if let Some(points) = objective.movable_points().filter(|_| self.resampling.is_some()) {
            let all: Vec<f64> = points.coordinates.iter().flatten().copied().collect();
            file.insert("adaptive.points", &[points.coordinates.len(), points.len()], &all);
        }
        if let Some(balance) = &self.balance {
            balance.save(file);
        }
        if let Some(attention) = &self.attention {
            attention.save(file);
        }
        if let Some(causal) = &self.causal {
            causal.save(file);
        }
    }

    /// Goes on from a checkpoint; `None` if it is not of this training.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn load<T: Real>(
        &mut self,
        objective: &mut Objective<T>,
        file: &Tensors,
    ) -> Result<Option<()>, Error> {
        let Some(latest) = file.get::<u64>("adaptive.latest") else { return Ok(Some(())) };
        self.latest = latest.first().copied();
        if self.resampling.is_some()
            && let Some(old) = objective.movable_points()
        {
            let dimensions = old.coordinates.len().max(1);
            let Some(all) = file.get::<f64>("adaptive.points") else { return Ok(None) };
            if all.is_empty() || all.len() % dimensions != 0 {
                return Ok(None);
            }
            let columns = all.chunks_exact(all.len() / dimensions).map(<[f64]>::to_vec);
            objective.move_points(Points::at(columns.collect()))?;
        }
        let mut fits = true;
        if let Some(attention) = &mut self.attention {
            fits &= attention.load(file, objective.labels().len()).is_some();
        }
        if let Some(causal) = &mut self.causal {
            fits &= causal.load(file).is_some();
        }
        self.weigh_points(objective);
        if let Some(balance) = &mut self.balance {
            fits &= balance.load(file).is_some();
            objective.set_factors(balance.factors());
        }
        Ok(fits.then_some(()))
    }
}
