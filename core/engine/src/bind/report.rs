//! Report blocks: which numbers of which nodes, by which axes.

use std::collections::BTreeSet;

use runpipe_base::{Cell, Column as Numbers, Record, ReportBlock, ReportItem, TableSpec, Value};
use runpipe_grammar::ast::{self, Expr, ExprKind, Ident, Named, Selection, StrPart, Template};
use runpipe_grammar::{Diagnostic, Span};

use super::Binder;
use super::names::Frame;
use crate::expand::{AxisId, Column, Data, Place, Space};
use crate::problems::suggest;

/// Options of tables and plots.
const TABLE: [&str; 7] = ["baseline", "best", "caption", "paper", "precision", "scale", "unit"];
const PLOT: [&str; 6] = ["caption", "kind", "line", "log", "scale", "unit"];

/// The axis of a curve.
const STEP: &str = "step";

/// The metric that a selection reads.
pub(super) struct Metric {
    pub(super) numbers: Numbers,
    axes: Vec<AxisId>,
    /// It has one number a node.
    pub(super) single: bool,
    /// It has a curve a node.
    curve: bool,
}

impl<'a> Binder<'a> {
    pub(super) fn report(&mut self, report: &'a ast::Report, frame: &Frame<'a>) -> ReportBlock {
        let items = report.items.iter().filter_map(|item| match item {
            ast::ReportItem::Table(selection) => self.table(selection, frame),
            ast::ReportItem::Plot(selection) => self.plot(selection, frame),
            ast::ReportItem::Expect(expect) => self.expect(expect, frame),
            ast::ReportItem::Text(remark) => self.template(&remark.text, frame).map(ReportItem::Text),
            ast::ReportItem::Figure(figure) => self.figure(figure, frame),
        });
        ReportBlock { title: report.title.value.to_string(), items: items.collect() }
    }

    fn table(&mut self, selection: &'a Selection, frame: &Frame<'a>) -> Option<ReportItem> {
        let metrics = self.metrics(&selection.values, frame);
        let options = self.options(selection, &TABLE, "table", frame);
        let (metrics, (options, _)) = (metrics?, options?);
        for (metric, expr) in metrics.iter().zip(&selection.values) {
            if !metric.single {
                let message = format!("`{}` is a curve, a table shows single numbers", metric.numbers.label);
                self.problems.add(Diagnostic::error(expr.span, message).hint("draw it: `plot … by step`"));
                return None;
            }
        }
        let sound = self.axes_are_known(&selection.by, &metrics, false)
            & self.axes_are_known(&selection.over, &metrics, false);
        let sound = sound & self.apart(&selection.by, &selection.over);
        if !sound || !self.baseline_is_known(selection, &options, &metrics) {
            return None;
        }
        Some(ReportItem::Table(table_spec(selection, metrics, options)))
    }

    fn plot(&mut self, selection: &'a Selection, frame: &Frame<'a>) -> Option<ReportItem> {
        let metrics = self.metrics(&selection.values, frame);
        let options = self.options(selection, &PLOT, "plot", frame);
        let (metrics, (options, line)) = (metrics?, options?);
        let by_step = selection.by.iter().any(|axis| axis.as_str() == STEP);
        let curve = by_step || options.get("kind") == Some(&Value::Str("curve".to_owned()));
        for (metric, expr) in metrics.iter().zip(&selection.values) {
            let label = &metric.numbers.label;
            if curve && !metric.curve {
                let message = format!("`{label}` is a single number and no curve");
                self.problems
                    .add(Diagnostic::error(expr.span, message).hint("name another axis than `step`"));
                return None;
            }
            if !curve && !metric.single {
                let message = format!("`{label}` is a curve");
                self.problems.add(Diagnostic::error(expr.span, message).hint("write `by step`"));
                return None;
            }
        }
        let mut sound = self.axes_are_known(&selection.by, &metrics, curve)
            & self.axes_are_known(&selection.over, &metrics, false);
        sound &= self.apart(&selection.by, &selection.over);
        if let Some(line) = line {
            sound &= self.axes_are_known(std::slice::from_ref(&line), &metrics, false);
            sound &= self.apart(&selection.over, std::slice::from_ref(&line));
            let line = Some(line.as_str().to_owned());
            return sound.then(|| ReportItem::Plot { table: table_spec(selection, metrics, options), line });
        }
        sound.then(|| ReportItem::Plot { table: table_spec(selection, metrics, options), line: None })
    }

    fn metrics(&mut self, exprs: &'a [Expr], frame: &Frame<'a>) -> Option<Vec<Metric>> {
        let metrics: Vec<Option<Metric>> = exprs.iter().map(|expr| self.metric(expr, frame)).collect();
        metrics.into_iter().collect()
    }

    /// `scores.f1[site = "prepend"]`, the selection before or behind the metric; `None` after telling what is wrong.
    pub(super) fn metric(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<Metric> {
        let (mut inner, mut selections) = (expr, Vec::new());
        while let ExprKind::Index { base, at } = &inner.kind {
            selections.push(at);
            inner = base;
        }
        let space = Space::unit();
        let place = Place { space: &space, naming: None, root: false };
        let refers = matches!(inner.kind, ExprKind::Name(_) | ExprKind::Field { .. });
        if !refers {
            let message = "expected a metric such as `scores.f1`, found an expression";
            let hint = "a report reads the metrics of bindings; `scale = 100` multiplies what is shown";
            self.problems.add(Diagnostic::error(inner.span, message).hint(hint));
            return None;
        }
        let ExprKind::Field { base, field } = &inner.kind else {
            let column = self.column(inner, frame, place);
            if !column.is_poison() {
                self.no_metric(expr, &column);
            }
            return None;
        };
        let mut column = self.column(base, frame, place);
        for at in selections.into_iter().rev().flatten() {
            column = self.select(column, base.span, at, frame, place);
        }
        let arts = match &column.data {
            Data::Poison => return None,
            Data::Arts(arts) => arts,
            Data::Values(_) | Data::Lists(_) => {
                let message = format!("`{}` has no metrics", self.slice(base.span));
                self.problems.add(Diagnostic::error(base.span, message));
                return None;
            }
        };
        let (mut single, mut curve) = (true, true);
        for shape in &arts.shapes {
            let (has_single, has_curve) = self.has_metric(*shape, base.span, field)?;
            single &= has_single;
            curve &= has_curve;
        }
        let cells = self.cells(&column);
        let label = self.slice(expr.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let numbers = Numbers { label, metric: field.as_str().to_owned(), cells };
        Some(Metric { numbers, axes: column.domain.axes.to_vec(), single, curve })
    }

    fn no_metric(&mut self, expr: &Expr, column: &Column) {
        let text = self.slice(expr.span);
        let diagnostic = match column.data {
            Data::Values(_) => {
                Diagnostic::error(expr.span, "expected a metric such as `scores.f1`, found a value")
            }
            _ => {
                let message = format!("expected a metric of `{text}`, found the artifact itself");
                let metrics = column.shapes().first().and_then(|shape| self.shapes.get(*shape).whole());
                let first = metrics.and_then(|spec| spec.metrics.first());
                let diagnostic = Diagnostic::error(expr.span, message);
                match first {
                    Some(metric) => diagnostic.hint(format!("write `{text}.{}`", metric.name)),
                    None => diagnostic.hint("its stage has no metrics"),
                }
            }
        };
        self.problems.add(diagnostic);
    }

    /// Whether the stage of a shape has the metric as one number and as a curve.
    fn has_metric(&mut self, shape: u32, base: Span, field: &Ident) -> Option<(bool, bool)> {
        let shape = self.shapes.get(shape);
        let text = self.sources.get(base.file).map_or("", |source| source.slice(base));
        let Some(spec) = shape.whole() else {
            let message = format!("`{text}` is a part; metrics belong to the whole artifact");
            self.problems.add(Diagnostic::error(base, message));
            return None;
        };
        let of = |series| {
            spec.metrics.iter().any(|metric| metric.name == field.as_str() && metric.series == series)
        };
        let found = (of(false), of(true));
        if found != (false, false) {
            return Some(found);
        }
        let diagnostic = if spec.parts.iter().any(|part| part.name == field.as_str()) {
            let message = format!("`{text}.{field}` is a part, expected a metric");
            Diagnostic::error(field.span, message)
        } else {
            Diagnostic::error(field.span, format!("`{text}` has no metric `{field}`"))
        };
        let names: BTreeSet<&str> = spec.metrics.iter().map(|metric| &*metric.name).collect();
        let diagnostic = suggest(diagnostic, field.as_str(), names.iter().copied());
        let names: Vec<&str> = names.into_iter().collect();
        let hint = if names.is_empty() {
            format!("`{}` has no metrics", spec.name)
        } else {
            format!("the metrics of `{}` are `{}`", spec.name, names.join("`, `"))
        };
        self.problems.add(diagnostic.hint(hint));
        None
    }

    /// The nodes of a column with their places on its axes.
    fn cells(&self, column: &Column) -> Vec<Cell> {
        let Data::Arts(arts) = &column.data else { return Vec::new() };
        let indices = column.domain.indices(&self.axes);
        let cell = |(cell, art): (usize, &crate::expand::Art)| Cell {
            index: indices[cell].iter().map(|(axis, value)| (axis.to_string(), value.clone())).collect(),
            node: art.node as usize,
        };
        arts.cells.iter().enumerate().filter(|(_, art)| !art.is_none()).map(cell).collect()
    }

    fn axes_are_known(&mut self, names: &[Ident], metrics: &[Metric], step: bool) -> bool {
        self.refuse_twice(names.iter(), "index");
        let known: BTreeSet<&str> =
            metrics.iter().flat_map(|metric| &metric.axes).map(|axis| &*self.axes.get(*axis).name).collect();
        let mut wrong = Vec::new();
        for name in
            names.iter().filter(|name| !known.contains(name.as_str()) && !(step && name.as_str() == STEP))
        {
            let labels: Vec<String> =
                metrics.iter().map(|metric| format!("`{}`", metric.numbers.label)).collect();
            let has = if labels.len() == 1 { "has" } else { "have" };
            let message = format!("{} {has} no index `{name}`", labels.join(", "));
            let diagnostic =
                suggest(Diagnostic::error(name.span, message), name.as_str(), known.iter().copied());
            let names: Vec<&str> = known.iter().copied().collect();
            wrong.push(match names.as_slice() {
                [] => diagnostic.hint("what is selected is one number"),
                names => diagnostic.hint(format!("there is `{}`", names.join("`, `"))),
            });
        }
        let sound = wrong.is_empty();
        self.problems.extend(wrong);
        sound
    }

    /// Whether two lists of axes share none.
    fn apart(&mut self, one: &[Ident], other: &[Ident]) -> bool {
        let both = other.iter().find(|name| one.iter().any(|first| first.name == name.name));
        if let Some(name) = both {
            let message = format!("`{name}` cannot both be shown and averaged");
            self.problems.add(Diagnostic::error(name.span, message));
        }
        both.is_none()
    }

    /// The options of a table or plot, and the axis of its lines.
    fn options(
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
                match word(&option.value) {
                    Some(axis) => line = Some(Ident { name: axis.into(), span: option.value.span }),
                    None => {
                        let message = "`line` names an index, such as `line = site`";
                        self.problems.add(Diagnostic::error(option.value.span, message));
                        sound = false;
                    }
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
        let expected = match (option.name.as_str(), &value) {
            ("caption" | "unit", Value::Str(_)) | ("scale", Value::Int(_) | Value::Float(_)) => None,
            ("baseline", value) if !matches!(value, Value::List(_)) => None,
            ("log", Value::Bool(_)) => None,
            ("precision", Value::Int(0..=9)) => None,
            ("paper", value) if is_figures(value, 2) => None,
            ("kind" | "log" | "best", Value::Str(word)) if words.contains(&word.as_str()) => None,
            ("caption" | "unit", _) => Some("a text".to_owned()),
            ("scale", _) => Some("a number".to_owned()),
            ("precision", _) => Some("a whole number in `0..=9`".to_owned()),
            ("paper", _) => Some("a number, or a list of numbers, one for each row".to_owned()),
            ("baseline", _) => Some("a value of an index".to_owned()),
            _ => Some(format!("one of `{}`", words.join("`, `"))),
        };
        let Some(expected) = expected else { return Some(value) };
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

    fn baseline_is_known(&mut self, selection: &Selection, options: &Record, metrics: &[Metric]) -> bool {
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

    fn figure(&mut self, figure: &'a ast::Figure, frame: &Frame<'a>) -> Option<ReportItem> {
        let space = Space::unit();
        let column = self.column(&figure.picture, frame, Place { space: &space, naming: None, root: false });
        let caption = match &figure.caption {
            Some(caption) => self.template(caption, frame)?,
            None => String::new(),
        };
        let span = figure.picture.span;
        match &column.data {
            Data::Poison => return None,
            Data::Arts(_) => {}
            Data::Values(_) | Data::Lists(_) => {
                let message = "a figure shows an artifact or a part of one";
                self.problems.add(Diagnostic::error(span, message));
                return None;
            }
        }
        let mut parts = column.shapes().iter().map(|shape| self.shapes.get(*shape).part.to_string());
        let part = parts.next().unwrap_or_default();
        if parts.any(|other| other != part) {
            let message = "a figure shows the same part of all its artifacts";
            self.problems.add(Diagnostic::error(span, message));
            return None;
        }
        Some(ReportItem::Figure { caption, cells: self.cells(&column), part })
    }

    /// A text with the file's values in it.
    pub(super) fn template(&mut self, template: &'a Template, frame: &Frame<'a>) -> Option<String> {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                StrPart::Text(words) => text.push_str(words),
                StrPart::Expr(expr) => text.push_str(&self.one_value(expr, frame)?.plain()),
            }
        }
        Some(text)
    }

    /// The value of an expression outside of all loops.
    pub(super) fn one_value(&mut self, expr: &'a Expr, frame: &Frame<'a>) -> Option<Value> {
        let space = Space::unit();
        let column = self.values(expr, frame, Place { space: &space, naming: None, root: false })?;
        match &column.data {
            Data::Values(values) => values.first().cloned(),
            _ => None,
        }
    }
}

fn table_spec(selection: &Selection, metrics: Vec<Metric>, options: Record) -> TableSpec {
    let names = |idents: &[Ident]| idents.iter().map(|ident| ident.as_str().to_owned()).collect();
    TableSpec {
        columns: metrics.into_iter().map(|metric| metric.numbers).collect(),
        by: names(&selection.by),
        over: names(&selection.over),
        options,
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
