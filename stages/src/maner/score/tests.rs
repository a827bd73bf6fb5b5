use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Score, accuracy, boundaries, f1_by_surface};
use crate::data::tagged::Sentence;
use crate::data::tags::{Tag, lenient, strict};

/// The golden figures have four decimals.
const TOLERANCE: f64 = 5e-5;

fn sentences(text: &str) -> Vec<Vec<Tag>> {
    text.split('|').map(|s| s.split_whitespace().map(|t| Tag::parse(t).unwrap()).collect()).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < TOLERANCE
}

/// Gold, prediction, lenient P R F, strict P R F, macro F, weighted F, all computed by seqeval 1.2.2.
type Golden = (&'static str, &'static str, [f64; 3], [f64; 3], f64, f64);

const GOLDEN: [Golden; 13] = [
    ("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 1.0, 1.0),
    ("B-PER I-PER O B-LOC", "I-PER I-PER O B-LOC", [1.0, 1.0, 1.0], [1.0, 0.5, 0.6667], 1.0, 1.0),
    ("B-PER I-PER O B-LOC", "B-PER B-PER O B-LOC", [0.3333, 0.5, 0.4], [0.3333, 0.5, 0.4], 0.5, 0.5),
    ("B-PER I-PER O B-LOC", "B-PER I-LOC O B-LOC", [0.3333, 0.5, 0.4], [0.5, 0.5, 0.5], 0.3333, 0.3333),
    ("B-PER I-PER O B-LOC", "B-PER I-PER I-LOC B-LOC", [0.6667, 1.0, 0.8], [1.0, 1.0, 1.0], 0.8333, 0.8333),
    ("B-PER I-PER O B-LOC", "O O O O", [0.0; 3], [0.0; 3], 0.0, 0.0),
    ("O O O", "O O O", [0.0; 3], [0.0; 3], 0.0, 0.0),
    ("O O O", "B-PER O O", [0.0; 3], [0.0; 3], 0.0, 0.0),
    ("B-ORG I-ORG I-ORG", "B-ORG O I-ORG", [0.0; 3], [0.0; 3], 0.0, 0.0),
    ("I-PER I-PER O", "B-PER I-PER O", [1.0, 1.0, 1.0], [0.0; 3], 1.0, 1.0),
    ("B-LOC B-LOC", "B-LOC I-LOC", [0.0; 3], [0.0; 3], 0.0, 0.0),
    ("B-PER O B-PER | B-PER", "B-PER O O | B-LOC", [0.5, 0.3333, 0.4], [0.5, 0.3333, 0.4], 0.25, 0.5),
    ("B-PER | I-PER", "B-PER | B-PER", [1.0, 1.0, 1.0], [0.5, 1.0, 0.6667], 1.0, 1.0),
];

#[test]
fn golden_table() {
    for (i, (gold, predicted, wide, narrow, macro_f1, weighted_f1)) in GOLDEN.into_iter().enumerate() {
        let case = format!("G{}", i + 1);
        let (gold, predicted) = (sentences(gold), sentences(predicted));
        for (read, expected) in [(lenient as fn(&[Tag]) -> _, wide), (strict, narrow)] {
            let micro = Score::of(&gold, &predicted, read).unwrap().micro();
            let found = [micro.precision(), micro.recall(), micro.f1()];
            assert!(
                found.iter().zip(expected).all(|(a, b)| near(*a, b)),
                "{case}: {found:?}, not {expected:?}"
            );
        }
        let score = Score::of(&gold, &predicted, lenient).unwrap();
        let (found, weighted) = (score.macro_mean().f1, score.weighted_mean().f1);
        assert!(near(found, macro_f1), "{case}: macro {found}, not {macro_f1}");
        assert!(near(weighted, weighted_f1), "{case}: weighted {weighted}, not {weighted_f1}");
    }
}

/// Random tags and what seqeval says of them, made by `golden.py`.
#[derive(serde::Deserialize)]
struct Case {
    gold: Vec<String>,
    predicted: Vec<String>,
    lenient: [[f64; 3]; 3],
    strict: [[f64; 3]; 3],
}

#[test]
fn random_tags_score_as_seqeval_has_it() {
    let mut cases = 0;
    for line in include_str!("golden.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let [gold, predicted] = [&case.gold, &case.predicted].map(|side| sentences(&side.join("|")));
        for (read, expected) in [(lenient as fn(&[Tag]) -> _, case.lenient), (strict, case.strict)] {
            let score = Score::of(&gold, &predicted, read).unwrap();
            let micro = score.micro();
            let of = |mean: super::Triple| [mean.precision, mean.recall, mean.f1];
            let found = [
                [micro.precision(), micro.recall(), micro.f1()],
                of(score.macro_mean()),
                of(score.weighted_mean()),
            ];
            let exact =
                found.iter().flatten().zip(expected.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-8);
            assert!(exact, "{line}\nfound {found:?}");
        }
        cases += 1;
    }
    assert_eq!(cases, 200);
}

#[test]
fn shapes_must_agree() {
    let refuse = |gold: &str, predicted: &str| {
        Score::of(&sentences(gold), &sentences(predicted), lenient).unwrap_err()
    };
    assert_eq!(refuse("O | O", "O"), "expected 2 predicted sentences, found 1");
    assert_eq!(refuse("O | O O", "O | O"), "expected 2 predicted tags in sentence 2, found 1");
}

#[test]
fn accuracy_counts_words() {
    assert!(near(accuracy(&sentences("O B-PER | O"), &sentences("O O | O")), 0.6667));
    assert!(near(accuracy(&[], &[]), 0.0));
}

#[test]
fn boundaries_forget_types() {
    let (gold, predicted) = (sentences("B-PER I-PER O B-LOC"), sentences("B-ORG I-ORG O O"));
    let of = |tags: &[Vec<Tag>]| tags.iter().map(|t| boundaries(t)).collect::<Vec<_>>();
    let micro = Score::of(&of(&gold), &of(&predicted), lenient).unwrap().micro();
    assert_eq!((micro.gold, micro.predicted, micro.correct), (2, 1, 1));
}

#[test]
fn surfaces_part_the_recall() {
    let gold = Sentence {
        words: ["ana", "met", "ben", "in", "rome"].map(str::to_owned).to_vec(),
        tags: sentences("B-PER O B-PER O B-LOC").remove(0),
    };
    let predicted = sentences("B-PER O O O B-LOC");
    let all = Score::of(std::slice::from_ref(&gold.tags), &predicted, lenient).unwrap().micro();
    let known = BTreeSet::from(["ana".to_owned()]);
    // Precision 1; recall 1 of the known one, 1/2 of the two others.
    let (seen, unseen) = f1_by_surface(&[gold], &predicted, &known, all);
    assert!(near(seen, 1.0) && near(unseen, 0.6667), "{seen} {unseen}");
}

fn any_tag() -> impl Strategy<Value = Tag> {
    let kind = prop_oneof!["PER", "LOC"];
    prop_oneof![Just(Tag::Outside), kind.clone().prop_map(Tag::Begin), kind.prop_map(Tag::Inside)]
}

/// Sentences with gold and predicted tags.
fn any_pairs() -> impl Strategy<Value = Vec<Vec<(Tag, Tag)>>> {
    prop::collection::vec(prop::collection::vec((any_tag(), any_tag()), 0..8), 1..6)
}

fn unzip(pairs: &[Vec<(Tag, Tag)>]) -> (Vec<Vec<Tag>>, Vec<Vec<Tag>>) {
    pairs.iter().map(|s| s.iter().cloned().unzip::<_, _, Vec<_>, Vec<_>>()).unzip()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn symmetry_and_bounds(pairs in any_pairs()) {
        let (gold, predicted) = unzip(&pairs);
        for read in [lenient as fn(&[Tag]) -> _, strict] {
            let there = Score::of(&gold, &predicted, read).unwrap().micro();
            let back = Score::of(&predicted, &gold, read).unwrap().micro();
            let (p, r, f) = (there.precision(), there.recall(), there.f1());
            prop_assert_eq!((p, r), (back.recall(), back.precision()));
            prop_assert!((f - back.f1()).abs() < 1e-12);
            prop_assert!(p.min(r) - 1e-12 <= f && f <= p.max(r) + 1e-12);
            let same = Score::of(&gold, &gold, read).unwrap().micro();
            prop_assert!(same.gold == 0 || (same.f1() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn order_does_not_matter_and_halves_add(pairs in any_pairs(), cut in 0_usize..6) {
        let (gold, predicted) = unzip(&pairs);
        let whole = Score::of(&gold, &predicted, lenient).unwrap();
        let mut turned = pairs.clone();
        turned.reverse();
        let (g, p) = unzip(&turned);
        prop_assert_eq!(&Score::of(&g, &p, lenient).unwrap(), &whole);
        let cut = cut.min(pairs.len());
        let half = |r: std::ops::Range<usize>| Score::of(&gold[r.clone()], &predicted[r], lenient).unwrap().micro();
        prop_assert_eq!(half(0..cut) + half(cut..pairs.len()), whole.micro());
    }

    #[test]
    fn valid_tags_score_alike_in_both_readings(pairs in any_pairs()) {
        let (gold, predicted) = unzip(&pairs);
        let repair = |s: &[Vec<Tag>]| s.iter().map(|t| crate::data::tags::repair(t)).collect::<Vec<_>>();
        let (gold, predicted) = (repair(&gold), repair(&predicted));
        prop_assert_eq!(
            Score::of(&gold, &predicted, lenient).unwrap(),
            Score::of(&gold, &predicted, strict).unwrap()
        );
    }
}
