//! From the grammar's pairs to the syntax tree: the only place that sees `Rule`.
//!
//! Each function parses one statement, or the head of a block, at a byte offset of the source and tells where it
//! ends; [`parse`](crate::parse) strings them together.

mod expected;
mod expr;
mod items;
#[cfg(test)]
mod tests;

pub(crate) use items::{
    binding, expect, figure, fn_head, for_head, import, metric, needs, param, part, plot, profile_head,
    remark, report_head, run, setting, stage_head, table,
};

use std::collections::HashSet;
use std::sync::Arc;

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};

use self::grammar::{PipeParser, Rule};
use crate::ast::{Comment, Doc, Ident, Kind, StrPart, Template, Text};
use crate::diagnostic::Diagnostic;
use crate::docs;
use crate::source::{Source, Span};

mod grammar {
    /// The recogniser that pest makes of `pipe.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "pipe.pest"]
    pub(super) struct PipeParser;
}

/// How deeply expressions, types and blocks may nest, operators counted.
pub(crate) const MAX_NESTING: usize = 200;

/// How many mistakes of one file are told.
pub(crate) const MAX_DIAGNOSTICS: usize = 50;

/// What is known of a file while its statements are parsed.
pub(crate) struct Context<'s> {
    /// The file.
    pub(crate) source: &'s Source,
    /// The text that is parsed: the file's, or less when it nests too deeply somewhere.
    pub(crate) text: &'s str,
    /// Its comments, in order.
    pub(crate) comments: Vec<Comment>,
    /// What is wrong so far.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Every name so far, so that equal ones share their bytes.
    pub(crate) names: HashSet<Arc<str>>,
}

impl Context<'_> {
    /// The bytes `start..end` of the file.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source.id, start, end)
    }

    /// The end of what stands in `start..end` before trailing blanks and comments.
    fn trimmed(&self, start: usize, mut end: usize) -> usize {
        loop {
            end = start
                + self.text[start..end]
                    .trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b')
                    .len();
            let before = self.comments.partition_point(|comment| (comment.span.end as usize) < end);
            match self.comments.get(before) {
                Some(comment) if comment.span.end as usize == end && comment.span.start as usize >= start => {
                    end = comment.span.start as usize;
                }
                _ => return end,
            }
        }
    }

    /// Adds a finding, unless there are too many already.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether so much is wrong that the rest of the file is not looked at.
    pub(crate) fn is_full(&self) -> bool {
        self.diagnostics.len() >= MAX_DIAGNOSTICS
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}

/// Something that was parsed, and the offset after it.
pub(crate) struct Parsed<T> {
    /// The syntax.
    pub(crate) node: T,
    /// Where it ends.
    pub(crate) end: usize,
}

/// The grammar did not match.
pub(crate) struct Failure {
    /// The offset it could not pass.
    pub(crate) at: usize,
    /// What could have stood there, in words.
    pub(crate) expected: Vec<&'static str>,
}

/// Matches `rule` at an offset and lowers what it matched.
fn parse<T>(
    cx: &mut Context<'_>,
    rule: Rule,
    at: usize,
    lower: impl FnOnce(&mut Lower<'_, '_>, Pair<'_, Rule>) -> T,
) -> Result<Parsed<T>, Failure> {
    let text = cx.text;
    match PipeParser::parse(rule, &text[at..]) {
        Ok(mut pairs) => {
            let pair = pairs.next().expect("a rule that matched has a pair");
            let end = cx.trimmed(at, at + pair.as_span().end());
            let node = lower(&mut Lower { cx, base: at, depth: 0, too_deep: false }, pair);
            Ok(Parsed { node, end })
        }
        Err(error) => Err(failure(at, &error)),
    }
}

/// How far the text `start..end` makes sense as one statement with nothing after it.
pub(crate) fn why_not_alone(text: &str, start: usize, end: usize) -> Option<Failure> {
    PipeParser::parse(Rule::alone, &text[start..end]).err().map(|error| failure(start, &error))
}

fn failure(base: usize, error: &Error<Rule>) -> Failure {
    let offset = match error.location {
        InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
    };
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => expected::in_words(positives),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    Failure { at: base + offset, expected }
}

/// Lowers the pairs of one statement.
struct Lower<'c, 's> {
    cx: &'c mut Context<'s>,
    /// Where the statement's pairs begin to count.
    base: usize,
    /// How deep the expression at hand is nested.
    depth: usize,
    /// A nesting mistake of this statement was reported.
    too_deep: bool,
}

impl Lower<'_, '_> {
    /// The place of a pair, without the blanks and comments that pest skips when it looks for an optional part.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        let start = self.base + span.start();
        self.cx.span(start, self.cx.trimmed(start, self.base + span.end()))
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.cx.report(diagnostic);
    }

    fn ident(&mut self, pair: &Pair<'_, Rule>) -> Ident {
        Ident { span: self.span(pair), name: self.cx.name(pair.as_str()) }
    }

    fn kind(&mut self, pair: &Pair<'_, Rule>) -> Kind {
        Kind { span: self.span(pair), name: self.cx.name(pair.as_str()) }
    }

    /// The doc comment of what stands at a span.
    fn doc(&self, span: Span) -> Option<Doc> {
        docs::of(self.cx.text, &self.cx.comments, span, &[span.end])
    }

    /// A string that must not interpolate.
    fn text(&mut self, pair: Pair<'_, Rule>) -> Text {
        let template = self.template(only(pair));
        let mut value: Arc<str> = "".into();
        for part in template.parts {
            match part {
                StrPart::Text(text) => value = text,
                StrPart::Expr(expr) => self.report(
                    Diagnostic::error(expr.span, "this text is taken as it is written, it cannot hold `{…}`")
                        .hint("write `{{` and `}}` for literal braces"),
                ),
            }
        }
        Text { value, span: template.span }
    }

    fn template(&mut self, pair: Pair<'_, Rule>) -> Template {
        let span = self.span(&pair);
        Template { parts: self.string_parts(pair), span }
    }
}

/// The pairs inside one that are more than punctuation and keywords.
fn nodes(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|pair| !expected::is_mark(pair.as_rule()))
}

/// The one node inside a pair.
fn only(pair: Pair<'_, Rule>) -> Pair<'_, Rule> {
    next(&mut nodes(pair))
}

/// The next node; the grammar promises that there is one.
fn next<'p>(nodes: &mut impl Iterator<Item = Pair<'p, Rule>>) -> Pair<'p, Rule> {
    nodes.next().expect("the grammar promises one more part")
}

/// Whether the whole text is a `file` by the grammar alone.
#[cfg(test)]
fn accepts(text: &str) -> bool {
    PipeParser::parse(Rule::file, text).is_ok()
}

/// The number of pairs inside one.
fn len(pairs: &Pairs<'_, Rule>) -> usize {
    pairs.len()
}
