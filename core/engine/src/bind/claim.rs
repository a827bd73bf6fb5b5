//! What an `expect` says.

use runpipe_base::{Compare, ReportExpr, ReportFn, ReportItem, ReportOp, Value};
use runpipe_grammar::Diagnostic;
use runpipe_grammar::ast::{BinaryOp, Call, Expect, Expr, ExprKind, StrPart, UnaryOp};

use super::Binder;
use super::names::Frame;
use crate::expand::Class;
use crate::functions;
use crate::problems::suggest;

/// The functions on metrics.
const FUNCTIONS: [&str; 11] =
    ["ci_high", "ci_low", "count", "diff", "max", "mean", "median", "min", "p_value", "std", "sum"];

/// A number or a truth, known when the report is made.
enum Claim {
    Number(ReportExpr),
    Truth(ReportExpr),
}

impl<'a> Binder<'a> {
    pub(super) fn expect(&mut self, expect: &'a Expect, frame: &Frame<'a>) -> Option<ReportItem> {
        let message = match &expect.message {
            Some(message) => Some(self.template(message, frame)?),
            None => None,
        };
        let expr = self.truth(&expect.claim, frame)?;
        let text = self.slice(expect.claim.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let source = self.sources.get(expect.span.file);
        let place = source.map_or_else(String::new, |source| {
            format!("{}:{}", source.name, source.line_column(expect.span.start).0)
        });
        Some(ReportItem::Expect { text, expr, message, place })
    }

    fn truth(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<ReportExpr> {
        match self.claim(expr, frame)? {
            Claim::Truth(truth) => Some(truth),
            Claim::Number(_) => {
                let message = "expected a claim that is true or false, found a number";
                self.problems
                    .add(Diagnostic::error(expr.span, message).hint("compare it, such as `… > 0.5`"));
                None
            }
        }
    }

    fn number(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<ReportExpr> {
        match self.claim(expr, frame)? {
            Claim::Number(number) => Some(number),
            Claim::Truth(_) => {
                self.problems.add(Diagnostic::error(expr.span, "expected a number, found a condition"));
                None
            }
        }
    }

    fn claim(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<Claim> {
        if !self.is_about_metrics(expr, frame) {
            return self.known_claim(expr, frame);
        }
        match &expr.kind {
            ExprKind::Call(call) => self.report_call(call, frame),
            ExprKind::Unary { op: UnaryOp::Neg, operand } => {
                self.number(operand, frame).map(|x| Claim::Number(ReportExpr::Negate(Box::new(x))))
            }
            ExprKind::Unary { op: UnaryOp::Not, operand } => {
                self.truth(operand, frame).map(|x| Claim::Truth(ReportExpr::Not(Box::new(x))))
            }
            ExprKind::Binary { op, left, right } => self.operator(*op, left, right, expr, frame),
            ExprKind::If { branches, otherwise } => {
                for branch in branches {
                    if self.is_about_metrics(&branch.condition, frame) {
                        let message = "the condition of an `if` cannot depend on metrics";
                        let diagnostic = Diagnostic::error(branch.condition.span, message);
                        self.problems.add(diagnostic.hint("write it with `and` and `or`"));
                        return None;
                    }
                    match self.one_value(&branch.condition, frame)? {
                        Value::Bool(true) => return self.claim(&branch.value, frame),
                        Value::Bool(false) => {}
                        other => {
                            let message =
                                format!("expected a condition, found {}", crate::eval::described(&other));
                            self.problems.add(Diagnostic::error(branch.condition.span, message));
                            return None;
                        }
                    }
                }
                self.claim(otherwise, frame)
            }
            ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. } => self.only(expr, frame),
            _ => {
                let message = "an `expect` compares metrics and numbers, found something else";
                self.problems.add(Diagnostic::error(expr.span, message));
                None
            }
        }
    }

    /// Whether an expression names an artifact anywhere.
    fn is_about_metrics(&self, expr: &Expr, frame: &Frame<'a>) -> bool {
        let about = |expr: &Expr| self.is_about_metrics(expr, frame);
        match &expr.kind {
            ExprKind::Name(_) => self.class(expr, frame) == Class::Artifact,
            ExprKind::Field { base, .. } | ExprKind::Index { base, .. } => about(base),
            ExprKind::Call(call) => {
                let named = match call.callee.segments.as_slice() {
                    [name] => functions::named(name.as_str()).is_none(),
                    _ => true,
                };
                named || call.args.iter().any(|arg| about(&arg.value))
            }
            ExprKind::Arrow { .. } => true,
            ExprKind::Unary { operand, .. } => about(operand),
            ExprKind::Binary { left, right, .. } => about(left) || about(right),
            ExprKind::Range { start, end, .. } => about(start) || about(end),
            ExprKind::List(items) => items.iter().any(about),
            ExprKind::Str(parts) => {
                parts.iter().any(|part| matches!(part, StrPart::Expr(expr) if about(expr)))
            }
            ExprKind::If { branches, otherwise } => {
                branches.iter().any(|branch| about(&branch.condition) || about(&branch.value))
                    || about(otherwise)
            }
            ExprKind::None
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Quantity { .. } => false,
        }
    }

    fn known_claim(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<Claim> {
        match self.one_value(expr, frame)? {
            Value::Bool(truth) => Some(Claim::Truth(ReportExpr::Bool(truth))),
            Value::Int(i) => Some(Claim::Number(ReportExpr::Number(i as f64))),
            Value::Float(x) => Some(Claim::Number(ReportExpr::Number(x))),
            other => {
                let found = crate::eval::described(&other);
                self.problems.add(Diagnostic::error(expr.span, format!("expected a number, found {found}")));
                None
            }
        }
    }

    /// `mean(scores.f1)`
    fn report_call(&mut self, call: &'a Call, frame: &Frame<'a>) -> Option<Claim> {
        let name = match call.callee.segments.as_slice() {
            [name] => name.as_str(),
            _ => "",
        };
        let Some(function) = ReportFn::named(name) else {
            let span = call.callee.span();
            let text = self.slice(span);
            let message = if functions::named(name).is_some() {
                format!("`{text}` works on values and not on metrics")
            } else {
                format!("there is no function `{text}` on metrics")
            };
            let diagnostic = Diagnostic::error(span, message);
            let known = functions::named(name).is_some();
            let diagnostic = if known { diagnostic } else { suggest(diagnostic, text, FUNCTIONS) };
            self.problems
                .add(diagnostic.hint(format!("the functions on metrics are `{}`", FUNCTIONS.join("`, `"))));
            return None;
        };
        if call.args.len() != function.arity() {
            let takes = if function.arity() == 1 { "1 selection" } else { "2 selections" };
            let message = format!("`{name}` takes {takes} of metrics, found {}", call.args.len());
            self.problems.add(Diagnostic::error(call.span, message));
            return None;
        }
        let mut columns = Vec::new();
        for arg in &call.args {
            if let Some(name) = &arg.name {
                self.problems.add(Diagnostic::error(name.span, "a function on metrics takes no names"));
                return None;
            }
            let metric = self.metric(&arg.value, frame)?;
            if !metric.single {
                let message = format!("`{}` is a curve, expected single numbers", metric.numbers.label);
                self.problems.add(Diagnostic::error(arg.value.span, message));
                return None;
            }
            columns.push(metric.numbers);
        }
        Some(Claim::Number(ReportExpr::Call { function, columns }))
    }

    /// A metric that stands alone: it must be one number.
    fn only(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<Claim> {
        let metric = self.metric(expr, frame)?;
        let label = &metric.numbers.label;
        if !metric.single {
            let message = format!("`{label}` is a curve, expected a single number");
            self.problems.add(Diagnostic::error(expr.span, message));
            return None;
        }
        if metric.numbers.cells.len() > 1 {
            let message = format!("`{label}` is {} numbers, expected one", metric.numbers.cells.len());
            let hint = format!("say which: `mean({label})`, or select one with `[…]`");
            self.problems.add(Diagnostic::error(expr.span, message).hint(hint));
            return None;
        }
        let (function, columns) = (ReportFn::Only, vec![metric.numbers]);
        Some(Claim::Number(ReportExpr::Call { function, columns }))
    }

    fn operator(
        &mut self,
        op: BinaryOp,
        left: &'a Expr,
        right: &'a Expr,
        whole: &Expr,
        frame: &Frame<'a>,
    ) -> Option<Claim> {
        let boxed = |a, b| (Box::new(a), Box::new(b));
        let logic = match op {
            BinaryOp::And => Some(ReportOp::And),
            BinaryOp::Or => Some(ReportOp::Or),
            _ => None,
        };
        if let Some(op) = logic {
            let (a, b) = (self.truth(left, frame), self.truth(right, frame));
            let (left, right) = boxed(a?, b?);
            return Some(Claim::Truth(ReportExpr::Binary { op, left, right }));
        }
        if matches!(op, BinaryOp::Rem | BinaryOp::In) {
            let message = format!("`{}` does not work on metrics", op.symbol());
            self.problems.add(Diagnostic::error(whole.span, message));
            return None;
        }
        let (a, b) = (self.number(left, frame), self.number(right, frame));
        let (left, right) = boxed(a?, b?);
        let compare = |op, left, right| Claim::Truth(ReportExpr::Compare { op, left, right });
        let compute = |op, left, right| Claim::Number(ReportExpr::Binary { op, left, right });
        Some(match op {
            BinaryOp::Eq => compare(Compare::Eq, left, right),
            BinaryOp::Ne => compare(Compare::Ne, left, right),
            BinaryOp::Lt => compare(Compare::Lt, left, right),
            BinaryOp::Le => compare(Compare::Le, left, right),
            BinaryOp::Gt => compare(Compare::Gt, left, right),
            BinaryOp::Ge => compare(Compare::Ge, left, right),
            BinaryOp::Add => compute(ReportOp::Add, left, right),
            BinaryOp::Sub => compute(ReportOp::Sub, left, right),
            BinaryOp::Mul => compute(ReportOp::Mul, left, right),
            BinaryOp::Div => compute(ReportOp::Div, left, right),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Rem | BinaryOp::In => return None,
        })
    }
}
