//! A convolution with a batch norm behind it.

use dfdx::prelude::{HasShape, Tape};

use super::batch_norm::BatchNorm2d;
use super::conv::Conv2d;
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::conv::Geometry;
use crate::kit::ops::conv_norm::{conv_norm, conv_norm_of_data};
use crate::kit::params::{Pass, Scope};

/// A convolution without bias and the norm of what it makes: `conv.…` and `norm.…` below the scope.
///
/// The numbers are those of [`Conv2d`] and [`BatchNorm2d`] one after the other; a pass that trains computes both in one
/// op.
#[derive(Debug, Clone, Copy)]
pub struct ConvNorm {
    /// The convolution.
    pub conv: Conv2d,
    /// The norm.
    pub norm: BatchNorm2d,
}

impl ConvNorm {
    /// A layer from `inputs` to `outputs` channels.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When the groups do not divide the inputs.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        geometry: Geometry,
    ) -> Result<Self> {
        let conv = Conv2d::new(at.at("conv"), (inputs, outputs), kernel, geometry)?;
        Ok(Self { conv, norm: BatchNorm2d::new(at.at("norm"), outputs)? })
    }

    /// f(norm(w ⋆ x)).
    ///
    /// # Shapes
    /// `[B, I, H, W]` → `[B, O, H', W']`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        self.normed(pass, x, None, act)
    }

    /// f(norm(w ⋆ x) + r).
    ///
    /// # Shapes
    /// `x: [B, I, H, W]`, `residual: [B, O, H', W']` → `[B, O, H', W']`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn onto<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        residual: Images<D, T>,
        act: Act,
    ) -> Result<Images<D, T>> {
        self.normed(pass, x, Some(residual), act)
    }

    /// The layer on images that are data: where a net begins, and no gradient is wanted of its input.
    ///
    /// # Shapes
    /// `[B, I, H, W]` → `[B, O, H', W']`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When the shapes do not fit, or the layer has groups.
    pub fn of_data<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: &Images<D>,
        act: Act,
    ) -> Result<Images<D, T>> {
        if !pass.trains() {
            return self.norm.forward(pass, self.conv.of_data(pass, x)?, act);
        }
        let Self { conv, norm } = self;
        let (y, batch) = conv_norm_of_data(x, pass.get(conv.weight), conv.geometry, &norm.affine(pass, act))?;
        norm.follow(pass, &batch);
        Ok(y)
    }

    fn normed<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
        residual: Option<Images<D, T>>,
        act: Act,
    ) -> Result<Images<D, T>> {
        let Self { conv, norm } = self;
        if !pass.trains() {
            let z = conv.forward(pass, x)?;
            return match residual {
                None => norm.forward(pass, z, act),
                Some(residual) => norm.onto(pass, z, residual, act),
            };
        }
        let w = pass.get(conv.weight);
        let (y, batch) = conv_norm(x, w, w.shape().0, conv.geometry, residual, &norm.affine(pass, act))?;
        norm.follow(pass, &batch);
        Ok(y)
    }
}
