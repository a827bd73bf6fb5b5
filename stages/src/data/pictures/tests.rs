use runpipe_base::{MemoryBlobs, View};

use super::*;

impl Pictures {
    /// The bytes of a picture in memory.
    pub(crate) fn stored(&self, index: usize) -> &[u8] {
        let Pixels::Held(pixels) = &self.pixels else { panic!("they stay in their files") };
        &pixels[index * self.area()..][..self.area()]
    }
}

fn two() -> Pictures {
    Pictures {
        pixels: Pixels::Held((0..12).collect()),
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

/// Sets often stand in order of their classes: some pictures of one are of all classes.
#[test]
fn some_pictures_are_spread_over_all() {
    let pictures = Pictures {
        pixels: Pixels::Held((0..10).collect()),
        size: [1, 1, 1],
        labels: (0..10).map(|i| i / 5).collect(),
        classes: vec!["cat".into(), "dog".into()],
    };
    let some = pictures.spread(4);
    assert_eq!((some.labels.as_slice(), some.stored(3)), (&[0, 0, 1, 1][..], &[7][..]));
    assert_eq!(pictures.spread(99), pictures);
}

#[test]
fn sets_that_do_not_fit_are_told() {
    let mut other = two();
    other.size = [1, 3, 2];
    assert_eq!(
        other.fits(two().size, &two().classes, "val").unwrap_err().to_string(),
        "expected pictures of [1, 2, 3] at `val`, found [1, 3, 2]"
    );
    other = two();
    other.classes[0] = "cow".into();
    assert_eq!(
        other.fits(two().size, &two().classes, "val").unwrap_err().to_string(),
        "expected the classes [\"cat\", \"dog\"] at `val`, found [\"cow\", \"dog\"]"
    );
    assert!(two().fits(two().size, &two().classes, "val").is_ok());
}
