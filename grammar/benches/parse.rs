//! Parsing and formatting of long files: a chain, as a generator writes it.

use std::fmt::Write;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use runpipe_grammar::{Source, SourceId, format, parse};

fn main() {
    divan::main();
}

fn chain(lines: usize) -> Source {
    let mut text = String::from("n0 = toy.start()\n");
    for line in 1..lines {
        writeln!(text, "n{line} = n{} -> toy.step(x = 1)", line - 1).expect("a string can be written");
    }
    Source::new(SourceId(0), "chain.pipe", &text)
}

#[divan::bench(args = [1_000, 100_000])]
fn parse_chain(bencher: Bencher<'_, '_>, lines: usize) {
    let source = chain(lines);
    bencher.counter(BytesCount::of_str(&source.text)).bench(|| parse(black_box(&source)));
}

#[divan::bench(args = [1_000, 100_000])]
fn format_chain(bencher: Bencher<'_, '_>, lines: usize) {
    let source = chain(lines);
    bencher.counter(BytesCount::of_str(&source.text)).bench(|| format(black_box(&source)));
}
