//! The elementary functions: their names, their values and their derivatives.
//!
//! Relies on [`Graph`] for the derivatives, which are expressions themselves.

use std::f64::consts::FRAC_2_SQRT_PI;
use std::fmt;

use crate::{Graph, Id};

/// An elementary function of one argument.
///
/// ```
/// use jetspace_expr::Function;
/// assert_eq!(Function::from_name("tanh"), Some(Function::Tanh));
/// assert_eq!(Function::Sqrt.value(9.0), 3.0);
/// assert_eq!(Function::ALL.len(), 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// tan x
    Tan,
    /// arcsin x
    Asin,
    /// arccos x
    Acos,
    /// arctan x
    Atan,
    /// sinh x
    Sinh,
    /// cosh x
    Cosh,
    /// tanh x
    Tanh,
    /// eˣ
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// |x|
    Abs,
    /// −1, 0 or 1, as x is negative, zero or positive.
    Sign,
    /// 1 where x ≥ 0, else 0 (Heaviside).
    Step,
    /// 2/√π ∫₀ˣ e^(−t²) dt
    Erf,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 16] = [
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Sinh,
        Self::Cosh,
        Self::Tanh,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Abs,
        Self::Sign,
        Self::Step,
        Self::Erf,
    ];

    /// The name in the equation language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "asin",
            Self::Acos => "acos",
            Self::Atan => "atan",
            Self::Sinh => "sinh",
            Self::Cosh => "cosh",
            Self::Tanh => "tanh",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Step => "step",
            Self::Erf => "erf",
        }
    }

    /// The function of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// The value at x: NaN at NaN and outside the domain.
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Tan => libm::tan(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
            Self::Sinh => libm::sinh(x),
            Self::Cosh => libm::cosh(x),
            Self::Tanh => libm::tanh(x),
            Self::Exp => libm::exp(x),
            Self::Log => libm::log(x),
            Self::Sqrt => libm::sqrt(x),
            Self::Abs => libm::fabs(x),
            Self::Sign | Self::Step if x.is_nan() => x,
            Self::Sign if x == 0.0 => 0.0,
            Self::Sign => libm::copysign(1.0, x),
            Self::Step => f64::from(u8::from(x >= 0.0)),
            Self::Erf => libm::erf(x),
        }
    }

    /// Whether the derivative is zero wherever there is one, though the function is not constant.
    pub(crate) fn is_piecewise_constant(self) -> bool {
        matches!(self, Self::Sign | Self::Step)
    }

    /// f′(x) as an expression.
    pub(crate) fn derivative(self, graph: &mut Graph, x: Id) -> Id {
        let one = graph.constant(1.0);
        match self {
            Self::Sin => graph.call(Self::Cos, x),
            Self::Cos => {
                let sin = graph.call(Self::Sin, x);
                graph.neg(sin)
            }
            // 1 + tan² x
            Self::Tan => {
                let tan = graph.call(Self::Tan, x);
                let square = graph.mul(tan, tan);
                graph.add(one, square)
            }
            // ±1/√(1 − x²)
            Self::Asin | Self::Acos => {
                let square = graph.mul(x, x);
                let rest = graph.sub(one, square);
                let root = graph.call(Self::Sqrt, rest);
                let sign = graph.constant(if self == Self::Asin { 1.0 } else { -1.0 });
                graph.div(sign, root)
            }
            // 1/(1 + x²)
            Self::Atan => {
                let square = graph.mul(x, x);
                let sum = graph.add(one, square);
                graph.div(one, sum)
            }
            Self::Sinh => graph.call(Self::Cosh, x),
            Self::Cosh => graph.call(Self::Sinh, x),
            // 1 − tanh² x
            Self::Tanh => {
                let tanh = graph.call(Self::Tanh, x);
                let square = graph.mul(tanh, tanh);
                graph.sub(one, square)
            }
            Self::Exp => graph.call(Self::Exp, x),
            Self::Log => graph.div(one, x),
            // 1/(2√x)
            Self::Sqrt => {
                let root = graph.call(Self::Sqrt, x);
                let half = graph.constant(0.5);
                graph.div(half, root)
            }
            Self::Abs => graph.call(Self::Sign, x),
            Self::Sign | Self::Step => graph.constant(0.0),
            // 2/√π e^(−x²)
            Self::Erf => {
                let square = graph.mul(x, x);
                let exponent = graph.neg(square);
                let bell = graph.call(Self::Exp, exponent);
                graph.sum(&[(FRAC_2_SQRT_PI, bell)])
            }
        }
    }
}

impl fmt::Display for Function {
    /// The name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function of two arguments that is neither a sum nor a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Binary {
    /// aᵇ
    Power,
    /// The smaller; NaN if either is.
    Min,
    /// The larger; NaN if either is.
    Max,
    /// 1 if a < b, else 0, also if either is NaN.
    Less,
    /// 1 if a ≤ b, else 0, also if either is NaN.
    LessEqual,
}

impl Binary {
    pub fn value(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Power => libm::pow(a, b),
            Self::Min | Self::Max if a.is_nan() => a,
            Self::Min => {
                if a <= b {
                    a
                } else {
                    b
                }
            }
            Self::Max => {
                if b <= a {
                    a
                } else {
                    b
                }
            }
            Self::Less => f64::from(u8::from(a < b)),
            Self::LessEqual => f64::from(u8::from(a <= b)),
        }
    }

    /// Whether both derivatives are zero wherever there are any, though the function is not
    /// constant.
    pub fn is_piecewise_constant(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual)
    }
}
