//! Stages of the folder run one after the other, small.

use runpipe_base::{Artifact, Value};

use crate::san::questions::{Question, Scenes, Set};
use crate::testing::{Bench, Ran, StopAfter, int, text};

fn world(bench: &mut Bench, params: &[(&str, Value)]) -> Ran {
    bench.run("san.world", &[params, &[("test", int(300))]].concat(), &[])
}

fn scores(bench: &mut Bench, net: &Ran, questions: &Artifact) -> Ran {
    bench.run("san.evaluate", &[], &[("net", &net.artifact), ("questions", questions)])
}

/// A net learns one-step questions in a few hundred steps, and goes on after a stop as if there had been none.
#[test]
fn a_net_learns_and_can_be_stopped() {
    let mut bench = Bench::new();
    let world = world(&mut bench, &[]);
    let test = world.part("test").clone();
    let params = [("steps", int(300)), ("lr", Value::Float(5e-3)), ("layers", int(1))];
    let inputs = [("train", world.part("train"))];
    let net = bench.run("san.train", &params, &inputs);
    let scores =
        bench.run("san.evaluate", &[("only", text("dot"))], &[("net", &net.artifact), ("questions", &test)]);
    let inputs = [("train", world.part("train")), ("questions", &test)];
    let prior = bench.run("san.guess", &[("only", text("dot"))], &inputs);
    let [found, guessed] = [&scores, &prior].map(|ran| ran.metrics["accuracy"]);
    assert!(found > guessed + 30.0, "{found} %, a guess {guessed} %");
    assert!(scores.metrics["mass"] > 1.0 / 9.0 && scores.metrics["first_entropy"] < 9.0f64.ln());

    let host = StopAfter::new(120);
    let inputs = [("train", world.part("train"))];
    assert!(bench.attempt_on(&host, "san.train", &params, &inputs).is_err());
    host.go_on();
    let resumed = bench.attempt_on(&host, "san.train", &params, &inputs).unwrap();
    assert_eq!(resumed, net);
    assert_eq!(host.steps(), 180, "steps after the stop");
}

/// Nets that are not shown the question or the picture, both encoders, both variants, pixels: all of them run, and what is
/// written is read.
#[test]
fn every_net_trains_and_answers() {
    let mut bench = Bench::new();
    let worlds = [world(&mut bench, &[]), world(&mut bench, &[("shown", text("pixels"))])];
    let steps = ("steps", int(2));
    for (which, params) in [
        (0, vec![("sees", text("question"))]),
        (0, vec![("sees", text("picture"))]),
        (0, vec![("encoder", text("lstm")), ("layers", int(3))]),
        (0, vec![("variant", text("released")), ("encoder", text("lstm"))]),
        (0, vec![("variant", text("released")), ("rule", text("sgd")), ("course", text("constant"))]),
        (1, vec![("layers", int(0))]),
        (1, vec![("coordinates", Value::Bool(true)), ("dropout", Value::Float(0.5))]),
    ] {
        let world = &worlds[which];
        let params = [params, vec![steps.clone()]].concat();
        let net = bench.run("san.train", &params, &[("train", world.part("train"))]);
        let scores = scores(&mut bench, &net, world.part("test"));
        assert!(scores.metrics["questions"] > 299.0 && scores.metrics["known"] > 99.0, "{params:?}");
        let other = worlds[1 - which].part("test");
        let inputs = [("net", &net.artifact), ("questions", other)];
        let told = bench.attempt("san.evaluate", &[], &inputs).unwrap_err().to_string();
        assert!(told.starts_with("expected ") && told.contains("3×3 regions of 32 numbers"), "{told}");
    }
}

/// Ten pictures of one number, twice the sign of which is the answer.
fn held() -> Set {
    let numbers: Vec<f32> = (0..10).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let question = |i: usize| Question {
        picture: i / 2,
        text: "which sign".into(),
        answer: if (i / 2).is_multiple_of(2) { "plus" } else { "minus" }.into(),
        ..Question::default()
    };
    let questions = (0..20).map(question).collect();
    Set { scenes: Scenes::Regions { grid: [1, 1], width: 1, numbers }, questions, grid: None }
}

/// A set that is held is learnt in epochs, and the weights that answer most of another are kept.
#[test]
fn the_best_weights_are_kept() {
    let mut bench = Bench::new();
    let set = bench.keep(held().write().unwrap());
    let params = [
        ("epochs", int(20)),
        ("batch", int(8)),
        ("every", int(4)),
        ("together", Value::Bool(true)),
        ("lr", Value::Float(1e-2)),
    ];
    let net = bench.run("san.train", &params, &[("train", &set), ("dev", &set)]);
    assert!(net.metrics["steps"] > 39.0 && net.metrics["steps"] < 41.0);
    let curve = &net.series.iter().find(|s| s.name == "dev_curve").unwrap().points;
    let best = curve.iter().map(|p| p.1).fold(0.0, f64::max);
    assert_eq!((curve.len(), net.metrics["dev_accuracy"].total_cmp(&best)), (10, std::cmp::Ordering::Equal));
    assert!(best > 99.0, "{curve:?}");
    let scores = scores(&mut bench, &net, &set);
    assert_eq!(scores.metrics["accuracy"].total_cmp(&best), std::cmp::Ordering::Equal);
}

#[test]
fn questions_without_end_have_no_epochs() {
    let mut bench = Bench::new();
    let world = world(&mut bench, &[]);
    let told = bench.attempt("san.train", &[("epochs", int(1))], &[("train", world.part("train"))]);
    let told = told.unwrap_err().to_string();
    assert_eq!(told, "expected `steps` and not `epochs`: questions of a world are endless");
}
