//! One look over the whole text before it is parsed: its comments, and whether it nests too deeply to be parsed.

use crate::ast::Comment;
use crate::lower::MAX_NESTING;
use crate::source::{SourceId, Span};
use crate::token;

/// What was seen.
pub(crate) struct Scan {
    /// Every comment, in order.
    pub(crate) comments: Vec<Comment>,
    /// The bracket at which the text nests too deeply; nothing after it was looked at.
    pub(crate) too_deep: Option<TooDeep>,
}

/// Where a text nests too deeply.
pub(crate) struct TooDeep {
    /// The bracket that is one too many.
    pub(crate) at: usize,
    /// The outermost bracket that is open there.
    pub(crate) outermost: usize,
}

/// Looks over a text.
pub(crate) fn scan(file: SourceId, text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut comments = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut own_line = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut end = at + 1;
        match byte {
            b'\n' => own_line = true,
            b' ' | b'\t'..=b'\r' => {}
            b'#' => {
                end = token::line_end(text, at);
                let comment = text[at..end].trim_end();
                let doc = comment.starts_with("##") && !comment.starts_with("###");
                comments.push(Comment { span: Span::new(file, at, at + comment.len()), own_line, doc });
            }
            _ => {
                own_line = false;
                let mut depth = open.len();
                match byte {
                    b'"' => {
                        let string = token::string(&text[at..]);
                        end = at + string.length;
                        depth += string.depth;
                    }
                    b'(' | b'[' | b'{' => {
                        open.push(at);
                        depth += 1;
                    }
                    b')' | b']' | b'}' => {
                        open.pop();
                    }
                    _ => {}
                }
                if depth > MAX_NESTING {
                    let outermost = open.first().copied().unwrap_or(at);
                    return Scan { comments, too_deep: Some(TooDeep { at, outermost }) };
                }
            }
        }
        at = end;
    }
    Scan { comments, too_deep: None }
}
