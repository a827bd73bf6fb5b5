//! Classifiers of sentences: a bag of words, a convolution, an encoder; one linear layer behind each.

use dfdx::prelude::{HasShape as _, NoneTape, Tape};
use runpipe_base::{Kind, Output, StageError, View, choice};
use serde::{Deserialize, Serialize};

use super::reader::Reader;
use crate::kit::backend::{Backend, Matrix};
use crate::kit::nn::encoder::{Encoder, EncoderSizes};
use crate::kit::nn::linear::{Embedding, Linear};
use crate::kit::ops::act::Act;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::mean::mean_of_sequences;
use crate::kit::ops::rows::rows;
use crate::kit::ops::windows::windows;
use crate::kit::params::{Init, Params, Pass};
use crate::maner::config::Config;

choice! {
    /// What reads a sentence, when no encoder is given.
    pub enum Net {
        /// The mean of its words' vectors.
        Bag = "bag",
        /// A convolution over three words, the mean of it over the sentence.
        Cnn = "cnn",
    }
}

/// What a classifier is made of; `config.json` of its artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Names of the classes by id.
    pub classes: Vec<String>,
    /// `bag`, `cnn` or `encoder`.
    pub net: String,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Numbers that stand for a word; those of the encoder.
    pub width: usize,
    /// Channels of the convolution.
    pub channels: usize,
    /// Whether words are lowered.
    pub lower: bool,
    /// Most ids of a sentence.
    pub max_len: usize,
    /// Chance that dropout drops a number.
    pub dropout: f32,
    /// The encoder's own `config.json`.
    pub encoder: Option<Config>,
}

enum Body {
    Bag(Embedding),
    Cnn(Embedding, Linear),
    Encoder(Encoder, Linear),
}

/// A classifier: parameters are named `words`, `conv`, `encoder`, `pool` and `out`.
pub struct Classifier {
    body: Body,
    out: Linear,
    dropout: f32,
}

/// Rows that a convolution sees.
const WINDOW: usize = 3;

impl Classifier {
    /// A classifier of this shape.
    ///
    /// # Errors
    /// [`StageError`] when the shape means nothing or the device refuses.
    pub fn new<D: Backend>(params: &mut Params<D>, shape: &Shape) -> Result<Self, StageError> {
        let (width, channels) = (shape.width, shape.channels);
        let mut root = params.root();
        let words = Init::Normal { std: 0.1 };
        let (body, features) = match (shape.net.as_str(), &shape.encoder) {
            ("bag", None) => {
                (Body::Bag(Embedding::new(root.at("words"), shape.vocabulary, width, words)?), width)
            }
            ("cnn", None) => {
                let words = Embedding::new(root.at("words"), shape.vocabulary, width, words)?;
                let inputs = WINDOW * width;
                let conv = Linear::new(root.at("conv"), inputs, channels, Init::fan_in(inputs))?;
                (Body::Cnn(words, conv), channels)
            }
            ("encoder", Some(config)) => {
                let sizes = EncoderSizes { dropout: shape.dropout, ..config.sizes() };
                let encoder = Encoder::new(root.at("encoder"), sizes)?.acting(config.act());
                let init = Init::Normal { std: 0.02 };
                (Body::Encoder(encoder, Linear::new(root.at("pool"), width, width, init)?), width)
            }
            (net, _) => return Err(StageError::Input(format!("`config.json`: there is no net `{net}`"))),
        };
        let out = Linear::new(root.at("out"), features, shape.classes.len(), Init::fan_in(features))?;
        Ok(Self { body, out, dropout: shape.dropout })
    }

    /// Logits of every sentence.
    ///
    /// # Shapes
    /// S sentences → `[S, K]`.
    ///
    /// # Source
    /// TreeMix, the classifier over BERT's pooled first token; the small nets are ours.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn logits<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        sentences: &[&[u32]],
    ) -> Result<Matrix<D, T>, StageError> {
        let ids = sentences.concat();
        let packed = Packed::new(sentences.iter().map(|sentence| sentence.len()));
        let mask = || Mask::new(self.dropout, pass.stream());
        let features = match &self.body {
            Body::Bag(words) => {
                let x = dropout(words.forward::<D, T>(pass, &ids)?, mask())?; // [N, W]
                mean_of_sequences(x, &packed)? // [S, W]
            }
            Body::Cnn(words, conv) => {
                let x = dropout(words.forward::<D, T>(pass, &ids)?, mask())?; // [N, W]
                let x = conv.forward(pass, windows(x, &packed, WINDOW)?, Act::Relu)?; // [N, C]
                mean_of_sequences(x, &packed)? // [S, C]
            }
            Body::Encoder(encoder, pool) => {
                let hidden = encoder.forward::<D, T>(pass, &ids, &packed)?; // [N, W]
                let first: Vec<u32> = (0..packed.count()).map(|s| packed.span(s).start as u32).collect();
                pool.forward(pass, rows(hidden, &first)?, Act::Tanh)? // [S, W]
            }
        };
        self.out.forward(pass, dropout(features, mask())?, Act::Identity)
    }

    /// The likeliest class of every sentence; the first of equals.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn classes<D: Backend>(
        &self,
        params: &Params<D>,
        sentences: &[Vec<u32>],
    ) -> Result<Vec<usize>, StageError> {
        /// Sentences that are read together.
        const BATCH: usize = 256;
        let mut classes = Vec::with_capacity(sentences.len());
        for batch in sentences.chunks(BATCH) {
            let batch: Vec<&[u32]> = batch.iter().map(Vec::as_slice).collect();
            let logits = self.logits::<D, NoneTape>(&Pass::eval(params), &batch)?;
            let (_, count) = *logits.shape();
            let best = |row: &[f32]| {
                (1..row.len()).fold(0, |best, k| if row[k].total_cmp(&row[best]).is_gt() { k } else { best })
            };
            classes.extend(D::view(&logits).chunks_exact(count).map(best));
        }
        Ok(classes)
    }
}

/// A classifier as it lies in an artifact of kind `weights/classifier`.
pub struct Model {
    /// Its shape.
    pub shape: Shape,
    /// How it reads words.
    pub reader: Reader,
    /// Its weights as a safetensors file.
    pub weights: Vec<u8>,
}

impl Model {
    /// Reads an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or broken, or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let shape: Shape = serde_json::from_str(&view.text("config.json")?)
            .map_err(|e| StageError::Input(format!("`config.json`: {e}")))?;
        let reader = Reader::of_artifact(view, shape.lower)?;
        if reader.size() > shape.vocabulary {
            let (found, most) = (reader.size(), shape.vocabulary);
            let message = format!("the vocabulary has {found} entries, more than `config.json` says: {most}");
            return Err(StageError::Input(message));
        }
        Ok(Self { shape, reader, weights: view.bytes("model.safetensors")?.to_vec() })
    }

    /// The artifact.
    ///
    /// # Errors
    /// [`StageError::Other`] when a file cannot be written.
    pub fn write(self) -> Result<Output, StageError> {
        let config = serde_json::to_vec_pretty(&self.shape).map_err(|e| StageError::Other(e.to_string()))?;
        let output = Output::new(Kind::of("weights/classifier"));
        self.reader.write(output.file("config.json", config).file("model.safetensors", self.weights))
    }
}

#[cfg(test)]
mod tests;
