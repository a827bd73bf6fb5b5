//! Parameter files in JSON.

use std::path::Path;

use runpipe_base::Value;
use runpipe_grammar::{Diagnostic, Source, Span};

use super::{Given, How, loose};

/// The parameters that a JSON object holds.
pub(super) fn params(source: &Source, folder: &Path) -> Result<Vec<Given>, Vec<Diagnostic>> {
    let json: serde_json::Value = serde_json::from_str(&source.text).map_err(|error| {
        let at = offset(&source.text, error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        vec![Diagnostic::error(Span::new(source.id, at, at), format!("not JSON: {message}"))]
    })?;
    let serde_json::Value::Object(object) = json else {
        let whole = Span::new(source.id, 0, source.text.len());
        return Err(vec![Diagnostic::error(whole, "expected a JSON object of parameters")]);
    };
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (name, json) in &object {
        let span = key_span(source, name);
        let Some(value) = value(json) else {
            let message = format!("parameter `{name}`: a JSON object is no value of a parameter");
            problems.push(Diagnostic::error(span, message));
            continue;
        };
        let expr = if let Value::Str(text) = &value { loose(text) } else { None };
        let how = How::Json(value, expr);
        found.push(Given { name: name.clone(), name_span: span, span, how, folder: Some(folder.to_owned()) });
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn value(json: &serde_json::Value) -> Option<Value> {
    Some(match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Float(n.as_f64().filter(|x| x.is_finite())?),
        },
        serde_json::Value::String(s) => Value::Str(s.clone()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(value).collect::<Option<_>>()?),
        serde_json::Value::Object(_) => return None,
    })
}

/// Where a key of the object stands: the first quoted text like it with a colon behind.
fn key_span(source: &Source, name: &str) -> Span {
    let quoted = serde_json::Value::from(name).to_string();
    let mut from = 0;
    while let Some(found) = source.text[from..].find(&quoted) {
        let (start, end) = (from + found, from + found + quoted.len());
        if source.text[end..].trim_start().starts_with(':') {
            return Span::new(source.id, start, end);
        }
        from = end;
    }
    Span::new(source.id, 0, 0)
}

/// The byte at a line and a column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
