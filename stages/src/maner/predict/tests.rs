use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags::Tag;
use crate::testing::{Bench, int, text};
use runpipe_base::Artifact;

/// A tagger whose sequences have at most `max_len` tokens.
fn tagger(bench: &mut Bench, site: &str, max_len: i64) -> Artifact {
    tagger_of(bench, &[("site", text(site)), ("max_len", int(max_len))])
}

fn tagger_of(bench: &mut Bench, more: &[(&str, runpipe_base::Value)]) -> Artifact {
    let corpus = bench.run("maner.language", &[("raw", int(200)), ("train", int(16))], &[]);
    let sizes = [("vocabulary", int(300)), ("layers", int(1)), ("width", int(16)), ("steps", int(2))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let brief = [("min_steps", int(60)), ("lr", runpipe_base::Value::Float(5e-3)), ("epochs", int(1))];
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    bench.run("maner.finetune", &[&brief[..], more].concat(), &inputs).artifact
}

fn corpus(bench: &mut Bench, sentences: &[Vec<&str>]) -> Artifact {
    let tagged = |words: &Vec<&str>| Sentence {
        words: words.iter().map(|w| (*w).to_owned()).collect(),
        tags: words.iter().map(|_| Tag::Outside).collect(),
    };
    let types = ["LOC", "ORG", "PER"].map(str::to_owned).to_vec();
    bench.keep(Tagged { sentences: sentences.iter().map(tagged).collect(), types }.write())
}

#[test]
fn every_word_gets_one_tag() {
    let mut bench = Bench::new();
    let long = "xyzzy".repeat(30);
    let many = vec!["abc"; 150];
    let sentences = [
        vec!["a"],
        vec!["\u{200d}", "🤷🏽‍♀️", "مرحبا", "<mask>", "</s>", "<s>", "\u{a0}", "▁"],
        vec!["b", long.as_str(), "c"],
        many,
    ];
    let corpus = corpus(&mut bench, &sentences);
    for site in ["tokcls", "prepend", "append", "mask_filler", "cloze"] {
        for max_len in [16, 128] {
            let tagger = tagger(&mut bench, site, max_len);
            let ran = bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", &corpus)]);
            let found = Tagged::read(&bench.view(ran.part("predictions"))).unwrap();
            let words: Vec<Vec<String>> = found.sentences.into_iter().map(|s| s.words).collect();
            assert_eq!(words, sentences, "{site}, {max_len} tokens");
            assert!(ran.metrics["windowed"] >= 1.0, "150 words do not fit in {max_len} tokens");
        }
    }
}

/// Words that are cut off are counted, and entities in them are missed and not forgotten.
#[test]
fn what_is_cut_off_is_outside() {
    let mut bench = Bench::new();
    let tag = |i: usize| if i.is_multiple_of(2) { Tag::Begin("PER".to_owned()) } else { Tag::Outside };
    let long = Sentence { words: vec!["abc".to_owned(); 40], tags: (0..40).map(tag).collect() };
    let types = ["LOC", "ORG", "PER"].map(str::to_owned).to_vec();
    let gold = bench.keep(Tagged { sentences: vec![long], types }.write());
    for crf in [false, true] {
        let more =
            [("max_len", int(16)), ("long", text("truncate")), ("crf", runpipe_base::Value::Bool(crf))];
        let tagger = tagger_of(&mut bench, &more);
        let ran = bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", &gold)]);
        let found = Tagged::read(&bench.view(ran.part("predictions"))).unwrap().sentences.remove(0);
        let dropped = ran.metrics["dropped"] as usize;
        assert!((25..40).contains(&dropped) && ran.metrics["windowed"] as usize == 1, "{:?}", ran.metrics);
        assert!(found.tags[40 - dropped..].iter().all(|tag| *tag == Tag::Outside));
        assert_eq!((found.tags.len(), ran.metrics["entities"] as usize), (40, 20));
    }
}

#[test]
fn windows_that_are_not_needed_change_nothing() {
    let mut bench = Bench::new();
    let short: Vec<Vec<&str>> = (1..12).map(|n| vec!["abc"; n]).collect();
    let corpus = corpus(&mut bench, &short);
    let tagger = tagger(&mut bench, "prepend", 128);
    let ran = bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", &corpus)]);
    assert!(ran.metrics["windowed"].abs() < f64::EPSILON);
}
