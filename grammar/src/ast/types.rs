//! Types of parameters, kinds of artifacts, ports.

use std::sync::Arc;

use super::{Doc, Ident, Text};
use crate::source::Span;

/// The type of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// Which type.
    pub kind: TypeKind,
    /// Written with `?`: `none` is a value too.
    pub optional: bool,
    /// Where it stands.
    pub span: Span,
}

/// Which type a parameter has.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `int`
    Int,
    /// `float`
    Float,
    /// `str`
    Str,
    /// `bool`
    Bool,
    /// `path`
    Path,
    /// `duration`
    Duration,
    /// `size`
    Size,
    /// `range`
    Range,
    /// `[int]`
    List(Box<TypeExpr>),
    /// `"a" | "b"`; never empty.
    Choices(Vec<Text>),
}

impl TypeKind {
    /// The types that are one word, each with that word.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("int", Self::Int),
        ("float", Self::Float),
        ("str", Self::Str),
        ("bool", Self::Bool),
        ("path", Self::Path),
        ("duration", Self::Duration),
        ("size", Self::Size),
        ("range", Self::Range),
    ];
}

/// The kind of an artifact: a name with slashes, such as `corpus/ner`.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The name.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// An input of a `fn` or a command stage: `text: text`, `runs: [scores]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// What it takes.
    pub kind: Kind,
    /// Written `[kind]`: it takes any number of them.
    pub many: bool,
    /// The whole port.
    pub span: Span,
}
