use runpipe_base::Value;

use super::super::tests::Small;
use super::*;
use crate::testing::{int, text};

#[test]
fn scores_need_a_gene_and_calibrated_norms() {
    let mut small = Small::new(150, "flat");
    let uniform = small.structure(&[("ratio", Value::Float(0.25))]);
    let full = small.structure(&[("rule", text("full"))]);
    let images = [("images", &small.train)];
    small.space = small.bench.run("metapruning.space", &[("family", text("doubling"))], &images).artifact;
    let other = small.structure(&[("rule", text("full"))]);
    let Small { mut bench, train, val, prunenet, .. } = small;
    let mut score = |structure, params: &[(&str, Value)]| {
        let inputs =
            [("prunenet", &prunenet.artifact), ("structure", structure), ("train", &train), ("images", &val)];
        bench.attempt("metapruning.score", params, &inputs)
    };
    let error = score(&uniform, &[]).unwrap_err().to_string();
    assert!(error.starts_with("expected a structure chosen by a gene, found free widths"), "{error}");
    let error = score(&other, &[]).unwrap_err().to_string();
    assert_eq!(error, "expected a structure of the PruningNet's family");
    // Without calibration norms pass on what they get, and the net says nothing.
    let raw = score(&full, &[("recalibrate", Value::Bool(false))]).unwrap();
    let calibrated = score(&full, &[("calibration", int(50))]).unwrap();
    assert!(calibrated.metrics["accuracy"] > raw.metrics["accuracy"] + 2.0, "{raw:?} {calibrated:?}");
}

#[test]
fn broken_scores_are_told() {
    let mut small = Small::new(1, "flat");
    let top1 = Top1 { accuracy: 101.0, images: 1, macs: 1, params: 1, widths: vec![3] };
    let artifact = small.bench.keep(Output::new(Kind::of(KIND)).file(FILE, text_of(&top1)));
    let error = Top1::read(&small.bench.view(&artifact)).unwrap_err().to_string();
    assert_eq!(error, "`scores.json`: expected an accuracy of 0 to 100, found 101");
}

fn text_of(top1: &Top1) -> String {
    super::text(top1).expect("it is plain JSON")
}
