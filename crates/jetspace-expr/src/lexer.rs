//! Text to tokens with spans. A name is one token, with its subscript and its qualifier.

use crate::error::ExprError;
use crate::span::Span;
use crate::syntax::BinaryOperator;

/// The smallest piece of a text that means something.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// What a token is; a name is the text under its span.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum TokenKind {
    Number(f64),
    Name,
    /// An operator; `Subtract` is also the unary minus.
    Operator(BinaryOperator),
    Open,
    Close,
    Comma,
    Equals,
    /// Behind the last token: an empty span at the end of the text.
    End,
}

/// Whether the text is a letter followed by letters, digits and underscores.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && text.chars().all(is_word_character)
}

/// Whether the text is a name without qualifier: a word, perhaps with a subscript in braces.
pub(crate) fn is_unqualified_name(text: &str) -> bool {
    let mut lexer = Lexer { text, position: 0 };
    text.starts_with(char::is_alphabetic) && lexer.word().is_ok() && lexer.rest().is_empty()
}

fn is_word_character(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// All tokens of the text, `End` last.
pub(crate) fn tokenize(text: &str) -> Result<Vec<Token>, ExprError> {
    let mut lexer = Lexer { text, position: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token()?;
        tokens.push(token);
        if token.kind == TokenKind::End {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Result<Token, ExprError> {
        use BinaryOperator::{
            Add, Divide, Greater, GreaterEqual, Less, LessEqual, Multiply, Power, Subtract,
        };
        use TokenKind::{Close, Comma, End, Equals, Name, Open, Operator};

        self.skip(char::is_whitespace);
        let start = self.position;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token { kind: End, span: self.since(start) });
        };
        if first.is_ascii_digit() || self.decimal_point_starts_number() {
            return self.number();
        }
        if first.is_alphabetic() {
            self.name()?;
            return Ok(Token { kind: Name, span: self.since(start) });
        }
        self.position += first.len_utf8();
        let kind = match first {
            '+' => Operator(Add),
            '-' => Operator(Subtract),
            '*' if self.eat('*') => return Err(self.instead(start, "^", "a power is written")),
            '*' => Operator(Multiply),
            '/' => Operator(Divide),
            '^' => Operator(Power),
            '<' if self.eat('=') => Operator(LessEqual),
            '<' => Operator(Less),
            '>' if self.eat('=') => Operator(GreaterEqual),
            '>' => Operator(Greater),
            '=' if self.eat('=') => {
                return Err(self.instead(start, "=", "the two sides of an equation are joined by"));
            }
            '=' => Equals,
            '(' => Open,
            ')' => Close,
            ',' => Comma,
            _ => return Err(self.unexpected(start, first)),
        };
        Ok(Token { kind, span: self.since(start) })
    }

    /// `1`, `.5`, `1.`, `2.5e-3`. An `e` that no exponent follows is left alone: it is a name.
    fn number(&mut self) -> Result<Token, ExprError> {
        let start = self.position;
        self.skip(|c| c.is_ascii_digit());
        if self.eat('.') {
            self.skip(|c| c.is_ascii_digit());
        }
        let exponent = self.rest().strip_prefix(['e', 'E']).map(|r| {
            let digits = r.strip_prefix(['+', '-']).unwrap_or(r);
            (digits.starts_with(|c: char| c.is_ascii_digit()), self.rest().len() - digits.len())
        });
        if let Some((true, length)) = exponent {
            self.position += length;
            self.skip(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with('.') {
            self.skip(|c| c.is_ascii_digit() || c == '.');
            let span = self.since(start);
            return Err(ExprError::at(
                span,
                format!("expected a number, found `{}`", span.of(self.text)),
                "not a number",
                "a number has at most one decimal point, and none in its exponent",
            ));
        }
        let span = self.since(start);
        match span.of(self.text).parse() {
            Ok(value) if f64::is_finite(value) => {
                Ok(Token { kind: TokenKind::Number(value), span })
            }
            _ => Err(ExprError::at(
                span,
                format!("expected a number up to 1.8e308, found `{}`", span.of(self.text)),
                "too large",
                "scale the problem so that its numbers are near 1",
            )),
        }
    }

    /// `u`, `u_xx`, `u_{theta,x}`, `data.u_x`.
    fn name(&mut self) -> Result<(), ExprError> {
        let start = self.position;
        self.word()?;
        if self.eat('.') {
            if !self.rest().starts_with(char::is_alphabetic) {
                let span = self.since(start);
                return Err(ExprError::at(
                    span,
                    format!("expected a name after `{}`", span.of(self.text)),
                    "no name after this",
                    "write for example `data.u` or `teacher.u_x`",
                ));
            }
            self.word()?;
            if self.eat('.') {
                self.skip(|c| is_word_character(c) || c == '.');
                let span = self.since(start);
                return Err(ExprError::at(
                    span,
                    format!("expected a name with one qualifier, found `{}`", span.of(self.text)),
                    "more than one `.`",
                    "write for example `data.u` or `teacher.u_x`",
                ));
            }
        }
        Ok(())
    }

    /// Letters, digits and underscores; `_{…}` ends it.
    fn word(&mut self) -> Result<(), ExprError> {
        let start = self.position;
        self.skip(is_word_character);
        if !(self.since(start).of(self.text).ends_with('_') && self.rest().starts_with('{')) {
            return Ok(());
        }
        let open = self.position;
        self.skip(|c| c != '}');
        let list = self.text.get(open + 1..self.position).unwrap_or_default();
        if self.eat('}') && list.split(',').all(|name| is_word(name.trim())) {
            return Ok(());
        }
        Err(ExprError::at(
            self.since(open),
            "expected a list of coordinates in braces",
            "not a list of names",
            "write for example `u_{theta,x}`",
        ))
    }

    fn decimal_point_starts_number(&self) -> bool {
        self.rest().strip_prefix('.').is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> Span {
        Span { start, end: self.position }
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        self.position = self.text.len() - self.rest().trim_start_matches(belongs).len();
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.position += expected.len_utf8();
        }
        found
    }

    fn instead(&self, start: usize, operator: &str, what: &str) -> ExprError {
        let span = self.since(start);
        ExprError::at(
            span,
            format!("{what} `{operator}`, found `{}`", span.of(self.text)),
            "not an operator",
            format!("write `{operator}`"),
        )
    }

    fn unexpected(&self, start: usize, found: char) -> ExprError {
        let help = match found {
            '−' | '–' => "write `-`",
            '×' | '·' | '⋅' | '∗' => "write `*`",
            '÷' => "write `/`",
            '≤' => "write `<=`",
            '≥' => "write `>=`",
            '²' => "write `^2`",
            '³' => "write `^3`",
            '√' => "write `sqrt(…)`",
            '∂' => "write a derivative as `u_x` or `d(u, x)`",
            '∇' | '∆' => "write `laplacian(…)`, or derivatives as `u_x` or `d(u, x)`",
            '_' => "names begin with a letter",
            '{' | '}' => "write parentheses; braces stand only in subscripts such as `u_{theta,x}`",
            '[' | ']' => "write parentheses",
            _ => "an expression consists of numbers, names, parentheses and + - * / ^ < <= > >=",
        };
        ExprError::at(
            self.since(start),
            format!("expected an expression, found the character `{}`", found.escape_debug()),
            "not part of the language",
            help,
        )
    }
}
