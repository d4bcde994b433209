//! A case made ready to run: points, data, network, engine and optimiser.

use jetspace_jet::{
    Batch, CotangentTile, Engine, Initialisation, JetSet, JetTile, Network, Plan, Points, Real,
    Strategy, Threads,
};
use jetspace_optim::{Adam, AdamSettings, Float};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::BenchError;
use super::cases::{Case, Task};
use super::losses::{MOBILITY, Tile};

/// A floating-point type that engine and optimiser agree on.
pub trait Scalar: Real + Float {}

impl<T: Real + Float> Scalar for T {}

/// A case of which one step after the other can be run.
pub struct Workload<T: Scalar> {
    case: &'static Case,
    network: Network,
    engine: Engine<T>,
    interior: PointSet<T>,
    boundary: PointSet<T>,
    parameters: Vec<T>,
    /// Of the parameters.
    gradient: Vec<T>,
    adam: Adam<T>,
    /// Where evaluation writes the jets; empty for training.
    jets: Vec<T>,
}

struct PointSet<T> {
    plan: Plan,
    len: usize,
    columns: Vec<T>,
    data: Vec<T>,
}

impl<T: Scalar> PointSet<T> {
    fn points(&self) -> Points<'_, T> {
        Points::new(self.len, &self.columns)
    }

    fn tile<'a, 'c>(
        &'a self,
        jets: &'a JetTile<'a, T>,
        cotangents: &'a mut CotangentTile<'c, T>,
    ) -> Tile<'a, 'c, T> {
        Tile { jets, cotangents, data: &self.data, points: self.len }
    }
}

impl<T: Scalar> Workload<T> {
    pub fn new(case: &'static Case, threads: Threads) -> Result<Self, BenchError> {
        let network = case.network()?;
        let plan = |jets: &JetSet| Plan::new(&network, jets, Strategy::Cheapest);
        let (jets, value) = (case.jets()?, JetSet::new(network.inputs())?);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let interior = uniform(&mut random, network.inputs() * case.interior);
        let boundary = on_boundary(&mut random, case.boundary);
        let interior = PointSet {
            plan: plan(&jets)?,
            len: case.interior,
            data: round(&interior_data(case, &interior)),
            columns: round(&interior),
        };
        let boundary = PointSet {
            plan: plan(&value)?,
            len: case.boundary,
            data: round(&boundary_data(&boundary)),
            columns: round(&boundary),
        };
        let parameters = network.initialise(Initialisation::GlorotUniform, 0);
        let evaluates = matches!(case.task, Task::EvaluateValue | Task::EvaluateLaplacian);
        let rows = if evaluates { network.outputs() * jets.len() } else { 0 };
        Ok(Self {
            case,
            engine: Engine::new(&network, threads),
            interior,
            boundary,
            gradient: vec![T::ZERO; parameters.len()],
            adam: Adam::new(AdamSettings::default(), parameters.len())?,
            parameters,
            jets: vec![T::ZERO; rows * case.interior],
            network,
        })
    }

    /// The network, and the plan for each point set.
    pub fn describe(&self) -> Vec<String> {
        let sets = [("inside", &self.interior), ("boundary", &self.boundary)];
        let plans = sets.into_iter().filter(|(_, set)| set.len > 0);
        let plans = plans.map(|(name, set)| format!("{name}: {}", set.plan));
        std::iter::once(format!("network {}", self.network)).chain(plans).collect()
    }

    /// One training step, or one evaluation of all points.
    pub fn step(&mut self) -> Result<(), BenchError> {
        if self.jets.is_empty() {
            self.differentiate()?;
            self.adam.step(&mut self.parameters, &self.gradient)?;
        } else {
            let points = self.interior.points();
            self.engine.jets(&self.interior.plan, &self.parameters, points, &mut self.jets)?;
        }
        Ok(())
    }

    /// The loss; its gradient is left in `gradient`.
    fn differentiate(&mut self) -> Result<f64, BenchError> {
        let Self { case, engine, interior, boundary, parameters, gradient, .. } = self;
        let (interior, boundary, task) = (&*interior, &*boundary, case.task);
        let inside = |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
            interior.tile(jets, cotangents).interior(task)
        };
        let outside = |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
            boundary.tile(jets, cotangents).boundary()
        };
        let batches = [
            Batch::new(&interior.plan, interior.points(), &inside),
            Batch::new(&boundary.plan, boundary.points(), &outside),
        ];
        let batches = if boundary.len > 0 { &batches[..] } else { &batches[..1] };
        Ok(engine.gradient(parameters, batches, gradient)?)
    }
}

/// Uniform in [−1, 1).
fn uniform(random: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let mut draw = || (random.next_u64() >> 11) as f64 * f64::EPSILON - 1.0;
    (0..count).map(|_| draw()).collect()
}

/// Points on the sides of [−1, 1]², equally many on each: all x, then all y.
fn on_boundary(random: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let along = uniform(random, count);
    let mut columns = along.clone();
    columns.extend(along);
    for p in 0..count {
        let side = 4 * p / count;
        let fixed = if side.is_multiple_of(2) { -1.0 } else { 1.0 };
        columns[if side < 2 { count + p } else { p }] = fixed;
    }
    columns
}

/// Data for u = Π sin π xᵢ, one column after the other.
fn interior_data(case: &Case, columns: &[f64]) -> Vec<f64> {
    use std::f64::consts::PI;
    let column = |i: usize| &columns[i * case.interior..][..case.interior];
    let sine = |x: f64| (PI * x).sin();
    let cosine = |x: f64| (PI * x).cos();
    let plane = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        column(0).iter().zip(column(1)).map(|(&x, &y)| f(x, y)).collect()
    };
    let u = |x: f64, y: f64| sine(x) * sine(y);
    match case.task {
        Task::Gradient => {
            [plane(&|x, y| PI * cosine(x) * sine(y)), plane(&|x, y| PI * sine(x) * cosine(y))]
                .concat()
        }
        Task::AllenCahn => {
            plane(&|x, y| -2.0 * MOBILITY * PI * PI * u(x, y) + u(x, y).powi(3) - u(x, y))
        }
        Task::Hessian => {
            let xx = plane(&|x, y| -PI * PI * u(x, y));
            let xy = plane(&|x, y| PI * PI * cosine(x) * cosine(y));
            [&xx[..], &xy, &xx].concat()
        }
        Task::Poisson => {
            let u = |p: usize| -> f64 { (0..3).map(|i| sine(column(i)[p])).product() };
            (0..case.interior).map(|p| -3.0 * PI * PI * u(p)).collect()
        }
        Task::KortewegDeVries
        | Task::NavierStokes
        | Task::EvaluateValue
        | Task::EvaluateLaplacian => Vec::new(),
    }
}

/// u = Π sin π xᵢ on the boundary.
fn boundary_data(columns: &[f64]) -> Vec<f64> {
    let (x, y) = columns.split_at(columns.len() / 2);
    let sine = |x: f64| (std::f64::consts::PI * x).sin();
    x.iter().zip(y).map(|(&x, &y)| sine(x) * sine(y)).collect()
}

fn round<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cases;

    fn trained() -> impl Iterator<Item = &'static Case> {
        cases::all().filter(|case| !case.name.starts_with("I_"))
    }

    fn workload(case: &'static Case) -> Workload<f64> {
        let mut workload = Workload::<f64>::new(case, Threads::single()).unwrap();
        // Glorot's biases are zero; others show more mistakes.
        let shift = uniform(&mut ChaCha8Rng::seed_from_u64(2), workload.parameters.len());
        for (parameter, shift) in workload.parameters.iter_mut().zip(shift) {
            *parameter += 0.05 * shift;
        }
        workload
    }

    /// Weights of a central difference of sixth order for f′, at distances 1, 2 and 3.
    const STENCIL: [(f64, f64); 3] = [(1.0, 3.0 / 4.0), (2.0, -3.0 / 20.0), (3.0, 1.0 / 60.0)];

    #[test]
    fn gradients_are_those_of_the_losses() {
        const STEP: f64 = 1e-3;
        for case in trained() {
            let mut workload = workload(case);
            let start = workload.parameters.clone();
            workload.differentiate().unwrap();
            let direction = uniform(&mut ChaCha8Rng::seed_from_u64(3), start.len());
            let along: f64 = direction.iter().zip(&workload.gradient).map(|(d, g)| d * g).sum();
            let mut loss_at = |distance: f64| {
                let moved = start.iter().zip(&direction).map(|(p, d)| p + distance * STEP * d);
                workload.parameters = moved.collect();
                workload.differentiate().unwrap()
            };
            let difference = |&(at, weight): &(f64, f64)| weight * (loss_at(at) - loss_at(-at));
            let expected = STENCIL.iter().map(difference).sum::<f64>() / STEP;
            let error = (along - expected).abs() / expected.abs();
            assert!(error < 1e-6, "{}: {along} is not {expected}", case.name);
        }
    }

    type Field<'a> = dyn Fn(&[f64]) -> f64 + 'a;

    /// ∂f/∂xᵢ by differences.
    fn d<'a>(f: &'a Field<'_>, i: usize) -> impl Fn(&[f64]) -> f64 + 'a {
        const STEP: f64 = 0.01;
        move |x| {
            let shifted = |distance: f64| {
                let mut x = x.to_vec();
                x[i] += distance * STEP;
                f(&x)
            };
            let difference = |&(at, weight): &(f64, f64)| weight * (shifted(at) - shifted(-at));
            STENCIL.iter().map(difference).sum::<f64>() / STEP
        }
    }

    /// Output `k` of the network, by the definition of a dense network.
    fn output(workload: &Workload<f64>, k: usize, x: &[f64]) -> f64 {
        let mut parameters = &workload.parameters[..];
        let mut values = x.to_vec();
        let last = workload.network.layers().len() - 1;
        for (l, (inputs, units)) in workload.network.shapes().enumerate() {
            let (weights, rest) = parameters.split_at(inputs * units);
            let (biases, rest) = rest.split_at(units);
            parameters = rest;
            let unit = |(row, bias): (&[f64], &f64)| {
                let z = bias + row.iter().zip(&values).map(|(w, a)| w * a).sum::<f64>();
                if l == last { z } else { z.tanh() }
            };
            values = weights.chunks(inputs).zip(biases).map(unit).collect();
        }
        values[k]
    }

    /// The square of the residual at one point, as the table of cases writes it.
    fn residual(task: Task, field: &dyn Fn(usize, &[f64]) -> f64, x: &[f64]) -> f64 {
        let exact =
            |x: &[f64]| -> f64 { x.iter().map(|x| (std::f64::consts::PI * x).sin()).product() };
        let (u, v, p) = (|x: &[f64]| field(0, x), |x: &[f64]| field(1, x), |x: &[f64]| field(2, x));
        let laplacian = |f: &Field<'_>| (0..x.len()).map(|i| d(&d(f, i), i)(x)).sum::<f64>();
        match task {
            Task::EvaluateValue | Task::EvaluateLaplacian => 0.0,
            Task::Gradient => {
                (0..2).map(|i| (d(&u, i)(x) - d(&exact, i)(x)).powi(2)).sum::<f64>() / 2.0
            }
            Task::AllenCahn => {
                let left = |f: &Field<'_>| 0.01 * laplacian(f) + f(x).powi(3) - f(x);
                (left(&u) - left(&exact)).powi(2)
            }
            Task::KortewegDeVries => {
                let (u_t, u_x) = (d(&u, 0), d(&u, 1));
                let u_xx = d(&u_x, 1);
                (u_t(x) + u(x) * u_x(x) + 0.0025 * d(&u_xx, 1)(x)).powi(2)
            }
            Task::Hessian => {
                let entry = |i, j| (d(&d(&u, i), j)(x) - d(&d(&exact, i), j)(x)).powi(2);
                (entry(0, 0) + entry(0, 1) + entry(1, 0) + entry(1, 1)) / 4.0
            }
            Task::NavierStokes => {
                let along = |f: &Field<'_>, i| {
                    u(x) * d(f, 0)(x) + v(x) * d(f, 1)(x) + d(&p, i)(x) - laplacian(f) / 40.0
                };
                let divergence = d(&u, 0)(x) + d(&v, 1)(x);
                along(&u, 0).powi(2) + along(&v, 1).powi(2) + divergence.powi(2)
            }
            Task::Poisson => (laplacian(&u) - laplacian(&exact)).powi(2),
        }
    }

    #[test]
    fn losses_are_those_of_the_table() {
        for case in trained() {
            let mut workload = workload(Box::leak(Box::new(case.small())));
            let found = workload.differentiate().unwrap();
            let rows = |set: &PointSet<f64>| -> Vec<Vec<f64>> {
                let row = |p| set.columns.iter().skip(p).step_by(set.len).copied().collect();
                (0..set.len).map(row).collect()
            };
            let mean = |rows: Vec<Vec<f64>>, square: &Field<'_>| {
                rows.iter().map(|x| square(x)).sum::<f64>() / rows.len().max(1) as f64
            };
            let field = |k: usize, x: &[f64]| output(&workload, k, x);
            let expected = mean(rows(&workload.interior), &|x| residual(case.task, &field, x))
                + mean(rows(&workload.boundary), &|x| {
                    assert!(x.iter().any(|x| x.abs() == 1.0), "{x:?} is not on the boundary");
                    let exact = |x: f64| (std::f64::consts::PI * x).sin();
                    (field(0, x) - exact(x[0]) * exact(x[1])).powi(2)
                });
            let error = (found - expected).abs() / expected;
            assert!(error < 1e-8, "{}: {found} is not {expected}", case.name);
        }
    }

    #[test]
    fn training_lowers_the_loss() {
        for case in trained().filter(|case| case.points() < 1000) {
            let mut workload = Workload::<f32>::new(case, Threads::single()).unwrap();
            let before = workload.differentiate().unwrap();
            for _ in 0..50 {
                workload.step().unwrap();
            }
            let after = workload.differentiate().unwrap();
            assert!(after < before, "{}: from {before} to {after}", case.name);
        }
    }
}
