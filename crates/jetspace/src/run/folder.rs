//! The folder of a run: what lies where, and how it is written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Member, MemberResult};
use crate::Error;
use crate::atomic_file::write_atomically;
use crate::source::Source;
use crate::study::{Dtype, Study};

/// What was asked for beside the study's own text; kept in run.json, so that a resumed run is the
/// same run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The methods to run; all of the study if empty.
    pub methods: Vec<String>,
    /// The seeds; those of the study if empty.
    pub seeds: Vec<u64>,
    /// Steps of every optimiser, instead of the study's; 20 are an epoch of lbfgs-fixed.
    pub steps: Option<u64>,
    /// The precision, instead of the study's.
    pub dtype: Option<Dtype>,
    /// Whether to shorten everything to some seconds.
    pub quick: bool,
}

impl Settings {
    /// Changes a study as asked.
    ///
    /// # Errors
    /// A method that the study does not have.
    pub fn apply(&self, mut study: Study) -> Result<Study, Error> {
        let names: Vec<String> = study.methods.iter().map(|m| m.name.clone()).collect();
        if let Some(name) = self.methods.iter().find(|name| !names.contains(name)) {
            let known = names.join(", ");
            let message = format!("study {} has no method {name:?}; it has {known}", study.name);
            return Err(Error::Argument(message));
        }
        if !self.methods.is_empty() {
            study.methods.retain(|m| self.methods.contains(&m.name));
        }
        if !self.seeds.is_empty() {
            study.seeds.clone_from(&self.seeds);
        }
        study.dtype = self.dtype.unwrap_or(study.dtype);
        if self.quick {
            study = study.quick();
        }
        if let Some(steps) = self.steps {
            for optimizer in study.methods.iter_mut().flat_map(|m| &mut m.optimizers) {
                optimizer.set_steps(steps);
            }
        }
        Ok(study)
    }
}

/// What run.json holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Manifest {
    jetspace: String,
    study: String,
    problem: String,
    /// What the files that the study and the problem name are relative to.
    study_folder: PathBuf,
    problem_folder: PathBuf,
    settings: Settings,
    threads: usize,
    instruction_set: String,
    started: String,
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder of a new run: `at`, or a new one named after the time under
    /// `runs/<study>`.
    ///
    /// # Errors
    /// `at` holds a run already, or the operating system refuses.
    pub fn create(
        at: Option<&Path>,
        study: &Study,
        settings: &Settings,
        threads: usize,
    ) -> Result<Self, Error> {
        let started = timestamp(SystemTime::now());
        let path = match at {
            Some(path) => path.to_owned(),
            None => unused(&Path::new("runs").join(&study.name).join(started.replace(':', "-"))),
        };
        let folder = Self { path };
        if folder.path.join("run.json").exists() {
            let path = folder.path.display();
            let message = format!(
                "{path} holds a run already: continue it with `jetspace resume {path}`, or choose another --out"
            );
            return Err(Error::Argument(message));
        }
        std::fs::create_dir_all(&folder.path).map_err(|e| Error::io("create", &folder.path, e))?;
        folder.write_text("study.toml", &study.source.text)?;
        folder.write_text("problem.toml", &study.problem.source.text)?;
        let manifest = Manifest {
            jetspace: env!("CARGO_PKG_VERSION").to_owned(),
            study: study.source.name.clone(),
            problem: study.problem.source.name.clone(),
            study_folder: study.source.absolute_folder(),
            problem_folder: study.problem.source.absolute_folder(),
            settings: settings.clone(),
            threads,
            instruction_set: jetspace_jet::InstructionSet::best().to_string(),
            started,
        };
        // Last, because it is what makes the folder a run.
        folder.write_json("run.json", &manifest)?;
        Ok(folder)
    }

    /// The folder at this path, whatever is in it.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder of an earlier run, with its study as it was run and the number of threads.
    ///
    /// # Errors
    /// It is not the folder of a run.
    pub fn open(path: &Path) -> Result<(Self, Study, usize), Error> {
        let folder = Self { path: path.to_owned() };
        if !path.join("run.json").is_file() {
            let reason = "not the folder of a run: it has no run.json".to_owned();
            return Err(Error::BadFile { path: path.to_owned(), reason });
        }
        let manifest: Manifest = read_json(&path.join("run.json"))?;
        let text = |file: &str, name: &str, folder| {
            Source::read(&path.join(file))
                .map(|source| Source::from_folder(name, source.text.clone(), folder))
        };
        let study = text("study.toml", &manifest.study, manifest.study_folder)?;
        let problem = text("problem.toml", &manifest.problem, manifest.problem_folder)?;
        let study = manifest.settings.apply(Study::from_sources(&study, &problem)?)?;
        Ok((folder, study, manifest.threads))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a training; it is made if need be.
    ///
    /// # Errors
    /// The operating system's.
    pub fn member(&self, member: &Member) -> Result<PathBuf, Error> {
        let path = self.path.join(member.name());
        std::fs::create_dir_all(&path).map_err(|e| Error::io("create", &path, e))?;
        Ok(path)
    }

    /// The result of a training, if it is done.
    ///
    /// # Errors
    /// The result is there and cannot be read.
    pub fn result(&self, member: &Member) -> Result<Option<MemberResult>, Error> {
        let path = self.path.join(member.name()).join("result.json");
        if path.is_file() { read_json(&path).map(Some) } else { Ok(None) }
    }

    /// All results, if every training is done.
    pub(crate) fn results(&self) -> Result<Option<Vec<MemberResult>>, Error> {
        let path = self.path.join("results.json");
        if path.is_file() { read_json(&path).map(Some) } else { Ok(None) }
    }

    pub(super) fn write_result(&self, member: &Member, result: &MemberResult) -> Result<(), Error> {
        self.write_json(&format!("{}/result.json", member.name()), result)
    }

    pub(crate) fn write_text(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        write_atomically(&path, |file| file.write_all(text.as_bytes()))
            .map_err(|e| Error::io("write", &path, e))
    }

    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Error::BadFile { path, reason: e.to_string() })?;
        self.write_text(name, &(text + "\n"))
    }
}

pub(crate) fn read_json<V: DeserializeOwned>(path: &Path) -> Result<V, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::BadFile { path: path.to_owned(), reason: e.to_string() })
}

/// The path, or the first of path-2, path-3, … that does not exist.
fn unused(path: &Path) -> PathBuf {
    let numbered = |n: u32| PathBuf::from(format!("{}-{n}", path.display()));
    let mut found = path.to_owned();
    let mut n = 2;
    while found.exists() {
        found = numbered(n);
        n += 1;
    }
    found
}

/// Date and time in UTC, as 2026-11-21T15:04:05.
fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar; eras of 400
/// years begin on the first of March (H. Hinnant, *chrono-compatible low-level date algorithms*).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
        let time = UNIX_EPOCH + std::time::Duration::from_secs(20_778 * 86_400 + 3_725);
        assert_eq!(timestamp(time), "2026-11-21T01:02:05");
    }
}
