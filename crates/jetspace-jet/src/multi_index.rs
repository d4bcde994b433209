//! Multi-indices α: which derivative, ∂^|α| / ∂x₁^α₁ … ∂x_d^α_d.

use std::cmp::Ordering;
use std::fmt;

use crate::JetError;

/// Most variables (coordinates and directions together) that a jet may have.
pub const MAX_VARIABLES: usize = 8;
/// Highest total order of a derivative.
pub const MAX_ORDER: usize = 4;

/// A multi-index α = (α₁, …, α_d): how often a function is differentiated in each variable.
///
/// The canonical order is by total order |α|, then u_x before u_y: for two variables
/// (0,0), (1,0), (0,1), (2,0), (1,1), (0,2), …
///
/// ```
/// use jetspace_jet::MultiIndex;
/// let u_xxy = MultiIndex::new(&[2, 1])?;
/// assert_eq!(u_xxy.order(), 3);
/// assert!(MultiIndex::new(&[2, 0])? < MultiIndex::new(&[1, 1])?);
/// assert_eq!(u_xxy.to_string(), "(2,1)");
/// # Ok::<(), jetspace_jet::JetError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct MultiIndex([u8; MAX_VARIABLES]);

impl MultiIndex {
    /// The multi-index of the value itself, α = 0.
    pub const VALUE: Self = Self([0; MAX_VARIABLES]);

    /// The multi-index with these exponents, one per variable.
    ///
    /// # Errors
    /// More than [`MAX_VARIABLES`] exponents, or a total order above [`MAX_ORDER`].
    pub fn new(exponents: &[u8]) -> Result<Self, JetError> {
        if exponents.len() > MAX_VARIABLES {
            return Err(JetError::TooManyVariables { found: exponents.len() });
        }
        let order: usize = exponents.iter().map(|&e| usize::from(e)).sum();
        if order > MAX_ORDER {
            return Err(JetError::OrderTooHigh { found: order });
        }
        let mut index = Self::VALUE;
        index.0[..exponents.len()].copy_from_slice(exponents);
        Ok(index)
    }

    /// The multi-index of differentiating once by each of these variables, e.g. `[0, 0, 1]` for
    /// u_xxy.
    ///
    /// # Errors
    /// A variable that is not below [`MAX_VARIABLES`], or more than [`MAX_ORDER`] of them.
    pub fn from_variables(variables: &[usize]) -> Result<Self, JetError> {
        if variables.len() > MAX_ORDER {
            return Err(JetError::OrderTooHigh { found: variables.len() });
        }
        let mut index = Self::VALUE;
        for &v in variables {
            match index.0.get_mut(v) {
                Some(e) => *e += 1,
                None => return Err(JetError::TooManyVariables { found: v.saturating_add(1) }),
            }
        }
        Ok(index)
    }

    /// |α|, the total order.
    #[must_use]
    pub fn order(&self) -> usize {
        self.0.iter().map(|&e| usize::from(e)).sum()
    }

    /// The exponent α_v; 0 for variables that do not exist.
    #[must_use]
    pub fn exponent(&self, variable: usize) -> usize {
        self.0.get(variable).map_or(0, |&e| usize::from(e))
    }

    /// How many variables the index needs: one more than the last with a positive exponent.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.0.iter().rposition(|&e| e > 0).map_or(0, |v| v + 1)
    }

    /// The variables in ascending order, each as often as its exponent says: u_xxy ↦ x, x, y.
    pub fn factors(&self) -> impl Iterator<Item = usize> + '_ {
        (0..MAX_VARIABLES).flat_map(|v| std::iter::repeat_n(v, self.exponent(v)))
    }

    /// Whether α ≤ β in every exponent.
    #[must_use]
    pub fn divides(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a <= b)
    }

    /// All β with 0 ≤ β ≤ α, in canonical order.
    #[must_use]
    pub fn lower_set(&self) -> Vec<Self> {
        let mut set = vec![Self::VALUE];
        for v in 0..MAX_VARIABLES {
            for i in 0..set.len() {
                for e in 1..=self.0[v] {
                    let mut next = set[i];
                    next.0[v] = e;
                    set.push(next);
                }
            }
        }
        set.sort_unstable();
        set
    }
}

impl Ord for MultiIndex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order()).then_with(|| other.0.cmp(&self.0))
    }
}

impl PartialOrd for MultiIndex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for MultiIndex {
    /// The exponents up to the last positive one, e.g. `(2,1)`; `()` for the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for v in 0..self.variables() {
            if v > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}", self.0[v])?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_order_is_graded_then_first_variable_first() {
        let mut all = MultiIndex::new(&[2, 2]).unwrap().lower_set();
        all.reverse();
        all.sort();
        let text: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            ["()", "(1)", "(0,1)", "(2)", "(1,1)", "(0,2)", "(2,1)", "(1,2)", "(2,2)"]
        );
    }

    #[test]
    fn limits_are_errors() {
        assert!(matches!(MultiIndex::new(&[5]), Err(JetError::OrderTooHigh { found: 5 })));
        assert!(matches!(MultiIndex::new(&[0; 9]), Err(JetError::TooManyVariables { found: 9 })));
        assert!(MultiIndex::from_variables(&[8]).is_err());
        assert!(MultiIndex::from_variables(&[usize::MAX]).is_err());
        assert!(MultiIndex::from_variables(&[0; 5]).is_err());
        assert!(MultiIndex::new(&[255, 255, 255]).is_err());
    }
}
