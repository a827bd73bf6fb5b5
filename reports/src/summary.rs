//! A run in a few lines.

use std::fmt::Write as _;

use runpipe_base::{NodeStatus, RunLog};

use crate::format;

/// What ran, what was in the store, what failed, and how long it took; lines without an end.
pub fn summary(log: &RunLog) -> String {
    /// More failures than this are counted, not told.
    const MOST: usize = 10;
    let s = &log.summary;
    let counts = [
        (s.ran, "computed"),
        (s.cached, "from the store"),
        (s.failed, "failed"),
        (s.skipped, "skipped"),
        (s.cancelled, "stopped"),
    ];
    let words: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let words = if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") };
    let mut out = format!(
        "{}: {words} in {} ({})",
        format::stem(&log.pipeline),
        format::seconds(s.elapsed_s),
        format::count(s.nodes, "node")
    );
    let saved: f64 =
        log.nodes.iter().filter(|node| node.status == NodeStatus::Cached).map(|node| node.elapsed_s).sum();
    if saved >= 1.0 {
        let _ = write!(out, "\nthe store saved {} of work", format::seconds(saved));
    }
    let failed: Vec<_> = log.nodes.iter().filter(|node| node.status == NodeStatus::Failed).collect();
    for node in failed.iter().take(MOST) {
        let error = node.error.as_deref().unwrap_or("failed");
        let _ = write!(out, "\nfailed {} ({}): {error}", node.label, node.place);
    }
    if failed.len() > MOST {
        let _ = write!(out, "\nand {} more failed", failed.len() - MOST);
    }
    out
}
