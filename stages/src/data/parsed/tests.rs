use runpipe_base::Value;

use crate::testing::{Bench, path, text};

const TRAIN: &str = "sentence1,sentence2,label,parsing1,parsing2\n\
    \"a, b\",c,yes,\"(ROOT\n  (S (A a) (, ,) (B b)))(ROOT (X more))\",(ROOT (C c))\n\
    d,e,no,(ROOT (D d)),None\n\
    f,g,no,(ROOT (F f)),(ROOT (G g))\n";

fn folder(train: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("train.csv"), train).unwrap();
    std::fs::write(dir.path().join("test.csv"), "label,parsing1,parsing2\nno,(X x),(Y y)\n").unwrap();
    dir
}

#[test]
fn trees_of_another_parser_are_read() {
    let mut bench = Bench::new();
    let dir = folder(TRAIN);
    let mut params = vec![("dir", path(dir.path()))];
    let single = bench.run("data.parsed", &params, &[]);
    assert_eq!((single.metrics["train_sentences"], single.metrics["dropped"]), (3.0, 0.0));
    assert_eq!(bench.text(single.part("train"), "sentences.tsv"), "yes\ta , b\nno\td\nno\tf\n");
    params.push(("second", text("parsing2")));
    params.push(("extent", text("all_sentences")));
    let pairs = bench.run("data.parsed", &params, &[]);
    assert_eq!((pairs.metrics["train_sentences"], pairs.metrics["dropped"]), (2.0, 1.0));
    assert_eq!(bench.text(pairs.part("train"), "sentences.tsv"), "yes\ta , b more\tc\nno\tf\tg\n");
    assert_eq!(
        bench.text(pairs.part("train"), "trees.mrg").lines().next(),
        Some("(ROOT (ROOT (S (A a) (, ,) (B b))) (ROOT (X more)))")
    );
}

#[test]
fn broken_files_are_told() {
    let mut bench = Bench::new();
    let mut told = |train: &str, params: &[(&str, Value)]| {
        let dir = folder(train);
        let params = [&[("dir", path(dir.path()))], params].concat();
        let told = bench.attempt("data.parsed", &params, &[]).unwrap_err().to_string();
        told.replace(&dir.path().display().to_string(), "dir")
    };
    assert_eq!(
        told("label,tree\n", &[]),
        "dir/train.csv:1: expected a column `parsing1`, found `label`, `tree`"
    );
    assert_eq!(
        told("label,parsing1\nyes,(S (A a)\n", &[]),
        "dir/train.csv:2: a tree's line 1: the text ends while 1 bracket of the tree from line 1 are open"
    );
    assert_eq!(
        told("label,parsing1\nyes,None\n", &[]),
        "dir/train.csv: expected parsed sentences, found none"
    );
    assert_eq!(told("label,parsing1\n ,(S a)\n", &[]), "dir/train.csv:2: expected a class of one line");
}
