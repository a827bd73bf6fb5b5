//! Claims: one process computes a key, the others wait for it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runpipe_base::{Artifact, BlobError, FileEntry, Key, Kind, Output, PartSpec};
use rustix::fs::FlockOperation;

use crate::disk::{FROZEN, Folder, Name, PLAIN};
use crate::lock::{self, Lock};
use crate::{Draft, Manifest, Store, StoreError, layout, manifest};

/// The answer to [`Store::claim`].
pub enum Claim {
    /// It is computed already.
    Hit(Box<Manifest>),
    /// It is this caller's to compute. Dropping the slot gives it back.
    Mine(Slot),
    /// Another process (or thread) computes it.
    Busy(Holder),
}

impl Store {
    /// Takes `key` to compute it, finds it computed, or finds who computes it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; `ReadOnly` when it is to be computed and cannot be kept.
    pub fn claim(&self, key: &Key) -> Result<Claim, StoreError> {
        if self.0.lease.is_err()
            && let Some(manifest) = self.lookup(key)?
        {
            return Ok(Claim::Hit(manifest.into()));
        }
        let claim = self.claim_anew(key)?;
        // Looked up under the lock: who held it before may have committed.
        Ok(match self.lookup(key)? {
            Some(manifest) => Claim::Hit(manifest.into()),
            None => claim,
        })
    }

    /// Takes `key` to compute it although its result may be here (`--force`), or finds who computes it; never a hit.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub fn claim_anew(&self, key: &Key) -> Result<Claim, StoreError> {
        let disk = self.writable()?;
        let name = key.hex();
        Ok(match disk.spares.take(&disk.locks, &name)? {
            Ok(lock) => Claim::Mine(Slot { store: self.clone(), key: *key, lock: Some(lock) }),
            Err(file) => Claim::Busy(Holder { file, folder: Arc::clone(&disk.locks), name }),
        })
    }
}

/// Who computes a key.
pub struct Holder {
    file: File,
    folder: Arc<Folder>,
    name: String,
}

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The holder is done, gave up or died: claim again.
    Free,
    /// The time is up and the holder still computes.
    TimedOut,
    /// `should_stop` said so.
    Stopped,
}

impl Holder {
    /// The process that computes the key, as far as it told.
    pub fn pid(&self) -> Option<u32> {
        let mut digits = [0; 10];
        let length = self.file.read_at(&mut digits, 0).ok()?;
        std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
    }

    /// Waits until the key is free, `timeout` is over or `should_stop` says so (asked at least every 50 ms).
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn wait(&self, timeout: Duration, should_stop: &dyn Fn() -> bool) -> Result<Waited, StoreError> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let failed = |e| self.folder.error("lock", &self.name, e);
        loop {
            if !lock::is_named(&self.folder, &self.name, &self.file).map_err(failed)? {
                return Ok(Waited::Free);
            }
            // A shared lock, given back at once: those who wait do not shut each other out.
            if lock::get_lock(&self.file, FlockOperation::NonBlockingLockShared).map_err(failed)? {
                rustix::fs::flock(&self.file, FlockOperation::Unlock).map_err(failed)?;
                return Ok(Waited::Free);
            }
            if should_stop() {
                return Ok(Waited::Stopped);
            }
            let Some(left) = timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(Waited::TimedOut);
            };
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The right to compute one key: an OS lock that a crash frees.
pub struct Slot {
    store: Store,
    key: Key,
    /// There until it is dropped.
    lock: Option<Lock>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            self.store.0.spares.give_back(lock, &self.store.0.scratch);
        }
    }
}

/// The first word of a checkpoint.
const CHECKPOINT: &str = "runpipe-checkpoint-1 ";

/// Work from this many seconds on is worth a flush of its own.
const WORTH_S: f64 = 0.05;
/// Results from this many bytes on are worth a flush of their own.
const WORTH_BYTES: u64 = 64 << 10;

impl Slot {
    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Stores `output` as the key's result: objects first, manifest last. Its checkpoint is removed.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses or a path could leave a folder; nothing is visible then.
    pub fn commit(self, draft: Draft, output: &Output) -> Result<Manifest, StoreError> {
        let artifact = self.put(output)?;
        self.finish(draft, artifact)
    }

    /// Stores the files of an output and says what they are, without making them anyone's result yet:
    /// look at the artifact, then [`seal`](Self::seal) it.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn put(&self, output: &Output) -> Result<Artifact, StoreError> {
        layout::check_output(output)?;
        self.put_checked(output)
    }

    fn put_checked(&self, output: &Output) -> Result<Artifact, StoreError> {
        let mut artifact = Artifact { kind: output.kind.clone(), files: [].into(), parts: [].into() };
        for (path, bytes) in &output.files {
            let digest = self.store.put_bytes(bytes)?;
            artifact.files.insert(path.clone(), FileEntry { digest, size: bytes.len() as u64 });
        }
        for (name, part) in &output.parts {
            artifact.parts.insert(name.clone(), self.put_checked(part)?);
        }
        Ok(artifact)
    }

    /// Stores the files below `dir` (what a command left there) as an artifact of kind `kind`: a sub-folder named as one of
    /// `parts` is that part, everything else is a file by its relative path. [`seal`](Self::seal) makes it the result.
    ///
    /// Links to files and folders within `dir` are followed.
    ///
    /// # Errors
    /// [`StoreError::Special`] for links that leave the folder, sockets, devices and names that are not UTF-8.
    pub fn import(&self, dir: &Path, kind: Kind, parts: &[PartSpec]) -> Result<Artifact, StoreError> {
        crate::import::import(&self.store, dir, kind, parts)
    }

    /// Makes `artifact`, whose objects are in the store ([`put`](Self::put), [`import`](Self::import)), the key's result.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn seal(self, draft: Draft, artifact: Artifact) -> Result<Manifest, StoreError> {
        layout::check(&artifact)?;
        for (_, entry) in artifact.entries() {
            if !self.store.has_object(&Name::of(entry.digest.as_bytes()), entry.size)? {
                return Err(BlobError::Missing(entry.digest).into());
            }
        }
        self.finish(draft, artifact)
    }

    fn finish(self, draft: Draft, artifact: Artifact) -> Result<Manifest, StoreError> {
        let disk = self.store.writable()?;
        let (manifest, recipe) = Manifest::of(self.key, draft, artifact);
        let worth = manifest.elapsed_s >= WORTH_S || manifest.artifact.size() >= WORTH_BYTES;
        if worth {
            self.store.sync_objects(&manifest.artifact)?;
        }
        let name = Name::of(self.key.as_bytes());
        let bytes = manifest.encode(&recipe);
        let mut temp = disk.scratch.temp(PLAIN)?;
        temp.write(&bytes)?;
        // The looser key first: a crash in between leaves the exact one, and so both, to be made again.
        if let Some(also) = manifest.also.filter(|also| *also != self.key) {
            let also = Name::of(also.as_bytes());
            // One file under two names where that can be; an older result's name is taken over.
            if !temp.place_new(&disk.keys, also.as_str()).unwrap_or(false) {
                disk.scratch.place(&disk.keys, also.as_str(), PLAIN, &[&bytes], worth)?;
            } else if worth {
                disk.keys.sync_names(also.as_str())?;
            }
        }
        temp.place(&disk.keys, name.as_str(), worth)?;
        if !worth {
            self.store.sync_later(name, &manifest.artifact);
        }
        // A checkpoint of a finished computation is never read; `gc` takes one that stays.
        let _ = disk.checkpoints.remove(&self.key.hex());
        Ok(manifest)
    }

    /// Keeps `state` as the key's checkpoint, in place of the one before; it survives kills and power failures.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; the checkpoint before is still there then.
    pub fn save_checkpoint(&self, state: &[u8]) -> Result<(), StoreError> {
        let disk = self.store.writable()?;
        let head = manifest::head(CHECKPOINT, state);
        disk.scratch.place(&disk.checkpoints, &self.key.hex(), FROZEN, &[head.as_bytes(), state], true)
    }

    /// The key's last checkpoint, if there is one and it is whole.
    pub fn load_checkpoint(&self) -> Option<Vec<u8>> {
        let name = self.key.hex();
        let bytes = match self.store.0.checkpoints.read(&name) {
            Ok(found) => found?.2,
            Err(e) => {
                self.store.warn(format!("{e}; starting without the checkpoint"));
                return None;
            }
        };
        if let Some(state) = manifest::unseal(CHECKPOINT, &bytes) {
            return Some(state.to_vec());
        }
        self.store.set_aside(&self.store.0.checkpoints, &name, &format!("checkpoint-{name}"));
        self.store.warn(format!(
            "the checkpoint of key `{}` was damaged; it is set aside, starting without it",
            self.key.short()
        ));
        None
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Whether the bytes are those of a whole checkpoint.
pub(crate) fn is_checkpoint(bytes: &[u8]) -> bool {
    manifest::unseal(CHECKPOINT, bytes).is_some()
}
