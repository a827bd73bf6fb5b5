//! A convolution over the rows of each sequence, and the largest of its values over time.

use std::ops::Range;

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::act::{Act, Function, with_function};
use super::attention::Packed;
use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::gemm::{Mat, Old, matmul, matmul_one};
use crate::kit::cpu::par;

/// y = f(maxₜ W·[xₜ; …; xₜ₊c₋₁] + b) for each sequence, over the windows of c rows that lie inside it; a sequence of
/// fewer than c rows has one window, which sees zeros after its end.
///
/// For an increasing f this is the largest of f(W·window + b), as `torch.nn.Conv1d`, an activation and a maximum over
/// time. Windows of consecutive rows are slices of x, so they are never copied. A filter's gradient comes from its
/// largest window alone, the first one of several: with dz = dy ∘ f′, dW = Σ dz·window, dx at the window += dz·W.
///
/// # Shapes
/// `x: [N, I]`, `w: [O, c·I]`, `b: [O]`, S sequences of N rows together → `[S, O]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn text_conv<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    w: &Matrix<D>,
    b: &Vector<D>,
    act: Act,
) -> Result<Matrix<D, T>> {
    let (n, inputs) = *x.shape();
    let (filters, depth) = *w.shape();
    assert_eq!(packed.rows(), n, "rows of the sequences");
    assert!(
        inputs > 0 && depth > 0 && depth.is_multiple_of(inputs),
        "windows of rows of {inputs} in {depth}"
    );
    assert_eq!(b.shape().0, filters, "biases of {filters} filters");
    let (x, mut tape) = x.split_tape();
    let count = packed.count();
    let windows = Windows { rows: depth / inputs, inputs };
    let mut y = vec![0.0; count * filters];
    let largest = windows.largest(&D::view(&x), &D::view(w), packed, filters, &mut y);
    let mut slopes = vec![1.0; y.len()];
    let bias = D::view(b);
    par::for_rows_with!(&mut y, filters, &mut slopes, |_, y, slopes| {
        for (y, slopes) in y.chunks_exact_mut(filters).zip(slopes.chunks_exact_mut(filters)) {
            par::add(y, &bias);
            with_function!(act, f => apply(f, y, slopes), identity => ());
        }
    });
    drop(bias);
    let y = x.device().tensor_of(y, (count, filters))?;
    let (y_ref, w, b, packed) = (y.clone(), w.clone(), b.clone(), packed.clone());
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        let mut db = vec![0.0; filters];
        par::sum_rows!(&mut dz, filters, &mut db, |first, dz, db| {
            par::mul(dz, &slopes[first * filters..][..dz.len()]);
            dz.chunks_exact(filters).for_each(|dz| par::add(db, dz));
        });
        D::add_grad(grads, &b, |sum| par::add(sum, &db))?;
        D::add_grad(grads, &w, |dw| {
            let x = D::view(&x);
            dw.par_chunks_exact_mut(depth).enumerate().for_each(|(o, dw)| {
                par::simd!(|| {
                    for s in 0..count {
                        let window = windows.at(&packed, s, largest[s * filters + o] as usize);
                        par::add_times(dw, dz[s * filters + o], &x[window]);
                    }
                });
            });
        })?;
        D::add_grad(grads, &x, |dx| {
            let w = D::view(&w);
            let pieces = par::split(dx, packed.lengths().map(|t| t * inputs));
            pieces.into_par_iter().enumerate().for_each(|(s, dx)| {
                let start = packed.span(s).start * inputs;
                par::simd!(|| {
                    for (o, w) in w.chunks_exact(depth).enumerate() {
                        let window = windows.at(&packed, s, largest[s * filters + o] as usize);
                        par::add_times(
                            &mut dx[window.start - start..window.end - start],
                            dz[s * filters + o],
                            w,
                        );
                    }
                });
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// The windows of a convolution over rows of `inputs` numbers.
#[derive(Clone, Copy)]
struct Windows {
    rows: usize,
    inputs: usize,
}

impl Windows {
    /// The numbers of x in the window that starts at row `t` of sequence `s`.
    fn at(self, packed: &Packed, s: usize, t: usize) -> Range<usize> {
        let span = packed.span(s);
        let first = span.start + t;
        first * self.inputs..(first + self.rows).min(span.end) * self.inputs
    }

    /// y ← the largest W·window of each sequence and filter; returns where in the sequence that window starts.
    fn largest(self, x: &[f32], w: &[f32], packed: &Packed, filters: usize, y: &mut [f32]) -> Vec<u32> {
        let Self { rows, inputs } = self;
        let depth = rows * inputs;
        let count = (packed.rows() + 1).saturating_sub(rows);
        let mut z = vec![0.0; count * filters];
        // Windows across the border of two sequences are made, too, and not looked at.
        matmul(&mut z, Mat::windows(x, count, depth, inputs), Mat::new(w, filters, depth).t(), Old::Replace);
        let mut largest = vec![0; y.len()];
        let pieces = y.par_chunks_exact_mut(filters.max(1)).zip(largest.par_chunks_exact_mut(filters.max(1)));
        pieces.enumerate().for_each(|(s, (y, largest))| {
            let span = packed.span(s);
            if span.len() < rows {
                let seen = span.len() * inputs;
                let w = Mat::strided(w, filters, seen, depth).t();
                let x = Mat::new(&x[span.start * inputs..][..seen], 1, seen);
                return matmul_one(y, filters, x, w, Old::Replace);
            }
            let z = &z[span.start * filters..(span.end + 1 - rows) * filters];
            par::simd!(|| {
                y.copy_from_slice(&z[..filters]);
                for (t, z) in z.chunks_exact(filters).enumerate().skip(1) {
                    for ((y, at), z) in y.iter_mut().zip(&mut *largest).zip(z) {
                        let larger = *z > *y || z.is_nan();
                        *y = if larger { *z } else { *y };
                        *at = if larger { t as u32 } else { *at };
                    }
                }
            });
        });
        largest
    }
}

/// z ← f(z), slopes ← f′(z).
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
fn apply(f: impl Function, z: &mut [f32], slopes: &mut [f32]) {
    for (z, slope) in z.iter_mut().zip(slopes) {
        (*z, *slope) = f.both(*z);
    }
}

#[cfg(test)]
mod tests;
