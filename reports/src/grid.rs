//! Tables as words in rows and columns: what Markdown and HTML share.

use std::fmt::Write as _;

use crate::format::{fixed, p_value};
use crate::provenance::Provenance;
use crate::sample::Sample;
use crate::table::{Table, TableCell};

/// Words in rows and columns.
pub(crate) struct Grid {
    /// What all numbers are, where no header says it.
    pub(crate) about: String,
    pub(crate) header: Vec<String>,
    /// Whether a column holds numbers.
    pub(crate) numeric: Vec<bool>,
    pub(crate) rows: Vec<Vec<Words>>,
}

/// Words at one place.
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) bold: bool,
    /// The node behind it: a place in [`Provenance::nodes`].
    pub(crate) node: Option<usize>,
}

impl Words {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), bold: false, node: None }
    }
}

/// More values of an axis than this would make a table wider than a page.
const MOST_COLUMNS: usize = 6;

impl Grid {
    /// The table itself: one metric over two axes is crossed, as papers show it, everything else has a row each.
    pub(crate) fn of(table: &Table) -> Self {
        Self::crossed(table).unwrap_or_else(|| Self::rows(table))
    }

    /// The last axis across, the others down.
    fn crossed(table: &Table) -> Option<Self> {
        let (across, down) = table.axes.split_last().filter(|(_, down)| !down.is_empty())?;
        if table.columns.len() != 1 || table.has_paper(0) {
            return None;
        }
        let (mut values, mut lines) = (Vec::<&String>::new(), Vec::<&[String]>::new());
        for (value, at) in table.rows.iter().filter_map(|row| row.at.split_last()) {
            if !values.contains(&value) {
                values.push(value);
            }
            if !lines.contains(&at) {
                lines.push(at);
            }
        }
        if !(2..=MOST_COLUMNS).contains(&values.len()) || values.iter().any(|value| value.is_empty()) {
            return None;
        }
        let uneven = table.uneven();
        let cell = |at: &[String], value: &String| {
            let row = table.rows.iter().find(|row| row.at.split_last() == Some((value, at)))?;
            Some(mean(table, 0, &row.cells[0], uneven))
        };
        // What an `if` leaves out would be a hole.
        let rows: Option<Vec<Vec<Words>>> = lines
            .iter()
            .map(|at| {
                let cells: Option<Vec<Words>> = values.iter().map(|value| cell(at, value)).collect();
                Some(at.iter().map(Words::plain).chain(cells?).collect())
            })
            .collect();
        let header = down.iter().cloned().chain(values.iter().map(|value| format!("{across} = {value}")));
        Some(Self {
            about: format!("{}{}", table.columns[0].label, unit(table)),
            header: header.collect(),
            numeric: down.iter().map(|_| false).chain(values.iter().map(|_| true)).collect(),
            rows: rows?,
        })
    }

    /// What a reader of the table must know.
    pub(crate) fn notes(&self, table: &Table) -> Vec<String> {
        let about = (!self.about.is_empty()).then(|| format!("{}.", self.about));
        about.into_iter().chain(table.notes.iter().cloned()).collect()
    }

    fn rows(table: &Table) -> Self {
        let mut header = table.axes.clone();
        let mut numeric = vec![false; header.len()];
        for (c, column) in table.columns.iter().enumerate() {
            header.push(format!("{}{}", column.label, unit(table)));
            numeric.push(true);
            if table.has_paper(c) {
                header.push("paper".to_owned());
                numeric.push(true);
            }
        }
        let uneven = table.uneven();
        let rows = table.rows.iter().map(|row| {
            let mut line: Vec<Words> = row.at.iter().map(Words::plain).collect();
            for (c, cell) in row.cells.iter().enumerate() {
                line.push(mean(table, c, cell, uneven));
                if table.has_paper(c) {
                    let ours = table.columns[c].decimals;
                    line.push(Words::plain(cell.paper.map_or("—".to_owned(), |x| paper(x, ours))));
                }
            }
            line
        });
        let rows = rows.collect();
        Self { about: String::new(), header, numeric, rows }
    }

    /// Each row against its baseline; nothing when nothing is compared.
    pub(crate) fn comparison(table: &Table) -> Option<Self> {
        table.baseline.as_ref()?;
        let several = table.columns.len() > 1;
        let corrected = table.tests > 1;
        let mut header = table.axes.clone();
        let mut numeric = vec![false; header.len()];
        if several {
            header.push("metric".to_owned());
            numeric.push(false);
        }
        header.extend(["difference", "95 % interval", "p (t)"].map(str::to_owned));
        if corrected {
            header.push("p (Holm)".to_owned());
        }
        header.extend(["p (sign flip)", "+ / = / −"].map(str::to_owned));
        numeric.resize(header.len(), true);
        let rows = table.compared().map(|(row, column, against)| {
            let mut line: Vec<Words> = row.at.iter().map(Words::plain).collect();
            if several {
                line.push(Words::plain(&column.label));
            }
            let paired = &against.paired;
            let show = |x: f64| fixed(x * table.scale, column.decimals);
            let signed = |x: f64| if x * table.scale > 0.0 { format!("+{}", show(x)) } else { show(x) };
            let none = || "—".to_owned();
            let p = |p: Option<f64>| p.map_or_else(none, p_value);
            line.push(Words::plain(signed(paired.summary.mean)));
            let ends = paired.summary.interval;
            line.push(Words::plain(
                ends.map_or_else(none, |i| format!("[{}, {}]", show(i.low), show(i.high))),
            ));
            line.push(Words::plain(p(paired.p)));
            if corrected {
                line.push(Words::plain(p(against.p_holm)));
            }
            line.push(Words::plain(p((paired.summary.n > 1).then_some(paired.p_flip))));
            line.push(Words::plain(format!("{} / {} / {}", paired.wins, paired.ties, paired.losses)));
            line
        });
        let rows = rows.collect();
        Some(Self { about: String::new(), header, numeric, rows })
    }

    /// Every number of the table with the node that reported it.
    pub(crate) fn values(table: &Table, provenance: &Provenance) -> Self {
        let axes: Vec<&String> = table.axes.iter().chain(&table.over).collect();
        let mut header: Vec<String> = axes.iter().map(|axis| (*axis).clone()).collect();
        let mut numeric = vec![false; header.len()];
        header.extend(["metric", "value", "node", "key"].map(str::to_owned));
        numeric.extend([false, true, false, false]);
        let mut rows = Vec::new();
        for (cell, column) in table.rows.iter().flat_map(|row| row.cells.iter().zip(&table.columns)) {
            for sample in &cell.samples {
                let node = sample.node.and_then(|node| provenance.nodes.get(node));
                let at = |axis: &String| sample.at(axis).map(crate::format::axis_value).unwrap_or_default();
                let mut line: Vec<Words> = axes.iter().map(|axis| Words::plain(at(axis))).collect();
                line.push(Words::plain(&column.label));
                line.push(Words::plain(sample.value.map_or("—".to_owned(), crate::format::general)));
                let label = node.map(|node| node.label.clone()).unwrap_or_default();
                line.push(Words { text: label, bold: false, node: sample.node });
                line.push(Words::plain(
                    node.and_then(|node| node.key).map(|key| key.short()).unwrap_or_default(),
                ));
                rows.push(line);
            }
        }
        Self { about: String::new(), header, numeric, rows }
    }
}

/// A figure of the paper with our decimals, or its own when it has more.
fn paper(figure: f64, decimals: usize) -> String {
    let own = crate::format::general(figure).split_once('.').map_or(0, |(_, digits)| digits.len());
    fixed(figure, decimals.max(own))
}

/// The unit in parentheses, where there is one.
fn unit(table: &Table) -> String {
    if table.unit.is_empty() { String::new() } else { format!(" ({})", table.unit) }
}

/// `0.812 ± 0.013 †`.
fn mean(table: &Table, column: usize, cell: &TableCell, uneven: bool) -> Words {
    let decimals = table.columns[column].decimals;
    let Some(summary) = cell.summary else { return Words::plain("—") };
    let mut text = fixed(summary.mean * table.scale, decimals);
    if let Some(interval) = summary.interval.filter(|_| !table.over.is_empty()) {
        text.push_str(" ± ");
        text.push_str(&fixed((interval.half() * table.scale).abs(), decimals));
    }
    if cell.missing > 0 {
        let _ = write!(text, " ({} of {})", summary.n, cell.samples.len());
    } else if uneven && !table.over.is_empty() {
        let _ = write!(text, " (n = {})", summary.n);
    }
    if cell.against.as_ref().is_some_and(crate::table::Against::significant) {
        text.push_str(" †");
    }
    let node = match cell.samples.as_slice() {
        [Sample { node, .. }] => *node,
        _ => None,
    };
    Words { text, bold: cell.best, node }
}
