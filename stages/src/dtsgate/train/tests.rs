use crate::dtsgate::tests::{corpus, small, train};
use crate::kit::testing::threads;
use crate::testing::{Bench, Ran, StopAfter, int, text};
use runpipe_base::{Artifact, Value};

fn curve(ran: &Ran, name: &str) -> Vec<(u64, f64)> {
    ran.series.iter().find(|s| s.name == name).unwrap().points.clone()
}

fn with(steps: i64, arm: &str, more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    [small(steps), vec![("arm", text(arm))], more.to_vec()].concat()
}

/// Every arm learns, and asks as many experts as it says.
#[test]
fn every_arm_learns() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    for (arm, asked) in [("ffn", 1.0), ("dense", 4.0), ("switch", 1.0), ("top2", 2.0), ("hash", 1.0)] {
        let ran = train(&mut bench, &with(60, arm, &[("balance", Value::Float(0.01))]), &corpus);
        let loss = curve(&ran, "valid_loss");
        assert!(loss.last().unwrap().1 < loss[0].1 - 0.2, "{arm}: {loss:?}");
        assert_eq!((ran.metrics["asked"], ran.metrics["first_asked"]), (asked, asked), "{arm}");
        assert!(ran.metrics["active"] <= ran.metrics["weights"]);
        assert_eq!(ran.metrics["loss"].to_bits(), loss.last().unwrap().1.to_bits());
    }
}

/// From all experts to one; work is what was asked, and grows.
#[test]
fn a_gate_goes_from_dense_to_sparse() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    for weighing in ["clean", "tempered"] {
        let more = [("weighing", text(weighing)), ("hot", Value::Float(4.0))];
        let ran = train(&mut bench, &with(60, "dts", &more), &corpus);
        let asked = curve(&ran, "asked_curve");
        assert!(ran.metrics["first_asked"] > 3.95, "{asked:?}");
        assert_eq!((ran.metrics["hard_asked"], asked.last().unwrap().1), (1.0, 1.0));
        assert!(ran.metrics["rise"] < 0.2, "{asked:?}");
        let work = curve(&ran, "work_curve");
        assert!(work.windows(2).all(|pair| pair[0].1 < pair[1].1));
        // Pairs of a token and an expert cost 4·16·24, the gate 2·16·4, in one layer; training takes thrice as much.
        let tokens = 60.0 * 8.0 * 12.0;
        let expected = 3.0 * tokens * (ran.metrics["asked"] * 1536.0 + 128.0) / 1e9;
        assert!((ran.metrics["expert_work"] - expected).abs() < 1e-9 * expected);
        let temperature = curve(&ran, "temperature");
        assert_eq!((temperature[0].1, temperature.last().unwrap().1), (4.0, 0.3));
    }
}

#[test]
fn a_batch_is_learned_by_heart() {
    let mut bench = Bench::new();
    let params = [("train", int(4)), ("valid", int(4)), ("length", int(13))];
    let tiny = bench.run("dtsgate.language", &params, &[]).artifact;
    let more = [("lr", Value::Float(1e-2)), ("batch", int(4)), ("width", int(32)), ("inner", int(64))];
    let ran = train(&mut bench, &with(200, "dts", &more), &tiny);
    let loss = curve(&ran, "train_loss").last().unwrap().1;
    assert!(loss < 0.1, "{loss}");
}

/// One seed, one model; stopped and resumed in a soft and in a hard phase, with one thread or three: the same bytes.
#[test]
fn training_is_reproducible() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let params = with(20, "dts", &[("dropout", Value::Float(0.1)), ("balance", Value::Float(0.01))]);
    let whole = threads(1, || train(&mut bench, &params, &corpus));
    assert_eq!(whole, threads(3, || train(&mut bench, &params, &corpus)));
    let parts = ["train", "valid"].map(|part| corpus.part(part).unwrap());
    for stop in [7, 15] {
        let host = StopAfter::new(stop);
        let inputs = [("train", parts[0]), ("valid", parts[1])];
        assert!(bench.attempt_on(&host, "dtsgate.train", &params, &inputs).is_err());
        host.go_on();
        assert_eq!(bench.attempt_on(&host, "dtsgate.train", &params, &inputs).unwrap(), whole);
        assert_eq!(host.steps(), 20 - stop, "steps after the stop");
    }
    let other = train(&mut bench, &[params, vec![("seed", int(1))]].concat(), &corpus);
    assert_ne!(other.artifact, whole.artifact);
}

/// Without noise, capacity and balance, parts of an update are the update but for rounding.
#[test]
fn an_update_may_be_cut() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let loss = |bench: &mut Bench, parts: i64| {
        let more = [("parts", int(parts)), ("noise", Value::Bool(false))];
        train(bench, &with(12, "dts", &more), &corpus).metrics
    };
    let (whole, cut) = (loss(&mut bench, 1), loss(&mut bench, 4));
    assert!((whole["loss"] - cut["loss"]).abs() < 1e-3, "{} {}", whole["loss"], cut["loss"]);
    assert!((whole["asked"] - cut["asked"]).abs() < 1e-2);
}

#[test]
fn refused() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let [train, valid] = ["train", "valid"].map(|part| corpus.part(part).unwrap().clone());
    let refusal = |bench: &mut Bench, more: &[(&'static str, Value)], valid: &Artifact| {
        let inputs = [("train", &train), ("valid", valid)];
        bench.attempt("dtsgate.train", &with(4, "dts", more), &inputs).unwrap_err().to_string()
    };
    let wide = refusal(&mut bench, &[("threshold", Value::Float(0.3))], &valid);
    assert_eq!(wide, "expected a `threshold` below 1/4, found 0.3: a token might ask no expert");
    let odd = refusal(&mut bench, &[("heads", int(3))], &valid);
    assert_eq!(odd, "`width` 16 is no multiple of `heads` 3");
    let other = bench.run("dtsgate.language", &[("train", int(9)), ("valid", int(9))], &[]).artifact;
    let strange = refusal(&mut bench, &[], other.part("valid").unwrap());
    assert_eq!(strange, "`train` and `valid` are not parts of one corpus");
}
