//! Point sets as files: CSV, which people read, and NPZ, which NumPy does.
//!
//! Whatever is in a file, reading it ends in a point set or an error, with memory in proportion to
//! what the file really holds.

mod csv;
mod npy;
mod npz;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_file::write_atomically;
use crate::point_set::{PointSet, PointSetError};

/// Why a table could not be read or written.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct TableError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: TableProblem,
}

/// What can be wrong with a table.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// A file whose name does not say what it is.
    #[error("expected a name that ends in .csv or .npz")]
    Format,
    /// What the operating system said.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A table without columns.
    #[error("expected at least one column, found none")]
    Empty,
    /// A line that is not UTF-8.
    #[error("line {line}: expected text in UTF-8, found other bytes: save it as UTF-8")]
    Encoding {
        /// The line, counted from 1.
        line: u64,
    },
    /// A row that has not as many cells as there are names.
    #[error(
        "line {line}: expected {expected} cells, one per name in the first line, found {found}"
    )]
    Row {
        /// The line, counted from 1.
        line: u64,
        /// Number of names.
        expected: usize,
        /// Number of cells.
        found: usize,
    },
    /// A cell that is not a number.
    #[error(
        "line {line}, column {column} ({name}): expected a number such as -1.5e-3, found {found:?}; cells are separated by commas"
    )]
    Cell {
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The beginning of what is there.
        found: String,
    },
    /// A file that is not a ZIP archive, or a damaged one.
    #[error("expected an archive as numpy.savez writes it, found otherwise: {0}")]
    Archive(String),
    /// An array that cannot be a column.
    #[error("array {name:?}: {problem}")]
    Array {
        /// The array.
        name: String,
        /// What is wrong with it.
        problem: ArrayProblem,
    },
    /// Columns that do not make up a point set.
    #[error(transparent)]
    Columns(#[from] PointSetError),
}

/// What can be wrong with an array in an NPZ file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArrayProblem {
    /// Something else than an array.
    #[error("expected an entry whose name ends in .npy: keep other files apart")]
    NotAnArray,
    /// A header that does not follow NumPy's format, version 1 to 3.
    #[error("expected an array in NumPy's format, found otherwise: {0}")]
    Header(&'static str),
    /// Numbers of another type.
    #[error(
        "expected numbers of type <f8, <f4 or <i8, found {found:?}: convert them with astype('<f8')"
    )]
    Type {
        /// NumPy's name of the type.
        found: String,
    },
    /// Not one axis.
    #[error("expected one axis, found {found}: name each column apart, or flatten it with ravel()")]
    Axes {
        /// Number of axes.
        found: usize,
    },
    /// An integer that is no `f64`.
    #[error("the integer {found} is between two numbers of type f64: give it as float64")]
    Integer {
        /// The integer.
        found: i64,
    },
    /// More or less data than the header says.
    #[error("expected {expected} numbers, as its header says, found {found}: the file is damaged")]
    Length {
        /// The header's number.
        expected: u64,
        /// "fewer" or "more".
        found: &'static str,
    },
    /// More numbers than an archive of this size should hold.
    #[error(
        "{expected} numbers are too many for so small a file: if it is not damaged, write it with numpy.savez, which does not compress"
    )]
    Expansion {
        /// The header's number.
        expected: u64,
    },
    /// Data that cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// As much of a text as an error shows.
fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The kinds of files, which their names tell.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    Npz,
}

impl Format {
    fn of(path: &Path) -> Result<Self, TableProblem> {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("csv") => Ok(Self::Csv),
            Some(end) if end.eq_ignore_ascii_case("npz") => Ok(Self::Npz),
            _ => Err(TableProblem::Format),
        }
    }
}

/// Reads a table; the end of its name says how.
///
/// - `.csv`: names in the first line, then one point per line, in UTF-8, separated by commas.
/// - `.npz`: one array of one axis per column, of 64- or 32-bit floats or 64-bit integers, as
///   `numpy.savez` and `numpy.savez_compressed` write them.
///
/// # Errors
/// The file cannot be read, or is no such table; the error says where.
pub fn read(path: impl AsRef<Path>) -> Result<PointSet, TableError> {
    let path = path.as_ref();
    let read = || {
        let format = Format::of(path)?;
        let file = BufReader::new(File::open(path)?);
        let points = match format {
            Format::Csv => csv::read(file),
            Format::Npz => npz::read(file),
        }?;
        if points.names().is_empty() { Err(TableProblem::Empty) } else { Ok(points) }
    };
    read().map_err(|problem| TableError { path: path.to_owned(), problem })
}

/// Writes a table; the end of its name says how, as for [`read`]. What is read again has the same
/// bits, but for the payloads of NaN. A file that was there stays as it was if writing fails.
///
/// ```
/// use jetspace::point_set::PointSet;
/// use jetspace::table;
/// let points = PointSet::new([("x", vec![0.0, 0.1]), ("u", vec![1.0, 1e-300])])?;
/// for name in ["jetspace-example.csv", "jetspace-example.npz"] {
///     let path = std::env::temp_dir().join(name);
///     table::write(&path, &points)?;
///     assert_eq!(table::read(&path)?, points);
/// #   std::fs::remove_file(&path)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There are no columns, or the file cannot be written.
pub fn write(path: impl AsRef<Path>, points: &PointSet) -> Result<(), TableError> {
    let path = path.as_ref();
    let write = || {
        let format = Format::of(path)?;
        if points.names().is_empty() {
            return Err(TableProblem::Empty);
        }
        write_atomically(path, |file| match format {
            Format::Csv => csv::write(file, points),
            Format::Npz => npz::write(file, points),
        })
        .map_err(TableProblem::Io)
    };
    write().map_err(|problem| TableError { path: path.to_owned(), problem })
}
/// Writes points as CSV to anything that takes bytes, e.g. a terminal.
///
/// # Errors
/// The operating system's.
pub fn write_csv(points: &PointSet, out: &mut impl io::Write) -> io::Result<()> {
    csv::write(out, points)
}
