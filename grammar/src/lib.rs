//! The language of `.pipe` files: text to syntax tree, diagnostics, canonical form.

pub mod ast;
mod diagnostic;
mod source;

pub use diagnostic::{Diagnostic, Severity};
pub use source::{Source, SourceId, Sources, Span};
