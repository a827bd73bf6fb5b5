//! Dropout, residual and layer norm together: y = norm(r + mask ∘ x).

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::dropout::Mask;
use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::par;

/// y = γ ∘ (s − mean) / √(var + ε) + β for each row of s = r + mask ∘ x, as `torch.nn.functional.layer_norm` of a
/// residual sum. Without a residual, s = mask ∘ x.
///
/// With ŝ the normed row, σ = √(var + ε) and g = γ ∘ dy:
/// ds = (g − mean g − ŝ·mean(g ∘ ŝ)) / σ,  dγ = Σ dy ∘ ŝ,  dβ = Σ dy,  dr = ds,  dx = mask ∘ ds.
///
/// # Shapes
/// `x, residual: [N, W]`, `gain, shift: [W]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn add_norm<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    mask: Option<Mask>,
    residual: Option<Matrix<D, T>>,
    gain: &Vector<D>,
    shift: &Vector<D>,
    epsilon: f32,
) -> Result<Matrix<D, T>> {
    let (n, w) = *x.shape();
    assert!(gain.shape().0 == w && shift.shape().0 == w, "width of the rows");
    let (x, mut tape) = x.split_tape();
    let residual = residual.map(|r| {
        assert_eq!(*r.shape(), (n, w), "shape of the residual");
        let (r, other) = r.split_tape();
        tape = std::mem::take(&mut tape).merge(other);
        r
    });

    let mut normed = vec![0.0; n * w];
    let mut y = vec![0.0; n * w];
    let mut inverse = vec![0.0; n];
    {
        let (x, residual) = (D::view(&x), residual.as_ref().map(D::view));
        let (gain, shift) = (D::view(gain), D::view(shift));
        let rows = par::block_rows(w);
        let blocks = normed.par_chunks_mut(rows * w).zip(y.par_chunks_mut(rows * w));
        blocks.zip(inverse.par_chunks_mut(rows)).enumerate().for_each(|(i, ((s, y), inverse))| {
            par::simd!(|| {
                let first = i * rows * w;
                s.copy_from_slice(&x[first..][..s.len()]);
                if let Some(mask) = mask {
                    mask.apply(first, s);
                }
                if let Some(residual) = &residual {
                    par::add(s, &residual[first..][..s.len()]);
                }
                for ((s, y), inverse) in s.chunks_exact_mut(w).zip(y.chunks_exact_mut(w)).zip(inverse) {
                    *inverse = normalise(s, epsilon);
                    for (((y, s), gain), shift) in y.iter_mut().zip(s).zip(&*gain).zip(&*shift) {
                        *y = *s * gain + shift;
                    }
                }
            });
        });
    }
    let y = x.device().tensor_of(y, (n, w))?;
    let (y_ref, gain, shift) = (y.clone(), gain.clone(), shift.clone());
    tape.add_backward_op(move |grads| {
        let mut ds = D::take_grad(grads, &y_ref)?;
        let mut sums = vec![0.0; 2 * w];
        {
            let gain = D::view(&gain);
            par::sum_rows!(&mut ds, w, &mut sums, |first, dy, sums| {
                let (dgain, dshift) = sums.split_at_mut(w);
                let normed = normed[first * w..].chunks_exact(w);
                for ((dy, s), inverse) in dy.chunks_exact_mut(w).zip(normed).zip(&inverse[first..]) {
                    for (((dy, s), dgain), dshift) in dy.iter().zip(s).zip(&mut *dgain).zip(&mut *dshift) {
                        *dgain += dy * s;
                        *dshift += dy;
                    }
                    par::mul(dy, &gain);
                    let mean = par::sum(dy) / w as f32;
                    let along = par::dot(dy, s) / w as f32;
                    for (dy, s) in dy.iter_mut().zip(s) {
                        *dy = (*dy - mean - s * along) * inverse;
                    }
                }
            });
        }
        D::add_grad(grads, &gain, |sum| par::add(sum, &sums[..w]))?;
        D::add_grad(grads, &shift, |sum| par::add(sum, &sums[w..]))?;
        if let Some(residual) = &residual {
            D::add_grad(grads, residual, |dr| {
                par::for_rows!(dr, 1, |first, dr| par::add(dr, &ds[first..][..dr.len()]));
            })?;
        }
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| {
                let ds = &ds[first..][..dx.len()];
                match mask {
                    None => par::add(dx, ds),
                    Some(mask) => {
                        for (i, (dx, ds)) in dx.iter_mut().zip(ds).enumerate() {
                            *dx += mask.at(first + i) * ds;
                        }
                    }
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// s ← (s − mean) / √(var + ε); returns 1 / √(var + ε).
#[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
#[inline(always)]
fn normalise(s: &mut [f32], epsilon: f32) -> f32 {
    let width = s.len() as f32;
    let mean = par::sum(s) / width;
    for s in s.iter_mut() {
        *s -= mean;
    }
    let inverse = 1.0 / (par::dot(s, s) / width + epsilon).sqrt();
    for s in s.iter_mut() {
        *s *= inverse;
    }
    inverse
}

#[cfg(test)]
mod tests;
