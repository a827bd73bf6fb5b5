//! Members of families: `scores[site = "prepend"]`, and families where many artifacts are taken.

use std::rc::Rc;

use runpipe_base::Value;
use runpipe_grammar::ast::{Expr, ExprKind, Named};
use runpipe_grammar::{Diagnostic, Span};

use super::{Art, AxisId, Column, Data, Domain, Gather, Groups, Place, Space, union};
use crate::bind::Binder;
use crate::bind::names::Frame;
use crate::problems::suggest;

/// What of a column arrives at a cell: one artifact, or all those of a family, in loop order.
pub(crate) struct Feed<'c> {
    column: &'c Column,
    from: From,
}

enum From {
    One(Gather),
    /// Cells by their coordinates on the axes of the loops around, which stand at these places of a key.
    Family(Groups, Vec<AxisId>),
}

impl<'c> Feed<'c> {
    pub(crate) fn new(column: &'c Column, to: &Rc<Domain>, space: &Space) -> Self {
        let from = if column.family_axes(space).is_empty() {
            From::One(Gather::new(&column.domain, to))
        } else {
            let by = column.inner_axes(space);
            From::Family(Groups::new(&column.domain, &by), by)
        };
        Self { column, from }
    }

    /// The artifacts for a cell of `to`.
    pub(crate) fn at(&self, to: &Domain, cell: usize) -> Vec<Art> {
        match &self.from {
            From::One(gather) => self.of(gather.at(cell)),
            From::Family(groups, by) => {
                let key: Vec<u32> = by.iter().filter_map(|axis| to.coordinate(cell, *axis)).collect();
                groups.get(&key).iter().flat_map(|cell| self.of(*cell as usize)).collect()
            }
        }
    }

    /// The artifact for a cell of `to`, where there is exactly one.
    pub(crate) fn one(&self, cell: usize) -> Art {
        match (&self.from, &self.column.data) {
            (From::One(gather), Data::Arts(arts)) => arts.cells[gather.at(cell)],
            _ => Art::NONE,
        }
    }

    fn of(&self, cell: usize) -> Vec<Art> {
        match &self.column.data {
            Data::Arts(arts) => vec![arts.cells[cell]],
            Data::Lists(lists) => lists.cells[cell].clone(),
            Data::Poison | Data::Values(_) => Vec::new(),
        }
    }
}

impl<'a> Binder<'a> {
    /// The members of a family at one index: `[site = "prepend"]`.
    pub(crate) fn select(
        &mut self,
        column: Column,
        base: Span,
        at: &'a Named,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Column {
        let Some(wanted) = self.values(&at.value, frame, Place { naming: None, ..place }) else {
            return Column::poison();
        };
        if column.is_poison() {
            return column;
        }
        let axes = &column.domain.axes;
        let Some(axis) = axes.iter().copied().find(|axis| *self.axes.get(*axis).name == *at.name.name) else {
            self.no_axis(&column, base, at);
            return Column::poison();
        };
        let rest: Vec<AxisId> = axes.iter().copied().filter(|other| *other != axis).collect();
        let (inner, family): (Vec<AxisId>, Vec<AxisId>) =
            rest.iter().partition(|other| place.space.has(**other));
        let here = place.space.project(&union(&inner, &wanted.domain.axes));
        let Some(coordinates) = self.coordinates(&wanted, axis, base, at) else { return Column::poison() };
        let coordinate = Gather::new(&wanted.domain, &here);
        let mut by = inner.clone();
        by.push(axis);
        by.sort_unstable();
        let groups = Groups::new(&column.domain, &by);
        let axes = union(&here.axes, &family);
        let (mut keys, mut cells) = (Vec::new(), Vec::new());
        for cell in 0..here.len {
            let chosen = coordinates[coordinate.at(cell)];
            let on =
                |other: &AxisId| if *other == axis { Some(chosen) } else { here.coordinate(cell, *other) };
            let key: Vec<u32> = by.iter().filter_map(on).collect();
            let members = groups.get(&key);
            if members.is_empty() {
                let value = &self.axes.get(axis).values[chosen as usize];
                let message = format!("`{}` has no member at `{} = {value}` here", self.slice(base), at.name);
                self.problems
                    .add(Diagnostic::error(at.value.span, message).hint("the loop's `if` leaves it out"));
                return Column::poison();
            }
            for member in members {
                let member = *member as usize;
                let of = |axis: &AxisId| {
                    here.coordinate(cell, *axis).or_else(|| column.domain.coordinate(member, *axis))
                };
                keys.extend(axes.iter().filter_map(of));
                cells.push(member);
            }
        }
        let domain = Domain::new(&axes, cells.len(), keys);
        match &column.data {
            Data::Values(values) => {
                Column::values(domain, cells.iter().map(|cell| values[*cell].clone()).collect())
            }
            Data::Arts(arts) => {
                let arts_at = cells.iter().map(|cell| arts.cells[*cell]).collect();
                Column::arts(domain, arts_at, arts.shapes.clone())
            }
            Data::Lists(lists) => {
                let lists_at = cells.iter().map(|cell| lists.cells[*cell].clone()).collect();
                let lists = super::Lists { cells: lists_at, shapes: lists.shapes.clone() };
                Column { domain, data: Data::Lists(Rc::new(lists)) }
            }
            Data::Poison => Column::poison(),
        }
    }

    /// The numbers of the wanted values on an axis.
    fn coordinates(&mut self, wanted: &Column, axis: AxisId, base: Span, at: &Named) -> Option<Vec<u32>> {
        let Data::Values(values) = &wanted.data else { return None };
        let mut coordinates = Vec::with_capacity(values.len());
        for value in values.iter() {
            let axis = self.axes.get(axis);
            if let Some(coordinate) = axis.find(value) {
                coordinates.push(coordinate);
                continue;
            }
            let message = format!("`{}` has no member at `{} = {value}`", self.slice(base), at.name);
            let known: Vec<String> = axis.values.iter().take(9).map(ToString::to_string).collect();
            let diagnostic = suggest(
                Diagnostic::error(at.value.span, message),
                &value.to_string(),
                known.iter().map(String::as_str),
            );
            let more = if axis.values.len() > 9 { ", …" } else { "" };
            let hint = match known.as_slice() {
                [] => format!("`{}` has no values", at.name),
                known => format!("`{}` is one of {}{more}", at.name, known.join(", ")),
            };
            self.problems.add(diagnostic.hint(hint));
            return None;
        }
        Some(coordinates)
    }

    fn no_axis(&mut self, column: &Column, base: Span, at: &Named) {
        let base = self.slice(base);
        let diagnostic = Diagnostic::error(at.name.span, format!("`{base}` has no index `{}`", at.name));
        let names: Vec<&str> = column.domain.axes.iter().map(|axis| &*self.axes.get(*axis).name).collect();
        let diagnostic = suggest(diagnostic, at.name.as_str(), names.iter().copied());
        let diagnostic = if names.is_empty() {
            diagnostic.hint(format!("`{base}` is no family: it stands for one thing"))
        } else {
            diagnostic.hint(format!("its indices are `{}`", names.join("`, `")))
        };
        self.problems.add(diagnostic);
    }

    /// A selection as a hint shows it: `seed = 0`.
    pub(crate) fn example(&self, axes: &[AxisId]) -> String {
        let of = |axis: &AxisId| {
            let axis = self.axes.get(*axis);
            let value = axis.values.first().map_or_else(|| "…".to_owned(), Value::to_string);
            format!("{} = {value}", axis.name)
        };
        axes.iter().map(of).collect::<Vec<_>>().join(", ")
    }

    /// Says that one artifact is wanted where a family stands.
    pub(crate) fn refuse_family(
        &mut self,
        column: &Column,
        wants: &str,
        span: Span,
        space: &Space,
        expr: Option<&Expr>,
    ) {
        let text = self.slice(span);
        let family = column.family_axes(space);
        if family.is_empty() {
            let message = format!("{wants}, found a list");
            self.problems.add(Diagnostic::error(span, message));
            return;
        }
        let message = format!("{wants}, found one for each {}", self.axes.names(&family));
        let short = expr.is_none_or(|e| {
            matches!(e.kind, ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. })
        });
        let around = family.iter().find(|axis| {
            let name = &self.axes.get(**axis).name;
            space.rows.axes.iter().any(|other| self.axes.get(*other).name == *name)
        });
        let diagnostic = Diagnostic::error(span, message).label("a family");
        let diagnostic = match around {
            Some(axis) => {
                let name = &self.axes.get(*axis).name;
                diagnostic.hint(format!("the loop here is another one: write `{text}[{name} = {name}]`"))
            }
            None if short => diagnostic.hint(format!(
                "pick one, such as `{text}[{}]`, or use it inside its loop",
                self.example(&family)
            )),
            None => diagnostic.hint("use it inside its loop"),
        };
        self.problems.add(diagnostic);
    }
}
