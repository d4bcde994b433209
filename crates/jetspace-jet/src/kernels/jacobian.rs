//! Per-point rows of the parameter Jacobian, their factors, and products with them, from what the reverse sweep
//! finds at one layer: cotangents D (units) and activations A (inputs).
//!
//! Row p has, for the weight from input k to unit r, Σ_components D[r]·A[k] at point p. Memory
//! traffic decides here (each number is written once), so that plain loops are enough.

use super::group_lanes;
use super::panel::Panel;
use super::weight_gradient::Pair;
use crate::Real;

/// Where the rows of one layer go: point p's numbers start at p · stride + at.
pub struct Rows<'a, T> {
    pub data: &'a mut [T],
    pub stride: usize,
    pub at: usize,
}

/// Writes the layer's part of the first `points` rows: weights, then biases.
pub fn rows<T: Real>(
    first: Pair<'_, T>,
    second: Option<Pair<'_, T>>,
    points: usize,
    target: &mut Rows<'_, T>,
) {
    let line = group_lanes::<T>();
    let (units, inputs) = (first.0.extent.rows, first.1.extent.rows);
    let length = (inputs + 1) * units;
    for p in 0..points {
        let (g, lane) = (p / line, p % line);
        let row = &mut target.data[p * target.stride + target.at..][..length];
        let (weights, biases) = row.split_at_mut(inputs * units);
        weights.fill(T::ZERO);
        for (d, a) in std::iter::once(first).chain(second) {
            for c in 0..d.extent.components {
                let at = (g * d.extent.components + c) * line + lane;
                for r in 0..units {
                    let cotangent = d.row(r)[at];
                    let weights = &mut weights[r * inputs..][..inputs];
                    for (k, weight) in weights.iter_mut().enumerate() {
                        *weight += cotangent * a.row(k)[at];
                    }
                }
            }
        }
        for (r, bias) in biases.iter_mut().enumerate() {
            *bias = first.0.row(r)[g * first.0.extent.components * line + lane];
        }
    }
}

/// Writes what [`rows`] multiplies: for each of the first `points` points all cotangents
/// `[component][unit]`, then all activations `[component][input]`, of both pairs.
pub fn factors<T: Real>(
    first: Pair<'_, T>,
    second: Option<Pair<'_, T>>,
    points: usize,
    target: &mut Rows<'_, T>,
) {
    let (line, mut at) = (group_lanes::<T>(), target.at);
    let panels =
        |side: fn(Pair<'_, T>) -> Panel<'_, T>| std::iter::once(first).chain(second).map(side);
    for panel in panels(|(d, _)| d).chain(panels(|(_, a)| a)) {
        let (rows, components) = (panel.extent.rows, panel.extent.components);
        for r in 0..rows {
            let row = panel.row(r);
            for p in 0..points {
                let numbers = &mut target.data[p * target.stride + at..];
                let lanes = row[(p / line) * components * line + p % line..].iter();
                let components = lanes.step_by(line).take(components);
                numbers.iter_mut().skip(r).step_by(rows).zip(components).for_each(|(n, x)| *n = *x);
            }
        }
        at += rows * components;
    }
}

/// out[lane] += Σ over rows and components of D·V, two panels of one extent.
pub fn add_products<T: Real>(d: Panel<'_, T>, v: Panel<'_, T>, out: &mut [T]) {
    let group = d.extent.components * group_lanes::<T>();
    for r in 0..d.extent.rows {
        let groups = d.row(r).chunks_exact(group).zip(v.row(r).chunks_exact(group));
        for ((d, v), out) in groups.zip(out.chunks_exact_mut(group_lanes::<T>())) {
            let lines = d.chunks_exact(out.len()).zip(v.chunks_exact(out.len()));
            for (d, v) in lines {
                for ((out, d), v) in out.iter_mut().zip(d).zip(v) {
                    *out += *d * *v;
                }
            }
        }
    }
}

/// out[lane] += Σ over rows of component 0 of D times the row's number.
pub fn add_bias_products<T: Real>(d: Panel<'_, T>, bias: &[T], out: &mut [T]) {
    let line = group_lanes::<T>();
    let group = d.extent.components * line;
    for (r, bias) in bias.iter().enumerate() {
        for (d, out) in d.row(r).chunks_exact(group).zip(out.chunks_exact_mut(line)) {
            for (out, d) in out.iter_mut().zip(d) {
                *out += *d * *bias;
            }
        }
    }
}
