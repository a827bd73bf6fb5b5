use super::{Masked, Masking};
use crate::kit::rng::Stream;
use crate::maner::tokenizer::Special;

const SPECIAL: Special = Special { start: 0, pad: 1, end: 2, unknown: 3, mask: 4 };
const MASKING: Masking = Masking { rate: 0.15, whole_word: false, special: SPECIAL, vocabulary: 300 };

/// Sentences of ordinary ids between special ones; every third token goes on with a word.
fn text(tokens: usize) -> (Vec<u32>, Vec<bool>) {
    let ids = (0..tokens as u32).map(|i| match i % 20 {
        0 => SPECIAL.start,
        19 => SPECIAL.end,
        7 => SPECIAL.unknown,
        _ => 5 + i.wrapping_mul(7919) % 295,
    });
    let ids: Vec<u32> = ids.collect();
    let starts = ids.iter().enumerate().map(|(i, id)| i % 3 != 2 || SPECIAL.contains(*id)).collect();
    (ids, starts)
}

#[test]
fn shares_are_those_of_the_paper() {
    let (ids, starts) = text(1_000_000);
    for whole_word in [false, true] {
        let masked = Masking { whole_word, ..MASKING }.apply(&ids, &starts, Stream::new(1, "mask"));
        let ordinary = ids.iter().filter(|id| !SPECIAL.contains(**id)).count();
        let share = |n: usize, of: usize| 100.0 * n as f64 / of as f64;
        let selected = masked.sites.len();
        let rate = share(selected, ordinary);
        assert!((rate - 15.0).abs() < 0.2, "{rate} % selected");
        let now = |at: &u32| masked.ids[*at as usize];
        let hidden = share(masked.sites.iter().filter(|at| now(at) == SPECIAL.mask).count(), selected);
        let same = masked.sites.iter().zip(&masked.words).filter(|(at, word)| now(at) == **word).count();
        // One random token in 295 is the old one.
        let same = share(same, selected) - 10.0 / 295.0;
        assert!((hidden - 80.0).abs() < 0.5 && (same - 10.0).abs() < 0.5, "{hidden} % masked, {same} % kept");
    }
}

#[test]
fn only_selected_tokens_change() {
    let (ids, starts) = text(20_000);
    let Masked { ids: seen, sites, words } = MASKING.apply(&ids, &starts, Stream::new(2, "mask"));
    assert!(sites.windows(2).all(|w| w[0] < w[1]));
    for (at, id) in ids.iter().enumerate() {
        match sites.binary_search(&(at as u32)) {
            Ok(i) => {
                assert_eq!(words[i], *id, "the label is what stood there");
                assert!(!SPECIAL.contains(*id), "special tokens are never selected");
                assert!(seen[at] == SPECIAL.mask || !SPECIAL.contains(seen[at]), "nor drawn");
            }
            Err(_) => assert_eq!(seen[at], *id),
        }
    }
}

#[test]
fn a_word_is_hidden_whole() {
    let (ids, starts) = text(20_000);
    let masked = Masking { whole_word: true, ..MASKING }.apply(&ids, &starts, Stream::new(3, "mask"));
    let selected = |at: usize| masked.sites.binary_search(&(at as u32)).is_ok();
    for at in 1..ids.len() {
        if !starts[at] && !SPECIAL.contains(ids[at - 1]) {
            assert_eq!(selected(at), selected(at - 1), "subwords of one word");
        }
    }
}

#[test]
fn a_stream_gives_the_same_holes() {
    let (ids, starts) = text(500);
    let apply = |seed| MASKING.apply(&ids, &starts, Stream::new(seed, "mask"));
    assert_eq!(apply(4), apply(4));
    assert_ne!(apply(4), apply(5));
}

#[test]
fn there_is_always_something_to_guess() {
    let ids = [SPECIAL.start, 9, SPECIAL.end];
    for seed in 0..50 {
        assert_eq!(MASKING.apply(&ids, &[true; 3], Stream::new(seed, "mask")).words, [9]);
    }
    let nothing = MASKING.apply(&[SPECIAL.start, SPECIAL.end], &[true; 2], Stream::new(0, "mask"));
    assert!(nothing.sites.is_empty());
}
