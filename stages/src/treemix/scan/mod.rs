//! SCAN: commands in a small language, and the actions that they mean.
//!
//! [`grammar`] has all commands and their meaning, [`split`] parts them, [`gold`] gives their trees. [`recombine`] is
//! TreeMix on them: labels are not mixed, the new command is read by [`oracle`]. [`learn`]
//! trains a [`translator`] of commands, [`perform`] scores it.

pub mod gold;
pub mod grammar;
pub mod learn;
pub mod oracle;
pub mod perform;
pub mod recombine;
pub mod split;
pub mod translator;

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, params};

use self::split::Split;
use super::PAPER;
use crate::code;
use crate::data::commands;

params! {
    /// Parameters of [`Scan`].
    pub struct ScanParams {
        /// The split.
        split: Split = Split::Jump;
        /// Draws the split `simple`; others have nothing to draw.
        seed: u64 = 0;
    }
}

/// `treemix.scan`: makes a split of SCAN from its grammar.
pub struct Scan;

impl Stage for Scan {
    type Params = ScanParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.scan",
            code::TREEMIX,
            "corpus/commands",
            "Makes a split of SCAN from its grammar: every command with its actions, no file needed.",
        )
        .part("train", "commands", "commands to train on; a primitive as often as in the official files")
        .part("test", "commands", "commands to judge by")
        .metric("train_commands", "commands to train on, repeats counted")
        .metric("test_commands", "commands to judge by")
        .paper(&PAPER)
    }

    fn run(&self, p: &ScanParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let (train, test) = p.split.make(p.seed);
        cx.metric("train_commands", train.len() as f64);
        cx.metric("test_commands", test.len() as f64);
        Ok(Output::new(Kind::of("corpus/commands"))
            .part("train", commands::output(&train))
            .part("test", commands::output(&test)))
    }
}
