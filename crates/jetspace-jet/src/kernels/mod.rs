//! The inner loops: everything that costs time, and the only place with `unsafe`.
//!
//! All kernels work on *panels*: rows of lanes, one row per unit of a layer. A row is a sequence of
//! *groups*; a group holds one cache line of [`GROUP_BYTES`] per component, that is
//! `row[group][component][lane]` with as many lanes (points) as fit a line: 16 for f32, 8 for f64.
//! So one AVX-512 register holds one component of a group, and a matrix product may take a row as
//! one long vector, whatever the components mean.
//!
//! Safe functions check extents once, then call generic code that `pulp` compiles for each
//! instruction set and picks at run time.

// Kernels spell out index loops over small fixed arrays, which the compiler unrolls; inlining is
// what gives them their instruction set; names are those of the formulas.
#![allow(clippy::inline_always, clippy::many_single_char_names, clippy::needless_range_loop)]

pub mod activation;
pub mod compose;
pub mod elementary;
pub mod jacobian;
pub mod lanes;
pub mod matmul;
pub mod panel;
pub mod tables;
pub mod weight_gradient;

/// Bytes of one component of a group: a cache line, the widest register there is.
pub const GROUP_BYTES: usize = 64;

/// Lanes (points) of one group.
pub const fn group_lanes<T>() -> usize {
    GROUP_BYTES / size_of::<T>()
}
