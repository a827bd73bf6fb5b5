use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use runpipe_base::{StageError, Value};

use super::matches;
use crate::testing::{Bench, path, text};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn read(dir: &std::path::Path, more: &[(&str, Value)]) -> Result<String, StageError> {
    let mut bench = Bench::new();
    let params = [&[("path", path(dir))], more].concat();
    let ran = bench.attempt("data.text", &params, &[])?;
    Ok(bench.text(&ran.artifact, "text.txt"))
}

#[test]
fn files_are_read_in_order_and_unpacked() {
    let dir = folder(&[
        ("b.hau.txt.gz", &gzip("three  words\u{a0}here\n\none\n")),
        ("a.hau.txt", b"\xef\xbb\xbfone\r\n two \r\n"),
        ("a.ibo.txt", b"no\n"),
        ("README.md", b"no\n"),
    ]);
    assert_eq!(read(dir.path(), &[("names", text("*.hau.txt*"))]).unwrap(), "one\ntwo\nthree words here\n");
    let all = [("names", text("*.hau.txt*")), ("unique", Value::Bool(false))];
    assert_eq!(read(dir.path(), &all).unwrap(), "one\ntwo\nthree words here\none\n");
    assert_eq!(read(&dir.path().join("a.ibo.txt"), &[]).unwrap(), "no\n");
}

#[test]
fn refused_files() {
    let check = |files: &[(&str, &[u8])], names: &str, message: &str| {
        let dir = folder(files);
        let refused = read(dir.path(), &[("names", text(names))]).unwrap_err().to_string();
        assert_eq!(refused.replace(&dir.path().display().to_string(), "DIR"), message);
    };
    check(&[], "*", "DIR: expected files, found none");
    check(
        &[("a.txt", b"x"), ("b.txt", b"x")],
        "*.gz",
        "DIR: expected files named `*.gz`, found 2 others such as `a.txt`",
    );
    check(&[("a.txt", b"\n \n")], "*", "DIR: expected lines of text, found none");
    check(&[("a.txt", b"x\ny\xff\n")], "*", "DIR/a.txt:2: expected UTF-8, found the byte 0xff");
    check(&[("a.txt", b"\xff\xfeh\0i\0")], "*", "DIR/a.txt:1: expected UTF-8, found the byte 0xff");
    let missing = read(&folder(&[]).path().join("no"), &[]).unwrap_err();
    assert!(matches!(missing, StageError::Io { .. }), "{missing}");
}

/// Every broken archive and the whole message it gets.
#[test]
fn broken_archives() {
    let whole = gzip("many words, and many more of them");
    let (mut bits, mut checksum) = (whole.clone(), whole.clone());
    bits[14] ^= 0x55;
    let last = checksum.len() - 6;
    checksum[last] ^= 1;
    let cases: [(&str, Vec<u8>); 8] = [
        ("cut in the header", whole[..4].to_vec()),
        ("cut in the middle", whole[..whole.len() - 12].to_vec()),
        ("cut before the checksum", whole[..whole.len() - 8].to_vec()),
        ("changed in the middle", bits),
        ("changed in the checksum", checksum),
        ("something behind it", [&whole[..], b"<html>"].concat()),
        ("bytes packed", {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(b"a\nb\xff").unwrap();
            encoder.finish().unwrap()
        }),
        ("another kind of archive", b"PK\x03\x04\xff".to_vec()),
    ];
    let mut shown = String::new();
    for (name, bytes) in cases {
        let dir = folder(&[("a.gz", &bytes)]);
        let refused = read(dir.path(), &[]).expect_err(name).to_string();
        writeln!(shown, "{name}\n    {}", refused.replace(&dir.path().display().to_string(), "DIR")).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn punctuation_is_detached() {
    let check = |line: &str, expected: &str| {
        let dir = folder(&[("a", line.as_bytes())]);
        let found = read(dir.path(), &[("punctuation", text("detach"))]).unwrap();
        assert_eq!(found.trim_end(), expected);
        assert_eq!(read(dir.path(), &[]).unwrap().trim_end(), line, "kept by default");
    };
    check("Kano, da \"Lagos\".", "Kano , da \" Lagos \" .");
    check("(a.s) dan'uwanka -- ko?!", "( a.s ) dan'uwanka -- ko ? !");
    check("‘yan mulki da’", "‘yan mulki da’");
    check("‘yan’ 'a' e\u{301},", "‘ yan ’ ' a ' e\u{301} ,");
    check("ሰላም። 5.3% №1", "ሰላም ። 5.3 % №1");
}

#[test]
fn patterns() {
    let check = |pattern: &str, name: &str, expected: bool| {
        assert_eq!(matches(pattern, name), expected, "`{pattern}` and `{name}`");
    };
    check("*", "", true);
    check("*.txt", "a.txt", true);
    check("*.txt", "a.txt.gz", false);
    check("*.h?u.*", "x.hau.txt", true);
    check("?", "ɛ", true);
    check("a", "", false);
    check("a*b*c", "a-b-b-c", true);
    check("a*b*c", "a-b-b", false);
    check("**a?*", "xaay", true);
    check("", "", true);
    // As many stars as there may be: each is looked at once.
    check(&"*a".repeat(200), &"a".repeat(4000), true);
    check(&format!("{}b", "*a".repeat(200)), &"a".repeat(4000), false);
}

#[test]
fn texts_are_joined() {
    let mut bench = Bench::new();
    let parts: Vec<_> =
        ["a\nb", "", "c"].map(|t| bench.run("data.constant", &[("text", text(t))], &[]).artifact).to_vec();
    let inputs: Vec<_> = parts.iter().map(|a| ("texts", a)).collect();
    let ran = bench.run("data.concat", &[], &inputs);
    assert_eq!(bench.text(&ran.artifact, "text.txt"), "a\nb\nc\n");
    assert!((ran.metrics["lines"] - 3.0).abs() < f64::EPSILON);
}

#[test]
fn a_language_may_have_no_text() {
    let dir = folder(&[("a.ibo.txt", b"one\n")]);
    let of = |more: &[(&str, Value)]| read(dir.path(), &[&[("names", text("*.luo.txt*"))], more].concat());
    assert!(of(&[]).is_err());
    assert_eq!(of(&[("optional", Value::Bool(true))]).unwrap(), "");
}
