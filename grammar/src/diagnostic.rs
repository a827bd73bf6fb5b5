//! What is wrong with the user's text, where, and what to do about it.

mod render;

pub use render::render;

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The pipeline cannot be used.
    Error,
    /// The pipeline can be used, but this is probably not what was meant.
    Warning,
}

/// One finding about the user's text.
///
/// The message is a lower-case fragment without a full stop, with names in backticks; the label stands under the
/// source beside the caret; hints say what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The place it is about.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to say at the caret; empty for nothing.
    pub label: String,
    /// What to do, one advice each.
    pub hints: Vec<String>,
    /// Other places that matter, each with a label.
    pub related: Vec<(Span, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, span, message.into())
    }

    /// A warning at a place.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, span, message.into())
    }

    fn new(severity: Severity, span: Span, message: String) -> Self {
        Self { severity, span, message, label: String::new(), hints: Vec::new(), related: Vec::new() }
    }

    /// The same with a label at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with one more related place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Whether this keeps the pipeline from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
