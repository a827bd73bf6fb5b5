use super::*;
use crate::dtsgate::tests::{corpus, small, train};
use crate::testing::{Bench, text};
use runpipe_base::Value;

fn curve(points: &[(u64, u64, f64)]) -> Vec<Point> {
    let point = |(update, work, loss): &(u64, u64, f64)| Point {
        update: *update,
        work: *work,
        loss: *loss,
        as_trained: *loss,
        asked: 1.0,
        temperature: 1.0,
    };
    points.iter().map(point).collect()
}

#[test]
fn points_are_joined_by_lines() {
    let curve = curve(&[(10, 100, 3.0), (20, 400, 2.0), (30, 500, 2.5), (40, 600, 1.0)]);
    assert_eq!(reach(&curve, 2.5), Some((15.0, 250.0)));
    assert_eq!(reach(&curve, 2.0), Some((20.0, 400.0)));
    assert_eq!(reach(&curve, 1.75), Some((35.0, 550.0)));
    assert_eq!(reach(&curve, 3.5), Some((10.0, 100.0)));
    assert_eq!(reach(&curve, 0.5), None);
}

#[test]
fn runs_are_raced_and_drawn() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let mut run = |arm: &str, steps: i64| {
        let params = [small(steps), vec![("arm", text(arm))]].concat();
        train(&mut bench, &params, &corpus).artifact
    };
    let (ffn, dts) = (run("ffn", 12), run("dts", 12));
    let inputs = [("run", &dts), ("reference", &dts)];
    let same = bench.run("dtsgate.race", &[], &inputs).metrics;
    assert_eq!((same["difference"], same["reached"]), (0.0, 1.0));
    assert!((same["updates"] - 1.0).abs() < 1e-9 && (same["work"] - 1.0).abs() < 1e-9);
    let names = ("names", Value::List(vec![text("ffn"), text("dts")]));
    let runs = [("runs", &ffn), ("runs", &dts)];
    let drawn = bench.run("dtsgate.curves", &[names], &runs);
    assert!(bench.text(drawn.part("work"), picture::FILE).contains(">dts</text>"));
    let three = ("names", Value::List(vec![text("a"), text("b"), text("c")]));
    let refusal = bench.attempt("dtsgate.curves", &[three], &runs).unwrap_err().to_string();
    assert_eq!(refusal, "expected as many runs of each of 3 `names`, found 2");
}
