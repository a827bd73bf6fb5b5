//! Recorded runs.

use std::fmt;
use std::str::FromStr;

use runpipe_base::{Device, RunLog, RunSummary};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// A run's name: `r000042`. A later run has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:06}", self.0)
    }
}

impl FromStr for RunId {
    type Err = StoreError;

    /// Reads `r000042`, `r42` or `42`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let digits = text.strip_prefix('r').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(StoreError::NoRun { id: text.to_owned() });
        }
        digits.parse().map(Self).map_err(|_| StoreError::NoRun { id: text.to_owned() })
    }
}

/// A run in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// Its name.
    pub id: RunId,
    /// The pipeline's file, as it was named.
    pub pipeline: String,
    /// When it was recorded, seconds since 1970 (UTC).
    pub created: u64,
    /// The class of device.
    pub device: Device,
    /// How it went.
    pub summary: RunSummary,
}

impl Store {
    /// Records a run.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn save_run(&self, _log: &RunLog) -> Result<RunId, StoreError> {
        todo!()
    }

    /// All runs, oldest first. Damaged records are left out with a warning.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        todo!()
    }

    /// The whole log of a run.
    ///
    /// # Errors
    /// [`StoreError::NoRun`], `Damaged`, or the disk's refusal.
    pub fn load_run(&self, _id: RunId) -> Result<RunLog, StoreError> {
        todo!()
    }

    /// The last run of the pipeline in this file.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn last_run_of(&self, _pipeline: &str) -> Result<Option<RunInfo>, StoreError> {
        todo!()
    }
}
