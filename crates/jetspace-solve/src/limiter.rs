//! Slopes within cells from the differences to their neighbours.

/// Which slope a cell has, given the differences to its neighbours on both sides. Where they differ
/// in sign, at an extremum, it is 0, so that no new extrema arise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiter {
    /// The smaller of the two differences: the most careful.
    ///
    /// P. L. Roe, "Characteristic-based schemes for the Euler equations", Annu. Rev. Fluid Mech. 18
    /// (1986) 337–365.
    Minmod,
    /// Their harmonic mean, 2ab/(a + b): sharper.
    ///
    /// B. van Leer, "Towards the ultimate conservative difference scheme II", J. Comput. Phys. 14
    /// (1974) 361–370.
    VanLeer,
}

impl Limiter {
    /// The slope, per distance of nodes.
    #[must_use]
    pub fn slope(self, before: f64, after: f64) -> f64 {
        let product = before * after;
        if product <= 0.0 {
            return 0.0;
        }
        match self {
            Self::Minmod => before.abs().min(after.abs()).copysign(before),
            Self::VanLeer => 2.0 * product / (before + after),
        }
    }
}
