use proptest::prelude::*;

use super::{LABELS, SENTENCES, Sentence, Tagged};
use crate::data::tags::Tag;
use crate::testing::Bench;
use runpipe_base::{Kind, Output};

fn any_tagged() -> impl Strategy<Value = Tagged> {
    let kind = prop_oneof!["PER", "LOC", "A-B"];
    let tag = prop_oneof![Just(Tag::Outside), kind.clone().prop_map(Tag::Begin), kind.prop_map(Tag::Inside),];
    // Words may hold blanks, no-break spaces, joiners and tags, but no tab or line end.
    let word =
        prop_oneof!["[a-z]{1,6}", "[^\\t\\n\\r]{1,4}", Just("\u{a0}".to_owned()), Just("<mask>".to_owned())];
    let sentence = prop::collection::vec((word, tag), 1..6).prop_map(|pairs| {
        let (words, tags) = pairs.into_iter().unzip();
        Sentence { words, tags }
    });
    prop::collection::vec(sentence, 1..5).prop_map(Tagged::of)
}

proptest! {
    #[test]
    fn what_is_written_is_read(tagged in any_tagged()) {
        let mut bench = Bench::new();
        let artifact = bench.keep(tagged.write());
        prop_assert_eq!(Tagged::read(&bench.view(&artifact)).unwrap(), tagged);
    }
}

#[test]
fn refused_artifacts() {
    let check = |sentences: &str, labels: &str, message: &str| {
        let mut bench = Bench::new();
        let output = Output::new(Kind::of("tagged")).file(SENTENCES, sentences).file(LABELS, labels);
        let artifact = bench.keep(output);
        assert_eq!(Tagged::read(&bench.view(&artifact)).unwrap_err().to_string(), message);
    };
    check("a O\n\n", "O\n", "sentences.conll:1: expected a word, a tab and a tag, found `a O`");
    check("a\tX\n\n", "O\n", "sentences.conll:1: expected a tag such as `O` or `B-PER`, found `X`");
    check("a\tO\n", "O\n", "`sentences.conll` must have one empty line after each sentence");
    check("a\tO\n\n\n", "O\n", "`sentences.conll` must have one empty line after each sentence");
    check("a\tB-PER\n\n", "O\n", "`sentences.conll` has entities of type `PER`, `labels.txt` has not");
    check(
        "a\tO\n\n",
        "B-PER\nI-PER\n",
        "`labels.txt` must hold `O`, then `B-` and `I-` of each type in order, found `B-PER I-PER`",
    );
    check("a\tO\n\n", "O\nPER\n", "`labels.txt`: expected a tag such as `O` or `B-PER`, found `PER`");
}

#[test]
fn labels_are_those_of_the_types() {
    let tagged = Tagged { sentences: Vec::new(), types: vec!["LOC".into(), "PER".into()] };
    let labels: Vec<String> = tagged.labels().iter().map(ToString::to_string).collect();
    assert_eq!(labels.join(" "), "O B-LOC I-LOC B-PER I-PER");
}
