//! Scaled dot-product attention over packed sequences, all heads in one op.

use std::ops::Range;
use std::sync::Arc;

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::dropout::Mask;
use super::softmax::softmax_row;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::gemm::{Mat, Old, matmul_one};
use crate::kit::cpu::par;

/// Sequences of unlike lengths laid end to end as rows of one matrix.
///
/// No row is padding, so nothing is computed that a key mask would have to hide: the numbers are those of the padded
/// and masked form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    starts: Arc<[usize]>,
    /// Which rows only they themselves attend to; none, when every row attends to all.
    veiled: Option<Arc<[bool]>>,
    /// The place of each row, where it is not told by the order of the rows.
    places: Option<Arc<[u32]>>,
}

impl Packed {
    /// Sequences of these lengths.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.into_iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        Self { starts: starts.into(), veiled: None, places: None }
    }

    /// The same sequences, in which no other row attends to the rows that `veiled` tells: a row that asks and is not
    /// heard.
    ///
    /// # Panics
    /// When it tells of more or fewer rows than there are.
    #[must_use]
    pub fn veiled(mut self, veiled: &[bool]) -> Self {
        assert_eq!(veiled.len(), self.rows(), "rows of the sequences");
        self.veiled = Some(veiled.into());
        self
    }

    /// The same sequences, whose rows have these places.
    ///
    /// # Panics
    /// When there are more or fewer places than rows.
    #[must_use]
    pub fn placed(mut self, places: &[u32]) -> Self {
        assert_eq!(places.len(), self.rows(), "rows of the sequences");
        self.places = Some(places.into());
        self
    }

    /// How many sequences there are.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows they have together.
    pub fn rows(&self) -> usize {
        self.starts[self.count()]
    }

    /// The rows of one sequence.
    pub fn span(&self, sequence: usize) -> Range<usize> {
        self.starts[sequence]..self.starts[sequence + 1]
    }

    /// The length of each sequence.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.starts.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Rows of the longest sequence.
    pub fn longest(&self) -> usize {
        self.lengths().max().unwrap_or(0)
    }

    /// The place of each row if every sequence were as long as the longest: how to pad, and how to undo it.
    pub fn slots(&self) -> Vec<u32> {
        let longest = self.longest();
        self.lengths()
            .enumerate()
            .flat_map(|(s, length)| (0..length).map(move |t| (s * longest + t) as u32))
            .collect()
    }

    /// The sequence of each row.
    pub fn owners(&self) -> Vec<u32> {
        self.lengths().enumerate().flat_map(|(s, length)| std::iter::repeat_n(s as u32, length)).collect()
    }

    /// The place of each row in its sequence, from 0 unless told otherwise.
    pub fn positions(&self) -> Vec<u32> {
        match &self.places {
            Some(places) => places.to_vec(),
            None => self.lengths().flat_map(|length| 0..length as u32).collect(),
        }
    }

    fn veil(&self, sequence: usize) -> Option<&[bool]> {
        self.veiled.as_ref().map(|veiled| &veiled[self.span(sequence)])
    }
}

/// Attention of every row of a sequence over all rows of it that are not veiled, one softmax a head, as
/// `torch.nn.functional.scaled_dot_product_attention`.
///
/// Each head with width d: P = softmax(Q·Kᵀ / √d), y = (mask ∘ P)·V. Backward, with A = mask ∘ P:
/// dV = Aᵀ·dy,  dP = mask ∘ (dy·Vᵀ),  dS = P ∘ (dP − rowsum(dP ∘ P)),  dQ = dS·K / √d,  dK = dSᵀ·Q / √d.
///
/// # Shapes
/// `qkv: [N, 3·W]`, a row being its query, key and value, each heads × d → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn attention<D: Backend, T: Tape<f32, D>>(
    qkv: Matrix<D, T>,
    packed: &Packed,
    heads: usize,
    mask: Option<Mask>,
) -> Result<Matrix<D, T>> {
    attend(qkv, packed, heads, mask, false)
}

/// As [`attention`], each row over itself and the rows before it: that of a language model.
///
/// # Shapes
/// `qkv: [N, 3·W]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn causal_attention<D: Backend, T: Tape<f32, D>>(
    qkv: Matrix<D, T>,
    packed: &Packed,
    heads: usize,
    mask: Option<Mask>,
) -> Result<Matrix<D, T>> {
    attend(qkv, packed, heads, mask, true)
}

fn attend<D: Backend, T: Tape<f32, D>>(
    qkv: Matrix<D, T>,
    packed: &Packed,
    heads: usize,
    mask: Option<Mask>,
    causal: bool,
) -> Result<Matrix<D, T>> {
    let (n, w3) = *qkv.shape();
    let w = w3 / 3;
    assert!(w3 == 3 * w && w.is_multiple_of(heads), "a query, a key and a value of {heads} heads in {w3}");
    assert_eq!(packed.rows(), n, "rows of the sequences");
    let (qkv, mut tape) = qkv.split_tape();
    let head = Head { width: w / heads, step: w3, scale: 1.0 / ((w / heads) as f32).sqrt(), mask, causal };

    let mut y = vec![0.0; n * w];
    let squares = || packed.lengths().map(|t| heads * t * t);
    let mut p = vec![0.0; squares().sum()];
    {
        let qkv = D::view(&qkv);
        let ys = par::split(&mut y, packed.lengths().map(|t| t * w));
        let ps = par::split(&mut p, squares());
        let firsts = squares().scan(0, |end, square| Some(std::mem::replace(end, *end + square)));
        let work: Vec<_> = ys.into_iter().zip(ps).zip(firsts).enumerate().collect();
        work.into_par_iter().for_each(|(s, ((y, p), first))| {
            let span = packed.span(s);
            let t = span.len();
            let rows = &qkv[span.start * w3..span.end * w3];
            let mut dropped = Vec::new();
            for (h, p) in p.chunks_exact_mut((t * t).max(1)).enumerate() {
                let y = &mut y[h * head.width..];
                head.forward(h, rows, p, packed.veil(s), first + h * t * t, &mut dropped, y, w);
            }
        });
    }
    let y = qkv.device().tensor_of(y, (n, w))?;
    let (y_ref, packed) = (y.clone(), packed.clone());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &qkv, |dqkv| {
            let qkv = D::view(&qkv);
            let pieces = par::split(dqkv, packed.lengths().map(|t| t * w3));
            let squares = packed.lengths().map(|t| heads * t * t);
            let firsts = squares.scan(0, |end, square| Some(std::mem::replace(end, *end + square)));
            let work: Vec<_> = pieces.into_iter().zip(firsts).enumerate().collect();
            work.into_par_iter().for_each(|(s, (dqkv, first))| {
                let span = packed.span(s);
                let t = span.len();
                let rows = &qkv[span.start * w3..span.end * w3];
                let mut scratch = vec![0.0; 2 * t * t];
                for h in 0..heads {
                    let first = first + h * t * t;
                    let dy = &dy[span.start * w + h * head.width..];
                    head.backward(h, rows, &p[first..][..t * t], first, dy, w, &mut scratch, dqkv);
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// What the heads of one op share.
#[derive(Clone, Copy)]
struct Head {
    width: usize,
    /// From a row of queries, keys and values to the next.
    step: usize,
    scale: f32,
    mask: Option<Mask>,
    /// Whether a row sees nothing after it.
    causal: bool,
}

impl Head {
    /// Query, key and value of head `h`, each `[T, d]`.
    fn parts<'a>(&self, h: usize, rows: &'a [f32]) -> [Mat<'a>; 3] {
        let t = rows.len() / self.step;
        [0, 1, 2].map(|part| {
            let from = if t == 0 { 0 } else { self.column(h, part) };
            Mat::strided(&rows[from..], t, self.width, self.step)
        })
    }

    fn column(&self, h: usize, part: usize) -> usize {
        part * self.step / 3 + h * self.width
    }

    #[expect(clippy::too_many_arguments, reason = "the operands of one kernel")]
    fn forward(
        &self,
        h: usize,
        rows: &[f32],
        p: &mut [f32],
        veil: Option<&[bool]>,
        first: usize,
        dropped: &mut Vec<f32>,
        y: &mut [f32],
        w: usize,
    ) {
        let [q, k, v] = self.parts(h, rows);
        let t = rows.len() / self.step;
        if t == 0 {
            return;
        }
        matmul_one(p, t, q, k.t(), Old::Replace);
        if let Some(veil) = veil {
            hide(p, veil);
        }
        par::simd!(|| {
            for (i, row) in p.chunks_exact_mut(t).enumerate() {
                let (seen, rest) = row.split_at_mut(if self.causal { i + 1 } else { t });
                for x in seen.iter_mut() {
                    *x *= self.scale;
                }
                softmax_row(seen);
                rest.fill(0.0);
            }
        });
        let p = match self.mask {
            None => &*p,
            Some(mask) => {
                dropped.clear();
                dropped.extend_from_slice(p);
                par::simd!(|| mask.apply(first, dropped));
                dropped
            }
        };
        matmul_one(y, w, Mat::new(p, t, t), v, Old::Replace);
    }

    #[expect(clippy::too_many_arguments, reason = "the operands of one kernel")]
    fn backward(
        &self,
        h: usize,
        rows: &[f32],
        p: &[f32],
        first: usize,
        dy: &[f32],
        w: usize,
        scratch: &mut [f32],
        dqkv: &mut [f32],
    ) {
        let [q, k, v] = self.parts(h, rows);
        let t = rows.len() / self.step;
        if t == 0 {
            return;
        }
        let dy = Mat::strided(dy, t, self.width, w);
        let (a, ds) = scratch.split_at_mut(t * t);
        a.copy_from_slice(p);
        if let Some(mask) = self.mask {
            par::simd!(|| mask.apply(first, a));
        }
        matmul_one(&mut dqkv[self.column(h, 2)..], self.step, Mat::new(a, t, t).t(), dy, Old::Add);
        matmul_one(ds, t, dy, v.t(), Old::Replace);
        par::simd!(|| {
            if let Some(mask) = self.mask {
                mask.apply(first, ds);
            }
            for (ds, p) in ds.chunks_exact_mut(t).zip(p.chunks_exact(t)) {
                let along = par::dot(ds, p);
                for (ds, p) in ds.iter_mut().zip(p) {
                    *ds = p * (*ds - along) * self.scale;
                }
            }
        });
        let ds = Mat::new(ds, t, t);
        matmul_one(&mut dqkv[self.column(h, 0)..], self.step, ds, k, Old::Add);
        matmul_one(&mut dqkv[self.column(h, 1)..], self.step, ds.t(), q, Old::Add);
    }
}

/// Scores of −∞ where a row looks at another that is veiled; its softmax is then 0 and so is its gradient.
fn hide(scores: &mut [f32], veil: &[bool]) {
    for (i, row) in scores.chunks_exact_mut(veil.len()).enumerate() {
        for (j, score) in row.iter_mut().enumerate() {
            if veil[j] && i != j {
                *score = f32::NEG_INFINITY;
            }
        }
    }
}

#[cfg(test)]
mod tests;
