//! What names mean: the coordinates, fields, parameters, functions and columns of a problem.
//!
//! `resolve` reads a name such as `u_xt` or `data.u`, `suggest` finds what a wrong one may have been
//! meant as, and `lower` turns a tree into expressions of a [`Graph`](crate::Graph).

mod lower;
mod resolve;
mod suggest;

pub use suggest::nearest;

use std::collections::BTreeMap;
use std::f64::consts;

use jetspace_jet::{MAX_VARIABLES, MultiIndex};

use crate::error::ExprError;
use crate::graph::{Id, Symbol};
use crate::lexer::{is_unqualified_name, is_word};
use lower::Callable;
use resolve::{QUALIFIERS, Reading};

/// What a coordinate is; `laplacian` differentiates by those of space.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CoordinateKind {
    /// A position, e.g. x.
    Space,
    /// The time.
    Time,
    /// A parameter that the solution is a function of, e.g. ξ.
    Parameter,
}

/// What a declared name stands for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Meaning {
    Constant(f64),
    Coordinate(usize),
    Field(usize),
    Parameter(usize),
    Function(Id),
}

impl Meaning {
    /// The word for it in messages.
    fn noun(self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Coordinate(_) => "coordinate",
            Self::Field(_) => "field",
            Self::Parameter(_) => "parameter",
            Self::Function(_) => "function of the coordinates",
        }
    }

    /// Whether a subscript differentiates it.
    fn is_differentiable(self) -> bool {
        matches!(self, Self::Field(_) | Self::Function(_))
    }
}

/// The names that an expression may use, and their meaning.
///
/// Coordinates, fields, parameters and columns are numbered from 0 in the order in which they are
/// added; those are the numbers in a [`Symbol`].
///
/// A name is looked for as it is, then as a field or function with a subscript: coordinates in
/// braces, `u_{x,t}`, or one after the other, `u_xt`, if that can be read in one way only. The order
/// of differentiation does not matter: `u_tx` is `u_xt`.
///
/// ```
/// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
/// let scope = Scope::new()
///     .coordinate("x", CoordinateKind::Space)?
///     .coordinate("t", CoordinateKind::Time)?
///     .field("u")?
///     .parameter("nu")?;
/// let mut graph = Graph::new();
/// let burgers = parse_equation("u_t + d(u^2/2, x) = nu*laplacian(u)")?;
/// let residual = scope.lower_equation(&burgers, &mut graph)?;
/// let same = parse_equation("u_t + u*u_x = nu*u_xx")?;
/// assert_eq!(scope.lower_equation(&same, &mut graph)?, residual);
/// # Ok::<(), jetspace_expr::ExprError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scope {
    meanings: BTreeMap<String, Meaning>,
    coordinates: Vec<(String, CoordinateKind)>,
    fields: Vec<String>,
    parameters: Vec<String>,
    columns: Vec<String>,
    has_teacher: bool,
    has_other: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self::new()
    }
}

impl Scope {
    /// A scope with the constants `pi` and `e` and the elementary functions.
    #[must_use]
    pub fn new() -> Self {
        let constants = [("pi", consts::PI), ("e", consts::E)];
        let meanings = constants.map(|(name, value)| (name.to_owned(), Meaning::Constant(value)));
        Self {
            meanings: BTreeMap::from(meanings),
            coordinates: Vec::new(),
            fields: Vec::new(),
            parameters: Vec::new(),
            columns: Vec::new(),
            has_teacher: false,
            has_other: false,
        }
    }

    /// Adds a coordinate.
    ///
    /// # Errors
    /// A name that is taken, reserved or ill-formed, or more than [`MAX_VARIABLES`] coordinates.
    pub fn coordinate(mut self, name: &str, kind: CoordinateKind) -> Result<Self, ExprError> {
        if self.coordinates.len() == MAX_VARIABLES {
            return Err(ExprError::new(
                format!("expected at most {MAX_VARIABLES} coordinates, found another, `{name}`"),
                "make it a parameter, or leave it out",
            ));
        }
        self.declare(name, Meaning::Coordinate(self.coordinates.len()))?;
        self.coordinates.push((name.to_owned(), kind));
        Ok(self)
    }

    /// Adds a field.
    ///
    /// # Errors
    /// A name that is taken, reserved or ill-formed.
    pub fn field(mut self, name: &str) -> Result<Self, ExprError> {
        self.declare(name, Meaning::Field(self.fields.len()))?;
        self.fields.push(name.to_owned());
        Ok(self)
    }

    /// The same with these names for the fields instead of those that they have.
    ///
    /// # Errors
    /// A name that is taken, reserved or ill-formed.
    ///
    /// ```
    /// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_expression};
    /// let scope = Scope::new().coordinate("x", CoordinateKind::Space)?.field("u")?;
    /// let renamed = scope.clone().with_fields(&["N"])?;
    /// let (u_x, n_x) = (parse_expression("u_x")?, parse_expression("N_x")?);
    /// let mut graph = Graph::new();
    /// assert_eq!(renamed.lower(&n_x, &mut graph)?, scope.lower(&u_x, &mut graph)?);
    /// assert!(renamed.lower(&u_x, &mut graph).is_err());
    /// # Ok::<(), jetspace_expr::ExprError>(())
    /// ```
    pub fn with_fields<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, ExprError> {
        self.meanings.retain(|_, meaning| !matches!(meaning, Meaning::Field(_)));
        self.fields.clear();
        names.iter().try_fold(self, |scope, name| scope.field(name.as_ref()))
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// A name that is taken, reserved or ill-formed.
    pub fn parameter(mut self, name: &str) -> Result<Self, ExprError> {
        self.declare(name, Meaning::Parameter(self.parameters.len()))?;
        self.parameters.push(name.to_owned());
        Ok(self)
    }

    /// Adds a function of the coordinates: a name for an expression of the graph that this scope is
    /// to lower into.
    ///
    /// # Errors
    /// A name that is taken, reserved or ill-formed.
    pub fn function(mut self, name: &str, expression: Id) -> Result<Self, ExprError> {
        self.declare(name, Meaning::Function(expression))?;
        Ok(self)
    }

    /// Adds a column of the point set, to be written `data.NAME`. Columns have names of their own:
    /// they may be called as fields, or as derivatives, `u_x` or `u_{theta,x}`.
    ///
    /// # Errors
    /// A name that another column has, or that is ill-formed.
    pub fn column(mut self, name: &str) -> Result<Self, ExprError> {
        if !is_unqualified_name(name) || name.contains(char::is_whitespace) {
            return Err(ill_formed(name));
        }
        if self.columns.iter().any(|column| column == name) {
            return Err(ExprError::new(
                format!("expected a new name for a column, found `{name}` again"),
                "give each column a name of its own",
            ));
        }
        self.columns.push(name.to_owned());
        Ok(self)
    }

    /// Allows `teacher.u_x`, the fields of another, fixed model.
    #[must_use]
    pub fn with_teacher(self) -> Self {
        Self { has_teacher: true, ..self }
    }

    /// Allows `other.u_x`, the fields at the other end of a pair of points.
    #[must_use]
    pub fn with_other(self) -> Self {
        Self { has_other: true, ..self }
    }

    /// The name of a symbol as it is written in an expression of this scope, e.g. `u_xt`; for a
    /// symbol that this scope does not have, a description.
    ///
    /// ```
    /// use jetspace_expr::{CoordinateKind, Graph, Scope, parse_expression};
    /// let scope = Scope::new().coordinate("x", CoordinateKind::Space)?.field("u")?;
    /// let mut graph = Graph::new();
    /// let flux = scope.lower(&parse_expression("d(u*u_x, x)")?, &mut graph)?;
    /// let text = graph.display(flux, &|symbol| scope.symbol_name(symbol));
    /// assert_eq!(text, "u_x^2 + u*u_xx");
    /// # Ok::<(), jetspace_expr::ExprError>(())
    /// ```
    #[must_use]
    pub fn symbol_name(&self, symbol: Symbol) -> String {
        let name = match symbol {
            Symbol::Coordinate(i) => self.coordinates.get(i).map(|(name, _)| name.clone()),
            Symbol::Parameter(i) => self.parameters.get(i).cloned(),
            Symbol::Column(i) => self.columns.get(i).map(|name| format!("data.{name}")),
            Symbol::Jet { field, index } => self.derivative_name(field, index),
            Symbol::Teacher { field, index } => {
                self.derivative_name(field, index).map(|name| format!("teacher.{name}"))
            }
            Symbol::Other { field, index } => {
                self.derivative_name(field, index).map(|name| format!("other.{name}"))
            }
            Symbol::Combination { .. } | Symbol::Hoisted(_) => None,
        };
        name.unwrap_or_else(|| symbol.to_string())
    }

    /// `u`, `u_xt`, or `u_{x,t}` where the short form is no name of that derivative.
    fn derivative_name(&self, field: usize, index: MultiIndex) -> Option<String> {
        let name = self.fields.get(field)?;
        if index.order() == 0 {
            return Some(name.clone());
        }
        let by: Option<Vec<&str>> =
            index.factors().map(|i| self.coordinates.get(i).map(|(name, _)| &**name)).collect();
        let by = by?;
        let short = format!("{name}_{}", by.concat());
        let jet = Reading::Symbol(Symbol::Jet { field, index });
        if self.interpret(&short).reading().is_some_and(|reading| reading == jet) {
            return Some(short);
        }
        Some(format!("{name}_{{{}}}", by.join(",")))
    }

    fn declare(&mut self, name: &str, meaning: Meaning) -> Result<(), ExprError> {
        if !is_word(name) {
            return Err(ill_formed(name));
        }
        let reserved = matches!(self.meanings.get(name), Some(Meaning::Constant(_)))
            || Callable::from_name(name).is_some()
            || QUALIFIERS.contains(&name);
        if reserved {
            return Err(ExprError::new(
                format!(
                    "expected a new name for a {}, found `{name}`, which is reserved",
                    meaning.noun()
                ),
                "choose another; functions, constants, `data`, `teacher` and `other` are reserved",
            ));
        }
        if let Some(taken) = self.meanings.get(name) {
            return Err(ExprError::new(
                format!(
                    "expected a new name for a {}, found `{name}`, which is a {}",
                    meaning.noun(),
                    taken.noun()
                ),
                "give each coordinate, field, parameter and function a name of its own",
            ));
        }
        self.meanings.insert(name.to_owned(), meaning);
        Ok(())
    }
}

fn ill_formed(name: &str) -> ExprError {
    ExprError::new(
        format!("expected a name, found `{}`", name.escape_debug()),
        "names are letters, digits and underscores, and begin with a letter",
    )
}
