//! Large pipelines: bounds that a slow machine keeps, and that anything but linear work breaks.

use std::fmt::Write as _;
use std::fs;

use runpipe_engine::{Pipeline, Rejected, Settings, load};

use super::toy;

/// Far above what it takes (well under a second, optimised), far below what quadratic work would take.
const BOUND_S: f64 = 30.0;

fn timed(text: &str) -> Result<Pipeline, Rejected> {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("x.pipe");
    fs::write(&path, text).expect("the file can be written");
    let registry = toy::registry();
    let start = thread_time_s();
    let result = load(&path, &registry, &Settings::default());
    let elapsed_s = thread_time_s() - start;
    assert!(elapsed_s < BOUND_S, "{elapsed_s} s");
    result
}

/// Processor time of this thread: what else the machine does is not in it.
fn thread_time_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn nodes(text: &str) -> usize {
    timed(text).expect("a sound pipeline").nodes.len()
}

#[test]
fn a_chain_of_100_000_lines() {
    let mut text = String::from("x0 = toy.corpus()\n");
    for i in 1..100_000 {
        let _ = writeln!(text, "x{i} = toy.copy(x{})", i - 1);
    }
    assert_eq!(nodes(&text), 100_000);
}

#[test]
fn a_loop_of_100_000_nodes() {
    let text = "corpus = toy.corpus()\n\
        for seed in 0..100, n in 1..501 {\n\
            small = data.take(corpus, n, seed = seed)\n\
            copy = toy.copy(small)\n\
        }\nall = toy.copy(corpus)\n";
    assert_eq!(nodes(text), 100_002);
}

#[test]
fn a_family_of_100_000_into_one() {
    let text = "text = toy.corpus().text\nfor k in 0..100000 {\n m = toy.pretrain(text, layers = k)\n}\nall = toy.merge(m)\n";
    let pipeline = timed(text).expect("a sound pipeline");
    assert_eq!(pipeline.nodes.last().map(|node| node.inputs.len()), Some(100_000));
}

#[test]
fn an_arrow_chain_in_10_000_calls_of_a_fn() {
    let mut text = String::from(
        "fn step(c: corpus/ner, k: int) -> d {\n small = data.take(c, k)\n d = data.take(small, 1)\n}\nx0 = toy.corpus()\n",
    );
    for i in 1..10_000 {
        let _ = writeln!(text, "x{i} = x{} -> step({i}) -> toy.copy()", i - 1);
    }
    assert_eq!(nodes(&text), 1 + 9_999 * 3);
}

#[test]
fn ten_megabytes_of_mistakes() {
    let mut text = String::new();
    for i in 0.. {
        let _ = writeln!(
            text,
            "name_{i} = toy.copy(nothing_{i}) # a comment that makes the line longer than it needs to be"
        );
        if text.len() > 10_000_000 {
            break;
        }
    }
    let rejected = timed(&text).err().expect("every line is wrong");
    assert_eq!(rejected.diagnostics.len(), 100);
}

#[test]
fn what_grows_without_end_is_given_up() {
    if std::env::var_os("RUNPIPE_SLOW").is_none() {
        return;
    }
    // Each `fn` calls the one above twice: 2^40 nodes.
    let explode = |first: &str| {
        let mut text = format!("fn f0(c: any) -> d {{ {first} }}\n");
        for i in 1..40 {
            let _ = writeln!(text, "fn f{i}(c: any) -> d {{\n a = f{}(c)\n d = f{}(a)\n}}", i - 1, i - 1);
        }
        text + "x = f39(toy.corpus())\n"
    };
    let message = |text: &str| timed(text).err().expect("it is too large").diagnostics[0].message.clone();
    assert_eq!(message(&explode("d = toy.copy(c)")), "the pipeline has more than 1,000,000 nodes");
    assert_eq!(message(&explode("d = c")), "the pipeline has more than 4,000,000 bindings");
    let edges = "t = toy.corpus().text\nfor k in 0..5000 {\n m = toy.pretrain(t, layers = k)\n}\n\
        for j in 0..5000 {\n @(priority = j)\n a = toy.merge([m, toy.pretrain(t, layers = j)])\n}\n";
    assert_eq!(message(edges), "the nodes of the pipeline have more than 20,000,000 inputs");
}
