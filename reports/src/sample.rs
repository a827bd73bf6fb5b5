//! One number of one node, and how the numbers of a log are found.

use runpipe_base::{Cell, Column, RunLog, Series, Value};

use crate::provenance::{self, End};

/// One number of one node, or the place where it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Axis and value, outermost loop first.
    pub index: Vec<(String, Value)>,
    /// The number; nothing when the node has no result or does not report it.
    pub value: Option<f64>,
    /// The node's place in [`Provenance::nodes`](crate::Provenance::nodes).
    pub node: Option<usize>,
}

impl Sample {
    /// The value on an axis.
    pub fn at(&self, axis: &str) -> Option<&Value> {
        at(&self.index, axis)
    }
}

pub(crate) fn at<'v>(index: &'v [(String, Value)], axis: &str) -> Option<&'v Value> {
    index.iter().find(|(name, _)| name == axis).map(|(_, value)| value)
}

/// A log and the order of its nodes in the report.
pub(crate) struct Source<'a> {
    pub(crate) log: &'a RunLog,
    pub(crate) ranks: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn of(log: &'a RunLog) -> Self {
        Self { log, ranks: provenance::ranks(log) }
    }

    pub(crate) fn samples(&self, column: &Column) -> Vec<Sample> {
        column.cells.iter().map(|cell| self.sample(cell, &column.metric)).collect()
    }

    fn sample(&self, cell: &Cell, metric: &str) -> Sample {
        Sample {
            index: cell.index.clone(),
            value: self.value(cell, metric),
            node: self.ranks.get(cell.node).copied(),
        }
    }

    /// The metric; of a curve its last point.
    fn value(&self, cell: &Cell, metric: &str) -> Option<f64> {
        let node = self.log.nodes.get(cell.node).filter(|node| End::of(node.status) == End::Done)?;
        let last = || self.curve(cell, metric)?.points.last().map(|(_, value)| *value);
        node.metrics.get(metric).copied().or_else(last).filter(|value| value.is_finite())
    }

    pub(crate) fn curve(&self, cell: &Cell, name: &str) -> Option<&'a Series> {
        let node = self.log.nodes.get(cell.node).filter(|node| End::of(node.status) == End::Done)?;
        node.series.iter().find(|series| series.name == name)
    }
}

/// The values of `axes` in an index as one text that differs when they do.
pub(crate) fn key<'v>(index: &'v [(String, Value)], axes: impl IntoIterator<Item = &'v str>) -> String {
    let values = axes.into_iter().map(|axis| at(index, axis).map(ToString::to_string).unwrap_or_default());
    values.collect::<Vec<_>>().join("\u{1}")
}

/// Axes of `samples` that are not among `known`, in the order of their first use.
pub(crate) fn other_axes(samples: &[Vec<Sample>], known: &[&[String]]) -> Vec<String> {
    let mut found = Vec::<String>::new();
    for (axis, _) in samples.iter().flatten().flat_map(|sample| &sample.index) {
        if !found.contains(axis) && !known.iter().any(|names| names.contains(axis)) {
            found.push(axis.clone());
        }
    }
    found
}

/// Differences a − b of numbers that stand at the same values of the axes that both selections have.
///
/// Where one of them has more axes, its numbers at a shared place are averaged first.
pub(crate) fn differences(a: &[Sample], b: &[Sample]) -> Vec<f64> {
    let has = |samples: &[Sample], axis: &str| samples.iter().any(|s| s.at(axis).is_some());
    let axes: Vec<&str> = a.first().map_or(Vec::new(), |sample| {
        sample.index.iter().map(|(axis, _)| axis.as_str()).filter(|axis| has(b, axis)).collect()
    });
    let means = |samples: &[Sample]| {
        let mut sums = Vec::<(String, f64, f64)>::new();
        let mut places = std::collections::BTreeMap::<String, usize>::new();
        for sample in samples {
            let Some(value) = sample.value else { continue };
            let key = key(&sample.index, axes.iter().copied());
            let place = *places.entry(key.clone()).or_insert(sums.len());
            if place == sums.len() {
                sums.push((key, 0.0, 0.0));
            }
            sums[place].1 += value;
            sums[place].2 += 1.0;
        }
        sums
    };
    let right: std::collections::BTreeMap<String, f64> =
        means(b).into_iter().map(|(key, sum, n)| (key, sum / n)).collect();
    means(a).into_iter().filter_map(|(key, sum, n)| Some(sum / n - right.get(&key)?)).collect()
}
