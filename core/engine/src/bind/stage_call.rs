//! Calls of stages to nodes.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use runpipe_base::{ParamError, Record, Value};
use runpipe_grammar::Diagnostic;
use runpipe_grammar::ast::Call;

use super::Binder;
use super::annotations::HintColumns;
use super::arguments::Arguments;
use super::names::Frame;
use crate::expand::{Art, Column, Data, Domain, Feed, Gather, Place, hash_value, union};
use crate::pipeline::{Hints, Input, Node, NodeId, StageCode, StageEntry};

/// The most nodes of a pipeline.
const MAX_NODES: usize = 1_000_000;

/// The most inputs of all nodes together.
const MAX_EDGES: usize = 20_000_000;

/// Records of parameters, equal ones once.
#[derive(Default)]
pub(crate) struct Records {
    /// All defaults, by stage.
    defaults: HashMap<usize, Arc<Record>>,
    known: HashMap<(usize, u64), Vec<Arc<Record>>>,
}

impl Records {
    /// The record, shared; whether it is new.
    fn share(&mut self, stage: &Arc<StageEntry>, record: Record) -> (Arc<Record>, bool) {
        let mut hasher = DefaultHasher::new();
        for (name, value) in &record {
            name.hash(&mut hasher);
            hash_value(value, &mut hasher);
        }
        let known = self.known.entry((Arc::as_ptr(stage) as usize, hasher.finish())).or_default();
        // Equal and not merely `==`: `0.0` and `-0.0` are alike to a key, a NaN never gets here.
        if let Some(same) = known.iter().find(|known| ***known == record) {
            return (Arc::clone(same), false);
        }
        let record = Arc::new(record);
        known.push(Arc::clone(&record));
        (record, true)
    }
}

/// The parameters of a call: one record for each combination that they depend on.
struct Parameters {
    records: Vec<Arc<Record>>,
    domain: Rc<Domain>,
}

impl<'a> Binder<'a> {
    /// One node for each combination that the arguments depend on.
    pub(super) fn stage_call(
        &mut self,
        stage: &Arc<StageEntry>,
        given: &Arguments,
        call: &'a Call,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Column {
        let span = call.callee.span();
        let Some(naming) = self.naming(place, span) else { return Column::poison() };
        let shape = self.shapes.made(stage, &Arc::clone(&self.shapes.whole), &stage.spec.output);
        let columns = given.ports.iter().chain(&given.params).flatten();
        let guard = place.space.guard.to_vec();
        let axes = columns.fold(guard, |axes, column| union(&axes, &column.inner_axes(place.space)));
        let domain = place.space.project(&axes);
        if domain.len == 0 || self.given_up {
            return Column::arts(Domain::new(&axes, 0, Vec::new()), Vec::new(), vec![shape]);
        }
        let name = naming.at(place, &stage.spec.name);
        let Some(parameters) = self.parameters(stage, given, call, place) else { return Column::poison() };
        let record = Gather::new(&parameters.domain, &domain);
        let hints = naming.hints.as_ref().filter(|_| place.root).or(frame.hints.as_ref());
        let Some(hints) = self.hints(hints, &domain, &name) else { return Column::poison() };
        let ports: Vec<(u16, &Column)> = given
            .ports
            .iter()
            .enumerate()
            .filter_map(|(port, column)| Some((port as u16, column.as_ref()?)))
            .collect();
        let feeds: Vec<_> =
            ports.iter().map(|(port, column)| (*port, Feed::new(column, &domain, place.space))).collect();
        let mut cells = Vec::with_capacity(domain.len);
        for cell in 0..domain.len {
            if self.nodes.len() >= MAX_NODES {
                self.give_up(span, "the pipeline has more than 1,000,000 nodes");
                return Column::poison();
            }
            let mut inputs = Vec::with_capacity(feeds.len());
            for (port, feed) in &feeds {
                if stage.spec.inputs[usize::from(*port)].many {
                    inputs
                        .extend(feed.at(&domain, cell).into_iter().filter_map(|art| self.input(*port, art)));
                } else {
                    inputs.extend(self.input(*port, feed.one(cell)));
                }
            }
            self.edges += inputs.len();
            if self.edges > MAX_EDGES {
                self.give_up(span, "the nodes of the pipeline have more than 20,000,000 inputs");
                return Column::poison();
            }
            let index = if domain.axes.is_empty() {
                Arc::clone(&self.no_index)
            } else {
                Arc::clone(&domain.indices(&self.axes)[cell])
            };
            cells.push(Art { node: self.nodes.len() as NodeId, shape });
            self.nodes.push(Node {
                name: Arc::clone(&name),
                index,
                stage: Arc::clone(stage),
                params: Arc::clone(&parameters.records[record.at(cell)]),
                inputs: inputs.into(),
                hints: hints.at(cell),
                span: call.span,
            });
        }
        Column::arts(domain, cells, vec![shape])
    }

    fn input(&self, port: u16, art: Art) -> Option<Input> {
        if art.is_none() {
            return None;
        }
        Some(Input { port, node: art.node, part: Arc::clone(&self.shapes.get(art.shape).part) })
    }

    fn parameters(
        &mut self,
        stage: &Arc<StageEntry>,
        given: &Arguments,
        call: &Call,
        place: Place<'_>,
    ) -> Option<Parameters> {
        let columns: Vec<(usize, &Column)> = given
            .params
            .iter()
            .enumerate()
            .filter_map(|(param, column)| Some((param, column.as_ref()?)))
            .collect();
        let axes = columns.iter().fold(Vec::new(), |axes, (_, column)| union(&axes, &column.domain.axes));
        let domain = place.space.project(&axes);
        if columns.is_empty()
            && let Some(record) = self.records.defaults.get(&(Arc::as_ptr(stage) as usize))
        {
            return Some(Parameters { records: vec![Arc::clone(record)], domain });
        }
        let gathers: Vec<Gather> =
            columns.iter().map(|(_, column)| Gather::new(&column.domain, &domain)).collect();
        let mut records = Vec::with_capacity(domain.len);
        for cell in 0..domain.len {
            let mut record: Record = stage
                .schema
                .iter()
                .filter_map(|param| Some((param.name.clone(), param.default.clone()?)))
                .collect();
            for ((param, column), gather) in columns.iter().zip(&gathers) {
                if let Data::Values(values) = &column.data {
                    record.insert(stage.schema[*param].name.clone(), values[gather.at(cell)].clone());
                }
            }
            let (record, new) = self.records.share(stage, record);
            if new && !self.fits(stage, &record, given, call) {
                return None;
            }
            records.push(record);
        }
        if columns.is_empty() {
            self.records.defaults.insert(Arc::as_ptr(stage) as usize, Arc::clone(&records[0]));
        }
        Some(Parameters { records, domain })
    }

    /// Whether a Rust stage can read its record; a number can be too large for its type.
    fn fits(&mut self, stage: &StageEntry, record: &Record, given: &Arguments, call: &Call) -> bool {
        let StageCode::Builtin(code) = &stage.code else { return true };
        let errors = code.check(record).err().unwrap_or_default();
        for error in &errors {
            let place = stage.schema.iter().position(|param| param.name == error.name());
            let span = place.and_then(|place| given.param_spans[place]).unwrap_or(call.callee.span());
            let message = match error {
                ParamError::Range { name, interval, found } => {
                    format!(
                        "parameter `{name}` of `{}` must be in `{interval}`, found `{found}`",
                        stage.spec.name
                    )
                }
                other => format!("{other} of `{}`", stage.spec.name),
            };
            self.problems.add(Diagnostic::error(span, message));
        }
        errors.is_empty()
    }

    /// How to run each node of a domain; `None` after telling what is wrong.
    fn hints(
        &mut self,
        columns: Option<&Rc<HintColumns>>,
        domain: &Rc<Domain>,
        name: &str,
    ) -> Option<NodeHints> {
        let Some(columns) = columns else { return Some(NodeHints::Same(Arc::clone(&self.no_hints))) };
        let mut all: Vec<Arc<Hints>> = Vec::new();
        let mut gathers = Vec::new();
        for hint in &columns.0 {
            if let Some(axis) = hint.column.domain.axes.iter().find(|axis| !domain.axes.contains(axis)) {
                let axis = &self.axes.get(*axis).name;
                let message =
                    format!("`{}` depends on `{axis}`, on which `{name}` does not depend", hint.name);
                self.problems.add(Diagnostic::error(hint.span, message));
                return None;
            }
            gathers.push((hint, Gather::new(&hint.column.domain, domain)));
        }
        let constant = columns.0.iter().all(|hint| hint.column.domain.axes.is_empty());
        for cell in 0..if constant { 1 } else { domain.len } {
            let mut hints = Hints::default();
            for (hint, gather) in &gathers {
                let Data::Values(values) = &hint.column.data else { continue };
                set(&mut hints, hint.name, &values[gather.at(cell)]);
            }
            match all.last().filter(|last| ***last == hints) {
                Some(last) => all.push(Arc::clone(last)),
                None => all.push(Arc::new(hints)),
            }
        }
        if constant {
            return all.pop().map(NodeHints::Same);
        }
        Some(NodeHints::Each(all))
    }
}

enum NodeHints {
    Same(Arc<Hints>),
    Each(Vec<Arc<Hints>>),
}

impl NodeHints {
    fn at(&self, cell: usize) -> Arc<Hints> {
        match self {
            Self::Same(hints) => Arc::clone(hints),
            Self::Each(all) => Arc::clone(&all[cell]),
        }
    }
}

fn set(hints: &mut Hints, name: &str, value: &Value) {
    match (name, value) {
        ("gpu", Value::Int(n)) => hints.gpu = Some(*n as u32),
        ("cores", Value::Int(n)) => hints.cores = Some(*n as u32),
        ("retries", Value::Int(n)) => hints.retries = *n as u32,
        ("priority", Value::Int(n)) => hints.priority = *n,
        ("memory", Value::Size(bytes)) => hints.memory = Some(*bytes),
        ("timeout", Value::Duration(ms)) => hints.timeout_ms = Some(*ms),
        _ => {}
    }
}
