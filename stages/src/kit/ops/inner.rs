//! The product of a tensor with given numbers, summed: penalties that are linear in what is learned.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Matrix, Result, Scalar};
use crate::kit::cpu::par;

/// y = Σ a ∘ x for numbers a that are given and not learned; dx = dy·a.
///
/// # Shapes
/// `x: [N, K]`, N·K numbers of a → one number.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When a holds another count of numbers.
pub fn inner<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, a: &[f32]) -> Result<Scalar<D, T>> {
    let (n, k) = *x.shape();
    assert_eq!(a.len(), n * k, "a number for each of {n} × {k}");
    let (x, mut tape) = x.split_tape();
    // Rows are summed one by one, so that no order of threads shows.
    let total: f64 = {
        let x = D::view(&x);
        let rows = x.chunks_exact(k.max(1)).zip(a.chunks_exact(k.max(1)));
        par::simd!(|| rows.map(|(x, a)| f64::from(par::dot(x, a))).sum())
    };
    let y = x.device().tensor_of(vec![total as f32], ())?;
    let (y_ref, a) = (y.clone(), a.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?[0];
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| par::add_times(dx, dy, &a[first..][..dx.len()]));
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
