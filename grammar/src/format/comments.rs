//! The comments of a file while it is printed: each is given out once.

use crate::ast::{Comment, Doc};

/// The comments that were not printed yet.
pub(super) struct Comments<'s> {
    text: &'s str,
    all: Vec<Comment>,
    next: usize,
}

impl<'s> Comments<'s> {
    pub(super) fn new(text: &'s str, comments: &[Comment]) -> Self {
        Self { text, all: comments.to_vec(), next: 0 }
    }

    /// The comments that begin before an offset and were not given out.
    pub(super) fn before(&mut self, end: u32) -> Vec<Comment> {
        let rest = &self.all[self.next..];
        let taken = rest[..rest.partition_point(|comment| comment.span.start < end)].to_vec();
        self.next += taken.len();
        taken
    }

    /// Whether a comment that was not given out begins in a range.
    pub(super) fn any(&self, start: u32, end: u32) -> bool {
        self.all[self.next..].iter().any(|comment| (start..end).contains(&comment.span.start))
    }

    /// The comment that follows an offset on its line, with nothing but separators between: given out.
    pub(super) fn beside(&mut self, end: u32) -> Option<String> {
        let next = *self.all.get(self.next)?;
        let gap = self.text.get(end as usize..next.span.start as usize)?;
        let adjacent = gap.chars().all(|c| matches!(c, ' ' | '\t' | ',' | ';'));
        if !adjacent {
            return None;
        }
        self.next += 1;
        Some(self.text(next).to_owned())
    }

    /// A comment as it was written.
    pub(super) fn text(&self, comment: Comment) -> &'s str {
        &self.text[comment.span.range()]
    }

    /// A comment that moves: it documents nothing unless it is part of `doc`.
    pub(super) fn moved(&self, comment: Comment, doc: Option<&Doc>) -> String {
        let text = self.text(comment);
        let keeps =
            doc.is_some_and(|doc| doc.span.start <= comment.span.start && comment.span.end <= doc.span.end);
        if comment.doc && !keeps { text[1..].to_owned() } else { text.to_owned() }
    }

    /// Whether a blank line stands between two offsets.
    pub(super) fn blank_between(&self, start: u32, end: u32) -> bool {
        let gap = self.text.get(start as usize..end as usize).unwrap_or_default();
        match (gap.find('\n'), gap.rfind('\n')) {
            (Some(first), Some(last)) => gap[first..=last][1..].lines().any(|line| line.trim().is_empty()),
            _ => false,
        }
    }
}
