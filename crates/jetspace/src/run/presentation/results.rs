//! The table of results: which metrics it shows, what they are called, and a row for each method.

use super::super::MemberResult;
use crate::evaluation::trajectory_metric;
use crate::report::{MethodScores, Metric, ResultTable, Score};
use crate::study::Study;

/// The metrics that the table shows: those that the study asks for, or the error of each field, the
/// residual, the study's own, and unknowns.
pub fn shown_metrics(study: &Study) -> Vec<(String, Metric)> {
    if !study.columns.is_empty() {
        return study.columns.iter().map(|key| (key.clone(), heading(study, key))).collect();
    }
    let fields = study.problem.fields.iter().map(|f| format!("{f}_l2"));
    let own = study.evaluation.metrics.iter().map(|metric| metric.name.clone());
    let unknowns = study.problem.parameters.iter().filter(|p| p.unknown);
    let unknowns = unknowns.map(|p| match p.truth {
        Some(_) => format!("{}_error", p.name),
        None => p.name.clone(),
    });
    let trajectories = study.evaluation.trajectory_metrics(&study.problem);
    let keys = fields.chain(["residual_l2".to_owned()]).chain(own).chain(trajectories);
    let keys = keys.chain(unknowns);
    keys.map(|key| (key.clone(), heading(study, &key))).collect()
}

/// What a table calls a metric.
fn heading(study: &Study, key: &str) -> Metric {
    let problem = &study.problem;
    let ranked = |name: String| Metric { name, ranked: true };
    if let Some(own) = study.evaluation.metrics.iter().find(|metric| metric.name == key) {
        return ranked(own.title.clone());
    }
    for f in &problem.fields {
        let error = format!("{f} − û").replace('û', &hat(f));
        match key.strip_prefix(f.as_str()) {
            Some("_l2") => return ranked(format!("*‖{error}‖*")),
            Some("_relative") => return ranked(format!("*‖{error}‖/‖{f}‖*")),
            Some("_max") => return ranked(format!("max *|{error}|*")),
            _ => {}
        }
    }
    if let Some(c) = problem.coordinates.iter().find(|c| key == trajectory_metric(&c.name)) {
        return ranked(format!("*‖{} − {}‖* on trajectories", c.name, hat(&c.name)));
    }
    for unknown in problem.parameters.iter().filter(|p| p.unknown) {
        match key.strip_prefix(unknown.name.as_str()) {
            Some("") => return Metric { name: format!("*{key}*"), ranked: false },
            Some("_error") => {
                return ranked(format!("*|{} − {}|*", unknown.name, hat(&unknown.name)));
            }
            _ => {}
        }
    }
    let of_equation = |e: &&crate::problem::Residual| key == format!("residual_{}_l2", e.name);
    match key {
        "residual_l2" => ranked("*‖F‖*".to_owned()),
        "relative" => ranked("relative error".to_owned()),
        "gradient_l2" => ranked("error of gradients".to_owned()),
        _ => match problem.equations.iter().find(of_equation) {
            Some(equation) => ranked(format!("*‖F‖*, {}", equation.name)),
            None => ranked(key.to_owned()),
        },
    }
}

/// The name of a prediction: û.
pub(super) fn hat(field: &str) -> String {
    if field.chars().count() == 1 {
        format!("{field}\u{302}")
    } else {
        format!("{field} predicted")
    }
}

pub(super) fn result_table(study: &Study, results: &[MemberResult]) -> ResultTable {
    let has_results =
        |(key, _): &(String, Metric)| results.iter().any(|result| result.metrics.contains_key(key));
    let metrics: Vec<(String, Metric)> =
        shown_metrics(study).into_iter().filter(has_results).collect();
    let mut rows = Vec::new();
    for variant in &study.variants {
        for method in &study.methods {
            let of_row: Vec<&MemberResult> = results
                .iter()
                .filter(|r| r.method == method.name && r.variant == variant.label)
                .collect();
            let published = study.published.get(&method.name);
            let score = |(key, _): &(String, Metric)| {
                let values: Vec<f64> =
                    of_row.iter().filter_map(|r| r.metrics.get(key).copied()).collect();
                Score::over_seeds(&values, published.and_then(|p| p.get(key).copied()))
            };
            rows.push(MethodScores {
                method: join(&method.name.to_uppercase(), &variant.label),
                scores: metrics.iter().map(score).collect(),
            });
        }
    }
    let seeds: Vec<String> = study.seeds.iter().map(ToString::to_string).collect();
    let grid: Vec<String> = study.evaluation.grid.iter().map(ToString::to_string).collect();
    let mut caption = format!(
        "Median over seeds {} on a grid of {} nodes; lower is better.",
        seeds.join(", "),
        grid.join(" × ")
    );
    if !study.published_in.is_empty() {
        caption.extend([" Published: ", &study.published_in, "."]);
    }
    let metrics = metrics.into_iter().map(|(_, metric)| metric).collect();
    ResultTable { caption, rows_are: "method".to_owned(), metrics, rows }
}

/// A method or figure, and what distinguishes it.
pub(super) fn join(method: &str, variant: &str) -> String {
    if variant.is_empty() { method.to_owned() } else { format!("{method}, {variant}") }
}
