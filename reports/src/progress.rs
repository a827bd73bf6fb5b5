//! Progress on a terminal: a line for each running node, one for the whole.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runpipe_base::{Event, NodeStatus, Sink};

use crate::format;
use crate::tally::{Tally, failure, numbers};

/// Draws running nodes with bar, rate, note and time left, and below them the whole run. It cleans up at the end.
pub struct Progress {
    bars: MultiProgress,
    whole: ProgressBar,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    nodes: BTreeMap<usize, ProgressBar>,
}

const TICK: Duration = Duration::from_millis(120);

impl Progress {
    /// Draws on stderr.
    pub fn stderr() -> Self {
        Self::new(ProgressDrawTarget::stderr())
    }

    /// Draws on `target`.
    pub fn new(target: ProgressDrawTarget) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let whole = bars.add(ProgressBar::no_length());
        whole.set_style(style("{bar:24.green/dim} {pos}/{len}  {msg}"));
        Self { bars, whole, state: Mutex::new(State { tally: Tally::new(), nodes: BTreeMap::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) {
        // A terminal that is gone is no reason to stop a run.
        let _ = self.bars.println(line);
    }

    fn draw_whole(&self, state: &State) {
        let left = state.tally.left().map(|left| format!(", {} left", format::seconds(left.as_secs_f64())));
        self.whole.set_length(state.tally.nodes as u64);
        self.whole.set_position(state.tally.done() as u64);
        self.whole.set_message(format!("{}{}", state.tally.words(), left.unwrap_or_default()));
    }

    fn close(&self, state: &mut State, node: usize) {
        if let Some(bar) = state.nodes.remove(&node) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well formed").progress_chars("━╸─")
}

impl Sink for Progress {
    fn emit(&self, event: &Event) {
        let mut state = self.lock();
        state.tally.hear(event);
        match event {
            Event::RunStarted { .. } => self.whole.enable_steady_tick(Duration::from_secs(1)),
            Event::Started { node, label, attempt, .. } => {
                self.close(&mut state, *node);
                let bar = self.bars.insert_before(&self.whole, ProgressBar::no_length());
                bar.set_style(style("{spinner:.cyan} {prefix}  {elapsed}  {msg}"));
                let again = if *attempt > 1 { format!(" (try {attempt})") } else { String::new() };
                bar.set_prefix(format!("{label}{again}"));
                bar.enable_steady_tick(TICK);
                state.nodes.insert(*node, bar);
            }
            Event::Waiting { node, label } => {
                let waiting = "another process computes it";
                if let Some(bar) = state.nodes.get(node) {
                    bar.set_message(waiting);
                } else {
                    self.say(&format!("wait {label}: {waiting}"));
                }
            }
            Event::Progress { node, done, total, unit, note } => {
                let Some(bar) = state.nodes.get(node) else { return };
                if bar.length().is_none() {
                    let unit = unit.replace(['{', '}'], "");
                    let bar_style = format!(
                        "{{spinner:.cyan}} {{prefix}}  {{bar:20.cyan/dim}} {{pos}}/{{len}} {unit}  {{per_sec}}  {{msg}}  {{eta}} left"
                    );
                    bar.set_style(style(&bar_style));
                    // A node that goes on from a checkpoint has not done all that in no time.
                    bar.set_position(*done);
                    bar.reset_eta();
                }
                bar.set_length(*total);
                bar.set_position(*done);
                bar.set_message(note.clone());
            }
            Event::Finished { node, label, status, metrics, elapsed_s, .. } => {
                self.close(&mut state, *node);
                if *status != NodeStatus::Cached {
                    let line = format!("✓ {label}  {}  {}", format::seconds(*elapsed_s), numbers(metrics));
                    self.say(line.trim_end());
                }
            }
            Event::Failed { node, label, message, stderr, place, retry } => {
                self.close(&mut state, *node);
                for line in failure(label, message, stderr, place, *retry) {
                    self.say(&line);
                }
            }
            Event::Warning { message } => self.say(&format!("warning: {message}")),
            Event::RunFinished { .. } => {
                for bar in std::mem::take(&mut state.nodes).into_values() {
                    bar.finish_and_clear();
                }
                self.whole.finish_and_clear();
                // Nothing may stay behind on the screen.
                let _ = self.bars.clear();
                return;
            }
            Event::Cached { .. } | Event::Skipped { .. } => {}
        }
        self.draw_whole(&state);
    }
}
