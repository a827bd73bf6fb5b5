use std::fs;

use crate::testing::{Bench, path};

#[test]
fn counts_are_those_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("train.txt", "ana B-PER\nsaw O\nrome B-LOC\n\nben B-PER\nk I-PER\nleft O\n"),
        ("dev.txt", "he O\n"),
        ("test.txt", "ben B-PER\nk I-PER\nleft O\n\nana B-LOC\n\noslo B-LOC\n"),
    ];
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut bench = Bench::new();
    let corpus = bench.run("data.conll", &[("dir", path(dir.path()))], &[]);
    let stats = bench.run("data.stats", &[], &[("corpus", &corpus.artifact)]);
    assert_eq!(
        bench.text(&stats.artifact, "table.csv"),
        "split,sentences,words,entities,LOC,PER\ndev,1,1,0,0,0\ntest,3,5,3,2,1\ntrain,2,6,3,1,2\n"
    );
    let near = |name: &str, expected: f64| {
        assert!((stats.metrics[name] - expected).abs() < 1e-9, "{name} is {}", stats.metrics[name]);
    };
    near("sentences", 6.0);
    near("words", 12.0);
    near("entities", 6.0);
    near("words_per_sentence", 2.0);
    near("entity_words", 100.0 * 8.0 / 12.0);
    near("test_repeats", 100.0 / 3.0);
    near("test_unseen", 100.0 / 3.0);
}
