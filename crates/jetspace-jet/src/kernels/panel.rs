//! Panels: aligned storage for the rows of one layer's values, derivatives or cotangents.

use bytemuck::{Pod, Zeroable};

use super::group_lanes;
use crate::Real;

/// A cache line, so that a `Vec` of them is aligned for every register.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Growing-only aligned memory of `T`.
#[derive(Default)]
pub struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    /// At least `length` numbers of `T`; old contents are kept only if nothing had to grow.
    pub fn get<T: Real>(&mut self, length: usize) -> &mut [T] {
        let lines = length.div_ceil(group_lanes::<T>());
        if self.lines.len() < lines {
            self.lines = vec![Line([0; 8]); lines];
        }
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..length]
    }

    /// The first `length` numbers, which [`get`](Self::get) made room for.
    pub fn view<T: Real>(&self, length: usize) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..length]
    }
}

/// The extent of a panel: `rows` rows of `groups` groups of `components` lines each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    pub rows: usize,
    pub groups: usize,
    pub components: usize,
}

impl Extent {
    /// Numbers in a row that carry data.
    pub fn columns<T>(&self) -> usize {
        self.groups * self.components * group_lanes::<T>()
    }

    /// Distance between rows: an odd number of lines, so that equal positions of different rows do
    /// not compete for the same few sets of the cache.
    pub fn stride<T>(&self) -> usize {
        ((self.groups * self.components) | 1) * group_lanes::<T>()
    }

    /// Numbers in the whole panel.
    pub fn length<T>(&self) -> usize {
        self.rows * self.stride::<T>()
    }
}

/// A read-only panel.
#[derive(Clone, Copy)]
pub struct Panel<'a, T> {
    pub data: &'a [T],
    pub extent: Extent,
}

/// A panel to write.
pub struct PanelMut<'a, T> {
    pub data: &'a mut [T],
    pub extent: Extent,
}

impl<'a, T: Real> Panel<'a, T> {
    pub fn new(buffer: &'a Buffer, extent: Extent) -> Self {
        Self { data: buffer.view(extent.length::<T>()), extent }
    }

    /// Numbers in a row that carry data.
    pub fn columns(&self) -> usize {
        self.extent.columns::<T>()
    }

    /// Row `r`'s data.
    #[inline(always)]
    pub fn row(&self, r: usize) -> &'a [T] {
        &self.data[r * self.extent.stride::<T>()..][..self.extent.columns::<T>()]
    }
}

impl<'a, T: Real> PanelMut<'a, T> {
    pub fn new(buffer: &'a mut Buffer, extent: Extent) -> Self {
        Self { data: buffer.get(extent.length::<T>()), extent }
    }

    /// The same panel, for a shorter time.
    pub fn reborrow(&mut self) -> PanelMut<'_, T> {
        PanelMut { data: self.data, extent: self.extent }
    }

    /// The same panel, read-only.
    pub fn view(&self) -> Panel<'_, T> {
        Panel { data: self.data, extent: self.extent }
    }

    /// Row `r`'s data.
    #[inline(always)]
    pub fn row_mut(&mut self, r: usize) -> &mut [T] {
        &mut self.data[r * self.extent.stride::<T>()..][..self.extent.columns::<T>()]
    }
}
