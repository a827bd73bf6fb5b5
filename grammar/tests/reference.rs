//! Every example of the reference page is a sound program in canonical form.

use runpipe_grammar::{Source, SourceId, Sources, format, render};

const PAGE: &str = include_str!("../REFERENCE.md");

/// The page's `pipe` blocks, each with the line it begins on.
fn examples() -> Vec<(usize, String)> {
    let mut examples = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in PAGE.lines().enumerate() {
        match (&mut open, line) {
            (None, "```pipe" | "```pipe fragment") => open = Some((index + 2, String::new())),
            (Some(_), "```") => examples.extend(open.take()),
            (Some((_, text)), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "every block is closed");
    examples
}

#[test]
fn examples_are_canonical() {
    let examples = examples();
    assert!(examples.len() > 10, "the page has examples");
    for (line, text) in examples {
        let source = Source::new(SourceId(0), format!("REFERENCE.md, line {line}"), &text);
        match format(&source) {
            Ok(canonical) => assert_eq!(text, canonical, "the block at line {line} is not canonical"),
            Err(mistakes) => {
                let mut sources = Sources::new();
                sources.add(source);
                panic!("{}", render(&mistakes, &sources, false));
            }
        }
    }
}

#[test]
fn reserved_words_are_all_named() {
    let sentence = PAGE.split("These words cannot be names:").nth(1).and_then(|rest| rest.split('.').next());
    let sentence = sentence.expect("the page says it");
    for word in sentence.split(['`', ' ', '\n']).filter(|word| !word.is_empty()) {
        let source = Source::new(SourceId(0), "reserved", &format!("{word} = 1"));
        assert!(format(&source).is_err(), "`{word}` can be a name");
    }
}
