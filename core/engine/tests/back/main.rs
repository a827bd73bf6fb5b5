//! The back of the engine: from a typed pipeline to a finished run, over a store of its own for each test.

mod again;
mod ends;
mod order;
mod share;
mod toy;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use runpipe_base::{Event, NodeStatus, RunLog, Sink};
use runpipe_cache::Store;
use runpipe_engine::{Cancel, Pipeline, RunOptions, Settings, load, run};

/// A folder with a pipeline and a store.
struct Bench {
    folder: tempfile::TempDir,
    options: RunOptions,
    cancel: Cancel,
}

impl Bench {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let bench = Self { folder, options: RunOptions::default(), cancel: Cancel::default() };
        bench.write(text);
        bench
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path().join("x.pipe"), text).expect("the file can be written");
    }

    fn pipeline(&self) -> Pipeline {
        let loaded = load(&self.path().join("x.pipe"), &toy::registry(), &Settings::default());
        loaded.unwrap_or_else(|e| panic!("{}", runpipe_grammar::render(&e.diagnostics, &e.sources, false)))
    }

    fn store(&self) -> Store {
        Store::open(&self.path().join("store")).expect("a store")
    }

    /// Runs it; the log and what was heard.
    fn run(&self) -> Told {
        self.run_with(|_| {})
    }

    /// Runs it; `on` hears every event as it happens.
    fn run_with(&self, on: impl Fn(&Event) + Send + Sync) -> Told {
        let ear = Ear { heard: Mutex::default(), on };
        let (pipeline, store) = (self.pipeline(), self.store());
        let log = run(&pipeline, &store, &self.options, &toy::registry(), &self.cancel, &ear)
            .unwrap_or_else(|e| panic!("{e}"));
        Told { log, events: ear.heard.into_inner().expect("no test panics while it listens") }
    }
}

struct Ear<F> {
    heard: Mutex<Vec<Event>>,
    on: F,
}

impl<F: Fn(&Event) + Send + Sync> Sink for Ear<F> {
    fn emit(&self, event: &Event) {
        (self.on)(event);
        self.heard.lock().expect("no test panics while it listens").push(event.clone());
    }
}

/// A run and all that was told of it.
struct Told {
    log: RunLog,
    events: Vec<Event>,
}

impl Told {
    /// The labels of the nodes that were started, in order.
    fn started(&self) -> Vec<&str> {
        let mut started = Vec::new();
        for event in &self.events {
            if let Event::Started { label, .. } = event {
                started.push(label.as_str());
            }
        }
        started
    }

    /// The labels of the nodes that were started, sorted.
    fn ran(&self) -> Vec<&str> {
        let mut ran = self.started();
        ran.sort_unstable();
        ran
    }

    /// The most nodes that were at work at a time.
    fn most_at_once(&self) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for event in &self.events {
            match event {
                Event::Started { .. } => now += 1,
                Event::Finished { status: NodeStatus::Ran, .. } | Event::Failed { .. } => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        most
    }

    fn status(&self, label: &str) -> NodeStatus {
        self.node(label).status
    }

    /// A metric whose values are whole numbers.
    fn number(&self, label: &str, metric: &str) -> i64 {
        self.node(label).metrics[metric] as i64
    }

    fn error(&self, label: &str) -> &str {
        self.node(label).error.as_deref().unwrap_or_default()
    }

    fn node(&self, label: &str) -> &runpipe_base::NodeRecord {
        let found = self.log.nodes.iter().find(|node| node.label == label);
        found.unwrap_or_else(|| panic!("no node `{label}`"))
    }

    /// What each node is and made: what may depend on nothing but the pipeline.
    fn content(&self) -> BTreeMap<&str, String> {
        let what = |node: &runpipe_base::NodeRecord| {
            let digest = node.artifact.as_ref().map(|artifact| artifact.digest());
            format!("{:?} {digest:?} {:?} {:?}", node.key, node.metrics, node.series)
        };
        self.log.nodes.iter().map(|node| (node.label.as_str(), what(node))).collect()
    }
}
