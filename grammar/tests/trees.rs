//! Sound programs: their trees and their canonical form.

use std::fs;
use std::path::{Path, PathBuf};

use runpipe_grammar::{Source, SourceId, format, parse};

fn programs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(folder).expect("the folder is part of the crate");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn source(path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("the file can be read");
    Source::new(SourceId(0), path.display().to_string(), &text)
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file has a name").to_string_lossy().into_owned()
}

#[test]
fn trees_are_as_they_were() {
    for path in programs("trees") {
        let source = source(&path);
        insta::assert_debug_snapshot!(stem(&path), parse(&source).expect("the program is sound"));
        assert_eq!(
            format(&source).expect("the program is sound"),
            &*source.text,
            "{} is canonical",
            path.display()
        );
    }
}

#[test]
fn canonical_forms_are_as_they_were() {
    for path in programs("format") {
        let source = source(&path);
        let canonical = format(&source).expect("the program is sound");
        insta::assert_snapshot!(stem(&path), canonical);
        let again = Source::new(SourceId(0), "again", &canonical);
        assert_eq!(format(&again).expect("the canonical form is sound"), canonical, "{}", path.display());
        for line in canonical.lines().filter(|line| !line.contains('#')) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn line_ends_and_byte_order_marks_change_nothing() {
    for path in programs("trees") {
        let source = source(&path);
        let windows = format!("\u{feff}{}", source.text.replace('\n', "\r\n"));
        let windows = Source::from_bytes(SourceId(0), "windows", windows.as_bytes()).expect("it is text");
        assert_eq!(format(&windows).expect("the program is sound"), &*source.text, "{}", path.display());
    }
}
