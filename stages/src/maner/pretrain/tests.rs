use crate::maner::model::Model;
use crate::testing::{Bench, Ran, StopAfter, int, text};
use runpipe_base::{Artifact, StageError, Value};

fn corpus(bench: &mut Bench, n: i64) -> Artifact {
    let ran = bench.run("maner.language", &[("raw", int(n))], &[]);
    ran.part("text").clone()
}

/// A model that trains in a moment.
fn tiny(steps: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("vocabulary", int(300)),
        ("layers", int(1)),
        ("width", int(16)),
        ("heads", int(2)),
        ("batch", int(256)),
        ("steps", int(steps)),
    ]
}

fn run(bench: &mut Bench, params: &[(&str, Value)], text: &Artifact) -> Ran {
    bench.run("maner.pretrain", params, &[("text", text)])
}

#[test]
fn an_untrained_model_knows_nothing() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 300);
    let params = [tiny(1), vec![("lr", Value::Float(0.0))]].concat();
    let ran = run(&mut bench, &params, &text);
    let chance = ran.metrics["vocabulary"].ln();
    assert!(
        (ran.metrics["loss"] - chance).abs() < 0.05 * chance,
        "{} nats, not {chance}",
        ran.metrics["loss"]
    );
    let more = [tiny(4), vec![("lr", Value::Float(0.0))]].concat();
    assert_eq!(run(&mut bench, &more, &text).artifact, ran.artifact, "a rate of 0 moves nothing");
}

#[test]
fn the_loss_falls() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 2000);
    let params = [("layers", int(1)), ("width", int(32)), ("steps", int(200))];
    let ran = run(&mut bench, &params, &text);
    let chance = ran.metrics["vocabulary"].ln();
    assert!(ran.metrics["loss"] < chance - 1.0, "{} nats, a fresh model has {chance}", ran.metrics["loss"]);
    assert!((ran.metrics["perplexity"] - ran.metrics["loss"].exp()).abs() < 1e-9);
    let curve = |name: &str| &ran.series.iter().find(|s| s.name == name).unwrap().points;
    assert_eq!(curve("held_out_loss").last(), Some(&(200, ran.metrics["loss"])));
    assert_eq!(curve("train_loss").iter().map(|(step, _)| *step).collect::<Vec<_>>(), [50, 100, 150, 200]);
}

#[test]
fn one_seed_one_model() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 200);
    let with = |seed: i64| [tiny(6), vec![("seed", int(seed))]].concat();
    let (a, b, c) = (
        run(&mut bench, &with(1), &text),
        run(&mut bench, &with(1), &text),
        run(&mut bench, &with(2), &text),
    );
    assert_eq!(a, b);
    assert_ne!(a.artifact.files["model.safetensors"], c.artifact.files["model.safetensors"]);
    assert_eq!(
        a.artifact.files["tokenizer.json"], c.artifact.files["tokenizer.json"],
        "the vocabulary has no seed"
    );
}

#[test]
fn a_stopped_run_ends_as_if_it_was_not() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 200);
    let whole = run(&mut bench, &tiny(40), &text);
    let host = StopAfter::new(17);
    let stopped = bench.attempt_on(&host, "maner.pretrain", &tiny(40), &[("text", &text)]);
    assert!(matches!(stopped, Err(StageError::Cancelled)));
    host.go_on();
    let resumed = bench.attempt_on(&host, "maner.pretrain", &tiny(40), &[("text", &text)]).unwrap();
    assert_eq!(resumed, whole);
    assert!(host.steps() < 40, "it went on, not anew");
}

#[test]
fn long_lines_are_cut_between_words() {
    let mut bench = Bench::new();
    let long = (0..300).map(|i| format!("w{}", i % 40)).collect::<Vec<_>>().join(" ");
    let lines = vec![long; 20].join("\n");
    let text = bench.run("data.constant", &[("text", text(&lines))], &[]).artifact;
    let params = [tiny(2), vec![("max_len", int(16))]].concat();
    let ran = run(&mut bench, &params, &text);
    let model = Model::read(&bench.view(&ran.artifact)).unwrap();
    assert_eq!(model.config.sizes().positions, 16);
}

#[test]
fn refused_inputs() {
    let mut bench = Bench::new();
    let few = bench.run("data.constant", &[("text", text("a b\nc d"))], &[]).artifact;
    let mut refusal = |params: &[(&str, Value)]| {
        bench.attempt("maner.pretrain", params, &[("text", &few)]).unwrap_err().to_string()
    };
    assert_eq!(refusal(&tiny(1)), "expected at least 10 lines of text, found 2");
    assert_eq!(refusal(&[("width", int(10)), ("heads", int(4))]), "`width` 10 is no multiple of `heads` 4");
}

#[test]
fn lines_may_share_a_sequence() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 200);
    let with = |pack: bool| [tiny(6), vec![("pack", Value::Bool(pack))]].concat();
    let (alone, packed) = (run(&mut bench, &with(false), &text), run(&mut bench, &with(true), &text));
    assert_ne!(alone.series, packed.series);
    assert_eq!(alone.metrics["fertility"].to_bits(), packed.metrics["fertility"].to_bits(), "the same text");
}

#[test]
fn an_encoder_learns_on_where_it_stood() {
    let mut bench = Bench::new();
    let text = corpus(&mut bench, 200);
    let first = run(&mut bench, &tiny(60), &text);
    let still = [tiny(1), vec![("lr", Value::Float(0.0)), ("vocabulary", int(50))]].concat();
    let on = bench.run("maner.pretrain", &still, &[("text", &text), ("start", &first.artifact)]);
    assert_eq!(on.artifact, first.artifact, "at rate 0 nothing changes, whatever sizes are told");
    let further = bench.run("maner.pretrain", &tiny(60), &[("text", &text), ("start", &first.artifact)]);
    assert!(further.metrics["loss"] < first.metrics["loss"], "{:?}", further.metrics);
    let long = [tiny(1), vec![("max_len", int(500))]].concat();
    let refused = bench.attempt("maner.pretrain", &long, &[("text", &text), ("start", &first.artifact)]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "`max_len` is 500, but the encoder at `start` has 128 positions"
    );
}
