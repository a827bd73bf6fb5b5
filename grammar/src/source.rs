//! Source texts and places in them.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;

/// Names one source text among those of a pipeline (a file and what it imports).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A half-open range of bytes in one source text.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text the range is in.
    pub file: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: SourceId, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that holds both; they must be of one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        debug_assert_eq!(self.file, other.file, "a span lies in one file");
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span just after this one.
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// The span as a range of byte offsets.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// One source text: UTF-8, below 4 GiB, without a byte order mark.
#[derive(Clone, Debug)]
pub struct Source {
    /// How spans name it.
    pub id: SourceId,
    /// How messages name it: the path as the user gave it.
    pub name: String,
    /// What it says.
    pub text: Arc<str>,
}

impl Source {
    /// A source from text that is known to be sound; a leading byte order mark is dropped.
    ///
    /// # Panics
    /// When the text is 4 GiB or longer, which [`Source::from_bytes`] refuses.
    pub fn new(id: SourceId, name: impl Into<String>, text: &str) -> Self {
        assert!(u32::try_from(text.len()).is_ok(), "spans hold 32-bit offsets");
        Self { id, name: name.into(), text: text.strip_prefix('\u{feff}').unwrap_or(text).into() }
    }

    /// A source from a file's bytes.
    ///
    /// # Errors
    /// [`NotText`] when the bytes are not UTF-8, hold a NUL, or are too many.
    pub fn from_bytes(id: SourceId, name: impl Into<String>, bytes: &[u8]) -> Result<Self, Box<NotText>> {
        let name = name.into();
        if u32::try_from(bytes.len()).is_err() {
            let diagnostic = Diagnostic::error(Span::new(id, 0, 0), format!("`{name}` is larger than 4 GiB"));
            return Err(Box::new(NotText { shown: Self::new(id, name, ""), diagnostic }));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // What stands for the faulty byte is three bytes long, like all that is put in its place.
        let refused = |offset: usize, shown: &str, message: &str, hint: &str| {
            let diagnostic = Diagnostic::error(Span::new(id, offset, offset + 3), message).hint(hint);
            Err(Box::new(NotText { shown: Self::new(id, &*name, shown), diagnostic }))
        };
        match std::str::from_utf8(bytes) {
            Err(error) => {
                let offset = error.valid_up_to();
                let message = format!("this is not UTF-8: the byte 0x{:02x}", bytes[offset]);
                refused(offset, &String::from_utf8_lossy(bytes), &message, "save the file as UTF-8")
            }
            Ok(text) => match text.find('\0') {
                Some(offset) => {
                    let shown = text.replace('\0', "\u{fffd}");
                    refused(offset, &shown, "a text holds no NUL byte", "is this a text file?")
                }
                None => Ok(Self::new(id, name, text)),
            },
        }
    }

    /// The text of a span of this source.
    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    /// Line and column of a byte offset, both from 1; a column is a character.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let before = &self.text[..offset as usize];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
        (line, 1 + before[line_start..].chars().count())
    }
}

/// Bytes that are no source text.
#[derive(Clone, Debug)]
pub struct NotText {
    /// What they look like as text; it is for the diagnostic to stand in and not to be parsed.
    pub shown: Source,
    /// What is wrong and where.
    pub diagnostic: Diagnostic,
}

/// The source texts of a pipeline, by id.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
}

impl Sources {
    /// No sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id that the next added source must carry.
    pub fn next_id(&self) -> SourceId {
        SourceId(self.sources.len() as u32)
    }

    /// Adds a source made under [`Sources::next_id`].
    ///
    /// # Panics
    /// When its id is not the next one.
    pub fn add(&mut self, source: Source) -> SourceId {
        assert_eq!(source.id, self.next_id(), "sources are added in the order of their ids");
        let id = source.id;
        self.sources.push(source);
        id
    }

    /// The source with this id.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// All sources, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }
}
