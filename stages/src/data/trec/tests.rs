use crate::testing::{Bench, path, text};

fn folder(train: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("train_5500.label"), train).unwrap();
    std::fs::write(dir.path().join("TREC_10.label"), "NUM:dist How far is it ?\n").unwrap();
    dir
}

#[test]
fn questions_are_latin_1_and_ids_dense() {
    let mut bench = Bench::new();
    let dir = folder(b"DESC:manner How did it go ?\nLOC:city Where is Qu\xe9bec ?\n\n");
    let ran = bench.run("data.trec", &[("dir", path(dir.path()))], &[]);
    assert_eq!(
        (ran.metrics["train_sentences"], ran.metrics["test_sentences"], ran.metrics["classes"]),
        (2.0, 1.0, 3.0)
    );
    assert_eq!(
        bench.text(ran.part("train"), "sentences.tsv"),
        "DESC\tHow did it go ?\nLOC\tWhere is Québec ?\n"
    );
    assert_eq!(bench.text(ran.part("test"), "classes.txt"), "DESC\nLOC\nNUM\n");
    let fine = bench.run("data.trec", &[("dir", path(dir.path())), ("classes", text("fine"))], &[]);
    assert_eq!(bench.text(fine.part("train"), "classes.txt"), "DESC:manner\nLOC:city\nNUM:dist\n");
}

#[test]
fn broken_lines_are_told() {
    let mut bench = Bench::new();
    let mut told = |train: &str| {
        let dir = folder(train.as_bytes());
        let told = bench.attempt("data.trec", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
        told.replace(&dir.path().display().to_string(), "trec")
    };
    let place = "trec/train_5500.label";
    assert_eq!(
        told("DESC:manner How ?\nHow ?\n"),
        format!("{place}:2: expected a class such as `NUM:date` before the question, found `How`")
    );
    assert_eq!(told("NUM:date  \n"), format!("{place}:1: expected a question after `NUM:date`"));
    assert_eq!(told("\n"), format!("{place}: expected questions, found none"));
}

#[test]
fn the_real_questions_have_the_official_counts() {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    let Some(dir) = dir.map(|dir| dir.join("trec")).filter(|dir| dir.is_dir()) else {
        println!("skipped: `RUNPIPE_DATA` names no folder with `trec`");
        return;
    };
    let mut bench = Bench::new();
    for (classes, count) in [("coarse", 6.0), ("fine", 50.0)] {
        let ran = bench.run("data.trec", &[("dir", path(&dir)), ("classes", text(classes))], &[]);
        let counts = (ran.metrics["train_sentences"], ran.metrics["test_sentences"], ran.metrics["classes"]);
        assert_eq!(counts, (5452.0, 500.0, count));
    }
}
