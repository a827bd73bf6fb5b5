use proptest::prelude::*;

use super::*;
use crate::testing::{Bench, int, text};

fn sentence(tags: &str) -> Sentence {
    let tag = |(i, tag): (usize, &str)| (format!("w{i}"), Tag::parse(tag).unwrap());
    let (words, tags) = tags.split(' ').enumerate().map(tag).unzip();
    Sentence { words, tags }
}

/// By hand: an entity is finished, the rest may be shorter, and pieces without entities are left out when told.
#[test]
fn sentences_are_cut() {
    let mut bench = Bench::new();
    let corpus = Tagged::of(vec![sentence("O O B-PER I-PER I-PER O B-LOC O O O O O O"), sentence("O B-LOC")]);
    let corpus = bench.keep(corpus.write());
    let mut lengths = |keep: &str| {
        let params = [("words", int(3)), ("keep", text(keep))];
        let ran = bench.run("data.phrases", &params, &[("sentences", &corpus)]);
        let tagged = Tagged::read(&bench.view(&ran.artifact)).unwrap();
        assert_eq!(tagged.types, ["LOC", "PER"], "labels stay those of the whole");
        tagged.sentences.iter().map(|s| s.words.len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths("all"), [5, 3, 3, 2, 2]);
    assert_eq!(lengths("entities"), [5, 3, 2]);
}

proptest! {
    /// Pieces put together are the sentence, none is empty, and no entity is cut.
    #[test]
    fn nothing_is_lost(tags in proptest::collection::vec(0_usize..3, 1..40), words in 1_usize..9) {
        let names: Vec<&str> = tags.iter().map(|t| ["O", "B-PER", "I-PER"][*t]).collect();
        let whole = sentence(&names.join(" "));
        let pieces = cut(&whole, words);
        prop_assert_eq!(pieces.iter().flat_map(|p| p.words.clone()).collect::<Vec<_>>(), whole.words);
        prop_assert_eq!(pieces.iter().flat_map(|p| p.tags.clone()).collect::<Vec<_>>(), whole.tags);
        prop_assert!(pieces.iter().all(|p| !p.words.is_empty()));
        prop_assert!(pieces.iter().skip(1).all(|p| !matches!(p.tags[0], Tag::Inside(_))));
    }
}
