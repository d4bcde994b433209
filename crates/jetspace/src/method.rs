//! Methods: named recipes for an objective. Each is a list of kinds of terms and nothing more; all
//! go through the same evaluator (design: one mechanism, least squares over jets), except for the
//! projection of second derivatives.
//!
//! DERL and its rivals as in "Learning and transferring physical models through derivatives"
//! (arXiv 2505.01391): every term is a mean of squares over points and components, the projection
//! one of norms.

use jetspace_expr::{Graph, Id, Symbol};
use jetspace_jet::MultiIndex;

use crate::problem::{DataColumn, Problem, named_columns};

/// What a term of an objective compares.
#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// û − u for each field.
    Values,
    /// ∂û/∂xᵢ − ∂u/∂xᵢ for each field and each coordinate that is not a parameter.
    Gradient,
    /// ∂²û/∂xᵢ∂xⱼ − ∂²u/∂xᵢ∂xⱼ for all i and j, so that mixed derivatives count twice.
    Hessian,
    /// ‖(∇û(x + σv) − ∇û(x))/σ − D²u(x) v‖ over random unit vectors v: a mean of norms, not of their
    /// squares.
    HessianProjection,
    /// The equations, compared with data where they name what is measured.
    Equation,
    /// A residual that the study wrote, in the problem's graph.
    Residual {
        /// As it was written.
        text: String,
        /// Its expression.
        expression: Id,
    },
    /// The condition of this number.
    Condition(usize),
}

/// The kinds that a study may name under `terms`.
pub const KINDS: [(&str, TermKind); 5] = [
    ("values", TermKind::Values),
    ("gradient", TermKind::Gradient),
    ("hessian", TermKind::Hessian),
    ("hessian-projection", TermKind::HessianProjection),
    ("equation", TermKind::Equation),
];

/// The built-in methods, with what they compare and a line each.
pub const RECIPES: [(&str, &[TermKind], &str); 8] = [
    ("derl", &[TermKind::Gradient], "first derivatives against data"),
    ("outl", &[TermKind::Values], "values against data"),
    ("outl+pinn", &[TermKind::Values, TermKind::Equation], "values against data, and the equation"),
    ("sob", &[TermKind::Values, TermKind::Gradient], "values and first derivatives against data"),
    ("pinn", &[TermKind::Equation], "the equation, no data"),
    ("hesl", &[TermKind::Hessian], "second derivatives against data"),
    (
        "der+hesl",
        &[TermKind::Gradient, TermKind::Hessian],
        "first and second derivatives against data",
    ),
    (
        "sob+hes",
        &[TermKind::Values, TermKind::Gradient, TermKind::HessianProjection],
        "values, first derivatives, and random projections of second derivatives, against data",
    ),
];

impl TermKind {
    /// The names under which a study may give the term's weight: its own, then that of its class.
    #[must_use]
    pub fn weight_keys(&self, problem: &Problem) -> Vec<String> {
        match self {
            Self::Condition(i) => {
                let name = problem.conditions.get(*i).map_or("", |c| c.name.as_str());
                vec![name.to_owned(), "conditions".to_owned()]
            }
            Self::Equation => vec!["equation".to_owned()],
            Self::Residual { text, .. } => vec![text.clone(), "data".to_owned()],
            kind => vec![kind.name().to_owned(), "data".to_owned()],
        }
    }

    /// The name in logs and figures.
    #[must_use]
    pub fn label(&self, problem: &Problem) -> String {
        match self {
            Self::Condition(i) => {
                problem.conditions.get(*i).map_or_else(String::new, |c| c.name.clone())
            }
            Self::Residual { text, .. } => text.clone(),
            kind => kind.name().to_owned(),
        }
    }

    fn name(&self) -> &'static str {
        KINDS.iter().find(|(_, kind)| kind == self).map_or("residual", |(name, _)| name)
    }

    /// The derivatives of each field that the data must have.
    #[must_use]
    pub fn data(&self, problem: &Problem) -> Vec<(usize, MultiIndex)> {
        let indices: Vec<MultiIndex> = match self {
            Self::Values => vec![MultiIndex::VALUE],
            Self::Gradient => products(problem, 1),
            Self::Hessian | Self::HessianProjection => products(problem, 2),
            Self::Equation | Self::Residual { .. } | Self::Condition(_) => Vec::new(),
        };
        (0..problem.fields.len()).flat_map(|f| indices.iter().map(move |&i| (f, i))).collect()
    }

    /// The columns of data ([`Problem::data_columns`]) that it compares with: those that hold what
    /// [`data`](Self::data) lists, or that residuals name.
    #[must_use]
    pub fn columns(&self, problem: &Problem) -> Vec<usize> {
        let named = match self {
            Self::Equation => problem.equations.iter().map(|e| e.expression).collect(),
            Self::Residual { expression, .. } => vec![*expression],
            _ => Vec::new(),
        };
        let columns = problem.data_columns();
        let place = |(field, index)| {
            columns.iter().position(|column| *column == DataColumn::Jet(field, index))
        };
        let compared = self.data(problem).into_iter().filter_map(place);
        compared.chain(named_columns(&problem.graph, &named)).collect()
    }

    /// The residuals, in the problem's graph or a copy of it; none for the projection, which is not
    /// made of expressions in the jet at one point.
    #[must_use]
    pub fn residuals(&self, problem: &Problem, graph: &mut Graph) -> Vec<Id> {
        match self {
            Self::Equation => problem.equations.iter().map(|e| e.expression).collect(),
            Self::Condition(i) => problem
                .conditions
                .get(*i)
                .map_or_else(Vec::new, |c| c.residuals.iter().map(|r| r.expression).collect()),
            Self::Residual { expression, .. } => vec![*expression],
            Self::HessianProjection => Vec::new(),
            Self::Values | Self::Gradient | Self::Hessian => {
                let columns = self.columns(problem);
                let compare = |(wanted, number)| {
                    let (field, index) = wanted;
                    let predicted = graph.symbol(Symbol::Jet { field, index });
                    let data = graph.symbol(Symbol::Column(number));
                    graph.sub(predicted, data)
                };
                self.data(problem).into_iter().zip(columns).map(compare).collect()
            }
        }
    }
}

/// All products of `order` first derivatives by physical coordinates, in all orders.
fn products(problem: &Problem, order: usize) -> Vec<MultiIndex> {
    let mut products = vec![Vec::new()];
    for _ in 0..order {
        products = products
            .iter()
            .flat_map(|p: &Vec<usize>| {
                problem.physical().map(move |i| [p.as_slice(), &[i]].concat())
            })
            .collect();
    }
    products.iter().filter_map(|p| MultiIndex::from_variables(p).ok()).collect()
}
