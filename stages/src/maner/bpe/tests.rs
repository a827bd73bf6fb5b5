use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Merges, learn};

fn counts(words: &[(&str, u64)]) -> BTreeMap<String, u64> {
    words.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

fn shown(merges: &Merges) -> Vec<String> {
    merges.pairs.iter().map(|(a, b)| format!("{}+{}", merges.pieces[*a], merges.pieces[*b])).collect()
}

#[test]
fn the_example_of_the_paper() {
    let merges = learn(&counts(&[("low.", 5), ("lower.", 2), ("newest.", 6), ("widest.", 3)]), 22);
    assert_eq!(merges.pieces[..11].concat(), ".deilnorstw", "single characters first");
    // The paper merges `e s`, `es t`, `est .`, `l o`, `lo w`, …; equals go to the smaller ids here.
    let expected = "e+s t+. es+t. l+o lo+w e+w n+ew new+est. low+. d+est. i+dest.";
    assert_eq!(shown(&merges).join(" "), expected);
}

#[test]
fn rare_characters_make_room() {
    let merges = learn(&counts(&[("aab", 9), ("xyz", 1)]), 4);
    assert_eq!(merges.pieces, ["a", "b", "aa", "aab"]);
}

/// The plain algorithm: count all pairs anew for every merge.
fn plain(counts: &BTreeMap<String, u64>, size: usize) -> Vec<String> {
    let merges = learn(counts, size);
    let letters = merges.pieces.iter().filter(|p| p.chars().count() == 1).count();
    let mut pieces: Vec<String> = merges.pieces[..letters].to_vec();
    let mut words: Vec<(Vec<usize>, u64)> = Vec::new();
    for (word, n) in counts {
        let ids = word.chars().filter_map(|c| pieces.iter().position(|p| *p == c.to_string()));
        words.push((ids.collect(), *n));
    }
    let mut order = Vec::new();
    while pieces.len() < size {
        let mut found: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for (word, n) in &words {
            word.windows(2).for_each(|w| *found.entry((w[0], w[1])).or_default() += n);
        }
        let best = found.iter().max_by_key(|(pair, n)| (**n, std::cmp::Reverse(**pair)));
        let Some((&pair, _)) = best.filter(|(_, n)| **n >= 2) else { break };
        let name = format!("{}{}", pieces[pair.0], pieces[pair.1]);
        let shown = format!("{}+{}", pieces[pair.0], pieces[pair.1]);
        if !order.contains(&shown) {
            order.push(shown);
        }
        let new = pieces.iter().position(|p| *p == name).unwrap_or_else(|| {
            pieces.push(name);
            pieces.len() - 1
        });
        for (word, _) in &mut words {
            *word = super::join(word, pair, new);
        }
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn merges_are_those_of_the_plain_algorithm(
        words in prop::collection::btree_map("[a-d]{1,8}", 1_u64..20, 1..20),
        size in 8_usize..40,
    ) {
        prop_assert_eq!(shown(&learn(&words, size)), plain(&words, size));
    }
}
