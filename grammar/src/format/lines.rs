//! The statements of a block under each other: which of them are aligned, and how.

use unicode_width::UnicodeWidthStr;

use super::WIDTH;
use super::layout::Layout;

/// What is aligned with its like on the lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// `param NAME:`, type, default.
    Param,
    /// Name, value.
    Binding,
    /// The words of a report's or a stage's lines.
    Word,
    /// Nothing.
    Alone,
}

/// One line, or a few, of a block.
#[derive(Debug)]
pub(super) struct Row {
    /// With what it is aligned.
    pub(super) columns: Columns,
    /// The text before each aligned place.
    pub(super) cells: Vec<String>,
    /// What follows the last one.
    pub(super) rest: Layout,
    /// A blank line stands above it.
    pub(super) blank_above: bool,
    /// The comment after it.
    pub(super) comment: Option<String>,
    /// Its doc comment may stand there.
    pub(super) takes_doc_beside: bool,
}

impl Row {
    /// A row that is aligned with nothing.
    pub(super) fn alone(rest: Layout) -> Self {
        let (columns, cells) = (Columns::Alone, Vec::new());
        Self { columns, cells, rest, blank_above: false, comment: None, takes_doc_beside: false }
    }

    /// A row in columns.
    pub(super) fn columns(columns: Columns, cells: Vec<String>, rest: Layout) -> Self {
        Self { columns, cells, rest, blank_above: false, comment: None, takes_doc_beside: true }
    }

    /// The same with room for a doc comment after it.
    pub(super) fn documented(self) -> Self {
        Self { takes_doc_beside: true, ..self }
    }

    /// Its text, with the cells padded to the widths.
    fn render(&self, indent: usize, widths: &[usize]) -> String {
        let mut text = String::new();
        for (cell, &width) in self.cells.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.width()));
        }
        let column = indent + text.width();
        let rest = self.rest.render(indent, column, 0);
        text.push_str(&rest);
        text.truncate(text.trim_end().len());
        text
    }

    fn own_widths(&self) -> Vec<usize> {
        self.cells.iter().map(|cell| cell.width()).collect()
    }

    /// Its width on one line with these cells; nothing when it does not fit on one.
    fn width(&self, indent: usize, widths: &[usize]) -> Option<usize> {
        let width = indent + widths.iter().sum::<usize>() + self.rest.flat_width()?;
        (width <= WIDTH).then_some(width)
    }
}

/// The text of a block's rows at an indent, each line with its end.
pub(super) fn render(rows: &[Row], indent: usize) -> String {
    let texts = aligned(rows, indent);
    let mut out = String::new();
    let mut at = 0;
    while at < rows.len() {
        let run = commented_run(rows, &texts, at);
        let column = texts[at..run].iter().map(|text| text.width()).max().unwrap_or(0);
        for (row, text) in rows[at..run].iter().zip(&texts[at..run]) {
            if row.blank_above && !out.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(text);
            if let Some(comment) = &row.comment {
                let padding = if text.contains('\n') { 2 } else { column - text.width() + 2 };
                out.extend(std::iter::repeat_n(' ', padding));
                out.push_str(comment);
            }
            out.push('\n');
        }
        at = run;
    }
    out
}

/// The end of the run of rows from `start` whose comments stand under each other.
fn commented_run(rows: &[Row], texts: &[String], start: usize) -> usize {
    let joins = |index: usize| rows[index].comment.is_some() && !texts[index].contains('\n');
    let mut end = start + 1;
    while joins(start) && end < rows.len() && joins(end) && !rows[end].blank_above {
        end += 1;
    }
    end
}

/// The text of each row, those of a run of like rows with their cells under each other.
fn aligned(rows: &[Row], indent: usize) -> Vec<String> {
    let mut texts = Vec::with_capacity(rows.len());
    let on_one_line = |row: &Row| row.width(indent, &row.own_widths()).is_some();
    while texts.len() < rows.len() {
        let start = texts.len();
        let first = &rows[start];
        let mut end = start + 1;
        if first.columns != Columns::Alone && on_one_line(first) {
            let joins = |row: &Row| row.columns == first.columns && !row.blank_above && on_one_line(row);
            end += rows[end..].iter().take_while(|row| joins(row)).count();
        }
        let run = &rows[start..end];
        let widths = common_widths(run);
        let fits = run.iter().all(|row| row.width(indent, &widths).is_some());
        texts.extend(run.iter().map(|row| {
            let own = row.own_widths();
            row.render(indent, if fits { &widths[..own.len()] } else { &own })
        }));
    }
    texts
}

/// The width of each column: that of its widest cell.
fn common_widths(rows: &[Row]) -> Vec<usize> {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let widest =
        |column: usize| rows.iter().filter_map(|row| row.cells.get(column)).map(|cell| cell.width()).max();
    (0..columns).map(|column| widest(column).unwrap_or(0)).collect()
}
