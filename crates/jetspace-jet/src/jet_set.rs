//! Jet sets: which derivatives of the network a computation carries.
//!
//! Relies on [`MultiIndex`]; knows nothing of networks. A jet set is downward closed, because the
//! chain rule for u_xx needs u_x and u.

use std::fmt;

use crate::JetError;
use crate::multi_index::{MAX_VARIABLES, MultiIndex};

/// One component of a jet: a derivative, or a fixed linear combination of derivatives.
#[derive(Clone, Debug, PartialEq)]
pub enum Component {
    /// The derivative D^α u.
    Derivative(MultiIndex),
    /// Σ wᵢ D^αᵢ u, carried as one component (*collapsed*), e.g. the Laplacian.
    Combination(Vec<(MultiIndex, f64)>),
}

impl Component {
    /// The derivatives that the component is made of, with their coefficients.
    pub(crate) fn terms(&self) -> Vec<(MultiIndex, f64)> {
        match self {
            Self::Derivative(index) => vec![(*index, 1.0)],
            Self::Combination(terms) => terms.clone(),
        }
    }

    /// Highest order among the component's derivatives.
    #[must_use]
    pub fn order(&self) -> usize {
        self.terms().iter().map(|(index, _)| index.order()).max().unwrap_or(0)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Derivative(index) => write!(f, "D{index}"),
            Self::Combination(terms) => {
                for (i, (index, weight)) in terms.iter().enumerate() {
                    let plus = if i > 0 { " + " } else { "" };
                    if (*weight - 1.0).abs() < f64::EPSILON {
                        write!(f, "{plus}D{index}")?;
                    } else {
                        write!(f, "{plus}{weight}·D{index}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// A downward-closed set of derivatives, and collapsed combinations of further ones.
///
/// The *variables* of a jet set are the coordinates 0 … d−1 of the network's input, then any number
/// of *directions*: for a direction v the derivative is taken along a vector given per point,
/// e.g. v·∇u with one component instead of d. Derivatives along a direction treat the vector as a
/// constant: D_v D_v u = Σ vᵢ vⱼ u_{xᵢxⱼ}.
///
/// Components come in canonical order: derivatives as [`MultiIndex`] sorts them (the value first),
/// then combinations in the order in which they were added.
///
/// ```
/// use jetspace_jet::{JetSet, MultiIndex};
/// // u, u_x, u_y and Δu = u_xx + u_yy: four components instead of six.
/// let jets = JetSet::new(2)?.with_order(1)?.with_laplacian(&[0, 1])?;
/// assert_eq!(jets.len(), 4);
/// // Asking for u_xxx alone brings what it needs: u, u_x, u_xx, u_xxx.
/// let jets = JetSet::new(1)?.with_derivative(MultiIndex::new(&[3])?)?;
/// assert_eq!(jets.len(), 4);
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JetSet {
    coordinates: usize,
    directions: usize,
    derivatives: Vec<MultiIndex>,
    combinations: Vec<Vec<(MultiIndex, f64)>>,
}

impl JetSet {
    /// The jet set of a function of `coordinates` variables that holds its value only.
    ///
    /// Any number of coordinates is allowed; derivatives are possible by the first
    /// [`MAX_VARIABLES`].
    ///
    /// # Errors
    /// None at present; fallible so that all builders chain alike.
    pub fn new(coordinates: usize) -> Result<Self, JetError> {
        Ok(Self {
            coordinates,
            directions: 0,
            derivatives: vec![MultiIndex::VALUE],
            combinations: Vec::new(),
        })
    }

    /// Adds `count` directions as further variables, numbered after the coordinates.
    ///
    /// # Errors
    /// Coordinates and directions together exceed [`MAX_VARIABLES`].
    pub fn with_directions(mut self, count: usize) -> Result<Self, JetError> {
        self.directions = self.directions.saturating_add(count);
        match self.variables() {
            found if found > MAX_VARIABLES => Err(JetError::TooManyVariables { found }),
            _ => Ok(self),
        }
    }

    /// Adds D^α u and everything below it.
    ///
    /// # Errors
    /// α uses a variable that the set lacks.
    pub fn with_derivative(mut self, index: MultiIndex) -> Result<Self, JetError> {
        self.close_below(index)?;
        Ok(self)
    }

    /// Adds all derivatives by coordinates (not directions) up to the total order.
    ///
    /// # Errors
    /// The order exceeds [`MAX_ORDER`](crate::MAX_ORDER), or (for order ≥ 1) there are more
    /// coordinates than [`MAX_VARIABLES`].
    pub fn with_order(mut self, order: usize) -> Result<Self, JetError> {
        let mut frontier = vec![Vec::new()];
        for _ in 0..order {
            frontier = frontier
                .iter()
                .flat_map(|base: &Vec<usize>| {
                    let from = base.last().copied().unwrap_or(0);
                    (from..self.coordinates).map(move |v| [base.as_slice(), &[v]].concat())
                })
                .collect();
            for variables in &frontier {
                self.close_below(MultiIndex::from_variables(variables)?)?;
            }
        }
        Ok(self)
    }

    /// Adds Σ wᵢ D^αᵢ u as one collapsed component, and everything strictly below its terms.
    ///
    /// # Errors
    /// No terms, a coefficient that is not finite, a term of order 0, or an unknown variable.
    pub fn with_combination(mut self, terms: &[(MultiIndex, f64)]) -> Result<Self, JetError> {
        let reason = if terms.is_empty() {
            Some("it has no terms")
        } else if terms.iter().any(|(_, w)| !w.is_finite()) {
            Some("a coefficient is NaN or infinite")
        } else if terms.iter().any(|(index, _)| index.order() == 0) {
            Some("the value itself is always a component; add it afterwards")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(JetError::BadCombination { reason });
        }
        for (index, _) in terms {
            self.check_variables(*index)?;
            for below in index.lower_set() {
                if below != *index {
                    self.close_below(below)?;
                }
            }
        }
        // Sorted, equal indices merged: so that equal combinations have equal descriptions.
        let mut merged: Vec<(MultiIndex, f64)> = Vec::new();
        let mut sorted = terms.to_vec();
        sorted.sort_by_key(|(index, _)| *index);
        for (index, weight) in sorted {
            match merged.last_mut() {
                Some((last, sum)) if *last == index => *sum += weight,
                _ => merged.push((index, weight)),
            }
        }
        self.combinations.push(merged);
        Ok(self)
    }

    /// Adds Δu = Σ u_{xᵢxᵢ} over the given variables as one collapsed component, and their first
    /// derivatives.
    ///
    /// # Errors
    /// No variables, or an unknown one.
    pub fn with_laplacian(self, variables: &[usize]) -> Result<Self, JetError> {
        let terms: Result<Vec<_>, _> = variables
            .iter()
            .map(|&v| MultiIndex::from_variables(&[v, v]).map(|index| (index, 1.0)))
            .collect();
        self.with_combination(&terms?)
    }

    /// The number of components.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // A jet set always holds the value.
    pub fn len(&self) -> usize {
        self.derivatives.len() + self.combinations.len()
    }

    /// The number of coordinates of the function.
    #[must_use]
    pub fn coordinates(&self) -> usize {
        self.coordinates
    }

    /// The number of directions given per point.
    #[must_use]
    pub fn directions(&self) -> usize {
        self.directions
    }

    /// Coordinates and directions together.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.coordinates + self.directions
    }

    /// Highest order of a derivative in the set.
    #[must_use]
    pub fn order(&self) -> usize {
        self.components().map(|c| c.order()).max().unwrap_or(0)
    }

    /// The components in canonical order.
    pub fn components(&self) -> impl Iterator<Item = Component> + '_ {
        let derivatives = self.derivatives.iter().map(|&index| Component::Derivative(index));
        let combinations = self.combinations.iter().map(|t| Component::Combination(t.clone()));
        derivatives.chain(combinations)
    }

    /// Where the derivative D^α u stands among the components.
    #[must_use]
    pub fn position(&self, index: MultiIndex) -> Option<usize> {
        self.derivatives.binary_search(&index).ok()
    }

    /// Where the n-th combination that was added stands among the components.
    #[must_use]
    pub fn combination_position(&self, n: usize) -> Option<usize> {
        (n < self.combinations.len()).then_some(self.derivatives.len() + n)
    }

    fn check_variables(&self, index: MultiIndex) -> Result<(), JetError> {
        let variables = self.variables();
        if index.variables() > variables {
            return Err(JetError::UnknownVariable { index, variables });
        }
        Ok(())
    }

    fn close_below(&mut self, index: MultiIndex) -> Result<(), JetError> {
        self.check_variables(index)?;
        for below in index.lower_set() {
            if let Err(at) = self.derivatives.binary_search(&below) {
                self.derivatives.insert(at, below);
            }
        }
        Ok(())
    }
}

impl fmt::Display for JetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, component) in self.components().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{component}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_sets_have_binomial_size() {
        assert_eq!(JetSet::new(3).unwrap().with_order(4).unwrap().len(), 35);
        assert_eq!(JetSet::new(8).unwrap().with_order(4).unwrap().len(), 495);
        assert_eq!(JetSet::new(0).unwrap().with_order(2).unwrap().len(), 1);
        assert!(JetSet::new(3).unwrap().with_order(5).is_err());
        assert!(JetSet::new(9).unwrap().with_order(1).is_err());
        assert_eq!(JetSet::new(100).unwrap().len(), 1);
    }

    #[test]
    fn closure_holds_everything_below() {
        let set = JetSet::new(2).unwrap();
        let set = set.with_derivative(MultiIndex::new(&[2, 1]).unwrap()).unwrap();
        for index in set.derivatives.clone() {
            for below in index.lower_set() {
                assert!(set.position(below).is_some());
            }
        }
        assert_eq!(set.len(), 6);
    }

    #[test]
    fn combinations_are_checked_and_merged() {
        let set = || JetSet::new(2).unwrap();
        let xx = MultiIndex::new(&[2]).unwrap();
        assert!(set().with_combination(&[]).is_err());
        assert!(set().with_combination(&[(xx, f64::NAN)]).is_err());
        assert!(set().with_combination(&[(MultiIndex::VALUE, 1.0)]).is_err());
        assert!(set().with_laplacian(&[2]).is_err());
        let merged = set().with_combination(&[(xx, 1.0), (xx, 2.0)]).unwrap();
        let last = merged.components().last();
        assert_eq!(last, Some(Component::Combination(vec![(xx, 3.0)])));
    }

    #[test]
    fn directions_are_further_variables() {
        let set = JetSet::new(2).unwrap().with_directions(1).unwrap();
        let along = MultiIndex::from_variables(&[2]).unwrap();
        assert_eq!(set.clone().with_derivative(along).unwrap().len(), 2);
        assert!(set.with_directions(6).is_err());
    }
}
