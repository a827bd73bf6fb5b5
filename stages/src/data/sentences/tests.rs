use crate::data::labelled::{Labelled, Sentence};
use crate::data::tree::Tree;
use crate::data::{text, trees};
use crate::testing::Bench;

#[test]
fn trees_go_over_sentences() {
    let mut bench = Bench::new();
    let rows = ["a (", "do n't", "lost"].map(|text| ("x".to_owned(), Sentence::of(text), None));
    let input = bench.keep(Labelled::of(rows.to_vec()).write());
    let words = bench.run("data.sentences", &[], &[("examples", &input)]);
    assert_eq!(bench.text(&words.artifact, text::TEXT), "a (\ndo n't\nlost\n");
    let parses = ["(S (A a) (B -LRB-))", "(S (V don't))"].map(|text| Tree::parse(text).unwrap());
    let parses = bench.keep(trees::output([Some(&parses[0]), Some(&parses[1]), None]));
    let ran = bench.run("data.with_trees", &[], &[("examples", &input), ("trees", &parses)]);
    assert_eq!((ran.metrics["examples"], ran.metrics["dropped"], ran.metrics["reworded"]), (2.0, 1.0, 1.0));
    assert_eq!(bench.text(&ran.artifact, "sentences.tsv"), "x\ta (\nx\tdon't\n");
    let trees = bench.run("data.trees_of", &[], &[("examples", &ran.artifact)]);
    assert_eq!(bench.text(&trees.artifact, trees::FILE), "(S (A a) (B -LRB-))\n(S (V don't))\n");
    let few = bench.keep(trees::output([None]));
    let told = bench.attempt("data.with_trees", &[], &[("examples", &input), ("trees", &few)]).unwrap_err();
    assert_eq!(told.to_string(), "expected 3 trees at `trees`, found 1");
}
