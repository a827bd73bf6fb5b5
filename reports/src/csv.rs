//! The numbers of a report for other programs. All are as the nodes reported them: `scale` is for pages.

use crate::plot::Plot;
use crate::provenance::Provenance;
use crate::report::{Block, Report};
use crate::table::Table;

/// The CSV files of a report by name: for each table its means (`NAME.csv`) and all its numbers (`NAME-cells.csv`), for
/// each plot its points (`figure-NAME.csv`).
pub fn files(report: &Report) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for block in report.blocks() {
        match block {
            Block::Table(table) => {
                files.push((format!("{}.csv", table.slug), means(table)));
                files.push((format!("{}-cells.csv", table.slug), cells(table, &report.provenance)));
            }
            Block::Plot(plot) => files.push((format!("figure-{}.csv", plot.slug), points(plot))),
            Block::Text(_) | Block::Expect(_) | Block::Figure(_) => {}
        }
    }
    files
}

/// Lines of fields.
struct Lines(::csv::Writer<Vec<u8>>);

impl Lines {
    fn new() -> Self {
        Self(::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()))
    }

    fn put(&mut self, fields: &[String]) {
        self.0.write_record(fields).expect("a vector takes all bytes");
    }

    fn finish(self) -> String {
        let bytes = self.0.into_inner().expect("a vector takes all bytes");
        String::from_utf8(bytes).expect("fields are text")
    }
}

fn number(x: f64) -> String {
    x.to_string()
}

fn maybe(x: Option<f64>) -> String {
    x.map(number).unwrap_or_default()
}

const MEANS: [&str; 19] = [
    "metric",
    "n",
    "missing",
    "mean",
    "sd",
    "ci_low",
    "ci_high",
    "paper",
    "baseline",
    "pairs",
    "diff",
    "diff_low",
    "diff_high",
    "p",
    "p_holm",
    "p_sign_flip",
    "above",
    "equal",
    "below",
];

fn means(table: &Table) -> String {
    let mut lines = Lines::new();
    lines.put(&table.axes.iter().cloned().chain(MEANS.map(str::to_owned)).collect::<Vec<_>>());
    let baseline = table.baseline.as_ref().map(|(axis, value)| format!("{axis}={value}"));
    for row in &table.rows {
        for (cell, column) in row.cells.iter().zip(&table.columns) {
            let summary = cell.summary;
            let interval = summary.and_then(|s| s.interval);
            let mut line = row.at.clone();
            line.extend([
                column.label.clone(),
                (cell.samples.len() - cell.missing).to_string(),
                cell.missing.to_string(),
                maybe(summary.map(|s| s.mean)),
                maybe(summary.and_then(|s| s.sd)),
                maybe(interval.map(|i| i.low)),
                maybe(interval.map(|i| i.high)),
                maybe(cell.paper.map(|paper| paper / table.scale)),
            ]);
            match &cell.against {
                None => line.extend(std::iter::repeat_n(String::new(), 11)),
                Some(against) => {
                    let paired = &against.paired;
                    let ends = paired.summary.interval;
                    line.extend([
                        baseline.clone().unwrap_or_default(),
                        paired.summary.n.to_string(),
                        number(paired.summary.mean),
                        maybe(ends.map(|i| i.low)),
                        maybe(ends.map(|i| i.high)),
                        maybe(paired.p),
                        maybe(against.p_holm),
                        maybe((paired.summary.n > 1).then_some(paired.p_flip)),
                        paired.wins.to_string(),
                        paired.ties.to_string(),
                        paired.losses.to_string(),
                    ]);
                }
            }
            lines.put(&line);
        }
    }
    lines.finish()
}

fn cells(table: &Table, provenance: &Provenance) -> String {
    let mut lines = Lines::new();
    let axes: Vec<&String> = table.axes.iter().chain(&table.over).collect();
    let header = axes.iter().map(|axis| (*axis).clone());
    lines.put(&header.chain(["metric", "value", "node", "key"].map(str::to_owned)).collect::<Vec<_>>());
    for (cell, column) in table.rows.iter().flat_map(|row| row.cells.iter().zip(&table.columns)) {
        for sample in &cell.samples {
            let node = sample.node.and_then(|node| provenance.nodes.get(node));
            let at = |axis: &&String| sample.at(axis).map(crate::format::axis_value).unwrap_or_default();
            let mut line: Vec<String> = axes.iter().map(at).collect();
            line.extend([
                column.label.clone(),
                maybe(sample.value),
                node.map(|node| node.label.clone()).unwrap_or_default(),
                node.and_then(|node| node.key).map(|key| key.hex()).unwrap_or_default(),
            ]);
            lines.put(&line);
        }
    }
    lines.finish()
}

fn points(plot: &Plot) -> String {
    let mut lines = Lines::new();
    lines.put(&["line", "point", "x", "n", "mean", "ci_low", "ci_high"].map(str::to_owned));
    for (line, p) in plot.lines.iter().flat_map(|line| line.points.iter().map(move |p| (line, p))) {
        let category = plot.x.categories.get(p.x as usize).cloned();
        lines.put(&[
            line.name.clone(),
            p.name.clone(),
            category.unwrap_or_else(|| number(p.x)),
            p.n.to_string(),
            number(p.y),
            maybe(p.interval.map(|i| i.low)),
            maybe(p.interval.map(|i| i.high)),
        ]);
    }
    lines.finish()
}
