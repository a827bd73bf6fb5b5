//! Each channel of each image times a number of its own, as squeeze-and-excite does.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use crate::kit::backend::{Backend, Images, Matrix, Result};
use crate::kit::cpu::par;

/// y[b, c] = x[b, c]·s[b, c]; dx = dy·s, ds = Σ dy ∘ x over a plane.
///
/// # Shapes
/// `x: [B, C, H, W]`, `s: [B, C]` → `[B, C, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn scale_channels<D: Backend, T: Tape<f32, D>>(x: Images<D, T>, s: Matrix<D, T>) -> Result<Images<D, T>> {
    let (images, channels, height, width) = *x.shape();
    assert_eq!(*s.shape(), (images, channels), "a number for each channel of each image");
    let plane = height * width;
    let ((x, tape), (s, other)) = (x.split_tape(), s.split_tape());
    let mut tape = tape.merge(other);
    let mut y = vec![0.0; images * channels * plane];
    {
        let (x, s) = (D::view(&x), D::view(&s));
        par::for_rows!(&mut y, plane, |first, y| {
            let planes = y.chunks_exact_mut(plane).zip(x[first * plane..].chunks_exact(plane));
            for ((y, x), s) in planes.zip(&s[first..]) {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * s);
            }
        });
    }
    let y = x.device().tensor_of(y, *x.shape())?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let s = D::view(&s);
            par::for_rows!(dx, plane, |first, dx| {
                let planes = dx.chunks_exact_mut(plane).zip(dy[first * plane..].chunks_exact(plane));
                for ((dx, dy), s) in planes.zip(&s[first..]) {
                    dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy * s);
                }
            });
        })?;
        D::add_grad(grads, &s, |ds| {
            let x = D::view(&x);
            par::for_rows!(ds, 1, |first, ds| {
                let planes = dy.chunks_exact(plane).zip(x.chunks_exact(plane)).skip(first);
                ds.iter_mut().zip(planes).for_each(|(ds, (dy, x))| *ds += par::dot(dy, x));
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
