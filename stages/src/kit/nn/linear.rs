//! Linear layers and embedding tables.

use dfdx::prelude::Tape;

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::linear::{linear, linear_of};
use crate::kit::ops::rows::rows;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// y = f(x·Wᵀ + b), as `torch.nn.Linear`: parameters `weight` `[O, I]` and `bias` `[O]`.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// `[O, I]`.
    pub weight: Param<(usize, usize)>,
    /// `[O]`.
    pub bias: Option<Param<(usize,)>>,
}

impl Linear {
    /// A layer from `inputs` to `outputs` features; its weight starts from `init`, its bias at 0.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, inputs: usize, outputs: usize, init: Init) -> Result<Self> {
        let weight = at.param("weight", (outputs, inputs), init, Role::Weight)?;
        let bias = Some(at.param("bias", (outputs,), Init::ZEROS, Role::Plain)?);
        Ok(Self { weight, bias })
    }

    /// The layer on rows.
    ///
    /// # Shapes
    /// `[N, I]` → `[N, O]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        act: Act,
    ) -> Result<Matrix<D, T>> {
        linear(x, pass.get(self.weight), self.bias.map(|b| pass.get(b)), act)
    }

    /// The layer on rows that are given and not learned; this is where a tape starts.
    ///
    /// # Shapes
    /// `[N, I]` → `[N, O]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn of<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: &Matrix<D>,
        act: Act,
    ) -> Result<Matrix<D, T>> {
        linear_of(x, pass.get(self.weight), self.bias.map(|b| pass.get(b)), act)
    }
}

/// A table of vectors, as `torch.nn.Embedding`: parameter `weight` `[V, W]`.
#[derive(Debug, Clone, Copy)]
pub struct Embedding {
    /// `[V, W]`.
    pub weight: Param<(usize, usize)>,
}

impl Embedding {
    /// A table of `count` vectors of `width` numbers.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, count: usize, width: usize, init: Init) -> Result<Self> {
        Ok(Self { weight: at.param("weight", (count, width), init, Role::Weight)? })
    }

    /// The vectors of `ids`; this is where a tape starts.
    ///
    /// # Shapes
    /// N ids → `[N, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        ids: &[u32],
    ) -> Result<Matrix<D, T>> {
        rows(pass.get(self.weight).retaped::<T>(), ids)
    }
}
