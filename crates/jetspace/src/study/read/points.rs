//! Point sets: how many points, and where; sets of parameters.

use super::Reader;
use crate::Error;
use crate::problem::{Kind, Place, Truth};
use crate::study::{PointsPlan, Study};
use crate::study_file::{PointsFile, SamplerFile, StudyFile};

/// More than anyone trains on; in eight coordinates they take 640 MB.
pub(super) const MOST_POINTS: usize = 10_000_000;

impl Study {
    /// Whether the files with points are there. Not asked when a run goes on: then the study's text
    /// is a copy, and not beside them.
    pub(super) fn find_points(&self) -> Result<(), Error> {
        let conditions = self.problem.conditions.iter().zip(&self.points.conditions);
        let conditions = conditions.filter_map(|(condition, sampler)| {
            Some((vec!["points", "conditions", &condition.name, "path"], sampler.as_ref()?))
        });
        let interior = (vec!["points", "interior", "path"], &self.points.interior);
        let data = self.points.data.iter().map(|data| (vec!["points", "data", "path"], data));
        for (place, sampler) in std::iter::once(interior).chain(data).chain(conditions) {
            let SamplerFile::File { path } = sampler else { continue };
            if !self.points.folder.join(path).is_file() {
                let message = format!("expected a file with points, found none at {path:?}");
                let help = "give its path as seen from the folder of this study";
                let place = self.source.place_of(&place);
                return Err(self.source.mistake(place, message, "not a file", help));
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// `exact` says which conditions need no points.
    pub(super) fn points(&self, file: &StudyFile, exact: &[bool]) -> Result<PointsPlan, Error> {
        let PointsFile { seed, interior, data, conditions, parameters, batch, condition_batch } =
            file.points.get_ref();
        self.check_parameters(parameters, &["points", "parameters"])?;
        let names: Vec<String> = self.problem.conditions.iter().map(|c| c.name.clone()).collect();
        if let Some(name) = conditions.keys().find(|name| !names.contains(name.get_ref())) {
            return Err(self.source.unknown_name(name, "a condition of the problem", &names));
        }
        for (key, size) in [("batch", batch), ("condition_batch", condition_batch)] {
            if *size == Some(0) {
                let place = self.source.place_of(&["points", key]);
                let message = "expected a batch of at least one point, found 0";
                let help = "leave it out to use all points in each step";
                return Err(self.source.mistake(place, message, "no points", help));
            }
        }
        self.check_sampler(interior, &["points", "interior"])?;
        if let Some(data) = data {
            self.check_sampler(data, &["points", "data"])?;
        }
        let mut samplers = Vec::new();
        for (condition, &is_exact) in self.problem.conditions.iter().zip(exact) {
            let name = condition.name.as_str();
            let given = conditions.iter().find(|(n, _)| n.get_ref() == name);
            let sampler = match (&condition.place, given) {
                (Place::Points(_), None) => None,
                (Place::Points(_), Some((key, _))) => {
                    let message =
                        format!("expected no points for {name:?}, whose points the problem gives");
                    return Err(self.source.mistake(
                        key.span(),
                        message,
                        "not needed",
                        "remove it",
                    ));
                }
                (_, Some((_, sampler))) => {
                    self.check_sampler(sampler, &["points", "conditions", name])?;
                    (!is_exact).then(|| sampler.clone())
                }
                (_, None) if is_exact => None,
                (_, None) => {
                    let message = format!("expected points for condition {name:?}, found none");
                    let help = format!(
                        "add here e.g. conditions.{name} = {{ sampler = \"uniform\", count = 100 }}"
                    );
                    let place = file.points.span();
                    return Err(self.source.mistake(place, message, "in here", help));
                }
            };
            samplers.push(sampler);
        }
        Ok(PointsPlan {
            seed: *seed,
            generator: file.generator,
            interior: interior.clone(),
            data: data.clone(),
            conditions: samplers,
            parameters: parameters.clone(),
            batch: *batch,
            condition_batch: *condition_batch,
            folder: self.source.folder.clone(),
        })
    }

    /// Whether there is a finite number for each coordinate of kind parameter in each set.
    pub(super) fn check_parameters(&self, sets: &[Vec<f64>], path: &[&str]) -> Result<(), Error> {
        let is_parameter = |kind| kind == Kind::Parameter;
        let kinds = self.problem.coordinates.iter().map(|c| c.kind);
        let expected = kinds.filter(|kind| is_parameter(*kind)).count();
        let wrong = |path: &[&str], message: String, help: &str| {
            let place = self.source.place_of(path);
            Err(self.source.mistake(place, message, "not a set of them", help))
        };
        if expected == 0 && !sets.is_empty() {
            let message = "expected no parameters: the problem has no coordinate of that kind";
            let help = "say kind = \"parameter\" in the problem's coordinates, or remove this";
            return wrong(path, message.to_owned(), help);
        }
        for (number, set) in sets.iter().enumerate() {
            let number = number.to_string();
            let path = [path, &[&number]].concat();
            let help = "give one for each coordinate of kind parameter, in their order";
            if set.len() != expected {
                let found = set.len();
                let message = format!("expected sets of {expected} numbers, found {found}");
                return wrong(&path, message, help);
            }
            if let Some(value) = set.iter().find(|value| !value.is_finite()) {
                return wrong(&path, format!("expected finite numbers, found {value}"), help);
            }
        }
        Ok(())
    }

    /// `path` is where the sampler stands in the file.
    fn check_sampler(&self, sampler: &SamplerFile, path: &[&str]) -> Result<(), Error> {
        match sampler {
            SamplerFile::Uniform { count }
            | SamplerFile::LatinHypercube { count }
            | SamplerFile::Sobol { count } => {
                if (1..=MOST_POINTS).contains(count) {
                    return Ok(());
                }
                let place = self.source.place_of(&[path, &["count"]].concat());
                let message = format!("expected 1 to {MOST_POINTS} points, found {count}");
                Err(self.source.mistake(place, message, "out of range", "e.g. count = 1000"))
            }
            SamplerFile::Grid { nodes, .. } => {
                self.check_nodes(nodes, &[path, &["nodes"]].concat())
            }
            SamplerFile::Truth { .. } if path.contains(&"conditions") => {
                let message = "expected a sampler of points on this condition, found the truth";
                let help = "use uniform, or a file with points on it";
                Err(self.source.mistake(self.source.place_of(path), message, "not here", help))
            }
            SamplerFile::Truth { .. } if !matches!(self.problem.truth, Truth::Table { .. }) => {
                let message = "expected a problem whose truth is a file, found another one";
                let help = "use uniform: this truth is known everywhere";
                Err(self.source.mistake(self.source.place_of(path), message, "points of it", help))
            }
            SamplerFile::Truth { .. } | SamplerFile::File { .. } => Ok(()),
        }
    }

    /// Whether there is a number of nodes for each coordinate, and memory for all of them.
    pub(super) fn check_nodes(&self, nodes: &[usize], path: &[&str]) -> Result<(), Error> {
        let dimensions = self.problem.coordinates.len();
        let points = nodes.iter().try_fold(1, |product: usize, &n| product.checked_mul(n));
        let fits = points.is_some_and(|points| (1..=MOST_POINTS).contains(&points));
        let (message, label, help) = if nodes.len() != dimensions {
            let found = nodes.len();
            let message = format!("expected nodes along {dimensions} coordinates, found {found}");
            (message, "not one each", "give one number per coordinate, in their order")
        } else if fits {
            return Ok(());
        } else {
            let found: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            let found = found.join(" × ");
            let message = format!("expected 1 to {MOST_POINTS} nodes in all, found {found}");
            (message, "out of range", "the grid has the product of these numbers")
        };
        Err(self.source.mistake(self.source.place_of(path), message, label, help))
    }
}
