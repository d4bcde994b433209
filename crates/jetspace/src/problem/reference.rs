//! Reference solutions: the truth of a problem that has no closed form, solved numerically from the
//! problem's own equations and initial conditions. Each method has a file of its own.

mod finite_volume;
mod fourier;
mod ode;

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;
use jetspace_solve::{History, SolveError, Trajectory};

use super::verify::evaluate;
use super::{Kind, Place, Problem};
use crate::Error;
use crate::random::Purpose;
use crate::sampling::{End, Sampler, Side};

pub use finite_volume::{FiniteVolume, Flux};
pub use fourier::Fourier;
pub use ode::Ode;

/// A numerical solution, made when it is first needed.
#[derive(Debug)]
pub struct Reference {
    /// How it is made.
    pub method: Method,
    /// Where it stands in the problem file, if it does.
    place: Option<Range<usize>>,
    solution: OnceLock<Solution>,
}

/// How a solution is made, and how finely.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Fourier modes in space, ETDRK4 in time.
    Fourier(Fourier),
    /// Runge–Kutta methods for ordinary differential equations.
    Ode(Ode),
    /// Finite volumes for conservation laws.
    FiniteVolume(FiniteVolume),
}

#[derive(Debug)]
enum Solution {
    Fourier(Trajectory),
    Ode(ode::Flow),
    FiniteVolume(History),
}

impl fmt::Display for Method {
    /// As in "solved with …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fourier(method) => method.fmt(f),
            Self::Ode(method) => method.fmt(f),
            Self::FiniteVolume(method) => method.fmt(f),
        }
    }
}

impl Method {
    /// Coarser ones, each with what is different about it.
    fn coarser(&self) -> Vec<(&'static str, Self)> {
        match self {
            Self::Fourier(method) => {
                method.coarser().map(|(how, m)| (how, Self::Fourier(m))).into()
            }
            Self::Ode(method) => {
                let (how, method) = method.coarser();
                vec![(how, Self::Ode(method))]
            }
            Self::FiniteVolume(method) => {
                let (how, method) = method.coarser();
                vec![(how, Self::FiniteVolume(method))]
            }
        }
    }

    /// The fraction of their terms below which residuals of the solution count as zero.
    pub(super) fn tolerance(&self) -> f64 {
        match self {
            // Derivatives by time are those of an interpolation.
            Self::Fourier(_) => 1e-4,
            Self::Ode(_) => 1e-8,
            // The equation is compared with the flux before; donor cells smear what they move.
            Self::FiniteVolume(_) => 0.2,
        }
    }

    /// What to do if residuals are not zero.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Fourier(_) => {
                "a reference solution is periodic in space, as the problem must be, and needs enough \
                 nodes and steps"
            }
            Self::FiniteVolume(_) => "finite volumes need enough nodes and steps",
            Self::Ode(_) => "all conditions but those at the start must follow from the equations",
        }
    }
}

impl Reference {
    pub(super) fn new(method: Method, place: Option<Range<usize>>) -> Self {
        Self { method, place, solution: OnceLock::new() }
    }

    /// D^α uᵢ at points given as columns, a column for each (i, α) that is `wanted`.
    ///
    /// # Errors
    /// An equation that the method cannot solve, a solution that grows beyond all bounds, or a
    /// derivative that it does not have.
    pub fn jets(
        &self,
        problem: &Problem,
        points: &[Vec<f64>],
        wanted: &[(usize, MultiIndex)],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let count = points.first().map_or(0, Vec::len);
        if points.len() != problem.coordinates.len() || points.iter().any(|c| c.len() != count) {
            let found: Vec<usize> = points.iter().map(Vec::len).collect();
            let expected = problem.coordinates.len();
            let message =
                format!("expected columns of {expected} coordinates, found {found:?} points");
            return Err(Error::Argument(message));
        }
        if let Some((field, _)) = wanted.iter().find(|(field, _)| *field >= problem.fields.len()) {
            let fields = problem.fields.len();
            let message = format!("expected one of {fields} fields (from 0), found {field}");
            return Err(Error::Argument(message));
        }
        let setting = Setting { problem, place: self.place.clone(), progress: &|_| () };
        match self.solved(&setting)? {
            Solution::Fourier(solution) => Ok(solution.jets(points, wanted)?),
            Solution::Ode(solution) => solution.jets(&setting, points, wanted),
            Solution::FiniteVolume(solution) => {
                let indices: Vec<MultiIndex> = wanted.iter().map(|(_, index)| *index).collect();
                Ok(solution.jets(points, &indices)?)
            }
        }
    }

    /// Solves it now, and not when it is first needed; `progress` is told the fraction that is done, now
    /// and then.
    ///
    /// # Errors
    /// An equation that the method cannot solve, or a solution that grows beyond all bounds.
    pub fn solve(&self, problem: &Problem, progress: &dyn Fn(f64)) -> Result<(), Error> {
        self.solved(&Setting { problem, place: self.place.clone(), progress }).map(|_| ())
    }

    fn solved(&self, setting: &Setting<'_>) -> Result<&Solution, Error> {
        if let Some(solution) = self.solution.get() {
            return Ok(solution);
        }
        let solution = match &self.method {
            Method::Fourier(method) => Solution::Fourier(method.solve(setting)?),
            Method::Ode(method) => Solution::Ode(method.solve(setting)?),
            Method::FiniteVolume(method) => Solution::FiniteVolume(method.solve(setting)?),
        };
        Ok(self.solution.get_or_init(|| solution))
    }

    /// How much the solution changes, relative to itself, if it is solved more coarsely, and what
    /// that means, e.g. "with half the steps": root mean squares over random points. `progress` is told
    /// the fraction of each solution that is done.
    ///
    /// # Errors
    /// As [`jets`](Self::jets).
    pub fn changes(
        &self,
        problem: &Problem,
        progress: &dyn Fn(f64),
    ) -> Result<Vec<(&'static str, f64)>, Error> {
        const POINTS: usize = 1000;
        let sampler = Sampler::Uniform { points: POINTS };
        let mut points = sampler.sample(&problem.bounds(), &mut Purpose::Check.stream(1))?;
        // In the order of time, so that each is interpolated once.
        points.iter_mut().enumerate().for_each(|(i, column)| {
            if problem.coordinates[i].kind == Kind::Time {
                column.sort_by(f64::total_cmp);
            }
        });
        let wanted: Vec<_> = (0..problem.fields.len()).map(|f| (f, MultiIndex::VALUE)).collect();
        let fine = self.jets(problem, &points, &wanted)?;
        let change = |(how, method)| {
            let coarse = Self::new(method, self.place.clone());
            coarse.solve(problem, progress)?;
            let coarse = coarse.jets(problem, &points, &wanted)?;
            Ok((how, relative_difference(&fine, &coarse)))
        };
        self.method.coarser().into_iter().map(change).collect()
    }
}

/// √(Σ (a − b)² / Σ a²) over all values of columns a and b.
#[must_use]
pub fn relative_difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = || a.iter().flatten().zip(b.iter().flatten());
    let difference: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    let size: f64 = pairs().map(|(a, _)| a * a).sum();
    (difference / size.max(f64::MIN_POSITIVE)).sqrt()
}

impl Problem {
    /// A solution of this problem by some method, whatever is known about it otherwise.
    #[must_use]
    pub fn reference(&self, method: Method) -> Reference {
        Reference::new(method, self.source.place_of(&["reference"]))
    }
}

/// What is to be solved, and where the problem file asks for it.
struct Setting<'a> {
    problem: &'a Problem,
    place: Option<Range<usize>>,
    /// Is told the fraction that is done.
    progress: &'a dyn Fn(f64),
}

impl Setting<'_> {
    fn of_kind(&self, kind: Kind) -> Vec<usize> {
        let coordinates = self.problem.coordinates.iter().enumerate();
        coordinates.filter(|(_, c)| c.kind == kind).map(|(i, _)| i).collect()
    }

    /// The time, and the space coordinates, of a problem that has no others.
    fn time_and_space(&self) -> Result<(usize, Vec<usize>), Error> {
        let (&[time], []) = (&self.of_kind(Kind::Time)[..], &self.of_kind(Kind::Parameter)[..])
        else {
            let message = "expected time and space coordinates alone, found others";
            return Err(self.wrong(message, "fix the parameters, or give the solution as a file"));
        };
        Ok((time, self.of_kind(Kind::Space)))
    }

    /// What the initial conditions say that fields are, at nodes of which `places` has a column for each
    /// space coordinate.
    fn initial_values(
        &self,
        graph: &mut Graph,
        (time, space): (usize, &[usize]),
        places: Vec<Vec<f64>>,
        wanted: &[Symbol],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (from, _) = self.problem.coordinates[time].range;
        let nodes = places.first().map_or(0, Vec::len);
        let mut points = vec![vec![from; nodes]; self.problem.coordinates.len()];
        for (&i, column) in space.iter().zip(places) {
            points[i] = column;
        }
        let initial = self.initial(graph, time, wanted)?;
        evaluate(graph, &initial, &points, &self.problem.true_parameters(), &[])
    }

    /// The residuals of the equations.
    fn residuals(&self) -> Vec<Id> {
        self.problem.equations.iter().map(|e| e.expression).collect()
    }

    /// The residuals of the conditions on a side, whatever other sides they are on.
    fn on_side(&self, side: Side) -> Vec<Id> {
        let on_side = self.problem.conditions.iter().filter(|condition| match &condition.place {
            Place::Sides(sides) => sides.contains(&side),
            Place::Pair(_) | Place::Points(_) => false,
        });
        on_side.flat_map(|c| c.residuals.iter().map(|r| r.expression)).collect()
    }

    /// The problem is not one for this method.
    fn wrong(&self, message: &str, help: &str) -> Error {
        self.problem.source.mistake(self.place.clone(), message, "solved by this method", help)
    }

    /// What a solver says, at the equation that it says it about.
    fn mistake(&self, error: &SolveError) -> Error {
        let (equation, message) = match &error {
            SolveError::NotEvolution { equation, found } => {
                let expected = "expected one first derivative by time, with a constant factor";
                (Some(*equation), format!("{expected}, {found}"))
            }
            SolveError::NotExplicit { equation, found } => {
                let expected =
                    "expected the highest derivative by time of one field, and it linear";
                (Some(*equation), format!("{expected}, {found}"))
            }
            SolveError::Unsupported { equation, symbol } => {
                let name = self.problem.symbol_name(*symbol);
                (Some(*equation), format!("expected an equation without {name:?}"))
            }
            SolveError::NotConservation { .. } => (Some(0), error.to_string()),
            _ => (None, error.to_string()),
        };
        let place = equation.and_then(|equation| self.problem.equations.get(equation));
        let place = place.map_or(self.place.clone(), |equation| Some(equation.place.clone()));
        let help = match equation {
            Some(_) => "rewrite it, or give the solution in closed form or as a file",
            None => "change this, or give the solution in closed form or as a file",
        };
        self.problem.source.mistake(place, message, "for the reference solution", help)
    }

    /// What the initial conditions say that fields and derivatives of them are: a residual c (u − g)
    /// gives u = g.
    fn initial(&self, graph: &mut Graph, time: usize, wanted: &[Symbol]) -> Result<Vec<Id>, Error> {
        let residuals = self.on_side(Side { axis: time, end: End::Low });
        let value = |&symbol: &Symbol| {
            let value = residuals.iter().find_map(|&residual| given(graph, residual, symbol));
            value.ok_or_else(|| {
                let name = self.problem.symbol_name(symbol);
                let message = format!("expected an initial condition for {name}, found none");
                let help = format!(
                    "add {name:?} to on = \"initial\" conditions, as in require = [\"{name} = …\"]"
                );
                self.wrong(&message, &help)
            })
        };
        wanted.iter().map(value).collect()
    }
}

/// The value g that a residual c (u − g) gives a symbol u, if it is of that form.
fn given(graph: &mut Graph, residual: Id, symbol: Symbol) -> Option<Id> {
    let is_jet = |s: &Symbol| matches!(s, Symbol::Jet { .. });
    let jets: Vec<Symbol> = graph.symbols(&[residual]).into_iter().filter(is_jet).collect();
    let slope = graph.partial(residual, symbol);
    let slope = graph.constant_value(slope).filter(|s| *s != 0.0)?;
    let zero = graph.constant(0.0);
    let rest = graph.substitute(&[residual], &mut |s, _| (s == symbol).then_some(zero))[0];
    (jets == [symbol]).then(|| graph.sum(&[(-1.0 / slope, rest)]))
}
