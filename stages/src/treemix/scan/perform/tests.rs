#![expect(clippy::float_cmp, reason = "counts are whole")]

use std::collections::BTreeSet;

use runpipe_base::{Ctx, Device, NullHost};

use super::score;
use crate::data::commands::Command;

#[test]
fn scores_by_hand() {
    let command = |command: &str| Command { command: command.into(), actions: "I_JUMP".into() };
    let gold = ["a", "b", "c", "d"].map(command);
    let written = ["I_JUMP", "I_JUMP", "I_JUMP I_JUMP", ""].map(str::to_owned);
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    score(&gold, &written, &BTreeSet::from(["a"]), &mut cx);
    let (metrics, _) = cx.into_reported();
    assert_eq!(metrics["accuracy"], 50.0);
    assert_eq!(metrics["covered"], 25.0);
    assert!((metrics["uncovered_accuracy"] - 100.0 / 3.0).abs() < 1e-9);
}
