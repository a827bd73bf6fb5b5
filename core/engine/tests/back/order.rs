//! What starts when, and what it may hold.

use std::fmt::Write as _;

use runpipe_base::{Device, Event};

use crate::Bench;

const SWEEP: &str = "
a = toy.make(n = 1)
for i in 0..6 {
    b = toy.add(a, n = i)
    c = toy.add(b, n = 1, ms = 2)
}
d = toy.add(c)
";

#[test]
fn events_come_in_one_order() {
    let told =
        Bench::new("a = toy.make(n = 1)\nb = toy.half(a)\nc = toy.fail(a)\nd = toy.add([b, c])\n").run();
    let words: Vec<String> = told
        .events
        .iter()
        .map(|event| match event {
            Event::RunStarted { nodes, expected_s, .. } => format!("run {nodes} {expected_s:?}"),
            Event::Started { label, stage, attempt, .. } => format!("start {label} {stage} {attempt}"),
            Event::Finished { label, status, metrics, .. } => format!("end {label} {status:?} {metrics:?}"),
            Event::Failed { label, message, retry, .. } => format!("fail {label} {message} {retry}"),
            Event::Skipped { label, because, .. } => format!("skip {label} {because}"),
            Event::RunFinished { summary } => {
                format!("over {} {} {}", summary.ran, summary.failed, summary.skipped)
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "run 4 None",
            "start a toy.make 1",
            "end a Ran {\"n\": 1.0}",
            "start b toy.half 1",
            "end b Ran {}",
            "start c toy.fail 1",
            "fail c it was told to fail false",
            "skip d c",
            "over 2 1 1",
        ]
    );
}

#[test]
fn the_number_of_workers_moves_nothing() {
    let one = Bench::new(SWEEP).run();
    for jobs in [2, 5] {
        let mut bench = Bench::new(SWEEP);
        bench.options.jobs = jobs;
        let many = bench.run();
        assert_eq!(many.content(), one.content(), "{jobs} jobs");
        assert!(many.most_at_once() <= jobs);
    }
}

#[test]
fn a_priority_comes_first_and_then_the_longest_path() {
    let text = "
a = toy.make(seed = 1)
b = toy.make(seed = 2)
@(priority = 1)
c = toy.make(seed = 3)
middle = toy.add(b, n = 1)
long = toy.add(middle, n = 1)
short = toy.add(a, n = 2)
";
    assert_eq!(Bench::new(text).run().started(), ["c", "b", "a", "middle", "long", "short"]);
}

/// Without times every node counts the same, so `c` and its two followers are first; the times of the first run tell
/// that `slow` is the longest.
#[test]
fn times_of_earlier_runs_say_what_is_long() {
    let text = "
c0 = toy.make(seed = 1)
c1 = toy.add(c0)
c2 = toy.add(c1)
slow = toy.make(seed = 2, ms = 60)
";
    let mut bench = Bench::new(text);
    assert_eq!(bench.run().started()[0], "c0");
    bench.options.force = vec!["all".to_owned()];
    let again = bench.run();
    assert_eq!(again.started()[0], "slow");
    let Some(Event::RunStarted { expected_s: Some(expected_s), .. }) = again.events.first() else {
        panic!("the second run knows how long it takes")
    };
    assert!((0.06..5.0).contains(expected_s), "{expected_s}");
}

#[test]
fn a_new_member_of_a_family_is_expected_to_take_as_long_as_the_others() {
    let bench = Bench::new("for i in 0..2 {\n    x = toy.make(seed = i, ms = 30)\n}\n");
    bench.run();
    bench.write("for i in 0..3 {\n    x = toy.make(seed = i, ms = 30)\n}\n");
    let (pipeline, store) = (bench.pipeline(), bench.store());
    let plan = runpipe_engine::plan(&pipeline, &store, &bench.options).expect("a plan");
    let expected_s = plan.nodes[2].expected_s.expect("its siblings are known");
    assert!((0.03..2.0).contains(&expected_s), "{expected_s}");
}

#[test]
fn memory_cores_and_gpus_are_never_held_twice() {
    let most = |hints: &str, change: fn(&mut Bench)| {
        let mut bench = Bench::new(&format!(
            "for i in 0..6 {{\n    @({hints})\n    x = toy.make(seed = i, ms = 5)\n}}\n"
        ));
        bench.options.jobs = 4;
        change(&mut bench);
        bench.run().most_at_once()
    };
    assert!(most("priority = 0", |_| {}) > 1, "they do run side by side");
    assert!(most("memory = 3 GiB", |bench| bench.options.memory = Some(8 << 30)) <= 2);
    assert!(most("cores = 3", |_| {}) == 1);
    assert!(most("cores = 2", |_| {}) <= 2);
    assert!(most("gpu = 1", |bench| bench.options.gpus = Some(1)) == 1);
    assert!(most("memory = 900 GiB", |bench| bench.options.memory = Some(8 << 30)) == 1, "all there is");
    let tensors = Bench::new("for i in 1..4 {\n    x = toy.train(steps = i, ms = 3)\n}\n");
    let on_gpu = Bench {
        options: runpipe_engine::RunOptions { jobs: 4, device: Device::Cuda, ..tensors.options.clone() },
        ..tensors
    };
    assert_eq!(on_gpu.run().most_at_once(), 1, "a stage with tensors holds the one GPU");
}

/// A node that needs all cores begins although small ones come and come.
#[test]
fn a_large_node_is_not_put_off_for_ever() {
    let mut bench = Bench::new(
        "for i in 0..200 {\n    x = toy.make(seed = i, ms = 1)\n}\n@(cores = 2, priority = 1)\nlarge = toy.make(seed = 999)\nfirst = toy.make(seed = 1000)\n@(cores = 2, priority = 5)\nlate = toy.add(first)\n",
    );
    bench.options.jobs = 2;
    let told = bench.run();
    let at = |label| told.started().iter().position(|l| *l == label).expect("it ran");
    assert!(at("large") < 40, "{}", at("large"));
}

/// A chain so long that anything that recurses over it would end the thread.
#[test]
fn a_long_chain_needs_no_stack() {
    let run = || {
        let mut text = String::from("x0 = toy.make(n = 0)\n");
        for i in 1..1000 {
            let _ = writeln!(text, "x{i} = toy.add(x{}, n = 1)", i - 1);
        }
        let bench = Bench::new(&text);
        assert_eq!(bench.run().number("x999", "n"), 999);
        let warm = bench.run();
        assert_eq!((warm.log.summary.cached, warm.started().len()), (1000, 0));
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread");
    thread.join().expect("it comes to its end");
}
