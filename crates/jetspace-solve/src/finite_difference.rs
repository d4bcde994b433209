//! Weights of finite differences on arbitrary nodes.

/// Weights with which values at the nodes give the derivative of order `order` of their polynomial
/// at `x`.
///
/// B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp.
/// 51 (1988) 699–706.
pub(crate) fn weights(x: f64, nodes: &[f64], order: usize) -> Vec<f64> {
    // weights[m][j]: of the derivative of order m at the node j, over the nodes up to now.
    let mut weights = vec![vec![0.0; nodes.len()]; order + 1];
    let Some(&first) = nodes.first() else { return Vec::new() };
    weights[0][0] = 1.0;
    let (mut product, mut last) = (1.0, first - x);
    for n in 1..nodes.len() {
        let most = order.min(n);
        let (mut denominator, before) = (1.0, last);
        last = nodes[n] - x;
        for j in 0..n {
            let distance = nodes[n] - nodes[j];
            denominator *= distance;
            if j == n - 1 {
                for m in (0..=most).rev() {
                    let lower = if m > 0 { m as f64 * weights[m - 1][j] } else { 0.0 };
                    weights[m][n] = product / denominator * (lower - before * weights[m][j]);
                }
            }
            for m in (0..=most).rev() {
                let lower = if m > 0 { m as f64 * weights[m - 1][j] } else { 0.0 };
                weights[m][j] = (last * weights[m][j] - lower) / distance;
            }
        }
        product = denominator;
    }
    weights.swap_remove(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_differentiated_exactly() {
        let nodes = [0.0, 0.1, 0.25, 0.4, 0.55, 0.6];
        let apply = |order, x: f64, f: &dyn Fn(f64) -> f64| -> f64 {
            weights(x, &nodes, order).iter().zip(&nodes).map(|(w, &t)| w * f(t)).sum()
        };
        for x in [-0.05_f64, 0.0, 0.31, 0.6] {
            let f = |t: f64| t.powi(5) - 2.0 * t.powi(3) + t;
            assert!((apply(0, x, &f) - f(x)).abs() < 1e-13);
            let first = 5.0 * x.powi(4) - 6.0 * x * x + 1.0;
            assert!((apply(1, x, &f) - first).abs() < 1e-11);
            let second = 20.0 * x.powi(3) - 12.0 * x;
            assert!((apply(2, x, &f) - second).abs() < 1e-9);
        }
    }

    #[test]
    fn one_node_is_a_constant() {
        assert_eq!(weights(3.0, &[1.0], 0), [1.0]);
        assert_eq!(weights(3.0, &[1.0], 1), [0.0]);
        assert!(weights(3.0, &[], 0).is_empty());
    }
}
