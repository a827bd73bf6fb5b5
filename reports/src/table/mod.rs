//! Tables: rows by axis values, columns by metric, and every row against a baseline.

mod against;
mod rows;

use runpipe_base::{Record, TableSpec};

use self::rows::{fill, row_keys};
use crate::format;
use crate::provenance::number;
use crate::sample::{Sample, Source, other_axes};
use crate::stats::{Paired, Summary};

/// A table of a report. Numbers are as the nodes reported them; [`scale`](Self::scale) is for those who show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its number in the report, from 1.
    pub number: usize,
    /// A name for files.
    pub slug: String,
    /// Its caption, or what it shows in words.
    pub caption: String,
    /// Axes that name the rows.
    pub axes: Vec<String>,
    /// Axes that are averaged.
    pub over: Vec<String>,
    /// One a metric.
    pub columns: Vec<TableColumn>,
    /// Rows in the order in which their values first occur.
    pub rows: Vec<Row>,
    /// The baseline, when rows are compared: axis and value.
    pub baseline: Option<(String, String)>,
    /// Comparisons with a p; their p-values are corrected together.
    pub tests: usize,
    /// What numbers are multiplied by when they are shown.
    pub scale: f64,
    /// Unit of the shown numbers, or empty.
    pub unit: String,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// A metric of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    /// As written: `scores.f1`.
    pub label: String,
    /// The metric.
    pub metric: String,
    /// Which way is better, when that is known.
    pub better: Option<Better>,
    /// Decimals to show.
    pub decimals: usize,
}

/// Which way of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    High,
    /// Less is better.
    Low,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its values on the axes; empty where it has none.
    pub at: Vec<String>,
    /// One a column.
    pub cells: Vec<TableCell>,
}

/// A place in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCell {
    /// The numbers behind it, those that are missing too.
    pub samples: Vec<Sample>,
    /// What they say; nothing when there are none.
    pub summary: Option<Summary>,
    /// Numbers that should be there and are not.
    pub missing: usize,
    /// The paper's own figure, in the shown scale.
    pub paper: Option<f64>,
    /// Whether it is the best of those it competes with.
    pub best: bool,
    /// Against the baseline.
    pub against: Option<Against>,
}

/// A row against its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// Paired differences, row − baseline.
    pub paired: Paired,
    /// Its p corrected for all comparisons of the table.
    pub p_holm: Option<f64>,
}

impl Against {
    /// Whether the difference is significant at 5 % after correction.
    pub fn significant(&self) -> bool {
        self.p_holm.is_some_and(|p| p < 0.05)
    }
}

impl Table {
    pub(crate) fn of(source: &Source<'_>, spec: &TableSpec, number: usize) -> Self {
        let samples: Vec<Vec<Sample>> = spec.columns.iter().map(|column| source.samples(column)).collect();
        let mut notes = Vec::new();
        let has = |axis: &String| samples.iter().flatten().any(|s| s.at(axis).is_some());
        let mut axes: Vec<String> = spec.by.iter().filter(|axis| has(axis)).cloned().collect();
        // Averaging an axis that nobody named would hide it: it names rows instead.
        axes.extend(other_axes(&samples, &[&spec.by, &spec.over]));
        let over: Vec<String> = spec.over.iter().filter(|axis| has(axis)).cloned().collect();

        let keys = row_keys(&samples, &axes);
        let mut rows: Vec<Row> = keys
            .iter()
            .map(|at| Row {
                at: at.iter().map(|v| v.as_ref().map(format::axis_value).unwrap_or_default()).collect(),
                cells: Vec::new(),
            })
            .collect();
        for column in &samples {
            fill(&mut rows, &keys, &axes, column);
        }

        let scale = scale(&spec.options);
        let columns: Vec<TableColumn> = spec
            .columns
            .iter()
            .enumerate()
            .map(|(c, column)| TableColumn {
                label: column.label.clone(),
                metric: column.metric.clone(),
                better: better(&column.metric, &spec.options),
                decimals: decimals(&rows, c, scale, &spec.options),
            })
            .collect();
        let labels: Vec<&str> = columns.iter().map(|c| c.label.as_str()).collect();
        let what = labels.join(", ");
        let words = if axes.is_empty() { what.clone() } else { format!("{what} by {}", axes.join(", ")) };
        let mut table = Self {
            number,
            slug: format!("{number:02}-{}", format::slug(&words)),
            caption: text(&spec.options, "caption").unwrap_or(words),
            axes,
            over,
            columns,
            rows,
            baseline: None,
            tests: 0,
            scale,
            unit: text(&spec.options, "unit").unwrap_or_default(),
            notes: Vec::new(),
        };
        let contender = table.choose_baseline(&spec.options, &mut notes);
        table.set_paper(&spec.options, &mut notes);
        table.mark_best(contender);
        table.notes = table.reading_notes();
        table.notes.extend(notes);
        table
    }

    /// Every comparison with its row and column.
    pub fn compared(&self) -> impl Iterator<Item = (&Row, &TableColumn, &Against)> {
        self.rows.iter().flat_map(move |row| {
            let cells = row.cells.iter().zip(&self.columns);
            cells.filter_map(move |(cell, column)| Some((row, column, cell.against.as_ref()?)))
        })
    }

    /// Whether a column has figures of the paper.
    pub fn has_paper(&self, column: usize) -> bool {
        self.rows.iter().any(|row| row.cells[column].paper.is_some())
    }

    /// The counts of numbers behind cells when they are not all the same.
    pub fn uneven(&self) -> bool {
        let mut counts = self.cells().map(|cell| cell.samples.len() - cell.missing);
        let first = counts.next();
        counts.any(|n| Some(n) != first)
    }

    fn is_scaled(&self) -> bool {
        self.scale.total_cmp(&1.0).is_ne()
    }

    fn cells(&self) -> impl Iterator<Item = &TableCell> {
        self.rows.iter().flat_map(|row| &row.cells).filter(|cell| !cell.samples.is_empty())
    }

    fn reading_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let n: Vec<usize> = self.cells().map(|cell| cell.samples.len() - cell.missing).collect();
        let (least, most) =
            (n.iter().copied().min().unwrap_or_default(), n.iter().copied().max().unwrap_or_default());
        if !self.over.is_empty() && most > 0 {
            let over = self.over.join(", ");
            if most == 1 {
                notes.push(format!("One value of {over} each: no interval, no test."));
            } else {
                let n = if least == most { format!("n = {most}") } else { format!("n = {least} to {most}") };
                notes.push(format!("Mean ± half of the 95 % t-interval over {over} ({n})."));
                if self.cells().any(|cell| cell.samples.len() - cell.missing == 2) {
                    notes.push("Two values make a wide interval (t = 12.7): read it with care.".to_owned());
                }
            }
        }
        if self.is_scaled() {
            notes.push(format!("Shown × {}.", format::general(self.scale)));
        }
        if self.cells().any(|cell| cell.best) {
            notes.push("Bold: the best mean.".to_owned());
        }
        if self.compared().any(|(_, _, against)| against.significant()) {
            notes.push("†: differs from the baseline, p < 0.05 after Holm's correction.".to_owned());
        }
        let missing: usize = self.cells().map(|cell| cell.missing).sum();
        if missing > 0 {
            let all: usize = self.cells().map(|cell| cell.samples.len()).sum();
            notes.push(format!("{missing} of {all} values are missing."));
        }
        notes
    }
}

fn decimals(rows: &[Row], column: usize, scale: f64, options: &Record) -> usize {
    if let Some(wanted) = options.get("precision").and_then(number) {
        return wanted.clamp(0.0, 9.0) as usize;
    }
    let summaries: Vec<Summary> = rows.iter().filter_map(|row| row.cells[column].summary).collect();
    let means: Vec<f64> = summaries.iter().map(|s| s.mean * scale).collect();
    let halves: Vec<f64> =
        summaries.iter().filter_map(|s| s.interval).map(|i| (i.half() * scale).abs()).collect();
    format::decimals(&means, &halves)
}

pub(crate) fn scale(options: &Record) -> f64 {
    options.get("scale").and_then(number).filter(|s| s.is_finite() && *s != 0.0).unwrap_or(1.0)
}

pub(crate) fn text(options: &Record, name: &str) -> Option<String> {
    options.get(name).map(format::axis_value).filter(|text| !text.is_empty())
}

/// Which way is better: what the option `best` says, else what the metric's name says to anyone.
fn better(metric: &str, options: &Record) -> Option<Better> {
    const HIGH: [&str; 16] = [
        "f1",
        "accuracy",
        "acc",
        "top1",
        "top5",
        "precision",
        "recall",
        "auc",
        "auroc",
        "bleu",
        "rouge",
        "map",
        "iou",
        "mcc",
        "kappa",
        "success",
    ];
    const LOW: [&str; 12] =
        ["loss", "error", "err", "perplexity", "ppl", "nll", "mse", "mae", "rmse", "wer", "latency", "ece"];
    match text(options, "best").as_deref() {
        Some("high") => return Some(Better::High),
        Some("low") => return Some(Better::Low),
        Some(_) => return None,
        None => {}
    }
    let words = || metric.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    if words().any(|word| LOW.contains(&word.as_str())) {
        Some(Better::Low)
    } else if words().any(|word| HIGH.contains(&word.as_str())) {
        Some(Better::High)
    } else {
        None
    }
}
