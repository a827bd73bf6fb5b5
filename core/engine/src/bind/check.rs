//! Values as parameters take them.

use std::path::Path;

use runpipe_base::{ParamError, ParamSpec, Type, Value};
use runpipe_grammar::{Diagnostic, Span, nearest};

use crate::eval::{MAX_ITEMS, Stop, unroll};
use crate::load;

/// A value as a parameter takes it; a relative path begins at `folder`.
/// `subject` says whose value it is.
pub(super) fn check(
    spec: &ParamSpec,
    value: Value,
    folder: Option<&Path>,
    span: Span,
    subject: &dyn Fn() -> String,
) -> Result<Value, Box<Diagnostic>> {
    if let (Value::Range { start, end }, Type::List(_)) = (&value, bare(&spec.ty))
        && i128::from(*end) - i128::from(*start) > MAX_ITEMS as i128
        && let Err(Stop::Fault(diagnostic)) = unroll(*start, *end, span)
    {
        return Err(diagnostic);
    }
    let (label, hint) = advice(bare(&spec.ty), &value);
    let value = folder.map_or(value.clone(), |folder| resolved(value, &spec.ty, folder));
    spec.check(value).map_err(|error| {
        let subject = subject();
        let diagnostic = match error {
            ParamError::Range { interval, found, .. } => {
                Diagnostic::error(span, format!("{subject} must be in `{interval}`, found `{found}`"))
            }
            ParamError::Type { message, .. } => {
                let diagnostic = Diagnostic::error(span, format!("{subject}: {message}"));
                let diagnostic = label.into_iter().fold(diagnostic, Diagnostic::label);
                hint.into_iter().fold(diagnostic, Diagnostic::hint)
            }
            other => Diagnostic::error(span, other.to_string()),
        };
        Box::new(diagnostic)
    })
}

/// A label and a hint for a value of a wrong type.
fn advice(ty: &Type, value: &Value) -> (Option<String>, Option<String>) {
    let hint = match (ty, value) {
        (Type::Choice(words), Value::Str(text)) if !words.contains(text) => {
            let near = nearest(text, words.iter().map(String::as_str));
            return (near.map(|word| format!("did you mean `{word}`?")), None);
        }
        (Type::Int, Value::Float(_)) => "`round(…)`, `floor(…)` and `int(…)` make a whole number".to_owned(),
        (Type::Duration, Value::Int(_) | Value::Float(_)) => {
            format!("a duration has a unit: `{value} s`, or `ms`, `min`, `h`, `day`")
        }
        (Type::Size, Value::Int(_) | Value::Float(_)) => {
            format!("a size has a unit: `{value} MiB`, or `B`, `kB`, `MB`, `GB`, `KiB`, `GiB`")
        }
        (Type::Bool, Value::Str(_) | Value::Int(_)) => "a truth is `true` or `false`".to_owned(),
        (Type::Str, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => {
            format!("a text stands in double quotes: `\"{value}\"`")
        }
        _ => return (None, None),
    };
    (None, Some(hint))
}

/// The type without its `?`.
pub(super) fn bare(ty: &Type) -> &Type {
    if let Type::Optional(inner) = ty { bare(inner) } else { ty }
}

/// Text where a path is wanted, as a path from where the process stands.
fn resolved(value: Value, ty: &Type, folder: &Path) -> Value {
    match (ty, value) {
        (Type::Path, Value::Str(text)) => {
            Value::Path(load::join(folder, &text).to_string_lossy().into_owned())
        }
        (Type::Optional(inner), value) => resolved(value, inner, folder),
        (Type::List(item), Value::List(items)) => {
            Value::List(items.into_iter().map(|value| resolved(value, item, folder)).collect())
        }
        (_, value) => value,
    }
}
