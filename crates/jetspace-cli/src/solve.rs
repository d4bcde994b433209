//! `jetspace solve`: problems solved by numerical methods, without any training.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jetspace::evaluation::grid_points;
use jetspace::point_set::PointSet;
use jetspace::problem::{Fourier, Method, Ode, Problem, Truth, relative_difference};
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
    let fields: Vec<_> = (0..problem.fields.len()).map(|f| (f, MultiIndex::VALUE)).collect();
    let values = reference.jets(&problem, &coordinates, &fields)?;
    let seconds = began.elapsed().as_secs_f64();
    let changes = reference.changes(&problem)?;
    let exact = match &problem.truth {
        Truth::Formulas(_) => problem.true_jets(&coordinates, &fields)?,
        _ => None,
    };
    let error = exact.map(|exact| relative_difference(&exact, &values));
    drop(waiting);
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
                 periodic) or --method ode (time and parameters alone)",
                problem.source.name
            )));
        }
        (None, Some(method))
        | (Some(MethodName::Fourier), Some(method @ Method::Fourier(_)))
        | (Some(MethodName::Ode), Some(method @ Method::Ode(_))) => method,
        (Some(MethodName::Fourier), _) => {
            let (Some(nodes), Some(steps)) = (&arguments.nodes, arguments.steps) else {
                let message = "--method fourier needs numbers: add --nodes and --steps, e.g. --nodes 256 \
                               --steps 4000";
                return Err(Error::Argument(message.to_owned()));
            };
            Method::Fourier(Fourier { nodes: nodes.0.clone(), steps })
        }
        (Some(MethodName::Ode), _) => Method::Ode(Ode::default()),
    };
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

/// A sign of life on a terminal, a line elsewhere.
struct Waiting(Option<ProgressBar>);

impl Waiting {
    fn new(message: &str) -> Self {
        const EVERY: Duration = Duration::from_millis(200);
        if !std::io::stderr().is_terminal() {
            eprintln!("{message}");
            return Self(None);
        }
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(EVERY);
        Self(Some(bar))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
