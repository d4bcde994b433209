//! Dense matrices in the plainest form, for tests: what updates are compared with.

pub(super) type Vector = Vec<f64>;
pub(super) type Matrix = Vec<Vector>;

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

pub(super) fn identity(n: usize) -> Matrix {
    (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect()
}

pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |j: usize| b.iter().map(|row| row[j]).collect::<Vector>();
    a.iter().map(|row| (0..b.len()).map(|j| dot(row, &column(j))).collect()).collect()
}

/// The solution of a z = x by elimination, if all pivots are positive, that is if the symmetric matrix
/// is positive definite.
pub(super) fn solve(mut a: Matrix, mut x: Vector) -> Option<Vector> {
    let n = a.len();
    for k in 0..n {
        let pivot = a[k].clone();
        if pivot[k] <= 0.0 {
            return None;
        }
        for i in k + 1..n {
            let factor = a[i][k] / pivot[k];
            a[i].iter_mut().zip(&pivot).for_each(|(a, p)| *a -= factor * p);
            x[i] -= factor * x[k];
        }
    }
    for k in (0..n).rev() {
        x[k] = (x[k] - dot(&a[k][k + 1..], &x[k + 1..])) / a[k][k];
    }
    Some(x)
}

pub(super) fn largest_difference(a: &Matrix, b: &Matrix) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
}
