//! The post-norm Transformer encoder of BERT and RoBERTa, over packed sequences.

use dfdx::prelude::{Tape, WithEmptyTape};

use super::linear::{Embedding, Linear};
use super::norm::LayerNorm;
use crate::kit::backend::{Backend, Matrix, Result, Scalar};
use crate::kit::ops::act::Act;
use crate::kit::ops::attention::{Packed, attention};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::linear::linear;
use crate::kit::ops::rows::rows;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncoderSizes {
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Tokens of the longest sequence.
    pub positions: usize,
    /// Numbers that stand for a token.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Width inside a feed-forward block.
    pub inner: usize,
    /// Probability with which dropout drops, everywhere BERT has it.
    pub dropout: f32,
    /// ε of layer norms; BERT has 1e-12, RoBERTa 1e-5.
    pub epsilon: f32,
}

/// Standard deviation from which BERT's weights start.
const INIT: Init = Init::Normal { std: 0.02 };

/// Embeddings and layers: tokens to hidden states.
#[derive(Debug, Clone)]
pub struct Encoder {
    word: Embedding,
    position: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    sizes: EncoderSizes,
    act: Act,
}

impl Encoder {
    /// An encoder whose parameters are named `embed.…` and `layer.0.…` below the scope.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, sizes: EncoderSizes) -> Result<Self> {
        let mut embed = at.at("embed");
        let word = Embedding::new(embed.at("word"), sizes.vocabulary, sizes.width, INIT)?;
        let position = Embedding::new(embed.at("position"), sizes.positions, sizes.width, INIT)?;
        let norm = LayerNorm::new(embed.at("norm"), sizes.width, sizes.epsilon)?;
        let mut all = at.at("layer");
        let layers = (0..sizes.layers).map(|i| Layer::new(all.at(i), sizes)).collect::<Result<_>>()?;
        Ok(Self { word, position, norm, layers, sizes, act: Act::Gelu })
    }

    /// The encoder with another function inside its feed-forward blocks than the exact GELU.
    #[must_use]
    pub fn acting(mut self, act: Act) -> Self {
        self.act = act;
        self
    }

    /// The sizes.
    pub fn sizes(&self) -> EncoderSizes {
        self.sizes
    }

    /// The table of word vectors, to which a decoder is tied.
    pub fn word(&self) -> Param<(usize, usize)> {
        self.word.weight
    }

    /// Hidden states of the tokens.
    ///
    /// # Shapes
    /// N ids, sequences of N rows together → `[N, W]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When an id is outside the vocabulary or a sequence longer than there are positions.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        ids: &[u32],
        packed: &Packed,
    ) -> Result<Matrix<D, T>> {
        let word = self.word.forward::<D, T>(pass, ids)?;
        let position = self.position.forward::<D, T>(pass, &packed.positions())?;
        let x = self.norm.after(pass, word, 0.0, position)?;
        let x = dropout(x, Mask::new(self.sizes.dropout, pass.stream()))?;
        self.layers.iter().try_fold(x, |x, layer| layer.forward(pass, x, packed, self.act))
    }
}

/// One layer: h = norm(x + attention(x)), y = norm(h + ffn(h)).
#[derive(Debug, Clone)]
struct Layer {
    qkv: Linear,
    out: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    ffn_norm: LayerNorm,
    sizes: EncoderSizes,
}

impl Layer {
    fn new<D: Backend>(mut at: Scope<'_, D>, sizes: EncoderSizes) -> Result<Self> {
        let (width, inner) = (sizes.width, sizes.inner);
        let mut attention = at.at("attention");
        let qkv = Linear::new(attention.at("qkv"), width, 3 * width, INIT)?;
        let out = Linear::new(attention.at("out"), width, width, INIT)?;
        let attention_norm = LayerNorm::new(attention.at("norm"), width, sizes.epsilon)?;
        let mut ffn = at.at("ffn");
        let up = Linear::new(ffn.at("up"), width, inner, INIT)?;
        let down = Linear::new(ffn.at("down"), inner, width, INIT)?;
        let ffn_norm = LayerNorm::new(ffn.at("norm"), width, sizes.epsilon)?;
        Ok(Self { qkv, out, attention_norm, up, down, ffn_norm, sizes })
    }

    fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
        act: Act,
    ) -> Result<Matrix<D, T>> {
        let p = self.sizes.dropout;
        let residual = x.with_empty_tape();
        let qkv = self.qkv.forward(pass, x, Act::Identity)?; // [N, 3·W]
        let mixed = attention(qkv, packed, self.sizes.heads, Mask::new(p, pass.stream()))?; // [N, W]
        let mixed = self.out.forward(pass, mixed, Act::Identity)?;
        let x = self.attention_norm.after(pass, mixed, p, residual)?;
        let residual = x.with_empty_tape();
        let inner = self.up.forward(pass, x, act)?; // [N, inner]
        let y = self.down.forward(pass, inner, Act::Identity)?; // [N, W]
        self.ffn_norm.after(pass, y, p, residual)
    }
}

/// The head of masked language modelling: a layer, a norm, and a decoder, tied to the word table unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub struct MaskedHead {
    dense: Linear,
    norm: LayerNorm,
    bias: Param<(usize,)>,
    word: Param<(usize, usize)>,
    act: Act,
}

impl MaskedHead {
    /// A head on `encoder`; its own parameters are `dense`, `norm` and `bias`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, encoder: &Encoder) -> Result<Self> {
        let EncoderSizes { width, vocabulary, epsilon, .. } = encoder.sizes();
        let dense = Linear::new(at.at("dense"), width, width, INIT)?;
        let norm = LayerNorm::new(at.at("norm"), width, epsilon)?;
        let bias = at.param("bias", (vocabulary,), Init::ZEROS, Role::Plain)?;
        Ok(Self { dense, norm, bias, word: encoder.word(), act: Act::Gelu })
    }

    /// The head with another function than the exact GELU.
    #[must_use]
    pub fn acting(mut self, act: Act) -> Self {
        self.act = act;
        self
    }

    /// The head with a decoder of its own, `decoder.weight`, in place of the word table.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn untied<D: Backend>(mut self, mut at: Scope<'_, D>, encoder: &Encoder) -> Result<Self> {
        let EncoderSizes { width, vocabulary, .. } = encoder.sizes();
        self.word = at.at("decoder").param("weight", (vocabulary, width), INIT, Role::Weight)?;
        Ok(self)
    }

    /// Logits over the vocabulary at the rows `sites` of the hidden states.
    ///
    /// # Shapes
    /// `[N, W]`, S sites → `[S, V]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn logits<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        hidden: Matrix<D, T>,
        sites: &[u32],
    ) -> Result<Matrix<D, T>> {
        let x = rows(hidden, sites)?;
        let x = self.dense.forward(pass, x, self.act)?;
        let x = self.norm.forward(pass, x)?;
        linear(x, pass.get(self.word), Some(pass.get(self.bias)), Act::Identity)
    }

    /// Mean cross-entropy of the words that stood at the sites.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn loss<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        hidden: Matrix<D, T>,
        sites: &[u32],
        words: &[u32],
    ) -> Result<Scalar<D, T>> {
        cross_entropy(self.logits(pass, hidden, sites)?, words, 0.0)
    }
}

#[cfg(test)]
mod tests;
