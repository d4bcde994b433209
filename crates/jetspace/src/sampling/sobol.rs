//! The Sobol sequence in the unit cube, in the order of I. A. Antonov, V. M. Saleev, *USSR Comput.
//! Math. Math. Phys.* 19, 1979: each point differs from the last in one direction number per axis.
//!
//! Direction numbers: S. Joe, F. Y. Kuo, *Constructing Sobol sequences with better two-dimensional
//! projections*, SIAM J. Sci. Comput. 30, 2008; their file `new-joe-kuo-6.21201`.

use super::MAX_DIMENSION;
use crate::random::RandomStream;

const BITS: usize = 32;
/// 2³², which all coordinates are fractions of.
const DENOMINATOR: f64 = (1_u64 << BITS) as f64;

/// A primitive polynomial over the field of two elements, and where its recurrence starts.
struct Polynomial {
    /// Its inner coefficients, as the bits of a number.
    coefficients: u32,
    /// m₁, …, m_s; the polynomial has their number s as degree.
    initial: &'static [u32],
}

/// Those of the second axis and the ones behind it; the first has all m = 1.
const POLYNOMIALS: [Polynomial; MAX_DIMENSION - 1] = [
    Polynomial { coefficients: 0, initial: &[1] },
    Polynomial { coefficients: 1, initial: &[1, 3] },
    Polynomial { coefficients: 1, initial: &[1, 3, 1] },
    Polynomial { coefficients: 2, initial: &[1, 1, 1] },
    Polynomial { coefficients: 1, initial: &[1, 1, 3, 3] },
    Polynomial { coefficients: 4, initial: &[1, 3, 5, 13] },
    Polynomial { coefficients: 2, initial: &[1, 1, 5, 5, 17] },
];

/// The first points, shifted by random bits if a stream is given.
pub(super) fn fill(columns: &mut [Vec<f64>], mut shifts: Option<&mut RandomStream>) {
    for (axis, column) in columns.iter_mut().enumerate() {
        let directions = directions(axis);
        let mut bits = shifts.as_mut().map_or(0, |stream| stream.bits());
        for (point, x) in column.iter_mut().enumerate() {
            *x = f64::from(bits) / DENOMINATOR;
            // The lowest zero of the point's number is the lowest one of its complement.
            bits ^= directions[(!point).trailing_zeros() as usize % BITS];
        }
    }
}

/// v_j = m_j / 2ʲ of an axis, j = 1, …, 32, as fractions of 2³². With the polynomial's inner
/// coefficients a and degree s,
///
/// v_j = a₁ v_{j−1} ⊕ … ⊕ a_{s−1} v_{j−s+1} ⊕ v_{j−s} ⊕ v_{j−s}/2ˢ.
fn directions(axis: usize) -> [u32; BITS] {
    let mut v: [u32; BITS] = std::array::from_fn(|j| 1 << (BITS - 1 - j));
    let polynomial = axis.checked_sub(1).and_then(|place| POLYNOMIALS.get(place));
    let Some(Polynomial { coefficients, initial }) = polynomial else { return v };
    let degree = initial.len();
    for j in 0..BITS {
        v[j] = match initial.get(j) {
            Some(m) => m << (BITS - 1 - j),
            None => (1..degree)
                .filter(|k| coefficients >> (degree - 1 - k) & 1 == 1)
                .fold(v[j - degree] ^ (v[j - degree] >> degree), |sum, k| sum ^ v[j - k]),
        };
    }
    v
}
