use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use runpipe_base::{StageError, Value};

use super::super::tagged::{Sentence, Tagged, print};
use super::super::tags::{Tag, repair};
use crate::testing::{Bench, Ran, path, text};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn read(bench: &mut Bench, files: &[(&str, &str)], more: &[(&str, Value)]) -> Result<Ran, StageError> {
    let dir = folder(files);
    let params = [&[("dir", path(dir.path()))], more].concat();
    bench.attempt("data.conll", &params, &[]).map_err(|e| {
        let shown = e.to_string().replace(&dir.path().display().to_string(), "corpus");
        StageError::Other(shown)
    })
}

/// The canonical form of `train`, where the other splits are of one plain word.
fn train(text: &str, more: &[(&str, Value)]) -> Result<String, StageError> {
    let mut bench = Bench::new();
    let ran = read(&mut bench, &[("train.txt", text), ("dev.txt", "a O\n"), ("test.txt", "a O\n")], more)?;
    Ok(bench.text(ran.part("train"), "sentences.conll"))
}

#[test]
fn forms_that_circulate() {
    let check = |text: &str, expected: &str| assert_eq!(train(text, &[]).unwrap(), expected, "{text:?}");
    let plain = "Ana\tB-PER\nsaw\tO\n\nRome\tB-LOC\n\n";
    // MasakhaNER.
    check("Ana B-PER\nsaw O\n\nRome B-LOC\n\n", plain);
    // A byte order mark, carriage returns, blank lines, no last line end.
    check("\u{feff}Ana B-PER\r\nsaw O\r\n\r\n \t\r\n\nRome B-LOC", plain);
    // Columns apart by more blanks, a blank at the end.
    check("\n\nAna   B-PER \nsaw O\n\nRome B-LOC\n", plain);
    // WikiAnn: a language before each word, the first colon ends it.
    check("yo:Ana\tB-PER\nyo:saw\tO\n\nyo:Rome\tB-LOC\n", plain);
    check("en::\tO\nen:a:b\tB-PER\n", ":\tO\na:b\tB-PER\n\n");
    check("bat-smg:a\tO\n", "a\tO\n\n");
    // Not every word has it: it is no language.
    check("en:a\tO\nb\tO\n", "en:a\tO\nb\tO\n\n");
    check("http:a\tO\nhttps:b\tO\n", "http:a\tO\nhttps:b\tO\n\n");
    // CoNLL-2003: four columns and document marks.
    check("-DOCSTART- -X- O O\n\nAna NNP I-NP B-PER\nsaw VBD I-VP O\n\nRome NNP I-NP B-LOC\n", plain);
    // Tabs with columns between; words with blanks.
    check("New York\tNNP\tB-LOC\n", "New York\tB-LOC\n\n");
    // Words of one sign, of a no-break space, of a joiner.
    check(". O\n\u{a0} O\n\u{200d}\tO\nI B-PER\n", ".\tO\n\u{a0}\tO\n\u{200d}\tO\nI\tB-PER\n\n");
    // IOBES and BILOU.
    check("a B-PER\nb I-PER\nc E-PER\nd S-LOC\n", "a\tB-PER\nb\tI-PER\nc\tI-PER\nd\tB-LOC\n\n");
    check("a B-PER\nb L-PER\nc U-LOC\n", "a\tB-PER\nb\tI-PER\nc\tB-LOC\n\n");
}

#[test]
fn orphans_as_told() {
    let text_ = "a I-PER\nb I-PER\nc I-LOC\n";
    let as_told = |how: &str| train(text_, &[("orphans", text(how))]);
    assert_eq!(as_told("keep").unwrap(), "a\tI-PER\nb\tI-PER\nc\tI-LOC\n\n");
    assert_eq!(as_told("repair").unwrap(), "a\tB-PER\nb\tI-PER\nc\tB-LOC\n\n");
    assert!(as_told("reject").is_err());
    let mut bench = Bench::new();
    let files = [("train.txt", text_), ("dev.txt", "a I-PER\n"), ("test.txt", "a O\n")];
    let ran = read(&mut bench, &files, &[("orphans", text("repair"))]).unwrap();
    assert!((ran.metrics["repaired"] - 3.0).abs() < f64::EPSILON);
}

#[test]
fn untagged_words_as_told() {
    let outside = [("untagged", text("outside"))];
    assert_eq!(train("a\nb B-PER\nc\t\n", &outside).unwrap(), "a\tO\nb\tB-PER\nc\tO\n\n");
}

#[test]
fn files_by_their_names() {
    let names = [
        ["train", "dev", "test"],
        ["train.tsv", "valid.conll", "test.bio"],
        ["train.txt", "validation", "test"],
    ];
    for [a, b, c] in names {
        let mut bench = Bench::new();
        let files = [
            (a, "a B-PER\n"),
            (b, "b B-PER\nx O\n"),
            (c, "c O\n\nd O\n"),
            ("README.md", "?"),
            ("extra.txt", "?"),
        ];
        let ran = read(&mut bench, &files, &[]).unwrap();
        assert_eq!(bench.text(ran.part("dev"), "sentences.conll"), "b\tB-PER\nx\tO\n\n");
        assert_eq!(bench.text(ran.part("test"), "sentences.conll"), "c\tO\n\nd\tO\n\n");
        assert_eq!(
            bench.text(ran.part("test"), "labels.txt"),
            "O\nB-PER\nI-PER\n",
            "labels are those of `train`"
        );
        assert_eq!(bench.text(ran.part("text"), "text.txt"), "a\n");
        assert!((ran.metrics["test_sentences"] - 2.0).abs() < f64::EPSILON);
    }
}

#[test]
fn files_of_several_languages_and_labels_beside_them() {
    let files = [
        ("train-yo.tsv", "a\tI-PER\n"),
        ("dev-yo.tsv", "b\tB-LOC\n"),
        ("test-yo.tsv", "c\tO\n"),
        ("train-zh-yue.tsv", "d\tO\n"),
        ("dev-zh-yue.tsv", "d\tO\n"),
        ("test-zh-yue.tsv", "d\tO\n"),
        ("labels.txt", "O\nB-PER\nI-PER\nB-LOC\nI-LOC\n"),
    ];
    let mut bench = Bench::new();
    let ran = read(&mut bench, &files, &[("lang", text("yo"))]).unwrap();
    assert_eq!(bench.text(ran.part("train"), "sentences.conll"), "a\tI-PER\n\n");
    assert_eq!(bench.text(ran.part("train"), "labels.txt"), "O\nB-LOC\nI-LOC\nB-PER\nI-PER\n");
    let ran = read(&mut bench, &files, &[("lang", text("zh-yue"))]).unwrap();
    assert_eq!(bench.text(ran.part("train"), "sentences.conll"), "d\tO\n\n");
    let both = read(&mut bench, &files, &[]).unwrap_err().to_string();
    assert_eq!(both, "corpus: expected one file for `train`, found `train-yo.tsv` and `train-zh-yue.tsv`");
    let alone =
        read(&mut bench, &files[..3], &[("types", Value::List(vec![text("PER"), text("LOC")]))]).unwrap();
    assert_eq!(bench.text(alone.part("test"), "sentences.conll"), "c\tO\n\n", "one language needs no name");
}

#[test]
fn lines_of_json() {
    let named = "{\"tokens\": [\"New York\", \":\"], \"ner_tags\": [\"B-LOC\", \"O\"], \"langs\": [\"en\", \"en\"]}\n\n";
    let numbered = "{\"words\": [\"a\"], \"tags\": [3]}\r\n";
    let of = |dev: &str, labels: Option<&str>| {
        let mut files = vec![("train.jsonl", named), ("dev.jsonl", dev), ("test.jsonl", named)];
        files.extend(labels.map(|labels| ("labels.txt", labels)));
        let mut bench = Bench::new();
        let ran = read(&mut bench, &files, &[])?;
        let shown = |part: &str| bench.text(ran.part(part), "sentences.conll");
        Ok::<_, StageError>((shown("train"), shown("dev")))
    };
    let labels = "O\nB-PER\nI-PER\nB-LOC\nI-LOC\n";
    let (train, dev) = of(numbered, Some(labels)).unwrap();
    assert_eq!((train.as_str(), dev.as_str()), ("New York\tB-LOC\n:\tO\n\n", "a\tB-LOC\n\n"));
    let refusal = |dev: &str, labels: Option<&str>| of(dev, labels).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        refusal(numbered, None),
        "corpus/dev.jsonl:1: expected a file `labels.txt` that names the tags, or names for them, found the number 3"
    );
    assert_eq!(
        refusal("{\"words\": [\"a\"], \"tags\": [9]}", Some(labels)),
        "corpus/dev.jsonl:1: expected a tag below 5, as many as `labels.txt` names, found 9"
    );
    assert_eq!(
        refusal("{\"words\": [\"a\", \"b\"], \"tags\": [\"O\"]}", None),
        "corpus/dev.jsonl:1: expected as many tags as words, found 1 and 2"
    );
    assert_eq!(
        refusal("{\"words\": [\"a\\tb\"], \"tags\": [\"O\"]}", None),
        "corpus/dev.jsonl:1: expected words without tabs and line ends, found `a\\tb`"
    );
    assert!(
        refusal("\n[1]", None).starts_with("corpus/dev.jsonl:2: expected a sentence such as `{\"tokens\"")
    );
    assert_eq!(
        refusal(named, Some("O\nPER\n")),
        "corpus/labels.txt:2: expected a tag such as `O` or `B-PER`, found `PER`"
    );
    assert_eq!(refusal(named, Some("\n")), "corpus/labels.txt: expected labels, found none");
    assert_eq!(
        refusal(named, Some("O\nB-PER\nI-PER\n")),
        "corpus/train.jsonl:1: expected one of the entity types of `labels.txt` (`PER`), found `LOC`"
    );
}

#[test]
fn sentences_of_train_may_be_left_out_elsewhere() {
    let files = [("train", "a B-PER\n\nb O\n"), ("dev", "b O\n\nc O\n"), ("test", "a O\n\nd O\n\na O\n")];
    let mut bench = Bench::new();
    let kept = read(&mut bench, &files, &[]).unwrap();
    assert!((kept.metrics["repeats"] - 3.0).abs() < f64::EPSILON);
    assert!((kept.metrics["test_sentences"] - 3.0).abs() < f64::EPSILON);
    let left = read(&mut bench, &files, &[("repeats", text("drop"))]).unwrap();
    assert_eq!(bench.text(left.part("dev"), "sentences.conll"), "c\tO\n\n");
    assert_eq!(bench.text(left.part("test"), "sentences.conll"), "d\tO\n\n");
    assert_eq!(left.part("train"), kept.part("train"));
}

#[test]
fn given_types_hold_for_all_splits() {
    let mut bench = Bench::new();
    let types = Value::List(vec![text("PER"), text("LOC")]);
    let files = [("train", "a O\n"), ("dev", "b B-LOC\n"), ("test", "c I-PER\n")];
    let ran = read(&mut bench, &files, &[("types", types)]).unwrap();
    assert_eq!(bench.text(ran.part("train"), "labels.txt"), "O\nB-LOC\nI-LOC\nB-PER\nI-PER\n");
}

/// What is broken, the files, and the parameters.
type Case = (&'static str, Vec<(&'static str, &'static str)>, Vec<(&'static str, Value)>);

/// Every broken corpus and the whole message it gets.
#[test]
fn broken_corpora() {
    let good = "a B-PER\n";
    let sorted = |train: &'static str| vec![("train", train), ("dev", good), ("test", good)];
    let reject = ("orphans", text("reject"));
    let types = |names: &[&str]| ("types", Value::List(names.iter().map(|n| text(n)).collect()));
    let cases: Vec<Case> = vec![
        ("an empty folder", vec![], vec![]),
        ("no dev", vec![("train", good), ("test", good)], vec![]),
        ("no test", vec![("train", good), ("dev", good)], vec![]),
        ("an ending that is not known", vec![("train.csv", good), ("dev", good), ("test", good)], vec![]),
        (
            "two files for one split",
            vec![("train", good), ("train.txt", good), ("dev", good), ("test", good)],
            vec![],
        ),
        (
            "two names for one split",
            vec![("train", good), ("dev", good), ("valid", good), ("test", good)],
            vec![],
        ),
        ("an empty file", sorted(""), vec![]),
        ("a file of blank lines", sorted("\n \n\t\n"), vec![]),
        ("a file of document marks", sorted("-DOCSTART- -X- O O\n\n"), vec![]),
        ("a word without a tag", sorted("a O\nb\n"), vec![]),
        ("a word and a tab", sorted("a O\nb\t\n"), vec![]),
        ("no blank between word and tag", sorted("a O\n\nbO\n"), vec![]),
        ("a no-break space between word and tag", sorted("a\u{a0}O\n"), vec![]),
        ("a column too many", sorted("a O\nNew York B-LOC\n"), vec![]),
        ("a column too few", sorted("a NN O\nb O\n"), vec![]),
        ("an unknown prefix", sorted("a X-PER\n"), vec![]),
        ("no prefix", sorted("a PER\n"), vec![]),
        ("no type", sorted("a B-\n"), vec![]),
        ("a bare prefix", sorted("a B\n"), vec![]),
        ("a small letter", sorted("a o\n"), vec![]),
        ("a zero for an O", sorted("a O\nb 0\n"), vec![]),
        ("an underscore for a hyphen", sorted("a B_PER\n"), vec![]),
        ("a small prefix", sorted("a b-PER\n"), vec![]),
        ("tag before word", sorted("B-PER Ana\n"), vec![]),
        ("a language and no word", sorted("yo:a\tO\nyo:\tO\n"), vec![]),
        ("a tab and no word", sorted("a O\n\tO\n"), vec![]),
        ("a tag of words", sorted("\n\na\tO O\n"), vec![]),
        ("an orphan at the beginning", sorted("a I-PER\n"), vec![reject.clone()]),
        ("an orphan after another type", sorted("a B-LOC\nb I-PER\n"), vec![reject.clone()]),
        ("an orphan in a later sentence", sorted("a B-PER\n\nb O\nc I-PER\n"), vec![reject]),
        (
            "a type that is not in train",
            vec![("train", good), ("dev", "a O\nb B-LOC\n"), ("test", good)],
            vec![],
        ),
        ("types without entities in train", vec![("train", "a O\n"), ("dev", good), ("test", good)], vec![]),
        ("a type that is not given", sorted("a O\nb I-PER\n"), vec![types(&["LOC", "ORG"])]),
    ];
    assert!(cases.len() >= 25, "a good many ways to be broken");
    let mut shown = String::new();
    for (name, files, more) in cases {
        let message = read(&mut Bench::new(), &files, &more).map(|_| ()).unwrap_err();
        writeln!(shown, "{name}\n    {message}").unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn bytes_that_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("train"), b"a O\nb\xe9 O\n").unwrap();
    let refused =
        Bench::new().attempt("data.conll", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
    assert!(refused.ends_with("train:2: expected UTF-8, found the byte 0xe9"), "{refused}");
    let missing = Bench::new().attempt("data.conll", &[("dir", path(&dir.path().join("no")))], &[]);
    assert!(matches!(missing.unwrap_err(), StageError::Io { .. }));
}

fn any_sentences() -> impl Strategy<Value = Vec<Sentence>> {
    let kind = prop_oneof!["PER", "LOC"];
    let tag = prop_oneof![Just(Tag::Outside), kind.clone().prop_map(Tag::Begin), kind.prop_map(Tag::Inside),];
    let word =
        prop_oneof!["[a-zɛ]{1,5}", Just(".".to_owned()), Just("\u{200d}".to_owned()), Just(":".to_owned())];
    let sentence = prop::collection::vec((word, tag), 1..6).prop_map(|pairs| {
        let (words, tags) = pairs.into_iter().unzip();
        Sentence { words, tags }
    });
    prop::collection::vec(sentence, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reading_forgets_how_it_was_written(sentences in any_sentences(), crlf: bool, bom: bool, blanks: bool, last: bool) {
        let canonical = print(&sentences);
        let mut wild = canonical.clone();
        if blanks {
            wild = format!("\n \n{}", wild.replace("\n\n", "\n\n\n\t\n"));
        }
        if last {
            wild.truncate(wild.trim_end_matches(['\n', '\t']).len());
        }
        if crlf {
            wild = wild.replace('\n', "\r\n");
        }
        if bom {
            wild = format!("\u{feff}{wild}");
        }
        let types = Value::List(vec![text("LOC"), text("PER")]);
        let read = |how: &str| train(&wild, &[("types", types.clone()), ("orphans", text(how))]).unwrap();
        prop_assert_eq!(&read("keep"), &canonical);
        let repaired = sentences.iter().map(|s| Sentence { words: s.words.clone(), tags: repair(&s.tags) });
        prop_assert_eq!(read("repair"), print(&repaired.collect::<Vec<_>>()));
    }
}

/// The folder of real corpora, when the variable `RUNPIPE_DATA` names one.
pub(crate) fn real_data() -> Option<std::path::PathBuf> {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    if dir.is_none() {
        println!("skipped: `RUNPIPE_DATA` names no folder");
    }
    dir
}

#[test]
fn real_corpora_are_read_whole() {
    let Some(data) = real_data() else { return };
    // Sentences as counted in the files themselves.
    let sizes = [
        ("masakhaner/v2/hau", 5716, 816, 1633),
        ("masakhaner/v2/luo", 5161, 737, 1474),
        ("masakhaner/v2/zul", 5848, 836, 1670),
        ("masakhaner/v1/amh", 1750, 250, 500),
        ("panx/kin", 100, 100, 100),
        ("panx/swa", 1000, 1000, 1000),
    ];
    for (dir, train, dev, test) in sizes {
        let mut bench = Bench::new();
        let ran = bench.run("data.conll", &[("dir", path(&data.join(dir)))], &[]);
        let count = |part: &str| Tagged::read(&bench.view(ran.part(part))).unwrap().sentences.len();
        assert_eq!([count("train"), count("dev"), count("test")], [train, dev, test], "{dir}");
    }
}
