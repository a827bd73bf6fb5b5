use super::{Source, SourceId, Span};

fn refusal(bytes: &[u8]) -> String {
    Source::from_bytes(SourceId(0), "a.pipe", bytes).expect_err("it is not a source").message
}

#[test]
fn what_is_not_text_is_refused_with_its_place() {
    assert_eq!(refusal(b"a = 1\nb = \xff"), "`a.pipe` is not UTF-8: line 2, byte offset 10");
    assert_eq!(refusal(b"a = 1\n\n\0"), "`a.pipe` holds a NUL byte: line 3, byte offset 7");
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let source = Source::from_bytes(SourceId(0), "a.pipe", b"\xef\xbb\xbfa = 1").expect("it is text");
    assert_eq!(&*source.text, "a = 1");
}

#[test]
fn columns_are_characters() {
    let source = Source::new(SourceId(0), "a.pipe", "a = 1\nä = 漢 b");
    let at = source.text.find('b').expect("it is there") as u32;
    assert_eq!(source.line_column(0), (1, 1));
    assert_eq!(source.line_column(at), (2, 7));
    assert_eq!(source.slice(Span::new(SourceId(0), at as usize, at as usize + 1)), "b");
}

#[test]
fn spans_join() {
    let span = |start, end| Span::new(SourceId(0), start, end);
    assert_eq!(span(3, 5).to(span(1, 2)), span(1, 5));
    assert_eq!(span(3, 5).after(), span(5, 5));
}
