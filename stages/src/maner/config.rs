//! `config.json` of a model folder: sizes of the encoder, and what a tagger adds.

use std::collections::BTreeMap;

use runpipe_base::{StageError, View};
use serde::{Deserialize, Serialize};

use super::layout::{Pool, Site};
use crate::kit::nn::encoder::EncoderSizes;

/// The fields of a hub's `config.json` that matter here; others are left alone when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// `roberta` or `xlm-roberta`.
    pub model_type: String,
    /// Entries of the vocabulary.
    pub vocab_size: usize,
    /// Width.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Width inside a feed-forward block.
    pub intermediate_size: usize,
    /// Activation; `gelu`, the exact one.
    pub hidden_act: String,
    /// Dropout.
    pub hidden_dropout_prob: f32,
    /// Dropout of attention.
    pub attention_probs_dropout_prob: f32,
    /// Rows of the position table: two more than the longest sequence.
    pub max_position_embeddings: usize,
    /// Rows of the token type table; only the first is used.
    pub type_vocab_size: usize,
    /// ε of layer norms.
    #[serde(default = "default_epsilon")]
    pub layer_norm_eps: f32,
    /// Id of the padding token.
    pub pad_token_id: usize,
    /// Label by id, of a tagger.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id2label: BTreeMap<usize, String>,
    /// Id by label, of a tagger.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label2id: BTreeMap<String, usize>,
    /// How the tagger reads words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maner: Option<Reading>,
}

/// How a tagger reads words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Where.
    pub site: String,
    /// Which subword, where no mask is read.
    pub pool: String,
    /// Id of the token beside each word.
    pub filler: u32,
    /// Whether a hidden layer stands between encoder and labels.
    pub hidden_layer: bool,
    /// Most tokens of a sequence.
    pub max_len: usize,
}

fn default_epsilon() -> f32 {
    1e-12
}

impl Config {
    /// Reads `config.json` of an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is none, or of a model that is not computed here.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        Self::parse(&view.text("config.json")?)
    }

    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(json: &str) -> Result<Self, StageError> {
        let wrong = |message: String| StageError::Input(format!("`config.json`: {message}"));
        let config: Self = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        if !["roberta", "xlm-roberta"].contains(&config.model_type.as_str()) {
            return Err(wrong(format!(
                "expected `roberta` or `xlm-roberta` as `model_type`, found `{}`",
                config.model_type
            )));
        }
        if config.hidden_act != "gelu" {
            return Err(wrong(format!("expected `gelu` as `hidden_act`, found `{}`", config.hidden_act)));
        }
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let (width, heads) = (config.hidden_size, config.num_attention_heads);
            return Err(wrong(format!(
                "`hidden_size` {width} is no multiple of `num_attention_heads` {heads}"
            )));
        }
        if config.max_position_embeddings < config.pad_token_id + 4 {
            return Err(wrong(format!(
                "`max_position_embeddings` {} leaves no room for a word",
                config.max_position_embeddings
            )));
        }
        Ok(config)
    }

    /// The configuration of a new encoder.
    pub fn new(sizes: EncoderSizes, pad: u32) -> Self {
        Self {
            model_type: "roberta".to_owned(),
            vocab_size: sizes.vocabulary,
            hidden_size: sizes.width,
            num_hidden_layers: sizes.layers,
            num_attention_heads: sizes.heads,
            intermediate_size: sizes.inner,
            hidden_act: "gelu".to_owned(),
            hidden_dropout_prob: sizes.dropout,
            attention_probs_dropout_prob: sizes.dropout,
            // RoBERTa counts positions from pad + 1.
            max_position_embeddings: sizes.positions + pad as usize + 1,
            type_vocab_size: 1,
            layer_norm_eps: sizes.epsilon,
            pad_token_id: pad as usize,
            id2label: BTreeMap::new(),
            label2id: BTreeMap::new(),
            maner: None,
        }
    }

    /// Sizes of the encoder.
    pub fn sizes(&self) -> EncoderSizes {
        EncoderSizes {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings - self.pad_token_id - 1,
            width: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner: self.intermediate_size,
            dropout: self.hidden_dropout_prob,
            epsilon: self.layer_norm_eps,
        }
    }

    /// The text of the `config.json`.
    ///
    /// # Errors
    /// [`StageError::Other`] when a number cannot be written.
    pub fn print(&self) -> Result<String, StageError> {
        serde_json::to_string_pretty(self)
            .map(|json| json + "\n")
            .map_err(|e| StageError::Other(e.to_string()))
    }
}

impl Reading {
    /// Site and pool.
    ///
    /// # Errors
    /// [`StageError::Input`] when one is not known.
    pub fn choices(&self) -> Result<(Site, Pool), StageError> {
        let site = named(&self.site, "site")?;
        Ok((site, named(&self.pool, "pool")?))
    }
}

fn named<T: runpipe_base::FromRecord>(word: &str, what: &str) -> Result<T, StageError> {
    let value = runpipe_base::Value::Str(word.to_owned());
    T::from_value(&value).ok_or_else(|| {
        StageError::Input(format!("`config.json`: expected {} as `maner.{what}`, found `{word}`", T::ty()))
    })
}
