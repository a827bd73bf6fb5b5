//! What happens in a run, as it happens ([`Event`]) and afterwards ([`RunLog`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Artifact, Device, Digest, Key, Record, ReportBlock, Series, Value};

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Its result was in the store.
    Cached,
    /// It was computed.
    Ran,
    /// Another process computed it meanwhile.
    Joined,
    /// It failed.
    Failed,
    /// A node before it failed.
    Skipped,
    /// The run was stopped before it ended.
    Cancelled,
}

/// One thing that happens. `node` is the node's place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The plan is made.
    RunStarted {
        /// The pipeline's file.
        pipeline: String,
        /// Nodes in all.
        nodes: usize,
        /// Seconds that earlier runs took for what is not in the store, if known.
        expected_s: Option<f64>,
    },
    /// Many nodes were found in the store at once.
    Cached {
        /// How many.
        count: usize,
    },
    /// A node begins.
    Started {
        /// Which.
        node: usize,
        /// Its label.
        label: String,
        /// Its stage.
        stage: String,
        /// Which try, from 1.
        attempt: u32,
        /// Seconds it took before, if known.
        expected_s: Option<f64>,
    },
    /// A node waits for another process that computes the same key.
    Waiting {
        /// Which.
        node: usize,
        /// Its label.
        label: String,
    },
    /// A node is part of the way.
    Progress {
        /// Which.
        node: usize,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What a unit is.
        unit: String,
        /// A word such as the loss.
        note: String,
    },
    /// A node ended well.
    Finished {
        /// Which.
        node: usize,
        /// Its label.
        label: String,
        /// How.
        status: NodeStatus,
        /// The computation.
        key: Key,
        /// The result.
        digest: Digest,
        /// Its numbers.
        metrics: BTreeMap<String, f64>,
        /// Seconds that computing it took (in an earlier run when it was cached).
        elapsed_s: f64,
    },
    /// A node failed; it may be tried again.
    Failed {
        /// Which.
        node: usize,
        /// Its label.
        label: String,
        /// Why.
        message: String,
        /// Last lines that a command wrote to stderr.
        stderr: String,
        /// Where its binding stands: `file:line`.
        place: String,
        /// Whether it is tried again.
        retry: bool,
    },
    /// A node is not computed.
    Skipped {
        /// Which.
        node: usize,
        /// Its label.
        label: String,
        /// The label of the failed node before it, or why.
        because: String,
    },
    /// Something a person should know and that does not stop the run.
    Warning {
        /// What.
        message: String,
    },
    /// All is over.
    RunFinished {
        /// Counts and time.
        summary: RunSummary,
    },
}

/// How a run went, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RunSummary {
    /// Nodes in all.
    pub nodes: usize,
    /// Found in the store.
    pub cached: usize,
    /// Computed, here or meanwhile elsewhere.
    pub ran: usize,
    /// Failed.
    pub failed: usize,
    /// Not computed because a node before them failed.
    pub skipped: usize,
    /// Stopped by the user.
    pub cancelled: usize,
    /// Wall time in seconds.
    pub elapsed_s: f64,
}

/// Hears of everything that happens, in one order.
pub trait Sink: Send + Sync {
    /// `event` happened.
    fn emit(&self, event: &Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullSink;

impl Sink for NullSink {
    fn emit(&self, _: &Event) {}
}

/// A node and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Name that a person uses: `scores[seed=0,site=prepend]`.
    pub label: String,
    /// The binding's name: `scores`.
    pub name: String,
    /// Axis and value, outermost loop first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<(String, Value)>,
    /// The stage.
    pub stage: String,
    /// Its parameters, defaults filled in.
    pub params: Arc<Record>,
    /// Input port, node before, part taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(String, usize, String)>,
    /// Where its binding stands: `file:line`.
    pub place: String,
    /// How it ended.
    pub status: NodeStatus,
    /// The computation, when it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// What it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Arc<Artifact>>,
    /// Its numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Its curves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
    /// Seconds that computing it took.
    pub elapsed_s: f64,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A whole run: enough to rebuild its report without running anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLog {
    /// The pipeline's file, as it was named.
    pub pipeline: String,
    /// The file's own description (`##` at its top).
    #[serde(default)]
    pub doc: String,
    /// Parameters of the pipeline after overrides.
    pub params: Record,
    /// The class of device.
    pub device: Device,
    /// All nodes, each after those it uses.
    pub nodes: Vec<NodeRecord>,
    /// The report blocks.
    pub reports: Vec<ReportBlock>,
    /// How it went.
    pub summary: RunSummary,
}
