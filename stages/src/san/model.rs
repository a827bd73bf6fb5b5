//! The net: a reader of questions, regions of a picture, layers of attention, an answer.

use dfdx::prelude::{PutTape, SplitTape, Tape, WithEmptyTape};
use runpipe_base::{StageError, choice, params};
use serde::{Deserialize, Serialize};

use super::attention::{Asks, Attention, Variant};
use super::questions::Look;
use super::reader::{Encoder, Questions, Reader};
use super::source::Asked;
use super::vision::Vision;
use super::words::Names;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::nn::linear::Linear;
use crate::kit::ops::act::Act;
use crate::kit::ops::add::add;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::params::{Init, Params, Pass};

choice! {
    /// What a net is shown.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Sees {
        /// Question and picture.
        Both = "both",
        /// The question alone.
        Question = "question",
        /// The picture alone.
        Picture = "picture",
    }
}

params! {
    /// How a net is made.
    #[derive(Serialize, Deserialize)]
    pub struct Net {
        /// Layers of attention; 0: the mean of all regions is added to the question. The paper has 1 and 2.
        layers: usize = 2, in 0..=8;
        /// What it is shown.
        sees: Sees = Sees::Both;
        /// Which net reads questions.
        encoder: Encoder = Encoder::Cnn;
        /// The paper's net, or what the authors' released code computes.
        variant: Variant = Variant::Paper;
        /// Numbers of a question's and of a region's vector; the paper has 500 (LSTM) and 640 (CNN).
        width: usize = 48, in 1..=8192;
        /// Numbers inside a layer of attention; 512 in the released code.
        hidden: usize = 48, in 1..=8192;
        /// Numbers of a word's vector; the paper has 500.
        embedding: usize = 24, in 1..=8192;
        /// Channels of the convolutions that make regions of pixels, each of which halves the sides of a picture. The paper
        /// takes the maps of a trained VGG in their place.
        channels: Vec<usize> = vec![16, 32, 64, 64], in 1..=4096;
        /// Convolutions see beside colours where a pixel is.
        coordinates: bool = false;
        /// Share of the last vector that is dropped in training; 0.5 in the released code.
        dropout: f32 = 0.0, in 0.0..1.0;
    }
}

/// A net's layers: `question.…`, `image.…`, `conv.0.…`, `attention.0.…` and `answer.…`.
#[derive(Debug, Clone)]
pub struct San {
    net: Net,
    reader: Option<Reader>,
    vision: Option<Vision>,
    layers: Vec<Attention>,
    answer: Linear,
}

/// Questions and pictures as the net takes them.
#[derive(Debug, Clone)]
pub struct Batch {
    questions: Questions,
    numbers: Vec<f32>,
    pictures: usize,
    owners: Vec<usize>,
}

impl Batch {
    /// Questions with their pictures, in ids of `words`.
    pub fn new(asked: Asked, words: &Names) -> Self {
        let id = |word: &str| words.id(word).map_or(0, |id| id + 1);
        let ids: Vec<Vec<u32>> = asked
            .questions
            .iter()
            .map(|q| q.words().map(id).collect())
            // A reader wants a word.
            .map(|ids: Vec<u32>| if ids.is_empty() { vec![0] } else { ids })
            .collect();
        let packed = Packed::new(ids.iter().map(Vec::len));
        Self {
            questions: Questions { words: ids.concat(), packed },
            numbers: asked.numbers,
            pictures: asked.count,
            owners: asked.questions.iter().map(|q| q.picture).collect(),
        }
    }

    /// Questions.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }
}

/// Where each layer looked: a row of m numbers a question.
pub type Maps = Vec<Vec<f32>>;

impl San {
    /// A net for what `look` shows, for so many words, the unknown one not counted, and answers.
    ///
    /// # Errors
    /// [`StageError::Input`] when sizes do not fit; `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(
        params: &mut Params<D>,
        net: &Net,
        look: Look,
        (words, answers): (usize, usize),
    ) -> Result<Self> {
        let Net { width, hidden, embedding, variant, .. } = *net;
        let mut at = params.root();
        let reader = (net.sees != Sees::Picture)
            .then(|| Reader::new(at.at("question"), (net.encoder, variant), words + 1, embedding, width));
        let reader = reader.transpose()?;
        let (mut vision, mut layers) = (None, Vec::new());
        if net.sees != Sees::Question {
            vision = Some(Vision::new(params.root(), look, (&net.channels, net.coordinates), width)?);
            let mut at = params.root();
            let mut at = at.at("attention");
            layers = (0..net.layers)
                .map(|k| Attention::new(at.at(k), width, hidden, variant))
                .collect::<Result<_>>()?;
        }
        let answer = Linear::new(params.root().at("answer"), width, answers, Init::glorot(width, answers))?;
        Ok(Self { net: net.clone(), reader, vision, layers, answer })
    }

    /// Rows and columns of the regions that attention is over; none where no picture is seen.
    pub fn grid(&self) -> Option<[usize; 2]> {
        self.vision.as_ref().map(Vision::grid)
    }

    /// Logits of the answers, W_u·u + b_u. With uᵏ = ṽᵏ + uᵏ⁻¹ (equation 16), u⁰ = v_Q; where each layer looked is added to
    /// `maps`, if given.
    ///
    /// # Shapes
    /// B questions → `[B, A]`, maps `[B, m]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        batch: &Batch,
        maps: Option<&mut Maps>,
    ) -> Result<Matrix<D, T>> {
        let u = self.last(pass, batch, maps)?;
        let u = dropout(u, Mask::new(self.net.dropout, pass.stream()))?;
        self.answer.forward(pass, u, Act::Identity)
    }

    /// u of the last layer.
    ///
    /// # Shapes
    /// B questions → `[B, d]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn last<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        batch: &Batch,
        mut maps: Option<&mut Maps>,
    ) -> Result<Matrix<D, T>> {
        let mut u = if let Some(reader) = &self.reader {
            reader.forward(pass, &batch.questions)?
        } else {
            let zeros = vec![0.0; batch.len() * self.net.width];
            pass.device().tensor_of(zeros, (batch.len(), self.net.width))?.put_tape(T::default())
        };
        let Some(vision) = &self.vision else { return Ok(u) };
        let asks = Asks::new(&batch.owners, batch.pictures, vision.regions());
        // One tape runs through u; what the regions are made of joins it at once.
        let (v, made) = vision.forward::<D, T>(pass, &batch.numbers, batch.pictures)?.split_tape();
        let (bare, tape) = u.split_tape();
        u = bare.put_tape(tape.merge(made));
        let again = || v.retaped::<T>();
        if self.layers.is_empty() {
            return add(asks.mean(asks.of(again())?)?, u, Act::Identity);
        }
        for layer in &self.layers {
            let p = layer.weights(pass, again(), u.with_empty_tape(), &asks)?;
            if let Some(maps) = maps.as_mut() {
                maps.push(D::view(&p).into_owned());
            }
            u = add(asks.mix(p, asks.of(again())?)?, u, Act::Identity)?;
        }
        Ok(u)
    }
}

/// That a net made for `expected` is shown what it takes.
///
/// # Errors
/// [`StageError::Input`] when it is not.
pub fn fits(expected: Look, found: Look) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(StageError::Input(format!("expected {expected}, found {found}")))
}

#[cfg(test)]
mod tests;
