//! Plots as data: which points with which intervals, on which axes.

mod points;

use runpipe_base::{Record, TableSpec, Value};

use self::points::Drawing;
use crate::format;
use crate::sample::{Sample, Source};
use crate::stats::Interval;
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
        } else if against(spec) {
            let lines = drawing.metric_against_metric();
            let labels = (spec.columns[0].label.clone(), spec.columns[1].label.clone());
            (PlotKind::Scatter, Vec::new(), lines, labels.0, labels.1)
        } else {
            // Bars stand side by side, also those of numbers: 10, 100 and 1000 would lie upon each other.
            let bars = option.as_deref() == Some("bar");
            let categories = drawing.categories(bars);
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
            Some(Value::Str(axes)) => (axes.contains('x'), axes.contains('y')),
            _ => (false, false),
        };
        let scale = self.scale;
        let numbers_x = self.x.categories.is_empty();
        let positive_x = numbers_x && self.points().all(|p| p.x > 0.0);
        let positive_y = self.points().all(|p| p.y * scale > 0.0);
        self.x.log = x && positive_x;
        self.y.log = y && positive_y;
        for (name, asked, got) in [("horizontal", x, self.x.log), ("vertical", y, self.y.log)] {
            if asked && !got && (name == "vertical" || numbers_x) {
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

/// Whether a plot draws its two metrics against each other.
pub(crate) fn against(spec: &TableSpec) -> bool {
    spec.columns.len() == 2 && text(&spec.options, "kind").as_deref() == Some("scatter")
}

fn with_unit(label: &str, options: &Record, scale: f64) -> String {
    match text(options, "unit") {
        Some(unit) => format!("{label} ({unit})"),
        None if scale.total_cmp(&1.0).is_ne() => format!("{label} (× {})", format::general(scale)),
        None => label.to_owned(),
    }
}
