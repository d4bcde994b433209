//! `jetspace list`, `jetspace show` and `jetspace schema`: what comes with the program.

use std::io::Write;
use std::process::ExitCode;

use jetspace::builtin::{self, Library};
use jetspace::problem::Problem;
use jetspace::study::Study;
use serde_json::json;

use crate::Failure;
use crate::arguments::{ListArguments, SchemaArguments, SchemaOf, ShowArguments};

pub fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let out = &mut std::io::stdout().lock();
    let mut entries = Vec::new();
    for (name, _) in builtin::STUDIES {
        entries.push(("study", *name, Study::open(name)?.title));
    }
    for (name, text) in builtin::PROBLEMS {
        entries.push(("problem", *name, Problem::parse(&format!("{name}.toml"), text)?.title));
    }
    let mut kind_before = "";
    for (kind, name, title) in entries {
        if arguments.json {
            writeln!(out, "{}", json!({ "kind": kind, "name": name, "title": title }))?;
            continue;
        }
        if kind != kind_before {
            let heading = if kind == "study" {
                "Studies (jetspace run NAME):"
            } else {
                "\nProblems (jetspace check NAME; named by studies):"
            };
            writeln!(out, "{heading}")?;
            kind_before = kind;
        }
        writeln!(out, "  {name:<24} {title}")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub fn show(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let name = arguments.name.as_str();
    let find = |library: &Library, wanted: bool| builtin::text(library, name).filter(|_| wanted);
    let study = find(builtin::STUDIES, !arguments.problem);
    let problem = find(builtin::PROBLEMS, !arguments.study);
    let out = &mut std::io::stdout().lock();
    match (study, problem) {
        (None, None) => {
            let known = builtin::names(&[builtin::STUDIES, builtin::PROBLEMS]);
            let what = "built-in study or problem";
            return Err(Box::new(jetspace::Error::Unknown { what, name: name.to_owned(), known }));
        }
        (Some(study), Some(problem)) => {
            writeln!(out, "# studies/{name}.toml\n\n{study}\n# problems/{name}.toml\n\n{problem}")?;
        }
        (Some(text), None) | (None, Some(text)) => write!(out, "{text}")?,
    }
    Ok(ExitCode::SUCCESS)
}

pub fn schema(arguments: &SchemaArguments) -> Result<ExitCode, Failure> {
    let schema = match arguments.of {
        SchemaOf::Problem => jetspace::problem_schema(),
        SchemaOf::Study => jetspace::study_schema(),
    };
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(ExitCode::SUCCESS)
}
