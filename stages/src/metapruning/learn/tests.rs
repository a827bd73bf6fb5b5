use super::super::rank::spearman;
use super::super::score::{Exam, scores};
use super::super::tests::Small;
use super::*;
use crate::kit::testing::threads;
use crate::testing::{Bench, StopAfter, int};

/// One step more or less, stopped and resumed or not, with one thread or three: the same bytes.
#[test]
fn training_is_reproducible() {
    let mut bench = Bench::new();
    let sizes = [("train", int(80)), ("test", int(10))];
    let data = bench.run("data.templates", &sizes, &[]);
    let space = bench.run("metapruning.space", &[], &[("images", data.part("train"))]).artifact;
    let inputs = [("space", &space), ("train", data.part("train"))];
    let params = [("steps", int(6)), ("batch", int(16))];
    let whole = threads(1, || bench.run("metapruning.prunenet", &params, &inputs));
    assert_eq!(whole, threads(3, || bench.run("metapruning.prunenet", &params, &inputs)));
    let host = StopAfter::new(4);
    assert!(bench.attempt_on(&host, "metapruning.prunenet", &params, &inputs).is_err());
    host.go_on();
    assert_eq!(bench.attempt_on(&host, "metapruning.prunenet", &params, &inputs).unwrap(), whole);
    assert_eq!(host.steps(), 2, "steps after the stop");
}

/// It learns, and invariant 18: the order of structures hardly depends on the pictures that calibrate norms.
#[test]
fn scores_rank_alike_whatever_calibrates_them() {
    let small = Small::new(400, "flat");
    let curve = &small.prunenet.series.iter().find(|s| s.name == "loss_curve").unwrap().points;
    assert!(curve[2].1 < curve[0].1 - 0.1, "{curve:?}");
    let device = Cpu::default();
    let learned = Learned::read(&small.bench.view(&small.prunenet.artifact), &device).unwrap();
    let train = Pictures::read(&small.bench.view(&small.train)).unwrap();
    let test = Pictures::read(&small.bench.view(small.data.part("test"))).unwrap();
    let halves = [(0..200).collect::<Vec<_>>(), (200..400).collect()].map(|half| train.chosen(&half));
    // Structures from narrow to wide, so that there is an order.
    let genes: Vec<Gene> = (0..8).map(|i| vec![4 * i; 5]).collect();
    let [one, two] = halves.map(|half| {
        let exam = Exam::new(&device, &half, 200, &test, &learned.scale).unwrap();
        scores(&learned.params, &learned.net, &learned.layers, &genes, &exam).unwrap()
    });
    assert!(spearman(&one, &two) >= 0.95, "{one:?} {two:?}");
}

#[test]
fn structures_of_steps_are_the_seeds() {
    let net = Net::new(super::super::net::Family::MobilenetV2, 1, [3, 32, 32], 10);
    assert_eq!(drawn(&net, 1, 5), drawn(&net, 1, 5));
    assert_ne!(drawn(&net, 1, 5), drawn(&net, 1, 6));
    assert_ne!(drawn(&net, 1, 5), drawn(&net, 2, 5));
}

use dfdx::prelude::Cpu;
