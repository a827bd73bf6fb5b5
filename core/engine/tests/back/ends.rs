//! How nodes and runs end when they do not end well.

use std::time::{Duration, Instant};

use runpipe_base::{Event, NodeStatus};
use runpipe_engine::PANICKED;

use crate::Bench;

#[test]
fn what_a_stage_does_wrong_is_told_and_kept_from_the_store() {
    for (how, words) in [
        ("error", "it was told to fail"),
        ("panic", "a bug in the stage: it panicked: out of cheese"),
        ("kind", "`toy.fail` made `pair` instead of `number`"),
        ("layout", "not a number; `runpipe stages describe number` says what one holds"),
        ("metric", "`toy.fail` reported a number `m` that it does not declare"),
        ("nan", "metric `n` is NaN"),
        ("part", "`toy.fail` made a part `more` that it does not declare"),
    ] {
        let bench = Bench::new(&format!("a = toy.fail(how = \"{how}\")\nb = toy.add(a)\n"));
        let told = bench.run();
        assert_eq!(told.error("a"), words);
        assert_eq!(told.error("a").starts_with(PANICKED), how == "panic");
        assert_eq!((told.status("b"), told.error("b")), (NodeStatus::Skipped, "`a` failed"));
        assert_eq!(bench.store().stat().expect("a store").manifests, 0);
    }
}

#[test]
fn after_a_failure_nothing_new_begins_unless_asked_to() {
    let text = "a = toy.fail()\nb = toy.add(a)\nc = toy.add(b)\nd = toy.make()\ne = toy.add(d)\n";
    let mut bench = Bench::new(text);
    let told = bench.run();
    assert_eq!(told.ran(), ["a"]);
    assert_eq!(told.error("d"), "an earlier failure ended the run");
    bench.options.keep_going = true;
    let told = bench.run();
    assert_eq!(told.ran(), ["a", "d", "e"]);
    assert_eq!((told.log.summary.failed, told.log.summary.skipped, told.log.summary.ran), (1, 2, 2));
}

#[test]
fn a_node_is_tried_again_as_often_as_it_says() {
    let bench = Bench::new("");
    let calls = bench.path().join("calls").display().to_string();
    let text = |retries, times| {
        format!("@(retries = {retries})\na = toy.fail(calls = \"{calls}\", times = {times})\n")
    };
    bench.write(&text(1, 2));
    let told = bench.run();
    assert_eq!((told.started().len(), told.status("a")), (2, NodeStatus::Failed));
    std::fs::remove_file(&calls).expect("it was called");
    bench.write(&text(2, 2));
    let told = bench.run();
    let tries: Vec<u32> = told
        .events
        .iter()
        .filter_map(|event| if let Event::Started { attempt, .. } = event { Some(*attempt) } else { None })
        .collect();
    assert_eq!((tries, told.status("a")), (vec![1, 2, 3], NodeStatus::Ran));
}

#[test]
fn a_time_limit_ends_stages_and_commands_and_a_retry_goes_on_from_the_checkpoint() {
    let told = Bench::new("@(timeout = 30 ms)\na = toy.train(steps = 1000, ms = 5)\n").run();
    assert_eq!(told.error("a"), "took longer than its time limit of 30 ms");
    let told = Bench::new("@(timeout = 200 ms, retries = 50)\na = toy.train(steps = 60, ms = 10)\n").run();
    assert_eq!(told.status("a"), NodeStatus::Ran);
    assert!(told.node("a").metrics["from"] > 0.0);
    assert_eq!(told.node("a").series[0].points.len(), 60, "the curve is whole");

    let begun = Instant::now();
    let text = "stage wait() -> text {\n    run \"sleep 60 > {out}/x & sleep 60\"\n}\n@(timeout = 100 ms)\na = wait()\n";
    let told = Bench::new(text).run();
    assert_eq!(told.error("a"), "took longer than its time limit of 100 ms");
    assert!(begun.elapsed() < Duration::from_secs(20), "what it started ended with it");
}

#[test]
fn a_stopped_run_goes_on_from_its_checkpoint() {
    let text = "a = toy.train(steps = 40, ms = 5)\nb = toy.add(a)\nc = toy.make(n = 1)\n";
    let whole = Bench::new(text).run();
    let mut bench = Bench::new(text);
    let cancel = bench.cancel.clone();
    let told = bench.run_with(|event| {
        if matches!(event, Event::Progress { done: 2.., .. }) {
            cancel.stop();
        }
    });
    assert_eq!(told.log.summary.cancelled, 3, "{:?}", told.log.summary);
    assert_eq!(told.status("a"), NodeStatus::Cancelled);
    bench.cancel = runpipe_engine::Cancel::default();
    let rest = bench.run();
    assert!(rest.node("a").metrics["from"] >= 2.0);
    assert_eq!(rest.node("a").series, whole.node("a").series);
    assert_eq!(rest.node("b").artifact, whole.node("b").artifact);
    assert_eq!(bench.store().stat().expect("a store").checkpoints, 0, "it is finished");
}

#[test]
fn a_stopped_command_leaves_nothing() {
    let bench = Bench::new(
        "stage slow() -> text {\n    run \"trap 'exit 0' TERM; echo half > {out}/text.txt; sleep 60 & wait\"\n}\na = slow()\n",
    );
    let cancel = bench.cancel.clone();
    let begun = Instant::now();
    let told = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            cancel.stop();
        });
        bench.run()
    });
    assert_eq!(told.status("a"), NodeStatus::Cancelled, "it said that all was well, and had made a half");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(bench.store().stat().expect("a store").objects, 1, "the run's log");
    let left = std::fs::read_dir(bench.path().join("store/v1/tmp")).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn a_forced_and_an_audited_stage_begin_at_the_beginning() {
    let mut bench = Bench::new("a = toy.train(steps = 5)\n");
    bench.run();
    bench.options.force = vec!["a".to_owned()];
    assert_eq!(bench.run().number("a", "from"), 0);
}

#[test]
fn a_store_that_cannot_be_written_ends_the_run_with_its_reason() {
    let bench = Bench::new("a = toy.make()\nb = toy.add(a)\n");
    bench.run();
    bench.write("a = toy.make(n = 2)\nb = toy.add(a)\n");
    let (pipeline, store) = (bench.pipeline(), bench.store());
    // A file where a folder must be: the disk refuses, for root too.
    let keys = bench.path().join("store/v1/tmp");
    std::fs::rename(&keys, bench.path().join("store/v1/away")).expect("a folder of the test");
    std::fs::remove_dir_all(bench.path().join("store/v1/away")).expect("a folder of the test");
    let refused = runpipe_engine::run(
        &pipeline,
        &store,
        &bench.options,
        &crate::toy::registry(),
        &bench.cancel,
        &runpipe_base::NullSink,
    );
    let words = refused.expect_err("nothing can be kept").to_string();
    assert!(words.contains("cannot create") && words.contains("/v1/tmp/"), "{words}");
}
