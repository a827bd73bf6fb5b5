use runpipe_base::{Kind, MemoryBlobs, Output, View};

use super::{Counts, Grammar, chains};
use crate::data::tree::Tree;
use crate::treemix::parser::transform::Marks;

const MARKS: Marks = Marks { parents: false, tag_parents: false, siblings: 1, least: 1 };

fn trees() -> Vec<Tree> {
    [
        "(ROOT (S (NP (D the) (N dog)) (VP (V barks))))",
        "(ROOT (S (NP (N dogs)) (VP (V see) (NP (N cats)))))",
        "(ROOT (NP (N cats)))",
    ]
    .map(|text| Tree::parse(text).unwrap())
    .to_vec()
}

fn read(output: Output) -> Result<Counts, String> {
    let mut blobs = MemoryBlobs::default();
    let artifact = blobs.keep(output);
    Counts::read(&View::new(&artifact, &blobs)).map_err(|e| e.to_string())
}

#[test]
fn counts_by_hand_and_back_from_files() {
    let (counts, unused) = Counts::of(&trees(), MARKS);
    assert_eq!(unused, 0);
    let name = |id: u32| counts.symbols[id as usize].as_str();
    let binary: Vec<_> = counts.binary.iter().map(|(rule, n)| (rule.map(name), *n)).collect();
    assert_eq!(binary, [(["NP", "D", "N"], 1), (["S", "NP", "VP"], 2), (["VP", "V", "NP"], 1)]);
    let unary: Vec<_> = counts.unary.iter().map(|(rule, n)| (rule.map(name), *n)).collect();
    assert_eq!(unary, [(["NP", "N"], 3), (["ROOT", "NP"], 1), (["ROOT", "S"], 2), (["VP", "V"], 1)]);
    assert_eq!(read(counts.write()), Ok(counts));
}

#[test]
fn probabilities_of_one_parent_sum_to_one() {
    let grammar = Grammar::new(Counts::of(&trees(), MARKS).0);
    let id = |name: &str| grammar.symbols.iter().position(|s| s == name).unwrap() as u32;
    let two: f64 = grammar
        .by_left
        .iter()
        .flatten()
        .filter(|r| r.parent == id("NP"))
        .map(|r| f64::from(r.score.exp()))
        .sum();
    let one = grammar.chains[id("N") as usize].iter().find(|c| c.parent == id("NP")).unwrap();
    assert!((two + f64::from(one.score.exp()) - 1.0).abs() < 1e-6);
    // ROOT over NP over N, with what stands between.
    let chain = grammar.chains[id("N") as usize].iter().find(|c| c.parent == id("ROOT")).unwrap();
    assert_eq!(chain.between, [id("NP")]);
    assert!((chain.score.exp() - 1.0 / 3.0 * 0.75).abs() < 1e-6);
}

#[test]
fn the_best_chain_is_found_in_a_graph_with_rings() {
    let ln = |p: f64| p.ln();
    let rules = [(1, 0, ln(0.1)), (2, 0, ln(0.9)), (1, 2, ln(0.5)), (2, 1, ln(0.5)), (3, 1, ln(1.0))];
    let found = chains(4, &rules);
    let of = |parent: u32| found[0].iter().find(|c| c.parent == parent).unwrap();
    assert_eq!((of(1).between.as_slice(), of(3).between.as_slice()), (&[2][..], &[1, 2][..]));
    assert!((of(3).score - ln(0.45) as f32).abs() < 1e-6);
}

#[test]
fn broken_grammars_are_told() {
    let output = |rules: &str| {
        Output::new(Kind::of("grammar"))
            .file("rules.tsv", rules)
            .file("lexicon.tsv", "kind\tword\ttag\tcount\n")
    };
    assert_eq!(
        read(output("h\nS\tNP\tVP\tmany\n")).unwrap_err(),
        "`rules.tsv`, line 2: no rule: `S\tNP\tVP\tmany`"
    );
    assert_eq!(read(output("h\n")).unwrap_err(), "expected a grammar with roots and words, found none");
}
