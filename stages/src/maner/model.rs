//! A model folder, and the network: an encoder with a head that labels words.

use dfdx::prelude::{HasShape as _, Tape};
use runpipe_base::{Kind, Output, StageError, View};

use super::config::Config;
use super::hub::{self, Arrays};
use super::layout::Sequence;
use super::tokenizer::Subwords;
use crate::kit::backend::{Backend, Matrix};
use crate::kit::nn::encoder::Encoder;
use crate::kit::nn::linear::Linear;
use crate::kit::nn::norm::LayerNorm;
use crate::kit::ops::act::Act;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::rows::rows;
use crate::kit::params::{self, Init, Params, Pass};

/// A model as it lies in a folder: `config.json`, `tokenizer.json`, `model.safetensors`.
pub struct Model {
    /// Sizes.
    pub config: Config,
    /// Words to ids.
    pub subwords: Subwords,
    /// The kit's arrays by name.
    pub arrays: Arrays,
}

impl Model {
    /// Reads an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing, wrong, or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let json = view.bytes("tokenizer.json")?;
        Self::of(Config::read(view)?, &json, &view.bytes("model.safetensors")?).map(|(model, _)| model)
    }

    /// A model of the contents of its three files, and the names of arrays that mean nothing here.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of(config: Config, tokenizer: &[u8], weights: &[u8]) -> Result<(Self, Vec<String>), StageError> {
        let subwords = Subwords::load(tokenizer)?;
        if subwords.size > config.vocab_size {
            return Err(StageError::Input(format!(
                "`tokenizer.json` has {} tokens, more than the `vocab_size` {} of `config.json`",
                subwords.size, config.vocab_size
            )));
        }
        if subwords.special.pad as usize != config.pad_token_id {
            return Err(StageError::Input(format!(
                "`<pad>` is {} in `tokenizer.json`, {} in `config.json`",
                subwords.special.pad, config.pad_token_id
            )));
        }
        let (arrays, unused) = hub::load(weights, &config)?;
        Ok((Self { config, subwords, arrays }, unused))
    }

    /// The artifact.
    ///
    /// # Errors
    /// [`StageError::Other`] when a file cannot be written.
    pub fn write(&self, kind: &'static str) -> Result<Output, StageError> {
        Ok(Output::new(Kind::of(kind))
            .file("config.json", self.config.print()?)
            .file("tokenizer.json", self.subwords.save()?)
            .file("model.safetensors", hub::save(&self.arrays, &self.config)?))
    }

    /// Gives `params` the arrays whose names `wanted` accepts.
    ///
    /// # Errors
    /// [`StageError::Input`] when one is missing or of another size.
    pub fn fill<D: Backend>(
        &self,
        params: &mut Params<D>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), StageError> {
        let arrays = self.arrays.iter().filter(|(name, _)| wanted(name));
        let file = params::save(
            arrays.map(|(name, (sizes, numbers))| (name.as_str(), sizes.clone(), numbers.clone())),
        )?;
        params.load_some(&file, &wanted).map(drop)
    }

    /// Takes the arrays of `params` in place of its own.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the format refuses.
    pub fn take<D: Backend>(&mut self, params: &Params<D>) -> Result<(), StageError> {
        self.arrays = params::load(&params.save()?)?;
        Ok(())
    }
}

/// Sequences laid end to end, and the rows that are read.
#[derive(Debug, Clone)]
pub struct Batch {
    /// All ids.
    pub ids: Vec<u32>,
    /// Where sequences begin and end.
    pub packed: Packed,
    /// The row of each word read.
    pub sites: Vec<u32>,
}

impl Batch {
    /// A batch of these sequences, in order.
    pub fn of<'a>(sequences: impl IntoIterator<Item = &'a Sequence>) -> Self {
        let (mut ids, mut lengths, mut sites) = (Vec::new(), Vec::new(), Vec::new());
        for sequence in sequences {
            sites.extend(sequence.sites.iter().map(|site| (ids.len() + site) as u32));
            ids.extend(&sequence.ids);
            lengths.push(sequence.ids.len());
        }
        Self { ids, packed: Packed::new(lengths), sites }
    }
}

/// An encoder with one layer that labels what is read.
#[derive(Debug, Clone)]
pub struct Tagger {
    encoder: Encoder,
    hidden: Option<(Linear, LayerNorm)>,
    out: Linear,
    dropout: f32,
}

impl Tagger {
    /// A tagger of `classes` labels; its parameters are named `encoder.…` and `tagger.…`.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn new<D: Backend>(
        params: &mut Params<D>,
        config: &Config,
        classes: usize,
        hidden_layer: bool,
    ) -> Result<Self, StageError> {
        let sizes = config.sizes();
        let encoder = Encoder::new(params.root().at("encoder"), sizes)?;
        let mut root = params.root();
        let mut at = root.at("tagger");
        let init = Init::Normal { std: 0.02 };
        let hidden = if hidden_layer {
            let dense = Linear::new(at.at("dense"), sizes.width, sizes.width, init)?;
            Some((dense, LayerNorm::new(at.at("norm"), sizes.width, sizes.epsilon)?))
        } else {
            None
        };
        let out = Linear::new(at.at("out"), sizes.width, classes, init)?;
        Ok(Self { encoder, hidden, out, dropout: sizes.dropout })
    }

    /// Logits of every word read: zᵢ = W · dropout(h at mᵢ) + b.
    ///
    /// # Shapes
    /// S words read → `[S, K]`.
    ///
    /// # Source
    /// MANER, the NER prediction head on each mask.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn logits<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        batch: &Batch,
    ) -> Result<Matrix<D, T>, StageError> {
        let hidden = self.encoder.forward::<D, T>(pass, &batch.ids, &batch.packed)?; // [N, W]
        let mut x = rows(hidden, &batch.sites)?; // [S, W]
        if let Some((dense, norm)) = &self.hidden {
            x = dense.forward(pass, x, Act::Gelu)?;
            x = norm.forward(pass, x)?;
        }
        let x = dropout(x, Mask::new(self.dropout, pass.stream()))?;
        self.out.forward(pass, x, Act::Identity)
    }

    /// The likeliest label of every word read; the first of equals.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn labels<D: Backend>(&self, params: &Params<D>, batch: &Batch) -> Result<Vec<usize>, StageError> {
        let logits = self.logits::<D, dfdx::prelude::NoneTape>(&Pass::eval(params), batch)?;
        let (_, classes) = *logits.shape();
        let best = |row: &[f32]| {
            (1..row.len()).fold(0, |best, k| if row[k].total_cmp(&row[best]).is_gt() { k } else { best })
        };
        Ok(D::view(&logits).chunks_exact(classes).map(best).collect())
    }
}

#[cfg(test)]
mod tests;
