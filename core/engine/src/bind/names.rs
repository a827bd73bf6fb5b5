//! What names stand for, and what to say of those that stand for nothing.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use runpipe_grammar::ast::{Expr, ExprKind, Ident, Import, Item, Profile, Stmt};
use runpipe_grammar::{Diagnostic, Span};

use super::annotations::HintColumns;
use super::{Binder, FnInfo};
use crate::expand::Column;
use crate::pipeline::StageEntry;
use crate::problems::suggest;
use crate::{functions, load, settings};

/// What a name of a value or an artifact stands for.
pub(crate) struct Bound {
    pub(crate) column: Column,
    pub(crate) span: Span,
    pub(crate) used: Cell<bool>,
    /// Its loop is over: where that ran over nothing, there is none of it.
    pub(crate) escaped: Cell<bool>,
    /// How messages call it: `parameter`, `binding`, `input`, `index`.
    pub(crate) what: &'static str,
}

impl Bound {
    pub(crate) fn new(column: Column, span: Span, what: &'static str) -> Self {
        Self { column, span, used: Cell::new(false), escaped: Cell::new(false), what }
    }
}

/// What a name of a file stands for beside its values.
#[derive(Clone)]
pub(crate) enum Decl<'a> {
    Import(usize, Span),
    Fn(Rc<FnInfo<'a>>, Span),
    Stage(Arc<StageEntry>, Span),
    /// Told already.
    Broken(Span),
}

impl Decl<'_> {
    fn span(&self) -> Span {
        match self {
            Self::Import(_, span) | Self::Fn(_, span) | Self::Stage(_, span) | Self::Broken(span) => *span,
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Import(..) => "an import",
            Self::Fn(..) => "a `fn`",
            Self::Stage(..) | Self::Broken(_) => "a stage",
        }
    }
}

/// The names of a file, or of one call of a `fn`.
pub(crate) struct Frame<'a> {
    pub(crate) module: usize,
    pub(crate) names: HashMap<&'a str, Bound>,
    /// The call of a `fn`: what is in front of its nodes' names, and the body's result.
    pub(crate) call: Option<(Arc<str>, Rc<FnInfo<'a>>)>,
    /// The bindings so far, in order.
    pub(crate) order: Vec<&'a str>,
    /// Annotations of the call, for all its nodes.
    pub(crate) hints: Option<Rc<HintColumns>>,
    /// How many calls of `fn`s are around.
    pub(crate) depth: usize,
}

impl Frame<'_> {
    pub(crate) fn file(module: usize) -> Self {
        Self { module, names: HashMap::new(), order: Vec::new(), call: None, hints: None, depth: 0 }
    }
}

impl<'a> Binder<'a> {
    /// What a name stands for; poison after telling that it stands for nothing.
    pub(crate) fn name(&mut self, name: &str, span: Span, frame: &Frame<'a>) -> Column {
        let found = frame.names.get(name).or_else(|| self.params[frame.module].get(name));
        if let Some(bound) = found {
            bound.used.set(true);
            return bound.column.clone();
        }
        let diagnostic = self.unknown(name, span, frame);
        self.problems.add(diagnostic);
        Column::poison()
    }

    /// The column of a name, without a word if there is none.
    pub(crate) fn peek<'f>(&'f self, name: &str, frame: &'f Frame<'a>) -> Option<&'f Column> {
        frame.names.get(name).or_else(|| self.params[frame.module].get(name)).map(|bound| &bound.column)
    }

    /// Says that a name stands for nothing, and what may have been meant.
    fn unknown(&self, name: &str, span: Span, frame: &Frame<'a>) -> Diagnostic {
        if let Some(decl) = self.decls[frame.module].get(name) {
            let diagnostic = Diagnostic::error(
                span,
                format!("`{name}` is {}, expected a value or an artifact", decl.what()),
            );
            return match decl {
                Decl::Import(..) => diagnostic.hint(format!("call what it brings: `{name}.name(…)`")),
                _ => diagnostic.hint(format!("call it: `{name}(…)`")),
            };
        }
        let body: &[Stmt] = frame.call.as_ref().map_or(&[], |(_, info)| &info.def.body);
        let items = &self.modules[frame.module].file.items;
        let own = if frame.call.is_some() { bound_in(body, name) } else { bound_in_file(items, name) };
        if own.is_some_and(|at| at.start < span.start) {
            return Diagnostic::error(span, format!("`{name}` is used in its own binding"));
        }
        if let Some(later) = own {
            return Diagnostic::error(span, format!("`{name}` is used before it is bound"))
                .related(later, "bound here")
                .hint("move its binding up");
        }
        if let Some(outer) = frame.call.as_ref().and_then(|_| bound_in_file(items, name)) {
            return Diagnostic::error(span, format!("a `fn` does not see the file's `{name}`"))
                .related(outer, "bound here")
                .hint("make it an input or a parameter of the `fn`");
        }
        let diagnostic = Diagnostic::error(span, format!("nothing is named `{name}`"));
        if self.axes.0.iter().any(|axis| *axis.name == *name) {
            return diagnostic.label("known only inside its loop");
        }
        let group = format!("{name}.");
        if let Some(stage) = self.registry.stage_names().find(|stage| stage.starts_with(&group)) {
            return diagnostic
                .label("a group of stages")
                .hint(format!("call one of them, such as `{stage}(…)`"));
        }
        suggest(diagnostic, name, self.visible(frame))
    }

    /// All names of values and artifacts, in order.
    fn visible<'f>(&'f self, frame: &'f Frame<'a>) -> Vec<&'a str> {
        let mut names: Vec<&str> =
            frame.names.keys().chain(self.params[frame.module].keys()).copied().collect();
        names.sort_unstable();
        names
    }

    /// Binds a name in a frame unless it is taken.
    pub(crate) fn bind(
        &mut self,
        name: &'a Ident,
        column: Column,
        what: &'static str,
        frame: &mut Frame<'a>,
    ) {
        if self.is_free(name, frame) {
            if frame.call.is_none() {
                self.file_names.insert(name.as_str(), name.span);
            }
            frame.order.push(name.as_str());
            frame.names.insert(name.as_str(), Bound::new(column, name.span, what));
        }
    }

    /// Whether a name may be bound; tells of the one that has it.
    pub(crate) fn is_free(&mut self, name: &Ident, frame: &Frame<'a>) -> bool {
        let mut taken = frame.names.get(name.as_str()).map(|bound| bound.span);
        if frame.call.is_none() {
            let param = self.params[frame.module].get(name.as_str()).map(|bound| bound.span);
            let decl = self.decls[frame.module].get(name.as_str()).map(Decl::span);
            taken = taken.or(param).or(decl);
        }
        if let Some(first) = taken {
            self.taken(name, first);
        }
        taken.is_none()
    }

    pub(super) fn taken(&mut self, name: &Ident, first: Span) {
        self.problems.add(
            Diagnostic::error(name.span, format!("`{name}` is bound twice"))
                .related(first, "bound here first")
                .hint("a name is bound once; choose another"),
        );
    }

    /// Whether a `fn`, a stage or an import may have this name; tells why not.
    pub(crate) fn declare(&mut self, name: &'a Ident, what: &str, module: usize) -> bool {
        if functions::named(name.as_str()).is_some() {
            let message = format!("{what} `{name}` has the name of a function on values");
            self.problems.add(Diagnostic::error(name.span, message).hint("choose another name"));
            return false;
        }
        let param = self.params[module].get(name.as_str()).map(|bound| bound.span);
        let decl = self.decls[module].get(name.as_str()).map(Decl::span);
        let binding = self.file_names.get(name.as_str()).filter(|_| module + 1 == self.modules.len());
        if let Some(first) = param.or(decl).or(binding.copied()) {
            self.taken(name, first);
            return false;
        }
        true
    }

    pub(super) fn import(&mut self, import: &'a Import, target: Option<usize>, module: usize) {
        let stem = load::stem(&import.path.value);
        let (name, span): (&'a str, Span) = match &import.alias {
            Some(alias) => (alias.as_str(), alias.span),
            None => (stem, import.path.span),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            let message = format!("`{name}` cannot be a name");
            let diagnostic = Diagnostic::error(span, message)
                .hint(format!("write `import \"{}\" as …`", import.path.value));
            self.problems.add(diagnostic);
            return;
        }
        let group = format!("{name}.");
        if let Some(stage) = self.registry.stage_names().find(|stage| stage.starts_with(&group)) {
            let message = format!("the import `{name}` hides the stages `{name}.…`, such as `{stage}`");
            let hint = format!("write `import \"{}\" as …` with another name", import.path.value);
            self.problems.add(Diagnostic::error(span, message).hint(hint));
        }
        let param = self.params[module].get(name).map(|bound| bound.span);
        let decl = self.decls[module].get(name).map(Decl::span);
        let binding = self.file_names.get(name).filter(|_| module + 1 == self.modules.len());
        if let Some(first) = param.or(decl).or(binding.copied()) {
            let message = format!("`{name}` is bound twice");
            let hint = format!("write `import \"{}\" as …` with another name", import.path.value);
            self.problems.add(Diagnostic::error(span, message).related(first, "bound here first").hint(hint));
            return;
        }
        let decl = target.map_or(Decl::Broken(span), |target| Decl::Import(target, span));
        self.decls[module].insert(name, decl);
    }

    /// Checks a profile's names, whether or not it is chosen.
    pub(super) fn profile(&mut self, profile: &'a Profile, module: usize) {
        let items = &self.modules[module].file.items;
        let params: Vec<&str> = items
            .iter()
            .filter_map(|item| if let Item::Param(param) = item { Some(param.name.as_str()) } else { None })
            .collect();
        let same = items.iter().find_map(|item| match item {
            Item::Profile(other) if other.name.name == profile.name.name => Some(other.name.span),
            _ => None,
        });
        if let Some(first) = same.filter(|first| *first != profile.name.span) {
            self.taken(&profile.name, first);
        }
        self.refuse_twice(profile.settings.iter().map(|setting| &setting.name), "setting");
        for setting in &profile.settings {
            let name = setting.name.as_str();
            if params.contains(&name) {
                continue;
            }
            if name == "device" {
                settings::device(&setting.value, &mut self.problems);
                continue;
            }
            let diagnostic =
                Diagnostic::error(setting.name.span, format!("the file has no parameter `{name}`"));
            let known = params.iter().copied().chain(["device"]);
            self.problems.add(suggest(diagnostic, name, known));
        }
    }

    /// Tells of names that stand twice in a list of them; whether there are any.
    pub(crate) fn refuse_twice<'n>(&mut self, names: impl Iterator<Item = &'n Ident>, what: &str) -> bool {
        let errors = self.problems.errors();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for name in names {
            if let Some(first) = seen.get(name.as_str()) {
                self.problems.add(
                    Diagnostic::error(name.span, format!("{what} `{name}` stands twice"))
                        .related(*first, "here first"),
                );
            } else {
                seen.insert(name.as_str(), name.span);
            }
        }
        self.problems.errors() > errors
    }

    /// Warns of parameters of the file that nothing uses.
    pub(super) fn warn_unused_params(&mut self, module: usize) {
        if self.problems.errors() > 0 {
            return;
        }
        let mut unused: Vec<(&str, Span)> = self.params[module]
            .iter()
            .filter(|(name, bound)| !bound.used.get() && !bound.column.is_poison() && !name.starts_with('_'))
            .map(|(name, bound)| (*name, bound.span))
            .collect();
        unused.sort_by_key(|(_, span)| *span);
        for (name, span) in unused {
            self.problems.add(Diagnostic::warning(span, format!("parameter `{name}` is used by nothing")));
        }
    }

    /// Warns of what was bound and never used.
    pub(crate) fn warn_unused(&mut self, frame: &Frame<'a>) {
        if self.problems.errors() > 0 {
            return;
        }
        let unused = |(name, bound): &(&&str, &Bound)| {
            !bound.used.get()
                && !bound.column.is_poison()
                && !name.starts_with('_')
                && bound.what == "binding"
        };
        let mut found: Vec<(&str, Span)> =
            frame.names.iter().filter(unused).map(|(name, bound)| (*name, bound.span)).collect();
        found.sort_by_key(|(_, span)| *span);
        for (name, span) in found {
            let message = match frame.call {
                None => format!("`{name}` is used by nothing, and by no report"),
                Some((_, ref info)) => format!("`{name}` is used by nothing in `{}`", info.def.name),
            };
            let hint = format!("if that is meant, name it `_{name}`");
            self.problems.add(Diagnostic::warning(span, message).hint(hint));
        }
    }
}

/// The dotted name that an expression is, if it is one.
pub(crate) fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Field { base, field } => Some(format!("{}.{field}", dotted(base)?)),
        _ => None,
    }
}

fn bound_in_file(items: &[Item], name: &str) -> Option<Span> {
    items.iter().find_map(|item| match item {
        Item::Stmt(stmt) => bound_in(std::slice::from_ref(stmt), name),
        Item::Param(param) if param.name.as_str() == name => Some(param.name.span),
        _ => None,
    })
}

/// Where a name is bound in statements and the loops among them.
fn bound_in(stmts: &[Stmt], name: &str) -> Option<Span> {
    stmts.iter().find_map(|stmt| match stmt {
        Stmt::Binding(binding) => (binding.name.as_str() == name).then_some(binding.name.span),
        Stmt::For(block) => bound_in(&block.body, name),
    })
}
