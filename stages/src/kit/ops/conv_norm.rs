//! A convolution and the batch norm behind it in one tape entry: y = f(norm(w ⋆ x) + r).
//!
//! Nothing else looks at what lies between the two. So its gradient is made where dy was, and needs no buffer of its
//! own, which would be filled with zeros and added to.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use super::batch_norm::{Affine, Statistics, statistics};
use super::conv::{Geometry, Shapes};
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::cpu::par;

/// [`conv2d_cropped`](super::conv::conv2d_cropped) without bias and [`batch_norm`](super::batch_norm::batch_norm) by
/// the batch's own statistics, which it returns, too: the first `outputs` filters, gains and shifts.
///
/// # Shapes
/// `x: [B, I, H, W]`, `w: [≥ outputs, ≥ I / groups, K, K']`, `residual: [B, outputs, H', W']` → the same.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit, or there are no numbers.
pub fn conv_norm<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    w: &Images<D>,
    outputs: usize,
    geometry: Geometry,
    residual: Option<Images<D, T>>,
    affine: &Affine<'_, D>,
) -> Result<(Images<D, T>, Statistics)> {
    let (x, mut tape) = x.split_tape();
    let residual = residual.map(|r| {
        let (r, other) = r.split_tape();
        tape = std::mem::take(&mut tape).merge(other);
        r
    });
    normed((x, true), tape, w, outputs, geometry, residual, affine)
}

/// As [`conv_norm`] for images that are data: this is where a tape starts, and nobody wants their gradient.
///
/// # Shapes
/// `x: [B, I, H, W]`, `w: [O, I, K, K']` → `[B, O, H', W']`; in one group.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit, or there are no numbers.
pub fn conv_norm_of_data<D: Backend, T: Tape<f32, D>>(
    x: &Images<D>,
    w: &Images<D>,
    geometry: Geometry,
    affine: &Affine<'_, D>,
) -> Result<(Images<D, T>, Statistics)> {
    assert_eq!(geometry.groups, 1, "groups of a convolution of data");
    normed((x.clone(), false), T::default(), w, w.shape().0, geometry, None, affine)
}

/// Both as one tape entry; x comes with whether it gets a gradient.
fn normed<D: Backend, T: Tape<f32, D>>(
    (x, onward): (Images<D>, bool),
    mut tape: T,
    w: &Images<D>,
    outputs: usize,
    geometry: Geometry,
    residual: Option<Images<D>>,
    affine: &Affine<'_, D>,
) -> Result<(Images<D, T>, Statistics)> {
    let conv = Shapes::of(&x, w, outputs, geometry);
    let shape = conv.output(x.shape().0);
    let (images, _, height, width) = shape;
    assert!(residual.as_ref().is_none_or(|r| *r.shape() == shape), "shape of the residual");
    let z = conv.apply(&x, w, None);
    let statistics = statistics([images, outputs, height * width], &z);
    let kernel = affine.kernel(height * width, &statistics, true);
    let mut y = vec![0.0; z.len()];
    kernel.forward(&z, residual.as_ref().map(D::view).as_deref(), &mut y, affine.act);
    let y = x.device().tensor_of(y, shape)?;
    let (y_ref, w) = (y.clone(), w.clone());
    let (gain, shift, act) = (affine.gain.clone(), affine.shift.clone(), affine.act);
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        let (mut dgain, mut dshift) = (Vec::new(), Vec::new());
        match &residual {
            None => (dgain, dshift) = kernel.backward_in_place(&z, None, &mut dz, act),
            Some(r) => D::add_grad(grads, r, |dr| {
                (dgain, dshift) = kernel.backward_in_place(&z, Some((&D::view(r), dr)), &mut dz, act);
            })?,
        }
        drop(z);
        D::add_grad(grads, &gain, |sum| par::add(sum, &dgain))?;
        D::add_grad(grads, &shift, |sum| par::add(sum, &dshift))?;
        conv.add_gradients(grads, &x, &w, None, &dz, onward)
    });
    Ok((y.put_tape(tape), statistics))
}

#[cfg(test)]
mod tests;
