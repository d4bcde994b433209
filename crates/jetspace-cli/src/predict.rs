//! `jetspace predict` and `jetspace eval`: what a trained model says, and how good it is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jetspace::evaluation::{EvaluationPlan, Measure, grid_points};
use jetspace::model::Model;
use jetspace::point_set::PointSet;
use jetspace::run::Folder;
use jetspace::{Error, Study, collocation, table};
use serde_json::json;

use crate::Failure;
use crate::arguments::{self, EvalArguments, PredictArguments};

/// Every thread of the machine.
const ALL_THREADS: usize = 0;

pub fn predict(arguments: &PredictArguments) -> Result<ExitCode, Failure> {
    let model = match &models(&arguments.model, "model.safetensors")?[..] {
        [(_, path)] => Model::read(path)?,
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let path = arguments.model.display();
            let message = format!(
                "{path} holds {} models; name one of them: {}",
                several.len(),
                names.join(", ")
            );
            return Err(Box::new(Error::Argument(message)));
        }
    };
    let problem = &model.problem;
    let coordinates = match arguments::grid(&arguments.at) {
        Ok(grid) => grid_points(&problem.bounds(), &nodes(&grid.0, problem)?)?,
        Err(_) => collocation::read(problem, Path::new(&arguments.at))?.coordinates,
    };
    let default = problem.fields.join(",");
    let wanted = arguments.of.as_deref().unwrap_or(&default);
    let (texts, values) = model.predict(wanted, &coordinates, ALL_THREADS)?;
    let names = problem.coordinates.iter().map(|c| c.name.clone());
    let table = PointSet::new(names.zip(coordinates).chain(texts.into_iter().zip(values)))?;
    match &arguments.out {
        Some(path) => {
            table::write(path, &table)?;
            eprintln!("{} points written to {}", table.len(), path.display());
        }
        None => table::write_csv(&table, &mut std::io::stdout().lock())?,
    }
    Ok(ExitCode::SUCCESS)
}

pub fn eval(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    let file = if arguments.best { "best.safetensors" } else { "model.safetensors" };
    let out = &mut std::io::stdout().lock();
    let study = study_of_run(&arguments.run)?;
    for (name, path) in models(&arguments.run, file)? {
        let model = Model::read(&path)?;
        let mut plan = study.as_ref().map_or_else(
            || EvaluationPlan { grid: model.problem.default_grid(), ..Default::default() },
            |study| study.evaluation.clone(),
        );
        if let Some(grid) = &arguments.grid {
            plan.grid = nodes(&grid.0, &model.problem)?;
        }
        // The study's problem is the model's, with what the study's metrics add to its expressions.
        let problem = study.as_ref().map_or(&model.problem, |study| &study.problem);
        let metrics = Measure::new(problem, &plan)?.of(&model, ALL_THREADS)?.metrics;
        if arguments.json {
            writeln!(out, "{}", json!({ "model": name, "grid": plan.grid, "metrics": metrics }))?;
        } else {
            let metrics: Vec<String> =
                metrics.iter().map(|(metric, value)| format!("{metric} {value:.4e}")).collect();
            writeln!(out, "{name:<28} {}", metrics.join("  "))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The study of the run that a path is or lies in.
fn study_of_run(path: &Path) -> Result<Option<Study>, Error> {
    match path.ancestors().take(3).find(|folder| folder.join("run.json").is_file()) {
        Some(folder) => Ok(Some(Folder::open(folder)?.1)),
        None => Ok(None),
    }
}

pub fn nodes(grid: &[usize], problem: &jetspace::Problem) -> Result<Vec<usize>, Error> {
    let expected = problem.coordinates.len();
    if grid.len() == expected {
        return Ok(grid.to_vec());
    }
    let found = grid.len();
    Err(Error::Argument(format!(
        "the grid needs nodes along {expected} coordinates, e.g. {}; found {found}",
        vec!["101"; expected].join("x")
    )))
}

/// The model files at a path: itself, that of a training, or those of all trainings of a run.
fn models(path: &Path, file: &str) -> Result<Vec<(String, PathBuf)>, Error> {
    let name = |path: &Path| {
        path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    if path.is_file() {
        return Ok(vec![(name(path), path.to_owned())]);
    }
    if path.join(file).is_file() {
        return Ok(vec![(name(path), path.join(file))]);
    }
    let entries = std::fs::read_dir(path).map_err(|source| Error::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            folder.join(file).is_file().then(|| (name(&folder), folder.join(file)))
        })
        .collect();
    found.sort();
    if found.is_empty() {
        let reason = format!("no {file} here, nor in the folders in it: is the run finished?");
        return Err(Error::BadFile { path: path.to_owned(), reason });
    }
    Ok(found)
}
