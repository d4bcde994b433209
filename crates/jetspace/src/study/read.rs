//! From the text of a study file to a checked [`Study`].

mod adaptive;
mod evaluation;
mod figures;
mod network;
mod optimizers;
mod points;
mod targets;

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use jetspace_expr::{Scope, nearest, parse_expression};
use jetspace_jet::Network;
use toml::Spanned;

use self::optimizers::Task;
use super::{Method, Study, WeightedTerm};
use crate::builtin;
use crate::error::Error;
use crate::method::{KINDS, RECIPES, TermKind};
use crate::output_transform::OutputTransform;
use crate::problem::{Problem, Truth};
use crate::problem_file::Table;
use crate::source::{FileKind, Source};
use crate::study_file::{MethodFile, SamplerFile, StudyFile};

impl Study {
    /// Reads a study from a text; `name` is shown in messages, and files are relative to it.
    ///
    /// # Errors
    /// A mistake in the text or in the problem that it names, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Self::from_source(&Source::new(name, text))
    }

    /// The built-in study of this name, or the file at this path.
    ///
    /// # Errors
    /// There is neither, or it has a mistake.
    pub fn open(name_or_path: &str) -> Result<Self, Error> {
        Self::from_source(&builtin::open(&[builtin::STUDIES], "study", name_or_path)?)
    }

    /// Reads a study from a source.
    ///
    /// # Errors
    /// A mistake in the source or in the problem that it names, with its place.
    pub fn from_source(source: &Arc<Source>) -> Result<Self, Error> {
        let file: StudyFile = source.parse(FileKind::Study)?;
        let problem = read_problem(source, &file.problem)?;
        let study = Self::new(source, file, problem)?;
        study.find_points()?;
        Ok(study)
    }

    /// Reads a study whose problem is not looked up by its name but given.
    ///
    /// # Errors
    /// A mistake in either, with its place.
    pub fn from_sources(source: &Arc<Source>, problem: &Arc<Source>) -> Result<Self, Error> {
        let file = source.parse(FileKind::Study)?;
        Self::new(source, file, Problem::from_source(problem)?)
    }

    fn new(source: &Arc<Source>, file: StudyFile, mut problem: Problem) -> Result<Self, Error> {
        let path = Path::new(&source.name);
        let network = network::read_network(source, &file.network, &problem)?;
        let transform = network::read_transform(source, &file.network, &mut problem)?;
        let mut reader = Reader { source, problem, transform };
        let exact = reader.exact()?;
        let mut methods = reader.methods(&file, &network)?;
        reader.check_transform(&methods)?;
        let is_needed = |kind: &TermKind| !matches!(kind, TermKind::Condition(i) if exact[*i]);
        for method in &mut methods {
            method.terms.retain(|term| is_needed(&term.kind));
        }
        let points = reader.points(&file, &exact)?;
        reader.seeds(&file)?;
        let variants = reader.variants(&file)?;
        let evaluation = reader.evaluation(&file)?;
        let columns = reader.columns(&file, &evaluation)?;
        let map = reader.map(&file, &evaluation)?;
        let figures = reader.figures(&file, &evaluation)?;
        let published = reader.published(&file, &methods)?;
        let stem = path.file_stem();
        Ok(Self {
            name: stem.map_or_else(|| "study".to_owned(), |s| s.to_string_lossy().into_owned()),
            title: file.title,
            about: file.about,
            protocol: file.protocol.map(|protocol| (protocol, file.differs)),
            source: Arc::clone(source),
            problem: reader.problem,
            methods,
            seeds: file.seeds,
            dtype: file.dtype,
            generator: file.generator,
            network,
            transform: reader.transform,
            exact,
            network_file: file.network,
            points,
            variants,
            evaluation,
            figures,
            columns,
            map,
            measure_every: file.evaluation.every.map(NonZero::get),
            published,
            published_in: file.published_in,
        })
    }
}

fn read_problem(source: &Arc<Source>, name: &Spanned<String>) -> Result<Problem, Error> {
    let path = source.folder.join(name.get_ref());
    if path.is_file() {
        let problem = Source::read(&path)?;
        if FileKind::of(&problem)? == FileKind::Study {
            let help = "name the problem that the study is about";
            return Err(source.mistake(
                name.span(),
                "expected a problem, found a study",
                "a study",
                help,
            ));
        }
        return Problem::from_source(&problem);
    }
    if let Some(text) = builtin::text(builtin::PROBLEMS, name.get_ref()) {
        return Problem::parse(&format!("{}.toml", name.get_ref()), text);
    }
    let expected = "a built-in problem or a file beside this one";
    Err(source.unknown_name(name, expected, &builtin::names(&[builtin::PROBLEMS])))
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    problem: Problem,
    transform: OutputTransform,
}

impl Reader<'_> {
    fn methods(&mut self, file: &StudyFile, network: &Network) -> Result<Vec<Method>, Error> {
        let recipes = RECIPES.iter().map(|(name, ..)| (*name).to_owned());
        let own = file.method.iter().filter(|(_, m)| m.terms.is_some());
        let known: Vec<String> = recipes.chain(own.map(|(n, _)| n.get_ref().clone())).collect();
        if let Some(name) = file.method.keys().find(|name| !known.contains(name.get_ref())) {
            let found = name.get_ref();
            let message = format!("expected a built-in method, or one with terms, found {found:?}");
            let known = known.join(", ");
            let help = format!("add terms, e.g. terms = [\"gradient\"], or choose from {known}");
            return Err(self.source.mistake(name.span(), message, "has no terms", help));
        }
        if file.methods.is_empty() {
            let place = self.source.place_of(&["methods"]);
            let message = "expected at least one method, found none";
            return Err(self.source.mistake(place, message, "empty", "e.g. methods = [\"derl\"]"));
        }
        let mut methods: Vec<Method> = Vec::new();
        for name in &file.methods {
            let settings = file.method.iter().find(|(n, _)| n.get_ref() == name.get_ref());
            let settings = settings.map(|(_, settings)| settings);
            if methods.iter().any(|m| m.name == *name.get_ref()) {
                let message =
                    format!("expected each method once, found {:?} again", name.get_ref());
                return Err(self.source.mistake(name.span(), message, "again", "remove it"));
            }
            let kinds = match settings.and_then(|s| s.terms.as_ref()) {
                Some(terms) if terms.is_empty() => {
                    let place = self.source.place_of(&["method", name.get_ref(), "terms"]);
                    let message = "expected at least one term, found none";
                    let help = "e.g. terms = [\"gradient\"]";
                    return Err(self.source.mistake(place, message, "empty", help));
                }
                Some(terms) => {
                    terms.iter().map(|term| self.kind(term)).collect::<Result<_, _>>()?
                }
                None => self.recipe(name, &known)?,
            };
            methods.push(self.method(name, kinds, settings, file, network)?);
        }
        Ok(methods)
    }

    fn recipe(&self, name: &Spanned<String>, known: &[String]) -> Result<Vec<TermKind>, Error> {
        let found = RECIPES.iter().find(|(recipe, ..)| recipe == name.get_ref());
        found
            .map(|(_, kinds, _)| kinds.to_vec())
            .ok_or_else(|| self.source.unknown_name(name, "a method", known))
    }

    fn method(
        &self,
        name: &Spanned<String>,
        mut kinds: Vec<TermKind>,
        settings: Option<&MethodFile>,
        file: &StudyFile,
        network: &Network,
    ) -> Result<Method, Error> {
        kinds.extend((0..self.problem.conditions.len()).map(TermKind::Condition));
        let points = file.points.get_ref();
        let measured = points.data.as_ref().unwrap_or(&points.interior);
        let is_known = match self.problem.truth {
            Truth::Unknown => false,
            Truth::Formulas(_) | Truth::Reference(_) => true,
            Truth::Table { .. } => matches!(measured, SamplerFile::Truth { .. }),
        };
        let needs_data = kinds.iter().any(|kind| !kind.data(&self.problem).is_empty());
        let from_file = matches!(measured, SamplerFile::File { .. });
        if needs_data && !is_known && !from_file {
            let message = format!(
                "expected data for method {:?}, found neither a truth nor a file",
                name.get_ref()
            );
            let help = if matches!(self.problem.truth, Truth::Table { .. }) {
                "take its points from the truth's file: [points] data = { sampler = \"truth\" }"
            } else {
                "use pinn, add [truth] to the problem, or take the points inside from a file with \
                 data"
            };
            return Err(self.source.mistake(name.span(), message, "needs data", help));
        }
        let none = Table::new();
        let own = settings.map_or(&none, |s| &s.weights);
        self.check_weights(own, &["method", name.get_ref(), "weights"], &kinds)?;
        self.check_weights(&file.weights, &["weights"], &kinds)?;
        let unknowns = self.problem.parameters.iter().filter(|p| p.unknown).count();
        let parameters = network.parameter_count() + unknowns;
        let task = Task { parameters, kinds: &kinds, points };
        let optimizers = match settings.and_then(|s| s.optimizer.as_ref()) {
            Some(own) => self.optimizers(own, &["method", name.get_ref(), "optimizer"], &task)?,
            None => self.optimizers(&file.optimizer, &["optimizer"], &task)?,
        };
        let terms = kinds.into_iter().map(|kind| {
            let keys = kind.weight_keys(&self.problem);
            let find = |table: &Table<f64>| {
                let entry = |key| table.iter().find(|(n, _)| n.get_ref() == key).map(|(_, w)| *w);
                keys.iter().find_map(entry)
            };
            let weight = find(own).or_else(|| find(&file.weights)).unwrap_or(1.0);
            WeightedTerm { label: kind.label(&self.problem), kind, weight }
        });
        let terms = terms.collect();
        let adaptive = self.adaptive(name.get_ref(), settings, file, &optimizers)?;
        Ok(Method { name: name.get_ref().clone(), terms, optimizers, adaptive })
    }

    fn check_weights(
        &self,
        weights: &Table<f64>,
        path: &[&str],
        kinds: &[TermKind],
    ) -> Result<(), Error> {
        let of_study = ["data", "equation", "conditions"].map(str::to_owned);
        let all = KINDS.iter().map(|(_, kind)| kind).chain(kinds);
        let mut known: Vec<String> = all.flat_map(|kind| kind.weight_keys(&self.problem)).collect();
        known.extend(of_study);
        known.sort_unstable();
        known.dedup();
        for (name, weight) in weights {
            if !known.contains(name.get_ref()) {
                let expected = "a kind of term or a condition";
                return Err(self.source.unknown_name(name, expected, &known));
            }
            if !(weight.is_finite() && *weight >= 0.0) {
                let place = self.source.place_of(&[path, &[name.get_ref()]].concat());
                let message = format!("expected a weight of 0 or more, found {weight}");
                let help = "1 is the default, and 0 leaves the term out";
                return Err(self.source.mistake(place, message, "not a weight", help));
            }
        }
        Ok(())
    }

    /// A term that the study names, or writes as a residual.
    fn kind(&mut self, term: &Spanned<String>) -> Result<TermKind, Error> {
        let text = term.get_ref();
        if let Some((_, kind)) = KINDS.iter().find(|(name, _)| name == text) {
            return Ok(kind.clone());
        }
        let scope = self.scope_with_data()?;
        let graph = &mut self.problem.graph;
        parse_expression(text)
            .and_then(|parsed| scope.lower(&parsed, graph))
            .map(|expression| TermKind::Residual { text: text.clone(), expression })
            .map_err(|error| match nearest(text, KINDS.iter().map(|(name, _)| *name)) {
                Some(kind) => {
                    let message = format!("expected a kind of term or a residual, found {text:?}");
                    let help = format!("did you mean {kind:?}?");
                    self.source.mistake(term.span(), message, "not known", help)
                }
                None => self.source.formula_mistake(&term.span(), text, &error),
            })
    }

    fn scope_with_data(&self) -> Result<Scope, Error> {
        let mut scope = self.problem.scope.clone();
        for column in self.problem.data_columns() {
            let name = self.problem.column_name(column);
            scope = scope.column(&name).map_err(|error| {
                self.source.mistake(None, error.message(), error.label(), error.help())
            })?;
        }
        Ok(scope)
    }

    fn seeds(&self, file: &StudyFile) -> Result<(), Error> {
        if file.seeds.is_empty() {
            let place = self.source.place_of(&["seeds"]);
            let message = "expected at least one seed, found none";
            return Err(self.source.mistake(place, message, "empty", "e.g. seeds = [0]"));
        }
        let again = |(n, seed): (usize, &u64)| file.seeds[..n].contains(seed).then_some((n, *seed));
        if let Some((n, seed)) = file.seeds.iter().enumerate().find_map(again) {
            let place = self.source.place_of(&["seeds", &n.to_string()]);
            let message = format!("expected each seed once, found {seed} again");
            return Err(self.source.mistake(place, message, "again", "remove it, or change it"));
        }
        Ok(())
    }

    fn published(
        &self,
        file: &StudyFile,
        methods: &[Method],
    ) -> Result<indexmap::IndexMap<String, indexmap::IndexMap<String, f64>>, Error> {
        let names: Vec<String> = methods.iter().map(|m| m.name.clone()).collect();
        if let Some(name) = file.published.keys().find(|name| !names.contains(name.get_ref())) {
            return Err(self.source.unknown_name(name, "a method of the study", &names));
        }
        Ok(file.published.iter().map(|(n, m)| (n.get_ref().clone(), m.clone())).collect())
    }
}
