//! Attention of the rows of one set of sequences over the rows of another, in two halves: the weights, which a copying
//! decoder also reads, and the mixture that they make.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::attention::Packed;
use super::softmax::softmax_row;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::gemm::{Mat, Old, matmul_one};
use crate::kit::cpu::par;

/// P = softmax(scale·Q·Kᵀ) of each pair of sequences, in rows as wide as the longest sequence of keys, zeros after the
/// end of shorter ones.
///
/// dS = P ∘ (dP − rowsum(dP ∘ P)),  dQ = scale·dS·K,  dK = scale·dSᵀ·Q.
///
/// # Shapes
/// `q: [N, W]`, S sequences of N rows, `k: [M, W]`, S sequences of M rows, the longest of T → `[N, T]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn attention_weights<D: Backend, T: Tape<f32, D>>(
    q: Matrix<D, T>,
    queries: &Packed,
    k: Matrix<D, T>,
    keys: &Packed,
    scale: f32,
) -> Result<Matrix<D, T>> {
    let ((n, width), (m, other)) = (*q.shape(), *k.shape());
    assert_eq!(width, other, "width of queries and keys");
    let pairs = Pairs::new(queries, keys, n, m);
    let ((q, tape), (k, other)) = (q.split_tape(), k.split_tape());
    let mut tape = tape.merge(other);
    let longest = keys.longest();
    let mut p = vec![0.0; n * longest];
    {
        let (q, k) = (D::view(&q), D::view(&k));
        pairs.for_queries(&mut p, longest, |s, p| {
            let (q, k) = (pairs.queries(s, &q, width), pairs.keys(s, &k, width));
            matmul_one(p, longest, q, k.t(), Old::Replace);
            let length = keys.span(s).len();
            if length > 0 {
                par::simd!(|| {
                    for row in p.chunks_exact_mut(longest) {
                        let row = &mut row[..length];
                        for x in row.iter_mut() {
                            *x *= scale;
                        }
                        softmax_row(row);
                    }
                });
            }
        });
    }
    let p = q.device().tensor_of(p, (n, longest))?;
    let p_ref = p.clone();
    tape.add_backward_op(move |grads| {
        let mut ds = D::take_grad(grads, &p_ref)?;
        let p = D::view(&p_ref);
        pairs.for_queries(&mut ds, longest, |s, ds| {
            let p = &p[pairs.queries.span(s).start * longest..];
            par::simd!(|| {
                for (ds, p) in ds.chunks_exact_mut(longest.max(1)).zip(p.chunks_exact(longest.max(1))) {
                    let along = par::dot(ds, p);
                    ds.iter_mut().zip(p).for_each(|(ds, p)| *ds = p * (*ds - along) * scale);
                }
            });
        });
        D::add_grad(grads, &q, |dq| {
            let k = D::view(&k);
            pairs.for_queries(dq, width, |s, dq| {
                matmul_one(dq, width, pairs.weights(s, &ds), pairs.keys(s, &k, width), Old::Add);
            });
        })?;
        D::add_grad(grads, &k, |dk| {
            let q = D::view(&q);
            pairs.for_keys(dk, width, |s, dk| {
                matmul_one(dk, width, pairs.weights(s, &ds).t(), pairs.queries(s, &q, width), Old::Add);
            });
        })
    });
    Ok(p.put_tape(tape))
}

/// y = P·V of each pair of sequences; dP = dy·Vᵀ, dV = Pᵀ·dy.
///
/// With the vectors of the words that the keys stand for as V it is what the keys' words add to a vocabulary: copying.
///
/// # Shapes
/// `p: [N, T]` as of [`attention_weights`], `v: [M, W]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn mix<D: Backend, T: Tape<f32, D>>(
    p: Matrix<D, T>,
    queries: &Packed,
    v: Matrix<D, T>,
    keys: &Packed,
) -> Result<Matrix<D, T>> {
    let ((n, longest), (m, width)) = (*p.shape(), *v.shape());
    assert_eq!(longest, keys.longest(), "weights of a row");
    let pairs = Pairs::new(queries, keys, n, m);
    let ((p, tape), (v, other)) = (p.split_tape(), v.split_tape());
    let mut tape = tape.merge(other);
    let mut y = vec![0.0; n * width];
    {
        let (p, v) = (D::view(&p), D::view(&v));
        pairs.for_queries(&mut y, width, |s, y| {
            matmul_one(y, width, pairs.weights(s, &p), pairs.keys(s, &v, width), Old::Replace);
        });
    }
    let y = p.device().tensor_of(y, (n, width))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &p, |dp| {
            let v = D::view(&v);
            pairs.for_queries(dp, longest, |s, dp| {
                matmul_one(dp, longest, pairs.queries(s, &dy, width), pairs.keys(s, &v, width).t(), Old::Add);
            });
        })?;
        D::add_grad(grads, &v, |dv| {
            let p = D::view(&p);
            pairs.for_keys(dv, width, |s, dv| {
                matmul_one(dv, width, pairs.weights(s, &p).t(), pairs.queries(s, &dy, width), Old::Add);
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// Sequences of queries beside those of keys.
struct Pairs {
    queries: Packed,
    keys: Packed,
}

impl Pairs {
    fn new(queries: &Packed, keys: &Packed, n: usize, m: usize) -> Self {
        assert_eq!(queries.count(), keys.count(), "sequences of queries and of keys");
        assert!(queries.rows() == n && keys.rows() == m, "rows of the sequences");
        Self { queries: queries.clone(), keys: keys.clone() }
    }

    /// Sequence `s` of a matrix with a row a query.
    fn queries<'a>(&self, s: usize, x: &'a [f32], width: usize) -> Mat<'a> {
        part(&self.queries, s, x, width)
    }

    /// Sequence `s` of a matrix with a row a key.
    fn keys<'a>(&self, s: usize, x: &'a [f32], width: usize) -> Mat<'a> {
        part(&self.keys, s, x, width)
    }

    /// The weights of sequence `s`, those beyond its end left out.
    fn weights<'a>(&self, s: usize, p: &'a [f32]) -> Mat<'a> {
        let (span, longest) = (self.queries.span(s), self.keys.longest());
        Mat::strided(&p[span.start * longest..], span.len(), self.keys.span(s).len(), longest)
    }

    fn for_queries(&self, x: &mut [f32], width: usize, f: impl Fn(usize, &mut [f32]) + Sync + Send) {
        let pieces = par::split(x, self.queries.lengths().map(|t| t * width));
        pieces.into_par_iter().enumerate().for_each(|(s, x)| f(s, x));
    }

    fn for_keys(&self, x: &mut [f32], width: usize, f: impl Fn(usize, &mut [f32]) + Sync + Send) {
        let pieces = par::split(x, self.keys.lengths().map(|t| t * width));
        pieces.into_par_iter().enumerate().for_each(|(s, x)| f(s, x));
    }
}

/// The rows of sequence `s`.
fn part<'a>(packed: &Packed, s: usize, x: &'a [f32], width: usize) -> Mat<'a> {
    let span = packed.span(s);
    Mat::new(&x[span.start * width..], span.len(), width)
}

#[cfg(test)]
mod tests;
