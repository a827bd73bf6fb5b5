//! A whole file: statement after statement, each by the grammar, with all mistakes reported at once.

use std::collections::HashSet;

use crate::ast::{Doc, File, Item, Named, Report, ReportItem, StageDef, StageItem, Stmt};
use crate::diagnostic::Diagnostic;
use crate::explain::{self, Fault};
use crate::lower::{self, Context, Failure, MAX_DIAGNOSTICS, MAX_NESTING, Parsed};
use crate::recover::{self, Place, begins_item, resume};
use crate::source::{Source, Span};
use crate::token::{TokenKind, skip_trivia, token, word_len};
use crate::{docs, scan};

/// The syntax tree of a source.
///
/// The time is linear in the text's length for any text, and no text overflows the stack.
///
/// # Errors
/// All mistakes of the file, in the order of their places; after the fiftieth the rest is not looked at.
///
/// # Examples
/// ```
/// use runpipe_grammar::{Source, SourceId, parse};
///
/// let source = Source::new(SourceId(0), "small.pipe", "param n: int = 3\nmodel = toy.train(steps = n)\n");
/// let file = parse(&source).expect("the text is sound");
/// assert_eq!(file.items.len(), 2);
///
/// let source = Source::new(SourceId(0), "small.pipe", "param n int = 3\nmodel = toy.train(steps = \n");
/// let mistakes = parse(&source).expect_err("two statements are not");
/// assert_eq!(mistakes.len(), 2);
/// ```
pub fn parse(source: &Source) -> Result<File, Vec<Diagnostic>> {
    let scan = scan::scan(source.id, &source.text);
    let text = scan.too_deep.as_ref().map_or(&*source.text, |deep| &source.text[..deep.at]);
    let file_doc = docs::of_file(text, &scan.comments);
    let cx =
        Context { source, text, comments: scan.comments, diagnostics: Vec::new(), names: HashSet::new() };
    let mut parser = Parser { cx, at: 0, depth: 0, file_doc };
    let items = parser.items();
    let Parser { cx, at, file_doc, .. } = parser;
    let Context { comments, mut diagnostics, .. } = cx;
    if let Some(deep) = scan.too_deep {
        // What the cut left open is not the user's mistake, unless something before it is.
        let bracket = |at: usize| Span::new(source.id, at, at + 1);
        diagnostics.retain(|diagnostic| (diagnostic.span.end as usize) < deep.outermost);
        diagnostics.push(
            Diagnostic::error(bracket(deep.at), format!("brackets nest more than {MAX_NESTING} levels deep"))
                .hint("is a closing bracket missing further up?")
                .related(bracket(deep.outermost), "the outermost one that is open here"),
        );
    }
    if diagnostics.is_empty() {
        return Ok(File { source: source.id, doc: file_doc, items, comments });
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    diagnostics.dedup_by_key(|diagnostic| diagnostic.span);
    if diagnostics.len() >= MAX_DIAGNOSTICS {
        let here = Span::new(source.id, at, at);
        diagnostics
            .push(Diagnostic::error(here, "too many mistakes: the file is not looked at from here on"));
    }
    Err(diagnostics)
}

struct Parser<'s> {
    cx: Context<'s>,
    /// Where it is.
    at: usize,
    /// How many blocks are open.
    depth: usize,
    /// The doc comment of the file.
    file_doc: Option<Doc>,
}

impl Parser<'_> {
    fn items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            self.skip_trivia();
            if self.at == self.cx.text.len() || self.cx.is_full() {
                return items;
            }
            items.extend(self.item(Place::File));
        }
    }

    /// An item of a file; elsewhere, one that stands in the wrong place.
    fn item(&mut self, place: Place) -> Option<Item> {
        match self.word() {
            "import" => self.import(place),
            "param" => self.leaf(place, lower::param).map(Item::Param),
            "profile" => self.profile(),
            "fn" => self.fn_def(),
            "stage" => self.stage(),
            "report" => self.report(),
            _ => self.stmt(place).map(Item::Stmt),
        }
    }

    /// The doc comment of a file that an import follows directly is not the import's.
    fn import(&mut self, place: Place) -> Option<Item> {
        let mut import = self.leaf(place, lower::import)?;
        if let (Some(file_doc), Some(doc)) = (&self.file_doc, &import.doc)
            && doc.span.start == file_doc.span.start
        {
            import.doc = docs::beside(self.cx.text, &self.cx.comments, import.span.end);
        }
        Some(Item::Import(import))
    }

    fn stmt(&mut self, place: Place) -> Option<Stmt> {
        if self.word() == "for" {
            self.for_loop()
        } else {
            self.leaf(place, lower::binding).map(Stmt::Binding)
        }
    }

    fn for_loop(&mut self) -> Option<Stmt> {
        let head = self.head(lower::for_head, |node| node.head);
        let (body, end) = self.block(&head, Place::Body, Self::body_stmt)?;
        let mut node = head.node?;
        (node.span, node.body) = (self.cx.span(head.start, end), body);
        node.doc = self.block_doc(node.head, node.span);
        Some(Stmt::For(node))
    }

    fn body_stmt(&mut self) -> Option<Stmt> {
        match self.word() {
            "for" => self.stmt(Place::Body),
            word if begins_item(word) => self.misplaced(Place::Body),
            _ => self.stmt(Place::Body),
        }
    }

    fn fn_def(&mut self) -> Option<Item> {
        let head = self.head(lower::fn_head, |node| node.head);
        let (body, end) = self.block(&head, Place::Body, Self::body_stmt)?;
        let mut node = head.node?;
        (node.span, node.body) = (self.cx.span(head.start, end), body);
        node.doc = self.block_doc(node.head, node.span);
        Some(Item::Fn(node))
    }

    fn profile(&mut self) -> Option<Item> {
        let head = self.head(lower::profile_head, |node| node.span);
        let (settings, end) = self.block(&head, Place::Profile, Self::setting)?;
        let mut node = head.node?;
        let head_span = node.span;
        (node.span, node.settings) = (self.cx.span(head.start, end), settings);
        node.doc = self.block_doc(head_span, node.span);
        Some(Item::Profile(node))
    }

    fn setting(&mut self) -> Option<Named> {
        if begins_item(self.word()) {
            self.misplaced(Place::Profile)
        } else {
            self.leaf(Place::Profile, lower::setting)
        }
    }

    fn stage(&mut self) -> Option<Item> {
        let mistakes = self.cx.diagnostics.len();
        let head = self.head(lower::stage_head, |node| node.head);
        let (body, end) = self.block(&head, Place::Stage, Self::stage_item)?;
        let mut node = head.node?;
        (node.span, node.body) = (self.cx.span(head.start, end), body);
        node.doc = self.block_doc(node.head, node.span);
        if self.cx.diagnostics.len() == mistakes {
            self.check_runs(&node);
        }
        Some(Item::Stage(node))
    }

    /// A stage has exactly one `run` line.
    fn check_runs(&mut self, node: &StageDef) {
        let mut runs = node.body.iter().filter(|item| matches!(item, StageItem::Run(_))).map(StageItem::span);
        match (runs.next(), runs.next()) {
            (Some(_), None) => {}
            (Some(first), Some(second)) => self.cx.report(
                Diagnostic::error(second, format!("stage `{}` has two `run` lines", node.name))
                    .label("the second")
                    .related(first, "the first")
                    .hint("join commands with `&&` inside one text"),
            ),
            (None, _) => self.cx.report(
                Diagnostic::error(node.name.span, format!("stage `{}` has no `run` line", node.name))
                    .hint("say its command: `run \"python train.py --out {out}\"`"),
            ),
        }
    }

    fn stage_item(&mut self) -> Option<StageItem> {
        match self.word() {
            "param" => self.leaf(Place::Stage, lower::param).map(StageItem::Param),
            "needs" => self.leaf(Place::Stage, lower::needs).map(StageItem::Needs),
            "run" => self.leaf(Place::Stage, lower::run).map(StageItem::Run),
            "part" => self.leaf(Place::Stage, lower::part).map(StageItem::Part),
            "metric" => self.leaf(Place::Stage, lower::metric).map(StageItem::Metric),
            _ => self.misplaced(Place::Stage),
        }
    }

    fn report(&mut self) -> Option<Item> {
        let head = self.head(lower::report_head, |node: &Report| node.head);
        let (items, end) = self.block(&head, Place::Report, Self::report_item)?;
        let mut node = head.node?;
        (node.span, node.items) = (self.cx.span(head.start, end), items);
        node.doc = self.block_doc(node.head, node.span);
        Some(Item::Report(node))
    }

    fn report_item(&mut self) -> Option<ReportItem> {
        match self.word() {
            "table" => self.leaf(Place::Report, lower::table).map(ReportItem::Table),
            "plot" => self.leaf(Place::Report, lower::plot).map(ReportItem::Plot),
            "expect" => self.leaf(Place::Report, lower::expect).map(ReportItem::Expect),
            "text" => self.leaf(Place::Report, lower::remark).map(ReportItem::Text),
            "figure" => self.leaf(Place::Report, lower::figure).map(ReportItem::Figure),
            _ => self.misplaced(Place::Report),
        }
    }

    /// One statement without a block.
    fn leaf<T>(
        &mut self,
        place: Place,
        parse: impl FnOnce(&mut Context<'_>, usize) -> Result<Parsed<T>, Failure>,
    ) -> Option<T> {
        let start = self.at;
        match parse(&mut self.cx, start) {
            Ok(parsed) if self.may_end_at(parsed.end, place) => {
                self.at = skip_trivia(self.cx.text, parsed.end);
                if self.byte() == Some(b';') {
                    self.at += 1;
                }
                Some(parsed.node)
            }
            Ok(_) => {
                let end = resume(self.cx.text, start, place, false).at;
                let failure = lower::why_not_alone(self.cx.text, start, end);
                self.recover(
                    place,
                    start,
                    failure.unwrap_or(Failure { at: end, expected: Vec::new() }),
                    false,
                );
                None
            }
            Err(failure) => {
                self.recover(place, start, failure, false);
                None
            }
        }
    }

    /// Whether a statement may end at an offset: what follows is not on its line, or begins a statement.
    fn may_end_at(&self, end: usize, place: Place) -> bool {
        let Some(next) = token(self.cx.text, end) else { return true };
        match next.kind {
            TokenKind::Word if next.first => true,
            TokenKind::Word => {
                let second = token(self.cx.text, next.end());
                recover::begins_statement(&next, second.as_ref(), place) || place.words().contains(&next.text)
            }
            TokenKind::Mark => matches!(next.text, ";" | "@"),
            TokenKind::Close => next.text == "}",
            _ => false,
        }
    }

    /// The head of a block, up to its `{`.
    fn head<T>(
        &mut self,
        parse: impl FnOnce(&mut Context<'_>, usize) -> Result<Parsed<T>, Failure>,
        span: impl FnOnce(&T) -> Span,
    ) -> Head<T> {
        let start = self.at;
        let indent = token(self.cx.text, start).map_or(0, |first| recover::indent_of(self.cx.text, &first));
        let (node, has_block) = match parse(&mut self.cx, start) {
            Ok(parsed) => {
                debug_assert_eq!(span(&parsed.node).end as usize, parsed.end, "a head ends at its brace");
                self.at = parsed.end;
                (Some(parsed.node), true)
            }
            Err(failure) => (None, self.recover(Place::File, start, failure, true)),
        };
        Head { node, start, indent, has_block, brace: self.at.saturating_sub(1) }
    }

    /// What stands between braces, after the opening one, and the offset after the closing one.
    fn block<T, H>(
        &mut self,
        head: &Head<H>,
        place: Place,
        mut statement: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<(Vec<T>, usize)> {
        if !head.has_block {
            return None;
        }
        let mut nodes = Vec::new();
        self.depth += 1;
        let end = loop {
            self.skip_trivia();
            match self.byte() {
                Some(b'}') => {
                    self.at += 1;
                    break Some(self.at);
                }
                _ if self.cx.is_full() => break None,
                Some(_) if self.depth <= MAX_NESTING && !self.left_block(head.indent, place) => {
                    nodes.extend(statement(self));
                }
                _ => {
                    self.unclosed(head.brace);
                    break None;
                }
            }
        };
        self.depth -= 1;
        if let Some(end) = end {
            self.skip_trivia();
            if self.byte() == Some(b';') {
                self.at += 1;
            }
            return Some((nodes, end));
        }
        None
    }

    /// Whether what stands here shows that the block's `}` was forgotten: an item of a file, no deeper than the block.
    fn left_block(&self, indent: usize, place: Place) -> bool {
        let word = self.word();
        let cannot_nest = match word {
            "param" => place != Place::Stage,
            "for" => place != Place::Body,
            _ => begins_item(word),
        };
        cannot_nest && token(self.cx.text, self.at).is_some_and(|here| here.first && here.indent <= indent)
    }

    fn unclosed(&mut self, brace: usize) {
        let opened = self.cx.span(brace, brace + 1);
        let diagnostic = Diagnostic::error(opened, "unclosed `{`").label("opened here");
        let diagnostic = match token(self.cx.text, self.at) {
            Some(here) => {
                let span = self.cx.span(here.start, here.end());
                diagnostic.related(span, "expected `}` before this")
            }
            None => diagnostic.hint("a `}` is missing before the end of the file"),
        };
        self.cx.report(diagnostic);
    }

    /// A statement that cannot stand here: reported, then read as what it is so that its inside is checked too.
    fn misplaced<T>(&mut self, place: Place) -> Option<T> {
        let word = self.word();
        if begins_item(word) {
            let span = self.cx.span(self.at, self.at + word.len());
            self.cx.report(explain::misplaced(span, word, place));
            // Its inside is looked at, the item itself is dropped.
            self.item(place);
        } else {
            let start = self.at;
            self.recover(place, start, Failure { at: start, expected: Vec::new() }, false);
        }
        None
    }

    /// Reports a statement that the grammar refused and goes on after it; whether it goes on inside its block.
    fn recover(&mut self, place: Place, start: usize, failure: Failure, has_block: bool) -> bool {
        let resume = resume(self.cx.text, start, place, has_block);
        let fault = Fault { start, place, failure, open_at_end: &resume.open, end: resume.at };
        self.cx.report(explain::explain(self.cx.source.id, self.cx.text, &fault));
        // A statement's first token always belongs to it.
        let least = token(self.cx.text, start).map_or(self.cx.text.len(), |first| first.end());
        self.at = resume.at.max(least);
        resume.in_block
    }

    fn block_doc(&self, head: Span, span: Span) -> Option<Doc> {
        docs::of(self.cx.text, &self.cx.comments, span, &[head.end, span.end])
    }

    fn skip_trivia(&mut self) {
        self.at = skip_trivia(self.cx.text, self.at);
    }

    fn byte(&self) -> Option<u8> {
        self.cx.text.as_bytes().get(self.at).copied()
    }

    /// The word that begins here, if any.
    fn word(&self) -> &'static str {
        let rest = &self.cx.text[self.at..];
        let word = &rest[..word_len(rest)];
        let places = [Place::File, Place::Stage, Place::Report];
        places.iter().flat_map(|place| place.words()).find(|known| **known == word).copied().unwrap_or("")
    }
}

/// The head of a block.
struct Head<T> {
    /// The head; none if it was refused.
    node: Option<T>,
    /// Where it begins.
    start: usize,
    /// How far its line is indented.
    indent: usize,
    /// A block follows.
    has_block: bool,
    /// Where the block's `{` is.
    brace: usize,
}
