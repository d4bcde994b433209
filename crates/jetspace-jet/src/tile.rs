//! One tile of points through the whole network and back: forward jets, adjoint channels, reverse
//! sweep.
//!
//! A [`Worker`] owns the memory for one tile and is reused for all tiles of a thread. Names follow
//! the formulas: z and a are the jets before and after a layer's activation, γ = ∂u/∂a and ζ = ∂u/∂z
//! the adjoint channels, a bar marks the cotangent that the reverse sweep brings.

use pulp::Arch;

use crate::Real;
use crate::compiled::{Compiled, Source};
use crate::factors::FactoredLayer;
use crate::kernels::activation::{AUXILIARIES, DERIVATIVES};
use crate::kernels::compose::{AdjointParts, LayerState, Step};
use crate::kernels::matmul::Matrix;
use crate::kernels::panel::{Buffer, Extent, Panel, PanelMut};
use crate::kernels::{group_lanes, jacobian};
use crate::plan::{Plan, Slot};
use crate::points::{CotangentTile, JetTile, Points, TileRange, TileShape};

/// Lanes of a group of the smallest type.
const MOST_LANES: usize = group_lanes::<f32>();

/// What one reverse sweep produces, layer by layer.
pub enum Sink<'a, T> {
    /// The gradient of the weights, summed over the points; added to what is there if `accumulate`.
    Gradient { gradient: &'a mut [T], accumulate: bool },
    /// One row per point: the gradient of that point's residual. Row p starts at p · `stride`.
    Rows { rows: &'a mut [T], stride: usize },
    /// The factors of those rows; those of point p start at p · `stride`.
    Factors { factors: &'a mut [T], stride: usize, layers: &'a [FactoredLayer] },
    /// The product of those rows with a vector: one number per lane (whole groups).
    Product { vector: &'a [T], out: &'a mut [T] },
}

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

    /// The reverse sweep from the cotangents of the jets: feeds the sink, and (if asked) leaves the
    /// cotangents of the inputs.
    pub fn reverse<T: Real>(
        &mut self,
        call: Context<'_, T>,
        tile: TileRange,
        mut sink: Sink<'_, T>,
        inputs_wanted: bool,
    ) {
        let (network, plan) = (call.network, call.plan);
        let groups = tile.len.div_ceil(group_lanes::<T>());
        let components = plan.rule.carried;
        let outputs = network.outputs;
        let panel = |rows| Extent { rows, groups, components };
        let adjoint = |rows| Extent { rows, groups, components: outputs };
        let read_off = Extent { rows: 1, groups, components: outputs * plan.rule.read_off };
        self.scatter_cotangents(call, groups);
        if plan.uses_adjoint() {
            self.reverse_adjoint(call, tile, groups);
        }
        let to_input = plan.reads_input_adjoint();
        for l in (0..network.layers.len()).rev() {
            let layer = &network.layers[l];
            let (below, here) = self.layers.split_at_mut(l);
            let LayerBuffers { z, a, auxiliary, gamma, zeta_bar, .. } = &mut here[0];
            let state = Self::state(call, l, groups, z, a, auxiliary, &mut self.scratch);
            let [bar, next] = &mut self.bars;
            let mut bar = PanelMut::<T>::new(bar, panel(layer.units));
            let zeta = &mut self.zeta;
            let parts = plan.uses_adjoint().then(|| AdjointParts {
                gamma: Panel::new(gamma, adjoint(layer.units)),
                zeta_bar: Panel::new(zeta_bar, adjoint(layer.units)),
                read_off_bar: Panel::new(&self.read_off_bar, read_off),
                zeta: PanelMut::new(zeta, adjoint(layer.units)),
            });
            let step =
                Step::Reverse { order: plan.reverse_order(), bar: bar.reborrow(), adjoint: parts };
            T::compose(self.arch, &plan.table, state, step);

            let (input, gamma_bar) = match below.last() {
                Some(below) => (&below.a, &below.gamma_bar),
                None => (&self.input, &self.input_gamma_bar),
            };
            let forward = (bar.view(), Panel::new(input, panel(layer.inputs)));
            let adjoint = (plan.uses_adjoint() && (l > 0 || to_input)).then(|| {
                let zeta = Panel::new(&self.zeta, adjoint(layer.units));
                (zeta, Panel::new(gamma_bar, adjoint(layer.inputs)))
            });
            if let Source::Trained { weights, biases } = &layer.source {
                let whole = weights.start..biases.end;
                match &mut sink {
                    Sink::Gradient { gradient, accumulate } => {
                        let (of_weights, of_biases) = gradient[whole].split_at_mut(weights.len());
                        T::weight_gradient(self.arch, forward, adjoint, of_weights, *accumulate);
                        T::bias_gradient(self.arch, forward.0, of_biases, *accumulate);
                    }
                    Sink::Rows { rows, stride } => {
                        let at = weights.start;
                        let mut target = jacobian::Rows { data: rows, stride: *stride, at };
                        jacobian::rows(forward, adjoint, tile.len, &mut target);
                    }
                    Sink::Factors { factors, stride, layers } => {
                        // Layers that are not trained come first.
                        let layer = &layers[l + layers.len() - network.layers.len()];
                        let at = layer.cotangents.start;
                        let mut target = jacobian::Rows { data: factors, stride: *stride, at };
                        jacobian::factors(forward, adjoint, tile.len, &mut target);
                    }
                    Sink::Product { vector, out } => {
                        let (v, bias) = vector[whole].split_at(weights.len());
                        let v = Matrix::row_major(v, layer.units, layer.inputs);
                        for (d, a) in std::iter::once(forward).chain(adjoint) {
                            let mut tangent = PanelMut::new(&mut self.tangent, d.extent);
                            T::matmul(self.arch, v, a, &mut tangent);
                            jacobian::add_products(d, tangent.view(), out);
                        }
                        jacobian::add_bias_products(forward.0, bias, out);
                    }
                }
            }
            if l > 0 || inputs_wanted {
                let mut next = PanelMut::new(next, panel(layer.inputs));
                let transposed = layer.matrix(call.weights).transposed();
                T::matmul(self.arch, transposed, bar.view(), &mut next);
                self.bars.swap(0, 1);
            }
        }
        if inputs_wanted {
            let bar = Panel::<T>::new(&self.bars[0], panel(network.inputs));
            let line = group_lanes::<T>();
            let target = self.input_gradient.get::<T>(network.inputs * groups * line);
            for (i, target) in target.chunks_exact_mut(groups * line).enumerate() {
                for (g, lanes) in target.chunks_exact_mut(line).enumerate() {
                    let source = &bar.row(i)[g * components * line..][..line];
                    for (lane, value) in lanes.iter_mut().zip(source) {
                        *lane = *value * network.affine[i].1;
                    }
                }
            }
        }
    }

    /// The gradient with respect to the inputs that the last [`reverse`](Self::reverse) left:
    /// `[input]` rows of whole groups.
    pub fn input_gradient<T: Real>(&self, inputs: usize, tile: TileRange) -> &[T] {
        let line = group_lanes::<T>();
        self.input_gradient.view(inputs * tile.len.div_ceil(line) * line)
    }

    /// The cotangents of the jets, where the sweep needs them.
    fn scatter_cotangents<T: Real>(&mut self, call: Context<'_, T>, groups: usize) {
        let (outputs, plan) = (call.network.outputs, call.plan);
        let line = group_lanes::<T>();
        let count = plan.jets().len();
        let extent = Extent { rows: outputs, groups, components: plan.rule.carried };
        let width = outputs * plan.rule.read_off;
        let sums = Extent { rows: 1, groups, components: width };
        let mut bar = PanelMut::<T>::new(&mut self.bars[0], extent);
        let mut read_off = PanelMut::<T>::new(&mut self.read_off_bar, sums);
        let cotangents = self.cotangents.view::<T>(outputs * count * groups * line);
        for (row, source) in cotangents.chunks_exact(groups * line).enumerate() {
            let (output, component) = (row / count, row % count);
            let (target, stride, at) = match plan.slots()[component] {
                Slot::Carried(c) => (bar.row_mut(output), extent.components, c),
                Slot::ReadOff(i) => (read_off.row_mut(0), width, output * plan.rule.read_off + i),
            };
            for (g, lanes) in source.chunks_exact(line).enumerate() {
                target[(g * stride + at) * line..][..line].copy_from_slice(lanes);
            }
        }
    }

    /// The adjoint channels' reverse sweep, which runs from the input up.
    fn reverse_adjoint<T: Real>(&mut self, call: Context<'_, T>, tile: TileRange, groups: usize) {
        let (network, plan) = (call.network, call.plan);
        let outputs = network.outputs;
        let line = group_lanes::<T>();
        let adjoint = |rows| Extent { rows, groups, components: outputs };
        let read_off = Extent { rows: 1, groups, components: outputs * plan.rule.read_off };
        let to_input = plan.reads_input_adjoint();
        if to_input {
            let bars = Panel::<T>::new(&self.read_off_bar, read_off).row(0);
            let extent = adjoint(network.inputs);
            let mut target = PanelMut::<T>::new(&mut self.input_gamma_bar, extent);
            let mut seeds = [T::ZERO; MOST_LANES];
            for i in 0..network.inputs {
                let row = target.row_mut(i);
                row.fill(T::ZERO);
                for at in 0..plan.rule.read_off {
                    if plan.seeds[plan.rule.carried + at].is_empty() {
                        continue;
                    }
                    let seed = Seed::new(call, plan.rule.carried + at, i);
                    for g in 0..groups {
                        seed.write(tile, g, &mut seeds[..line]);
                        for m in 0..outputs {
                            let from = (g * outputs + m) * plan.rule.read_off + at;
                            let bars = &bars[from * line..][..line];
                            let lanes = &mut row[(g * outputs + m) * line..][..line];
                            for ((lane, bar), seed) in lanes.iter_mut().zip(bars).zip(&seeds) {
                                *lane += *bar * *seed;
                            }
                        }
                    }
                }
            }
        }
        for l in 0..network.layers.len() {
            let layer = &network.layers[l];
            let (below, here) = self.layers.split_at_mut(l);
            let LayerBuffers { z, a, auxiliary, zeta_bar, gamma_bar, .. } = &mut here[0];
            let source = match below.last() {
                Some(below) => Some(&below.gamma_bar),
                None => to_input.then_some(&self.input_gamma_bar),
            };
            let mut target = PanelMut::<T>::new(zeta_bar, adjoint(layer.units));
            match source {
                Some(source) => {
                    let source = Panel::new(source, adjoint(layer.inputs));
                    T::matmul(self.arch, layer.matrix(call.weights), source, &mut target);
                }
                None => target.data.fill(T::ZERO),
            }
            if l + 1 < network.layers.len() {
                let state = Self::state(call, l, groups, z, a, auxiliary, &mut self.scratch);
                let step = Step::AdjointReverse {
                    order: plan.read_off_order(),
                    zeta_bar: target.view(),
                    read_off_bar: Panel::new(&self.read_off_bar, read_off),
                    gamma_bar: PanelMut::new(gamma_bar, adjoint(layer.units)),
                };
                T::compose(self.arch, &plan.table, state, step);
            }
        }
    }
}

/// The first derivative of one coordinate (as the first layer sees it) along a component's
/// variables: a constant, and directions given per point.
struct Seed<'a, T> {
    constant: T,
    scale: T,
    directions: &'a [(usize, f64)],
    points: Points<'a, T>,
    inputs: usize,
    coordinate: usize,
}

impl<'a, T: Real> Seed<'a, T> {
    fn new(call: Context<'a, T>, at: usize, coordinate: usize) -> Self {
        let scale = call.network.affine[coordinate].1;
        let variables: &'a [(usize, f64)] = &call.plan.seeds[at];
        let mut constant = T::ZERO;
        for &(variable, weight) in variables {
            if variable == coordinate {
                constant += T::from_f64(weight) * scale;
            }
        }
        let inputs = call.network.inputs;
        let along = variables.iter().any(|(v, _)| *v >= inputs);
        let directions = if along { variables } else { &[] };
        Self { constant, scale, directions, points: call.points, inputs, coordinate }
    }

    /// The derivative for the lanes of group `g`.
    #[inline]
    fn write(&self, tile: TileRange, g: usize, lanes: &mut [T]) {
        lanes.fill(self.constant);
        for &(variable, weight) in self.directions {
            let Some(direction) = variable.checked_sub(self.inputs) else { continue };
            let column = self.points.direction(direction, self.coordinate);
            let count = lanes.len();
            for (lane, value) in lanes.iter_mut().enumerate() {
                let point = tile.first + (g * count + lane).min(tile.len - 1);
                *value += T::from_f64(weight) * self.scale * column[point];
            }
        }
    }
}
