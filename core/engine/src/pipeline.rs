//! The typed pipeline: what binding makes of the text, and all that planning and running look at.
//!
//! A [`Pipeline`] is always sound: every name is resolved, every parameter checked, every input of the right kind.
//! Nodes stand after those they use, so their order is a topological one.

use std::sync::Arc;

use runpipe_base::{DynStage, ParamSpec, Record, ReportBlock, Spec, Value};
use runpipe_grammar::{Diagnostic, Sources, Span};

/// A node's place in [`Pipeline::nodes`].
pub type NodeId = u32;

/// A whole pipeline, ready to be planned.
pub struct Pipeline {
    /// The file, as it was named on the command line.
    pub path: String,
    /// The file's own description.
    pub doc: String,
    /// Parameters after overrides, defaults filled in.
    pub params: Record,
    /// What a profile says of the device (`cpu`, `cuda`, `auto`), if it does.
    pub device: Option<String>,
    /// Every node after those it uses.
    pub nodes: Vec<Node>,
    /// The report blocks.
    pub reports: Vec<ReportBlock>,
    /// The texts that were read, for messages with carets.
    pub sources: Sources,
    /// What is probably not meant, in the order of the text.
    pub warnings: Vec<Diagnostic>,
    /// The file's parameters as it declares them, in order.
    pub param_specs: Vec<ParamSpec>,
    /// The file's profiles: name and description.
    pub profiles: Vec<(String, String)>,
}

/// One stage call with everything it needs.
pub struct Node {
    /// The binding's name; `call/name` inside a `fn`.
    pub name: Arc<str>,
    /// Axis and value of each loop it depends on, outermost first.
    pub index: Arc<[(Arc<str>, Value)]>,
    /// What runs.
    pub stage: Arc<StageEntry>,
    /// Its parameters, checked, defaults filled in; paths as the stage opens them.
    pub params: Arc<Record>,
    /// What arrives at its ports, in the order of the ports.
    pub inputs: Box<[Input]>,
    /// How to run it; never part of its key.
    pub hints: Arc<Hints>,
    /// Where its call stands.
    pub span: Span,
}

impl Node {
    /// The name that a person uses: `scores[seed=0,site=prepend]`.
    pub fn label(&self) -> String {
        let mut label = self.name.to_string();
        if !self.index.is_empty() {
            let axes: Vec<String> =
                self.index.iter().map(|(axis, value)| format!("{axis}={}", value.plain())).collect();
            label.extend(["[", &axes.join(","), "]"]);
        }
        label
    }
}

/// An artifact, or a part of one, that arrives at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Index of the port in the stage's spec. A port that takes many has several inputs, in order.
    pub port: u16,
    /// The node that makes it.
    pub node: NodeId,
    /// The part taken, dotted; empty for the whole artifact.
    pub part: Arc<str>,
}

/// A stage as the pipeline uses it.
pub struct StageEntry {
    /// What it is.
    pub spec: Spec,
    /// Its parameters.
    pub schema: Vec<ParamSpec>,
    /// What does the work.
    pub code: StageCode,
}

/// What does the work of a stage.
pub enum StageCode {
    /// A Rust stage.
    Builtin(&'static dyn DynStage),
    /// A command that the `.pipe` file declares.
    Command(CommandStage),
}

/// A `stage … { run "…" }` of a `.pipe` file.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandStage {
    /// The command, cut at its interpolations.
    pub command: Vec<Piece>,
    /// Files and folders that it needs: the path as written (where it appears in the scratch folder) and the path to
    /// read it from.
    pub needs: Vec<(String, String)>,
}

/// A piece of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// The path of what arrived at this port; of many, with spaces between.
    Port(String),
    /// The value of this parameter.
    Param(String),
    /// The folder that the command fills.
    Out,
}

/// How to run a node: `@(…)`. Never part of its key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    /// GPUs it holds while it runs.
    pub gpu: Option<u32>,
    /// Cores it holds while it runs; without it one, or all for a stage with tensors.
    pub cores: Option<u32>,
    /// Memory it holds while it runs, in bytes.
    pub memory: Option<u64>,
    /// How often it is tried again after a failure.
    pub retries: u32,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Among ready nodes a higher one starts first.
    pub priority: i64,
}
