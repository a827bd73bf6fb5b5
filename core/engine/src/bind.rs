//! Syntax trees and a registry to a [`Pipeline`]: the last place for a user's mistake.
//!
//! One pass does all. A statement is bound once for all combinations of the loops around it, so that a mistake is told
//! once and a loop of 100,000 costs little more than its nodes. Where nothing is reached (an empty loop, the other
//! branch of an `if`, a `fn` that nobody calls) the same code runs over no combinations: it checks and makes nothing.
//! What is broken is bound to a poison that silences all that uses it.

pub(crate) mod annotations;
pub(crate) mod arguments;
mod callee;
mod check;
mod claim;
mod command;
mod describe;
pub(crate) mod names;
mod options;
mod params;
mod report;
mod stage_call;

pub use describe::{Listing, describe};

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use runpipe_base::{ParamSpec, Port, Record, Registry, ReportBlock};
use runpipe_grammar::ast::{FnDef, Item, Report, Stmt};
use runpipe_grammar::{Diagnostic, Sources, Span};

use self::names::{Bound, Decl, Frame};
use crate::eval::Fuel;
use crate::expand::{Axes, Column, Index, Shapes, Space};
use crate::load::{Loader, Module};
use crate::pipeline::{Hints, Node, Pipeline, StageEntry};
use crate::problems::Problems;
use crate::settings::{Overrides, Rejected, Settings};

/// Reads, checks and unrolls the pipeline in a file.
///
/// # Errors
/// Every mistake of the user's, each with its place: in the file, in what it imports, in the settings.
pub fn load(path: &Path, registry: &Registry, settings: &Settings) -> Result<Pipeline, Rejected> {
    let mut loader = Loader::default();
    let main = loader.main(path);
    let unread = loader.problems.errors() > 0;
    let mut overrides = Overrides::outer(settings, &mut loader);
    let Loader { modules, mut sources, mut problems, .. } = loader;
    let Some(main) = main.filter(|_| !unread) else {
        return Err(Rejected { diagnostics: problems.into_sorted(), sources });
    };
    let (file, folder) = (&modules[main].file, &modules[main].folder);
    overrides.add_profiles(&settings.profile, file, folder, &mut sources, &mut problems);
    let mut binder = Binder::new(registry, &modules, &sources, &overrides, problems);
    for module in 0..main {
        binder.module(module);
    }
    let reports = binder.main(main);
    let doc = file.doc.as_ref().map(|doc| doc.text.to_string()).unwrap_or_default();
    let profiles = describe::profiles(file);
    let Binder { problems, nodes, effective, specs, .. } = binder;
    let (errors, device) = (problems.errors(), overrides.device());
    let diagnostics = problems.into_sorted();
    if errors > 0 {
        return Err(Rejected { diagnostics, sources });
    }
    Ok(Pipeline {
        path: path.to_string_lossy().into_owned(),
        doc,
        params: effective,
        device,
        nodes,
        reports,
        sources,
        warnings: diagnostics,
        param_specs: specs,
        profiles,
    })
}

/// A `fn` with its types.
pub(crate) struct FnInfo<'a> {
    pub(crate) def: &'a FnDef,
    pub(crate) module: usize,
    pub(crate) ports: Vec<Port>,
    pub(crate) params: Vec<ParamSpec>,
    /// What it gives back, as far as that is known without a call.
    pub(crate) summary: OnceCell<Column>,
}

/// Everything that binding knows and has made.
pub(crate) struct Binder<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) modules: &'a [Module],
    pub(crate) sources: &'a Sources,
    overrides: &'a Overrides,
    pub(crate) problems: Problems,
    pub(crate) fuel: Fuel,
    pub(crate) axes: Axes,
    pub(crate) shapes: Shapes,
    pub(crate) nodes: Vec<Node>,
    /// Imports, `fn`s and stages of each module.
    decls: Vec<HashMap<&'a str, Decl<'a>>>,
    /// Parameters of each module.
    params: Vec<HashMap<&'a str, Bound>>,
    /// Bindings of the main file so far, to keep its names apart.
    file_names: HashMap<&'a str, Span>,
    /// Stages of the registry that were used.
    stages: HashMap<String, Arc<StageEntry>>,
    records: stage_call::Records,
    /// Parameters of the main file, as they are and as they are declared.
    effective: Record,
    specs: Vec<ParamSpec>,
    /// Kinds that something makes, once they were asked for.
    kinds: Option<BTreeSet<String>>,
    /// Parameters are listed and not used: none needs a value.
    only_list: bool,
    no_index: Index,
    no_hints: Arc<Hints>,
    /// Inputs of all nodes.
    edges: usize,
    /// Statements bound, each call of a `fn` counted.
    pub(crate) steps: usize,
    /// A limit was passed and told: nothing more is made.
    pub(crate) given_up: bool,
}

impl<'a> Binder<'a> {
    fn new(
        registry: &'a Registry,
        modules: &'a [Module],
        sources: &'a Sources,
        overrides: &'a Overrides,
        problems: Problems,
    ) -> Self {
        Self {
            registry,
            modules,
            sources,
            overrides,
            problems,
            fuel: Fuel::new(),
            axes: Axes::default(),
            shapes: Shapes::new(),
            nodes: Vec::new(),
            decls: modules.iter().map(|_| HashMap::new()).collect(),
            params: modules.iter().map(|_| HashMap::new()).collect(),
            file_names: HashMap::new(),
            stages: HashMap::new(),
            records: stage_call::Records::default(),
            effective: Record::new(),
            specs: Vec::new(),
            kinds: None,
            only_list: false,
            no_index: Vec::new().into(),
            no_hints: Arc::default(),
            edges: 0,
            steps: 0,
            given_up: false,
        }
    }

    /// What an imported file gives: its `fn`s and stages. Its bindings are its own.
    fn module(&mut self, module: usize) {
        let mut imports = 0;
        for item in &self.modules[module].file.items {
            self.declaration(item, module, false, &mut imports);
        }
    }

    /// The file itself.
    fn main(&mut self, module: usize) -> Vec<ReportBlock> {
        let (mut frame, space, mut imports) = (Frame::file(module), Space::unit(), 0);
        let mut reports: Vec<&'a Report> = Vec::new();
        for item in &self.modules[module].file.items {
            match item {
                Item::Stmt(Stmt::Binding(binding)) => self.binding(binding, &mut frame, &space),
                Item::Stmt(Stmt::For(block)) => self.for_loop(block, &mut frame, &space),
                Item::Report(report) => reports.push(report),
                item => self.declaration(item, module, true, &mut imports),
            }
        }
        self.unknown_overrides(module);
        let blocks: Vec<ReportBlock> = reports.iter().map(|report| self.report(report, &frame)).collect();
        let told = self.problems.errors() > 0;
        debug_assert!(
            told || frame.names.values().all(|bound| !bound.column.is_poison()),
            "a poison was told of"
        );
        let items = |reports: &mut dyn Iterator<Item = usize>| reports.sum::<usize>();
        let (written, kept) =
            (&mut reports.iter().map(|r| r.items.len()), &mut blocks.iter().map(|b| b.items.len()));
        debug_assert!(told || items(written) == items(kept), "what is left out of a report was told of");
        self.warn_unused_params(module);
        if !reports.is_empty() {
            self.warn_unused(&frame);
        }
        blocks
    }

    fn declaration(&mut self, item: &'a Item, module: usize, main: bool, imports: &mut usize) {
        match item {
            Item::Import(import) => {
                let target = self.modules[module].imports[*imports];
                *imports += 1;
                self.import(import, target, module);
            }
            Item::Param(param) => self.file_param(param, module, main),
            Item::Fn(def) => self.fn_def(def, module),
            Item::Stage(def) => self.stage_def(def, module),
            Item::Profile(profile) => self.profile(profile, module),
            Item::Stmt(_) | Item::Report(_) => {}
        }
    }

    /// Declares a `fn` and checks its body once, without a call.
    fn fn_def(&mut self, def: &'a FnDef, module: usize) {
        let mut ports: Vec<Port> = Vec::new();
        for port in &def.ports {
            self.port_kind(&port.kind);
            ports.push(command::port(port));
        }
        let params = self.param_specs(def.params.iter(), module);
        let names = def.ports.iter().map(|p| &p.name).chain(def.params.iter().map(|p| &p.name));
        let twice = self.refuse_twice(names, "input or parameter");
        if !self.declare(&def.name, "`fn`", module) {
            return;
        }
        let Some(params) = params.filter(|_| !twice) else {
            self.decls[module].insert(def.name.as_str(), Decl::Broken(def.name.span));
            return;
        };
        let info = Rc::new(FnInfo { def, module, ports, params, summary: OnceCell::new() });
        let summary = self.fn_check(&info);
        info.summary.get_or_init(|| summary);
        self.decls[module].insert(def.name.as_str(), Decl::Fn(info, def.name.span));
    }

    /// Tells of a limit that was passed; nothing more is made after it.
    pub(crate) fn give_up(&mut self, span: Span, message: &str) {
        if !self.given_up {
            self.given_up = true;
            self.problems.add(Diagnostic::error(span, message).label("given up here"));
        }
    }
}
