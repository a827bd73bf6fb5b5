//! Objects: bytes by what they are, stored once, verified on every read, flushed one by one or in groups.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, Mutex, Weak};

use runpipe_base::{Artifact, BlobError, Blobs, Digest};

use crate::disk::{FROZEN, Folder, Name, stamp_of};
use crate::store::lock;
use crate::{Store, StoreError};

/// Objects from this size on are held in memory once, however many read them at a time.
const SHARED: usize = 1 << 20;

/// Large objects that someone holds just now.
pub(crate) type InUse = Mutex<BTreeMap<Digest, Weak<[u8]>>>;

impl Blobs for Store {
    fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, BlobError> {
        if let Some(bytes) = lock(&self.0.in_use).get(digest).and_then(Weak::upgrade) {
            return Ok(bytes);
        }
        let bytes = self.read_verified(digest)?;
        if bytes.len() >= SHARED {
            let mut in_use = lock(&self.0.in_use);
            in_use.retain(|_, held| held.strong_count() > 0);
            in_use.insert(*digest, Arc::downgrade(&bytes));
        }
        Ok(bytes)
    }
}

impl Store {
    fn read_verified(&self, digest: &Digest) -> Result<Arc<[u8]>, BlobError> {
        let name = Name::of(digest.as_bytes());
        let failed = |e: std::io::Error| BlobError::Io { digest: *digest, message: e.to_string() };
        let mut file = match self.0.objects.file(name.as_str()) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(BlobError::Missing(*digest)),
            Err(e) => return Err(failed(e.into())),
        };
        let size = file.metadata().map_err(failed)?.len();
        // Made at its final place: no second copy of a large object.
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, size as usize).collect();
        let buffer = Arc::get_mut(&mut bytes).expect("made just now, with one owner");
        let mut hasher = blake3::Hasher::new();
        // In pieces that are hashed while they are still in the processor's cache.
        for piece in buffer.chunks_mut(256 << 10) {
            match file.read_exact(piece) {
                Ok(()) => {}
                // It shrank meanwhile: no digest holds for the zeros at its end.
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {}
                Err(e) => return Err(failed(e)),
            }
            hasher.update(piece);
        }
        if hasher.finalize().as_bytes() == digest.as_bytes() {
            Ok(bytes)
        } else {
            self.set_object_aside(digest);
            Err(BlobError::Damaged(*digest))
        }
    }

    /// Makes everything committed so far survive a power failure. Cheap when there is nothing to do.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.save_memo();
        let Unsynced { objects, keys, runs, many } = std::mem::take(&mut *lock(&self.0.unsynced));
        if many {
            return self.0.keys.sync_disk();
        }
        flush(&self.0.objects, objects.iter().map(Name::as_str))?;
        flush(&self.0.keys, keys.iter().map(Name::as_str))?;
        flush(&self.0.runs, runs.iter().map(String::as_str))
    }

    /// Whether every object of `artifact` is there with its size.
    pub(crate) fn is_whole(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        for entry in artifact.files.values() {
            let name = Name::of(entry.digest.as_bytes());
            match self.0.objects.stat(name.as_str()) {
                Ok(Some(stat)) if stat.st_size as u64 == entry.size => {}
                Ok(Some(_)) => {
                    self.set_object_aside(&entry.digest);
                    return Ok(false);
                }
                Ok(None) => return Ok(false),
                Err(e) => return Err(self.0.objects.error("read", name.as_str(), e)),
            }
        }
        for part in artifact.parts.values() {
            if !self.is_whole(part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the object is there with this size, and is kept there.
    pub(crate) fn has_object(&self, name: &Name, size: u64) -> Result<bool, StoreError> {
        let objects = &self.0.objects;
        let failed = |e| objects.error("read", name.as_str(), e);
        let Some(stat) = objects.stat(name.as_str()).map_err(failed)? else { return Ok(false) };
        if stat.st_size as u64 != size {
            return Ok(false);
        }
        if stamp_of(&stat) >= self.0.fresh {
            return Ok(true);
        }
        match objects.file(name.as_str()).map_err(failed)? {
            Some(file) => self.use_now(&file, &stat).map_err(failed),
            None => Ok(false),
        }
    }

    /// Stores `bytes` as an object.
    pub(crate) fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let name = Name::of(digest.as_bytes());
        if !self.has_object(&name, bytes.len() as u64)? {
            self.0.scratch.place(&self.0.objects, name.as_str(), FROZEN, &[bytes], false)?;
        }
        Ok(digest)
    }

    /// Flushes the objects of `artifact` and their names.
    pub(crate) fn sync_objects(&self, artifact: &Artifact) -> Result<(), StoreError> {
        let mut names = BTreeSet::new();
        collect(artifact, &mut names);
        flush(&self.0.objects, names.iter().map(Name::as_str))
    }

    pub(crate) fn set_object_aside(&self, digest: &Digest) {
        self.set_aside(&self.0.objects, Name::of(digest.as_bytes()).as_str(), &format!("object-{digest}"));
        self.warn(format!("object `{}` was damaged; it is set aside and computed again", digest.short()));
    }

    /// Leaves the flushing of a small result to the next [`sync`](Self::sync).
    pub(crate) fn sync_later(&self, key: Name, artifact: &Artifact) {
        let mut unsynced = lock(&self.0.unsynced);
        unsynced.many |= unsynced.objects.len() + unsynced.keys.len() >= MANY;
        if !unsynced.many {
            let mut names = BTreeSet::new();
            collect(artifact, &mut names);
            unsynced.objects.extend(names);
            unsynced.keys.push(key);
        }
    }

    /// Leaves the flushing of a run's record to the next [`sync`](Self::sync).
    pub(crate) fn sync_run_later(&self, run: String, body: Name) {
        let mut unsynced = lock(&self.0.unsynced);
        unsynced.objects.push(body);
        unsynced.runs.push(run);
    }
}

/// Up to this many files are flushed one by one; beyond, their whole disk is.
const MANY: usize = 64;

/// Files written and not yet flushed.
#[derive(Default)]
pub(crate) struct Unsynced {
    objects: Vec<Name>,
    keys: Vec<Name>,
    runs: Vec<String>,
    many: bool,
}

fn collect(artifact: &Artifact, names: &mut BTreeSet<Name>) {
    names.extend(artifact.files.values().map(|entry| Name::of(entry.digest.as_bytes())));
    for part in artifact.parts.values() {
        collect(part, names);
    }
}

fn flush<'a>(folder: &Folder, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), StoreError> {
    for name in names.clone() {
        folder.sync_file(name)?;
    }
    let mut last = None;
    for name in names {
        let shard = name.split_once('/').map(|(shard, _)| shard);
        if last.replace(shard) != Some(shard) {
            folder.sync_names(name)?;
        }
    }
    Ok(())
}
