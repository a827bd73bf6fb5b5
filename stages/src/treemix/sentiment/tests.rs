use super::{SentimentParams, sentence};
use crate::kit::rng::Stream;
use crate::testing::{Bench, int};

fn params() -> SentimentParams {
    SentimentParams { train: 1, test: 1, raw: 1, adjectives: 40, nouns: 60, seed: 0 }
}

/// The class again, from the words alone: every adjective with its mood, turned by a `not` before it.
fn class(words: &[String]) -> &'static str {
    let mut sum = 0;
    for (at, word) in words.iter().enumerate() {
        let mood = if word.starts_with("good") {
            1
        } else if word.starts_with("bad") {
            -1
        } else {
            continue;
        };
        let before = if at > 0 && words[at - 1].starts_with("adverb") { at - 1 } else { at };
        sum += if before > 0 && words[before - 1] == "not" { -mood } else { mood };
    }
    if sum > 0 { "positive" } else { "negative" }
}

#[test]
fn classes_follow_from_the_words() {
    let mut positive = 0;
    for i in 0..2000 {
        let (found, sentence, _) = sentence(&params(), &mut Stream::new(1, "test").child(i));
        assert_eq!(found, class(&sentence.words), "{}", sentence.text());
        assert_eq!(sentence.tree.as_ref().unwrap().words(), sentence.words);
        positive += usize::from(found == "positive");
    }
    assert!((900..1100).contains(&positive), "{positive} of 2000 are positive");
}

#[test]
fn parts_share_nothing_but_the_language() {
    let mut bench = Bench::new();
    let ran = bench.run("treemix.sentiment", &[("train", int(50)), ("test", int(50)), ("seed", int(3))], &[]);
    assert_ne!(bench.text(ran.part("train"), "trees.mrg"), bench.text(ran.part("test"), "trees.mrg"));
    assert!((6.0..16.0).contains(&ran.metrics["words_per_sentence"]), "{:?}", ran.metrics);
    // A smaller set is the beginning of a larger one.
    let few = bench.run("treemix.sentiment", &[("train", int(20)), ("test", int(50)), ("seed", int(3))], &[]);
    let [few, all] = [&few, &ran].map(|ran| bench.text(ran.part("train"), "sentences.tsv"));
    assert!(all.starts_with(&few));
}
