//! Convolution layers.

use dfdx::prelude::Tape;

use crate::kit::backend::{Backend, Images, Result};
use crate::kit::ops::conv::{Geometry, conv2d, conv2d_of_data};
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// A convolution, as `torch.nn.Conv2d`: parameters `weight` `[O, I / groups, K, K]` and, if it has one, `bias` `[O]`.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    /// `[O, I / groups, K, K]`.
    pub weight: Param<(usize, usize, usize, usize)>,
    /// `[O]`.
    pub bias: Option<Param<(usize,)>>,
    /// How its windows lie.
    pub geometry: Geometry,
}

impl Conv2d {
    /// A layer without bias, as a norm follows; its weight starts as PyTorch's does.
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
        let depth = depth(inputs, geometry);
        let init = Init::fan_in(depth * kernel * kernel);
        let weight = at.param("weight", (outputs, depth, kernel, kernel), init, Role::Weight)?;
        Ok(Self { weight, bias: None, geometry })
    }

    /// A layer with bias, which starts as PyTorch's does, too.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When the groups do not divide the inputs.
    pub fn biased<D: Backend>(
        mut at: Scope<'_, D>,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        geometry: Geometry,
    ) -> Result<Self> {
        let init = Init::fan_in(depth(inputs, geometry) * kernel * kernel);
        let bias = Some(at.param("bias", (outputs,), init, Role::Plain)?);
        Ok(Self { bias, ..Self::new(at, (inputs, outputs), kernel, geometry)? })
    }

    /// The layer on images.
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
    ) -> Result<Images<D, T>> {
        conv2d(x, pass.get(self.weight), self.bias.map(|b| pass.get(b)), self.geometry)
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
    ) -> Result<Images<D, T>> {
        conv2d_of_data(x, pass.get(self.weight), self.bias.map(|b| pass.get(b)), self.geometry)
    }
}

fn depth(inputs: usize, geometry: Geometry) -> usize {
    let groups = geometry.groups;
    assert!(groups > 0 && inputs.is_multiple_of(groups), "{inputs} channels in {groups} groups");
    inputs / groups
}
