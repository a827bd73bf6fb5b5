//! What runs again, and what does not.

use runpipe_base::{Digest, NodeStatus};
use runpipe_engine::Status;

use crate::Bench;

const PIPE: &str = "
a = toy.make(n = 6)
b = toy.half(a)
c = toy.add(b, n = 1)
other = toy.make(n = 100)
";

#[test]
fn a_second_run_computes_nothing_and_knows_the_same() {
    let bench = Bench::new(PIPE);
    let (cold, warm) = (bench.run(), bench.run());
    assert_eq!((cold.log.summary.ran, warm.log.summary.cached), (4, 4));
    assert_eq!(warm.started(), [""; 0]);
    assert_eq!(warm.content(), cold.content());
}

#[test]
fn a_result_that_comes_out_as_before_stops_there() {
    let bench = Bench::new(PIPE);
    bench.run();
    bench.write(&PIPE.replace("n = 6", "n = 7"));
    let (pipeline, store) = (bench.pipeline(), bench.store());
    let plan = runpipe_engine::plan(&pipeline, &store, &bench.options).expect("a plan");
    let status: Vec<Status> = plan.nodes.iter().map(|node| node.status).collect();
    assert_eq!(status, [Status::Run, Status::Pending, Status::Pending, Status::Hit]);
    let told = bench.run();
    assert_eq!(told.ran(), ["a", "b"], "7 / 2 is 3 as 6 / 2 was");
    assert_eq!(told.status("c"), NodeStatus::Cached);
    bench.write(&PIPE.replace("n = 6", "n = 8"));
    assert_eq!(bench.run().ran(), ["a", "b", "c"]);
}

#[test]
fn who_uses_a_part_depends_on_that_part_alone() {
    let text = "
left = toy.make(n = 1)
right = toy.make(n = 2)
pair = toy.pair(left, right)
l = toy.add(pair.left)
r = toy.add(pair.right)
";
    let bench = Bench::new(text);
    bench.run();
    bench.write(&text.replace("n = 2", "n = 3"));
    assert_eq!(bench.run().ran(), ["pair", "r", "right"]);
}

#[test]
fn one_parameter_runs_its_descendants_and_words_run_nothing() {
    let text = "for i in 0..3 {\n    x = toy.make(n = i)\n    y = toy.add(x, n = 10)\n}\nz = toy.add(y)\n";
    let bench = Bench::new(text);
    bench.run();
    bench.write(&text.replace("toy.make(n = i)", "toy.make(n = if i == 1 { 5 } else { i })"));
    assert_eq!(bench.run().ran(), ["x[i=1]", "y[i=1]", "z"]);
    bench.write(&format!("## Words.\n# More.\n{}", text.replace('x', "renamed")));
    assert_eq!(bench.run().ran(), [""; 0], "names and comments are in no key");
    bench.write(&text.replace("0..3", "0..4"));
    assert_eq!(bench.run().ran(), ["x[i=3]", "y[i=3]", "z"]);
}

#[test]
fn force_runs_what_it_names_and_what_follows_only_from_changes() {
    let mut bench = Bench::new(PIPE);
    bench.run();
    bench.options.force = vec!["a".to_owned()];
    assert_eq!(bench.run().ran(), ["a"]);
    bench.options.force = vec!["all".to_owned()];
    assert_eq!(bench.run().ran(), ["a", "b", "c", "other"]);
    bench.write("a = toy.chance()\nb = toy.add(a)\n");
    bench.options.force.clear();
    bench.run();
    bench.options.force = vec!["a".to_owned()];
    assert_eq!(bench.run().ran(), ["a", "b"]);
}

#[test]
fn targets_run_what_they_need_and_nothing_else() {
    let mut bench = Bench::new(PIPE);
    bench.options.targets = vec!["b".to_owned()];
    let told = bench.run();
    assert_eq!(told.ran(), ["a", "b"]);
    assert_eq!(told.log.summary.nodes, 2);
    assert_eq!(told.log.nodes.len(), 4, "reports name nodes by their places");
}

#[test]
fn an_audit_computes_all_again_and_tells_what_is_different() {
    let mut bench = Bench::new(PIPE);
    bench.run();
    bench.options.audit = true;
    let told = bench.run();
    assert_eq!(told.ran(), ["a", "b", "c", "other"]);
    assert_eq!(told.log.summary.cached, 4, "nothing is different");
    bench.write("a = toy.chance()\nb = toy.add(a)\n");
    bench.options.audit = false;
    let before = bench.run();
    bench.options.audit = true;
    let told = bench.run();
    assert_eq!(told.status("a"), NodeStatus::Failed);
    assert!(told.error("a").contains("file `n.txt` is different"), "{}", told.error("a"));
    bench.options.audit = false;
    assert_eq!(bench.run().content(), before.content(), "an audit changes nothing in the store");
}

#[test]
fn bytes_that_are_gone_are_made_again_by_their_maker() {
    for hurt in [|path: &std::path::Path| std::fs::remove_file(path).expect("it is there"), flip] {
        let bench = Bench::new(PIPE);
        let cold = bench.run();
        let entries = cold.node("b").artifact.as_ref().expect("it ran").entries();
        let hex = entries[0].1.digest.hex();
        let object = bench.path().join("store/v1/objects").join(&hex[..2]).join(&hex[2..]);
        hurt(&object);
        bench.write(&PIPE.replace("b, n = 1", "b, n = 2"));
        let told = bench.run();
        assert_eq!(told.number("c", "n"), 5);
        assert!(told.ran().contains(&"b"), "{:?}", told.ran());
        assert_eq!(Digest::of(&std::fs::read(&object).expect("it is back")).hex(), hex);
    }
}

/// Several who miss the same bytes at once, and one that waits for something else as well.
#[test]
fn many_who_miss_the_same_bytes_wait_for_one_maker() {
    let text = "
a = toy.make(n = 6)
b = toy.half(a)
slow = toy.make(n = 1, ms = 60)
for i in 0..6 {
    c = toy.add(b, n = i, ms = 5)
    d = toy.add([b, c, a], n = i)
}
e = toy.add([b, slow])
same = toy.add(b, n = 0, ms = 5)
";
    let mut bench = Bench::new(text);
    let cold = bench.run();
    bench.options.jobs = 3;
    bench.options.force =
        vec!["c".to_owned(), "d".to_owned(), "slow".to_owned(), "e".to_owned(), "same".to_owned()];
    for names in [&["b"][..], &["a", "b"], &["a"]] {
        for name in names {
            let hex = cold.node(name).artifact.as_ref().expect("it ran").entries()[0].1.digest.hex();
            std::fs::remove_file(bench.path().join("store/v1/objects").join(&hex[..2]).join(&hex[2..]))
                .expect("it is there");
        }
        let told = bench.run();
        assert_eq!(told.content(), cold.content());
        assert!(names.iter().all(|name| told.ran().contains(name)), "{:?}", told.ran());
    }
}

fn flip(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).expect("it is there");
    bytes[0] ^= 1;
    std::fs::remove_file(path).expect("it is there");
    std::fs::write(path, bytes).expect("a file of the test");
}

#[test]
fn why_names_the_part_and_the_run() {
    let bench = Bench::new(PIPE);
    let why = |name: &str| {
        let (pipeline, store) = (bench.pipeline(), bench.store());
        let ids = runpipe_engine::select(&pipeline, name);
        let all = runpipe_engine::why(&pipeline, &store, &bench.options, &ids).expect("a reason");
        all[0].to_string()
    };
    assert_eq!(why("a"), "`a` runs: no earlier run of this pipeline had it");
    assert_eq!(why("c"), "`c` is decided when `b` has run");
    bench.run();
    assert!(why("a").starts_with("`a` is cached: key "), "{}", why("a"));
    bench.write(&PIPE.replace("n = 6", "n = 8"));
    assert_eq!(
        why("a"),
        "`a` runs, because something changed\n  against run r000001:\n    parameter n: 6 → 8"
    );
    bench.run();
    let cached = why("a");
    assert!(cached.ends_with("\n  against run r000001:\n    parameter n: 6 → 8"), "{cached}");
    assert!(why("c").contains("\n    input numbers: "), "{}", why("c"));
}
