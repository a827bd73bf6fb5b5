//! House rules that the compiler does not hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::house::root;

/// Who may use whom; anything else is a broken floor.
const FLOORS: &[(&str, &str, &[&str])] = &[
    ("core/base", "runpipe-base", &[]),
    ("grammar", "runpipe-grammar", &[]),
    ("cache", "runpipe-cache", &["runpipe-base"]),
    ("reports", "runpipe-reports", &["runpipe-base"]),
    ("stages", "runpipe-stages", &["runpipe-base"]),
    ("core/engine", "runpipe-engine", &["runpipe-base", "runpipe-cache", "runpipe-grammar"]),
    (
        "core/cli",
        "runpipe",
        &[
            "runpipe-base",
            "runpipe-cache",
            "runpipe-engine",
            "runpipe-grammar",
            "runpipe-reports",
            "runpipe-stages",
        ],
    ),
];

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every file below `folder` that ends in `end`, in order.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                open.push(path);
            } else if name.ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn nobody_looks_up_or_sideways() {
    for (folder, package, allowed) in FLOORS {
        let manifest = text(&root().join(folder).join("Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{package}\"")), "{folder} is not {package}");
        let normal = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for (_, other, _) in FLOORS.iter().filter(|(_, other, _)| other != package) {
            let used = normal
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} ")));
            assert_eq!(used, allowed.contains(other), "{package} and {other}");
        }
    }
}

#[test]
fn only_the_terminal_file_prints() {
    for file in files(&root(), ".rs") {
        let name = file.strip_prefix(root()).expect("below the root").display().to_string();
        if name.contains("/tests/")
            || name.contains("/benches/")
            || name.ends_with("tests.rs")
            || name.ends_with("/testing.rs")
            || name == "core/cli/src/term.rs"
            || name.ends_with("build.rs")
        {
            continue;
        }
        for (number, line) in text(&file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for banned in ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("] {
                assert!(!code.contains(banned), "{name}:{}: `{banned}` outside term.rs", number + 1);
            }
        }
    }
}

#[test]
fn nothing_is_left_undone() {
    let words: BTreeMap<&str, &str> = [
        ("to", "do!("),
        ("unimple", "mented!("),
        ("FIX", "ME"),
        ("TO", "DO"),
        ("XX", "X "),
        ("#[ign", "ore"),
    ]
    .into();
    for file in files(&root(), ".rs") {
        let code = text(&file);
        for (a, b) in &words {
            assert!(!code.contains(&format!("{a}{b}")), "{}: `{a}{b}`", file.display());
        }
    }
}

#[test]
fn every_paper_has_its_pipeline_its_smoke_twin_and_its_page() {
    let shared = ["kit", "data", "vision"];
    let stages = root().join("stages/src");
    for entry in std::fs::read_dir(&stages).expect("stages/src") {
        let path = entry.expect("a readable folder").path();
        let paper = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !path.is_dir() || shared.contains(&paper.as_str()) {
            continue;
        }
        for wanted in [
            format!("stages/src/{paper}/mod.rs"),
            format!("pipelines/{paper}.pipe"),
            format!("pipelines/smoke/{paper}.pipe"),
            format!("reports/papers/{paper}.md"),
        ] {
            assert!(root().join(&wanted).is_file(), "paper `{paper}` has no {wanted}");
        }
    }
}

#[test]
fn a_papers_page_has_the_six_headings() {
    let folder = root().join("reports/papers");
    for page in files(&folder, ".md") {
        let text = text(&page);
        let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(
            headings,
            ["Idea", "Run", "Metrics", "Details", "Results", "Differences"],
            "{}",
            page.display()
        );
    }
}
