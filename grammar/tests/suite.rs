//! Programs with mistakes, one file each: what stands above a faulty line as `# error: …` is what is said of it, and
//! the whole text with its carets and hints is a snapshot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use runpipe_grammar::{Diagnostic, Source, SourceId, Sources, format, parse, render};

const EXPECTED: &str = "# error: ";

fn programs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is part of the crate")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    paths.sort();
    paths
}

fn source(path: &Path) -> Source {
    let name = path.file_name().expect("a file has a name").to_string_lossy();
    Source::from_bytes(SourceId(0), name, &fs::read(path).expect("the file can be read")).expect("it is text")
}

/// Line and message of every mistake.
fn found(source: &Source, mistakes: &[Diagnostic]) -> BTreeSet<(usize, String)> {
    mistakes
        .iter()
        .map(|mistake| (source.line_column(mistake.span.start).0, mistake.message.clone()))
        .collect()
}

/// Line and message of every expectation: the comments above a line are about it.
fn expected(source: &Source) -> BTreeSet<(usize, String)> {
    let mut waiting = Vec::new();
    let mut expected = BTreeSet::new();
    for (index, line) in source.text.lines().enumerate() {
        match line.trim_start().strip_prefix(EXPECTED) {
            Some(message) => waiting.push(message.to_owned()),
            None => expected.extend(waiting.drain(..).map(|message| (index + 1, message))),
        }
    }
    expected
}

#[test]
fn every_mistake_is_told_as_expected() {
    let programs = programs("suite");
    assert!(programs.len() >= 45, "the suite is complete");
    for path in programs {
        let source = source(&path);
        let name = source.name.clone();
        let mistakes = parse(&source).expect_err(&name);
        assert_eq!(found(&source, &mistakes), expected(&source), "{name}");
        assert_eq!(format(&source).expect_err(&name), mistakes, "{name}");
        let mut sources = Sources::new();
        sources.add(source);
        insta::assert_snapshot!(
            path.file_stem().expect("it has one").to_string_lossy().into_owned(),
            render(&mistakes, &sources, false)
        );
    }
}
