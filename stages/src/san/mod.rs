//! SAN: pictures asked about in several steps of attention.
//!
//! A picture is a grid of regions, a question becomes a vector. An attention layer scores every region with the question
//! vector, mixes the regions by the softmax of their scores, and adds the mixture to the question vector; the next layer
//! asks with what the last one has found. An answer is a class, read off the last vector.
//!
//! | in the paper | here |
//! |---|---|
//! | image model, vᵢ = tanh(W_I·fᵢ + b_I) | [`vision::Vision`] |
//! | question model, LSTM | [`reader::Reader`] |
//! | question model, CNN of 1, 2 and 3 words | [`reader::Reader`] |
//! | h = tanh(W_IA·v + (W_QA·u + b_A)), p = softmax(W_P·h + b_P) | [`attention::Attention::weights`] |
//! | ṽ = Σ pᵢ·vᵢ, uᵏ = ṽᵏ + uᵏ⁻¹ | [`model::San::forward`] |
//! | p_ans = softmax(W_u·u + b_u) | [`model::San::forward`], [`train`] |
//! | the released code's attention | [`attention::Variant`] |
//! | baselines: the most frequent answer | [`guess`] |
//! | WUPS, and the accuracy of VQA | [`wups`], [`people::agreement`] |
//! | where attention is, as a picture | [`draw`] |
//!
//! [`world`] makes questions that take two steps by construction; [`questions`] says how questions about pictures lie in
//! an artifact.

pub mod attention;
pub mod draw;
pub mod evaluate;
pub mod guess;
pub mod model;
pub mod people;
pub mod questions;
pub mod reader;
pub mod sets;
pub mod source;
pub mod split;
pub mod start;
pub mod taxonomy;
pub mod train;
pub mod vision;
pub mod words;
pub mod world;
pub mod wups;

use dfdx::prelude::Cpu;
use runpipe_base::{DynStage, KindSpec, Paper};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "Stacked Attention Networks for Image Question Answering",
    cite: "Yang et al. 2016",
    url: "https://arxiv.org/abs/1511.02274",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &evaluate::Evaluate,
    &guess::Guess,
    &sets::daquar::Daquar,
    &sets::easy_vqa::EasyVqa,
    &sets::nlvr::Nlvr,
    &sets::shapes::Shapes,
    &sets::vqa::Vqa,
    &split::Split,
    &train::Train,
    &world::stage::MakeWorld,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: questions::DATASET,
        layout: "parts `train` and `test` of kind `questions`",
        check: |view| questions::parts(view).map(drop),
    },
    KindSpec {
        name: questions::KIND,
        layout: "`questions.jsonl`: on a line a question's `picture`, `type`, `text`, `answer`, what several `people` said and \
                 the regions on the `path` to the answer; `regions.safetensors`: `regions`, `[N, rows, columns, width]`, or \
                 `images.npy`: bytes `[N, C, H, W]`, and `grid.json` if there are paths; or, of questions that are drawn \
                 when they are wanted, `world.json`",
        check: |view| source::Source::read(view).map(drop),
    },
    KindSpec {
        name: split::SPLIT,
        layout: "parts `kept` and `held` of kind `questions`",
        check: |view| split::parts(view),
    },
    KindSpec {
        name: evaluate::KIND,
        layout: "`answers.csv`: of every question its type, text, answer, the answer found and what attention did",
        check: |view| view.text(evaluate::FILE).map(drop),
    },
    KindSpec {
        name: train::KIND,
        layout: "`san.json`: how the net is made; `words.txt` and `answers.txt`, one a line in order of their ids; \
                 `model.safetensors`",
        check: |view| train::Trained::read(view, &Cpu::default()).map(drop),
    },
];

#[cfg(test)]
mod tests;
