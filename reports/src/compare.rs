//! Two runs side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use runpipe_base::{NodeRecord, Record, RunLog};

use crate::format;
use crate::provenance::End;

/// What differs between two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Parameters of the pipeline that differ.
    pub params: Vec<Change<String>>,
    /// Nodes that one of the runs lacks or that ended otherwise.
    pub nodes: Vec<Change<String>>,
    /// Parameters of nodes of the same name that differ; the name is `label: parameter`.
    pub node_params: Vec<Change<String>>,
    /// Numbers that differ; the name is `label.metric`.
    pub metrics: Vec<Change<f64>>,
    /// Numbers that are the same.
    pub same_metrics: usize,
    /// Nodes of the same name whose results are the same bytes.
    pub same_results: usize,
    /// Nodes of the same name whose results differ.
    pub other_results: Vec<String>,
}

/// A thing and its value in both runs; nothing where a run lacks it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<T> {
    /// What it is.
    pub name: String,
    /// In the first run.
    pub left: Option<T>,
    /// In the second run.
    pub right: Option<T>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.params.is_empty()
            && self.nodes.is_empty()
            && self.node_params.is_empty()
            && self.metrics.is_empty()
            && self.other_results.is_empty()
    }
}

/// Compares two runs: parameters, nodes by label, numbers and results.
pub fn compare(left: &RunLog, right: &RunLog) -> Comparison {
    let (a, b) = (by_label(left), by_label(right));
    let labels: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let mut found = Comparison {
        params: changes("", &texts(&left.params), &texts(&right.params)).0,
        nodes: Vec::new(),
        node_params: Vec::new(),
        metrics: Vec::new(),
        same_metrics: 0,
        same_results: 0,
        other_results: Vec::new(),
    };
    for label in labels {
        let (Some(x), Some(y)) = (a.get(label), b.get(label)) else {
            let end = |node: Option<&&NodeRecord>| node.map(|node| End::of(node.status).as_str().to_owned());
            found.nodes.push(Change {
                name: label.to_owned(),
                left: end(a.get(label)),
                right: end(b.get(label)),
            });
            continue;
        };
        let ends = (End::of(x.status), End::of(y.status));
        if ends.0 != ends.1 {
            let (left, right) = (Some(ends.0.as_str().to_owned()), Some(ends.1.as_str().to_owned()));
            found.nodes.push(Change { name: label.to_owned(), left, right });
        }
        found.node_params.extend(changes(&format!("{label}: "), &texts(&x.params), &texts(&y.params)).0);
        let (metrics, same) = changes(&format!("{label}."), &x.metrics, &y.metrics);
        found.metrics.extend(metrics);
        found.same_metrics += same;
        if let (Some(x), Some(y)) = (&x.artifact, &y.artifact) {
            if x.digest() == y.digest() {
                found.same_results += 1;
            } else {
                found.other_results.push(label.to_owned());
            }
        }
    }
    found
}

fn by_label(log: &RunLog) -> BTreeMap<&str, &NodeRecord> {
    log.nodes.iter().map(|node| (node.label.as_str(), node)).collect()
}

fn texts(record: &Record) -> BTreeMap<String, String> {
    record.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn changes<T: Clone + PartialEq>(
    prefix: &str,
    left: &BTreeMap<String, T>,
    right: &BTreeMap<String, T>,
) -> (Vec<Change<T>>, usize) {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let (same, other): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| left.get(*name) == right.get(*name));
    let change = |name: &String| Change {
        name: format!("{prefix}{name}"),
        left: left.get(name).cloned(),
        right: right.get(name).cloned(),
    };
    (other.into_iter().map(change).collect(), same.len())
}

/// Only what differs, in columns, and how much does not.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |rows: &[Change<String>]| -> Vec<[String; 4]> {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
            rows.iter().map(|c| [c.name.clone(), side(&c.left), side(&c.right), String::new()]).collect()
        };
        let side = |value: Option<f64>| value.map_or("—".to_owned(), format::general);
        let metrics = self.metrics.iter().map(|c| {
            let by = match (c.left, c.right) {
                (Some(left), Some(right)) if right > left => format!("+{}", format::general(right - left)),
                (Some(left), Some(right)) => format::general(right - left),
                _ => String::new(),
            };
            [c.name.clone(), side(c.left), side(c.right), by]
        });
        columns(f, "Parameters", &text(&self.params))?;
        columns(f, "Nodes", &text(&self.nodes))?;
        columns(f, "Parameters of nodes", &text(&self.node_params))?;
        columns(f, "Metrics", &metrics.collect::<Vec<_>>())?;
        if !self.other_results.is_empty() {
            writeln!(f, "Other results\n  {}\n", self.other_results.join("\n  "))?;
        }
        writeln!(
            f,
            "{} and {} are the same",
            format::count(self.same_metrics, "metric"),
            format::count(self.same_results, "result")
        )
    }
}

fn columns(f: &mut fmt::Formatter<'_>, title: &str, rows: &[[String; 4]]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let width = |c: usize| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or_default();
    let (name, left, right) = (width(0), width(1), width(2));
    writeln!(f, "{title}")?;
    for [what, a, b, by] in rows {
        let line = format!("  {what:name$}  {a:>left$} → {b:<right$}  {by}");
        writeln!(f, "{}", line.trim_end())?;
    }
    writeln!(f)
}
