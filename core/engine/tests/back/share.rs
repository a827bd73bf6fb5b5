//! Several who want the same: nodes of one run, runs on one store.

use runpipe_base::{Event, NodeStatus};

use crate::Bench;

#[test]
fn two_names_of_one_computation_compute_it_once() {
    let mut bench =
        Bench::new("a = toy.make(n = 1, ms = 20)\nb = toy.make(n = 1, ms = 20)\nc = toy.add([a, b])\n");
    bench.options.jobs = 3;
    let told = bench.run();
    assert_eq!(told.ran(), ["a", "c"]);
    assert_eq!(told.status("b"), NodeStatus::Cached);
    assert_eq!(told.number("c", "n"), 2);
    bench.options.force = vec!["all".to_owned()];
    assert_eq!(bench.run().ran(), ["a", "b", "c"], "each that is forced");
}

/// The second does other work while the first holds a key, and takes what it made.
#[test]
fn two_runs_share_the_work() {
    let text = "for i in 0..12 {\n    x = toy.make(n = i, ms = 15)\n    y = toy.add(x, ms = 15)\n}\nz = toy.add(y)\n";
    let bench = Bench::new(text);
    let told = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| bench.run())).collect();
        runs.into_iter().map(|run| run.join().expect("no run panics")).collect::<Vec<_>>()
    });
    let mut ran: Vec<&str> = told.iter().flat_map(|told| told.started()).collect();
    let all = ran.len();
    ran.sort_unstable();
    ran.dedup();
    assert_eq!((all, ran.len()), (25, 25), "each once");
    for one in &told {
        assert_eq!(one.content(), told[0].content());
        assert_eq!(one.log.summary.ran + one.log.summary.cached, 25);
    }
    let shared = told.iter().filter(|told| told.started().len() >= 3).count();
    assert!(shared >= 2, "they share it: {:?}", told.iter().map(|t| t.started().len()).collect::<Vec<_>>());
    let waited = told.iter().flat_map(|told| &told.events).any(|e| matches!(e, Event::Waiting { .. }));
    assert!(waited, "who waits says so");
}
