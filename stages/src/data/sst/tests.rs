#![expect(clippy::float_cmp, reason = "counts are whole")]

use crate::data::labelled::Labelled;
use crate::testing::{Bench, path, text};

const TRAIN: &str = "(3 (2 It) (4 (3 works) (2 .)))\n(2 (2 So) (2 so))\n(0 (1 Bad) (0 film))\n";

fn folder(train: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("train.txt"), train).unwrap();
    std::fs::write(dir.path().join("dev.txt"), "(4 (4 Great) (2 !))\n(1 (2 No) (1 8\u{a0}1/2))\n").unwrap();
    dir
}

#[test]
fn two_classes_leave_neutral_sentences_out() {
    let mut bench = Bench::new();
    let dir = folder(TRAIN);
    let ran = bench.run("data.sst", &[("dir", path(dir.path()))], &[]);
    assert_eq!((ran.metrics["train_sentences"], ran.metrics["test_sentences"]), (2.0, 2.0));
    let train = bench.text(ran.part("train"), "sentences.tsv");
    assert_eq!(train, "positive\tIt works .\nnegative\tBad film\n");
    assert_eq!(bench.text(ran.part("text"), "text.txt").lines().count(), 3);
    let test = Labelled::read(&bench.view(ran.part("test"))).unwrap();
    assert_eq!(test.examples[1].first.words, ["No", "8\u{a0}1/2"]);
    assert!(test.examples[1].first.tree.is_some());
}

#[test]
fn five_classes_keep_all() {
    let mut bench = Bench::new();
    let dir = folder(TRAIN);
    let ran = bench.run("data.sst", &[("dir", path(dir.path())), ("classes", text("five"))], &[]);
    assert_eq!(ran.metrics["train_sentences"], 3.0);
    assert_eq!(
        bench.text(ran.part("train"), "classes.txt"),
        "0\n1\n2\n3\n4\n",
        "also those that no sentence has"
    );
}

#[test]
fn what_is_no_sentiment_is_told() {
    let mut bench = Bench::new();
    let mut told = |train: &str| {
        let dir = folder(train);
        let told = bench.attempt("data.sst", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
        told.replace(&dir.path().display().to_string(), "sst")
    };
    assert_eq!(
        told("(3 (2 It) (2 is))\n(5 (2 It) (2 is))"),
        "sst/train.txt:2: expected a sentiment of `0` to `4` at every node, found `5`"
    );
    assert_eq!(told(""), "sst/train.txt: expected trees, found none");
    let dir = tempfile::tempdir().unwrap();
    let told = bench.attempt("data.sst", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
    assert!(told.ends_with("expected a file `train` with the ending `.txt` or `.txt.gz`"), "{told}");
}

#[test]
fn the_real_treebank_has_the_official_counts() {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    let Some(dir) = dir.map(|dir| dir.join("sst")).filter(|dir| dir.is_dir()) else {
        println!("skipped: `RUNPIPE_DATA` names no folder with `sst`");
        return;
    };
    let mut bench = Bench::new();
    let two = bench.run("data.sst", &[("dir", path(&dir))], &[]);
    assert_eq!((two.metrics["train_sentences"], two.metrics["test_sentences"]), (6920.0, 872.0));
    let five = bench.run("data.sst", &[("dir", path(&dir)), ("classes", text("five"))], &[]);
    assert_eq!((five.metrics["train_sentences"], five.metrics["test_sentences"]), (8544.0, 1101.0));
}
