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
use crate::kit::ops::mean::mean_of_sequences;
use crate::kit::ops::rows::rows;
use crate::kit::params::{self, Init, Param, Params, Pass, Role};

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
        let weights = view.bytes("model.safetensors")?;
        Self::of(Config::read(view)?, &json, &[&weights]).map(|(model, _)| model)
    }

    /// A model of the contents of its files, of which those with weights may be several, and the names of arrays that
    /// mean nothing here.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of(
        config: Config,
        tokenizer: &[u8],
        weights: &[&[u8]],
    ) -> Result<(Self, Vec<String>), StageError> {
        let subwords = Subwords::load(tokenizer)?;
        if subwords.size > config.vocab_size {
            return Err(StageError::Input(format!(
                "`tokenizer.json` has {} tokens, more than the `vocab_size` {} of `config.json`",
                subwords.size, config.vocab_size
            )));
        }
        if subwords.special.pad as usize != config.pad_token_id {
            return Err(StageError::Input(format!(
                "the padding token is {} in `tokenizer.json`, {} in `config.json`",
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

    /// Gives the hidden layer of a tagger the numbers of the masked head.
    ///
    /// # Errors
    /// [`StageError::Input`] when there is no such head.
    pub fn fill_head<D: Backend>(&self, params: &mut Params<D>) -> Result<(), StageError> {
        let parts = ["dense.weight", "dense.bias", "norm.weight", "norm.bias"];
        let head = parts.into_iter().map(|part| {
            let (sizes, numbers) = self.arrays.get(&format!("masked.{part}")).ok_or_else(no_head)?;
            Ok((format!("tagger.{part}"), sizes.clone(), numbers.clone()))
        });
        let head = head.collect::<Result<Vec<_>, StageError>>()?;
        let file =
            params::save(head.iter().map(|(name, sizes, x)| (name.as_str(), sizes.clone(), x.clone())))?;
        params.load_some(&file, |name| head.iter().any(|(own, _, _)| own == name)).map(drop)
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

/// What a model says that was exported without its masked head.
pub fn no_head() -> StageError {
    StageError::Input("expected an encoder with its masked head, found one without".into())
}

/// Sequences laid end to end, and the rows that are read.
#[derive(Debug, Clone)]
pub struct Batch {
    /// All ids.
    pub ids: Vec<u32>,
    /// Where sequences begin and end.
    pub packed: Packed,
    /// The rows that are read, in the order of the words.
    pub sites: Vec<u32>,
    /// How many of them each word has; none told: one.
    pub spans: Option<Vec<usize>>,
}

impl Batch {
    /// A batch of these sequences, in order.
    pub fn of<'a>(sequences: impl IntoIterator<Item = &'a Sequence>) -> Self {
        let (mut ids, mut lengths, mut sites, mut spans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut veil, mut places) = (Vec::new(), Vec::new());
        for sequence in sequences {
            for (site, span) in sequence.sites.iter().zip(&sequence.spans) {
                sites.extend((*site..site + span).map(|row| (ids.len() + row) as u32));
            }
            spans.extend(&sequence.spans);
            ids.extend(&sequence.ids);
            lengths.push(sequence.ids.len());
            veil.extend(&sequence.veil);
            places.extend(&sequence.places);
        }
        let mut packed = Packed::new(lengths);
        if !veil.is_empty() {
            packed = packed.veiled(&veil);
        }
        if !places.is_empty() {
            packed = packed.placed(&places);
        }
        let spans = Some(spans).filter(|spans| spans.iter().any(|span| *span != 1));
        Self { ids, packed, sites, spans }
    }

    /// How many words are read.
    pub fn words(&self) -> usize {
        self.spans.as_ref().map_or(self.sites.len(), Vec::len)
    }
}

/// An encoder with one layer that labels what is read.
#[derive(Debug, Clone)]
pub struct Tagger {
    encoder: Encoder,
    hidden: Option<(Linear, LayerNorm)>,
    out: Linear,
    transitions: Option<Param<(usize, usize)>>,
    dropout: f32,
    act: Act,
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
        let encoder = Encoder::new(params.root().at("encoder"), sizes)?.acting(config.act());
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
        let dropout = config.classifier_dropout.unwrap_or(sizes.dropout);
        Ok(Self { encoder, hidden, out, transitions: None, dropout, act: config.head_act() })
    }

    /// The tagger with scores of transitions between `classes` labels, `tagger.transitions`: see
    /// [`chain_loss`](super::chain::chain_loss).
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn chained<D: Backend>(mut self, params: &mut Params<D>, classes: usize) -> Result<Self, StageError> {
        let mut root = params.root();
        let shape = (classes + 1, classes);
        self.transitions = Some(root.at("tagger").param("transitions", shape, Init::ZEROS, Role::Plain)?);
        Ok(self)
    }

    /// The scores of transitions, where there are such.
    pub fn transitions<'a, D: Backend>(&self, params: &'a Params<D>) -> Option<&'a Matrix<D>> {
        self.transitions.map(|param| params.get(param))
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
        if let Some(spans) = &batch.spans {
            x = mean_of_sequences(x, &Packed::new(spans.iter().copied()))?; // [S, W]
        }
        if let Some((dense, norm)) = &self.hidden {
            x = dense.forward(pass, x, self.act)?;
            x = norm.forward(pass, x)?;
        }
        let x = dropout(x, Mask::new(self.dropout, pass.stream()))?;
        self.out.forward(pass, x, Act::Identity)
    }

    /// The logits of every word read, without dropout.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn scores<D: Backend>(&self, params: &Params<D>, batch: &Batch) -> Result<Vec<Vec<f32>>, StageError> {
        let logits = self.logits::<D, dfdx::prelude::NoneTape>(&Pass::eval(params), batch)?;
        let (_, classes) = *logits.shape();
        Ok(D::view(&logits).chunks_exact(classes).map(<[f32]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests;
