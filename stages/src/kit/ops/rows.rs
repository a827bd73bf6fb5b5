//! Rows of a matrix by index: embedding tables, hidden states at chosen places, and back to places.

use dfdx::prelude::{HasShape, PutTape, Shape as _, SplitTape, Tape};

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
    par::for_rows!(&mut y, width, |first, y| {
        for (y, row) in y.chunks_exact_mut(width).zip(&rows[first..]) {
            y.copy_from_slice(&table[*row as usize * width..][..width]);
        }
    });
    drop(table);
    let y = x.device().tensor_of(y, (rows.len(), width))?;
    let (y_ref, rows) = (y.clone(), rows.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| add_at(dx, &dy, &rows, width))
    });
    Ok(y.put_tape(tape))
}

/// y at row `rows[n]` is the sum of the xₙ that go there, in order of n, and 0 where none does; dxₙ = dy at `rows[n]`.
///
/// With [`Packed::slots`](super::attention::Packed::slots) it pads sequences to the longest, and [`rows`] takes the
/// padding away.
///
/// # Shapes
/// `x: [N, W]`, N rows → `[count, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there are not N rows, or one is not below `count`.
pub fn scatter_rows<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    rows: &[u32],
    count: usize,
) -> Result<Matrix<D, T>> {
    let (n, width) = *x.shape();
    assert_eq!(rows.len(), n, "one place a row");
    assert!(rows.iter().all(|r| (*r as usize) < count), "a row outside 0..{count}");
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; count * width];
    add_at(&mut y, &D::view(&x), rows, width);
    let y = x.device().tensor_of(y, (count, width))?;
    let (y_ref, rows) = (y.clone(), rows.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, width, |first, dx| {
                for (dx, row) in dx.chunks_exact_mut(width.max(1)).zip(&rows[first..]) {
                    par::add(dx, &dy[*row as usize * width..][..width]);
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// Matrices below each other, as `torch.cat(…, dim=0)`.
///
/// # Shapes
/// `[N₁, W], [N₂, W], …` → `[N₁ + N₂ + …, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there is none, or they have unlike widths.
pub fn concat_rows<D: Backend, T: Tape<f32, D>>(parts: Vec<Matrix<D, T>>) -> Result<Matrix<D, T>> {
    let width = parts.first().expect("something to put below each other").shape().1;
    assert!(parts.iter().all(|x| x.shape().1 == width), "width of the parts");
    let mut tape = T::default();
    let mut untaped = Vec::new();
    let mut y = Vec::new();
    for part in parts {
        let (part, other) = part.split_tape();
        tape = tape.merge(other);
        y.extend_from_slice(&D::view(&part));
        untaped.push(part);
    }
    let count: usize = untaped.iter().map(|x| x.shape().0).sum();
    let y = untaped[0].device().tensor_of(y, (count, width))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let mut from = 0;
        for part in &untaped {
            let dy = &dy[from..];
            from += part.shape().num_elements();
            D::add_grad(grads, part, |dx| {
                par::for_rows!(dx, 1, |first, dx| par::add(dx, &dy[first..][..dx.len()]));
            })?;
        }
        Ok(())
    });
    Ok(y.put_tape(tape))
}

/// y at row `rows[n]` += xₙ, in order of n.
fn add_at(y: &mut [f32], x: &[f32], rows: &[u32], width: usize) {
    par::simd!(|| {
        for (x, row) in x.chunks_exact(width.max(1)).zip(rows) {
            par::add(&mut y[*row as usize * width..][..width], x);
        }
    });
}

#[cfg(test)]
mod tests;
