//! Figures that a study defines: what they show of the truth and of every method, and where.

use jetspace_expr::Id;

use crate::evaluation::RegionAxis;
pub use crate::study_file::FigureScale;

/// A figure of a study.
#[derive(Clone, Debug)]
pub struct StudyFigure {
    /// Its name, and that of the file with its numbers.
    pub name: String,
    /// What stands below it.
    pub title: String,
    /// What it shows.
    pub content: Content,
    /// What the coordinates do.
    pub axes: Vec<RegionAxis>,
    /// The sets of parameters that it shows, if a coordinate is in them.
    pub sets: Vec<Vec<f64>>,
    /// How values are spread.
    pub scale: FigureScale,
}

/// What a figure shows.
#[derive(Clone, Debug)]
pub enum Content {
    /// Curves along a coordinate, one for each set of parameters.
    Curves {
        /// The coordinate.
        along: usize,
        /// What they show,
        y: Quantity,
        /// against this, if not against the coordinate.
        x: Option<Quantity>,
        /// Coordinates over which y is integrated.
        integral: Vec<usize>,
        /// Whether √∫ y² up to each node is shown instead of y.
        cumulative: bool,
    },
    /// Maps over two coordinates.
    Map {
        /// The coordinates, across and upwards.
        plane: [usize; 2],
        /// What they show.
        of: Quantity,
        /// The vector field whose streamlines are drawn over them.
        streamlines: Option<[Id; 2]>,
        /// A coordinate, and its value in each map; nothing if there is one map.
        frames: Option<(usize, Vec<f64>)>,
    },
}

/// A formula.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// As it was written.
    pub text: String,
    /// In the problem's graph; columns are those of the truth
    /// ([`Problem::data_columns`](crate::Problem::data_columns)).
    pub expression: Id,
    /// Whether it compares with the truth, or is the residual of an equation: then it is not drawn for the
    /// truth.
    pub is_error: bool,
}
