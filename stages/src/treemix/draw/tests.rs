use proptest::prelude::*;

use super::super::candidates::{Labels, Pool, Rule, Span, Window};
use super::{Match, Method, Splice, pick};
use crate::data::tree::Tree;
use crate::kit::rng::Stream;

fn splice(cut: (u32, u32), paste: (u32, u32)) -> Splice {
    Splice { cut, paste }
}

/// Words of a text spliced with those of another.
fn apply(receiver: &str, donor: &str, splice: Splice) -> String {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    splice.apply(&words(receiver), &words(donor)).join(" ")
}

/// Acceptance A1: the paper's examples, as lengths of receiver, cut and paste, and the weight of the donor.
#[test]
fn weights_are_the_printed_ones() {
    for (receiver, cut, paste, over, under) in
        [(10, 3, 5, 5, 12), (18, 3, 4, 4, 19), (11, 3, 2, 2, 10), (16, 3, 2, 2, 15), (17, 5, 2, 2, 14)]
    {
        let splice = splice((1, 1 + cut), (2, 2 + paste));
        assert_eq!((splice.pasted(), splice.length(receiver)), (over, under));
    }
}

#[test]
fn only_the_span_is_replaced() {
    // The span occurs twice, and once inside a word.
    assert_eq!(apply("this is what is is", "a b c", splice((3, 4), (0, 2))), "this is what a b is");
    assert_eq!(apply("is this", "x", splice((0, 1), (0, 1))), "x this");
    // A sentence spliced with itself at the same place is itself.
    assert_eq!(apply("a b a b", "a b a b", splice((2, 4), (2, 4))), "a b a b");
}

const A: &str = "(ROOT (S (NP (PRP They)) (VP (MD will) (VP (VB find) (NP (NP (JJ little) (NN interest)) (PP (IN in) \
                 (NP (DT this) (JJ poor) (NN film)))))) (. .)))";
const B: &str = "(ROOT (S (NP (PRP It)) (VP (VBZ comes) (PP (IN as) (NP (DT a) (JJ touching) (JJ transcendent) \
                 (NN love) (NN story)))) (. .)))";

fn method(rule: Rule, upper: f64) -> Method {
    Method::Tree { rule, window: Window::of(rule, 0.1, upper, false).unwrap(), matching: Match::default() }
}

#[test]
fn the_worked_example() {
    let draw = |method: Method, rule: Rule| {
        let mut labels = Labels::default();
        let [a, b] = [A, B].map(|text| Pool::of(&Tree::parse(text).unwrap(), &mut labels, rule));
        let seeds = 0..200;
        let mut found: Vec<Splice> =
            seeds.filter_map(|seed| method.draw(&a, &b, &mut Stream::new(seed, "test"))).collect();
        found.sort_by_key(|splice| (splice.cut, splice.paste));
        found.dedup();
        found
    };
    // The donor has nothing of two or three words: the pair fails under both rules.
    assert_eq!(draw(method(Rule::AsWritten, 0.3), Rule::AsWritten), []);
    assert_eq!(draw(method(Rule::AsRun, 0.3), Rule::AsRun), []);
    // With more room the figure's label comes out: five words in the place of three.
    let wide = draw(method(Rule::AsRun, 0.6), Rule::AsRun);
    let figure = splice((6, 9), (3, 8));
    assert!(wide.contains(&figure), "{wide:?}");
    assert_eq!((figure.pasted(), figure.length(10)), (5, 12));
    assert_eq!(
        apply(
            "They will find little interest in this poor film .",
            "It comes as a touching transcendent love story .",
            figure
        ),
        "They will find little interest in a touching transcendent love story ."
    );
}

#[test]
fn what_two_nodes_must_share() {
    let span = |start, end, label| Span { start, end, label };
    let a = [span(0, 1, 1), span(1, 3, 2), span(3, 6, 1)];
    let b = [span(4, 6, 1), span(0, 2, 2), span(6, 7, 3)];
    let all = |matching: Match| {
        let seeds = 0..300;
        let mut found: Vec<_> =
            seeds.filter_map(|seed| pick(&a, &b, matching, &mut Stream::new(seed, "test"))).collect();
        found.sort_by_key(|(x, y)| (x.start, y.start));
        found.dedup();
        found
    };
    assert_eq!(all(Match::default()).len(), 9);
    let label = Match { label: true, length: false };
    assert_eq!(all(label), [(a[0], b[0]), (a[1], b[1]), (a[2], b[0])]);
    let length = Match { label: false, length: true };
    assert_eq!(all(length), [(a[0], b[2]), (a[1], b[1]), (a[1], b[0])]);
    let both = Match { label: true, length: true };
    assert_eq!(all(both), [(a[1], b[1])]);
    // Nothing shared fails, and so does an empty side.
    assert_eq!(pick(&a[..1], &b[1..], both, &mut Stream::new(0, "test")), None);
    assert_eq!(pick(&a, &[], Match::default(), &mut Stream::new(0, "test")), None);
}

#[test]
fn shared_labels_are_drawn_before_nodes() {
    let span = |start, label| Span { start, end: start + 1, label };
    // Nine nodes of one label against one of the other: each label comes up half the time.
    let a: Vec<Span> = (0..9).map(|i| span(i, 1)).chain([span(9, 2)]).collect();
    let matching = Match { label: true, length: false };
    let second = (0..2000)
        .filter(|seed| pick(&a, &a, matching, &mut Stream::new(*seed, "test")).unwrap().0.label == 2)
        .count();
    assert!((900..1100).contains(&second), "{second}");
}

proptest! {
    #[test]
    fn the_control_takes_out_as_many_words_as_it_puts_in(l in 0_usize..30, m in 0_usize..30, seed in 0_u64..1000) {
        let method = Method::Random { upper: 0.3 };
        let drawn = method.draw(&Pool::bare(l), &Pool::bare(m), &mut Stream::new(seed, "test"));
        prop_assert_eq!(drawn.is_some(), l > 0 && m > 0);
        if let Some(splice) = drawn {
            prop_assert_eq!(splice.length(l), l);
            prop_assert!(splice.pasted() >= 1 && splice.pasted() <= m.min(l));
            prop_assert!(splice.pasted() == 1 || 10 * splice.pasted() <= 3 * l);
            prop_assert!(splice.cut.1 as usize <= l && splice.paste.1 as usize <= m);
        }
    }

    #[test]
    fn splicing_keeps_both_ends_and_all_words(
        a in prop::collection::vec(0_u8..20, 1..20), b in prop::collection::vec(0_u8..20, 1..20), seed in 0_u64..10_000
    ) {
        let mut stream = Stream::new(seed, "test");
        let mut span = |length: usize| {
            let start = stream.below(length);
            (start as u32, (start + 1 + stream.below(length - start)) as u32)
        };
        let splice = splice(span(a.len()), span(b.len()));
        let new = splice.apply(&a, &b);
        let [(r, s), (p, q)] = [splice.cut, splice.paste].map(|(start, end)| (start as usize, end as usize));
        prop_assert_eq!(new.len(), splice.length(a.len()));
        prop_assert_eq!(&new[..r], &a[..r]);
        prop_assert_eq!(&new[r..r + splice.pasted()], &b[p..q]);
        prop_assert_eq!(&new[r + splice.pasted()..], &a[s..]);
        let back = splice_back(splice);
        prop_assert_eq!(back.apply(&new, &a), a);
    }
}

/// Undoes a splice: what was cut goes back where something was pasted.
fn splice_back(splice: Splice) -> Splice {
    Splice { cut: (splice.cut.0, splice.cut.0 + splice.pasted() as u32), paste: splice.cut }
}
