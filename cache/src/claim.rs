//! Claims: one process computes a key, the others wait for it.

use std::path::Path;
use std::time::Duration;

use runpipe_base::{Artifact, Key, Kind, Output, PartSpec};

use crate::{Draft, Manifest, StoreError};

/// The answer to [`Store::claim`](crate::Store::claim).
pub enum Claim {
    /// It is computed already.
    Hit(Box<Manifest>),
    /// It is this caller's to compute. Dropping the slot gives it back.
    Mine(Slot),
    /// Another process (or thread) computes it.
    Busy(Holder),
}

/// Who computes a key.
#[derive(Debug)]
pub struct Holder(());

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
        todo!()
    }

    /// Waits until the key is free, `timeout` is over or `should_stop` says so (asked at least every 50 ms).
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn wait(&self, _timeout: Duration, _should_stop: &dyn Fn() -> bool) -> Result<Waited, StoreError> {
        todo!()
    }
}

/// The right to compute one key: an OS lock that a crash frees.
pub struct Slot(());

impl Slot {
    /// The key.
    pub fn key(&self) -> &Key {
        todo!()
    }

    /// Stores `output` as the key's result: objects first, manifest last. Its checkpoint is removed.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses or a path could leave a folder; nothing is visible then.
    pub fn commit(self, _draft: Draft, _output: Output) -> Result<Manifest, StoreError> {
        todo!()
    }

    /// Stores the files of an output and says what they are, without making them anyone's result yet:
    /// look at the artifact, then [`seal`](Self::seal) it.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn put(&mut self, _output: Output) -> Result<Artifact, StoreError> {
        todo!()
    }

    /// Stores the files below `dir` (what a command left there) as an artifact of kind `kind`: a sub-folder named as one of
    /// `parts` is that part, everything else is a file by its relative path. [`seal`](Self::seal) makes it the result.
    ///
    /// # Errors
    /// [`StoreError::Special`] for links that leave the folder, sockets, devices and names that are not UTF-8.
    pub fn import(&mut self, _dir: &Path, _kind: Kind, _parts: &[PartSpec]) -> Result<Artifact, StoreError> {
        todo!()
    }

    /// Makes `artifact`, whose objects are in the store ([`put`](Self::put), [`import`](Self::import)), the key's result.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn seal(self, _draft: Draft, _artifact: Artifact) -> Result<Manifest, StoreError> {
        todo!()
    }

    /// Keeps `state` as the key's checkpoint, in place of the one before; it survives kills and power failures.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; the checkpoint before is still there then.
    pub fn save_checkpoint(&self, _state: &[u8]) -> Result<(), StoreError> {
        todo!()
    }

    /// The key's last checkpoint, if there is one and it is whole.
    pub fn load_checkpoint(&self) -> Option<Vec<u8>> {
        todo!()
    }
}
