//! Where every number comes from: all nodes in an order of their own.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use runpipe_base::{Digest, Key, NodeRecord, NodeStatus, Record, RunLog, Value};

use crate::format;

/// All nodes of a run.
///
/// Their order depends on what the pipeline says alone, not on the order in which the log has them: first those without
/// inputs, then those that use only them, and so on; among equals by name and axis values.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The nodes.
    pub nodes: Vec<NodeEntry>,
    /// The same nodes by binding.
    pub families: Vec<Family>,
}

/// The nodes of one binding.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The binding's name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// Where the binding stands: `file:line`.
    pub place: String,
    /// Parameters that all nodes share, as written.
    pub shared: Vec<(String, String)>,
    /// Parameters that differ between nodes.
    pub varied: Vec<String>,
    /// Places in [`Provenance::nodes`].
    pub nodes: Vec<usize>,
}

/// One node and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeEntry {
    /// Name that a person uses: `scores[seed=0,site=prepend]`.
    pub label: String,
    /// Its parameters, as written.
    pub params: BTreeMap<String, String>,
    /// Port, node before (a place in [`Provenance::nodes`]), part taken.
    pub inputs: Vec<(String, usize, String)>,
    /// How it ended.
    pub end: End,
    /// The computation.
    pub key: Option<Key>,
    /// The result.
    pub digest: Option<Digest>,
    /// Its numbers.
    pub metrics: BTreeMap<String, f64>,
}

/// How a node ended, as far as its result goes. Whether the result was in the store is no part of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It has a result.
    Done,
    /// It failed.
    Failed,
    /// It was not computed.
    Missing,
}

impl End {
    pub(crate) fn of(status: NodeStatus) -> Self {
        match status {
            NodeStatus::Cached | NodeStatus::Ran | NodeStatus::Joined => Self::Done,
            NodeStatus::Failed => Self::Failed,
            NodeStatus::Skipped | NodeStatus::Cancelled => Self::Missing,
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Missing => "not computed",
        }
    }
}

impl Provenance {
    /// The nodes of `log`; `ranks` are theirs (see [`ranks`]).
    pub(crate) fn of(log: &RunLog, ranks: &[usize]) -> Self {
        let mut order: Vec<usize> = (0..log.nodes.len()).collect();
        order.sort_by_key(|i| ranks[*i]);
        let nodes: Vec<NodeEntry> = order.iter().map(|i| entry(&log.nodes[*i], ranks)).collect();

        let mut places = BTreeMap::<(&str, &str), usize>::new();
        let mut members = Vec::<Vec<usize>>::new();
        for (place, node) in order.iter().enumerate() {
            let record = &log.nodes[*node];
            let family = *places.entry((&record.name, &record.stage)).or_insert(members.len());
            if family == members.len() {
                members.push(Vec::new());
            }
            members[family].push(place);
        }
        let families = members
            .into_iter()
            .map(|places| {
                let first = &log.nodes[order[places[0]]];
                let params = &nodes[places[0]].params;
                let same = |name: &str| places.iter().all(|p| nodes[*p].params.get(name) == params.get(name));
                let mut names: Vec<&String> = places.iter().flat_map(|p| nodes[*p].params.keys()).collect();
                names.sort_unstable();
                names.dedup();
                let (shared, varied): (Vec<&String>, Vec<&String>) = names.into_iter().partition(|n| same(n));
                Family {
                    name: first.name.clone(),
                    stage: first.stage.clone(),
                    place: format::leaf(&first.place).to_owned(),
                    shared: shared.into_iter().map(|n| (n.clone(), params[n].clone())).collect(),
                    varied: varied.into_iter().cloned().collect(),
                    nodes: places,
                }
            })
            .collect();
        Self { nodes, families }
    }

    /// The nodes without a result.
    pub fn lost(&self) -> impl Iterator<Item = &NodeEntry> {
        self.nodes.iter().filter(|node| node.end != End::Done)
    }

    /// What a reader must know of them: the first that failed, by name, and how many more there are.
    pub(crate) fn lost_lines(&self) -> Vec<(Option<&str>, String)> {
        const MOST: usize = 10;
        let failed: Vec<&NodeEntry> = self.lost().filter(|node| node.end == End::Failed).collect();
        let missing = self.lost().count() - failed.len();
        let shown = failed.iter().take(MOST);
        let mut lines: Vec<(Option<&str>, String)> =
            shown.map(|node| (Some(node.label.as_str()), "failed".to_owned())).collect();
        if failed.len() > MOST {
            lines.push((None, format!("{} more failed", failed.len() - MOST)));
        }
        if missing > 0 {
            lines.push((None, format!("{} not computed", format::count(missing, "node"))));
        }
        lines
    }
}

fn entry(record: &NodeRecord, ranks: &[usize]) -> NodeEntry {
    let end = End::of(record.status);
    NodeEntry {
        label: label(record),
        params: params(&record.params).into_iter().collect(),
        inputs: record
            .inputs
            .iter()
            .filter_map(|(port, node, part)| Some((port.clone(), *ranks.get(*node)?, part.clone())))
            .collect(),
        end,
        key: record.key,
        digest: record.artifact.as_ref().map(|artifact| artifact.digest()),
        metrics: if end == End::Done { record.metrics.clone() } else { BTreeMap::new() },
    }
}

/// The record's label, made anew where an axis holds a path.
fn label(record: &NodeRecord) -> String {
    if !record.index.iter().any(|(_, value)| matches!(value, Value::Path(_))) {
        return record.label.clone();
    }
    let axes: Vec<String> =
        record.index.iter().map(|(axis, value)| format!("{axis}={}", format::axis_value(value))).collect();
    format!("{}[{}]", record.name, axes.join(","))
}

pub(crate) fn params(record: &Record) -> Vec<(String, String)> {
    record.iter().map(|(name, value)| (name.clone(), format::value(value))).collect()
}

/// For each node of the log its place in a [`Provenance`].
pub(crate) fn ranks(log: &RunLog) -> Vec<usize> {
    let mut depths = Vec::with_capacity(log.nodes.len());
    for (i, node) in log.nodes.iter().enumerate() {
        let before = node.inputs.iter().filter(|(_, n, _)| *n < i).map(|(_, n, _)| depths[*n]);
        depths.push(before.max().map_or(0, |deepest: usize| deepest + 1));
    }
    let mut order: Vec<usize> = (0..log.nodes.len()).collect();
    order.sort_by(|a, b| {
        let (x, y) = (&log.nodes[*a], &log.nodes[*b]);
        depths[*a]
            .cmp(&depths[*b])
            .then_with(|| x.name.cmp(&y.name))
            .then_with(|| compare_index(&x.index, &y.index))
            .then_with(|| x.stage.cmp(&y.stage))
            .then_with(|| x.key.cmp(&y.key))
    });
    let mut ranks = vec![0; order.len()];
    for (rank, node) in order.into_iter().enumerate() {
        ranks[node] = rank;
    }
    ranks
}

fn compare_index(a: &[(String, Value)], b: &[(String, Value)]) -> Ordering {
    let pairs = a.iter().zip(b).map(|((x, v), (y, w))| x.cmp(y).then_with(|| compare_values(v, w)));
    pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
}

/// Numbers by size, the rest by how they are written.
pub(crate) fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.to_string().cmp(&b.to_string()),
    }
}

/// The number that a value is; of a length of time the seconds.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(x) => Some(*x),
        Value::Duration(ms) => Some(*ms as f64 / 1000.0),
        Value::Size(bytes) => Some(*bytes as f64),
        _ => None,
    }
}
