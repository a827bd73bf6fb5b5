use proptest::prelude::*;

use super::{Decoding, decode, greedy, probability};
use crate::data::tags::{Tag, orphan};

fn labels() -> Vec<Tag> {
    ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"].iter().map(|tag| Tag::parse(tag).unwrap()).collect()
}

fn valid(scores: &[Vec<f32>], labels: &[Tag]) -> Vec<usize> {
    decode(scores, labels, Decoding::Valid, None)
}

#[test]
fn an_inside_needs_what_it_continues() {
    let scores = [vec![0.0, 0.5, 0.0, 2.0, 3.0], vec![0.0, 0.0, 2.0, 0.0, 1.5]];
    assert_eq!(greedy(&scores), [4, 2], "each word on its own");
    assert_eq!(valid(&scores, &labels()), [3, 4], "2.0 + 1.5 is more than 0.5 + 2.0");
    assert_eq!(valid(&[], &labels()), Vec::<usize>::new());
    assert_eq!(greedy(&[vec![1.0, 1.0]]), [0], "the first of equals");
}

#[test]
fn probabilities_are_those_of_the_softmax() {
    let scores = [0.0, 2.0_f32.ln(), 5.0_f32.ln()];
    for (label, expected) in [(0, 0.125), (1, 0.25), (2, 0.625)] {
        assert!((probability(&scores, label) - expected).abs() < 1e-7);
    }
    assert!((probability(&[1000.0, -1000.0], 0) - 1.0).abs() < 1e-12, "no overflow");
}

/// All sequences of `n` labels.
fn all(n: usize, k: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![Vec::new()], |sequences, _| {
        sequences.iter().flat_map(|s| (0..k).map(move |l| [s.as_slice(), &[l]].concat())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_valid_sequence_is_better(scores in prop::collection::vec(prop::collection::vec(-3.0_f32..3.0, 5), 1..5)) {
        let labels = labels();
        let tags = |path: &[usize]| path.iter().map(|k| labels[*k].clone()).collect::<Vec<_>>();
        let sum = |path: &[usize]| path.iter().zip(&scores).map(|(k, row)| f64::from(row[*k])).sum::<f64>();
        let found = valid(&scores, &labels);
        prop_assert_eq!(orphan(&tags(&found)), None);
        for path in all(scores.len(), 5).iter().filter(|path| orphan(&tags(path)).is_none()) {
            prop_assert!(sum(path) <= sum(&found) + 1e-9);
        }
        // What each step is worth decides too, in all sequences or in the valid ones.
        let step = |before: usize, label: usize| ((before * 7 + label * 3) % 5) as f32 - 2.0;
        let table: Vec<f32> = (0..6).flat_map(|before| (0..5).map(move |label| step(before, label))).collect();
        let steps = |path: &[usize]| {
            let before = std::iter::once(5).chain(path.iter().copied());
            sum(path) + before.zip(path).map(|(b, k)| f64::from(step(b, *k))).sum::<f64>()
        };
        for decoding in [Decoding::Greedy, Decoding::Valid] {
            let found = decode(&scores, &labels, decoding, Some(&table));
            let allowed = |path: &[usize]| decoding == Decoding::Greedy || orphan(&tags(path)).is_none();
            prop_assert!(allowed(&found));
            for path in all(scores.len(), 5).iter().filter(|path| allowed(path)) {
                prop_assert!(steps(path) <= steps(&found) + 1e-6);
            }
        }
        let free = greedy(&scores);
        if orphan(&tags(&free)).is_none() {
            prop_assert!((sum(&free) - sum(&found)).abs() < 1e-9);
        }
    }
}
