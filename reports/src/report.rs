//! A report as data: all its numbers, and no way of showing them.

use runpipe_base::{Blobs, Column, Device, ReportItem, RunLog, Value};

use crate::expect::Outcome;
use crate::figure::Figure;
use crate::format;
use crate::graph::Graph;
use crate::plot::Plot;
use crate::provenance::{self, Provenance};
use crate::sample::Source;
use crate::table::Table;

/// A whole report.
///
/// It holds what the content of the run determines and nothing else: no clock, host or folder, and not whether a
/// result was in the store. Equal results make equal reports, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The pipeline's name.
    pub name: String,
    /// The pipeline's own description (Markdown).
    pub doc: String,
    /// The class of device.
    pub device: Device,
    /// Parameters of the pipeline, as written.
    pub params: Vec<(String, String)>,
    /// The command that makes the same run again.
    pub command: String,
    /// One a report block.
    pub sections: Vec<Section>,
    /// What depends on what.
    pub graph: Graph,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// One `report "…" { }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// What is in it, in order.
    pub blocks: Vec<Block>,
}

/// One entry of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph (Markdown).
    Text(String),
    /// A table.
    Table(Table),
    /// A plot.
    Plot(Plot),
    /// An expectation.
    Expect(Outcome),
    /// Figures that a stage made.
    Figure(Figure),
}

impl Report {
    /// The report of `log`; `blobs` has the figures that stages made.
    pub fn of(log: &RunLog, blobs: &dyn Blobs) -> Self {
        let source = Source::of(log);
        let (mut tables, mut figures) = (0, 0);
        let next = |counter: &mut usize| {
            *counter += 1;
            *counter
        };
        let mut block = |item: &ReportItem| match item {
            ReportItem::Text(text) => Block::Text(text.clone()),
            ReportItem::Table(spec) => Block::Table(Table::of(&source, spec, next(&mut tables))),
            ReportItem::Plot { table, line } => {
                Block::Plot(Plot::of(&source, table, line.as_ref(), next(&mut figures)))
            }
            ReportItem::Expect { text, expr, message, place } => {
                Block::Expect(Outcome::of(&source, text, expr, message.as_deref(), place))
            }
            ReportItem::Figure { caption, cells, part } => {
                Block::Figure(Figure::of(&source, blobs, caption, cells, part, next(&mut figures)))
            }
        };
        let sections = log
            .reports
            .iter()
            .map(|section| {
                let (shown, left_out): (Vec<&ReportItem>, Vec<&ReportItem>) =
                    section.items.iter().partition(|item| !is_void(item));
                let mut blocks: Vec<Block> = shown.into_iter().map(&mut block).collect();
                blocks.extend(told(&left_out).map(Block::Text));
                Section { title: section.title.clone(), blocks }
            })
            .collect();
        Self {
            name: format::stem(&log.pipeline).to_owned(),
            doc: log.doc.trim().to_owned(),
            device: log.device,
            params: provenance::params(&log.params),
            command: command(log),
            sections,
            graph: Graph::of(&crate::graph::vertices(log)),
            provenance: Provenance::of(log, &source.ranks),
        }
    }

    /// The page's title: that of its only section, else the pipeline's name.
    pub fn title(&self) -> &str {
        match self.sections.as_slice() {
            [section] if !section.title.is_empty() => &section.title,
            _ => &self.name,
        }
    }

    /// All entries of all sections.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }

    /// All expectations, in order.
    pub fn expectations(&self) -> impl Iterator<Item = &Outcome> {
        self.blocks().filter_map(|block| match block {
            Block::Expect(outcome) => Some(outcome),
            _ => None,
        })
    }
}

/// Whether `item` shows nodes of which this run has none, as a table of what only another profile makes.
fn is_void(item: &ReportItem) -> bool {
    let made = |column: &Column| !column.cells.is_empty();
    match item {
        ReportItem::Table(spec) => !spec.columns.iter().any(made),
        // Two metrics drawn against each other are both needed.
        ReportItem::Plot { table, .. } if crate::plot::against(table) => !table.columns.iter().all(made),
        ReportItem::Plot { table, .. } => !table.columns.iter().any(made),
        ReportItem::Figure { cells, .. } => cells.is_empty(),
        ReportItem::Text(_) | ReportItem::Expect { .. } => false,
    }
}

/// A line that names what a section leaves out, if it does.
fn told(left_out: &[&ReportItem]) -> Option<String> {
    let names: Vec<String> = left_out
        .iter()
        .filter_map(|item| match item {
            ReportItem::Table(spec) | ReportItem::Plot { table: spec, .. } => {
                let labels: Vec<&str> = spec.columns.iter().map(|column| column.label.as_str()).collect();
                Some(labels.join(", "))
            }
            ReportItem::Figure { caption, .. } => Some(caption.clone()),
            ReportItem::Text(_) | ReportItem::Expect { .. } => None,
        })
        .collect();
    (!names.is_empty())
        .then(|| format!("Left out, for this run has none of their nodes: {}.", names.join("; ")))
}

/// The command of the run, for a shell. Of a path only the last name is known to others.
fn command(log: &RunLog) -> String {
    let mut words = vec!["runpipe run".to_owned(), quoted(format::leaf(&log.pipeline))];
    for (name, value) in log.params.iter().filter(|(_, value)| **value != Value::None) {
        let value = match value {
            Value::Str(text) => text.clone(),
            Value::Path(path) => format!("…/{}", format::leaf(path)),
            value => format::value(value),
        };
        words.push(format!("--set {}", quoted(&format!("{name}={value}"))));
    }
    words.push(format!("--device {}", log.device));
    words.join(" ")
}

/// `word` as a POSIX shell takes it for one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=,:…".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
