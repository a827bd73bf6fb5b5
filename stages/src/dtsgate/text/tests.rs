use std::fs;

use super::*;
use crate::testing::{Bench, Ran, data, int, path, text as word};
use runpipe_base::Value;

fn read(bench: &mut Bench, folder: &std::path::Path, unit: &str, more: &[(&str, Value)]) -> Ran {
    let params = [&[("path", path(folder)), ("unit", word(unit))], more].concat();
    bench.run("dtsgate.text", &params, &[])
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b.txt"), format!("\u{feff}{}", "ab ba ab\n\nab ü\n".repeat(4))).unwrap();
    fs::write(dir.path().join("a.txt"), "aaaa\n".repeat(8)).unwrap();
    fs::write(dir.path().join("README.md"), "not a text").unwrap();
    dir
}

#[test]
fn the_end_of_each_file_is_kept_apart() {
    let (mut bench, dir) = (Bench::new(), folder());
    let ran = read(&mut bench, dir.path(), "byte", &[("valid", Value::Float(0.25))]);
    let [train, valid] = ["train", "valid"].map(|part| Tokens::read(&bench.view(ran.part(part))).unwrap());
    assert_eq!(train.domains, ["a", "b"]);
    assert_eq!(
        (train.starts.as_slice(), valid.starts.as_slice()),
        (&[(0, 0), (30, 1)][..], &[(0, 0), (10, 1)][..])
    );
    let bytes = |tokens: &Tokens| tokens.ids.iter().map(|id| *id as u8).collect::<Vec<u8>>();
    let whole = fs::read_to_string(dir.path().join("b.txt")).unwrap();
    let whole = whole.strip_prefix('\u{feff}').unwrap();
    let joined = [&bytes(&train)[30..], &bytes(&valid)[10..]].concat();
    assert_eq!(String::from_utf8(joined).unwrap(), whole);
    assert_eq!((train.bytes as usize, train.vocabulary.len()), (train.ids.len(), 256));
    assert!((ran.metrics["bytes_per_token"] - 1.0).abs() < 1e-9);
}

#[test]
fn characters_beyond_the_vocabulary_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let rare: String = ('一'..).take(40).collect();
    fs::write(dir.path().join("x.txt"), format!("{}{rare}", "abcd".repeat(90))).unwrap();
    let mut bench = Bench::new();
    let ran =
        read(&mut bench, dir.path(), "character", &[("vocabulary", int(16)), ("valid", Value::Float(0.25))]);
    let tokens = Tokens::read(&bench.view(ran.part("valid"))).unwrap();
    assert_eq!(tokens.vocabulary.len(), 5, "what is only judged by is not learned");
    assert_eq!(tokens.ids.iter().filter(|id| **id == 0).count(), 40);
    assert!(ran.metrics["unknown"] > 20.0);
}

#[test]
fn pairs_are_merged_within_words() {
    let (mut bench, dir) = (Bench::new(), folder());
    let ran = read(&mut bench, dir.path(), "pair", &[("vocabulary", int(24)), ("valid", Value::Float(0.25))]);
    let tokens = Tokens::read(&bench.view(ran.part("train"))).unwrap();
    assert!(tokens.vocabulary.contains(&"▁ab".to_owned()), "{:?}", tokens.vocabulary);
    let spelled: String = tokens.ids.iter().map(|id| tokens.vocabulary[*id as usize].as_str()).collect();
    assert!(spelled.starts_with("▁aaaa</s>▁aaaa</s>"), "{spelled}");
    assert!(ran.metrics["bytes_per_token"] > 1.0);
    let characters = read(&mut bench, dir.path(), "character", &[("valid", Value::Float(0.25))]);
    assert!(ran.metrics["tokens"] < characters.metrics["tokens"]);
}

#[test]
fn refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    let refusal = |bench: &mut Bench| {
        bench.attempt("dtsgate.text", &[("path", path(dir.path()))], &[]).unwrap_err().to_string()
    };
    assert!(refusal(&mut bench).contains("expected files, found none"));
    fs::write(dir.path().join("x.txt"), "a").unwrap();
    assert!(refusal(&mut bench).contains("expected a text of a few tokens at least"));
}

/// The published file: 1,115,394 bytes of 65 characters.
#[test]
fn tiny_shakespeare() {
    let Some(folder) = data("tinyshakespeare") else { return };
    let ran = read(&mut Bench::new(), &folder, "character", &[]);
    assert_eq!((ran.metrics["tokens"] + ran.metrics["valid_tokens"]) as u64, 1_115_394);
    assert_eq!((ran.metrics["vocabulary"], ran.metrics["unknown"]), (66.0, 0.0));
}
