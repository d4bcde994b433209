//! Reports: what a run found, as a page, as figures and as tables.
//!
//! Data in, text out: nothing here reads or writes a file, and the same data give the same bytes.
//! A [`Report`] becomes one self-contained HTML page, without scripts, fonts or network; its
//! figures are SVG files of their own as well ([`Report::figures`]), fit for a paper, legible in
//! grey and at any size. The pieces work alone: [`ResultTable`], [`Curves`], [`CellMap`], [`FieldFigure`].
//!
//! All texts may come from anywhere: they are escaped. Names, captions and notes are *labels*: in
//! them, what stands between two `*` is set as mathematics, with `_` for subscripts and `^` for
//! superscripts, so that `*u_xx*`, `*e_{max}*` and `*10^{−4}*` look as they should.
//!
//! It relies on the crates `png` and `base64` for the images of fields, and on nothing else of
//! this library.

// `write!` into a string returns a result that could only be ignored.
#![allow(clippy::format_collect, clippy::format_push_string)]

mod axes;
mod cells;
mod collection;
mod colour;
mod curves;
mod error;
mod fields;
mod heat_maps;
mod lines;
mod number;
mod page;
mod raster;
mod scale;
mod streamlines;
mod style_sheet;
mod svg;
mod table;
mod text;

pub use cells::{CellAxis, CellMap, ChoiceMap};
pub use collection::{Chapter, Collection};
pub use curves::{Axis, Curves, Panels, Series};
pub use error::ReportError;
pub use fields::{Colours, FieldFigure, FieldRow, GridAxis, VectorField};
pub use page::{Figure, Report};
pub use scale::Scale;
pub use table::{MethodScores, Metric, ResultTable, Score};
