//! What is passed to a call, against what it takes.

use std::sync::Arc;

use runpipe_base::{Kind, ParamSpec, Port, Value};
use runpipe_grammar::ast::{Arg, Call, Expr, ExprKind};
use runpipe_grammar::{Diagnostic, Span};

use super::Binder;
use super::check::check;
use super::names::Frame;
use crate::expand::{Class, Column, Data, Place};
use crate::pipeline::{StageCode, StageEntry};
use crate::problems::suggest;

/// What a stage or a `fn` takes.
pub(crate) struct Signature<'s> {
    pub(crate) name: &'s str,
    pub(crate) ports: &'s [Port],
    pub(crate) params: &'s [ParamSpec],
    /// It is a stage that `runpipe stages describe` knows.
    pub(crate) builtin: bool,
}

impl<'s> Signature<'s> {
    pub(crate) fn of_stage(stage: &'s Arc<StageEntry>) -> Self {
        Self {
            name: &stage.spec.name,
            ports: &stage.spec.inputs,
            params: &stage.schema,
            builtin: matches!(stage.code, StageCode::Builtin(_)),
        }
    }

    fn hint(&self, diagnostic: Diagnostic) -> Diagnostic {
        if self.builtin {
            return diagnostic.hint(format!("`runpipe stages describe {}` lists what it takes", self.name));
        }
        diagnostic
    }
}

/// Columns for each port and each parameter; none where nothing was given.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) ports: Vec<Option<Column>>,
    /// Checked values.
    pub(crate) params: Vec<Option<Column>>,
    /// Where each port's artifact was given.
    pub(crate) port_spans: Vec<Option<Span>>,
    /// Where each parameter was given.
    pub(crate) param_spans: Vec<Option<Span>>,
}

/// Where an argument goes.
enum Slot {
    Port(usize),
    Param(usize),
}

impl<'a> Binder<'a> {
    /// Matches a call with what its callee takes; `None` after telling every mistake.
    pub(crate) fn arguments(
        &mut self,
        signature: &Signature<'_>,
        call: &'a Call,
        input: Option<(Column, Span)>,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Option<Arguments> {
        let mut given = Arguments {
            ports: vec![None; signature.ports.len()],
            params: vec![None; signature.params.len()],
            port_spans: vec![None; signature.ports.len()],
            param_spans: vec![None; signature.params.len()],
        };
        // What cannot be placed may be what is missing.
        let (mut stray_input, mut stray_param) = (false, false);
        let mut sound = true;
        if let Some((column, span)) = input {
            if signature.ports.is_empty() {
                let message = format!("`{}` takes no input", signature.name);
                self.problems.add(signature.hint(Diagnostic::error(span, message)));
                sound = false;
            } else {
                given.port_spans[0] = Some(span);
                given.ports[0] = self.port(signature, 0, column, span, None, place);
                sound &= given.ports[0].is_some();
            }
        }
        for arg in &call.args {
            let slot = self.slot(signature, call, arg, &given, frame);
            let Some(slot) = slot else {
                sound = false;
                match self.class(&arg.value, frame) {
                    Class::Value => stray_param = true,
                    Class::Artifact => stray_input = true,
                    Class::Unknown => (stray_input, stray_param) = (true, true),
                }
                // What is passed can be wrong as well.
                self.column(&arg.value, frame, place.inside());
                continue;
            };
            let span = arg.value.span;
            match slot {
                Slot::Port(port) => {
                    if let Some(first) = given.port_spans[port].replace(span) {
                        self.given_twice(arg, &signature.ports[port].name, first);
                        sound = false;
                    }
                    let column = self.column(&arg.value, frame, place.inside());
                    let column = self.port(signature, port, column, span, Some(&arg.value), place);
                    sound &= column.is_some();
                    given.ports[port] = column;
                }
                Slot::Param(param) => {
                    if let Some(first) = given.param_spans[param].replace(arg.value.span) {
                        self.given_twice(arg, &signature.params[param].name, first);
                        sound = false;
                    }
                    let column = self.param(signature, param, &arg.value, frame, place);
                    sound &= column.is_some();
                    given.params[param] = column;
                }
            }
        }
        sound &= self.all_given(signature, call, &given, (stray_input, stray_param));
        sound.then_some(given)
    }

    fn slot(
        &mut self,
        signature: &Signature<'_>,
        call: &'a Call,
        arg: &'a Arg,
        given: &Arguments,
        frame: &Frame<'a>,
    ) -> Option<Slot> {
        let class = self.class(&arg.value, frame);
        let Some(name) = &arg.name else {
            let open = given.port_spans.iter().position(Option::is_none);
            // An input that is given by name further on leaves its place to a parameter.
            let named = |name: &str| {
                call.args.iter().any(|arg| arg.name.as_ref().is_some_and(|n| n.as_str() == name))
            };
            let is_required = |port: &Port| !port.optional && !port.many && !named(&port.name);
            let fits_empty = |port: &usize| match &arg.value.kind {
                ExprKind::None => signature.ports[*port].optional,
                ExprKind::List(items) => signature.ports[*port].many && items.is_empty(),
                _ => false,
            };
            let wants = open.filter(|port| is_required(&signature.ports[*port]) || fits_empty(port));
            let param = given.param_spans.iter().position(Option::is_none);
            return match (class, wants.or(open), param) {
                (Class::Value, _, Some(param)) if wants.is_none() => Some(Slot::Param(param)),
                (_, Some(port), _) => Some(Slot::Port(port)),
                (Class::Value, None, _) => {
                    let takes = counted(signature.params.len(), "parameter");
                    let message = format!("`{}` takes {takes}", signature.name);
                    let diagnostic = Diagnostic::error(arg.value.span, message).label("one too many");
                    self.problems.add(signature.hint(diagnostic));
                    None
                }
                (Class::Artifact, None, _) => {
                    self.too_many(signature, arg);
                    None
                }
                // It is told as what it is: an unknown name.
                (Class::Unknown, None, _) => None,
            };
        };
        if let Some(port) = signature.ports.iter().position(|port| port.name == name.as_str()) {
            return Some(Slot::Port(port));
        }
        if let Some(param) = signature.params.iter().position(|param| param.name == name.as_str()) {
            return Some(Slot::Param(param));
        }
        let what = if class == Class::Artifact { "input" } else { "parameter" };
        let message = format!("`{}` has no {what} `{name}`", signature.name);
        let ports = signature.ports.iter().map(|port| &*port.name);
        let known = signature.params.iter().map(|param| param.name.as_str()).chain(ports);
        let diagnostic = suggest(Diagnostic::error(name.span, message), name.as_str(), known);
        self.problems.add(signature.hint(diagnostic));
        None
    }

    fn too_many(&mut self, signature: &Signature<'_>, arg: &Arg) {
        let message = format!("`{}` takes {}", signature.name, counted(signature.ports.len(), "input"));
        let diagnostic = Diagnostic::error(arg.value.span, message).label("one too many");
        self.problems.add(match signature.ports.iter().find(|port| port.many) {
            Some(port) => diagnostic.hint(format!("write a list for its `{}`: `[a, b]`", port.name)),
            None => signature.hint(diagnostic),
        });
    }

    fn given_twice(&mut self, arg: &Arg, name: &str, first: Span) {
        let span = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
        let diagnostic = Diagnostic::error(span, format!("`{name}` is given twice"));
        self.problems.add(diagnostic.related(first, "given here first"));
    }

    /// An artifact for a port, of the right kind and number; `None` after telling what is wrong with it.
    fn port(
        &mut self,
        signature: &Signature<'_>,
        port: usize,
        column: Column,
        span: Span,
        expr: Option<&Expr>,
        place: Place<'_>,
    ) -> Option<Column> {
        let port = &signature.ports[port];
        let (name, kind) = (signature.name, &port.kind);
        match &column.data {
            Data::Poison => return None,
            Data::Values(values) => {
                if (port.optional || port.many) && column.is_none()
                    || port.many && !values.is_empty() && values.iter().all(|v| *v == Value::List(Vec::new()))
                {
                    return Some(column);
                }
                let found = match values.first() {
                    Some(value) => crate::eval::described(value),
                    None => "a value".to_owned(),
                };
                let of_kind = if *kind == Kind::ANY { String::new() } else { format!(" of kind `{kind}`") };
                let message =
                    format!("`{name}` takes an artifact{of_kind} as its `{}`, found {found}", port.name);
                self.problems.add(signature.hint(Diagnostic::error(span, message)));
                return None;
            }
            Data::Lists(_) if !port.many => {
                let wants = format!("`{name}` takes one artifact as its `{}`", port.name);
                self.refuse_family(&column, &wants, span, place.space, expr);
                return None;
            }
            Data::Arts(_) if !port.many && !column.family_axes(place.space).is_empty() => {
                let wants = format!("`{name}` takes one artifact as its `{}`", port.name);
                self.refuse_family(&column, &wants, span, place.space, expr);
                return None;
            }
            Data::Arts(arts) => {
                if !port.optional && !port.many && arts.cells.iter().any(|art| art.is_none()) {
                    let message = format!("`{name}` needs its `{}`, which can be `none` here", port.name);
                    self.problems.add(Diagnostic::error(span, message));
                    return None;
                }
            }
            Data::Lists(_) => {}
        }
        for shape in column.shapes() {
            let shape = self.shapes.get(*shape);
            if shape.is_open() || kind.takes(&shape.kind) {
                continue;
            }
            let article = if port.many { "artifacts" } else { "an artifact" };
            let message = format!(
                "`{name}` takes {article} of kind `{kind}` as its `{}`, found `{}`",
                port.name, shape.kind
            );
            let diagnostic = Diagnostic::error(span, message);
            let parts = shape.whole().map_or(&[][..], |spec| spec.parts.as_slice());
            let part = parts.iter().find(|part| kind.takes(&part.kind));
            let text = self.sources.get(span.file).map_or("", |source| source.slice(span));
            self.problems.add(match part {
                Some(part) => diagnostic.hint(format!("its part `{text}.{}` is of that kind", part.name)),
                None => signature.hint(diagnostic),
            });
            return None;
        }
        Some(column)
    }

    /// The checked values of a parameter; `None` after telling what is wrong with one.
    fn param(
        &mut self,
        signature: &Signature<'_>,
        param: usize,
        value: &'a Expr,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Option<Column> {
        let spec = &signature.params[param];
        if self.class(value, frame) == Class::Artifact {
            let makes = matches!(value.kind, ExprKind::Call(_) | ExprKind::Arrow { .. });
            if makes || !self.column(value, frame, Place { naming: None, ..place.inside() }).is_poison() {
                let message = format!(
                    "parameter `{}` of `{}` is a value (`{}`), found an artifact",
                    spec.name, signature.name, spec.ty
                );
                self.problems.add(signature.hint(Diagnostic::error(value.span, message)));
            }
            return None;
        }
        let column = self.values(value, frame, place)?;
        let Data::Values(values) = &column.data else { return None };
        let folder = self.modules[frame.module].folder.as_path();
        let subject = || format!("parameter `{}` of `{}`", spec.name, signature.name);
        let mut checked = Vec::with_capacity(values.len());
        for (cell, value_here) in values.iter().enumerate() {
            match check(spec, value_here.clone(), Some(folder), value.span, &subject) {
                Ok(value) => checked.push(value),
                Err(diagnostic) => {
                    self.problems.add(self.with_cell(*diagnostic, &column.domain, cell));
                    return None;
                }
            }
        }
        Some(Column::values(column.domain, checked))
    }

    fn all_given(
        &mut self,
        signature: &Signature<'_>,
        call: &Call,
        given: &Arguments,
        (stray_input, stray_param): (bool, bool),
    ) -> bool {
        let span = call.callee.span();
        let mut sound = true;
        for (port, given) in signature.ports.iter().zip(&given.port_spans) {
            if given.is_none() && !stray_input && !port.optional && !port.many {
                let message =
                    format!("`{}` needs its input `{}` of kind `{}`", signature.name, port.name, port.kind);
                self.problems.add(signature.hint(Diagnostic::error(span, message)));
                sound = false;
            }
        }
        for (param, given) in signature.params.iter().zip(&given.param_spans) {
            if given.is_none() && !stray_param && param.default.is_none() {
                let message =
                    format!("`{}` needs its parameter `{}` (`{}`)", signature.name, param.name, param.ty);
                self.problems.add(signature.hint(Diagnostic::error(span, message)));
                sound = false;
            }
        }
        sound
    }
}

fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
