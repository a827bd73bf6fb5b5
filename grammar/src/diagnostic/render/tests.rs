use super::render;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceId, Sources, Span};

fn sources(texts: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::new();
    for (name, text) in texts {
        sources.add(Source::new(sources.next_id(), *name, text));
    }
    sources
}

/// The first place where a source says something.
fn place(sources: &Sources, file: u32, what: &str) -> Span {
    let source = sources.get(SourceId(file)).expect("it was added");
    let start = source.text.find(what).expect("it is there");
    Span::new(source.id, start, start + what.len())
}

#[test]
fn a_diagnostic_has_all_its_parts() {
    let sources = sources(&[(
        "pipelines/maner.pipe",
        "a = 1\n\ntagger = encoder -> maner.finetune(sents, epoch = 10)\n",
    )]);
    let diagnostic =
        Diagnostic::error(place(&sources, 0, "epoch"), "stage `maner.finetune` has no parameter `epoch`")
            .label("did you mean `epochs`?")
            .hint("`runpipe stages describe maner.finetune` lists its parameters");
    insta::assert_snapshot!(render(&[diagnostic], &sources, false), @r"
    error: stage `maner.finetune` has no parameter `epoch`
     --> pipelines/maner.pipe:3:43
      |
    3 | tagger = encoder -> maner.finetune(sents, epoch = 10)
      |                                           ^^^^^ did you mean `epochs`?
    hint: `runpipe stages describe maner.finetune` lists its parameters
    ");
}

#[test]
fn places_in_other_files_are_drawn_too() {
    let sources = sources(&[
        ("a.pipe", "import \"b.pipe\"\nx = b.train()\n"),
        ("b.pipe", "fn train(a: text) -> r {\n    r = a\n}\n"),
    ]);
    let diagnostic = Diagnostic::warning(place(&sources, 0, "b.train()"), "input `a` is missing")
        .related(place(&sources, 1, "a: text"), "declared here");
    insta::assert_snapshot!(render(&[diagnostic], &sources, false), @r"
    warning: input `a` is missing
     --> a.pipe:2:5
      |
    2 | x = b.train()
      |     ^^^^^^^^^
      |
     ::: b.pipe:1:10
      |
    1 | fn train(a: text) -> r {
      |          ------- declared here
    ");
}

#[test]
fn tabs_and_wide_characters_keep_the_caret_in_place() {
    let sources = sources(&[("a.pipe", "\tx = \"漢字\" + y\r\n")]);
    let diagnostic = Diagnostic::error(place(&sources, 0, "y"), "`y` is not bound");
    insta::assert_snapshot!(render(&[diagnostic], &sources, false), @r#"
    error: `y` is not bound
     --> a.pipe:1:13
      |
    1 |     x = "漢字" + y
      |                  ^
    "#);
}

#[test]
fn a_span_of_many_lines_is_folded() {
    let body = "    a = 1\n".repeat(30);
    let text = format!("for n in xs {{\n{body}}}\n");
    let sources = sources(&[("a.pipe", &text)]);
    let diagnostic = Diagnostic::error(Span::new(SourceId(0), 0, text.len()), "this loop makes no node");
    insta::assert_snapshot!(render(&[diagnostic], &sources, false), @r"
    error: this loop makes no node
      --> a.pipe:1:1
       |
     1 | / for n in xs {
     2 | |     a = 1
     3 | |     a = 1
     4 | |     a = 1
    ...  |
    31 | |     a = 1
    32 | | }
       | |_^
    ");
}

#[test]
fn colour_changes_no_word() {
    let sources = sources(&[("a.pipe", "x = y\n")]);
    let diagnostic = [Diagnostic::error(place(&sources, 0, "y"), "`y` is not bound").hint("bind it")];
    let colored = render(&diagnostic, &sources, true);
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    let mut pieces = colored.split("\u{1b}[");
    plain.push_str(pieces.next().expect("a split has a first piece"));
    for piece in pieces {
        plain.push_str(piece.split_once('m').expect("only colours are set").1);
    }
    assert_eq!(plain, render(&diagnostic, &sources, false));
}

#[test]
fn spans_out_of_the_text_do_no_harm() {
    let sources = sources(&[("a.pipe", "x = é")]);
    for (file, start, end) in [(0, 4, 5), (0, 5, 6), (0, 100, 200), (0, 3, 1), (7, 0, 1)] {
        let span = Span { file: SourceId(file), start, end };
        let drawn = render(&[Diagnostic::error(span, "wrong").related(span, "also")], &sources, false);
        assert!(drawn.starts_with("error: wrong\n"), "{drawn}");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let sources = sources(&[("a\u{7}.pipe", "x = \u{1b}[31m\n")]);
    let span = Span::new(SourceId(0), 4, 5);
    let drawn = render(&[Diagnostic::error(span, "odd \u{1b}").hint("\u{8}").label("\r")], &sources, false);
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
}
