#![expect(clippy::float_cmp, reason = "shares of few words are exact")]

use runpipe_base::Value;

use crate::data::labelled::{Labelled, Sentence};
use crate::data::tree::Tree;
use crate::testing::{Bench, int, text};

fn examples() -> Labelled {
    let row =
        |class: &str, tree: &str| (class.to_owned(), Sentence::of_tree(Tree::parse(tree).unwrap()), None);
    Labelled::of(vec![
        row("bad", "(S (NP (DT the) (NN film)) (VP (VBZ is) (ADJP (RB really) (JJ dull))) (. .))"),
        row("bad", "(S (NP (DT a) (JJ poor) (NN plot)) (VP (VBZ kills) (NP (DT the) (NN mood))) (. .))"),
        row("good", "(S (NP (PRP It)) (VP (VBZ has) (NP (DT a) (JJ touching) (NN story))) (. .))"),
        row("good", "(S (NP (PRP It)) (VP (VBZ works)))"),
    ])
}

#[test]
fn a_set_is_made_and_shown() {
    let mut bench = Bench::new();
    let input = bench.keep(examples().write());
    let ran = bench.run("treemix.mix", &[("beta", int(10)), ("shown", int(3))], &[("examples", &input)]);
    assert_eq!((ran.metrics["mixed"], ran.metrics["shortfall"], ran.metrics["skipped"]), (40.0, 0.0, 25.0));
    assert!(ran.metrics["distinct"] > 5.0 && ran.metrics["distinct"] <= 40.0, "{:?}", ran.metrics);
    assert!(ran.metrics["weight"] > 0.1 && ran.metrics["weight"] < 0.5);
    assert_eq!(bench.text(ran.part("examples"), "mixed.md").lines().count(), 5);
    assert!(bench.text(ran.part("examples"), "1-cut.svg").starts_with("<svg"));
    let again = bench.run("treemix.mix", &[("beta", int(10)), ("shown", int(3))], &[("examples", &input)]);
    assert_eq!(ran, again);
    let other = bench.run("treemix.mix", &[("beta", int(10)), ("seed", int(1))], &[("examples", &input)]);
    assert_ne!(ran.artifact, other.artifact);
}

#[test]
fn variants_hold_what_they_say() {
    let mut bench = Bench::new();
    let input = bench.keep(examples().write());
    let wide = ("upper", Value::Float(1.0));
    let all = ("rule", text("all_nodes"));
    let same = [("same_class", Value::Bool(true)), wide.clone(), all.clone()];
    assert_eq!(bench.run("treemix.mix", &same, &[("examples", &input)]).metrics["cross_class"], 0.0);
    let length = [("same_length", Value::Bool(true)), wide, all, ("seed", int(3))];
    let ran = bench.run("treemix.mix", &length, &[("examples", &input)]);
    let labelled = examples();
    for line in bench.text(&ran.artifact, "mixed.tsv").lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let receiver: usize = fields[0].parse().unwrap();
        let length = labelled.examples[receiver - 1].first.words.len();
        assert_eq!(fields[5], length.to_string(), "as many words out as in");
    }
    let control = [("pieces", text("spans")), ("min_token", int(3))];
    let ran = bench.run("treemix.mix", &control, &[("examples", &input)]);
    assert_eq!((ran.metrics["mixed"], ran.metrics["accepted"]), (15.0, 100.0));
}

#[test]
fn nothing_to_mix_is_told() {
    let mut bench = Bench::new();
    let input = bench.keep(examples().write());
    let params = [("min_token", int(3)), ("lower", Value::Float(0.001)), ("upper", Value::Float(0.002))];
    let told = bench.attempt("treemix.mix", &params, &[("examples", &input)]).unwrap_err().to_string();
    assert_eq!(
        told,
        "none of 3 examples could be mixed: no two have nodes that fit `lower` = 0.001, `upper` = 0.002"
    );
}
