//! The language of `.pipe` files: text to syntax tree, diagnostics, canonical form.
//!
//! [`parse`] turns a [`Source`] into a [`File`](ast::File) or into all mistakes of the text at once; [`format()`] prints
//! the canonical form; [`render`] draws [`Diagnostic`]s under the source, also those that later passes make.
//! Nothing here knows a stage, a kind or what a name stands for.
//!
//! The decision that shaped it: the grammar (`pipe.pest`) is asked for one statement at a time. A mistake then ends one
//! statement and hides no other, a file of any length is parsed in memory that does not grow with pest's queue, and
//! what people get wrong is explained by looking at the tokens around the place where the grammar stopped, so that no
//! message speaks of the grammar itself.

pub mod ast;
mod diagnostic;
mod docs;
mod explain;
mod format;
mod lower;
mod parse;
mod recover;
mod scan;
mod source;
mod suggest;
mod token;

pub use diagnostic::{Diagnostic, Severity, render};
pub use format::format;
pub use parse::parse;
pub use source::{NotText, Source, SourceId, Sources, Span};
pub use suggest::nearest;
