//! From the text of a problem file to a checked [`Problem`].

mod conditions;
mod measured;
mod rates;
mod reference;
mod unknowns;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jetspace_expr::{
    CoordinateKind, Equation, ExprError, Graph, Id, Scope, Symbol, parse_equation, parse_expression,
};
use jetspace_jet::MAX_VARIABLES;
use toml::Spanned;

use super::{Coordinate, Kind, Parameter, Problem, Residual, named_columns};
use crate::Error;
use crate::problem_file::{CoordinateFile, Formula, Name, ProblemFile};
use crate::source::{FileKind, Source};

impl Problem {
    /// Reads a problem from a text; `name` is shown in messages.
    ///
    /// # Errors
    /// A mistake in the text, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Self::from_source(&Source::new(name, text))
    }

    /// Reads a problem file.
    ///
    /// # Errors
    /// The file cannot be read, or has a mistake.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::from_source(&Source::read(path)?)
    }

    /// Reads a problem from a source.
    ///
    /// # Errors
    /// A mistake in the source, with its place.
    pub fn from_source(source: &Arc<Source>) -> Result<Self, Error> {
        let file: ProblemFile = source.parse(FileKind::Problem)?;
        let mut reader = Reader { source, graph: Graph::new(), scope: Scope::new() };
        // First, so that they can use nothing but those before them.
        let mut parameters = reader.parameters(&file)?;
        let coordinates = reader.coordinates(&file)?;
        let fields = reader.fields(&file)?;
        reader.true_unknowns(&file, &fields, &mut parameters)?;
        reader.functions(&file)?;
        let truth = reader.truth(&file, &fields, &parameters)?;
        let sources = reader.sources(&file, truth.as_deref())?;
        let (measured, with_measured) = reader.measured(&file, &parameters)?;
        let mut equations = reader.equations(&file, with_measured)?;
        reader.solve_sources(&sources, &mut equations, &parameters)?;
        let rates = reader.rates(&file, &coordinates)?;
        let conditions = reader.conditions(&file, &coordinates, &parameters)?;
        let path = Path::new(&source.name);
        let known = reader.known(&file, &coordinates, truth)?;
        let stem = path.file_stem();
        Ok(Self {
            name: stem.map_or_else(|| "problem".to_owned(), |s| s.to_string_lossy().into_owned()),
            title: file.title,
            about: file.about,
            source: Arc::clone(source),
            coordinates,
            fields,
            parameters,
            measured,
            equations,
            rates,
            conditions,
            truth: known,
            graph: reader.graph,
            scope: reader.scope,
        })
    }
}

/// A source that is to be made from the truth.
struct Manufactured {
    /// Stands for the source until it is known; no file could name it.
    symbol: Symbol,
    /// The equation that it is to solve.
    equation: usize,
    truth: Vec<Id>,
    place: Range<usize>,
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    graph: Graph,
    scope: Scope,
}

impl Reader<'_> {
    fn coordinates(&mut self, file: &ProblemFile) -> Result<Vec<Coordinate>, Error> {
        let count = file.coordinates.len();
        if !(1..=MAX_VARIABLES).contains(&count) {
            let message = format!("expected 1 to {MAX_VARIABLES} coordinates, found {count}");
            let help = "write them here, e.g. x = { range = [0, 1] }";
            return Err(self.nothing_at(&["coordinates"], message, help));
        }
        let mut coordinates: Vec<Coordinate> = Vec::new();
        for (name, file) in &file.coordinates {
            let coordinate = self.coordinate(name, file)?;
            let is_time = |c: &Coordinate| c.kind == Kind::Time;
            if is_time(&coordinate) && coordinates.iter().any(is_time) {
                let message = "expected one time coordinate at most, found two";
                let help = "say what it is with kind = \"space\" or kind = \"parameter\"";
                return Err(self.source.mistake(name.span(), message, "the second one", help));
            }
            coordinates.push(coordinate);
        }
        Ok(coordinates)
    }

    fn coordinate(&mut self, name: &Name, file: &CoordinateFile) -> Result<Coordinate, Error> {
        let [low, high] = file.range.get_ref().as_slice() else {
            let count = file.range.get_ref().len();
            let message = format!("expected a range of two numbers, found {count}");
            let help = "give its lower and its upper end, e.g. range = [0, 1]";
            return Err(self.source.mistake(file.range.span(), message, "not a range", help));
        };
        let range = (self.number(low, &[])?, self.number(high, &[])?);
        if range.0 >= range.1 {
            let message = format!(
                "expected a lower and then an upper end, found {} and {}",
                range.0, range.1
            );
            let help = if range.0 > range.1 { "swap them" } else { "widen the range" };
            return Err(self.source.mistake(file.range.span(), message, "not a range", help));
        }
        let default = if name.get_ref() == "t" { Kind::Time } else { Kind::Space };
        let kind = file.kind.unwrap_or(default);
        let of_scope = match kind {
            Kind::Space => CoordinateKind::Space,
            Kind::Time => CoordinateKind::Time,
            Kind::Parameter => CoordinateKind::Parameter,
        };
        self.declare(name, |scope, name| scope.coordinate(name, of_scope))?;
        Ok(Coordinate { name: name.get_ref().clone(), kind, range, unit: file.unit.clone() })
    }

    fn fields(&mut self, file: &ProblemFile) -> Result<Vec<String>, Error> {
        if file.fields.is_empty() {
            let message = "expected at least one field, found none";
            let help = "name the unknown functions, e.g. fields = [\"u\"]";
            return Err(self.nothing_at(&["fields"], message, help));
        }
        for name in &file.fields {
            self.declare(name, Scope::field)?;
        }
        Ok(file.fields.iter().map(|name| name.get_ref().clone()).collect())
    }

    fn parameters(&mut self, file: &ProblemFile) -> Result<Vec<Parameter>, Error> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let fixed = file.parameters.iter().map(|entry| (entry, false));
        let unknown = file.unknowns.iter().map(|entry| (entry, true));
        for ((name, formula), unknown) in fixed.chain(unknown) {
            let known: Vec<f64> = parameters.iter().map(|p| p.value).collect();
            let value = self.number(formula, &known).map_err(|error| too_early(error, file))?;
            self.declare(name, Scope::parameter)?;
            let name = name.get_ref().clone();
            parameters.push(Parameter { name, value, unknown, truth: None });
        }
        Ok(parameters)
    }

    fn functions(&mut self, file: &ProblemFile) -> Result<(), Error> {
        for (name, formula) in &file.functions {
            let id = self.expression(formula)?;
            self.only_coordinates(id, formula, "a function")?;
            self.declare(name, |scope, name| scope.function(name, id))?;
        }
        Ok(())
    }

    fn truth(
        &mut self,
        file: &ProblemFile,
        fields: &[String],
        parameters: &[Parameter],
    ) -> Result<Option<Vec<Id>>, Error> {
        let Some(first) = file.truth.keys().find(|name| fields.contains(name.get_ref())) else {
            return Ok(None);
        };
        let mut truth = Vec::new();
        for field in fields {
            let given = file.truth.iter().find(|(name, _)| name.get_ref() == field);
            let Some((_, formula)) = given else {
                let message = format!("expected the truth of every field, found none of {field:?}");
                let help = format!("add {field} = \"…\" to [truth], or remove [truth]");
                return Err(self.source.mistake(first.span(), message, "only others", help));
            };
            let id = self.expression(formula)?;
            self.only_coordinates(id, formula, "the truth")?;
            truth.push(self.at_true_unknowns(id, parameters));
        }
        Ok(Some(truth))
    }

    fn sources(
        &mut self,
        file: &ProblemFile,
        truth: Option<&[Id]>,
    ) -> Result<Vec<Manufactured>, Error> {
        let names: Vec<String> = file.equations.keys().map(|n| n.get_ref().clone()).collect();
        let mut sources = Vec::new();
        for (number, (name, of)) in file.sources.iter().enumerate() {
            let symbol = Symbol::Hoisted(number);
            let id = self.graph.symbol(symbol);
            self.declare(name, |scope, name| scope.function(name, id))?;
            let Some(equation) = names.iter().position(|n| n == of.get_ref()) else {
                return Err(self.source.unknown_name(of, "the name of an equation", &names));
            };
            let Some(truth) = truth else {
                let message = "expected a truth to make the source from, found none";
                let help = "add [truth], or write the source as a formula under [functions]";
                return Err(self.source.mistake(name.span(), message, "made from what?", help));
            };
            sources.push(Manufactured {
                symbol,
                equation,
                truth: truth.to_vec(),
                place: name.span(),
            });
        }
        Ok(sources)
    }

    fn equations(
        &mut self,
        file: &ProblemFile,
        with_measured: Scope,
    ) -> Result<Vec<Residual>, Error> {
        let elsewhere = std::mem::replace(&mut self.scope, with_measured);
        let mut equations = Vec::new();
        for (name, formula) in &file.equations {
            equations.push(self.residual(name, formula)?);
        }
        self.scope = elsewhere;
        if equations.is_empty() {
            let message = "expected at least one equation, found none";
            let help = "write it here, e.g. heat = \"u_t = u_xx\"";
            return Err(self.nothing_at(&["equations"], message, help));
        }
        let ids: Vec<Id> = equations.iter().map(|e| e.expression).collect();
        let symbols = self.graph.symbols(&ids);
        for (number, name) in file.fields.iter().enumerate() {
            let is_of = |s: &Symbol| matches!(s, Symbol::Jet { field, .. } if *field == number);
            if !symbols.iter().any(is_of) {
                let message = format!(
                    "expected every field in some equation, found {:?} in none",
                    name.get_ref()
                );
                let help = "add its equation, or remove the field";
                return Err(self.source.mistake(name.span(), message, "never used", help));
            }
        }
        Ok(equations)
    }

    /// Replaces each source by its closed form.
    fn solve_sources(
        &mut self,
        sources: &[Manufactured],
        equations: &mut [Residual],
        parameters: &[Parameter],
    ) -> Result<(), Error> {
        for source in sources {
            let value = self.solve_source(source, &equations[source.equation])?;
            let value = self.at_true_unknowns(value, parameters);
            let residuals: Vec<Id> = equations.iter().map(|e| e.expression).collect();
            let known = &mut |s, _: &mut Graph| (s == source.symbol).then_some(value);
            let replaced = self.graph.substitute(&residuals, known);
            for (equation, id) in equations.iter_mut().zip(replaced) {
                equation.expression = id;
            }
        }
        Ok(())
    }

    /// The residual is r(f) = r(0) + f ∂r/∂f; at the truth it must vanish, so f = −r(0) / ∂r/∂f.
    fn solve_source(&mut self, source: &Manufactured, of: &Residual) -> Result<Id, Error> {
        let slope = self.graph.partial(of.expression, source.symbol);
        let stands_in = |graph: &Graph, id| graph.symbols(&[id]).contains(&source.symbol);
        if stands_in(&self.graph, slope) || !stands_in(&self.graph, of.expression) {
            let message = format!(
                "expected the source in equation {:?}, once and neither multiplied with itself nor in a \
                 function, found {:?}",
                of.name, of.text
            );
            let help = "write the equation as \"… = f\", with the name of the source for f";
            return Err(self.source.mistake(source.place.clone(), message, "this source", help));
        }
        let zero = self.graph.constant(0.0);
        let is_zero = &mut |s, _: &mut Graph| (s == source.symbol).then_some(zero);
        let without = self.graph.substitute(&[of.expression], is_zero)[0];
        let quotient = self.graph.div(without, slope);
        let value = self.graph.neg(quotient);
        if !named_columns(&self.graph, &[value]).is_empty() {
            let message = format!("expected an equation without data, found it in {:?}", of.name);
            let help = "write the source as a formula under [functions]";
            return Err(self.source.mistake(source.place.clone(), message, "this source", help));
        }
        let inserted = self.graph.insert_fields(&[value], &source.truth);
        inserted.map(|ids| ids[0]).map_err(|error| {
            let help = "use another form of the equation or of the truth";
            self.source.mistake(of.place.clone(), error.to_string(), "at the truth", help)
        })
    }

    fn declare(
        &mut self,
        name: &Name,
        add: impl FnOnce(Scope, &str) -> Result<Scope, ExprError>,
    ) -> Result<(), Error> {
        self.scope = add(std::mem::take(&mut self.scope), name.get_ref()).map_err(|error| {
            self.source.mistake(name.span(), error.message(), "choose another", error.help())
        })?;
        Ok(())
    }

    fn expression(&mut self, formula: &Spanned<Formula>) -> Result<Id, Error> {
        self.expression_at(&formula.span(), formula.get_ref())
    }

    fn expression_at(&mut self, place: &Range<usize>, formula: &Formula) -> Result<Id, Error> {
        let text = &formula.0;
        parse_expression(text)
            .and_then(|parsed| self.scope.lower(&parsed, &mut self.graph))
            .map_err(|error| self.source.formula_mistake(place, text, &error))
    }

    fn residual(&mut self, name: &Name, formula: &Spanned<Formula>) -> Result<Residual, Error> {
        let text = &formula.get_ref().0;
        let lower = |parsed: Equation| self.scope.lower_equation(&parsed, &mut self.graph);
        let expression = parse_equation(text)
            .and_then(lower)
            .map_err(|error| self.source.formula_mistake(&formula.span(), text, &error))?;
        let (name, text) = (name.get_ref().clone(), text.clone());
        Ok(Residual { name, text, place: formula.span(), expression })
    }

    /// The value of a formula in the parameters whose values are given.
    fn number(&mut self, formula: &Spanned<Formula>, known: &[f64]) -> Result<f64, Error> {
        let id = self.expression(formula)?;
        let value = |symbol| match symbol {
            Symbol::Parameter(i) => known.get(i).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        match self.graph.evaluate(&[id], &value)[..] {
            [value] if value.is_finite() => Ok(value),
            _ => {
                let message = format!("expected a finite number, found {}", formula.get_ref().0);
                let help = if self.graph.symbols(&[id]).is_empty() {
                    "scale the problem so that its numbers are near 1"
                } else {
                    "write the number itself; only parameters may depend on parameters"
                };
                Err(self.source.mistake(formula.span(), message, "not a number", help))
            }
        }
    }

    fn only_coordinates(
        &self,
        id: Id,
        formula: &Spanned<Formula>,
        what: &str,
    ) -> Result<(), Error> {
        let known = |s: &Symbol| matches!(s, Symbol::Coordinate(_) | Symbol::Parameter(_));
        if self.graph.symbols(&[id]).iter().all(known) {
            return Ok(());
        }
        let message = format!("expected coordinates and parameters alone in {what}, found fields");
        let help = "write it in closed form";
        Err(self.source.mistake(formula.span(), message, "has fields in it", help))
    }

    /// Where there should be something, there is nothing.
    fn nothing_at(&self, path: &[&str], message: impl Into<String>, help: &str) -> Error {
        self.source.mistake(self.source.place_of(path), message, "empty", help)
    }
}

/// Says so if a parameter names one that comes later, or a coordinate.
fn too_early(error: Error, file: &ProblemFile) -> Error {
    let Error::Mistake(mut mistake) = error else { return error };
    let place = mistake.place.clone().unwrap_or(0..0);
    let found = mistake.source_text.text.get(place).unwrap_or_default();
    let mut later =
        file.parameters.keys().chain(file.unknowns.keys()).chain(file.coordinates.keys());
    if later.any(|name| name.get_ref() == found) {
        "a parameter may use only the parameters above it".clone_into(&mut mistake.help);
    }
    Error::Mistake(mistake)
}
