//! The mean row of each sequence: of words their subwords, of sentences their words.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::attention::Packed;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// yₛ = (1/Tₛ) Σₜ xₜ over the Tₛ rows of sequence s, zeros for an empty one; dxₜ = dyₛ / Tₛ.
///
/// # Shapes
/// `x: [N, W]`, S sequences of N rows together → `[S, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the sequences do not have N rows.
pub fn mean_of_sequences<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
) -> Result<Matrix<D, T>> {
    let (n, width) = *x.shape();
    assert_eq!(packed.rows(), n, "rows of the sequences");
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; packed.count() * width];
    {
        let x = D::view(&x);
        par::for_rows!(&mut y, width, |first, y| {
            for (i, y) in y.chunks_exact_mut(width.max(1)).enumerate() {
                let span = packed.span(first + i);
                let length = span.len().max(1) as f32;
                for x in x[span.start * width..span.end * width].chunks_exact(width.max(1)) {
                    par::add(y, x);
                }
                y.iter_mut().for_each(|y| *y /= length);
            }
        });
    }
    let y = x.device().tensor_of(y, (packed.count(), width))?;
    let y_ref = y.clone();
    let packed = packed.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let pieces = par::split(dx, packed.lengths().map(|t| t * width));
            let pieces = pieces.into_par_iter().zip(dy.par_chunks_exact(width.max(1)));
            pieces.for_each(|(dx, dy)| {
                par::simd!(|| {
                    let length = (dx.len() / width.max(1)) as f32;
                    for dx in dx.chunks_exact_mut(width.max(1)) {
                        dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy / length);
                    }
                });
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
