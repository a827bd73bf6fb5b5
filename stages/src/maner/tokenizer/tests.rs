use std::process::Command;

use runpipe_base::Digest;
use tokenizers::{EncodeInput, InputSequence};

use super::{SPECIAL, Subwords};
use crate::maner::language::tests::sentences;

fn learned() -> Subwords {
    Subwords::learn(sentences(500, 1).iter().map(String::as_str), 400).unwrap()
}

#[test]
fn special_tokens_come_first() {
    let subwords = learned();
    let ids: Vec<Option<u32>> = SPECIAL.iter().map(|token| subwords.inner.token_to_id(token)).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4].map(Some));
    assert_eq!(subwords.size, 400);
}

#[test]
fn a_word_is_never_lost_nor_special() {
    let subwords = learned();
    for word in [
        "a",
        "",
        "\u{200d}",
        "\u{200b}\u{200b}",
        "🤷🏽‍♀️",
        "مرحبا",
        "<mask>",
        "</s>",
        "a<pad>b",
        " ",
        "▁",
        "x\u{a0}y",
    ] {
        let ids = subwords.word(word).unwrap();
        assert!(!ids.is_empty(), "`{word}` has subwords");
        let special =
            ids.iter().filter(|id| **id != subwords.special.unknown && subwords.special.contains(**id));
        assert_eq!(special.count(), 0, "`{word}` is {ids:?}");
        assert!(ids.iter().all(|id| (*id as usize) < subwords.size));
    }
    assert_eq!(subwords.word("").unwrap(), [subwords.special.unknown]);
}

#[test]
fn word_by_word_is_the_whole_sentence() {
    let subwords = learned();
    for line in sentences(50, 1) {
        let words: Vec<&str> = line.split(' ').collect();
        let apart: Vec<u32> = subwords.words(words.iter().copied()).unwrap().concat();
        let together =
            subwords.inner.encode(EncodeInput::Single(InputSequence::from(words.as_slice())), false).unwrap();
        assert_eq!(together.get_ids(), apart);
        let joined = subwords.inner.encode(line.as_str(), false).unwrap();
        assert_eq!(joined.get_ids(), apart, "this vocabulary marks every word");
        assert_eq!(subwords.inner.decode(&apart, true).unwrap(), line);
    }
}

#[test]
fn what_is_saved_is_loaded() {
    let subwords = learned();
    let json = subwords.save().unwrap();
    let again = Subwords::load(json.as_bytes()).unwrap();
    assert_eq!(again.save().unwrap(), json);
    for line in sentences(20, 1) {
        assert_eq!(again.words(line.split(' ')).unwrap(), subwords.words(line.split(' ')).unwrap());
    }
}

#[test]
fn refused_tokenizers() {
    let check = |json: &str, message: &str| {
        let refused = Subwords::load(json.as_bytes()).map(|_| ()).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{refused}");
    };
    check("{", "`tokenizer.json`: ");
    let json = learned().save().unwrap();
    check(&json.replace("<mask>", "<hole>"), "`tokenizer.json` has no token `<mask>`");
    assert!(Subwords::learn(["", " "], 100).is_err());
}

/// Hash maps are seeded anew in every process: the same bytes in three of them is what can be relied on.
#[test]
fn learning_does_not_depend_on_the_process() {
    let digest = Digest::of(learned().save().unwrap().as_bytes()).hex();
    if std::env::var_os("RUNPIPE_TEST_CHILD").is_some() {
        println!("tokenizer {digest}");
        return;
    }
    for threads in ["1", "2"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["learning_does_not_depend_on_the_process", "--nocapture", "--test-threads=1"])
            .env("RUNPIPE_TEST_CHILD", "1")
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("tokenizer {digest}")), "another process learned otherwise: {text}");
    }
}
