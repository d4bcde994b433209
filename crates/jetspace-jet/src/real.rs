//! The two floating-point types that the engine computes in, `f32` and `f64`.
//!
//! [`Real`] is sealed: kernels rely on knowing every implementor's bit layout. What a kernel needs
//! of a type (its SIMD register, how to add two of them) is in the private supertrait, so that
//! users see only names and conversions.

use std::fmt::{Debug, Display, LowerExp};

use bytemuck::Pod;

use crate::kernels::Kernels;

/// A floating-point type of the engine: [`f32`] or [`f64`].
///
/// ```
/// use jetspace_jet::Real;
/// fn largest_exponent<T: Real>() -> i32 { T::MAX_EXPONENT }
/// assert_eq!(largest_exponent::<f32>(), 127);
/// assert_eq!(f64::NAME, "f64");
/// ```
#[allow(private_bounds)] // Sealed: the supertrait is private on purpose.
pub trait Real:
    Kernels + Pod + PartialOrd + Default + Debug + Display + LowerExp + Send + Sync
{
    /// The type's name as users write it: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// Largest e with 2ᵉ finite.
    const MAX_EXPONENT: i32;
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value as `f64` (exact).
    fn to_f64(self) -> f64;
    /// Whether the value is neither NaN nor infinite.
    fn is_finite(self) -> bool;
}

impl Real for f32 {
    const NAME: &'static str = "f32";
    const MAX_EXPONENT: i32 = 127;
    const EPSILON: Self = Self::EPSILON;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // Rounding to the nearest f32 is the purpose.
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Real for f64 {
    const NAME: &'static str = "f64";
    const MAX_EXPONENT: i32 = 1023;
    const EPSILON: Self = Self::EPSILON;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}
