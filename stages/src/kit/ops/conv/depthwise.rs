//! The kernels of a depthwise convolution: each channel under a filter of its own.
//!
//! There is no product of matrices in it, so what counts is that a plane is read once and stays in the cache: it is
//! set among zeros (see `patches`), and every tap is then one vector operation over neighbouring numbers of the
//! whole plane. Backward, the gradients of input and weights are made in one go over the planes.

mod taps;

use rayon::prelude::*;

use self::taps::{meet, slide};
use super::Geometry;
use super::patches::{Patches, Windows};
use super::runs::put;
use crate::kit::cpu::par;

/// Numbers of the planes that one task looks at.
const BLOCK: usize = 1 << 14;

/// Sizes of a depthwise convolution, and its kernels over slices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depthwise {
    pub(super) channels: usize,
    pub(super) plane: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) geometry: Geometry,
}

impl Depthwise {
    pub(super) fn windows(&self) -> Windows {
        self.geometry.forward(self.plane, self.kernel)
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Overwrites y.
    pub(super) fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let windows = self.windows();
        let (from, to) = (self.plane[0] * self.plane[1], windows.grid[0] * windows.grid[1]);
        let block = (BLOCK / from).max(1);
        y.par_chunks_mut(block * to).zip(x.par_chunks(block * from)).enumerate().for_each(|(i, (y, x))| {
            let mut slide = Slide::new(&windows);
            par::simd!(|| {
                for (j, (y, x)) in y.chunks_exact_mut(to).zip(x.chunks_exact(from)).enumerate() {
                    let channel = (i * block + j) % self.channels;
                    let w = &w[channel * self.taps()..][..self.taps()];
                    let bias = bias.map_or(0.0, |b| b[channel]);
                    for (y, sums) in y.chunks_exact_mut(windows.grid[1]).zip(slide.over(x, w)) {
                        put(y, 1, sums, |y, sum| *y = sum + bias);
                    }
                }
            });
        });
    }

    /// Adds to dx; returns, for each plane, the gradient of its filter's taps: `[B, C, taps]`.
    pub(super) fn backward(&self, x: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32]) -> Vec<f32> {
        let windows = self.windows();
        let phases = self.geometry.backward(self.plane, self.kernel);
        let (from, to) = (self.plane[0] * self.plane[1], windows.grid[0] * windows.grid[1]);
        let (taps, width, step) = (self.taps(), self.plane[1], self.geometry.stride);
        let block = (BLOCK / from).max(1);
        let mut sums = vec![0.0; x.len() / from * taps];
        let blocks = dx.par_chunks_mut(block * from).zip(sums.par_chunks_mut(block * taps));
        let blocks = blocks.zip(x.par_chunks(block * from).zip(dy.par_chunks(block * to)));
        blocks.enumerate().for_each(|(i, ((dx, sums), (x, dy)))| {
            let mut slides: Vec<_> = phases.iter().map(|phase| Slide::new(&phase.windows)).collect();
            let mut meet = Meet::new(&windows);
            let mut turned = vec![0.0; taps];
            par::simd!(|| {
                let planes = dx.chunks_exact_mut(from).zip(sums.chunks_exact_mut(taps));
                let planes = planes.zip(x.chunks_exact(from).zip(dy.chunks_exact(to)));
                for (j, ((dx, sums), (x, dy))) in planes.enumerate() {
                    let w = &w[(i * block + j) % self.channels * taps..][..taps];
                    for (phase, slide) in phases.iter().zip(&mut slides) {
                        turned.iter_mut().zip(&phase.kept).for_each(|(to, tap)| *to = w[*tap]);
                        let rows = dx.chunks_exact_mut(width).skip(phase.first[0]).step_by(step);
                        for (dx, sums) in rows.zip(slide.over(dy, &turned[..phase.kept.len()])) {
                            put(&mut dx[phase.first[1]..], step, sums, |dx, sum| *dx += sum);
                        }
                    }
                    meet.sums(x, dy, sums);
                }
            });
        });
        sums
    }
}

/// Filters that slide over one plane at a time.
struct Slide {
    patches: Patches,
    grid: [usize; 2],
    sums: Vec<f32>,
}

impl Slide {
    fn new(windows: &Windows) -> Self {
        let patches = Patches::among_zeros(windows);
        let columns = patches.columns(1).next_multiple_of(taps::wide());
        Self { grid: windows.grid, sums: vec![0.0; columns], patches }
    }

    /// The sums of w over the windows of a plane, row by row.
    fn over(&mut self, plane: &[f32], w: &[f32]) -> impl Iterator<Item = &[f32]> {
        let (numbers, starts) = self.patches.read_plane(plane);
        slide(numbers, starts, w, &mut self.sums);
        self.sums.chunks(self.patches.column(0, 1)).take(self.grid[0]).map(|row| &row[..self.grid[1]])
    }
}

/// The gradient of a filter from one plane at a time.
struct Meet {
    patches: Patches,
    grid: [usize; 2],
    dy: Vec<f32>,
}

impl Meet {
    fn new(windows: &Windows) -> Self {
        let patches = Patches::among_zeros(windows);
        let columns = patches.columns(1).next_multiple_of(taps::LANES);
        Self { grid: windows.grid, dy: vec![0.0; columns], patches }
    }

    /// Overwrites `sums` with Σ over windows of dy times what each tap sees.
    fn sums(&mut self, plane: &[f32], dy: &[f32], sums: &mut [f32]) {
        // Between the rows of windows dy stays zero.
        for (to, from) in self.dy.chunks_mut(self.patches.column(0, 1)).zip(dy.chunks_exact(self.grid[1])) {
            to[..from.len()].copy_from_slice(from);
        }
        let (numbers, starts) = self.patches.read_plane(plane);
        meet(numbers, starts, &self.dy, sums);
    }
}

#[cfg(test)]
mod tests;
