//! Trees to expressions of a graph: one loop over the nodes, operands first.

use std::collections::BTreeMap;
use std::mem::take;

use jetspace_jet::MAX_ORDER;

use super::resolve::{Reading, order_too_high};
use super::suggest::nearest;
use super::{CoordinateKind, Scope};
use crate::derivative::DerivativeError;
use crate::error::ExprError;
use crate::function::Function;
use crate::graph::{Graph, Id, Symbol};
use crate::span::Span;
use crate::syntax::{BinaryOperator, Equation, Expression, Node};

/// What stands before the parentheses of a call.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Callable {
    Elementary(Function),
    Min,
    Max,
    Derivative,
    Laplacian,
}

impl Callable {
    fn all() -> impl Iterator<Item = Self> {
        let elementary = Function::ALL.into_iter().map(Self::Elementary);
        elementary.chain([Self::Min, Self::Max, Self::Derivative, Self::Laplacian])
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|callable| callable.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Elementary(function) => function.name(),
            Self::Min => "min",
            Self::Max => "max",
            Self::Derivative => "d",
            Self::Laplacian => "laplacian",
        }
    }

    /// How many arguments it takes, in words, and an example.
    fn usage(self) -> (&'static str, String) {
        let name = self.name();
        match self {
            Self::Elementary(_) => ("1 argument", format!("{name}(a)")),
            Self::Min | Self::Max => ("2 or more arguments", format!("{name}(a, b)")),
            Self::Derivative => ("an expression and 1 or more coordinates", "d(u^2, x)".to_owned()),
            Self::Laplacian => ("1 argument", "laplacian(u)".to_owned()),
        }
    }
}

impl Scope {
    /// Gives the names of an expression their meaning, and adds it to the graph.
    ///
    /// # Errors
    /// Names or functions that are unknown, a wrong number of arguments, derivatives that do not
    /// exist; the error says where and why.
    pub fn lower(&self, expression: &Expression, graph: &mut Graph) -> Result<Id, ExprError> {
        Lowering { scope: self, graph, expression, names: BTreeMap::new(), values: Vec::new() }
            .run()
    }

    /// Lowers both sides of an equation, and subtracts: left − right.
    ///
    /// # Errors
    /// Those of [`lower`](Self::lower).
    pub fn lower_equation(&self, equation: &Equation, graph: &mut Graph) -> Result<Id, ExprError> {
        let left = self.lower(&equation.left, graph)?;
        let right = self.lower(&equation.right, graph)?;
        Ok(graph.sub(left, right))
    }
}

/// Operators that become one operation however many follow each other: a − b + c, a·b/c.
#[derive(Clone, Copy, PartialEq)]
enum Chain {
    Sum,
    Product,
}

impl Chain {
    fn of(node: &Node) -> Option<Self> {
        match node {
            Node::Negate(_) => Some(Self::Sum),
            Node::Binary { operator, .. } => match operator {
                BinaryOperator::Add | BinaryOperator::Subtract => Some(Self::Sum),
                BinaryOperator::Multiply | BinaryOperator::Divide => Some(Self::Product),
                _ => None,
            },
            _ => None,
        }
    }
}

/// An operand of a chain.
#[derive(Clone, Copy)]
struct Member {
    value: Id,
    inverse: bool,
}

/// That a node is an operand somewhere in a chain.
#[derive(Clone, Copy)]
struct Membership {
    /// The outermost operator of the chain.
    root: usize,
    /// Whether the chain subtracts the node, or divides by it.
    inverse: bool,
}

/// For each node its chain, if it is in one. An operator of the same kind continues the chain.
///
/// Chains are found from their roots, so that each operand is added once, however a long sum is
/// bracketed: merging partial sums would take quadratic time.
fn memberships(nodes: &[Node]) -> Vec<Option<Membership>> {
    let mut memberships = vec![None; nodes.len()];
    for (i, node) in nodes.iter().enumerate().rev() {
        if Chain::of(node).is_none() {
            continue;
        }
        let Membership { root, inverse } =
            continued(nodes, &memberships, i).unwrap_or(Membership { root: i, inverse: false });
        let member = |inverts: bool| Some(Membership { root, inverse: inverse ^ inverts });
        match *node {
            Node::Negate(operand) => memberships[operand] = member(true),
            Node::Binary { operator, left, right } => {
                let inverts = matches!(operator, BinaryOperator::Subtract | BinaryOperator::Divide);
                memberships[left] = member(false);
                memberships[right] = member(inverts);
            }
            _ => {}
        }
    }
    memberships
}

/// The chain that the node continues as an operator within it.
fn continued(
    nodes: &[Node],
    memberships: &[Option<Membership>],
    node: usize,
) -> Option<Membership> {
    memberships[node].filter(|chain| Chain::of(&nodes[chain.root]) == Chain::of(&nodes[node]))
}

/// One expression on its way into the graph.
struct Lowering<'a> {
    scope: &'a Scope,
    graph: &'a mut Graph,
    expression: &'a Expression,
    /// The names met so far: derivatives of functions are taken once.
    names: BTreeMap<&'a str, Id>,
    /// The value of each node so far; 0, which nobody reads, for operators within a chain.
    values: Vec<Id>,
}

impl<'a> Lowering<'a> {
    fn run(mut self) -> Result<Id, ExprError> {
        let nodes = self.expression.nodes();
        let memberships = memberships(nodes);
        let mut members: Vec<Vec<Member>> = vec![Vec::new(); nodes.len()];
        let zero = self.graph.constant(0.0);
        let mut value = zero;
        for (i, node) in nodes.iter().enumerate() {
            if continued(nodes, &memberships, i).is_some() {
                self.values.push(zero);
                continue;
            }
            value = self.value(node, self.expression.spans()[i], &take(&mut members[i]))?;
            self.values.push(value);
            if let Some(Membership { root, inverse }) = memberships[i] {
                members[root].push(Member { value, inverse });
            }
        }
        Ok(value)
    }

    /// The value of a node, which has members if it is the root of a chain.
    fn value(&mut self, node: &'a Node, span: Span, members: &[Member]) -> Result<Id, ExprError> {
        use BinaryOperator::{
            Add, Divide, Greater, GreaterEqual, Less, LessEqual, Multiply, Power, Subtract,
        };

        match node {
            Node::Number(value) => Ok(self.graph.constant(*value)),
            Node::Name(name) => self.name(name, span),
            Node::Call { name, arguments } => self.call(name, arguments, span),
            Node::Negate(_) => Ok(self.sum(members)),
            Node::Binary { operator, left, right } => {
                let (a, b) = (self.values[*left], self.values[*right]);
                Ok(match operator {
                    Add | Subtract => self.sum(members),
                    Multiply | Divide => self.product(members),
                    Power => self.graph.pow(a, b),
                    Less => self.graph.less(a, b),
                    LessEqual => self.graph.less_equal(a, b),
                    Greater => self.graph.less(b, a),
                    GreaterEqual => self.graph.less_equal(b, a),
                })
            }
        }
    }

    fn sum(&mut self, members: &[Member]) -> Id {
        let sign = |member: &Member| if member.inverse { -1.0 } else { 1.0 };
        let terms: Vec<_> = members.iter().map(|m| (sign(m), m.value)).collect();
        self.graph.sum(&terms)
    }

    fn product(&mut self, members: &[Member]) -> Id {
        let exponent = |member: &Member| if member.inverse { -1 } else { 1 };
        let factors: Vec<_> = members.iter().map(|m| (m.value, exponent(m))).collect();
        self.graph.powers(&factors)
    }

    fn name(&mut self, name: &'a str, span: Span) -> Result<Id, ExprError> {
        if let Some(&id) = self.names.get(name) {
            return Ok(id);
        }
        let id = match self.scope.resolve(name, span)? {
            Reading::Constant(value) => self.graph.constant(value),
            Reading::Symbol(symbol) => self.graph.symbol(symbol),
            Reading::Function(id, by) => self.derivative(id, &by, span)?,
        };
        self.names.insert(name, id);
        Ok(id)
    }

    fn call(&mut self, name: &str, arguments: &[usize], span: Span) -> Result<Id, ExprError> {
        let Some(callable) = Callable::from_name(name) else {
            return Err(self.scope.not_callable(name, span));
        };
        let values = arguments.iter().map(|&argument| self.values[argument]);
        match (callable, arguments) {
            (Callable::Elementary(function), [a]) => Ok(self.graph.call(function, self.values[*a])),
            (Callable::Min, [a, _, ..]) => {
                Ok(values.fold(self.values[*a], |least, b| self.graph.min(least, b)))
            }
            (Callable::Max, [a, _, ..]) => {
                Ok(values.fold(self.values[*a], |most, b| self.graph.max(most, b)))
            }
            (Callable::Derivative, [of, by @ ..]) if !by.is_empty() => {
                let by: Result<Vec<usize>, _> =
                    by.iter().map(|&node| self.coordinate(node)).collect();
                self.derivative(self.values[*of], &by?, self.expression.spans()[*of])
            }
            (Callable::Laplacian, [of]) => self.laplacian(*of, span),
            _ => {
                let (expected, example) = callable.usage();
                Err(ExprError::at(
                    span,
                    format!("expected {expected} of `{name}`, found {}", arguments.len()),
                    "wrong number of arguments",
                    format!("write for example `{example}`"),
                ))
            }
        }
    }

    /// The coordinate that an argument of `d` names.
    fn coordinate(&self, argument: usize) -> Result<usize, ExprError> {
        let index = match &self.expression.nodes()[argument] {
            Node::Name(name) => self.scope.coordinate_index(name),
            _ => None,
        };
        index.ok_or_else(|| {
            ExprError::at(
                self.expression.spans()[argument],
                "expected a coordinate to differentiate by",
                "not a coordinate",
                self.scope.list_coordinates(),
            )
        })
    }

    /// Σ ∂²/∂x² over the coordinates x of space.
    fn laplacian(&mut self, of: usize, span: Span) -> Result<Id, ExprError> {
        let mut terms = Vec::new();
        for (i, (_, kind)) in self.scope.coordinates.iter().enumerate() {
            if *kind == CoordinateKind::Space {
                let operand_span = self.expression.spans()[of];
                terms.push((1.0, self.derivative(self.values[of], &[i, i], operand_span)?));
            }
        }
        if terms.is_empty() {
            return Err(ExprError::at(
                span,
                "expected a coordinate of space for `laplacian`, found none",
                "no coordinate of space",
                "declare one, or write the derivatives out",
            ));
        }
        Ok(self.graph.sum(&terms))
    }

    /// The total derivative by each of these coordinates of what stands at the span.
    fn derivative(&mut self, of: Id, by: &[usize], span: Span) -> Result<Id, ExprError> {
        by.iter().try_fold(of, |of, &coordinate| {
            let derivative = self.graph.derivative(of, coordinate);
            derivative.map_err(|error| self.scope.not_differentiable(&error, span))
        })
    }
}

impl Scope {
    fn not_differentiable(&self, error: &DerivativeError, span: Span) -> ExprError {
        match error {
            DerivativeError::OnlyValue { symbol } => {
                let name = self.symbol_name(*symbol);
                let help = match symbol {
                    Symbol::Teacher { .. } | Symbol::Other { .. } => {
                        "take it out of the derivative, or write its derivative by a subscript"
                    }
                    _ => "take it out of the derivative, or give its derivative as a column",
                };
                ExprError::at(
                    span,
                    format!(
                        "expected coordinates, fields and parameters in a derivative, found `{name}`"
                    ),
                    format!("depends on `{name}`"),
                    help,
                )
            }
            DerivativeError::BeyondJets { .. } => order_too_high(MAX_ORDER + 1, span),
            DerivativeError::TooLong { found } => ExprError::at(
                span,
                format!("expected less to differentiate, found {found} operations so far"),
                "grows too large",
                "nest fewer derivatives, or make a part of it a field of its own",
            ),
        }
    }

    /// Why there is no call of this name.
    fn not_callable(&self, name: &str, call: Span) -> ExprError {
        // A call begins with its name.
        let span = Span { start: call.start, end: call.start + name.len() };
        if self.resolve(name, span).is_ok() {
            return ExprError::at(
                span,
                format!("expected a function before the parentheses, found `{name}`"),
                "takes no arguments",
                format!("write `{name}` alone, or `{name}*(…)` for a product"),
            );
        }
        let names = || Callable::all().map(Callable::name);
        let help = nearest(name, names()).map_or_else(
            || format!("the functions are {}", names().collect::<Vec<_>>().join(", ")),
            |function| format!("did you mean `{function}`?"),
        );
        let message = format!("expected a known function, found `{name}`");
        ExprError::at(span, message, "unknown function", help)
    }
}
