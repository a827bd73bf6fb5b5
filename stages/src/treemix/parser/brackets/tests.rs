use super::Score;
use crate::data::tree::Tree;

fn score(gold: &str, parsed: &str) -> Score {
    let mut score = Score::default();
    let parsed = (!parsed.is_empty()).then(|| Tree::parse(parsed).unwrap());
    score.add(&Tree::parse(gold).unwrap(), parsed.as_ref()).unwrap();
    score
}

const GOLD: &str =
    "(ROOT (S (NP (DT the) (NN dog)) (VP (VBZ sees) (NP (NNS stars)) (PP (IN at) (NP (NN night)))) (. .)))";

#[test]
fn brackets_by_hand() {
    let same = score(GOLD, GOLD);
    assert_eq!((same.gold, same.parsed, same.shared, same.exact), (6, 6, 6, 1));
    assert_eq!((same.words, same.tagged), (6, 6), "the full stop is not scored");
    let other = "(ROOT (S (NP (DT the) (NN dog)) (VP (VBZ sees) (NP (NP (NN stars)) (PP (IN at) (NP (NN night))))) (. .)))";
    let found = score(GOLD, other);
    assert_eq!((found.gold, found.parsed, found.shared, found.exact, found.tagged), (6, 7, 6, 0, 5));
    assert!((found.f1() - 100.0 * 12.0 / 13.0).abs() < 1e-9);
}

#[test]
fn punctuation_is_not_counted_wherever_it_hangs() {
    let high = "(ROOT (S (NP (NN dog)) (, ,) (VP (VBZ sees)) (. .)))";
    let low = "(ROOT (S (NP (NN dog) (, ,)) (VP (VBZ sees) (. .))))";
    assert_eq!(score(high, low).exact, 1);
    // Punctuation is what the gold tree calls so.
    assert_eq!(score(high, &low.replace("(, ,)", "(NN ,)")).exact, 1);
}

#[test]
fn labels_that_count_as_one_and_chains() {
    assert_eq!(score("(S (PRT (RP up)) (V go))", "(S (ADVP (RP up)) (V go))").shared, 2);
    assert_eq!(score("(S (NP (NP (N a))) (V b))", "(S (NP (N a)) (V b))").shared, 2);
}

#[test]
fn a_failed_parse_misses_everything() {
    let none = score(GOLD, "");
    assert_eq!((none.gold, none.parsed, none.failed, none.tagged), (6, 0, 1, 0));
    assert_eq!((none.recall(), none.precision(), none.f1()), (0.0, 0.0, 0.0));
    let told = Score::default().add(&Tree::parse("(S (A a))").unwrap(), Some(&Tree::parse(GOLD).unwrap()));
    assert_eq!(told.unwrap_err(), "expected a parse of 1 words, found 7");
}
