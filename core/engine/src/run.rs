//! One node's life: claim its key, do the work, check what came out, keep it.

mod check;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use runpipe_base::{
    Artifact, BlobError, Ctx, Digest, Event, Host, Inputs, NodeStatus, Registry, Series, StageError, Value,
};
use runpipe_cache::{Claim, Draft, Manifest, Slot, Store, StoreError};

use self::check::{Fresh, checked, difference};
use crate::recipe::{Keys, Recipe};
use crate::schedule::{Held, Message};
use crate::{Cancel, NodeId, Pipeline, RunOptions, StageCode, command};

/// What all nodes of a run share.
pub(crate) struct Shared<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) store: &'a Store,
    pub(crate) registry: &'a Registry,
    pub(crate) options: &'a RunOptions,
    pub(crate) cancel: &'a Cancel,
}

/// A node that is ready, with what it may use.
pub(crate) struct Job {
    pub(crate) id: NodeId,
    pub(crate) label: String,
    pub(crate) keys: Keys,
    /// What arrives, by port.
    pub(crate) inputs: BTreeMap<String, Vec<Artifact>>,
    /// The digests of what arrives, in the order of the node's inputs.
    pub(crate) arrived: Vec<Digest>,
    /// What it holds while it runs.
    pub(crate) held: Held,
    /// Compute it although its result is in the store.
    pub(crate) force: bool,
    /// The result to compare with, when this is an audit.
    pub(crate) audit: Option<std::sync::Arc<Manifest>>,
    /// Seconds it took before, if known.
    pub(crate) expected_s: Option<f64>,
    /// Whether it was told that another process computes it.
    pub(crate) waited: bool,
}

/// Why a node could not be computed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The stage's own reason.
    Stage(StageError),
    /// The stage panicked: a bug of ours.
    Panic(String),
    /// The store refuses: the whole run ends.
    Store(StoreError),
    /// Bytes of an input are gone: their maker runs again.
    Blob(Digest),
    /// The run is being stopped.
    Cancelled,
    /// Another process computes the key just now.
    Busy,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Blob(error) => error.into(),
            StoreError::BadPath { .. } | StoreError::Special { .. } => {
                Self::Stage(StageError::Other(error.to_string()))
            }
            error => Self::Store(error),
        }
    }
}

impl From<BlobError> for Fault {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(digest) | BlobError::Damaged(digest) => Self::Blob(digest),
            BlobError::Io { .. } => Self::Stage(StageError::Blob(error)),
        }
    }
}

impl From<StageError> for Fault {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Blob(error) => error.into(),
            StageError::Cancelled => Self::Cancelled,
            error => Self::Stage(error),
        }
    }
}

/// What a stage handed over, stored but not yet anyone's result.
pub(crate) struct Made {
    pub(crate) artifact: Artifact,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) series: Vec<Series>,
}

/// Computes a node, or finds that another process did.
pub(crate) fn live(
    job: &Job,
    shared: &Shared<'_>,
    events: &Sender<Message>,
) -> Result<(Manifest, NodeStatus), Fault> {
    let slot = match claim(job, shared.store)? {
        Ok(slot) => slot,
        Err(manifest) => return Ok((*manifest, NodeStatus::Joined)),
    };
    let node = &shared.pipeline.nodes[job.id as usize];
    let tries = node.hints.retries + 1;
    for attempt in 1..=tries {
        send(
            events,
            Event::Started {
                node: job.id as usize,
                label: job.label.clone(),
                stage: node.stage.spec.name.clone(),
                attempt,
                expected_s: job.expected_s,
            },
        );
        let begun = Instant::now();
        match attempt_once(job, shared, &slot, events) {
            Ok(made) => return keep(job, shared, slot, made, begun.elapsed()),
            Err(Fault::Stage(error)) if attempt < tries => {
                send(
                    events,
                    Event::Failed {
                        node: job.id as usize,
                        label: job.label.clone(),
                        message: error.to_string(),
                        stderr: stderr_of(&error).to_owned(),
                        place: String::new(),
                        retry: true,
                    },
                );
            }
            Err(fault) => return Err(fault),
        }
    }
    unreachable!("the last try returns")
}

/// The last lines that a command wrote to stderr.
pub(crate) fn stderr_of(error: &StageError) -> &str {
    match error {
        StageError::Command { stderr, .. } => stderr,
        _ => "",
    }
}

fn send(events: &Sender<Message>, event: Event) {
    // The dispatcher outlives every worker; were it gone, nobody would listen.
    let _ = events.send(Message::Event(event));
}

/// The right to compute, or the result of somebody who did meanwhile.
fn claim(job: &Job, store: &Store) -> Result<Result<Slot, Box<Manifest>>, Fault> {
    let anew = job.force || job.audit.is_some();
    match if anew { store.claim_anew(&job.keys.exact)? } else { store.claim(&job.keys.exact)? } {
        Claim::Mine(slot) => Ok(Ok(slot)),
        Claim::Hit(manifest) => Ok(Err(manifest)),
        Claim::Busy(_) => Err(Fault::Busy),
    }
}

fn attempt_once(
    job: &Job,
    shared: &Shared<'_>,
    slot: &Slot,
    events: &Sender<Message>,
) -> Result<Made, Fault> {
    let node = &shared.pipeline.nodes[job.id as usize];
    let timeout = node.hints.timeout_ms.map(Duration::from_millis);
    let host = NodeHost {
        shared,
        job,
        slot,
        events,
        deadline: timeout.map(|timeout| Instant::now() + timeout),
        begun: Instant::now(),
        last_told_ms: AtomicU64::new(0),
        refused: Mutex::new(None),
    };
    let result = match &node.stage.code {
        StageCode::Command(stage) => command::run(stage, job, shared, slot, host.deadline)
            .and_then(|made| checked(job, shared, &made, shared.store).map(|()| made)),
        StageCode::Builtin(stage) => {
            let inputs = Inputs::new(job.inputs.clone(), shared.store);
            let gpu = job.held.gpus.first().copied().unwrap_or(0);
            let mut cx = Ctx::new(&host, shared.options.device).on_gpu(gpu);
            let run = AssertUnwindSafe(|| stage.run(&node.params, &inputs, &mut cx));
            match catch_unwind(run) {
                Err(panic) => Err(Fault::Panic(words_of(&*panic))),
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(output)) => {
                    let (metrics, series) = cx.into_reported();
                    let artifact = slot.put(&output)?;
                    let fresh = Fresh::of(&output, &artifact, shared.store);
                    let made = Made { artifact, metrics, series };
                    checked(job, shared, &made, &fresh).map(|()| made)
                }
            }
        }
    };
    if let Some(error) = host.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(Fault::Store(error));
    }
    match (result, timeout) {
        (Err(Fault::Cancelled), Some(timeout)) if shared.cancel.level() == 0 => {
            Err(Fault::Stage(StageError::Other(format!(
                "took longer than its time limit of {}",
                Value::Duration(timeout.as_millis() as u64)
            ))))
        }
        (result, _) => result,
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Seals the result, or compares it with the stored one.
fn keep(
    job: &Job,
    shared: &Shared<'_>,
    slot: Slot,
    made: Made,
    took: Duration,
) -> Result<(Manifest, NodeStatus), Fault> {
    let node = &shared.pipeline.nodes[job.id as usize];
    let recipe = Recipe { node, inputs: &job.arrived, device: shared.options.device, store: shared.store };
    if node.params.values().any(holds_path) && recipe.keys(false)?.exact != job.keys.exact {
        let message = "a file that it reads was changed while it ran; run it again when nothing writes to it";
        return Err(Fault::Stage(StageError::Other(message.to_owned())));
    }
    if let Some(stored) = &job.audit {
        return match difference(stored, &made) {
            None => Ok((Manifest::clone(stored), NodeStatus::Cached)),
            Some(what) => Err(Fault::Stage(StageError::Other(format!("audit: computed again, {what}")))),
        };
    }
    let also = match node.stage.code {
        StageCode::Builtin(_) => recipe.keys(true)?.loose,
        StageCode::Command(_) => None,
    };
    let draft = Draft {
        stage: node.stage.spec.name.clone(),
        recipe: recipe.parts()?,
        metrics: made.metrics,
        series: made.series,
        elapsed_s: took.as_secs_f64(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        also,
    };
    Ok((slot.seal(draft, made.artifact)?, NodeStatus::Ran))
}

fn holds_path(value: &Value) -> bool {
    match value {
        Value::Path(_) => true,
        Value::List(items) => items.iter().any(holds_path),
        _ => false,
    }
}

/// The engine's side of a running stage.
struct NodeHost<'a> {
    shared: &'a Shared<'a>,
    job: &'a Job,
    slot: &'a Slot,
    events: &'a Sender<Message>,
    deadline: Option<Instant>,
    begun: Instant,
    last_told_ms: AtomicU64,
    /// What the store said when it refused a checkpoint.
    refused: Mutex<Option<StoreError>>,
}

/// A stage may tell its progress at every step; people see it this often.
const TELL_EVERY_MS: u64 = 100;

impl NodeHost<'_> {
    /// An audit and a forced run begin at the beginning.
    fn afresh(&self) -> bool {
        self.job.force || self.job.audit.is_some()
    }
}

impl Host for NodeHost<'_> {
    fn cancelled(&self) -> bool {
        self.shared.cancel.level() > 0 || self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    fn progress(&self, done: u64, total: u64, unit: &str, note: &str) {
        let now = self.begun.elapsed().as_millis() as u64;
        if done < total && now < self.last_told_ms.load(Ordering::Relaxed) + TELL_EVERY_MS {
            return;
        }
        self.last_told_ms.store(now, Ordering::Relaxed);
        let (unit, note) = (unit.to_owned(), note.to_owned());
        send(self.events, Event::Progress { node: self.job.id as usize, done, total, unit, note });
    }

    fn save(&self, state: &[u8]) -> Result<(), StageError> {
        if self.job.audit.is_some() {
            return Ok(());
        }
        self.slot.save_checkpoint(state).map_err(|error| {
            let words = StageError::Other(error.to_string());
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            words
        })
    }

    fn load(&self) -> Option<Vec<u8>> {
        if self.afresh() { None } else { self.slot.load_checkpoint() }
    }
}

/// The folder of the store in which commands work.
pub(crate) fn scratch(store: &Store) -> std::path::PathBuf {
    store.root().join(Path::new("v1").join("tmp"))
}
