use runpipe_base::Value;

use super::super::tests::Small;
use crate::kit::testing::threads;
use crate::testing::{StopAfter, int, text};

/// One batch is learnt by heart, with the same bytes whatever the number of threads.
#[test]
fn a_batch_is_overfitted() {
    for family in ["repghost", "ghost"] {
        let mut small = Small::new();
        let design = small.design(&[("family", text(family))]);
        let few = small.few(32);
        let inputs = [("design", &design), ("train", &few)];
        let params = [("steps", int(60)), ("batch", int(32)), ("calibration", int(32))];
        let net = threads(1, || small.bench.run("repghost.train", &params, &inputs));
        assert!(net.metrics["accuracy"] > 90.0, "{family}: {:?}", net.metrics);
        assert_eq!(net, threads(3, || small.bench.run("repghost.train", &params, &inputs)));
        let scores = small.bench.run("repghost.evaluate", &[], &[("net", &net.artifact), ("images", &few)]);
        assert!(scores.metrics["accuracy"] > 95.0, "{family}: {:?}", scores.metrics);
        assert!(scores.metrics["top5"] >= scores.metrics["accuracy"]);
    }
}

/// A run that was stopped goes on to the same bytes.
#[test]
fn a_stopped_run_goes_on() {
    let mut small = Small::new();
    let design = small.design(&[]);
    let few = small.few(64);
    let inputs = [("design", &design), ("train", &few)];
    let params =
        [("steps", int(12)), ("batch", int(16)), ("calibration", int(32)), ("dropout", Value::Float(0.2))];
    let whole = small.bench.run("repghost.train", &params, &inputs);
    let host = StopAfter::new(5);
    small.bench.attempt_on(&host, "repghost.train", &params, &inputs).unwrap_err();
    host.go_on();
    let resumed = small.bench.attempt_on(&host, "repghost.train", &params, &inputs).unwrap();
    assert!(host.steps() < 12, "it goes on and does not begin anew");
    assert_eq!(whole.artifact, resumed.artifact);
}
