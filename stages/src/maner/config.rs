//! `config.json` of a model folder: sizes of the encoder, and what a tagger adds.

use std::collections::BTreeMap;

use runpipe_base::{StageError, View};
use serde::{Deserialize, Serialize};

use super::layout::{Layout, Long, Places, Pool, Site, Visibility};
use super::tokenizer::Special;
use crate::kit::nn::encoder::EncoderSizes;
use crate::kit::ops::act::Act;

/// The fields of a hub's `config.json` that matter here; others are left alone when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// `bert`, `roberta`, `xlm-roberta` or `camembert`.
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
    /// Function inside a feed-forward block: `gelu` is the exact one.
    pub hidden_act: String,
    /// Dropout.
    pub hidden_dropout_prob: f32,
    /// Dropout of attention.
    pub attention_probs_dropout_prob: f32,
    /// Dropout before the labels; that of the encoder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier_dropout: Option<f32>,
    /// Rows of the position table; RoBERTa's are `pad_token_id` + 1 more than the longest sequence.
    pub max_position_embeddings: usize,
    /// Rows of the token type table; only the first is used.
    pub type_vocab_size: usize,
    /// ε of layer norms.
    #[serde(default = "default_epsilon")]
    pub layer_norm_eps: f32,
    /// Id of the padding token.
    pub pad_token_id: usize,
    /// Whether the decoder of the masked head is the table of word vectors.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub tie_word_embeddings: bool,
    /// `absolute`, the only kind there is here.
    #[serde(default, skip_serializing)]
    pub position_embedding_type: Option<String>,
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
    /// Who sees the tokens beside words.
    pub mask_visibility: String,
    /// Where the tokens beside words stand.
    pub mask_position_ids: String,
    /// Whether a hidden layer stands between encoder and labels.
    pub hidden_layer: bool,
    /// Whether labels say something about the next ones.
    #[serde(default)]
    pub crf: bool,
    /// Most tokens of a sequence.
    pub max_len: usize,
    /// What becomes of longer sentences.
    pub long: String,
}

fn yes() -> bool {
    true
}

/// No size of a model is larger than this: what is larger is a slip or damage.
const LARGEST: usize = 1 << 24;

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
        if !["bert", "roberta", "xlm-roberta", "camembert"].contains(&config.model_type.as_str()) {
            return Err(wrong(format!(
                "expected `bert`, `roberta`, `xlm-roberta` or `camembert` as `model_type`, found `{}`",
                config.model_type
            )));
        }
        if act(&config.hidden_act).is_none() {
            return Err(wrong(format!(
                "expected `gelu`, one of its approximations or `relu` as `hidden_act`, found `{}`",
                config.hidden_act
            )));
        }
        if let Some(kind) = config.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return Err(wrong(format!("expected `absolute` as `position_embedding_type`, found `{kind}`")));
        }
        let sizes = [
            ("vocab_size", config.vocab_size),
            ("hidden_size", config.hidden_size),
            ("num_attention_heads", config.num_attention_heads),
            ("intermediate_size", config.intermediate_size),
            ("max_position_embeddings", config.max_position_embeddings),
        ];
        let within = |size: usize| (1..=LARGEST).contains(&size);
        if let Some((name, size)) = sizes.into_iter().find(|(_, size)| !within(*size)) {
            return Err(wrong(format!("`{name}` must be in 1..={LARGEST}, found {size}")));
        }
        if config.pad_token_id > LARGEST {
            return Err(wrong(format!(
                "`pad_token_id` must be in 0..={LARGEST}, found {}",
                config.pad_token_id
            )));
        }
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let (width, heads) = (config.hidden_size, config.num_attention_heads);
            return Err(wrong(format!(
                "`hidden_size` {width} is no multiple of `num_attention_heads` {heads}"
            )));
        }
        if config.max_position_embeddings < config.first_position() + 3 {
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
            classifier_dropout: None,
            // RoBERTa counts positions from pad + 1.
            max_position_embeddings: sizes.positions + pad as usize + 1,
            type_vocab_size: 1,
            layer_norm_eps: sizes.epsilon,
            pad_token_id: pad as usize,
            tie_word_embeddings: true,
            position_embedding_type: None,
            id2label: BTreeMap::new(),
            label2id: BTreeMap::new(),
            maner: None,
        }
    }

    /// Sizes of the encoder.
    pub fn sizes(&self) -> EncoderSizes {
        EncoderSizes {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings - self.first_position(),
            width: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner: self.intermediate_size,
            dropout: self.hidden_dropout_prob,
            epsilon: self.layer_norm_eps,
        }
    }

    /// Whether it is a BERT, and not a RoBERTa under one of its names.
    pub fn is_bert(&self) -> bool {
        self.model_type == "bert"
    }

    /// The row of the position table at which a sequence begins.
    pub fn first_position(&self) -> usize {
        if self.is_bert() { 0 } else { self.pad_token_id + 1 }
    }

    /// The function inside feed-forward blocks.
    pub fn act(&self) -> Act {
        act(&self.hidden_act).unwrap_or(Act::Gelu)
    }

    /// The function of the masked head: RoBERTa's has the exact GELU whatever its blocks have.
    pub fn head_act(&self) -> Act {
        if self.is_bert() { self.act() } else { Act::Gelu }
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
    /// How `layout` reads words.
    pub fn of(layout: &Layout, hidden_layer: bool, crf: bool) -> Self {
        Self {
            site: layout.site.as_str().to_owned(),
            pool: layout.pool.as_str().to_owned(),
            filler: layout.filler,
            mask_visibility: layout.visibility.as_str().to_owned(),
            mask_position_ids: layout.places.as_str().to_owned(),
            hidden_layer,
            crf,
            max_len: layout.max_len,
            long: layout.long.as_str().to_owned(),
        }
    }

    /// The layout that reads so.
    ///
    /// # Errors
    /// [`StageError::Input`] when a word is not known.
    pub fn layout(&self, special: Special) -> Result<Layout, StageError> {
        let site: Site = named(&self.site, "site")?;
        let pool: Pool = named(&self.pool, "pool")?;
        let visibility: Visibility = named(&self.mask_visibility, "mask_visibility")?;
        let places: Places = named(&self.mask_position_ids, "mask_position_ids")?;
        let long: Long = named(&self.long, "long")?;
        let (filler, max_len) = (self.filler, self.max_len);
        Ok(Layout { site, pool, visibility, places, filler, special, max_len, long })
    }
}

/// The function that hubs call so.
fn act(name: &str) -> Option<Act> {
    match name {
        "gelu" => Some(Act::Gelu),
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Some(Act::GeluTanh),
        "relu" => Some(Act::Relu),
        _ => None,
    }
}

fn named<T: runpipe_base::FromRecord>(word: &str, what: &str) -> Result<T, StageError> {
    let value = runpipe_base::Value::Str(word.to_owned());
    T::from_value(&value).ok_or_else(|| {
        StageError::Input(format!("`config.json`: expected {} as `maner.{what}`, found `{word}`", T::ty()))
    })
}
