//! The two floating-point types that optimisers work in.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

/// A floating-point type of an optimiser: [`f32`] or [`f64`].
pub trait Float:
    Copy
    + Debug
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + sealed::Sealed
{
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
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
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}
