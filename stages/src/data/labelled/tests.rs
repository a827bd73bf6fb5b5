use runpipe_base::{Kind, MemoryBlobs, Output, View};

use super::{CLASSES, Labelled, SENTENCES, Sentence, TREES, read_tree, write_trees};
use crate::data::tree::Tree;

fn back(output: Output) -> Result<Labelled, String> {
    let mut blobs = MemoryBlobs::default();
    let artifact = blobs.keep(output);
    Labelled::read(&View::new(&artifact, &blobs)).map_err(|e| e.to_string())
}

#[test]
fn sentences_and_pairs_round_trip() {
    let tree = || Tree::parse("(S (A a) (B -LRB-))").unwrap();
    let bracket = Sentence { words: vec!["a".into(), "(".into()], tree: None };
    let single = Labelled::of(vec![
        ("y".into(), bracket.under(tree()).unwrap(), None),
        ("x".into(), Sentence::of("one  two\u{a0}three"), None),
    ]);
    assert_eq!(single.classes, ["x", "y"]);
    assert_eq!(single.examples[1].first.words, ["one", "two\u{a0}three"]);
    assert_eq!(back(single.write()), Ok(single));
    let pair = Labelled::of(vec![
        ("x".into(), Sentence::of("a"), Some(Sentence::of_tree(tree()))),
        ("x".into(), Sentence::of("b"), Some(Sentence::of("c"))),
    ]);
    assert!(pair.paired());
    assert_eq!(back(pair.write()), Ok(pair));
}

#[test]
fn trees_one_a_line() {
    let tree = Tree::parse("(S (A a))").unwrap();
    let text = write_trees([Some(&tree), None]);
    assert_eq!(text, "(S (A a))\n()\n");
    assert_eq!(text.lines().map(read_tree).collect::<Vec<_>>(), [Ok(Some(tree)), Ok(None)]);
}

#[test]
fn what_does_not_fit_is_told() {
    let check = |sentences: &str, trees: Option<&str>, expected: &str| {
        let output = Output::new(Kind::of("labelled")).file(CLASSES, "x\ny\n").file(SENTENCES, sentences);
        let output = trees.map_or(output.clone(), |trees| output.file(TREES[0], trees));
        assert_eq!(back(output).unwrap_err(), expected);
    };
    check("z\ta\n", None, "`sentences.tsv`, line 1: `z` is no class of `classes.txt`");
    check("x\n", None, "`sentences.tsv`, line 1: expected 1 sentence or 2, found 0");
    check("x\ta\tb\ny\tc\n", None, "`sentences.tsv`, line 2: expected a second sentence as in other lines");
    check("x\ta\n", Some("(S a)\n(S b)\n"), "`trees.mrg`, line 2: expected 1 trees, found 2");
    check(
        "x\ta\n",
        Some("(S b)\n"),
        "`trees.mrg`, line 1: the leaves of the tree are not the words of the sentence",
    );
    check(
        "x\ta\n",
        Some("(S b\n"),
        "`trees.mrg`, line 1: the text ends while 1 bracket of the tree from line 1 are open",
    );
}
