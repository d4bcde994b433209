//! Expressions and equations as written: trees with source spans, and their printing.
//!
//! A tree is an arena in which operands stand before what uses them. So every pass over a tree is a
//! loop, and neither passes nor drops can overflow the stack, however deep the nesting.

use std::fmt;

use crate::span::Span;

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Each is its symbol.
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// The unary minus binds tighter than products, looser than powers: −x² = −(x²).
pub(crate) const NEGATION_PRECEDENCE: u8 = 3;
/// Numbers, names and calls need parentheses nowhere.
const OPERAND_PRECEDENCE: u8 = 5;

impl BinaryOperator {
    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    /// How tightly it binds; operands of a looser operator need parentheses.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual => 0,
            Self::Add | Self::Subtract => 1,
            Self::Multiply | Self::Divide => 2,
            Self::Power => 4,
        }
    }

    /// Whether the value is 1 or 0.
    pub(crate) fn is_comparison(self) -> bool {
        self.precedence() == Self::Less.precedence()
    }

    /// Whether a ∘ b ∘ c is (a ∘ b) ∘ c.
    pub(crate) fn is_left_associative(self) -> bool {
        matches!(self, Self::Add | Self::Subtract | Self::Multiply | Self::Divide)
    }
}

/// A node of an [`Expression`]; operands are given by their index among its nodes, which is smaller
/// than the node's own.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// A number, never negative: a minus before it is a [`Node::Negate`].
    Number(f64),
    /// A name as it is written, e.g. `u`, `u_xx`, `u_{theta,x}`, `data.u_x`.
    Name(String),
    /// −a.
    Negate(usize),
    /// a ∘ b.
    Binary {
        /// ∘.
        operator: BinaryOperator,
        /// a.
        left: usize,
        /// b.
        right: usize,
    },
    /// f(a, b, …).
    Call {
        /// f.
        name: String,
        /// a, b, …
        arguments: Vec<usize>,
    },
}

impl Node {
    fn precedence(&self) -> u8 {
        match self {
            Self::Binary { operator, .. } => operator.precedence(),
            Self::Negate(_) => NEGATION_PRECEDENCE,
            Self::Number(_) | Self::Name(_) | Self::Call { .. } => OPERAND_PRECEDENCE,
        }
    }
}

/// An expression as written, before its names have a meaning: what [`parse_expression`] makes.
///
/// Two expressions are equal if their trees are, wherever they stand in their texts. Printed with as
/// few parentheses as possible, an expression parses to itself:
///
/// ```
/// use jetspace_expr::parse_expression;
/// let expression = parse_expression("((a - (b)) - c)*(2^(-x))")?;
/// assert_eq!(expression.to_string(), "(a - b - c)*2^-x");
/// assert_eq!(parse_expression(&expression.to_string())?, expression);
/// # Ok::<(), jetspace_expr::ExprError>(())
/// ```
///
/// [`parse_expression`]: crate::parse_expression
#[derive(Clone, Debug)]
pub struct Expression {
    nodes: Vec<Node>,
    spans: Vec<Span>,
}

impl Expression {
    /// An expression to add nodes to.
    pub(crate) fn empty() -> Self {
        Self { nodes: Vec::new(), spans: Vec::new() }
    }

    /// The nodes, operands before what uses them, the root last. Each node but the root is an
    /// operand exactly once, and operands are in the order of the text.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where in the text the node stands, without parentheses around it.
    #[must_use]
    pub fn span(&self, node: usize) -> Option<Span> {
        self.spans.get(node).copied()
    }

    /// Where in the text each node stands.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Adds a node whose operands are there; returns its index.
    pub(crate) fn push(&mut self, node: Node, span: Span) -> usize {
        self.nodes.push(node);
        self.spans.push(span);
        self.nodes.len() - 1
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }
}

/// What printing has yet to write, the next piece last.
enum Piece {
    Text(&'static str),
    /// A node, in parentheses if it binds looser than this.
    Node {
        node: usize,
        at_least: u8,
    },
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces: Vec<Piece> = Vec::new();
        if let Some(root) = self.nodes.len().checked_sub(1) {
            pieces.push(Piece::Node { node: root, at_least: 0 });
        }
        while let Some(piece) = pieces.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Node { node, at_least } => {
                    let Some(node) = self.nodes.get(node) else { continue };
                    if node.precedence() < at_least {
                        f.write_str("(")?;
                        pieces.push(Piece::Text(")"));
                    }
                    write_node(node, f, &mut pieces)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes the beginning of the node, and leaves the rest in `pieces`.
fn write_node(node: &Node, f: &mut fmt::Formatter<'_>, pieces: &mut Vec<Piece>) -> fmt::Result {
    match node {
        Node::Number(value) => write_number(*value, f),
        Node::Name(name) => f.write_str(name),
        Node::Negate(operand) => {
            pieces.push(Piece::Node { node: *operand, at_least: NEGATION_PRECEDENCE });
            f.write_str("-")
        }
        Node::Binary { operator, left, right } => {
            let precedence = operator.precedence();
            let (at_least_left, at_least_right) = match operator {
                BinaryOperator::Power => (precedence + 1, NEGATION_PRECEDENCE),
                _ if operator.is_left_associative() => (precedence, precedence + 1),
                _ => (precedence + 1, precedence + 1),
            };
            pieces.push(Piece::Node { node: *right, at_least: at_least_right });
            let spaced = precedence <= BinaryOperator::Add.precedence();
            let space = Piece::Text(if spaced { " " } else { "" });
            pieces.extend([space, Piece::Text(operator.symbol())]);
            pieces.push(Piece::Text(if spaced { " " } else { "" }));
            pieces.push(Piece::Node { node: *left, at_least: at_least_left });
            Ok(())
        }
        Node::Call { name, arguments } => {
            pieces.push(Piece::Text(")"));
            for (i, &argument) in arguments.iter().enumerate().rev() {
                pieces.push(Piece::Node { node: argument, at_least: 0 });
                if i > 0 {
                    pieces.push(Piece::Text(", "));
                }
            }
            write!(f, "{name}(")
        }
    }
}

/// The fewest digits that read back as the same number, with an exponent where that is shorter to
/// read.
fn write_number(value: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if value == 0.0 || (1e-4..1e16).contains(&value) {
        write!(f, "{value}")
    } else {
        write!(f, "{value:e}")
    }
}

/// An equation as written, left = right: what [`parse_equation`](crate::parse_equation) makes.
#[derive(Clone, PartialEq, Debug)]
pub struct Equation {
    /// The expression before the `=`.
    pub left: Expression,
    /// The expression after the `=`.
    pub right: Expression,
}

impl fmt::Display for Equation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.left, self.right)
    }
}
