#![expect(clippy::float_cmp, reason = "counts are whole")]

use crate::data::tree::Tree;
use crate::data::{text, trees};
use crate::testing::{Bench, int, path};

/// Trees of a made-up language, as a treebank to read and to parse.
fn treebank(bench: &mut Bench) -> runpipe_base::Artifact {
    let params = [("train", int(300)), ("test", int(40)), ("adjectives", int(8)), ("nouns", int(8))];
    let corpus = bench.run("treemix.sentiment", &params, &[]);
    let lines = bench.text(corpus.part("train"), "trees.mrg");
    let found: Vec<Tree> = lines.lines().map(|line| Tree::parse(line).unwrap()).collect();
    bench.keep(trees::output(found.iter().map(Some)))
}

#[test]
fn a_language_is_learned_and_parsed() {
    let mut bench = Bench::new();
    let gold = treebank(&mut bench);
    let grammar = bench.run("treemix.grammar", &[("least", int(2))], &[("trees", &gold)]);
    assert_eq!(grammar.metrics["unused"], 0.0);
    let words = bench.run("data.leaves", &[], &[("trees", &gold)]).artifact;
    let inputs = [("text", &words), ("grammar", &grammar.artifact)];
    let parsed = bench.run("treemix.parse", &[], &inputs);
    assert_eq!(parsed.metrics["failed"], 0.0);
    let score = bench.run("treemix.evalb", &[], &[("gold", &gold), ("parsed", &parsed.artifact)]);
    assert!(score.metrics["f1"] > 95.0 && score.metrics["tags"] > 99.0, "{:?}", score.metrics);
    assert_eq!(bench.text(&score.artifact, "table.csv").lines().count(), 5);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut bench = Bench::new();
        let gold = treebank(&mut bench);
        let grammar = bench.run("treemix.grammar", &[("least", int(2))], &[("trees", &gold)]).artifact;
        let words = words_of(&mut bench, &gold);
        pool.install(|| bench.run("treemix.parse", &[], &[("text", &words), ("grammar", &grammar)]))
    };
    assert_eq!(on(1), on(3));
}

fn words_of(bench: &mut Bench, gold: &runpipe_base::Artifact) -> runpipe_base::Artifact {
    bench.run("data.leaves", &[], &[("trees", gold)]).artifact
}

#[test]
fn long_and_impossible_sentences_have_no_tree() {
    let mut bench = Bench::new();
    let gold = treebank(&mut bench);
    let grammar = bench.run("treemix.grammar", &[], &[("trees", &gold)]).artifact;
    let words = bench.keep(text::output("the0 noun1 is good2\nthe0 noun1 is not bad1\nof1 of1\n\n".into()));
    let ran = bench.run("treemix.parse", &[("max_len", int(4))], &[("text", &words), ("grammar", &grammar)]);
    let lines = bench.text(&ran.artifact, trees::FILE);
    let found: Vec<bool> = lines.lines().map(|line| line != "()").collect();
    assert_eq!(found, [true, false, false, false]);
    assert_eq!(ran.metrics["failed"], 75.0);
    let told =
        bench.attempt("treemix.evalb", &[], &[("gold", &gold), ("parsed", &ran.artifact)]).unwrap_err();
    assert_eq!(told.to_string(), "expected 300 parses, found 4");
}

/// Held to figures of its own: a change of the parser that loses brackets on real trees is seen.
#[test]
fn a_real_treebank() {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    let Some(dir) = dir.map(|dir| dir.join("treebank")).filter(|dir| dir.is_dir()) else {
        println!("skipped: `RUNPIPE_DATA` names no folder with `treebank`");
        return;
    };
    let mut bench = Bench::new();
    let params = [("path", path(&dir)), ("names", crate::testing::text("*.mrg.gz"))];
    let bank = bench.run("data.trees", &params, &[]);
    let (train, held_out) = (bank.part("train").clone(), bank.part("held_out").clone());
    let grammar = bench.run("treemix.grammar", &[], &[("trees", &train)]).artifact;
    let words = words_of(&mut bench, &held_out);
    let parsed = bench.run("treemix.parse", &[], &[("text", &words), ("grammar", &grammar)]).artifact;
    let score = bench.run("treemix.evalb", &[], &[("gold", &held_out), ("parsed", &parsed)]);
    println!("{:?}", score.metrics);
    assert!(score.metrics["f1"] > 74.0 && score.metrics["tags"] > 92.0, "{:?}", score.metrics);
    assert!(score.metrics["failed"] < 1.0);
}
