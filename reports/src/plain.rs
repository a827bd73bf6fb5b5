//! Progress where there is no terminal: plain lines, and not many.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runpipe_base::{Event, NodeStatus, Sink};

use crate::format;
use crate::tally::{Tally, failure, numbers};

/// Writes one line for what matters, and a node's progress every ten seconds.
///
/// A writer that refuses (a closed pipe) is not written to again: the run goes on.
pub struct Plain<W> {
    state: Mutex<State<W>>,
    every: Duration,
}

struct State<W> {
    out: Option<W>,
    tally: Tally,
    /// Name of each running node, and when a line about it was last written.
    nodes: BTreeMap<usize, (String, Instant)>,
    /// Cached nodes that no line has told of.
    untold: usize,
}

impl<W: Write + Send> Plain<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self::every(out, Duration::from_secs(10))
    }

    /// Writes to `out`, a node's progress no more often than `every` so long.
    pub fn every(out: W, every: Duration) -> Self {
        let state = State { out: Some(out), tally: Tally::new(), nodes: BTreeMap::new(), untold: 0 };
        Self { state: Mutex::new(state), every }
    }

    /// The writer, unless it refused.
    pub fn into_inner(self) -> Option<W> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).out
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> State<W> {
    fn line(&mut self, text: &str) {
        if let Some(out) = &mut self.out
            // One write: the line stays whole beside those of others, and costs half.
            && out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()).is_err()
        {
            self.out = None;
        }
    }

    fn tell_cached(&mut self) {
        if self.untold > 0 {
            let line = format!("{} {} in the store", self.place(), format::count(self.untold, "result"));
            self.untold = 0;
            self.line(&line);
        }
    }

    /// `[12/40]`.
    fn place(&self) -> String {
        format!("[{}/{}]", self.tally.done(), self.tally.nodes)
    }
}

impl<W: Write + Send> Sink for Plain<W> {
    fn emit(&self, event: &Event) {
        let mut state = self.lock();
        state.tally.hear(event);
        match event {
            Event::RunStarted { pipeline, nodes, expected_s } => {
                let time = expected_s
                    .filter(|s| *s >= 1.0)
                    .map(|s| format!(", about {} of work", format::seconds(s)));
                let line =
                    format!("{pipeline}: {}{}", format::count(*nodes, "node"), time.unwrap_or_default());
                state.line(&line);
            }
            Event::Cached { count } => state.untold += count,
            Event::Finished { status: NodeStatus::Cached, .. } => state.untold += 1,
            Event::Started { node, label, stage, attempt, .. } => {
                state.tell_cached();
                state.nodes.insert(*node, (label.clone(), Instant::now()));
                let again = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
                let line = format!("{} start  {label} ({stage}{again})", state.place());
                state.line(&line);
            }
            Event::Waiting { label, .. } => {
                let line = format!("{} wait   {label}: another process computes it", state.place());
                state.line(&line);
            }
            Event::Progress { node, done, total, unit, note } => {
                let now = Instant::now();
                let Some((label, last)) = state.nodes.get_mut(node) else { return };
                if now.duration_since(*last) < self.every {
                    return;
                }
                *last = now;
                let label = label.clone();
                let note = if note.is_empty() { String::new() } else { format!(", {note}") };
                let line = format!("{} ...    {label}: {done}/{total} {unit}{note}", state.place());
                state.line(&line);
            }
            Event::Finished { node, label, status, metrics, elapsed_s, .. } => {
                state.tell_cached();
                state.nodes.remove(node);
                let joined = if *status == NodeStatus::Joined { ", by another process" } else { "" };
                let numbers = numbers(metrics);
                let numbers = if numbers.is_empty() { numbers } else { format!(": {numbers}") };
                let time = format::seconds(*elapsed_s);
                let line = format!("{} done   {label} ({time}{joined}){numbers}", state.place());
                state.line(&line);
            }
            Event::Failed { node, label, message, stderr, place, retry } => {
                state.nodes.remove(node);
                for line in failure(label, message, stderr, place, *retry) {
                    state.line(&line);
                }
            }
            Event::Skipped { label, because, .. } => {
                let line = format!("{} skip   {label}: {because}", state.place());
                state.line(&line);
            }
            Event::Warning { message } => state.line(&format!("warning: {message}")),
            // The summary is the caller's last word.
            Event::RunFinished { .. } => state.tell_cached(),
        }
    }
}
