//! Parameters of files, `fn`s and command stages.

use runpipe_base::{Interval, ParamSpec, Type, Value};
use runpipe_grammar::Diagnostic;
use runpipe_grammar::ast::{Expr, ExprKind, Item, Param, TypeExpr, TypeKind};

use super::Binder;
use super::check::{bare, check};
use super::names::{Bound, Frame};
use crate::expand::{Column, Data, Place, Space};
use crate::problems::suggest;

impl<'a> Binder<'a> {
    /// A parameter of a file, with what was given for it.
    pub(super) fn file_param(&mut self, param: &'a Param, module: usize, main: bool) {
        if !self.is_free(&param.name, &Frame::file(module)) {
            return;
        }
        let binding = self.file_names.get(param.name.as_str()).filter(|_| main);
        if let Some(first) = binding.copied() {
            self.taken(&param.name, first);
            return;
        }
        let spec = self.param_spec(param, module);
        let value = spec
            .as_ref()
            .and_then(|spec| if main { self.given(param, spec, module) } else { self.fixed(param, spec) });
        if let (true, Some(spec)) = (main, &spec) {
            self.specs.push(spec.clone());
            if let Some(value) = &value {
                self.effective.insert(spec.name.clone(), value.clone());
            }
        }
        let column = value.map_or_else(Column::poison, Self::constant);
        self.params[module].insert(param.name.as_str(), Bound::new(column, param.name.span, "parameter"));
    }

    /// The value of a parameter of the main file.
    fn given(&mut self, param: &Param, spec: &ParamSpec, module: usize) -> Option<Value> {
        let overrides = self.overrides;
        let Some(given) = overrides.get(&spec.name) else {
            if spec.default.is_none() && param.default.is_none() && !self.only_list {
                let message = format!("parameter `{}` (`{}`) must be given", spec.name, spec.ty);
                let hint =
                    format!("write `--set {}=…`, or give it in a profile or a parameter file", spec.name);
                self.problems.add(Diagnostic::error(param.name.span, message).hint(hint));
            }
            return spec.default.clone();
        };
        let value = match given.profile() {
            Some(expr) => self.known_value(expr, module)?,
            None => match given.value(&spec.ty, &self.fuel) {
                Ok(value) => value,
                Err(stops) => {
                    for stop in stops {
                        self.problems.stop(stop);
                    }
                    return None;
                }
            },
        };
        match check(spec, value, given.folder.as_deref(), given.span, &|| {
            format!("parameter `{}`", spec.name)
        }) {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                let mut diagnostic = diagnostic.related(param.name.span, "declared here");
                if let (Type::List(_), Some(word)) = (bare(&spec.ty), given.bare_word()) {
                    diagnostic = diagnostic.hint(format!("write a list: `--set '{}=[{word}]'`", spec.name));
                }
                self.problems.add(diagnostic);
                None
            }
        }
    }

    /// The value of a parameter of an imported file.
    fn fixed(&mut self, param: &Param, spec: &ParamSpec) -> Option<Value> {
        if spec.default.is_none() && param.default.is_none() {
            let message = format!("parameter `{}` of an imported file has no default", spec.name);
            let hint = "give it a default, or make it a parameter of the `fn`s that use it";
            self.problems.add(Diagnostic::error(param.name.span, message).hint(hint));
        }
        spec.default.clone()
    }

    /// Tells of given parameters that the file does not have.
    pub(super) fn unknown_overrides(&mut self, module: usize) {
        let overrides = self.overrides;
        let items = &self.modules[module].file.items;
        let params: Vec<&str> = items
            .iter()
            .filter_map(|item| if let Item::Param(param) = item { Some(param.name.as_str()) } else { None })
            .collect();
        for given in overrides.all() {
            if params.contains(&given.name.as_str()) || given.profile().is_some() {
                continue;
            }
            let message = format!("the pipeline has no parameter `{}`", given.name);
            let diagnostic = Diagnostic::error(given.name_span, message);
            let diagnostic = suggest(diagnostic, &given.name, params.iter().copied());
            self.problems.add(if params.is_empty() {
                diagnostic.hint("the file declares no parameters")
            } else {
                diagnostic
            });
        }
    }

    /// The types of some parameters; those that are wrong are told and left out of what is checked.
    pub(super) fn param_specs(
        &mut self,
        params: impl Iterator<Item = &'a Param>,
        module: usize,
    ) -> Option<Vec<ParamSpec>> {
        let specs: Vec<Option<ParamSpec>> = params.map(|param| self.param_spec(param, module)).collect();
        specs.into_iter().collect()
    }

    /// Type, allowed numbers and default of a parameter; `None` after telling what is wrong.
    pub(super) fn param_spec(&mut self, param: &'a Param, module: usize) -> Option<ParamSpec> {
        let doc = param.doc.as_ref().map(|doc| doc.text.to_string()).unwrap_or_default();
        let mut spec = ParamSpec {
            name: param.name.as_str().to_owned(),
            ty: type_of(&param.ty),
            default: None,
            interval: None,
            allowed: Vec::new(),
            unit: None,
            doc,
        };
        if let Some(allowed) = &param.allowed {
            self.allowed(allowed, &mut spec, module)?;
        }
        if let Some(default) = &param.default {
            let value = self.known_value(default, module)?;
            let folder = &self.modules[module].folder;
            match check(&spec, value, Some(folder.as_path()), default.span, &|| {
                format!("parameter `{}`", param.name)
            }) {
                Ok(value) => spec.default = Some(value),
                Err(diagnostic) => {
                    self.problems.add(*diagnostic);
                    return None;
                }
            }
        }
        Some(spec)
    }

    /// What stands behind `in`: a range of numbers, or a list of values.
    fn allowed(&mut self, allowed: &'a Expr, spec: &mut ParamSpec, module: usize) -> Option<()> {
        if let ExprKind::Range { start, end, inclusive } = &allowed.kind {
            let (from, to) = (self.known_value(start, module)?, self.known_value(end, module)?);
            let takes = element(&spec.ty);
            let (Some(min), Some(max)) = (bound(&from, takes), bound(&to, takes)) else {
                let message = format!("`{from}..{to}` is no range of a `{}`", spec.ty);
                self.problems.add(Diagnostic::error(allowed.span, message));
                return None;
            };
            if min > max || (min >= max && !inclusive) {
                let message = format!("the range `{}` is empty", self.slice(allowed.span));
                self.problems.add(Diagnostic::error(allowed.span, message));
                return None;
            }
            spec.interval = Some(Interval { min, max, open: !inclusive });
            return Some(());
        }
        let value = self.known_value(allowed, module)?;
        match value {
            Value::Range { start, end } if *element(&spec.ty) == Type::Int => {
                spec.interval = Some(Interval { min: start as f64, max: end as f64, open: true });
                return Some(());
            }
            Value::List(items) if !items.is_empty() => {
                let takes = element(&spec.ty);
                let listed: Option<Vec<Value>> =
                    items.into_iter().map(|item| takes.coerce(item).ok()).collect();
                if let Some(listed) = listed {
                    match words(&listed) {
                        Some(words) => spec.ty = with_element(&spec.ty, Type::Choice(words)),
                        None => spec.allowed = listed,
                    }
                    return Some(());
                }
            }
            _ => {}
        }
        let message =
            format!("`in` takes a range of numbers, or a list of values that this `{}` can be", spec.ty);
        self.problems.add(Diagnostic::error(allowed.span, message));
        None
    }

    /// The value of an expression that may use the file's parameters above it and nothing else.
    pub(super) fn known_value(&mut self, expr: &'a Expr, module: usize) -> Option<Value> {
        let space = Space::unit();
        let column =
            self.values(expr, &Frame::file(module), Place { space: &space, naming: None, root: false })?;
        match &column.data {
            Data::Values(values) => values.first().cloned(),
            _ => None,
        }
    }
}

/// The type that a text names.
fn type_of(ty: &TypeExpr) -> Type {
    let kind = match &ty.kind {
        TypeKind::Int => Type::Int,
        TypeKind::Float => Type::Float,
        TypeKind::Str => Type::Str,
        TypeKind::Bool => Type::Bool,
        TypeKind::Path => Type::Path,
        TypeKind::Duration => Type::Duration,
        TypeKind::Size => Type::Size,
        TypeKind::Range => Type::Range,
        TypeKind::List(item) => Type::List(Box::new(type_of(item))),
        TypeKind::Choices(choices) => {
            Type::Choice(choices.iter().map(|choice| choice.value.to_string()).collect())
        }
    };
    if ty.optional { Type::Optional(Box::new(kind)) } else { kind }
}

/// The type of what a parameter holds, inside of lists and `?`.
fn element(ty: &Type) -> &Type {
    match ty {
        Type::List(item) | Type::Optional(item) => element(item),
        ty => ty,
    }
}

/// The values as words, when all are texts: they become a choice.
fn words(values: &[Value]) -> Option<Vec<String>> {
    values.iter().map(|value| if let Value::Str(word) = value { Some(word.clone()) } else { None }).collect()
}

fn with_element(ty: &Type, inner: Type) -> Type {
    match ty {
        Type::List(item) => Type::List(Box::new(with_element(item, inner))),
        Type::Optional(item) => Type::Optional(Box::new(with_element(item, inner))),
        _ => inner,
    }
}

/// An end of an interval: seconds for a duration, bytes for a size.
fn bound(value: &Value, ty: &Type) -> Option<f64> {
    match (value, ty) {
        (Value::Int(i), Type::Int | Type::Float) => Some(*i as f64),
        (Value::Float(x), Type::Float) => Some(*x),
        (Value::Duration(ms), Type::Duration) => Some(*ms as f64 / 1000.0),
        (Value::Size(bytes), Type::Size) => Some(*bytes as f64),
        _ => None,
    }
}
