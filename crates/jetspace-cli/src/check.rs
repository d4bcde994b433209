//! `jetspace check`.

use std::io::Write;
use std::process::ExitCode;

use jetspace::problem::{Place, Problem, Truth, Verdict};
use jetspace::study::Study;
use jetspace::{builtin, source::FileKind};

use crate::Failure;
use crate::arguments::CheckArguments;

pub fn check(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    let libraries = [builtin::PROBLEMS, builtin::STUDIES];
    let source = builtin::open(&libraries, "problem or study", &arguments.file)?;
    let out = &mut std::io::stdout().lock();
    match FileKind::of(&source)? {
        FileKind::Problem => check_problem(&Problem::from_source(&source)?, out)?,
        FileKind::Study => {
            let study = Study::from_source(&source)?;
            check_problem(&study.problem, out)?;
            describe_study(&study, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_problem(problem: &Problem, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}", problem.title)?;
    let check = problem.check()?;
    let coordinates: Vec<String> = problem
        .coordinates
        .iter()
        .map(|c| format!("{} in [{}, {}] ({})", c.name, c.range.0, c.range.1, c.kind.name()))
        .collect();
    writeln!(out, "  coordinates   {}", coordinates.join(", "))?;
    writeln!(out, "  fields        {}", problem.fields.join(", "))?;
    for parameter in &problem.parameters {
        let kind = if parameter.unknown { "unknown, starts at" } else { "=" };
        let truth = parameter.truth.map_or_else(String::new, |truth| format!(", in truth {truth}"));
        writeln!(out, "  parameter     {} {kind} {}{truth}", parameter.name, parameter.value)?;
    }
    if !problem.measured.is_empty() {
        let names: Vec<&str> = problem.measured.iter().map(|m| m.name.as_str()).collect();
        writeln!(out, "  measured      {}", names.join(", "))?;
    }
    for (coordinate, rate) in problem.coordinates.iter().zip(&problem.rates) {
        writeln!(out, "  rate          of {}: {}", coordinate.name, rate.text)?;
    }
    writeln!(out, "  derivatives   {} (order {})", check.derivatives.join(", "), check.order)?;
    let each = if problem.fields.len() > 1 { " (of each field)" } else { "" };
    writeln!(out, "  components    {}{each}", check.components.join(", "))?;
    for condition in &problem.conditions {
        let place = match &condition.place {
            Place::Sides(sides) => sides
                .iter()
                .map(|side| {
                    let coordinate = &problem.coordinates[side.axis];
                    format!("{} = {}", coordinate.name, coordinate.end(side.end))
                })
                .collect::<Vec<_>>()
                .join(", "),
            Place::Pair(i) => format!("both ends of {}", problem.coordinates[*i].name),
            Place::Points(columns) => format!("{} points", columns.first().map_or(0, Vec::len)),
        };
        let texts: Vec<&str> = condition.residuals.iter().map(|r| r.text.as_str()).collect();
        writeln!(out, "  condition     {}: {} at {place}", condition.name, texts.join(", "))?;
        if let Some(why) = &condition.unmet {
            writeln!(out, "                not compared with the truth: {why}")?;
        }
    }
    describe_truth(problem, out)?;
    if check.verdicts.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "  the truth put in, at random points (root mean square; size of what cancels):"
    )?;
    for Verdict { residual, size, scale, .. } in &check.verdicts {
        writeln!(out, "    {:<24} {size:.1e}  ({scale:.1e})  {}", residual.name, residual.text)?;
    }
    match check.verdicts.iter().find(|verdict| !verdict.holds()) {
        None => {
            writeln!(out, "  the truth solves the problem")?;
            Ok(())
        }
        Some(wrong) => Err(Box::new(problem.not_solved(wrong))),
    }
}

/// Where the truth comes from, unless it is a formula.
fn describe_truth(problem: &Problem, out: &mut impl Write) -> Result<(), Failure> {
    match &problem.truth {
        Truth::Formulas(_) => {}
        Truth::Unknown => writeln!(out, "  truth         unknown: nothing to compare with")?,
        Truth::Table { path, .. } => {
            let points = problem.true_points()?.unwrap_or_default();
            let columns: Vec<&str> = points.data.iter().map(|(name, _)| name.as_str()).collect();
            let (count, columns) = (points.len(), columns.join(", "));
            writeln!(out, "  truth         {count} points with {columns} in {}", path.display())?;
        }
        Truth::Reference(reference) => {
            writeln!(out, "  truth         solved with {}; changes by", reference.method)?;
            for (how, change) in reference.changes(problem, &|_| ())? {
                writeln!(out, "                {change:.0e} of itself {how}")?;
            }
        }
    }
    Ok(())
}

fn describe_study(study: &Study, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "study: {}", study.title)?;
    writeln!(out, "  network       {}", study.network)?;
    for (field, formula) in &study.network_file.transform {
        writeln!(out, "  transform     {field} = {}", formula.0)?;
    }
    for condition in &study.problem.conditions {
        for residual in &condition.residuals {
            if study.transform.fulfils(&study.problem, residual.expression, &condition.place)? {
                writeln!(out, "  exact         {}: {}", condition.name, residual.text)?;
            }
        }
    }
    writeln!(out, "  precision     {}", study.dtype.name())?;
    let collocation = jetspace::run::prepare(study)?;
    writeln!(out, "  points        {} inside", collocation.interior.len())?;
    if let Some(data) = &collocation.data {
        writeln!(out, "                {} with data", data.len())?;
    }
    let conditions = study.problem.conditions.iter().zip(&collocation.conditions);
    for ((condition, points), _) in conditions.zip(&study.exact).filter(|(_, exact)| !**exact) {
        writeln!(out, "                {} for {}", points.len(), condition.name)?;
    }
    for method in &study.methods {
        let terms: Vec<String> =
            method.terms.iter().map(|t| format!("{} × {}", t.weight, t.label)).collect();
        writeln!(out, "  method        {}: {}", method.name, terms.join(" + "))?;
    }
    let trainings = jetspace::run::members(study).len();
    writeln!(out, "  trainings     {trainings} (seeds {:?})", study.seeds)?;
    Ok(())
}
