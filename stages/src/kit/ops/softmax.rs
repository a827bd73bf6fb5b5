//! Softmax and log-softmax of rows.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::{math, par};

/// y = eˣ / Σ eˣ for each row.  dx = y ∘ (dy − Σ dy ∘ y).
///
/// # Shapes
/// `x: [N, K]` → `[N, K]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn softmax<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>) -> Result<Matrix<D, T>> {
    let (n, k) = *x.shape();
    let (x, mut tape) = x.split_tape();
    let mut y = D::view(&x).into_owned();
    par::for_rows!(&mut y, k, |_, y| y.chunks_exact_mut(k).for_each(softmax_row));
    let y = x.device().tensor_of(y, (n, k))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let y = D::view(&y_ref);
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, k, |first, dx| {
                let at = first * k..first * k + dx.len();
                let given = y[at.clone()].chunks_exact(k).zip(dy[at].chunks_exact(k));
                for (dx, (y, dy)) in dx.chunks_exact_mut(k).zip(given) {
                    let along = par::dot(y, dy);
                    for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                        *dx += y * (dy - along);
                    }
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// y = x − ln Σ eˣ for each row.  dx = dy − eʸ·Σ dy.
///
/// # Shapes
/// `x: [N, K]` → `[N, K]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn log_softmax<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>) -> Result<Matrix<D, T>> {
    let (n, k) = *x.shape();
    let (x, mut tape) = x.split_tape();
    let mut y = D::view(&x).into_owned();
    par::for_rows!(&mut y, k, |_, y| {
        for y in y.chunks_exact_mut(k) {
            let (top, whole) = log_sum_exp(y);
            for y in y.iter_mut() {
                *y = (*y - top) - whole;
            }
        }
    });
    let y = x.device().tensor_of(y, (n, k))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let y = D::view(&y_ref);
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, k, |first, dx| {
                let at = first * k..first * k + dx.len();
                let given = y[at.clone()].chunks_exact(k).zip(dy[at].chunks_exact(k));
                for (dx, (y, dy)) in dx.chunks_exact_mut(k).zip(given) {
                    let whole = par::sum(dy);
                    for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                        *dx += dy - math::exp(*y) * whole;
                    }
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// x ← eˣ / Σ eˣ, the largest x taken away first so that nothing overflows.
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
pub(crate) fn softmax_row(x: &mut [f32]) {
    let top = par::max(x);
    for x in x.iter_mut() {
        *x = math::exp(*x - top);
    }
    let whole = 1.0 / par::sum(x);
    for x in x.iter_mut() {
        *x *= whole;
    }
}

/// The largest x, t, and ln Σ eˣ⁻ᵗ: kept apart, since their sum would round the second away where t is large.
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
pub(crate) fn log_sum_exp(x: &[f32]) -> (f32, f32) {
    let top = par::max(x);
    (top, par::reduce(x, x, |x, _| math::exp(x - top)).ln())
}

#[cfg(test)]
mod tests;
