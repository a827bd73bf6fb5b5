//! Channels of several images side by side.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use crate::kit::backend::{Backend, Images, Result};
use crate::kit::cpu::par;

/// All channels of the first part, then all of the second, and so on; each part gets its share of the gradient.
///
/// # Shapes
/// `[B, C₁, H, W]`, `[B, C₂, H, W]`, … → `[B, C₁ + C₂ + …, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When there is no part, or the shapes do not fit.
pub fn concat_channels<D: Backend, T: Tape<f32, D>>(parts: Vec<Images<D, T>>) -> Result<Images<D, T>> {
    let (images, _, height, width) = *parts.first().expect("a part").shape();
    let mut tape = T::default();
    let mut inputs = Vec::with_capacity(parts.len());
    for part in parts {
        let (b, _, h, w) = *part.shape();
        assert_eq!((b, h, w), (images, height, width), "images and sizes of the parts");
        let (part, other) = part.split_tape();
        tape = tape.merge(other);
        inputs.push(part);
    }
    let lengths: Vec<usize> = inputs.iter().map(|part| part.shape().1 * height * width).collect();
    let total = lengths.iter().sum::<usize>();
    let mut y = vec![0.0; images * total];
    {
        let views: Vec<_> = inputs.iter().map(D::view).collect();
        y.par_chunks_exact_mut(total.max(1)).enumerate().for_each(|(image, y)| {
            for ((y, part), length) in
                par::split(y, lengths.iter().copied()).into_iter().zip(&views).zip(&lengths)
            {
                y.copy_from_slice(&part[image * length..][..*length]);
            }
        });
    }
    let channels = inputs.iter().map(|part| part.shape().1).sum();
    let y = inputs[0].device().tensor_of(y, (images, channels, height, width))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let mut start = 0;
        for (part, length) in inputs.iter().zip(&lengths) {
            D::add_grad(grads, part, |dx| {
                dx.par_chunks_exact_mut((*length).max(1))
                    .zip(dy.par_chunks_exact(total.max(1)))
                    .for_each(|(dx, dy)| par::simd!(|| par::add(dx, &dy[start..][..*length])));
            })?;
            start += length;
        }
        Ok(())
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
