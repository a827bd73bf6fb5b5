//! Batch norm with running statistics.

use dfdx::prelude::Tape;

use crate::kit::backend::{Backend, Images, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::batch_norm::{Affine, Statistics, batch_norm, batch_norm_by};
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Batch norm, as `torch.nn.BatchNorm2d`: parameters `weight` and `bias`, buffers `running_mean` and `running_var`,
/// each `[C]`.
///
/// A pass that trains norms by the batch and notes running ← (1 − m)·running + m·batch, the variance as that of the
/// population; a pass that evaluates norms by the running statistics.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm2d {
    /// γ.
    pub gain: Param<(usize,)>,
    /// β.
    pub shift: Param<(usize,)>,
    /// Running mean.
    pub mean: Param<(usize,)>,
    /// Running variance.
    pub variance: Param<(usize,)>,
    /// m.
    pub momentum: f32,
    /// What keeps a variance of 0 from dividing by it.
    pub epsilon: f32,
}

impl BatchNorm2d {
    /// A norm of `channels` channels, with PyTorch's momentum 0.1 and ε 10⁻⁵.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, channels: usize) -> Result<Self> {
        let gain = at.param("weight", (channels,), Init::ONES, Role::Plain)?;
        let shift = at.param("bias", (channels,), Init::ZEROS, Role::Plain)?;
        let mean = at.param("running_mean", (channels,), Init::ZEROS, Role::Buffer)?;
        let variance = at.param("running_var", (channels,), Init::ONES, Role::Buffer)?;
        Ok(Self { gain, shift, mean, variance, momentum: 0.1, epsilon: 1e-5 })
    }

    /// The same with another momentum.
    #[must_use]
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }

    /// f(norm(x)). Images with fewer channels than the norm has use the first ones; the others' statistics stay.
    ///
    /// # Shapes
    /// `[B, ≤ C, H, W]` → the same.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        self.normed(pass, x, None, act)
    }

    /// f(norm(x) + r), in one op.
    ///
    /// # Shapes
    /// `x, residual: [B, ≤ C, H, W]` → the same.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn onto<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        residual: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        self.normed(pass, x, Some(residual), act)
    }

    fn normed<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        residual: Option<Images<D, T>>,
        act: Act,
    ) -> Result<Images<D, T>> {
        let Affine { gain, shift, epsilon, act } = self.affine(pass, act);
        if pass.trains() {
            let (y, batch) = batch_norm(x, residual, gain, shift, epsilon, act)?;
            self.follow(pass, &batch);
            return Ok(y);
        }
        let (mean, variance) = (D::view(pass.get(self.mean)), D::view(pass.get(self.variance)));
        batch_norm_by(x, residual, (&mean, &variance), gain, shift, epsilon, act)
    }

    /// What the norm does to a normed number before `act`.
    pub(super) fn affine<'a, D: Backend>(&self, pass: &Pass<'a, D>, act: Act) -> Affine<'a, D> {
        Affine { gain: pass.get(self.gain), shift: pass.get(self.shift), epsilon: self.epsilon, act }
    }

    /// Notes what a batch makes of the running statistics.
    pub(super) fn follow<D: Backend>(&self, pass: &Pass<'_, D>, batch: &Statistics) {
        for (running, batch) in [(self.mean, &batch.mean), (self.variance, &batch.unbiased())] {
            let mut numbers = D::view(pass.get(running)).into_owned();
            for (running, batch) in numbers.iter_mut().zip(batch) {
                *running += self.momentum * (batch - *running);
            }
            pass.update(running, numbers);
        }
    }
}

#[cfg(test)]
mod tests;
