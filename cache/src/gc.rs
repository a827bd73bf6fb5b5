//! Garbage collection and pins.

use std::time::Duration;

use runpipe_base::Key;

use crate::{Store, StoreError};

/// What garbage collection may remove. What pins, recent runs and running processes use always stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcOptions {
    /// Remove, least recently used first, until results are no more than this many bytes.
    pub max_size: Option<u64>,
    /// The results of this many last runs of each pipeline stay.
    pub keep_runs: usize,
    /// Remove what was not used for so long.
    pub older_than: Option<Duration>,
    /// Only say what would be removed.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// Without `max_size` and `older_than`: everything that the last run of each pipeline and the pins do not use.
    fn default() -> Self {
        Self { max_size: None, keep_runs: 1, older_than: None, dry_run: false }
    }
}

/// One thing that garbage collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What: `result`, `object`, `checkpoint`, `run`, `leftover`, `quarantined`.
    pub what: &'static str,
    /// Its name: a key, a digest, a run.
    pub name: String,
    /// More for a person: a result's stage.
    pub note: String,
    /// Bytes.
    pub size: u64,
    /// Why it goes.
    pub reason: String,
}

/// What garbage collection did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcReport {
    /// What went, results first.
    pub removed: Vec<Removed>,
    /// Bytes freed.
    pub freed: u64,
    /// Bytes of objects, manifests and checkpoints that stay.
    pub kept: u64,
    /// Results that stay because a pin names them.
    pub kept_by_pins: usize,
    /// Results that stay because a recent run used them.
    pub kept_by_runs: usize,
    /// Results that stay because a running process may be using them.
    pub kept_by_use: usize,
    /// Results that stay because neither age nor size asks for more.
    pub kept_by_budget: usize,
}

/// Results that a person wants to keep, under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The name.
    pub name: String,
    /// The keys.
    pub keys: Vec<Key>,
}

impl Store {
    /// Removes what nobody needs. Safe beside running processes.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn gc(&self, _options: &GcOptions) -> Result<GcReport, StoreError> {
        todo!()
    }

    /// Keeps the results of `keys` from garbage collection, under `name`; replaces the pin of that name.
    ///
    /// # Errors
    /// [`StoreError::BadName`], or the disk's refusal.
    pub fn pin(&self, _name: &str, _keys: &[Key]) -> Result<(), StoreError> {
        todo!()
    }

    /// Removes the pin `name`; says whether there was one.
    ///
    /// # Errors
    /// As [`pin`](Self::pin).
    pub fn unpin(&self, _name: &str) -> Result<bool, StoreError> {
        todo!()
    }

    /// All pins, in order of their names.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses or a pin is damaged.
    pub fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        todo!()
    }
}
