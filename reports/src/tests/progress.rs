//! What people and programs see while a run goes on.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use runpipe_base::{Digest, Event, Hasher, NodeStatus, RunSummary, Sink};

use super::fixture::maner;
use crate::{JsonLines, Plain, Progress, summary};

fn started(node: usize, label: &str, attempt: u32) -> Event {
    Event::Started {
        node,
        label: label.to_owned(),
        stage: "toy.train".to_owned(),
        attempt,
        expected_s: Some(12.0),
    }
}

fn finished(node: usize, label: &str, status: NodeStatus) -> Event {
    Event::Finished {
        node,
        label: label.to_owned(),
        status,
        key: Hasher::new("test").str(label).finish_key(),
        digest: Digest::of(label.as_bytes()),
        metrics: BTreeMap::from([("f1".to_owned(), 0.8125), ("steps".to_owned(), 40.0)]),
        elapsed_s: 74.4,
    }
}

/// A run in which everything happens that can.
fn events() -> Vec<Event> {
    vec![
        Event::RunStarted { pipeline: "toy.pipe".to_owned(), nodes: 8, expected_s: Some(130.0) },
        Event::Cached { count: 3 },
        started(3, "a", 1),
        Event::Progress {
            node: 3,
            done: 10,
            total: 40,
            unit: "steps".to_owned(),
            note: "loss 0.31".to_owned(),
        },
        Event::Waiting { node: 4, label: "b".to_owned() },
        finished(4, "b", NodeStatus::Joined),
        Event::Failed {
            node: 3,
            label: "a".to_owned(),
            message: "exit code 1".to_owned(),
            stderr: "Traceback\nValueError".to_owned(),
            place: "toy.pipe:7".to_owned(),
            retry: true,
        },
        started(3, "a", 2),
        finished(3, "a", NodeStatus::Ran),
        finished(5, "c", NodeStatus::Cached),
        Event::Failed {
            node: 6,
            label: "d".to_owned(),
            message: "no such file".to_owned(),
            stderr: String::new(),
            place: "toy.pipe:9".to_owned(),
            retry: false,
        },
        Event::Skipped { node: 7, label: "e".to_owned(), because: "`d` failed".to_owned() },
        Event::Warning { message: "an object was damaged".to_owned() },
        Event::RunFinished {
            summary: RunSummary {
                nodes: 8,
                cached: 4,
                ran: 2,
                failed: 1,
                skipped: 1,
                cancelled: 0,
                elapsed_s: 80.0,
            },
        },
    ]
}

fn plain(every: Duration) -> String {
    let sink = Plain::every(Vec::new(), every);
    for event in &events() {
        sink.emit(event);
    }
    String::from_utf8(sink.into_inner().unwrap()).unwrap()
}

#[test]
fn plain_lines() {
    insta::assert_snapshot!(plain(Duration::ZERO));
    assert!(!plain(Duration::from_secs(10)).contains("10/40"), "progress is told every ten seconds only");
}

#[test]
fn json_lines() {
    let sink = JsonLines::new(Vec::new());
    let events = events();
    for event in &events {
        sink.emit(event);
    }
    let text = String::from_utf8(sink.into_inner().unwrap()).unwrap();
    assert_eq!(text.lines().count(), events.len());
    for (line, event) in text.lines().zip(&events) {
        assert!(line.starts_with("{\"v\":1,\"event\":\""), "{line}");
        assert_eq!(serde_json::from_str::<Event>(line).unwrap(), *event);
    }
}

/// A pipe whose reader is gone.
struct Closed(usize);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        assert_eq!(self.0, 1, "a closed pipe is written to once");
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_stops_no_run() {
    let (json, plain) = (JsonLines::new(Closed(0)), Plain::new(Closed(0)));
    for event in events() {
        json.emit(&event);
        plain.emit(&event);
    }
    assert!(json.into_inner().is_none() && plain.into_inner().is_none());
}

#[test]
fn bars_on_a_terminal() {
    let term = InMemoryTerm::new(12, 100);
    let sink = Progress::new(ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()), 255));
    let events = events();
    events[..4].iter().for_each(|event| sink.emit(event));
    // The screen is drawn at most 255 times a second.
    std::thread::sleep(Duration::from_millis(30));
    sink.emit(&events[3]);
    let screen = term.contents();
    for part in ["a ", "10/40 steps", "loss 0.31", "3/8", "3 cached, 1 running"] {
        assert!(screen.contains(part), "no `{part}` in\n{screen}");
    }
    events[4..].iter().for_each(|event| sink.emit(event));
    let screen = term.contents();
    insta::assert_snapshot!(screen);
    assert!(!screen.contains("━"), "no bar stays behind:\n{screen}");
}

#[test]
fn a_run_in_a_few_lines() {
    let mut log = maner().log;
    insta::assert_snapshot!("summary_fresh", summary(&log, false));
    let nodes = log.nodes.len();
    log.nodes.iter_mut().for_each(|node| node.status = NodeStatus::Cached);
    log.nodes[nodes - 1].status = NodeStatus::Failed;
    log.nodes[nodes - 1].error = Some("exit code 1".to_owned());
    log.summary = RunSummary { nodes, cached: nodes - 1, failed: 1, elapsed_s: 0.2, ..RunSummary::default() };
    insta::assert_snapshot!("summary_warm", summary(&log, false));
    log.nodes[nodes - 1].status = NodeStatus::Cached;
    log.summary = RunSummary { nodes, cached: nodes, elapsed_s: 0.0, ..RunSummary::default() };
    insta::assert_snapshot!("summary_idle", summary(&log, false));
    assert!(!summary(&log, true).contains("nothing to do"), "an audit computes all of it again");
}
