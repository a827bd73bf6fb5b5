//! A convolutional reader of sentences.

use dfdx::prelude::{Tape, WithEmptyTape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::columns::concat_columns;
use crate::kit::ops::text_conv::text_conv;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Filters over windows of some lengths, the largest value of each over time (Kim 2014): below the scope a `weight`
/// `[O, c·I]` and a `bias` `[O]` for each length c, such as `window.3.weight`.
#[derive(Debug, Clone)]
pub struct TextConv {
    windows: Vec<Window>,
    act: Act,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    weight: Param<(usize, usize)>,
    bias: Param<(usize,)>,
}

impl TextConv {
    /// Filters over rows of `inputs` numbers: for each window length how many.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When two lengths are the same.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        inputs: usize,
        windows: &[(usize, usize)],
        act: Act,
    ) -> Result<Self> {
        let mut all = at.at("window");
        let windows = windows.iter().map(|(length, filters)| {
            let depth = length * inputs;
            let mut at = all.at(length);
            let weight = at.param("weight", (*filters, depth), Init::fan_in(depth), Role::Weight)?;
            let bias = at.param("bias", (*filters,), Init::fan_in(depth), Role::Plain)?;
            Ok(Window { weight, bias })
        });
        Ok(Self { windows: windows.collect::<Result<_>>()?, act })
    }

    /// A vector a sequence.
    ///
    /// # Shapes
    /// `[N, I]` → `[S, ΣO]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
    ) -> Result<Matrix<D, T>> {
        let again = x.with_empty_tape();
        let inputs = std::iter::once(x).chain(std::iter::repeat_with(|| again.with_empty_tape()));
        let parts = self.windows.iter().zip(inputs).map(|(window, x)| {
            text_conv(x, packed, pass.get(window.weight), pass.get(window.bias), self.act)
        });
        concat_columns(parts.collect::<Result<_>>()?)
    }
}

#[cfg(test)]
mod tests;
