//! Options of tables and plots: `caption = "…"`, `line = site`.

use std::collections::BTreeSet;

use runpipe_base::{Record, Value};
use runpipe_grammar::Diagnostic;
use runpipe_grammar::ast::{Expr, ExprKind, Ident, Named, Selection, StrPart};

use super::Binder;
use super::names::Frame;
use super::report::Metric;
use crate::problems::suggest;

/// Options of tables and plots.
pub(super) const TABLE: [&str; 7] = ["baseline", "best", "caption", "paper", "precision", "scale", "unit"];
pub(super) const PLOT: [&str; 6] = ["caption", "kind", "line", "log", "scale", "unit"];

impl<'a> Binder<'a> {
    /// The options of a table or plot, and the axis of its lines.
    pub(super) fn options(
        &mut self,
        selection: &'a Selection,
        known: &[&str],
        what: &str,
        frame: &Frame<'a>,
    ) -> Option<(Record, Option<Ident>)> {
        let (mut record, mut line, mut sound) = (Record::new(), None, true);
        self.refuse_twice(selection.options.iter().map(|option| &option.name), "option");
        for option in &selection.options {
            let name = option.name.as_str();
            if !known.contains(&name) {
                let message = format!("a {what} has no option `{name}`");
                let diagnostic =
                    suggest(Diagnostic::error(option.name.span, message), name, known.iter().copied());
                self.problems.add(diagnostic.hint(format!("its options are `{}`", known.join("`, `"))));
                sound = false;
                continue;
            }
            if name == "line" {
                line = word(&option.value).map(|axis| Ident { name: axis.into(), span: option.value.span });
                if line.is_none() {
                    let message = "`line` names an index, such as `line = site`";
                    self.problems.add(Diagnostic::error(option.value.span, message));
                    sound = false;
                }
                continue;
            }
            match self.option(option, frame) {
                Some(value) => {
                    record.insert(name.to_owned(), value);
                }
                None => sound = false,
            }
        }
        sound.then_some((record, line))
    }

    fn option(&mut self, option: &'a Named, frame: &Frame<'a>) -> Option<Value> {
        let words: &[&str] = match option.name.as_str() {
            "kind" => &["line", "bar", "scatter", "curve"],
            "log" => &["x", "y", "xy"],
            "best" => &["high", "low"],
            _ => &[],
        };
        let value = match word(&option.value).filter(|_| !words.is_empty()) {
            Some(word) => Value::Str(word),
            None => self.one_value(&option.value, frame)?,
        };
        let is_text = matches!(value, Value::Str(_));
        let is_word = matches!(&value, Value::Str(word) if words.contains(&word.as_str()));
        let (fits, expected) = match option.name.as_str() {
            "caption" | "unit" => (is_text, "a text".to_owned()),
            "scale" => (matches!(value, Value::Int(_) | Value::Float(_)), "a number".to_owned()),
            "precision" => (matches!(value, Value::Int(0..=9)), "a whole number in `0..=9`".to_owned()),
            "paper" => (is_figures(&value, 2), "a number, or a list of numbers, one for each row".to_owned()),
            "baseline" => (!matches!(value, Value::List(_)), "a value of an index".to_owned()),
            _ => (is_word, format!("one of `{}`", words.join("`, `"))),
        };
        if fits {
            return Some(value);
        }
        let found = crate::eval::described(&value);
        let diagnostic =
            Diagnostic::error(option.value.span, format!("`{}` is {expected}, found {found}", option.name));
        let text = value.plain();
        self.problems.add(if words.is_empty() {
            diagnostic
        } else {
            suggest(diagnostic, &text, words.iter().copied())
        });
        None
    }

    /// Whether a table's baseline is one of its rows; tells if it is none.
    pub(super) fn baseline_is_known(
        &mut self,
        selection: &Selection,
        options: &Record,
        metrics: &[Metric],
    ) -> bool {
        let Some(baseline) = options.get("baseline") else { return true };
        if matches!(baseline, Value::None | Value::Bool(false)) {
            return true;
        }
        let cells = metrics.iter().flat_map(|metric| &metric.numbers.cells);
        let shown = |axis: &str| !selection.over.iter().any(|over| over.as_str() == axis);
        let known: BTreeSet<String> = cells
            .flat_map(|cell| &cell.index)
            .filter(|(axis, _)| shown(axis))
            .map(|(_, value)| value.plain())
            .collect();
        let wanted = baseline.plain();
        if known.is_empty() || known.contains(&wanted) {
            return true;
        }
        let span = selection.options.iter().find(|option| option.name.as_str() == "baseline");
        let span = span.map_or(selection.span, |option| option.value.span);
        let diagnostic = Diagnostic::error(span, format!("no row is the baseline `{wanted}`"));
        self.problems.add(suggest(diagnostic, &wanted, known.iter().map(String::as_str)));
        false
    }
}

/// A bare name or a text.
fn word(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Str(parts) => match parts.as_slice() {
            [StrPart::Text(text)] => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a value is a number or a list of them; `none` stands for a figure that the paper does not give.
fn is_figures(value: &Value, depth: usize) -> bool {
    match value {
        Value::Int(_) | Value::Float(_) | Value::None => true,
        Value::List(items) => depth > 0 && items.iter().all(|item| is_figures(item, depth - 1)),
        _ => false,
    }
}
