//! An oracle that shares nothing with the graph: random expressions as plain trees, evaluated
//! naively for any number type, dual numbers among them.

#![allow(dead_code)] // Each test file uses its part.

use jetspace_expr::{Function, Graph, Id, Symbol};
use num_dual::{Dual, DualNum};
use proptest::prelude::*;

/// A number that trees can be evaluated for.
pub trait Number: DualNum<Primitive = f64> + Copy + From<f64> {
    /// Every coefficient times what `wobble` gives.
    fn perturbed(self, wobble: &mut dyn FnMut() -> f64) -> Self;
}

impl Number for f64 {
    fn perturbed(self, wobble: &mut dyn FnMut() -> f64) -> Self {
        self * wobble()
    }
}

impl<D: Number> Number for Dual<D>
where
    Self: DualNum<Primitive = f64> + From<f64>,
{
    fn perturbed(self, wobble: &mut dyn FnMut() -> f64) -> Self {
        Self::new(self.re.perturbed(wobble), self.eps.perturbed(wobble))
    }
}

/// f(x + ε₁v₁ + ε₂v₂ + ε₃v₃) up to the coefficient of ε₁ε₂ε₃.
pub type Nested = Dual<Dual<Dual<f64>>>;

/// Coordinate number `n`, with a 1 in the infinitesimal of every level that differentiates by it.
pub fn coordinate(n: usize, x: f64, by: &[usize]) -> Nested {
    let seed = |level: usize| f64::from(u8::from(by.get(level) == Some(&n)));
    let mut number = Nested::from(x);
    number.eps.re.re = seed(0);
    number.re.eps.re = seed(1);
    number.re.re.eps = seed(2);
    number
}

/// The derivative of that order by the levels' coordinates.
pub fn coefficient(number: Nested, order: usize) -> f64 {
    let a = if order >= 1 { number.eps } else { number.re };
    let b = if order >= 2 { a.eps } else { a.re };
    if order >= 3 { b.eps } else { b.re }
}

#[derive(Clone, Debug)]
pub enum Tree {
    Constant(f64),
    /// One of [`symbols`].
    Symbol(usize),
    Add(Box<Tree>, Box<Tree>),
    Subtract(Box<Tree>, Box<Tree>),
    Multiply(Box<Tree>, Box<Tree>),
    Divide(Box<Tree>, Box<Tree>),
    IntegerPower(Box<Tree>, i32),
    Power(Box<Tree>, Box<Tree>),
    Call(Function, Box<Tree>),
    Min(Box<Tree>, Box<Tree>),
    Max(Box<Tree>, Box<Tree>),
    Less(Box<Tree>, Box<Tree>),
    LessEqual(Box<Tree>, Box<Tree>),
}

/// The symbols of trees: two coordinates, and others of different kinds.
pub fn symbols() -> [Symbol; 4] {
    [Symbol::Coordinate(0), Symbol::Coordinate(1), Symbol::Parameter(0), Symbol::Parameter(1)]
}

/// Trees of up to about `size` nodes.
pub fn trees(size: u32) -> impl Strategy<Value = Tree> {
    let constants = prop::sample::select(vec![0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 0.3]);
    let leaf = prop_oneof![
        1 => constants.prop_map(Tree::Constant),
        3 => (0..symbols().len()).prop_map(Tree::Symbol),
    ];
    leaf.prop_recursive(6, size, 2, |inner| {
        let pair = (inner.clone().prop_map(Box::new), inner.prop_map(Box::new));
        let function = prop::sample::select(Function::ALL.to_vec());
        (pair, 0..20, -3..=4, function).prop_map(|((a, b), kind, n, function)| match kind {
            0..3 => Tree::Add(a, b),
            3..6 => Tree::Subtract(a, b),
            6..9 => Tree::Multiply(a, b),
            9 => Tree::Divide(a, b),
            10 => Tree::IntegerPower(a, n),
            11 => Tree::Power(a, b),
            12 => Tree::Min(a, b),
            13 => Tree::Max(a, b),
            14 => Tree::Less(a, b),
            15 => Tree::LessEqual(a, b),
            _ => Tree::Call(function, a),
        })
    })
}

impl Tree {
    /// The tree in a graph.
    pub fn build(&self, graph: &mut Graph) -> Id {
        let mut pair = |a: &Self, b: &Self| (a.build(graph), b.build(graph));
        match self {
            Self::Constant(value) => graph.constant(*value),
            Self::Symbol(n) => graph.symbol(symbols()[*n]),
            Self::Add(a, b) => {
                let (a, b) = pair(a, b);
                graph.add(a, b)
            }
            Self::Subtract(a, b) => {
                let (a, b) = pair(a, b);
                graph.sub(a, b)
            }
            Self::Multiply(a, b) => {
                let (a, b) = pair(a, b);
                graph.mul(a, b)
            }
            Self::Divide(a, b) => {
                let (a, b) = pair(a, b);
                graph.div(a, b)
            }
            Self::IntegerPower(a, n) => {
                let (a, n) = (a.build(graph), graph.constant(f64::from(*n)));
                graph.pow(a, n)
            }
            Self::Power(a, b) => {
                let (a, b) = pair(a, b);
                graph.pow(a, b)
            }
            Self::Call(function, a) => {
                let a = a.build(graph);
                graph.call(*function, a)
            }
            Self::Min(a, b) => {
                let (a, b) = pair(a, b);
                graph.min(a, b)
            }
            Self::Max(a, b) => {
                let (a, b) = pair(a, b);
                graph.max(a, b)
            }
            Self::Less(a, b) => {
                let (a, b) = pair(a, b);
                graph.less(a, b)
            }
            Self::LessEqual(a, b) => {
                let (a, b) = pair(a, b);
                graph.less_equal(a, b)
            }
        }
    }

    /// The value for these values of [`symbols`], every partial result perturbed by
    /// `wobble`; NaN where a part is not finite, or near a jump, a kink or a pole (where rounding
    /// may decide whether a formula divides by zero).
    pub fn evaluate<D: Number>(&self, at: &[D], wobble: &mut dyn FnMut() -> f64) -> D {
        let mut pair = |a: &Self, b: &Self| {
            let (a, b) = (a.evaluate(at, wobble), b.evaluate(at, wobble));
            let distance = (a.re() - b.re()).abs();
            let is_apart = distance > 1e-6 * a.re().abs().max(b.re().abs()).max(1.0);
            (a, b, is_apart)
        };
        let value = match self {
            Self::Constant(value) => D::from(*value),
            Self::Symbol(n) => at[*n],
            Self::Add(a, b) => {
                let (a, b, _) = pair(a, b);
                a + b
            }
            Self::Subtract(a, b) => {
                let (a, b, _) = pair(a, b);
                a - b
            }
            Self::Multiply(a, b) => {
                let (a, b, _) = pair(a, b);
                a * b
            }
            Self::Divide(a, b) => {
                let (a, b, _) = pair(a, b);
                quotient(a, b)
            }
            Self::IntegerPower(a, n) => {
                let a = a.evaluate(at, wobble);
                let power = (0..n.abs()).fold(D::from(1.0), |power, _| power * a);
                if *n < 0 { quotient(D::from(1.0), power) } else { power }
            }
            Self::Power(a, b) => {
                let (a, b, _) = pair(a, b);
                if a.re() > 1e-6 { (b * a.ln()).exp() } else { nan() }
            }
            Self::Call(function, a) => call(*function, a.evaluate(at, wobble)),
            Self::Min(a, b) => match pair(a, b) {
                (_, _, false) => nan(),
                (a, b, _) => {
                    if a.re() < b.re() {
                        a
                    } else {
                        b
                    }
                }
            },
            Self::Max(a, b) => match pair(a, b) {
                (_, _, false) => nan(),
                (a, b, _) => {
                    if a.re() > b.re() {
                        a
                    } else {
                        b
                    }
                }
            },
            Self::Less(a, b) | Self::LessEqual(a, b) => match pair(a, b) {
                (_, _, false) => nan(),
                (a, b, _) => D::from(f64::from(u8::from(a.re() < b.re()))),
            },
        };
        if value.re().is_finite() { value.perturbed(wobble) } else { nan() }
    }
}

/// a / b, NaN near the pole.
fn quotient<D: Number>(a: D, b: D) -> D {
    if b.re().abs() > 1e-9 { a / b } else { nan() }
}

/// NaN with derivatives that are NaN.
fn nan<D: Number>() -> D {
    D::from(f64::NAN) * D::from(f64::NAN)
}

/// The function by its definition in dual numbers; NaN near a jump, a kink or a singularity, and
/// where the derivatives as this computes them are too inaccurate to compare with.
pub fn call<D: Number>(function: Function, x: D) -> D {
    let size = x.re().abs();
    match function {
        Function::Asin | Function::Acos if size > 0.999 => nan(),
        Function::Log | Function::Sqrt if x.re() < 1e-3 => nan(),
        Function::Abs | Function::Sign | Function::Step if size < 1e-6 || size.is_nan() => nan(),
        Function::Tanh if size > 2.0 => nan(),
        Function::Erf if size > 1.0 => nan(),
        Function::Sin => x.sin(),
        Function::Cos => x.cos(),
        Function::Tan => x.tan(),
        Function::Asin => x.asin(),
        Function::Acos => x.acos(),
        Function::Atan => x.atan(),
        Function::Sinh => x.sinh(),
        Function::Cosh => x.cosh(),
        Function::Tanh => x.tanh(),
        Function::Exp => x.exp(),
        Function::Log => x.ln(),
        Function::Sqrt => x.sqrt(),
        Function::Abs if x.re() < 0.0 => -x,
        Function::Abs => x,
        Function::Sign => D::from(x.re().signum()),
        Function::Step => D::from(f64::from(u8::from(x.re() > 0.0))),
        // Abramowitz & Stegun 7.1.5: erf x = 2/√π Σ (−1)ⁿ x^(2n+1)/(n! (2n+1))
        Function::Erf => {
            let square = x * x;
            let (mut power, mut sum) = (x, x);
            for n in 1..30 {
                power = -power * square / D::from(f64::from(n));
                sum += power / D::from(f64::from(2 * n + 1));
            }
            sum * D::from(std::f64::consts::FRAC_2_SQRT_PI)
        }
    }
}

/// What `evaluate` gives, and how much rounding may change it: as much as relative errors of 10⁻¹²
/// in every operation do, and at least as much as in a number of size 1: within one operation, such as
/// the quotient x/x, dual numbers cancel exactly where a formula's terms are rounded. `None` if it is not
/// finite, or too large to say anything.
pub fn value_and_uncertainty(
    evaluate: impl Fn(&mut dyn FnMut() -> f64) -> f64,
) -> Option<(f64, f64)> {
    let exact = evaluate(&mut || 1.0);
    let mut state = 1_u64;
    let mut wobble = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        1.0 + 1e-12 * if state >> 63 == 0 { 1.0 } else { -1.0 }
    };
    let spread = (0..6).map(|_| (evaluate(&mut wobble) - exact).abs());
    let uncertainty = spread.fold(1e-12 * exact.abs().max(1.0), f64::max);
    (exact.abs() < 1e8 && uncertainty < 1e-4 * exact.abs().max(1.0)).then_some((exact, uncertainty))
}
