use std::fs;
use std::path::Path;

use crate::data::pictures::Pictures;
use crate::testing::{Bench, path};

fn line(count: usize, digit: usize) -> String {
    format!("{}{digit}\n", format!("{count},").repeat(64))
}

#[test]
fn lines_are_read_with_and_without_a_head() {
    let dir = tempfile::tempdir().unwrap();
    let head = "p,".repeat(64) + "digit\n";
    fs::write(dir.path().join("optdigits.tra"), head + &line(16, 3) + &line(8, 0)).unwrap();
    fs::write(dir.path().join("optdigits.tes"), line(0, 9)).unwrap();
    let mut bench = Bench::new();
    let ran = bench.run("data.digits", &[("dir", path(dir.path()))], &[]);
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!((train.size, train.labels.as_slice()), ([1, 8, 8], &[3, 0][..]));
    assert_eq!((train.stored(0)[0], train.stored(1)[63]), (255, 128));
}

#[test]
fn broken_lines_are_told() {
    let check = |text: &str, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("optdigits.tra"), text).unwrap();
        fs::write(dir.path().join("optdigits.tes"), line(0, 9)).unwrap();
        let error = Bench::new().attempt("data.digits", &[("dir", path(dir.path()))], &[]).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    };
    check("1,2,3\n", "optdigits.tra:1: expected 65 numbers, found 3");
    check(&(line(1, 1) + &line(17, 1)), "optdigits.tra:2: expected a count of 0 to 16, found `17`");
    check(&line(1, 10), "optdigits.tra:1: expected a digit of 0 to 9 at the end, found `10`");
    check("", "optdigits.tra: expected digits, found none");
}

#[test]
fn the_optical_digits_are_read() {
    let Some(data) = crate::testing::data("optdigits") else { return };
    let ran = Bench::new().run("data.digits", &[("dir", path(Path::new(&data)))], &[]);
    assert_eq!((ran.metrics["train_images"], ran.metrics["test_images"]), (3823.0, 1797.0));
}
