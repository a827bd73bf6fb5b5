//! Diagnostics as text, each with its source lines and carets.

#[cfg(test)]
mod tests;

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::source::{Source, Sources, Span};
use crate::token::{line_end, line_start};

/// Longer lines are cut around what is shown of them, in bytes.
const LONG_LINE: usize = 400;
/// Related places further away than this many lines are drawn apart.
const NEAR_LINES: usize = 50;

/// Draws diagnostics for a terminal (with `color`) or a file, each with its source and what to do about it.
///
/// The text depends on nothing but the arguments. Spans of sources that are not in `sources` are not drawn.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let group =
            level.primary_title(printable(&diagnostic.message)).elements(elements(diagnostic, sources));
        let drawn = renderer.render(&[group]);
        for line in with_true_column(&drawn, diagnostic, sources).lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for hint in &diagnostic.hints {
            let (bold, plain) = if color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
            out.extend([bold, "hint:", plain, " ", &printable(hint), "\n"]);
        }
        out.push('\n');
    }
    out
}

/// Where a long line was cut the drawer counts columns from the cut: the place is set right.
fn with_true_column(drawn: &str, diagnostic: &Diagnostic, sources: &Sources) -> String {
    let Some(source) = sources.get(diagnostic.span.file) else { return drawn.to_owned() };
    let start = clip(&source.text, diagnostic.span.range()).start;
    let (line, column) = source.line_column(start as u32);
    if line_end(&source.text, start) - line_start(&source.text, start) <= LONG_LINE {
        return drawn.to_owned();
    }
    let place = format!("{}:{line}:", printable(&source.name));
    let Some(at) = drawn.find(&place).map(|at| at + place.len()) else { return drawn.to_owned() };
    let digits = drawn[at..].bytes().take_while(u8::is_ascii_digit).count();
    format!("{}{column}{}", &drawn[..at], &drawn[at + digits..])
}

/// One mark under the source.
struct Mark<'d> {
    span: Span,
    label: &'d str,
    kind: AnnotationKind,
}

/// The pictures of a diagnostic: the place itself with what is near it, then each place that is far away.
fn elements<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Element<'a>> {
    let primary = Mark { span: diagnostic.span, label: &diagnostic.label, kind: AnnotationKind::Primary };
    let mut pictures: Vec<Vec<Mark<'_>>> = vec![vec![primary]];
    for (span, label) in &diagnostic.related {
        let mark = Mark { span: *span, label, kind: AnnotationKind::Context };
        match pictures.iter_mut().find(|picture| is_near(&picture[0], &mark, sources)) {
            Some(picture) => picture.push(mark),
            None => pictures.push(vec![mark]),
        }
    }
    let mut elements = Vec::new();
    for picture in &pictures {
        if let Some(source) = sources.get(picture[0].span.file) {
            elements.push(draw(picture, source));
        }
    }
    elements
}

fn is_near(first: &Mark<'_>, other: &Mark<'_>, sources: &Sources) -> bool {
    let (a, b) = (first.span, other.span);
    let Some(source) = sources.get(a.file).filter(|_| a.file == b.file) else { return false };
    let between = a.start.min(b.start) as usize..a.start.max(b.start) as usize;
    source
        .text
        .get(between)
        .is_some_and(|text| text.bytes().filter(|&byte| byte == b'\n').count() <= NEAR_LINES)
}

/// The lines around the marks with the marks under them.
fn draw<'a>(marks: &[Mark<'a>], source: &'a Source) -> Element<'a> {
    let text = &*source.text;
    let ranges: Vec<Range<usize>> = marks.iter().map(|mark| clip(text, mark.span.range())).collect();
    let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let excerpt = Excerpt::new(text, line_start(text, start)..line_end(text, end), &ranges);
    let first_line = source.line_column(start as u32).0;
    let annotations = marks.iter().zip(&ranges).map(|(mark, range)| {
        let annotation: Annotation<'a> = mark.kind.span(excerpt.place(range.start)..excerpt.place(range.end));
        if mark.label.is_empty() { annotation } else { annotation.label(printable(mark.label)) }
    });
    Snippet::source(excerpt.text.clone())
        .path(printable(&source.name))
        .line_start(first_line)
        .annotations(annotations)
        .into()
}

/// A span that lies in the text, on character boundaries, and not over too many lines.
fn clip(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let many_lines = text[start..end].bytes().filter(|&byte| byte == b'\n').count() > NEAR_LINES;
    start..if many_lines { line_end(text, start) } else { end }
}

/// Some lines of a source, long ones cut around what is marked in them.
struct Excerpt {
    text: String,
    /// What is kept: ranges of the source, each with its offset in the excerpt.
    kept: Vec<(Range<usize>, usize)>,
}

impl Excerpt {
    fn new(text: &str, lines: Range<usize>, marks: &[Range<usize>]) -> Self {
        let mut excerpt = Self { text: String::new(), kept: Vec::new() };
        let mut start = lines.start;
        for line in text[lines].split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            let content = line.trim_end_matches(['\n', '\r']);
            let shown = if content.len() > LONG_LINE {
                window(content, range.start, marks)
            } else {
                0..content.len()
            };
            if shown.start > 0 {
                excerpt.text.push('…');
            }
            excerpt.kept.push((range.start + shown.start..range.start + shown.end, excerpt.text.len()));
            excerpt.text.push_str(&content[shown.clone()]);
            if shown.end < content.len() {
                excerpt.text.push('…');
            }
            if line.ends_with('\n') {
                excerpt.text.push('\n');
            }
        }
        excerpt
    }

    /// Where a place of the source is in the excerpt, or the nearest place before it that is.
    fn place(&self, at: usize) -> usize {
        let line = self.kept.partition_point(|(range, _)| range.start <= at).saturating_sub(1);
        self.kept
            .get(line)
            .map_or(0, |(range, offset)| offset + at.clamp(range.start, range.end) - range.start)
    }
}

/// What to show of a long line that begins at `start`.
fn window(line: &str, start: usize, marks: &[Range<usize>]) -> Range<usize> {
    let around = LONG_LINE / 6;
    let inside = marks.iter().filter(|mark| mark.start <= start + line.len() && mark.end >= start);
    let from = inside.clone().map(|mark| mark.start.saturating_sub(start)).min().unwrap_or(0);
    let to = inside.map(|mark| mark.end.saturating_sub(start)).max().unwrap_or(0).min(from + LONG_LINE / 2);
    line.floor_char_boundary(from.saturating_sub(around))
        ..line.ceil_char_boundary((to + around).min(line.len()))
}

/// Text without control characters, which could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
