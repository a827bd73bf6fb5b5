//! RepGhost: many channels of few, by adding in place of putting side by side, folded into one convolution after training.
//!
//! A Ghost module makes half of its channels by a convolution of single pixels and the others cheaply, by a filter for
//! each of them, and puts both side by side: no arithmetic, but memory is copied. A RepGhost module adds instead: the filter's
//! output and a normed copy of its input. Sum and norms are linear and stand before the activation, so that after training both
//! branches are one filter with a bias.
//!
//! | in the paper | here |
//! |---|---|
//! | the RepGhost module, training form | [`module::Module::RepGhost`], its branches [`design::Branch`] |
//! | fusion to the deploy form: K' = t_d·K + t_f at the centre, b' = s_d + s_f | [`fuse::fuse`] |
//! | the Ghost module | [`module::Module::Ghost`] |
//! | the bottleneck | [`net`] |
//! | the architecture table and its widths | [`design::Design::new`], [`design::rounded`] |
//! | parameters and FLOPs, as the authors count them | [`cost::cost`] |

pub mod cost;
pub mod design;
pub mod fuse;
pub mod judge;
pub mod module;
pub mod net;
pub mod train;
pub mod trained;

use dfdx::prelude::Cpu;
use runpipe_base::{DynStage, KindSpec, Paper};

/// The paper.
pub static PAPER: Paper = Paper {
    title: "RepGhost: A Hardware-Efficient Ghost Module via Re-parameterization",
    cite: "Chen et al. 2022",
    url: "https://arxiv.org/abs/2211.06088",
};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] =
    &[&judge::Agree, &design::Designed, &judge::Evaluate, &fuse::Fuse, &train::Train];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: design::KIND,
        layout: "`design.json`: a family of nets, its blocks, size of pictures, classes",
        check: |view| design::Design::read(view).map(drop),
    },
    KindSpec {
        name: judge::AGREEMENT,
        layout: "`scores.json`: largest difference and largest score, pictures whose class differs, pictures",
        check: judge::check::<judge::Agreement>,
    },
    KindSpec {
        name: judge::SCORES,
        layout: "`scores.json`: top-1 and top-5 accuracy in percent, pictures",
        check: judge::check::<judge::Scores>,
    },
    KindSpec {
        name: trained::KIND,
        layout: "`design.json`; `net.json`: the form (trained, deployed or folded) and how pictures are normed; \
                 `model.safetensors`",
        check: |view| trained::Saved::read(view)?.net(&Cpu::default()).map(drop),
    },
];

#[cfg(test)]
mod tests;
