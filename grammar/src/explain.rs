//! What is wrong with a statement that the grammar refused, in words that help.
//!
//! The grammar tells how far the statement made sense and what could have come next. This module looks at the tokens
//! around that place for the mistakes people make, and falls back to "expected …, found …".

mod habits;
mod literal;

use crate::diagnostic::Diagnostic;
use crate::lower::Failure;
use crate::recover::{Place, begins_item, begins_statement, indent_of};
use crate::source::{SourceId, Span};
use crate::suggest::nearest;
use crate::token::{Token, TokenKind, is_reserved, token};

/// A statement that the grammar refused.
pub(crate) struct Fault<'f> {
    /// Where it begins.
    pub(crate) start: usize,
    /// What it stands in.
    pub(crate) place: Place,
    /// What the grammar says.
    pub(crate) failure: Failure,
    /// The brackets that are open where the statement ends, the outermost first.
    pub(crate) open_at_end: &'f [usize],
    /// Where it ends.
    pub(crate) end: usize,
}

/// The place of a mistake and what stands around it.
struct Spot<'f> {
    file: SourceId,
    text: &'f str,
    fault: &'f Fault<'f>,
    /// The statement's first token.
    first: Option<Token<'f>>,
    /// The second token before the mistake.
    before_last: Option<Token<'f>>,
    /// The token before the mistake.
    last: Option<Token<'f>>,
    /// The token that could not stand there; none at the end of the file.
    found: Option<Token<'f>>,
    /// The token after it.
    next: Option<Token<'f>>,
    /// The brackets that are open there, the outermost first.
    open: Vec<Token<'f>>,
}

/// The diagnostic for a refused statement.
pub(crate) fn explain(file: SourceId, text: &str, fault: &Fault<'_>) -> Diagnostic {
    let spot = Spot::new(file, text, fault);
    let checks: [fn(&Spot<'_>) -> Option<Diagnostic>; 6] =
        [literal::explain, unclosed_bracket, stray_bracket, reserved_name, habits::explain, wrong_start];
    checks.iter().find_map(|check| check(&spot)).unwrap_or_else(|| expected(&spot))
}

/// The diagnostic for an item of a file that stands in a block.
pub(crate) fn misplaced(span: Span, word: &str, place: Place) -> Diagnostic {
    let article = if word == "import" { "an" } else { "a" };
    let message = format!("{article} `{word}` cannot stand in {}", place.in_words());
    let hint = match word {
        "for" if place == Place::Report => {
            "a report shows what loops outside of it made: `table scores.f1 by n`"
        }
        "param" if place == Place::Body => {
            "a `fn` takes its parameters in the parentheses; a file's stand at its top"
        }
        _ => "it stands at the top of the file",
    };
    Diagnostic::error(span, message).label("not here").hint(hint)
}

impl<'f> Spot<'f> {
    fn new(file: SourceId, text: &'f str, fault: &'f Fault<'f>) -> Self {
        let at = fault.failure.at;
        let mut spot = Self {
            file,
            text,
            fault,
            first: token(text, fault.start),
            before_last: None,
            last: None,
            found: None,
            next: None,
            open: Vec::new(),
        };
        let mut here = spot.first;
        while let Some(current) = here {
            let reaches = current.end() > at || current.kind == TokenKind::OpenStr && current.end() == at;
            let next = token(text, current.end());
            if reaches {
                (spot.found, spot.next) = (here, next);
                break;
            }
            match current.kind {
                TokenKind::Open => spot.open.push(current),
                TokenKind::Close => {
                    spot.open.pop();
                }
                _ => {}
            }
            (spot.before_last, spot.last, here) = (spot.last, here, next);
        }
        spot
    }

    /// The span of a token.
    fn span(&self, token: &Token<'_>) -> Span {
        Span::new(self.file, token.start, token.end())
    }

    /// The span of what was found; at the end of the file, the end of what stands before.
    fn found_span(&self) -> Span {
        match (&self.found, &self.last) {
            (Some(found), _) => self.span(found),
            (None, Some(last)) => Span::new(self.file, last.end(), last.end()),
            (None, None) => Span::new(self.file, self.fault.failure.at, self.fault.failure.at),
        }
    }

    /// The text of the found token, empty at the end of the file.
    fn found_text(&self) -> &'f str {
        self.found.map_or("", |found| found.text)
    }

    fn last_text(&self) -> &'f str {
        self.last.map_or("", |last| last.text)
    }

    fn next_text(&self) -> &'f str {
        self.next.map_or("", |next| next.text)
    }

    /// The text of the innermost open bracket.
    fn inside(&self) -> &'f str {
        self.open.last().map_or("", |open| open.text)
    }

    /// The word the statement begins with.
    fn first_text(&self) -> &'f str {
        self.first.map_or("", |first| first.text)
    }

    /// Whether this could have stood at the place.
    fn expects(&self, what: &str) -> bool {
        self.fault.failure.expected.contains(&what)
    }

    /// Whether the found token is the statement's first.
    fn at_start(&self) -> bool {
        self.last.is_none()
    }

    /// Whether a token stands on the line of the one before it.
    fn on_line_of_last(&self) -> bool {
        self.found.is_some_and(|found| !found.first)
    }

    /// An error at the found token.
    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.found_span(), message)
    }
}

/// A bracket that is open where the statement ends, or that another one closes.
fn unclosed_bracket(spot: &Spot<'_>) -> Option<Diagnostic> {
    let innermost = spot.open.last()?;
    let unclosed = |before: Option<Span>| {
        let diagnostic = Diagnostic::error(spot.span(innermost), format!("unclosed `{}`", innermost.text));
        let diagnostic = diagnostic.label("opened here");
        let closing = closing(innermost.text);
        match before {
            Some(span) => diagnostic.related(span, format!("expected `{closing}` before this")),
            None => diagnostic.hint(format!("a `{closing}` is missing before the end of the file")),
        }
    };
    let Some(found) = &spot.found else { return Some(unclosed(None)) };
    if found.kind == TokenKind::Close && found.text != closing(innermost.text) {
        // In `f(x]` the user meant one bracket; in `f(x }` one is missing.
        if found.text == "}" || !spot.expects(&format!("`{}`", closing(innermost.text))) {
            return Some(unclosed(Some(spot.span(found))));
        }
        let message = format!("expected `{}`, found `{}`", closing(innermost.text), found.text);
        return Some(spot.error(message).related(spot.span(innermost), "opened here"));
    }
    let first = spot.first.as_ref()?;
    let begins = begins_statement(found, spot.next.as_ref(), Place::File);
    let next_line = found.first && found.indent <= indent_of(spot.text, first);
    let next_statement = begins && (next_line || begins_item(found.text));
    let still_open = spot.fault.open_at_end.contains(&innermost.start) && spot.fault.end <= found.start;
    (next_statement || still_open).then(|| unclosed(Some(spot.span(found))))
}

/// A closing bracket without an opening one.
fn stray_bracket(spot: &Spot<'_>) -> Option<Diagnostic> {
    let found = spot.found.filter(|found| found.kind == TokenKind::Close && spot.open.is_empty())?;
    if found.text == "}" && spot.fault.place != Place::File {
        return None;
    }
    // `x = )`: what is missing before the bracket matters more if a bracket pair was begun elsewhere.
    Some(spot.error(format!("stray `{}`", found.text)).label("closes nothing"))
}

/// A reserved word where a name should stand.
fn reserved_name(spot: &Spot<'_>) -> Option<Diagnostic> {
    let message = |word: &str| format!("`{word}` is a reserved word and cannot be a name");
    let found = spot.found?;
    if found.kind == TokenKind::Word && is_reserved(found.text) {
        let named = spot.next_text() == "=" && !begins_item(found.text);
        let is_name = spot.expects("a name") && !spot.expects("a value");
        let is_part = spot.last_text() == "." || (spot.at_start() && named);
        let is_name = is_name && !(spot.first_text() == "@" && begins_item(found.text));
        return (is_name || is_part).then(|| spot.error(message(found.text)).label("reserved"));
    }
    // `stage = …`: the word looked like the start of an item.
    let first = spot.first.filter(|first| begins_item(first.text))?;
    let follows = spot.last.is_some_and(|last| last.start == first.start);
    (follows && found.text == "=" && spot.next_text() != "=").then(|| {
        Diagnostic::error(spot.span(&first), message(first.text))
            .label("reserved")
            .hint("choose another name")
    })
}

/// A statement that begins with something no statement begins with.
fn wrong_start(spot: &Spot<'_>) -> Option<Diagnostic> {
    let (first, found) = (spot.first?, spot.found?);
    let place = spot.fault.place;
    let second_fails = spot.last.is_some_and(|last| last.start == first.start);
    let unknown_word = first.is_name() && (spot.at_start() || second_fails) && found.text != "=";
    if unknown_word && !place.takes_bindings() {
        let words = place.words();
        let listed = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let span = spot.span(&first);
        if words.contains(&first.text) {
            return None;
        }
        let message = format!("{} has no `{}` line", place.in_words(), first.text);
        let diagnostic = Diagnostic::error(span, message);
        return Some(match nearest(first.text, words.iter().copied()) {
            Some(word) => diagnostic.label(format!("did you mean `{word}`?")),
            None => diagnostic.hint(format!("its lines are {listed}")),
        });
    }
    if unknown_word && second_fails && place == Place::File {
        // `improt "lib.pipe"`
        let follows = matches!(found.kind, TokenKind::Str | TokenKind::Word) && !found.first;
        let word = nearest(first.text, place.words().iter().copied()).filter(|_| follows)?;
        let message = format!("nothing begins with `{}`", first.text);
        return Some(Diagnostic::error(spot.span(&first), message).label(format!("did you mean `{word}`?")));
    }
    if spot.at_start() && !first.is_name() && first.text != "@" && !begins_item(first.text) {
        let what = describe(&first);
        let message = format!("expected {}, found {what}", statement_of(place));
        return Some(spot.error(message));
    }
    None
}

fn statement_of(place: Place) -> &'static str {
    match place {
        Place::File | Place::Body => "a statement such as `name = value`",
        Place::Profile => "a setting such as `seeds = 5`",
        Place::Stage => "a line of a stage such as `run \"…\"`",
        Place::Report => "a line of a report such as `table scores.f1`",
    }
}

/// "expected …, found …".
fn expected(spot: &Spot<'_>) -> Diagnostic {
    let found = spot.found.map_or_else(|| "the end of the file".to_owned(), |found| describe(&found));
    let expected = &spot.fault.failure.expected;
    let wants = |what: &str| expected.contains(&what);
    let second = spot.last.is_some_and(|last| spot.first.is_some_and(|first| first.start == last.start));
    let value_given = spot.last.is_some_and(|last| last.ends_value()) && !wants("a value");
    let first_is_name = spot.first.is_some_and(|first| first.is_name());
    if wants("`=`") && second && first_is_name && spot.fault.place.takes_bindings() {
        return spot.error(format!("expected `=` after the name of a binding, found {found}"));
    }
    if wants("`:`") && spot.last.is_some_and(|last| last.is_name()) {
        let what = if spot.first_text() == "part" { "a kind" } else { "a type" };
        return spot.error(format!("expected `:` and {what} after `{}`, found {found}", spot.last_text()));
    }
    if wants("a name") && second && !wants("a value") && !first_is_name {
        return spot.error(format!("expected a name after `{}`, found {found}", spot.first_text()));
    }
    if wants("a type") {
        return spot.error(format!("expected a type, found {found}")).hint(habits::TYPES);
    }
    if wants("`else`") {
        return spot
            .error(format!("expected `else`, found {found}"))
            .hint("an `if` is a value, so it says what it is otherwise: `if a { x } else { y }`");
    }
    let brackets: Vec<&str> =
        ["`,`", "`)`", "`]`", "`}`", "`{`"].into_iter().filter(|what| wants(what)).collect();
    let wanted = if value_given && !brackets.is_empty() {
        one_of(&brackets)
    } else if value_given && !wants("a name") && !wants("a kind") && !wants("a text in double quotes") {
        let unexpected = format!(
            "unexpected {found} after {}",
            spot.last.map_or_else(String::new, |last| describe(&last))
        );
        let diagnostic = spot.error(unexpected);
        return if spot.on_line_of_last() {
            diagnostic.hint("an operator is missing, or the next statement begins on a new line")
        } else {
            diagnostic
        };
    } else if expected.is_empty() {
        statement_of(spot.fault.place).to_owned()
    } else {
        one_of(expected)
    };
    let diagnostic = spot.error(format!("expected {wanted}, found {found}"));
    match spot.open.last() {
        Some(open) if !brackets.is_empty() && value_given => {
            diagnostic.related(spot.span(open), format!("in the `{}` opened here", open.text))
        }
        _ => diagnostic,
    }
}

/// `a, b or c`, without what a value could begin with beside a value.
fn one_of(what: &[&str]) -> String {
    let what: Vec<&str> = what
        .iter()
        .filter(|word| **word != "`\"`" && !(**word == "`[`" && what.len() > 1))
        .copied()
        .collect();
    match what.as_slice() {
        [] => "something else".to_owned(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A token as a message names it.
fn describe(token: &Token<'_>) -> String {
    let shown = |text: &str| match text.char_indices().nth(30) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    };
    match token.kind {
        TokenKind::Word if is_reserved(token.text) => format!("the reserved word `{}`", token.text),
        TokenKind::Str | TokenKind::OpenStr | TokenKind::QuotedOnce => {
            format!("the text {}", shown(token.text))
        }
        _ => format!("`{}`", shown(token.text)),
    }
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
