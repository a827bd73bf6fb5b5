//! Means of neighbouring rows: several subwords as one word.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// y = the mean of the next `lengths[n]` rows of x; each of them gets dyₙ / `lengths[n]`.
///
/// # Shapes
/// `x: [R, W]`, N lengths that add up to R → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When a length is 0 or they do not add up.
pub fn means<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, lengths: &[usize]) -> Result<Matrix<D, T>> {
    let (count, width) = *x.shape();
    assert!(lengths.iter().all(|length| *length > 0), "a mean of no rows");
    assert_eq!(lengths.iter().sum::<usize>(), count, "rows in all");
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; lengths.len() * width];
    {
        let mut rest = &*D::view(&x);
        for (y, length) in y.chunks_exact_mut(width).zip(lengths) {
            let (rows, after) = rest.split_at(length * width);
            rows.chunks_exact(width).for_each(|row| par::add(y, row));
            for y in y.iter_mut() {
                *y /= *length as f32;
            }
            rest = after;
        }
    }
    let y = x.device().tensor_of(y, (lengths.len(), width))?;
    let (y_ref, lengths) = (y.clone(), lengths.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let mut rest = dx;
            for (dy, length) in dy.chunks_exact(width).zip(&lengths) {
                let (rows, after) = std::mem::take(&mut rest).split_at_mut(length * width);
                for row in rows.chunks_exact_mut(width) {
                    row.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy / *length as f32);
                }
                rest = after;
            }
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
