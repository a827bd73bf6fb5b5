//! Products: of two tensors number by number, and of each row with a number of its own.

use dfdx::prelude::{HasShape, PutTape, Shape, SplitTape, Tape, Tensor};

use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::par;

/// z = x ∘ y;  dx = dz ∘ y, dy = dz ∘ x.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes differ.
pub fn mul<S: Shape, D: Backend, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    y: Tensor<S, f32, D, T>,
) -> Result<Tensor<S, f32, D, T>> {
    assert_eq!(x.shape(), y.shape(), "shapes to multiply");
    let ((x, tape), (y, other)) = (x.split_tape(), y.split_tape());
    let mut tape = tape.merge(other);
    let mut z = D::view(&x).into_owned();
    {
        let y = D::view(&y);
        par::for_rows!(&mut z, 1, |first, z| par::mul(z, &y[first..][..z.len()]));
    }
    let z = x.device().tensor_of(z, *x.shape())?;
    let z_ref = z.clone();
    tape.add_backward_op(move |grads| {
        let dz = D::take_grad(grads, &z_ref)?;
        D::add_grad(grads, &x, |dx| add_product(dx, &dz, &D::view(&y)))?;
        D::add_grad(grads, &y, |dy| add_product(dy, &dz, &D::view(&x)))
    });
    Ok(z.put_tape(tape))
}

/// yₙ = aₙ·xₙ for each row;  dx = a·dy, daₙ = Σ dyₙ ∘ xₙ.
///
/// # Shapes
/// `x: [N, W]`, `a: [N]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there are not N factors.
pub fn scale_rows<D: Backend, T: Tape<f32, D>>(x: Matrix<D, T>, a: Vector<D, T>) -> Result<Matrix<D, T>> {
    let (n, width) = *x.shape();
    assert_eq!(a.shape().0, n, "one factor a row");
    let ((x, tape), (a, other)) = (x.split_tape(), a.split_tape());
    let mut tape = tape.merge(other);
    let mut y = D::view(&x).into_owned();
    {
        let a = D::view(&a);
        par::for_rows!(&mut y, width, |first, y| {
            for (y, a) in y.chunks_exact_mut(width.max(1)).zip(&a[first..]) {
                for y in y.iter_mut() {
                    *y *= a;
                }
            }
        });
    }
    let y = x.device().tensor_of(y, (n, width))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            let a = D::view(&a);
            par::for_rows!(dx, width, |first, dx| {
                let rows =
                    dx.chunks_exact_mut(width.max(1)).zip(dy[first * width..].chunks_exact(width.max(1)));
                for ((dx, dy), a) in rows.zip(&a[first..]) {
                    for (dx, dy) in dx.iter_mut().zip(dy) {
                        *dx += a * dy;
                    }
                }
            });
        })?;
        D::add_grad(grads, &a, |da| {
            let x = D::view(&x);
            par::simd!(|| {
                let rows = x.chunks_exact(width.max(1)).zip(dy.chunks_exact(width.max(1)));
                da.iter_mut().zip(rows).for_each(|(da, (x, dy))| *da += par::dot(x, dy));
            });
        })
    });
    Ok(y.put_tape(tape))
}

/// x += y ∘ z.
fn add_product(x: &mut [f32], y: &[f32], z: &[f32]) {
    par::for_rows!(x, 1, |first, x| {
        for ((x, y), z) in x.iter_mut().zip(&y[first..]).zip(&z[first..]) {
            *x += y * z;
        }
    });
}

#[cfg(test)]
mod tests;
