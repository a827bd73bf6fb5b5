//! Manifests: what a key's computation made, in one small file that is written last.
//!
//! A file of four lines: a mark with the checksum of all that follows, the head (what a lookup needs), the curves, the
//! recipe (what only `why` needs, so a lookup does not parse it).

use std::collections::BTreeMap;
use std::sync::Arc;

use runpipe_base::{Artifact, Digest, Key, Series};
use serde::{Deserialize, Serialize};

use crate::number::Number;

/// One named part of what a key was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipePart {
    /// Name: `code`, `param lr`, `input corpus`, …
    pub name: String,
    /// What a person sees, maybe shortened.
    pub value: String,
    /// The whole of it; two parts are alike when their digests are.
    pub digest: Digest,
}

/// What a caller of [`Slot::commit`](crate::Slot::commit) knows of a computation besides its output.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The stage.
    pub stage: String,
    /// What the key was made of, in order.
    pub recipe: Vec<RecipePart>,
    /// Numbers it reported. They may be infinite or NaN.
    pub metrics: BTreeMap<String, f64>,
    /// Curves it reported.
    pub series: Vec<Series>,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Version of the tool.
    pub made_by: String,
    /// A second, looser key that finds the same result (the recipe without the code).
    pub also: Option<Key>,
}

/// What a key's computation made and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The key it was computed under. Found under [`Draft::also`], this is still the exact one.
    pub key: Key,
    /// The second key that finds it.
    pub also: Option<Key>,
    /// The stage.
    pub stage: String,
    /// What it made.
    pub artifact: Arc<Artifact>,
    /// Numbers it reported.
    pub metrics: BTreeMap<String, f64>,
    /// Curves it reported.
    pub series: Vec<Series>,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Version of the tool that made it.
    pub made_by: String,
}

/// The first word of a manifest; its number changes with the layout.
const MARK: &str = "runpipe-manifest-1 ";

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    also: Option<Key>,
    #[serde(borrow)]
    stage: std::borrow::Cow<'a, str>,
    artifact: Arc<Artifact>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metrics: BTreeMap<String, Number>,
    elapsed_s: Number,
    made_by: std::borrow::Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Curve {
    name: String,
    points: Vec<(u64, Number)>,
}

impl Manifest {
    /// The manifest of `draft`'s computation, which made `artifact`.
    pub(crate) fn of(key: Key, draft: Draft, artifact: Artifact) -> (Self, Vec<RecipePart>) {
        let Draft { stage, recipe, metrics, series, elapsed_s, made_by, also } = draft;
        let artifact = Arc::new(artifact);
        (Self { key, also, stage, artifact, metrics, series, elapsed_s, made_by }, recipe)
    }

    /// The bytes of the file.
    pub(crate) fn encode(&self, recipe: &[RecipePart]) -> Vec<u8> {
        let head = Head {
            key: self.key,
            also: self.also,
            stage: self.stage.as_str().into(),
            artifact: Arc::clone(&self.artifact),
            metrics: self.metrics.iter().map(|(name, x)| (name.clone(), Number(*x))).collect(),
            elapsed_s: Number(self.elapsed_s),
            made_by: self.made_by.as_str().into(),
        };
        let curves: Vec<Curve> = self.series.iter().map(Curve::of).collect();
        let mut body = Vec::with_capacity(1024);
        let written = serde_json::to_writer(&mut body, &head).and_then(|()| {
            body.push(b'\n');
            if !curves.is_empty() {
                serde_json::to_writer(&mut body, &curves)?;
            }
            body.push(b'\n');
            serde_json::to_writer(&mut body, recipe)
        });
        written.expect("plain data with text keys, written to memory");
        body.push(b'\n');
        seal(MARK, &body)
    }

    /// The manifest in `bytes`, its recipe unparsed; `None` when they are not those that were written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, curves, _) = lines(bytes)?;
        let head: Head<'_> = serde_json::from_slice(head).ok()?;
        let series = if curves.is_empty() {
            Vec::new()
        } else {
            serde_json::from_slice::<Vec<Curve>>(curves).ok()?.into_iter().map(Curve::series).collect()
        };
        Some(Self {
            key: head.key,
            also: head.also,
            stage: head.stage.into_owned(),
            artifact: head.artifact,
            metrics: head.metrics.into_iter().map(|(name, x)| (name, x.0)).collect(),
            series,
            elapsed_s: head.elapsed_s.0,
            made_by: head.made_by.into_owned(),
        })
    }

    /// The recipe in the manifest `bytes`.
    pub(crate) fn decode_recipe(bytes: &[u8]) -> Option<Vec<RecipePart>> {
        let (_, _, recipe) = lines(bytes)?;
        serde_json::from_slice(recipe).ok()
    }

    /// Whether `key` is a name of this manifest.
    pub(crate) fn answers(&self, key: &Key) -> bool {
        self.key == *key || self.also.as_ref() == Some(key)
    }
}

impl Curve {
    fn of(series: &Series) -> Self {
        let points = series.points.iter().map(|(step, x)| (*step, Number(*x))).collect();
        Self { name: series.name.clone(), points }
    }

    fn series(self) -> Series {
        Series { name: self.name, points: self.points.into_iter().map(|(step, x)| (step, x.0)).collect() }
    }
}

fn lines(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let body = unseal(MARK, bytes)?;
    let mut lines = body.split(|b| *b == b'\n');
    Some((lines.next()?, lines.next()?, lines.next()?))
}

/// Puts `mark` and the checksum of `body` on a line before it.
pub(crate) fn seal(mark: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(mark, body).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The line that [`seal`] puts before `body`.
pub(crate) fn head(mark: &str, body: &[u8]) -> String {
    format!("{mark}{}\n", Digest::of(body))
}

/// What [`seal`] sealed under this mark, if every byte is as it was.
pub(crate) fn unseal<'a>(mark: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, rest) = bytes.strip_prefix(mark.as_bytes())?.split_at_checked(64)?;
    let body = rest.strip_prefix(b"\n")?;
    let sum: Digest = std::str::from_utf8(sum).ok()?.parse().ok()?;
    (sum == Digest::of(body)).then_some(body)
}
