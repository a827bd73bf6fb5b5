//! Expressions to columns: names, values, parts, lists.

use std::rc::Rc;

use runpipe_base::{Kind, Value};
use runpipe_grammar::ast::{Call, Expr, ExprKind, Ident, StrPart};
use runpipe_grammar::{Diagnostic, Span, nearest};

use super::{Art, AxisId, Column, Data, Domain, Gather, Lists, Place, ShapeId, Space, union};
use crate::bind::Binder;
use crate::bind::names::{Frame, dotted};
use crate::eval::{Leaves, Stop, described, eval};
use crate::functions;
use crate::problems::suggest;

/// What an expression is about, as far as its text tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Value,
    Artifact,
    Unknown,
}

/// Truths, one for each cell.
pub(crate) struct Condition {
    domain: Rc<Domain>,
    truths: Vec<bool>,
}

impl Condition {
    /// The axes that it depends on.
    pub(crate) fn axes(&self) -> &[AxisId] {
        &self.domain.axes
    }

    /// The truths, and where each row of a place finds its own.
    pub(crate) fn on(&self, rows: &Rc<Domain>) -> (Gather, &[bool]) {
        (Gather::new(&self.domain, rows), &self.truths)
    }
}

/// The names in a value expression, each with its column.
struct Columns<'e> {
    leaves: Vec<(&'e Expr, Column, Gather)>,
    cell: usize,
}

impl Leaves for Columns<'_> {
    fn leaf(&self, expr: &Expr) -> Result<Value, Stop> {
        let found = self.leaves.iter().find(|(leaf, ..)| std::ptr::eq(*leaf, expr));
        match found {
            Some((_, Column { data: Data::Values(values), .. }, gather)) => {
                Ok(values[gather.at(self.cell)].clone())
            }
            _ => Err(Stop::Told),
        }
    }
}

impl<'a> Binder<'a> {
    /// What an expression stands for.
    pub(crate) fn column(&mut self, expr: &'a Expr, frame: &Frame<'a>, place: Place<'_>) -> Column {
        match &expr.kind {
            ExprKind::Name(name) => {
                let column = self.name(name, expr.span, frame);
                self.reached(column, name, expr.span, frame, place.space)
            }
            ExprKind::Field { base, field } => self.part(expr, base, field, frame, place),
            ExprKind::Index { base, at } => {
                let base_column = match &base.kind {
                    // Some of its members may be missing here: it is asked for one that is not.
                    ExprKind::Name(name) => self.name(name, base.span, frame),
                    _ => self.column(base, frame, place.inside()),
                };
                at.iter()
                    .fold(base_column, |column, named| self.select(column, base.span, named, frame, place))
            }
            ExprKind::Call(call) if !is_function(call) => self.call(call, None, frame, place),
            ExprKind::Arrow { input, call } => {
                let column = self.column(input, frame, place.inside());
                self.call(call, Some((column, input.span)), frame, place)
            }
            ExprKind::If { branches, otherwise } if self.class(expr, frame) == Class::Artifact => {
                self.choose(branches, otherwise, frame, place)
            }
            ExprKind::List(items) if self.class(expr, frame) == Class::Artifact => {
                self.artifact_list(items, frame, place.inside())
            }
            ExprKind::None => Self::constant(Value::None),
            _ => self.values(expr, frame, place).unwrap_or_else(Column::poison),
        }
    }

    /// The column of a name, unless a loop that is over did not make it for all combinations here.
    pub(crate) fn reached(
        &mut self,
        column: Column,
        name: &str,
        span: Span,
        frame: &Frame<'a>,
        space: &Space,
    ) -> Column {
        let escaped = frame.names.get(name).is_some_and(|bound| bound.escaped.get());
        if !escaped || column.is_poison() || !column.family_axes(space).is_empty() {
            return column;
        }
        let here = space.project(&column.domain.axes);
        let Some(missing) = (0..here.len).find(|cell| column.domain.find(here.key(*cell)).is_none()) else {
            return column;
        };
        let message = format!("`{name}` is not made here: its loop runs over nothing");
        self.problems.add(self.with_cell(Diagnostic::error(span, message), &here, missing));
        Column::poison()
    }

    /// A value that holds everywhere.
    pub(crate) fn constant(value: Value) -> Column {
        Column::values(Domain::new(&[], 1, Vec::new()), vec![value])
    }

    /// Whether an expression stands for values or artifacts; looks at no more than it must.
    pub(crate) fn class(&self, expr: &Expr, frame: &Frame<'a>) -> Class {
        match &expr.kind {
            ExprKind::Name(name) => match self.peek(name, frame).map(|column| &column.data) {
                Some(Data::Values(_)) => Class::Value,
                Some(Data::Arts(_) | Data::Lists(_)) => Class::Artifact,
                Some(Data::Poison) | None => Class::Unknown,
            },
            ExprKind::Field { base, .. } => match self.class(base, frame) {
                Class::Unknown => Class::Unknown,
                _ => Class::Artifact,
            },
            ExprKind::Index { base, .. } => self.class(base, frame),
            ExprKind::Call(call) if is_function(call) => Class::Value,
            ExprKind::Call(_) | ExprKind::Arrow { .. } => Class::Artifact,
            ExprKind::If { branches, otherwise } => {
                let all = branches.iter().map(|branch| &branch.value).chain([&**otherwise]);
                self.class_of_all(all, frame)
            }
            ExprKind::List(items) => self.class_of_all(items.iter(), frame),
            _ => Class::Value,
        }
    }

    fn class_of_all<'e>(&self, all: impl Iterator<Item = &'e Expr>, frame: &Frame<'a>) -> Class {
        let mut class = Class::Value;
        for expr in all {
            match self.class(expr, frame) {
                Class::Artifact => return Class::Artifact,
                Class::Unknown => class = Class::Unknown,
                Class::Value => {}
            }
        }
        // Something unknown among values is told as a value is.
        if class == Class::Unknown { Class::Value } else { class }
    }

    /// The values of an expression; `None` after telling why there are none.
    pub(crate) fn values(&mut self, expr: &'a Expr, frame: &Frame<'a>, place: Place<'_>) -> Option<Column> {
        let mut leaves = Vec::new();
        if !self.leaves(expr, frame, place, &mut leaves) {
            return None;
        }
        let mut axes = Vec::new();
        for (leaf, column) in &leaves {
            let family = column.family_axes(place.space);
            if !family.is_empty() {
                let message =
                    format!("`{}` is one value for each {}", self.slice(leaf.span), self.axes.names(&family));
                let hint =
                    format!("pick one, such as `{}[{}]`", self.slice(leaf.span), self.example(&family));
                self.problems.add(Diagnostic::error(leaf.span, message).hint(hint));
                return None;
            }
            axes = union(&axes, &column.domain.axes);
        }
        let domain = place.space.project(&axes);
        let leaves = leaves.into_iter().map(|(leaf, column)| {
            let gather = Gather::new(&column.domain, &domain);
            (leaf, column, gather)
        });
        let mut columns = Columns { leaves: leaves.collect(), cell: 0 };
        let mut values = Vec::with_capacity(domain.len);
        for cell in 0..domain.len {
            columns.cell = cell;
            match eval(expr, &columns, &self.fuel) {
                Ok(value) => values.push(value),
                Err(Stop::Told) => return None,
                Err(Stop::Fault(diagnostic)) => {
                    self.problems.add(self.with_cell(*diagnostic, &domain, cell));
                    return None;
                }
            }
        }
        Some(Column::values(domain, values))
    }

    /// The diagnostic with the indices at which it was found.
    pub(crate) fn with_cell(&self, diagnostic: Diagnostic, domain: &Domain, cell: usize) -> Diagnostic {
        if domain.axes.is_empty() {
            return diagnostic;
        }
        let index = &domain.indices(&self.axes)[cell];
        let index: Vec<String> = index.iter().map(|(axis, value)| format!("`{axis} = {value}`")).collect();
        diagnostic.hint(format!("found at {}", index.join(", ")))
    }

    /// The truth of an expression for each combination; `None` after telling why there is none.
    pub(crate) fn condition(
        &mut self,
        expr: &'a Expr,
        frame: &Frame<'a>,
        space: &Space,
    ) -> Option<Condition> {
        let column = self.values(expr, frame, Place { space, naming: None, root: false })?;
        let Data::Values(values) = &column.data else { return None };
        let mut truths = Vec::with_capacity(values.len());
        for value in values.iter() {
            let Value::Bool(truth) = value else {
                let message = format!("expected a condition, found {}", described(value));
                self.problems.add(Diagnostic::error(expr.span, message).label("must be `true` or `false`"));
                return None;
            };
            truths.push(*truth);
        }
        Some(Condition { domain: column.domain, truths })
    }

    /// Finds the columns of all names in a value expression; false after telling that something is none.
    fn leaves(
        &mut self,
        expr: &'a Expr,
        frame: &Frame<'a>,
        place: Place<'_>,
        found: &mut Vec<(&'a Expr, Column)>,
    ) -> bool {
        let mut all = |binder: &mut Self, exprs: &mut dyn Iterator<Item = &'a Expr>| {
            let mut sound = true;
            for expr in exprs {
                sound &= binder.leaves(expr, frame, place, found);
            }
            sound
        };
        match &expr.kind {
            ExprKind::None
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Quantity { .. } => true,
            ExprKind::Str(parts) => all(
                self,
                &mut parts.iter().filter_map(|part| match part {
                    StrPart::Text(_) => None,
                    StrPart::Expr(expr) => Some(expr),
                }),
            ),
            ExprKind::List(items) => all(self, &mut items.iter()),
            ExprKind::Range { start, end, .. } => all(self, &mut [&**start, &**end].into_iter()),
            ExprKind::Unary { operand, .. } => all(self, &mut std::iter::once(&**operand)),
            ExprKind::Binary { left, right, .. } => all(self, &mut [&**left, &**right].into_iter()),
            ExprKind::If { branches, otherwise } => {
                let each = branches.iter().flat_map(|branch| [&branch.condition, &branch.value]);
                all(self, &mut each.chain([&**otherwise]))
            }
            ExprKind::Call(call) if is_function(call) => {
                let sound = all(self, &mut call.args.iter().map(|arg| &arg.value));
                self.function_is_sound(call) && sound
            }
            ExprKind::Call(call) | ExprKind::Arrow { call, .. } => {
                if self.is_callable(call, frame) {
                    let message = "a call of a stage makes an artifact, expected a value";
                    self.problems.add(Diagnostic::error(expr.span, message));
                }
                false
            }
            ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. } => {
                let column = self.column(expr, frame, Place { naming: None, ..place }.inside());
                match column.data {
                    Data::Poison => false,
                    Data::Values(_) => {
                        found.push((expr, column));
                        true
                    }
                    Data::Arts(_) | Data::Lists(_) => {
                        let message = format!("`{}` is an artifact, expected a value", self.slice(expr.span));
                        self.problems.add(Diagnostic::error(expr.span, message));
                        false
                    }
                }
            }
        }
    }

    fn function_is_sound(&mut self, call: &Call) -> bool {
        let Some(function) = functions::named(call.callee.segments[0].as_str()) else { return false };
        let named = call.args.iter().find_map(|arg| arg.name.as_ref());
        let wrong = match named {
            Some(name) => Some(
                Diagnostic::error(name.span, format!("`{}` takes no names", function.name))
                    .hint(format!("write `{}`", function.usage)),
            ),
            None => functions::arity(function, call.args.len(), call.span),
        };
        let sound = wrong.is_none();
        self.problems.extend(wrong);
        sound
    }

    /// `corpus.train`
    fn part(
        &mut self,
        expr: &'a Expr,
        base: &'a Expr,
        field: &'a Ident,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Column {
        let callable = |name: &String| self.registry.stage(name).is_some() || self.is_member(name, frame);
        if let Some(name) = dotted(expr).filter(callable)
            && self.class(base, frame) == Class::Unknown
        {
            let diagnostic = Diagnostic::error(expr.span, format!("`{name}` is not called"));
            self.problems.add(diagnostic.hint(format!("call it: `{name}(…)`")));
            return Column::poison();
        }
        let column = self.column(base, frame, place.inside());
        let arts = match &column.data {
            Data::Poison => return Column::poison(),
            Data::Arts(arts) => Rc::clone(arts),
            Data::Values(_) | Data::Lists(_) => {
                let what =
                    if matches!(column.data, Data::Values(_)) { "a value" } else { "a list of artifacts" };
                let message = format!("`{}` is {what} and has no parts", self.slice(base.span));
                self.problems.add(Diagnostic::error(field.span, message));
                return Column::poison();
            }
        };
        let mut parts: Vec<(ShapeId, ShapeId)> = Vec::with_capacity(arts.shapes.len());
        for shape in &arts.shapes {
            let part = if place.space.is_empty() && self.is_part(field) {
                Some(self.part_nowhere(*shape, field))
            } else {
                self.part_shape(*shape, base.span, field)
            };
            let Some(part) = part else { return Column::poison() };
            parts.push((*shape, part));
        }
        let part = |shape| parts.iter().find(|(whole, _)| *whole == shape).map(|(_, part)| *part);
        let mut cells = Vec::with_capacity(arts.cells.len());
        for art in &arts.cells {
            let Some(shape) = part(art.shape) else {
                let message = format!("`{}` can be `none` here and has no parts then", self.slice(base.span));
                self.problems.add(Diagnostic::error(field.span, message));
                return Column::poison();
            };
            cells.push(Art { node: art.node, shape });
        }
        let shapes = parts.into_iter().map(|(_, part)| part).collect();
        Column::arts(column.domain, cells, shapes)
    }

    /// Whether any stage makes a part of this name.
    fn is_part(&self, field: &Ident) -> bool {
        let mut specs = self.registry.stage_names().filter_map(|name| self.registry.stage(name));
        specs.any(|(_, spec, _)| spec.parts.iter().any(|part| part.name == field.as_str()))
    }

    /// The shape of a part in a branch that is not taken: `corpus.novel` may be there only with the parameters that
    /// take it, so what `corpus` is without them does not tell.
    fn part_nowhere(&mut self, whole: ShapeId, field: &Ident) -> ShapeId {
        let shape = self.shapes.get(whole);
        let part = shape.whole().and_then(|spec| spec.parts.iter().find(|part| part.name == field.as_str()));
        let kind = part.map_or(Kind::ANY, |part| part.kind.clone());
        self.shapes.some(&kind)
    }

    fn part_shape(&mut self, whole: ShapeId, base: Span, field: &Ident) -> Option<ShapeId> {
        let shape = self.shapes.get(whole);
        let Some(stage) = shape.stage.clone() else { return Some(self.shapes.some(&Kind::ANY)) };
        let spec = &stage.spec;
        if let Some(part) =
            shape.whole().and_then(|spec| spec.parts.iter().find(|part| part.name == field.as_str()))
        {
            let kind = part.kind.clone();
            return Some(self.shapes.made(&stage, &field.name, &kind));
        }
        let base = self.slice(base);
        if shape.whole().is_none() {
            let message = format!("`{base}` is a part and has no parts of its own");
            self.problems.add(Diagnostic::error(field.span, message));
            return None;
        }
        if spec.metrics.iter().any(|metric| metric.name == field.as_str()) {
            let message = format!("`{base}.{field}` is a metric, expected an artifact");
            self.problems.add(Diagnostic::error(field.span, message).hint("metrics are read in reports"));
            return None;
        }
        let message = format!("`{base}` has no part `{field}`");
        let diagnostic = Diagnostic::error(field.span, message);
        let names: Vec<&str> = spec.parts.iter().map(|part| &*part.name).collect();
        let near = nearest(field.as_str(), names.iter().copied()).is_some();
        let diagnostic = suggest(diagnostic, field.as_str(), names.iter().copied());
        let diagnostic = match names.as_slice() {
            [] => diagnostic.hint(format!("what `{}` makes has no parts", spec.name)),
            names if !near => diagnostic.hint(format!("its parts are `{}`", names.join("`, `"))),
            _ => diagnostic,
        };
        self.problems.add(diagnostic);
        None
    }

    /// `[a, b]` of artifacts, families among them.
    fn artifact_list(&mut self, items: &'a [Expr], frame: &Frame<'a>, place: Place<'_>) -> Column {
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let column = self.column(item, frame, place);
            if matches!(column.data, Data::Values(_)) {
                let message = "a value among artifacts, expected an artifact";
                self.problems.add(Diagnostic::error(item.span, message));
                columns.push(Column::poison());
            } else {
                columns.push(column);
            }
        }
        if columns.iter().any(Column::is_poison) {
            return Column::poison();
        }
        let axes =
            columns.iter().fold(Vec::new(), |axes, column| union(&axes, &column.inner_axes(place.space)));
        let domain = place.space.project(&axes);
        let feeds: Vec<_> =
            columns.iter().map(|column| super::select::Feed::new(column, &domain, place.space)).collect();
        let cells = (0..domain.len)
            .map(|cell| feeds.iter().flat_map(|feed| feed.at(&domain, cell)).collect())
            .collect();
        let mut shapes: Vec<ShapeId> =
            columns.iter().flat_map(|column| column.shapes().iter().copied()).collect();
        shapes.sort_unstable();
        shapes.dedup();
        Column { domain, data: Data::Lists(Rc::new(Lists { cells, shapes })) }
    }

    /// The text at a span.
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        self.sources.get(span.file).map_or("", |source| source.slice(span))
    }
}

/// Whether a call is one of a function on values.
pub(crate) fn is_function(call: &Call) -> bool {
    matches!(call.callee.segments.as_slice(), [name] if functions::named(name.as_str()).is_some())
}
