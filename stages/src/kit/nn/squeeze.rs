//! Squeeze-and-excite.

use dfdx::prelude::{Tape, WithEmptyTape};

use super::linear::Linear;
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::pool::global_average;
use crate::kit::ops::scale::scale_channels;
use crate::kit::params::{Init, Pass, Scope};

/// Each channel times a gate between 0 and 1 that two layers make of the means of all channels.
///
/// # Source
/// Hu, Shen and Sun, "Squeeze-and-Excitation Networks", equations 2 to 4.
#[derive(Debug, Clone, Copy)]
pub struct SqueezeExcite {
    reduce: Linear,
    expand: Linear,
    gate: Act,
}

impl SqueezeExcite {
    /// A layer whose parameters are `reduce` and `expand`; `gate` is [`Act::Sigmoid`] or [`Act::HardSigmoid`].
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, channels: usize, reduced: usize, gate: Act) -> Result<Self> {
        let reduce = Linear::new(at.at("reduce"), channels, reduced, Init::fan_in(channels))?;
        let expand = Linear::new(at.at("expand"), reduced, channels, Init::fan_in(reduced))?;
        Ok(Self { reduce, expand, gate })
    }

    /// The layer on images.
    ///
    /// # Shapes
    /// `[B, C, H, W]` → the same.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
    ) -> Result<Images<D, T>> {
        let means = global_average(x.with_empty_tape())?; // [B, C]
        let hidden = self.reduce.forward(pass, means, Act::Relu)?;
        let gates = self.expand.forward(pass, hidden, self.gate)?;
        scale_channels(x, gates)
    }
}

#[cfg(test)]
mod tests;
