//! The whole way from a generated language to scores.

use std::collections::BTreeMap;

use runpipe_base::{Artifact, Value};

use crate::testing::{Bench, Ran, int, text};

/// F1 of a site on a test set, mean over seeds.
fn tuned(
    bench: &mut Bench,
    corpus: &Ran,
    encoder: &Artifact,
    more: &[(&str, Value)],
    seeds: i64,
) -> BTreeMap<&'static str, f64> {
    let mut means = BTreeMap::new();
    for seed in 0..seeds {
        let params = [more, &[("seed", int(seed))]].concat();
        let inputs = [("encoder", encoder), ("sentences", corpus.part("train")), ("dev", corpus.part("dev"))];
        let tagger = bench.run("maner.finetune", &params, &inputs);
        *means.entry("dev").or_default() += tagger.metrics["dev_f1"] / seeds as f64;
        for part in ["test", "novel"] {
            let inputs = [("tagger", &tagger.artifact), ("sentences", corpus.part(part))];
            let scores = bench.run("maner.evaluate", &[], &inputs);
            *means.entry(part).or_default() += scores.metrics["f1"] / seeds as f64;
        }
    }
    means
}

/// The orderings that hold at this scale; the gain over the plain tagger is small and not among them.
#[test]
fn what_holds_at_small_scale() {
    if std::env::var_os("RUNPIPE_SLOW").is_none() {
        println!("skipped: `RUNPIPE_SLOW` is not set");
        return;
    }
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[], &[]);
    let clock = std::time::Instant::now();
    let encoder = bench.run("maner.pretrain", &[], &[("text", corpus.part("text"))]);
    println!("pre-training: {:.0} s, {:?}", clock.elapsed().as_secs_f64(), encoder.metrics);
    assert!(encoder.metrics["loss"] <= 3.3, "the loss is {}", encoder.metrics["loss"]);
    let mut f1 = BTreeMap::new();
    for (name, more) in [
        ("prepend", vec![("site", text("prepend"))]),
        ("tokcls", vec![("site", text("tokcls"))]),
        ("append", vec![("site", text("append"))]),
        ("mask_filler", vec![("site", text("mask_filler"))]),
        ("untrained", vec![("encoder_init", text("random"))]),
    ] {
        let clock = std::time::Instant::now();
        let means = tuned(&mut bench, &corpus, &encoder.artifact, &more, 3);
        println!("{name}: {:.0} s, {means:.1?}", clock.elapsed().as_secs_f64());
        f1.insert(name, means["test"]);
    }
    assert!(f1["prepend"] >= 50.0 && f1["tokcls"] >= 50.0, "{f1:?}");
    assert!(f1["untrained"] <= 30.0 && f1["untrained"] + 25.0 <= f1["prepend"], "{f1:?}");
    assert!(f1["prepend"] - f1["append"] >= 4.0, "{f1:?}");
    assert!(f1["prepend"] - f1["mask_filler"] >= 1.0, "{f1:?}");
    assert!(f1["prepend"] - f1["tokcls"] > -5.0, "{f1:?}");
}
