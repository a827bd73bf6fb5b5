//! The pages that people read hold what they say.

use std::path::Path;

use crate::house::{Project, root};

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Fenced blocks of a page: the words after the fence, the text, the line of the fence.
fn blocks(text: &str) -> Vec<(String, String, usize)> {
    let (mut found, mut open): (Vec<(String, String, usize)>, bool) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        match (open, line.trim_start().strip_prefix("```")) {
            (false, Some(words)) => {
                found.push((words.trim().to_owned(), String::new(), number + 1));
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => {
                let block = &mut found.last_mut().expect("a block is open").1;
                block.push_str(line);
                block.push('\n');
            }
            (false, None) => {}
        }
    }
    found
}

/// Runs every `$ runpipe …` of the README's console blocks from the repository's root, with a store and reports of its
/// own. A block marked `long` is only looked at: its commands must name pipelines that are there.
#[test]
fn the_readme_does_what_it_says() {
    let project = Project::new();
    let (store, out) = (project.path().join("store"), project.path().join("reports"));
    let mut ran = 0;
    for (words, text, line) in blocks(&page("README.md")) {
        if !words.starts_with("console") {
            continue;
        }
        for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let words_of: Vec<&str> = command
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .map(|word| word.trim_matches('\''))
                .collect();
            for word in
                words_of.iter().filter(|word| Path::new(word).extension().is_some_and(|end| end == "pipe"))
            {
                assert!(
                    words_of.contains(&"new") || root().join(word).is_file(),
                    "README.md:{line}: `{word}` is not there"
                );
            }
            if words_of.first() != Some(&"runpipe") || words.contains("long") {
                continue;
            }
            let mut process = project.command();
            process.current_dir(root()).args(&words_of[1..]).env("RUNPIPE_CACHE", &store);
            if matches!(words_of[1], "run" | "report") {
                process.arg("--out").arg(&out);
            }
            let output = process.output().expect("the binary is built before its tests");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "README.md:{line}: `{command}` failed\n{stderr}");
            ran += 1;
        }
    }
    assert!(ran >= 5, "the README shows only {ran} short commands");
}

/// The mistake that the README shows is told in these words.
#[test]
fn the_readme_shows_mistakes_as_they_are_told() {
    let page = page("README.md");
    let (_, shown, line) = blocks(&page)
        .into_iter()
        .find(|(words, text, _)| words == "text" && text.starts_with("error: "))
        .expect("the README shows a mistake");
    let faulty = shown.lines().find_map(|line| line.split_once("12 | ")).expect("a line of the source").1;
    let head = "corpus = maner.language()\nsents = corpus.train\nencoder = corpus.text -> maner.pretrain()\n";
    let text = format!("{head}{}for seed in 0..1 {{\n{faulty}\n}}\n", "\n".repeat(7));
    let project = Project::new();
    project.write("pipelines/maner.pipe", text);
    let told = project.run(&["check", "pipelines/maner.pipe"]).stderr;
    assert!(told.contains(shown.trim_end()), "README.md:{line} shows\n{shown}\nit is\n{told}");
}

/// Every whole example of the language reference is a pipeline that `check` passes, with the real stages.
#[test]
fn every_example_of_the_language_reference_checks() {
    let project = Project::new();
    for script in ["scripts/tok.py", "scripts/count.py"] {
        project.write(script, "");
    }
    let mut checked = 0;
    for (words, text, line) in blocks(&page("grammar/REFERENCE.md")) {
        if words != "pipe" {
            continue;
        }
        project.write("example.pipe", &text);
        let ran = project.run(&["check", "example.pipe"]);
        assert_eq!(ran.code, 0, "grammar/REFERENCE.md:{line}\n{}", ran.stderr);
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} examples are whole pipelines");
}

/// `RUNPIPE_BLESS=1` rewrites the page.
#[test]
fn reference_of_the_stages_is_what_they_say() {
    let said = Project::new().ok(&["stages", "describe", "--all"]).stdout;
    let path = root().join("stages/REFERENCE.md");
    if std::env::var_os("RUNPIPE_BLESS").is_some() {
        std::fs::write(&path, &said).expect("the page can be written");
    }
    assert!(
        page("stages/REFERENCE.md") == said,
        "stages/REFERENCE.md is stale: `RUNPIPE_BLESS=1 cargo test -p runpipe --test it reference` rewrites it"
    );
}
