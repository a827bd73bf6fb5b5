//! Batch norm of images, with an activation: y = f(γ·(x − mean) / √(var + ε) + β) for each channel.
//!
//! A channel's planes lie far apart in memory, so a task takes a few neighbouring channels of all images: it reads
//! them for the mean, and from its cache for the variance and the result.

use std::sync::Arc;

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::act::{Act, Function, with_function};
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::cpu::par;

/// Numbers of one image that a task looks at, at least.
const BLOCK: usize = 1 << 10;

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
/// dβ = Σ dz,  dγ = Σ dz·x̂,  dx = γ/σ · (dz − dβ/M − x̂·dγ/M).
///
/// # Shapes
/// `x: [B, C, H, W]`, `gain, shift: [≥ C]` → `[B, C, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    gain: &Vector<D>,
    shift: &Vector<D>,
    epsilon: f32,
    act: Act,
) -> Result<(Images<D, T>, Statistics)> {
    let (images, channels, height, width) = *x.shape();
    let mut statistics =
        Statistics { mean: vec![0.0; channels], variance: vec![0.0; channels], count: images * height * width };
    let mut y = vec![0.0; x.shape().num_elements()];
    {
        let (x, gain, shift) = (D::view(&x), D::view(gain), D::view(shift));
        assert!(gain.len() >= channels && shift.len() >= channels, "gains and shifts for {channels} channels");
        let layout = Layout { channels, plane: height * width };
        let blocks = layout.blocks(&mut y);
        let numbers = statistics.mean.par_chunks_mut(layout.at_once());
        let numbers = numbers.zip(statistics.variance.par_chunks_mut(layout.at_once()));
        blocks.into_par_iter().zip(numbers).for_each(|(mut block, (mean, variance))| {
            par::simd(|| {
                let mut columns = vec![0.0; block.columns()];
                layout.statistics(&x, &block, mean, variance, &mut columns);
                let norm = Norm::new(layout.plane, &gain[block.first..], &shift[block.first..], mean, variance, epsilon);
                with_function!(act, f => norm.apply(&x, &mut block, f), identity => norm.apply(&x, &mut block, Identity));
            });
        });
    }
    let y = finish(x, y, gain, shift, &statistics, epsilon, act, true)?;
    Ok((y, statistics))
}

use dfdx::prelude::Shape as _;

/// Batch norm by given statistics, as `torch.nn.functional.batch_norm` in evaluation. They count as constants.
///
/// Of statistics, γ and β for more channels the first ones are used.
///
/// # Shapes
/// `x: [B, C, H, W]`, all others `[≥ C]` → `[B, C, H, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm_by<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    mean: &[f32],
    variance: &[f32],
    gain: &Vector<D>,
    shift: &Vector<D>,
    epsilon: f32,
    act: Act,
) -> Result<Images<D, T>> {
    let (images, channels, height, width) = *x.shape();
    let mut y = vec![0.0; x.shape().num_elements()];
    let statistics = Statistics {
        mean: mean[..channels].to_vec(),
        variance: variance[..channels].to_vec(),
        count: images * height * width,
    };
    {
        let (x, gain, shift) = (D::view(&x), D::view(gain), D::view(shift));
        assert!(gain.len() >= channels && shift.len() >= channels, "gains and shifts for {channels} channels");
        let layout = Layout { channels, plane: height * width };
        layout.blocks(&mut y).into_par_iter().for_each(|mut block| {
            par::simd(|| {
                let at = block.first;
                let (mean, variance) = (&statistics.mean[at..], &statistics.variance[at..]);
                let norm = Norm::new(layout.plane, &gain[at..], &shift[at..], mean, variance, epsilon);
                with_function!(act, f => norm.apply(&x, &mut block, f), identity => norm.apply(&x, &mut block, Identity));
            });
        });
    }
    finish(x, y, gain, shift, &statistics, epsilon, act, false)
}
