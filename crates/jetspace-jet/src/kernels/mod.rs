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

#![allow(unsafe_code)]
// Kernels spell out index loops over small fixed arrays, which the compiler unrolls.
// Constants inside expanded
// macros come after statements.
#![allow(clippy::needless_range_loop, clippy::items_after_statements)]

pub mod activation;
pub mod compose;
pub mod elementary;
pub mod jacobian;
pub mod lanes;
pub mod matmul;
pub mod panel;
pub mod tables;
pub mod weight_gradient;

use compose::{LayerState, Step};
use lanes::Arithmetic;
use matmul::Matrix;
use panel::{Panel, PanelMut};
use pulp::Arch;
use tables::TableChoice;
use weight_gradient::Pair;

use crate::elementary::{Elementary, apply_generic};

/// The kernels for one type. Going through this trait compiles them once, in this crate, and not
/// again in every crate that uses an engine.
pub trait Kernels: Arithmetic + Sized {
    /// See [`matmul::matmul`].
    fn matmul(arch: Arch, a: Matrix<'_, Self>, b: Panel<'_, Self>, c: &mut PanelMut<'_, Self>);
    /// See [`weight_gradient::weight_gradient`].
    fn weight_gradient(
        arch: Arch,
        first: Pair<'_, Self>,
        second: Option<Pair<'_, Self>>,
        gradient: &mut [Self],
        accumulate: bool,
    );
    /// See [`weight_gradient::bias_gradient`].
    fn bias_gradient(arch: Arch, d: Panel<'_, Self>, gradient: &mut [Self], accumulate: bool);
    /// See [`compose::compose`].
    fn compose<'a>(
        arch: Arch,
        table: &TableChoice,
        layer: LayerState<'a, Self>,
        step: Step<'a, Self>,
    );
    /// See [`apply`](crate::apply).
    fn apply_elementary(arch: Arch, function: Elementary, values: &mut [Self]);
}

macro_rules! kernels {
    ($t:ty) => {
        impl Kernels for $t {
            fn matmul(arch: Arch, a: Matrix<'_, $t>, b: Panel<'_, $t>, c: &mut PanelMut<'_, $t>) {
                matmul::matmul(arch, a, b, c);
            }
            fn weight_gradient(
                arch: Arch,
                first: Pair<'_, $t>,
                second: Option<Pair<'_, $t>>,
                gradient: &mut [$t],
                accumulate: bool,
            ) {
                weight_gradient::weight_gradient(arch, first, second, gradient, accumulate);
            }
            fn bias_gradient(arch: Arch, d: Panel<'_, $t>, gradient: &mut [$t], accumulate: bool) {
                weight_gradient::bias_gradient(arch, d, gradient, accumulate);
            }
            fn compose<'a>(
                arch: Arch,
                table: &TableChoice,
                layer: LayerState<'a, $t>,
                step: Step<'a, $t>,
            ) {
                compose::compose(arch, table, layer, step);
            }
            fn apply_elementary(arch: Arch, function: Elementary, values: &mut [$t]) {
                apply_generic(arch, function, values);
            }
        }
    };
}
kernels!(f32);
kernels!(f64);

/// Bytes of one component of a group: a cache line, the widest register there is.
pub const GROUP_BYTES: usize = 64;

/// Lanes (points) of one group.
pub const fn group_lanes<T>() -> usize {
    GROUP_BYTES / size_of::<T>()
}
