//! Expressions as text.

use std::fmt::Write;

use super::{Graph, Id, Node, Symbol};
use crate::function::Binary;

/// The text is cut off after so many bytes: written out, an expression can be exponentially long.
const LONGEST_TEXT: usize = 10_000;

/// How tightly an operator binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Comparison,
    Sum,
    Product,
    Power,
    Atom,
}

/// What is still to be written, the last first.
enum Piece {
    Text(String),
    /// An expression, in parentheses if it binds less tightly.
    Expression(Id, Binding),
}

impl Graph {
    /// The expression in the equation language, symbols as `name` says, e.g. `2*u + sin(x)^2`.
    ///
    /// Very long text ends in `…`.
    #[must_use]
    pub fn display(&self, expression: Id, name: &dyn Fn(Symbol) -> String) -> String {
        let mut text = String::new();
        let mut open = vec![Piece::Expression(expression, Binding::Comparison)];
        while let Some(piece) = open.pop() {
            if text.len() > LONGEST_TEXT {
                text.push('…');
                break;
            }
            match piece {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::Expression(id, at_least) => {
                    let (mut pieces, binding) = self.pieces(id, name);
                    if binding < at_least {
                        pieces.insert(0, Piece::Text("(".into()));
                        pieces.push(Piece::Text(")".into()));
                    }
                    open.extend(pieces.into_iter().rev());
                }
            }
        }
        text
    }

    /// The parts of one expression in reading order, and how tightly the whole binds.
    fn pieces(&self, id: Id, name: &dyn Fn(Symbol) -> String) -> (Vec<Piece>, Binding) {
        let word = |text: &str| Piece::Text(text.into());
        match *self.node(id) {
            Node::Constant(value) => {
                let binding = if value.get() < 0.0 { Binding::Sum } else { Binding::Atom };
                (vec![Piece::Text(value.get().to_string())], binding)
            }
            Node::Symbol(symbol) => (vec![Piece::Text(name(symbol))], Binding::Atom),
            Node::Sum { constant, ref terms } => {
                let mut pieces = Vec::new();
                for &(weight, term) in terms {
                    let mut text = sign(weight.get(), pieces.is_empty()).to_owned();
                    let size = weight.get().abs();
                    if size != 1.0 {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "{size}*");
                    }
                    pieces.extend([Piece::Text(text), Piece::Expression(term, Binding::Product)]);
                }
                let constant = constant.get();
                if constant != 0.0 {
                    pieces.push(Piece::Text(format!(
                        "{}{}",
                        sign(constant, false),
                        constant.abs()
                    )));
                }
                (pieces, Binding::Sum)
            }
            Node::Product(ref factors) => {
                let mut pieces = Vec::new();
                let above = factors.iter().filter(|(_, n)| *n > 0);
                let below = factors.iter().filter(|(_, n)| *n < 0);
                for &(factor, n) in above.chain(below) {
                    pieces.push(word(match (pieces.is_empty(), n > 0) {
                        (true, true) => "",
                        (true, false) => "1/",
                        (false, true) => "*",
                        (false, false) => "/",
                    }));
                    if n.abs() == 1 {
                        pieces.push(Piece::Expression(factor, Binding::Power));
                    } else {
                        pieces.push(Piece::Expression(factor, Binding::Atom));
                        pieces.push(Piece::Text(format!("^{}", n.abs())));
                    }
                }
                (pieces, Binding::Product)
            }
            Node::Call(function, a) => {
                let a = Piece::Expression(a, Binding::Comparison);
                (vec![Piece::Text(format!("{function}(")), a, word(")")], Binding::Atom)
            }
            Node::Binary(binary, a, b) => {
                let (open, between, close, inner, binding) = match binary {
                    Binary::Power => ("", "^", "", Binding::Atom, Binding::Power),
                    Binary::Min => ("min(", ", ", ")", Binding::Comparison, Binding::Atom),
                    Binary::Max => ("max(", ", ", ")", Binding::Comparison, Binding::Atom),
                    Binary::Less => ("", " < ", "", Binding::Sum, Binding::Comparison),
                    Binary::LessEqual => ("", " <= ", "", Binding::Sum, Binding::Comparison),
                };
                let (a, b) = (Piece::Expression(a, inner), Piece::Expression(b, inner));
                (vec![word(open), a, word(between), b, word(close)], binding)
            }
        }
    }
}

/// The sign of a term: `first` if nothing stands before it.
fn sign(value: f64, first: bool) -> &'static str {
    match (first, value < 0.0) {
        (true, false) => "",
        (true, true) => "-",
        (false, false) => " + ",
        (false, true) => " - ",
    }
}
