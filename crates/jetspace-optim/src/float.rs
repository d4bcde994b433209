//! The two floating-point types that optimisers work in.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

/// A floating-point type of an optimiser: [`f32`] or [`f64`].
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + sealed::Sealed
{
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value.
    fn to_f64(self) -> f64;
    /// |self|.
    #[must_use]
    fn abs(self) -> Self;
    /// The larger of the two; the other one if one is not a number.
    #[must_use]
    fn max(self, other: Self) -> Self;
    /// √self, correctly rounded.
    #[must_use]
    fn sqrt(self) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Float for f32 {
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // Rounding to the nearest f32 is the purpose.
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline]
    fn abs(self) -> Self {
        self.abs()
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        self.max(other)
    }
    #[inline]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Float for f64 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline]
    fn abs(self) -> Self {
        self.abs()
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        self.max(other)
    }
    #[inline]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}
