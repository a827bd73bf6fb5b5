//! Claims that a report makes of its numbers, put to the test.

use std::fmt;

use runpipe_base::{Column, Compare, ReportExpr, ReportFn, ReportItem, ReportOp, RunLog};

use crate::format;
use crate::sample::{Sample, Source, differences};
use crate::stats::{Paired, Summary, median};

/// An `expect` and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The expression as written.
    pub text: String,
    /// The message beside it.
    pub message: Option<String>,
    /// Where it stands: `file:line`.
    pub place: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Every comparison in it with the numbers on both sides.
    pub sides: Vec<Side>,
}

/// Whether an expectation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Broken,
    /// The numbers do not say, and why.
    Open(String),
}

/// A comparison with the numbers on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// The left side as written.
    pub left: String,
    /// Its value.
    pub left_value: f64,
    /// The comparison.
    pub op: &'static str,
    /// The right side as written.
    pub right: String,
    /// Its value.
    pub right_value: f64,
    /// Whether it is true.
    pub holds: bool,
}

impl Outcome {
    /// Whether the expectation holds; one that cannot be decided does not.
    pub fn held(&self) -> bool {
        self.verdict == Verdict::Held
    }

    pub(crate) fn of(
        source: &Source<'_>,
        text: &str,
        expr: &ReportExpr,
        message: Option<&str>,
        place: &str,
    ) -> Self {
        let mut sides = Vec::new();
        let verdict = match truth(source, expr, &mut sides) {
            Ok(true) => Verdict::Held,
            Ok(false) => Verdict::Broken,
            Err(reason) => Verdict::Open(reason),
        };
        let message = message.map(ToOwned::to_owned);
        Self { text: text.to_owned(), message, place: format::leaf(place).to_owned(), verdict, sides }
    }
}

/// One line, and below it each comparison with its numbers.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match &self.verdict {
            Verdict::Held => "holds",
            Verdict::Broken => "is broken",
            Verdict::Open(_) => "cannot be decided",
        };
        write!(f, "expectation {word} at {}: {}", self.place, self.text)?;
        if let Some(message) = &self.message {
            write!(f, " ({message})")?;
        }
        if let Verdict::Open(reason) = &self.verdict {
            write!(f, "\n  {reason}")?;
        }
        self.sides.iter().try_for_each(|side| write!(f, "\n  {side}"))
    }
}

/// `mean(a.f1) = 0.81 > 0.77 = mean(b.f1)`, with `is false` behind it when it is; a plain number is not said twice.
impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (format::general(self.left_value), format::general(self.right_value));
        if self.left != left {
            write!(f, "{} = ", self.left)?;
        }
        write!(f, "{left} {} {right}", self.op)?;
        if self.right != right {
            write!(f, " = {}", self.right)?;
        }
        if self.holds { Ok(()) } else { f.write_str(" is false") }
    }
}

/// All expectations of a run, in the order in which they are written. One that is not [held](Outcome::held) makes the
/// run a failed one.
pub fn expectations(log: &RunLog) -> Vec<Outcome> {
    let source = Source::of(log);
    let items = log.reports.iter().flat_map(|block| &block.items);
    items
        .filter_map(|item| match item {
            ReportItem::Expect { text, expr, message, place } => {
                Some(Outcome::of(&source, text, expr, message.as_deref(), place))
            }
            _ => None,
        })
        .collect()
}

/// A truth, or why there is none. `or` and `and` are decided by one side where that side suffices.
#[expect(clippy::float_cmp, reason = "`==` means what it says; who wants a margin writes one")]
fn truth(source: &Source<'_>, expr: &ReportExpr, sides: &mut Vec<Side>) -> Result<bool, String> {
    match expr {
        ReportExpr::Bool(truth) => Ok(*truth),
        ReportExpr::Not(inner) => truth(source, inner, sides).map(|truth| !truth),
        ReportExpr::Binary { op: op @ (ReportOp::And | ReportOp::Or), left, right } => {
            let (left, right) = (truth(source, left, sides), truth(source, right, sides));
            let decides = *op == ReportOp::Or;
            match (left, right) {
                (Ok(side), _) | (_, Ok(side)) if side == decides => Ok(decides),
                (Ok(_), Ok(_)) => Ok(!decides),
                (Err(reason), _) | (_, Err(reason)) => Err(reason),
            }
        }
        ReportExpr::Compare { op, left, right } => {
            let (a, b) = (value(source, left)?, value(source, right)?);
            let (op, holds) = match op {
                Compare::Eq => ("==", a == b),
                Compare::Ne => ("!=", a != b),
                Compare::Lt => ("<", a < b),
                Compare::Le => ("<=", a <= b),
                Compare::Gt => (">", a > b),
                Compare::Ge => (">=", a >= b),
            };
            let (left, right) = (written(left), written(right));
            sides.push(Side { left, left_value: a, op, right, right_value: b, holds });
            Ok(holds)
        }
        other => Err(format!("`{}` is a number, not a truth", written(other))),
    }
}

fn value(source: &Source<'_>, expr: &ReportExpr) -> Result<f64, String> {
    let x = match expr {
        ReportExpr::Number(x) => *x,
        ReportExpr::Negate(inner) => -value(source, inner)?,
        ReportExpr::Binary { op, left, right } => {
            let (a, b) = (value(source, left)?, value(source, right)?);
            match op {
                ReportOp::Add => a + b,
                ReportOp::Sub => a - b,
                ReportOp::Mul => a * b,
                ReportOp::Div => a / b,
                ReportOp::And | ReportOp::Or => return Err(not_a_number(expr)),
            }
        }
        ReportExpr::Call { function, columns } => call(source, *function, columns, expr)?,
        ReportExpr::Bool(_) | ReportExpr::Not(_) | ReportExpr::Compare { .. } => {
            return Err(not_a_number(expr));
        }
    };
    if x.is_finite() { Ok(x) } else { Err(format!("`{}` is not a finite number", written(expr))) }
}

fn not_a_number(expr: &ReportExpr) -> String {
    format!("`{}` is a truth, not a number", written(expr))
}

fn call(
    source: &Source<'_>,
    function: ReportFn,
    columns: &[Column],
    expr: &ReportExpr,
) -> Result<f64, String> {
    let selections: Vec<Vec<Sample>> = columns.iter().map(|column| source.samples(column)).collect();
    let Some(first) = selections.first() else {
        return Err(format!("`{}` selects nothing", written(expr)));
    };
    let values: Vec<f64> = first.iter().filter_map(|sample| sample.value).collect();
    if function == ReportFn::Count {
        return Ok(values.len() as f64);
    }
    // A mean of what happened to succeed is not the mean that the claim is about.
    for (column, selection) in columns.iter().zip(&selections) {
        let missing = selection.iter().filter(|sample| sample.value.is_none()).count();
        if missing > 0 {
            return Err(format!("{missing} of {} values of `{}` are missing", selection.len(), column.label));
        }
    }
    let summary = Summary::of(&values).ok_or_else(|| format!("`{}` has no values", columns[0].label))?;
    let two = || format!("`{}` needs two values", written(expr));
    let paired = || {
        let differences = selections.get(1).map(|second| differences(first, second)).unwrap_or_default();
        Paired::of(&differences).ok_or_else(|| format!("`{}` has no pairs", written(expr)))
    };
    Ok(match function {
        ReportFn::Mean => summary.mean,
        ReportFn::Std => summary.sd.ok_or_else(two)?,
        ReportFn::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        ReportFn::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ReportFn::Median => median(&values).ok_or_else(two)?,
        ReportFn::Sum => values.iter().sum(),
        ReportFn::Count => values.len() as f64,
        ReportFn::CiLow => summary.interval.ok_or_else(two)?.low,
        ReportFn::CiHigh => summary.interval.ok_or_else(two)?.high,
        ReportFn::Diff => paired()?.summary.mean,
        ReportFn::PValue => paired()?
            .p
            .ok_or_else(|| format!("`{}` needs two pairs whose differences vary", written(expr)))?,
        ReportFn::Only if values.len() == 1 => values[0],
        ReportFn::Only => {
            return Err(format!(
                "`{}` is {} numbers: say which, or `mean(…)`",
                columns[0].label,
                values.len()
            ));
        }
    })
}

/// An expression as a person writes it.
fn written(expr: &ReportExpr) -> String {
    match expr {
        ReportExpr::Number(x) => format::general(*x),
        ReportExpr::Bool(truth) => truth.to_string(),
        ReportExpr::Negate(inner) => format!("-{}", part(inner)),
        ReportExpr::Not(inner) => format!("not {}", part(inner)),
        ReportExpr::Call { function: ReportFn::Only, columns } => {
            columns.first().map(|column| column.label.clone()).unwrap_or_default()
        }
        ReportExpr::Call { function, columns } => {
            let labels: Vec<&str> = columns.iter().map(|column| column.label.as_str()).collect();
            format!("{}({})", name(*function), labels.join(", "))
        }
        ReportExpr::Binary { op, left, right } => {
            let op = match op {
                ReportOp::Add => "+",
                ReportOp::Sub => "-",
                ReportOp::Mul => "*",
                ReportOp::Div => "/",
                ReportOp::And => "and",
                ReportOp::Or => "or",
            };
            format!("{} {op} {}", part(left), part(right))
        }
        ReportExpr::Compare { op, left, right } => {
            let op = match op {
                Compare::Eq => "==",
                Compare::Ne => "!=",
                Compare::Lt => "<",
                Compare::Le => "<=",
                Compare::Gt => ">",
                Compare::Ge => ">=",
            };
            format!("{} {op} {}", part(left), part(right))
        }
    }
}

fn part(expr: &ReportExpr) -> String {
    match expr {
        ReportExpr::Binary { .. } | ReportExpr::Compare { .. } | ReportExpr::Not(_) => {
            format!("({})", written(expr))
        }
        _ => written(expr),
    }
}

fn name(function: ReportFn) -> &'static str {
    match function {
        ReportFn::Mean => "mean",
        ReportFn::Std => "std",
        ReportFn::Min => "min",
        ReportFn::Max => "max",
        ReportFn::Median => "median",
        ReportFn::Sum => "sum",
        ReportFn::Count => "count",
        ReportFn::CiLow => "ci_low",
        ReportFn::CiHigh => "ci_high",
        ReportFn::Diff => "diff",
        ReportFn::PValue => "p_value",
        ReportFn::Only => "only",
    }
}
