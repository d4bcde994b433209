//! How parameters become weights: the identity, or a sparse linear map (tied, sign-flipped weights).

use std::borrow::Cow;

use crate::error::expect_len;
use crate::{JetError, Real};

/// weights = M·parameters, with M the identity or sparse.
///
/// ```
/// use jetspace_jet::ParameterMap;
/// // Three weights from two parameters: w = (a, −a, b).
/// let map = ParameterMap::sparse(2, &[vec![(0, 1.0)], vec![(0, -1.0)], vec![(1, 1.0)]])?;
/// assert_eq!(map.expand(&[3.0, 5.0]).as_ref(), [3.0, -3.0, 5.0]);
/// // The gradient goes back through the transpose.
/// let mut gradient = [0.0; 2];
/// map.pull_back(&[1.0, 10.0, 100.0], &mut gradient);
/// assert_eq!(gradient, [-9.0, 100.0]);
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterMap<T>(Map<T>);

#[derive(Clone, Debug, PartialEq)]
enum Map<T> {
    Identity,
    Sparse { parameters: usize, starts: Vec<usize>, entries: Vec<(usize, T)> },
}

impl<T: Real> ParameterMap<T> {
    /// Weights are parameters; costs nothing.
    #[must_use]
    pub fn identity() -> Self {
        Self(Map::Identity)
    }

    /// One row per weight: the parameters that it is made of, with their coefficients.
    ///
    /// # Errors
    /// A row names a parameter that does not exist.
    pub fn sparse(parameters: usize, rows: &[Vec<(usize, T)>]) -> Result<Self, JetError> {
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in rows {
            if let Some((bad, _)) = row.iter().find(|(p, _)| *p >= parameters) {
                let (what, expected, found) = ("parameters of the map", parameters, bad + 1);
                return Err(JetError::Mismatch { what, expected, found });
            }
            entries.extend_from_slice(row);
            starts.push(entries.len());
        }
        Ok(Self(Map::Sparse { parameters, starts, entries }))
    }

    /// How many parameters make `weights` weights.
    ///
    /// # Errors
    /// The map makes another number of weights.
    pub fn parameter_count(&self, weights: usize) -> Result<usize, JetError> {
        match &self.0 {
            Map::Identity => Ok(weights),
            Map::Sparse { parameters, starts, .. } => {
                expect_len("weights of the parameter map", weights, starts.len() - 1)?;
                Ok(*parameters)
            }
        }
    }

    /// The weights. Parameters beyond the map's are ignored, missing ones count as zero.
    #[must_use]
    pub fn expand<'p>(&self, parameters: &'p [T]) -> Cow<'p, [T]> {
        match &self.0 {
            Map::Identity => Cow::Borrowed(parameters),
            Map::Sparse { starts, entries, .. } => starts
                .windows(2)
                .map(|ends| {
                    let mut weight = T::ZERO;
                    for (p, coefficient) in &entries[ends[0]..ends[1]] {
                        weight += *coefficient * parameters.get(*p).copied().unwrap_or(T::ZERO);
                    }
                    weight
                })
                .collect(),
        }
    }

    /// gradient = Mᵀ·(gradient of the weights), over the common lengths.
    pub fn pull_back(&self, weights: &[T], gradient: &mut [T]) {
        match &self.0 {
            Map::Identity => {
                let length = weights.len().min(gradient.len());
                gradient[..length].copy_from_slice(&weights[..length]);
            }
            Map::Sparse { starts, entries, .. } => {
                gradient.fill(T::ZERO);
                for (ends, &weight) in starts.windows(2).zip(weights) {
                    for (p, coefficient) in &entries[ends[0]..ends[1]] {
                        if let Some(slot) = gradient.get_mut(*p) {
                            *slot += *coefficient * weight;
                        }
                    }
                }
            }
        }
    }

    /// Whether weights are parameters.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        matches!(self.0, Map::Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_must_name_existing_parameters() {
        assert!(ParameterMap::sparse(1, &[vec![(1, 1.0)]]).is_err());
        let map = ParameterMap::<f64>::sparse(1, &[vec![], vec![(0, 2.0)]]).unwrap();
        assert_eq!(map.expand(&[4.0]).as_ref(), [0.0, 8.0]);
        assert!(map.parameter_count(3).is_err());
        assert_eq!(map.parameter_count(2), Ok(1));
    }
}
