//! What one name means: exactly a declared one, a derivative by its subscript, or qualified.

use jetspace_jet::{MAX_ORDER, MultiIndex};

use super::lower::Callable;
use super::{Meaning, Scope};
use crate::error::ExprError;
use crate::graph::{Id, Symbol};
use crate::span::Span;

/// What may stand before the `.` of a name.
pub(super) const QUALIFIERS: [&str; 3] = ["data", "teacher", "other"];

/// The value that a name stands for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Reading {
    Constant(f64),
    Symbol(Symbol),
    /// A function, differentiated by these coordinates.
    Function(Id, Vec<usize>),
}

/// How a name without a qualifier can be understood.
#[derive(PartialEq, Debug)]
pub(super) enum Interpretation<'a> {
    Declared(Meaning),
    /// A field or a function, and the coordinates that its subscript lists.
    Derivative {
        of: Meaning,
        by: Vec<usize>,
    },
    /// A subscript that can be read in several ways; the first.
    Ambiguous {
        base: &'a str,
        by: Vec<usize>,
    },
    /// A field or a function, and what should have been coordinates.
    NotCoordinates {
        base: &'a str,
        found: &'a str,
    },
    Unknown,
}

impl Interpretation<'_> {
    /// The value, if the name has one.
    pub fn reading(&self) -> Option<Reading> {
        match self {
            Self::Declared(Meaning::Constant(value)) => Some(Reading::Constant(*value)),
            Self::Declared(Meaning::Coordinate(i)) => Some(Reading::Symbol(Symbol::Coordinate(*i))),
            Self::Declared(Meaning::Parameter(i)) => Some(Reading::Symbol(Symbol::Parameter(*i))),
            Self::Declared(Meaning::Function(id)) => Some(Reading::Function(*id, Vec::new())),
            Self::Derivative { of: Meaning::Function(id), by } => {
                Some(Reading::Function(*id, by.clone()))
            }
            _ => self.jet().map(|(field, index)| Reading::Symbol(Symbol::Jet { field, index })),
        }
    }

    /// The derivative of a field, if the name is one of order up to [`MAX_ORDER`].
    pub fn jet(&self) -> Option<(usize, MultiIndex)> {
        match self {
            Self::Declared(Meaning::Field(field)) => Some((*field, MultiIndex::VALUE)),
            Self::Derivative { of: Meaning::Field(field), by } => {
                MultiIndex::from_variables(by).ok().map(|index| (*field, index))
            }
            _ => None,
        }
    }
}

impl Scope {
    /// The value that a name stands for.
    pub(super) fn resolve(&self, name: &str, span: Span) -> Result<Reading, ExprError> {
        match name.split_once('.') {
            None => {
                let interpretation = self.interpret(name);
                interpretation
                    .reading()
                    .ok_or_else(|| self.explain("", name, &interpretation, span))
            }
            Some(("data", column)) => self.column_symbol(column, span).map(Reading::Symbol),
            Some(("teacher", name)) if self.has_teacher => {
                let (field, index) = self.qualified_jet("teacher.", name, span)?;
                Ok(Reading::Symbol(Symbol::Teacher { field, index }))
            }
            Some(("other", name)) if self.has_other => {
                let (field, index) = self.qualified_jet("other.", name, span)?;
                Ok(Reading::Symbol(Symbol::Other { field, index }))
            }
            Some((qualifier, _)) => Err(wrong_qualifier(qualifier, span)),
        }
    }

    /// How a name without a qualifier can be understood.
    pub(super) fn interpret<'a>(&self, name: &'a str) -> Interpretation<'a> {
        if let Some(&meaning) = self.meanings.get(name) {
            return Interpretation::Declared(meaning);
        }
        let (mut ways, mut first, mut wrong) = (0, None, None);
        for (base, subscript) in splits(name) {
            let Some(&of) = self.meanings.get(base).filter(|of| of.is_differentiable()) else {
                continue;
            };
            let list = subscript.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            let read = match list {
                Some(list) => self.listed(list),
                None => self.decompose(subscript),
            };
            match read {
                Ok((more, by)) => {
                    ways += more;
                    first.get_or_insert((of, base, by));
                }
                Err(found) => {
                    wrong.get_or_insert((base, found));
                }
            }
        }
        match (first, wrong) {
            (Some((of, _, by)), _) if ways == 1 => Interpretation::Derivative { of, by },
            (Some((_, base, by)), _) => Interpretation::Ambiguous { base, by },
            (None, Some((base, found))) => Interpretation::NotCoordinates { base, found },
            (None, None) => Interpretation::Unknown,
        }
    }

    /// The one way to read `a, b` as a list of coordinates, or what in it is none.
    fn listed<'a>(&self, list: &'a str) -> Result<(usize, Vec<usize>), &'a str> {
        let by: Result<_, _> = list
            .split(',')
            .map(str::trim)
            .map(|name| self.coordinate_index(name).ok_or(name))
            .collect();
        by.map(|by| (1, by))
    }

    /// In how many ways `ab` can be cut into coordinates (2 for more than one), and the first; the
    /// text itself if there is none.
    fn decompose<'a>(&self, subscript: &'a str) -> Result<(usize, Vec<usize>), &'a str> {
        // By how the rest can be cut, from its end: the number of ways and the first coordinate.
        let mut rests: Vec<(usize, Option<usize>)> = vec![(0, None); subscript.len() + 1];
        rests[subscript.len()].0 = 1;
        for (start, _) in subscript.char_indices().rev() {
            for (i, (coordinate, _)) in self.coordinates.iter().enumerate() {
                let fits =
                    subscript.get(start..).is_some_and(|rest| rest.starts_with(&**coordinate));
                if fits && rests[start + coordinate.len()].0 > 0 {
                    let ways = rests[start].0 + rests[start + coordinate.len()].0;
                    rests[start] = (ways.min(2), rests[start].1.or(Some(i)));
                }
            }
        }
        let (mut by, mut start) = (Vec::new(), 0);
        while let Some((_, Some(i))) = rests.get(start) {
            by.push(*i);
            start += self.coordinates[*i].0.len();
        }
        if by.is_empty() { Err(subscript) } else { Ok((rests[0].0, by)) }
    }

    pub(super) fn coordinate_index(&self, name: &str) -> Option<usize> {
        match self.meanings.get(name) {
            Some(Meaning::Coordinate(i)) => Some(*i),
            _ => None,
        }
    }

    fn column_symbol(&self, name: &str, span: Span) -> Result<Symbol, ExprError> {
        let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        let index = self.columns.iter().position(|column| *column == name);
        index.map(Symbol::Column).ok_or_else(|| {
            ExprError::at(
                span,
                format!("expected a column of the point set after `data.`, found `{name}`"),
                "no such column",
                self.column_help(&name),
            )
        })
    }

    /// A field's derivative after `teacher.` or `other.`.
    fn qualified_jet(
        &self,
        qualifier: &str,
        name: &str,
        span: Span,
    ) -> Result<(usize, MultiIndex), ExprError> {
        let interpretation = self.interpret(name);
        interpretation.jet().ok_or_else(|| self.explain(qualifier, name, &interpretation, span))
    }

    /// Why a name that can be understood so stands for no value, or for no field after a qualifier.
    fn explain(
        &self,
        qualifier: &str,
        name: &str,
        interpretation: &Interpretation<'_>,
        span: Span,
    ) -> ExprError {
        match interpretation {
            Interpretation::Derivative { of: Meaning::Field(_), by } => {
                order_too_high(by.len(), span)
            }
            Interpretation::Declared(meaning) | Interpretation::Derivative { of: meaning, .. } => {
                ExprError::at(
                    span,
                    format!(
                        "expected a field after `{qualifier}`, found the {} `{name}`",
                        meaning.noun()
                    ),
                    "not a field",
                    format!("write `{name}` without `{qualifier}`"),
                )
            }
            Interpretation::Ambiguous { base, by } => {
                let by: Vec<&str> = by.iter().map(|&i| &*self.coordinates[i].0).collect();
                ExprError::at(
                    span,
                    format!("expected a subscript that can be read in one way, found `{name}`"),
                    "ambiguous",
                    format!(
                        "list the coordinates in braces, for example `{qualifier}{base}_{{{}}}`",
                        by.join(",")
                    ),
                )
            }
            Interpretation::NotCoordinates { base, found } => {
                let found = match *found {
                    "" => "nothing".to_owned(),
                    found => format!("`{found}`"),
                };
                ExprError::at(
                    span,
                    format!("expected coordinates as the subscript of `{base}`, found {found}"),
                    "not coordinates",
                    self.suggest(qualifier, name).unwrap_or_else(|| self.list_coordinates()),
                )
            }
            Interpretation::Unknown if qualifier.is_empty() && QUALIFIERS.contains(&name) => {
                ExprError::at(
                    span,
                    format!("expected a name, found the qualifier `{name}` alone"),
                    "no name after this",
                    format!("write for example `{name}.u`"),
                )
            }
            Interpretation::Unknown if Callable::from_name(name).is_some() => ExprError::at(
                span,
                format!("expected a value, found the function `{name}` without arguments"),
                "no parentheses after this",
                format!("write `{name}(…)`"),
            ),
            Interpretation::Unknown => ExprError::at(
                span,
                format!("expected a known name, found `{qualifier}{name}`"),
                "unknown name",
                self.suggest(qualifier, name).unwrap_or_else(|| self.list_names()),
            ),
        }
    }
}

/// The ways to cut a name at an underscore into a base and a subscript.
pub(super) fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.match_indices('_').filter_map(|(i, _)| Some((name.get(..i)?, name.get(i + 1..)?)))
}

/// The error of a derivative of this total order.
pub(super) fn order_too_high(order: usize, span: Span) -> ExprError {
    ExprError::at(
        span,
        format!("expected derivatives of total order up to {MAX_ORDER}, found order {order}"),
        "order too high",
        "introduce a lower derivative as a field of its own",
    )
}

fn wrong_qualifier(qualifier: &str, span: Span) -> ExprError {
    let (message, label, help) = match qualifier {
        "teacher" => (
            "expected a name that is known here, found one of a teacher",
            "no teacher here",
            "`teacher.` is for terms that compare a model with its teacher",
        ),
        "other" => (
            "expected a name that is known here, found one of the other end of a pair",
            "no pairs of points here",
            "`other.` is for conditions that join two boundaries, such as periodic ones",
        ),
        _ => {
            return ExprError::at(
                span,
                format!("expected `data.`, `teacher.` or `other.`, found `{qualifier}.`"),
                "unknown qualifier",
                "write `data.` for columns of the point set, or `*` for a product",
            );
        }
    };
    ExprError::at(span, message, label, help)
}
