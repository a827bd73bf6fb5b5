//! The only place that prints. Stdout is data, stderr is talk; a closed pipe is success.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Whether stderr is a terminal that a person watches.
pub(crate) fn watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether stderr takes colour: a terminal, and neither `NO_COLOR` nor `TERM=dumb`.
pub(crate) fn colour() -> bool {
    watched()
        && crate::environment("NO_COLOR").is_none_or(|v| v.is_empty())
        && crate::environment("TERM").as_deref() != Some("dumb")
}

/// Prints data to stdout as it is.
pub(crate) fn data(text: impl Display) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = write!(out, "{text}").and_then(|()| out.flush())
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        // `runpipe … | head` has read what it wanted.
        std::process::exit(0);
    }
}

/// Says a line on stderr; who cannot hear it is not told otherwise.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says that something went wrong, with what led to it and advice.
pub(crate) fn error(message: impl Display, hints: &[String]) {
    let mut err = std::io::stderr().lock();
    let (red, bold, off) = if colour() { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
    let _ = writeln!(err, "{red}error{off}{bold}:{off} {message}");
    for hint in hints {
        let _ = writeln!(err, "{bold}hint:{off} {hint}");
    }
}

/// Says that something is worth knowing.
pub(crate) fn warning(message: impl Display) {
    let (yellow, off) = if colour() { ("\x1b[1;33m", "\x1b[0m") } else { ("", "") };
    say(format_args!("{yellow}warning{off}: {message}"));
}

/// Lines of columns, each as wide as its widest cell; the first row is the head.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let width = |text: &str| text.chars().count();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, wide) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', wide - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number with at most four decimals, and none when it is whole.
pub(crate) fn number(value: f64) -> String {
    if value.abs() >= 1e12 {
        return format!("{value:e}");
    }
    let text = format!("{value:.4}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A length of time as people say it.
pub(crate) fn time(seconds: f64) -> String {
    if seconds < 0.001 {
        "0 s".to_owned()
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    } else {
        format!("{:.0} h {:02.0} min", (seconds / 3600.0).floor(), (seconds % 3600.0) / 60.0)
    }
}

/// A number of bytes as people say it.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", units[unit]) }
}
