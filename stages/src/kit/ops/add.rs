//! Activations, and the sum of two branches with an activation: y = f(a + b).

use dfdx::prelude::{HasShape, PutTape, Shape, SplitTape, Tape, Tensor};

use super::act::{Act, Function, with_function};
use crate::kit::backend::{Backend, Result};
use crate::kit::cpu::par;

/// y = f(a + b); with dz = dy ∘ f′(a + b): da = db = dz.
///
/// # Shapes
/// Two tensors of one shape → a tensor of that shape.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes differ.
pub fn add<S: Shape, D: Backend, T: Tape<f32, D>>(
    a: Tensor<S, f32, D, T>,
    b: Tensor<S, f32, D, T>,
    act: Act,
) -> Result<Tensor<S, f32, D, T>> {
    assert_eq!(a.shape(), b.shape(), "shapes of two branches");
    let ((a, tape), (b, other)) = (a.split_tape(), b.split_tape());
    activated(a, Some(b), tape.merge(other), act)
}

/// y = f(x); dx = dy ∘ f′(x).
///
/// # Shapes
/// Any → the same.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn activate<S: Shape, D: Backend, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    act: Act,
) -> Result<Tensor<S, f32, D, T>> {
    if act == Act::Identity {
        return Ok(x);
    }
    let (x, tape) = x.split_tape();
    activated(x, None, tape, act)
}

fn activated<S: Shape, D: Backend, T: Tape<f32, D>>(
    a: Tensor<S, f32, D>,
    b: Option<Tensor<S, f32, D>>,
    mut tape: T,
    act: Act,
) -> Result<Tensor<S, f32, D, T>> {
    let mut y = vec![0.0; a.shape().num_elements()];
    {
        let (a, b) = (D::view(&a), b.as_ref().map(D::view));
        with_function!(act, f => forward(&mut y, &a, b.as_deref(), |z| f.both(z).0), identity => {
            forward(&mut y, &a, b.as_deref(), |z| z);
        });
    }
    let y = a.device().tensor_of(y, *a.shape())?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        {
            let (a, b) = (D::view(&a), b.as_ref().map(D::view));
            with_function!(act, f => backward(&mut dz, &a, b.as_deref(), f), identity => ());
        }
        for part in [Some(&a), b.as_ref()].into_iter().flatten() {
            D::add_grad(grads, part, |slope| {
                par::for_rows!(slope, 1, |first, slope| par::add(slope, &dz[first..][..slope.len()]));
            })?;
        }
        Ok(())
    });
    Ok(y.put_tape(tape))
}

fn forward(y: &mut [f32], a: &[f32], b: Option<&[f32]>, f: impl Fn(f32) -> f32 + Sync) {
    par::for_rows!(y, 1, |first, y| {
        let numbers = y.iter_mut().zip(&a[first..]);
        match b {
            None => numbers.for_each(|(y, a)| *y = f(*a)),
            Some(b) => numbers.zip(&b[first..]).for_each(|((y, a), b)| *y = f(a + b)),
        }
    });
}

/// dy becomes dz.
fn backward(dy: &mut [f32], a: &[f32], b: Option<&[f32]>, f: impl Function) {
    par::for_rows!(dy, 1, |first, dy| {
        let numbers = dy.iter_mut().zip(&a[first..]);
        match b {
            None => numbers.for_each(|(dy, a)| *dy *= f.both(*a).1),
            Some(b) => numbers.zip(&b[first..]).for_each(|((dy, a), b)| *dy *= f.both(a + b).1),
        }
    });
}

#[cfg(test)]
mod tests;
