//! Which doc comment belongs to what.

use crate::ast::{Comment, Doc};
use crate::source::Span;

/// The doc comment of what stands at `span`: the `##` lines directly above it, then the first `##` that follows one of
/// the offsets `ends` on its line.
pub(crate) fn of(text: &str, comments: &[Comment], span: Span, ends: &[u32]) -> Option<Doc> {
    if comments.is_empty() {
        return None;
    }
    let mut lines = above(text, comments, span.start);
    lines.extend(ends.iter().find_map(|&end| beside_comment(text, comments, end)));
    doc(text, &lines)
}

/// Only the `##` that follows an offset on its line.
pub(crate) fn beside(text: &str, comments: &[Comment], end: u32) -> Option<Doc> {
    beside_comment(text, comments, end).and_then(|comment| doc(text, &[comment]))
}

/// The doc comment of the file: the `##` lines at its top, when a blank line, an import or nothing follows.
pub(crate) fn of_file(text: &str, comments: &[Comment]) -> Option<Doc> {
    let mut block = Vec::new();
    let mut end = 0;
    for comment in comments {
        let gap = &text[end..comment.span.start as usize];
        let joins = if block.is_empty() { gap.trim().is_empty() } else { is_one_line_end(gap) };
        if !joins || !comment.own_line {
            break;
        }
        block.push(*comment);
        end = comment.span.end as usize;
    }
    let rest = &text[end..];
    let gap = &rest[..rest.len() - rest.trim_start().len()];
    let stands_apart =
        gap.matches('\n').count() > 1 || gap.len() == rest.len() || begins_with_import(rest.trim_start());
    if stands_apart { doc(text, &block) } else { None }
}

fn begins_with_import(text: &str) -> bool {
    let after = text.strip_prefix("import");
    after.is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// The comment lines that end on the line above an offset, in order.
fn above(text: &str, comments: &[Comment], start: u32) -> Vec<Comment> {
    let before = &comments[..comments.partition_point(|comment| comment.span.start < start)];
    let mut next_start = start as usize;
    let mut lines = Vec::new();
    for comment in before.iter().rev() {
        if !comment.own_line || !is_one_line_end(&text[comment.span.end as usize..next_start]) {
            break;
        }
        lines.push(*comment);
        next_start = comment.span.start as usize;
    }
    lines.reverse();
    lines
}

/// The doc comment that follows an offset on its line, with nothing but separators between.
fn beside_comment(text: &str, comments: &[Comment], end: u32) -> Option<Comment> {
    let next = comments.get(comments.partition_point(|comment| comment.span.start < end))?;
    let between = &text[end as usize..next.span.start as usize];
    let adjacent = between.chars().all(|c| matches!(c, ' ' | '\t' | ',' | ';'));
    (next.doc && adjacent).then_some(*next)
}

fn is_one_line_end(gap: &str) -> bool {
    gap.trim().is_empty() && gap.matches('\n').count() == 1
}

fn doc(text: &str, lines: &[Comment]) -> Option<Doc> {
    let docs: Vec<&Comment> = lines.iter().filter(|comment| comment.doc).collect();
    let (first, last) = (docs.first()?, docs.last()?);
    let lines: Vec<&str> = docs
        .iter()
        .map(|comment| {
            let line = text[comment.span.range()].trim_end();
            let line = line.strip_prefix("##").unwrap_or(line);
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    Some(Doc { text: lines.join("\n").into(), span: first.span.to(last.span) })
}
