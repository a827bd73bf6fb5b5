//! What a call calls.

use std::rc::Rc;
use std::sync::Arc;

use runpipe_grammar::ast::{Call, Ident, Item, Path};
use runpipe_grammar::{Diagnostic, Span, nearest};

use super::arguments::Signature;
use super::names::{Decl, Frame};
use super::{Binder, FnInfo};
use crate::expand::{Column, Place};
use crate::functions::FUNCTIONS;
use crate::pipeline::{StageCode, StageEntry};
use crate::problems::suggest;

/// What can be called and makes artifacts.
enum Callee<'a> {
    Stage(Arc<StageEntry>),
    Fn(Rc<FnInfo<'a>>),
}

impl<'a> Binder<'a> {
    /// The artifacts that a call makes; `input` came over an arrow.
    pub(crate) fn call(
        &mut self,
        call: &'a Call,
        input: Option<(Column, Span)>,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Column {
        let Some(callee) = self.callee(&call.callee, frame) else {
            // What is passed can be wrong as well.
            for arg in &call.args {
                self.column(&arg.value, frame, place.inside());
            }
            return Column::poison();
        };
        match callee {
            Callee::Stage(stage) => {
                let signature = Signature::of_stage(&stage);
                match self.arguments(&signature, call, input, frame, place) {
                    Some(given) => self.stage_call(&stage, &given, call, frame, place),
                    None => Column::poison(),
                }
            }
            Callee::Fn(info) => {
                let name = Self::written(&call.callee);
                let signature =
                    Signature { name: &name, ports: &info.ports, params: &info.params, builtin: false };
                match self.arguments(&signature, call, input, frame, place) {
                    Some(given) => self.fn_call(&info, given, call.span, place, frame),
                    None => Column::poison(),
                }
            }
        }
    }

    /// Whether a call is one of a stage or a `fn`; tells if it is of nothing.
    pub(crate) fn is_callable(&mut self, call: &'a Call, frame: &Frame<'a>) -> bool {
        self.callee(&call.callee, frame).is_some()
    }

    /// A `fn` or stage of an import, as a dotted name.
    pub(crate) fn is_member(&self, name: &str, frame: &Frame<'a>) -> bool {
        let Some((import, member)) = name.split_once('.') else { return false };
        let Some(Decl::Import(target, _)) = self.decls[frame.module].get(import) else { return false };
        matches!(self.decls[*target].get(member), Some(Decl::Fn(..) | Decl::Stage(..)))
    }

    fn callee(&mut self, path: &'a Path, frame: &Frame<'a>) -> Option<Callee<'a>> {
        let module = frame.module;
        match path.segments.as_slice() {
            [name] => match self.decls[module].get(name.as_str()) {
                Some(Decl::Fn(info, _)) => return Some(Callee::Fn(Rc::clone(info))),
                Some(Decl::Stage(stage, _)) => return Some(Callee::Stage(Arc::clone(stage))),
                Some(Decl::Broken(_)) => return None,
                Some(Decl::Import(target, _)) => {
                    let target = *target;
                    let members = self.members(target);
                    let diagnostic =
                        Diagnostic::error(name.span, format!("`{name}` is an import and cannot be called"));
                    self.problems.add(match members.first() {
                        Some(member) => {
                            diagnostic.hint(format!("call what it brings, such as `{name}.{member}(…)`"))
                        }
                        None => diagnostic.hint("the file brings no `fn` and no stage"),
                    });
                    return None;
                }
                None => {}
            },
            [import, name] => match self.decls[module].get(import.as_str()) {
                Some(Decl::Import(target, _)) => {
                    let target = *target;
                    match self.decls[target].get(name.as_str()) {
                        Some(Decl::Fn(info, _)) => return Some(Callee::Fn(Rc::clone(info))),
                        Some(Decl::Stage(stage, _)) => return Some(Callee::Stage(Arc::clone(stage))),
                        Some(Decl::Broken(_)) => return None,
                        Some(Decl::Import(..)) | None => {}
                    }
                    let members = self.members(target);
                    let message = format!("the import `{import}` has no `fn` and no stage `{name}`");
                    let diagnostic = Diagnostic::error(name.span, message);
                    let diagnostic = suggest(diagnostic, name.as_str(), members.iter().copied());
                    self.problems.add(if members.is_empty() {
                        diagnostic
                    } else {
                        diagnostic.hint(format!("it has `{}`", members.join("`, `")))
                    });
                    return None;
                }
                Some(Decl::Broken(_)) => return None,
                _ => {}
            },
            _ => {}
        }
        let name = Self::written(path);
        let stage = self.registry_stage(&name);
        if stage.is_none() {
            let diagnostic = self.no_stage(&name, path, frame);
            self.problems.add(diagnostic);
        }
        stage.map(Callee::Stage)
    }

    /// A dotted name as written.
    fn written(path: &Path) -> String {
        match path.segments.as_slice() {
            [name] => name.as_str().to_owned(),
            segments => segments.iter().map(Ident::as_str).collect::<Vec<_>>().join("."),
        }
    }

    fn registry_stage(&mut self, name: &str) -> Option<Arc<StageEntry>> {
        if let Some(stage) = self.stages.get(name) {
            return Some(Arc::clone(stage));
        }
        let (code, spec, schema) = self.registry.stage(name)?;
        let entry =
            StageEntry { spec: spec.clone(), schema: schema.to_vec(), code: StageCode::Builtin(code) };
        let entry = Arc::new(entry);
        self.stages.insert(name.to_owned(), Arc::clone(&entry));
        Some(entry)
    }

    /// The `fn`s and stages of a module, in order of their names.
    fn members(&self, module: usize) -> Vec<&'a str> {
        let callable = |(name, decl): (&&'a str, &Decl<'a>)| match decl {
            Decl::Fn(..) | Decl::Stage(..) => Some(*name),
            Decl::Import(..) | Decl::Broken(_) => None,
        };
        let mut members: Vec<&str> = self.decls[module].iter().filter_map(callable).collect();
        members.sort_unstable();
        members
    }

    fn no_stage(&self, name: &str, path: &Path, frame: &Frame<'a>) -> Diagnostic {
        let span = path.span();
        if let Some((_, info)) = frame.call.as_ref().filter(|(_, info)| info.def.name.as_str() == name) {
            return Diagnostic::error(span, format!("`{name}` calls itself"))
                .related(info.def.name.span, "declared here")
                .hint("a `fn` stands for its body and cannot recurse; repeat with `for`");
        }
        if let Some(later) = self.declared_below(name, frame.module, span) {
            return Diagnostic::error(span, format!("`{name}` is used before it is declared"))
                .related(later, "declared here")
                .hint("move its declaration up");
        }
        if let [only] = path.segments.as_slice()
            && self.peek(only.as_str(), frame).is_some()
        {
            return Diagnostic::error(
                span,
                format!("`{name}` is a value or an artifact and cannot be called"),
            );
        }
        let diagnostic = Diagnostic::error(span, format!("there is no stage `{name}`"));
        let mut known: Vec<String> = self.registry.stage_names().map(str::to_owned).collect();
        known.extend(self.members(frame.module).into_iter().map(str::to_owned));
        known.extend(FUNCTIONS.iter().map(|function| function.name.to_owned()));
        let mut imports: Vec<(&str, usize)> = self.decls[frame.module]
            .iter()
            .filter_map(
                |(name, decl)| if let Decl::Import(target, _) = decl { Some((*name, *target)) } else { None },
            )
            .collect();
        imports.sort_unstable();
        for (import, target) in imports {
            known.extend(self.members(target).into_iter().map(|member| format!("{import}.{member}")));
        }
        let last = path.segments.last().map_or(name, Ident::as_str);
        let diagnostic = if let Some(near) = nearest(name, known.iter().map(String::as_str)) {
            diagnostic.label(format!("did you mean `{near}`?"))
        } else if let Some(same) = known.iter().find(|stage| stage.rsplit('.').next() == Some(last)) {
            diagnostic.label(format!("did you mean `{same}`?"))
        } else {
            diagnostic
        };
        diagnostic.hint("`runpipe stages list` lists all stages")
    }

    /// Where a `fn` or a stage is declared further down.
    fn declared_below(&self, name: &str, module: usize, used: Span) -> Option<Span> {
        self.modules[module].file.items.iter().find_map(|item| match item {
            Item::Fn(def) if def.name.as_str() == name && def.name.span.start > used.start => {
                Some(def.name.span)
            }
            Item::Stage(def) if def.name.as_str() == name && def.name.span.start > used.start => {
                Some(def.name.span)
            }
            _ => None,
        })
    }
}
