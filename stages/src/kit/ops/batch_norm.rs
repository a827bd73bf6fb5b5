//! Batch norm of images, with a residual and an activation: y = f(γ·(x − mean) / √(var + ε) + β + r) for each channel.
//!
//! The op is bound by memory, so it makes as few passes over it as there can be: one for the statistics, whose sums
//! are taken around a number near the mean so that squares may be summed with them, and one for the result; backward
//! the same. A task takes a few neighbouring channels of all images, and its second pass finds them in its cache.

mod channels;
pub(super) mod kernel;

use dfdx::prelude::{HasShape, PutTape, Shape, SplitTape, Tape};
use rayon::prelude::*;

use self::channels::Channels;
use self::kernel::Kernel;
use super::act::Act;
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::cpu::par;

/// Mean and variance of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Mean.
    pub mean: Vec<f32>,
    /// Mean square of the distance from the mean.
    pub variance: Vec<f32>,
    /// Numbers that a channel has.
    pub count: usize,
}

impl Statistics {
    /// Variances as estimates of those of the population that the numbers are drawn from: with count − 1 in the
    /// denominator. A single number has none: 0.
    pub fn unbiased(&self) -> Vec<f32> {
        let factor = self.count as f32 / (self.count.max(2) - 1) as f32;
        self.variance.iter().map(|v| v * factor).collect()
    }
}

/// Batch norm by the statistics of x itself, as `torch.nn.functional.batch_norm` in training; returns them, too.
///
/// γ and β may be those of more channels: the first ones are used.
///
/// With z the argument of f, dz = dy ∘ f′(z), x̂ the normed x, M numbers a channel and σ = √(var + ε):
/// dβ = Σ dz,  dγ = Σ dz·x̂,  dr = dz,  dx = γ/σ · (dz − dβ/M − x̂·dγ/M).
///
/// # Shapes
/// `x, residual: [B, C, H, W]`, `gain, shift: [≥ C]` → `[B, C, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    residual: Option<Images<D, T>>,
    gain: &Vector<D>,
    shift: &Vector<D>,
    epsilon: f32,
    act: Act,
) -> Result<(Images<D, T>, Statistics)> {
    let (images, channels, height, width) = *x.shape();
    let statistics = statistics([images, channels, height * width], &D::view(&x));
    let y = norm(x, residual, &statistics, true, &Affine { gain, shift, epsilon, act })?;
    Ok((y, statistics))
}

/// Batch norm by given means and variances, as `torch.nn.functional.batch_norm` in evaluation. They count as constants.
///
/// Of means, variances, γ and β for more channels the first ones are used.
///
/// # Shapes
/// `x, residual: [B, C, H, W]`, all others `[≥ C]` → `[B, C, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm_by<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    residual: Option<Images<D, T>>,
    (mean, variance): (&[f32], &[f32]),
    gain: &Vector<D>,
    shift: &Vector<D>,
    epsilon: f32,
    act: Act,
) -> Result<Images<D, T>> {
    let (images, channels, height, width) = *x.shape();
    assert!(mean.len() >= channels && variance.len() >= channels, "statistics of {channels} channels");
    let (mean, variance) = (mean[..channels].to_vec(), variance[..channels].to_vec());
    let statistics = Statistics { mean, variance, count: images * height * width };
    norm(x, residual, &statistics, false, &Affine { gain, shift, epsilon, act })
}

/// The mean and variance of each channel of the first images: what norms are calibrated by.
///
/// # Shapes
/// `x: [≥ images, C, H, W]` → C means and variances.
///
/// # Panics
/// When there are fewer images, or no numbers.
pub fn statistics_of<D: Backend>(x: &Images<D, impl Tape<f32, D>>, images: usize) -> Statistics {
    let (all, channels, height, width) = *x.shape();
    assert!(images <= all, "statistics of {images} of {all} images");
    statistics([images, channels, height * width], &D::view(x))
}

/// The mean and variance of each channel of the first images of `[B, C, plane]`.
///
/// With p the mean over the first image, d = x − p: mean = p + Σd/M, var = Σd²/M − (Σd/M)². At least a B-th of the
/// variance is that of p, so the difference loses no more than a factor B of the precision.
///
/// # Panics
/// When there are no numbers.
pub(super) fn statistics([images, channels, plane]: [usize; 3], x: &[f32]) -> Statistics {
    let (layout, count) = (Channels::new(channels, plane), images * plane);
    assert!(count > 0, "a batch norm of no numbers");
    let parts: Vec<(Vec<f32>, Vec<f32>)> = layout
        .firsts()
        .into_par_iter()
        .map(|first| {
            par::simd!(|| {
                let mut pivot = layout.sums(layout.part(x, first, 0));
                pivot.iter_mut().for_each(|p| *p /= plane as f32);
                let pivots = layout.spread(&pivot);
                let (mut sums, mut squares) = (vec![0.0; pivots.len()], vec![0.0; pivots.len()]);
                for image in 0..images {
                    let x = layout.part(x, first, image);
                    for (((x, p), sum), square) in x.iter().zip(&pivots).zip(&mut sums).zip(&mut squares) {
                        let d = x - p;
                        *sum += d;
                        *square += d * d;
                    }
                }
                let (sums, squares) = (layout.sums(&sums), layout.sums(&squares));
                let off = |sum: f32| sum / count as f32;
                let mean = pivot.iter().zip(&sums).map(|(p, sum)| p + off(*sum)).collect();
                let variance = sums.iter().zip(&squares);
                (
                    mean,
                    variance.map(|(sum, square)| (off(*square) - off(*sum) * off(*sum)).max(0.0)).collect(),
                )
            })
        })
        .collect();
    let (mean, variance): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Statistics { mean: mean.concat(), variance: variance.concat(), count }
}

/// What becomes of a normed number, and what is added to its variance.
#[derive(Debug)]
pub struct Affine<'a, D: Backend> {
    /// γ, `[≥ C]`.
    pub gain: &'a Vector<D>,
    /// β, `[≥ C]`.
    pub shift: &'a Vector<D>,
    /// ε.
    pub epsilon: f32,
    /// f.
    pub act: Act,
}

impl<D: Backend> Affine<'_, D> {
    /// The kernel of a norm by these statistics; `own` says that they are those of the numbers and move with them.
    ///
    /// # Panics
    /// When there are more channels than gains or shifts.
    pub(super) fn kernel(&self, plane: usize, statistics: &Statistics, own: bool) -> Kernel {
        let channels = statistics.mean.len();
        assert!(
            self.gain.shape().0 >= channels && self.shift.shape().0 >= channels,
            "gains and shifts of {channels} channels"
        );
        Kernel {
            layout: Channels::new(channels, plane),
            mean: statistics.mean.clone(),
            inverse: statistics.variance.iter().map(|v| 1.0 / (v + self.epsilon).sqrt()).collect(),
            gain: D::view(self.gain)[..channels].to_vec(),
            shift: D::view(self.shift)[..channels].to_vec(),
            count: own.then_some(statistics.count),
        }
    }
}

/// Norm, residual and activation; `own` says that the statistics are those of x and move with it.
fn norm<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    residual: Option<Images<D, T>>,
    statistics: &Statistics,
    own: bool,
    affine: &Affine<'_, D>,
) -> Result<Images<D, T>> {
    let (_, _, height, width) = *x.shape();
    let kernel = affine.kernel(height * width, statistics, own);
    let (x, mut tape) = x.split_tape();
    let residual = residual.map(|r| {
        assert_eq!(r.shape(), x.shape(), "shape of the residual");
        let (r, other) = r.split_tape();
        tape = std::mem::take(&mut tape).merge(other);
        r
    });
    let mut y = vec![0.0; x.shape().num_elements()];
    {
        let (x, r) = (D::view(&x), residual.as_ref().map(D::view));
        kernel.forward(&x, r.as_deref(), &mut y, affine.act);
    }
    let y = x.device().tensor_of(y, *x.shape())?;
    let (y_ref, gain, shift, act) = (y.clone(), affine.gain.clone(), affine.shift.clone(), affine.act);
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        let mut sums = (Vec::new(), Vec::new());
        D::add_grad(grads, &x, |dx| {
            let (x, r) = (D::view(&x), residual.as_ref().map(D::view));
            sums = kernel.backward(&x, r.as_deref(), &mut dz, dx, act);
        })?;
        D::add_grad(grads, &gain, |dgain| par::add(dgain, &sums.0))?;
        D::add_grad(grads, &shift, |dshift| par::add(dshift, &sums.1))?;
        match &residual {
            None => Ok(()),
            Some(r) => D::add_grad(grads, r, |dr| {
                par::for_rows!(dr, 1, |first, dr| par::add(dr, &dz[first..][..dr.len()]));
            }),
        }
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
