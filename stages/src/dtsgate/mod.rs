//! DTS-Gate: experts that every token asks at first, and one in the end.
//!
//! A mixture of experts whose gate is hard from the start trains an immature gate on immature experts. Here the gate
//! starts dense: every token asks every expert, weighted. A temperature falls, weights become uneven, and experts whose
//! weight is under a threshold are not asked; from some update on, each token asks one. What is not asked is not
//! computed, so that cost falls with the temperature.
//!
//! | in the paper | here |
//! |---|---|
//! | z, ζ, p = softmax((z + ζ)/τ), the mask, variants S and G of g | [`route::Routing::route`], over [`gate`] |
//! | τ(t), the hard phase | [`cooling::Cooling::at`] |
//! | y = Σ g·f(x), computed for what is asked alone | [`crate::kit::nn::experts::Experts`] |
//! | the balance loss | [`gate::balance`] |
//! | evaluation with one expert, or as in training | [`route::Look`], [`judge`] |
//! | experts spawned from one, made unlike each other (EvoMoE's first phase) | [`spawn`] |
//! | Switch, GShard, Hash, a dense mixture | [`route::Arm`] |
//! | cost, and how soon a run is where another ends | [`work`], [`race`] |
//!
//! The model is a small causal transformer ([`model`]); it learns a generated [`language`] of hidden dialects, or
//! running [`text`].

pub mod cooling;
pub mod evaluate;
pub mod gate;
pub mod judge;
pub mod language;
pub mod model;
pub mod race;
pub mod route;
pub mod spawn;
pub mod text;
pub mod tokens;
pub mod traffic;
pub mod train;
pub mod trained;
pub mod work;

use dfdx::prelude::Cpu;
use runpipe_base::{DynStage, Kind, KindSpec, Paper, StageError, View};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "EvoMoE: An Evolutional Mixture-of-Experts Training Framework via Dense-To-Sparse Gate",
    cite: "Nie et al. 2022",
    url: "https://arxiv.org/abs/2112.14397",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &race::Curves,
    &evaluate::Evaluate,
    &language::Language,
    &race::Race,
    &spawn::Spawn,
    &text::Text,
    &train::Train,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: tokens::CORPUS,
        layout: "parts `train` and `valid` of kind `tokens`, of one vocabulary",
        check: |view| {
            let read = |name: &str| {
                let part = view.part(name).filter(|part| *part.kind() == Kind::of(tokens::KIND));
                let missing = || StageError::Input(format!("expected a part `{name}` of kind `tokens`"));
                tokens::Tokens::read(&part.ok_or_else(missing)?)
            };
            if read("train")?.vocabulary == read("valid")?.vocabulary {
                return Ok(());
            }
            Err(StageError::Input("expected two parts of one vocabulary".into()))
        },
    },
    KindSpec {
        name: race::KIND,
        layout: "`curves.csv`: mean operations of training and mean loss, point by point; parts `work` and `late` of \
                 kind `picture`",
        check: |view| view.text("curves.csv").map(drop),
    },
    KindSpec {
        name: evaluate::KIND,
        layout: "`scores.json`: cross-entropies and tokens; `routing.csv`: shares of each expert of each layer, by \
                 domain; `domains.csv`: tokens and loss of each domain",
        check: |view| evaluate::Scores::read(view).map(drop),
    },
    KindSpec {
        name: tokens::KIND,
        layout: "`tokens.json`: vocabulary, length of sentences if they have one, bytes, domains and where they begin; \
                 `ids.npy`: a text as ids, 32 bits each",
        check: |view| tokens::Tokens::read(view).map(drop),
    },
    KindSpec {
        name: trained::KIND,
        layout: "`model.json`: sizes, routing, updates and operations; `curve.csv`: losses on the way; \
                 `model.safetensors`",
        check: |view: &View<'_>| trained::Trained::read(view)?.load(view, &Cpu::default()).map(drop),
    },
];

#[cfg(test)]
mod tests;
