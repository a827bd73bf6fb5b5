use proptest::prelude::*;
use runpipe_base::{Artifact, Kind, Output, StageError, Value};

use super::{bootstrap, sign_test};
use crate::kit::rng::Stream;
use crate::testing::{Bench, Ran, int, text};

/// Scores of these numbers; a number below 5 collapsed.
fn scores(bench: &mut Bench, values: &[f64]) -> Vec<Artifact> {
    let of = |value: &f64| {
        let collapsed = f64::from(u8::from(*value < 5.0));
        let json = format!("{{ \"f1\": {value:?}, \"collapsed\": {collapsed:?} }}");
        let files = [("scores.json", json.as_str()), ("types.csv", ""), ("confusion.csv", "")];
        files
            .into_iter()
            .fold(Output::new(Kind::of("scores")), |output, (name, text)| output.file(name, text))
    };
    values.iter().map(|value| bench.keep(of(value))).collect()
}

fn compare(ours: &[f64], theirs: &[f64], more: &[(&str, Value)]) -> Result<(Ran, String), StageError> {
    let mut bench = Bench::new();
    let (ours, theirs) = (scores(&mut bench, ours), scores(&mut bench, theirs));
    let inputs: Vec<(&str, &Artifact)> =
        ours.iter().map(|a| ("ours", a)).chain(theirs.iter().map(|a| ("theirs", a))).collect();
    let ran = bench.attempt("maner.compare", more, &inputs)?;
    let table = bench.text(&ran.artifact, "table.csv");
    Ok((ran, table))
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-9
}

#[test]
fn numbers_worked_by_hand() {
    let names = Value::List(vec![text("hau"), text("yor"), text("ibo")]);
    let more = [("runs", int(2)), ("names", names)];
    let (ran, table) =
        compare(&[50.0, 54.0, 40.0, 42.0, 30.0, 30.0], &[48.0, 52.0, 44.0, 2.0, 30.0, 30.0], &more).unwrap();
    let is =
        |name: &str, expected: f64| assert!(near(ran.metrics[name], expected), "{name}: {:?}", ran.metrics);
    is("difference", (2.0 + 18.0 + 0.0) / 3.0);
    is("relative", (100.0 * 2.0 / 50.0 + 100.0 * 18.0 / 23.0) / 3.0);
    is("wins", 2.0);
    is("ties", 1.0);
    is("losses", 0.0);
    is("sign_p", 0.5);
    is("collapsed_theirs", 1.0);
    is("collapsed_ours", 0.0);
    is("difference_whole", (2.0 - 4.0 + 0.0) / 3.0);
    assert!(ran.metrics["low"] >= 0.0 && ran.metrics["high"] <= 18.0);
    let row = table.lines().nth(2).unwrap();
    assert_eq!(row, "yor,2,41.0000,23.0000,18.0000,31.1127,0,1");
}

#[test]
fn equal_methods_are_not_told_apart() {
    let (ran, _) = compare(&[50.0, 40.0], &[50.0, 40.0], &[]).unwrap();
    assert!(
        near(ran.metrics["sign_p"], 1.0) && near(ran.metrics["low"], 0.0) && near(ran.metrics["high"], 0.0)
    );
}

#[test]
fn the_sign_test_is_that_of_the_binomial() {
    for ((wins, losses), p) in [
        ((0, 0), 1.0),
        ((1, 0), 1.0),
        ((5, 0), 0.0625),
        ((10, 0), 0.001_953_125),
        ((8, 2), 0.109_375),
        ((3, 3), 1.0),
    ] {
        assert!(near(sign_test(wins, losses), p), "{wins} to {losses}: {}", sign_test(wins, losses));
    }
}

#[test]
fn refused_scores() {
    let refusal = |ours: &[f64], theirs: &[f64], more: &[(&str, Value)]| {
        compare(ours, theirs, more).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&[1.0, 2.0], &[1.0], &[]),
        "expected as many scores of both methods and a multiple of `runs` 1, found 2 and 1"
    );
    assert_eq!(
        refusal(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[("runs", int(2))]),
        "expected as many scores of both methods and a multiple of `runs` 2, found 3 and 3"
    );
    assert_eq!(
        refusal(&[1.0], &[1.0], &[("metric", text("f2"))]),
        "`scores.json`: expected one of `collapsed`, `f1`, found `f2`"
    );
    let names = Value::List(vec![text("hau"), text("yor")]);
    assert_eq!(refusal(&[1.0], &[1.0], &[("names", names)]), "expected 1 `names`, one a group, found 2");
}

proptest! {
    #[test]
    fn the_interval_holds_the_mean(units in prop::collection::vec(-20.0_f64..20.0, 1..12), seed: u64) {
        let mean = units.iter().sum::<f64>() / units.len() as f64;
        let (low, high) = bootstrap(&units, 2000, Stream::new(seed, "test"));
        prop_assert!(low <= mean + 1e-9 && mean <= high + 1e-9, "{} not in {}..{}", mean, low, high);
    }
}
