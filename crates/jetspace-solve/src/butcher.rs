//! Coefficients of explicit Runge–Kutta methods.

/// An explicit method: kᵢ = f(t + cᵢ h, y + h Σⱼ aᵢⱼ kⱼ), and y + h Σ bᵢ kᵢ is the next state.
#[derive(Debug)]
pub(crate) struct Tableau {
    /// cᵢ.
    pub nodes: &'static [f64],
    /// aᵢⱼ for j < i.
    pub stages: &'static [&'static [f64]],
    /// bᵢ.
    pub weights: &'static [f64],
    /// bᵢ − b̂ᵢ, where b̂ is a method of lower order: h Σ (bᵢ − b̂ᵢ) kᵢ estimates its error.
    pub errors: &'static [f64],
}

/// The classical method of fourth order.
///
/// W. Kutta, "Beitrag zur näherungsweisen Integration totaler Differentialgleichungen", Z. Math. Phys.
/// 46 (1901) 435–453.
pub(crate) const CLASSICAL: Tableau = Tableau {
    nodes: &[0.0, 0.5, 0.5, 1.0],
    stages: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    weights: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    errors: &[],
};

/// The pair 5(4): a method of fifth order with an estimate of fourth order.
///
/// J. R. Dormand and P. J. Prince, "A family of embedded Runge–Kutta formulae", J. Comput. Appl. Math.
/// 6 (1980) 19–26, table 2.
pub(crate) const DORMAND_PRINCE: Tableau = Tableau {
    nodes: &[0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0],
    stages: &[
        &[],
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ],
    weights: &[
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
        0.0,
    ],
    errors: &[
        35.0 / 384.0 - 5179.0 / 57600.0,
        0.0,
        500.0 / 1113.0 - 7571.0 / 16695.0,
        125.0 / 192.0 - 393.0 / 640.0,
        -2187.0 / 6784.0 + 92097.0 / 339_200.0,
        11.0 / 84.0 - 187.0 / 2100.0,
        -1.0 / 40.0,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The conditions of order for all rooted trees with up to four vertices, and one with five
    /// (Hairer, Nørsett and Wanner, table II.2.1).
    #[test]
    fn conditions_of_order() {
        for (tableau, order) in [(&CLASSICAL, 4), (&DORMAND_PRINCE, 5)] {
            let c = tableau.nodes;
            for (row, node) in tableau.stages.iter().zip(c) {
                assert!((row.iter().sum::<f64>() - node).abs() < 1e-14);
            }
            // A x, with the matrix of stages.
            let apply = |x: &dyn Fn(usize) -> f64| -> Vec<f64> {
                let row = |row: &&[f64]| row.iter().enumerate().map(|(j, a)| a * x(j)).sum();
                tableau.stages.iter().map(row).collect()
            };
            let ac = apply(&|j| c[j]);
            let (ac2, aac) = (apply(&|j| c[j] * c[j]), apply(&|j| ac[j]));
            let sum = |weights: &[f64], x: &dyn Fn(usize) -> f64| -> f64 {
                weights.iter().enumerate().map(|(i, b)| b * x(i)).sum()
            };
            let fourth: [(&dyn Fn(usize) -> f64, f64); 8] = [
                (&|_| 1.0, 1.0),
                (&|i| c[i], 1.0 / 2.0),
                (&|i| c[i].powi(2), 1.0 / 3.0),
                (&|i| ac[i], 1.0 / 6.0),
                (&|i| c[i].powi(3), 1.0 / 4.0),
                (&|i| c[i] * ac[i], 1.0 / 8.0),
                (&|i| ac2[i], 1.0 / 12.0),
                (&|i| aac[i], 1.0 / 24.0),
            ];
            for (tree, value) in fourth {
                assert!((sum(tableau.weights, tree) - value).abs() < 1e-14);
                // The method with b̂ is of order four too, so that differences vanish.
                assert!(sum(tableau.errors, tree).abs() < 1e-14);
            }
            if order == 5 {
                assert!((sum(tableau.weights, &|i| c[i].powi(4)) - 0.2).abs() < 1e-14);
                assert!(sum(tableau.errors, &|i| c[i].powi(4)).abs() > 1e-4);
            }
        }
    }
}
