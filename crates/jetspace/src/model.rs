//! Trained models: a network, its weights, and the problem that gives its inputs and outputs their
//! names; saved in one file, evaluated anywhere.

mod evaluator;

use std::ops::Range;
use std::path::Path;

use jetspace_expr::{Graph, Id, parse_expression};
use jetspace_jet::Network;

use crate::Error;
use crate::output_transform::OutputTransform;
use crate::problem::Problem;
use crate::source::Source;
use crate::study::{Dtype, Study};
use crate::study_file::NetworkFile;
use crate::tensors::Tensors;
pub(crate) use evaluator::Evaluator;

/// What the header of a model file says it is.
const FORMAT: &str = "jetspace model 1";

/// A trained model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The problem that it was trained for.
    pub problem: Problem,
    /// The network.
    pub network: Network,
    /// The network as the study described it.
    pub network_file: NetworkFile,
    /// How the fields are made of what the network gives.
    pub transform: OutputTransform,
    /// The precision it was trained in.
    pub dtype: Dtype,
    /// Weights and biases, layer by layer; values of f32 are kept exactly.
    pub weights: Vec<f64>,
}

impl Model {
    /// The model of a study with these trained parameters: weights, then unknowns.
    #[must_use]
    pub fn new(study: &Study, parameters: &[f64]) -> Self {
        let count = study.network.parameter_count().min(parameters.len());
        let (weights, unknowns) = parameters.split_at(count);
        let mut problem = study.problem.clone();
        let found = problem.parameters.iter_mut().filter(|p| p.unknown).zip(unknowns);
        found.for_each(|(parameter, value)| parameter.value = *value);
        Self {
            problem,
            network: study.network.clone(),
            network_file: study.network_file.clone(),
            transform: study.transform.clone(),
            dtype: study.dtype,
            weights: weights.to_vec(),
        }
    }

    /// Writes the model: arrays layers.N.weight (outputs × inputs) and layers.N.bias as in PyTorch,
    /// and unknowns; in the header its problem and network.
    ///
    /// # Errors
    /// The operating system's.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut file = Tensors::default();
        let network = serde_json::to_string(&self.network_file).unwrap_or_default();
        for (name, value) in [
            ("format", FORMAT),
            ("problem_name", &self.problem.source.name),
            ("problem", &self.problem.source.text),
            ("network", &network),
            ("dtype", self.dtype.name()),
        ] {
            file.metadata.insert(name.to_owned(), value.to_owned());
        }
        let mut rest = &self.weights[..];
        for (number, (inputs, outputs)) in self.network.shapes().enumerate() {
            let (weight, others) = rest.split_at((inputs * outputs).min(rest.len()));
            let (bias, others) = others.split_at(outputs.min(others.len()));
            self.insert(&mut file, &format!("layers.{number}.weight"), &[outputs, inputs], weight);
            self.insert(&mut file, &format!("layers.{number}.bias"), &[outputs], bias);
            rest = others;
        }
        let unknowns = self.problem.parameters.iter().filter(|p| p.unknown);
        let unknowns: Vec<f64> = unknowns.map(|p| p.value).collect();
        if !unknowns.is_empty() {
            file.insert("unknowns", &[unknowns.len()], &unknowns);
        }
        file.write(path)
    }

    fn insert(&self, file: &mut Tensors, name: &str, shape: &[usize], values: &[f64]) {
        match self.dtype {
            Dtype::F64 => file.insert(name, shape, values),
            #[allow(clippy::cast_possible_truncation)] // They come from f32: nothing is lost.
            Dtype::F32 => {
                file.insert(name, shape, &values.iter().map(|&v| v as f32).collect::<Vec<_>>());
            }
        }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// It cannot be read, or is not a model.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = Tensors::read(path)?;
        let bad =
            |reason: &str| Error::BadFile { path: path.to_owned(), reason: reason.to_owned() };
        let header = |name: &str| file.metadata.get(name).map(String::as_str);
        if header("format") != Some(FORMAT) {
            return Err(bad("not a model of Jetspace: its header does not say so"));
        }
        let text = header("problem").ok_or_else(|| bad("the header lacks the problem"))?;
        let mut problem = Problem::parse(header("problem_name").unwrap_or("problem.toml"), text)?;
        let network = header("network").ok_or_else(|| bad("the header lacks the network"))?;
        let network_file: NetworkFile = serde_json::from_str(network)
            .map_err(|e| bad(&format!("the network in the header: {e}")))?;
        let network = network_file.network(&problem)?;
        let formula = |field: &str, text: &str| {
            let name = format!("{}: transform of {field}", path.display());
            (Source::new(name, text), 0..text.len())
        };
        let transform = OutputTransform::read(&network_file, &mut problem, formula)?;
        let dtype = if header("dtype") == Some("f32") { Dtype::F32 } else { Dtype::F64 };
        let mut weights = Vec::new();
        for (number, (inputs, outputs)) in network.shapes().enumerate() {
            for (part, count) in [("weight", inputs * outputs), ("bias", outputs)] {
                let name = format!("layers.{number}.{part}");
                let single =
                    || file.get::<f32>(&name).map(|v| v.into_iter().map(f64::from).collect());
                let values: Option<Vec<f64>> = file.get(&name).or_else(single);
                match values {
                    Some(values) if values.len() == count => weights.extend(values),
                    _ => {
                        return Err(bad(&format!(
                            "expected {count} numbers in the array {name:?}"
                        )));
                    }
                }
            }
        }
        let unknowns = file.get::<f64>("unknowns").unwrap_or_default();
        let found = problem.parameters.iter_mut().filter(|p| p.unknown).zip(unknowns);
        found.for_each(|(parameter, value)| parameter.value = value);
        Ok(Self { problem, network, network_file, transform, dtype, weights })
    }

    /// Formulas, separated by commas, at points given as columns: their texts, and a column of
    /// values for each.
    ///
    /// # Errors
    /// A mistake in a formula, or the engine's.
    pub fn predict(
        &self,
        formulas: &str,
        coordinates: &[Vec<f64>],
        threads: usize,
    ) -> Result<(Vec<String>, Vec<Vec<f64>>), Error> {
        let source = Source::new("formulas", formulas);
        let mut graph = self.problem.graph.clone();
        let (mut texts, mut expressions) = (Vec::new(), Vec::new());
        for place in split(formulas) {
            let text = &formulas[place.clone()];
            let lowered = parse_expression(text)
                .and_then(|parsed| self.problem.scope.lower(&parsed, &mut graph))
                .map_err(|error| source.formula_mistake(&place, text, &error))?;
            texts.push(text.trim().to_owned());
            expressions.push(lowered);
        }
        let values = self.values(&graph, &expressions, coordinates, threads)?;
        Ok((texts, values))
    }

    /// The values of expressions in fields, derivatives, coordinates and parameters at points given
    /// as columns: one column for each expression. Computed in f64.
    ///
    /// # Errors
    /// The engine's, e.g. columns of unequal length.
    pub fn values(
        &self,
        graph: &Graph,
        expressions: &[Id],
        coordinates: &[Vec<f64>],
        threads: usize,
    ) -> Result<Vec<Vec<f64>>, Error> {
        self.values_beside(graph, expressions, coordinates, &[], threads)
    }

    /// The same with expressions that also name columns of data.
    pub(crate) fn values_beside(
        &self,
        graph: &Graph,
        expressions: &[Id],
        coordinates: &[Vec<f64>],
        data: &[Vec<f64>],
        threads: usize,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let dimensions = coordinates.len();
        let mut evaluator = Evaluator::new(self, graph, expressions, dimensions, threads)?;
        evaluator.values(coordinates, data)
    }
}

/// The parts of a list between commas that are in no parentheses or braces.
fn split(list: &str) -> Vec<Range<usize>> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in list.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(from..at);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(from..list.len());
    parts
}
