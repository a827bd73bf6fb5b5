use proptest::prelude::*;

use super::{Labels, Pool, Rule, Window};
use crate::data::tree::Tree;

const TREE: &str = "(ROOT (S (NP (PRP They)) (VP (MD will) (VP (VB find) (NP (NP (JJ little) (NN interest)) (PP (IN \
                    in) (NP (DT this) (JJ poor) (NN film)))))) (. .)))";

fn chosen(rule: Rule, lower: f64, upper: f64) -> Vec<String> {
    let tree = Tree::parse(TREE).unwrap();
    let pool = Pool::of(&tree, &mut Labels::default(), rule);
    let window = Window::of(rule, lower, upper, false).unwrap();
    let spans = pool.within(window.lengths(tree.words().len()));
    spans.iter().map(|span| tree.words()[span.start as usize..span.end as usize].join(" ")).collect()
}

/// Acceptance A1: the paper's table of intervals.
#[test]
fn closed_and_open_intervals() {
    let (written, run) = (Rule::AsWritten, Rule::AsRun);
    assert_eq!(chosen(written, 0.1, 0.3), ["little interest", "this poor film"]);
    assert_eq!(chosen(written, 0.3, 0.5), ["this poor film", "in this poor film"]);
    assert_eq!(
        chosen(written, 0.5, 0.7),
        ["little interest in this poor film", "find little interest in this poor film"]
    );
    // One tenth and three tenths themselves are out.
    assert_eq!(chosen(run, 0.1, 0.3), ["little interest"]);
    assert_eq!(chosen(Rule::AllNodes, 0.1, 0.1).len(), 11, "every tag, and the phrase of one word once more");
}

#[test]
fn lengths_that_can_never_take_part() {
    let window = |rule| Window::of(rule, 0.1, 0.3, false).unwrap();
    for words in 0..4 {
        let (from, to) = window(Rule::AsRun).lengths(words);
        assert!(from >= to, "nothing fits {words} words");
    }
    for words in 4..=6 {
        assert_eq!(window(Rule::AsRun).lengths(words), (1, 2));
    }
    // Of two words and more nothing fits six.
    assert!((0..=6).all(|words| window(Rule::AsWritten).lengths(words).1 <= 2));
    assert_eq!(window(Rule::AsWritten).lengths(7), (1, 3));
}

#[test]
fn pairs_have_the_lower_bound_of_the_released_code() {
    let pair = Window::of(Rule::AsRun, 0.1, 0.3, true).unwrap();
    assert_eq!(pair.lengths(10), (1, 3), "one tenth is inside");
    assert_eq!(Window::of(Rule::AsRun, 0.1, 0.3, false).unwrap().lengths(10), (2, 3));
    assert_eq!(Window::of(Rule::AsWritten, 0.1, 0.3, true).unwrap().lengths(10), (1, 4));
    // 0.5 − 0.2 is 0.3 in doubles too.
    assert_eq!(Window::of(Rule::AsRun, 0.1, 0.5, true).unwrap().lengths(10), (4, 5));
}

#[test]
fn bounds_that_mean_nothing_are_told() {
    let told = |lower, upper| Window::of(Rule::AsWritten, lower, upper, false).unwrap_err().to_string();
    assert_eq!(told(0.4, 0.3), "`lower` is 0.4, above `upper`, which is 0.3");
    assert_eq!(told(0.1, 0.33333), "`upper` is 0.33333, expected whole thousandths");
}

#[test]
fn chains_repeat_their_span() {
    let tree = Tree::parse("(S (NP (NN dogs)) (VP (VBP bark)))").unwrap();
    let pool = Pool::of(&tree, &mut Labels::default(), Rule::AllNodes);
    assert_eq!(pool.within((1, 2)).iter().filter(|span| span.start == 0).count(), 2);
    assert_eq!(Pool::of(&tree, &mut Labels::default(), Rule::AsWritten).all().len(), 1);
    assert_eq!(Pool::any(3).all().len(), 6);
}

proptest! {
    #[test]
    fn lengths_are_those_of_the_fractions(words in 0_usize..200, lower in 0_usize..1000, more in 0_usize..1000, closed in any::<bool>()) {
        let upper = (lower + more).min(1000);
        let window = Window { lower, closed_below: closed, upper, closed_above: closed };
        let (from, to) = window.lengths(words);
        for k in 1..=words {
            let inside = if closed {
                1000 * k >= lower * words && 1000 * k <= upper * words
            } else {
                1000 * k > lower * words && 1000 * k < upper * words
            };
            prop_assert_eq!((from..to).contains(&k), inside);
        }
        // A wider window loses nothing.
        let wide = Window { lower: lower / 2, upper: usize::midpoint(upper, 1000), ..window };
        let (a, b) = wide.lengths(words);
        prop_assert!((from..to).all(|k| (a..b).contains(&k)));
    }
}
