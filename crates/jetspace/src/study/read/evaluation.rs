//! How results are measured: the grid, sets of parameters, a study's own metrics, and what tables show.

use jetspace_expr::{Id, parse_expression};
use toml::Spanned;

use super::Reader;
use super::points::MOST_POINTS;
use crate::Error;
use crate::evaluation::{EvaluationPlan, Metric, RegionAxis, TrajectoriesPlan, grid_of};
use crate::problem::Kind;
use crate::problem_file::{Formula, Name};
use crate::study::ParameterMap;
use crate::study_file::{AxisFile, MetricFile, StudyFile, TrajectoriesFile};

/// Most sets of parameters over which errors are mapped,
const MOST_SETS: usize = 10_000;
/// and nodes along each other coordinate: figures need no more.
const MOST_MAP_NODES: usize = 51;

impl Reader<'_> {
    pub(super) fn evaluation(&mut self, file: &StudyFile) -> Result<EvaluationPlan, Error> {
        let parameters = file.evaluation.parameters.clone();
        self.check_parameters(&parameters, &["evaluation", "parameters"])?;
        let mut grid = self.grid(file)?;
        if !parameters.is_empty() {
            let nodes = grid.iter_mut().zip(&self.problem.coordinates);
            nodes.filter(|(_, c)| c.kind == Kind::Parameter).for_each(|(nodes, _)| *nodes = 1);
        }
        let trajectories = file.evaluation.trajectories.as_ref();
        let trajectories = trajectories.map(|file| self.trajectories(file)).transpose()?;
        let mut plan = EvaluationPlan { grid, parameters, metrics: Vec::new(), trajectories };
        let taken = plan.names(&self.problem);
        for (name, metric) in &file.metric {
            plan.metrics.push(self.metric(name, metric, &taken)?);
        }
        Ok(plan)
    }

    fn trajectories(&self, file: &TrajectoriesFile) -> Result<TrajectoriesPlan, Error> {
        let wrong = |path: &[&str], message: String, label: &str, help: &str| {
            let place = self.source.place_of(&[&["evaluation", "trajectories"], path].concat());
            Err(self.source.mistake(place, message, label, help))
        };
        let TrajectoriesFile { from, duration, steps } = file;
        if self.problem.rates.is_empty() {
            let message = "expected a problem with rates to follow, found none".to_owned();
            let help = "add [rates] to the problem, or remove this";
            return wrong(&[], message, "at which rates?", help);
        }
        let coordinates = self.problem.coordinates.len();
        for (number, start) in from.iter().enumerate() {
            if start.len() != coordinates || start.iter().any(|value| !value.is_finite()) {
                let message = format!("expected {coordinates} finite numbers, found {start:?}");
                let help = "give one for each coordinate, in their order";
                return wrong(&["from", &number.to_string()], message, "not a state", help);
            }
        }
        if !(*duration > 0.0 && duration.is_finite()) {
            let message = format!("expected a duration above 0, found {duration}");
            return wrong(&["duration"], message, "not a duration", "e.g. duration = 10");
        }
        let values = from.len().checked_mul(steps.get());
        if !values.is_some_and(|values| (1..=MOST_POINTS).contains(&values)) {
            let message = format!(
                "expected 1 to {MOST_POINTS} steps in all, found {} trajectories of {steps}",
                from.len()
            );
            let help = "e.g. from = [[0, 1]], steps = 1000";
            return wrong(&[], message, "too many, or none", help);
        }
        let (from, duration) = (from.clone(), *duration);
        Ok(TrajectoriesPlan { from, duration, steps: steps.get() })
    }

    fn grid(&self, file: &StudyFile) -> Result<Vec<usize>, Error> {
        let Some(grid) = &file.evaluation.grid else {
            let of_truth = self.problem.true_points()?;
            let of_truth =
                of_truth.and_then(|points| grid_of(&self.problem.bounds(), &points.coordinates));
            return Ok(of_truth.unwrap_or_else(|| self.problem.default_grid()));
        };
        self.check_nodes(grid, &["evaluation", "grid"])?;
        Ok(grid.clone())
    }

    /// Where errors are mapped over parameters.
    pub(super) fn map(
        &self,
        file: &StudyFile,
        plan: &EvaluationPlan,
    ) -> Result<Option<ParameterMap>, Error> {
        let counts = &file.evaluation.map;
        if counts.is_empty() {
            return Ok(None);
        }
        let all = self.problem.coordinates.iter().enumerate();
        let coordinates: Vec<usize> =
            all.filter(|(_, c)| c.kind == Kind::Parameter).map(|(i, _)| i).collect();
        let place = self.source.place_of(&["evaluation", "map"]);
        if counts.len() != coordinates.len() {
            let (expected, found) = (coordinates.len(), counts.len());
            let message = format!("expected nodes along {expected} parameters, found {found}");
            let help = "give one number for each coordinate of kind parameter, in their order";
            return Err(self.source.mistake(place, message, "not one each", help));
        }
        let sets = counts.iter().try_fold(1, |product: usize, &n| product.checked_mul(n));
        if !sets.is_some_and(|sets| (1..=MOST_SETS).contains(&sets)) {
            let message = format!("expected 1 to {MOST_SETS} nodes in all, found other numbers");
            return Err(self.source.mistake(place, message, "out of range", "e.g. map = [20]"));
        }
        let inside = |(&i, &count): (&usize, &usize)| -> Vec<f64> {
            let (low, high) = self.problem.coordinates[i].range;
            let part = |n: usize| (n + 1) as f64 / (count + 1) as f64;
            (0..count).map(|n| low + (high - low) * part(n)).collect()
        };
        let nodes: Vec<Vec<f64>> = coordinates.iter().zip(counts).map(inside).collect();
        let mut parameters = vec![Vec::new()];
        for nodes in &nodes {
            let with = |set: &Vec<f64>| -> Vec<Vec<f64>> {
                nodes.iter().map(|&node| [set.as_slice(), &[node]].concat()).collect()
            };
            parameters = parameters.iter().flat_map(with).collect();
        }
        let of_coordinate = |(i, &nodes): (usize, &usize)| {
            if coordinates.contains(&i) { 1 } else { nodes.min(MOST_MAP_NODES) }
        };
        let grid = plan.grid.iter().enumerate().map(of_coordinate).collect();
        let metrics = plan.metrics.clone();
        let plan = EvaluationPlan { grid, parameters, metrics, trajectories: None };
        Ok(Some(ParameterMap { coordinates, nodes, plan }))
    }

    /// The metrics that tables show.
    pub(super) fn columns(
        &self,
        file: &StudyFile,
        plan: &EvaluationPlan,
    ) -> Result<Vec<String>, Error> {
        let known = plan.names(&self.problem);
        let columns = &file.evaluation.columns;
        if let Some(name) = columns.iter().find(|name| !known.contains(name.get_ref())) {
            return Err(self.source.unknown_name(name, "a metric", &known));
        }
        Ok(columns.iter().map(|name| name.get_ref().clone()).collect())
    }

    fn metric(
        &mut self,
        name: &Name,
        file: &MetricFile,
        taken: &[String],
    ) -> Result<Metric, Error> {
        let key = name.get_ref();
        if taken.contains(key) {
            let message = format!("expected a name of its own, found that of the metric {key:?}");
            return Err(self.source.mistake(name.span(), message, "taken", "choose another"));
        }
        if file.of.is_empty() {
            let place = self.source.place_of(&["metric", key, "of"]);
            let message = "expected something to measure, found nothing";
            let help = "e.g. of = [\"u - data.u\"]";
            return Err(self.source.mistake(place, message, "empty", help));
        }
        let mut expressions = |texts: &[Spanned<String>]| {
            texts.iter().map(|text| self.measured(text)).collect::<Result<Vec<Id>, _>>()
        };
        let (of, to) = (expressions(&file.of)?, expressions(&file.relative_to)?);
        let integral = file.integral.iter().map(|name| self.coordinate(name));
        let integral = integral.collect::<Result<_, _>>()?;
        let mut over = Vec::new();
        for (coordinate, axis) in &file.over {
            over.push((self.coordinate(coordinate)?, self.axis("metric", key, coordinate, axis)?));
        }
        Ok(Metric {
            name: key.clone(),
            title: file.title.clone().unwrap_or_else(|| key.clone()),
            of,
            relative_to: (!to.is_empty()).then_some(to),
            norm: file.norm,
            integral,
            over,
        })
    }

    /// An equation's residual, or an expression.
    pub(super) fn measured(&mut self, text: &Spanned<String>) -> Result<Id, Error> {
        if let Some(of) = self.problem.equations.iter().find(|e| e.name == *text.get_ref()) {
            return Ok(of.expression);
        }
        let scope = self.scope_with_data()?;
        let graph = &mut self.problem.graph;
        let expression = parse_expression(text.get_ref())
            .and_then(|parsed| scope.lower(&parsed, graph))
            .map_err(|error| self.source.formula_mistake(&text.span(), text.get_ref(), &error))?;
        self.check_measured(expression, text.span())?;
        Ok(expression)
    }

    pub(super) fn coordinate(&self, name: &Spanned<String>) -> Result<usize, Error> {
        let names: Vec<String> = self.problem.coordinates.iter().map(|c| c.name.clone()).collect();
        let found = names.iter().position(|n| n == name.get_ref());
        found.ok_or_else(|| self.source.unknown_name(name, "a coordinate", &names))
    }

    /// What a coordinate does in the table `over` of a metric or figure.
    pub(super) fn axis(
        &mut self,
        kind: &str,
        owner: &str,
        name: &Name,
        file: &AxisFile,
    ) -> Result<RegionAxis, Error> {
        let coordinate = name.get_ref();
        let wrong = |reader: &Self, message: &str, help: &str| {
            let place = reader.source.place_of(&[kind, owner, "over", coordinate]);
            Err(reader.source.mistake(place, message, "this coordinate", help))
        };
        let own = self.problem.coordinates.iter().find(|c| c.name == *coordinate);
        let own = own.map_or((0.0, 1.0), |c| c.range);
        match (&file.at, &file.nodes) {
            (Some(at), None) if file.range.is_none() => Ok(RegionAxis::At(self.number(at)?)),
            (None, Some(nodes)) => {
                let range = match file.range.as_ref().map(Spanned::get_ref).map(Vec::as_slice) {
                    None => own,
                    Some([low, high]) => (self.number(low)?, self.number(high)?),
                    Some(_) => {
                        let message = "expected a range of two numbers";
                        return wrong(self, message, "e.g. range = [-1, 1]");
                    }
                };
                if range.0 >= range.1 || *nodes.get_ref() == 0 {
                    let message = "expected a lower end, then an upper end, and at least one node";
                    return wrong(self, message, "e.g. { range = [-1, 1], nodes = 100 }");
                }
                Ok(RegionAxis::Nodes { range, nodes: *nodes.get_ref() })
            }
            _ => {
                let message = "expected one of `at` and `nodes`, found neither or both";
                wrong(self, message, "e.g. { at = 0 }, or { range = [-1, 1], nodes = 100 }")
            }
        }
    }

    /// The value of a formula in the problem's parameters.
    pub(super) fn number(&self, formula: &Spanned<Formula>) -> Result<f64, Error> {
        let text = &formula.get_ref().0;
        match self.problem.number(text) {
            Ok(Some(value)) => Ok(value),
            Err(error) => Err(self.source.formula_mistake(&formula.span(), text, &error)),
            Ok(None) => {
                let message = format!("expected a finite number, found {text}");
                let help = "write a number, or a formula in parameters";
                Err(self.source.mistake(formula.span(), message, "not a number", help))
            }
        }
    }
}
