//! MANER: named entities of languages with a hundred labelled sentences, read through the mask token.
//!
//! A masked language model knows what kind of word fits a context, and it says so at its `<mask>` token. MANER puts a
//! mask before every word of a sentence, reads the word's tag from that mask's hidden state through one linear layer
//! shared by all masks, and trains encoder and layer together on the few labelled sentences there are.
//!
//! | in the paper | here |
//! |---|---|
//! | x = `<s>` (M s₁) … (M sₙ) `</s>`, sites mᵢ | [`layout::Layout::sequences`] |
//! | the baseline that reads a word's own pieces | [`layout::Site::Tokcls`] |
//! | zᵢ = W·h(mᵢ) + b | [`model::Tagger::logits`] |
//! | ŷᵢ = argmax zᵢ, without a CRF | [`decode`]; with one, as a switch, over [`chain`] |
//! | `L = −(1/N) Σ log softmax(zᵢ)[yᵢ]`, encoder and head trained together | [`finetune`] |
//! | the pre-trained masked language model | [`pretrain`], over [`masking`] |
//! | F1 of entities | [`score`] |
//!
//! The paper's encoder is far too large for a quick run, so a small one is trained first, on real raw text or on that
//! of a [`language`] made up for the purpose. A model lies in a folder as hubs have it ([`hub`], [`config`]).

pub mod bpe;
pub mod chain;
pub mod compare;
pub mod config;
pub mod decode;
pub mod evaluate;
pub mod finetune;
pub mod gazetteer;
pub mod hub;
pub mod language;
pub mod layout;
pub mod load;
pub mod masking;
pub mod model;
pub mod predict;
pub mod pretrain;
pub mod score;
pub mod scores;
pub mod tag;
pub mod tokenizer;

use runpipe_base::{DynStage, KindSpec, Paper, StageError};

use self::evaluate::reading;
use self::model::Model;

/// The paper.
pub static PAPER: Paper = Paper {
    title: "MANER: Mask Augmented Named Entity Recognition for Extreme Low-Resource Languages",
    cite: "Sonkar, Wang and Baraniuk 2023",
    url: "https://arxiv.org/abs/2212.09723",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &compare::Compare,
    &evaluate::Evaluate,
    &finetune::Finetune,
    &gazetteer::Gazetteer,
    &language::GeneratedLanguage,
    &load::Load,
    &pretrain::Pretrain,
    &tag::TagText,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: "entities",
        layout: "`entities.csv`: an entity a row, its line from 1, the characters of it from `start` to before `end`, \
                 type, score and text; part `sentences` of kind `tagged`",
        check: |view| {
            let text = view.text("entities.csv")?;
            let bad = csv::Reader::from_reader(text.as_bytes()).records().find_map(Result::err);
            bad.map_or(Ok(()), |e| Err(StageError::Input(format!("`entities.csv`: {e}"))))
        },
    },
    KindSpec {
        name: "scores",
        layout: "`scores.json`: numbers by name; `types.csv`: counts and scores of each entity type; `confusion.csv`: \
                 true types by types found; part `predictions` of kind `tagged`",
        check: |view| {
            let json = view.text("scores.json")?;
            let numbers: Result<std::collections::BTreeMap<String, f64>, _> = serde_json::from_str(&json);
            numbers.map_err(|e| StageError::Input(format!("`scores.json`: {e}")))?;
            ["types.csv", "confusion.csv"].iter().try_for_each(|file| view.text(file).map(drop))
        },
    },
    KindSpec {
        name: "weights/encoder",
        layout: "`config.json`, `tokenizer.json` and `model.safetensors` of a BERT or RoBERTa encoder, with its masked \
                 head where there is one, named as model hubs do; perhaps `unused.txt`",
        check: |view| Model::read(view).map(drop),
    },
    KindSpec {
        name: "weights/tagger",
        layout: "`config.json` with `id2label` and `maner`, `tokenizer.json` and `model.safetensors` of a BERT or \
                 RoBERTa encoder with a `classifier` over words, named as model hubs do",
        check: |view| {
            let model = Model::read(view)?;
            let (_, labels, _) = reading(&model)?;
            let head = model.arrays.get("tagger.out.weight").map(|(sizes, _)| sizes.as_slice());
            let expected = [labels.len(), model.config.hidden_size];
            if head == Some(&expected) {
                return Ok(());
            }
            Err(StageError::Input(format!("`classifier.weight` must be {expected:?}, found {head:?}")))
        },
    },
];

#[cfg(test)]
mod tests;
