use super::super::tests::Small;
use super::*;
use crate::testing::{int, text};

/// Places of scores by hand; of equal scores the first class comes first.
#[test]
fn places_of_scores() {
    let row = [0.5, 2.0, -1.0, 2.0, 0.0];
    for (label, expected) in [(1, 0), (3, 1), (0, 2), (4, 3), (2, 4)] {
        assert_eq!(place(&row, label), expected, "class {label}");
    }
}

/// Differences by hand.
#[test]
fn differences_of_scores() {
    let found = compare(&[1.0, -4.0, 0.5, 0.25], &[1.5, -4.0, 0.0, 0.5], 2);
    assert_eq!(found, Agreement { difference: 0.5, largest: 4.0, flips: 1, images: 2 });
}

/// A net and its fused forms agree on pictures, and are as good.
#[test]
fn a_net_agrees_with_its_fused_forms() {
    let mut small = Small::new();
    let design = small.design(&[]);
    let train = small.few(96);
    let params = [("steps", int(30)), ("batch", int(32)), ("calibration", int(64))];
    let net = small.bench.run("repghost.train", &params, &[("design", &design), ("train", &train)]);
    let test = small.data.part("test").clone();
    let before = small.bench.run("repghost.evaluate", &[], &[("net", &net.artifact), ("images", &test)]);
    for fold in ["modules", "all"] {
        let fused = small.bench.run("repghost.fuse", &[("fold", text(fold))], &[("net", &net.artifact)]);
        assert!(fused.metrics["params_fused"] < fused.metrics["params"], "{fold}");
        let inputs = [("net", &net.artifact), ("other", &fused.artifact), ("images", &test)];
        let agreement = small.bench.run("repghost.agree", &[], &inputs).metrics;
        assert!(agreement["relative"] <= 1e-4, "{fold}: {agreement:?}");
        assert!(agreement["same"] >= 99.9, "{fold}: {agreement:?}");
        let after = small.bench.run("repghost.evaluate", &[], &[("net", &fused.artifact), ("images", &test)]);
        assert!((before.metrics["accuracy"] - after.metrics["accuracy"]).abs() < 0.6, "{fold}");
    }
}

/// Pictures of another size are refused in words.
#[test]
fn other_pictures_are_refused() {
    let mut small = Small::new();
    let design = small.design(&[]);
    let train = small.few(32);
    let params = [("steps", int(1)), ("batch", int(8)), ("calibration", int(8))];
    let net = small.bench.run("repghost.train", &params, &[("design", &design), ("train", &train)]);
    let other = small.bench.run("data.shapes", &[("train", int(20)), ("test", int(20))], &[]);
    let inputs = [("net", &net.artifact), ("images", other.part("test"))];
    let message = small.bench.attempt("repghost.evaluate", &[], &inputs).unwrap_err().to_string();
    assert!(message.contains("expected"), "{message}");
}
