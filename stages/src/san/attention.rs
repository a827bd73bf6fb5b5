//! One layer of attention: where a question looks, given what it has seen.

use dfdx::prelude::{ReshapeTo, Tape};
use runpipe_base::choice;
use serde::{Deserialize, Serialize};

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::nn::linear::Linear;
use crate::kit::ops::act::Act;
use crate::kit::ops::add::activate;
use crate::kit::ops::add_each::add_each;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::cross_attention::mix;
use crate::kit::ops::mean::mean_of_sequences;
use crate::kit::ops::rows::rows;
use crate::kit::ops::softmax::softmax;
use crate::kit::params::{Init, Pass, Role, Scope};

choice! {
    /// Whose net it is.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Variant {
        /// The paper's.
        Paper = "paper",
        /// What the authors' released code computes: a tanh of each of the two summands and not of their sum, a tanh of the
        /// scores, so that no region can stand out, and readers of questions of their own.
        Released = "released",
    }
}

/// Which regions each question asks: those of its picture, and several questions may have the same.
#[derive(Debug, Clone)]
pub struct Asks {
    /// A sequence of regions a question.
    regions: Packed,
    /// A query a question.
    each: Packed,
    count: usize,
    /// Rows of the pictures' regions in order of the questions, where that is not their own order.
    rows: Option<Vec<u32>>,
}

impl Asks {
    /// Questions about these of `pictures` pictures, each of `count` regions.
    pub fn new(owners: &[usize], pictures: usize, count: usize) -> Self {
        let same = owners.len() == pictures && owners.iter().enumerate().all(|(i, owner)| i == *owner);
        let rows =
            || owners.iter().flat_map(|owner| owner * count..(owner + 1) * count).map(|row| row as u32);
        Self {
            regions: Packed::new(owners.iter().map(|_| count)),
            each: Packed::new(owners.iter().map(|_| 1)),
            count,
            rows: (!same).then(|| rows().collect()),
        }
    }

    /// Questions.
    pub fn questions(&self) -> usize {
        self.each.count()
    }

    /// The regions of each question below each other.
    ///
    /// # Shapes
    /// `[pictures·m, W]` → `[B·m, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn of<D: Backend, T: Tape<f32, D>>(&self, x: Matrix<D, T>) -> Result<Matrix<D, T>> {
        match &self.rows {
            Some(order) => rows(x, order),
            None => Ok(x),
        }
    }

    /// ṽ = Σᵢ pᵢ·vᵢ (equation 15).
    ///
    /// # Shapes
    /// `p: [B, m]`, `v: [B·m, d]` → `[B, d]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn mix<D: Backend, T: Tape<f32, D>>(&self, p: Matrix<D, T>, v: Matrix<D, T>) -> Result<Matrix<D, T>> {
        mix(p, &self.each, v, &self.regions)
    }

    /// ṽ with the same p everywhere.
    ///
    /// # Shapes
    /// `v: [B·m, d]` → `[B, d]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn mean<D: Backend, T: Tape<f32, D>>(&self, v: Matrix<D, T>) -> Result<Matrix<D, T>> {
        mean_of_sequences(v, &self.regions)
    }
}

/// Weights of one layer: below the scope `image`, `query` and `score`.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// W_IA `[k, d]`, and in the released form a bias.
    image: Linear,
    /// W_QA `[k, d]` and b_A `[k]`.
    query: Linear,
    /// W_P `[1, k]` and b_P `[1]`.
    score: Linear,
    variant: Variant,
}

impl Attention {
    /// A layer over vectors of `width` numbers with `hidden` numbers inside.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        width: usize,
        hidden: usize,
        variant: Variant,
    ) -> Result<Self> {
        let init = Init::glorot(width, hidden);
        let image = if variant == Variant::Paper {
            // One bias serves the sum.
            Linear {
                weight: at.at("image").param("weight", (hidden, width), init, Role::Weight)?,
                bias: None,
            }
        } else {
            Linear::new(at.at("image"), width, hidden, init)?
        };
        let query = Linear::new(at.at("query"), width, hidden, init)?;
        let score = Linear::new(at.at("score"), hidden, 1, Init::glorot(hidden, 1))?;
        Ok(Self { image, query, score, variant })
    }

    /// p = softmax(W_P·h + b_P) over regions, h = tanh(W_IA·v + (W_QA·u + b_A)) (equations 13 and 14); in the released form
    /// p = softmax(tanh(W_P·h + b_P)), h = tanh(W_IA·v + b) + tanh(W_QA·u + b_A).
    ///
    /// # Shapes
    /// `v: [pictures·m, d]`, `u: [B, d]` → `[B, m]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn weights<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        v: Matrix<D, T>,
        u: Matrix<D, T>,
        asks: &Asks,
    ) -> Result<Matrix<D, T>> {
        let [inner, outer, bound] = match self.variant {
            Variant::Paper => [Act::Identity, Act::Tanh, Act::Identity],
            Variant::Released => [Act::Tanh, Act::Identity, Act::Tanh],
        };
        let image = asks.of(self.image.forward(pass, v, inner)?)?; // [B·m, k]
        let query = self.query.forward(pass, u, inner)?; // [B, k]
        let h = add_each(image, &asks.regions, query, outer)?;
        let s = activate(self.score.forward(pass, h, Act::Identity)?, bound)?; // [B·m, 1]
        softmax(s.try_reshape_like(&(asks.questions(), asks.count)).map_err(D::refusal)?)
    }
}

/// −Σ p·ln p, in nats.
pub fn entropy(p: &[f32]) -> f64 {
    // 0 is added for its sign: the sum of nothing, and 1·ln 1, may have another.
    p.iter().map(|p| f64::from(*p)).filter(|p| *p > 0.0).map(|p| -p * libm::log(p)).sum::<f64>() + 0.0
}

#[cfg(test)]
mod tests;
