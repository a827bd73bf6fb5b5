//! The report block of a pipeline as data: which numbers of which nodes, by which axes.
//!
//! The engine makes it from the text, the log carries it, and the reports crate does the arithmetic and the drawing.

use serde::{Deserialize, Serialize};

use crate::{Record, Value};

/// One `report "…" { }` of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportBlock {
    /// Title as written.
    pub title: String,
    /// What is in it, in order.
    pub items: Vec<ReportItem>,
}

/// One entry of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportItem {
    /// A paragraph (Markdown).
    Text(String),
    /// `table …`.
    Table(TableSpec),
    /// `plot …`; the first of `by` is the horizontal axis (`step` for curves).
    Plot {
        /// What is drawn.
        table: TableSpec,
        /// The axis whose values are lines of their own.
        line: Option<String>,
    },
    /// `expect EXPR "message"`.
    Expect {
        /// The expression as written.
        text: String,
        /// What it says.
        expr: ReportExpr,
        /// The message beside it.
        message: Option<String>,
        /// Where it stands: `file:line`.
        place: String,
    },
    /// `figure NODE.part "caption"`: pictures and texts that a stage made, shown in the report.
    Figure {
        /// Caption, or empty.
        caption: String,
        /// The nodes whose files are shown, with a label for each.
        cells: Vec<Cell>,
        /// The part shown; empty for the whole artifact.
        part: String,
    },
}

/// Columns of numbers, the axes that name rows, and the axes that are averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableSpec {
    /// One a metric.
    pub columns: Vec<Column>,
    /// Axes whose values name the rows, in order.
    pub by: Vec<String>,
    /// Axes that are averaged over (seeds): mean, 95 % interval, paired test.
    pub over: Vec<String>,
    /// Options as written: `caption`, `baseline`, `paper`, `precision`, `unit`, `scale`, `kind`, `log`.
    pub options: Record,
}

/// One metric of one family of nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// As written: `scores.f1`.
    pub label: String,
    /// The metric's name, or a curve's.
    pub metric: String,
    /// The nodes it is read from.
    pub cells: Vec<Cell>,
}

/// A node and where it stands on the axes that are not fixed by the selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Axis and value, outermost loop first.
    pub index: Vec<(String, Value)>,
    /// The node's place in the log.
    pub node: usize,
}

/// What an `expect` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportExpr {
    /// A number known when the pipeline was planned.
    Number(f64),
    /// A truth known when the pipeline was planned.
    Bool(bool),
    /// A function of one or two selections.
    Call {
        /// Which.
        function: ReportFn,
        /// Its selections.
        columns: Vec<Column>,
    },
    /// `-x`.
    Negate(Box<ReportExpr>),
    /// `not x`.
    Not(Box<ReportExpr>),
    /// `a op b`.
    Binary {
        /// Which.
        op: ReportOp,
        /// Left.
        left: Box<ReportExpr>,
        /// Right.
        right: Box<ReportExpr>,
    },
    /// A comparison; kept apart so that a broken one can show both sides.
    Compare {
        /// Which.
        op: Compare,
        /// Left.
        left: Box<ReportExpr>,
        /// Right.
        right: Box<ReportExpr>,
    },
}

/// Functions over selections of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFn {
    /// Mean.
    Mean,
    /// Sample standard deviation.
    Std,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Median.
    Median,
    /// Sum.
    Sum,
    /// How many numbers.
    Count,
    /// Lower end of the 95 % interval of the mean.
    CiLow,
    /// Upper end of the 95 % interval of the mean.
    CiHigh,
    /// Mean of the paired differences a − b.
    Diff,
    /// Two-sided p of the paired test of a against b.
    PValue,
    /// The one number of a selection of one node.
    Only,
}

impl ReportFn {
    /// The function of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "mean" => Self::Mean,
            "std" => Self::Std,
            "min" => Self::Min,
            "max" => Self::Max,
            "median" => Self::Median,
            "sum" => Self::Sum,
            "count" => Self::Count,
            "ci_low" => Self::CiLow,
            "ci_high" => Self::CiHigh,
            "diff" => Self::Diff,
            "p_value" => Self::PValue,
            _ => return None,
        })
    }

    /// How many selections it takes.
    pub fn arity(self) -> usize {
        if matches!(self, Self::Diff | Self::PValue) { 2 } else { 1 }
    }
}

/// Arithmetic and logic in an `expect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `and`
    And,
    /// `or`
    Or,
}

/// Comparisons in an `expect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}
