//! Rows of a matrix by index: embedding tables, and hidden states at chosen places.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// yₙ = x at row `rows[n]`; dx gets each dyₙ added at the row it came from, in order of n.
///
/// An embedding is this op on a table with an empty tape: `rows(table.retaped::<T>(), ids)`.
///
/// # Shapes
/// `x: [R, W]`, N rows → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When a row is not below R.
pub fn rows<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, rows: &[u32]) -> Result<Matrix<D, T>> {
    let (count, width) = *x.shape();
    assert!(rows.iter().all(|r| (*r as usize) < count), "a row outside 0..{count}");
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; rows.len() * width];
    let table = D::view(&x);
    par::for_rows(&mut y, width, |first, y| {
        for (y, row) in y.chunks_exact_mut(width).zip(&rows[first..]) {
            y.copy_from_slice(&table[*row as usize * width..][..width]);
        }
    });
    drop(table);
    let y = x.device().tensor_of(y, (rows.len(), width))?;
    let (y_ref, rows) = (y.clone(), rows.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::simd(|| {
                for (dy, row) in dy.chunks_exact(width).zip(&rows) {
                    par::add(&mut dx[*row as usize * width..][..width], dy);
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
