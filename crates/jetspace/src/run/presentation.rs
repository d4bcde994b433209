//! What people see of a run: the table at its end, and the report with its figures.

use std::path::Path;

use super::errors_over_time::{curves_of, times_to_errors};
use super::folder::Folder;
use super::{Member, MemberResult, metrics_log, over_parameters};
use crate::Error;
use crate::evaluation::trajectory_metric;
use crate::point_set::PointSet;
use crate::problem::Coordinate;
use crate::report::{
    Axis, Chapter, Colours, Curves, FieldFigure, FieldRow, GridAxis, MethodScores, Metric, Report,
    ResultTable, Scale, Score, Series,
};
use crate::study::{Study, Variant};
use crate::table;

/// The name of the method that others are compared with in difference maps.
const REFERENCE: &str = "derl";

/// The table of results, for a terminal.
#[must_use]
pub fn table(study: &Study, results: &[MemberResult]) -> String {
    result_table(study, results).to_text()
}

/// The table of results with what a reader must know, for a page of several; `link` leads to the run's
/// own report.
#[must_use]
pub fn chapter(study: &Study, results: &[MemberResult], link: Option<String>) -> Chapter {
    let seconds: f64 = results.iter().map(|r| r.seconds).sum();
    let time = format!("{} trainings took {seconds:.0} s.", results.len());
    Chapter {
        title: study.title.clone(),
        description: study.about.trim().to_owned(),
        table: result_table(study, results),
        notes: [notes(study, results), vec![time]].concat(),
        link,
    }
}

/// Writes report.html, and each figure as a file of its own.
pub fn write(
    study: &Study,
    folder: &Folder,
    members: &[Member],
    results: &[MemberResult],
) -> Result<(), Error> {
    let (over_parameters, choices) = over_parameters::figures(study, folder, members)?;
    let report = Report {
        title: study.title.clone(),
        description: [study.about.trim(), study.problem.about.trim()].join("\n\n"),
        table: Some(result_table(study, results)),
        fields: fields(study, folder, members)?,
        sweep: [sweep(study, results), over_parameters].concat(),
        choices,
        cells: Vec::new(),
        curves: [
            curves_of(study, folder, members, results).into_iter().collect(),
            curves(study, folder, members),
        ]
        .concat(),
        notes: notes(study, results),
        configuration: vec![
            ("study.toml".to_owned(), study.source.text.clone()),
            ("problem.toml".to_owned(), study.problem.source.text.clone()),
        ],
        versions: versions(study),
        timings: timings(study, results),
    };
    folder.write_text("report.html", &report.to_html()?)?;
    let figures = folder.path().join("figures");
    std::fs::create_dir_all(&figures).map_err(|e| Error::io("create", &figures, e))?;
    for figure in report.figures()? {
        folder.write_text(&format!("figures/{}", figure.file_name), &figure.svg)?;
    }
    Ok(())
}

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
fn hat(field: &str) -> String {
    if field.chars().count() == 1 {
        format!("{field}\u{302}")
    } else {
        format!("{field} predicted")
    }
}

fn result_table(study: &Study, results: &[MemberResult]) -> ResultTable {
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

fn join(method: &str, variant: &str) -> String {
    if variant.is_empty() { method.to_owned() } else { format!("{method}, {variant}") }
}

/// One figure for each field (and variant): truth, predictions, errors, residuals of the first
/// seed.
fn fields(study: &Study, folder: &Folder, members: &[Member]) -> Result<Vec<FieldFigure>, Error> {
    let mut figures = Vec::new();
    for variant in &study.variants {
        let mut evaluated = Vec::new();
        for method in &study.methods {
            let is_first = |m: &&Member| m.method.name == method.name && m.variant == *variant;
            if let Some(member) = members.iter().find(is_first) {
                let path = folder.path().join(member.name()).join("fields.npz");
                evaluated.push((method.name.clone(), table::read(&path)?));
            }
        }
        figures.extend(
            study.problem.fields.iter().map(|field| figure(study, variant, field, &evaluated)),
        );
    }
    Ok(figures)
}

fn figure(
    study: &Study,
    variant: &Variant,
    field: &str,
    evaluated: &[(String, PointSet)],
) -> FieldFigure {
    let plane = Plane::of(study);
    let slice = |table: &PointSet, column: &str| table.column(column).map(|v| plane.slice(v));
    let truth = evaluated.first().and_then(|(_, t)| slice(t, &format!("{field}_true")));
    let row = |quantity: String,
               colours,
               first: Option<Vec<f64>>,
               of: &dyn Fn(&PointSet) -> Option<Vec<f64>>| {
        let mut maps: Vec<Option<Vec<f64>>> = evaluated.iter().map(|(_, t)| of(t)).collect();
        if truth.is_some() {
            maps.insert(0, first);
        }
        FieldRow { quantity, colours, maps }
    };
    let error = |table: &PointSet| {
        let truth = truth.as_ref()?;
        Some(slice(table, field)?.iter().zip(truth).map(|(a, b)| (a - b).abs()).collect())
    };
    let hat = hat(field);
    let shown = if truth.is_some() { field } else { &hat };
    let mut rows =
        vec![row(format!("*{shown}*"), Colours::Values, truth.clone(), &|t| slice(t, field))];
    if truth.is_some() {
        let errors = row(format!("*|{hat} − {field}|*"), Colours::LogMagnitude, None, &error);
        let reference = evaluated.iter().position(|(name, _)| name == REFERENCE);
        let difference = reference
            .filter(|_| evaluated.len() > 1)
            .map(|column| errors.excess_over(column + 1, "error − error of DERL"));
        rows.push(errors);
        rows.extend(difference);
    }
    for equation in &study.problem.equations {
        let name = format!("residual_{}", equation.name);
        if evaluated.iter().all(|(_, table)| table.column(&name).is_none()) {
            continue;
        }
        let magnitude =
            |t: &PointSet| Some(slice(t, &name)?.iter().map(|r| r.abs()).collect::<Vec<f64>>());
        let quantity = match study.problem.equations.len() {
            1 => "*|F|*".to_owned(),
            _ => format!("*|F|*, {}", equation.name),
        };
        rows.push(row(quantity, Colours::LogMagnitude, None, &magnitude));
    }
    let mut columns: Vec<String> = evaluated.iter().map(|(name, _)| name.to_uppercase()).collect();
    if truth.is_some() {
        columns.insert(0, "truth".to_owned());
    }
    let mut caption = format!("First seed ({}).", study.seeds.first().copied().unwrap_or(0));
    caption += &plane.caption;
    FieldFigure {
        title: join(&format!("Field *{field}*"), &variant.label),
        caption,
        x: plane.x,
        y: plane.y,
        columns,
        rows,
    }
}

/// The plane of the evaluation grid that figures show: its first two coordinates that have more
/// than one node, through the middle of all others.
struct Plane {
    x: GridAxis,
    y: GridAxis,
    /// Index of the first point, and steps along x and y.
    origin: usize,
    strides: (usize, usize),
    caption: String,
}

impl Plane {
    fn of(study: &Study) -> Self {
        let (grid, coordinates) = (&study.evaluation.grid, &study.problem.coordinates);
        let stride = |axis: usize| grid[axis + 1..].iter().product::<usize>();
        let shown: Vec<usize> = (0..grid.len()).filter(|&i| grid[i] > 1).take(2).collect();
        let (mut origin, mut caption) = (0, String::new());
        for (axis, coordinate) in coordinates.iter().enumerate() {
            if shown.contains(&axis) {
                continue;
            }
            let middle = grid[axis] / 2;
            origin += middle * stride(axis);
            let Coordinate { name, range: (low, high), .. } = coordinate;
            let part = middle as f64 / grid[axis].saturating_sub(1).max(1) as f64;
            let value = format!("{:.4}", low + part * (high - low));
            caption.extend([" At *", name, "* = ", &value, "."]);
        }
        let axis = |place: usize| match shown.get(place) {
            Some(&i) => (label_axis(&coordinates[i], grid[i]), stride(i)),
            None => (GridAxis { name: String::new(), range: (0.0, 1.0), points: 1 }, 0),
        };
        let ((x, along_x), (y, along_y)) = (axis(0), axis(1));
        Self { x, y, origin, strides: (along_x, along_y), caption }
    }

    /// The values on the plane, x varying fastest.
    fn slice(&self, values: &[f64]) -> Vec<f64> {
        let at = |i: usize, j: usize| self.origin + i * self.strides.0 + j * self.strides.1;
        let rows = (0..self.y.points).flat_map(|j| (0..self.x.points).map(move |i| (i, j)));
        rows.map(|(i, j)| values.get(at(i, j)).copied().unwrap_or(f64::NAN)).collect()
    }
}

fn label_axis(coordinate: &Coordinate, points: usize) -> GridAxis {
    let unit = coordinate.unit.as_ref().map_or_else(String::new, |unit| format!(" ({unit})"));
    GridAxis { name: format!("*{}*{unit}", coordinate.name), range: coordinate.range, points }
}

/// Errors, and what was found of unknowns, against what a study sweeps over.
fn sweep(study: &Study, results: &[MemberResult]) -> Vec<Curves> {
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
fn curves(study: &Study, folder: &Folder, members: &[Member]) -> Vec<Curves> {
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

fn notes(study: &Study, results: &[MemberResult]) -> Vec<String> {
    let protocol = study
        .protocol
        .iter()
        .map(|(protocol, differs)| format!("Protocol: {}. {}", protocol.name(), differs.trim()));
    let mut notes: Vec<String> = protocol.collect();
    notes.push(format!(
        "Norms are *√(Π h Σ v^2)* over all nodes of the evaluation grid, with the spacings *h* of \
         the nodes. Training in {}; evaluation in f64.",
        study.dtype.name()
    ));
    if !study.evaluation.parameters.is_empty() {
        let count = study.evaluation.parameters.len();
        notes.push(format!(
            "Metrics are means over {count} sets of parameters; figures show the first."
        ));
    }
    let early: Vec<String> = results.iter().flat_map(early_stops).collect();
    let rest = if early.is_empty() { "All optimisers" } else { "All other optimisers" };
    notes.extend(early);
    notes.push(format!("{rest} have done all of their steps."));
    notes
}

/// Which optimisers of a training ended early, and why.
fn early_stops(result: &MemberResult) -> Vec<String> {
    let name = format!("{}, seed {}", result.method.to_uppercase(), result.seed);
    let name = join(&name, &result.variant);
    let early = result.stops.iter().filter(|stop| stop.is_early());
    early.map(|stop| format!("{name}: {stop}.")).collect()
}

fn versions(study: &Study) -> Vec<(String, String)> {
    let mut versions = software();
    versions.push(("network".to_owned(), study.network.to_string()));
    let formulas = study.network_file.transform.iter();
    versions.extend(formulas.map(|(field, formula)| (field.clone(), formula.0.clone())));
    versions
}

/// What computes: the version of this library, and the machine.
pub(crate) fn software() -> Vec<(String, String)> {
    let pair = |a: &str, b: String| (a.to_owned(), b);
    vec![
        pair("Jetspace", env!("CARGO_PKG_VERSION").to_owned()),
        pair("instruction set", jetspace_jet::InstructionSet::best().to_string()),
        pair("machine", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
    ]
}

fn timings(study: &Study, results: &[MemberResult]) -> Vec<(String, String)> {
    let of = |name: &str| {
        let seconds: Vec<f64> =
            results.iter().filter(|r| r.method == name).map(|r| r.seconds).collect();
        let score = Score::over_seeds(&seconds, None)?;
        let training = format!("{:.1} s per training (median)", score.median);
        let parts: Vec<String> =
            std::iter::once(training).chain(times_to_errors(study, results, name)).collect();
        Some((name.to_uppercase(), parts.join("; ")))
    };
    let total: f64 = results.iter().map(|r| r.seconds).sum();
    let all = ("all".to_owned(), format!("{total:.1} s"));
    study.methods.iter().filter_map(|m| of(&m.name)).chain([all]).collect()
}
