//! Points with named columns: coordinates, values, derivatives, weights.

use std::collections::BTreeMap;

use thiserror::Error;

/// Points as named columns of equal length.
///
/// Names are unique and have at least one character, no white space at their ends, and neither
/// control characters nor slashes: so they can head the columns of a file and name the arrays in one.
///
/// ```
/// use jetspace::point_set::PointSet;
/// let mut points = PointSet::new([("x", vec![0.0, 0.5, 1.0]), ("u", vec![1.0, 2.0, 4.0])])?;
/// points.push("u_x", vec![1.0, 3.0, 5.0])?;
/// assert_eq!(points.len(), 3);
/// assert_eq!(points.column("u"), Some(&[1.0, 2.0, 4.0][..]));
/// assert!(points.push("u_x", vec![0.0; 3]).is_err());
/// # Ok::<(), jetspace::point_set::PointSetError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointSet {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    /// The place of each name.
    places: BTreeMap<String, usize>,
    len: usize,
}

/// Why a column cannot be part of a point set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PointSetError {
    /// A column whose length is not that of the columns before it.
    #[error(
        "column {name:?}: expected {expected} numbers, as in the columns before it, found {found}"
    )]
    Length {
        /// The column.
        name: String,
        /// The length of the others.
        expected: usize,
        /// Its own.
        found: usize,
    },
    /// Two columns of one name.
    #[error("column {name:?} is there twice: rename one of them")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name that would not survive a file.
    #[error(
        "{name:?} cannot name a column: expected at least one character, no white space at the ends, no control characters and no slashes"
    )]
    Name {
        /// The name.
        name: String,
    },
}

impl PointSet {
    /// Points with these columns, in this order.
    ///
    /// # Errors
    /// Columns of different lengths, names that are not unique or not possible.
    pub fn new<N: Into<String>>(
        columns: impl IntoIterator<Item = (N, Vec<f64>)>,
    ) -> Result<Self, PointSetError> {
        let mut points = Self::default();
        for (name, column) in columns {
            points.push(name, column)?;
        }
        Ok(points)
    }

    /// One more column behind the others. The first one decides the number of points.
    ///
    /// # Errors
    /// A column of another length than those there, a name that is not unique or not possible; then
    /// nothing has changed.
    pub fn push(&mut self, name: impl Into<String>, column: Vec<f64>) -> Result<(), PointSetError> {
        let name = name.into();
        let forbidden = |c: char| c.is_control() || c == '/' || c == '\\';
        if name.is_empty() || name.trim() != name || name.contains(forbidden) {
            return Err(PointSetError::Name { name });
        }
        if self.places.contains_key(&name) {
            return Err(PointSetError::Duplicate { name });
        }
        if !self.columns.is_empty() && column.len() != self.len {
            let (expected, found) = (self.len, column.len());
            return Err(PointSetError::Length { name, expected, found });
        }
        self.len = column.len();
        self.places.insert(name.clone(), self.names.len());
        self.names.push(name);
        self.columns.push(column);
        Ok(())
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The columns' names, in their order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns, in the order of their names.
    #[must_use]
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let place = *self.places.get(name)?;
        self.columns.get(place).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_are_found_by_name() {
        let points =
            PointSet::new([("y", vec![1.0]), ("x", vec![2.0]), ("data.u", vec![3.0])]).unwrap();
        assert_eq!(points.names(), ["y", "x", "data.u"]);
        assert_eq!(points.columns(), [[1.0], [2.0], [3.0]]);
        assert_eq!(points.column("x"), Some(&[2.0][..]));
        assert_eq!(points.column("z"), None);
    }

    #[test]
    fn no_columns_and_no_points_are_possible() {
        let mut points = PointSet::default();
        assert!(points.is_empty() && points.names().is_empty());
        points.push("x", vec![]).unwrap();
        assert!(points.is_empty());
        let error = points.push("y", vec![1.0]).unwrap_err();
        assert_eq!(error, PointSetError::Length { name: "y".into(), expected: 0, found: 1 });
        assert_eq!(points.names(), ["x"]);
    }

    #[test]
    fn names_must_survive_a_file() {
        for bad in ["", " x", "x\t", "a/b", "a\\b", "a\nb", "\0", "\u{a0}x"] {
            assert!(PointSet::new([(bad, vec![])]).is_err(), "{bad:?}");
        }
        for good in ["x", "u x", "ξ", "u,\"v\"", "data.u_xx", "1"] {
            assert!(PointSet::new([(good, vec![])]).is_ok(), "{good:?}");
        }
        let twice = PointSet::new([("x", vec![1.0]), ("x", vec![2.0])]);
        assert_eq!(twice, Err(PointSetError::Duplicate { name: "x".into() }));
    }
}
