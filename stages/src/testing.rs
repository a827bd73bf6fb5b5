//! Stages run without an engine: artifacts in memory, every output checked against what its stage declares.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use runpipe_base::{
    Artifact, Ctx, Device, Host, Inputs, MemoryBlobs, NullHost, Output, Registry, Series, StageError, Value,
    View,
};

/// Keeps artifacts in memory and runs stages on them.
pub(crate) struct Bench {
    registry: Registry,
    blobs: MemoryBlobs,
}

/// What a stage made and said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    pub(crate) artifact: Artifact,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) series: Vec<Series>,
}

impl Ran {
    pub(crate) fn part(&self, path: &str) -> &Artifact {
        self.artifact.part(path).expect("the part is there")
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { registry: crate::registry(), blobs: MemoryBlobs::default() }
    }

    /// Runs a stage that must do well.
    pub(crate) fn run(&mut self, stage: &str, params: &[(&str, Value)], inputs: &[(&str, &Artifact)]) -> Ran {
        self.attempt(stage, params, inputs).unwrap_or_else(|e| panic!("`{stage}` failed: {e}"))
    }

    pub(crate) fn attempt(
        &mut self,
        stage: &str,
        params: &[(&str, Value)],
        inputs: &[(&str, &Artifact)],
    ) -> Result<Ran, StageError> {
        self.attempt_on(&NullHost, stage, params, inputs)
    }

    pub(crate) fn attempt_on(
        &mut self,
        host: &dyn Host,
        stage: &str,
        params: &[(&str, Value)],
        inputs: &[(&str, &Artifact)],
    ) -> Result<Ran, StageError> {
        let (run, spec, _) = self.registry.stage(stage).expect("the stage is registered");
        let record = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut ports: BTreeMap<String, Vec<Artifact>> = BTreeMap::new();
        for (port, artifact) in inputs {
            ports.entry((*port).to_owned()).or_default().push((*artifact).clone());
        }
        let mut cx = Ctx::new(host, Device::Cpu);
        let output = run.run(&record, &Inputs::new(ports, &self.blobs), &mut cx)?;
        let (metrics, series) = cx.into_reported();
        let declared = |name: &str| spec.metrics.iter().any(|m| m.name == name);
        assert!(
            metrics.keys().all(|name| declared(name)),
            "`{stage}` reports what it does not declare: {metrics:?}"
        );
        assert!(series.iter().all(|s| declared(&s.name)), "`{stage}` draws what it does not declare");
        assert!(metrics.values().all(|v| v.is_finite()), "`{stage}` reports {metrics:?}");
        assert_eq!(output.kind, spec.output, "`{stage}` makes what it declares");
        let parts: Vec<_> = spec.parts.iter().map(|p| (p.name.to_string(), p.kind.clone())).collect();
        for (name, kind) in &parts {
            assert_eq!(
                output.parts.get(name).map(|p| &p.kind),
                Some(kind),
                "`{stage}` makes its part `{name}`"
            );
        }
        assert_eq!(output.parts.len(), parts.len(), "`{stage}` declares all its parts");
        let artifact = self.blobs.keep(output);
        self.check(&artifact);
        Ok(Ran { artifact, metrics, series })
    }

    /// Holds an artifact and its parts against their kinds.
    fn check(&self, artifact: &Artifact) {
        let kind = self.registry.kind(artifact.kind.as_str()).expect("the kind is registered");
        (kind.check)(&self.view(artifact)).unwrap_or_else(|e| panic!("not a `{}`: {e}", artifact.kind));
        artifact.parts.values().for_each(|part| self.check(part));
    }

    pub(crate) fn keep(&mut self, output: Output) -> Artifact {
        self.blobs.keep(output)
    }

    pub(crate) fn view<'a>(&'a self, artifact: &'a Artifact) -> View<'a> {
        View::new(artifact, &self.blobs)
    }

    pub(crate) fn text(&self, artifact: &Artifact, path: &str) -> String {
        self.view(artifact).text(path).expect("the file is there")
    }
}

/// A host that stops a run after some steps and keeps its checkpoint.
pub(crate) struct StopAfter {
    left: AtomicU64,
    steps: AtomicU64,
    kept: Mutex<Option<Vec<u8>>>,
}

impl StopAfter {
    pub(crate) fn new(steps: u64) -> Self {
        Self { left: AtomicU64::new(steps), steps: AtomicU64::new(0), kept: Mutex::new(None) }
    }

    /// Stops no more, and counts steps anew.
    pub(crate) fn go_on(&self) {
        self.left.store(u64::MAX, Ordering::Relaxed);
        self.steps.store(0, Ordering::Relaxed);
    }

    /// Steps since the last start.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
}

impl Host for StopAfter {
    fn cancelled(&self) -> bool {
        self.steps() >= self.left.load(Ordering::Relaxed)
    }
    fn progress(&self, _: u64, _: u64, _: &str, _: &str) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
    fn save(&self, state: &[u8]) -> Result<(), StageError> {
        *self.kept.lock().expect("no test panics while it holds this") = Some(state.to_vec());
        Ok(())
    }
    fn load(&self) -> Option<Vec<u8>> {
        self.kept.lock().expect("no test panics while it holds this").clone()
    }
}

/// A whole number as a value.
pub(crate) fn int(i: i64) -> Value {
    Value::Int(i)
}

/// A text as a value.
pub(crate) fn text(s: &str) -> Value {
    Value::Str(s.to_owned())
}

/// A path as a value.
pub(crate) fn path(p: &std::path::Path) -> Value {
    Value::Path(p.display().to_string())
}

/// A folder of real data, where `RUNPIPE_DATA` names one; says that the test is skipped otherwise.
pub(crate) fn data(name: &str) -> Option<std::path::PathBuf> {
    let found = std::env::var_os("RUNPIPE_DATA").map(|root| std::path::Path::new(&root).join(name));
    let found = found.filter(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: RUNPIPE_DATA names no folder with `{name}`");
    }
    found
}
