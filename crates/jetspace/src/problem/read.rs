//! From the text of a problem file to a checked [`Problem`].

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jetspace_expr::{
    CoordinateKind, Equation, ExprError, Graph, Id, Scope, Symbol, parse_equation, parse_expression,
};
use jetspace_jet::MAX_VARIABLES;
use toml::Spanned;

use super::{Condition, Coordinate, Kind, Parameter, Place, Problem, Residual};
use crate::Error;
use crate::problem_file::{ConditionFile, CoordinateFile, Formula, Name, ProblemFile};
use crate::sampling::{End, Side};
use crate::source::Source;

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
        let file: ProblemFile =
            toml::from_str(&source.text).map_err(|error| source.toml_mistake(&error))?;
        let mut reader = Reader { source, graph: Graph::new(), scope: Scope::new() };
        let coordinates = reader.coordinates(&file)?;
        let fields = reader.fields(&file)?;
        let parameters = reader.parameters(&file)?;
        reader.functions(&file)?;
        let truth = reader.truth(&file, &fields)?;
        let sources = reader.sources(&file, truth.as_deref())?;
        let mut equations = reader.equations(&file, &fields)?;
        reader.solve_sources(&sources, &mut equations)?;
        let conditions = reader.conditions(&file, &coordinates)?;
        let path = Path::new(&source.name);
        let beside = |relative: &Spanned<String>| {
            path.parent().unwrap_or(Path::new("")).join(relative.get_ref())
        };
        let stem = path.file_stem();
        Ok(Self {
            name: stem.map_or_else(|| "problem".to_owned(), |s| s.to_string_lossy().into_owned()),
            title: file.title,
            about: file.about,
            source: Arc::clone(source),
            coordinates,
            fields,
            parameters,
            equations,
            conditions,
            truth,
            truth_file: file.truth_file.as_ref().map(beside),
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
            return Err(self.source.mistake(None, message, "", "write them under [coordinates]"));
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
        let [low, high] = &file.range;
        let range = (self.number(low)?, self.number(high)?);
        if range.0 >= range.1 {
            let place = low.span().start..high.span().end;
            let message = format!("expected a lower and a higher end, found {range:?}");
            let help = "swap them, or widen the range";
            return Err(self.source.mistake(place, message, "not a range", help));
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
            return Err(self.source.mistake(None, message, "", help));
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
            let value = self.number_with(formula, &known)?;
            self.declare(name, Scope::parameter)?;
            parameters.push(Parameter { name: name.get_ref().clone(), value, unknown });
        }
        Ok(parameters)
    }

    fn functions(&mut self, file: &ProblemFile) -> Result<(), Error> {
        for (name, formula) in &file.functions {
            let id = self.expression(formula)?;
            self.only_coordinates(id, formula, "a named function")?;
            self.declare(name, |scope, name| scope.function(name, id))?;
        }
        Ok(())
    }

    fn truth(&mut self, file: &ProblemFile, fields: &[String]) -> Result<Option<Vec<Id>>, Error> {
        let Some(first) = file.truth.keys().next() else { return Ok(None) };
        for name in file.truth.keys() {
            if !fields.contains(name.get_ref()) {
                let message = format!("{:?} is not a field", name.get_ref());
                return Err(self.unknown(name, &message, fields));
            }
        }
        let mut truth = Vec::new();
        for field in fields {
            let given = file.truth.iter().find(|(name, _)| name.get_ref() == field);
            let Some((_, formula)) = given else {
                let message = format!("the truth of field {field:?} is missing");
                let help = format!("add {field} = \"…\" to [truth], or remove [truth]");
                return Err(self.source.mistake(first.span(), message, "others are given", help));
            };
            let id = self.expression(formula)?;
            self.only_coordinates(id, formula, "the truth")?;
            truth.push(id);
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
            let symbol = Symbol::Column(number);
            let id = self.graph.symbol(symbol);
            self.declare(name, |scope, name| scope.function(name, id))?;
            let Some(equation) = names.iter().position(|n| n == of.get_ref()) else {
                let message = format!("there is no equation {:?}", of.get_ref());
                return Err(self.unknown(of, &message, &names));
            };
            let Some(truth) = truth else {
                let message = "a source can only be made from a truth in closed form";
                let help = "add [truth], or write the source as a formula under [functions]";
                return Err(self.source.mistake(name.span(), message, "no truth is given", help));
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

    fn equations(&mut self, file: &ProblemFile, fields: &[String]) -> Result<Vec<Residual>, Error> {
        let mut equations = Vec::new();
        for (name, formula) in &file.equations {
            equations.push(self.residual(name, formula)?);
        }
        if equations.is_empty() {
            let message = "expected at least one equation, found none";
            let help = "write it under [equations], e.g. heat = \"u_t = u_xx\"";
            return Err(self.source.mistake(None, message, "", help));
        }
        let ids: Vec<Id> = equations.iter().map(|e| e.expression).collect();
        let symbols = self.graph.symbols(&ids);
        for (number, name) in file.fields.iter().enumerate() {
            let is_of = |s: &Symbol| matches!(s, Symbol::Jet { field, .. } if *field == number);
            if !symbols.iter().any(is_of) {
                let message = format!("field {:?} is in no equation", fields[number]);
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
    ) -> Result<(), Error> {
        for source in sources {
            let value = self.solve_source(source, &equations[source.equation])?;
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
            let message = "a source must stand in its equation, and linearly";
            let help = "write the equation as \"… = f\"";
            return Err(self.source.mistake(source.place.clone(), message, "this one", help));
        }
        let zero = self.graph.constant(0.0);
        let is_zero = &mut |s, _: &mut Graph| (s == source.symbol).then_some(zero);
        let without = self.graph.substitute(&[of.expression], is_zero)[0];
        let quotient = self.graph.div(without, slope);
        let value = self.graph.neg(quotient);
        super::truth::insert(&mut self.graph, &source.truth, &[value]).map(|ids| ids[0]).map_err(
            |error| {
                let help = "use another form of the equation or of the truth";
                self.source.mistake(of.place.clone(), error.to_string(), "at the truth", help)
            },
        )
    }

    fn conditions(
        &mut self,
        file: &ProblemFile,
        coordinates: &[Coordinate],
    ) -> Result<Vec<Condition>, Error> {
        let mut conditions = Vec::new();
        for (name, condition) in &file.conditions {
            let place = self.place(name, condition, coordinates)?;
            if condition.require.is_empty() {
                let message = "expected something that holds there, found nothing";
                let help = "add it, e.g. require = [\"u = 0\"]";
                return Err(self.source.mistake(name.span(), message, "empty", help));
            }
            let inside = self.scope.clone();
            if matches!(place, Place::Pair(_)) {
                self.scope = inside.clone().with_other();
            }
            let residuals: Result<Vec<_>, Error> =
                condition.require.iter().map(|formula| self.residual(name, formula)).collect();
            self.scope = inside;
            let name = name.get_ref().clone();
            conditions.push(Condition { name, place, residuals: residuals? });
        }
        Ok(conditions)
    }

    fn place(
        &self,
        name: &Name,
        file: &ConditionFile,
        coordinates: &[Coordinate],
    ) -> Result<Place, Error> {
        let message = match (&file.on, &file.pair, &file.at) {
            (Some(on), None, None) => return self.sides(on, coordinates).map(Place::Sides),
            (None, Some(pair), None) => {
                let names: Vec<String> = coordinates.iter().map(|c| c.name.clone()).collect();
                let found = names.iter().position(|n| n == pair.get_ref()).map(Place::Pair);
                let message = format!("{:?} is not a coordinate", pair.get_ref());
                return found.ok_or_else(|| self.unknown(pair, &message, &names));
            }
            (None, None, Some(points)) => return self.points(points, coordinates),
            (None, None, None) => "the condition does not say where it holds",
            _ => "the condition says more than once where it holds",
        };
        let help = "give one of on = \"boundary\", pair = \"x\", at = [[…], …]";
        Err(self.source.mistake(name.span(), message, "here", help))
    }

    fn sides(&self, on: &Spanned<String>, coordinates: &[Coordinate]) -> Result<Vec<Side>, Error> {
        let low = |axis| Side { axis, end: End::Low };
        let high = |axis| Side { axis, end: End::High };
        let mut named = Vec::new();
        let of_kind = |kind| (0..coordinates.len()).filter(move |&i| coordinates[i].kind == kind);
        let boundary: Vec<_> =
            of_kind(Kind::Space).flat_map(|axis| [low(axis), high(axis)]).collect();
        let initial: Vec<_> = of_kind(Kind::Time).map(low).collect();
        named.extend([("boundary".to_owned(), boundary), ("initial".to_owned(), initial)]);
        for (i, coordinate) in coordinates.iter().enumerate() {
            named.push((format!("{}.min", coordinate.name), vec![low(i)]));
            named.push((format!("{}.max", coordinate.name), vec![high(i)]));
        }
        named.retain(|(_, sides)| !sides.is_empty());
        let known: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let found = named.into_iter().find(|(name, _)| name == on.get_ref());
        let message = format!("{:?} is not a side of the domain", on.get_ref());
        found.map(|(_, sides)| sides).ok_or_else(|| self.unknown(on, &message, &known))
    }

    fn points(
        &self,
        points: &Spanned<Vec<Vec<f64>>>,
        coordinates: &[Coordinate],
    ) -> Result<Place, Error> {
        let wrong = |message: String| {
            Err(self.source.mistake(points.span(), message, "in this list", "correct the list"))
        };
        if points.get_ref().is_empty() {
            return wrong("expected at least one point, found none".to_owned());
        }
        for (number, point) in (1..).zip(points.get_ref()) {
            let (expected, found) = (coordinates.len(), point.len());
            if found != expected {
                return wrong(format!(
                    "point {number}: expected {expected} numbers, one per coordinate, found {found}"
                ));
            }
            for (value, Coordinate { name, range: (low, high), .. }) in
                point.iter().zip(coordinates)
            {
                if !(low..=high).contains(&value) {
                    return wrong(format!(
                        "point {number}: expected {name} from {low} to {high}, found {value}"
                    ));
                }
            }
        }
        let column = |i: usize| points.get_ref().iter().map(|point| point[i]).collect();
        Ok(Place::Points((0..coordinates.len()).map(column).collect()))
    }

    fn declare(
        &mut self,
        name: &Name,
        add: impl FnOnce(Scope, &str) -> Result<Scope, ExprError>,
    ) -> Result<(), Error> {
        self.scope = add(std::mem::take(&mut self.scope), name.get_ref())
            .map_err(|error| self.source.formula_mistake(&name.span(), name.get_ref(), &error))?;
        Ok(())
    }

    fn expression(&mut self, formula: &Spanned<Formula>) -> Result<Id, Error> {
        let text = &formula.get_ref().0;
        parse_expression(text)
            .and_then(|parsed| self.scope.lower(&parsed, &mut self.graph))
            .map_err(|error| self.source.formula_mistake(&formula.span(), text, &error))
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

    fn number(&mut self, formula: &Spanned<Formula>) -> Result<f64, Error> {
        self.number_with(formula, &[])
    }

    /// The value of a formula in the parameters known so far.
    fn number_with(&mut self, formula: &Spanned<Formula>, known: &[f64]) -> Result<f64, Error> {
        let id = self.expression(formula)?;
        let value = |symbol| match symbol {
            Symbol::Parameter(i) => known.get(i).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        match self.graph.evaluate(&[id], &value)[..] {
            [value] if value.is_finite() => Ok(value),
            _ => {
                let message = format!("expected a finite number, found {}", formula.get_ref().0);
                let help = "only numbers, pi, e and the parameters above it may stand here";
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
        let message = format!("{what} must be a formula in coordinates and parameters alone");
        let help = "write it in closed form";
        Err(self.source.mistake(formula.span(), message, "it has fields in it", help))
    }

    fn unknown(&self, name: &Spanned<String>, message: &str, known: &[String]) -> Error {
        self.source.unknown_name(name, message, known)
    }
}
