//! TreeMix: new sentences of constituents of old ones, labels shared by length.
//!
//! TreeMix cuts a constituent out of sentence A, pastes a constituent of sentence B in its place, and gives the new
//! sentence a label shared between the two classes by the number of words that came from each. A classifier is trained
//! on examples and mixtures side by side. On SCAN the same cut-and-paste makes new commands, which SCAN's interpreter
//! reads.
//!
//! | in the paper | here |
//! |---|---|
//! | candidate nodes, λL ≤ length share ≤ λU | [`candidates::Window`], [`candidates::Pool`] |
//! | t_A, t_B drawn, new sentence, ȳ | [`draw::Method::draw`], [`draw::Splice`], [`mixed::Mixed::label`] |
//! | D′ with β·n mixtures | [`augment::augment`], [`mix`] |
//! | RandMix | [`draw::Method::Random`] |
//! | L = CE(D) + γ · CE(D′) | [`train`] |
//! | SCAN | [`scan`] |
//!
//! Trees come with the data ([`crate::data::sst`], [`sentiment`], [`scan::gold`]) or
//! from a [`parser`], ours or any other.

pub mod augment;
pub mod candidates;
pub mod draw;
pub mod evaluate;
pub mod mix;
pub mod mixed;
pub mod model;
pub mod parser;
pub mod reader;
pub mod scan;
pub mod sentiment;
pub mod sketch;
pub mod train;

use runpipe_base::{DynStage, KindSpec, Paper};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "TreeMix: Compositional Constituency-based Data Augmentation for Natural Language Understanding",
    cite: "Zhang, Yang and Yang 2022",
    url: "https://arxiv.org/abs/2205.06153",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &evaluate::Evaluate,
    &mix::Mix,
    &parser::Evalb,
    &parser::Parse,
    &parser::ReadGrammar,
    &scan::Scan,
    &scan::learn::Learn,
    &scan::perform::Perform,
    &scan::recombine::Coverage,
    &scan::recombine::Recombine,
    &sentiment::Sentiment,
    &train::Train,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: "grammar",
        layout: "`rules.tsv`: parent, left child, right child (empty for rules of one) and count, an empty parent for roots; \
                 `lexicon.tsv`: words and classes of words with their tags and counts",
        check: |view| parser::grammar::Counts::read(view).map(drop),
    },
    KindSpec {
        name: "mixed",
        layout: "`classes.txt`: a class a line; `mixed.tsv`: a line of column names, then mixtures: rows of receiver and \
                 donor, their classes, words inserted, words in all, and one sentence or two; part `examples` of kind \
                 `mixed/examples`",
        check: |view| mixed::read(view).map(drop),
    },
    KindSpec {
        name: "mixed/examples",
        layout: "`mixed.md`: a table of a few mixtures; pictures of trees, `1-cut.svg` and so on",
        check: |view| view.text("mixed.md").map(drop),
    },
    KindSpec {
        name: "scores/classes",
        layout: "`predictions.tsv`: true class, class found and sentence; `confusion.csv`: true classes by classes found",
        check: |view| {
            ["predictions.tsv", "confusion.csv"].iter().try_for_each(|file| view.text(file).map(drop))
        },
    },
    KindSpec {
        name: "scores/commands",
        layout: "`outputs.tsv`: command, true actions, actions written",
        check: |view| view.text("outputs.tsv").map(drop),
    },
    KindSpec {
        name: "weights/classifier",
        layout: "`config.json`, `model.safetensors`, and `vocabulary.txt` or, over an encoder, `tokenizer.json`",
        check: |view| model::Model::read(view).map(drop),
    },
    KindSpec {
        name: "weights/translator",
        layout: "`config.json`, `vocabulary.txt` and `model.safetensors` of an LSTM that writes actions",
        check: |view| scan::learn::Model::read(view).map(drop),
    },
];
