//! Artifacts: what a node makes. Open files in a Merkle tree, with named parts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Digest, Hasher};

/// The name of a layout and its meaning, `noun/detail`, such as `corpus/ner` or `weights`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// The kind that a port takes when it takes all.
    pub const ANY: Self = Self::of("any");

    /// A kind known when the program is built.
    pub const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A kind that a `.pipe` file names.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a port of this kind takes an artifact of kind `found`.
    pub fn takes(&self, found: &Self) -> bool {
        *self == Self::ANY || self == found
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An input of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Name, as used in `name = …` and by [`Inputs`](crate::Inputs).
    pub name: Cow<'static, str>,
    /// The kind of artifact it takes.
    pub kind: Kind,
    /// Whether it takes any number of artifacts, in order.
    pub many: bool,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is for, one sentence.
    pub doc: Cow<'static, str>,
}

impl Port {
    /// A port for exactly one artifact.
    pub const fn one(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind: Kind::of(kind),
            many: false,
            optional: false,
            doc: Cow::Borrowed(doc),
        }
    }

    /// A port that may be left out.
    pub const fn optional(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        let mut port = Self::one(name, kind, doc);
        port.optional = true;
        port
    }

    /// A port for any number of artifacts.
    pub const fn many(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        let mut port = Self::one(name, kind, doc);
        port.many = true;
        port
    }
}

/// A named part of an artifact, as its maker declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSpec {
    /// Name: `corpus.train` is the part `train`.
    pub name: Cow<'static, str>,
    /// The part's own kind.
    pub kind: Kind,
    /// What is in it, one sentence.
    pub doc: Cow<'static, str>,
}

impl PartSpec {
    /// A part known when the program is built.
    pub const fn of(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind: Kind::of(kind), doc: Cow::Borrowed(doc) }
    }
}

/// One file of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// What is in it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// What a node made: files by relative path (`/` between folders) and parts, each an artifact of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Layout and meaning.
    pub kind: Kind,
    /// Files that belong to the artifact itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, FileEntry>,
    /// Named parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Artifact>,
}

impl Artifact {
    /// The digest of the whole tree: kind, paths and contents.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("runpipe artifact 1");
        hasher.str(self.kind.as_str()).u64(self.files.len() as u64);
        for (path, entry) in &self.files {
            hasher.str(path).digest(&entry.digest);
        }
        hasher.u64(self.parts.len() as u64);
        for (name, part) in &self.parts {
            hasher.str(name).digest(&part.digest());
        }
        hasher.finish_digest()
    }

    /// The part at a dotted path such as `train` or `a.b`; the artifact itself for the empty path.
    pub fn part(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .filter(|name| !name.is_empty())
            .try_fold(self, |artifact, name| artifact.parts.get(name))
    }

    /// Every file below the artifact, parts as folders, in order of their paths.
    pub fn entries(&self) -> Vec<(String, FileEntry)> {
        let mut entries: Vec<_> = self.files.iter().map(|(path, entry)| (path.clone(), *entry)).collect();
        for (name, part) in &self.parts {
            entries.extend(part.entries().into_iter().map(|(path, entry)| (format!("{name}/{path}"), entry)));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries
    }

    /// The bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.values().map(|e| e.size).sum::<u64>() + self.parts.values().map(Self::size).sum::<u64>()
    }
}

/// A blob cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// No blob of that digest is there.
    #[error("object `{}` is missing", .0.short())]
    Missing(Digest),
    /// The bytes on disk are not those that the digest names.
    #[error("object `{}` is damaged", .0.short())]
    Damaged(Digest),
    /// The disk refused.
    #[error("cannot read object `{}`: {message}", digest.short())]
    Io {
        /// The object.
        digest: Digest,
        /// The system's words.
        message: String,
    },
}

/// Where bytes come from.
pub trait Blobs: Send + Sync {
    /// The bytes that `digest` names, verified.
    ///
    /// # Errors
    /// [`BlobError`] when they are missing, damaged or unreadable.
    fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, BlobError>;
}

/// Blobs in memory, for tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs(BTreeMap<Digest, Arc<[u8]>>);

impl MemoryBlobs {
    /// Keeps what `output` holds and returns the artifact that names it.
    pub fn keep(&mut self, output: Output) -> Artifact {
        let files = output.files.into_iter().map(|(path, bytes)| {
            let entry = FileEntry { digest: Digest::of(&bytes), size: bytes.len() as u64 };
            self.0.insert(entry.digest, bytes.into());
            (path, entry)
        });
        let files = files.collect();
        let parts = output.parts.into_iter().map(|(name, part)| (name, self.keep(part))).collect();
        Artifact { kind: output.kind, files, parts }
    }
}

impl Blobs for MemoryBlobs {
    fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, BlobError> {
        self.0.get(digest).cloned().ok_or(BlobError::Missing(*digest))
    }
}

/// An artifact with a way to its bytes.
#[derive(Clone, Copy)]
pub struct View<'a> {
    artifact: &'a Artifact,
    blobs: &'a dyn Blobs,
}

impl<'a> View<'a> {
    /// Looks at `artifact`, whose bytes are in `blobs`.
    pub fn new(artifact: &'a Artifact, blobs: &'a dyn Blobs) -> Self {
        Self { artifact, blobs }
    }

    /// The artifact.
    pub fn artifact(&self) -> &'a Artifact {
        self.artifact
    }

    /// The kind.
    pub fn kind(&self) -> &'a Kind {
        &self.artifact.kind
    }

    /// Whether there is a file at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.artifact.files.contains_key(path)
    }

    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// [`StageError::Input`](crate::StageError) when there is no such file, `Blob` when its bytes cannot be had.
    pub fn bytes(&self, path: &str) -> Result<Arc<[u8]>, crate::StageError> {
        let entry = self.artifact.files.get(path).ok_or_else(|| {
            crate::StageError::Input(format!(
                "an artifact of kind `{}` has no file `{path}`",
                self.artifact.kind
            ))
        })?;
        Ok(self.blobs.read(&entry.digest)?)
    }

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and `Input` when it is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, crate::StageError> {
        String::from_utf8(self.bytes(path)?.to_vec()).map_err(|e| {
            crate::StageError::Input(format!(
                "`{path}` is not UTF-8 at byte {}",
                e.utf8_error().valid_up_to()
            ))
        })
    }

    /// The part `name`.
    pub fn part(&self, name: &str) -> Option<Self> {
        self.artifact.parts.get(name).map(|artifact| Self { artifact, blobs: self.blobs })
    }
}

/// What a stage hands over: files and parts in memory, not yet stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Layout and meaning.
    pub kind: Kind,
    /// Bytes by relative path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Named parts.
    pub parts: BTreeMap<String, Output>,
}

impl Output {
    /// Nothing yet, of kind `kind`.
    pub fn new(kind: Kind) -> Self {
        Self { kind, files: BTreeMap::new(), parts: BTreeMap::new() }
    }

    /// Adds a file at a relative path.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), bytes.into());
        self
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, name: impl Into<String>, part: Self) -> Self {
        self.parts.insert(name.into(), part);
        self
    }
}
