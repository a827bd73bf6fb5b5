use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::data::pictures::Pictures;
use crate::testing::{Bench, int, path};

fn images(count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [2051, count, 2, 2] {
        bytes.extend(u32::to_be_bytes(number));
    }
    bytes.extend((0..4 * count).map(|i| i as u8));
    bytes
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = [2049u32.to_be_bytes(), (labels.len() as u32).to_be_bytes()].concat();
    bytes.extend(labels);
    bytes
}

fn folder(train: &[u8], labels_of_train: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(train).unwrap();
    fs::write(dir.path().join("train-images-idx3-ubyte.gz"), packed.finish().unwrap()).unwrap();
    fs::write(dir.path().join("train-labels-idx1-ubyte"), labels_of_train).unwrap();
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), images(1)).unwrap();
    fs::write(dir.path().join("t10k-labels-idx1-ubyte"), labels(&[1])).unwrap();
    dir
}

#[test]
fn a_folder_is_read() {
    let dir = folder(&images(3), &labels(&[0, 2, 1]));
    let mut bench = Bench::new();
    let ran = bench.run("data.idx", &[("dir", path(dir.path())), ("margin", int(0))], &[]);
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!((train.size, train.labels.as_slice()), ([1, 2, 2], &[0, 2, 1][..]));
    assert_eq!(train.stored(2), [8, 9, 10, 11]);
    assert_eq!(train.classes, ["0", "1", "2"]);
    assert_eq!((ran.metrics["train_images"], ran.metrics["test_images"]), (3.0, 1.0));
}

/// EMNIST's files, for one, have a word before and `test` for `t10k`.
#[test]
fn files_may_have_other_names_and_a_margin() {
    let dir = folder(&images(3), &labels(&[0, 2, 1]));
    for (from, to) in [
        ("train-images-idx3-ubyte.gz", "emnist-letters-train-images-idx3-ubyte.gz"),
        ("train-labels-idx1-ubyte", "emnist-letters-train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "emnist-letters-test-images-idx3-ubyte"),
        ("t10k-labels-idx1-ubyte", "emnist-letters-test-labels-idx1-ubyte"),
    ] {
        fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
    }
    let mut bench = Bench::new();
    let ran = bench.run("data.idx", &[("dir", path(dir.path())), ("margin", int(1))], &[]);
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!((train.size, train.len()), ([1, 4, 4], 3));
    assert_eq!(train.stored(1), [0, 0, 0, 0, 0, 4, 5, 0, 0, 6, 7, 0, 0, 0, 0, 0]);
}

#[test]
fn broken_files_are_told() {
    let check = |train: &[u8], labels_of_train: &[u8], expected: &str| {
        let dir = folder(train, labels_of_train);
        let error = Bench::new().attempt("data.idx", &[("dir", path(dir.path()))], &[]).unwrap_err();
        let message = error.to_string();
        assert!(message.ends_with(expected), "{message}");
    };
    let good = labels(&[0, 2, 1]);
    check(&good, &good, "train-images-idx3-ubyte.gz: expected the magic number 2051, found 2049");
    check(
        &images(3)[..20],
        &good,
        "train-images-idx3-ubyte.gz: expected the bytes of sizes [3, 2, 2], found 4 bytes",
    );
    check(&images(3)[..9], &good, "train-images-idx3-ubyte.gz: expected 3 sizes, found 1");
    check(
        &images(3),
        &labels(&[0]),
        "train-labels-idx1-ubyte: expected a label for each of 3 pictures, found 1",
    );
    let empty = tempfile::tempdir().unwrap();
    let error = Bench::new().attempt("data.idx", &[("dir", path(empty.path()))], &[]).unwrap_err();
    assert!(error.to_string().contains("expected a file whose name holds `train-images`"), "{error}");
}

#[test]
fn fashion_mnist_is_read() {
    let Some(data) = crate::testing::data("fashion-mnist") else { return };
    let mut bench = Bench::new();
    let ran = bench.run("data.idx", &[("dir", path(Path::new(&data)))], &[]);
    assert_eq!((ran.metrics["train_images"], ran.metrics["test_images"]), (60000.0, 10000.0));
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!(train.size, [1, 32, 32]);
    // The published mean 0.2860 is that of 28×28.
    let scale = crate::data::augment::Scale::of(&train);
    assert!((scale.mean[0] * 1024.0 / 784.0 - 0.2860).abs() < 1e-4, "{scale:?}");
}
