use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage};
use runpipe_base::Value;

use super::super::archive::tests::tar_of;
use super::super::decode::tests::{encoded, slope};
use crate::data::augment::{Augment, Scale, batch, plain};
use crate::data::pictures::Pictures;
use crate::kit::rng::Stream;
use crate::kit::testing::threads;
use crate::testing::{Bench, int, path, text};

/// A picture of one colour.
fn plain_picture(width: u32, height: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(RgbImage::from_pixel(width, height, image::Rgb(colour)));
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("train/dog/b.png", plain_picture(8, 8, [10, 20, 30], ImageFormat::Png)),
        ("train/cat/a.png", plain_picture(16, 8, [1, 2, 3], ImageFormat::Png)),
        ("train/dog/a.jpg", plain_picture(8, 8, [200, 200, 200], ImageFormat::Jpeg)),
        ("test/cat/z.png", plain_picture(8, 8, [0, 0, 0], ImageFormat::Png)),
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
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    fs::write(file, tar_of(&files)).unwrap();
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
    assert_eq!([open.stored(0)[0], open.stored(0)[64], open.stored(2)[128]], [1, 2, 30]);
    assert!(open.stored(1).iter().all(|byte| byte.abs_diff(200) <= 2));
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

/// Names with blanks and signs, capital endings, other sizes and shapes, grey among colours, classes below classes.
#[test]
fn odd_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let grey = slope(11, 5).to_luma8().into();
    write(
        dir.path(),
        &[
            ("Äpfel & Birnen/x \"1\", y.PNG", encoded(&slope(300, 2), ImageFormat::Png)),
            ("Äpfel & Birnen/#.Jpeg", encoded(&grey, ImageFormat::Jpeg)),
            ("deep/er/-/no ending.png.JPG", encoded(&slope(1, 1), ImageFormat::Jpeg)),
            // Content counts, not the ending.
            ("deep/er/-/png.jpg", encoded(&slope(9, 9), ImageFormat::Png)),
            ("__MACOSX/-/._a.png", b"none".to_vec()),
        ],
    );
    for stream in [false, true] {
        let mut bench = Bench::new();
        let params = [("path", path(dir.path())), ("size", int(8)), ("stream", Value::Bool(stream))];
        let ran = bench.run("data.pictures", &params, &[]);
        let read = Pictures::open(&bench.view(&ran.artifact), Some(dir.path())).unwrap();
        assert_eq!(read.classes, ["-", "Äpfel & Birnen"]);
        assert_eq!((read.labels.as_slice(), ran.metrics["resized"]), (&[0, 0, 1, 1][..], 4.0));
        assert_eq!(plain(&read, &Scale::of(&read)).unwrap().len(), 4 * 192);
    }
}

/// Some dozen pictures of two classes in a folder and in two archives.
pub(crate) fn many(dir: &Path) -> [std::path::PathBuf; 3] {
    let names: Vec<String> = (0..40).map(|i| format!("{}/{i:02}.png", ["cat", "dog"][i % 2])).collect();
    let files: Vec<(&str, Vec<u8>)> = names
        .iter()
        .zip(0..)
        .map(|(name, i)| (name.as_str(), encoded(&slope(20 + i, 60 - i), ImageFormat::Png)))
        .collect();
    write(&dir.join("open"), &files);
    pack(&dir.join("packed.tar"), &files);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &fs::read(dir.join("packed.tar")).unwrap()).unwrap();
    fs::write(dir.join("packed.tar.gz"), gzip.finish().unwrap()).unwrap();
    ["open", "packed.tar", "packed.tar.gz"].map(|name| dir.join(name))
}

/// Pictures that stay in their files are the same numbers as pictures in memory, with one thread and with three, after a split,
/// from a folder and from archives; cropped ones are the same however the files are kept.
#[test]
fn a_stream_shows_the_same_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let mut numbers = Vec::new();
    for place in many(dir.path()) {
        let mut bench = Bench::new();
        let mut read = |stream: bool| {
            let params = [("path", path(&place)), ("size", int(16)), ("stream", Value::Bool(stream))];
            let all = threads(1, || bench.run("data.pictures", &params, &[]));
            assert_eq!(all, threads(3, || bench.run("data.pictures", &params, &[])));
            let split = bench.run("data.split", &[("held", int(13))], &[("images", &all.artifact)]);
            Pictures::open(&bench.view(split.part("held")), Some(&place)).unwrap()
        };
        let (held, streamed) = (read(false), read(true));
        assert_eq!((held.len(), &held.labels), (13, &streamed.labels));
        let scale = Scale::of(&held);
        assert_eq!(scale, Scale::of(&streamed));
        assert_eq!(plain(&held, &scale).unwrap(), plain(&streamed, &scale).unwrap());
        let chosen: Vec<usize> = (0..30).map(|i| i * 7 % 13).collect();
        let make = |pictures, crop| {
            let augment = Augment { crop, shift: 2, mirror: true };
            batch(pictures, &chosen, &scale, augment, Stream::new(5, "augment")).unwrap()
        };
        let cropped = threads(1, || make(&streamed, Some(0.08)));
        assert_eq!(cropped, threads(3, || make(&streamed, Some(0.08))));
        assert_ne!(cropped, make(&streamed, None));
        assert_eq!(make(&held, None), make(&streamed, None));
        numbers.push(cropped);
    }
    assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_stream_needs_its_files_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let [open, ..] = many(dir.path());
    let mut bench = Bench::new();
    let params = [("path", path(&open)), ("size", int(16)), ("stream", Value::Bool(true))];
    let ran = bench.run("data.pictures", &params, &[]);
    let check = |files: Option<&Path>, expected: &str| {
        let read = Pictures::open(&bench.view(&ran.artifact), files).unwrap();
        let error = plain(&read, &Scale::of(&read)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(None, "expected the folder or archive of them at parameter `files`");
    check(Some(dir.path()), "cat/00.png");
    fs::write(open.join("dog/07.png"), encoded(&slope(8, 8), ImageFormat::Png)).unwrap();
    check(Some(&open), "dog/07.png: expected the file that was listed, found another");
}

#[test]
fn broken_files_are_told() {
    let check = |files: &[(&str, Vec<u8>)], expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), files);
        let error = Bench::new().attempt("data.pictures", &[("path", path(dir.path()))], &[]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    let whole = plain_picture(8, 8, [9, 9, 9], ImageFormat::Png);
    check(
        &[("cat/a.png", whole[..40].to_vec()), ("dog/a.png", whole.clone())],
        "cat/a.png: expected a whole Png file: ",
    );
    check(
        &[("cat/a.jpg", b"GIF89a".to_vec()), ("dog/a.png", whole.clone())],
        "cat/a.jpg: expected a JPEG or PNG file",
    );
    check(&[("a.png", whole.clone())], "expected JPEG or PNG files in a folder a class, found none");
    check(&[("cat/.a.png", whole.clone())], "expected JPEG or PNG files in a folder a class, found none");
    check(&[("cat/a.png", whole.clone())], "expected folders of at least two classes, found `cat` alone");
    check(
        &[("a\nb/a.png", whole.clone()), ("cat/a.png", whole.clone())],
        "expected a class's name on one line, found \"a\\nb\"",
    );
    let jpeg = plain_picture(40, 40, [9, 9, 9], ImageFormat::Jpeg);
    check(
        &[("cat/a.jpg", jpeg[..jpeg.len() - 20].to_vec()), ("dog/a.png", whole)],
        "cat/a.jpg: expected a whole Jpeg file: it ends before its end marker",
    );
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
