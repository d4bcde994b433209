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
use super::losses::Tile;

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
    #[allow(clippy::cast_precision_loss)] // 53 bits fit exactly.
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
        let fixed = if side % 2 == 0 { -1.0 } else { 1.0 };
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
        Task::Gradient => [
            plane(&|x, y| PI * cosine(x) * sine(y)),
            plane(&|x, y| PI * sine(x) * cosine(y)),
        ]
        .concat(),
        Task::AllenCahn => {
            plane(&|x, y| -0.02 * PI * PI * u(x, y) + u(x, y).powi(3) - u(x, y))
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
pub fn loss_cost<T: Scalar>(case: &'static Case) {
    use std::sync::Mutex;
    use std::time::Instant;
    let mut w = Workload::<T>::new(case, Threads::single()).unwrap();
    let total = Mutex::new(0.0);
    let Workload { engine, interior, boundary, parameters, gradient, .. } = &mut w;
    let inside = |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
        let s = Instant::now();
        let l = interior.tile(jets, cotangents).interior(case.task);
        *total.lock().unwrap() += s.elapsed().as_secs_f64();
        l
    };
    let outside = |jets: &JetTile<'_, T>, cotangents: &mut CotangentTile<'_, T>| {
        let s = Instant::now();
        let l = boundary.tile(jets, cotangents).boundary();
        *total.lock().unwrap() += s.elapsed().as_secs_f64();
        l
    };
    let batches = [
        Batch::new(&interior.plan, interior.points(), &inside),
        Batch::new(&boundary.plan, boundary.points(), &outside),
    ];
    let s = Instant::now();
    for _ in 0..100 { engine.gradient(parameters, &batches, gradient).unwrap(); }
    println!("{} {}: loss {:.2} us of {:.1}", case.name, T::NAME, *total.lock().unwrap() * 1e4, s.elapsed().as_secs_f64()*1e4);
}
