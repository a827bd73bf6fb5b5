//! A light tokenizer for what the grammar does not tell: where comments are, how deep a text nests, and what stands
//! around a place where the grammar gave up. It accepts any text.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or a keyword.
    Word,
    /// Digits and what is glued to them.
    Number,
    /// A text in double quotes, closed on its line.
    Str,
    /// `"` without a closing quote on its line; up to the line's end.
    OpenStr,
    /// A text in single quotes, closed on its line.
    QuotedOnce,
    /// `(`, `[`, `{`
    Open,
    /// `)`, `]`, `}`
    Close,
    /// An operator or a separator.
    Mark,
    /// A character that the language has no use for.
    Odd,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'s> {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Offset of its first byte.
    pub(crate) start: usize,
    /// Its text.
    pub(crate) text: &'s str,
    /// It is the first of its line.
    pub(crate) first: bool,
    /// How far from the line's start it begins, if it is the first of its line.
    pub(crate) indent: usize,
}

impl Token<'_> {
    /// The offset after it.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether a value can end with it.
    pub(crate) fn ends_value(&self) -> bool {
        match self.kind {
            TokenKind::Word => {
                !matches!(self.text, "and" | "or" | "not" | "in" | "if" | "else" | "by" | "over" | "as")
            }
            TokenKind::Mark => self.text == "?",
            TokenKind::Open => false,
            _ => true,
        }
    }

    /// Whether it is a word that is not reserved.
    pub(crate) fn is_name(&self) -> bool {
        self.kind == TokenKind::Word && !is_reserved(self.text)
    }
}

/// The words that can never be names.
pub(crate) const RESERVED: [&str; 16] = [
    "import", "param", "profile", "fn", "stage", "for", "in", "if", "else", "report", "and", "or", "not",
    "true", "false", "none",
];

/// Whether a word can never be a name.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The offset of the next token at or after `at`: past blanks, line ends and comments.
pub(crate) fn skip_trivia(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t'..=b'\r' => at += 1,
            b'#' => at = line_end(text, at),
            _ => break,
        }
    }
    at
}

/// The offset of the end of the line that holds `at`, before its `\n`.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text.as_bytes()[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |length| at + length)
}

/// The offset of the start of the line that holds `at`.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1)
}

/// The next token at or after `at`.
pub(crate) fn token(text: &str, at: usize) -> Option<Token<'_>> {
    let start = skip_trivia(text, at);
    let rest = &text[start..];
    let first_char = rest.chars().next()?;
    let (kind, length) = match first_char {
        'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Word, word_len(rest)),
        '0'..='9' => (TokenKind::Number, number_len(rest)),
        '"' => match string(rest) {
            Quoted { length, closed: true, .. } => (TokenKind::Str, length),
            Quoted { length, .. } => (TokenKind::OpenStr, length),
        },
        '\'' => match single_quoted(rest) {
            Some(length) => (TokenKind::QuotedOnce, length),
            None => (TokenKind::Odd, 1),
        },
        '(' | '[' | '{' => (TokenKind::Open, 1),
        ')' | ']' | '}' => (TokenKind::Close, 1),
        _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            Some(mark) => (TokenKind::Mark, mark.len()),
            None => (TokenKind::Odd, odd_len(rest)),
        },
    };
    // Looking back from the token, not from the line's start, keeps a long line linear.
    let before = &text[..start];
    let indent = before.len() - before.trim_end_matches([' ', '\t', '\r']).len();
    let first = before.len() == indent || before.as_bytes()[start - indent - 1] == b'\n';
    Some(Token { kind, start, text: &rest[..length], first, indent })
}

/// Operators and separators, longer ones first.
const MARKS: [&str; 26] = [
    "..=", "->", "==", "!=", "<=", ">=", "..", "&&", "||", "**", "=", "<", ">", "+", "-", "*", "/", "%", ".",
    ",", ":", ";", "@", "?", "|", "!",
];

/// The length of the word that a text begins with.
pub(crate) fn word_len(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let next = bytes.get(length + 1);
        let goes_on = match byte {
            b'.' => next.is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => {
                let exponent =
                    matches!(bytes[length - 1], b'e' | b'E') && next.is_some_and(u8::is_ascii_digit);
                exponent && bytes[..length - 1].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'_'))
            }
            _ => byte.is_ascii_alphanumeric() || byte == b'_',
        };
        if !goes_on {
            break;
        }
        length += 1;
    }
    length
}

fn single_quoted(text: &str) -> Option<usize> {
    let line = &text[1..line_end(text, 0)];
    line.find('\'').map(|length| length + 2)
}

/// A run of characters of one sort that the language has no use for, so that a foreign word is one mistake.
fn odd_len(text: &str) -> usize {
    let is_letter = |c: char| !c.is_ascii() && c.is_alphanumeric();
    let first = text.chars().next().map_or(0, char::len_utf8);
    if !text.starts_with(is_letter) {
        return first;
    }
    text.find(|c: char| !(is_letter(c) || c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// What the text literal at the start of a text looks like.
pub(crate) struct Quoted {
    /// Its bytes, to the closing quote or to the end of the line.
    pub(crate) length: usize,
    /// It has a closing quote on its line.
    pub(crate) closed: bool,
    /// How deep interpolations and brackets within it nest.
    pub(crate) depth: usize,
    /// The offset of the `{` that was open when the line ended.
    pub(crate) open_brace: Option<usize>,
}

/// Reads a `"…"` with its interpolations and the texts within these.
pub(crate) fn string(text: &str) -> Quoted {
    let bytes = text.as_bytes();
    let mut length = 1;
    // The brackets that are open, by offset; a quote stands for the text it opens.
    let mut open = vec![0_usize];
    let mut depth = 0;
    loop {
        let in_text = open.last().is_some_and(|&at| bytes[at] == b'"');
        match (bytes.get(length), in_text) {
            (None | Some(b'\n'), _) => {
                let open_brace = open.iter().copied().find(|&at| bytes[at] == b'{');
                return Quoted { length, closed: false, depth, open_brace };
            }
            (Some(b'\\'), true) if bytes.get(length + 1).is_some_and(|&next| next != b'\n') => length += 1,
            (Some(b'"'), true) => {
                open.pop();
                if open.is_empty() {
                    return Quoted { length: length + 1, closed: true, depth, open_brace: None };
                }
            }
            (Some(b'{'), true) if bytes.get(length + 1) == Some(&b'{') => length += 1,
            (Some(b'{'), true) | (Some(b'"' | b'(' | b'[' | b'{'), false) => open.push(length),
            (Some(b'}' | b')' | b']'), false) => {
                open.pop();
            }
            _ => {}
        }
        depth = depth.max(open.len() - 1);
        length += 1;
    }
}
