//! The functions on values.

use runpipe_base::Value;
use runpipe_grammar::{Diagnostic, Span};

use crate::eval::{Fuel, Stop, compare, contains, described, list, number, overflow, string, unroll};

/// A function on values as `runpipe` explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Name.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// What it gives, one sentence.
    pub doc: &'static str,
    least: usize,
    most: usize,
}

const fn function(
    name: &'static str,
    usage: &'static str,
    doc: &'static str,
    least: usize,
    most: usize,
) -> Function {
    Function { name, usage, doc, least, most }
}

/// All functions on values, in order of their names.
pub const FUNCTIONS: &[Function] = &[
    function("abs", "abs(x)", "The number without its sign.", 1, 1),
    function("ceil", "ceil(x)", "The least whole number that is not below `x`.", 1, 1),
    function("contains", "contains(all, x)", "Whether a list, a range or a text holds `x`.", 2, 2),
    function("exp", "exp(x)", "e to the power of `x`.", 1, 1),
    function(
        "float",
        "float(x)",
        "A whole number, a duration in seconds, a size in bytes or a text as a float.",
        1,
        1,
    ),
    function("floor", "floor(x)", "The greatest whole number that is not above `x`.", 1, 1),
    function(
        "folders",
        "folders(path)",
        "The names of the folders in a folder, in order; those that begin with a dot are left out.",
        1,
        1,
    ),
    function("int", "int(x)", "A float cut to its whole part, or a text of digits, as a whole number.", 1, 1),
    function("join", "join(list, between)", "The values of a list as one text.", 2, 2),
    function("len", "len(x)", "How many values a list or a range has, or characters a text.", 1, 1),
    function("log", "log(x)", "The natural logarithm.", 1, 1),
    function("max", "max(a, b, …)", "The greatest of some values, or of a list.", 1, usize::MAX),
    function("min", "min(a, b, …)", "The least of some values, or of a list.", 1, usize::MAX),
    function("round", "round(x)", "The nearest whole number; halves away from zero.", 1, 1),
    function("sqrt", "sqrt(x)", "The square root.", 1, 1),
    function("str", "str(x)", "The value as text.", 1, 1),
    function("sum", "sum(list)", "The sum of a list of numbers.", 1, 1),
];

/// The function of that name.
pub(crate) fn named(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok().map(|place| &FUNCTIONS[place])
}

/// Says what is wrong with calling `function` with this many values.
pub(crate) fn arity(function: &Function, found: usize, span: Span) -> Option<Diagnostic> {
    if (function.least..=function.most).contains(&found) {
        return None;
    }
    let values =
        if function.least == 1 { "1 value".to_owned() } else { format!("{} values", function.least) };
    let least = if function.most == usize::MAX { "at least " } else { "" };
    let message = format!("`{}` takes {least}{values}, found {found}", function.name);
    Some(Diagnostic::error(span, message).hint(format!("write `{}`", function.usage)))
}

/// The value of a call; each argument comes with its place.
pub(crate) fn apply(
    function: &'static Function,
    mut args: Vec<(Value, Span)>,
    span: Span,
    fuel: &Fuel,
) -> Result<Value, Stop> {
    if let Some(diagnostic) = arity(function, args.len(), span) {
        return Err(diagnostic.into());
    }
    if matches!(function.name, "max" | "min") {
        return extreme(function, args, span);
    }
    let (second, (first, at)) = (if args.len() == 2 { args.pop() } else { None }, args.remove(0));
    match (function.name, first, second) {
        ("contains", all, Some((one, _))) => contains(&all, &one)
            .map(Value::Bool)
            .ok_or_else(|| wrong(function, "a list, a range or a text, and what it may hold", &all, at)),
        ("join", all, Some((between, at_between))) => {
            join(function, (&all, at), (&between, at_between), span, fuel)
        }
        ("folders", value, _) => folders(function, &value, at, span, fuel),
        ("len", value, _) => length(function, &value, at),
        ("str", value, _) => string(value.plain(), span, fuel),
        ("int", value, _) => to_int(function, value, at),
        ("float", value, _) => to_float(function, value, at),
        ("sum", value, _) => sum(function, &value, at),
        ("abs", Value::Int(i), _) => i.checked_abs().map(Value::Int).ok_or_else(|| overflow(span)),
        ("abs", Value::Float(x), _) => Ok(Value::Float(x.abs())),
        ("ceil" | "floor" | "round", Value::Int(i), _) => Ok(Value::Int(i)),
        ("ceil", Value::Float(x), _) => whole(x.ceil(), span),
        ("floor", Value::Float(x), _) => whole(x.floor(), span),
        ("round", Value::Float(x), _) => whole(x.round(), span),
        ("exp", value, _) => number(libm::exp(real(function, &value, at)?), span),
        ("log", value, _) => {
            let x = real(function, &value, at)?;
            if x <= 0.0 {
                return Err(wrong(function, "a number above zero", &value, at));
            }
            number(libm::log(x), span)
        }
        ("sqrt", value, _) => {
            let x = real(function, &value, at)?;
            if x < 0.0 {
                return Err(wrong(function, "a number that is not negative", &value, at));
            }
            number(x.sqrt(), span)
        }
        (_, value, _) => Err(wrong(function, "a number", &value, at)),
    }
}

fn wrong(function: &Function, expected: &str, found: &Value, at: Span) -> Stop {
    let message = format!("`{}` takes {expected}, found {}", function.name, described(found));
    Diagnostic::error(at, message).into()
}

fn real(function: &Function, value: &Value, at: Span) -> Result<f64, Stop> {
    match value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(x) => Ok(*x),
        other => Err(wrong(function, "a number", other, at)),
    }
}

fn whole(x: f64, span: Span) -> Result<Value, Stop> {
    let limit = 2f64.powi(63);
    if x >= -limit && x < limit { Ok(Value::Int(x as i64)) } else { Err(overflow(span)) }
}

fn length(function: &Function, value: &Value, at: Span) -> Result<Value, Stop> {
    let length = match value {
        Value::List(items) => items.len() as i64,
        Value::Range { start, end } => end.saturating_sub(*start).max(0),
        Value::Str(text) | Value::Path(text) => text.chars().count() as i64,
        other => return Err(wrong(function, "a list, a range or a text", other, at)),
    };
    Ok(Value::Int(length))
}

/// What is listed becomes part of the pipeline, as if it had been written there: a new folder is a new pipeline.
fn folders(function: &Function, value: &Value, at: Span, span: Span, fuel: &Fuel) -> Result<Value, Stop> {
    let Value::Path(path) = value else { return Err(wrong(function, "a path", value, at)) };
    let refuse =
        |why: String| Stop::from(Diagnostic::error(at, format!("cannot list the folder `{path}`: {why}")));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|e| refuse(e.to_string()))? {
        let entry = entry.map_err(|e| refuse(e.to_string()))?;
        fuel.burn(1, span)?;
        let name = entry.file_name();
        let name =
            name.to_str().ok_or_else(|| refuse(format!("the name `{}` is not UTF-8", name.display())))?;
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    list(names.into_iter().map(Value::Str).collect(), span, fuel)
}

fn to_int(function: &Function, value: Value, at: Span) -> Result<Value, Stop> {
    match value {
        Value::Int(i) => Ok(Value::Int(i)),
        Value::Bool(b) => Ok(Value::Int(i64::from(b))),
        Value::Float(x) => whole(x.trunc(), at),
        Value::Str(text) => text
            .trim()
            .parse()
            .map(Value::Int)
            .map_err(|_| wrong(function, "a number or a text of digits", &Value::Str(text), at)),
        other => Err(wrong(function, "a number or a text of digits", &other, at)),
    }
}

fn to_float(function: &Function, value: Value, at: Span) -> Result<Value, Stop> {
    match value {
        Value::Int(i) => Ok(Value::Float(i as f64)),
        Value::Float(x) => Ok(Value::Float(x)),
        Value::Duration(ms) => Ok(Value::Float(ms as f64 / 1000.0)),
        Value::Size(bytes) => Ok(Value::Float(bytes as f64)),
        Value::Str(text) => match text.trim().parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(Value::Float(x)),
            _ => Err(wrong(function, "a number or the text of one", &Value::Str(text), at)),
        },
        other => Err(wrong(function, "a number or the text of one", &other, at)),
    }
}

/// The values of a list or a range.
fn items(function: &Function, value: &Value, at: Span) -> Result<Vec<Value>, Stop> {
    match value {
        Value::List(items) => Ok(items.clone()),
        Value::Range { start, end } => unroll(*start, *end, at),
        other => Err(wrong(function, "a list", other, at)),
    }
}

fn sum(function: &Function, value: &Value, at: Span) -> Result<Value, Stop> {
    let (mut whole, mut total) = (Some(0i64), 0.0);
    let items = items(function, value, at)?;
    let all_whole = items.iter().all(|item| matches!(item, Value::Int(_)));
    for item in &items {
        match item {
            Value::Int(i) if all_whole => whole = whole.and_then(|sum| sum.checked_add(*i)),
            item => total += real(function, item, at)?,
        }
    }
    if all_whole { whole.map(Value::Int).ok_or_else(|| overflow(at)) } else { number(total, at) }
}

fn join(
    function: &Function,
    (all, at): (&Value, Span),
    (between, at_between): (&Value, Span),
    span: Span,
    fuel: &Fuel,
) -> Result<Value, Stop> {
    let Value::Str(between) = between else {
        return Err(wrong(function, "a text to put between", between, at_between));
    };
    let items = items(function, all, at)?;
    let length = items.len().saturating_mul(between.len());
    fuel.burn(length / 64 + items.len(), span)?;
    let texts: Vec<String> = items.iter().map(Value::plain).collect();
    let length = texts.iter().fold(length, |sum, text| sum.saturating_add(text.len()));
    if length > crate::eval::MAX_TEXT {
        return Err(Diagnostic::error(span, "a text holds at most 1 MiB").into());
    }
    string(texts.join(between), span, fuel)
}

fn extreme(function: &'static Function, args: Vec<(Value, Span)>, span: Span) -> Result<Value, Stop> {
    let args = match args.as_slice() {
        [(all @ (Value::List(_) | Value::Range { .. }), at)] => {
            items(function, all, *at)?.into_iter().map(|item| (item, *at)).collect()
        }
        _ => args,
    };
    let mut rest = args.into_iter();
    let Some((mut best, _)) = rest.next() else {
        return Err(Diagnostic::error(span, format!("`{}` of nothing", function.name)).into());
    };
    if compare(&best, &best).is_none() {
        return Err(wrong(function, "values that have an order", &best, span));
    }
    for (value, at) in rest {
        let Some(order) = compare(&value, &best) else {
            let (a, b) = (described(&best), described(&value));
            let message = format!("`{}` cannot compare {a} and {b}", function.name);
            return Err(Diagnostic::error(at, message).into());
        };
        if if function.name == "max" { order.is_gt() } else { order.is_lt() } {
            best = value;
        }
    }
    Ok(best)
}
