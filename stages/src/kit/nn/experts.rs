//! Feed-forward experts of which each row asks some.

use dfdx::prelude::{Tape, WithEmptyTape};

use super::linear::Linear;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::ops::act::Act;
use crate::kit::ops::combine::combine;
use crate::kit::ops::rows::rows;
use crate::kit::params::{Init, Pass, Scope};

/// Experts fₑ(x) = W₂·act(W₁·x + b₁) + b₂: below the scope `0.up.weight`, `0.down.bias` and so on, one number an expert.
#[derive(Debug, Clone)]
pub struct Experts {
    experts: Vec<(Linear, Linear)>,
    act: Act,
}

impl Experts {
    /// `count` experts on rows of `width` numbers, `inner` wide inside.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        count: usize,
        width: usize,
        inner: usize,
        init: Init,
        act: Act,
    ) -> Result<Self> {
        let experts = (0..count).map(|e| {
            let mut at = at.at(e);
            Ok((
                Linear::new(at.at("up"), width, inner, init)?,
                Linear::new(at.at("down"), inner, width, init)?,
            ))
        });
        Ok(Self { experts: experts.collect::<Result<_>>()?, act })
    }

    /// The experts.
    pub fn each(&self) -> &[(Linear, Linear)] {
        &self.experts
    }

    /// yₙ = Σₑ gₙₑ·fₑ(xₙ) over the experts that were sent row n; only those are computed.
    ///
    /// `sent[e]` lists the rows that expert e is sent, ascending.
    ///
    /// # Shapes
    /// `x: [N, W]`, `gates: [N, E]` → `[N, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When there is not a list an expert, or one is not ascending and below N.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        sent: &[Vec<u32>],
        gates: Matrix<D, T>,
    ) -> Result<Matrix<D, T>> {
        assert_eq!(sent.len(), self.experts.len(), "a list of rows an expert");
        let again = x.with_empty_tape();
        let inputs = std::iter::once(x).chain(std::iter::repeat_with(|| again.with_empty_tape()));
        let parts = self.experts.iter().zip(sent).zip(inputs).map(|(((up, down), sent), x)| {
            let inner = up.forward(pass, rows(x, sent)?, self.act)?;
            down.forward(pass, inner, Act::Identity)
        });
        combine(parts.collect::<Result<_>>()?, sent, gates)
    }
}

#[cfg(test)]
mod tests;
