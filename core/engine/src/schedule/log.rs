//! What a run comes to: the log.

use std::sync::Arc;
use std::time::Duration;

use runpipe_base::{NodeRecord, NodeStatus, RunLog, RunSummary};

use super::State;
use crate::NodeId;

impl State<'_> {
    /// The log of the run. Nodes keep their places in the pipeline, wanted or not, since reports refer to them by place.
    pub(super) fn into_log(mut self, took: Duration) -> RunLog {
        let mut summary = RunSummary { elapsed_s: took.as_secs_f64(), ..RunSummary::default() };
        let nodes = self.shared.pipeline.nodes.iter().enumerate().map(|(id, node)| {
            let (manifest, status) = (self.made[id].take(), self.status[id]);
            if self.dag.wanted(id as NodeId) {
                summary.nodes += 1;
                match status {
                    Some(NodeStatus::Cached) => summary.cached += 1,
                    Some(NodeStatus::Ran | NodeStatus::Joined) => summary.ran += 1,
                    Some(NodeStatus::Failed) => summary.failed += 1,
                    Some(NodeStatus::Cancelled) => summary.cancelled += 1,
                    Some(NodeStatus::Skipped) | None => summary.skipped += 1,
                }
            }
            let input = |input: &crate::Input| {
                let port = node.stage.spec.inputs[usize::from(input.port)].name.to_string();
                (port, input.node as usize, input.part.to_string())
            };
            NodeRecord {
                label: node.label(),
                name: node.name.to_string(),
                index: node.index.iter().map(|(axis, value)| (axis.to_string(), value.clone())).collect(),
                stage: node.stage.spec.name.clone(),
                params: Arc::clone(&node.params),
                inputs: node.inputs.iter().map(input).collect(),
                place: self.places.of(id as NodeId),
                status: status.unwrap_or(NodeStatus::Skipped),
                key: self.keys[id].map(|keys| keys.exact),
                artifact: manifest.as_ref().map(|m| Arc::clone(&m.artifact)),
                metrics: manifest.as_ref().map(|m| m.metrics.clone()).unwrap_or_default(),
                series: manifest.as_ref().map(|m| m.series.clone()).unwrap_or_default(),
                elapsed_s: manifest.map_or(0.0, |m| m.elapsed_s),
                error: self.errors.remove(&(id as NodeId)),
            }
        });
        let nodes = nodes.collect();
        RunLog {
            pipeline: self.shared.pipeline.path.clone(),
            doc: self.shared.pipeline.doc.clone(),
            params: self.shared.pipeline.params.clone(),
            device: self.shared.options.device,
            nodes,
            reports: self.shared.pipeline.reports.clone(),
            summary,
        }
    }
}
