//! Depthwise convolution: each channel under a filter of its own.
//!
//! There is no product of matrices in it, so what counts is that a plane is read once and stays in the cache: it is
//! set among zeros (see `conv::patches`), and every tap is then one vector operation over neighbouring numbers of the
//! whole plane. Backward, the gradients of input and weights are made in one go over the planes.

mod taps;

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use self::taps::{meet, slide};
use super::conv::Geometry;
use super::conv::patches::{Patches, Windows};
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::cpu::par;

/// Numbers of the planes that one task looks at.
const BLOCK: usize = 1 << 14;

/// `y[c] = b[c] + w[c] ⋆ x[c]`, as `torch.nn.functional.conv2d` with as many groups as channels.
///
/// w and b may be those of more channels: the first ones are used.
///
/// # Shapes
/// `x: [B, C, H, W]`, `w: [≥ C, 1, K, K']`, `b: [≥ C]` → `[B, C, H', W']`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn depthwise<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    w: &Images<D>,
    b: Option<&Vector<D>>,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let ((images, channels, height, width), (filters, one, ky, kx)) = (*x.shape(), *w.shape());
    assert!(channels <= filters && one == 1, "a filter for each of {channels} channels: {:?}", w.shape());
    assert!(b.is_none_or(|b| b.shape().0 >= channels), "a bias for {channels} channels");
    let shapes = Shapes { channels, plane: [height, width], kernel: [ky, kx], geometry };
    let grid = shapes.windows().grid;
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; images * channels * grid[0] * grid[1]];
    shapes.forward(&D::view(&x), &D::view(w), b.map(D::view).as_deref(), &mut y);
    let y = x.device().tensor_of(y, (images, channels, grid[0], grid[1]))?;
    let (y_ref, w, b) = (y.clone(), w.clone(), b.cloned());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let taps = ky * kx;
        let mut sums = Vec::new();
        D::add_grad(grads, &x, |dx| sums = shapes.backward(&D::view(&x), &D::view(&w), &dy, dx))?;
        // Each plane left its taps' sums and that of dy: [B, C, taps + 1].
        let planes =
            || sums.chunks_exact(channels * (taps + 1)).flat_map(|image| image.chunks_exact(taps + 1));
        D::add_grad(grads, &w, |dw| {
            for (i, plane) in planes().enumerate() {
                par::add(&mut dw[i % channels * taps..][..taps], plane);
            }
        })?;
        match &b {
            None => Ok(()),
            Some(b) => D::add_grad(grads, b, |db| {
                planes().enumerate().for_each(|(i, plane)| db[i % channels] += plane[taps]);
            }),
        }
    });
    Ok(y.put_tape(tape))
}

/// Sizes of a depthwise convolution, and its kernels over slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shapes {
    pub(crate) channels: usize,
    pub(crate) plane: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) geometry: Geometry,
}

impl Shapes {
    pub(crate) fn windows(&self) -> Windows {
        self.geometry.forward(self.plane, self.kernel)
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Overwrites y.
    pub(crate) fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let windows = self.windows();
        let (from, to) = (self.plane[0] * self.plane[1], windows.grid[0] * windows.grid[1]);
        let block = (BLOCK / from).max(1);
        y.par_chunks_mut(block * to).zip(x.par_chunks(block * from)).enumerate().for_each(|(i, (y, x))| {
            let mut slide = Slide::new(&windows);
            par::simd(|| {
                for (j, (y, x)) in y.chunks_exact_mut(to).zip(x.chunks_exact(from)).enumerate() {
                    let channel = (i * block + j) % self.channels;
                    let w = &w[channel * self.taps()..][..self.taps()];
                    let bias = bias.map_or(0.0, |b| b[channel]);
                    for (y, sums) in y.chunks_exact_mut(windows.grid[1]).zip(slide.over(x, w)) {
                        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum + bias);
                    }
                }
            });
        });
    }

    /// Adds to dx; returns, for each plane, the gradient of its filter's taps and the sum of dy.
    pub(crate) fn backward(&self, x: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32]) -> Vec<f32> {
        let windows = self.windows();
        let phases = self.geometry.backward(self.plane, self.kernel);
        let (from, to) = (self.plane[0] * self.plane[1], windows.grid[0] * windows.grid[1]);
        let (taps, width, step) = (self.taps(), self.plane[1], self.geometry.stride);
        let block = (BLOCK / from).max(1);
        let mut sums = vec![0.0; x.len() / from * (taps + 1)];
        let blocks = dx.par_chunks_mut(block * from).zip(sums.par_chunks_mut(block * (taps + 1)));
        let blocks = blocks.zip(x.par_chunks(block * from).zip(dy.par_chunks(block * to)));
        blocks.enumerate().for_each(|(i, ((dx, sums), (x, dy)))| {
            let mut slides: Vec<_> = phases.iter().map(|phase| Slide::new(&phase.windows)).collect();
            let mut meet = Meet::new(&windows);
            let mut turned = vec![0.0; taps];
            par::simd(|| {
                let planes = dx.chunks_exact_mut(from).zip(sums.chunks_exact_mut(taps + 1));
                let planes = planes.zip(x.chunks_exact(from).zip(dy.chunks_exact(to)));
                for (j, ((dx, sums), (x, dy))) in planes.enumerate() {
                    let w = &w[(i * block + j) % self.channels * taps..][..taps];
                    for (phase, slide) in phases.iter().zip(&mut slides) {
                        turned.iter_mut().zip(&phase.kept).for_each(|(to, tap)| *to = w[*tap]);
                        let rows = dx.chunks_exact_mut(width).skip(phase.first[0]).step_by(step);
                        for (dx, sums) in rows.zip(slide.over(dy, &turned[..phase.kept.len()])) {
                            let dx = dx[phase.first[1]..].iter_mut();
                            if step == 1 {
                                dx.zip(sums).for_each(|(dx, sum)| *dx += sum);
                            } else {
                                dx.step_by(step).zip(sums).for_each(|(dx, sum)| *dx += sum);
                            }
                        }
                    }
                    meet.sums(x, dy, &mut sums[..taps]);
                    sums[taps] = par::sum(dy);
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
