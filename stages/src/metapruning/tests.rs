//! Stages of the folder run one after the other, small.

use std::fmt::Write as _;

use runpipe_base::{Artifact, Value};

use super::structure::Structure;
use crate::testing::{Bench, Ran, StopAfter, int, text};

/// A task, a family and a PruningNet that has learnt a little.
pub(super) struct Small {
    pub(super) bench: Bench,
    pub(super) data: Ran,
    pub(super) train: Artifact,
    pub(super) val: Artifact,
    pub(super) second: Artifact,
    pub(super) space: Artifact,
    pub(super) prunenet: Ran,
}

impl Small {
    pub(super) fn new(steps: i64, family: &str) -> Self {
        let mut bench = Bench::new();
        let data = bench.run("data.templates", &[("train", int(600)), ("test", int(200))], &[]);
        let parts = bench.run("data.split", &[("held", int(200))], &[("images", data.part("train"))]);
        let held = bench.run("data.split", &[("held", int(100))], &[("images", parts.part("held"))]);
        let [train, val, second] =
            [(&parts, "kept"), (&held, "kept"), (&held, "held")].map(|(of, part)| of.part(part).clone());
        let images = [("images", &train)];
        let space = bench.run("metapruning.space", &[("family", text(family))], &images).artifact;
        let params = [("steps", int(steps)), ("batch", int(32))];
        let inputs = [("space", &space), ("train", &train)];
        let prunenet = bench.run("metapruning.prunenet", &params, &inputs);
        Self { bench, data, train, val, second, space, prunenet }
    }

    pub(super) fn structure(&mut self, params: &[(&str, Value)]) -> Artifact {
        self.bench.run("metapruning.structure", params, &[("space", &self.space)]).artifact
    }
}

fn three_generations() -> Vec<(&'static str, Value)> {
    vec![
        ("generations", int(3)),
        ("population", int(6)),
        ("parents", int(3)),
        ("mutants", int(3)),
        ("crossovers", int(3)),
        ("calibration", int(100)),
    ]
}

/// From pictures to a trained net: what is found keeps the limit, and is what is trained and judged.
#[test]
fn a_search_from_end_to_end() {
    let mut small = Small::new(20, "flat");
    let limit = small.structure(&[("ratio", Value::Float(0.25))]);
    let Small { mut bench, data, train, val, second, prunenet, .. } = small;
    let inputs = [
        ("prunenet", &prunenet.artifact),
        ("train", &train),
        ("val", &val),
        ("second", &second),
        ("limit", &limit),
    ];
    let params = three_generations();
    let found = bench.run("metapruning.search", &params, &inputs);
    assert_eq!((found.metrics["candidates"], found.metrics["limit"]), (18.0, 111_952.0));
    assert!(found.metrics["macs"] <= 111_952.0);
    let csv = bench.text(&found.artifact, "candidates.csv");
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!((rows.len(), rows[0]), (19, "generation,gene,widths,cost,macs,score"));
    let best: Vec<f64> =
        found.series.iter().find(|s| s.name == "best_curve").unwrap().points.iter().map(|p| p.1).collect();
    assert!(best.len() == 3 && best.windows(2).all(|pair| pair[0] <= pair[1]), "{best:?}");
    let structure = Structure::read(&bench.view(found.part("best"))).unwrap();
    let macs = |ran: &Ran| ran.metrics["macs"] as u64;
    assert_eq!(structure.cost.macs, macs(&found));

    // The same when it is stopped after the first generation and goes on.
    let host = StopAfter::new(1);
    assert!(bench.attempt_on(&host, "metapruning.search", &params, &inputs).is_err());
    host.go_on();
    let resumed = bench.attempt_on(&host, "metapruning.search", &params, &inputs).unwrap();
    assert_eq!(resumed, found);
    assert_eq!(host.steps(), 2, "generations after the stop");

    // A score is what a search says it is, and a trained net is judged by its own statistics.
    let inputs = [
        ("prunenet", &prunenet.artifact),
        ("structure", found.part("best")),
        ("train", &train),
        ("images", &val),
    ];
    let score = bench.run("metapruning.score", &[("calibration", int(100))], &inputs);
    assert_eq!(score.metrics["accuracy"].total_cmp(&found.metrics["score"]), std::cmp::Ordering::Equal);
    let inputs = [("structure", found.part("best")), ("train", &train)];
    let params = [("steps", int(20)), ("batch", int(32)), ("calibration", int(200))];
    let net = bench.run("metapruning.train", &params, &inputs);
    assert_eq!(macs(&net), macs(&found));
    let inputs = [("net", &net.artifact), ("images", data.part("test"))];
    let scores = bench.run("metapruning.evaluate", &[], &inputs);
    assert_eq!((scores.metrics["images"], scores.metrics["params"]), (200.0, net.metrics["params"]));
}

/// Under a limit of time: what is found takes no longer, by the table, than the structure that limits it, and other widths are
/// found than under a limit of multiply-adds, since here only the last block takes time.
#[test]
fn a_search_keeps_a_limit_of_time() {
    let mut small = Small::new(1, "flat");
    let limit = small.structure(&[("ratio", Value::Float(0.25))]);
    let Small { mut bench, train, val, prunenet, space, .. } = small;
    let mut table = "conv,inputs,outputs,ms\nstem,3,3,0\nstem,3,32,0\nclassifier,32,10,0\n".to_owned();
    for block in 1..=5 {
        let ms = usize::from(block == 5);
        writeln!(table, "block{block}.depthwise,3,3,0\nblock{block}.depthwise,32,32,0").unwrap();
        for (inputs, outputs) in [(3, 3), (3, 32), (32, 3), (32, 32)] {
            writeln!(table, "block{block}.pointwise,{inputs},{outputs},{}", ms * inputs).unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("table.csv"), table).unwrap();
    let params = [("path", crate::testing::path(&dir.path().join("table.csv")))];
    let times = bench.run("metapruning.latency", &params, &[("space", &space)]);
    assert_eq!((times.metrics["full_ms"], times.metrics["entries"]), (32.0, 33.0));
    let inputs = [
        ("prunenet", &prunenet.artifact),
        ("train", &train),
        ("val", &val),
        ("limit", &limit),
        ("latency", &times.artifact),
    ];
    let params = [three_generations(), vec![("measure", text("latency"))]].concat();
    let found = bench.run("metapruning.search", &params, &inputs);
    assert_eq!(found.metrics["limit"].total_cmp(&8.0), std::cmp::Ordering::Equal);
    assert_eq!(found.metrics["ms"].total_cmp(&found.metrics["cost"]), std::cmp::Ordering::Equal);
    let structure = Structure::read(&bench.view(found.part("best"))).unwrap();
    // The time is that of the channels which the last block reads.
    assert!((found.metrics["cost"] - structure.widths[5] as f64).abs() < 1e-9 && structure.widths[5] <= 8);
    assert!(found.metrics["macs"] > 111_952.0, "{:?}", structure.widths);
}

/// From pictures in a folder or an archive to a trained net and its accuracy: all stages make the same bytes whether
/// pictures are held in memory or decoded when they are wanted, as long as no random part of them is.
#[test]
fn streamed_pictures_make_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let [open, _, packed] = crate::data::folder::tests::many(dir.path());
    let mut all = Vec::new();
    for (place, stream) in [(&open, false), (&open, true), (&packed, false), (&packed, true)] {
        let mut bench = Bench::new();
        let params =
            [("path", crate::testing::path(place)), ("size", int(8)), ("stream", Value::Bool(stream))];
        let read = bench.run("data.pictures", &params, &[]);
        let split = bench.run("data.split", &[("held", int(10))], &[("images", &read.artifact)]);
        let (train, val) = (split.part("kept"), split.part("held"));
        let space =
            bench.run("metapruning.space", &[("family", text("flat"))], &[("images", train)]).artifact;
        let files = if stream { vec![("files", crate::testing::path(place))] } else { Vec::new() };
        let learning =
            [("steps", int(8)), ("batch", int(8)), ("shift", int(1)), ("mirror", Value::Bool(true))];
        let learning = [&learning[..], &files].concat();
        let prunenet = bench.run("metapruning.prunenet", &learning, &[("space", &space), ("train", train)]);
        let params = [three_generations(), vec![("most", Value::Float(30_000.0))], files.clone()].concat();
        let inputs = [("prunenet", &prunenet.artifact), ("train", train), ("val", val), ("second", val)];
        let found = bench.run("metapruning.search", &params, &inputs);
        let best = found.part("best");
        let inputs =
            [("prunenet", &prunenet.artifact), ("structure", best), ("train", train), ("images", val)];
        let score = bench.run("metapruning.score", &files, &inputs);
        let net = bench.run("metapruning.train", &learning, &[("structure", best), ("train", train)]);
        let scores = bench.run("metapruning.evaluate", &files, &[("net", &net.artifact), ("images", val)]);
        all.push([prunenet, found, score, net, scores]);
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn mistakes_of_a_search_are_told() {
    let mut small = Small::new(1, "flat");
    let limit = small.structure(&[("ratio", Value::Float(0.25))]);
    let Small { mut bench, train, val, prunenet, .. } = small;
    let mut check = |params: &[(&str, Value)], limited: bool, expected: &str| {
        let mut inputs = vec![("prunenet", &prunenet.artifact), ("train", &train), ("val", &val)];
        inputs.extend(limited.then_some(("limit", &limit)));
        let error = bench.attempt("metapruning.search", params, &inputs).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[], false, "expected a limit: `most`, or a structure at `limit`");
    check(&[("most", Value::Float(900.0))], false, "what the narrowest net costs, found 900");
    check(&[("measure", text("latency"))], true, "expected a table of times at `latency`");
    check(
        &[("drawn", Value::List(vec![int(5), int(2)]))],
        true,
        "the first place in `drawn` before the last",
    );
}

/// Invariant 16: what is judged by in the end reaches no stage but the one that judges trained nets.
#[test]
fn test_pictures_reach_the_last_stage_only() {
    let whole = include_str!("../../../pipelines/metapruning.pipe");
    let acceptance = include_str!("../../../pipelines/examples/metapruning_acceptance.pipe");
    let smoke = include_str!("../../../pipelines/smoke/metapruning.pipe");
    let check = |text: &str, name: &str, made: usize| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = |line: &str| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').any(|w| w == name)
        };
        let used: Vec<&str> = code.filter(|line| words(line)).collect();
        let (judged, others): (Vec<&str>, Vec<&str>) =
            used.into_iter().partition(|line| line.contains(&format!("metapruning.evaluate({name}")));
        assert!(!judged.is_empty(), "nothing is judged by `{name}`");
        assert_eq!(others.len(), made, "`{name}` goes elsewhere: {others:?}");
    };
    check(whole, "test", 1);
    check(acceptance, "corpus.test", 0);
    check(smoke, "corpus.test", 0);
}
