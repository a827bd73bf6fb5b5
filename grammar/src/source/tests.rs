use super::{Source, SourceId, Span};

/// What is said of bytes that are no text, and where: line and column.
fn refusal(bytes: &[u8]) -> (String, (usize, usize)) {
    let refused = Source::from_bytes(SourceId(0), "a.pipe", bytes).expect_err("it is not a source");
    assert_eq!(refused.shown.slice(refused.diagnostic.span), "\u{fffd}", "the caret stands under it");
    (refused.diagnostic.message.clone(), refused.shown.line_column(refused.diagnostic.span.start))
}

#[test]
fn what_is_not_text_is_refused_with_its_place() {
    let check = |bytes: &[u8], message: &str, at| assert_eq!(refusal(bytes), (message.to_owned(), at));
    check(b"a = 1\nb = \xff", "this is not UTF-8: the byte 0xff", (2, 5));
    check(b"\xef\xbb\xbf\xc3\xa4 = \xc3", "this is not UTF-8: the byte 0xc3", (1, 5));
    check(b"\xef\xbb\xbf\xff\0", "this is not UTF-8: the byte 0xff", (1, 1));
    check(b"a = 1\n\n\0", "a text holds no NUL byte", (3, 1));
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
