//! From text to a typed pipeline: `cargo bench -p runpipe-engine --bench front`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use divan::{AllocProfiler, Bencher};
use runpipe_engine::{Pipeline, Settings, load};
use runpipe_grammar::{Source, SourceId, parse};

#[path = "../tests/front/toy.rs"]
mod toy;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// `x1 = toy.copy(x0)`, `x2 = toy.copy(x1)`, …
#[divan::bench(args = [1_000, 100_000], sample_count = 10)]
fn chain(bencher: Bencher<'_, '_>, lines: usize) {
    let mut text = String::from("x0 = toy.corpus()\n");
    for i in 1..lines {
        let _ = writeln!(text, "x{i} = toy.copy(x{})", i - 1);
    }
    bench(bencher, &text, lines);
}

/// Half as many combinations as nodes, two nodes each.
#[divan::bench(args = [1_000, 100_000], sample_count = 10)]
fn sweep(bencher: Bencher<'_, '_>, nodes: usize) {
    let text = format!(
        "corpus = toy.corpus()\nfor seed in 0..10, n in 1..{} {{\n\
            small = data.take(corpus, n, seed = seed)\n copy = toy.copy(small)\n}}\n",
        nodes / 20 + 1
    );
    bench(bencher, &text, nodes + 1);
}

/// A `fn` called once a line.
#[divan::bench(args = [1_000, 10_000], sample_count = 10)]
fn calls(bencher: Bencher<'_, '_>, lines: usize) {
    let mut text = String::from(
        "fn step(c: any, k: int) -> d {\n a = toy.copy(c)\n d = toy.copy(a)\n}\nx0 = toy.corpus()\n",
    );
    for i in 1..lines {
        let _ = writeln!(text, "x{i} = x{} -> step({i})", i - 1);
    }
    bench(bencher, &text, 2 * lines - 1);
}

fn bench(bencher: Bencher<'_, '_>, text: &str, nodes: usize) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("front-{nodes}.pipe"));
    fs::write(&path, text).expect("the build folder can be written");
    let registry = toy::registry();
    let run = || -> Pipeline {
        let pipeline = load(&path, &registry, &Settings::default()).expect("a sound pipeline");
        assert_eq!(pipeline.nodes.len(), nodes);
        pipeline
    };
    bencher.bench_local(run);
}

/// The syntax alone, to compare with.
#[divan::bench(args = [100_000], sample_count = 10)]
fn chain_parsed(bencher: Bencher<'_, '_>, lines: usize) {
    let mut text = String::from("x0 = toy.corpus()\n");
    for i in 1..lines {
        let _ = writeln!(text, "x{i} = toy.copy(x{})", i - 1);
    }
    let source = Source::new(SourceId(0), "chain.pipe", &text);
    bencher.bench_local(|| parse(&source).expect("sound syntax"));
}
