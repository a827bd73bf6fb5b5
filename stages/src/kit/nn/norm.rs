//! Layer norm.

use dfdx::prelude::Tape;

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::ops::add_norm::add_norm;
use crate::kit::ops::dropout::Mask;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Layer norm of rows, as `torch.nn.LayerNorm`: parameters `weight` and `bias`, each `[W]`.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    gain: Param<(usize,)>,
    shift: Param<(usize,)>,
    epsilon: f32,
}

impl LayerNorm {
    /// A norm of rows of `width` numbers.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, width: usize, epsilon: f32) -> Result<Self> {
        let gain = at.param("weight", (width,), Init::ONES, Role::Plain)?;
        let shift = at.param("bias", (width,), Init::ZEROS, Role::Plain)?;
        Ok(Self { gain, shift, epsilon })
    }

    /// norm(x).
    ///
    /// # Shapes
    /// `[N, W]` → `[N, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
    ) -> Result<Matrix<D, T>> {
        add_norm(x, None, None, pass.get(self.gain), pass.get(self.shift), self.epsilon)
    }

    /// norm(residual + dropout(x)), in one op.
    ///
    /// # Shapes
    /// `[N, W]`, `[N, W]` → `[N, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn after<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        dropout: f32,
        residual: Matrix<D, T>,
    ) -> Result<Matrix<D, T>> {
        let mask = Mask::new(dropout, pass.stream());
        add_norm(x, mask, Some(residual), pass.get(self.gain), pass.get(self.shift), self.epsilon)
    }
}
