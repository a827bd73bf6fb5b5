use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const FILES: [(&str, &str); 3] = [("a/one.txt", "first"), ("a/b/two.txt", ""), ("three.txt", "the third")];

/// A tar archive of these files.
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// The same files with the same bytes, however they are kept.
#[test]
fn folders_and_archives_hold_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, text) in FILES {
        let file = at("open").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let tar = tar_of(&FILES.map(|(name, text)| (name, text.as_bytes())));
    fs::write(at("a.tar"), &tar).unwrap();
    // A name says nothing: content does.
    fs::write(at("b.tar"), gzip(&tar)).unwrap();
    for name in ["open", "a.tar", "b.tar"] {
        let archive = Archive::open(&at(name)).unwrap();
        let mut found: Vec<(String, String)> = archive
            .list()
            .unwrap()
            .into_iter()
            .map(|(name, place)| {
                let text = String::from_utf8(archive.read(&name, place).unwrap().into_owned()).unwrap();
                assert_eq!(text.len() as u64, place.bytes);
                (name, text)
            })
            .collect();
        found.sort();
        let mut expected = FILES.map(|(name, text)| (name.to_owned(), text.to_owned()));
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let error = Archive::open(&at("none.tar")).unwrap_err().to_string();
    assert!(error.contains("none.tar"), "{error}");
    let tar = tar_of(&[("a/one.txt", b"0123456789")]);
    fs::write(at("cut.tar"), &tar[..515]).unwrap();
    fs::write(at("cut.tar.gz"), &gzip(&tar)[..40]).unwrap();
    let error = Archive::open(&at("cut.tar.gz")).unwrap_err().to_string();
    assert!(error.contains("expected a whole gzip stream: "), "{error}");
    // A list is made of heads alone, so an end that is missing shows when the file is read.
    let archive = Archive::open(&at("cut.tar")).unwrap();
    for (name, place) in archive.list().unwrap() {
        let error = archive.read(&name, place).unwrap_err().to_string();
        assert!(error.contains("cut.tar/a/one.txt"), "{error}");
    }
    fs::write(at("huge.tar"), &tar).unwrap();
    let archive = Archive::open(&at("huge.tar")).unwrap();
    let place = Place { offset: 512, bytes: u64::MAX };
    assert!(archive.read("a/one.txt", place).unwrap_err().to_string().contains("huge.tar/a/one.txt"));
}
