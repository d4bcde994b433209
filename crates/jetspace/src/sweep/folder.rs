//! The folder of a sweep: what lies where, and how a sweep is found again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Point, Sweep, Varied, written};
use crate::Error;
use crate::run::{Folder, members, plain_name, read_json};
use crate::source::Source;

/// What sweep.json holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Description {
    pub jetspace: String,
    pub study: String,
    pub title: String,
    pub about: String,
    /// Of all sources and settings, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether the points are all combinations of values.
    pub grid: bool,
    /// The metric that tables and figures show.
    pub metric: Option<String>,
    pub varied: Vec<Varied>,
    pub points: Vec<Point>,
}

/// The folder of a sweep.
#[derive(Clone, Debug)]
pub struct SweepFolder {
    pub(super) folder: Folder,
    pub(super) description: Description,
}

impl SweepFolder {
    /// The folder of a sweep: `at`, or one under `runs/<study>` whose name the sweep decides. If the
    /// sweep has been there before, it goes on. `metric` is what tables and figures show; the
    /// relative error, or without a truth the residual, if it is not given.
    ///
    /// # Errors
    /// `at` holds something else, there is no such metric, or the operating system refuses.
    pub fn create(at: Option<&Path>, sweep: &Sweep, metric: Option<&str>) -> Result<Self, Error> {
        if let Some(metric) = metric {
            sweep.check_metric(metric)?;
        }
        let fingerprint = format!("{:016x}", sweep.fingerprint);
        let path = at.map_or_else(|| usual_path(sweep, &fingerprint), Path::to_owned);
        let path_text = path.display();
        if path.join("run.json").exists() {
            let message = format!("{path_text} holds a run: choose another --out");
            return Err(Error::Argument(message));
        }
        let known = is_sweep(&path).then(|| Self::open(&path)).transpose()?;
        if known.is_some_and(|known| known.description.fingerprint != fingerprint) {
            let message = format!(
                "{path_text} holds another sweep: go on with it by `jetspace resume {path_text}`, \
                 or choose another --out"
            );
            return Err(Error::Argument(message));
        }
        let mut points = Vec::new();
        let width = sweep.len().to_string().len();
        for (number, values) in (1..).zip(&sweep.points) {
            let values: Vec<Json> =
                values.iter().map(|v| serde_json::to_value(v).unwrap_or(Json::Null)).collect();
            let texts: Vec<String> = values.iter().map(written).collect();
            let label: String = plain_name(&texts.join(" ")).chars().take(60).collect();
            points.push(Point { name: format!("{number:0width$}-{label}"), values, trainings: 0 });
        }
        let description = Description {
            jetspace: env!("CARGO_PKG_VERSION").to_owned(),
            study: sweep.study.name.clone(),
            title: sweep.study.title.clone(),
            about: sweep.study.about.clone(),
            fingerprint,
            grid: sweep.is_grid,
            metric: metric.map(str::to_owned),
            varied: sweep.varied(),
            points,
        };
        let mut this = Self { folder: Folder::at(path), description };
        this.make(sweep)?;
        Ok(this)
    }

    /// Makes the runs of all points, as far as they are not there.
    fn make(&mut self, sweep: &Sweep) -> Result<(), Error> {
        let path = self.path().to_owned();
        std::fs::create_dir_all(&path).map_err(|e| Error::io("create", &path, e))?;
        for (point, values) in self.description.points.iter_mut().zip(&sweep.points) {
            let study = sweep.study_at(values)?;
            point.trainings = members(&study).len();
        }
        // First, so that a sweep that is killed while it makes its folders is the same sweep.
        self.folder.write_json("sweep.json", &self.description)?;
        self.folder.write_text("study.toml", &sweep.study.source.text)?;
        for (point, values) in self.description.points.iter().zip(&sweep.points) {
            let place = self.place(point);
            if !place.join("run.json").exists() {
                let study = sweep.study_at(values)?;
                Folder::create(Some(&place), &study, &sweep.settings, 1)?;
            }
        }
        Ok(())
    }

    /// The folder of an earlier sweep.
    ///
    /// # Errors
    /// It is not the folder of a sweep.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !is_sweep(path) {
            let reason = "not the folder of a sweep: it has no sweep.json".to_owned();
            return Err(Error::BadFile { path: path.to_owned(), reason });
        }
        let description = read_json(&path.join("sweep.json"))?;
        Ok(Self { folder: Folder::at(path.to_owned()), description })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The title of the study.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.description.title
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.description.points
    }

    /// The settings that are varied, in the order of the points' values.
    #[must_use]
    pub fn varied(&self) -> &[Varied] {
        &self.description.varied
    }

    /// The study as it was before any change.
    pub(super) fn study_text(&self) -> Result<String, Error> {
        Ok(Source::read(&self.path().join("study.toml"))?.text.clone())
    }

    /// The folder of a point's run.
    pub(super) fn place(&self, point: &Point) -> PathBuf {
        self.path().join(&point.name)
    }
}

/// Whether a folder is that of a sweep.
#[must_use]
pub fn is_sweep(path: &Path) -> bool {
    path.join("sweep.json").is_file()
}

/// Named after what is varied, and so that the same sweep has the same name.
fn usual_path(sweep: &Sweep, fingerprint: &str) -> PathBuf {
    let paths: Vec<String> = sweep.variations.iter().map(super::Variation::name).collect();
    let paths: String = plain_name(&paths.join(" ")).chars().take(60).collect();
    let short = fingerprint.get(..8).unwrap_or(fingerprint);
    Path::new("runs").join(&sweep.study.name).join(format!("sweep-{paths}-{short}"))
}
