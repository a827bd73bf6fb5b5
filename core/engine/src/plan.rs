//! Plans: what is in the store, what must run, and what can only be known later.

use std::sync::Arc;

use runpipe_base::{Device, Digest};
use runpipe_cache::{Manifest, Store, StoreError};

use crate::dag::{Dag, select};
use crate::history::History;
use crate::recipe::{Keys, Recipe};
use crate::{NodeId, Pipeline};

/// How to plan and run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Cores to use.
    pub jobs: usize,
    /// The class of device for stages with tensors.
    pub device: Device,
    /// After a failure go on with what does not depend on it.
    pub keep_going: bool,
    /// Nodes to compute although they are in the store; `all` means every node.
    pub force: Vec<String>,
    /// Nodes wanted, with what they need; none means all.
    pub targets: Vec<String>,
    /// Compute cached nodes again and compare the bytes.
    pub audit: bool,
    /// Take results of another build of the same stage version.
    pub trust_version: bool,
    /// Memory in bytes that nodes with a `memory` hint may hold together.
    pub memory: Option<u64>,
    /// GPUs that nodes may hold together.
    pub gpus: Option<u32>,
}

impl Default for RunOptions {
    /// One core, the processor, everything, nothing forced.
    fn default() -> Self {
        Self {
            jobs: 1,
            device: Device::Cpu,
            keep_going: false,
            force: Vec::new(),
            targets: Vec::new(),
            audit: false,
            trust_version: false,
            memory: None,
            gpus: None,
        }
    }
}

/// A run or plan cannot be made at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder that a node reads cannot be read.
    #[error("{place}: `{label}` needs a file that cannot be read")]
    Path {
        /// The node.
        label: String,
        /// `file:line` of its call.
        place: String,
        /// Why.
        source: StoreError,
    },
    /// A target or `--force` names no node.
    #[error("there is no node `{0}`")]
    NoNode(String),
}

/// What is known of a node before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its result is in the store.
    Hit,
    /// It must run.
    Run,
    /// A node before it must run; what comes out decides.
    Pending,
}

/// One wanted node of a [`Plan`].
#[derive(Debug, Clone)]
pub struct Planned {
    /// The node.
    pub id: NodeId,
    /// What is known.
    pub status: Status,
    /// Its result, when it is a hit.
    pub manifest: Option<Arc<Manifest>>,
    /// Seconds it took the last time, if it is not a hit and that is known.
    pub expected_s: Option<f64>,
}

/// What would run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The wanted nodes, each after those it uses.
    pub nodes: Vec<Planned>,
}

/// Plans `pipeline` over `store` without changing either.
///
/// # Errors
/// [`EngineError`] when a file cannot be read, a target is unknown or the store refuses.
pub fn plan(pipeline: &Pipeline, store: &Store, options: &RunOptions) -> Result<Plan, EngineError> {
    let dag = Dag::new(pipeline, &targets(pipeline, &options.targets)?);
    let sight = look(pipeline, &dag, store, options)?;
    let history = if sight.is_whole() { History::default() } else { History::of(pipeline, store)? };
    let nodes = pipeline.nodes.iter().enumerate().filter(|(id, _)| dag.wanted(*id as NodeId));
    Ok(Plan {
        nodes: nodes
            .map(|(id, node)| {
                let manifest = sight.manifests[id].clone();
                let status = match (&manifest, &sight.keys[id]) {
                    (Some(_), _) => Status::Hit,
                    (None, Some(_)) => Status::Run,
                    (None, None) => Status::Pending,
                };
                let expected_s = if manifest.is_none() { history.expected_s(node) } else { None };
                Planned { id: id as NodeId, status, manifest, expected_s }
            })
            .collect(),
    })
}

/// What one pass over the graph sees of the store.
pub(crate) struct Sight {
    /// Results of the nodes that are hits.
    pub(crate) manifests: Vec<Option<Arc<Manifest>>>,
    /// Keys of the nodes all of whose inputs are known.
    pub(crate) keys: Vec<Option<Keys>>,
    /// Nodes that are to be computed whatever the store holds.
    pub(crate) forced: Vec<bool>,
    wanted: usize,
}

impl Sight {
    /// Whether every wanted node is a hit.
    pub(crate) fn is_whole(&self) -> bool {
        self.hits() == self.wanted
    }

    /// How many nodes are hits.
    pub(crate) fn hits(&self) -> usize {
        self.manifests.iter().flatten().count()
    }
}

/// Looks every wanted node up, in order.
pub(crate) fn look(
    pipeline: &Pipeline,
    dag: &Dag,
    store: &Store,
    options: &RunOptions,
) -> Result<Sight, EngineError> {
    let mut sight = Sight {
        manifests: vec![None; pipeline.nodes.len()],
        keys: vec![None; pipeline.nodes.len()],
        forced: vec![false; pipeline.nodes.len()],
        wanted: dag.wanted_count(),
    };
    for name in &options.force {
        if name == "all" {
            sight.forced.fill(true);
            continue;
        }
        for id in named(pipeline, name)? {
            sight.forced[id as usize] = true;
        }
    }
    for id in 0..pipeline.nodes.len() as NodeId {
        if !dag.wanted(id) {
            continue;
        }
        let Some(keys) = keys_of(pipeline, id, &sight.manifests, store, options)? else { continue };
        sight.keys[id as usize] = Some(keys);
        if !sight.forced[id as usize] {
            sight.manifests[id as usize] = find(store, &keys)?.map(Arc::new);
        }
    }
    Ok(sight)
}

/// The result of a key, also under the looser key when versions are trusted.
pub(crate) fn find(store: &Store, keys: &Keys) -> Result<Option<Manifest>, StoreError> {
    match (store.lookup(&keys.exact)?, &keys.loose) {
        (None, Some(loose)) => store.lookup(loose),
        (found, _) => Ok(found),
    }
}

/// The node's keys, when all that arrives at it is known.
pub(crate) fn keys_of(
    pipeline: &Pipeline,
    id: NodeId,
    made: &[Option<Arc<Manifest>>],
    store: &Store,
    options: &RunOptions,
) -> Result<Option<Keys>, EngineError> {
    let Some(inputs) = arrivals(pipeline, id, made) else { return Ok(None) };
    let node = &pipeline.nodes[id as usize];
    let recipe = Recipe { node, inputs: &inputs, device: options.device, store };
    match recipe.keys(options.trust_version) {
        Ok(keys) => Ok(Some(keys)),
        Err(source) => {
            Err(EngineError::Path { label: node.label(), place: Places::new(pipeline).of(id), source })
        }
    }
}

/// The digests of what arrives at a node, in the order of its inputs.
pub(crate) fn arrivals(
    pipeline: &Pipeline,
    id: NodeId,
    made: &[Option<Arc<Manifest>>],
) -> Option<Vec<Digest>> {
    let inputs = &pipeline.nodes[id as usize].inputs;
    inputs
        .iter()
        .map(|input| {
            let whole = &made[input.node as usize].as_ref()?.artifact;
            // A part that was declared is there: committing checked it. Were it not, the node could not run either.
            whole.part(&input.part).map(runpipe_base::Artifact::digest)
        })
        .collect()
}

/// Where calls stand. Lines are counted once a file: a file may have 100,000 of them.
pub(crate) struct Places<'a> {
    pipeline: &'a Pipeline,
    /// Offsets of the line ends of each source.
    ends: Vec<Vec<u32>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline) -> Self {
        let ends =
            |text: &str| text.bytes().zip(0..).filter(|(b, _)| *b == b'\n').map(|(_, at)| at).collect();
        Self { pipeline, ends: pipeline.sources.iter().map(|source| ends(&source.text)).collect() }
    }

    /// `file:line` of a node's call.
    pub(crate) fn of(&self, id: NodeId) -> String {
        let span = self.pipeline.nodes[id as usize].span;
        match (self.pipeline.sources.get(span.file), self.ends.get(span.file.0 as usize)) {
            (Some(source), Some(ends)) => {
                format!("{}:{}", source.name, ends.partition_point(|end| *end < span.start) + 1)
            }
            _ => self.pipeline.path.clone(),
        }
    }
}

/// The nodes that the names mean.
pub(crate) fn targets(pipeline: &Pipeline, names: &[String]) -> Result<Vec<NodeId>, EngineError> {
    let mut ids = Vec::new();
    for name in names {
        ids.extend(named(pipeline, name)?);
    }
    Ok(ids)
}

fn named(pipeline: &Pipeline, name: &str) -> Result<Vec<NodeId>, EngineError> {
    let found = select(pipeline, name);
    if found.is_empty() { Err(EngineError::NoNode(name.to_owned())) } else { Ok(found) }
}
