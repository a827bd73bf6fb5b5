//! Checking all that is in the store.

use crate::{Store, StoreError};

/// Something in the store that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// `object`, `manifest`, `checkpoint`, `run`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub problem: String,
    /// Whether it was set aside.
    pub repaired: bool,
}

/// What a check of the whole store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Objects hashed.
    pub objects: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// Manifests read.
    pub manifests: u64,
    /// What is damaged.
    pub damaged: Vec<Damage>,
}

impl Store {
    /// Hashes every object and reads every manifest. With `repair` what is damaged is set aside, so that the next run
    /// recomputes it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn verify(&self, _repair: bool) -> Result<VerifyReport, StoreError> {
        todo!()
    }
}
