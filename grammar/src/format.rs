//! The canonical form of a file: one layout a tree, comments kept.
//!
//! The printer walks the tree in the order of the source. Comments come from the file's table: those between statements
//! and between the entries of a list stay there, one anywhere else moves above its statement. A `##` that has to move,
//! and so would document something it did not, becomes a `#`.

mod comments;
mod expr;
mod items;
mod layout;
mod lines;

use crate::ast::{Doc, Expr, File, TypeExpr};
use crate::diagnostic::Diagnostic;
use crate::parse;
use crate::source::Source;
use crate::token::{Token, token};

use self::comments::Comments;

/// Lines are broken to fit in this many columns; texts and comments never are.
const WIDTH: usize = 100;

/// The canonical form of a source.
///
/// It is idempotent, keeps every comment and at most one blank line between statements, and means the same: parsed
/// again it gives the same tree at other places.
///
/// # Errors
/// All mistakes of the text, when it cannot be parsed.
///
/// # Examples
/// ```
/// use runpipe_grammar::{Source, SourceId, format};
///
/// let source = Source::new(SourceId(0), "a.pipe", "n   =3 # three\nmodel=toy.train( steps=n )\n");
/// let canonical = format(&source).expect("the text is sound");
/// assert_eq!(canonical, "n     = 3  # three\nmodel = toy.train(steps = n)\n");
/// ```
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let file = parse(source)?;
    let comments = Comments::new(&source.text, &file.comments);
    Ok(Printer { source: Some(source), comments, displaced: Vec::new() }.file(&file))
}

/// The canonical form of a tree that may have no source: doc comments are printed, other comments are not known.
pub(crate) fn print(file: &File) -> String {
    Printer::bare().file(file)
}

/// An expression on one line.
pub(crate) fn print_expr(expr: &Expr) -> String {
    Printer::bare().expr(expr).flat()
}

/// A type on one line.
pub(crate) fn print_type(ty: &TypeExpr) -> String {
    expr::type_text(ty)
}

/// Prints a tree.
pub(crate) struct Printer<'s> {
    /// Where the tree came from: numbers are printed as they were written.
    source: Option<&'s Source>,
    /// The comments that were not printed yet.
    comments: Comments<'s>,
    /// Comments of the statement at hand that cannot stay where they are.
    displaced: Vec<String>,
}

impl Printer<'_> {
    /// A printer that knows nothing but the tree.
    pub(crate) fn bare() -> Self {
        Self { source: None, comments: Comments::new("", &[]), displaced: Vec::new() }
    }

    /// The lines of a doc comment, when comments are not at hand.
    fn doc_lines(&self, doc: Option<&Doc>) -> Vec<String> {
        match doc {
            Some(doc) if self.source.is_none() => doc.text.split('\n').map(doc_line).collect(),
            _ => Vec::new(),
        }
    }

    /// The tokens of the source from an offset.
    fn tokens(&self, start: u32) -> impl Iterator<Item = Token<'_>> {
        let text = self.source.map_or("", |source| &*source.text);
        let next = move |at: usize| if at <= text.len() { token(text, at) } else { None };
        std::iter::successors(next(start as usize), move |token| next(token.end()))
    }

    /// The comments before an offset that were not printed go above the statement.
    fn displace(&mut self, end: u32) {
        for comment in self.comments.before(end) {
            let text = self.comments.moved(comment, None);
            self.displaced.push(text);
        }
    }
}

fn doc_line(line: &str) -> String {
    if line.is_empty() { "##".to_owned() } else { format!("## {line}") }
}
