//! How long nodes took in earlier runs: what is expected of the next.

use std::collections::BTreeMap;

use runpipe_cache::{Store, StoreError};

use crate::{Node, Pipeline};

/// How long a node is taken to run when nothing like it ever ran.
const UNKNOWN_S: f64 = 1.0;

/// A run that was stopped knows little; so many are asked, the newest first.
const RUNS: usize = 4;

/// How long nodes, their families and their stages took.
#[derive(Debug, Default)]
pub(crate) struct History {
    nodes: BTreeMap<String, f64>,
    families: BTreeMap<String, Mean>,
    stages: BTreeMap<String, Mean>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    sum_s: f64,
    count: u32,
}

impl History {
    /// Reads the last runs of the pipeline, back to one that came to its end. Without any nothing is expected.
    pub(crate) fn of(pipeline: &Pipeline, store: &Store) -> Result<Self, StoreError> {
        let mut history = Self::default();
        for run in store.runs_of(&pipeline.path, RUNS)? {
            // A record that was damaged or collected meanwhile costs the estimate, not the run.
            let Ok(times) = store.times_of(&run) else { continue };
            for node in times.into_iter().filter(|node| node.elapsed_s > 0.0) {
                if history.nodes.contains_key(&node.label) {
                    continue;
                }
                history.families.entry(node.name).or_default().add(node.elapsed_s);
                history.stages.entry(node.stage).or_default().add(node.elapsed_s);
                history.nodes.insert(node.label, node.elapsed_s);
            }
            if run.summary.ran + run.summary.cached == run.summary.nodes {
                break;
            }
        }
        Ok(history)
    }

    /// Seconds that the node took, or those of its family or stage in the mean; unknown when nothing like it ran.
    pub(crate) fn expected_s(&self, node: &Node) -> Option<f64> {
        if self.nodes.is_empty() {
            return None;
        }
        let family = || self.families.get(node.name.as_ref()).map(Mean::value);
        let stage = || self.stages.get(&node.stage.spec.name).map(Mean::value);
        self.nodes.get(&node.label()).copied().or_else(family).or_else(stage)
    }

    /// As [`expected_s`](Self::expected_s), with a guess where nothing is known.
    pub(crate) fn guess_s(&self, node: &Node) -> f64 {
        self.expected_s(node).unwrap_or(UNKNOWN_S)
    }
}

impl Mean {
    fn add(&mut self, seconds: f64) {
        self.sum_s += seconds;
        self.count += 1;
    }

    fn value(&self) -> f64 {
        self.sum_s / f64::from(self.count)
    }
}
