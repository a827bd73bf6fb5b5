//! Which rows a table has, and which numbers stand in them.

use std::collections::{BTreeMap, BTreeSet};

use runpipe_base::Value;

use super::{Row, TableCell};
use crate::sample::{Sample, at, key};
use crate::stats::Summary;

/// The distinct values of the row axes in the order of their first use.
pub(super) fn row_keys(samples: &[Vec<Sample>], axes: &[String]) -> Vec<Vec<Option<Value>>> {
    let mut seen = BTreeSet::<String>::new();
    let mut keys = Vec::<Vec<Option<Value>>>::new();
    for sample in samples.iter().flatten() {
        if seen.insert(key(&sample.index, axes.iter().map(String::as_str))) {
            keys.push(axes.iter().map(|axis| sample.at(axis).cloned()).collect());
        }
    }
    // A number without one of the axes belongs to all rows that agree with it elsewhere; alone it is a row.
    let covers = |a: &[Option<Value>], b: &[Option<Value>]| {
        a != b && a.iter().zip(b).all(|(a, b)| a.is_none() || a == b)
    };
    if keys.iter().any(|key| key.contains(&None)) {
        let general: Vec<bool> =
            keys.iter().map(|k| k.contains(&None) && keys.iter().any(|other| covers(k, other))).collect();
        let mut general = general.into_iter();
        keys.retain(|_| !general.next().unwrap_or_default());
    }
    keys
}

/// Adds a column's cell to each row.
pub(super) fn fill(rows: &mut [Row], keys: &[Vec<Option<Value>>], axes: &[String], column: &[Sample]) {
    let full = |sample: &Sample| axes.iter().all(|axis| sample.at(axis).is_some());
    let mut by_key = BTreeMap::<String, Vec<&Sample>>::new();
    let mut loose = Vec::new();
    for sample in column {
        if full(sample) {
            by_key.entry(key(&sample.index, axes.iter().map(String::as_str))).or_default().push(sample);
        } else {
            loose.push(sample);
        }
    }
    for (row, at_axes) in rows.iter_mut().zip(keys) {
        let index: Vec<(String, Value)> =
            axes.iter().cloned().zip(at_axes).filter_map(|(axis, v)| Some((axis, v.clone()?))).collect();
        let mut samples: Vec<Sample> = by_key
            .get(&key(&index, axes.iter().map(String::as_str)))
            .into_iter()
            .flatten()
            .map(|s| (*s).clone())
            .collect();
        let agrees = |s: &Sample| axes.iter().all(|a| s.at(a).is_none() || s.at(a) == at(&index, a));
        samples.extend(loose.iter().filter(|s| agrees(s)).map(|s| (*s).clone()));
        let values: Vec<f64> = samples.iter().filter_map(|s| s.value).collect();
        row.cells.push(TableCell {
            summary: Summary::of(&values),
            missing: samples.len() - values.len(),
            samples,
            paper: None,
            best: false,
            against: None,
        });
    }
}
