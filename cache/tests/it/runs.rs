//! Recorded runs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use runpipe_base::{Device, NodeRecord, NodeStatus, RunLog, RunSummary, Series, Value};
use runpipe_cache::{RunId, Store, StoreError};

use crate::kit::{commit, key, temp};

/// A run of `pipeline` that used these keys.
pub(crate) fn log(pipeline: &str, keys: &[u64]) -> RunLog {
    let params = Arc::new([("lr".to_owned(), Value::Float(1e-3))].into());
    let node = |i: &u64| NodeRecord {
        label: format!("n[i={i}]"),
        name: "n".to_owned(),
        index: vec![("i".to_owned(), Value::Int(*i as i64))],
        stage: "toy.make".to_owned(),
        params: Arc::clone(&params),
        inputs: Vec::new(),
        place: format!("{pipeline}:1"),
        status: NodeStatus::Ran,
        key: Some(key(*i)),
        artifact: None,
        metrics: [("f1".to_owned(), 0.1 + *i as f64)].into(),
        series: vec![Series { name: "loss".to_owned(), points: vec![(1, 0.5)] }],
        elapsed_s: 0.25,
        error: None,
    };
    RunLog {
        pipeline: pipeline.to_owned(),
        doc: "A toy.".to_owned(),
        params: [("n".to_owned(), Value::Int(3))].into(),
        device: Device::Cpu,
        nodes: keys.iter().map(node).collect(),
        reports: Vec::new(),
        summary: RunSummary { nodes: keys.len(), ran: keys.len(), elapsed_s: 1.5, ..RunSummary::default() },
    }
}

#[test]
fn a_run_reads_back_as_written() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let mut written = log("a.pipe", &[1, 2]);
    written.nodes[0].artifact = Some(commit(&store, 1).artifact);
    let id = store.save_run(&written).unwrap();
    assert_eq!(id.to_string(), "r000001");
    assert_eq!(store.load_run(id).unwrap(), written);
    for text in ["r000001", "r1", "1"] {
        assert_eq!(text.parse::<RunId>().unwrap(), id);
    }
    for text in ["", "r", "x1", "r-1", "r1 ", "99999999999999999999999"] {
        assert!(matches!(text.parse::<RunId>(), Err(StoreError::NoRun { .. })), "{text}");
    }
    let missing = store.load_run("r7".parse().unwrap()).unwrap_err();
    assert_eq!(missing.to_string(), "no run `r000007`");
}

#[test]
fn numbers_that_json_does_not_know_survive() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let mut written = log("a.pipe", &[1, 2, 3]);
    written.nodes[1].metrics.insert("bad".to_owned(), f64::NEG_INFINITY);
    written.nodes[2].metrics.insert("worse".to_owned(), f64::NAN);
    written.nodes[2].series[0].points.push((2, f64::INFINITY));
    let read = store.load_run(store.save_run(&written).unwrap()).unwrap();
    assert!(read.nodes[2].metrics["worse"].is_nan());
    let equal = |mut log: RunLog| {
        log.nodes[2].metrics.remove("worse");
        log
    };
    assert_eq!(equal(read), equal(written));
}

#[test]
fn runs_are_listed_in_order_and_found_by_pipeline() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.runs_of("a.pipe", 1).unwrap(), []);
    let ids: Vec<RunId> = ["a.pipe", "b.pipe", "a.pipe", "c.pipe"]
        .iter()
        .map(|p| store.save_run(&log(p, &[1])).unwrap())
        .collect();
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), ids);
    assert_eq!(runs[1].summary, log("b.pipe", &[1]).summary);
    let of = |most| store.runs_of("a.pipe", most).unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!((of(1), of(9)), (vec![ids[2]], vec![ids[2], ids[0]]), "newest first");
    let written = log("a.pipe", &[1]);
    let times = store.times_of(&runs[0]).unwrap();
    assert_eq!(times.len(), written.nodes.len());
    assert_eq!((&times[0].label, times[0].elapsed_s), (&written.nodes[0].label, written.nodes[0].elapsed_s));
    // Runs that found the same share their log.
    assert_eq!(runs[0].content, runs[2].content);
    assert_ne!(runs[0].content, runs[1].content);
    assert_eq!(store.stat().unwrap().objects, 3);
}

#[test]
fn a_damaged_record_is_left_out() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for _ in 0..3 {
        store.save_run(&log("a.pipe", &[1])).unwrap();
    }
    fs::write(dir.path().join("v1/runs/r000003"), "junk").unwrap();
    assert_eq!(store.runs().unwrap().len(), 2);
    assert_eq!(store.take_warnings().len(), 1);
    assert_eq!(store.runs_of("a.pipe", 1).unwrap()[0].id.to_string(), "r000002");
    let damaged = store.load_run("r3".parse().unwrap()).unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
    assert_eq!(store.verify(true).unwrap().damaged.len(), 1);
    assert_eq!(store.verify(true).unwrap().damaged.len(), 0);
}

#[test]
fn a_number_is_never_given_twice() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let save = || store.save_run(&log("a.pipe", &[1])).unwrap();
    let ids: BTreeSet<RunId> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..10).map(|_| save()).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 40);
    let hint = dir.path().join("v1/runs/next");
    for bad in ["", "junk", "1"] {
        fs::write(&hint, bad).unwrap();
        let id = save();
        assert!(ids.iter().all(|old| *old < id), "{id}");
    }
}
