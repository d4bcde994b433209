//! From the text of a study file to a checked [`Study`].

use std::path::Path;
use std::sync::Arc;

use jetspace_expr::{Scope, parse_expression};
use toml::Spanned;

use super::{Method, PointsPlan, Study, Variant, WeightedTerm};
use crate::builtin;
use crate::error::Error;
use crate::method::{KINDS, RECIPES, TermKind};
use crate::problem::{Place, Problem};
use crate::problem_file::Table;
use crate::source::Source;
use crate::study_file::{
    Generator, MethodFile, OptimizerFile, PointsFile, SamplerFile, StudyFile, SweepFile,
    TargetsFile,
};

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
        Self::from_source(&builtin::open(builtin::STUDIES, "study", name_or_path)?)
    }

    /// Reads a study from a source.
    ///
    /// # Errors
    /// A mistake in the source or in the problem that it names, with its place.
    pub fn from_source(source: &Arc<Source>) -> Result<Self, Error> {
        let file: StudyFile =
            toml::from_str(&source.text).map_err(|error| source.toml_mistake(&error))?;
        let problem = read_problem(source, &file.problem)?;
        Self::new(source, file, problem)
    }

    /// Reads a study whose problem is not looked up by its name but given.
    ///
    /// # Errors
    /// A mistake in either, with its place.
    pub fn from_sources(source: &Arc<Source>, problem: &Arc<Source>) -> Result<Self, Error> {
        let file: StudyFile =
            toml::from_str(&source.text).map_err(|error| source.toml_mistake(&error))?;
        Self::new(source, file, Problem::from_source(problem)?)
    }

    fn new(source: &Arc<Source>, file: StudyFile, problem: Problem) -> Result<Self, Error> {
        let path = Path::new(&source.name);
        let mut reader = Reader { source, problem };
        let network = file
            .network
            .network(&reader.problem)
            .map_err(|error| source.mistake(None, error.to_string(), "", "correct [network]"))?;
        let methods = reader.methods(&file)?;
        let mut points = reader.points(&file.points, path.parent().unwrap_or(Path::new("")))?;
        points.generator = file.generator;
        reader.seeds(&file)?;
        let grid = reader.grid(&file)?;
        let published = reader.published(&file, &methods)?;
        let stem = path.file_stem();
        Ok(Self {
            name: stem.map_or_else(|| "study".to_owned(), |s| s.to_string_lossy().into_owned()),
            title: file.title,
            about: file.about,
            source: Arc::clone(source),
            problem: reader.problem,
            methods,
            seeds: file.seeds,
            dtype: file.dtype,
            generator: file.generator,
            network,
            network_file: file.network,
            points,
            variants: variants(file.targets, file.sweep.as_ref()),
            grid,
            published,
            published_in: file.published_in,
        })
    }
}

fn read_problem(source: &Arc<Source>, name: &Spanned<String>) -> Result<Problem, Error> {
    let beside = Path::new(&source.name).parent().map(|folder| folder.join(name.get_ref()));
    if let Some(path) = beside.filter(|path| path.is_file()) {
        return Problem::read(&path);
    }
    if let Some(text) = builtin::text(builtin::PROBLEMS, name.get_ref()) {
        return Problem::parse(&format!("{}.toml", name.get_ref()), text);
    }
    let message = format!("{:?} is neither a built-in problem nor a file", name.get_ref());
    Err(source.unknown_name(name, &message, &builtin::names(builtin::PROBLEMS)))
}

fn variants(targets: TargetsFile, sweep: Option<&SweepFile>) -> Vec<Variant> {
    let with = |name: &str, value: f64, targets| Variant {
        label: format!("{name} = {value}"),
        value: Some(value),
        targets,
    };
    match sweep {
        None => vec![Variant { label: String::new(), value: None, targets }],
        Some(SweepFile::Noise(levels)) => levels
            .iter()
            .map(|&noise| with("noise", noise, TargetsFile { noise, ..targets }))
            .collect(),
        Some(SweepFile::DifferenceStep(steps)) => steps
            .iter()
            .map(|&h| with("step", h, TargetsFile { difference_step: Some(h), ..targets }))
            .collect(),
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    problem: Problem,
}

impl Reader<'_> {
    fn methods(&mut self, file: &StudyFile) -> Result<Vec<Method>, Error> {
        let recipes = RECIPES.iter().map(|(name, ..)| (*name).to_owned());
        let own = file.method.iter().filter(|(_, m)| m.terms.is_some());
        let known: Vec<String> = recipes.chain(own.map(|(n, _)| n.get_ref().clone())).collect();
        if let Some(name) = file.method.keys().find(|name| !known.contains(name.get_ref())) {
            let message = format!("{:?} is no built-in method and has no terms", name.get_ref());
            return Err(self.source.unknown_name(name, &message, &known));
        }
        if file.methods.is_empty() || file.optimizer.is_empty() {
            let message = "expected at least one method and one optimizer, found none";
            let help = "e.g. methods = [\"derl\"] and [[optimizer]] with method = \"adam\"";
            return Err(self.source.mistake(None, message, "", help));
        }
        let mut methods: Vec<Method> = Vec::new();
        for name in &file.methods {
            let settings = file.method.iter().find(|(n, _)| n.get_ref() == name.get_ref());
            let settings = settings.map(|(_, settings)| settings);
            if methods.iter().any(|m| m.name == *name.get_ref()) {
                let help = "name each method once";
                return Err(self.source.mistake(
                    name.span(),
                    "found a method twice",
                    "again",
                    help,
                ));
            }
            let kinds = match settings.and_then(|s| s.terms.as_ref()) {
                Some(terms) => {
                    terms.iter().map(|term| self.kind(term)).collect::<Result<_, _>>()?
                }
                None => self.recipe(name, &known)?,
            };
            methods.push(self.method(name, kinds, settings, file)?);
        }
        Ok(methods)
    }

    fn recipe(&self, name: &Spanned<String>, known: &[String]) -> Result<Vec<TermKind>, Error> {
        let found = RECIPES.iter().find(|(recipe, ..)| recipe == name.get_ref());
        let message = format!("{:?} is not a method", name.get_ref());
        found
            .map(|(_, kinds, _)| kinds.to_vec())
            .ok_or_else(|| self.source.unknown_name(name, &message, known))
    }

    fn method(
        &self,
        name: &Spanned<String>,
        mut kinds: Vec<TermKind>,
        settings: Option<&MethodFile>,
        file: &StudyFile,
    ) -> Result<Method, Error> {
        kinds.extend((0..self.problem.conditions.len()).map(TermKind::Condition));
        let closed_form = self.problem.truth.is_some();
        let needs_data = kinds.iter().any(|kind| !kind.data(&self.problem).is_empty());
        let from_file = matches!(file.points.get_ref().interior, SamplerFile::File { .. });
        if needs_data && !closed_form && !from_file {
            let message =
                format!("method {:?} needs data, and the problem has no [truth]", name.get_ref());
            let help =
                "use pinn, add a truth to the problem, or take the points from a file with data";
            return Err(self.source.mistake(name.span(), message, "needs data", help));
        }
        let none = Table::new();
        let own = settings.map_or(&none, |s| &s.weights);
        for weights in [own, &file.weights] {
            self.check_weights(weights, &kinds)?;
        }
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
        let optimizers = settings.and_then(|s| s.optimizer.as_ref()).unwrap_or(&file.optimizer);
        let optimizers = optimizers.iter().map(|o| self.optimizer(o)).collect::<Result<_, _>>()?;
        Ok(Method { name: name.get_ref().clone(), terms, optimizers })
    }

    fn check_weights(&self, weights: &Table<f64>, kinds: &[TermKind]) -> Result<(), Error> {
        let of_study = ["data", "equation", "conditions"].map(str::to_owned);
        let all = KINDS.iter().map(|(_, kind)| kind).chain(kinds);
        let mut known: Vec<String> = all.flat_map(|kind| kind.weight_keys(&self.problem)).collect();
        known.extend(of_study);
        known.sort_unstable();
        known.dedup();
        for (name, weight) in weights {
            if !known.contains(name.get_ref()) {
                let message = format!("{:?} is not a kind of term or a condition", name.get_ref());
                return Err(self.source.unknown_name(name, &message, &known));
            }
            if !(weight.is_finite() && *weight >= 0.0) {
                let message =
                    format!("expected a weight that is finite and not negative, found {weight}");
                return Err(self.source.mistake(name.span(), message, "this weight", "correct it"));
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
            .map_err(|error| self.source.formula_mistake(&term.span(), text, &error))
    }

    fn scope_with_data(&self) -> Result<Scope, Error> {
        let mut scope = self.problem.scope.clone();
        for (field, index) in self.problem.data_columns() {
            let symbol = jetspace_expr::Symbol::Jet { field, index };
            let name = self.problem.symbol_name(symbol);
            scope = scope.column(&name).map_err(|error| {
                self.source.mistake(None, error.message(), error.label(), error.help())
            })?;
        }
        Ok(scope)
    }

    fn optimizer(&self, file: &Spanned<OptimizerFile>) -> Result<OptimizerFile, Error> {
        let fits = |rate: f64| rate.is_finite() && rate > 0.0;
        let (rate, length) = match file.get_ref() {
            OptimizerFile::Adam { rate, steps, .. } => (*rate, *steps),
            OptimizerFile::LbfgsFixed { rate, epochs, .. } => (*rate, *epochs),
        };
        if !fits(rate) || length == 0 {
            let message = format!(
                "expected a positive rate and at least one step, found {rate} and {length}"
            );
            return Err(self.source.mistake(file.span(), message, "this optimizer", "correct it"));
        }
        Ok(file.get_ref().clone())
    }

    fn points(&self, file: &Spanned<PointsFile>, folder: &Path) -> Result<PointsPlan, Error> {
        let PointsFile { seed, interior, conditions, batch, condition_batch } = file.get_ref();
        let names: Vec<String> = self.problem.conditions.iter().map(|c| c.name.clone()).collect();
        if let Some(name) = conditions.keys().find(|name| !names.contains(name.get_ref())) {
            let message = format!("the problem has no condition {:?}", name.get_ref());
            return Err(self.source.unknown_name(name, &message, &names));
        }
        if *batch == Some(0) || *condition_batch == Some(0) {
            let help = "leave it out to use all points in each step";
            return Err(self.source.mistake(
                file.span(),
                "a batch needs at least one point",
                "here",
                help,
            ));
        }
        let dimensions = self.problem.coordinates.len();
        self.sampler(interior, dimensions, file)?;
        let mut samplers = Vec::new();
        for condition in &self.problem.conditions {
            let given = conditions.iter().find(|(n, _)| *n.get_ref() == condition.name);
            let sampler = match (&condition.place, given) {
                (Place::Points(_), None) => None,
                (Place::Points(_), Some((name, _))) => {
                    let message =
                        format!("condition {:?} has its points in the problem", condition.name);
                    return Err(self.source.mistake(
                        name.span(),
                        message,
                        "not needed",
                        "remove it",
                    ));
                }
                (_, Some((_, sampler))) => {
                    self.sampler(sampler, dimensions, file)?;
                    Some(sampler.clone())
                }
                (_, None) => {
                    let message = format!("condition {:?} has no points", condition.name);
                    let help = format!(
                        "add e.g. points.conditions.{} = {{ sampler = \"uniform\", count = 100 }}",
                        condition.name
                    );
                    return Err(self.source.mistake(file.span(), message, "in here", help));
                }
            };
            samplers.push(sampler);
        }
        Ok(PointsPlan {
            seed: *seed,
            generator: Generator::default(),
            interior: interior.clone(),
            conditions: samplers,
            batch: *batch,
            condition_batch: *condition_batch,
            folder: folder.to_owned(),
        })
    }

    fn sampler(
        &self,
        sampler: &SamplerFile,
        dimensions: usize,
        file: &Spanned<PointsFile>,
    ) -> Result<(), Error> {
        /// More would not fit into memory, whatever the network.
        const MOST_POINTS: usize = 100_000_000;
        let count = match sampler {
            SamplerFile::Uniform { count }
            | SamplerFile::LatinHypercube { count }
            | SamplerFile::Sobol { count } => Some(*count),
            SamplerFile::Grid { nodes, .. } => {
                if nodes.len() != dimensions {
                    let message = format!(
                        "expected nodes along {dimensions} coordinates, found {}",
                        nodes.len()
                    );
                    let help = "give one number per coordinate, in their order";
                    return Err(self.source.mistake(file.span(), message, "in here", help));
                }
                nodes.iter().try_fold(1, |product: usize, &n| product.checked_mul(n))
            }
            SamplerFile::File { .. } => Some(1),
        };
        if count.is_some_and(|count| (1..=MOST_POINTS).contains(&count)) {
            return Ok(());
        }
        let message = format!("expected 1 to {MOST_POINTS} points");
        Err(self.source.mistake(file.span(), message, "in here", "correct the numbers"))
    }

    fn seeds(&self, file: &StudyFile) -> Result<(), Error> {
        if file.seeds.is_empty() {
            let message = "expected at least one seed, found none";
            return Err(self.source.mistake(None, message, "", "e.g. seeds = [0]"));
        }
        Ok(())
    }

    fn grid(&self, file: &StudyFile) -> Result<Vec<usize>, Error> {
        let dimensions = self.problem.coordinates.len();
        match &file.evaluation.grid {
            None => Ok(self.problem.default_grid()),
            Some(grid) if grid.len() == dimensions && !grid.contains(&0) => Ok(grid.clone()),
            Some(grid) => {
                let message = format!("expected {dimensions} numbers of nodes, found {grid:?}");
                Err(self.source.mistake(None, message, "", "correct grid in [evaluation]"))
            }
        }
    }

    fn published(
        &self,
        file: &StudyFile,
        methods: &[Method],
    ) -> Result<indexmap::IndexMap<String, indexmap::IndexMap<String, f64>>, Error> {
        let names: Vec<String> = methods.iter().map(|m| m.name.clone()).collect();
        if let Some(name) = file.published.keys().find(|name| !names.contains(name.get_ref())) {
            let message = format!("the study has no method {:?}", name.get_ref());
            return Err(self.source.unknown_name(name, &message, &names));
        }
        Ok(file.published.iter().map(|(n, m)| (n.get_ref().clone(), m.clone())).collect())
    }
}
