//! Values as parameters take them.

use std::path::Path;

use runpipe_base::{ParamError, ParamSpec, Type, Value};
use runpipe_grammar::{Diagnostic, Span};

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
    let float = matches!(value, Value::Float(_)) && *bare(&spec.ty) == Type::Int;
    let value = folder.map_or(value.clone(), |folder| resolved(value, &spec.ty, folder));
    spec.check(value).map_err(|error| {
        let subject = subject();
        let (message, hint) = match error {
            ParamError::Range { interval, found, .. } => {
                (format!("{subject} must be in `{interval}`, found `{found}`"), None)
            }
            ParamError::Type { message, .. } => {
                let hint = float.then_some("`round(…)`, `floor(…)` and `int(…)` make a whole number");
                (format!("{subject}: {message}"), hint)
            }
            other => (other.to_string(), None),
        };
        let diagnostic = Diagnostic::error(span, message);
        Box::new(hint.into_iter().fold(diagnostic, Diagnostic::hint))
    })
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
