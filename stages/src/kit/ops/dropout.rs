//! Dropout whose mask is a function of a counter, so that it is never stored.

use dfdx::prelude::{HasShape, PutTape, Shape, SplitTape, Tape, Tensor};

use crate::kit::backend::{Backend, Result};
use crate::kit::cpu::par;
use crate::kit::rng::{Noise, Stream};

/// A dropout mask: each number is kept with probability 1 − p and scaled by 1 / (1 − p).
#[derive(Debug, Clone, Copy)]
pub struct Mask {
    noise: Noise,
    /// Draws below it drop.
    threshold: u32,
    scale: f32,
}

impl Mask {
    /// The mask of a stream, or none where nothing is dropped.
    ///
    /// # Panics
    /// When p is not in [0, 1).
    pub fn new(p: f32, stream: Option<Stream>) -> Option<Self> {
        assert!((0.0..1.0).contains(&p), "dropout probability {p}");
        let threshold = (f64::from(p) * 4_294_967_296.0) as u32;
        stream.filter(|_| p > 0.0).map(|s| Self { noise: s.noise(), threshold, scale: 1.0 / (1.0 - p) })
    }

    /// What the number at `index` is multiplied with.
    #[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
    #[inline(always)]
    pub fn at(self, index: usize) -> f32 {
        if self.noise.at(index as u32) < self.threshold { 0.0 } else { self.scale }
    }

    /// x ← mask ∘ x, where `x` starts at `index`.
    #[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
    #[inline(always)]
    pub fn apply(self, index: usize, x: &mut [f32]) {
        for (i, x) in x.iter_mut().enumerate() {
            *x *= self.at(index + i);
        }
    }
}

/// y = mask ∘ x, dx = mask ∘ dy; x itself without a mask.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn dropout<S: Shape, D: Backend, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    mask: Option<Mask>,
) -> Result<Tensor<S, f32, D, T>> {
    let Some(mask) = mask else { return Ok(x) };
    let (x, mut tape) = x.split_tape();
    let mut y = D::view(&x).into_owned();
    par::for_rows!(&mut y, 1, |first, y| mask.apply(first, y));
    let y = x.device().tensor_of(y, *x.shape())?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| {
                let dy = &dy[first..][..dx.len()];
                for (i, (dx, dy)) in dx.iter_mut().zip(dy).enumerate() {
                    *dx += mask.at(first + i) * dy;
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
