use runpipe_base::{Kind, MemoryBlobs, Output, View};

use super::{COLUMNS, FILE, Mixed, read};
use crate::data::labelled::CLASSES;

fn told(text: &str) -> String {
    let mut blobs = MemoryBlobs::default();
    let output = Output::new(Kind::of("mixed")).file(CLASSES, "x\ny\n").file(FILE, text);
    let artifact = blobs.keep(output);
    read(&View::new(&artifact, &blobs)).unwrap_err().to_string()
}

#[test]
fn labels_share_by_length() {
    let mixed = |kept, pasted| Mixed { kept, pasted, inserted: 4, length: 19, first: vec![], second: None };
    assert_eq!(mixed(0, 2).label(3), [15.0 / 19.0, 0.0, 4.0 / 19.0]);
    assert_eq!(mixed(1, 1).label(2), [0.0, 1.0]);
    assert!((mixed(0, 1).weight() - 0.210_526).abs() < 1e-6);
}

#[test]
fn broken_sets_are_told() {
    assert_eq!(told("a\tb\n"), "`mixed.tsv`, line 1: expected the columns of a mixed set, found `a\tb`");
    for row in
        ["1\t2\tx\ty\t1\t2\ta b c", "1\t2\tx\tz\t1\t1\ta", "1\t2\tx\ty\t2\t1\ta", "1\t2\tx\ty\t0\t0\t", "x"]
    {
        assert_eq!(
            told(&format!("{COLUMNS}\n{row}\n")),
            format!("`mixed.tsv`, line 2: no mixed example: `{row}`")
        );
    }
}
