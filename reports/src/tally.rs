//! Counts of a run while it goes on: what all three progress displays know.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use runpipe_base::{Event, NodeStatus};

/// How far a run is.
pub(crate) struct Tally {
    pub(crate) nodes: usize,
    pub(crate) cached: usize,
    pub(crate) ran: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) since: Instant,
    /// Seconds of work in all, as earlier runs had them.
    expected_s: Option<f64>,
    /// Seconds of that work that are done.
    worked_s: f64,
    running: BTreeMap<usize, (Instant, f64)>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            nodes: 0,
            cached: 0,
            ran: 0,
            failed: 0,
            skipped: 0,
            since: Instant::now(),
            expected_s: None,
            worked_s: 0.0,
            running: BTreeMap::new(),
        }
    }

    pub(crate) fn hear(&mut self, event: &Event) {
        match event {
            Event::RunStarted { nodes, expected_s, .. } => {
                *self = Self::new();
                self.nodes = *nodes;
                self.expected_s = *expected_s;
            }
            Event::Cached { count } => self.cached += count,
            Event::Started { node, expected_s, .. } => {
                self.running.insert(*node, (Instant::now(), expected_s.unwrap_or_default()));
            }
            Event::Finished { node, status, elapsed_s, .. } => {
                if *status == NodeStatus::Cached {
                    self.cached += 1;
                } else {
                    self.ran += 1;
                }
                if let Some((_, expected_s)) = self.running.remove(node) {
                    self.worked_s += if expected_s > 0.0 { expected_s } else { *elapsed_s };
                }
            }
            Event::Failed { node, retry, .. } => {
                self.running.remove(node);
                self.failed += usize::from(!retry);
            }
            Event::Skipped { .. } => self.skipped += 1,
            Event::Waiting { .. }
            | Event::Progress { .. }
            | Event::Warning { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    pub(crate) fn done(&self) -> usize {
        self.cached + self.ran + self.failed + self.skipped
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// `30 cached, 8 done, 2 running, 1 failed`; what is none is not said.
    pub(crate) fn words(&self) -> String {
        let counts = [
            (self.cached, "cached"),
            (self.ran, "done"),
            (self.running(), "running"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
        ];
        let words: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        words.join(", ")
    }

    /// The time that is left, by the pace so far: of expected work where that is known, else of nodes.
    pub(crate) fn left(&self) -> Option<Duration> {
        let elapsed_s = self.since.elapsed().as_secs_f64();
        let under_way: f64 = self
            .running
            .values()
            .map(|(start, expected_s)| start.elapsed().as_secs_f64().min(*expected_s))
            .sum();
        let left_s = match self.expected_s {
            Some(expected_s) if expected_s > 0.0 => {
                let worked_s = self.worked_s + under_way;
                if worked_s <= 0.0 {
                    return Some(Duration::from_secs_f64(expected_s.min(1e9)));
                }
                (expected_s - worked_s).max(0.0) * elapsed_s / worked_s
            }
            _ if self.ran == 0 => return None,
            _ => self.nodes.saturating_sub(self.done()) as f64 * elapsed_s / self.ran as f64,
        };
        (left_s.is_finite() && left_s < 1e9).then(|| Duration::from_secs_f64(left_s))
    }
}

/// `f1 0.812, loss 0.31`: the few numbers of a node that a person looks for first.
pub(crate) fn numbers(metrics: &BTreeMap<String, f64>) -> String {
    const FIRST: [&str; 8] = ["f1", "accuracy", "top1", "loss", "error", "perplexity", "precision", "recall"];
    let rank = |name: &str| {
        let whole = FIRST.iter().position(|first| *first == name);
        let within = || FIRST.iter().position(|first| name.split('_').any(|word| word == *first));
        whole.or_else(|| Some(FIRST.len() + within()?)).unwrap_or(2 * FIRST.len())
    };
    let mut names: Vec<(&String, &f64)> = metrics.iter().collect();
    names.sort_by_key(|(name, _)| rank(name));
    let shown: Vec<String> =
        names.into_iter().take(3).map(|(name, value)| format!("{name} {}", short(*value))).collect();
    shown.join(", ")
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 {
        return format!("{value:.0}");
    }
    crate::format::fixed(value, if value.abs() >= 100.0 { 1 } else { 4 })
}

/// Why a node failed, over several lines.
pub(crate) fn failure(label: &str, message: &str, stderr: &str, place: &str, retry: bool) -> Vec<String> {
    let again = if retry { "; it is tried again" } else { "" };
    let mut lines = vec![format!("failed {label} ({place}): {message}{again}")];
    lines.extend(stderr.lines().map(|line| format!("  | {line}")));
    lines
}
