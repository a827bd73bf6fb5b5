//! Report blocks: which numbers of which nodes, by which axes.

use std::collections::BTreeSet;

use runpipe_base::{Cell, Column as Numbers, Record, ReportBlock, ReportItem, TableSpec, Value};
use runpipe_grammar::ast::{self, Expr, ExprKind, Ident, Selection, StrPart, Template};
use runpipe_grammar::{Diagnostic, Span};

use super::Binder;
use super::names::Frame;
use super::options::{PLOT, TABLE};
use crate::expand::{AxisId, Column, Data, Place, Space};
use crate::problems::suggest;

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
        if matches!(column.data, Data::Values(_)) {
            let message = "expected a metric such as `scores.f1`, found a value";
            self.problems.add(Diagnostic::error(expr.span, message));
            return;
        }
        let message = format!("expected a metric of `{text}`, found the artifact itself");
        let stage = column.shapes().first().and_then(|shape| self.shapes.get(*shape).whole());
        let hint = match stage.and_then(|spec| spec.metrics.first()) {
            Some(metric) => format!("write `{text}.{}`", metric.name),
            None => "its stage has no metrics".to_owned(),
        };
        self.problems.add(Diagnostic::error(expr.span, message).hint(hint));
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
        let is_known = |name: &Ident| known.contains(name.as_str()) || step && name.as_str() == STEP;
        for name in names.iter().filter(|name| !is_known(name)) {
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
