use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags::Tag;
use crate::testing::{Bench, int, text};
use runpipe_base::Artifact;

/// A tagger whose sequences have at most `max_len` tokens.
fn tagger(bench: &mut Bench, site: &str, max_len: i64) -> Artifact {
    let corpus = bench.run("maner.language", &[("raw", int(200)), ("train", int(16))], &[]);
    let sizes = [("vocabulary", int(300)), ("layers", int(1)), ("width", int(16)), ("steps", int(2))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let params = [
        ("site", text(site)),
        ("max_len", int(max_len)),
        ("min_steps", int(60)),
        ("lr", runpipe_base::Value::Float(5e-3)),
    ];
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    bench.run("maner.finetune", &[&params[..], &[("epochs", int(1))]].concat(), &inputs).artifact
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

#[test]
fn windows_that_are_not_needed_change_nothing() {
    let mut bench = Bench::new();
    let short: Vec<Vec<&str>> = (1..12).map(|n| vec!["abc"; n]).collect();
    let corpus = corpus(&mut bench, &short);
    let tagger = tagger(&mut bench, "prepend", 128);
    let ran = bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", &corpus)]);
    assert!(ran.metrics["windowed"].abs() < f64::EPSILON);
}
