//! Which member of Broyden's family of updates an iteration takes, and how it scales.

use super::matrix::RankTwo;

/// A rule for the update of a dense inverse Hessian H by a pair of s = Δθ and y = Δg,
///
/// H⁺ = (1/τ) (H − H y yᵀH / yᵀHy + φ v vᵀ) + s sᵀ / yᵀs,  v = √(yᵀHy) (s / yᵀs − H y / yᵀHy).
///
/// All rules are functions of b = sᵀBs / yᵀs with B = H⁻¹, of h = yᵀHy / yᵀs, and of the number n of
/// parameters. Whatever τ > 0 and φ, H⁺y = s.
///
/// The first H is the unit matrix. *Initial scaling* multiplies it by y·s / y·y before BFGS updates it
/// (Nocedal & Wright, equation 6.20): the first update has τ = h / σ, where σ = 1 for φ = 1. It makes
/// H as small as the largest curvature asks for; without it steps along small curvatures are longer
/// from the start. The published runs of the self-scaled methods are without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenseUpdate {
    /// Broyden, Fletcher, Goldfarb, Shanno: τ = 1, φ = 1.
    Bfgs,
    /// BFGS that takes back what H is too small by: τ = min(1, 1/b), φ = 1.
    ///
    /// M. Al-Baali, *Numerical experience with a class of self-scaling quasi-Newton algorithms*,
    /// J. Optim. Theory Appl. 96, 1998; `SSBFGS_AB` of Urbán et al., below.
    SelfScaledBfgs,
    /// The self-scaled Broyden method. With a = b h − 1, c = √(a / (1 + a)), ρ = min(1, 1/b),
    ///
    /// ρ⁻ = min(1, h (1 − c)),  θ⁻ = (ρ⁻ − 1) / a,  θ⁺ = 1 / ρ⁻,
    ///
    /// θ = max(θ⁻, min(θ⁺, (1 − b) / b)),  σ = 1 + a θ,  φ = (1 − θ) / σ,
    ///
    /// τ = ρ min(σ^(−1/(n−1)), 1/θ) for θ > 0, else min(ρ σ^(−1/(n−1)), σ).
    ///
    /// J. F. Urbán, P. Stefanou, J. A. Pons, *Unveiling the optimization process of physics informed
    /// neural networks: How accurate and competitive can PINNs be?*, J. Comput. Phys. 523, 2025,
    /// 113656, after M. Al-Baali, H. Khalfan, *A combined class of self-scaling and modified
    /// quasi-Newton methods*, Comput. Optim. Appl. 52, 2012. The formulas are those of the authors'
    /// program, which calls this rule `SSBroyden2` and names equations 13–23 of the article as its
    /// source; they were not compared with the print.
    SelfScaledBroyden,
}

/// τ and φ of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Coefficients {
    pub tau: f64,
    pub phi: f64,
}

impl DenseUpdate {
    /// τ and φ for b, h > 0 and n parameters.
    pub(super) fn coefficients(
        self,
        b: f64,
        h: f64,
        n: usize,
        is_initial_scaling: bool,
    ) -> Coefficients {
        let rho = f64::min(1.0, 1.0 / b);
        let (theta, sigma) = match self {
            Self::Bfgs | Self::SelfScaledBfgs => (0.0, 1.0),
            Self::SelfScaledBroyden => theta_and_sigma(b, h),
        };
        // One parameter: σ = 1, so that any exponent does.
        let root = libm::pow(sigma, -1.0 / (n.max(2) - 1) as f64);
        let tau = match self {
            _ if is_initial_scaling => h / sigma,
            Self::Bfgs => 1.0,
            Self::SelfScaledBfgs => rho,
            Self::SelfScaledBroyden if theta > 0.0 => rho * root.min(1.0 / theta),
            Self::SelfScaledBroyden => sigma.min(rho * root),
        };
        Coefficients { tau, phi: (1.0 - theta) / sigma }
    }

    /// The update as a change by s and u = H y, where `curvature` is yᵀs; `None` where it is not
    /// defined, because a curvature is not positive, or a number too large.
    pub(super) fn rank_two(
        self,
        curvature: f64,
        b: f64,
        h: f64,
        n: usize,
        is_initial_scaling: bool,
    ) -> Option<RankTwo> {
        let is_positive = curvature > 0.0 && b > 0.0 && h > 0.0; // Not so if one is NaN.
        if !is_positive {
            return None;
        }
        let Coefficients { tau, phi } = self.coefficients(b, h, n, is_initial_scaling);
        let (rho, image_curvature) = (1.0 / curvature, h * curvature);
        let change = RankTwo {
            c: 1.0 / tau,
            p: rho * (1.0 + phi * h / tau),
            q: -phi * rho / tau,
            r: (phi - 1.0) / (tau * image_curvature),
        };
        let RankTwo { c, p, q, r } = change;
        [c, p, q, r].iter().all(|number| number.is_finite()).then_some(change)
    }
}

/// θ and σ = 1 + a θ of the self-scaled Broyden method.
fn theta_and_sigma(b: f64, h: f64) -> (f64, f64) {
    // Not negative but for rounding (Cauchy–Schwarz).
    let a = (b * h - 1.0).max(0.0);
    // 1 − c = 1 / ((1 + a)(1 + c)), without cancellation.
    let c = (a / (1.0 + a)).sqrt();
    let rho_minus = f64::min(1.0, h / ((1.0 + a) * (1.0 + c)));
    let theta_minus = if a > 0.0 { (rho_minus - 1.0) / a } else { f64::NEG_INFINITY };
    let theta = f64::max(theta_minus, f64::min(1.0 / rho_minus, (1.0 - b) / b));
    (theta, 1.0 + a * theta)
}

#[cfg(test)]
impl DenseUpdate {
    pub(super) const ALL: [Self; 3] = [Self::Bfgs, Self::SelfScaledBfgs, Self::SelfScaledBroyden];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quasi_newton::dense_algebra::{
        Matrix, Vector, dot, identity, largest_difference, product, solve,
    };

    proptest! {
        /// Broyden's family is one of B = H⁻¹ too, with another parameter θ:
        /// B⁺ = τ (B − B s sᵀB / sᵀBs + θ w wᵀ) + y yᵀ / yᵀs, w = √(sᵀBs) (y / yᵀs − B s / sᵀBs).
        /// Here B is diagonal.
        #[test]
        fn the_update_of_h_is_the_inverse_of_that_of_b(
            numbers in prop::collection::vec((0.1..10.0, -1.0..1.0, -1.0..1.0), 2..6),
            which in 0_usize..3,
            is_initial_scaling in any::<bool>(),
        ) {
            let n = numbers.len();
            let b: Vector = numbers.iter().map(|t: &(f64, f64, f64)| t.0).collect();
            let s: Vector = numbers.iter().map(|t| t.1).collect();
            let y: Vector = numbers.iter().map(|t| 2.0 * t.1 + 0.5 * t.2).collect();
            let curvature = dot(&s, &y);
            prop_assume!(curvature > 1e-2);
            let hy: Vector = y.iter().zip(&b).map(|(y, b)| y / b).collect();
            let bs: Vector = s.iter().zip(&b).map(|(s, b)| s * b).collect();
            let (ratio_b, ratio_h) = (dot(&s, &bs) / curvature, dot(&y, &hy) / curvature);
            let a = ratio_b * ratio_h - 1.0;
            prop_assume!(a > 1e-3);

            let update = DenseUpdate::ALL[which];
            let change = update.rank_two(curvature, ratio_b, ratio_h, n, is_initial_scaling).unwrap();
            let tau = 1.0 / change.c;
            // φ from r = (φ − 1) / (τ yᵀHy), and θ from φ = (1 − θ) / (1 + a θ).
            let phi = 1.0 + change.r * tau * dot(&y, &hy);
            let theta = (1.0 - phi) / (1.0 + a * phi);
            let (mut h_new, mut b_new) = (identity(n), identity(n));
            for i in 0..n {
                for j in 0..n {
                    let unit = f64::from(u8::from(i == j));
                    h_new[i][j] = change.c * unit / b[i]
                        + change.p * s[i] * s[j]
                        + change.q * (s[i] * hy[j] + hy[i] * s[j])
                        + change.r * hy[i] * hy[j];
                    let w = |i: usize| y[i] / curvature - bs[i] / dot(&s, &bs);
                    let inner = unit * b[i] - bs[i] * bs[j] / dot(&s, &bs)
                        + theta * dot(&s, &bs) * w(i) * w(j);
                    b_new[i][j] = tau * inner + y[i] * y[j] / curvature;
                }
            }
            let sizes = |m: &Matrix| m.iter().flatten().map(|m| m.abs()).sum::<f64>();
            let error = largest_difference(&product(&h_new, &b_new), &identity(n));
            prop_assert!(error <= 1e-13 * sizes(&h_new) * sizes(&b_new), "{error}");
            prop_assert!(solve(h_new, s).is_some());
        }
    }

    #[test]
    fn rules_have_the_coefficients_worked_out_by_hand() {
        let root = 0.5_f64.sqrt();
        let broyden = DenseUpdate::SelfScaledBroyden;
        for (update, (b, h, n), (tau, phi)) in [
            (DenseUpdate::Bfgs, (2.0, 3.0, 5), (1.0, 1.0)),
            (DenseUpdate::SelfScaledBfgs, (2.0, 3.0, 5), (0.5, 1.0)),
            (DenseUpdate::SelfScaledBfgs, (0.5, 3.0, 5), (1.0, 1.0)),
            // a = 1, c = √½, ρ = ½, ρ⁻ = 1 − √½, θ⁻ = −√½, θ⁺ = 3.41…, θ = (1 − b)/b = −½, σ = ½,
            // σ^(−½) = √2: τ = min(½ √2, ½), φ = 1.5 / 0.5.
            (broyden, (2.0, 1.0, 3), (0.5, 3.0)),
            // a = 1, ρ = 1, ρ⁻ = min(1, 4 − 4 √½) = 1, θ⁻ = 0, θ⁺ = 1, θ = min(1, 1) = 1, σ = 2:
            // τ = min(2^(−½), 1), φ = 0.
            (broyden, (0.5, 4.0, 3), (root, 0.0)),
            // a = 0, as for one parameter: BFGS with τ = ρ, whatever φ, since v = 0.
            (broyden, (2.0, 0.5, 1), (0.5, 1.5)),
            // b = ⅛, h = 16: a = 1, ρ⁻ = 1, θ = min(1, 7) = 1: as above with n = 2, σ⁻¹ = ½.
            (broyden, (0.125, 16.0, 2), (0.5, 0.0)),
        ] {
            let found = update.coefficients(b, h, n, false);
            let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-14;
            assert!(
                close(found.tau, tau) && close(found.phi, phi),
                "{update:?} {b} {h}: {found:?}"
            );
            let scaled = update.coefficients(b, h, n, true);
            assert_eq!(scaled.phi, found.phi);
        }
        // b = 8, h = ½: a = 3, c = √¾, ρ⁻ = ½ (1 − √¾), and θ⁻ = (ρ⁻ − 1)/3 > (1 − b)/b: σ = ρ⁻.
        let rho_minus = 0.5 * (1.0 - 0.75_f64.sqrt());
        let found = broyden.coefficients(8.0, 0.5, 1000, true);
        assert!((found.tau * rho_minus - 0.5).abs() < 1e-14, "{found:?}");
        for (curvature, b, h) in [
            (0.0, 1.0, 1.0),
            (-1.0, 1.0, 1.0),
            (f64::NAN, 1.0, 1.0),
            (1e-320, 1.0, 1.0),
            (1.0, -1.0, 1.0),
            (1.0, 1.0, f64::NAN),
            (1.0, 1.0, f64::INFINITY),
        ] {
            for update in DenseUpdate::ALL {
                assert!(
                    update.rank_two(curvature, b, h, 3, false).is_none(),
                    "{curvature} {b} {h}"
                );
            }
        }
    }
}
