#![expect(clippy::float_cmp, reason = "a share is 0 or 1 exactly")]

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::candidates::{Rule, Window};
use super::super::draw::{Match, Method};
use super::super::mixed::{self, Mixed};
use super::{Made, Pairing, Pools, augment, collect};
use crate::data::labelled::{Labelled, Sentence};
use crate::data::tree::Tree;
use crate::kit::rng::Stream;

fn method(rule: Rule) -> Method {
    Method::Tree { rule, window: Window::of(rule, 0.1, 0.5, false).unwrap(), matching: Match::default() }
}

/// Trees of 1 to 12 words, with labels and words that tell where they come from.
fn tree(seed: u64) -> Tree {
    fn grow(from: usize, to: usize, stream: &mut Stream, out: &mut String, seed: u64) {
        if to - from == 1 {
            let _ = write!(out, "(T w{seed}.{from})");
            return;
        }
        let cut = from + 1 + stream.below(to - from - 1);
        out.push_str(["(A ", "(B ", "(C "][stream.below(3)]);
        grow(from, cut, stream, out, seed);
        out.push(' ');
        grow(cut, to, stream, out, seed);
        out.push(')');
    }
    let mut stream = Stream::new(seed, "tree");
    let words = 1 + stream.below(12);
    let mut out = String::new();
    grow(0, words, &mut stream, &mut out, seed);
    Tree::parse(&out).unwrap()
}

fn labelled(count: u64, pairs: bool) -> Labelled {
    let sentence = |seed| Sentence::of_tree(tree(seed));
    let row = |i: u64| {
        (["x", "y", "z"][i as usize % 3].to_owned(), sentence(2 * i), pairs.then(|| sentence(2 * i + 1)))
    };
    Labelled::of((0..count).map(row).collect())
}

fn make(labelled: &Labelled, method: &Method, pairing: Pairing, seed: u64) -> Made {
    let pools = Pools::of(labelled, method).unwrap();
    let rows: Vec<u32> = (0..pools.len() as u32).collect();
    augment(&pools, &rows, method, pairing, 3 * rows.len(), Stream::new(seed, "test"))
}

/// The mixtures as they are read back.
fn read(labelled: &Labelled, made: &Made) -> Vec<Mixed> {
    let mut blobs = runpipe_base::MemoryBlobs::default();
    let artifact = blobs.keep(mixed::write(labelled, &made.mixtures));
    mixed::read(&runpipe_base::View::new(&artifact, &blobs)).unwrap().1
}

#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    let labelled = labelled(60, true);
    for (method, pairing) in
        [(method(Rule::AllNodes), Pairing::Uniform), (Method::Random { upper: 0.3 }, Pairing::Permuted)]
    {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let made = make(&labelled, &method, pairing, 4);
                let rows = mixed::rows(&labelled, &made.mixtures);
                (made, rows)
            })
        };
        assert_eq!(on(1), on(4));
    }
}

#[test]
fn permuted_pairs_repeat_in_rounds() {
    let labelled = labelled(30, false);
    let made = make(&labelled, &Method::Random { upper: 0.3 }, Pairing::Permuted, 1);
    assert_eq!(made.attempts, 90, "every attempt of the control succeeds");
    let pairs: Vec<_> = made.mixtures.iter().map(|m| (m.receiver, m.donor)).collect();
    assert_eq!(pairs[..30], pairs[30..60]);
    let mut receivers: Vec<u32> = pairs[..30].iter().map(|(a, _)| *a).collect();
    receivers.sort_unstable();
    assert_eq!(receivers, (0..30).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_mixed_ends() {
    // Three words at most: nothing lies strictly between a tenth and three tenths of them.
    let short = Labelled::of(vec![(
        "x".into(),
        Sentence::of_tree(Tree::parse("(S (A a) (B b) (C c))").unwrap()),
        None,
    )]);
    let window = Window::of(Rule::AsRun, 0.1, 0.3, false).unwrap();
    let method = Method::Tree { rule: Rule::AsRun, window, matching: Match::default() };
    assert_eq!(make(&short, &method, Pairing::Uniform, 0), Made { wanted: 3, ..Made::default() });
    let none = Labelled::default();
    assert_eq!(make(&none, &Method::Random { upper: 0.3 }, Pairing::Uniform, 0), Made::default());
    let (found, tried) = collect(5, 100, |k| (k % 40 == 7).then_some(k));
    assert_eq!((found, tried), (vec![7, 47, 87], 100));
    assert_eq!(collect(2, 100, |k| (k % 40 == 7).then_some(k)), (vec![7, 47], 48));
}

#[test]
fn a_sentence_without_a_tree_is_told() {
    let bare = Labelled::of(vec![("x".into(), Sentence::of("a b c"), None)]);
    let told = Pools::of(&bare, &method(Rule::AsRun)).unwrap_err().to_string();
    assert!(told.starts_with("expected a tree over every sentence, found none in row 1"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn mixtures_keep_the_invariants(seed in 0_u64..1000, pairs in any::<bool>(), which in 0_usize..4) {
        let labelled = labelled(20, pairs);
        let rules = [Rule::AsRun, Rule::AsWritten, Rule::AllNodes];
        let method = rules.get(which).map_or(Method::Random { upper: 0.3 }, |rule| method(*rule));
        let made = make(&labelled, &method, Pairing::Uniform, seed);
        prop_assert!(made.mixtures.len() == made.wanted || made.attempts == 200 * made.wanted as u64);
        let read = read(&labelled, &made);
        prop_assert_eq!(read.len(), made.mixtures.len());
        for (mixture, mixed) in made.mixtures.iter().zip(&read) {
            let [a, b] = [mixture.receiver, mixture.donor].map(|row| &labelled.examples[row as usize]);
            prop_assert_eq!(&mixed.first, &mixture.first.apply(&a.first.words, &b.first.words));
            let second = mixture.second.map(|splice| {
                splice.apply(&a.second.as_ref().unwrap().words, &b.second.as_ref().unwrap().words)
            });
            prop_assert_eq!(&mixed.second, &second);
            let label = mixed.label(3);
            prop_assert!((label.iter().sum::<f32>() - 1.0).abs() < 1e-6 && label.iter().all(|q| *q >= 0.0));
            for (class, share) in label.iter().enumerate() {
                prop_assert!(*share == 0.0 || class == a.class || class == b.class);
            }
            prop_assert!(a.class != b.class || label[a.class] == 1.0);
            let foreign = mixed.first.iter().chain(second.iter().flatten());
            let donor = mixture.donor;
            let owned = |w: &&String| w.starts_with(&format!("w{}.", 2 * donor)) || w.starts_with(&format!("w{}.", 2 * donor + 1));
            let count = foreign.filter(owned).count();
            prop_assert!(mixture.receiver == donor || count == mixed.inserted, "{mixed:?}");
            // Every chosen node is one of its tree, and obeys the rule.
            if let Method::Tree { rule, window, .. } = method {
                let l = a.first.words.len();
                let over = if rule == Rule::AsRun { l } else { b.first.words.len() };
                for (example, (start, end), words) in [(a, mixture.first.cut, l), (b, mixture.first.paste, over)] {
                    let tree = example.first.tree.as_ref().unwrap();
                    let at = tree.nodes().iter().position(|n| (n.start as u32, n.end as u32) == (start, end));
                    prop_assert!(at.is_some());
                    prop_assert!(rule != Rule::AsWritten || tree.arity(at.unwrap()) >= 2);
                    let (from, to) = window.lengths(words);
                    prop_assert!((from..to).contains(&((end - start) as usize)));
                }
            }
        }
    }

    #[test]
    fn swapping_the_sentences_of_pairs_swaps_the_outcome(seed in 0_u64..100) {
        let one = labelled(8, true);
        let mut two = one.clone();
        for example in &mut two.examples {
            let second = example.second.replace(example.first.clone());
            example.first = second.unwrap();
        }
        for mixture in make(&one, &method(Rule::AllNodes), Pairing::Uniform, seed).mixtures {
            let swapped = super::Mixture { first: mixture.second.unwrap(), second: Some(mixture.first), ..mixture };
            let of = |labelled: &Labelled, mixture| read(labelled, &Made { mixtures: vec![mixture], ..Made::default() }).remove(0);
            let (a, b) = (of(&one, mixture), of(&two, swapped));
            prop_assert_eq!((a.label(3), Some(a.first), a.second), (b.label(3), b.second, Some(b.first)));
        }
    }
}
