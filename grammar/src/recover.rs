//! Where to go on after a statement that the grammar refused.

use crate::token::{Token, TokenKind, token};

/// What a block holds, and so what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The top of a file.
    File,
    /// A `fn` or a `for`.
    Body,
    /// A `profile`.
    Profile,
    /// A `stage`.
    Stage,
    /// A `report`.
    Report,
}

impl Place {
    /// The words that begin a statement here and nowhere else.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::File => &["import", "param", "profile", "fn", "stage", "for", "report"],
            Self::Body => &["for"],
            Self::Profile => &[],
            Self::Stage => &["param", "needs", "run", "part", "metric"],
            Self::Report => &["table", "plot", "expect", "text", "figure"],
        }
    }

    /// Whether `name = value` may stand here.
    pub(crate) fn takes_bindings(self) -> bool {
        matches!(self, Self::File | Self::Body | Self::Profile)
    }

    /// The place as a message names it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Body => "a loop or a `fn`",
            Self::Profile => "a `profile`",
            Self::Stage => "a `stage`",
            Self::Report => "a `report`",
        }
    }
}

/// Words that begin an item of a file and are never a name.
pub(crate) fn begins_item(word: &str) -> bool {
    Place::File.words().contains(&word)
}

/// Where to go on.
pub(crate) struct Resume {
    /// The offset to go on at.
    pub(crate) at: usize,
    /// The faulty statement has a block, which begins there.
    pub(crate) in_block: bool,
    /// Brackets that were open there, the outermost first.
    pub(crate) open: Vec<usize>,
}

/// Finds the end of the faulty statement that begins at `start`: before the next statement, the end of the block
/// around it, or (when it has a block of its own) after its `{`.
///
/// Inside brackets only a line that begins like a statement, no deeper than the faulty one, ends it: then a bracket
/// was not closed. No statement that is sound has such a line.
pub(crate) fn resume(text: &str, start: usize, place: Place, has_block: bool) -> Resume {
    let mut open: Vec<Token<'_>> = Vec::new();
    let Some(first) = token(text, start) else {
        return Resume { at: text.len(), in_block: false, open: Vec::new() };
    };
    let offsets = |open: &[Token<'_>]| open.iter().map(|token| token.start).collect();
    let mut before = first;
    let mut next = Some(first);
    // The name of an annotated binding is not the start of another one, nor is a parameter's type before `=`.
    let mut awaits_name = first.text == "@";
    let mut awaits_assign = first.text == "param";
    while let Some(here) = next {
        next = token(text, here.end());
        let is_first = here.start == first.start;
        if !is_first {
            let begins = begins_statement(&here, next.as_ref(), place);
            let ends_here = if open.is_empty() {
                // In the head of a block, `=` stands where another word should: `for n = 1..3 {`.
                let in_head = has_block && !here.first;
                let named_later =
                    here.is_name() && (awaits_name || in_head || awaits_assign && !before.ends_value());
                let new_line = here.first && here.indent <= indent_of(text, &first);
                let fresh = here.first || before.ends_value();
                (begins && fresh && !named_later)
                    || (new_line && before.ends_value() && !goes_on(&here, next.as_ref()))
            } else {
                begins && here.first && before.ends_value() && here.indent <= indent_of(text, &first)
            };
            if ends_here {
                return Resume { at: here.start, in_block: false, open: offsets(&open) };
            }
        }
        match (here.kind, here.text) {
            (TokenKind::Mark, ";") if open.is_empty() => {
                return Resume { at: here.end(), in_block: false, open: Vec::new() };
            }
            (TokenKind::Mark, "=") if open.is_empty() => (awaits_name, awaits_assign) = (false, false),
            (TokenKind::Open, "{") if has_block && open.is_empty() => {
                return Resume { at: here.end(), in_block: true, open: Vec::new() };
            }
            (TokenKind::Open, _) => open.push(here),
            (TokenKind::Close, "}") => match open.iter().rposition(|token| token.text == "{") {
                Some(position) => open.truncate(position),
                None if place == Place::File && open.is_empty() => {}
                None => return Resume { at: here.start, in_block: false, open: offsets(&open) },
            },
            (TokenKind::Close, _) if open.last().is_some_and(|token| token.text != "{") => {
                open.pop();
            }
            _ => {}
        }
        before = here;
    }
    Resume { at: text.len(), in_block: false, open: offsets(&open) }
}

/// Whether a token looks like the beginning of a statement.
pub(crate) fn begins_statement(here: &Token<'_>, next: Option<&Token<'_>>, place: Place) -> bool {
    let next = next.map_or("", |next| next.text);
    match here.kind {
        TokenKind::Word if begins_item(here.text) => true,
        TokenKind::Word if place.words().contains(&here.text) => {
            here.first && !matches!(next, "," | "." | ")" | "]")
        }
        TokenKind::Word => here.is_name() && next == "=" && place.takes_bindings(),
        TokenKind::Mark => here.text == "@" && next == "(",
        _ => false,
    }
}

/// Whether a token at the start of a line goes on with the line above.
fn goes_on(here: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    match here.kind {
        TokenKind::Mark => here.text != "@",
        TokenKind::Open | TokenKind::Close => true,
        TokenKind::Word if next.is_some_and(|next| next.text == "=") => false,
        TokenKind::Word => matches!(here.text, "and" | "or" | "in" | "if" | "else" | "by" | "over" | "as"),
        _ => false,
    }
}

/// How far the line of a token is indented.
pub(crate) fn indent_of(text: &str, token: &Token<'_>) -> usize {
    if token.first {
        return token.indent;
    }
    let line = &text[crate::token::line_start(text, token.start)..token.start];
    line.len() - line.trim_start_matches([' ', '\t']).len()
}
