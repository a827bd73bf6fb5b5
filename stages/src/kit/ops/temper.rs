//! Logits moved by given numbers and sharpened: what a softmax with a temperature is taken of.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// y = (x + s)·factor for numbers s that are given and not learned; dx = dy·factor.
///
/// # Shapes
/// `x: [N, K]`, N·K numbers of s or none for zeros → `[N, K]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When s holds another count of numbers.
pub fn temper<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, s: &[f32], factor: f32) -> Result<Matrix<D, T>> {
    let (n, k) = *x.shape();
    assert!(s.is_empty() || s.len() == n * k, "a number for each of {n} × {k}");
    let (x, mut tape) = x.split_tape();
    let mut y = D::view(&x).into_owned();
    par::for_rows!(&mut y, 1, |first, y| {
        if !s.is_empty() {
            par::add(y, &s[first..][..y.len()]);
        }
        y.iter_mut().for_each(|y| *y *= factor);
    });
    let y = x.device().tensor_of(y, (n, k))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| par::add_times(dx, factor, &dy[first..][..dx.len()]));
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
