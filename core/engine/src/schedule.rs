//! The scheduler: what is ready runs, longest path first, under a budget of cores, memory and GPUs.
//!
//! One dispatcher (the calling thread) owns all state and puts events in one order; workers compute nodes and send messages.
//! A stage with tensors gets a share of the free cores: one when as many such stages are ready as cores are free, else the
//! free cores evenly among those that are ready. Bytes do not depend on it: kernels have fixed blocks and reduction trees.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use runpipe_base::{
    Artifact, Device, Digest, Event, NodeRecord, NodeStatus, Registry, RunLog, RunSummary, Sink, Wants,
};
use runpipe_cache::{Manifest, Store};

use crate::dag::Dag;
use crate::plan::{History, Places, Sight, arrivals, find, keys_of, look, targets};
use crate::recipe::Keys;
use crate::run::{Fault, Job, Shared, live, stderr_of};
use crate::{Cancel, EngineError, NodeId, Pipeline, RunOptions, StageCode};

/// What workers tell the dispatcher.
pub(crate) enum Message {
    /// Something happened.
    Event(Event),
    /// A worker is done with its node.
    Done { worker: usize, job: Box<Job>, outcome: Result<(Manifest, NodeStatus), Fault> },
}

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
    let expected_s = (!idle).then(|| expected(pipeline, &dag, &sight, &history, options)).flatten();
    sink.emit(&Event::RunStarted { pipeline: pipeline.path.clone(), nodes: dag.wanted_count(), expected_s });
    if hits > 0 {
        sink.emit(&Event::Cached { count: hits });
    }
    let shared = Shared { pipeline, store, registry, options, cancel };
    let mut state = State::new(&shared, &dag, sight, history);
    if !idle {
        let result = std::thread::scope(|scope| state.dispatch(scope, sink));
        // What was finished is worth keeping also when the run cannot go on.
        let synced = store.sync();
        result?;
        synced?;
    }
    let log = state.into_log(begun.elapsed());
    if !store.read_only() {
        store.save_run(&log)?;
    }
    sink.emit(&Event::RunFinished { summary: log.summary });
    Ok(log)
}

/// Seconds that the missing nodes took the last time, spread over the cores; unknown when any of them is.
fn expected(
    pipeline: &Pipeline,
    dag: &Dag,
    sight: &Sight,
    history: &History,
    options: &RunOptions,
) -> Option<f64> {
    let missing =
        (0..pipeline.nodes.len()).filter(|id| dag.wanted(*id as NodeId) && sight.manifests[*id].is_none());
    let total: Option<f64> = missing.map(|id| history.expected_s(&pipeline.nodes[id].label())).sum();
    total.map(|seconds| seconds / options.jobs.max(1) as f64)
}

/// A ready node; the greatest starts first.
struct Ready {
    priority: i64,
    path_s: f64,
    job: Box<Job>,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_path = self.path_s.total_cmp(&other.path_s);
        self.priority.cmp(&other.priority).then(by_path).then(other.job.id.cmp(&self.job.id))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ready {}

/// What is free.
struct Budget {
    cores: usize,
    memory: u64,
    gpus: Vec<u32>,
    all_cores: usize,
    all_memory: u64,
    all_gpus: usize,
}

impl Budget {
    fn new(options: &RunOptions) -> Self {
        let cores = options.jobs.max(1);
        let memory = options.memory.unwrap_or_else(installed_memory);
        let count = options.gpus.unwrap_or(u32::from(options.device == Device::Cuda));
        let gpus: Vec<u32> = (0..count).rev().collect();
        Self { cores, memory, all_cores: cores, all_memory: memory, all_gpus: gpus.len(), gpus }
    }
}

/// The machine's memory in bytes; without an answer there is no limit.
fn installed_memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or(u64::MAX, |kib| kib << 10)
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
    ready: BinaryHeap<Ready>,
    budget: Budget,
    failed: bool,
    refusal: Option<EngineError>,
    places: Places<'a>,
}

/// More rewinds of one node than this mean that the disk does not keep what it is given.
const MOST_REWINDS: u32 = 3;

/// How often what was committed is made to survive a power failure.
const SYNC_EVERY: Duration = Duration::from_secs(1);

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
            ready: BinaryHeap::new(),
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
        let history = std::mem::take(&mut self.history);
        let nodes = &self.shared.pipeline.nodes;
        self.path_s = self.dag.longest_paths(|id| {
            let done = self.made[id as usize].is_some();
            if done { 0.0 } else { history.expected_s(&nodes[id as usize].label()).unwrap_or(1.0) }
        });
        self.history = history;
        let (sender, receiver) = mpsc::channel();
        let mut workers = Workers::new(scope, self.shared, sender);
        self.seed(sink);
        let mut synced = Instant::now();
        loop {
            while let Some(job) = self.next() {
                workers.give(job);
            }
            if workers.busy == 0 {
                break;
            }
            match workers.hear(&receiver) {
                Some(Message::Event(event)) => sink.emit(&event),
                Some(Message::Done { worker, job, outcome }) => {
                    workers.done(worker);
                    self.give_back(&job);
                    self.settle(*job, outcome, sink);
                }
                None => {}
            }
            if synced.elapsed() > SYNC_EVERY {
                if let Err(error) = self.shared.store.sync() {
                    self.refuse(error.into());
                }
                synced = Instant::now();
            }
        }
        self.close(sink);
        self.refusal.take().map_or(Ok(()), Err)
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
            let missing = self.dag.before(id).filter(|before| self.made[*before as usize].is_none()).count();
            self.waiting[id as usize] = missing as u32;
            if missing == 0 {
                open.push(id);
            }
        }
        self.open(open, sink);
    }

    /// These nodes have all they need: each is found in the store or made ready to run. A list and no recursion: a chain
    /// of nodes that are all found may be long.
    fn open(&mut self, mut ids: Vec<NodeId>, sink: &dyn Sink) {
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
                && let Some(manifest) = find(store, &keys, options)?
            {
                return Ok(Some(Arc::new(manifest)));
            }
        }
        let keys = self.keys[id as usize].expect("a node is prepared when all that it needs is made");
        let node = &pipeline.nodes[id as usize];
        let mut inputs: BTreeMap<String, Vec<Artifact>> = BTreeMap::new();
        for input in &node.inputs {
            let whole = &self.made[input.node as usize].as_ref().expect("all that it needs is made").artifact;
            let part = whole.part(&input.part).expect("its digest was taken for the key").clone();
            let port = &node.stage.spec.inputs[usize::from(input.port)].name;
            inputs.entry(port.to_string()).or_default().push(part);
        }
        let label = node.label();
        let job = Job {
            id,
            keys,
            inputs,
            arrived: arrivals(pipeline, id, &self.made).expect("all that it needs is made"),
            cores: 0,
            gpus: Vec::new(),
            force: self.forced[id as usize],
            audit,
            expected_s: self.history.expected_s(&label),
            label,
        };
        self.ready.push(Ready {
            priority: node.hints.priority,
            path_s: self.path_s[id as usize],
            job: Box::new(job),
        });
        Ok(None)
    }

    /// The next node that fits into what is free.
    fn next(&mut self) -> Option<Box<Job>> {
        if self.shared.cancel.level() > 0
            || self.refusal.is_some()
            || (self.failed && !self.shared.options.keep_going)
        {
            return None;
        }
        let mut too_big = Vec::new();
        let mut found = None;
        // A node that does not fit now waits; a smaller one behind it may begin.
        while self.budget.cores > 0
            && let Some(mut ready) = self.ready.pop()
        {
            if self.take(&mut ready.job) {
                found = Some(ready.job);
                break;
            }
            too_big.push(ready);
        }
        self.ready.extend(too_big);
        found
    }

    /// Takes what `job` needs out of the budget, if it is free. More than there is at all counts as all there is.
    fn take(&mut self, job: &mut Job) -> bool {
        let node = &self.shared.pipeline.nodes[job.id as usize];
        let tensors = node.stage.spec.wants == Wants::Tensors;
        let cores = match node.hints.cores {
            Some(cores) => (cores as usize).clamp(1, self.budget.all_cores),
            None if tensors => self.share(),
            None => 1,
        };
        let memory = node.hints.memory.unwrap_or(0).min(self.budget.all_memory);
        let on_gpu = u32::from(tensors && self.shared.options.device == Device::Cuda);
        let gpus = (node.hints.gpu.unwrap_or(on_gpu) as usize).min(self.budget.all_gpus);
        if cores > self.budget.cores || memory > self.budget.memory || gpus > self.budget.gpus.len() {
            return false;
        }
        self.budget.cores -= cores;
        self.budget.memory -= memory;
        job.cores = cores;
        job.gpus = self.budget.gpus.split_off(self.budget.gpus.len() - gpus);
        true
    }

    /// A tensor stage's share of the free cores; the one asking is out of the ready set.
    fn share(&self) -> usize {
        let wants = |ready: &&Ready| {
            self.shared.pipeline.nodes[ready.job.id as usize].stage.spec.wants == Wants::Tensors
        };
        let rivals = self.ready.iter().filter(wants).take(self.budget.cores).count() + 1;
        (self.budget.cores / rivals).max(1)
    }

    fn give_back(&mut self, job: &Job) {
        let node = &self.shared.pipeline.nodes[job.id as usize];
        self.budget.cores += job.cores;
        self.budget.memory += node.hints.memory.unwrap_or(0).min(self.budget.all_memory);
        self.budget.gpus.extend(&job.gpus);
    }

    /// What a node's end means for the others.
    fn settle(&mut self, job: Job, outcome: Result<(Manifest, NodeStatus), Fault>, sink: &dyn Sink) {
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
            Err(Fault::Panic(words)) => self.fail(&job, format!("{PANICKED}{words}"), String::new(), sink),
        }
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

    fn fail(&mut self, job: &Job, message: String, stderr: String, sink: &dyn Sink) {
        self.failed = true;
        self.status[job.id as usize] = Some(NodeStatus::Failed);
        sink.emit(&Event::Failed {
            node: job.id as usize,
            label: job.label.clone(),
            message: message.clone(),
            stderr: stderr.clone(),
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
            return self.fail(job, message, String::new(), sink);
        }
        // Bytes that no input holds are its own: they lay damaged where its result was to be kept, and are set aside now.
        let again = if makers.is_empty() { vec![job.id] } else { makers.clone() };
        let labels: Vec<String> = again
            .iter()
            .map(|id| format!("`{}`", self.shared.pipeline.nodes[*id as usize].label()))
            .collect();
        sink.emit(&Event::Warning {
            message: format!(
                "a stored result of {} is damaged or gone; it is computed again",
                labels.join(", ")
            ),
        });
        self.keys[job.id as usize] = None;
        self.status[job.id as usize] = None;
        if job.audit.is_some() {
            self.made[job.id as usize] = None;
        }
        let mut open = if makers.is_empty() { again } else { Vec::new() };
        for maker in makers {
            self.waiting[job.id as usize] += 1;
            // It may be on its way already, for another node that misses the same bytes.
            if self.made[maker as usize].take().is_some() {
                self.status[maker as usize] = None;
                self.forced[maker as usize] = true;
                open.push(maker);
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

    /// The log of the run. Nodes keep their places in the pipeline, wanted or not, since reports refer to them by place.
    fn into_log(mut self, took: Duration) -> RunLog {
        let mut summary = RunSummary { elapsed_s: took.as_secs_f64(), ..RunSummary::default() };
        let nodes = self.shared.pipeline.nodes.iter().enumerate().map(|(id, node)| {
            let (manifest, status) = (self.made[id].take(), self.status[id]);
            if self.dag.wanted(id as NodeId) {
                summary.nodes += 1;
                match status {
                    Some(NodeStatus::Cached) => summary.cached += 1,
                    Some(NodeStatus::Ran | NodeStatus::Joined) => summary.ran += 1,
                    Some(NodeStatus::Failed) => summary.failed += 1,
                    Some(NodeStatus::Cancelled) => summary.cancelled += 1,
                    Some(NodeStatus::Skipped) | None => summary.skipped += 1,
                }
            }
            let input = |input: &crate::Input| {
                let port = node.stage.spec.inputs[usize::from(input.port)].name.to_string();
                (port, input.node as usize, input.part.to_string())
            };
            NodeRecord {
                label: node.label(),
                name: node.name.to_string(),
                index: node.index.iter().map(|(axis, value)| (axis.to_string(), value.clone())).collect(),
                stage: node.stage.spec.name.clone(),
                params: Arc::clone(&node.params),
                inputs: node.inputs.iter().map(input).collect(),
                place: self.places.of(id as NodeId),
                status: status.unwrap_or(NodeStatus::Skipped),
                key: self.keys[id].map(|keys| keys.exact),
                artifact: manifest.as_ref().map(|m| Arc::clone(&m.artifact)),
                metrics: manifest.as_ref().map(|m| m.metrics.clone()).unwrap_or_default(),
                series: manifest.as_ref().map(|m| m.series.clone()).unwrap_or_default(),
                elapsed_s: manifest.map_or(0.0, |m| m.elapsed_s),
                error: self.errors.remove(&(id as NodeId)),
            }
        });
        let nodes = nodes.collect();
        RunLog {
            pipeline: self.shared.pipeline.path.clone(),
            doc: self.shared.pipeline.doc.clone(),
            params: self.shared.pipeline.params.clone(),
            device: self.shared.options.device,
            nodes,
            reports: self.shared.pipeline.reports.clone(),
            summary,
        }
    }
}

/// How the message of a node begins whose stage panicked: that is our bug and not the user's.
pub const PANICKED: &str = "a bug in the stage: it panicked: ";

/// Threads that compute nodes, begun when they are needed.
struct Workers<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    shared: &'s Shared<'s>,
    sender: Sender<Message>,
    all: Vec<(Sender<Box<Job>>, ScopedJoinHandle<'s, ()>)>,
    idle: Vec<usize>,
    busy: usize,
}

impl<'s, 'e> Workers<'s, 'e> {
    fn new(scope: &'s Scope<'s, 'e>, shared: &'s Shared<'s>, sender: Sender<Message>) -> Self {
        Self { scope, shared, sender, all: Vec::new(), idle: Vec::new(), busy: 0 }
    }

    fn give(&mut self, job: Box<Job>) {
        let worker = self.idle.pop().unwrap_or_else(|| {
            let number = self.all.len();
            let (jobs, queue) = mpsc::channel();
            let (shared, sender) = (self.shared, self.sender.clone());
            let thread = self.scope.spawn(move || work(number, shared, &queue, &sender));
            self.all.push((jobs, thread));
            number
        });
        self.busy += 1;
        self.all[worker].0.send(job).expect("a worker waits for jobs until its sender is dropped");
    }

    fn done(&mut self, worker: usize) {
        self.busy -= 1;
        self.idle.push(worker);
    }

    /// The next message; none now and then, so that the dispatcher can look after the store.
    fn hear(&self, receiver: &Receiver<Message>) -> Option<Message> {
        match receiver.recv_timeout(SYNC_EVERY) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the dispatcher holds a sender itself"),
        }
    }
}

/// A worker: computes one node after another. A stage with tensors computes in a pool of as many threads as it has cores.
fn work(number: usize, shared: &Shared<'_>, queue: &Receiver<Box<Job>>, sender: &Sender<Message>) {
    let mut pools: BTreeMap<usize, ThreadPool> = BTreeMap::new();
    while let Ok(job) = queue.recv() {
        let stage = &shared.pipeline.nodes[job.id as usize].stage;
        let pooled = stage.spec.wants == Wants::Tensors && matches!(stage.code, StageCode::Builtin(_));
        let outcome = if pooled {
            let pool = pools.entry(job.cores).or_insert_with(|| {
                ThreadPoolBuilder::new()
                    .num_threads(job.cores)
                    .build()
                    .expect("the system gives a few threads")
            });
            let sender = sender.clone();
            pool.install(|| live(&job, shared, &sender))
        } else {
            live(&job, shared, sender)
        };
        if sender.send(Message::Done { worker: number, job, outcome }).is_err() {
            return;
        }
    }
}
