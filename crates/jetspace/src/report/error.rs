//! What can be wrong with the data of a report.

/// Data that no figure can be drawn from.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A coordinate has no points.
    #[error("figure \"{figure}\": expected at least one point along {axis}, found none")]
    Points {
        /// The figure's title.
        figure: String,
        /// The coordinate's name.
        axis: String,
    },
    /// A range is not finite, or does not ascend enough to show.
    #[error(
        "figure \"{figure}\": expected the range of {axis} to ascend between finite numbers, by \
         more than 1e-9 of their size, found {low} to {high}"
    )]
    Range {
        /// The figure's title.
        figure: String,
        /// The coordinate's name.
        axis: String,
        /// Where the range begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// A row has more or fewer maps than its figure has columns.
    #[error(
        "figure \"{figure}\": expected {expected} maps of {quantity}, one per column, found \
         {found}; leave places empty with `None`"
    )]
    Columns {
        /// The figure's title.
        figure: String,
        /// The row's quantity.
        quantity: String,
        /// The number of columns.
        expected: usize,
        /// The number of maps.
        found: usize,
    },
    /// A map has more or fewer values than the grid has points.
    #[error(
        "figure \"{figure}\": expected {} × {} values of {quantity} in column \"{column}\", one \
         per point of the grid, found {found}", expected.0, expected.1
    )]
    Values {
        /// The figure's title.
        figure: String,
        /// The row's quantity.
        quantity: String,
        /// The column's name.
        column: String,
        /// The number of points along x and y.
        expected: (usize, usize),
        /// The number of values.
        found: usize,
    },
    /// A map cannot become an image.
    #[error("cannot draw a map as an image ({0}); give it fewer points")]
    Image(#[from] png::EncodingError),
}
