//! Cross-entropy of rows of logits against labels or distributions.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use super::softmax::log_sum_exp;
use crate::kit::backend::{Backend, Matrix, Result, Scalar};
use crate::kit::cpu::{math, par};

/// The label of a row that does not count.
pub const IGNORE: u32 = u32::MAX;

/// Mean over the labelled rows of −Σₖ qₖ·ln softmax(x)ₖ, as `torch.nn.functional.cross_entropy`, where q gives
/// `1 − smoothing` to the label and shares `smoothing` among all K classes. 0 where no row is labelled.
///
/// With p = softmax(x) and n labelled rows: dx = (p − q) / n, made in the forward pass, where p is at hand.
///
/// # Shapes
/// `x: [N, K]`, N labels → one number.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there are not N labels, or one is neither a class nor [`IGNORE`].
pub fn cross_entropy<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    labels: &[u32],
    smoothing: f32,
) -> Result<Scalar<D, T>> {
    let (n, k) = *x.shape();
    assert_eq!(labels.len(), n, "one label a row");
    assert!(labels.iter().all(|l| *l == IGNORE || (*l as usize) < k), "a label outside 0..{k}");
    let labelled = labels.iter().filter(|l| **l != IGNORE).count();
    let even = smoothing / k as f32;
    against(x, labelled, |row, x, dx| {
        let label = labels[row];
        if label == IGNORE {
            return 0.0;
        }
        let label = label as usize;
        let (top, whole) = log_sum_exp(x);
        for (dx, x) in dx.iter_mut().zip(x) {
            *dx = math::exp((*x - top) - whole) - even;
        }
        if let Some(dx) = dx.get_mut(label) {
            *dx -= 1.0 - smoothing;
        }
        let below = |x: f32| whole - (x - top);
        let spread = if smoothing > 0.0 { even * par::reduce(x, x, |x, _| below(x)) } else { 0.0 };
        (1.0 - smoothing) * below(x[label]) + spread
    })
}

/// Mean over rows of −Σₖ qₖ·ln softmax(x)ₖ for a distribution q a row; dx = (p·Σq − q) / N.
///
/// # Shapes
/// `x: [N, K]`, N·K numbers of q → one number.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When q does not hold N·K numbers.
pub fn soft_cross_entropy<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, q: &[f32]) -> Result<Scalar<D, T>> {
    let (n, k) = *x.shape();
    assert_eq!(q.len(), n * k, "one distribution a row");
    against(x, n, |row, x, dx| {
        let q = &q[row * k..][..k];
        let (top, whole) = log_sum_exp(x);
        let mass = par::sum(q);
        for ((dx, x), q) in dx.iter_mut().zip(x).zip(q) {
            *dx = math::exp((*x - top) - whole) * mass - q;
        }
        par::reduce(q, x, |q, x| q * (whole - (x - top)))
    })
}

/// q ← (1 − smoothing)·q + smoothing / K in each row of K: label smoothing of distributions.
///
/// # Panics
/// When q is not made of rows of `classes`.
pub fn smooth(q: &mut [f32], classes: usize, smoothing: f32) {
    assert!(classes > 0 && q.len().is_multiple_of(classes), "distributions over {classes} classes");
    let even = smoothing / classes as f32;
    for q in q.iter_mut() {
        *q = (1.0 - smoothing) * *q + even;
    }
}

/// A probability below it counts as this one, so that a loss stays finite.
const FLOOR: f32 = 1e-12;

/// Mean over the labelled rows of −ln p at the label, for probabilities that are no softmax of their own, such as a
/// mixture of generating and copying; as `torch.nn.functional.nll_loss` of their logarithms. 0 where no row is
/// labelled.
///
/// dp = −1 / (n·p) at the label, with n labelled rows. A probability below 10⁻¹² counts as that.
///
/// # Shapes
/// `p: [N, K]`, N labels → one number.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there are not N labels, or one is neither a class nor [`IGNORE`].
pub fn negative_log<D: Backend, T: Tape<f32, D>>(p: Matrix<D, T>, labels: &[u32]) -> Result<Scalar<D, T>> {
    let (n, k) = *p.shape();
    assert_eq!(labels.len(), n, "one label a row");
    assert!(labels.iter().all(|l| *l == IGNORE || (*l as usize) < k), "a label outside 0..{k}");
    let labelled = labels.iter().filter(|l| **l != IGNORE).count();
    against(p, labelled, |row, p, dp| {
        let Some(p) = p.get(labels[row] as usize) else { return 0.0 };
        let p = if *p < FLOOR { FLOOR } else { *p };
        dp[labels[row] as usize] = -1.0 / p;
        -p.ln()
    })
}

/// The mean over `count` rows of what `loss(row, x, dx)` returns; it fills dx with its derivative.
fn against<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    count: usize,
    loss: impl Fn(usize, &[f32], &mut [f32]) -> f32 + Sync,
) -> Result<Scalar<D, T>> {
    let (n, k) = *x.shape();
    let (x, mut tape) = x.split_tape();
    let share = 1.0 / count.max(1) as f32;
    let mut slopes = vec![0.0; n * k];
    let mut losses = vec![0.0; n];
    {
        let x = D::view(&x);
        par::for_rows_with!(&mut slopes, k, &mut losses, |first, slopes, losses| {
            let rows = x[first * k..].chunks_exact(k);
            for (i, ((dx, out), x)) in slopes.chunks_exact_mut(k).zip(losses).zip(rows).enumerate() {
                *out = loss(first + i, x, dx);
                for dx in dx.iter_mut() {
                    *dx *= share;
                }
            }
        });
    }
    let total: f64 = losses.iter().map(|l| f64::from(*l)).sum();
    let y = x.device().tensor_of(vec![(total / count.max(1) as f64) as f32], ())?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?[0];
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| {
                for (dx, slope) in dx.iter_mut().zip(&slopes[first..]) {
                    *dx += dy * slope;
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
