//! The graph of a pipeline: who needs whom, who is wanted, what is on the longest path.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::{NodeId, Pipeline};

/// The nodes as a directed graph; an edge runs from a node to one that uses it. Nothing here recurses over its depth.
pub(crate) struct Dag {
    graph: DiGraph<(), (), NodeId>,
    /// Whether a node is a target or something that a target needs.
    wanted: Vec<bool>,
}

impl Dag {
    /// The graph of `pipeline`, with `targets` (all nodes when there are none) and what they need marked as wanted.
    pub(crate) fn new(pipeline: &Pipeline, targets: &[NodeId]) -> Self {
        let edges: usize = pipeline.nodes.iter().map(|node| node.inputs.len()).sum();
        let mut graph = DiGraph::with_capacity(pipeline.nodes.len(), edges);
        for _ in &pipeline.nodes {
            graph.add_node(());
        }
        for (id, node) in pipeline.nodes.iter().enumerate() {
            for input in &node.inputs {
                assert!(
                    (input.node as usize) < id,
                    "a name is bound before its use, so every edge points forward"
                );
                graph.update_edge(NodeIndex::new(input.node as usize), NodeIndex::new(id), ());
            }
        }
        let mut dag = Self { graph, wanted: vec![targets.is_empty(); pipeline.nodes.len()] };
        let mut open = targets.to_vec();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut dag.wanted[id as usize], true) {
                open.extend(dag.before(id));
            }
        }
        dag
    }

    /// Whether the node is to be computed at all.
    pub(crate) fn wanted(&self, id: NodeId) -> bool {
        self.wanted[id as usize]
    }

    /// How many nodes are to be computed.
    pub(crate) fn wanted_count(&self) -> usize {
        self.wanted.iter().filter(|wanted| **wanted).count()
    }

    /// The nodes that `id` uses.
    pub(crate) fn before(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph
            .neighbors_directed(NodeIndex::new(id as usize), Direction::Incoming)
            .map(|n| n.index() as NodeId)
    }

    /// The nodes that use `id`.
    pub(crate) fn after(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph
            .neighbors_directed(NodeIndex::new(id as usize), Direction::Outgoing)
            .map(|n| n.index() as NodeId)
    }

    /// For every node the cost of the longest path that begins with it: what is longest starts first.
    pub(crate) fn longest_paths(&self, cost_s: impl Fn(NodeId) -> f64) -> Vec<f64> {
        let mut path_s = vec![0.0; self.wanted.len()];
        for id in (0..self.wanted.len()).rev() {
            let rest = self.after(id as NodeId).map(|next| path_s[next as usize]).fold(0.0, f64::max);
            path_s[id] = cost_s(id as NodeId) + rest;
        }
        path_s
    }
}

/// The nodes that a person means by `name`: a binding's whole family, or those at `name[axis=value,…]`; axes may be left out
/// and stand in any order.
pub fn select(pipeline: &Pipeline, name: &str) -> Vec<NodeId> {
    let name = name.trim();
    let (base, axes) = match name.split_once('[') {
        Some((base, rest)) => (base, rest.strip_suffix(']').unwrap_or(rest)),
        None => (name, ""),
    };
    let wanted: Vec<(&str, &str)> = axes
        .split(',')
        .filter(|axis| !axis.trim().is_empty())
        .map(|axis| {
            axis.split_once('=').map_or((axis.trim(), ""), |(a, v)| (a.trim(), v.trim().trim_matches('"')))
        })
        .collect();
    let fits = |node: &crate::Node| {
        wanted
            .iter()
            .all(|(axis, value)| node.index.iter().any(|(a, v)| a.as_ref() == *axis && v.plain() == *value))
    };
    let nodes = pipeline.nodes.iter().enumerate();
    nodes.filter(|(_, node)| node.name.as_ref() == base && fits(node)).map(|(id, _)| id as NodeId).collect()
}
