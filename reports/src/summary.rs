//! A run in a few lines.

use std::fmt::Write as _;

use runpipe_base::{NodeStatus, RunLog};

use crate::format;

/// What ran, what was in the store, what failed, and how long it took; lines without an end.
///
/// `audited` says that what was in the store was computed again all the same.
pub fn summary(log: &RunLog, audited: bool) -> String {
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
    let name = format::stem(&log.pipeline);
    let time = format::seconds(s.elapsed_s);
    let saved: f64 =
        log.nodes.iter().filter(|node| node.status == NodeStatus::Cached).map(|node| node.elapsed_s).sum();
    let saved =
        (saved >= 1.0 && !audited).then(|| format!("the store saved {} of work", format::seconds(saved)));
    let mut out = if s.nodes == 0 {
        format!("{name}: nothing to do, the pipeline has no nodes")
    } else if s.nodes == s.cached && !audited {
        let results = format::count(s.cached, "result");
        let verb = if s.cached == 1 { "is" } else { "are" };
        format!("{name}: nothing to do, {results} {verb} in the store ({time})")
    } else {
        format!("{name}: {} in {time} ({})", words.join(", "), format::count(s.nodes, "node"))
    };
    if let Some(saved) = saved {
        let _ = write!(out, "\n{saved}");
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
