//! The graph of a pipeline: one box a binding, however many nodes a loop makes of it.

mod draw;
mod layout;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use runpipe_base::RunLog;

/// A node as the graph needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vertex {
    /// The binding's name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// Names of the axes it depends on.
    pub axes: Vec<String>,
    /// Port, node before (a place in the list), part taken.
    pub inputs: Vec<(String, usize, String)>,
}

/// The nodes of a run as [`Graph::of`] takes them.
pub fn vertices(log: &RunLog) -> Vec<Vertex> {
    let vertex = |node: &runpipe_base::NodeRecord| Vertex {
        name: node.name.clone(),
        stage: node.stage.clone(),
        axes: node.index.iter().map(|(axis, _)| axis.clone()).collect(),
        inputs: node.inputs.clone(),
    };
    log.nodes.iter().map(vertex).collect()
}

/// Bindings and what they use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The bindings, each after those it uses.
    pub boxes: Vec<GraphBox>,
    /// What is used, in order.
    pub edges: Vec<Edge>,
}

/// A binding.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphBox {
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Its axes.
    pub axes: Vec<String>,
    /// Its nodes.
    pub count: usize,
}

impl GraphBox {
    /// `scores × 10`, or the name alone when there is one node.
    pub fn title(&self) -> String {
        if self.count == 1 { self.name.clone() } else { format!("{} × {}", self.name, self.count) }
    }
}

/// A binding uses another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The one used.
    pub from: usize,
    /// The one that uses it.
    pub to: usize,
    /// The port.
    pub port: String,
    /// The part taken, or empty.
    pub part: String,
}

impl Graph {
    /// The graph of `nodes`. Their order does not matter.
    pub fn of(nodes: &[Vertex]) -> Self {
        let mut members = BTreeMap::<(&str, &str), Vec<usize>>::new();
        for (i, node) in nodes.iter().enumerate() {
            members.entry((&node.name, &node.stage)).or_default().push(i);
        }
        let mut family = vec![0; nodes.len()];
        let mut boxes = Vec::new();
        for (f, ((name, stage), nodes_of)) in members.into_iter().enumerate() {
            let mut axes = Vec::<String>::new();
            for node in &nodes_of {
                family[*node] = f;
                axes.extend(
                    nodes[*node].axes.iter().filter(|a| !axes.contains(a)).cloned().collect::<Vec<_>>(),
                );
            }
            boxes.push(GraphBox {
                name: name.to_owned(),
                stage: stage.to_owned(),
                axes,
                count: nodes_of.len(),
            });
        }
        let edges: BTreeSet<(usize, usize, &str, &str)> = nodes
            .iter()
            .enumerate()
            .flat_map(|(to, node)| {
                let before = node.inputs.iter().filter(|(_, from, _)| *from < nodes.len());
                before.map(move |(port, from, part)| (*from, to, port.as_str(), part.as_str()))
            })
            .map(|(from, to, port, part)| (family[from], family[to], port, part))
            .filter(|(from, to, _, _)| from != to)
            .collect();
        Self::sorted(&boxes, &edges)
    }

    /// Puts each box after those it uses, by name among equals.
    fn sorted(boxes: &[GraphBox], edges: &BTreeSet<(usize, usize, &str, &str)>) -> Self {
        let mut waits = vec![BTreeSet::new(); boxes.len()];
        let mut used_by = vec![BTreeSet::new(); boxes.len()];
        for (from, to, _, _) in edges {
            waits[*to].insert(*from);
            used_by[*from].insert(*to);
        }
        let mut ready: BTreeSet<usize> = (0..boxes.len()).filter(|b| waits[*b].is_empty()).collect();
        let mut left: BTreeSet<usize> = (0..boxes.len()).collect();
        let mut order = Vec::new();
        // Families may use one another in a circle although their nodes do not: then the first by name goes first.
        while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
            left.remove(&next);
            order.push(next);
            for user in &used_by[next] {
                waits[*user].remove(&next);
                if waits[*user].is_empty() && left.contains(user) {
                    ready.insert(*user);
                }
            }
        }
        let mut place = vec![0; boxes.len()];
        for (i, b) in order.iter().enumerate() {
            place[*b] = i;
        }
        let mut edges: Vec<Edge> = edges
            .iter()
            .map(|(from, to, port, part)| Edge {
                from: place[*from],
                to: place[*to],
                port: (*port).to_owned(),
                part: (*part).to_owned(),
            })
            .collect();
        edges.sort();
        Self { boxes: order.into_iter().map(|b| boxes[b].clone()).collect(), edges }
    }

    /// The graph in the DOT language of Graphviz.
    pub fn dot(&self) -> String {
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
        let mut out =
            "digraph pipeline {\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n".to_owned();
        for (i, b) in self.boxes.iter().enumerate() {
            let (title, stage) = (quote(&b.title()), quote(&b.stage));
            let _ = writeln!(out, "  n{i} [label=\"{title}\\n{stage}\"];");
        }
        for edge in &self.edges {
            let label = if edge.part.is_empty() {
                String::new()
            } else {
                format!(" [label=\"{}\"]", quote(&edge.part))
            };
            let _ = writeln!(out, "  n{} -> n{}{label};", edge.from, edge.to);
        }
        out.push_str("}\n");
        out
    }

    /// The graph as a text: each result with what it uses below it. What was shown before has `(*)` behind it.
    pub fn tree(&self) -> String {
        let used: BTreeSet<usize> = self.edges.iter().map(|edge| edge.from).collect();
        let mut roots: Vec<usize> = (0..self.boxes.len()).filter(|b| !used.contains(b)).collect();
        let mut shown = BTreeSet::new();
        let mut out = String::new();
        for root in &roots {
            self.branch(&mut out, *root, "", None, &mut shown);
        }
        // Boxes in a circle have no root of their own.
        roots = (0..self.boxes.len()).rev().filter(|b| !shown.contains(b)).collect();
        for root in roots {
            if !shown.contains(&root) {
                self.branch(&mut out, root, "", None, &mut shown);
            }
        }
        out
    }

    fn branch(
        &self,
        out: &mut String,
        at: usize,
        indent: &str,
        via: Option<(&Edge, bool)>,
        shown: &mut BTreeSet<usize>,
    ) {
        let b = &self.boxes[at];
        let mut line = String::new();
        if let Some((edge, last)) = via {
            line.push_str(indent);
            line.push_str(if last { "└─ " } else { "├─ " });
            line.push_str(&b.name);
            if !edge.part.is_empty() {
                let _ = write!(line, ".{}", edge.part);
            }
            if b.count > 1 {
                let _ = write!(line, " × {}", b.count);
            }
        } else {
            line.push_str(&b.title());
        }
        let first = shown.insert(at);
        let _ = write!(line, "  {}", b.stage);
        if first && !b.axes.is_empty() {
            let _ = write!(line, " [{}]", b.axes.join(", "));
        }
        let inputs: Vec<&Edge> = self.edges.iter().filter(|edge| edge.to == at).collect();
        if !first && !inputs.is_empty() {
            line.push_str(" (*)");
        }
        out.push_str(&line);
        out.push('\n');
        if !first {
            return;
        }
        let below = match via {
            None => String::new(),
            Some((_, true)) => format!("{indent}   "),
            Some((_, false)) => format!("{indent}│  "),
        };
        for (i, edge) in inputs.iter().enumerate() {
            self.branch(out, edge.from, &below, Some((edge, i + 1 == inputs.len())), shown);
        }
    }
}
