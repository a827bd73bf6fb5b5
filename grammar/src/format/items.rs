//! Statements and blocks.

use super::Printer;
use super::expr::{Entry, Tightness, quote, type_text};
use super::layout::Layout;
use super::lines::{Columns, Row, render};
use crate::ast::{
    Binding, Doc, File, FnDef, For, Ident, Import, Item, Named, Param, Port, Profile, Report, ReportItem,
    Selection, StageDef, StageItem, Stmt, Template,
};
use crate::source::Span;
use crate::token::TokenKind;

impl Printer<'_> {
    /// A whole file.
    pub(super) fn file(mut self, file: &File) -> String {
        let end = self.source.map_or(0, |source| source.text.len() as u32);
        let mut rows: Vec<Row> = self.doc_rows(file.doc.as_ref());
        let is_bare = self.source.is_none();
        let has_doc = !rows.is_empty();
        let mut before: Option<&Item> = None;
        rows.extend(self.rows(0, end, &file.items, Item::span, |this, item| {
            let mut rows = this.item(item);
            if is_bare {
                let apart = before.map_or(has_doc, |before| stand_apart(before, item));
                rows[0].blank_above = apart;
            }
            before = Some(item);
            rows
        }));
        render(&rows, 0)
    }

    /// The rows of a block between two offsets, with the comments among them.
    fn rows<'n, T>(
        &mut self,
        start: u32,
        end: u32,
        nodes: &'n [T],
        span: impl Fn(&T) -> Span,
        mut print: impl FnMut(&mut Self, &'n T) -> Vec<Row>,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut last_end = start;
        for node in nodes {
            let span = span(node);
            last_end = self.comment_rows(&mut rows, last_end, span.start);
            let mut printed = print(self, node);
            if let Some(first) = printed.first_mut() {
                first.blank_above |= self.comments.blank_between(last_end, span.start);
            }
            if let Some(last) = printed.last_mut() {
                last.comment = last.comment.take().or_else(|| self.comments.beside(span.end));
            }
            rows.extend(printed);
            last_end = span.end;
        }
        self.comment_rows(&mut rows, last_end, end);
        rows
    }

    /// The comments before an offset, each on a row of its own; the offset where the last thing ended.
    fn comment_rows(&mut self, rows: &mut Vec<Row>, mut last_end: u32, end: u32) -> u32 {
        for comment in self.comments.before(end) {
            let text = if comment.own_line {
                self.comments.text(comment).to_owned()
            } else {
                self.comments.moved(comment, None)
            };
            let mut row = Row::alone(Layout::Comment(text));
            row.blank_above = self.comments.blank_between(last_end, comment.span.start);
            rows.push(row);
            last_end = comment.span.end;
        }
        last_end
    }

    /// A statement's row under the comments that had to leave it and, without a source, its doc comment.
    fn with_comments(&mut self, doc: Option<&Doc>, end: u32, mut row: Row) -> Vec<Row> {
        let mut rows = self.doc_rows(doc);
        if rows.len() == 1 && row.takes_doc_beside {
            row.comment = doc.map(|doc| super::doc_line(&doc.text));
            rows.clear();
        }
        self.displace(end);
        rows.extend(self.displaced.drain(..).map(|text| Row::alone(Layout::Comment(text))));
        rows.push(row);
        rows
    }

    fn doc_rows(&self, doc: Option<&Doc>) -> Vec<Row> {
        self.doc_lines(doc).into_iter().map(|line| Row::alone(Layout::Comment(line))).collect()
    }

    fn item(&mut self, item: &Item) -> Vec<Row> {
        match item {
            Item::Import(import) => self.import(import),
            Item::Param(param) => {
                let row = self.param_row(param);
                self.with_comments(param.doc.as_ref(), param.span.end, row)
            }
            Item::Profile(profile) => self.profile(profile),
            Item::Fn(node) => self.fn_def(node),
            Item::Stage(node) => self.stage(node),
            Item::Stmt(stmt) => self.stmt(stmt, 0),
            Item::Report(report) => self.report(report),
        }
    }

    fn import(&mut self, import: &Import) -> Vec<Row> {
        let alias = import.alias.as_ref().map_or_else(String::new, |alias| format!(" as {alias}"));
        let text = format!("import {}{alias}", quote(&import.path.value));
        self.with_comments(import.doc.as_ref(), import.span.end, Row::alone(Layout::Text(text)).documented())
    }

    /// `param name: type in range = default`
    fn param_row(&mut self, param: &Param) -> Row {
        let name = format!("param {}:", param.name);
        let [ty, default] = self.param_parts(param);
        let fits = ty.flat_width().is_some_and(|width| width <= super::WIDTH);
        if fits && param.default.is_some() {
            return Row::columns(Columns::Param, vec![name, format!(" {}", ty.flat())], default);
        }
        Row::columns(Columns::Param, vec![name], Layout::Join(vec![Layout::text(" "), ty, default]))
    }

    /// The type with what is allowed, and ` = default`.
    fn param_parts(&mut self, param: &Param) -> [Layout; 2] {
        let mut ty = vec![Layout::Text(type_text(&param.ty))];
        if let Some(allowed) = &param.allowed {
            ty.extend([Layout::text(" in "), self.operand(allowed, Tightness::Or)]);
        }
        let mut default = Vec::new();
        if let Some(value) = &param.default {
            default.extend([Layout::text(" = "), self.expr(value)]);
        }
        [Layout::Join(ty), Layout::Join(default)]
    }

    fn setting(&mut self, setting: &Named) -> Vec<Row> {
        let value = self.expr(&setting.value);
        let row = assignment(setting.name.to_string(), value);
        self.with_comments(None, setting.span().end, row)
    }

    /// On one line when it fits and holds no comment.
    fn profile(&mut self, profile: &Profile) -> Vec<Row> {
        let head = format!("profile {} {{", profile.name);
        let head_end = self.brace_after(profile.name.span.end);
        self.displace(head_end);
        if !self.comments.any(head_end, profile.span.end) {
            let settings = profile.settings.iter().map(|setting| self.named(setting).flat());
            let settings = settings.collect::<Vec<_>>().join("; ");
            let line =
                if settings.is_empty() { format!("{head}}}") } else { format!("{head} {settings} }}") };
            let line = Layout::Text(line);
            if line.flat_width().is_some_and(|width| width <= super::WIDTH) {
                return self.with_comments(profile.doc.as_ref(), head_end, Row::alone(line));
            }
        }
        let head = vec![Layout::Text(head)];
        self.block(profile.doc.as_ref(), head, head_end, profile.span, 0, |this, start, end| {
            this.rows(start, end, &profile.settings, Named::span, Self::setting)
        })
    }

    /// The offset after the `{` that follows an offset; without a source any offset will do.
    fn brace_after(&self, start: u32) -> u32 {
        let mut tokens = self.tokens(start);
        tokens.find(|token| token.text == "{").map_or(start, |brace| brace.end() as u32)
    }

    /// The first parentheses after an offset, with what they hold; without a source any place up to `end` will do.
    fn parentheses(&self, start: u32, end: u32) -> Span {
        let mut open = 0_usize;
        let mut place = Span { start, end, ..Span::default() };
        for token in self.tokens(start) {
            match token.kind {
                TokenKind::Open if open == 0 => (place.start, open) = (token.start as u32, 1),
                TokenKind::Open => open += 1,
                TokenKind::Close => open -= 1,
                _ => {}
            }
            if token.kind == TokenKind::Close && open == 0 {
                place.end = token.end() as u32;
                break;
            }
        }
        place
    }

    fn fn_def(&mut self, node: &FnDef) -> Vec<Row> {
        let ports = node.ports.iter().map(|port| Entry {
            span: port.span,
            doc: port.doc.as_ref(),
            node: Input::Port(port),
        });
        let params = node.params.iter().map(|param| Entry {
            span: param.span,
            doc: param.doc.as_ref(),
            node: Input::Param(param),
        });
        let inputs = self.inputs(node.name.span.end, ports.chain(params));
        let head = vec![
            Layout::text(format!("fn {}", node.name)),
            inputs,
            Layout::text(format!(" -> {} {{", node.result)),
        ];
        self.block(node.doc.as_ref(), head, node.head.end, node.span, 0, |this, start, end| {
            this.rows(start, end, &node.body, Stmt::span, |this, stmt| this.stmt(stmt, 4))
        })
    }

    fn stage(&mut self, node: &StageDef) -> Vec<Row> {
        let ports = node.ports.iter().map(|port| Entry {
            span: port.span,
            doc: port.doc.as_ref(),
            node: Input::Port(port),
        });
        let inputs = self.inputs(node.name.span.end, ports);
        let head = vec![
            Layout::text(format!("stage {}", node.name)),
            inputs,
            Layout::text(format!(" -> {} {{", node.output)),
        ];
        self.block(node.doc.as_ref(), head, node.head.end, node.span, 0, |this, start, end| {
            this.rows(start, end, &node.body, StageItem::span, Self::stage_item)
        })
    }

    /// What stands in the parentheses of a `fn` or a `stage`.
    fn inputs<'a>(&mut self, start: u32, entries: impl Iterator<Item = Entry<'a, Input<'a>>>) -> Layout {
        let span = self.parentheses(start, start);
        self.brackets(["(", ")"], span, entries, |this, input| match input {
            Input::Port(port) if port.many => Layout::text(format!("{}: [{}]", port.name, port.kind)),
            Input::Port(port) => Layout::text(format!("{}: {}", port.name, port.kind)),
            Input::Param(param) => {
                let [ty, default] = this.param_parts(param);
                Layout::Join(vec![Layout::text(format!("{}: ", param.name)), ty, default])
            }
        })
    }

    fn stage_item(&mut self, item: &StageItem) -> Vec<Row> {
        let (doc, row) = match item {
            StageItem::Param(param) => (param.doc.as_ref(), self.param_row(param)),
            StageItem::Needs(needs) => {
                let files: Vec<String> = needs.files.iter().map(|file| quote(&file.value)).collect();
                (None, worded("needs", Layout::Text(files.join(", "))))
            }
            StageItem::Run(run) => (None, worded("run", self.template(&run.command))),
            StageItem::Part(part) => {
                (part.doc.as_ref(), worded("part", Layout::Text(format!("{}: {}", part.name, part.kind))))
            }
            StageItem::Metric(metric) => {
                (metric.doc.as_ref(), worded("metric", Layout::text(&*metric.name.name)))
            }
        };
        self.with_comments(doc, item.span().end, row)
    }

    fn stmt(&mut self, stmt: &Stmt, indent: usize) -> Vec<Row> {
        match stmt {
            Stmt::Binding(binding) => self.binding(binding),
            Stmt::For(node) => self.for_loop(node, indent),
        }
    }

    /// Its annotations stand on a line of their own.
    fn binding(&mut self, binding: &Binding) -> Vec<Row> {
        let mut annotation = None;
        if let Some(last) = binding.annotations.last() {
            let span = self.parentheses(binding.span.start, last.span().end);
            let entries =
                binding.annotations.iter().map(|named| Entry { span: named.span(), doc: None, node: named });
            annotation = Some(self.brackets(["@(", ")"], span, entries, Self::named));
        }
        let value = self.expr(&binding.value);
        let row = assignment(binding.name.to_string(), value);
        let mut rows = self.with_comments(binding.doc.as_ref(), binding.span.end, row);
        if let Some(annotation) = annotation {
            rows.insert(rows.len() - 1, Row::alone(annotation));
        }
        rows
    }

    fn for_loop(&mut self, node: &For, indent: usize) -> Vec<Row> {
        let mut parts = Vec::new();
        for (index, clause) in node.clauses.iter().enumerate() {
            if index > 0 {
                parts.extend([Layout::text(","), Layout::Line]);
            }
            parts.extend([Layout::text(format!("{} in ", clause.name)), self.expr(&clause.values)]);
        }
        if let Some(filter) = &node.filter {
            parts.extend([Layout::Line, Layout::text("if "), self.expr(filter)]);
        }
        let head = vec![Layout::text("for "), Layout::Indent(parts), Layout::text(" {")];
        self.block(node.doc.as_ref(), head, node.head.end, node.span, indent, |this, start, end| {
            this.rows(start, end, &node.body, Stmt::span, |this, stmt| this.stmt(stmt, indent + 4))
        })
    }

    fn report(&mut self, node: &Report) -> Vec<Row> {
        let head = vec![Layout::Text(format!("report {} {{", quote(&node.title.value)))];
        self.block(node.doc.as_ref(), head, node.head.end, node.span, 0, |this, start, end| {
            this.rows(start, end, &node.items, ReportItem::span, Self::report_item)
        })
    }

    fn report_item(&mut self, item: &ReportItem) -> Vec<Row> {
        let row = match item {
            ReportItem::Table(selection) => worded("table", self.selection(selection)),
            ReportItem::Plot(selection) => worded("plot", self.selection(selection)),
            ReportItem::Expect(expect) => {
                let claim = self.expr(&expect.claim);
                worded("expect", self.with_text(claim, expect.message.as_ref()))
            }
            ReportItem::Text(remark) => worded("text", self.template(&remark.text)),
            ReportItem::Figure(figure) => {
                let picture = self.expr(&figure.picture);
                worded("figure", self.with_text(picture, figure.caption.as_ref()))
            }
        };
        self.with_comments(None, item.span().end, row)
    }

    fn template(&mut self, template: &Template) -> Layout {
        Layout::Text(self.string(&template.parts))
    }

    fn with_text(&mut self, layout: Layout, text: Option<&Template>) -> Layout {
        let Some(text) = text else { return layout };
        let text = self.template(text);
        Layout::Group(vec![layout, Layout::Indent(vec![Layout::Line, text])])
    }

    /// `scores.f1, scores.recall by site over seed, caption = "F1"`
    fn selection(&mut self, selection: &Selection) -> Layout {
        let mut parts = Vec::new();
        for (index, value) in selection.values.iter().enumerate() {
            if index > 0 {
                parts.extend([Layout::text(","), Layout::Line]);
            }
            parts.push(self.expr(value));
        }
        for (word, axes) in [("by", &selection.by), ("over", &selection.over)] {
            if !axes.is_empty() {
                let names: Vec<&str> = axes.iter().map(Ident::as_str).collect();
                parts.extend([Layout::Line, Layout::text(format!("{word} {}", names.join(", ")))]);
            }
        }
        for option in &selection.options {
            parts.extend([Layout::text(","), Layout::Line, self.named(option)]);
        }
        Layout::Group(vec![Layout::Indent(parts)])
    }

    /// A head, its block, the closing brace.
    fn block(
        &mut self,
        doc: Option<&Doc>,
        head: Vec<Layout>,
        head_end: u32,
        span: Span,
        indent: usize,
        inside: impl FnOnce(&mut Self, u32, u32) -> Vec<Row>,
    ) -> Vec<Row> {
        // The row itself comes last, when its inside is known.
        let mut rows =
            self.with_comments(doc, head_end.saturating_sub(1), Row::alone(Layout::Join(Vec::new())));
        let head_comment = self.comments.beside(head_end);
        let inside = inside(self, head_end, span.end.saturating_sub(1));
        let mut parts = vec![Layout::Group(head)];
        if let Some(comment) = &head_comment {
            parts.push(Layout::Comment(format!("  {comment}")));
        }
        let closing = " ".repeat(indent);
        if !inside.is_empty() {
            parts.push(Layout::Lines(format!("\n{}{closing}", render(&inside, indent + 4))));
        } else if head_comment.is_some() {
            parts.push(Layout::Lines(format!("\n{closing}")));
        }
        parts.push(Layout::text("}"));
        rows.pop();
        rows.push(Row::alone(Layout::Join(parts)));
        rows
    }
}

/// What stands in the parentheses of a `fn`.
enum Input<'a> {
    Port(&'a Port),
    Param(&'a Param),
}

/// `name = value`, aligned at `=`.
fn assignment(name: String, value: Layout) -> Row {
    Row::columns(Columns::Binding, vec![name], Layout::Join(vec![Layout::text(" = "), value]))
}

/// A line that begins with a word, aligned after it.
fn worded(word: &str, rest: Layout) -> Row {
    Row::columns(Columns::Word, vec![word.to_owned()], Layout::Join(vec![Layout::text(" "), rest]))
}

/// Without a source: whether a blank line stands between two items.
fn stand_apart(before: &Item, after: &Item) -> bool {
    let is_block = |item: &Item| {
        matches!(item, Item::Fn(_) | Item::Stage(_) | Item::Report(_) | Item::Stmt(Stmt::For(_)))
    };
    is_block(before) || is_block(after) || std::mem::discriminant(before) != std::mem::discriminant(after)
}
