//! Nothing in the kit computes that is not compared: every public function of an op and every public method of a layer
//! is called in a test here, or told here why not.

use std::fs;
use std::path::Path;

/// Tests that compare.
const TESTS: [&str; 3] = [include_str!("ops.rs"), include_str!("images.rs"), include_str!("layers.rs")];

/// What computes nothing that PyTorch could be asked for.
const TOLD: [(&str, &str); 5] = [
    ("statistics_of", "the statistics that batch norms run over, of the first images"),
    ("each", "the experts themselves"),
    ("sizes", "what an encoder was made with"),
    ("word", "a handle to a parameter"),
    ("into_last", "a part of what was read"),
];

/// The names behind each `pattern` at the start of a line, in the files of a folder of the kit.
fn names(folder: &str, pattern: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kit").join(folder);
    let mut names = Vec::new();
    for file in fs::read_dir(folder).expect("a folder of the kit") {
        let path = file.expect("a folder of the kit").path();
        if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("mod.rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let found = text.lines().filter_map(|line| line.strip_prefix(pattern));
            let word =
                |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
            let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
            names.extend(found.filter_map(word).map(|name| (file.clone(), name)));
        }
    }
    names.sort();
    names
}

fn called(name: &str, before: &[&str]) -> bool {
    let told = TOLD.iter().any(|(told, _)| *told == name);
    told || before.iter().any(|before| TESTS.iter().any(|test| test.contains(&format!("{before}{name}("))))
}

#[test]
fn every_op_is_compared() {
    let ops = names("ops", "pub fn ");
    assert!(ops.len() > 30, "{} functions were found", ops.len());
    for (file, op) in ops {
        // After an import, so that a method of that name does not count.
        assert!(called(&op, &[" ", "("]), "`{op}` of `ops/{file}.rs` has no golden values");
    }
}

#[test]
fn every_layer_is_compared() {
    let layers = names("nn", "impl ");
    assert!(layers.len() > 12, "{} layers were found", layers.len());
    for (file, layer) in layers.iter().filter(|(_, layer)| layer != "Layer") {
        let made = TESTS.iter().any(|test| {
            test.contains(&format!("{layer}::new(")) || test.contains(&format!("{layer}::biased("))
        });
        assert!(made, "`{layer}` of `nn/{file}.rs` has no golden values");
    }
    for (file, method) in names("nn", "    pub fn ") {
        assert!(called(&method, &[".", "::"]), "`{method}` of `nn/{file}.rs` has no golden values");
    }
}

#[test]
fn what_is_told_is_there() {
    let mut all = names("ops", "pub fn ");
    all.extend(names("ops", "    pub fn "));
    all.extend(names("nn", "    pub fn "));
    for (name, why) in TOLD {
        assert!(all.iter().any(|(_, found)| found == name), "`{name}`, {why}, is gone");
    }
}
