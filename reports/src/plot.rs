//! Plots as data: which points with which intervals, on which axes.

use std::collections::BTreeMap;

use runpipe_base::{Cell, Record, TableSpec, Value};

use crate::format;
use crate::provenance::{compare_values, number};
use crate::sample::{Sample, Source, at, key, other_axes};
use crate::stats::{Interval, Summary};
use crate::table::{scale, text};

/// A plot of a report. Numbers are as the nodes reported them; [`scale`](Self::scale) is for those who draw them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Its number among the report's figures, from 1.
    pub number: usize,
    /// A name for files.
    pub slug: String,
    /// Its caption, or what it shows in words.
    pub caption: String,
    /// How it is drawn.
    pub kind: PlotKind,
    /// The horizontal axis.
    pub x: PlotAxis,
    /// The vertical axis.
    pub y: PlotAxis,
    /// What the lines' names are values of, or empty.
    pub legend: String,
    /// The lines, or groups of bars or of points.
    pub lines: Vec<PlotLine>,
    /// What vertical numbers are multiplied by when they are drawn.
    pub scale: f64,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// How a plot is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlotKind {
    /// Points joined by lines, intervals as bars.
    Line,
    /// Bars.
    Bar,
    /// Points.
    Scatter,
    /// Lines over steps, intervals as bands.
    Curve,
}

/// An axis of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotAxis {
    /// What it measures, with its unit.
    pub label: String,
    /// Whether it is logarithmic.
    pub log: bool,
    /// Names at 0, 1, 2, … when it holds no numbers.
    pub categories: Vec<String>,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotLine {
    /// Its name in the legend.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<PlotPoint>,
}

/// A point, or a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotPoint {
    /// Where: a number, or the place of a category.
    pub x: f64,
    /// A name for it, or empty.
    pub name: String,
    /// How high.
    pub y: f64,
    /// 95 % interval of the mean, from two numbers on.
    pub interval: Option<Interval>,
    /// Numbers behind it.
    pub n: usize,
}

/// More steps than this are drawn as means of as many neighbours as it takes.
const MOST_STEPS: usize = 300;

impl Plot {
    pub(crate) fn of(source: &Source<'_>, spec: &TableSpec, line: Option<&String>, number: usize) -> Self {
        let option = text(&spec.options, "kind");
        let x_name = spec.by.first().cloned().unwrap_or_default();
        let samples: Vec<Vec<Sample>> = spec.columns.iter().map(|column| source.samples(column)).collect();
        let mut line_axes: Vec<String> = spec.by.iter().skip(1).cloned().collect();
        line_axes.extend(line.filter(|l| !line_axes.contains(l) && **l != x_name).cloned());

        let mut drawing = Drawing { spec, x_name, line_axes, samples, notes: Vec::new() };
        let curve = option.as_deref() == Some("curve") || drawing.x_name == "step";
        let (kind, categories, lines, x_label, y_label) = if curve {
            let lines = drawing.curves(source);
            (PlotKind::Curve, Vec::new(), lines, "step".to_owned(), drawing.metrics())
        } else if option.as_deref() == Some("scatter") && spec.columns.len() == 2 {
            let lines = drawing.metric_against_metric();
            let labels = (spec.columns[0].label.clone(), spec.columns[1].label.clone());
            (PlotKind::Scatter, Vec::new(), lines, labels.0, labels.1)
        } else {
            let categories = drawing.categories();
            let kind = match option.as_deref() {
                Some("bar") => PlotKind::Bar,
                Some("scatter") => PlotKind::Scatter,
                None if categories.is_some() => PlotKind::Bar,
                _ => PlotKind::Line,
            };
            let lines = drawing.points(categories.as_deref(), kind == PlotKind::Scatter);
            (kind, categories.unwrap_or_default(), lines, drawing.x_label(), drawing.metrics())
        };
        let what = drawing.metrics();
        let words = match kind {
            PlotKind::Scatter if spec.columns.len() == 2 && !curve => format!("{y_label} against {x_label}"),
            _ if x_label.is_empty() => what,
            _ => format!("{what} by {x_label}"),
        };
        let scale = scale(&spec.options);
        let mut plot = Self {
            number,
            slug: format!("{number:02}-{}", format::slug(&words)),
            caption: text(&spec.options, "caption").unwrap_or(words),
            kind,
            x: PlotAxis { label: x_label, log: false, categories },
            y: PlotAxis {
                label: with_unit(&y_label, &spec.options, scale),
                log: false,
                categories: Vec::new(),
            },
            legend: drawing.line_axes.join(", "),
            lines,
            scale,
            notes: drawing.notes,
        };
        plot.set_log(&spec.options);
        plot.note_intervals();
        plot
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.points.is_empty())
    }

    fn points(&self) -> impl Iterator<Item = &PlotPoint> {
        self.lines.iter().flat_map(|line| &line.points)
    }

    fn set_log(&mut self, options: &Record) {
        let (x, y) = match options.get("log") {
            Some(Value::Bool(log)) => (false, *log),
            Some(Value::Str(axes)) => (axes.contains('x'), axes.contains('y')),
            _ => (false, false),
        };
        let scale = self.scale;
        let positive_x = self.x.categories.is_empty() && self.points().all(|p| p.x > 0.0);
        let positive_y = self.points().all(|p| p.y * scale > 0.0);
        self.x.log = x && positive_x;
        self.y.log = y && positive_y;
        for (name, asked, got) in [("horizontal", x, self.x.log), ("vertical", y, self.y.log)] {
            if asked && !got {
                self.notes
                    .push(format!("The {name} axis is linear: a logarithmic one needs numbers above 0."));
            }
        }
    }

    fn note_intervals(&mut self) {
        let (least, most) = self.points().fold((usize::MAX, 0), |(l, m), p| (l.min(p.n), m.max(p.n)));
        if self.points().any(|p| p.interval.is_some()) {
            let n = if least == most { format!("n = {most}") } else { format!("n = {least} to {most}") };
            let shape = if self.kind == PlotKind::Curve { "Bands" } else { "Bars" };
            let shape = if self.kind == PlotKind::Bar { "Whiskers" } else { shape };
            self.notes.insert(0, format!("{shape}: 95 % t-interval of the mean ({n})."));
        }
    }
}

fn with_unit(label: &str, options: &Record, scale: f64) -> String {
    match text(options, "unit") {
        Some(unit) => format!("{label} ({unit})"),
        None if scale != 1.0 => format!("{label} (× {})", format::general(scale)),
        None => label.to_owned(),
    }
}

/// What the points are made of.
struct Drawing<'a> {
    spec: &'a TableSpec,
    x_name: String,
    line_axes: Vec<String>,
    samples: Vec<Vec<Sample>>,
    notes: Vec<String>,
}

/// Numbers that make one point: its place, its index, and the numbers.
type Group = (String, Vec<(String, Value)>, Vec<f64>);

impl Drawing<'_> {
    fn metrics(&self) -> String {
        self.spec.columns.iter().map(|c| c.label.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn x_label(&self) -> String {
        let unit = self.samples.iter().flatten().find_map(|s| match s.at(&self.x_name)? {
            Value::Duration(_) => Some(" (s)"),
            Value::Size(_) => Some(" (B)"),
            _ => None,
        });
        format!("{}{}", self.x_name, unit.unwrap_or_default())
    }

    /// Names along the horizontal axis when its values are not all numbers.
    fn categories(&self) -> Option<Vec<String>> {
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
        (!numbers).then_some(names)
    }

    fn line_name(&self, column: usize, index: &[(String, Value)]) -> String {
        let mut words: Vec<String> =
            self.line_axes.iter().filter_map(|axis| at(index, axis)).map(format::axis_value).collect();
        if self.spec.columns.len() > 1 {
            words.insert(0, self.spec.columns[column].label.clone());
        }
        words.join(", ")
    }

    fn points(&mut self, categories: Option<&[String]>, raw: bool) -> Vec<PlotLine> {
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
    fn metric_against_metric(&mut self) -> Vec<PlotLine> {
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

    fn curves(&mut self, source: &Source<'_>) -> Vec<PlotLine> {
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
                    .filter_map(|(step, values)| Some(point(*step as f64, String::new(), values)?))
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
        self.x_name = "step".to_owned();
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
