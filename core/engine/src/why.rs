//! Why a node would run, or not: which part of its recipe differs from the last time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use runpipe_base::Key;
use runpipe_cache::{Manifest, RecipePart, RunId, RunInfo, Store};

use crate::dag::Dag;
use crate::plan::{arrivals, look};
use crate::recipe::Recipe;
use crate::{EngineError, NodeId, Pipeline, RunOptions};

/// Why one node is cached, runs, or cannot be told yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The node.
    pub label: String,
    /// The reason.
    pub reason: Reason,
}

/// A reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Its result is in the store.
    Cached {
        /// The key.
        key: Key,
        /// Seconds it took.
        elapsed_s: f64,
        /// The version of the tool that computed it.
        made_by: String,
        /// What differs from the last run that had it otherwise, if there is one.
        against: Option<Difference>,
    },
    /// It would run.
    Runs {
        /// What differs from the last run that had it, if there is one.
        against: Option<Difference>,
    },
    /// A node before it must run first.
    Pending {
        /// Those nodes that run first, by label.
        first: Vec<String>,
        /// What differs already from the last run that had it, apart from inputs.
        against: Option<Difference>,
    },
}

/// What changed since an earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The run.
    pub run: RunId,
    /// The parts of the recipe that are not what they were.
    pub changes: Vec<PartChange>,
}

/// A part of a recipe that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChange {
    /// Its name: `parameter lr`, `input corpus`, `code`.
    pub name: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

/// Says why each of `nodes` is cached or runs.
///
/// # Errors
/// [`EngineError`] when a file cannot be read or the store refuses.
pub fn why(
    pipeline: &Pipeline,
    store: &Store,
    options: &RunOptions,
    nodes: &[NodeId],
) -> Result<Vec<Why>, EngineError> {
    let dag = Dag::new(pipeline, nodes);
    let sight = look(pipeline, &dag, store, options)?;
    let runs = Earlier::read(pipeline, store)?;
    let one = |id: NodeId| {
        let label = pipeline.nodes[id as usize].label();
        let found = &sight.manifests[id as usize];
        let mut against = match runs.recipe(store, &label, found.as_ref().map(|manifest| manifest.key))? {
            Some((run, old)) => {
                let changes = compare(&old, &now(pipeline, id, &sight.manifests, store, options)?);
                Some(Difference { run, changes })
            }
            None => None,
        };
        let reason = match (found, sight.keys[id as usize]) {
            (Some(manifest), _) => Reason::Cached {
                key: manifest.key,
                elapsed_s: manifest.elapsed_s,
                made_by: manifest.made_by.clone(),
                against,
            },
            (None, Some(_)) => Reason::Runs { against },
            (None, None) => {
                let first = dag.before(id).filter(|before| sight.manifests[*before as usize].is_none());
                let mut first: Vec<String> = first.map(|id| pipeline.nodes[id as usize].label()).collect();
                first.sort();
                if let Some(difference) = &mut against {
                    difference.changes.retain(|change| !change.name.starts_with("input"));
                }
                Reason::Pending { first, against }
            }
        };
        Ok(Why { label, reason })
    };
    nodes.iter().map(|id| one(*id)).collect()
}

/// How far back `why` looks.
const RUNS: usize = 20;

/// Which keys the nodes had in earlier runs, the newest first.
struct Earlier(Vec<(RunId, BTreeMap<String, Key>)>);

impl Earlier {
    fn read(pipeline: &Pipeline, store: &Store) -> Result<Self, EngineError> {
        let mut runs = store.runs_of(&pipeline.path, RUNS)?;
        // Runs that found the same share one log.
        runs.dedup_by_key(|run| run.content);
        let keys = |run: RunInfo| {
            let nodes = store.times_of(&run).ok()?.into_iter();
            Some((run.id, nodes.filter_map(|node| Some((node.label, node.key?))).collect()))
        };
        Ok(Self(runs.into_iter().filter_map(keys).collect()))
    }

    /// The node's recipe in the last run that had it under a key other than `besides`.
    fn recipe(
        &self,
        store: &Store,
        label: &str,
        besides: Option<Key>,
    ) -> Result<Option<(RunId, Vec<RecipePart>)>, EngineError> {
        for (run, keys) in &self.0 {
            if let Some(key) = keys.get(label).filter(|key| Some(**key) != besides)
                && let Some(recipe) = store.recipe(key)?
            {
                return Ok(Some((*run, recipe)));
            }
        }
        Ok(None)
    }
}

/// The node's recipe as it is now, without the inputs that are not known yet.
fn now(
    pipeline: &Pipeline,
    id: NodeId,
    made: &[Option<Arc<Manifest>>],
    store: &Store,
    options: &RunOptions,
) -> Result<Vec<RecipePart>, EngineError> {
    let inputs = arrivals(pipeline, id, made).unwrap_or_default();
    let node = &pipeline.nodes[id as usize];
    Ok(Recipe { node, inputs: &inputs, device: options.device, store }.parts()?)
}

/// The parts that differ. Several inputs at one port share a name: they are compared in order.
fn compare(old: &[RecipePart], new: &[RecipePart]) -> Vec<PartChange> {
    let by_name = |parts: &[RecipePart]| {
        let mut map: BTreeMap<(String, usize), RecipePart> = BTreeMap::new();
        for part in parts {
            let number = map.range((part.name.clone(), 0)..=(part.name.clone(), usize::MAX)).count();
            map.insert((part.name.clone(), number), part.clone());
        }
        map
    };
    let (old, new) = (by_name(old), by_name(new));
    let mut names: Vec<&(String, usize)> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let (before, now) = (old.get(name), new.get(name));
            (before.map(|p| p.digest) != now.map(|p| p.digest)).then(|| PartChange {
                name: name.0.clone(),
                before: before.map(|p| p.value.clone()),
                now: now.map(|p| p.value.clone()),
            })
        })
        .collect()
}

/// `35 ms`, `2.0 s`.
fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

impl fmt::Display for PartChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.now) {
            (Some(before), Some(now)) => write!(f, "{}: {before} → {now}", self.name),
            (None, Some(now)) => write!(f, "{}: new, {now}", self.name),
            (Some(before), None) => write!(f, "{}: was {before}, is gone", self.name),
            (None, None) => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.label)?;
        let against = match &self.reason {
            Reason::Cached { key, elapsed_s, made_by, against } => {
                write!(
                    f,
                    "is cached: key {}, computed in {} by runpipe {made_by}",
                    key.short(),
                    duration(*elapsed_s)
                )?;
                against
            }
            Reason::Runs { against: None } => {
                return f.write_str("runs: no earlier run of this pipeline had it");
            }
            Reason::Runs { against: Some(Difference { changes, .. }) } if changes.is_empty() => {
                return f.write_str(
                    "runs: nothing changed, but its result is not in the store any more (or is forced)",
                );
            }
            Reason::Runs { against } => {
                f.write_str("runs, because something changed")?;
                against
            }
            Reason::Pending { first, against } => {
                let shown = first.iter().take(5).map(|label| format!("`{label}`")).collect::<Vec<_>>();
                write!(f, "is decided when {}", shown.join(", "))?;
                if first.len() > shown.len() {
                    write!(f, " and {} more", first.len() - shown.len())?;
                }
                f.write_str(if first.len() == 1 { " has run" } else { " have run" })?;
                against
            }
        };
        let Some(Difference { run, changes }) = against.as_ref().filter(|d| !d.changes.is_empty()) else {
            return Ok(());
        };
        write!(f, "\n  against run {run}:")?;
        changes.iter().try_for_each(|change| write!(f, "\n    {change}"))
    }
}
