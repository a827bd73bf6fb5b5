use std::collections::BTreeSet;

use super::{Corpus, Pieces, RecombineParams};
use crate::data::commands::Command;
use crate::testing::{Bench, int, text};
use crate::treemix::scan::grammar::{Sentence, write};
use crate::treemix::scan::oracle::Reading;
use crate::treemix::scan::split::Split;

fn params(pieces: Pieces, reading: Reading, beta: usize, seed: u64) -> RecombineParams {
    RecombineParams { pieces, reading, beta, max_actions: None, seed }
}

/// Share of the test commands that are made, and share of the attempts that make a command.
fn run(split: Split, p: &RecombineParams) -> (f64, f64) {
    let (train, test) = split.make(0);
    let made = Corpus::new(&train, p.pieces).unwrap().mix(p);
    assert_eq!(made.commands.len(), p.beta * train.len());
    let names: BTreeSet<&str> = made.commands.iter().map(|c| c.command.as_str()).collect();
    let covered = test.iter().filter(|c| names.contains(c.command.as_str())).count();
    (covered as f64 / test.len() as f64, made.commands.len() as f64 / made.attempts as f64)
}

/// Acceptance A3: coverage of the test commands, without any training.
#[test]
#[expect(clippy::approx_constant, reason = "a share that was counted, not 1/π")]
fn coverage_is_that_of_the_independent_prototype() {
    type Range = std::ops::RangeInclusive<f64>;
    let check = |split, pieces, reading, beta, covered: Range, accepted: Range| {
        let (share, rate) = run(split, &params(pieces, reading, beta, 1));
        println!("{split:?} {pieces:?} {reading:?} β={beta}: covered {share:.4}, accepted {rate:.4}");
        assert!(covered.contains(&share), "{split:?} {pieces:?} β={beta}: covered {share}");
        assert!(accepted.contains(&rate), "{split:?} {pieces:?} β={beta}: accepted {rate}");
    };
    let (vp, strict) = (Pieces::Constituents, Reading::Strict);
    // The prototype's range over three seeds, a hundredth wider at each end: seeds spread by half of that.
    check(Split::Jump, vp, strict, 1, 0.149..=0.182, 0.90..=0.94);
    check(Split::Jump, vp, strict, 2, 0.288..=0.318, 0.90..=0.94);
    check(Split::Jump, vp, strict, 5, 0.561..=0.588, 0.90..=0.94);
    check(Split::TurnLeft, vp, strict, 1, 0.58..=0.63, 0.90..=0.94);
    check(Split::TurnLeft, vp, strict, 2, 0.80..=0.83, 0.90..=0.94);
    check(Split::AroundRight, vp, strict, 2, 0.0..=0.0, 0.90..=0.94);
    check(Split::AroundRight, vp, Reading::Lenient, 2, 0.0..=0.0, 0.96..=1.0);
    // With any nodes at all, `around` and `right` are parted and meet again.
    check(Split::AroundRight, Pieces::Nodes, strict, 1, 0.01..=0.06, 0.24..=0.36);
    check(Split::Jump, Pieces::Spans, strict, 1, 0.1..=0.3, 0.19..=0.26);
}

#[test]
fn strict_output_is_scan_and_right() {
    let (train, _) = Split::AroundRight.make(0);
    for pieces in [Pieces::Constituents, Pieces::Nodes, Pieces::Spans] {
        for Command { command, actions } in
            Corpus::new(&train, pieces).unwrap().mix(&params(pieces, Reading::Strict, 1, 5)).commands
        {
            let words: Vec<&str> = command.split(' ').collect();
            let sentence = Sentence::parse(&words).unwrap();
            assert_eq!(write(&sentence.actions()), actions);
            if pieces == Pieces::Constituents {
                assert!(!command.contains("around right"), "{command}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_makes_the_same() {
    let (train, _) = Split::Jump.make(0);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            Corpus::new(&train, Pieces::Constituents)
                .unwrap()
                .mix(&params(Pieces::Constituents, Reading::Lenient, 1, 9))
                .commands
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn stages() {
    let mut bench = Bench::new();
    let corpus = bench.run("treemix.scan", &[("split", text("addprim_turn_left"))], &[]);
    let (train, test) = (corpus.part("train").clone(), corpus.part("test").clone());
    let params = [("beta", int(1)), ("max_actions", int(30)), ("seed", int(2))];
    let new = bench.run("treemix.recombine", &params, &[("commands", &train)]);
    assert_eq!((new.metrics["mixed"], new.metrics["shortfall"]), (21_890.0, 0.0));
    assert!((4.0..12.0).contains(&new.metrics["outside"]), "{:?}", new.metrics);
    assert!(new.metrics["distinct"] <= new.metrics["mixed"] && new.metrics["fresh"] > 0.0);
    let coverage = bench.run("treemix.coverage", &[], &[("new", &new.artifact), ("test", &test)]);
    assert!(coverage.metrics["covered"] > 50.0 && coverage.metrics["wrong"] == 0.0, "{:?}", coverage.metrics);
}
