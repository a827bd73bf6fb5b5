//! How many mixed sentences a second, and how many parsed ones: on one thread, the best of a few runs.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

use std::fmt::Write as _;
use std::time::Instant;

use runpipe_stages::data::labelled::{Labelled, Sentence};
use runpipe_stages::data::tree::Tree;
use runpipe_stages::kit::rng::Stream;
use runpipe_stages::treemix::augment::{Pairing, Pools, augment};
use runpipe_stages::treemix::candidates::{Rule, Window};
use runpipe_stages::treemix::draw::{Match, Method};
use runpipe_stages::treemix::mixed;
use runpipe_stages::treemix::parser::cky::Parser;
use runpipe_stages::treemix::parser::grammar::{Counts, Grammar};
use runpipe_stages::treemix::parser::transform::Marks;

fn main() {
    // `cargo test` builds and runs benches too: little is enough then.
    let full = std::env::args().any(|a| a == "--bench");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        println!("| case | a second |\n|---|---|");
        mixtures(if full { 400_000 } else { 1000 }, if full { 5 } else { 1 });
        parses(if full { 200 } else { 5 }, if full { 3 } else { 1 });
    });
}

/// Labelled trees of about 19 words, as movie reviews have them.
fn labelled(count: u64) -> Labelled {
    let row = |i: u64| {
        let mut stream = Stream::new(i, "bench");
        let words = 8 + stream.below(24);
        let class = if stream.chance(0.5) { "x" } else { "y" };
        (class.to_owned(), Sentence::of_tree(tree(words, &mut stream)), None)
    };
    Labelled::of((0..count).map(row).collect())
}

/// A random binary tree.
fn tree(words: usize, stream: &mut Stream) -> Tree {
    fn grow(words: usize, stream: &mut Stream, out: &mut String) {
        if words == 1 {
            let _ = write!(out, "(N{} word{})", stream.below(12), stream.below(5000));
            return;
        }
        let left = 1 + stream.below(words - 1);
        out.push_str(["(NP ", "(VP ", "(S "][stream.below(3)]);
        grow(left, stream, out);
        out.push(' ');
        grow(words - left, stream, out);
        out.push(')');
    }
    let mut out = String::new();
    grow(words, stream, &mut out);
    Tree::parse(&out).expect("every bracket is closed")
}

fn mixtures(count: usize, repeats: usize) {
    let labelled = labelled(7000);
    for (name, rule) in [("mixed, as run", Rule::AsRun), ("mixed, as written", Rule::AsWritten)] {
        let window = Window::of(rule, 0.1, 0.3, false).expect("whole thousandths");
        let method = Method::Tree { rule, window, matching: Match::default() };
        let pools = Pools::of(&labelled, &method).expect("every sentence has a tree");
        let rows: Vec<u32> = (0..pools.len() as u32).collect();
        report(name, count, repeats, || {
            let made = augment(&pools, &rows, &method, Pairing::Uniform, count, Stream::new(1, "bench"));
            assert_eq!(mixed::rows(&labelled, &made.mixtures).lines().count(), count);
        });
    }
}

/// Sentences of 20 words, parsed with a grammar of random trees: as many rules as a small treebank gives.
fn parses(count: usize, repeats: usize) {
    let trees: Vec<Tree> = (0..2000)
        .map(|i| {
            let mut stream = Stream::new(i, "treebank");
            let words = 8 + stream.below(24);
            tree(words, &mut stream)
        })
        .collect();
    let marks = Marks { parents: true, tag_parents: true, siblings: 2, least: 10 };
    let grammar = Grammar::new(Counts::of(&trees, marks).0);
    let parser = Parser { grammar: &grammar, beam: 12.0 };
    let sentences: Vec<Vec<String>> =
        (0..count as u64).map(|i| tree(20, &mut Stream::new(i, "sentence")).words().to_vec()).collect();
    let name = format!("parsed, 20 words, {} rules", grammar.rules());
    report(&name, count, repeats, || {
        sentences.iter().for_each(|words| drop(parser.parse(words)));
    });
}

/// Times `work` on `count` items and prints a row of the table.
fn report(name: &str, count: usize, repeats: usize, mut work: impl FnMut()) {
    let best = (0..repeats).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    let best = best.fold(f64::INFINITY, f64::min);
    println!("| {name} | {:.0} |", count as f64 / best);
}
