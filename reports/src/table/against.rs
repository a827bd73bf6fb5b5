//! Rows against one another: the baseline, the best, the paper.

use std::collections::BTreeMap;

use runpipe_base::{Record, Value};

use super::{Against, Better, Row, Table};
use crate::format;
use crate::provenance::number;
use crate::sample::{Sample, differences};
use crate::stats::{Paired, holm};

impl Table {
    /// Compares rows with the baseline where there is something to average; returns the axis whose values compete.
    pub(super) fn choose_baseline(&mut self, options: &Record, notes: &mut Vec<String>) -> usize {
        let Some(first) = self.rows.first() else { return 0 };
        // A row whose value is the text `none` is a row like any other.
        if matches!(options.get("baseline"), Some(Value::None | Value::Bool(false))) {
            return 0;
        }
        let wanted = options.get("baseline").map(format::axis_value);
        let place = wanted.as_ref().and_then(|wanted| {
            (0..self.axes.len()).find(|axis| self.rows.iter().any(|row| row.at[*axis] == *wanted))
        });
        let (axis, value) = match (wanted, place) {
            (Some(wanted), Some(axis)) => (axis, wanted),
            (Some(wanted), None) => {
                notes.push(format!("No row is the baseline `{wanted}`: nothing is compared."));
                return 0;
            }
            (None, _) => match first.at.first() {
                Some(value) => (0, value.clone()),
                None => return 0,
            },
        };
        if self.over.is_empty() {
            return axis;
        }
        let others = |row: &Row| -> Vec<String> {
            row.at.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, v)| v.clone()).collect()
        };
        let base: BTreeMap<Vec<String>, usize> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.at[axis] == value)
            .map(|(i, row)| (others(row), i))
            .collect();
        let mut places = Vec::new();
        for r in 0..self.rows.len() {
            let Some(b) = base.get(&others(&self.rows[r])).copied().filter(|b| *b != r) else { continue };
            for c in 0..self.columns.len() {
                let over = |samples: &[Sample]| -> Vec<Sample> {
                    samples.iter().map(|s| self.on_averaged_axes(s)).collect()
                };
                let (row, baseline) = (&self.rows[r].cells[c], &self.rows[b].cells[c]);
                let found = Paired::of(&differences(&over(&row.samples), &over(&baseline.samples)));
                self.rows[r].cells[c].against = found.map(|paired| Against { paired, p_holm: None });
                places.push((r, c));
            }
        }
        let against = |(r, c): &(usize, usize)| self.rows[*r].cells[*c].against.as_ref();
        let p_values: Vec<Option<f64>> = places.iter().map(|at| against(at)?.paired.p).collect();
        self.tests = p_values.iter().flatten().count();
        for ((r, c), p) in places.iter().zip(holm(&p_values)) {
            if let Some(against) = &mut self.rows[*r].cells[*c].against {
                against.p_holm = p;
            }
        }
        if self.compared().next().is_some() {
            self.baseline = Some((self.axes[axis].clone(), value));
        }
        axis
    }

    fn on_averaged_axes(&self, sample: &Sample) -> Sample {
        let mut sample = sample.clone();
        sample.index.retain(|(axis, _)| self.over.contains(axis));
        sample
    }

    pub(super) fn set_paper(&mut self, options: &Record, notes: &mut Vec<String>) {
        let Some(paper) = options.get("paper") else { return };
        let width = self.columns.len();
        let lines: Vec<Vec<Option<f64>>> = match paper {
            Value::List(items) => items
                .iter()
                .map(|item| match item {
                    Value::List(line) => line.iter().map(number).collect(),
                    item => vec![number(item)],
                })
                .collect(),
            item => vec![vec![number(item)]],
        };
        if lines.len() != self.rows.len() || lines.iter().any(|line| line.len() > width) {
            notes.push(format!(
                "`paper` has {} for {}.",
                format::count(lines.len(), "figure"),
                format::count(self.rows.len(), "row")
            ));
        }
        for (row, line) in self.rows.iter_mut().zip(lines) {
            for (cell, figure) in row.cells.iter_mut().zip(line) {
                cell.paper = figure;
            }
        }
    }

    pub(super) fn mark_best(&mut self, contender: usize) {
        for c in 0..self.columns.len() {
            let Some(better) = self.columns[c].better else { continue };
            let mut groups = BTreeMap::<Vec<String>, Vec<(usize, f64)>>::new();
            for (r, row) in self.rows.iter().enumerate() {
                let Some(summary) = row.cells[c].summary else { continue };
                let others = row.at.iter().enumerate().filter(|(i, _)| *i != contender);
                groups.entry(others.map(|(_, v)| v.clone()).collect()).or_default().push((r, summary.mean));
            }
            for rows in groups.into_values().filter(|rows| rows.len() > 1) {
                let means = rows.iter().map(|(_, mean)| *mean);
                let best = match better {
                    Better::High => means.fold(f64::NEG_INFINITY, f64::max),
                    Better::Low => means.fold(f64::INFINITY, f64::min),
                };
                // All alike: there is no best.
                if rows.iter().any(|(_, mean)| mean.total_cmp(&best).is_ne()) {
                    for (r, mean) in rows {
                        self.rows[r].cells[c].best = mean.total_cmp(&best).is_eq();
                    }
                }
            }
        }
    }
}
