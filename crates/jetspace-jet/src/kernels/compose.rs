//! The composition rule on panels: jets of σ(z) from jets of z, and everything that the reverse
//! sweep needs of it.
//!
//! With B_g = Σ coefficient ∏ z_factor the sum of a group of [`Product`]s (same target, same order),
//!
//! - forward:         a_c = σ′ z_c + Σ_g σ^(k_g) B_g,
//! - read-off:        u_α += γ Σ_g σ^(k_g) B_g, with the adjoint γ = ∂u/∂a of this layer's unit,
//! - adjoint, reversed: γ̄ = σ′ ζ̄ + Σ_α ū_α Σ_g σ^(k_g) B_g, where ζ = σ′ γ is the adjoint of z,
//! - reverse:         z̄ from ā, by differentiating the first two lines, plus σ″ γ ζ̄ from ζ = σ′ γ.
//!
//! The rule is a [`Table`]: common ones are constants, so that the compiler unrolls them into
//! straight-line code; all others are read from memory. Both run through the same functions.

use pulp::{Arch, Simd, WithSimd};

use super::activation::{AUXILIARIES, DERIVATIVES, Rows, derive, evaluate, tanh_derivatives};
use super::elementary;
use super::group_lanes;
use super::lanes::{Lanes, lane_count};
use super::panel::{Panel, PanelMut};
use super::tables::{Table, TableChoice, with_table};
use crate::Real;
use crate::network::Activation;

/// One layer of a tile, as the rule sees it.
pub struct LayerState<'a, T> {
    /// The activation of each row, cycled (one entry if all are the same).
    pub activations: &'a [Activation],
    /// Jets of the pre-activations.
    pub z: PanelMut<'a, T>,
    /// Jets of the activations.
    pub a: PanelMut<'a, T>,
    /// What activations keep: rows × groups × [`AUXILIARIES`] lines, or empty if none keeps any.
    pub auxiliary: &'a mut [T],
    /// One row of derivatives of σ: groups × [`DERIVATIVES`] lines.
    pub scratch: &'a mut [T],
}

/// What to compute of a layer. Panels of adjoints have one component per output of the network;
/// `read_off` panels have one row and outputs × read-off components.
pub enum Step<'a, T> {
    /// a from z + bias.
    Forward { bias: &'a [T], order: usize },
    /// ζ = σ′ γ, and the read-off components, accumulated over the rows.
    ReadOff { order: usize, gamma: Panel<'a, T>, zeta: PanelMut<'a, T>, read_off: PanelMut<'a, T> },
    /// γ̄ from ζ̄ and the cotangents of the read-off components.
    AdjointReverse {
        order: usize,
        zeta_bar: Panel<'a, T>,
        read_off_bar: Panel<'a, T>,
        gamma_bar: PanelMut<'a, T>,
    },
    /// z̄ from ā, in place; and ζ again, for the weights' gradient.
    Reverse { order: usize, bar: PanelMut<'a, T>, adjoint: Option<AdjointParts<'a, T>> },
}

/// What the reverse step needs of the adjoint channels.
pub struct AdjointParts<'a, T> {
    pub gamma: Panel<'a, T>,
    pub zeta_bar: Panel<'a, T>,
    pub read_off_bar: Panel<'a, T>,
    pub zeta: PanelMut<'a, T>,
}

/// Runs one step over all rows of a layer.
pub fn compose<'a, T: Real>(
    arch: Arch,
    table: &TableChoice,
    layer: LayerState<'a, T>,
    step: Step<'a, T>,
) {
    let extent = layer.z.extent;
    let line = group_lanes::<T>();
    assert_eq!(extent, layer.a.extent, "z and a have one extent");
    assert_eq!(layer.scratch.len(), extent.groups * DERIVATIVES * line, "scratch is one row");
    let same = |p: &Panel<'_, T>| p.extent.groups == extent.groups && p.extent.rows == extent.rows;
    match &step {
        Step::Forward { bias, .. } => assert!(bias.len() == extent.rows || bias.is_empty()),
        Step::ReadOff { gamma, zeta, read_off, .. } => {
            assert!(same(gamma) && gamma.extent == zeta.extent && read_off.extent.rows == 1);
            assert!(read_off.extent.groups == extent.groups);
        }
        Step::AdjointReverse { zeta_bar, read_off_bar, gamma_bar, .. } => {
            assert!(same(zeta_bar) && zeta_bar.extent == gamma_bar.extent);
            assert!(read_off_bar.extent.groups == extent.groups && read_off_bar.extent.rows == 1);
        }
        Step::Reverse { bar, adjoint, .. } => {
            assert_eq!(bar.extent, extent, "cotangents have the extent of z");
            if let Some(AdjointParts { gamma, zeta_bar, read_off_bar, zeta }) = adjoint {
                assert!(same(gamma) && gamma.extent == zeta.extent);
                assert!(gamma.extent == zeta_bar.extent && read_off_bar.extent.rows == 1);
                assert!(read_off_bar.extent.groups == extent.groups);
            }
        }
    }
    let tanh = layer.activations == [Activation::Tanh];
    with_table!(table, |table, C, G| if tanh {
        arch.dispatch(Compose::<_, _, C, G, true> { table, layer, step });
    } else {
        arch.dispatch(Compose::<_, _, C, G, false> { table, layer, step });
    });
}

/// `C` bounds the carried and read-off components, `G` the groups of products. With `TANH`, the
/// activation is computed in registers; others leave their derivatives in the scratch row.
struct Compose<'a, T, R, const C: usize, const G: usize, const TANH: bool> {
    table: R,
    layer: LayerState<'a, T>,
    step: Step<'a, T>,
}

impl<T: Real, R: Table, const C: usize, const G: usize, const TANH: bool> WithSimd
    for Compose<'_, T, R, C, G, TANH>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { table, mut layer, step } = self;
        assert!(table.carried() == layer.z.extent.components && table.carried() <= C);
        assert!(table.groups().len() <= G);
        let rule = Rule::<T, R, C, G, TANH> { table, _scalar: std::marker::PhantomData };
        let rows = layer.z.extent.rows;
        match step {
            Step::Forward { bias, order } => {
                for r in 0..rows {
                    let bias = bias.get(r).copied().unwrap_or(T::ZERO);
                    let mut row = layer.row(r, order, bias);
                    if !TANH {
                        evaluate(simd, row.reborrow());
                    }
                    if TANH || rule.table.carried() > 1 {
                        rule.forward(simd, &mut row);
                    }
                }
            }
            Step::ReadOff { order, gamma, mut zeta, mut read_off } => {
                let width = read_off.extent.components;
                for r in 0..rows {
                    let mut row = layer.row(r, order, T::ZERO);
                    if !TANH {
                        derive(simd, row.reborrow());
                    }
                    let adjoint = (gamma.row(r), zeta.row_mut(r));
                    rule.read_off(simd, &row, adjoint, read_off.row_mut(0), width);
                }
            }
            Step::AdjointReverse { order, zeta_bar, read_off_bar, mut gamma_bar } => {
                let width = read_off_bar.extent.components;
                for r in 0..rows {
                    let mut row = layer.row(r, order, T::ZERO);
                    if !TANH {
                        derive(simd, row.reborrow());
                    }
                    let adjoint = (zeta_bar.row(r), gamma_bar.row_mut(r));
                    rule.adjoint_reverse(simd, &row, adjoint, read_off_bar.row(0), width);
                }
            }
            Step::Reverse { order, mut bar, mut adjoint } => {
                for r in 0..rows {
                    let mut row = layer.row(r, order, T::ZERO);
                    if !TANH {
                        derive(simd, row.reborrow());
                    }
                    let adjoint = adjoint.as_mut().map(|parts| AdjointRow {
                        gamma: parts.gamma.row(r),
                        zeta_bar: parts.zeta_bar.row(r),
                        zeta: parts.zeta.row_mut(r),
                        read_off_bar: parts.read_off_bar.row(0),
                        width: parts.read_off_bar.extent.components,
                    });
                    rule.reverse(simd, &row, bar.row_mut(r), adjoint);
                }
            }
        }
    }
}

impl<T: Real> LayerState<'_, T> {
    /// Row `r` with what its activation needs.
    #[inline(always)]
    fn row(&mut self, r: usize, order: usize, bias: T) -> Rows<'_, T> {
        let kept = self.z.extent.groups * AUXILIARIES * group_lanes::<T>();
        let auxiliary = if self.auxiliary.is_empty() {
            &mut self.auxiliary[..0]
        } else {
            &mut self.auxiliary[r * kept..][..kept]
        };
        Rows {
            activation: self.activations[r % self.activations.len()],
            components: self.z.extent.components,
            order,
            bias,
            z: self.z.row_mut(r),
            a: self.a.row_mut(r),
            auxiliary,
            derivatives: self.scratch,
        }
    }
}

impl<T: Real> Rows<'_, T> {
    #[inline(always)]
    fn reborrow(&mut self) -> Rows<'_, T> {
        Rows {
            activation: self.activation,
            components: self.components,
            order: self.order,
            bias: self.bias,
            z: self.z,
            a: self.a,
            auxiliary: self.auxiliary,
            derivatives: self.derivatives,
        }
    }
}

struct AdjointRow<'a, T> {
    gamma: &'a [T],
    zeta_bar: &'a [T],
    zeta: &'a mut [T],
    read_off_bar: &'a [T],
    width: usize,
}

struct Rule<T, R, const C: usize, const G: usize, const TANH: bool> {
    table: R,
    _scalar: std::marker::PhantomData<T>,
}

/// Derivatives of σ, indexed by their order; index 0 is not used.
type Sigma<S, T> = [Lanes<S, T>; DERIVATIVES + 1];

impl<T: Real, R: Table, const C: usize, const G: usize, const TANH: bool> Rule<T, R, C, G, TANH> {
    /// a_c for c ≥ 1, and a_0 unless [`evaluate`] has done it.
    #[inline(always)]
    fn forward<S: Simd>(&self, simd: S, row: &mut Rows<'_, T>) {
        let components = self.table.carried();
        let size = components * group_lanes::<T>();
        assert!(row.a.len() == row.z.len());
        let bias = Lanes::splat(simd, row.bias);
        for_each_register::<S, T>(row.z.len() / size, |g, lane| {
            // SAFETY: `at` addresses component 0 of a group within the row; the loads and stores
            // reach `components` lines from its group's start. Scratch has the row's groups.
            unsafe {
                let at = g * size + lane;
                let out = row.a.as_mut_ptr().add(at);
                if TANH {
                    elementary::tanh(Lanes::load(simd, row.z.as_ptr().add(at)) + bias).store(out);
                }
                let z: [_; C] = load_components(simd, row.z.as_ptr().add(at), components);
                let sigma = self.sigma(simd, row, g, lane, self.table.order());
                let sums = self.sums(simd, &z);
                let mut a = [Lanes::splat(simd, T::ZERO); C];
                for c in 1..components {
                    a[c] = sigma[1] * z[c];
                }
                for i in 0..self.table.groups().len() {
                    let group = self.table.groups()[i];
                    let c = usize::from(group.target);
                    if c < components {
                        a[c] = sigma[usize::from(group.order)].mul_add(sums[i], a[c]);
                    }
                }
                for c in 1..components {
                    a[c].store(out.add(c * group_lanes::<T>()));
                }
            }
        });
    }

    #[inline(always)]
    fn read_off<S: Simd>(
        &self,
        simd: S,
        row: &Rows<'_, T>,
        (gamma, zeta): (&[T], &mut [T]),
        target: &mut [T],
        width: usize,
    ) {
        let components = self.table.carried();
        let line = group_lanes::<T>();
        let groups = row.z.len() / (components * line);
        let outputs = Self::outputs(zeta.len(), groups);
        assert!(gamma.len() == groups * outputs * line && zeta.len() == gamma.len());
        assert!(target.len() == groups * width * line);
        let per_output = width / outputs.max(1);
        for_each_register::<S, T>(groups, |g, lane| {
            // SAFETY: as in `forward`; adjoints have `outputs` lines a group and the read-off row
            // `width` = outputs × per_output, asserted above.
            unsafe {
                let z: [_; C] = load_components(
                    simd,
                    row.z.as_ptr().add(g * components * line + lane),
                    components,
                );
                let sigma = self.sigma(simd, row, g, lane, self.table.order());
                let source = self.source(simd, &z, &sigma);
                for m in 0..outputs {
                    let at = (g * outputs + m) * line + lane;
                    let gamma = Lanes::load(simd, gamma.as_ptr().add(at));
                    (sigma[1] * gamma).store(zeta.as_mut_ptr().add(at));
                    for i in 0..self.table.groups().len() {
                        let c = usize::from(self.table.groups()[i].target);
                        if c >= components {
                            let at = (g * width + m * per_output + c - components) * line + lane;
                            let target = target.as_mut_ptr().add(at);
                            gamma.mul_add(source[i], Lanes::load(simd, target)).store(target);
                        }
                    }
                }
            }
        });
    }

    #[inline(always)]
    fn adjoint_reverse<S: Simd>(
        &self,
        simd: S,
        row: &Rows<'_, T>,
        (zeta_bar, gamma_bar): (&[T], &mut [T]),
        read_off_bar: &[T],
        width: usize,
    ) {
        let components = self.table.carried();
        let line = group_lanes::<T>();
        let groups = row.z.len() / (components * line);
        let outputs = Self::outputs(zeta_bar.len(), groups);
        assert!(zeta_bar.len() == groups * outputs * line && zeta_bar.len() == gamma_bar.len());
        assert!(read_off_bar.len() == groups * width * line);
        let per_output = width / outputs.max(1);
        for_each_register::<S, T>(groups, |g, lane| {
            // SAFETY: as in `read_off`.
            unsafe {
                let z: [_; C] = load_components(
                    simd,
                    row.z.as_ptr().add(g * components * line + lane),
                    components,
                );
                let sigma = self.sigma(simd, row, g, lane, self.table.order());
                let source = self.source(simd, &z, &sigma);
                for m in 0..outputs {
                    let at = (g * outputs + m) * line + lane;
                    let mut bar = sigma[1] * Lanes::load(simd, zeta_bar.as_ptr().add(at));
                    for i in 0..self.table.groups().len() {
                        let c = usize::from(self.table.groups()[i].target);
                        if c >= components {
                            let at = (g * width + m * per_output + c - components) * line + lane;
                            let weight = Lanes::load(simd, read_off_bar.as_ptr().add(at));
                            bar = weight.mul_add(source[i], bar);
                        }
                    }
                    bar.store(gamma_bar.as_mut_ptr().add(at));
                }
            }
        });
    }

    /// z̄ in place of ā.
    #[inline(always)]
    fn reverse<S: Simd>(
        &self,
        simd: S,
        row: &Rows<'_, T>,
        bar: &mut [T],
        mut adjoint: Option<AdjointRow<'_, T>>,
    ) {
        let components = self.table.carried();
        let line = group_lanes::<T>();
        let groups = row.z.len() / (components * line);
        assert!(bar.len() == row.z.len());
        // A value alone, without adjoint channels, needs σ′ only.
        let reverse_order =
            if components == 1 && adjoint.is_none() { 1 } else { self.table.order() + 1 };
        let (mut outputs, mut per_output) = (0, 0);
        if let Some(a) = &adjoint {
            outputs = Self::outputs(a.gamma.len(), groups);
            per_output = a.width / outputs.max(1);
            assert!(a.gamma.len() == groups * outputs * line && a.zeta_bar.len() == a.gamma.len());
            assert!(
                a.zeta.len() == a.gamma.len() && a.read_off_bar.len() == groups * a.width * line
            );
        }
        for_each_register::<S, T>(groups, |g, lane| {
            // SAFETY: as in `forward` and `read_off`; extents asserted above.
            unsafe {
                let at = g * components * line + lane;
                let z: [_; C] = load_components(simd, row.z.as_ptr().add(at), components);
                let sigma = self.sigma(simd, row, g, lane, reverse_order);
                let out = bar.as_mut_ptr().add(at);
                // Weights of the targets: ā_c, then Σ_m ū_mα γ_m of the read-off components.
                let mut weights = [Lanes::splat(simd, T::ZERO); C];
                for c in 0..components {
                    weights[c] = Lanes::load(simd, out.add(c * line));
                }
                let mut bars = [Lanes::splat(simd, T::ZERO); C];
                bars[0] = weights[0] * sigma[1];
                for c in 1..components {
                    bars[0] = (weights[c] * sigma[2]).mul_add(z[c], bars[0]);
                    bars[c] = weights[c] * sigma[1];
                }
                if let Some(a) = &mut adjoint {
                    for m in 0..outputs {
                        let at = (g * outputs + m) * line + lane;
                        let gamma = Lanes::load(simd, a.gamma.as_ptr().add(at));
                        let zeta_bar = Lanes::load(simd, a.zeta_bar.as_ptr().add(at));
                        bars[0] = (sigma[2] * gamma).mul_add(zeta_bar, bars[0]);
                        (sigma[1] * gamma).store(a.zeta.as_mut_ptr().add(at));
                        for i in 0..self.table.groups().len() {
                            let c = usize::from(self.table.groups()[i].target);
                            // A component with several groups is weighted once.
                            let again =
                                i > 0 && usize::from(self.table.groups()[i - 1].target) == c;
                            if c >= components && !again {
                                let at =
                                    (g * a.width + m * per_output + c - components) * line + lane;
                                let bar = Lanes::load(simd, a.read_off_bar.as_ptr().add(at));
                                weights[c] = bar.mul_add(gamma, weights[c]);
                            }
                        }
                    }
                }
                let sums = self.sums(simd, &z);
                let mut slopes = [Lanes::splat(simd, T::ZERO); G];
                for i in 0..self.table.groups().len() {
                    let group = self.table.groups()[i];
                    let (weight, k) =
                        (weights[usize::from(group.target)], usize::from(group.order));
                    bars[0] = (weight * sigma[k + 1]).mul_add(sums[i], bars[0]);
                    slopes[i] = weight * sigma[k];
                }
                for i in 0..self.table.slopes().len() {
                    let slope = &self.table.slopes()[i];
                    let [o, p, q] = slope.others.map(|other| z[usize::from(other)]);
                    let weight =
                        slopes[usize::from(slope.group)] * Lanes::constant(simd, slope.coefficient);
                    let target = usize::from(slope.target);
                    bars[target] = (weight * o * p).mul_add(q, bars[target]);
                }
                for c in 0..components {
                    bars[c].store(out.add(c * line));
                }
            }
        });
    }

    /// σ′ … σ^(order): from a = tanh z, or as [`derive`] left them.
    ///
    /// # Safety
    /// `g` and `lane` must lie within the row.
    #[inline(always)]
    unsafe fn sigma<S: Simd>(
        &self,
        simd: S,
        row: &Rows<'_, T>,
        g: usize,
        lane: usize,
        order: usize,
    ) -> Sigma<S, T> {
        // SAFETY: the caller vouches for g and lane; a row has `carried` lines per group.
        unsafe {
            if TANH {
                let at = g * self.table.carried() * group_lanes::<T>() + lane;
                tanh_derivatives(Lanes::load(simd, row.a.as_ptr().add(at)), order)
            } else {
                load_sigma(simd, row, g, lane, order)
            }
        }
    }

    /// Number of adjoint channels in a row of this length.
    #[inline(always)]
    fn outputs(length: usize, groups: usize) -> usize {
        if R::SINGLE_OUTPUT { 1 } else { length / (groups * group_lanes::<T>()).max(1) }
    }

    /// B_g for every group.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S, z: &[Lanes<S, T>; C]) -> [Lanes<S, T>; G] {
        let mut sums = [Lanes::splat(simd, T::ZERO); G];
        for i in 0..self.table.summands().len() {
            let summand = &self.table.summands()[i];
            let [o, p, q, r] = summand.factors.map(|factor| z[usize::from(factor)]);
            let sum = &mut sums[usize::from(summand.group)];
            *sum = (Lanes::constant(simd, summand.coefficient) * o * p * q).mul_add(r, *sum);
        }
        sums
    }

    /// σ^(k_g) B_g for every group.
    #[inline(always)]
    fn source<S: Simd>(
        &self,
        simd: S,
        z: &[Lanes<S, T>; C],
        sigma: &Sigma<S, T>,
    ) -> [Lanes<S, T>; G] {
        let mut source = self.sums(simd, z);
        for i in 0..self.table.groups().len() {
            source[i] = source[i] * sigma[usize::from(self.table.groups()[i].order)];
        }
        source
    }
}

#[inline(always)]
fn for_each_register<S: Simd, T: Real>(groups: usize, mut body: impl FnMut(usize, usize)) {
    for g in 0..groups {
        for lane in (0..group_lanes::<T>()).step_by(lane_count::<S, T>()) {
            body(g, lane);
        }
    }
}

/// The components of one register of points; 1 in place of the value, which is never a factor.
///
/// # Safety
/// `at` must address component 0 of a group of `components` lines.
#[inline(always)]
unsafe fn load_components<S: Simd, T: Real, const C: usize>(
    simd: S,
    at: *const T,
    components: usize,
) -> [Lanes<S, T>; C] {
    let mut z = [Lanes::splat(simd, T::ONE); C];
    for c in 1..components {
        // SAFETY: the caller vouches for `components` lines.
        z[c] = unsafe { Lanes::load(simd, at.add(c * group_lanes::<T>())) };
    }
    z
}

/// σ′ … σ^(order) as [`derive`] left them.
///
/// # Safety
/// `g` and `lane` must lie within the row.
#[inline(always)]
unsafe fn load_sigma<S: Simd, T: Real>(
    simd: S,
    row: &Rows<'_, T>,
    g: usize,
    lane: usize,
    order: usize,
) -> Sigma<S, T> {
    let line = group_lanes::<T>();
    let mut sigma = [Lanes::splat(simd, T::ZERO); DERIVATIVES + 1];
    for k in 1..=order.min(DERIVATIVES) {
        let at = (g * DERIVATIVES + k - 1) * line + lane;
        // SAFETY: scratch has DERIVATIVES lines per group of the row.
        sigma[k] = unsafe { Lanes::load(simd, row.derivatives.as_ptr().add(at)) };
    }
    sigma
}
