//! The scheduler: what is ready runs, longest path first, under a budget of cores, memory and GPUs.
//!
//! One dispatcher (the calling thread) owns all state and puts events in one order; workers compute nodes and send messages.
//! A stage with tensors gets a share of the free cores: one when as many such stages are ready as cores are free, else the
//! free cores evenly among those that are ready. Bytes do not depend on it: kernels have fixed blocks and reduction trees.

mod budget;
mod log;
mod ready;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::Scope;
use std::time::{Duration, Instant};

use runpipe_base::{Artifact, Digest, Event, Key, NodeStatus, Registry, RunLog, Sink};
use runpipe_cache::{Manifest, Store};

pub(crate) use self::budget::Held;
pub(crate) use self::workers::Message;

use self::budget::Budget;
use self::ready::Queue;
use self::workers::{Workers, hear};
use crate::dag::Dag;
use crate::history::History;
use crate::plan::{Places, Sight, arrivals, find, keys_of, look, targets};
use crate::recipe::Keys;
use crate::run::{Fault, Job, Shared, stderr_of};
use crate::{Cancel, EngineError, NodeId, Pipeline, RunOptions};

/// Runs `pipeline`: computes what `store` lacks, tells `sink` what happens, records the run and returns its log.
///
/// A failed stage is in the log and no error of this function.
///
/// # Errors
/// [`EngineError`] when a file cannot be read, a target is unknown or the store refuses; what finished until then is kept.
pub fn run(
    pipeline: &Pipeline,
    store: &Store,
    options: &RunOptions,
    registry: &Registry,
    cancel: &Cancel,
    sink: &dyn Sink,
) -> Result<RunLog, EngineError> {
    let begun = Instant::now();
    let dag = Dag::new(pipeline, &targets(pipeline, &options.targets)?);
    let sight = look(pipeline, &dag, store, options)?;
    let hits = sight.hits();
    let idle = sight.is_whole() && !options.audit;
    let history = if idle { History::default() } else { History::of(pipeline, store)? };
    let expected_s = (!idle).then(|| expected(pipeline, &dag, &sight, &history)).flatten();
    sink.emit(&Event::RunStarted { pipeline: pipeline.path.clone(), nodes: dag.wanted_count(), expected_s });
    if hits > 0 {
        sink.emit(&Event::Cached { count: hits });
    }
    let shared = Shared { pipeline, store, registry, options, cancel };
    let mut state = State::new(&shared, &dag, sight, history);
    let result = if idle { Ok(()) } else { std::thread::scope(|scope| state.dispatch(scope, sink)) };
    if result.is_err() {
        // What was finished is worth keeping also when the run cannot go on; why it cannot is the error that matters.
        let _ = store.sync();
    }
    result?;
    let log = state.into_log(begun.elapsed());
    if !store.read_only() {
        store.save_run(&log)?;
        store.sync()?;
    }
    sink.emit(&Event::RunFinished { summary: log.summary });
    Ok(log)
}

/// Seconds of work that the missing nodes took in earlier runs; unknown when anything is new.
fn expected(pipeline: &Pipeline, dag: &Dag, sight: &Sight, history: &History) -> Option<f64> {
    let missing = |id: &usize| dag.wanted(*id as NodeId) && sight.manifests[*id].is_none();
    (0..pipeline.nodes.len()).filter(missing).map(|id| history.expected_s(&pipeline.nodes[id])).sum()
}

/// Everything the dispatcher knows.
struct State<'a> {
    shared: &'a Shared<'a>,
    dag: &'a Dag,
    history: History,
    path_s: Vec<f64>,
    made: Vec<Option<Arc<Manifest>>>,
    keys: Vec<Option<Keys>>,
    forced: Vec<bool>,
    status: Vec<Option<NodeStatus>>,
    errors: BTreeMap<NodeId, String>,
    /// How many nodes before a node are not done.
    waiting: Vec<u32>,
    /// How often a node's inputs had to be made again.
    rewinds: BTreeMap<NodeId, u32>,
    ready: Queue,
    /// Nodes whose key another process computes.
    elsewhere: Vec<Job>,
    /// Who of this run is to compute a key, and nodes that turned out to be the same computation.
    takers: BTreeMap<Key, Vec<NodeId>>,
    budget: Budget,
    failed: bool,
    refusal: Option<EngineError>,
    places: Places<'a>,
}

/// More rewinds of one node than this mean that the disk does not keep what it is given.
const MOST_REWINDS: u32 = 3;

/// How often what was committed is made to survive a power failure.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether another process is done with a key.
const ASK_EVERY: Duration = Duration::from_millis(20);

impl<'a> State<'a> {
    fn new(shared: &'a Shared<'a>, dag: &'a Dag, sight: Sight, history: History) -> Self {
        let count = shared.pipeline.nodes.len();
        let status = sight.manifests.iter().map(|found| found.as_ref().map(|_| NodeStatus::Cached)).collect();
        Self {
            shared,
            dag,
            history,
            path_s: Vec::new(),
            made: sight.manifests,
            keys: sight.keys,
            forced: sight.forced,
            status,
            errors: BTreeMap::new(),
            waiting: vec![0; count],
            rewinds: BTreeMap::new(),
            ready: Queue::default(),
            elsewhere: Vec::new(),
            takers: BTreeMap::new(),
            budget: Budget::new(shared.options),
            failed: false,
            refusal: None,
            places: Places::new(shared.pipeline),
        }
    }

    /// Runs everything that is to be run; the sink hears of it in one order.
    fn dispatch<'s>(&mut self, scope: &'s Scope<'s, '_>, sink: &dyn Sink) -> Result<(), EngineError>
    where
        'a: 's,
    {
        let nodes = &self.shared.pipeline.nodes;
        self.path_s = self.dag.longest_paths(|id| {
            let done = self.made[id as usize].is_some();
            if done { 0.0 } else { self.history.guess_s(&nodes[id as usize]) }
        });
        let (sender, receiver) = mpsc::channel();
        let mut workers = Workers::new(scope, self.shared, sender);
        self.seed(sink);
        let mut synced = Instant::now();
        loop {
            while let Some(job) = self.next() {
                workers.give(job);
            }
            if !workers.at_work() && (self.elsewhere.is_empty() || self.is_over()) {
                break;
            }
            let patience = if self.elsewhere.is_empty() { SYNC_EVERY } else { ASK_EVERY };
            match hear(&receiver, patience) {
                Some(Message::Event(event)) => sink.emit(&event),
                Some(Message::Done { worker, job, outcome }) => {
                    workers.done(worker);
                    self.budget.give_back(&job.held);
                    self.settle(job, outcome, sink);
                }
                None => self.ask_again(),
            }
            if synced.elapsed() > SYNC_EVERY {
                if let Err(error) = self.shared.store.sync() {
                    self.refuse(error.into());
                }
                self.ask_again();
                synced = Instant::now();
            }
        }
        self.close(sink);
        self.refusal.take().map_or(Ok(()), Err)
    }

    /// Whether nothing new begins.
    fn is_over(&self) -> bool {
        self.shared.cancel.level() > 0
            || self.refusal.is_some()
            || (self.failed && !self.shared.options.keep_going)
    }

    /// Nodes that another process computes are tried again: it may be done, or dead.
    fn ask_again(&mut self) {
        for job in std::mem::take(&mut self.elsewhere) {
            self.enqueue(Box::new(job));
        }
    }

    /// The next node that fits into what is free.
    fn next(&mut self) -> Option<Box<Job>> {
        if self.is_over() { None } else { self.ready.pop(&mut self.budget) }
    }

    fn enqueue(&mut self, job: Box<Job>) {
        let node = &self.shared.pipeline.nodes[job.id as usize];
        let demand = self.budget.demand(node, self.shared.options.device);
        self.ready.push(demand, node.hints.priority, self.path_s[job.id as usize], job);
    }

    /// Finds what can begin: nodes that are not made and wait for nobody; in an audit also those that are made.
    fn seed(&mut self, sink: &dyn Sink) {
        let mut open = Vec::new();
        for id in 0..self.made.len() as NodeId {
            if !self.dag.wanted(id) {
                continue;
            }
            if self.made[id as usize].is_some() {
                if self.shared.options.audit {
                    open.push(id);
                }
                continue;
            }
            self.waiting[id as usize] = self.missing(id);
            if self.waiting[id as usize] == 0 {
                open.push(id);
            }
        }
        self.open(open, sink);
    }

    /// These nodes have all they need: each is found in the store or made ready to run. A list and no recursion: a chain
    /// of nodes that are all found may be long.
    fn open(&mut self, mut ids: Vec<NodeId>, sink: &dyn Sink) {
        ids.reverse();
        while let Some(id) = ids.pop() {
            match self.prepare(id) {
                Ok(Some(manifest)) => ids.extend(self.finish(id, manifest, NodeStatus::Cached, sink)),
                Ok(None) => {}
                Err(error) => self.refuse(error),
            }
        }
    }

    /// Looks a node up whose inputs are known; makes it ready when it is not there.
    fn prepare(&mut self, id: NodeId) -> Result<Option<Arc<Manifest>>, EngineError> {
        let (pipeline, store, options) = (self.shared.pipeline, self.shared.store, self.shared.options);
        let audit = self.made[id as usize].clone();
        if let Some(keys) = match self.keys[id as usize] {
            None => keys_of(pipeline, id, &self.made, store, options)?,
            Some(_) => None,
        } {
            self.keys[id as usize] = Some(keys);
            if !self.forced[id as usize]
                && let Some(manifest) = find(store, &keys)?
            {
                return Ok(Some(Arc::new(manifest)));
            }
        }
        let keys = self.keys[id as usize].expect("a node is prepared when all that it needs is made");
        if let Some(same) = self.takers.get_mut(&keys.exact) {
            // Looked up again when that one is done.
            same.push(id);
            return Ok(None);
        }
        let node = &pipeline.nodes[id as usize];
        let mut inputs: BTreeMap<String, Vec<Artifact>> = BTreeMap::new();
        for input in &node.inputs {
            let whole = &self.made[input.node as usize].as_ref().expect("all that it needs is made").artifact;
            let part = whole.part(&input.part).expect("its digest was taken for the key").clone();
            let port = &node.stage.spec.inputs[usize::from(input.port)].name;
            inputs.entry(port.to_string()).or_default().push(part);
        }
        self.takers.insert(keys.exact, Vec::new());
        self.enqueue(Box::new(Job {
            id,
            label: node.label(),
            keys,
            inputs,
            arrived: arrivals(pipeline, id, &self.made).expect("all that it needs is made"),
            held: Held::default(),
            force: self.forced[id as usize],
            audit,
            expected_s: self.history.expected_s(node),
            waited: false,
        }));
        Ok(None)
    }

    /// What a node's end means for the others.
    fn settle(&mut self, mut job: Box<Job>, outcome: Result<(Manifest, NodeStatus), Fault>, sink: &dyn Sink) {
        if matches!(outcome, Err(Fault::Busy)) {
            if !std::mem::replace(&mut job.waited, true) {
                sink.emit(&Event::Waiting { node: job.id as usize, label: job.label.clone() });
            }
            return self.elsewhere.push(*job);
        }
        let same = self.takers.remove(&job.keys.exact).unwrap_or_default();
        match outcome {
            Ok((_, NodeStatus::Cached)) => {}
            Ok((manifest, status)) => {
                self.forced[job.id as usize] = false;
                let open = self.finish(job.id, Arc::new(manifest), status, sink);
                self.open(open, sink);
            }
            Err(Fault::Cancelled) => self.status[job.id as usize] = Some(NodeStatus::Cancelled),
            Err(Fault::Store(error)) => self.refuse(error.into()),
            Err(Fault::Blob(digest)) => self.rewind(&job, &digest, sink),
            Err(Fault::Stage(error)) => self.fail(&job, error.to_string(), stderr_of(&error), sink),
            Err(Fault::Panic(words)) => self.fail(&job, format!("{PANICKED}{words}"), "", sink),
            Err(Fault::Busy) => unreachable!("seen above"),
        }
        for id in &same {
            self.keys[*id as usize] = None;
        }
        self.reopen(&same, sink);
    }

    /// A node is made; returns the nodes that now have all they need.
    fn finish(
        &mut self,
        id: NodeId,
        manifest: Arc<Manifest>,
        status: NodeStatus,
        sink: &dyn Sink,
    ) -> Vec<NodeId> {
        sink.emit(&Event::Finished {
            node: id as usize,
            label: self.shared.pipeline.nodes[id as usize].label(),
            status,
            key: manifest.key,
            digest: manifest.artifact.digest(),
            metrics: manifest.metrics.clone(),
            elapsed_s: manifest.elapsed_s,
        });
        self.made[id as usize] = Some(manifest);
        self.status[id as usize] = Some(status);
        let mut open = Vec::new();
        for next in self.dag.after(id) {
            let waiting = &mut self.waiting[next as usize];
            if self.dag.wanted(next) && *waiting > 0 && self.made[next as usize].is_none() {
                *waiting -= 1;
                if *waiting == 0 {
                    open.push(next);
                }
            }
        }
        open
    }

    fn fail(&mut self, job: &Job, message: String, stderr: &str, sink: &dyn Sink) {
        self.failed = true;
        self.status[job.id as usize] = Some(NodeStatus::Failed);
        sink.emit(&Event::Failed {
            node: job.id as usize,
            label: job.label.clone(),
            message: message.clone(),
            stderr: stderr.to_owned(),
            place: self.places.of(job.id),
            retry: false,
        });
        let whole = if stderr.is_empty() { message } else { format!("{message}\n{stderr}") };
        self.errors.insert(job.id, whole);
        let mut open: Vec<NodeId> = self.dag.after(job.id).collect();
        while let Some(id) = open.pop() {
            if self.dag.wanted(id) && self.status[id as usize].is_none() {
                self.status[id as usize] = Some(NodeStatus::Skipped);
                let (label, because) = (self.shared.pipeline.nodes[id as usize].label(), job.label.clone());
                self.errors.insert(id, format!("`{because}` failed"));
                sink.emit(&Event::Skipped { node: id as usize, label, because });
                open.extend(self.dag.after(id));
            }
        }
    }

    /// An input's bytes are gone: its maker runs again, and the node that needs it waits for that.
    fn rewind(&mut self, job: &Job, digest: &Digest, sink: &dyn Sink) {
        let holds = |artifact: &Artifact| artifact.entries().iter().any(|(_, entry)| entry.digest == *digest);
        let makers: Vec<NodeId> = self
            .dag
            .before(job.id)
            .filter(|id| self.made[*id as usize].as_ref().is_some_and(|manifest| holds(&manifest.artifact)))
            .collect();
        let rewinds = self.rewinds.entry(job.id).or_default();
        *rewinds += 1;
        if *rewinds > MOST_REWINDS {
            let message = format!("object `{}` cannot be read, although it was made again", digest.short());
            return self.fail(job, message, "", sink);
        }
        self.keys[job.id as usize] = None;
        self.status[job.id as usize] = None;
        if job.audit.is_some() {
            self.made[job.id as usize] = None;
        }
        let mut again = makers;
        if again.is_empty() && self.missing(job.id) == 0 {
            // Bytes that no input holds are its own: they lay damaged where its result was to be kept, and are set aside now.
            again.push(job.id);
        }
        if !again.is_empty() {
            let label = |id: &NodeId| format!("`{}`", self.shared.pipeline.nodes[*id as usize].label());
            let labels: Vec<String> = again.iter().map(label).collect();
            let message =
                format!("a stored result of {} is damaged or gone; it is computed again", labels.join(", "));
            sink.emit(&Event::Warning { message });
        }
        again.retain(|id| *id != job.id);
        for maker in &again {
            self.unmake(*maker);
        }
        again.push(job.id);
        self.reopen(&again, sink);
    }

    /// A node's bytes are gone: it is to be made again, and who waits waits for it as well.
    fn unmake(&mut self, id: NodeId) {
        self.made[id as usize] = None;
        self.status[id as usize] = None;
        self.forced[id as usize] = true;
        for next in self.dag.after(id) {
            // One that waits for nothing runs already, with what it holds in its hands.
            if self.made[next as usize].is_none() && self.waiting[next as usize] > 0 {
                self.waiting[next as usize] += 1;
            }
        }
    }

    /// How many of the nodes that it needs are not made.
    fn missing(&self, id: NodeId) -> u32 {
        self.dag.before(id).filter(|before| self.made[*before as usize].is_none()).count() as u32
    }

    /// Opens those of the nodes that have all they need; the others wait for it.
    fn reopen(&mut self, ids: &[NodeId], sink: &dyn Sink) {
        let mut open = Vec::new();
        for id in ids {
            self.waiting[*id as usize] = self.missing(*id);
            if self.waiting[*id as usize] == 0 {
                open.push(*id);
            }
        }
        self.open(open, sink);
    }

    /// The store refuses: nothing new begins.
    fn refuse(&mut self, error: EngineError) {
        self.refusal.get_or_insert(error);
    }

    /// What was to run and did not is skipped or cancelled.
    fn close(&mut self, sink: &dyn Sink) {
        let stopped = self.shared.cancel.level() > 0;
        for id in 0..self.made.len() as NodeId {
            if !self.dag.wanted(id) || self.status[id as usize].is_some() {
                continue;
            }
            let (status, because) = if stopped {
                (NodeStatus::Cancelled, "the run was stopped")
            } else {
                (NodeStatus::Skipped, "an earlier failure ended the run")
            };
            self.status[id as usize] = Some(status);
            self.errors.insert(id, because.to_owned());
            let label = self.shared.pipeline.nodes[id as usize].label();
            sink.emit(&Event::Skipped { node: id as usize, label, because: because.to_owned() });
        }
    }
}

/// How the message of a node begins whose stage panicked: that is our bug and not the user's.
pub const PANICKED: &str = "a bug in the stage: it panicked: ";
