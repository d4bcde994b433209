//! Tokens to trees, by operator precedence with stacks of its own: nothing recurses, so nesting may
//! be as deep as the text is long.
//!
//! From loosest to tightest: comparisons (which do not chain), sums, products, unary minus, powers
//! (from the right, and `2^-x` needs no parentheses).

use std::mem::{replace, take};

use crate::error::ExprError;
use crate::lexer::{Token, TokenKind, tokenize};
use crate::span::Span;
use crate::syntax::{BinaryOperator, Equation, Expression, NEGATION_PRECEDENCE, Node};

/// Parses an expression such as `u_t + u*u_x - nu*u_xx`.
///
/// # Errors
/// A text that is not one expression; the error says where and why.
///
/// ```
/// let expression = jetspace_expr::parse_expression("-(x^(2)) + (a*b)")?;
/// assert_eq!(expression.to_string(), "-x^2 + a*b");
/// # Ok::<(), jetspace_expr::ExprError>(())
/// ```
pub fn parse_expression(text: &str) -> Result<Expression, ExprError> {
    let tokens = tokenize(text)?;
    let mut parser = Parser::new(text, &tokens);
    let (expression, terminator) = parser.side()?;
    match terminator.kind {
        TokenKind::Equals => Err(ExprError::at(
            terminator.span,
            "expected an expression, found an equation",
            "an expression has no `=`",
            "leave out the `=`, or give an equation where one is expected",
        )),
        _ => Ok(expression),
    }
}

/// Parses an equation such as `u_t + u*u_x = nu*u_xx`. Spans are offsets into the whole text.
///
/// # Errors
/// A text that is not two expressions with one `=` between them; the error says where and why.
///
/// ```
/// let equation = jetspace_expr::parse_equation("u_t = nu*u_xx")?;
/// assert_eq!(equation.left.to_string(), "u_t");
/// assert_eq!(equation.right.to_string(), "nu*u_xx");
/// # Ok::<(), jetspace_expr::ExprError>(())
/// ```
pub fn parse_equation(text: &str) -> Result<Equation, ExprError> {
    let tokens = tokenize(text)?;
    let mut parser = Parser::new(text, &tokens);
    let (left, terminator) = parser.side()?;
    if terminator.kind != TokenKind::Equals {
        return Err(ExprError::at(
            terminator.span,
            "expected an equation, found an expression without `=`",
            "no `=` before the end",
            "write `left = right`, for example `… = 0`",
        ));
    }
    let (right, terminator) = parser.side()?;
    match terminator.kind {
        TokenKind::Equals => Err(ExprError::at(
            terminator.span,
            "expected an equation with one `=`, found a second",
            "second `=`",
            "write one equation for each `=`",
        )),
        _ => Ok(Equation { left, right }),
    }
}

/// An operand that is complete, and the part of the text that it takes, parentheses included.
#[derive(Clone, Copy)]
struct Operand {
    node: usize,
    span: Span,
}

/// An operator whose right operand is yet to come.
#[derive(Clone, Copy)]
enum Waiting {
    Negate { minus: Span },
    Binary { operator: BinaryOperator, left: Operand },
}

/// A parenthesis that is open.
enum Bracket {
    Group { open: Span },
    Call { name: Span, open: Span, arguments: Vec<usize> },
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    position: usize,
    expression: Expression,
    /// Operators since the innermost open parenthesis.
    waiting: Vec<Waiting>,
    /// Open parentheses, each with the operators that wait outside of it.
    brackets: Vec<(Bracket, Vec<Waiting>)>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            text,
            tokens,
            position: 0,
            expression: Expression::empty(),
            waiting: Vec::new(),
            brackets: Vec::new(),
        }
    }

    /// An expression up to an `=` outside of parentheses or the end of the text, and that token.
    fn side(&mut self) -> Result<(Expression, Token), ExprError> {
        'operand: loop {
            let Some(mut operand) = self.operand()? else { continue };
            loop {
                let token = self.next();
                match token.kind {
                    TokenKind::Operator(operator) => {
                        let left = self.reduce(operand, operator.precedence());
                        self.refuse_chain(operator, token.span)?;
                        self.waiting.push(Waiting::Binary { operator, left });
                        continue 'operand;
                    }
                    TokenKind::Comma => {
                        let argument = self.reduce_all(operand);
                        self.next_argument(argument, token.span)?;
                        continue 'operand;
                    }
                    TokenKind::Close => {
                        let inner = self.reduce_all(operand);
                        operand = self.close(inner, token.span)?;
                    }
                    TokenKind::Equals | TokenKind::End => {
                        self.reduce_all(operand);
                        self.refuse_open(token)?;
                        return Ok((replace(&mut self.expression, Expression::empty()), token));
                    }
                    TokenKind::Number(_) | TokenKind::Name | TokenKind::Open => {
                        return Err(self.missing_operator(token));
                    }
                }
            }
        }
    }

    /// Takes one token where an operand is expected: the operand, or `None` where it only begins.
    fn operand(&mut self) -> Result<Option<Operand>, ExprError> {
        let token = self.next();
        let span = token.span;
        match token.kind {
            TokenKind::Number(value) => Ok(Some(self.push(Node::Number(value), span))),
            TokenKind::Name if self.peek().kind == TokenKind::Open => {
                let open = self.next().span;
                if self.peek().kind == TokenKind::Close {
                    let close = self.next().span;
                    return Ok(Some(self.push_call(span, Vec::new(), close)));
                }
                self.enter(Bracket::Call { name: span, open, arguments: Vec::new() });
                Ok(None)
            }
            TokenKind::Name => Ok(Some(self.push(Node::Name(span.of(self.text).to_owned()), span))),
            TokenKind::Operator(BinaryOperator::Subtract) => {
                self.waiting.push(Waiting::Negate { minus: span });
                Ok(None)
            }
            TokenKind::Open => {
                self.enter(Bracket::Group { open: span });
                Ok(None)
            }
            _ => Err(self.missing_operand(token)),
        }
    }

    fn push(&mut self, node: Node, span: Span) -> Operand {
        Operand { node: self.expression.push(node, span), span }
    }

    fn push_call(&mut self, name: Span, arguments: Vec<usize>, close: Span) -> Operand {
        let node = Node::Call { name: name.of(self.text).to_owned(), arguments };
        self.push(node, name.to(close))
    }

    fn enter(&mut self, bracket: Bracket) {
        self.brackets.push((bracket, take(&mut self.waiting)));
    }

    /// Gives the operand to the operators before it that bind tighter than one of this precedence,
    /// or as tightly and from the left.
    fn reduce(&mut self, mut operand: Operand, precedence: u8) -> Operand {
        while let Some(waiting) = self.waiting.pop_if(|waiting| match waiting {
            Waiting::Negate { .. } => NEGATION_PRECEDENCE > precedence,
            Waiting::Binary { operator, .. } => {
                operator.precedence() > precedence
                    || (operator.precedence() == precedence && operator.is_left_associative())
            }
        }) {
            operand = self.apply(waiting, operand);
        }
        operand
    }

    fn reduce_all(&mut self, mut operand: Operand) -> Operand {
        while let Some(waiting) = self.waiting.pop() {
            operand = self.apply(waiting, operand);
        }
        operand
    }

    fn apply(&mut self, waiting: Waiting, right: Operand) -> Operand {
        match waiting {
            Waiting::Negate { minus } => self.push(Node::Negate(right.node), minus.to(right.span)),
            Waiting::Binary { operator, left } => self.push(
                Node::Binary { operator, left: left.node, right: right.node },
                left.span.to(right.span),
            ),
        }
    }

    fn close(&mut self, inner: Operand, close: Span) -> Result<Operand, ExprError> {
        let Some((bracket, waiting)) = self.brackets.pop() else {
            return Err(ExprError::at(
                close,
                "expected an operator or the end, found `)`",
                "closes nothing",
                "leave it out, or add the missing `(`",
            ));
        };
        self.waiting = waiting;
        Ok(match bracket {
            Bracket::Group { open } => Operand { node: inner.node, span: open.to(close) },
            Bracket::Call { name, mut arguments, .. } => {
                arguments.push(inner.node);
                self.push_call(name, arguments, close)
            }
        })
    }

    fn next_argument(&mut self, argument: Operand, comma: Span) -> Result<(), ExprError> {
        if let Some((Bracket::Call { arguments, .. }, _)) = self.brackets.last_mut() {
            arguments.push(argument.node);
            return Ok(());
        }
        Err(ExprError::at(
            comma,
            "expected an operator, found `,`",
            "not between arguments",
            "commas separate the arguments of a call, as in `max(a, b)`; decimals have a point",
        ))
    }

    fn refuse_chain(&self, operator: BinaryOperator, span: Span) -> Result<(), ExprError> {
        match self.waiting.last() {
            Some(Waiting::Binary { operator: before, .. })
                if before.is_comparison() && operator.is_comparison() =>
            {
                Err(ExprError::at(
                    span,
                    "expected one comparison, found a second in a chain",
                    "second comparison",
                    "multiply comparisons, as in `(a < b)*(b < c)`",
                ))
            }
            _ => Ok(()),
        }
    }

    fn refuse_open(&self, terminator: Token) -> Result<(), ExprError> {
        let Some((Bracket::Group { open } | Bracket::Call { open, .. }, _)) = self.brackets.last()
        else {
            return Ok(());
        };
        Err(match terminator.kind {
            TokenKind::Equals => ExprError::at(
                terminator.span,
                "expected `)`, found `=`",
                "inside parentheses",
                "close the parentheses before the `=`; values are compared by < <= > >=",
            ),
            _ => ExprError::at(
                *open,
                "expected `)`, found the end",
                "never closed",
                "add the missing `)`",
            ),
        })
    }

    fn missing_operand(&self, found: Token) -> ExprError {
        let after = match self.before() {
            "" => String::new(),
            before => format!(" after `{before}`"),
        };
        let (what, label, help) = match found.kind {
            TokenKind::End => (
                "the end".to_owned(),
                "the text ends here",
                "complete the expression with a number or a name",
            ),
            TokenKind::Operator(BinaryOperator::Add) => {
                ("`+`".to_owned(), "no operand before this", "leave out the `+`")
            }
            _ => (
                format!("`{}`", found.span.of(self.text)),
                "no operand before this",
                "add a number or a name before it",
            ),
        };
        ExprError::at(
            found.span,
            format!("expected a number or a name{after}, found {what}"),
            label,
            help,
        )
    }

    fn missing_operator(&self, found: Token) -> ExprError {
        let (before, found_text) = (self.before(), found.span.of(self.text));
        let product = format!("`{before}*{found_text}`");
        // A name before another operand may have been meant as a function: `sin x`.
        let help = if before.starts_with(char::is_alphabetic) {
            format!("write {product} for a product, or `{before}({found_text})` for a call")
        } else {
            format!("write {product}")
        };
        ExprError::at(
            found.span,
            format!("expected an operator between `{before}` and `{found_text}`"),
            "no operator before this",
            help,
        )
    }

    /// The text of the token before the last one taken; empty if there is none.
    fn before(&self) -> &'a str {
        let index = self.position.checked_sub(2);
        index.and_then(|i| self.tokens.get(i)).map_or("", |token| token.span.of(self.text))
    }

    fn peek(&self) -> Token {
        let end = self.text.len();
        let end = Token { kind: TokenKind::End, span: Span { start: end, end } };
        self.tokens.get(self.position).copied().unwrap_or(end)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.position += 1;
        token
    }
}
