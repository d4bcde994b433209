//! What people see of a sweep: the table at its end, a CSV file, and the report with its figures.

use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

use super::folder::SweepFolder;
use super::{Point, Varied, written};
use crate::Error;
use crate::evaluation::RELATIVE;
use crate::report::{
    Axis, CellAxis, CellMap, Curves, MethodScores, Metric, Report, ResultTable, Scale, Score,
    Series,
};
use crate::run::{MemberResult, software};

/// The results of a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointResults {
    /// The point.
    pub point: Point,
    /// What each training came to.
    pub results: Vec<MemberResult>,
}

/// Everything about a finished sweep, as JSON: its folder, what was varied, and all results.
///
/// # Errors
/// None that is known: all of it can be written.
pub fn summary(sweep: &SweepFolder, results: &[PointResults]) -> Result<String, Error> {
    let summary = Summary::new(sweep, results);
    serde_json::to_string(&summary).map_err(|error| Error::BadFile {
        path: sweep.path().to_owned(),
        reason: error.to_string(),
    })
}

#[derive(Serialize)]
struct Summary<'a> {
    study: &'a str,
    sweep: &'a Path,
    varied: Vec<&'a str>,
    points: &'a [PointResults],
}

impl<'a> Summary<'a> {
    fn new(sweep: &'a SweepFolder, points: &'a [PointResults]) -> Self {
        let varied = sweep.varied().iter().map(|varied| varied.path.as_str()).collect();
        Self { study: &sweep.description.study, sweep: sweep.path(), varied, points }
    }
}

/// The table of results and what is to be said about them, for a terminal.
#[must_use]
pub fn table(sweep: &SweepFolder, results: &[PointResults]) -> String {
    let view = View::new(sweep, results);
    let table = view.table();
    let mut text = format!("{}\n{}", table.caption, table.to_text());
    text.extend(view.diverged().into_iter().map(|line| line + "\n"));
    text
}

/// Writes results.json, sweep.csv, report.html, and each figure as a file of its own.
pub(super) fn write(sweep: &SweepFolder, results: &[PointResults]) -> Result<(), Error> {
    let view = View::new(sweep, results);
    let folder = &sweep.folder;
    folder.write_json("results.json", &Summary::new(sweep, results))?;
    folder.write_text("sweep.csv", &csv(sweep, results))?;
    let report = Report {
        title: format!("{}: sweep", sweep.title()),
        description: sweep.description.about.trim().to_owned(),
        table: Some(view.table()),
        sweep: view.curves(),
        cells: view.maps(),
        notes: view.diverged(),
        configuration: vec![("study.toml".to_owned(), sweep.study_text()?)],
        versions: software(),
        timings: vec![("all trainings".to_owned(), format!("{:.1} s", view.seconds()))],
        ..Report::default()
    };
    folder.write_text("report.html", &report.to_html()?)?;
    let figures = sweep.path().join("figures");
    std::fs::create_dir_all(&figures).map_err(|e| Error::io("create", &figures, e))?;
    for figure in report.figures()? {
        folder.write_text(&format!("figures/{}", figure.file_name), &figure.svg)?;
    }
    Ok(())
}

/// The results of a sweep in one metric.
struct View<'a> {
    results: &'a [PointResults],
    is_grid: bool,
    metric: String,
    /// The settings that have several values, with their numbers.
    varied: Vec<(usize, &'a Varied)>,
    /// Methods, each with the label of its variant.
    columns: Vec<(&'a str, &'a str)>,
}

impl<'a> View<'a> {
    fn new(sweep: &'a SweepFolder, results: &'a [PointResults]) -> Self {
        let all = || results.iter().flat_map(|point| &point.results);
        let is_relative = all().any(|result| result.metrics.contains_key(RELATIVE));
        let usual = if is_relative { RELATIVE } else { "residual_l2" };
        let metric = sweep.description.metric.clone().unwrap_or_else(|| usual.to_owned());
        let mut columns = Vec::new();
        for result in all() {
            let column = (result.method.as_str(), result.variant.as_str());
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let varies = |number: usize| {
            let mut values = results.iter().map(|point| point.point.values.get(number));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let all: Vec<(usize, &Varied)> = sweep.varied().iter().enumerate().collect();
        let several: Vec<_> = all.iter().copied().filter(|(number, _)| varies(*number)).collect();
        let varied = if several.is_empty() { all } else { several };
        Self { results, is_grid: sweep.description.grid, metric, varied, columns }
    }

    /// The metric of a method at a point, over seeds; a training that diverged has none that counts.
    fn score(&self, point: &PointResults, column: (&str, &str)) -> Option<Score> {
        let is_it = |r: &&MemberResult| (r.method.as_str(), r.variant.as_str()) == column;
        let value = |result: &MemberResult| {
            let value = result.metrics.get(&self.metric).copied();
            if result.diverged() { Some(f64::NAN) } else { value }
        };
        let values: Vec<f64> = point.results.iter().filter(is_it).filter_map(value).collect();
        Score::over_seeds(&values, None)
    }

    /// The values of a point, without those that are the same everywhere.
    fn label(&self, point: &Point) -> String {
        let values = self.varied.iter().filter_map(|(number, _)| point.values.get(*number));
        values.map(written).collect::<Vec<_>>().join(", ")
    }

    fn metric_name(&self) -> String {
        if self.metric == RELATIVE { "relative error".to_owned() } else { self.metric.clone() }
    }

    /// Whether lower is better.
    fn is_error(&self) -> bool {
        let endings = ["_l2", "_relative", "_max", "_error"];
        self.metric == RELATIVE || endings.iter().any(|ending| self.metric.ends_with(ending))
    }

    /// Points against methods: a grid in its order, samples from the best to the worst.
    fn table(&self) -> ResultTable {
        let mut rows: Vec<MethodScores> = self
            .results
            .iter()
            .map(|point| MethodScores {
                method: self.label(&point.point),
                scores: self.columns.iter().map(|&column| self.score(point, column)).collect(),
            })
            .collect();
        if !self.is_grid && self.is_error() {
            let best = |row: &MethodScores| {
                row.scores.iter().flatten().map(|s| s.median).fold(f64::INFINITY, f64::min)
            };
            rows.sort_by(|a, b| best(a).total_cmp(&best(b)));
        }
        let paths: Vec<&str> = self.varied.iter().map(|(_, varied)| varied.path.as_str()).collect();
        let metrics = self
            .columns
            .iter()
            .map(|column| Metric { name: column_name(*column), ranked: self.is_error() });
        let best = if self.is_error() { "; the best of each method is marked" } else { "" };
        ResultTable {
            caption: format!("{}: median over seeds{best}.", sentence(&self.metric_name())),
            rows_are: paths.join(", "),
            metrics: metrics.collect(),
            rows,
        }
    }

    /// A line for each training that diverged.
    fn diverged(&self) -> Vec<String> {
        let line = |point: &Point, result: &MemberResult| {
            let (method, seed) = (column_name((&result.method, &result.variant)), result.seed);
            format!("{}: {method}, seed {seed}, diverged", self.label(point))
        };
        let of_point = |point: &PointResults| -> Vec<String> {
            let diverged = point.results.iter().filter(|result| result.diverged());
            diverged.map(|result| line(&point.point, result)).collect()
        };
        self.results.iter().flat_map(of_point).collect()
    }

    fn seconds(&self) -> f64 {
        self.results.iter().flat_map(|point| &point.results).map(|result| result.seconds).sum()
    }

    /// The metric against each setting that is a number: alone with the range over seeds; beside
    /// others, of a grid the best over all others, of samples each for itself.
    fn curves(&self) -> Vec<Curves> {
        self.varied
            .iter()
            .filter_map(|&(number, varied)| self.curves_over(number, varied))
            .collect()
    }

    fn curves_over(&self, number: usize, varied: &Varied) -> Option<Curves> {
        let place = |point: &Point| point.values.get(number).and_then(Json::as_f64);
        let places: Option<Vec<f64>> = self.results.iter().map(|r| place(&r.point)).collect();
        let places = places?;
        let mut distinct = places.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        if distinct.len() < 2 {
            return None;
        }
        let is_alone = self.varied.len() == 1;
        let series = |&column: &(&str, &str)| {
            let (mut points, mut ranges) = (Vec::new(), Vec::new());
            for &x in &distinct {
                let there = places.iter().zip(self.results).filter(|(place, _)| **place == x);
                let mut scores: Vec<Score> =
                    there.filter_map(|(_, point)| self.score(point, column)).collect();
                scores.sort_by(|a, b| a.median.total_cmp(&b.median));
                let shown = if self.is_grid { 1 } else { scores.len() };
                for score in scores.iter().take(shown) {
                    points.push((x, score.median));
                    if is_alone {
                        ranges.push((score.min, score.max));
                    } else if !self.is_grid {
                        // Samples that differ in more than this are not joined.
                        points.push((f64::NAN, f64::NAN));
                    }
                }
            }
            Series { name: column_name(column), points, ranges, ..Series::default() }
        };
        let caption = match (is_alone, self.is_grid) {
            (true, _) => "Medians and ranges over seeds.",
            (false, true) => "Medians over seeds, at the best of all other settings.",
            (false, false) => "Medians over seeds of all samples.",
        };
        let along = if varied.logarithmic { Scale::Log } else { Scale::Linear };
        Some(Curves {
            title: format!("{} over {}", sentence(&self.metric_name()), varied.path),
            caption: caption.to_owned(),
            x: Axis { name: varied.path.clone(), scale: along },
            y: Axis {
                name: self.metric_name(),
                scale: if self.is_error() { Scale::Log } else { Scale::Linear },
            },
            series: self.columns.iter().map(series).collect(),
        })
    }

    /// For a grid of two settings, a map for each method.
    fn maps(&self) -> Vec<CellMap> {
        let ([(x, x_varied), (y, y_varied)], true) = (self.varied.as_slice(), self.is_grid) else {
            return Vec::new();
        };
        let (x_values, y_values) = (self.values(*x), self.values(*y));
        let value = |column: (&str, &str), x_value: &Json, y_value: &Json| {
            let is_it = |r: &&PointResults| {
                let values = &r.point.values;
                values.get(*x) == Some(x_value) && values.get(*y) == Some(y_value)
            };
            let score = self.results.iter().find(is_it).and_then(|r| self.score(r, column));
            score.map_or(f64::NAN, |score| score.median)
        };
        let axis = |varied: &Varied, values: &[&Json]| CellAxis {
            name: varied.path.clone(),
            values: values.iter().map(|value| written(value)).collect(),
        };
        let map = |&column: &(&str, &str)| CellMap {
            title: format!("{} of {}", sentence(&self.metric_name()), column_name(column)),
            caption: "Medians over seeds; hatched where trainings diverged.".to_owned(),
            x: axis(x_varied, &x_values),
            y: axis(y_varied, &y_values),
            values: y_values
                .iter()
                .flat_map(|y_value| x_values.iter().map(|x_value| value(column, x_value, y_value)))
                .collect(),
        };
        self.columns.iter().map(map).collect()
    }

    /// The values of a setting: numbers ascending, others in their order.
    fn values(&self, number: usize) -> Vec<&'a Json> {
        let mut values: Vec<&Json> = Vec::new();
        for value in self.results.iter().filter_map(|r| r.point.values.get(number)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let size = |value: &&Json| value.as_f64().unwrap_or(0.0);
        values.sort_by(|a, b| size(a).total_cmp(&size(b)));
        values
    }
}

/// A method in capitals and its variant.
fn column_name((method, variant): (&str, &str)) -> String {
    let method = method.to_uppercase();
    if variant.is_empty() { method } else { format!("{method}, {variant}") }
}

/// With a capital, if it is words.
fn sentence(text: &str) -> String {
    match text.strip_prefix("relative error") {
        Some(rest) => format!("Relative error{rest}"),
        None => text.to_owned(),
    }
}

/// A row for each training: its point, settings, method, seed, and all numbers.
fn csv(sweep: &SweepFolder, results: &[PointResults]) -> String {
    let mut metrics: Vec<&str> = Vec::new();
    for name in results.iter().flat_map(|r| &r.results).flat_map(|r| r.metrics.keys()) {
        if !metrics.contains(&name.as_str()) {
            metrics.push(name);
        }
    }
    let paths = sweep.varied().iter().map(|varied| varied.path.as_str());
    let fixed =
        ["method", "variant", "seed", "diverged", "seconds", "evaluations", "loss", "best_loss"];
    let header = std::iter::once("point").chain(paths).chain(fixed).chain(metrics.iter().copied());
    let mut text = line(header.map(str::to_owned));
    for PointResults { point, results } in results {
        for result in results {
            let settings = point.values.iter().map(written);
            let numbers =
                [result.seconds, result.evaluations as f64, result.loss, result.best_loss];
            let of_metrics = metrics.iter().map(|name| result.metrics.get(*name).copied());
            let fixed = [
                result.method.clone(),
                result.variant.clone(),
                result.seed.to_string(),
                result.diverged().to_string(),
            ];
            let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:?}"));
            let numbers = numbers.into_iter().map(Some).chain(of_metrics).map(number);
            let cells = std::iter::once(point.name.clone()).chain(settings).chain(fixed);
            text += &line(cells.chain(numbers));
        }
    }
    text
}

/// A line of a CSV file (RFC 4180).
fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.extend(["\"", &cell.replace('"', "\"\""), "\""]);
        } else {
            line += &cell;
        }
    }
    line + "\n"
}
