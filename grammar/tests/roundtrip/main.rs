//! Printing and parsing are each other's inverse, the canonical form is one, and no text harms the parser.

mod generate;

use std::fmt::Write;

use proptest::prelude::*;
use runpipe_grammar::ast::File;
use runpipe_grammar::{Source, SourceId, Sources, Span, format, parse, render};

fn source(text: &str) -> Source {
    Source::new(SourceId(0), "by-chance.pipe", text)
}

/// A tree without its places and comments, as text.
fn shape(mut file: File) -> String {
    file.comments.clear();
    let debug = format!("{file:?}");
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug.as_str();
    while let Some(at) = ["span: @", "head: @"].into_iter().filter_map(|place| rest.find(place)).min() {
        out.push_str(&rest[..at]);
        let place = &rest[at + "span: @".len()..];
        rest = place.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
    }
    out + rest
}

fn told(text: &str) -> String {
    match parse(&source(text)) {
        Ok(_) => String::new(),
        Err(mistakes) => {
            let mut sources = Sources::new();
            sources.add(source(text));
            render(&mistakes, &sources, false)
        }
    }
}

fn check_format(text: &str) -> Result<String, TestCaseError> {
    let before = parse(&source(text)).map_err(|_| TestCaseError::fail(format!("{text}\n{}", told(text))))?;
    let canonical = format(&source(text)).expect("what can be parsed can be formatted");
    let after = parse(&source(&canonical))
        .map_err(|_| TestCaseError::fail(format!("{text}\n--- became\n{canonical}\n{}", told(&canonical))))?;
    prop_assert_eq!(shape(before), shape(after), "\n{}\n--- became\n{}", text, &canonical);
    let again = format(&source(&canonical)).expect("the canonical form can be parsed");
    prop_assert_eq!(&canonical, &again, "\n{}", text);
    Ok(canonical)
}

/// The same program with comments and line ends in unexpected places: where `places` says so, a blank becomes
/// `# note N` or `## note N` and a line end. Lines with texts or comments stay as they are.
fn with_notes(program: &str, places: &[bool]) -> (String, usize) {
    let (mut out, mut notes) = (String::new(), 0);
    let mut places = places.iter().cycle();
    for line in program.lines() {
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            let after = line[at + c.len_utf8()..].chars().next();
            let in_quantity = before.is_ascii_digit() && after.is_some_and(|c| c.is_ascii_alphabetic());
            let free = c == ' ' && before != ' ' && !line.contains(['"', '#']) && !in_quantity;
            if free && places.next() == Some(&true) {
                let marks = if notes % 2 == 0 { "#" } else { "##" };
                writeln!(out, " {marks} note {notes};").expect("a string can be written");
                notes += 1;
            } else {
                out.push(c);
            }
            before = c;
        }
        out.push('\n');
    }
    (out, notes)
}

/// Anything may be wrong with a text, but its mistakes lie within it and can be drawn; if none is, it can be formatted.
fn check_any(text: &str) -> Result<(), TestCaseError> {
    let source = source(text);
    match parse(&source) {
        Ok(_) => {
            check_format(text)?;
        }
        Err(mistakes) => {
            prop_assert!(!mistakes.is_empty() && mistakes.len() <= 51);
            for mistake in &mistakes {
                let related = mistake.related.iter().map(|(span, _)| *span);
                for Span { start, end, .. } in related.chain([mistake.span]) {
                    prop_assert!(source.text.get(start as usize..end as usize).is_some(), "{mistake:?}");
                }
            }
            prop_assert!(told(text).contains("error: "));
        }
    }
    Ok(())
}

/// Words, marks and lines of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "import",
        "param",
        "profile",
        "fn",
        "stage",
        "for",
        "in",
        "if",
        "else",
        "report",
        "and",
        "or",
        "not",
        "true",
        "none",
        "table",
        "plot",
        "expect",
        "by",
        "over",
        "run",
        "needs",
        "part",
        "a",
        "b",
        "n",
        "f(",
        "xs[",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "->",
        "=",
        "==",
        "<",
        "..",
        "..=",
        "+",
        "-",
        "*",
        ",",
        ":",
        ";",
        "@(",
        "?",
        "|",
        ".",
        "1",
        "2.5",
        "90 s",
        "8 GiB",
        "\"t\"",
        "\"{a}\"",
        "\"{",
        "\"",
        "'q'",
        "\\",
        "# c\n",
        "## d\n",
        "\n",
        "\n    ",
        "\t",
        "é",
        "\u{0}",
        "a = b\n",
        "x = f(1)\n",
        "for n in xs {\n",
        "}\n",
        "int",
        "-> r {",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_is_parsed_as_itself(file in generate::file()) {
        let text = file.to_string();
        let parsed = parse(&source(&text)).map_err(|_| TestCaseError::fail(format!("{text}\n{}", told(&text))))?;
        prop_assert_eq!(shape(parsed), shape(file), "\n{}", &text);
        prop_assert_eq!(check_format(&text)?, text);
    }

    #[test]
    fn an_expression_is_printed_on_one_line(expr in generate::expr()) {
        let text = expr.to_string();
        prop_assert!(!text.contains('\n'));
        let parsed = parse(&source(&format!("x = {text}"))).map_err(|_| TestCaseError::fail(text.clone()))?;
        let runpipe_grammar::ast::Item::Stmt(runpipe_grammar::ast::Stmt::Binding(binding)) = &parsed.items[0] else {
            return Err(TestCaseError::fail("not a binding"));
        };
        prop_assert_eq!(binding.value.to_string(), text);
    }

    #[test]
    fn comments_survive(file in generate::file(), places in prop::collection::vec(prop::bool::weighted(0.2), 8..64)) {
        let (text, notes) = with_notes(&file.to_string(), &places);
        let canonical = check_format(&text)?;
        for note in 0..notes {
            let comment = format!("# note {note};");
            prop_assert_eq!(canonical.matches(&comment).count(), 1, "{} of\n{}\n--- became\n{}", comment, &text, &canonical);
        }
    }

    #[test]
    fn no_text_harms(text in any::<String>()) {
        check_any(&text)?;
    }

    #[test]
    fn no_soup_harms(text in soup()) {
        check_any(&text)?;
    }

    #[test]
    fn no_slip_harms(
        file in generate::file(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..4,
        instead in prop::sample::select(vec!["", "(", "}", "\"", "=", "\n", "#", "for ", "'", ",", "é"]),
    ) {
        let text = file.to_string();
        let start = text.floor_char_boundary(at.index(text.len() + 1));
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        check_any(&format!("{}{instead}{}", &text[..start], &text[end..]))?;
    }

    #[test]
    fn no_bytes_harm(bytes in any::<Vec<u8>>()) {
        if let Ok(source) = Source::from_bytes(SourceId(0), "bytes.pipe", &bytes) {
            check_any(&source.text)?;
        }
    }
}
