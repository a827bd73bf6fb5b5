//! MANER: named entities of languages with a hundred labelled sentences, read through the mask token.
//!
//! A masked language model knows what kind of word fits a context, and it says so at its `<mask>` token. MANER puts a
//! mask before every word of a sentence, reads the word's tag from that mask's hidden state through one linear layer
//! shared by all masks, and trains encoder and layer together on the few labelled sentences there are.
//!
//! | in the paper | here |
//! |---|---|
//! | x = `<s>` (M s₁) … (M sₙ) `</s>`, sites mᵢ | [`layout::Layout::sequences`] |
//! | baseline: tag of a word from its first subword | [`layout::Site::Tokcls`] |

pub mod bpe;
pub mod language;
pub mod layout;
pub mod score;
pub mod tokenizer;

use runpipe_base::{DynStage, KindSpec, Paper};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "MANER: Mask Augmented Named Entity Recognition for Extreme Low-Resource Languages",
    cite: "Sonkar, Wang and Baraniuk 2023",
    url: "https://arxiv.org/abs/2212.09723",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[&language::GeneratedLanguage];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[];
