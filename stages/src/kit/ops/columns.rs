//! Columns of a matrix: beside each other, a range of them, one a row.

use std::ops::Range;

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::par;

/// Matrices beside each other, as `torch.cat(…, dim=1)`.
///
/// # Shapes
/// `[N, W₁], [N, W₂], …` → `[N, W₁ + W₂ + …]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there is none, or they have unlike numbers of rows.
pub fn concat_columns<D: Backend, T: Tape<f32, D>>(parts: Vec<Matrix<D, T>>) -> Result<Matrix<D, T>> {
    let n = parts.first().expect("something to put beside each other").shape().0;
    assert!(parts.iter().all(|x| x.shape().0 == n), "rows of the parts");
    let mut tape = T::default();
    let mut untaped = Vec::new();
    let mut end = 0;
    for part in parts {
        let (part, other) = part.split_tape();
        tape = tape.merge(other);
        let from = end;
        end += part.shape().1;
        untaped.push((from..end, part));
    }
    let mut y = vec![0.0; n * end];
    for (at, part) in &untaped {
        let part = D::view(part);
        par::for_rows!(&mut y, end, |first, y| {
            copy(y, end, at, &part[first * at.len()..], at.len(), &(0..at.len()));
        });
    }
    let y = untaped[0].1.device().tensor_of(y, (n, end))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        for (at, part) in &untaped {
            D::add_grad(grads, part, |dx| {
                par::for_rows!(dx, at.len(), |first, dx| {
                    add(dx, at.len(), &(0..at.len()), &dy[first * end..], end, at);
                });
            })?;
        }
        Ok(())
    });
    Ok(y.put_tape(tape))
}

/// Some columns, as `x[:, range]`.
///
/// # Shapes
/// `[N, W]` → `[N, length of the range]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the range is not within 0..W.
pub fn columns<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, range: Range<usize>) -> Result<Matrix<D, T>> {
    let (n, width) = *x.shape();
    assert!(range.start <= range.end && range.end <= width, "columns {range:?} of {width}");
    let (x, mut tape) = x.split_tape();
    let wide = range.len();
    let mut y = vec![0.0; n * wide];
    {
        let x = D::view(&x);
        par::for_rows!(&mut y, wide, |first, y| copy(
            y,
            wide,
            &(0..wide),
            &x[first * width..],
            width,
            &range
        ));
    }
    let y = x.device().tensor_of(y, (n, wide))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, width, |first, dx| {
                add(dx, width, &range, &dy[first * wide..], wide, &(0..wide));
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// The number of each row in a column of its own, as `x.gather(1, columns)`.
///
/// # Shapes
/// `[N, W]`, N columns → `[N]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there are not N columns, or one is not below W.
pub fn pick<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, columns: &[u32]) -> Result<Vector<D, T>> {
    let (n, width) = *x.shape();
    assert_eq!(columns.len(), n, "one column a row");
    assert!(columns.iter().all(|c| (*c as usize) < width), "a column outside 0..{width}");
    let (x, mut tape) = x.split_tape();
    let places: Vec<usize> = columns.iter().enumerate().map(|(row, c)| row * width + *c as usize).collect();
    let y = {
        let x = D::view(&x);
        places.iter().map(|at| x[*at]).collect()
    };
    let y = x.device().tensor_of(y, (n,))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| places.iter().zip(&dy).for_each(|(at, dy)| dx[*at] += dy))
    });
    Ok(y.put_tape(tape))
}

/// Columns `to` of the rows of y ← columns `from` of the rows of x.
fn copy(y: &mut [f32], wide: usize, to: &Range<usize>, x: &[f32], width: usize, from: &Range<usize>) {
    for (y, x) in y.chunks_exact_mut(wide.max(1)).zip(x.chunks_exact(width.max(1))) {
        y[to.clone()].copy_from_slice(&x[from.clone()]);
    }
}

/// Columns `to` of the rows of y += columns `from` of the rows of x.
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
fn add(y: &mut [f32], wide: usize, to: &Range<usize>, x: &[f32], width: usize, from: &Range<usize>) {
    for (y, x) in y.chunks_exact_mut(wide.max(1)).zip(x.chunks_exact(width.max(1))) {
        par::add(&mut y[to.clone()], &x[from.clone()]);
    }
}

#[cfg(test)]
mod tests;
