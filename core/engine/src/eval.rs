//! Pure value expressions: total, bounded, with checked arithmetic.

mod ops;

pub(crate) use ops::{compare, contains, overflow};

use std::cell::Cell;

use runpipe_base::Value;
use runpipe_grammar::ast::{BinaryOp, Call, Expr, ExprKind, Number, StrPart, UnaryOp, Unit};
use runpipe_grammar::{Diagnostic, Span};

use crate::functions;

/// The longest list, counted with the lists in it.
pub(crate) const MAX_ITEMS: usize = 1_000_000;

/// The longest text, in bytes.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// How many steps the value expressions of one pipeline may take, and about how many units of memory they may fill.
const MAX_STEPS: u64 = 100_000_000;

/// Why there is no value.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A mistake to tell.
    Fault(Box<Diagnostic>),
    /// A mistake that was told.
    Told,
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Fault(Box::new(diagnostic))
    }
}

/// What is left of [`MAX_STEPS`].
pub(crate) struct Fuel(Cell<u64>);

impl Fuel {
    pub(crate) fn new() -> Self {
        Self(Cell::new(MAX_STEPS))
    }

    /// Takes `steps`.
    pub(crate) fn burn(&self, steps: usize, span: Span) -> Result<(), Stop> {
        let left = self.0.get();
        if left < steps as u64 {
            self.0.set(0);
            let message = "the values of this pipeline take more than 100,000,000 steps";
            return Err(Diagnostic::error(span, message).label("given up here").into());
        }
        self.0.set(left - steps as u64);
        Ok(())
    }
}

/// What the names in an expression stand for, by the place of the name.
pub(crate) trait Leaves {
    /// The value of a name or a selection.
    fn leaf(&self, expr: &Expr) -> Result<Value, Stop>;
}

/// An expression without names.
pub(crate) struct NoNames;

impl Leaves for NoNames {
    fn leaf(&self, expr: &Expr) -> Result<Value, Stop> {
        let found = match &expr.kind {
            ExprKind::Name(name) => format!("the name `{name}`"),
            _ => "something else".to_owned(),
        };
        let diagnostic = Diagnostic::error(expr.span, format!("expected a value, found {found}"));
        Err(diagnostic.hint("text stands in quotes").into())
    }
}

/// The value of an expression.
pub(crate) fn eval(expr: &Expr, leaves: &dyn Leaves, fuel: &Fuel) -> Result<Value, Stop> {
    fuel.burn(1, expr.span)?;
    let value = match &expr.kind {
        ExprKind::None => Value::None,
        ExprKind::Bool(b) => Value::Bool(*b),
        ExprKind::Int(i) => Value::Int(*i),
        ExprKind::Float(x) => Value::Float(*x),
        ExprKind::Quantity { number, unit } => quantity(*number, *unit, expr.span)?,
        ExprKind::Str(parts) => text(parts, expr.span, leaves, fuel)?,
        ExprKind::List(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| eval(item, leaves, fuel)).collect();
            list(items?, expr.span, fuel)?
        }
        ExprKind::Range { start, end, inclusive } => {
            let (first, last) = (eval(start, leaves, fuel)?, eval(end, leaves, fuel)?);
            range(&first, start.span, &last, end.span, *inclusive)?
        }
        ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. } | ExprKind::Arrow { .. } => {
            let value = leaves.leaf(expr)?;
            if let Value::List(items) = &value {
                fuel.burn(items.len(), expr.span)?;
            }
            value
        }
        ExprKind::Call(call) => apply(call, expr, leaves, fuel)?,
        ExprKind::If { branches, otherwise } => {
            for branch in branches {
                if truth(&branch.condition, leaves, fuel)? {
                    return eval(&branch.value, leaves, fuel);
                }
            }
            eval(otherwise, leaves, fuel)?
        }
        ExprKind::Unary { op: UnaryOp::Not, operand } => Value::Bool(!truth(operand, leaves, fuel)?),
        ExprKind::Unary { op: UnaryOp::Neg, operand } => {
            ops::negate(eval(operand, leaves, fuel)?, expr.span)?
        }
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            Value::Bool(truth(left, leaves, fuel)? && truth(right, leaves, fuel)?)
        }
        ExprKind::Binary { op: BinaryOp::Or, left, right } => {
            Value::Bool(truth(left, leaves, fuel)? || truth(right, leaves, fuel)?)
        }
        ExprKind::Binary { op, left, right } => {
            let (a, b) = (eval(left, leaves, fuel)?, eval(right, leaves, fuel)?);
            ops::binary(*op, a, b, expr.span, fuel)?
        }
    };
    Ok(value)
}

/// The value of a condition.
pub(crate) fn truth(expr: &Expr, leaves: &dyn Leaves, fuel: &Fuel) -> Result<bool, Stop> {
    match eval(expr, leaves, fuel)? {
        Value::Bool(b) => Ok(b),
        found => {
            Err(Diagnostic::error(expr.span, format!("expected a condition, found {}", described(&found)))
                .label("must be `true` or `false`")
                .into())
        }
    }
}

/// A value as messages show it: ``int `3` ``; long ones are cut.
pub(crate) fn described(value: &Value) -> String {
    if *value == Value::None {
        return "`none`".to_owned();
    }
    let mut shown = value.to_string();
    if let Some((end, _)) = shown.char_indices().nth(60) {
        shown.truncate(end);
        shown.push('…');
    }
    format!("{} `{shown}`", value.type_name())
}

/// A number that a calculation made, or why it is none.
pub(crate) fn number(x: f64, span: Span) -> Result<Value, Stop> {
    if x.is_nan() {
        return Err(Diagnostic::error(span, "the result is not a number").into());
    }
    if x.is_infinite() {
        return Err(Diagnostic::error(span, "the result is too large for a number").into());
    }
    Ok(Value::Float(x))
}

/// A list, unless it is too long.
pub(crate) fn list(items: Vec<Value>, span: Span, fuel: &Fuel) -> Result<Value, Stop> {
    let length = items.iter().map(weight).sum();
    fuel.burn(length, span)?;
    if length > MAX_ITEMS {
        let message = format!("a list holds at most 1,000,000 values, found {}", thousands(length as u64));
        return Err(Diagnostic::error(span, message).into());
    }
    Ok(Value::List(items))
}

/// Text, unless it is too long.
pub(crate) fn string(text: String, span: Span, fuel: &Fuel) -> Result<Value, Stop> {
    fuel.burn(text.len() / 64, span)?;
    if text.len() > MAX_TEXT {
        return Err(Diagnostic::error(span, "a text holds at most 1 MiB").into());
    }
    Ok(Value::Str(text))
}

/// The whole numbers of a range, unless they are too many.
pub(crate) fn unroll(start: i64, end: i64, span: Span) -> Result<Vec<Value>, Stop> {
    let length = i128::from(end) - i128::from(start);
    if length > MAX_ITEMS as i128 {
        let message = format!("a range of {} numbers is too long", thousands(length as u64));
        return Err(Diagnostic::error(span, message).label("at most 1,000,000").into());
    }
    Ok((start..end).map(Value::Int).collect())
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many values a value holds, itself counted.
fn weight(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        _ => 1,
    }
}

fn apply(call: &Call, expr: &Expr, leaves: &dyn Leaves, fuel: &Fuel) -> Result<Value, Stop> {
    let [name] = call.callee.segments.as_slice() else { return leaves.leaf(expr) };
    let Some(function) = functions::named(name.as_str()) else { return leaves.leaf(expr) };
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        args.push((eval(&arg.value, leaves, fuel)?, arg.value.span));
    }
    functions::apply(function, args, call.span, fuel)
}

/// Pieces side by side. Text that begins with a path is a path: it was resolved when it became one.
fn text(parts: &[StrPart], span: Span, leaves: &dyn Leaves, fuel: &Fuel) -> Result<Value, Stop> {
    let (mut out, mut is_path) = (String::new(), false);
    for (i, part) in parts.iter().enumerate() {
        match part {
            StrPart::Text(text) => out.push_str(text),
            StrPart::Expr(expr) => {
                let value = eval(expr, leaves, fuel)?;
                is_path |= i == 0 && matches!(value, Value::Path(_));
                out.push_str(&value.plain());
            }
        }
        if out.len() > MAX_TEXT {
            break;
        }
    }
    match string(out, span, fuel)? {
        Value::Str(text) if is_path => Ok(Value::Path(text)),
        value => Ok(value),
    }
}

fn range(first: &Value, at: Span, last: &Value, at_last: Span, inclusive: bool) -> Result<Value, Stop> {
    let whole = |value: &Value, span| match value {
        Value::Int(i) => Ok(*i),
        other => Err(Stop::from(
            Diagnostic::error(span, format!("expected a whole number, found {}", described(other)))
                .label("a range runs over whole numbers"),
        )),
    };
    let (start, last) = (whole(first, at)?, whole(last, at_last)?);
    let end = if inclusive { last.checked_add(1).ok_or_else(|| ops::overflow(at_last))? } else { last };
    Ok(Value::Range { start, end })
}

fn quantity(number: Number, unit: Unit, span: Span) -> Result<Value, Stop> {
    let amount = match number {
        Number::Int(n) => u64::try_from(n).ok().and_then(|n| n.checked_mul(unit.scale())),
        Number::Float(x) => {
            let scaled = (x * unit.scale() as f64).round();
            (scaled >= 0.0 && scaled < 2f64.powi(63)).then_some(scaled as u64)
        }
    };
    let amount = amount.filter(|n| i64::try_from(*n).is_ok()).ok_or_else(|| ops::overflow(span))?;
    Ok(if unit.is_duration() { Value::Duration(amount) } else { Value::Size(amount) })
}
