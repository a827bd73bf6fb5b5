//! Layers that read sequences step by step.

use dfdx::prelude::{Tape, WithEmptyTape};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::ops::attention::Packed;
use crate::kit::ops::columns::concat_columns;
use crate::kit::ops::lstm::{Direction, Read, State, Weights, bare_lstm, lstm};
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// An LSTM, as `torch.nn.LSTM` of one layer: parameters `weight_ih` `[4·H, I]`, `weight_hh` `[4·H, H]` and `bias`
/// `[4·H]`, the sum of PyTorch's two.
#[derive(Debug, Clone, Copy)]
pub struct Lstm {
    /// `[4·H, I]`.
    pub input: Param<(usize, usize)>,
    /// `[4·H, H]`.
    pub hidden: Param<(usize, usize)>,
    /// `[4·H]`.
    pub bias: Param<(usize,)>,
}

impl Lstm {
    /// A layer of `width` cells over `inputs` numbers; everything starts uniform within 1 / √width.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, inputs: usize, width: usize) -> Result<Self> {
        let init = Init::fan_in(width);
        let input = at.param("weight_ih", (4 * width, inputs), init, Role::Weight)?;
        let hidden = at.param("weight_hh", (4 * width, width), init, Role::Weight)?;
        let bias = at.param("bias", (4 * width,), init, Role::Plain)?;
        Ok(Self { input, hidden, bias })
    }

    /// The layer over each sequence, from `start` or from zeros.
    ///
    /// # Shapes
    /// `[N, I]` → rows `[N, H]`, last states `[S, H]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
        start: Option<State<D, T>>,
        direction: Direction,
    ) -> Result<Read<D, T>> {
        let weights =
            Weights { input: pass.get(self.input), hidden: pass.get(self.hidden), bias: pass.get(self.bias) };
        lstm(x, packed, &weights, start, direction)
    }

    /// [`forward`](Self::forward) with hidden states o∘c in place of o∘tanh c, from zeros.
    ///
    /// # Shapes
    /// `[N, I]` → rows `[N, H]`, last states `[S, H]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward_bare<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
        direction: Direction,
    ) -> Result<Read<D, T>> {
        let weights =
            Weights { input: pass.get(self.input), hidden: pass.get(self.hidden), bias: pass.get(self.bias) };
        bare_lstm(x, packed, &weights, None, direction)
    }
}

/// Two LSTMs that read in both directions: `forward` and `backward` below the scope.
#[derive(Debug, Clone, Copy)]
pub struct BiLstm {
    forward: Lstm,
    backward: Lstm,
}

/// What the two directions made. The tape is in the rows.
#[derive(Debug, Clone)]
pub struct BothRead<D: Backend, T> {
    /// Hidden states of both directions beside each other, `[N, 2·H]`.
    pub rows: Matrix<D, T>,
    /// Where the reading from the front ended, `[S, H]` each.
    pub forward: State<D, T>,
    /// Where the reading from the back ended, `[S, H]` each.
    pub backward: State<D, T>,
}

impl BiLstm {
    /// A layer of `width` cells a direction over `inputs` numbers.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, inputs: usize, width: usize) -> Result<Self> {
        let forward = Lstm::new(at.at("forward"), inputs, width)?;
        Ok(Self { forward, backward: Lstm::new(at.at("backward"), inputs, width)? })
    }

    /// The layer over each sequence.
    ///
    /// # Shapes
    /// `[N, I]` → rows `[N, 2·H]`, last states `[S, H]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
    ) -> Result<BothRead<D, T>> {
        let again = x.with_empty_tape();
        let (one, forward) = self.forward.forward(pass, x, packed, None, Direction::Forward)?.into_parts();
        let (two, backward) =
            self.backward.forward(pass, again, packed, None, Direction::Backward)?.into_parts();
        Ok(BothRead { rows: concat_columns(vec![one, two])?, forward, backward })
    }

    /// The last hidden states of both directions beside each other: a vector a sequence.
    ///
    /// # Shapes
    /// `[N, I]` → `[S, 2·H]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn summary<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
    ) -> Result<Matrix<D, T>> {
        let again = x.with_empty_tape();
        let one = self.forward.forward(pass, x, packed, None, Direction::Forward)?.into_last();
        let two = self.backward.forward(pass, again, packed, None, Direction::Backward)?.into_last();
        concat_columns(vec![one.hidden, two.hidden])
    }
}

#[cfg(test)]
mod tests;
