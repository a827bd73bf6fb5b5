//! Stages: what computes, what it takes and makes, and how it speaks while it runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Artifact, Blobs, Kind, Output, ParamError, ParamSpec, Params, PartSpec, Port, Record, StageError, View,
};

/// What a stage needs to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wants {
    /// One core; the device is no part of its key.
    #[default]
    Core,
    /// Tensors: all cores it is given, or a GPU when the run's device is one. The device class is part of its key.
    Tensors,
}

/// The class of device that tensors live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// The published work behind a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Title.
    pub title: &'static str,
    /// First author and year, as a reader cites it.
    pub cite: &'static str,
    /// Where to read it.
    pub url: &'static str,
}

/// A number that a stage reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSpec {
    /// Name: `scores.f1` is the metric `f1`.
    pub name: Cow<'static, str>,
    /// What it measures, with its unit.
    pub doc: Cow<'static, str>,
    /// Whether it is a curve over steps and not one number.
    pub series: bool,
}

/// What a stage is, apart from its code.
#[derive(Debug, Clone)]
pub struct Spec {
    /// `folder.verb`.
    pub name: String,
    /// Bumped when an input's meaning changes and tokens cannot show it.
    pub version: u32,
    /// Digest of the source that can move its numbers.
    pub code: String,
    /// What it runs on.
    pub wants: Wants,
    /// One sentence.
    pub summary: String,
    /// Inputs, in the order in which they may be given without names.
    pub inputs: Vec<Port>,
    /// The kind it makes.
    pub output: Kind,
    /// Named parts of what it makes.
    pub parts: Vec<PartSpec>,
    /// Numbers and curves it reports.
    pub metrics: Vec<MetricSpec>,
    /// The published work behind it.
    pub paper: Option<&'static Paper>,
}

impl Spec {
    /// A stage without inputs that makes an artifact of kind `output`.
    pub fn new(name: &str, code: &str, output: &'static str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
            code: code.to_owned(),
            wants: Wants::Core,
            summary: summary.to_owned(),
            inputs: Vec::new(),
            output: Kind::of(output),
            parts: Vec::new(),
            metrics: Vec::new(),
            paper: None,
        }
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, port: Port) -> Self {
        self.inputs.push(port);
        self
    }

    /// Adds a part of the output.
    #[must_use]
    pub fn part(mut self, name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        self.parts.push(PartSpec::of(name, kind, doc));
        self
    }

    /// Adds a number that the stage reports.
    #[must_use]
    pub fn metric(mut self, name: &'static str, doc: &'static str) -> Self {
        self.metrics.push(MetricSpec { name: name.into(), doc: doc.into(), series: false });
        self
    }

    /// Adds a curve over steps that the stage reports.
    #[must_use]
    pub fn series(mut self, name: &'static str, doc: &'static str) -> Self {
        self.metrics.push(MetricSpec { name: name.into(), doc: doc.into(), series: true });
        self
    }

    /// Says that the stage computes with tensors.
    #[must_use]
    pub fn tensors(mut self) -> Self {
        self.wants = Wants::Tensors;
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Names the published work behind the stage.
    #[must_use]
    pub fn paper(mut self, paper: &'static Paper) -> Self {
        self.paper = Some(paper);
        self
    }
}

/// What happens around a stage while it runs; the engine's side of [`Ctx`].
pub trait Host: Sync {
    /// Whether the run is being stopped.
    fn cancelled(&self) -> bool;
    /// `done` of `total` units of work are done; `note` is a word such as the loss.
    fn progress(&self, done: u64, total: u64, unit: &str, note: &str);
    /// Keeps a checkpoint in place of the one before; it survives a kill.
    ///
    /// # Errors
    /// [`StageError`] when the disk refuses.
    fn save(&self, state: &[u8]) -> Result<(), StageError>;
    /// The last checkpoint of this very computation, if an earlier run left one.
    fn load(&self) -> Option<Vec<u8>>;
}

/// A host that listens to nothing, for tests and benches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullHost;

impl Host for NullHost {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: u64, _: u64, _: &str, _: &str) {}
    fn save(&self, _: &[u8]) -> Result<(), StageError> {
        Ok(())
    }
    fn load(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A curve: values at steps, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    /// Name.
    pub name: String,
    /// Step and value.
    pub points: Vec<(u64, f64)>,
}

/// How a stage speaks while it runs: progress, numbers, checkpoints.
pub struct Ctx<'a> {
    host: &'a dyn Host,
    device: Device,
    gpu: u32,
    metrics: BTreeMap<String, f64>,
    series: BTreeMap<String, Series>,
}

impl<'a> Ctx<'a> {
    /// A context on `device` that tells `host`.
    pub fn new(host: &'a dyn Host, device: Device) -> Self {
        Self { host, device, gpu: 0, metrics: BTreeMap::new(), series: BTreeMap::new() }
    }

    /// The same on the GPU of this number, where there are several.
    #[must_use]
    pub fn on_gpu(self, gpu: u32) -> Self {
        Self { gpu, ..self }
    }

    /// The class of device to compute on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Which of the machine's GPUs to compute on, from 0, if it is to be one.
    pub fn gpu(&self) -> u32 {
        self.gpu
    }

    /// Reports a number that the stage's [`Spec`] names; the last value counts.
    pub fn metric(&mut self, name: &str, value: f64) {
        self.metrics.insert(name.to_owned(), value);
    }

    /// Adds a point to a curve that the stage's [`Spec`] names. A step told again (after a resume) replaces the old.
    pub fn point(&mut self, name: &str, step: u64, value: f64) {
        let series = self
            .series
            .entry(name.to_owned())
            .or_insert_with(|| Series { name: name.to_owned(), points: Vec::new() });
        let keep = series.points.partition_point(|(s, _)| *s < step);
        series.points.truncate(keep);
        series.points.push((step, value));
    }

    /// Tells how far the work is.
    pub fn progress(&self, done: u64, total: u64, unit: &str, note: &str) {
        self.host.progress(done, total, unit, note);
    }

    /// Ends the stage when the run is being stopped; call it between units of work.
    ///
    /// # Errors
    /// [`StageError::Cancelled`].
    pub fn stop_point(&self) -> Result<(), StageError> {
        if self.host.cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }

    /// Whether the run is being stopped: save a checkpoint, then return [`StageError::Cancelled`].
    pub fn cancelled(&self) -> bool {
        self.host.cancelled()
    }

    /// Keeps `state` and the curves so far; a run that is stopped later goes on from here.
    ///
    /// # Errors
    /// [`StageError`] when the disk refuses.
    pub fn checkpoint(&self, state: &[u8]) -> Result<(), StageError> {
        let series: Vec<&Series> = self.series.values().collect();
        let head = serde_json::to_vec(&series).map_err(|e| StageError::Other(e.to_string()))?;
        let mut bytes = Vec::with_capacity(8 + head.len() + state.len());
        bytes.extend((head.len() as u64).to_le_bytes());
        bytes.extend(head);
        bytes.extend(state);
        self.host.save(&bytes)
    }

    /// The state last given to [`checkpoint`](Self::checkpoint) by this very computation; its curves are restored.
    pub fn resume(&mut self) -> Option<Vec<u8>> {
        let bytes = self.host.load()?;
        let (length, rest) = bytes.split_at_checked(8)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (head, state) = rest.split_at_checked(length)?;
        let series: Vec<Series> = serde_json::from_slice(head).ok()?;
        self.series = series.into_iter().map(|s| (s.name.clone(), s)).collect();
        Some(state.to_vec())
    }

    /// What was reported: numbers by name, curves in order of their names.
    pub fn into_reported(self) -> (BTreeMap<String, f64>, Vec<Series>) {
        (self.metrics, self.series.into_values().collect())
    }
}

/// The artifacts that arrived at a stage's ports.
pub struct Inputs<'a> {
    ports: BTreeMap<String, Vec<Artifact>>,
    blobs: &'a dyn Blobs,
}

impl<'a> Inputs<'a> {
    /// Inputs by port; bytes come from `blobs`.
    pub fn new(ports: BTreeMap<String, Vec<Artifact>>, blobs: &'a dyn Blobs) -> Self {
        Self { ports, blobs }
    }

    /// The artifact at a port that takes one.
    ///
    /// # Errors
    /// [`StageError::Input`] when nothing arrived there.
    pub fn one(&self, port: &str) -> Result<View<'_>, StageError> {
        self.optional(port).ok_or_else(|| StageError::Input(format!("nothing arrived at input `{port}`")))
    }

    /// The artifact at a port that may be left out.
    pub fn optional(&self, port: &str) -> Option<View<'_>> {
        self.ports.get(port).and_then(|artifacts| artifacts.first()).map(|a| View::new(a, self.blobs))
    }

    /// The artifacts at a port that takes many.
    pub fn many(&self, port: &str) -> Vec<View<'_>> {
        self.ports.get(port).into_iter().flatten().map(|a| View::new(a, self.blobs)).collect()
    }

    /// All artifacts by port.
    pub fn ports(&self) -> &BTreeMap<String, Vec<Artifact>> {
        &self.ports
    }

    /// Where the bytes are.
    pub fn blobs(&self) -> &dyn Blobs {
        self.blobs
    }
}

/// A stage: a pure function of parameters, inputs and device.
///
/// No clock, no environment, no print, no random generator but streams derived from a `seed` parameter, and no file
/// but those given as `path` parameters.
pub trait Stage: Send + Sync {
    /// Its parameters.
    type Params: Params;

    /// What it is.
    fn spec(&self) -> Spec;

    /// Does the work.
    ///
    /// # Errors
    /// [`StageError`] that says what is wrong and where.
    fn run(&self, params: &Self::Params, inputs: &Inputs<'_>, cx: &mut Ctx<'_>)
    -> Result<Output, StageError>;
}

/// A [`Stage`] with its parameter type erased.
pub trait DynStage: Send + Sync {
    /// What it is.
    fn spec(&self) -> Spec;
    /// Its parameters.
    fn schema(&self) -> Vec<ParamSpec>;
    /// Whether it can read a record, each number in its Rust type.
    ///
    /// # Errors
    /// All that is wrong with it.
    fn check(&self, record: &Record) -> Result<(), Vec<ParamError>>;
    /// Does the work with a record that was checked before.
    ///
    /// # Errors
    /// As [`Stage::run`].
    fn run(&self, record: &Record, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError>;
}

impl<S: Stage> DynStage for S {
    fn spec(&self) -> Spec {
        Stage::spec(self)
    }

    fn schema(&self) -> Vec<ParamSpec> {
        S::Params::schema()
    }

    fn check(&self, record: &Record) -> Result<(), Vec<ParamError>> {
        S::Params::decode(record).map(drop)
    }

    fn run(&self, record: &Record, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let params = S::Params::decode(record).map_err(|errors| {
            StageError::Other(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        Stage::run(self, &params, inputs, cx)
    }
}

/// A kind: layout, meaning and checker.
#[derive(Clone, Copy)]
pub struct KindSpec {
    /// Name.
    pub name: &'static str,
    /// Which files it has and what they mean.
    pub layout: &'static str,
    /// Says what is wrong with an artifact that claims to be of this kind.
    pub check: fn(&View<'_>) -> Result<(), StageError>,
}

struct Entry {
    spec: Spec,
    schema: Vec<ParamSpec>,
    stage: &'static dyn DynStage,
}

/// All stages and kinds that a pipeline may name.
#[derive(Default)]
pub struct Registry {
    stages: BTreeMap<String, Entry>,
    kinds: BTreeMap<&'static str, KindSpec>,
}

impl Registry {
    /// A registry of these stages and kinds.
    ///
    /// # Panics
    /// When two stages or two kinds share a name.
    pub fn new(stages: &[&'static dyn DynStage], kinds: &[KindSpec]) -> Self {
        let mut registry = Self::default();
        for stage in stages {
            let (spec, schema) = (stage.spec(), stage.schema());
            let name = spec.name.clone();
            let old = registry.stages.insert(name.clone(), Entry { spec, schema, stage: *stage });
            assert!(old.is_none(), "two stages are named `{name}`");
        }
        for kind in kinds {
            let old = registry.kinds.insert(kind.name, *kind);
            assert!(old.is_none(), "two kinds are named `{}`", kind.name);
        }
        registry
    }

    /// The stage `name` with its description and parameters.
    pub fn stage(&self, name: &str) -> Option<(&'static dyn DynStage, &Spec, &[ParamSpec])> {
        self.stages.get(name).map(|e| (e.stage, &e.spec, e.schema.as_slice()))
    }

    /// Names of all stages, in order.
    pub fn stage_names(&self) -> impl Iterator<Item = &str> {
        self.stages.keys().map(String::as_str)
    }

    /// The kind `name`.
    pub fn kind(&self, name: &str) -> Option<&KindSpec> {
        self.kinds.get(name)
    }

    /// All kinds, in order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = &KindSpec> {
        self.kinds.values()
    }
}
