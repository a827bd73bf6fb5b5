use std::fs;

use crate::data::pictures::Pictures;
use crate::testing::{Bench, path};

fn record(label: u8) -> Vec<u8> {
    let mut record = vec![label];
    record.extend((0..3072).map(|i| (i / 1024) as u8 * 10));
    record
}

#[test]
fn records_are_read_in_order_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data_batch_2.bin"), record(7)).unwrap();
    fs::write(dir.path().join("data_batch_1.bin"), [record(3), record(9)].concat()).unwrap();
    fs::write(dir.path().join("test_batch.bin"), record(0)).unwrap();
    let mut bench = Bench::new();
    let ran = bench.run("data.cifar", &[("dir", path(dir.path()))], &[]);
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!(train.labels, [3, 9, 7]);
    assert_eq!([train.stored(1)[0], train.stored(1)[1024], train.stored(1)[3071]], [0, 10, 20]);
}

#[test]
fn broken_files_are_told() {
    let check = |file: &str, bytes: &[u8], expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("test_batch.bin"), record(0)).unwrap();
        fs::write(dir.path().join(file), bytes).unwrap();
        let error = Bench::new().attempt("data.cifar", &[("dir", path(dir.path()))], &[]).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    };
    check("data_batch_1.bin", &record(0)[..9], "expected records of 3073 bytes, found 9 bytes");
    let two = [record(1), record(10)].concat();
    check("data_batch_1.bin", &two, "expected a label below 10 in record 1, found 10");
    check("other", &[], "expected files whose names start with `data_batch_`");
}
