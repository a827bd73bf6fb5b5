//! Pooling of images: the largest or the mean of the numbers in a window, and the mean of a whole plane.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::conv::Geometry;
use crate::kit::backend::{Backend, Images, Matrix, Result};
use crate::kit::cpu::par;

/// Numbers of the planes that one task looks at.
const BLOCK: usize = 1 << 14;

/// y = max of x in each window, as `torch.nn.functional.max_pool2d`: what is around the image does not count, the first of
/// equal numbers gets the whole gradient, a NaN is the largest, and a window that sees nothing gives −∞.
///
/// # Shapes
/// `[B, C, H, W]` → `[B, C, H', W']`; the groups of `geometry` mean nothing here.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the padding is more than half the kernel.
pub fn max_pool<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    kernel: usize,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let (images, channels, height, width) = *x.shape();
    let windows = Windows::new([height, width], kernel, geometry);
    let (x, mut tape) = x.split_tape();
    let [rows, columns] = windows.grid;
    let mut y = vec![0.0; images * channels * rows * columns];
    let mut chosen = vec![0; y.len()];
    windows.largest(&D::view(&x), &mut y, &mut chosen);
    let y = x.device().tensor_of(y, (images, channels, rows, columns))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let planes = dx.par_chunks_exact_mut(height * width);
            let given = dy.par_chunks_exact(rows * columns).zip(chosen.par_chunks_exact(rows * columns));
            planes.zip(given).with_min_len(windows.at_once()).for_each(|(dx, (dy, chosen))| {
                for (at, dy) in chosen.iter().zip(dy) {
                    // A window that sees nothing has chosen nothing.
                    if let Some(dx) = dx.get_mut(*at as usize) {
                        *dx += dy;
                    }
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// y = Σ x / K² in each window, as `torch.nn.functional.avg_pool2d`: zeros around the image count.
///
/// dx is dy / K², summed over the windows that see it.
///
/// # Shapes
/// `[B, C, H, W]` → `[B, C, H', W']`; the groups of `geometry` mean nothing here.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the padding is more than half the kernel.
pub fn average_pool<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    kernel: usize,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let (images, channels, height, width) = *x.shape();
    let windows = Windows::new([height, width], kernel, geometry);
    let (x, mut tape) = x.split_tape();
    let [rows, columns] = windows.grid;
    let (plane, grid) = (height * width, rows * columns);
    let share = 1.0 / (kernel * kernel) as f32;
    let mut y = vec![0.0; images * channels * grid];
    {
        let x = D::view(&x);
        let planes = y.par_chunks_exact_mut(grid).zip(x.par_chunks_exact(plane));
        planes.with_min_len(windows.at_once()).for_each(|(y, x)| {
            par::simd!(|| {
                windows.each_tap(|to, from, count| {
                    add_every(&mut y[to..], 1, &x[from..], windows.stride, count);
                });
                y.iter_mut().for_each(|y| *y *= share);
            });
        });
    }
    let y = x.device().tensor_of(y, (images, channels, rows, columns))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let mut dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let planes = dx.par_chunks_exact_mut(plane).zip(dy.par_chunks_exact_mut(grid));
            planes.with_min_len(windows.at_once()).for_each(|(dx, dy)| {
                par::simd!(|| {
                    dy.iter_mut().for_each(|dy| *dy *= share);
                    windows.each_tap(|to, from, count| {
                        add_every(&mut dx[from..], windows.stride, &dy[to..], 1, count);
                    });
                });
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// The mean of each plane; dx = dy / (H·W).
///
/// # Shapes
/// `[B, C, H, W]` → `[B, C]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When planes are empty.
pub fn global_average<D: Backend, T: Tape<f32, D>>(x: Images<D, T>) -> Result<Matrix<D, T>> {
    let (images, channels, height, width) = *x.shape();
    let plane = height * width;
    assert!(plane > 0, "the mean of an empty plane");
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; images * channels];
    {
        let x = D::view(&x);
        let planes = y.par_iter_mut().zip(x.par_chunks_exact(plane)).with_min_len((BLOCK / plane).max(1));
        planes.for_each(|(y, x)| *y = par::simd!(|| par::sum(x)) / plane as f32);
    }
    let y = x.device().tensor_of(y, (images, channels))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, plane, |first, dx| {
                for (dx, dy) in dx.chunks_exact_mut(plane).zip(&dy[first..]) {
                    let share = dy / plane as f32;
                    dx.iter_mut().for_each(|dx| *dx += share);
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// Windows that slide over a plane.
#[derive(Debug, Clone, Copy)]
struct Windows {
    plane: [usize; 2],
    grid: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Windows {
    fn new(plane: [usize; 2], kernel: usize, geometry: Geometry) -> Self {
        let Geometry { stride, padding, dilation, .. } = geometry;
        assert!(2 * padding <= kernel, "padding of {padding} around windows of {kernel}");
        let grid = plane.map(|size| geometry.windows(size, kernel));
        Self { plane, grid, kernel, stride, padding, dilation }
    }

    /// Planes of one task.
    fn at_once(&self) -> usize {
        (BLOCK / (self.plane[0] * self.plane[1])).max(1)
    }

    /// The windows along one axis for which tap k lies in the plane, and where it lies for the first of them.
    fn inside(&self, axis: usize, k: usize) -> (std::ops::Range<usize>, usize) {
        let tap = (k * self.dilation) as isize - self.padding as isize;
        let end = |limit: isize| ((limit - tap).max(0) as usize).div_ceil(self.stride).min(self.grid[axis]);
        let windows = end(0)..end(self.plane[axis] as isize);
        let first = ((windows.start * self.stride) as isize + tap).max(0) as usize;
        (windows, first)
    }

    /// Calls `f(window, number, count)` for each tap and each row of windows: the tap of the window, and of `count` − 1
    /// right of it, sees the number, and every `stride`th right of it.
    #[inline]
    fn each_tap(&self, mut f: impl FnMut(usize, usize, usize)) {
        for (ky, kx) in (0..self.kernel).flat_map(|y| (0..self.kernel).map(move |x| (y, x))) {
            let ((rows, top), (columns, left)) = (self.inside(0, ky), self.inside(1, kx));
            if columns.is_empty() {
                continue;
            }
            for (i, row) in rows.enumerate() {
                let to = row * self.grid[1] + columns.start;
                f(to, (top + i * self.stride) * self.plane[1] + left, columns.len());
            }
        }
    }

    /// The largest number of each window, and where in the plane it stands.
    fn largest(&self, x: &[f32], y: &mut [f32], chosen: &mut [u32]) {
        let (plane, grid) = (self.plane[0] * self.plane[1], self.grid[0] * self.grid[1]);
        let made = y.par_chunks_exact_mut(grid).zip(chosen.par_chunks_exact_mut(grid));
        made.zip(x.par_chunks_exact(plane)).with_min_len(self.at_once()).for_each(|((y, chosen), x)| {
            par::simd!(|| {
                y.fill(f32::NEG_INFINITY);
                chosen.fill(u32::MAX);
                self.each_tap(|to, from, count| {
                    let numbers =
                        x[from..].iter().step_by(self.stride).zip((from as u32..).step_by(self.stride));
                    let windows = y[to..].iter_mut().zip(&mut chosen[to..]).take(count);
                    for ((y, chosen), (x, at)) in windows.zip(numbers) {
                        if *x > *y || x.is_nan() || *chosen == u32::MAX {
                            (*y, *chosen) = (*x, at);
                        }
                    }
                });
            });
        });
    }
}

/// Adds every `from_step`th of `from` to every `to_step`th of `to`, `count` numbers in all.
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
fn add_every(to: &mut [f32], to_step: usize, from: &[f32], from_step: usize, count: usize) {
    if to_step == 1 && from_step == 1 {
        par::add(&mut to[..count], &from[..count]);
    } else {
        let pairs = to.iter_mut().step_by(to_step).zip(from.iter().step_by(from_step));
        pairs.take(count).for_each(|(to, from)| *to += from);
    }
}

#[cfg(test)]
mod tests;
