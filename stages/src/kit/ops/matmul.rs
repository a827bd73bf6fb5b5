//! Products of matrices in pairs.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use crate::kit::backend::{Backend, Cube, Result};
use crate::kit::cpu::gemm::{Mat, Old, matmul_one};

/// C = A·B of each pair, as `torch.bmm`;  dA = dC·Bᵀ, dB = Aᵀ·dC.
///
/// # Shapes
/// `a: [B, M, K]`, `b: [B, K, N]` → `[B, M, N]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn batched_matmul<D: Backend, T: Tape<f32, D>>(a: Cube<D, T>, b: Cube<D, T>) -> Result<Cube<D, T>> {
    let ((count, m, k), (other, depth, n)) = (*a.shape(), *b.shape());
    assert!(count == other && k == depth, "{count} products of [{m}, {k}] and {other} of [{depth}, {n}]");
    let ((a, tape), (b, other)) = (a.split_tape(), b.split_tape());
    let mut tape = tape.merge(other);
    let mut c = vec![0.0; count * m * n];
    {
        let (a, b) = (D::view(&a), D::view(&b));
        each(&mut c, m * n, |i, c| {
            matmul_one(c, n, pair(&a, i, m, k), pair(&b, i, k, n), Old::Replace);
        });
    }
    let c = a.device().tensor_of(c, (count, m, n))?;
    let c_ref = c.clone();
    tape.add_backward_op(move |grads| {
        let dc = D::take_grad(grads, &c_ref)?;
        D::add_grad(grads, &a, |da| {
            let b = D::view(&b);
            each(da, m * k, |i, da| {
                matmul_one(da, k, pair(&dc, i, m, n), pair(&b, i, k, n).t(), Old::Add);
            });
        })?;
        D::add_grad(grads, &b, |db| {
            let a = D::view(&a);
            each(db, k * n, |i, db| {
                matmul_one(db, n, pair(&a, i, m, k).t(), pair(&dc, i, m, n), Old::Add);
            });
        })
    });
    Ok(c.put_tape(tape))
}

/// Matrix `i` of a batch.
fn pair(x: &[f32], i: usize, rows: usize, columns: usize) -> Mat<'_> {
    Mat::new(&x[i * rows * columns..][..rows * columns], rows, columns)
}

/// Calls `f` for every matrix of so many numbers.
fn each(x: &mut [f32], numbers: usize, f: impl Fn(usize, &mut [f32]) + Send + Sync) {
    x.par_chunks_exact_mut(numbers.max(1)).enumerate().for_each(|(i, x)| f(i, x));
}

#[cfg(test)]
mod tests;
