//! Statements to nodes: bindings, loops, calls of `fn`s.

mod choose;
mod column;
mod expr;
mod select;
mod space;

pub(crate) use column::{Art, Column, Data, Lists, ShapeId, Shapes};
pub(crate) use expr::Class;
pub(crate) use select::Feed;
pub(crate) use space::{Axes, AxisId, Domain, Gather, Groups, Index, Space, hash_value, union};

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use runpipe_base::{Kind, Value};
use runpipe_grammar::ast::{Binding, Clause, ExprKind, For, Stmt};
use runpipe_grammar::{Diagnostic, Span};

use self::space::Axis;
use crate::bind::annotations::{HintColumns, join_hints};
use crate::bind::arguments::Arguments;
use crate::bind::names::{Bound, Frame};
use crate::bind::{Binder, FnInfo};
use crate::eval::{described, unroll};

/// The most combinations that one loop may run over.
const MAX_ROWS: usize = 1_000_000;

/// The most statements, each call of a `fn` counted.
const MAX_STEPS: usize = 4_000_000;

/// After so many mistakes nothing more is looked at.
const MAX_ERRORS: usize = 1000;

/// How deeply calls of `fn`s may nest.
const MAX_CALLS: usize = 64;

/// Where an expression stands: its loops, and how the nodes that it makes are named.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) space: &'p Space,
    pub(crate) naming: Option<&'p Naming>,
    /// It is the whole value of its binding and takes the binding's name.
    pub(crate) root: bool,
}

/// The name of a binding's nodes; none where no node may be made.
pub(crate) struct Naming {
    pub(crate) name: Arc<str>,
    pub(crate) hints: Option<Rc<HintColumns>>,
    /// Names of the nodes inside that have none of their own.
    inner: RefCell<HashSet<String>>,
}

impl<'p> Place<'p> {
    /// The place of a part of the expression.
    pub(crate) fn inside(self) -> Self {
        Self { root: false, ..self }
    }

    /// The same expression under fewer combinations.
    pub(crate) fn within<'s>(self, space: &'s Space) -> Place<'s>
    where
        'p: 's,
    {
        Place { space, ..self }
    }
}

impl Naming {
    /// The name of a node, or of a call of a `fn`, at `place`.
    pub(crate) fn at(&self, place: Place<'_>, callee: &str) -> Arc<str> {
        if place.root {
            return Arc::clone(&self.name);
        }
        let verb = callee.rsplit('.').next().unwrap_or(callee);
        let mut inner = self.inner.borrow_mut();
        let mut name = format!("{}/{verb}", self.name);
        let mut number = 2;
        while !inner.insert(name.clone()) {
            name = format!("{}/{verb}-{number}", self.name);
            number += 1;
        }
        name.into()
    }
}

impl<'a> Binder<'a> {
    fn statements(&mut self, statements: &'a [Stmt], frame: &mut Frame<'a>, space: &Space) {
        for statement in statements {
            match statement {
                Stmt::Binding(binding) => self.binding(binding, frame, space),
                Stmt::For(block) => self.for_loop(block, frame, space),
            }
        }
    }

    pub(crate) fn binding(&mut self, binding: &'a Binding, frame: &mut Frame<'a>, space: &Space) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.give_up(binding.name.span, "the pipeline has more than 4,000,000 bindings");
        }
        if self.given_up || self.problems.errors() > MAX_ERRORS {
            frame
                .names
                .entry(binding.name.as_str())
                .or_insert_with(|| Bound::new(Column::poison(), binding.name.span, "binding"));
            return;
        }
        let name = match &frame.call {
            None => Arc::clone(&binding.name.name),
            Some((call, info)) if info.def.result.name == binding.name.name => Arc::clone(call),
            Some((call, _)) => format!("{call}/{}", binding.name).into(),
        };
        let own = self.annotations(&binding.annotations, frame, space);
        if own.is_some() && !makes_nodes(&binding.value.kind) {
            let span = binding.annotations[0].span();
            let message = format!("the annotation says how to run `{}`, which runs nothing", binding.name);
            self.problems
                .add(Diagnostic::error(span, message).hint("put it before a binding that is a call"));
        }
        let hints = join_hints(own, frame.hints.as_ref());
        let naming = Naming { name, hints, inner: RefCell::default() };
        let place = Place { space, naming: Some(&naming), root: true };
        let column = self.column(&binding.value, frame, place);
        self.bind(&binding.name, column, "binding", frame);
    }

    pub(crate) fn for_loop(&mut self, block: &'a For, frame: &mut Frame<'a>, space: &Space) {
        let errors = self.problems.errors();
        let first = frame.order.len();
        let mut rows: Option<Space> = None;
        let mut shadowed = Vec::new();
        for clause in &block.clauses {
            let outer = rows.as_ref().unwrap_or(space);
            let inner = self.clause(clause, frame, outer);
            let column = if let Some((inner, axis)) = inner {
                let domain = inner.project(&[axis]);
                let values = &self.axes.get(axis).values;
                let value = |cell| values[domain.key(cell)[0] as usize].clone();
                let values = (0..domain.len).map(value).collect();
                rows = Some(inner);
                Column::values(domain, values)
            } else {
                // The body is checked all the same.
                rows = Some(outer.filter(|_| false, &[]));
                Column::poison()
            };
            self.is_free(&clause.name, frame);
            let index = Bound::new(column, clause.name.span, "index");
            shadowed.push((clause.name.as_str(), frame.names.insert(clause.name.as_str(), index)));
        }
        let mut rows = rows.expect("a loop has at least one index");
        if let Some(filter) = &block.filter {
            rows = match self.condition(filter, frame, &rows) {
                Some(condition) => {
                    let (cell, truths) = condition.on(&rows.rows);
                    rows.filter(|row| truths[cell.at(row)], &[])
                }
                None => rows.filter(|_| false, &[]),
            };
        }
        self.statements(&block.body, frame, &rows);
        for name in &frame.order[first..] {
            if let Some(bound) = frame.names.get(name) {
                bound.escaped.set(true);
            }
        }
        for (name, outer) in shadowed.into_iter().rev() {
            let index = frame.names.remove(name);
            let unused = |index: &Bound| !index.used.get() && !name.starts_with('_');
            if let Some(index) = index.filter(unused)
                && self.problems.errors() == errors
            {
                let message = format!("the index `{name}` is used by nothing in its loop");
                let diagnostic = Diagnostic::warning(index.span, message);
                self.problems.add(diagnostic.label("the loop makes nothing more often for it"));
            }
            if let Some(outer) = outer {
                frame.names.insert(name, outer);
            }
        }
    }

    /// One index more.
    fn clause(&mut self, clause: &'a Clause, frame: &Frame<'a>, space: &Space) -> Option<(Space, AxisId)> {
        let around = space.rows.axes.iter().find(|axis| self.axes.get(**axis).name == clause.name.name);
        if around.is_some() && !frame.names.contains_key(clause.name.as_str()) {
            let message = format!("a loop over `{}` is around this call", clause.name);
            let hint = "give one of the two loops another name";
            self.problems.add(Diagnostic::error(clause.name.span, message).hint(hint));
            return None;
        }
        let place = Place { space, naming: None, root: false };
        let column = self.values(&clause.values, frame, place)?;
        let Data::Values(cells) = &column.data else { return None };
        let span = clause.values.span;
        let mut axis = Axis::new(Arc::clone(&clause.name.name));
        let mut ids: Vec<Vec<u32>> = Vec::with_capacity(cells.len());
        for value in cells.iter() {
            let items = self.loop_values(value, span)?;
            let (mut seen, mut row) = (HashSet::new(), Vec::with_capacity(items.len()));
            for item in &items {
                let id = axis.intern(item);
                if seen.insert(id) {
                    row.push(id);
                } else {
                    let message =
                        format!("{} stands twice in the values of `{}`", described(item), clause.name);
                    self.problems.add(Diagnostic::warning(span, message).label("taken once"));
                }
            }
            ids.push(row);
        }
        let cell = Gather::new(&column.domain, &space.rows);
        let length: usize = (0..space.rows.len).map(|row| ids[cell.at(row)].len()).sum();
        if length > MAX_ROWS {
            let length = crate::eval::thousands(length as u64);
            let message = format!("the loop runs over {length} combinations");
            self.problems
                .add(Diagnostic::error(clause.name.span.to(span), message).label("at most 1,000,000"));
            return None;
        }
        let id = self.axes.add(axis);
        let mut keys = Vec::with_capacity(length * (space.rows.axes.len() + 1));
        for row in 0..space.rows.len {
            for value in &ids[cell.at(row)] {
                keys.extend_from_slice(space.rows.key(row));
                keys.push(*value);
            }
        }
        let mut axes = space.rows.axes.to_vec();
        axes.push(id);
        Some((Space::new(Domain::new(&axes, length, keys), &space.guard), id))
    }

    /// What a loop runs over, in order.
    fn loop_values(&mut self, value: &Value, span: Span) -> Option<Vec<Value>> {
        match value {
            Value::List(items) => Some(items.clone()),
            Value::Range { start, end } => self.problems.told(unroll(*start, *end, span)),
            other => {
                let message = format!("a loop runs over a list or a range, found {}", described(other));
                let diagnostic = Diagnostic::error(span, message);
                self.problems.add(match other {
                    Value::Int(n) => diagnostic.hint(format!("write `0..{n}` to count from 0")),
                    _ => diagnostic,
                });
                None
            }
        }
    }

    /// How nodes are named at a place; tells if none may be made there.
    pub(crate) fn naming<'p>(&mut self, place: Place<'p>, call: Span) -> Option<&'p Naming> {
        if place.naming.is_none() {
            let diagnostic = Diagnostic::error(call, "nothing can be called here that makes an artifact");
            self.problems.add(diagnostic.hint("bind the call to a name first"));
        }
        place.naming
    }

    /// Binds the body of a `fn` to inputs of which only the kinds are known.
    pub(crate) fn fn_check(&mut self, info: &Rc<FnInfo<'a>>) -> Column {
        let nowhere = Space::nowhere();
        let given = Arguments {
            ports: info
                .ports
                .iter()
                .map(|port| Some(self.some_input(&port.kind, port.many, &nowhere)))
                .collect(),
            params: info
                .params
                .iter()
                .map(|_| Some(Column::values(Rc::clone(&nowhere.rows), Vec::new())))
                .collect(),
            ..Arguments::default()
        };
        let name = Arc::clone(&info.def.name.name);
        let result = self.fn_body(info, given, (name, None, 0), &nowhere);
        self.fn_result_is_sound(info, &result);
        result
    }

    fn some_input(&mut self, kind: &Kind, many: bool, nowhere: &Space) -> Column {
        let shapes = vec![self.shapes.some(kind)];
        let domain = Rc::clone(&nowhere.rows);
        if many {
            return Column { domain, data: Data::Lists(Rc::new(Lists { cells: Vec::new(), shapes })) };
        }
        Column::arts(domain, Vec::new(), shapes)
    }

    fn fn_result_is_sound(&mut self, info: &FnInfo<'a>, result: &Column) {
        let (result_name, name) = (&info.def.result, &info.def.name);
        if matches!(result.data, Data::Values(_)) {
            let message = format!("the result of `{name}` is a value, expected an artifact");
            let hint = "a `fn` is a sub-pipeline; write values where they are used";
            self.problems.add(Diagnostic::error(result_name.span, message).hint(hint));
        }
    }

    /// Calls a `fn`: its body becomes nodes, as if it stood here.
    pub(crate) fn fn_call(
        &mut self,
        info: &Rc<FnInfo<'a>>,
        given: Arguments,
        span: Span,
        place: Place<'_>,
        frame: &Frame<'a>,
    ) -> Column {
        let summary = info.summary.get().cloned().unwrap_or_else(Column::poison);
        if summary.is_poison() || matches!(summary.data, Data::Values(_)) {
            return Column::poison();
        }
        if place.naming.is_some() && place.space.is_empty() {
            return summary;
        }
        if frame.depth >= MAX_CALLS {
            let message = format!("calls of `fn`s nest more than {MAX_CALLS} deep");
            self.problems.add(Diagnostic::error(span, message));
            return Column::poison();
        }
        let Some(naming) = self.naming(place, span) else { return Column::poison() };
        let name = naming.at(place, info.def.name.as_str());
        let columns = given.ports.iter().chain(&given.params).flatten();
        let axes = columns.fold(Vec::new(), |axes, column| union(&axes, &column.inner_axes(place.space)));
        let space = place.space.narrow(&axes);
        let hints = naming.hints.as_ref().filter(|_| place.root).or(frame.hints.as_ref()).cloned();
        self.problems.enter(span);
        let result = self.fn_body(info, given, (name, hints, frame.depth + 1), &space);
        self.problems.leave();
        result
    }

    fn fn_body(
        &mut self,
        info: &Rc<FnInfo<'a>>,
        given: Arguments,
        (name, hints, depth): (Arc<str>, Option<Rc<HintColumns>>, usize),
        space: &Space,
    ) -> Column {
        let call = Some((name, Rc::clone(info)));
        let mut frame =
            Frame { module: info.module, names: HashMap::new(), order: Vec::new(), call, hints, depth };
        let def = info.def;
        for (port, column) in def.ports.iter().zip(given.ports) {
            let bound = Bound::new(column.unwrap_or_else(Column::poison), port.name.span, "input");
            frame.names.insert(port.name.as_str(), bound);
        }
        for ((param, spec), column) in def.params.iter().zip(&info.params).zip(given.params) {
            let column = column.or_else(|| Some(Self::constant(spec.default.clone()?)));
            let bound = Bound::new(column.unwrap_or_else(Column::poison), param.name.span, "parameter");
            frame.names.insert(param.name.as_str(), bound);
        }
        self.statements(&def.body, &mut frame, space);
        let found = frame.names.get(def.result.as_str()).filter(|bound| bound.what == "binding");
        let result = found.map(|bound| {
            bound.used.set(true);
            bound.column.clone()
        });
        let result = if let Some(column) = result {
            self.reached(column, def.result.as_str(), def.result.span, &frame, space)
        } else {
            self.no_result(info, &frame);
            Column::poison()
        };
        self.warn_unused(&frame);
        result
    }

    fn no_result(&mut self, info: &FnInfo<'a>, frame: &Frame<'a>) {
        let result = &info.def.result;
        let message = format!("`{}` gives back `{result}`, which its body does not bind", info.def.name);
        let mut bindings: Vec<&str> =
            frame.names.iter().filter(|(_, bound)| bound.what == "binding").map(|(name, _)| *name).collect();
        bindings.sort_unstable();
        let diagnostic = Diagnostic::error(result.span, message);
        self.problems.add(crate::problems::suggest(diagnostic, result.as_str(), bindings));
    }
}

/// Whether an expression can be a call of a stage or a `fn`.
fn makes_nodes(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::Call(_) | ExprKind::Arrow { .. } => true,
        ExprKind::If { branches, otherwise } => {
            branches.iter().any(|branch| makes_nodes(&branch.value.kind)) || makes_nodes(&otherwise.kind)
        }
        _ => false,
    }
}
