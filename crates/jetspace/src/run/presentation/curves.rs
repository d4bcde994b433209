//! Curves: losses while methods train, and errors against what a study sweeps over.

use std::path::Path;

use super::super::{Folder, Member, MemberResult, metrics_log};
use super::results::shown_metrics;
use crate::report::{Axis, Curves, Metric, Scale, Score, Series};
use crate::study::{Study, Variant};

/// Errors, and what was found of unknowns, against what a study sweeps over.
pub(super) fn sweep(study: &Study, results: &[MemberResult]) -> Vec<Curves> {
    if study.variants.len() < 2 {
        return Vec::new();
    }
    // Zero has no place on a logarithmic axis.
    let is_positive = study.variants.iter().all(|v| v.value.is_some_and(|value| value > 0.0));
    let along = if is_positive { Scale::Log } else { Scale::Linear };
    let varied = study.variants[0].label.split(' ').next().unwrap_or("");
    let curves = shown_metrics(study).into_iter().map(|(key, Metric { name, ranked })| Curves {
        title: format!("{name} over the sweep"),
        caption: "Medians over seeds.".to_owned(),
        x: Axis { name: varied.to_owned(), scale: along },
        y: Axis { name, scale: if ranked { Scale::Log } else { Scale::Linear } },
        series: medians(study, results, &key),
    });
    curves.collect()
}

/// Losses of the first seed, all methods together and then term by term.
pub(super) fn losses(study: &Study, folder: &Folder, members: &[Member]) -> Vec<Curves> {
    let axis = |name: &str, scale| Axis { name: name.to_owned(), scale };
    let mut curves = Vec::new();
    let seed = study.seeds.first().copied().unwrap_or(0);
    let first = members.iter().filter(|m| m.seed == seed && m.variant == study.variants[0]);
    let logs: Vec<_> = first
        .map(|member| {
            let path = folder.path().join(member.name()).join("metrics.jsonl");
            (member, metrics_log::steps(Path::new(&path)).unwrap_or_default())
        })
        .collect();
    let series = |name: &str, points: Vec<(f64, f64)>| Series {
        name: name.to_owned(),
        points,
        ..Series::default()
    };
    curves.push(Curves {
        title: "Training loss".to_owned(),
        caption: format!("Each method's own loss, seed {seed}."),
        x: axis("evaluations", Scale::Linear),
        y: axis("loss", Scale::Log),
        series: logs
            .iter()
            .map(|(member, log)| {
                let points = log.iter().map(|line| (line.step as f64, line.loss)).collect();
                series(&member.method.name.to_uppercase(), points)
            })
            .collect(),
    });
    for (member, log) in &logs {
        let terms = member.method.terms.iter().map(|term| {
            let of = |line: &metrics_log::Line| {
                (line.step as f64, line.terms.get(&term.label).copied().unwrap_or(f64::NAN))
            };
            series(&term.label, log.iter().map(of).collect())
        });
        curves.push(Curves {
            title: format!("Terms of {}", member.method.name.to_uppercase()),
            caption: format!("Weighted, seed {seed}."),
            x: axis("evaluations", Scale::Linear),
            y: axis("loss", Scale::Log),
            series: terms.collect(),
        });
    }
    curves
}

/// The medians of a metric, a series for each method.
fn medians(study: &Study, results: &[MemberResult], metric: &str) -> Vec<Series> {
    let point = |method: &str, variant: &Variant| {
        let values: Vec<f64> = results
            .iter()
            .filter(|r| r.method == method && r.variant == variant.label)
            .filter_map(|r| r.metrics.get(metric).copied())
            .collect();
        Some((variant.value?, Score::over_seeds(&values, None)?.median))
    };
    let methods = study.methods.iter();
    methods
        .map(|method| Series {
            name: method.name.to_uppercase(),
            points: study.variants.iter().filter_map(|v| point(&method.name, v)).collect(),
            ..Series::default()
        })
        .collect()
}
