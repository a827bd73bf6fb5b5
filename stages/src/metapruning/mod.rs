//! MetaPruning: how many channels each layer of a net keeps, found by a net that generates weights.
//!
//! Pruning channels means choosing a width for every layer. PruningNet generates the weights of a net of *any* widths
//! from those widths, and is trained with other random widths at every step. The width vectors that a limit of work
//! allows are then evolved: a candidate's score is its accuracy with generated weights, its norms calibrated and
//! nothing tuned. The best is trained from scratch; no weight is inherited.
//!
//! | in the paper | here |
//! |---|---|
//! | the grid of widths, the encoding vector | [`grid`], [`net::Net::widths`] |
//! | MobileNet V1, V2 and ResNet-50 with shared outputs of stages | [`net`], their cost in [`cost`] |
//! | PruningNet blocks: W = B·ReLU(A·e + a) + β, reshaped and cropped | [`generate::Generator::weights`] |
//! | stochastic training | [`learn`], the structure of a step in [`learn::drawn`] |
//! | recalibrated batch norms, accuracy of a candidate | [`score::scores`] |
//! | the evolutionary search with hard limits | [`evolve`], what may be chosen in [`sample`] |
//! | a limit of latency by a table of layers | [`latency`] |
//! | training from scratch, uniform baselines | [`retrain`], [`structure`] |

pub mod cost;
pub mod evaluate;
pub mod evolve;
pub mod forward;
pub mod found;
pub mod generate;
pub mod grid;
pub mod latency;
pub mod learn;
pub mod net;
pub mod plain;
pub mod prunenet;
pub mod rank;
pub mod retrain;
pub mod sample;
pub mod score;
pub mod search;
pub mod space;
pub mod structure;

use dfdx::prelude::Cpu;
use runpipe_base::{DynStage, KindSpec, Paper, StageError, View};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "MetaPruning: Meta Learning for Automatic Neural Network Channel Pruning",
    cite: "Liu et al. 2019",
    url: "https://arxiv.org/abs/1903.10258",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &evaluate::Evaluate,
    &evaluate::Score,
    &latency::Latency,
    &learn::Learn,
    &rank::Rank,
    &retrain::Retrain,
    &search::Search,
    &space::DefineSpace,
    &structure::Choose,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: latency::KIND,
        layout: "`latency.csv`: milliseconds of a batch, by `conv`, `inputs` and `outputs`",
        check: |view| view.text(latency::FILE).map(drop),
    },
    KindSpec {
        name: rank::KIND,
        layout: "`ranking.csv`: widths, predicted and trained accuracy; part `plot` of kind `picture`",
        check: |view| view.text("ranking.csv").map(drop),
    },
    KindSpec {
        name: evaluate::KIND,
        layout: "`scores.json`: accuracy in percent, pictures, multiply-adds, parameters and widths",
        check: |view| evaluate::Top1::read(view).map(drop),
    },
    KindSpec {
        name: space::KIND,
        layout: "`space.json`: a family of nets, what its widths are multiplied by, size of pictures, classes",
        check: |view| space::Space::read(view).map(drop),
    },
    KindSpec {
        name: structure::KIND,
        layout: "`structure.json`: a family of nets, a gene if there is one, widths, their names and what they cost",
        check: |view| structure::Structure::read(view).map(drop),
    },
    KindSpec {
        name: search::KIND,
        layout: "`candidates.csv` and `finalists.csv`: genes, widths, cost and scores; parts `best` and `second` of \
                 kind `structure`, `pareto` and `widths` of kind `picture`",
        check: |view| {
            let part = |name: &str| {
                let missing = || StageError::Input(format!("expected a part `{name}`"));
                view.part(name).ok_or_else(missing)
            };
            ["pareto", "widths"].iter().try_for_each(|name| part(name).map(drop))?;
            ["best", "second"]
                .iter()
                .try_for_each(|name| structure::Structure::read(&part(name)?).map(drop))?;
            view.text("candidates.csv").map(drop)
        },
    },
    KindSpec {
        name: learn::KIND,
        layout: "`space.json`; `prunenet.json`: how it is made and how pictures are normed; `model.safetensors`",
        check: |view: &View<'_>| learn::Learned::read(view, &Cpu::default()).map(drop),
    },
    KindSpec {
        name: retrain::KIND,
        layout: "`structure.json`; `scale.json`: how pictures are normed; `model.safetensors`",
        check: |view: &View<'_>| retrain::Trained::read(view, &Cpu::default()).map(drop),
    },
];

#[cfg(test)]
mod tests;
