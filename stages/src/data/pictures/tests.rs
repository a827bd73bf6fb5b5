use runpipe_base::{MemoryBlobs, View};

use super::*;

fn two() -> Pictures {
    Pictures {
        pixels: (0..12).collect(),
        size: [1, 2, 3],
        labels: vec![1, 0],
        classes: vec!["cat".into(), "dog".into()],
    }
}

#[test]
fn written_pictures_read_back() {
    let mut blobs = MemoryBlobs::default();
    let artifact = blobs.keep(two().write());
    assert_eq!(Pictures::read(&View::new(&artifact, &blobs)).unwrap(), two());
}

#[test]
fn a_file_starts_as_numpy_writes_it() {
    let file = npy::of_bytes(&[2, 1], &[7, 8]);
    assert_eq!(file.len(), 130);
    assert!(file.starts_with(
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }"
    ));
    assert_eq!(file[127..], [b'\n', 7, 8]);
    assert_eq!(npy::numbers(&npy::of_numbers(&[3], &[1, 2, 300])).unwrap(), (vec![3], vec![1, 2, 300]));
}

#[test]
fn broken_artifacts_are_told() {
    let check = |change: &dyn Fn(&mut Output), expected: &str| {
        let mut blobs = MemoryBlobs::default();
        let mut output = two().write();
        change(&mut output);
        let artifact = blobs.keep(output);
        assert_eq!(Pictures::read(&View::new(&artifact, &blobs)).unwrap_err().to_string(), expected);
    };
    let put = |output: &mut Output, name: &str, bytes: Vec<u8>| {
        output.files.insert(name.to_owned(), bytes);
    };
    check(&|o| put(o, PIXELS, npy::of_bytes(&[2, 6], &[0; 12])), "`images.npy`: expected four axes, found 2");
    check(
        &|o| put(o, PIXELS, npy::of_bytes(&[2, 1, 2, 3], &[0; 11])),
        "`images.npy`: expected the bytes of shape [2, 1, 2, 3], found 11 bytes",
    );
    check(&|o| put(o, PIXELS, b"no".to_vec()), "`images.npy`: expected an npy file of version 1.0");
    check(
        &|o| put(o, LABELS, npy::of_numbers(&[3], &[0, 0, 0])),
        "`labels.npy`: expected 2 labels, found shape [3]",
    );
    check(
        &|o| put(o, LABELS, npy::of_numbers(&[2], &[0, 2])),
        "`labels.npy`: expected classes below 2, found 2",
    );
    check(&|o| put(o, CLASSES, b"cat\ncat\n".to_vec()), "`classes.txt`: expected every class once");
}

#[test]
fn a_margin_is_zeros_all_around() {
    let padded = two().padded(1);
    assert_eq!(padded.size, [1, 4, 5]);
    assert_eq!(padded.picture(0), [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 5, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn sets_that_do_not_fit_are_told() {
    let mut other = two();
    other.size = [1, 3, 2];
    assert_eq!(
        two().like(&other, "val").unwrap_err().to_string(),
        "expected pictures of [1, 2, 3] at `val`, found [1, 3, 2]"
    );
    assert!(two().like(&two(), "val").is_ok());
}
