//! From samples to points.

use std::collections::BTreeMap;

use runpipe_base::{Cell, TableSpec, Value};

use super::{PlotLine, PlotPoint};
use crate::format;
use crate::provenance::{compare_values, number};
use crate::sample::{Sample, Source, at, key, other_axes};
use crate::stats::{Interval, Summary};

/// More steps than this are drawn as means of as many neighbours as it takes.
const MOST_STEPS: usize = 300;

/// What the points are made of.
pub(super) struct Drawing<'a> {
    pub(super) spec: &'a TableSpec,
    pub(super) x_name: String,
    pub(super) line_axes: Vec<String>,
    pub(super) samples: Vec<Vec<Sample>>,
    pub(super) notes: Vec<String>,
}

/// Numbers that make one point: its place, its index, and the numbers.
type Group = (String, Vec<(String, Value)>, Vec<f64>);

impl Drawing<'_> {
    pub(super) fn metrics(&self) -> String {
        self.spec.columns.iter().map(|c| c.label.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn x_label(&self) -> String {
        let unit = self.samples.iter().flatten().find_map(|s| match s.at(&self.x_name)? {
            Value::Duration(_) => Some(" (s)"),
            Value::Size(_) => Some(" (B)"),
            _ => None,
        });
        format!("{}{}", self.x_name, unit.unwrap_or_default())
    }

    /// Names along the horizontal axis when its values are not all numbers, or in any case.
    pub(super) fn categories(&self, always: bool) -> Option<Vec<String>> {
        let mut names = Vec::<String>::new();
        let mut numbers = true;
        for sample in self.samples.iter().flatten() {
            let value = sample.at(&self.x_name);
            numbers &= value.and_then(number).is_some();
            let name = value.map(format::axis_value).unwrap_or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        (always || !numbers).then_some(names)
    }

    fn line_name(&self, column: usize, index: &[(String, Value)]) -> String {
        let mut words: Vec<String> =
            self.line_axes.iter().filter_map(|axis| at(index, axis)).map(format::axis_value).collect();
        if self.spec.columns.len() > 1 {
            words.insert(0, self.spec.columns[column].label.clone());
        }
        words.join(", ")
    }

    pub(super) fn points(&mut self, categories: Option<&[String]>, raw: bool) -> Vec<PlotLine> {
        let mut lines = Lines::default();
        let mut missing = 0;
        for (c, samples) in self.samples.iter().enumerate() {
            let mut groups = Vec::<Group>::new();
            let mut places = BTreeMap::<String, usize>::new();
            for (i, sample) in samples.iter().enumerate() {
                let Some(value) = sample.value else {
                    missing += 1;
                    continue;
                };
                let axes = std::iter::once(&self.x_name).chain(&self.line_axes).map(String::as_str);
                let mut key = key(&sample.index, axes);
                if raw {
                    key = format!("{key}\u{1}{i}");
                }
                let place = *places.entry(key.clone()).or_insert(groups.len());
                if place == groups.len() {
                    groups.push((key, sample.index.clone(), Vec::new()));
                }
                groups[place].2.push(value);
            }
            for (_, index, values) in groups {
                let value = at(&index, &self.x_name);
                let x = match categories {
                    None => value.and_then(number).unwrap_or_default(),
                    Some(names) => {
                        let name = value.map(format::axis_value).unwrap_or_default();
                        names.iter().position(|n| *n == name).unwrap_or_default() as f64
                    }
                };
                lines.add(self.line_name(c, &index), x, String::new(), &values);
            }
        }
        self.note_missing(missing);
        self.note_averaged(raw);
        lines.sorted()
    }

    /// One metric across, the other up; a point for each place on the axes that are not averaged.
    pub(super) fn metric_against_metric(&mut self) -> Vec<PlotLine> {
        let named: Vec<String> = self.spec.by.iter().chain(&self.line_axes).cloned().collect();
        let mut axes = named.clone();
        axes.extend(other_axes(&self.samples, &[&named, &self.spec.over]));
        let means = |samples: &[Sample]| {
            let mut groups = BTreeMap::<String, (Vec<(String, Value)>, Vec<f64>)>::new();
            for sample in samples {
                let Some(value) = sample.value else { continue };
                let key = key(&sample.index, axes.iter().map(String::as_str));
                groups.entry(key).or_insert_with(|| (sample.index.clone(), Vec::new())).1.push(value);
            }
            groups
        };
        let (across, up) = (means(&self.samples[0]), means(&self.samples[1]));
        let mut line = self.line_axes.clone();
        line.retain(|axis| !self.spec.by.contains(axis) || self.spec.by.len() > 1);
        self.line_axes = line;
        // With more points than the axis has values colours tell them apart, and names would cover one another.
        if self.line_axes.is_empty() && up.len() > self.categories(true).map_or(0, |names| names.len()) {
            self.line_axes.extend(self.spec.by.first().cloned());
        }
        let mut lines = Lines::default();
        let mut sorted: Vec<_> = up.iter().collect();
        sorted.sort_by(|(_, (a, _)), (_, (b, _))| {
            let values = |axis: &String| (at(a, axis).cloned(), at(b, axis).cloned());
            axes.iter().map(values).fold(std::cmp::Ordering::Equal, |order, pair| {
                order.then_with(|| match pair {
                    (Some(a), Some(b)) => compare_values(&a, &b),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                })
            })
        });
        for (key, (index, values)) in sorted {
            let Some(x) = across.get(key).and_then(|(_, values)| Summary::of(values)) else { continue };
            let axes = axes.iter().filter(|axis| !self.line_axes.contains(axis));
            let name: Vec<String> = axes.filter_map(|a| at(index, a)).map(format::axis_value).collect();
            let group: Vec<String> =
                self.line_axes.iter().filter_map(|a| at(index, a)).map(format::axis_value).collect();
            lines.add(group.join(", "), x.mean, name.join(", "), values);
        }
        let missing = self.samples.iter().flatten().filter(|s| s.value.is_none()).count();
        self.note_missing(missing);
        lines.lines
    }

    pub(super) fn curves(&mut self, source: &Source<'_>) -> Vec<PlotLine> {
        let mut lines = Vec::new();
        let mut missing = 0;
        let mut thinned = 1;
        for (c, column) in self.spec.columns.iter().enumerate() {
            let mut order = Vec::<(String, Vec<&Cell>)>::new();
            for cell in &column.cells {
                let name = self.line_name(c, &cell.index);
                match order.iter_mut().find(|(n, _)| *n == name) {
                    Some((_, cells)) => cells.push(cell),
                    None => order.push((name, vec![cell])),
                }
            }
            for (name, cells) in order {
                let mut steps = BTreeMap::<u64, Vec<f64>>::new();
                for cell in cells {
                    let Some(series) = source.curve(cell, &column.metric) else {
                        missing += 1;
                        continue;
                    };
                    for (step, value) in series.points.iter().filter(|(_, value)| value.is_finite()) {
                        steps.entry(*step).or_default().push(*value);
                    }
                }
                let points: Vec<PlotPoint> = steps
                    .iter()
                    .filter_map(|(step, values)| point(*step as f64, String::new(), values))
                    .collect();
                let width = points.len().div_ceil(MOST_STEPS).max(1);
                thinned = thinned.max(width);
                lines.push(PlotLine { name, points: points.chunks(width).map(middle).collect() });
            }
        }
        if missing > 0 {
            self.notes.push(format!("{} missing.", format::count(missing, "curve")));
        }
        if thinned > 1 {
            self.notes.push(format!("Each point is the mean of up to {thinned} steps."));
        }
        "step".clone_into(&mut self.x_name);
        self.note_averaged(false);
        lines
    }

    fn note_missing(&mut self, missing: usize) {
        if missing > 0 {
            let all: usize = self.samples.iter().map(Vec::len).sum();
            self.notes.push(format!("{missing} of {all} values are missing."));
        }
    }

    fn note_averaged(&mut self, raw: bool) {
        let known = [std::slice::from_ref(&self.x_name), &self.line_axes];
        let averaged = other_axes(&self.samples, &known);
        if !averaged.is_empty() && !raw {
            self.notes.push(format!("Mean over {}.", averaged.join(", ")));
        }
    }
}

/// Lines by name, in the order of their first use.
#[derive(Default)]
struct Lines {
    lines: Vec<PlotLine>,
}

impl Lines {
    fn add(&mut self, name: String, x: f64, point_name: String, values: &[f64]) {
        let Some(point) = point(x, point_name, values) else { return };
        match self.lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => self.lines.push(PlotLine { name, points: vec![point] }),
        }
    }

    fn sorted(mut self) -> Vec<PlotLine> {
        for line in &mut self.lines {
            line.points.sort_by(|a, b| a.x.total_cmp(&b.x));
        }
        self.lines
    }
}

fn point(x: f64, name: String, values: &[f64]) -> Option<PlotPoint> {
    let summary = Summary::of(values)?;
    Some(PlotPoint { x, name, y: summary.mean, interval: summary.interval, n: summary.n })
}

/// One point for several neighbours.
fn middle(points: &[PlotPoint]) -> PlotPoint {
    let mean = |of: &dyn Fn(&PlotPoint) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let low_high = |p: &PlotPoint| p.interval.unwrap_or(Interval { low: p.y, high: p.y });
    let interval = points
        .iter()
        .any(|p| p.interval.is_some())
        .then(|| Interval { low: mean(&|p| low_high(p).low), high: mean(&|p| low_high(p).high) });
    PlotPoint {
        x: points[points.len() / 2].x,
        name: String::new(),
        y: mean(&|p| p.y),
        interval,
        n: points.iter().map(|p| p.n).min().unwrap_or_default(),
    }
}
