//! Command stages: `stage … { run "…" }`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use runpipe_base::{Digest, Kind, MetricSpec, PartSpec, Port, Spec};
use runpipe_grammar::ast::{self, Doc, ExprKind, Item, StageDef, StrPart};
use runpipe_grammar::{Diagnostic, nearest};

use super::Binder;
use super::names::Decl;
use crate::load;
use crate::pipeline::{CommandStage, Piece, StageCode, StageEntry};
use crate::problems::suggest;

/// The folder that a command fills, as a name in its text.
const OUT: &str = "out";

impl<'a> Binder<'a> {
    pub(super) fn stage_def(&mut self, def: &'a StageDef, module: usize) {
        for port in &def.ports {
            self.port_kind(&port.kind);
        }
        let inputs = def.ports.iter().map(|port| &port.name);
        let mut broken =
            self.refuse_twice(inputs.chain(def.params().map(|param| &param.name)), "input or parameter");
        self.refuse_twice(def.parts().map(|part| &part.name), "part");
        self.refuse_twice(def.metrics().map(|metric| &metric.name), "metric");
        for name in def.ports.iter().map(|port| &port.name).chain(def.params().map(|param| &param.name)) {
            if name.as_str() == OUT {
                let message = "`out` is the folder that the command fills";
                self.problems.add(Diagnostic::error(name.span, message).hint("choose another name"));
                broken = true;
            }
        }
        let schema = self.param_specs(def.params(), module);
        let command = if broken { None } else { self.command(def) };
        let needs = self.needs(def, module);
        if !self.declare(&def.name, "stage", module) {
            return;
        }
        let (Some(schema), Some(command), Some(needs)) = (schema, command, needs) else {
            self.decls[module].insert(def.name.as_str(), Decl::Broken(def.name.span));
            return;
        };
        let code = Digest::of(format!("{command:?}").as_bytes()).hex();
        let mut spec = Spec::new(def.name.as_str(), &code, "any", &words(def.doc.as_ref()));
        spec.inputs = def.ports.iter().map(port).collect();
        spec.output = Kind::named(&*def.output.name);
        let part = |part: &ast::PartDef| PartSpec {
            name: Cow::Owned(part.name.as_str().to_owned()),
            kind: Kind::named(&*part.kind.name),
            doc: Cow::Owned(words(part.doc.as_ref())),
        };
        spec.parts = def.parts().map(part).collect();
        let metric = |metric: &ast::MetricDef| MetricSpec {
            name: Cow::Owned(metric.name.as_str().to_owned()),
            doc: Cow::Owned(words(metric.doc.as_ref())),
            series: false,
        };
        spec.metrics = def.metrics().map(metric).collect();
        let code = StageCode::Command(CommandStage { command, needs });
        let entry = Arc::new(StageEntry { spec, schema, code });
        self.decls[module].insert(def.name.as_str(), Decl::Stage(entry, def.name.span));
    }

    /// The command, cut at its interpolations.
    fn command(&mut self, def: &StageDef) -> Option<Vec<Piece>> {
        let template = def.command();
        let (mut pieces, mut sound) = (Vec::new(), true);
        let ports: Vec<&str> = def.ports.iter().map(|port| port.name.as_str()).collect();
        let params: Vec<&str> = def.params().map(|param| param.name.as_str()).collect();
        for part in &template.parts {
            let expr = match part {
                StrPart::Text(text) => {
                    pieces.push(Piece::Text(text.to_string()));
                    continue;
                }
                StrPart::Expr(expr) => expr,
            };
            let ExprKind::Name(name) = &expr.kind else {
                let message = "a command interpolates inputs, parameters and `out`, found an expression";
                let hint = "compute the value where the stage is called, or write `{{` for a brace";
                self.problems.add(Diagnostic::error(expr.span, message).hint(hint));
                sound = false;
                continue;
            };
            let name: &str = name;
            if ports.contains(&name) {
                pieces.push(Piece::Port(name.to_owned()));
            } else if params.contains(&name) {
                pieces.push(Piece::Param(name.to_owned()));
            } else if name == OUT {
                pieces.push(Piece::Out);
            } else {
                let message = format!("stage `{}` has no input or parameter `{name}`", def.name);
                let known = ports.iter().chain(&params).copied().chain([OUT]);
                let diagnostic = suggest(Diagnostic::error(expr.span, message), name, known);
                self.problems.add(diagnostic.hint("write `{{` and `}}` for braces"));
                sound = false;
            }
        }
        if !pieces.contains(&Piece::Out) && sound {
            let message = format!("the command of `{}` does not name `{{out}}`", def.name);
            let hint = "its result is what it leaves in the folder `{out}`";
            self.problems.add(Diagnostic::error(template.span, message).hint(hint));
            sound = false;
        }
        if sound {
            for port in
                def.ports.iter().filter(|port| !pieces.contains(&Piece::Port(port.name.as_str().to_owned())))
            {
                let message = format!("input `{}` is not in the command of `{}`", port.name, def.name);
                self.problems.add(Diagnostic::warning(port.name.span, message));
            }
            for param in
                def.params().filter(|param| !pieces.contains(&Piece::Param(param.name.as_str().to_owned())))
            {
                let message = format!("parameter `{}` is not in the command of `{}`", param.name, def.name);
                self.problems.add(Diagnostic::warning(param.name.span, message));
            }
        }
        sound.then_some(pieces)
    }

    /// The files that a command needs: as written, and from where the process stands.
    fn needs(&mut self, def: &StageDef, module: usize) -> Option<Vec<(String, String)>> {
        let (mut needs, mut sound) = (Vec::new(), true);
        for file in def.needs() {
            let path = load::join(&self.modules[module].folder, &file.value);
            let inside = std::path::Path::new(&*file.value)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
            if !inside || file.value.is_empty() {
                let message = format!("`{}` is not inside the folder of the `.pipe` file", file.value);
                let hint =
                    "a command sees what it needs at the same relative place: no `..` and no absolute path";
                self.problems.add(Diagnostic::error(file.span, message).hint(hint));
                sound = false;
            } else if !path.exists() {
                self.problems.add(load::missing(&path).at(file.span));
                sound = false;
            }
            needs.push((file.value.to_string(), path.to_string_lossy().into_owned()));
        }
        sound.then_some(needs)
    }

    /// Warns of an input's kind that nothing makes.
    pub(super) fn port_kind(&mut self, kind: &ast::Kind) {
        if self.kinds.is_none() {
            self.kinds = Some(self.known_kinds());
        }
        let known = self.kinds.as_ref().expect("it was filled above");
        if known.contains(&*kind.name) {
            return;
        }
        let diagnostic =
            Diagnostic::warning(kind.span, format!("nothing makes an artifact of kind `{}`", kind.name));
        let near = nearest(&kind.name, known.iter().map(String::as_str)).map(str::to_owned);
        self.problems.add(match near {
            Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }

    fn known_kinds(&self) -> BTreeSet<String> {
        let mut kinds: BTreeSet<String> = self.registry.kinds().map(|kind| kind.name.to_owned()).collect();
        for name in self.registry.stage_names() {
            let Some((_, spec, _)) = self.registry.stage(name) else { continue };
            kinds.insert(spec.output.as_str().to_owned());
            kinds.extend(spec.inputs.iter().map(|port| port.kind.as_str().to_owned()));
            kinds.extend(spec.parts.iter().map(|part| part.kind.as_str().to_owned()));
        }
        for item in self.modules.iter().flat_map(|module| &module.file.items) {
            if let Item::Stage(def) = item {
                kinds.insert(def.output.name.to_string());
                kinds.extend(def.parts().map(|part| part.kind.name.to_string()));
            }
        }
        kinds.insert(Kind::ANY.as_str().to_owned());
        kinds
    }
}

/// A port as stages have it.
pub(super) fn port(port: &ast::Port) -> Port {
    Port {
        name: Cow::Owned(port.name.as_str().to_owned()),
        kind: Kind::named(&*port.kind.name),
        many: port.many,
        optional: false,
        doc: Cow::Owned(words(port.doc.as_ref())),
    }
}

fn words(doc: Option<&Doc>) -> String {
    doc.map(|doc| doc.text.replace('\n', " ")).unwrap_or_default()
}
