use runpipe_base::{Artifact, Value};

use crate::testing::{Bench, StopAfter, int, text};

fn float(x: f64) -> Value {
    Value::Float(x)
}

fn corpus(bench: &mut Bench) -> (Artifact, Artifact) {
    let params = [("train", int(120)), ("test", int(200)), ("adjectives", int(6)), ("nouns", int(5))];
    let ran = bench.run("treemix.sentiment", &params, &[]);
    (ran.part("train").clone(), ran.part("test").clone())
}

#[test]
fn a_classifier_learns_and_is_evaluated() {
    let mut bench = Bench::new();
    let (train, test) = corpus(&mut bench);
    let mixed = bench.run("treemix.mix", &[("rule", text("all_nodes"))], &[("examples", &train)]).artifact;
    for (net, least) in [("bag", 60.0), ("cnn", 80.0)] {
        let params = [("net", text(net)), ("steps", int(200)), ("lr", float(0.01))];
        let ran =
            bench.run("treemix.train", &params, &[("examples", &train), ("mixed", &mixed), ("dev", &test)]);
        assert!(ran.metrics["train_accuracy"] > 70.0, "{net}: {:?}", ran.metrics);
        assert!(ran.metrics["best_accuracy"] >= ran.metrics["dev_accuracy"]);
        let inputs = [("classifier", &ran.artifact), ("examples", &test)];
        let scores = bench.run("treemix.evaluate", &[], &inputs);
        assert!(
            (scores.metrics["accuracy"] - ran.metrics["dev_accuracy"]).abs() < 1e-9,
            "read back as it was"
        );
        assert!(scores.metrics["accuracy"] > least, "{net}: {:?}", scores.metrics);
        assert!(scores.metrics["majority"] < least);
    }
}

#[test]
fn mixtures_of_no_weight_change_nothing() {
    let mut bench = Bench::new();
    let (train, _) = corpus(&mut bench);
    let mixed = bench.run("treemix.mix", &[("rule", text("all_nodes"))], &[("examples", &train)]).artifact;
    let params = [("steps", int(20)), ("gamma", float(0.0))];
    let with = bench.run("treemix.train", &params, &[("examples", &train), ("mixed", &mixed)]);
    let without = bench.run("treemix.train", &params, &[("examples", &train)]);
    let weights = |artifact| {
        crate::kit::params::load(&bench.view(artifact).bytes("model.safetensors").unwrap()).unwrap()
    };
    for ((name, (_, a)), (_, (_, b))) in weights(&with.artifact).iter().zip(weights(&without.artifact)) {
        crate::kit::testing::close(a, &b, 2e-5);
        assert!(!name.is_empty());
    }
    let only = [("steps", int(20)), ("mixed_only", Value::Bool(true))];
    let only = bench.run("treemix.train", &only, &[("examples", &train), ("mixed", &mixed)]);
    assert_ne!(only.artifact, without.artifact);
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    let mut bench = Bench::new();
    let (train, test) = corpus(&mut bench);
    let params = [("steps", int(40)), ("unknown", float(0.1)), ("warmup", float(0.2))];
    let inputs = [("examples", &train), ("dev", &test)];
    let whole = bench.run("treemix.train", &params, &inputs);
    let host = StopAfter::new(17);
    assert!(bench.attempt_on(&host, "treemix.train", &params, &inputs).is_err());
    host.go_on();
    assert_eq!(bench.attempt_on(&host, "treemix.train", &params, &inputs).unwrap(), whole);
    assert_eq!(host.steps(), 23);
}

#[test]
fn a_pre_trained_encoder_is_tuned() {
    let mut bench = Bench::new();
    let ran =
        bench.run("treemix.sentiment", &[("train", int(60)), ("test", int(60)), ("raw", int(200))], &[]);
    let (train, test, raw) = (ran.part("train").clone(), ran.part("test").clone(), ran.part("text").clone());
    let params = [("steps", int(20)), ("layers", int(1)), ("width", int(16)), ("vocabulary", int(300))];
    let encoder = bench.run("maner.pretrain", &params, &[("text", &raw)]).artifact;
    let params = [("steps", int(60)), ("lr", float(0.005)), ("dropout", float(0.0))];
    let ran = bench.run("treemix.train", &params, &[("examples", &train), ("encoder", &encoder)]);
    assert!(ran.metrics["train_accuracy"] > 60.0, "{:?}", ran.metrics);
    let scores = bench.run("treemix.evaluate", &[], &[("classifier", &ran.artifact), ("examples", &test)]);
    assert!(scores.metrics["accuracy"] > 0.0);
}

#[test]
fn what_does_not_go_together_is_told() {
    let mut bench = Bench::new();
    let (train, _) = corpus(&mut bench);
    let told = bench.attempt("treemix.train", &[("mixed_only", Value::Bool(true))], &[("examples", &train)]);
    assert_eq!(told.unwrap_err().to_string(), "`mixed_only` needs mixtures at `mixed`");
}
