//! Progress on a terminal: a line for each running node, one for the whole.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::style as paint;
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
    nodes: BTreeMap<usize, Running>,
}

/// A running node on the screen.
struct Running {
    bar: ProgressBar,
    /// What was done when it first told, and when: a node that goes on from a checkpoint has not done that in no time.
    since: Option<(u64, Instant)>,
}

impl Running {
    /// How fast it goes and how long it will take; nothing before that can be known.
    fn pace(&self, done: u64, total: u64) -> Option<(String, String)> {
        let (first, start) = self.since?;
        let elapsed_s = start.elapsed().as_secs_f64();
        let rate = (done.saturating_sub(first)) as f64 / elapsed_s.max(1e-9);
        // A rate of the first moments is no rate.
        if elapsed_s < 0.5 || rate <= 0.0 {
            return None;
        }
        let left_s = total.saturating_sub(done) as f64 / rate;
        let decimals = usize::from(rate < 10.0);
        Some((format!("{}/s", format::fixed(rate, decimals)), format!("{} left", format::seconds(left_s))))
    }
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
        if let Some(Running { bar, .. }) = state.nodes.remove(&node) {
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
                state.nodes.insert(*node, Running { bar, since: None });
            }
            Event::Waiting { node, label } => {
                let waiting = "another process computes it";
                if let Some(running) = state.nodes.get(node) {
                    running.bar.set_message(waiting);
                } else {
                    self.say(&format!("wait {label}: {waiting}"));
                }
            }
            Event::Progress { node, done, total, unit, note } => {
                let Some(running) = state.nodes.get_mut(node) else { return };
                if running.since.is_none() {
                    let unit = unit.replace(['{', '}'], "");
                    let bar_style = format!(
                        "{{spinner:.cyan}} {{prefix}}  {{bar:20.cyan/dim}} {{pos}}/{{len}} {unit}  {{msg}}"
                    );
                    running.bar.set_style(style(&bar_style));
                    running.since = Some((*done, Instant::now()));
                }
                running.bar.set_length(*total);
                running.bar.set_position(*done);
                let (rate, left) = running.pace(*done, *total).unwrap_or_default();
                let words: Vec<&str> = [rate.as_str(), note, left.as_str()]
                    .into_iter()
                    .filter(|word| !word.is_empty())
                    .collect();
                running.bar.set_message(words.join("  "));
            }
            Event::Finished { node, label, status, metrics, elapsed_s, .. } => {
                self.close(&mut state, *node);
                if *status != NodeStatus::Cached {
                    let mark = paint("✓").for_stderr().green();
                    let line =
                        format!("{mark} {label}  {}  {}", format::seconds(*elapsed_s), numbers(metrics));
                    self.say(line.trim_end());
                }
            }
            Event::Failed { node, label, message, stderr, place, retry } => {
                self.close(&mut state, *node);
                let mut lines = failure(label, message, stderr, place, *retry).into_iter();
                if let Some(first) = lines.next() {
                    self.say(&format!("{} {first}", paint("✗").for_stderr().red()));
                }
                lines.for_each(|line| self.say(&line));
            }
            Event::Warning { message } => {
                self.say(&format!("{}: {message}", paint("warning").for_stderr().yellow()));
            }
            Event::RunFinished { .. } => {
                for running in std::mem::take(&mut state.nodes).into_values() {
                    running.bar.finish_and_clear();
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
