//! Problems, training and reports: what a Rust user imports.
//!
//! - [`sampling`]: points in a box and on its sides.
//! - [`point_set`]: points with named columns.
//! - [`table`]: point sets as CSV and NPZ files.
//! - [`random`]: streams of random numbers, one per purpose.
//! - [`atomic_file`]: files that are whole or not there.

pub mod atomic_file;
pub mod point_set;
pub mod random;
pub mod sampling;
pub mod table;
