//! Threads that compute nodes, begun when they are needed.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use runpipe_base::{Event, NodeStatus, Wants};
use runpipe_cache::Manifest;

use crate::StageCode;
use crate::run::{Fault, Job, Shared, live};

/// What workers tell the dispatcher.
pub(crate) enum Message {
    /// Something happened.
    Event(Event),
    /// A worker is done with its node.
    Done { worker: usize, job: Box<Job>, outcome: Result<(Manifest, NodeStatus), Fault> },
}

/// The workers of a run.
pub(crate) struct Workers<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    shared: &'s Shared<'s>,
    sender: Sender<Message>,
    all: Vec<(Sender<Box<Job>>, ScopedJoinHandle<'s, ()>)>,
    idle: Vec<usize>,
    busy: usize,
}

impl<'s, 'e> Workers<'s, 'e> {
    pub(crate) fn new(scope: &'s Scope<'s, 'e>, shared: &'s Shared<'s>, sender: Sender<Message>) -> Self {
        Self { scope, shared, sender, all: Vec::new(), idle: Vec::new(), busy: 0 }
    }

    /// Whether any node is being computed.
    pub(crate) fn at_work(&self) -> bool {
        self.busy > 0
    }

    pub(crate) fn give(&mut self, job: Box<Job>) {
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

    pub(crate) fn done(&mut self, worker: usize) {
        self.busy -= 1;
        self.idle.push(worker);
    }
}

/// The next message, or none after `patience`, so that the dispatcher can look after other things.
pub(crate) fn hear(receiver: &Receiver<Message>, patience: Duration) -> Option<Message> {
    match receiver.recv_timeout(patience) {
        Ok(message) => Some(message),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => unreachable!("the dispatcher holds a sender itself"),
    }
}

/// A worker: computes one node after another. A stage with tensors computes in a pool of as many threads as it has cores.
fn work(number: usize, shared: &Shared<'_>, queue: &Receiver<Box<Job>>, sender: &Sender<Message>) {
    let mut pools: BTreeMap<usize, ThreadPool> = BTreeMap::new();
    while let Ok(job) = queue.recv() {
        let stage = &shared.pipeline.nodes[job.id as usize].stage;
        let pooled = stage.spec.wants == Wants::Tensors && matches!(stage.code, StageCode::Builtin(_));
        let outcome = if pooled {
            let pool = pools.entry(job.held.cores).or_insert_with(|| {
                ThreadPoolBuilder::new()
                    .num_threads(job.held.cores)
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
