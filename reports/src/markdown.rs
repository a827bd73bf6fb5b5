//! A report as Markdown that reads well as plain text too.

use std::fmt::Write as _;

use crate::expect::{Outcome, Verdict};
use crate::figure::{Figure, Show};
use crate::format;
use crate::grid::{Grid, Words};
use crate::plot::Plot;
use crate::provenance::{End, Family, Provenance};
use crate::report::{Block, Report};
use crate::table::Table;

/// The report as Markdown. Pictures are linked as [`write_all`](crate::write_all) lays them out.
pub fn render(report: &Report) -> String {
    let mut out = format!("# {}\n\n", line(report.title()));
    if !report.doc.is_empty() {
        let _ = writeln!(out, "{}\n", report.doc);
    }
    let broken = report.expectations().filter(|outcome| !outcome.held()).count();
    let all = report.expectations().count();
    if all > 0 {
        let _ = writeln!(out, "{} of {all} expectations hold.\n", all - broken);
    }
    lost(&mut out, &report.provenance);
    for section in &report.sections {
        if report.sections.len() > 1 || section.title != report.title() {
            let _ = writeln!(out, "## {}\n", line(&section.title));
        }
        for block in &section.blocks {
            match block {
                Block::Text(text) => {
                    let _ = writeln!(out, "{}\n", text.trim());
                }
                Block::Table(table) => self::table(&mut out, table),
                Block::Plot(plot) => self::plot(&mut out, plot),
                Block::Expect(outcome) => expectation(&mut out, outcome),
                Block::Figure(figure) => self::figure(&mut out, figure),
            }
        }
    }
    parameters(&mut out, report);
    out.push_str("## Graph\n\n```text\n");
    out.push_str(&report.graph.tree());
    out.push_str("```\n\n");
    provenance(&mut out, &report.provenance);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// `text` on one line, with nothing that Markdown would read as its own, and otherwise as it stands.
fn line(text: &str) -> String {
    escaped(text, false)
}

/// The same of a caption, which may hold code between backticks.
fn caption(text: &str) -> String {
    escaped(text, format::spans(text).iter().any(|(is_code, _)| *is_code))
}

fn escaped(text: &str, with_code: bool) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let links = text.contains("](") || text.contains("][") || text.contains("]:");
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut out = String::new();
    let (mut before, mut in_code) = (None, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        in_code ^= with_code && c == '`';
        let special = match c {
            _ if in_code => false,
            '`' if with_code => false,
            '\\' | '`' | '*' | '|' => true,
            '[' | ']' => links,
            // Inside a word it is a letter like others.
            '_' => !(letter(before) && letter(after)),
            '<' | '&' => letter(after) || matches!(after, Some('/' | '!' | '?' | '#')),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// `text` as code, whatever ticks are in it.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

fn lost(out: &mut String, provenance: &Provenance) {
    let lost = provenance.lost().count();
    if lost == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "**{lost} of {} have no result; what needs them is missing below.**\n",
        format::count(provenance.nodes.len(), "node")
    );
    for (label, words) in provenance.lost_lines() {
        let label = label.map(|label| format!("{}: ", code(label))).unwrap_or_default();
        let _ = writeln!(out, "- {label}{words}");
    }
    out.push('\n');
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "**Table {}.** {}\n", table.number, caption(&table.caption));
    let cells = Grid::of(table);
    out.push_str(&grid(&cells));
    notes(out, &cells.notes(table));
    if let (Some(comparison), Some((axis, value))) = (Grid::comparison(table), &table.baseline) {
        let _ = writeln!(
            out,
            "Against {} = {}, paired by {}; + / = / − counts pairs above, equal and below:\n",
            line(axis),
            line(value),
            line(&table.over.join(", "))
        );
        out.push_str(&grid(&comparison));
        out.push('\n');
    }
}

fn notes(out: &mut String, notes: &[String]) {
    let _ = if notes.is_empty() { writeln!(out) } else { writeln!(out, "\n{}\n", line(&notes.join(" "))) };
}

/// Rows with their bars under one another.
fn grid(grid: &Grid) -> String {
    let words = |words: &Words| {
        let text = line(&words.text);
        if words.bold { format!("**{text}**") } else { text }
    };
    let header: Vec<String> = grid.header.iter().map(|text| line(text)).collect();
    let rows: Vec<Vec<String>> = grid.rows.iter().map(|row| row.iter().map(words).collect()).collect();
    let length = |text: &String| text.chars().count();
    let widths: Vec<usize> = (0..header.len())
        .map(|c| {
            rows.iter()
                .filter_map(|row| row.get(c))
                .map(length)
                .chain([length(&header[c]), 3])
                .max()
                .unwrap_or(3)
        })
        .collect();
    let mut out = String::new();
    let mut put = |row: &[String]| {
        for (c, text) in row.iter().enumerate() {
            let gap = " ".repeat(widths[c] - length(text));
            let (before, after) = if grid.numeric[c] { (gap.as_str(), "") } else { ("", gap.as_str()) };
            let _ = write!(out, "| {before}{text}{after} ");
        }
        out.push_str("|\n");
    };
    put(&header);
    let rule = |(c, numeric): (usize, &bool)| {
        let dashes = "-".repeat(widths[c] - usize::from(*numeric));
        if *numeric { format!("{dashes}:") } else { dashes }
    };
    put(&grid.numeric.iter().enumerate().map(rule).collect::<Vec<_>>());
    for row in &rows {
        put(row);
    }
    out
}

fn plot(out: &mut String, plot: &Plot) {
    let title = line(&plot.caption);
    let _ = writeln!(out, "![{title}](figures/{}.svg)\n", plot.slug);
    let _ = write!(out, "**Figure {}.** {}", plot.number, caption(&plot.caption));
    if !plot.caption.ends_with(['.', '!', '?']) && !plot.notes.is_empty() {
        out.push('.');
    }
    if !plot.notes.is_empty() {
        let _ = write!(out, " {}", line(&plot.notes.join(" ")));
    }
    out.push_str("\n\n");
}

fn expectation(out: &mut String, outcome: &Outcome) {
    let mark = match outcome.verdict {
        Verdict::Held => "✓",
        Verdict::Broken => "✗",
        Verdict::Open(_) => "?",
    };
    let message = outcome.message.as_deref().unwrap_or("expected");
    let _ = writeln!(out, "- {mark} {}: {}", line(message), code(&outcome.text));
    if let Verdict::Open(reason) = &outcome.verdict {
        let _ = writeln!(out, "  - cannot be decided: {}", line(reason));
    }
    for side in &outcome.sides {
        let _ = writeln!(out, "  - {}", code(&side.to_string()));
    }
    out.push('\n');
}

fn figure(out: &mut String, figure: &Figure) {
    for panel in &figure.panels {
        if !panel.label.is_empty() {
            let _ = writeln!(out, "{}:\n", line(&panel.label));
        }
        if panel.files.is_empty() {
            out.push_str("missing\n\n");
        }
        for file in &panel.files {
            let bytes = match &file.bytes {
                Ok(bytes) => bytes,
                Err(why) => {
                    let _ = writeln!(out, "{}: {}\n", code(&file.name), line(why));
                    continue;
                }
            };
            let text = || String::from_utf8_lossy(bytes);
            let _ = match file.show {
                Show::Picture(_) => writeln!(out, "![{}]({})\n", line(&file.name), file.path),
                Show::Plain if file.size <= 4096 => {
                    let fence =
                        "`".repeat(text().split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1);
                    writeln!(out, "{fence}text\n{}\n{fence}\n", text().trim_end())
                }
                Show::Markdown if file.size <= 4096 => writeln!(out, "{}\n", text().trim()),
                _ => writeln!(out, "[{}]({}) ({})\n", line(&file.name), file.path, format::bytes(file.size)),
            };
        }
    }
    let _ = writeln!(out, "**Figure {}.** {}\n", figure.number, caption(&figure.caption));
}

fn parameters(out: &mut String, report: &Report) {
    let _ = writeln!(out, "## Parameters\n\nDevice class: {}. The same run again:\n", report.device);
    let _ = writeln!(out, "```console\n$ {}\n```\n", report.command);
    if report.params.is_empty() {
        return;
    }
    let rows = report.params.iter().map(|(name, value)| vec![Words::plain(name), Words::plain(value)]);
    let names = Grid {
        about: String::new(),
        header: vec!["parameter".to_owned(), "value".to_owned()],
        numeric: vec![false, false],
        rows: rows.collect(),
    };
    out.push_str(&grid(&names));
    out.push('\n');
}

fn provenance(out: &mut String, provenance: &Provenance) {
    out.push_str("## Provenance\n\n");
    out.push_str("A key names a computation: stage, code, parameters and the content of its inputs. A result names bytes.\n\n");
    for family in &provenance.families {
        let _ = writeln!(out, "### {} · {}\n", line(&family.name), line(&family.stage));
        if !family.shared.is_empty() {
            let shared: Vec<String> =
                family.shared.iter().map(|(name, value)| code(&format!("{name} = {value}"))).collect();
            let _ = writeln!(out, "{}\n", shared.join(", "));
        }
        let rows = grid(&nodes(family, provenance));
        // Long lists are folded where a page can fold; the blank lines let the table be one.
        let _ = if family.nodes.len() > 1 {
            let count = format::count(family.nodes.len(), "node");
            writeln!(out, "<details><summary>{count}</summary>\n\n{rows}\n</details>\n")
        } else {
            writeln!(out, "{rows}")
        };
    }
}

/// The nodes of a family: what differs between them, what they use, their names.
pub(crate) fn nodes(family: &Family, provenance: &Provenance) -> Grid {
    let mut header = vec!["node".to_owned()];
    header.extend(family.varied.iter().cloned());
    header.extend(["inputs", "key", "result"].map(str::to_owned));
    let rows = family.nodes.iter().map(|place| {
        let node = &provenance.nodes[*place];
        let mut row = vec![Words { text: node.label.clone(), bold: false, node: Some(*place) }];
        row.extend(
            family.varied.iter().map(|name| Words::plain(node.params.get(name).map_or("", String::as_str))),
        );
        let inputs = node.inputs.iter().map(|(port, from, part)| {
            let dot = if part.is_empty() { "" } else { "." };
            format!("{port} = {}{dot}{part}", provenance.nodes[*from].label)
        });
        row.push(Words::plain(inputs.collect::<Vec<_>>().join(", ")));
        row.push(Words::plain(node.key.map(|key| key.short()).unwrap_or_default()));
        row.push(Words::plain(match (node.end, &node.digest) {
            (End::Done, Some(digest)) => digest.short(),
            (End::Done, None) => String::new(),
            (end, _) => end.as_str().to_owned(),
        }));
        row
    });
    let rows = rows.collect();
    Grid { about: String::new(), numeric: vec![false; header.len()], header, rows }
}
