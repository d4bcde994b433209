//! `jetspace solve`: problems solved by numerical methods, without any training.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jetspace::evaluation::grid_points;
use jetspace::point_set::PointSet;
use jetspace::problem::{FiniteVolume, Fourier, Method, Ode, Problem, Truth, relative_difference};
use jetspace::{Error, builtin, table};
use jetspace_jet::MultiIndex;
use serde_json::json;

use crate::Failure;
use crate::arguments::{MethodName, SolveArguments};
use crate::predict::nodes;

pub fn solve(arguments: &SolveArguments) -> Result<ExitCode, Failure> {
    let source = builtin::open(&[builtin::PROBLEMS], "problem", &arguments.problem)?;
    let problem = Problem::from_source(&source)?;
    let grid = match &arguments.grid {
        Some(grid) => nodes(&grid.0, &problem)?,
        None => problem.default_grid(),
    };
    let coordinates = grid_points(&problem.bounds(), &grid)?;
    let reference = problem.reference(method(&problem, arguments)?);
    let waiting = Waiting::new(&format!("solving with {}", reference.method));
    let began = Instant::now();
    reference.solve(&problem, &|fraction| waiting.show(fraction))?;
    let fields: Vec<_> = (0..problem.fields.len()).map(|f| (f, MultiIndex::VALUE)).collect();
    let values = reference.jets(&problem, &coordinates, &fields)?;
    let seconds = began.elapsed().as_secs_f64();
    drop(waiting);
    let waiting = Waiting::new("solving more coarsely, to compare");
    let changes = reference.changes(&problem, &|fraction| waiting.show(fraction))?;
    drop(waiting);
    let exact = match &problem.truth {
        Truth::Formulas(_) => problem.true_jets(&coordinates, &fields)?,
        _ => None,
    };
    let error = exact.map(|exact| relative_difference(&exact, &values));
    if let Some(path) = &arguments.out {
        let names = problem.coordinates.iter().map(|c| &c.name).chain(&problem.fields).cloned();
        table::write(path, &PointSet::new(names.zip(coordinates.into_iter().chain(values)))?)?;
    }
    let out = &mut std::io::stdout().lock();
    if arguments.json {
        let changes: serde_json::Map<String, _> =
            changes.into_iter().map(|(how, change)| (how.to_owned(), change.into())).collect();
        let line = json!({
            "problem": problem.name,
            "method": reference.method.to_string(),
            "grid": grid,
            "seconds": seconds,
            "changes": changes,
            "error": error,
        });
        writeln!(out, "{line}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}", problem.title)?;
    writeln!(out, "  solved with {} in {seconds:.1} s", reference.method)?;
    for (how, change) in changes {
        writeln!(out, "  changes by {change:.0e} of itself {how}")?;
    }
    if let Some(error) = error {
        writeln!(out, "  is {error:.0e} of itself from the closed form")?;
    }
    if let Some(path) = &arguments.out {
        let count = grid.iter().product::<usize>();
        writeln!(out, "  {count} points written to {}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The method of the problem's file, or the one that is asked for, as finely as is asked for.
fn method(problem: &Problem, arguments: &SolveArguments) -> Result<Method, Error> {
    let of_file = match &problem.truth {
        Truth::Reference(reference) => Some(reference.method.clone()),
        _ => None,
    };
    let mut method = match (arguments.method, of_file) {
        (None, None) => {
            return Err(Error::Argument(format!(
                "{} has no [reference] that says how to solve it: add --method fourier (u_t = …, \
                 periodic), --method ode (time and parameters alone) or --method finite-volume (what \
                 flows is conserved)",
                problem.source.name
            )));
        }
        (None, Some(method))
        | (Some(MethodName::Fourier), Some(method @ Method::Fourier(_)))
        | (Some(MethodName::Ode), Some(method @ Method::Ode(_)))
        | (Some(MethodName::FiniteVolume), Some(method @ Method::FiniteVolume(_))) => method,
        (Some(MethodName::Fourier), _) => {
            let (nodes, steps) = numbers(arguments, "fourier")?;
            Method::Fourier(Fourier { nodes, steps })
        }
        (Some(MethodName::FiniteVolume), _) => {
            let (nodes, steps) = numbers(arguments, "finite-volume")?;
            Method::FiniteVolume(FiniteVolume::new(nodes, steps))
        }
        (Some(MethodName::Ode), _) => Method::Ode(Ode::default()),
    };
    if arguments.limiter.is_some() && !matches!(method, Method::FiniteVolume(_)) {
        let message =
            "--limiter is for slopes within cells: add --method finite-volume, or leave it out";
        return Err(Error::Argument(message.to_owned()));
    }
    let (given_nodes, steps) =
        (arguments.nodes.as_ref().map(|grid| grid.0.clone()), arguments.steps);
    match &mut method {
        Method::Fourier(Fourier { nodes: of_method, steps: of_steps }) => {
            *of_method = given_nodes.unwrap_or_else(|| std::mem::take(of_method));
            *of_steps = steps.unwrap_or(*of_steps);
        }
        Method::FiniteVolume(finite_volume) => {
            if let Some(nodes) = given_nodes {
                finite_volume.nodes = nodes;
            }
            finite_volume.steps = steps.unwrap_or(finite_volume.steps);
            finite_volume.limiter = arguments.limiter.map_or(finite_volume.limiter, Into::into);
        }
        Method::Ode(_) if given_nodes.is_some() => {
            let message = "--nodes are along space coordinates, and an ordinary differential equation \
                           has none: leave it out, or say --grid for where to write";
            return Err(Error::Argument(message.to_owned()));
        }
        Method::Ode(ode) => *ode = steps.map_or(*ode, Ode::Steps),
    }
    Ok(method)
}

/// The nodes and steps that a method needs.
fn numbers(arguments: &SolveArguments, method: &str) -> Result<(Vec<usize>, usize), Error> {
    match (&arguments.nodes, arguments.steps) {
        (Some(nodes), Some(steps)) => Ok((nodes.0.clone(), steps)),
        _ => Err(Error::Argument(format!(
            "--method {method} needs numbers: add --nodes and --steps, e.g. --nodes 256 --steps 4000"
        ))),
    }
}

/// What is going on, and how much of it is done: a bar on a terminal, a line now and then elsewhere.
struct Waiting {
    bar: Option<ProgressBar>,
    message: String,
    said: Cell<Instant>,
}

impl Waiting {
    const PARTS: u64 = 1000;

    fn new(message: &str) -> Self {
        const EVERY: Duration = Duration::from_millis(200);
        let (message, said) = (message.to_owned(), Cell::new(Instant::now()));
        if !std::io::stderr().is_terminal() {
            eprintln!("{message}");
            return Self { bar: None, message, said };
        }
        let bar = ProgressBar::new(Self::PARTS).with_message(message.clone());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {percent} %  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(EVERY);
        Self { bar: Some(bar), message, said }
    }

    fn show(&self, fraction: f64) {
        const EVERY: Duration = Duration::from_secs(5);
        match &self.bar {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 1000.
            Some(bar) => bar.set_position((fraction * Self::PARTS as f64) as u64),
            None if self.said.get().elapsed() >= EVERY => {
                eprintln!("{}  {:.0} %", self.message, 100.0 * fraction);
                self.said.set(Instant::now());
            }
            None => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
