//! The modules that make many channels of few: RepGhost's, which adds, and Ghost's, which puts side by side.

use dfdx::prelude::{Tape, WithEmptyTape};

use super::design::Branch;
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::nn::batch_norm::BatchNorm2d;
use crate::kit::nn::conv::Conv2d;
use crate::kit::nn::conv_norm::ConvNorm;
use crate::kit::ops::act::Act;
use crate::kit::ops::add::activate;
use crate::kit::ops::concat::concat_channels;
use crate::kit::ops::conv::Geometry;
use crate::kit::params::{Pass, Scope};

/// How much of a net is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is trained.
    Trained,
    /// The two branches of a RepGhost module are one convolution, all other norms as they are: the authors' conversion.
    Deployed,
    /// Every norm is folded into the convolution before it.
    Folded,
}

/// A convolution with its norm, or with the bias that the norm has become.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// With its norm.
    Normed(ConvNorm),
    /// With a bias.
    Folded(Conv2d),
}

/// Channels in and out, side of the filter, and how its windows lie.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    channels: (usize, usize),
    kernel: usize,
    geometry: Geometry,
}

impl Layout {
    /// A convolution over neighbours.
    pub fn full(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Self {
        Self { channels: (inputs, outputs), kernel, geometry: Geometry::same(kernel).stride(stride) }
    }

    /// A convolution of single pixels.
    pub fn pointwise(inputs: usize, outputs: usize) -> Self {
        Self { channels: (inputs, outputs), kernel: 1, geometry: Geometry::default() }
    }

    /// A filter for each channel.
    pub fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        let geometry = Geometry::same(kernel).stride(stride).groups(channels);
        Self { channels: (channels, channels), kernel, geometry }
    }
}

impl Unit {
    /// A convolution in one form or the other.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(at: Scope<'_, D>, layout: Layout, folded: bool) -> Result<Self> {
        let Layout { channels, kernel, geometry } = layout;
        Ok(if folded {
            Self::Folded(Conv2d::biased(at, channels, kernel, geometry)?)
        } else {
            Self::Normed(ConvNorm::new(at, channels, kernel, geometry)?)
        })
    }

    /// f(norm(w ⋆ x)).
    ///
    /// # Shapes
    /// `[B, I, H, W]` → `[B, O, H', W']`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        match self {
            Self::Normed(unit) => unit.forward(pass, x, act),
            Self::Folded(conv) => activate(conv.forward(pass, x)?, act),
        }
    }

    /// The layer on pictures, of which no gradient is wanted.
    ///
    /// # Shapes
    /// `[B, I, H, W]` → `[B, O, H', W']`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn of_data<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: &Images<D>,
        act: Act,
    ) -> Result<Images<D, T>> {
        match self {
            Self::Normed(unit) => unit.of_data(pass, x, act),
            Self::Folded(conv) => activate(conv.of_data(pass, x)?, act),
        }
    }
}

/// The cheap half of a RepGhost module.
#[derive(Debug, Clone, Copy)]
pub enum Cheap {
    /// y = norm(K ⋆ a) + branches of a.
    Branched {
        /// K, a filter for each channel, with its norm.
        conv: ConvNorm,
        /// The norm of the branch, if there is one.
        fusion: Option<BatchNorm2d>,
        /// Whether a is added as it is.
        identity: bool,
    },
    /// y = K' ⋆ a + b'.
    Fused(Conv2d),
}

impl Cheap {
    fn new<D: Backend>(mut at: Scope<'_, D>, channels: usize, branch: Branch, form: Form) -> Result<Self> {
        let geometry = Geometry::same(3).groups(channels);
        let fused = match form {
            Form::Trained => false,
            // A module without a branch has nothing to fuse.
            Form::Deployed => branch != Branch::None,
            Form::Folded => true,
        };
        if fused {
            return Ok(Self::Fused(Conv2d::biased(at.at("cheap"), (channels, channels), 3, geometry)?));
        }
        let conv = ConvNorm::new(at.at("cheap"), (channels, channels), 3, geometry)?;
        let norm = branch.normed().then(|| BatchNorm2d::new(at.at("fusion"), channels)).transpose()?;
        Ok(Self::Branched { conv, fusion: norm, identity: branch.plain() })
    }

    fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        a: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        let (conv, fusion, identity) = match self {
            Self::Fused(conv) => return activate(conv.forward(pass, a)?, act),
            Self::Branched { conv, fusion, identity } => (conv, fusion, *identity),
        };
        let branch = match (fusion, identity) {
            (None, false) => return conv.forward(pass, a, act),
            (None, true) => a.with_empty_tape(),
            (Some(norm), false) => norm.forward(pass, a.with_empty_tape(), Act::Identity)?,
            (Some(norm), true) => norm.onto(pass, a.with_empty_tape(), a.with_empty_tape(), Act::Identity)?,
        };
        conv.onto(pass, a, branch, act)
    }
}

/// A module that makes many channels of few.
#[derive(Debug, Clone, Copy)]
pub enum Module {
    /// a = f(norm(P ⋆ x)), y = f(norm(K ⋆ a) + norm(a)).
    ///
    /// # Source
    /// RepGhost, section 3.3 and the authors' code.
    RepGhost {
        /// P, of single pixels.
        primary: Unit,
        /// K and the branch.
        cheap: Cheap,
    },
    /// a = f(norm(P ⋆ x)), b = f(norm(K ⋆ a)), y = a and b side by side.
    ///
    /// # Source
    /// GhostNet (arXiv:1911.11907), section 3.1.
    Ghost {
        /// P, of single pixels, to half of the channels.
        primary: Unit,
        /// K, which makes the other half.
        cheap: Unit,
    },
}

impl Module {
    /// A RepGhost module.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn repghost<D: Backend>(
        mut at: Scope<'_, D>,
        (inputs, outputs): (usize, usize),
        branch: Branch,
        form: Form,
    ) -> Result<Self> {
        let primary = Layout::pointwise(inputs, outputs);
        let primary = Unit::new(at.at("primary"), primary, form == Form::Folded)?;
        Ok(Self::RepGhost { primary, cheap: Cheap::new(at, outputs, branch, form)? })
    }

    /// A Ghost module.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn ghost<D: Backend>(
        mut at: Scope<'_, D>,
        (inputs, outputs): (usize, usize),
        form: Form,
    ) -> Result<Self> {
        let (half, folded) = (outputs / 2, form == Form::Folded);
        let primary = Unit::new(at.at("primary"), Layout::pointwise(inputs, half), folded)?;
        Ok(Self::Ghost { primary, cheap: Unit::new(at.at("cheap"), Layout::depthwise(half, 3, 1), folded)? })
    }

    /// The module; `act` is that of both its halves.
    ///
    /// # Shapes
    /// `[B, I, H, W]` → `[B, O, H, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        match self {
            Self::RepGhost { primary, cheap } => cheap.forward(pass, primary.forward(pass, x, act)?, act),
            Self::Ghost { primary, cheap } => {
                let a = primary.forward(pass, x, act)?;
                let b = cheap.forward(pass, a.with_empty_tape(), act)?;
                concat_channels(vec![a, b])
            }
        }
    }
}

#[cfg(test)]
mod tests;
