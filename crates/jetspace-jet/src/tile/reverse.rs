//! The reverse sweep over a tile: from the cotangents of the jets to those of weights and inputs.

use super::seed::Seed;
use super::{Context, LayerBuffers, MOST_LANES, Worker};
use crate::Real;
use crate::compiled::Source;
use crate::factors::FactoredLayer;
use crate::kernels::compose::{AdjointParts, Step};
use crate::kernels::matmul::Matrix;
use crate::kernels::panel::{Extent, Panel, PanelMut};
use crate::kernels::{group_lanes, jacobian};
use crate::plan::Slot;
use crate::points::TileRange;

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

impl Worker {
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
