//! Operators on values.

use std::cmp::Ordering;

use runpipe_base::Value;
use runpipe_grammar::ast::BinaryOp;
use runpipe_grammar::{Diagnostic, Span};

use super::{Fuel, Stop, described, list, number, string};

/// A number that does not fit.
pub(crate) fn overflow(span: Span) -> Stop {
    Diagnostic::error(span, "the result does not fit in 64 bits").into()
}

pub(super) fn negate(value: Value, span: Span) -> Result<Value, Stop> {
    match value {
        Value::Int(i) => i.checked_neg().map(Value::Int).ok_or_else(|| overflow(span)),
        Value::Float(x) => Ok(Value::Float(-x)),
        other => {
            Err(Diagnostic::error(span, format!("`-` takes a number, found {}", described(&other))).into())
        }
    }
}

/// `a op b` for every operator but `and` and `or`.
pub(super) fn binary(op: BinaryOp, a: Value, b: Value, span: Span, fuel: &Fuel) -> Result<Value, Stop> {
    match op {
        BinaryOp::Eq | BinaryOp::Ne => equal(op, &a, &b, span),
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            let order = compare(&a, &b).ok_or_else(|| unlike(op, &a, &b, span))?;
            Ok(Value::Bool(match op {
                BinaryOp::Lt => order.is_lt(),
                BinaryOp::Le => order.is_le(),
                BinaryOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        BinaryOp::In => contains(&b, &a).map(Value::Bool).ok_or_else(|| unlike(op, &a, &b, span)),
        _ => arithmetic(op, a, b, span, fuel),
    }
}

/// Whether a list, a range or a text holds something; `None` where the question makes no sense.
pub(crate) fn contains(all: &Value, one: &Value) -> Option<bool> {
    match (all, one) {
        (Value::List(items), one) => Some(items.iter().any(|item| same(item, one))),
        (Value::Range { start, end }, Value::Int(i)) => Some((start..end).contains(&i)),
        (Value::Str(all) | Value::Path(all), Value::Str(one)) => Some(all.contains(one.as_str())),
        _ => None,
    }
}

/// The order of two values of one type; whole numbers and floats compare exactly.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => Some(whole_to_float(*a, *b)),
        (Value::Float(a), Value::Int(b)) => Some(whole_to_float(*b, *a).reverse()),
        (Value::Str(a) | Value::Path(a), Value::Str(b) | Value::Path(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) | (Value::Size(a), Value::Size(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn whole_to_float(whole: i64, float: f64) -> Ordering {
    let limit = 2f64.powi(63);
    if float >= limit {
        return Ordering::Less;
    }
    if float < -limit {
        return Ordering::Greater;
    }
    // Now the whole part fits, and cutting it off rounds towards zero.
    whole.cmp(&(float as i64)).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => compare(a, b).map_or(a == b, Ordering::is_eq),
    }
}

fn equal(op: BinaryOp, a: &Value, b: &Value, span: Span) -> Result<Value, Stop> {
    let alike = *a == Value::None
        || *b == Value::None
        || std::mem::discriminant(a) == std::mem::discriminant(b)
        || compare(a, b).is_some();
    if !alike {
        return Err(unlike(op, a, b, span));
    }
    Ok(Value::Bool(same(a, b) == (op == BinaryOp::Eq)))
}

fn unlike(op: BinaryOp, a: &Value, b: &Value, span: Span) -> Stop {
    let message = match op {
        BinaryOp::In => {
            format!("`in` looks into a list, a range or a text, found {} in {}", described(a), described(b))
        }
        _ if op.is_comparison() => {
            format!("`{}` cannot compare {} and {}", op.symbol(), described(a), described(b))
        }
        _ => format!("`{}` cannot work on {} and {}", op.symbol(), described(a), described(b)),
    };
    Diagnostic::error(span, message).into()
}

fn arithmetic(op: BinaryOp, a: Value, b: Value, span: Span, fuel: &Fuel) -> Result<Value, Stop> {
    if matches!(op, BinaryOp::Div | BinaryOp::Rem) && is_zero(&b) {
        let what = if op == BinaryOp::Div { "division by zero" } else { "remainder of a division by zero" };
        return Err(Diagnostic::error(span, what).into());
    }
    match (op, a, b) {
        (BinaryOp::Div, Value::Int(a), Value::Int(b)) => number(a as f64 / b as f64, span),
        (op, Value::Int(a), Value::Int(b)) => whole(op, a, b).map(Value::Int).ok_or_else(|| overflow(span)),
        (op, Value::Float(a), Value::Float(b)) => number(float(op, a, b), span),
        (op, Value::Int(a), Value::Float(b)) => number(float(op, a as f64, b), span),
        (op, Value::Float(a), Value::Int(b)) => number(float(op, a, b as f64), span),
        (BinaryOp::Add, Value::Str(a), Value::Str(b)) => string(a + &b, span, fuel),
        (BinaryOp::Add, Value::Path(a), Value::Str(b)) => match string(a + &b, span, fuel)? {
            Value::Str(text) => Ok(Value::Path(text)),
            value => Ok(value),
        },
        (BinaryOp::Add, Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            list(a, span, fuel)
        }
        (op, Value::Duration(a), Value::Duration(b)) => amounts(op, a, b, Value::Duration, span),
        (op, Value::Size(a), Value::Size(b)) => amounts(op, a, b, Value::Size, span),
        (op, a, b) => scaled(op, &a, &b, span),
    }
}

fn is_zero(value: &Value) -> bool {
    matches!(value, Value::Int(0) | Value::Duration(0) | Value::Size(0)) || *value == Value::Float(0.0)
}

/// `a op b` on whole numbers; the remainder is never negative.
fn whole(op: BinaryOp, a: i64, b: i64) -> Option<i64> {
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        _ => a.checked_rem_euclid(b),
    }
}

fn float(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        _ => a.rem_euclid(b),
    }
}

/// Two durations or two sizes: their sum, difference, remainder or ratio.
fn amounts(op: BinaryOp, a: u64, b: u64, make: fn(u64) -> Value, span: Span) -> Result<Value, Stop> {
    let result = match op {
        BinaryOp::Div => return number(a as f64 / b as f64, span),
        BinaryOp::Add => a.checked_add(b).filter(|sum| i64::try_from(*sum).is_ok()),
        BinaryOp::Rem => Some(a % b),
        BinaryOp::Mul => return Err(unlike(op, &make(a), &make(b), span)),
        _ => match a.checked_sub(b) {
            None => return Err(Diagnostic::error(span, "the result is negative").into()),
            some => some,
        },
    };
    result.map(make).ok_or_else(|| overflow(span))
}

/// A duration or a size times or by a number.
fn scaled(op: BinaryOp, a: &Value, b: &Value, span: Span) -> Result<Value, Stop> {
    let factor = |value: &Value| match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    };
    let amount = |value: &Value| match value {
        Value::Duration(n) => Some((*n, Value::Duration as fn(u64) -> Value)),
        Value::Size(n) => Some((*n, Value::Size as fn(u64) -> Value)),
        _ => None,
    };
    let found = match op {
        BinaryOp::Mul => amount(a).zip(factor(b)).or_else(|| amount(b).zip(factor(a))),
        BinaryOp::Div => amount(a).zip(factor(b)).map(|(amount, by)| (amount, 1.0 / by)),
        _ => None,
    };
    let Some(((amount, make), factor)) = found else { return Err(unlike(op, a, b, span)) };
    let result = (amount as f64 * factor).round();
    if result < 0.0 {
        return Err(Diagnostic::error(span, "the result is negative").into());
    }
    if result >= 2f64.powi(63) {
        return Err(overflow(span));
    }
    Ok(make(result as u64))
}
