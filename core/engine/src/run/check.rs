//! What came out, held against what was to come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use runpipe_base::{Artifact, BlobError, Blobs, Digest, Kind, Output, Registry, StageError, View};
use runpipe_cache::{Manifest, Store};

use super::{Fault, Job, Made, Shared};

/// Holds what a stage made against what it declares.
pub(super) fn checked(job: &Job, shared: &Shared<'_>, made: &Made, blobs: &dyn Blobs) -> Result<(), Fault> {
    let spec = &shared.pipeline.nodes[job.id as usize].stage.spec;
    let wrong = |message: String| Fault::Stage(StageError::Other(message));
    if !spec.output.takes(&made.artifact.kind) {
        return Err(wrong(format!(
            "`{}` made `{}` instead of `{}`",
            spec.name, made.artifact.kind, spec.output
        )));
    }
    for part in &spec.parts {
        match made.artifact.parts.get(part.name.as_ref()) {
            None => return Err(wrong(format!("`{}` did not make its part `{}`", spec.name, part.name))),
            Some(found) if !part.kind.takes(&found.kind) => {
                return Err(wrong(format!(
                    "part `{}` is `{}` instead of `{}`",
                    part.name, found.kind, part.kind
                )));
            }
            Some(_) => {}
        }
    }
    if let Some(name) =
        made.artifact.parts.keys().find(|name| spec.parts.iter().all(|part| part.name != **name))
    {
        return Err(wrong(format!("`{}` made a part `{name}` that it does not declare", spec.name)));
    }
    for (name, value) in &made.metrics {
        if !spec.metrics.iter().any(|metric| metric.name == *name && !metric.series) {
            return Err(wrong(format!(
                "`{}` reported a number `{name}` that it does not declare",
                spec.name
            )));
        }
        if !value.is_finite() {
            return Err(wrong(format!("metric `{name}` is {value}")));
        }
    }
    if let Some(curve) =
        made.series.iter().find(|c| spec.metrics.iter().all(|m| m.name != c.name || !m.series))
    {
        return Err(wrong(format!(
            "`{}` reported a curve `{}` that it does not declare",
            spec.name, curve.name
        )));
    }
    check_kinds(&made.artifact, shared.registry, blobs)
}

/// Every kind has a checker: what does not satisfy it is the producing stage's error.
fn check_kinds(artifact: &Artifact, registry: &Registry, blobs: &dyn Blobs) -> Result<(), Fault> {
    if let Some(kind) = registry.kind(artifact.kind.as_str()).filter(|_| artifact.kind != Kind::ANY) {
        (kind.check)(&View::new(artifact, blobs)).map_err(|error| match error {
            StageError::Input(message) => StageError::Input(format!(
                "{message}; `runpipe stages describe {}` says what one holds",
                artifact.kind
            )),
            error => error,
        })?;
    }
    artifact.parts.values().try_for_each(|part| check_kinds(part, registry, blobs))
}

/// What a stage has just handed over, still in memory: a check need not read it from the disk.
pub(super) struct Fresh<'a> {
    bytes: BTreeMap<Digest, &'a [u8]>,
    store: &'a Store,
}

impl<'a> Fresh<'a> {
    /// The bytes of `output`, which was stored as `artifact`.
    pub(super) fn of(output: &'a Output, artifact: &Artifact, store: &'a Store) -> Self {
        let mut fresh = Self { bytes: BTreeMap::new(), store };
        fresh.add(output, artifact);
        fresh
    }

    fn add(&mut self, output: &'a Output, artifact: &Artifact) {
        for (bytes, entry) in output.files.values().zip(artifact.files.values()) {
            self.bytes.insert(entry.digest, bytes);
        }
        for (part, artifact) in output.parts.values().zip(artifact.parts.values()) {
            self.add(part, artifact);
        }
    }
}

impl Blobs for Fresh<'_> {
    fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, BlobError> {
        self.bytes.get(digest).map_or_else(|| self.store.read(digest), |bytes| Ok((*bytes).into()))
    }
}

/// The first thing in which a result differs from the stored one.
pub(super) fn difference(stored: &Manifest, made: &Made) -> Option<String> {
    let (before, now) = (stored.artifact.entries(), made.artifact.entries());
    for (path, entry) in &before {
        match now.iter().find(|(other, _)| other == path) {
            None => return Some(format!("it has no file `{path}` any more")),
            Some((_, other)) if other.digest != entry.digest => {
                return Some(format!("file `{path}` is different"));
            }
            Some(_) => {}
        }
    }
    if let Some((path, _)) = now.iter().find(|(path, _)| before.iter().all(|(other, _)| other != path)) {
        return Some(format!("it has a new file `{path}`"));
    }
    let names = stored.metrics.keys().chain(made.metrics.keys());
    for name in names {
        let (before, now) = (stored.metrics.get(name), made.metrics.get(name));
        if before.map(|x| x.to_bits()) != now.map(|x| x.to_bits()) {
            return Some(format!("metric `{name}` is {} and was {}", shown(now), shown(before)));
        }
    }
    (stored.series != made.series).then(|| "a curve is different".to_owned())
}

fn shown(value: Option<&f64>) -> String {
    value.map_or_else(|| "missing".to_owned(), ToString::to_string)
}
