//! Mistakes in texts, numbers and characters.

use super::{Spot, expected};
use crate::ast::Unit;
use crate::diagnostic::Diagnostic;
use crate::explain::Fault;
use crate::lower::Failure;
use crate::source::Span;
use crate::suggest::nearest;
use crate::token::{self, Token, TokenKind};

/// The units a user may write, for a hint.
const UNITS: &str =
    "durations are in `ms`, `s`, `min`, `h`, `day`, sizes in `B`, `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`";

/// What is wrong with the literal at the spot, if one is.
pub(super) fn explain(spot: &Spot<'_>) -> Option<Diagnostic> {
    if let Some(diagnostic) = trailing_dot(spot) {
        return Some(diagnostic);
    }
    let found = spot.found?;
    match found.kind {
        TokenKind::OpenStr => Some(open_text(spot, &found)),
        TokenKind::Str if spot.fault.failure.at > found.start => Some(inside_text(spot, &found)),
        TokenKind::QuotedOnce => Some(
            spot.error("a text stands in double quotes")
                .label(format!("write \"{}\"", found.text.trim_matches('\'').escape_debug())),
        ),
        TokenKind::Odd => Some(odd_character(spot, &found)),
        TokenKind::Number => number(spot, &found),
        TokenKind::Word => unit_after_blank(spot, &found),
        TokenKind::Mark if found.text == "." => dotted_number(spot, &found),
        _ => None,
    }
}

fn open_text(spot: &Spot<'_>, found: &Token<'_>) -> Diagnostic {
    let line = found.text.trim_end();
    let quoted = token::string(found.text);
    if let Some(brace) = quoted.open_brace
        && line[brace..].contains('"')
    {
        let span = Span::new(spot.file, found.start + brace, found.start + brace + 1);
        return Diagnostic::error(span, "unclosed `{` in a text")
            .label("opened here")
            .hint("`{…}` holds a value; write `{{` for a literal brace");
    }
    let span = Span::new(spot.file, found.start, found.start + line.len());
    Diagnostic::error(span, "unclosed text")
        .label("no closing `\"` on this line")
        .hint("a text ends on the line it begins on; `\\n` stands for a line end")
}

/// The grammar gave up inside a closed text: at an escape, a brace or in an interpolation.
fn inside_text(spot: &Spot<'_>, found: &Token<'_>) -> Diagnostic {
    let at = spot.fault.failure.at;
    let bytes = spot.text.as_bytes();
    let span = |start: usize, end: usize| Span::new(spot.file, start, end);
    // Whether the spot is in the text itself is seen by walking there.
    let mut here = found.start + 1;
    let mut interpolation = None;
    while here < found.end() - 1 {
        match bytes[here] {
            b'\\' => {
                let length = 1 + spot.text[here + 1..].chars().next().map_or(0, char::len_utf8);
                if !matches!(bytes[here + 1], b'n' | b't' | b'"' | b'\\') {
                    return Diagnostic::error(
                        span(here, here + length),
                        format!("unknown escape `{}`", &spot.text[here..here + length]),
                    )
                    .hint("escapes are `\\n`, `\\t`, `\\\"` and `\\\\`");
                }
                here += length;
            }
            b'{' if bytes[here + 1] == b'{' => here += 2,
            b'{' => {
                let end = interpolation_end(spot.text, here);
                if end > at {
                    interpolation = Some((here, end));
                    break;
                }
                here = end;
            }
            b'}' if bytes[here + 1] == b'}' => here += 2,
            b'}' => {
                return Diagnostic::error(span(here, here + 1), "stray `}` in a text")
                    .hint("write `}}` for a literal brace");
            }
            _ => here += 1,
        }
    }
    let Some((open, end)) = interpolation else {
        return Diagnostic::error(span(found.start, found.end()), "this text cannot be read");
    };
    if spot.text[open + 1..end - 1].trim().is_empty() {
        return Diagnostic::error(span(open, end), "empty `{}` in a text")
            .hint("put a value in the braces, or write `{{}}` for literal ones");
    }
    let failure = Failure { at, expected: spot.fault.failure.expected.clone() };
    let fault = Fault { start: open + 1, failure, open_at_end: &[], end, ..*spot.fault };
    let inner = Spot::new(spot.file, spot.text, &fault);
    let diagnostic =
        explain(&inner).or_else(|| super::habits::explain(&inner)).unwrap_or_else(|| expected(&inner));
    diagnostic.hint("`{…}` in a text holds a value; write `{{` for a literal brace")
}

/// The offset after the `}` of the interpolation that begins at `open` in a closed text.
fn interpolation_end(text: &str, open: usize) -> usize {
    let mut depth = 0;
    let mut here = token::token(text, open);
    while let Some(current) = here {
        match current.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return current.end();
        }
        here = token::token(text, current.end());
    }
    text.len()
}

fn odd_character(spot: &Spot<'_>, found: &Token<'_>) -> Diagnostic {
    let first = found.text.chars().next().unwrap_or('\u{fffd}');
    match first {
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' | '\u{2018}' | '\u{2019}' | '\'' | '`' => {
            spot.error(format!("unexpected `{first}`")).label("a text stands in plain double quotes, `\"`")
        }
        '\u{2013}' | '\u{2014}' | '\u{2212}' => {
            spot.error(format!("unexpected `{first}`")).label("a minus is written `-`")
        }
        '\u{2192}' => spot.error(format!("unexpected `{first}`")).label("an arrow is written `->`"),
        _ if first.is_alphanumeric() => spot
            .error(format!("unexpected `{}`", found.text))
            .label("names are made of the letters a-z and A-Z, digits and `_`"),
        _ if first.is_control() || first.is_whitespace() => {
            spot.error(format!("unexpected character U+{:04X}", u32::from(first)))
        }
        _ => spot.error(format!("unexpected `{first}`")),
    }
}

/// A number with something glued to it, or one that cannot stand where it does.
fn number(spot: &Spot<'_>, found: &Token<'_>) -> Option<Diagnostic> {
    let text = found.text;
    if spot.last_text() == "." && spot.last.is_some_and(|last| last.end() == found.start) {
        return Some(leading_dot(spot, &spot.last?, found));
    }
    let digits =
        text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '.').len();
    let tail = &text[digits..];
    if tail.is_empty() {
        let odd = text.ends_with('_')
            || text.contains("__")
            || text.matches('.').count() > 1
            || text.contains("_.");
        return odd.then(|| {
            spot.error(format!("`{text}` is not a number"))
                .label("digits, at most one `.`, single `_` between digits")
        });
    }
    if text.starts_with('0')
        && matches!(tail.as_bytes()[0], b'x' | b'X' | b'b' | b'o')
        && digits == 1
        && tail.len() > 1
    {
        return Some(spot.error(format!("`{text}` is not a number")).label("numbers are decimal"));
    }
    if matches!(tail, "e" | "E") {
        return Some(spot.error(format!("`{text}` is not a number")).label("the exponent is missing"));
    }
    if Unit::from_symbol(tail).is_some()
        || tail.starts_with(['e', 'E']) && tail[1..].bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let span = Span::new(spot.file, found.start + digits, found.end());
    Some(unknown_unit(span, tail))
}

/// `90 sec`: a word that no statement explains stands on the line of a number.
fn unit_after_blank(spot: &Spot<'_>, found: &Token<'_>) -> Option<Diagnostic> {
    let after_number = spot.last.is_some_and(|last| last.kind == TokenKind::Number);
    let is_unit = after_number && spot.on_line_of_last() && found.is_name() && spot.next_text() != "=";
    is_unit.then(|| unknown_unit(spot.span(found), found.text))
}

fn unknown_unit(span: Span, unit: &str) -> Diagnostic {
    let lower = unit.to_lowercase();
    let meant = match lower.as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "mins" | "minute" | "minutes" => Some("min"),
        "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "d" | "days" => Some("day"),
        "msec" | "millis" | "milliseconds" => Some("ms"),
        "byte" | "bytes" => Some("B"),
        _ => nearest(unit, Unit::ALL.map(Unit::symbol)),
    };
    let diagnostic = Diagnostic::error(span, format!("unknown unit `{unit}`")).hint(UNITS);
    match meant {
        Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
        None => diagnostic,
    }
}

/// `.5`
fn dotted_number(spot: &Spot<'_>, found: &Token<'_>) -> Option<Diagnostic> {
    if let Some(next) = spot.next.filter(|next| next.kind == TokenKind::Number && next.start == found.end()) {
        return Some(leading_dot(spot, found, &next));
    }
    None
}

/// `5.` before anything but a digit.
fn trailing_dot(spot: &Spot<'_>) -> Option<Diagnostic> {
    let (number, dot) = match spot.found.filter(|found| found.text == ".") {
        Some(dot) => (spot.last?, dot),
        None => (spot.before_last?, spot.last.filter(|last| last.text == ".")?),
    };
    if number.kind != TokenKind::Number || number.end() != dot.start {
        return None;
    }
    let span = spot.span(&number).to(spot.span(&dot));
    Some(
        Diagnostic::error(span, format!("`{}.` is not a number", number.text))
            .label(format!("write `{}.0`", number.text)),
    )
}

fn leading_dot(spot: &Spot<'_>, dot: &Token<'_>, number: &Token<'_>) -> Diagnostic {
    let span = spot.span(dot).to(spot.span(number));
    Diagnostic::error(span, format!("`.{}` is not a number", number.text))
        .label(format!("write `0.{}`", number.text))
}
