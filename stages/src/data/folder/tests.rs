use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage};
use runpipe_base::Value;

use crate::data::pictures::Pictures;
use crate::testing::{Bench, int, path, text};

/// A picture of one colour.
fn plain(width: u32, height: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(RgbImage::from_pixel(width, height, image::Rgb(colour)));
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("train/dog/b.png", plain(8, 8, [10, 20, 30], ImageFormat::Png)),
        ("train/cat/a.png", plain(16, 8, [1, 2, 3], ImageFormat::Png)),
        ("train/dog/a.jpg", plain(8, 8, [200, 200, 200], ImageFormat::Jpeg)),
        ("test/cat/z.png", plain(8, 8, [0, 0, 0], ImageFormat::Png)),
        ("train/dog/notes.txt", b"no picture".to_vec()),
    ]
}

fn write(dir: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        let file = dir.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

fn pack(file: &Path, files: &[(&str, Vec<u8>)]) {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    fs::write(file, archive.into_inner().unwrap()).unwrap();
}

#[test]
fn a_folder_and_an_archive_give_the_same() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("open"), &files());
    pack(&dir.path().join("packed.tar"), &files());
    let mut bench = Bench::new();
    let mut read = |name: &str| {
        let params = [("path", path(&dir.path().join(name))), ("under", text("train")), ("size", int(8))];
        let ran = bench.run("data.pictures", &params, &[]);
        assert_eq!((ran.metrics["images"], ran.metrics["resized"]), (3.0, 1.0));
        Pictures::read(&bench.view(&ran.artifact)).unwrap()
    };
    let open = read("open");
    assert_eq!(open, read("packed.tar"));
    assert_eq!(
        (open.classes.as_slice(), open.labels.as_slice()),
        (&["cat".into(), "dog".into()][..], &[0, 1, 1][..])
    );
    // cat/a, then dog/a, then dog/b; red, then green, then blue.
    assert_eq!([open.picture(0)[0], open.picture(0)[64], open.picture(2)[128]], [1, 2, 30]);
    assert!(open.picture(1).iter().all(|byte| byte.abs_diff(200) <= 2));
}

#[test]
fn classes_may_be_cut_short_and_colours_left_out() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files());
    let mut bench = Bench::new();
    let params =
        [("path", path(dir.path())), ("size", int(8)), ("most", int(1)), ("grey", Value::Bool(true))];
    let ran = bench.run("data.pictures", &params, &[]);
    let read = Pictures::read(&bench.view(&ran.artifact)).unwrap();
    assert_eq!((read.size, read.labels.as_slice()), ([1, 8, 8], &[0, 1][..]));
}

#[test]
fn broken_files_are_told() {
    let check = |files: &[(&str, Vec<u8>)], expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), files);
        let error = Bench::new().attempt("data.pictures", &[("path", path(dir.path()))], &[]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    let whole = plain(8, 8, [9, 9, 9], ImageFormat::Png);
    check(&[("cat/a.png", whole[..40].to_vec())], "cat/a.png: expected a whole Png file: ");
    check(&[("cat/a.jpg", b"GIF89a".to_vec())], "cat/a.jpg: expected a JPEG or PNG file");
    check(&[("a.png", whole)], "expected JPEG or PNG files in a folder a class, found none");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.tar"), [7; 700]).unwrap();
    let path = path(&dir.path().join("a.tar"));
    let error = Bench::new().attempt("data.pictures", &[("path", path)], &[]).unwrap_err();
    assert!(error.to_string().contains("expected a folder or a whole tar archive: "), "{error}");
}

#[test]
fn the_cifar_pictures_are_read() {
    let Some(data) = crate::testing::data("cifar10-jpeg") else { return };
    let params = [("path", path(&data.join("train_a.tar.gz"))), ("most", int(200))];
    let mut bench = Bench::new();
    let ran = bench.run("data.pictures", &params, &[]);
    assert_eq!((ran.metrics["images"], ran.metrics["resized"]), (2000.0, 0.0));
    let read = Pictures::read(&bench.view(&ran.artifact)).unwrap();
    assert_eq!((read.classes[0].as_str(), read.classes[9].as_str()), ("airplane", "truck"));
}
