//! Problems, training and reports: what a Rust user imports.
//!
//! - [`sampling`]: points in a box and on its sides.
//! - [`point_set`]: points with named columns.
//! - [`random`]: streams of random numbers, one per purpose.

pub mod point_set;
pub mod random;
pub mod sampling;
