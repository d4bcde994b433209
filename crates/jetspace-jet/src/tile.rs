//! One tile of points through the whole network and back: forward jets, adjoint channels, reverse
//! sweep.
//!
//! A [`Worker`] owns the memory for one tile and is reused for all tiles of a thread. Names follow
//! the formulas: z and a are the jets before and after a layer's activation, γ = ∂u/∂a and ζ = ∂u/∂z
//! the adjoint channels, a bar marks the cotangent that the reverse sweep brings.

mod reverse;
mod seed;

use pulp::Arch;

pub use self::reverse::Sink;
use self::seed::Seed;
use crate::Real;
use crate::compiled::Compiled;
use crate::kernels::activation::{AUXILIARIES, DERIVATIVES};
use crate::kernels::compose::{LayerState, Step};
use crate::kernels::group_lanes;
use crate::kernels::panel::{Buffer, Extent, Panel, PanelMut};
use crate::plan::{Plan, Slot};
use crate::points::{CotangentTile, JetTile, Points, TileRange, TileShape};

/// Lanes of a group of the smallest type.
const MOST_LANES: usize = group_lanes::<f32>();

#[derive(Default)]
struct LayerBuffers {
    z: Buffer,
    a: Buffer,
    auxiliary: Buffer,
    gamma: Buffer,
    zeta_bar: Buffer,
    gamma_bar: Buffer,
}

/// The memory for one tile, and the sweeps over it.
pub struct Worker {
    arch: Arch,
    layers: Vec<LayerBuffers>,
    input: Buffer,
    input_gamma: Buffer,
    input_gamma_bar: Buffer,
    scratch: Buffer,
    /// Cotangents of a layer's jets, and of the layer below: they change places.
    bars: [Buffer; 2],
    zeta: Buffer,
    read_off: Buffer,
    read_off_bar: Buffer,
    /// Products with a vector's weights, for J·v.
    tangent: Buffer,
    jets: Buffer,
    cotangents: Buffer,
    input_gradient: Buffer,
    /// Sums of a chunk of tiles.
    pub partial: Buffer,
    /// Numbers per lane.
    pub lane_values: Buffer,
}

/// What stays the same for all tiles of a call.
#[derive(Clone, Copy)]
pub struct Context<'a, T> {
    pub network: &'a Compiled<T>,
    pub plan: &'a Plan,
    pub weights: &'a [T],
    pub points: Points<'a, T>,
}

impl Worker {
    pub fn new(arch: Arch, layers: usize) -> Self {
        Self {
            arch,
            layers: (0..layers).map(|_| LayerBuffers::default()).collect(),
            input: Buffer::default(),
            input_gamma: Buffer::default(),
            input_gamma_bar: Buffer::default(),
            scratch: Buffer::default(),
            bars: [Buffer::default(), Buffer::default()],
            zeta: Buffer::default(),
            read_off: Buffer::default(),
            read_off_bar: Buffer::default(),
            tangent: Buffer::default(),
            jets: Buffer::default(),
            cotangents: Buffer::default(),
            input_gradient: Buffer::default(),
            partial: Buffer::default(),
            lane_values: Buffer::default(),
        }
    }

    /// The jets of the tile, `[output][component]` rows of whole groups of lanes.
    ///
    /// With `keep`, everything that [`reverse`](Self::reverse) needs is kept; without, layers share
    /// memory.
    pub fn forward<T: Real>(&mut self, call: Context<'_, T>, tile: TileRange, keep: bool) {
        let (network, plan) = (call.network, call.plan);
        let groups = tile.len.div_ceil(group_lanes::<T>());
        let components = plan.rule.carried;
        let keep = keep || plan.uses_adjoint();
        let panel = |rows| Extent { rows, groups, components };
        self.fill_input(call, tile, panel(network.inputs));
        for (l, layer) in network.layers.iter().enumerate() {
            let at = if keep { l } else { l % 2 };
            let (below, here) = self.layers.split_at_mut(at);
            let (input, here) = match (l, at) {
                (0, _) => (&self.input, &mut here[0]),
                (_, 0) => {
                    let (first, second) = here.split_at_mut(1);
                    (&second[0].a, &mut first[0])
                }
                _ => (&below[at - 1].a, &mut here[0]),
            };
            let mut z = PanelMut::new(&mut here.z, panel(layer.units));
            let a = Panel::new(input, panel(layer.inputs));
            T::matmul(self.arch, layer.matrix(call.weights), a, &mut z);
            let kept = if layer.keeps_auxiliary { layer.units * groups } else { 0 };
            let state = LayerState {
                activations: &layer.activations,
                z,
                a: PanelMut::new(&mut here.a, panel(layer.units)),
                auxiliary: here.auxiliary.get(kept * AUXILIARIES * group_lanes::<T>()),
                scratch: self.scratch.get(groups * DERIVATIVES * group_lanes::<T>()),
            };
            let step =
                Step::Forward { bias: layer.biases(call.weights), order: plan.forward_order() };
            T::compose(self.arch, &plan.table, state, step);
        }
        if plan.uses_adjoint() {
            self.read_off(call, groups);
        }
        self.gather_jets(call, tile, groups, keep);
    }

    /// The adjoint channels from the output down, and the read-off components on the way.
    fn read_off<T: Real>(&mut self, call: Context<'_, T>, groups: usize) {
        let (network, plan) = (call.network, call.plan);
        let outputs = network.outputs;
        let adjoint = |rows| Extent { rows, groups, components: outputs };
        let sums = Extent { rows: 1, groups, components: outputs * plan.rule.read_off };
        self.read_off.get::<T>(sums.length::<T>()).fill(T::ZERO);
        let Some(last) = self.layers.last_mut() else { return };
        let mut gamma = PanelMut::<T>::new(&mut last.gamma, adjoint(outputs));
        for r in 0..outputs {
            let line = group_lanes::<T>();
            for (i, lanes) in gamma.row_mut(r).chunks_exact_mut(line).enumerate() {
                lanes.fill(if i % outputs == r { T::ONE } else { T::ZERO });
            }
        }
        let to_input = plan.reads_input_adjoint();
        for l in (0..network.layers.len()).rev() {
            let layer = &network.layers[l];
            let (below, here) = self.layers.split_at_mut(l);
            let LayerBuffers { z, a, auxiliary, gamma, .. } = &mut here[0];
            let state = Self::state(call, l, groups, z, a, auxiliary, &mut self.scratch);
            let step = Step::ReadOff {
                order: plan.read_off_order(),
                gamma: Panel::new(gamma, adjoint(layer.units)),
                zeta: PanelMut::new(&mut self.zeta, adjoint(layer.units)),
                read_off: PanelMut::new(&mut self.read_off, sums),
            };
            T::compose(self.arch, &plan.table, state, step);
            if l > 0 || to_input {
                let target = match below.last_mut() {
                    Some(below) => &mut below.gamma,
                    None => &mut self.input_gamma,
                };
                let zeta = Panel::new(&self.zeta, adjoint(layer.units));
                let mut target = PanelMut::new(target, adjoint(layer.inputs));
                T::matmul(self.arch, layer.matrix(call.weights).transposed(), zeta, &mut target);
            }
        }
    }

    /// What the composition rule needs of layer `l` after the forward sweep.
    fn state<'a, T: Real>(
        call: Context<'a, T>,
        l: usize,
        groups: usize,
        z: &'a mut Buffer,
        a: &'a mut Buffer,
        auxiliary: &'a mut Buffer,
        scratch: &'a mut Buffer,
    ) -> LayerState<'a, T> {
        let layer = &call.network.layers[l];
        let line = group_lanes::<T>();
        let extent = Extent { rows: layer.units, groups, components: call.plan.rule.carried };
        let kept = if layer.keeps_auxiliary { layer.units * groups } else { 0 };
        LayerState {
            activations: &layer.activations,
            z: PanelMut::new(z, extent),
            a: PanelMut::new(a, extent),
            auxiliary: auxiliary.get(kept * AUXILIARIES * line),
            scratch: scratch.get(groups * DERIVATIVES * line),
        }
    }

    /// The jets of the embedding's affine part: coordinates, and their first derivatives.
    fn fill_input<T: Real>(&mut self, call: Context<'_, T>, tile: TileRange, extent: Extent) {
        let line = group_lanes::<T>();
        let mut panel = PanelMut::<T>::new(&mut self.input, extent);
        for (i, &(centre, scale)) in call.network.affine.iter().enumerate() {
            let row = panel.row_mut(i);
            let column = &call.points.coordinate(i)[tile.first..][..tile.len];
            for c in 0..extent.components {
                let seed = Seed::new(call, c, i);
                for g in 0..extent.groups {
                    let lanes = &mut row[(g * extent.components + c) * line..][..line];
                    if c == 0 {
                        // Lanes beyond the last point repeat it, so that none computes nonsense.
                        let given = &column[g * line..column.len().min((g + 1) * line)];
                        lanes.fill((column[column.len() - 1] - centre) * scale);
                        for (lane, x) in lanes.iter_mut().zip(given) {
                            *lane = (*x - centre) * scale;
                        }
                    } else {
                        seed.write(tile, g, lanes);
                    }
                }
            }
        }
    }

    /// Collects the jets of the outputs, and adds the input's part to first-order read-offs:
    /// u_v = Σᵢ γᵢ · (first derivative of input i along v).
    fn gather_jets<T: Real>(
        &mut self,
        call: Context<'_, T>,
        tile: TileRange,
        groups: usize,
        keep: bool,
    ) {
        let (network, plan) = (call.network, call.plan);
        let line = group_lanes::<T>();
        let (outputs, count) = (network.outputs, plan.jets().len());
        let last = network.layers.len() - 1;
        let buffers = &self.layers[if keep { last } else { last % 2 }];
        let extent = Extent { rows: outputs, groups, components: plan.rule.carried };
        let a = Panel::<T>::new(&buffers.a, extent);
        let width = outputs * plan.rule.read_off;
        let sums = Extent { rows: 1, groups, components: width };
        let adjoint = Extent { rows: network.inputs, groups, components: outputs };
        let jets = self.jets.get::<T>(outputs * count * groups * line);
        let mut seeds = [T::ZERO; MOST_LANES];
        for (row, target) in jets.chunks_exact_mut(groups * line).enumerate() {
            let (output, component) = (row / count, row % count);
            let (source, stride, at) = match plan.slots()[component] {
                Slot::Carried(c) => (a.row(output), extent.components, c),
                Slot::ReadOff(i) => {
                    let sums = Panel::<T>::new(&self.read_off, sums).row(0);
                    (sums, width, output * plan.rule.read_off + i)
                }
            };
            for (g, lanes) in target.chunks_exact_mut(line).enumerate() {
                lanes.copy_from_slice(&source[(g * stride + at) * line..][..line]);
            }
            let Slot::ReadOff(i) = plan.slots()[component] else { continue };
            if plan.seeds[plan.rule.carried + i].is_empty() {
                continue;
            }
            let gamma = Panel::<T>::new(&self.input_gamma, adjoint);
            for input in 0..network.inputs {
                let seed = Seed::new(call, plan.rule.carried + i, input);
                for (g, lanes) in target.chunks_exact_mut(line).enumerate() {
                    seed.write(tile, g, &mut seeds[..line]);
                    let gamma = &gamma.row(input)[(g * outputs + output) * line..][..line];
                    for ((value, gamma), seed) in lanes.iter_mut().zip(gamma).zip(&seeds) {
                        *value += *gamma * *seed;
                    }
                }
            }
        }
    }

    /// The jets that the last [`forward`](Self::forward) left, and room for their cotangents
    /// (zero): both `[output][component]` rows of `lanes` numbers.
    pub fn jets_and_cotangents<T: Real>(
        &mut self,
        call: Context<'_, T>,
        tile: TileRange,
    ) -> (JetTile<'_, T>, CotangentTile<'_, T>) {
        let lanes = tile.len.div_ceil(group_lanes::<T>()) * group_lanes::<T>();
        let components = call.plan.jets().len();
        let length = call.network.outputs * components * lanes;
        let cotangents = self.cotangents.get::<T>(length);
        cotangents.fill(T::ZERO);
        let shape = TileShape { range: tile, lanes, components };
        let jets = JetTile { shape, data: self.jets.view(length) };
        (jets, CotangentTile { shape, data: cotangents })
    }
}
