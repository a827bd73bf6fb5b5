//! Expressions, types and lists.

use super::Printer;
use super::layout::Layout;
use crate::ast::{
    Arg, BinaryOp, Branch, Call, Doc, Expr, ExprKind, Named, Number, StrPart, TypeExpr, TypeKind, UnaryOp,
    Unit,
};
use crate::source::Span;
use crate::token::TokenKind;

/// How tightly an expression holds together: what is looser than its surroundings needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tightness {
    Arrow,
    Or,
    And,
    Not,
    Comparison,
    Range,
    Sum,
    Product,
    Neg,
    Atom,
}

impl Tightness {
    fn of(expr: &Expr) -> Self {
        match &expr.kind {
            ExprKind::Arrow { .. } => Self::Arrow,
            ExprKind::Range { .. } => Self::Range,
            ExprKind::Unary { op: UnaryOp::Not, .. } => Self::Not,
            ExprKind::Unary { op: UnaryOp::Neg, .. } => Self::Neg,
            ExprKind::Binary { op, .. } => Self::of_op(*op),
            _ => Self::Atom,
        }
    }

    fn of_op(op: BinaryOp) -> Self {
        match op {
            BinaryOp::Or => Self::Or,
            BinaryOp::And => Self::And,
            BinaryOp::Add | BinaryOp::Sub => Self::Sum,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Self::Product,
            _ => Self::Comparison,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Arrow => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Range,
            Self::Range => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Neg,
            Self::Neg | Self::Atom => Self::Atom,
        }
    }
}

/// One entry of a list between brackets.
pub(super) struct Entry<'a, T> {
    /// Where it stands.
    pub(super) span: Span,
    /// Its doc comment.
    pub(super) doc: Option<&'a Doc>,
    /// What it is.
    pub(super) node: T,
}

impl Printer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Layout {
        self.operand(expr, Tightness::Arrow)
    }

    /// An expression where only something at least this tight may stand without parentheses.
    pub(super) fn operand(&mut self, expr: &Expr, least: Tightness) -> Layout {
        if Tightness::of(expr) >= least {
            return self.bare_expr(expr);
        }
        let inner = self.bare_expr(expr);
        let inside = Layout::Indent(vec![Layout::SoftLine, inner]);
        Layout::Group(vec![Layout::text("("), inside, Layout::SoftLine, Layout::text(")")])
    }

    fn bare_expr(&mut self, expr: &Expr) -> Layout {
        match &expr.kind {
            ExprKind::None => Layout::text("none"),
            ExprKind::Bool(value) => Layout::text(if *value { "true" } else { "false" }),
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity { .. } => {
                Layout::text(self.number(expr))
            }
            ExprKind::Str(parts) => Layout::text(self.string(parts)),
            ExprKind::List(items) => self.list(expr.span, items),
            ExprKind::Name(name) => Layout::text(&**name),
            ExprKind::Range { start, end, inclusive } => {
                let start = self.operand(start, Tightness::Range.next());
                let end = self.operand(end, Tightness::Range.next());
                Layout::Join(vec![start, Layout::text(if *inclusive { "..=" } else { ".." }), end])
            }
            ExprKind::Field { base, field } => {
                let base = self.operand(base, Tightness::Atom);
                Layout::Join(vec![base, Layout::text(format!(".{field}"))])
            }
            ExprKind::Index { base, at } => {
                let base_end = base.span.end;
                let base = self.operand(base, Tightness::Atom);
                let entries = at.iter().map(|named| Entry { span: named.span(), doc: None, node: named });
                let brackets = Span { start: base_end, ..expr.span };
                Layout::Join(vec![base, self.brackets(["[", "]"], brackets, entries, Self::named)])
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Arrow { .. } => self.chain(expr),
            ExprKind::If { branches, otherwise } => self.if_expr(branches, otherwise),
            ExprKind::Unary { op, operand } => {
                let (word, least) = match op {
                    UnaryOp::Not => ("not ", Tightness::Not),
                    UnaryOp::Neg => ("-", Tightness::Neg),
                };
                Layout::Join(vec![Layout::text(word), self.operand(operand, least)])
            }
            ExprKind::Binary { op, .. } => {
                let mut parts = Vec::new();
                self.operators(expr, Tightness::of_op(*op), &mut parts);
                let rest = parts.split_off(1);
                parts.push(Layout::Indent(rest));
                Layout::Group(parts)
            }
        }
    }

    /// Operators of one tightness in a row: they are broken together.
    fn operators(&mut self, expr: &Expr, tightness: Tightness, parts: &mut Vec<Layout>) {
        match &expr.kind {
            ExprKind::Binary { op, left, right } if Tightness::of_op(*op) == tightness => {
                if op.is_comparison() {
                    parts.push(self.operand(left, tightness.next()));
                } else {
                    self.operators(left, tightness, parts);
                }
                let right = self.operand(right, tightness.next());
                parts.extend([Layout::Line, Layout::text(format!("{} ", op.symbol())), right]);
            }
            _ => parts.push(self.operand(expr, tightness)),
        }
    }

    /// `a -> f(x) -> g(y)`: broken before every arrow or nowhere.
    fn chain(&mut self, expr: &Expr) -> Layout {
        let mut calls = Vec::new();
        let mut input = expr;
        while let ExprKind::Arrow { input: before, call } = &input.kind {
            calls.push(call);
            input = before;
        }
        self.displace(expr.span.start);
        let first = self.operand(input, Tightness::Or);
        if let [call] = calls.as_slice()
            && !self.comments.any(0, call.span.start)
        {
            return Layout::Step(Box::new([first, self.call(call)]));
        }
        let mut steps = Vec::new();
        for call in calls.into_iter().rev() {
            for comment in self.comments.before(call.span.start) {
                let text = self.comments.moved(comment, None);
                if comment.own_line {
                    steps.extend([Layout::HardLine, Layout::Comment(text)]);
                } else {
                    steps.push(Layout::Comment(format!("  {text}")));
                }
            }
            steps.extend([Layout::Line, Layout::text("-> "), self.call(call)]);
        }
        Layout::Group(vec![first, Layout::Indent(steps)])
    }

    pub(super) fn call(&mut self, call: &Call) -> Layout {
        let name = call.callee.to_string();
        let entries = call.args.iter().map(|arg| Entry { span: arg.span(), doc: None, node: arg });
        let start = call.callee.span().end;
        let args = self.brackets(["(", ")"], Span { start, ..call.span }, entries, Self::arg);
        Layout::Join(vec![Layout::text(name), args])
    }

    fn arg(&mut self, arg: &Arg) -> Layout {
        let value = self.expr(&arg.value);
        match &arg.name {
            Some(name) => Layout::Join(vec![Layout::text(format!("{name} = ")), value]),
            None => value,
        }
    }

    pub(super) fn named(&mut self, named: &Named) -> Layout {
        Layout::Join(vec![Layout::text(format!("{} = ", named.name)), self.expr(&named.value)])
    }

    fn if_expr(&mut self, branches: &[Branch], otherwise: &Expr) -> Layout {
        let mut parts = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            parts.push(Layout::text(if index == 0 { "if " } else { " else if " }));
            parts.push(self.expr(&branch.condition));
            parts.push(Layout::text(" {"));
            parts.push(Layout::Indent(vec![Layout::Line, self.expr(&branch.value)]));
            parts.extend([Layout::Line, Layout::text("}")]);
        }
        parts.push(Layout::text(" else {"));
        parts.push(Layout::Indent(vec![Layout::Line, self.expr(otherwise)]));
        parts.extend([Layout::Line, Layout::text("}")]);
        Layout::Group(parts)
    }

    fn list(&mut self, span: Span, items: &[Expr]) -> Layout {
        let is_short = |item: &Expr| {
            let literal = match &item.kind {
                ExprKind::Unary { op: UnaryOp::Neg, operand } => &operand.kind,
                kind => kind,
            };
            matches!(
                literal,
                ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity { .. } | ExprKind::Bool(_)
            )
        };
        if items.len() > 1 && items.iter().all(is_short) && !self.comments.any(span.start, span.end) {
            let last = items.len() - 1;
            let short = items.iter().enumerate().map(|(index, item)| {
                let after = if index == last { Layout::IfBroken(",") } else { Layout::text(",") };
                Layout::Join(vec![self.expr(item), after])
            });
            let fill = Layout::Fill(short.collect());
            let inside = Layout::Indent(vec![Layout::SoftLine, fill]);
            return Layout::Group(vec![Layout::text("["), inside, Layout::SoftLine, Layout::text("]")]);
        }
        let entries = items.iter().map(|item| Entry { span: item.span, doc: None, node: item });
        self.brackets(["[", "]"], span, entries, Self::expr)
    }

    /// Entries between brackets, separated by commas: on one line, or one a line with the comments among them.
    pub(super) fn brackets<'a, T>(
        &mut self,
        [open, close]: [&str; 2],
        span: Span,
        entries: impl Iterator<Item = Entry<'a, T>>,
        mut print: impl FnMut(&mut Self, T) -> Layout,
    ) -> Layout {
        self.displace(span.start + 1);
        let mut lines: Vec<Line> = Vec::new();
        let mut last_doc: Option<&Doc> = None;
        for Entry { span, doc, node } in entries {
            self.comment_lines(&mut lines, span.start, last_doc, doc);
            lines.extend(self.doc_lines(doc).into_iter().map(Line::Comment));
            let layout = print(self, node);
            // A comment within the entry that its own lists did not take goes above it.
            for comment in self.comments.before(span.end) {
                lines.push(Line::Comment(self.comments.moved(comment, None)));
            }
            lines.push(Line::Entry { layout, comment: None });
            last_doc = doc;
        }
        self.comment_lines(&mut lines, span.end.saturating_sub(1), last_doc, None);
        if lines.is_empty() {
            return Layout::text(format!("{open}{close}"));
        }
        let broken = lines.iter().any(|line| !matches!(line, Line::Entry { comment: None, .. }));
        let last_entry = lines.iter().rposition(|line| matches!(line, Line::Entry { .. }));
        let mut inside = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            inside.push(match index {
                _ if broken => Layout::HardLine,
                0 => Layout::SoftLine,
                _ => Layout::Line,
            });
            match line {
                Line::Comment(text) => inside.push(Layout::Comment(text)),
                Line::Entry { layout, comment } => {
                    let is_last = Some(index) == last_entry;
                    inside.push(layout);
                    inside.push(if is_last { Layout::IfBroken(",") } else { Layout::text(",") });
                    inside.extend(comment.map(|text| Layout::Comment(format!("  {text}"))));
                }
            }
        }
        let end = if broken { Layout::HardLine } else { Layout::SoftLine };
        Layout::Group(vec![Layout::text(open), Layout::Indent(inside), end, Layout::text(close)])
    }

    /// The comments before an offset: beside the last entry, or on lines of their own before the next one.
    fn comment_lines(&mut self, lines: &mut Vec<Line>, end: u32, last: Option<&Doc>, next: Option<&Doc>) {
        for comment in self.comments.before(end) {
            let text = self.comments.moved(comment, if comment.own_line { next } else { last });
            match lines.last_mut() {
                Some(Line::Entry { comment: beside @ None, .. }) if !comment.own_line => *beside = Some(text),
                _ => lines.push(Line::Comment(text)),
            }
        }
    }

    /// A number as it was written, with one blank before its unit; without a source, as short as it can be.
    fn number(&self, expr: &Expr) -> String {
        let (number, unit) = match &expr.kind {
            ExprKind::Int(value) => (Number::Int(*value), None),
            ExprKind::Float(value) => (Number::Float(*value), None),
            ExprKind::Quantity { number, unit } => (*number, Some(*unit)),
            kind => unreachable!("{kind:?} is not a number"),
        };
        let digits =
            match (self.tokens(expr.span.start).find(|token| token.kind == TokenKind::Number), number) {
                (Some(token), _) => {
                    let unit = unit.map_or("", Unit::symbol);
                    token.text.strip_suffix(unit).unwrap_or(token.text).to_owned()
                }
                (None, Number::Int(value)) => value.to_string(),
                (None, Number::Float(value)) => format!("{value:?}"),
            };
        unit.map_or(digits.clone(), |unit| format!("{digits} {unit}"))
    }

    pub(super) fn string(&mut self, parts: &[StrPart]) -> String {
        let mut out = String::from('"');
        for part in parts {
            match part {
                StrPart::Text(text) => escape(text, &mut out),
                StrPart::Expr(expr) => {
                    out.push('{');
                    out.push_str(&self.expr(expr).flat());
                    out.push('}');
                }
            }
        }
        out.push('"');
        out
    }
}

/// A type on one line.
pub(super) fn type_text(ty: &TypeExpr) -> String {
    let mut out = match &ty.kind {
        TypeKind::List(item) => format!("[{}]", type_text(item)),
        TypeKind::Choices(texts) => {
            let quoted = texts.iter().map(|text| quote(&text.value));
            quoted.collect::<Vec<_>>().join(" | ")
        }
        kind => {
            let word = TypeKind::NAMED.iter().find(|(_, named)| named == kind);
            word.map_or_else(String::new, |(word, _)| (*word).to_owned())
        }
    };
    if ty.optional {
        out.push('?');
    }
    out
}

/// A line of a broken list.
enum Line {
    Comment(String),
    Entry { layout: Layout, comment: Option<String> },
}

/// A text in quotes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from('"');
    escape(text, &mut out);
    out.push('"');
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            _ => out.push(c),
        }
    }
}
