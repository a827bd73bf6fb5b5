//! Expressions: pairs to [`Expr`].

use std::cell::RefCell;
use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::grammar::Rule;
use super::{Lower, MAX_NESTING, len, next, nodes, only};
use crate::ast::{Arg, BinaryOp, Branch, Call, Expr, ExprKind, Named, Number, Path, StrPart, UnaryOp, Unit};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Binding powers, the loosest first.
static OPERATORS: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::kw_or, Assoc::Left))
        .op(Op::infix(Rule::kw_and, Assoc::Left))
        .op(Op::prefix(Rule::kw_not))
        .op(Op::infix(Rule::comparison, Assoc::Left))
        .op(Op::infix(Rule::range, Assoc::Left))
        .op(Op::infix(Rule::sum, Assoc::Left))
        .op(Op::infix(Rule::product, Assoc::Left))
        .op(Op::prefix(Rule::neg))
        .op(Op::postfix(Rule::field) | Op::postfix(Rule::index))
});

impl Lower<'_, '_> {
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let calls = len(&pair.clone().into_inner()) / 2;
        self.nested(span, 1 + calls, |this| {
            let mut parts = nodes(pair);
            let mut value = this.operation(next(&mut parts));
            for part in parts {
                let call = this.call(part);
                let span = value.span.to(call.span);
                value = Expr { kind: ExprKind::Arrow { input: Box::new(value), call }, span };
            }
            value
        })
    }

    /// Runs `lower` some levels deeper, or reports that this is too deep.
    fn nested(&mut self, span: Span, levels: usize, lower: impl FnOnce(&mut Self) -> Expr) -> Expr {
        self.depth += levels;
        let expr = if self.depth <= MAX_NESTING {
            lower(self)
        } else {
            if !self.too_deep {
                self.too_deep = true;
                let message = format!("this nests more than {MAX_NESTING} levels of brackets and operators");
                self.report(Diagnostic::error(span, message).hint("bind a part of it to a name of its own"));
            }
            Expr { kind: ExprKind::None, span }
        };
        self.depth -= levels;
        expr
    }

    pub(super) fn operation(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let parts = pair.into_inner();
        if len(&parts) == 1 {
            return self.primary(next(&mut parts.into_iter()));
        }
        // The shape of the tree says what parentheses said.
        let parts = parts.filter(|part| !matches!(part.as_rule(), Rule::open_paren | Rule::close_paren));
        let operators = parts.clone().filter(|part| !is_operand(part.as_rule())).count();
        self.refuse_chains(parts.clone());
        self.nested(span, operators, |this| {
            let this = RefCell::new(this);
            OPERATORS
                .map_primary(|pair| this.borrow_mut().primary(pair))
                .map_prefix(|op, operand| this.borrow_mut().prefix(&op, operand))
                .map_postfix(|base, op| this.borrow_mut().postfix(base, op))
                .map_infix(|left, op, right| infix(left, op.as_str(), right))
                .parse(parts)
        })
    }

    /// Comparisons and ranges stand between two operands, never in a row.
    fn refuse_chains<'p>(&mut self, parts: impl Iterator<Item = Pair<'p, Rule>>) {
        let (mut comparison, mut range) = (false, false);
        for part in parts {
            match part.as_rule() {
                Rule::kw_or | Rule::kw_and | Rule::kw_not => (comparison, range) = (false, false),
                Rule::range => {
                    if range {
                        let span = self.span(&part);
                        let message = "a range has two ends";
                        self.report(Diagnostic::error(span, message).label("a second range operator"));
                    }
                    range = true;
                }
                Rule::comparison => {
                    if comparison {
                        let span = self.span(&part);
                        self.report(
                            Diagnostic::error(span, "comparisons do not chain")
                                .label("a second comparison")
                                .hint("write `a < b and b < c`, or parentheses"),
                        );
                    }
                    (comparison, range) = (true, false);
                }
                _ => {}
            }
        }
    }

    fn prefix(&mut self, op: &Pair<'_, Rule>, operand: Expr) -> Expr {
        let span = self.span(op).to(operand.span);
        let op = if op.as_rule() == Rule::neg { UnaryOp::Neg } else { UnaryOp::Not };
        Expr { kind: ExprKind::Unary { op, operand: Box::new(operand) }, span }
    }

    fn postfix(&mut self, base: Expr, op: Pair<'_, Rule>) -> Expr {
        let span = base.span.to(self.span(&op));
        let base = Box::new(base);
        let kind = if op.as_rule() == Rule::field {
            ExprKind::Field { base, field: self.ident(&only(op)) }
        } else {
            ExprKind::Index { base, at: nodes(op).map(|pair| self.named(pair)).collect() }
        };
        Expr { kind, span }
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::parenthesised => return Expr { span, ..self.expr(only(pair)) },
            Rule::reference => return self.reference(pair),
            Rule::number => self.number(pair),
            Rule::string => ExprKind::Str(self.string_parts(pair)),
            Rule::list => ExprKind::List(nodes(pair).map(|item| self.expr(item)).collect()),
            Rule::if_expr => self.if_expr(pair),
            Rule::kw_true => ExprKind::Bool(true),
            Rule::kw_false => ExprKind::Bool(false),
            Rule::kw_none => ExprKind::None,
            rule => unreachable!("the grammar has no operand `{rule:?}`"),
        };
        Expr { kind, span }
    }

    /// `a`, `a.b.c` or `a.b(…)`.
    fn reference(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let is_call =
            pair.clone().into_inner().next_back().is_some_and(|last| last.as_rule() == Rule::arguments);
        if is_call {
            let call = self.call(pair);
            return Expr { kind: ExprKind::Call(call), span };
        }
        let fields = len(&pair.clone().into_inner()) / 2;
        self.nested(span, fields, |this| {
            let mut names = nodes(pair);
            let first = this.ident(&next(&mut names));
            let mut expr = Expr { kind: ExprKind::Name(first.name), span: first.span };
            for name in names {
                let field = this.ident(&name);
                let span = expr.span.to(field.span);
                expr = Expr { kind: ExprKind::Field { base: Box::new(expr), field }, span };
            }
            expr
        })
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Call {
        let span = self.span(&pair);
        let mut segments = Vec::new();
        let mut args = Vec::new();
        for part in nodes(pair) {
            if part.as_rule() == Rule::arguments {
                args = self.args(part);
            } else {
                segments.push(self.ident(&part));
            }
        }
        Call { callee: Path { segments }, args, span }
    }

    fn args(&mut self, pair: Pair<'_, Rule>) -> Vec<Arg> {
        let mut args: Vec<Arg> = Vec::new();
        for part in nodes(pair) {
            if part.as_rule() == Rule::named {
                let Named { name, value } = self.named(part);
                args.push(Arg { name: Some(name), value });
                continue;
            }
            let value = self.expr(part);
            if let Some(earlier) = args.iter().rev().find(|arg| arg.name.is_some()) {
                let earlier = earlier.span();
                self.report(
                    Diagnostic::error(
                        value.span,
                        "an input without a name stands after an argument with one",
                    )
                    .label("inputs come first")
                    .related(earlier, "an argument with a name"),
                );
            }
            args.push(Arg { name: None, value });
        }
        args
    }

    pub(super) fn named(&mut self, pair: Pair<'_, Rule>) -> Named {
        let mut parts = nodes(pair);
        let name = self.ident(&next(&mut parts));
        Named { name, value: self.expr(next(&mut parts)) }
    }

    fn if_expr(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut exprs: Vec<Expr> = nodes(pair).map(|part| self.expr(part)).collect();
        let otherwise = Box::new(exprs.pop().expect("an `if` has an `else`"));
        let mut exprs = exprs.into_iter();
        let mut branches = Vec::new();
        while let (Some(condition), Some(value)) = (exprs.next(), exprs.next()) {
            branches.push(Branch { condition, value });
        }
        ExprKind::If { branches, otherwise }
    }

    fn number(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = nodes(pair);
        let literal = next(&mut parts);
        let digits = literal.as_str().replace('_', "");
        let number = if literal.as_rule() == Rule::int {
            Number::Int(digits.parse().unwrap_or_else(|_| {
                let message = format!("this integer is larger than {}", i64::MAX);
                self.report(Diagnostic::error(self.span(&literal), message));
                0
            }))
        } else {
            let value: f64 = digits.parse().expect("the grammar's floats are Rust's");
            if value.is_infinite() {
                let message = format!("this number is larger than {:e}", f64::MAX);
                self.report(Diagnostic::error(self.span(&literal), message));
            }
            Number::Float(value)
        };
        match (parts.next(), number) {
            (Some(unit), number) => {
                let unit = Unit::from_symbol(unit.as_str()).expect("the grammar's units are the tree's");
                ExprKind::Quantity { number, unit }
            }
            (None, Number::Int(value)) => ExprKind::Int(value),
            (None, Number::Float(value)) => ExprKind::Float(value),
        }
    }

    pub(super) fn string_parts(&mut self, pair: Pair<'_, Rule>) -> Vec<StrPart> {
        let mut parts = Vec::new();
        let mut text = String::new();
        for piece in nodes(pair) {
            match piece.as_rule() {
                Rule::str_text => text.push_str(piece.as_str()),
                Rule::str_brace => text.push_str(&piece.as_str()[..1]),
                Rule::str_escape => text.push(match &piece.as_str()[1..] {
                    "n" => '\n',
                    "t" => '\t',
                    "\"" => '"',
                    _ => '\\',
                }),
                _ => {
                    if piece.as_str().contains('\n') {
                        let span = self.span(&piece);
                        self.report(
                            Diagnostic::error(span, "`{…}` in a text goes over the end of the line")
                                .hint("bind the value to a name and put the name in the braces"),
                        );
                    }
                    if !text.is_empty() {
                        parts.push(StrPart::Text(std::mem::take(&mut text).into()));
                    }
                    parts.push(StrPart::Expr(self.expr(only(piece))));
                }
            }
        }
        if !text.is_empty() {
            parts.push(StrPart::Text(text.into()));
        }
        parts
    }
}

fn is_operand(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::parenthesised | Rule::reference | Rule::number | Rule::string | Rule::list | Rule::if_expr
    ) || matches!(rule, Rule::kw_true | Rule::kw_false | Rule::kw_none)
}

fn infix(left: Expr, op: &str, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    let (left, right) = (Box::new(left), Box::new(right));
    let kind = match BinaryOp::from_symbol(op) {
        Some(op) => ExprKind::Binary { op, left, right },
        None => ExprKind::Range { start: left, end: right, inclusive: op == "..=" },
    };
    Expr { kind, span }
}
