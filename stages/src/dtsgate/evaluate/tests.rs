use crate::dtsgate::tests::{corpus, small, train};
use crate::testing::{Bench, Ran, int, text};
use runpipe_base::{Artifact, Value};

fn evaluate(bench: &mut Bench, unit: bool, model: &Artifact, corpus: &Artifact) -> Ran {
    let inputs = [("model", model), ("text", corpus.part("valid").unwrap())];
    bench.run("dtsgate.evaluate", &[("unit", Value::Bool(unit))], &inputs)
}

#[test]
fn it_tells_what_training_told() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    for arm in ["ffn", "dense", "dts", "hash"] {
        let model = train(&mut bench, &[small(30), vec![("arm", text(arm))]].concat(), &corpus);
        let scores = evaluate(&mut bench, false, &model.artifact, &corpus);
        assert!((scores.metrics["loss"] - model.metrics["loss"]).abs() < 1e-9, "{arm}");
        assert!((scores.metrics["as_trained"] - model.metrics["as_trained"]).abs() < 1e-9, "{arm}");
        let asked = if arm == "dense" { 4.0 } else { 1.0 };
        assert_eq!((scores.metrics["tokens"], scores.metrics["asked"]), (20.0 * 12.0, asked), "{arm}");
        let unit = evaluate(&mut bench, true, &model.artifact, &corpus);
        let same = unit.metrics["loss"].to_bits() == scores.metrics["loss"].to_bits();
        assert_eq!(same, arm == "ffn" || arm == "hash", "{arm}: a weight of 1");
        let shares = bench.text(&scores.artifact, "routing.csv");
        assert_eq!(shares.lines().count(), if arm == "ffn" { 1 } else { 5 });
        assert_eq!(bench.text(&scores.artifact, "domains.csv").lines().count(), 5);
    }
}

#[test]
fn bits_are_of_a_byte() {
    let mut bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.txt"), "the cat sat on the mat\n".repeat(60)).unwrap();
    let mut bits = |unit: &str| {
        let params =
            [("path", crate::testing::path(dir.path())), ("unit", text(unit)), ("vocabulary", int(40))];
        let corpus = bench.run("dtsgate.text", &params, &[]).artifact;
        let params = [small(1), vec![("length", int(8)), ("lr", Value::Float(0.0))]].concat();
        let model = train(&mut bench, &params, &corpus);
        let scores = evaluate(&mut bench, false, &model.artifact, &corpus).metrics;
        (scores["loss"], scores["bits"])
    };
    let (loss, of_bytes) = bits("byte");
    assert!((of_bytes - loss / std::f64::consts::LN_2).abs() < 1e-9);
    let (loss, of_pairs) = bits("pair");
    assert!(of_pairs < 0.6 * loss / std::f64::consts::LN_2, "a piece is more than a byte");
}

#[test]
fn refused() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let model = train(&mut bench, &small(2), &corpus).artifact;
    let other = bench.run("dtsgate.language", &[("train", int(9)), ("valid", int(9))], &[]).artifact;
    let inputs = [("model", &model), ("text", other.part("valid").unwrap())];
    let refusal = bench.attempt("dtsgate.evaluate", &[], &inputs).unwrap_err().to_string();
    assert_eq!(refusal, "the model has a vocabulary of 12 tokens, the text one of 64");
}
